/* Accounts over the API. Who belongs to one sees that one; who reaches all declares, disables and
 * enables them. */
#include "service/api/desk.h"

#include "base/json.h"
#include "service/admin/accounts.h"
#include "service/api/work.h"

#include <stdlib.h>

#define ROW_BYTES 512

enum { NAME };

struct desk {
	struct admin_accounts admin;
	char address[IP_TEXT_MAX + 1];
	int64_t now_ms;
};

static void desk_open(const struct api_options *options, const struct job *job, struct desk *desk)
{
	desk->now_ms = clock_now_ms(options->clock);
	desk->admin = (struct admin_accounts){ .store = options->store,
					       .identity_keys = &options->identity_keys,
					       .by = desk_actor(job, desk->address) };
}

static void account_write(const struct store_account *account, struct buf *out)
{
	json_write_member_text(out, "name", account->name);
	desk_write_time(out, "created_at", account->created_at);
	json_write_member_text(out, "created_by", account->created_by);
	desk_write_time(out, "disabled_at", account->disabled_at);
}

static bool list_write(const struct api_options *options, const struct desk *desk, struct job *job,
		       struct store_account *accounts, bool *sealed, struct err *err)
{
	size_t len = 0;
	if (!admin_accounts_list(&desk->admin, accounts, sealed, &len, err))
		return false;
	struct buf *out = desk_answer(job, 200, len * ROW_BYTES + 64);
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < len; i++) {
		buf_text(out, i > 0 ? ",{" : "{");
		account_write(&accounts[i], out);
		json_write_member_bool(out, "sealed", sealed[i]);
		buf_byte(out, '}');
		if (!sealed[i])
			desk_alarm(options, job, "account_seal_broken",
				   "the row of an account was changed by others");
	}
	buf_text(out, "]}");
	return true;
}

static bool run_list(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	desk_open(options, job, &desk);
	struct store_account *accounts = calloc(ACCOUNTS_MAX, sizeof *accounts);
	bool *sealed = calloc(ACCOUNTS_MAX, sizeof *sealed);
	CHECK(accounts != NULL && sealed != NULL);
	bool good = list_write(options, &desk, job, accounts, sealed, err);
	free(accounts);
	free(sealed);
	return good;
}

static bool run_change(const struct api_options *options, struct job *job, struct err *err)
{
	struct desk desk;
	struct store_account account;
	char name[ACCOUNT_LEN_MAX + 1];
	enum desk_act act = job->desk.act;
	bool adds = act == DESK_ACCOUNT_ADD;
	desk_open(options, job, &desk);
	if (!desk_reaches_all(job, err) || (adds && !desk_text(job, NAME, name, sizeof name, err)))
		return false;
	bool good = adds ? admin_account_add(&desk.admin, name, desk.now_ms, &account, err)
			 : admin_account_switch(&desk.admin, job->desk.subject,
						act == DESK_ACCOUNT_DISABLE, desk.now_ms, &account,
						err);
	if (!good)
		return false;
	struct buf *out = desk_answer(job, adds ? 201 : 200, ROW_BYTES);
	buf_byte(out, '{');
	account_write(&account, out);
	buf_byte(out, '}');
	return true;
}

bool desk_accounts_run(const struct api_options *options, struct job *job, struct err *err)
{
	return job->desk.act == DESK_ACCOUNTS ? run_list(options, job, err)
					      : run_change(options, job, err);
}
