/* Trying the policy out over the API. */
#include "service/api/desk.h"

#include "service/admin/simulate.h"
#include "service/api/work.h"

enum { CHAIN, ASSET, TO, AMOUNT, ACCOUNT, KEY, FIELDS };

#define TEXT_MAX 128

/* Who belongs to an account need not name it. */
static const char *account_of(const struct job *job, const char *given)
{
	return given[0] != 0 ? given : job->by.account;
}

bool desk_simulate_run(const struct api_options *options, struct job *job, struct err *err)
{
	char texts[FIELDS][TEXT_MAX + 1], address[IP_TEXT_MAX + 1];
	struct admin_simulate admin = { .store = options->store,
					.deny_list = options->deny_list,
					.catalogue = options->catalogue,
					.policy_keys = &options->policy_keys,
					.by = desk_actor(job, address) };
	struct admin_simulated result;
	for (size_t i = 0; i < FIELDS; i++)
		if (!desk_text(job, i, texts[i], sizeof texts[i], err))
			return false;
	struct admin_wish wish = { .account = account_of(job, texts[ACCOUNT]),
				   .chain = texts[CHAIN],
				   .asset = texts[ASSET],
				   .to = texts[TO],
				   .amount = texts[AMOUNT],
				   .key = texts[KEY] };
	if (!admin_simulate(&admin, &wish, clock_now_ms(options->clock), &result, err))
		return false;
	admin_simulated_write(&result, desk_answer(job, 200, ADMIN_SIMULATED_BYTES));
	return true;
}
