/* Users over the API, and their sessions. A password comes as a hash: it was made on the thread for
 * that, and is nowhere else by now. */
#include "service/api/desk.h"

#include "base/json.h"
#include "service/admin/users.h"
#include "service/api/work.h"

#include <stdlib.h>
#include <string.h>

#define ROW_BYTES 1024

enum { NAME, ROLE, ACCOUNT };

struct desk {
	struct admin_users admin;
	char address[IP_TEXT_MAX + 1];
	int64_t now_ms;
};

static void desk_open(const struct api_options *options, const struct job *job, struct desk *desk)
{
	desk->now_ms = clock_now_ms(options->clock);
	desk->admin =
		(struct admin_users){ .store = options->store,
				      .entropy = options->entropy,
				      .identity_keys = &options->identity_keys,
				      .by = desk_actor(job, desk->address),
				      .accounts = options->accounts_required ? ADMIN_ACCOUNT_KNOWN
									     : ADMIN_ACCOUNT_ANY };
}

/* An edited row has any number there. */
static const char *role_name(const struct store_user *user)
{
	bool known = user->role >= USER_ROLE_VIEWER && user->role < USER_ROLE_COUNT;
	return known ? user_role_text(user->role) : "unknown";
}

static void user_write(const struct store_user *user, struct buf *out)
{
	json_write_member_text(out, "id", id_text(user->id).at);
	json_write_member_text(out, "name", user->name);
	json_write_member_text(out, "role", role_name(user));
	if (user->account[0] != 0)
		json_write_member_text(out, "account", user->account);
	else
		json_write_member_null(out, "account");
	json_write_member_bool(out, "second_factor_enrolled", user->totp == TOTP_CONFIRMED);
	desk_write_time(out, "created_at", user->created_at);
	desk_write_time(out, "disabled_at", user->disabled_at);
}

static bool user_answer(struct job *job, unsigned status, const struct store_user *user)
{
	struct buf *out = desk_answer(job, status, ROW_BYTES);
	buf_byte(out, '{');
	user_write(user, out);
	buf_byte(out, '}');
	return true;
}

static bool run_list(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_user rows[PAGE_MAX];
	bool sealed[PAGE_MAX];
	const struct rows_query *page = &job->desk.rows;
	size_t len = 0;
	desk_open(options, job, &desk);
	if (!admin_users_list(&desk.admin, page->after, rows, sealed, page->limit, &len, err))
		return false;
	struct buf *out = desk_answer(job, 200, len * ROW_BYTES + 128);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			buf_byte(out, ',');
		buf_byte(out, '{');
		user_write(&rows[i], out);
		json_write_member_bool(out, "sealed", sealed[i]);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
	if (len == page->limit)
		json_write_member_text(out, "next_after", rows[len - 1].name);
	else
		json_write_member_null(out, "next_after");
	buf_byte(out, '}');
	return true;
}

static bool role_read(const struct job *job, size_t field, enum user_role *ret_role,
		      struct err *err)
{
	return user_role_read(job->desk.fields[field], ret_role) ||
	       err_set(err, ERR_REFUSED, "role is viewer, operator, approver or admin");
}

static bool run_create(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_user user;
	enum user_role role;
	char name[USER_NAME_LEN_MAX + 1], account[ACCOUNT_LEN_MAX + 1];
	desk_open(options, job, &desk);
	if (!role_read(job, ROLE, &role, err) || !desk_text(job, NAME, name, sizeof name, err) ||
	    !desk_text(job, ACCOUNT, account, sizeof account, err))
		return false;
	if (account[0] == 0) /* whoever belongs to one means that */
		(void)str_copy(str_from(job->by.account), account, sizeof account);
	return admin_user_add(&desk.admin, name, account, role, job->desk.hash, desk.now_ms, &user,
			      err) &&
	       user_answer(job, 201, &user);
}

/* The name that an id has: what follows looks again. */
static bool name_load(const struct desk *desk, const struct job *job,
		      char ret_name[USER_NAME_LEN_MAX + 1], struct err *err)
{
	struct store_user user;
	struct id id;
	bool found = false;
	if (!desk_id(job, "user_unknown", &id, err) ||
	    !store_user_load(desk->admin.store, id, &user, &found, err))
		return false;
	if (!found)
		return err_refuse(err, "user_unknown", "there is no such user");
	memcpy(ret_name, user.name, sizeof user.name);
	return true;
}

static bool run_change(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_user user;
	enum user_role role = USER_ROLE_VIEWER;
	char name[USER_NAME_LEN_MAX + 1];
	desk_open(options, job, &desk);
	const struct admin_users *admin = &desk.admin;
	int64_t now_ms = desk.now_ms;
	enum desk_act act = job->desk.act;
	if ((act == DESK_USER_ROLE && !role_read(job, 0, &role, err)) ||
	    !name_load(&desk, job, name, err))
		return false;
	bool good =
		act == DESK_USER_DISABLE ? admin_user_disable(admin, name, now_ms, &user, err)
		: act == DESK_USER_ROLE ? admin_user_set_role(admin, name, role, now_ms, &user, err)
		: act == DESK_USER_PASSWORD
			? admin_user_set_password(admin, name, job->desk.hash, now_ms, &user, err)
		: act == DESK_USER_TOTP ? admin_user_reset_totp(admin, name, now_ms, &user, err)
					: admin_user_end_sessions(admin, name, now_ms, &user, err);
	return good && user_answer(job, 200, &user);
}

bool desk_users_run(const struct api_options *options, struct job *job, struct err *err)
{
	switch (job->desk.act == DESK_USERS ? 0 : job->desk.act == DESK_USER_CREATE ? 1 : 2) {
	case 0:
		return run_list(options, job, err);
	case 1:
		return run_create(options, job, err);
	}
	return run_change(options, job, err);
}
