#include "service/admin/wallets.h"

#include "base/utf8.h"
#include "core/reason.h"

#include <string.h>

static bool is_journal_stop(const char *stop_reason)
{
	enum reason reason = REASON_NONE;
	return reason_read(str_from(stop_reason), &reason) && reason_is_of_journal(reason);
}

static bool reason_check(struct str reason, struct err *err)
{
	bool ok = reason.len > 0 && reason.len <= WALLET_START_REASON_MAX && utf8_is_valid(reason);
	for (size_t i = 0; ok && i < reason.len; i++)
		ok = (unsigned char)reason.at[i] >= ' ' && reason.at[i] != 0x7f;
	if (!ok)
		return err_set(err, ERR_REFUSED,
			       "a reason has 1 to %d bytes of UTF-8 without control characters",
			       WALLET_START_REASON_MAX);
	return true;
}

bool admin_wallets_list(const struct admin_wallets *admin, struct wallet ret_wallets[WALLETS_MAX],
			size_t *ret_len, struct err *err)
{
	return store_wallets_load(admin->store, ret_wallets, WALLETS_MAX, ret_len, err);
}

static bool wallet_find(const struct admin_wallets *admin, const char *chain, const char *address,
			struct wallet *ret_wallet, struct err *err)
{
	struct wallet wallets[WALLETS_MAX];
	struct address wanted;
	size_t len = 0;
	const struct chain_params *params =
		catalogue_chain_by_name(admin->catalogue, str_from(chain));
	if (params == NULL)
		return err_set(err, ERR_REFUSED, "the configuration has no chain \"%s\"", chain);
	if (address_read(str_from(address), &wanted) != ADDRESS_OK)
		return err_set(err, ERR_REFUSED, "\"%s\" is no address", address);
	if (!admin_wallets_list(admin, wallets, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (wallets[i].chain_id != params->chain_id ||
		    !address_equal(wallets[i].address, wanted))
			continue;
		*ret_wallet = wallets[i];
		return true;
	}
	return err_set(err, ERR_REFUSED, "the store has no wallet %s on %s", address, chain);
}

/* A wallet goes on when people have said what became of its slots. */
static bool resolved_check(const struct admin_wallets *admin, const struct wallet *wallet,
			   struct err *err)
{
	struct store_transfer_filter filter = { .wallet_id = wallet->id,
						.first = TRANSFER_RESERVED,
						.last = TRANSFER_FINAL,
						.mined_block_max = UINT64_MAX,
						.unresolved = true,
						.limit = 1 };
	struct transfer slot;
	size_t n = 0;
	if (!store_transfers_load(admin->store, &filter, &slot, &n, err))
		return false;
	if (n == 0)
		return true;
	return err_set(err, ERR_REFUSED,
		       "nonce %llu waits for people: `sluice resolve %s` first, or --force",
		       (unsigned long long)slot.nonce, id_text(slot.id).at);
}

bool admin_wallet_start(const struct admin_wallets *admin, const char *chain, const char *address,
			const char *reason, bool force, int64_t now_ms, struct wallet *ret_wallet,
			struct err *err)
{
	struct wallet wallet;
	bool started = false;
	struct store_by by = {
		.actor = ACTOR_PERSON, .who = admin->who, .request_id = "", .now_ms = now_ms
	};
	if (!reason_check(str_from(reason), err) ||
	    !wallet_find(admin, chain, address, &wallet, err))
		return false;
	if (wallet.stop_reason[0] == 0)
		return err_set(err, ERR_REFUSED, "the wallet is not stopped");
	if (strcmp(wallet.stop_reason, reason_code(REASON_RECOVERING)) == 0)
		return err_set(err, ERR_REFUSED,
			       "the store was restored: run `sluice reconcile --after-restore` on "
			       "the signer's host first");
	if (is_journal_stop(wallet.stop_reason) && !force)
		return err_set(err, ERR_REFUSED,
			       "the wallet is stopped for %s: the journal knows payments that the "
			       "store does not, and they may be paid again. Compare both with the "
			       "chain first; then --force",
			       wallet.stop_reason);
	if (!force && !resolved_check(admin, &wallet, err))
		return false;
	if (!store_wallet_start(admin->store, wallet.id, wallet.stop_reason, reason, &by, &started,
				err))
		return false;
	if (!started)
		return err_set(err, ERR_REFUSED, "the wallet has changed: look again");
	*ret_wallet = wallet;
	return true;
}

bool admin_unpause(const struct admin_wallets *admin, const char *reason, int64_t now_ms,
		   size_t *ret_started, struct err *err)
{
	struct wallet wallets[WALLETS_MAX];
	struct store_by by = {
		.actor = ACTOR_PERSON, .who = admin->who, .request_id = "", .now_ms = now_ms
	};
	const char *recovered = reason_code(REASON_RECOVERED);
	size_t len = 0;
	*ret_started = 0;
	if (!reason_check(str_from(reason), err) || !admin_wallets_list(admin, wallets, &len, err))
		return false;
	for (size_t i = 0; i < len; i++) {
		enum reason stop = REASON_NONE;
		if (!reason_read(str_from(wallets[i].stop_reason), &stop) ||
		    (stop != REASON_RECOVERING && stop != REASON_JOURNAL_IS_AHEAD))
			continue;
		return err_set(
			err, ERR_REFUSED,
			"wallet %s is stopped for %s: run `sluice reconcile --after-restore` "
			"on the signer's host first",
			address_text(wallets[i].address).at, wallets[i].stop_reason);
	}
	for (size_t i = 0; i < len; i++) {
		bool started = false;
		if (strcmp(wallets[i].stop_reason, recovered) != 0)
			continue;
		if (!store_wallet_start(admin->store, wallets[i].id, recovered, reason, &by,
					&started, err))
			return false;
		*ret_started += started ? 1 : 0;
	}
	return *ret_started > 0 ||
	       err_set(err, ERR_REFUSED, "no wallet waits for it: none is stopped as recovered");
}
