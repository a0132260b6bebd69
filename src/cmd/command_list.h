/* The functions behind the commands of main.c's table, by file. */
#ifndef SLUICE_CMD_COMMAND_LIST_H
#define SLUICE_CMD_COMMAND_LIST_H

#include "cmd/command.h"

/* command_run.c */
enum exit_status command_run(const struct invocation *invocation);
enum exit_status command_role(const struct invocation *invocation); /* by the command's name */

/* command_store.c */
enum exit_status command_version(const struct invocation *invocation);
enum exit_status command_check_config(const struct invocation *invocation);
enum exit_status command_migrate(const struct invocation *invocation);

/* command_api_key.c */
enum exit_status command_api_key_create(const struct invocation *invocation);
enum exit_status command_api_key_rotate(const struct invocation *invocation);
enum exit_status command_api_key_revoke(const struct invocation *invocation);
enum exit_status command_api_key_list(const struct invocation *invocation);

/* command_user.c */
enum exit_status command_user_create(const struct invocation *invocation);
enum exit_status command_user_list(const struct invocation *invocation);
enum exit_status command_user_disable(const struct invocation *invocation);
enum exit_status command_user_reset_password(const struct invocation *invocation);
enum exit_status command_user_reset_totp(const struct invocation *invocation);
enum exit_status command_account_add(const struct invocation *invocation);
enum exit_status command_account_disable(const struct invocation *invocation);
enum exit_status command_account_enable(const struct invocation *invocation);
enum exit_status command_account_list(const struct invocation *invocation);
enum exit_status command_user_sessions(const struct invocation *invocation);
enum exit_status command_user_end_sessions(const struct invocation *invocation);

/* command_keys.c */
enum exit_status command_keys_init(const struct invocation *invocation);
enum exit_status command_keys_new(const struct invocation *invocation);
enum exit_status command_keys_import(const struct invocation *invocation);
enum exit_status command_keys_add(const struct invocation *invocation);
enum exit_status command_keys_address(const struct invocation *invocation);

/* command_rekey.c */
enum exit_status command_keys_rotate(const struct invocation *invocation);
enum exit_status command_rekey(const struct invocation *invocation);

/* command_wallet.c */
enum exit_status command_wallet_list(const struct invocation *invocation);
enum exit_status command_wallet_start(const struct invocation *invocation);

/* command_withdraw.c, command_status.c, command_change.c: over HTTP */
enum exit_status command_withdraw(const struct invocation *invocation);
enum exit_status command_status(const struct invocation *invocation);
enum exit_status command_cancel(const struct invocation *invocation);
enum exit_status command_speed_up(const struct invocation *invocation);
enum exit_status command_resolve(const struct invocation *invocation);
enum exit_status command_dlq_list(const struct invocation *invocation);
enum exit_status command_dlq_redrive(const struct invocation *invocation);

/* command_queues.c */
enum exit_status command_queues_create(const struct invocation *invocation);
enum exit_status command_queues_check(const struct invocation *invocation);

/* command_backup.c */
enum exit_status command_backup(const struct invocation *invocation);
enum exit_status command_restore(const struct invocation *invocation);
enum exit_status command_unpause(const struct invocation *invocation);

/* command_control.c */
enum exit_status command_pause(const struct invocation *invocation);
enum exit_status command_controls(const struct invocation *invocation);
/* Is a switch named? Then unpause lifts that one. */
bool invocation_names_switch(const struct invocation *invocation);
enum exit_status command_unpause_switch(const struct invocation *invocation);

/* command_recover.c, command_reconcile.c */
enum exit_status command_recover(const struct invocation *invocation);
enum exit_status command_reconcile(const struct invocation *invocation);

/* command_policy.c */
enum exit_status command_policy_set(const struct invocation *invocation);
enum exit_status command_policy_check(const struct invocation *invocation);
enum exit_status command_policy_show(const struct invocation *invocation);
enum exit_status command_policy_simulate(const struct invocation *invocation);

/* command_allow_list.c */
enum exit_status command_allow_list_add(const struct invocation *invocation);
enum exit_status command_allow_list_remove(const struct invocation *invocation);
enum exit_status command_allow_list_list(const struct invocation *invocation);

/* command_audit.c */
enum exit_status command_audit_verify(const struct invocation *invocation);

/* command_sim.c */
enum exit_status command_sim(const struct invocation *invocation);

#endif
