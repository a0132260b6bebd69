/* Sessions of other people over the API, for who manages users. */
#include "service/api/desk.h"

#include "base/json.h"
#include "service/admin/sessions.h"
#include "service/api/work.h"

#define ROW_BYTES 512

struct desk {
	struct admin_users admin;
	char address[IP_TEXT_MAX + 1];
	int64_t now_ms;
};

static void desk_open(const struct api_options *options, const struct job *job, struct desk *desk)
{
	desk->now_ms = clock_now_ms(options->clock);
	desk->admin = (struct admin_users){ .store = options->store,
					    .entropy = options->entropy,
					    .identity_keys = &options->identity_keys,
					    .by = desk_actor(job, desk->address) };
}

static void session_write(const struct store_session *session, struct buf *out)
{
	buf_byte(out, '{');
	json_write_member_text(out, "id", id_text(session->id).at);
	desk_write_time(out, "created_at", session->created_at);
	desk_write_time(out, "refreshed_at", session->refreshed_at);
	desk_write_time(out, "expires_at", session->expires_at);
	json_write_member_bool(out, "second_factor", session->second_factor_at != 0);
	json_write_member_text(out, "address", session->peer);
	buf_byte(out, '}');
}

static bool user_load(const struct desk *desk, const struct job *job, struct store_user *ret_user,
		      struct err *err)
{
	struct id id;
	bool found = false;
	if (!desk_id(job, "user_unknown", &id, err) ||
	    !store_user_load(desk->admin.store, id, ret_user, &found, err))
		return false;
	return found || err_refuse(err, "user_unknown", "there is no such user");
}

static bool run_list(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_user user;
	struct store_session sessions[SESSIONS_MAX];
	size_t len = 0, broken = 0;
	desk_open(options, job, &desk);
	if (!user_load(&desk, job, &user, err) ||
	    !admin_sessions_list(&desk.admin, user.name, desk.now_ms, sessions, &len, &broken, err))
		return false;
	if (broken > 0)
		desk_alarm(options, job, "session_seal_broken", "the row of a session was changed");
	struct buf *out = desk_answer(job, 200, SESSIONS_MAX * ROW_BYTES + 64);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		if (i > 0)
			buf_byte(out, ',');
		session_write(&sessions[i], out);
	}
	buf_text(out, "]}");
	return true;
}

static bool run_end(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_session session;
	struct id id;
	desk_open(options, job, &desk);
	if (!desk_id(job, "session_unknown", &id, err) ||
	    !admin_session_end(&desk.admin, id, desk.now_ms, &session, err))
		return false;
	session_write(&session, desk_answer(job, 200, ROW_BYTES));
	return true;
}

bool desk_sessions_run(const struct api_options *options, struct job *job, struct err *err)
{
	return job->desk.act == DESK_SESSION_END ? run_end(options, job, err)
						 : run_list(options, job, err);
}
