#include "cmd/sandbox_parts.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRIVILEGED_PORTS 1024

static bool may_bind(const struct config *config, enum role role)
{
	return role == ROLE_API && config->api.port > 0 && config->api.port < PRIVILEGED_PORTS;
}

/* From the bounding set too, where we may: without it, no program that is started later gets any
 * back. Who may not is no root, and has no_new_privs against that. */
static void bounds_drop(unsigned kept)
{
	for (unsigned long one = 0; prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; one++)
		if (one != kept)
			(void)prctl(PR_CAPBSET_DROP, one, 0, 0, 0);
}

/* kept: a capability, or CAP_LAST_CAP + 1 for none. */
static bool capabilities_drop(unsigned kept, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct had[2] = { 0 }, data[2] = { 0 };
	if (syscall(SYS_capget, &head, had) != 0)
		return err_set(err, ERR_NOT_DONE, "capabilities: %s", strerror(errno));
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	bounds_drop(kept);
	if (kept <= CAP_LAST_CAP) {
		data[kept / 32].permitted = had[kept / 32].permitted & (1u << kept % 32);
		data[kept / 32].effective = had[kept / 32].effective & (1u << kept % 32);
	}
	return syscall(SYS_capset, &head, data) == 0 ||
	       err_set(err, ERR_NOT_DONE, "capabilities: %s", strerror(errno));
}

static bool privileges_drop(unsigned kept, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, ERR_NOT_DONE, "no_new_privs: %s", strerror(errno));
	return capabilities_drop(kept, err);
}

/* Without it the role runs as before there was one: it is no reason not to pay. A person should
 * know. */
static bool end_tell(enum sandbox_end end, const struct log *log, const struct err *why,
		     struct err *err)
{
	struct log_about about = { .action = "sandbox_incomplete",
				   .outcome = "failure",
				   .err = why };
	switch (end) {
	case SANDBOX_DONE:
		break;
	case SANDBOX_UNABLE:
		log_line(log, LOG_WARN, &about, "%s", why->text);
		break;
	case SANDBOX_FAILED:
		*err = *why;
		return err_wrap(err, "sandbox");
	}
	return true;
}

/* root opens the files of others, whatever their mode, and is told apart from nobody in a container
 * that shares the host's users. */
static void root_tell(const struct log *log)
{
	struct log_about about = { .action = "runs_as_root" };
	if (geteuid() == 0)
		log_line(log, LOG_WARN, &about,
			 "runs as root, which it does not need: give it a user of its own");
}

bool sandbox_enter(const struct config *config, enum role role, const struct log *log,
		   struct err *err)
{
	struct err why = { 0 };
	root_tell(log);
	if (config->sandbox == CONFIG_SANDBOX_OFF)
		return true;
	unsigned kept = may_bind(config, role) ? CAP_NET_BIND_SERVICE : CAP_LAST_CAP + 1;
	if (!privileges_drop(kept, err))
		return err_wrap(err, "sandbox");
	if (config->sandbox == CONFIG_SANDBOX_LOG)
		return true;
	return end_tell(sandbox_files(config, role, log, &why), log, &why, err);
}

/* By a socket of this host, which is what the client library makes of that name. */
static bool is_local(const struct config_database *database)
{
	return database->is_mysql &&
	       (database->socket != NULL || strcmp(database->host, "localhost") == 0);
}

static unsigned kinds_of(const struct config *config, enum role role)
{
	unsigned kinds = SANDBOX_CALLS_COMMON;
	if (role == ROLE_SIGNER && config->pkcs11_len > 0)
		kinds |= SANDBOX_CALLS_MODULE | SANDBOX_CALLS_STREAMS;
	if (is_local(&config->store) || (role == ROLE_SIGNER && is_local(&config->journal)) ||
	    (role == ROLE_API && config->has_replica && is_local(&config->replica)))
		kinds |= SANDBOX_CALLS_STREAMS;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	kinds |= SANDBOX_CALLS_CHECKER;
#endif
	return kinds;
}

bool sandbox_seal(const struct config *config, enum role role, const struct log *log,
		  struct err *err)
{
	struct err why = { 0 };
	bool logs_only = config->sandbox == CONFIG_SANDBOX_LOG;
	enum sandbox_end end = SANDBOX_DONE;
	if (config->sandbox != CONFIG_SANDBOX_OFF && !capabilities_drop(CAP_LAST_CAP + 1, err))
		return err_wrap(err, "sandbox");
	if (config->sandbox != CONFIG_SANDBOX_OFF)
		end = sandbox_calls(kinds_of(config, role), logs_only, log, &why);
	if (!end_tell(end, log, &why, err))
		return false;
	if (config->sandbox != CONFIG_SANDBOX_OFF) {
		struct log_about about = { .action = "sandboxed" };
		log_line(log, LOG_INFO, &about, "has only what the %s needs from here on%s",
			 role_text(role), logs_only ? ", as far as calls are noted" : "");
	}
#ifdef SLUICE_DEFENCE_SWITCHES
	sandbox_try(log);
#endif
	return true;
}

bool sandbox_supervise(const struct config *config, const struct log *log, struct err *err)
{
	struct err why = { 0 };
	if (config->sandbox == CONFIG_SANDBOX_OFF)
		return true;
	unsigned kept = may_bind(config, ROLE_API) ? CAP_NET_BIND_SERVICE : CAP_LAST_CAP + 1;
	if (!privileges_drop(kept, err))
		return err_wrap(err, "sandbox");
	enum sandbox_end end = sandbox_calls_never(config->sandbox == CONFIG_SANDBOX_LOG, &why);
	return end_tell(end, log, &why, err);
}
