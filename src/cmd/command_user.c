/* Commands about people who log in: user create, list, disable, reset-password, reset-totp,
 * sessions, end-sessions. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/password_argon2.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/password_input.h"
#include "cmd/store_open.h"
#include "service/admin/sessions.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define USER_BYTES_MAX     1024
#define PAGE               256
#define SESSIONS_BYTES_MAX (1024 * 1024)

struct user_desk {
	struct config *config;
	struct trust_keys *trust;
	struct mac_keys identity_keys;
	struct opened_store opened;
	struct clock clock;
	struct entropy entropy;
	struct password_argon2 hasher;
	struct admin_users admin;
};

static void desk_close(struct user_desk *desk)
{
	opened_store_close(&desk->opened);
	trust_keys_free(desk->trust);
	config_free(desk->config);
}

static bool desk_fill(struct user_desk *desk, const char *config_file, struct err *err)
{
	char path[PATH_MAX];
	const struct passwd *user = getpwuid(getuid());
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	password_argon2_init(&desk->hasher);
	if (!config_load(config_file, &desk->config, err))
		return false;
	if (snprintf(path, sizeof path, "%s/admin.keys", desk->config->trust_dir) >=
	    (int)sizeof path)
		return err_set(err, ERR_REFUSED, "trust.dir is too long");
	if (!trust_keys_read(path, &desk->trust, err))
		return err_wrap(err, "`sluice keys init` makes the trust files");
	trust_keys_expire(desk->trust, clock_now_ms(&desk->clock));
	if (!trust_keys_mac_keys(desk->trust, TRUST_IDENTITY_GRANTS, &desk->identity_keys))
		return err_set(err, ERR_REFUSED, "%s has no %s key", path, TRUST_IDENTITY_GRANTS);
	if (!opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
			       &desk->opened, err))
		return false;
	desk->admin = (struct admin_users){
		.store = desk->opened.store,
		.entropy = &desk->entropy,
		.identity_keys = &desk->identity_keys,
		.hasher = &desk->hasher.base,
		.by = admin_actor_local(user != NULL ? user->pw_name : "unknown user"),
	};
	return true;
}

static bool desk_open(struct user_desk *desk, const struct invocation *invocation, struct err *err)
{
	*desk = (struct user_desk){ 0 };
	if (!secret_process_harden(err))
		return false;
	if (desk_fill(desk, invocation_option(invocation, "config"), err))
		return true;
	desk_close(desk);
	return false;
}

static void write_time(struct buf *out, const char *name, int64_t at_ms)
{
	char bytes[32];
	struct buf text = buf_of(bytes, sizeof bytes);
	if (at_ms == 0) {
		json_write_member_null(out, name);
		return;
	}
	time_write_rfc3339(at_ms, &text);
	json_write_member(out, name, buf_view(&text));
}

/* A row that somebody edited has any number there. */
static const char *role_name(const struct store_user *user)
{
	bool is_known = user->role >= USER_ROLE_VIEWER && user->role < USER_ROLE_COUNT;
	return is_known ? user_role_text(user->role) : "?";
}

static void write_user(struct buf *out, const struct store_user *user)
{
	json_write_member_text(out, "id", id_text(user->id).at);
	json_write_member_text(out, "name", user->name);
	if (user->account[0] != 0)
		json_write_member_text(out, "account", user->account);
	else
		json_write_member_null(out, "account");
	json_write_member_text(out, "role", role_name(user));
	json_write_member_bool(out, "second_factor", user->totp == TOTP_CONFIRMED);
	write_time(out, "created_at", user->created_at);
	write_time(out, "disabled_at", user->disabled_at);
}

/* What became of a command about one user. */
static enum exit_status user_tell(const struct invocation *invocation, struct user_desk *desk,
				  bool ok, const struct store_user *user, const char *what,
				  const struct err *err)
{
	if (ok && invocation->json) {
		char bytes[1024];
		struct buf out = buf_of(bytes, sizeof bytes);
		buf_byte(&out, '{');
		write_user(&out, user);
		buf_byte(&out, '}');
		(void)puts(buf_terminated(&out));
	} else if (ok) {
		(void)printf("user %s (%s) %s\n", user->name, role_name(user), what);
	}
	desk_close(desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, err);
}

enum exit_status command_user_create(const struct invocation *invocation)
{
	struct user_desk desk;
	struct store_user user;
	struct secret password = { 0 };
	enum user_role role;
	struct err err;
	const char *account = invocation_option(invocation, "account");
	const char *role_name = invocation_option(invocation, "role");
	if (role_name == NULL || !user_role_read(str_from(role_name), &role))
		return invocation_misused(invocation,
					  "--role takes viewer, operator, approver or admin");
	if (account != NULL && account[0] == 0)
		return invocation_misused(invocation, "--account is empty");
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool declared = false;
	desk.admin.accounts = ADMIN_ACCOUNT_DECLARE;
	desk.admin.declared = &declared;
	bool ok = password_input_read(invocation_option(invocation, "password-file"), &password,
				      &err) &&
		  admin_user_create(&desk.admin, invocation->arguments[0],
				    account != NULL ? account : "", role,
				    str_from_bytes(password.at, password.len),
				    clock_now_ms(&desk.clock), &user, &err);
	secret_free(&password);
	if (declared && !invocation->json)
		(void)fprintf(stderr, "account %s is new\n", account);
	return user_tell(invocation, &desk, ok, &user, "can log in", &err);
}

enum exit_status command_user_disable(const struct invocation *invocation)
{
	struct user_desk desk;
	struct store_user user;
	struct err err;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_user_disable(&desk.admin, invocation->arguments[0],
				     clock_now_ms(&desk.clock), &user, &err);
	return user_tell(invocation, &desk, ok, &user, "is disabled", &err);
}

enum exit_status command_user_reset_password(const struct invocation *invocation)
{
	struct user_desk desk;
	struct store_user user;
	struct secret password = { 0 };
	struct err err;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = password_input_read(invocation_option(invocation, "password-file"), &password,
				      &err) &&
		  admin_user_reset_password(&desk.admin, invocation->arguments[0],
					    str_from_bytes(password.at, password.len),
					    clock_now_ms(&desk.clock), &user, &err);
	secret_free(&password);
	return user_tell(invocation, &desk, ok, &user,
			 "has a new password, and all sessions are over", &err);
}

enum exit_status command_user_reset_totp(const struct invocation *invocation)
{
	struct user_desk desk;
	struct store_user user;
	struct err err;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_user_reset_totp(&desk.admin, invocation->arguments[0],
					clock_now_ms(&desk.clock), &user, &err);
	return user_tell(invocation, &desk, ok, &user,
			 "has no second factor any more, and all sessions are over", &err);
}

static void users_print_json(const struct store_user *users, const bool *sealed, size_t len)
{
	struct buf out = buf_new((len + 1) * USER_BYTES_MAX);
	buf_text(&out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		buf_text(&out, i == 0 ? "{" : ",{");
		write_user(&out, &users[i]);
		json_write_member_bool(&out, "sealed", sealed[i]);
		buf_byte(&out, '}');
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void users_print(const struct store_user *users, const bool *sealed, size_t len)
{
	(void)printf("%-24s %-10s %-16s %-13s %s\n", "NAME", "ROLE", "ACCOUNT", "SECOND FACTOR",
		     "STATE");
	for (size_t i = 0; i < len; i++) {
		const struct store_user *user = &users[i];
		const char *state = !sealed[i]               ? "changed by somebody, void"
				    : user->disabled_at != 0 ? "disabled"
							     : "valid";
		(void)printf("%-24s %-10s %-16s %-13s %s\n", user->name, role_name(user),
			     user->account[0] != 0 ? user->account : "(all)",
			     user->totp == TOTP_CONFIRMED ? "yes" : "no", state);
	}
}

/* All of them, page by page. The caller frees both, also after a failure. */
static bool users_load(const struct user_desk *desk, struct store_user **inout_users,
		       bool **inout_sealed, size_t *inout_len, struct err *err)
{
	size_t got = PAGE;
	while (got == PAGE) {
		size_t len = *inout_len;
		const char *after = len == 0 ? "" : (*inout_users)[len - 1].name;
		char last[sizeof(*inout_users)->name];
		CHECK(str_copy(str_from(after), last, sizeof last));
		*inout_users = realloc(*inout_users, (len + PAGE) * sizeof **inout_users);
		*inout_sealed = realloc(*inout_sealed, (len + PAGE) * sizeof **inout_sealed);
		CHECK(*inout_users != NULL && *inout_sealed != NULL);
		if (!admin_users_list(&desk->admin, last, *inout_users + len, *inout_sealed + len,
				      PAGE, &got, err))
			return false;
		*inout_len += got;
	}
	return true;
}

enum exit_status command_user_list(const struct invocation *invocation)
{
	struct user_desk desk;
	struct err err;
	size_t len = 0;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	struct store_user *users = NULL;
	bool *sealed = NULL;
	bool ok = users_load(&desk, &users, &sealed, &len, &err);
	if (ok && invocation->json)
		users_print_json(users, sealed, len);
	else if (ok)
		users_print(users, sealed, len);
	free(users);
	free(sealed);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

static void session_write(struct buf *out, const struct store_session *session)
{
	json_write_member_text(out, "id", id_text(session->id).at);
	write_time(out, "created_at", session->created_at);
	write_time(out, "refreshed_at", session->refreshed_at);
	write_time(out, "expires_at", session->expires_at);
	json_write_member_bool(out, "second_factor", session->second_factor_at != 0);
	json_write_member_text(out, "address", session->peer);
}

static void sessions_print_json(const struct store_session *sessions, size_t len)
{
	struct buf out = buf_new(SESSIONS_BYTES_MAX);
	buf_text(&out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		buf_text(&out, i == 0 ? "{" : ",{");
		session_write(&out, &sessions[i]);
		buf_byte(&out, '}');
	}
	buf_text(&out, "]}");
	CHECK(!out.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void sessions_print(const struct store_session *sessions, size_t len)
{
	(void)printf("%-*s  %-24s %-13s %s\n", ID_TEXT_LEN, "SESSION", "SINCE", "SECOND FACTOR",
		     "FROM");
	for (size_t i = 0; i < len; i++) {
		char bytes[32];
		struct buf since = buf_of(bytes, sizeof bytes);
		time_write_rfc3339(sessions[i].created_at, &since);
		(void)printf("%s  %-24s %-13s %s\n", id_text(sessions[i].id).at,
			     buf_terminated(&since),
			     sessions[i].second_factor_at != 0 ? "yes" : "no", sessions[i].peer);
	}
}

enum exit_status command_user_sessions(const struct invocation *invocation)
{
	struct user_desk desk;
	struct store_session sessions[SESSIONS_MAX];
	struct err err;
	size_t len = 0, broken = 0;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = admin_sessions_list(&desk.admin, invocation->arguments[0],
				      clock_now_ms(&desk.clock), sessions, &len, &broken, &err);
	if (ok && invocation->json)
		sessions_print_json(sessions, len);
	else if (ok)
		sessions_print(sessions, len);
	if (ok && broken > 0)
		(void)fprintf(stderr, "%zu more were changed by somebody, and open nothing\n",
			      broken);
	desk_close(&desk);
	return ok ? EXIT_DONE : invocation_failed(invocation, &err);
}

/* Of the person who is named: an id of somebody else's is a slip. */
static bool session_end(struct user_desk *desk, const char *name, const char *text,
			struct store_user *ret_user, struct err *err)
{
	struct store_session sessions[SESSIONS_MAX], ended;
	size_t len = 0, broken = 0;
	int64_t now_ms = clock_now_ms(&desk->clock);
	struct id id;
	bool is_theirs = false;
	if (!admin_user_find(&desk->admin, name, ret_user, err) ||
	    !admin_sessions_list(&desk->admin, name, now_ms, sessions, &len, &broken, err))
		return false;
	if (!id_read(str_from(text), &id))
		return err_set(err, ERR_REFUSED, "\"%s\" is no id of a session", text);
	for (size_t i = 0; i < len; i++)
		is_theirs |= id_equal(sessions[i].id, id);
	if (!is_theirs)
		return err_set(err, ERR_REFUSED, "%s has no open session %s", name, text);
	return admin_session_end(&desk->admin, id, now_ms, &ended, err);
}

enum exit_status command_user_end_sessions(const struct invocation *invocation)
{
	struct user_desk desk;
	struct store_user user;
	struct err err;
	const char *name = invocation->arguments[0];
	bool is_one = invocation->arguments_len > 1;
	if (!desk_open(&desk, invocation, &err))
		return invocation_failed(invocation, &err);
	bool ok = is_one ? session_end(&desk, name, invocation->arguments[1], &user, &err)
			 : admin_user_end_sessions(&desk.admin, name, clock_now_ms(&desk.clock),
						   &user, &err);
	return user_tell(invocation, &desk, ok, &user,
			 is_one ? "has one session less" : "has no session any more", &err);
}
