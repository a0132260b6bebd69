#include "service/api/people.h"

#include "base/check.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"
#include "service/api/sessions.h"
#include "service/api/work.h"

#include <string.h>

#define TRIES      4 /* a row moves under us at most this often */
#define BODY_BYTES 2560
#define LIST_BYTES (SESSIONS_MAX * 320 + 64)

static struct id new_id(const struct api_options *options)
{
	uint8_t random[10];
	entropy_fill(options->entropy, random, sizeof random);
	return id_make(clock_now_ms(options->clock), random);
}

static struct store_by by_of(const struct api_options *options, const struct job *job,
			     const char *who)
{
	return (struct store_by){ .actor = ACTOR_PERSON,
				  .who = who,
				  .request_id = job->request_id,
				  .now_ms = clock_now_ms(options->clock),
				  .address = job->people.peer };
}

static void alarm_tell(const struct api_options *options, const struct job *job, const char *action,
		       const char *what)
{
	struct log_about about = { .action = action, .outcome = "failure", .alarm = true };
	log_line(options->log, LOG_ERROR, &about, "%s %s, seen by %s", action, what,
		 job->request_id);
}

/* A row that somebody edited is none. */
static void user_keep_sealed(const struct api_options *options, const struct job *job,
			     const struct store_user *user, bool *inout_found)
{
	if (!*inout_found || store_user_is_sealed(&options->identity_keys, user))
		return;
	alarm_tell(options, job, "user_seal_broken", "the row of a user was changed by others");
	*inout_found = false;
}

static void session_keep_sealed(const struct api_options *options, const struct job *job,
				const struct store_session *session, bool *inout_found)
{
	if (!*inout_found || store_session_is_sealed(&options->identity_keys, session))
		return;
	alarm_tell(options, job, "session_seal_broken", "the row of a session was changed");
	*inout_found = false;
}

static bool user_load(const struct api_options *options, struct job *job, struct id id,
		      struct err *err)
{
	struct people_query *people = &job->people;
	if (!store_user_load(options->store, id, &people->user, &people->has_user, err))
		return false;
	user_keep_sealed(options, job, &people->user, &people->has_user);
	return true;
}

/* Session and its user, both sealed; has_session: both are there and good now. */
static bool session_load(const struct api_options *options, struct job *job, struct err *err)
{
	struct people_query *people = &job->people;
	if (!store_session_load(options->store, people->session_id, &people->session,
				&people->has_session, err))
		return false;
	session_keep_sealed(options, job, &people->session, &people->has_session);
	if (!people->has_session)
		return true;
	if (!user_load(options, job, people->session.user, err))
		return false;
	people->has_session = people->has_user && session_is_good(&people->session, &people->user,
								  clock_now_ms(options->clock));
	return true;
}

/* ---- answers ---- */

static void time_write(struct buf *out, const char *name, int64_t at_ms)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	time_write_rfc3339(at_ms, out);
	buf_byte(out, '"');
}

static void session_write(struct buf *out, const struct store_session *session)
{
	buf_byte(out, '{');
	json_write_member_text(out, "id", id_text(session->id).at);
	time_write(out, "created_at", session->created_at);
	time_write(out, "refreshed_at", session->refreshed_at);
	time_write(out, "expires_at", session->expires_at);
	json_write_member_bool(out, "second_factor", session->second_factor_at != 0);
	json_write_member_text(out, "address", session->peer);
	buf_byte(out, '}');
}

static void user_write(struct buf *out, const struct store_user *user)
{
	json_write_name(out, "user");
	buf_byte(out, '{');
	json_write_member_text(out, "id", id_text(user->id).at);
	json_write_member_text(out, "name", user->name);
	json_write_member_text(out, "role", user_role_text(user->role));
	if (user->account[0] != 0)
		json_write_member_text(out, "account", user->account);
	else
		json_write_member_null(out, "account");
	json_write_member_bool(out, "second_factor_enrolled", user->totp == TOTP_CONFIRMED);
	buf_byte(out, '}');
}

static void access_token_add(const struct api_options *options, const struct store_session *session,
			     struct buf *out)
{
	char bytes[ACCESS_TOKEN_MAX];
	struct buf token = buf_of(bytes, sizeof bytes);
	int64_t now_ms = clock_now_ms(options->clock);
	int64_t left_ms = session->expires_at - now_ms;
	struct access_claims claims = {
		.user = session->user,
		.session = session->id,
		.token = new_id(options),
		.issued_at = now_ms,
		.expires_at =
			now_ms + (left_ms < ACCESS_TOKEN_LIFE_MS ? left_ms : ACCESS_TOKEN_LIFE_MS),
		.second_factor = session->second_factor_at != 0,
	};
	access_token_write(&options->access_keys, options->deployment, &claims, &token);
	CHECK(!token.overflow);
	json_write_member(out, "access_token", buf_view(&token));
	json_write_member_text(out, "token_type", "Bearer");
	json_write_member_i64(out, "expires_in", (claims.expires_at - claims.issued_at) / 1000);
	secret_wipe(bytes, sizeof bytes);
}

/* Tokens and what they are for. refresh: NULL for none. */
static void answer_tokens(const struct api_options *options, struct job *job, struct str refresh)
{
	struct buf *out = &job->body;
	job->status = 200;
	*out = buf_new(BODY_BYTES);
	buf_byte(out, '{');
	access_token_add(options, &job->people.session, out);
	if (refresh.len > 0)
		json_write_member(out, "refresh_token", refresh);
	json_write_name(out, "session");
	session_write(out, &job->people.session);
	user_write(out, &job->people.user);
	buf_byte(out, '}');
}

/* ---- tokens ---- */

/* A new refresh token: its hash into the row, its text to the client. */
static struct str refresh_make(const struct api_options *options, struct store_session *session,
			       char storage[REFRESH_TOKEN_TEXT_LEN])
{
	uint8_t secret[REFRESH_SECRET_BYTES];
	struct buf text = buf_of(storage, REFRESH_TOKEN_TEXT_LEN);
	struct id named;
	entropy_fill(options->entropy, secret, sizeof secret);
	refresh_token_write(session->id, secret, &text);
	secret_wipe(secret, sizeof secret);
	CHECK(refresh_token_read(buf_view(&text), &named, session->refresh_hash));
	return buf_view(&text);
}

/* ---- codes ---- */

/* The step of a code that is good for the user now. */
static bool code_verify(const struct api_options *options, const struct job *job,
			const struct store_user *user, int64_t *ret_step)
{
	uint8_t seed[TOTP_SEED_BYTES];
	bool is_old;
	struct err err;
	const struct secrets_place place = store_user_totp_place(user);
	struct str sealed = str_from_bytes(user->totp_seed, sizeof user->totp_seed);
	if (!secrets_open(options->secrets, &place, sealed, seed, &is_old, &err)) {
		alarm_tell(options, job, "totp_seed_unreadable", err.text);
		return false;
	}
	bool is_right = totp_verify(seed, str_from(job->people.code), clock_now_ms(options->clock),
				    user->totp_step, ret_step);
	secret_wipe(seed, sizeof seed);
	return is_right;
}

/* A seed that was sealed under a key on its way out, sealed under the one that stays. Nothing is
 * lost when it does not get there. */
static void seed_renew(const struct api_options *options, struct job *job)
{
	uint8_t seed[TOTP_SEED_BYTES];
	struct err err;
	char who[ID_TEXT_LEN + 1];
	bool is_old = false, found = false;
	struct store_user user;
	if (!store_user_load(options->store, job->people.user.id, &user, &found, &err))
		return;
	user_keep_sealed(options, job, &user, &found);
	const struct secrets_place place = store_user_totp_place(&user);
	struct str sealed = str_from_bytes(user.totp_seed, sizeof user.totp_seed);
	if (!found || user.totp != TOTP_CONFIRMED ||
	    !secrets_open(options->secrets, &place, sealed, seed, &is_old, &err))
		return;
	if (is_old) {
		struct store_user_change change = { .user = &user,
						    .version = user.version,
						    .action = "user_totp_resealed" };
		memcpy(who, id_text(user.id).at, sizeof who);
		struct store_by by = by_of(options, job, who);
		secrets_seal(options->secrets, &place, str_from_bytes(seed, sizeof seed),
			     user.totp_seed);
		user.version++;
		store_user_seal(&options->identity_keys, &user);
		if (!store_user_change(options->store, &change, &by, &err))
			log_line(options->log, LOG_WARN,
				 &(struct log_about){ .action = "store_fault", .err = &err },
				 "an old seal stays until the next code");
	}
	secret_wipe(seed, sizeof seed);
}

/* ---- login ---- */

static void session_begin(const struct api_options *options, struct job *job, int64_t step)
{
	struct people_query *people = &job->people;
	int64_t now_ms = clock_now_ms(options->clock);
	people->session = (struct store_session){
		.id = new_id(options),
		.user = people->user.id,
		.generation = people->user.generation,
		.version = 1,
		.created_at = now_ms,
		.refreshed_at = now_ms,
		.expires_at = now_ms + SESSION_LIFE_MS,
		.second_factor_at = step != 0 ? now_ms : 0,
	};
	memcpy(people->session.peer, people->peer, sizeof people->session.peer);
}

/* The hash with today's parameters. Nothing is lost when it does not get there. */
static void password_renew(const struct api_options *options, struct job *job)
{
	struct people_query *people = &job->people;
	struct err err;
	char who[ID_TEXT_LEN + 1];
	struct store_user user = people->user;
	struct store_user_change change = { .user = &user,
					    .version = user.version,
					    .action = "user_password_rehashed" };
	if (people->renewed[0] == 0)
		return;
	memcpy(who, id_text(user.id).at, sizeof who);
	struct store_by by = by_of(options, job, who);
	memcpy(user.password, people->renewed, sizeof user.password);
	user.version++;
	store_user_seal(&options->identity_keys, &user);
	if (!store_user_change(options->store, &change, &by, &err)) {
		struct log_about about = { .action = "store_fault", .err = &err };
		log_line(options->log, LOG_WARN, &about, "a weak hash stays until the next login");
	}
}

/* The row may have moved since the password was compared with it. True: nothing that matters. */
static bool user_is_same(const struct api_options *options, struct job *job,
			 const char verified[PASSWORD_HASH_LEN + 1], bool *ret_same,
			 struct err *err)
{
	if (!user_load(options, job, job->people.user.id, err))
		return false;
	*ret_same = job->people.has_user && job->people.user.disabled_at == 0 &&
		    strcmp(job->people.user.password, verified) == 0;
	return true;
}

/* ret_done false: the user's row has moved. */
static bool login_try(const struct api_options *options, struct job *job, bool *ret_done,
		      struct err *err)
{
	struct people_query *people = &job->people;
	char text[REFRESH_TOKEN_TEXT_LEN], who[ID_TEXT_LEN + 1];
	int64_t step = 0;
	*ret_done = true;
	job->problem = PROBLEM_LOGIN_FAILED;
	if (people->code[0] != 0 && (people->user.totp != TOTP_CONFIRMED ||
				     !code_verify(options, job, &people->user, &step)))
		return true;
	session_begin(options, job, step);
	struct str refresh = refresh_make(options, &people->session, text);
	store_session_seal(&options->identity_keys, &people->session);
	struct store_session_change change = { .session = &people->session,
					       .user_version = people->user.version,
					       .totp_step = step,
					       .action = "session_started" };
	memcpy(who, id_text(people->user.id).at, sizeof who);
	struct store_by by = by_of(options, job, who);
	bool ok = store_session_change(options->store, &change, &by, err);
	*ret_done = change.applied;
	if (ok && change.applied) {
		job->problem = PROBLEM_NONE;
		answer_tokens(options, job, refresh);
		password_renew(options, job);
		if (step != 0)
			seed_renew(options, job);
	}
	secret_wipe(text, sizeof text);
	return ok;
}

static bool run_login(const struct api_options *options, struct job *job, struct err *err)
{
	char verified[PASSWORD_HASH_LEN + 1];
	memcpy(verified, job->people.user.password, sizeof verified);
	for (int i = 0; i < TRIES; i++) {
		bool is_same = false, done = false;
		job->problem = PROBLEM_LOGIN_FAILED;
		if (!user_is_same(options, job, verified, &is_same, err))
			return false;
		if (!is_same)
			return true;
		if (!login_try(options, job, &done, err))
			return false;
		if (done)
			return true;
	}
	return err_set(err, ERR_NOT_DONE, "the user is being changed by others");
}

/* ---- sessions ---- */

/* Writes people->session, changed by the caller, with its version one higher. */
static bool session_change(const struct api_options *options, struct job *job, const char *action,
			   const uint8_t *used_token, int64_t step, bool *ret_applied,
			   struct err *err)
{
	struct store_session *session = &job->people.session;
	char who[ID_TEXT_LEN + 1];
	struct store_session_change change = { .session = session,
					       .version = session->version,
					       .user_version =
						       step != 0 ? job->people.user.version : 0,
					       .totp_step = step,
					       .used_token = used_token,
					       .action = action };
	memcpy(who, id_text(session->user).at, sizeof who);
	struct store_by by = by_of(options, job, who);
	session->version++;
	store_session_seal(&options->identity_keys, session);
	if (!store_session_change(options->store, &change, &by, err))
		return false;
	*ret_applied = change.applied;
	return true;
}

/* Somebody has a token that another one has used before: one of both has stolen it. */
static bool family_revoke(const struct api_options *options, struct job *job, struct err *err)
{
	bool applied = false;
	for (int i = 0; i < TRIES && !applied; i++) {
		if (!session_load(options, job, err))
			return false;
		if (!job->people.has_session)
			return true;
		job->people.session.revoked_at = clock_now_ms(options->clock);
		if (!session_change(options, job, "refresh_token_reused", NULL, 0, &applied, err))
			return false;
	}
	alarm_tell(options, job, "refresh_token_reused",
		   "a refresh token came twice, and its session is over");
	return applied || err_set(err, ERR_NOT_DONE, "the session is being changed by others");
}

static bool refresh_refuse(const struct api_options *options, struct job *job, struct err *err)
{
	bool was_used = false;
	job->problem = PROBLEM_REFRESH_TOKEN_INVALID;
	if (!store_token_was_used(options->store, job->people.session_id, job->people.token_hash,
				  &was_used, err))
		return false;
	return !was_used || family_revoke(options, job, err);
}

static bool run_refresh(const struct api_options *options, struct job *job, struct err *err)
{
	struct people_query *people = &job->people;
	char text[REFRESH_TOKEN_TEXT_LEN];
	bool applied = false;
	job->problem = PROBLEM_REFRESH_TOKEN_INVALID;
	if (!session_load(options, job, err))
		return false;
	if (!people->has_session)
		return true;
	if (!bytes_equal_constant_time(people->session.refresh_hash, people->token_hash,
				       sizeof people->token_hash))
		return refresh_refuse(options, job, err);
	people->session.refreshed_at = clock_now_ms(options->clock);
	struct str refresh = refresh_make(options, &people->session, text);
	bool ok = session_change(options, job, "session_refreshed", people->token_hash, 0, &applied,
				 err);
	if (ok && applied) {
		job->problem = PROBLEM_NONE;
		answer_tokens(options, job, refresh);
	}
	secret_wipe(text, sizeof text);
	/* Another one was first with the same token, or ended the session. */
	return ok && (applied || refresh_refuse(options, job, err));
}

static bool run_revoke(const struct api_options *options, struct job *job, struct err *err)
{
	bool applied = false;
	for (int i = 0; i < TRIES; i++) {
		if (!session_load(options, job, err))
			return false;
		job->problem = PROBLEM_SESSION_UNKNOWN;
		if (!job->people.has_session ||
		    !id_equal(job->people.session.user, job->people.user_id))
			return true;
		job->people.session.revoked_at = clock_now_ms(options->clock);
		if (!session_change(options, job, "session_revoked", NULL, 0, &applied, err))
			return false;
		if (!applied)
			continue;
		job->problem = PROBLEM_NONE;
		job->status = 200;
		job->body = buf_new(BODY_BYTES);
		session_write(&job->body, &job->people.session);
		return true;
	}
	return err_set(err, ERR_NOT_DONE, "the session is being changed by others");
}

static bool run_sessions(const struct api_options *options, struct job *job, struct err *err)
{
	struct store_session sessions[SESSIONS_MAX];
	size_t len = 0;
	if (!user_load(options, job, job->people.user_id, err) ||
	    !store_sessions_list(options->store, job->people.user_id, clock_now_ms(options->clock),
				 sessions, SESSIONS_MAX, &len, err))
		return false;
	job->status = 200;
	job->body = buf_new(LIST_BYTES);
	buf_text(&job->body, "{\"items\":[");
	bool is_first = true;
	for (size_t i = 0; i < len; i++) {
		bool found = true;
		session_keep_sealed(options, job, &sessions[i], &found);
		if (!found || !job->people.has_user ||
		    sessions[i].generation != job->people.user.generation)
			continue;
		if (!is_first)
			buf_byte(&job->body, ',');
		session_write(&job->body, &sessions[i]);
		is_first = false;
	}
	buf_text(&job->body, "]}");
	return true;
}

/* ---- the second factor ---- */

static bool run_step_up(const struct api_options *options, struct job *job, struct err *err)
{
	bool applied = false;
	int64_t step = 0;
	for (int i = 0; i < TRIES; i++) {
		if (!session_load(options, job, err))
			return false;
		job->problem = PROBLEM_SECOND_FACTOR_INVALID;
		if (!job->people.has_session || job->people.user.totp != TOTP_CONFIRMED ||
		    !code_verify(options, job, &job->people.user, &step))
			return true;
		job->people.session.second_factor_at = clock_now_ms(options->clock);
		if (!session_change(options, job, "session_stepped_up", NULL, step, &applied, err))
			return false;
		if (!applied)
			continue;
		job->problem = PROBLEM_NONE;
		answer_tokens(options, job, (struct str){ 0 });
		seed_renew(options, job);
		return true;
	}
	return err_set(err, ERR_NOT_DONE, "the session is being changed by others");
}

/* Writes people->user, changed by the caller, with its version one higher. */
static bool user_change(const struct api_options *options, struct job *job, const char *action,
			int64_t step, bool *ret_applied, struct err *err)
{
	struct store_user *user = &job->people.user;
	char who[ID_TEXT_LEN + 1];
	struct store_user_change change = {
		.user = user, .version = user->version, .totp_step = step, .action = action
	};
	memcpy(who, id_text(user->id).at, sizeof who);
	struct store_by by = by_of(options, job, who);
	user->version++;
	store_user_seal(&options->identity_keys, user);
	if (!store_user_change(options->store, &change, &by, err))
		return false;
	*ret_applied = change.applied;
	return true;
}

static void answer_seed(struct job *job, const uint8_t seed[TOTP_SEED_BYTES])
{
	char bytes[TOTP_URI_MAX];
	struct buf text = buf_of(bytes, sizeof bytes), *out = &job->body;
	job->status = 200;
	*out = buf_new(BODY_BYTES);
	buf_byte(out, '{');
	totp_write_seed(seed, &text);
	json_write_member(out, "secret", buf_view(&text));
	buf_reset(&text);
	totp_write_uri(seed, "Sluice", job->people.user.name, &text);
	CHECK(!text.overflow);
	json_write_member(out, "uri", buf_view(&text));
	buf_byte(out, '}');
	secret_wipe(bytes, sizeof bytes);
}

/* The seed stands sealed in the row, and is shown this once. One that is confirmed stays: who has
 * lost it is given a new one by a person who knows who is asking. */
static bool run_enrol(const struct api_options *options, struct job *job, struct err *err)
{
	struct people_query *people = &job->people;
	uint8_t seed[TOTP_SEED_BYTES];
	char verified[PASSWORD_HASH_LEN + 1];
	bool is_same = false, applied = false;
	memcpy(verified, people->user.password, sizeof verified);
	job->problem = PROBLEM_LOGIN_FAILED;
	if (!user_is_same(options, job, verified, &is_same, err))
		return false;
	if (!is_same)
		return true;
	job->problem = PROBLEM_SECOND_FACTOR_ENROLLED;
	if (people->user.totp == TOTP_CONFIRMED)
		return true;
	const struct secrets_place place = store_user_totp_place(&people->user);
	entropy_fill(options->entropy, seed, sizeof seed);
	secrets_seal(options->secrets, &place, str_from_bytes(seed, sizeof seed),
		     people->user.totp_seed);
	people->user.totp = TOTP_PENDING;
	bool ok = user_change(options, job, "user_totp_enrolled", 0, &applied, err);
	if (ok && applied) {
		job->problem = PROBLEM_NONE;
		answer_seed(job, seed);
	}
	secret_wipe(seed, sizeof seed);
	return ok && (applied || err_set(err, ERR_NOT_DONE, "the user has moved"));
}

static bool run_confirm(const struct api_options *options, struct job *job, struct err *err)
{
	bool applied = false;
	int64_t step = 0;
	if (!user_load(options, job, job->people.user_id, err))
		return false;
	job->problem = PROBLEM_SECOND_FACTOR_INVALID;
	if (!job->people.has_user || job->people.user.totp != TOTP_PENDING ||
	    !code_verify(options, job, &job->people.user, &step))
		return true;
	job->people.user.totp = TOTP_CONFIRMED;
	if (!user_change(options, job, "user_totp_confirmed", step, &applied, err))
		return false;
	if (!applied)
		return err_set(err, ERR_NOT_DONE, "the user has moved");
	job->problem = PROBLEM_NONE;
	job->status = 200;
	job->body = buf_new(BODY_BYTES);
	buf_byte(&job->body, '{');
	user_write(&job->body, &job->people.user);
	buf_byte(&job->body, '}');
	return true;
}

/* ---- another password ---- */

/* The session that asked goes on, in the user's new generation; it is nothing to lose. */
static bool session_keep(const struct api_options *options, struct job *job, struct err *err)
{
	struct people_query *people = &job->people;
	bool applied = false;
	uint64_t generation = people->user.generation;
	if (!store_session_load(options->store, people->session_id, &people->session,
				&people->has_session, err))
		return false;
	session_keep_sealed(options, job, &people->session, &people->has_session);
	if (!people->has_session || !id_equal(people->session.user, people->user.id) ||
	    people->session.generation + 1 != generation)
		return true;
	people->session.generation = generation;
	return session_change(options, job, "session_kept", NULL, 0, &applied, err);
}

static bool run_password(const struct api_options *options, struct job *job, struct err *err)
{
	struct people_query *people = &job->people;
	char verified[PASSWORD_HASH_LEN + 1];
	bool is_same = false, applied = false;
	memcpy(verified, people->user.password, sizeof verified);
	job->problem = PROBLEM_LOGIN_FAILED;
	if (!user_is_same(options, job, verified, &is_same, err))
		return false;
	if (!is_same)
		return true;
	memcpy(people->user.password, people->renewed, sizeof people->user.password);
	people->user.generation++;
	if (!user_change(options, job, "user_password_changed", 0, &applied, err))
		return false;
	if (!applied)
		return err_set(err, ERR_NOT_DONE, "the user has moved");
	if (!session_keep(options, job, err))
		return false;
	job->problem = PROBLEM_NONE;
	job->status = 200;
	job->body = buf_new(BODY_BYTES);
	buf_byte(&job->body, '{');
	user_write(&job->body, &people->user);
	buf_byte(&job->body, '}');
	return true;
}

/* ---- the acts ---- */

static bool run_find(const struct api_options *options, struct job *job, struct err *err)
{
	struct people_query *people = &job->people;
	if (!store_user_find(options->store, str_from(people->name), &people->user,
			     &people->has_user, err))
		return false;
	user_keep_sealed(options, job, &people->user, &people->has_user);
	struct id user = people->has_user ? people->user.id : (struct id){ { 1 } };
	return store_peer_is_known(options->store, user, people->peer, &people->is_peer_known, err);
}

static bool run_act(const struct api_options *options, struct job *job, struct err *err)
{
	switch (job->people.act) {
	case PEOPLE_FIND:
		return run_find(options, job, err);
	case PEOPLE_CHECK:
		return session_load(options, job, err);
	case PEOPLE_LOGIN:
		return run_login(options, job, err);
	case PEOPLE_REFRESH:
		return run_refresh(options, job, err);
	case PEOPLE_REVOKE:
		return run_revoke(options, job, err);
	case PEOPLE_SESSIONS:
		return run_sessions(options, job, err);
	case PEOPLE_STEP_UP:
		return run_step_up(options, job, err);
	case PEOPLE_ENROL:
		return run_enrol(options, job, err);
	case PEOPLE_CONFIRM:
		return run_confirm(options, job, err);
	case PEOPLE_PASSWORD:
		return run_password(options, job, err);
	}
	CHECK(false);
}

bool people_run(const struct api_options *options, struct job *job)
{
	struct err err = { 0 };
	struct log_about about = { .action = "store_fault", .outcome = "failure", .err = &err };
	if (run_act(options, job, &err))
		return true;
	log_line(options->log, LOG_WARN, &about, "a person gets 503: %s", job->request_id);
	job->problem = PROBLEM_STORE_UNAVAILABLE;
	return false;
}
