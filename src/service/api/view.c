#include "service/api/view.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/time.h"
#include "base/u256.h"
#include "core/lifecycle.h"
#include "core/vote.h"
#include "core/wish.h"

static void write_time(struct buf *out, const char *name, int64_t at_ms)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	time_write_rfc3339(at_ms, out);
	buf_byte(out, '"');
}

/* An object out of a row. What somebody else wrote there must not break the answer that it is in.
 */
static void write_stored_object(struct buf *out, const char *name, const char *text)
{
	struct err ignored;
	JSON_OWNED json = NULL;
	bool good = text[0] != 0 && json_parse(str_from(text), &json, &ignored) &&
		    json_type_of(json_root(json)) == JSON_TYPE_OBJECT;
	json_write_name(out, name);
	buf_text(out, good ? text : "{}");
}

static void write_amount(struct buf *out, const char *name, struct amount amount, unsigned decimals)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	amount_write(amount, decimals, out);
	buf_byte(out, '"');
}

static void write_address(struct buf *out, const char *name, struct address address)
{
	json_write_name(out, name);
	buf_byte(out, '"');
	address_write(address, out);
	buf_byte(out, '"');
}

/* The configured name, else the number: a chain may have left the configuration. */
static void write_chain(struct buf *out, const struct catalogue *catalogue, uint64_t chain_id)
{
	const struct chain_params *chain = catalogue_chain_by_id(catalogue, chain_id);
	json_write_name(out, "chain");
	if (chain != NULL)
		json_write_string(out, str_from(chain->name));
	else
		buf_format(out, "\"%llu\"", (unsigned long long)chain_id);
}

static void write_text_or_null(struct buf *out, const char *name, const char *text)
{
	if (text[0] != 0)
		json_write_member_text(out, name, text);
	else
		json_write_member_null(out, name);
}

/* What never changes, and the stage that the caller says. */
static void write_intent(struct buf *out, const struct withdrawal *withdrawal,
			 const struct catalogue *catalogue, enum withdrawal_stage stage)
{
	const struct intent *intent = &withdrawal->intent;
	json_write_member_text(out, "id", id_text(intent->id).at);
	json_write_member_text(out, "status", withdrawal_status_text(stage));
	json_write_member_text(out, "stage", withdrawal_stage_text(stage));
	write_chain(out, catalogue, intent->chain_id);
	json_write_member_text(out, "asset", intent->asset);
	write_address(out, "to", intent->to);
	write_amount(out, "amount", intent->amount, intent->decimals);
	write_amount(out, "amount_base", intent->amount, 0);
	write_text_or_null(out, "external_id", intent->external_id);
	write_stored_object(out, "metadata", withdrawal->metadata);
	json_write_member_text(out, "correlation_id", withdrawal->correlation_id);
	write_time(out, "created_at", intent->created_at);
}

static void write_failure(struct buf *out, const char *code)
{
	enum refusal refusal = REFUSAL_NONE; /* its text is empty, as that of an unknown code */
	(void)refusal_read(str_from(code), &refusal);
	json_write_name(out, "failure");
	buf_byte(out, '{');
	json_write_member_text(out, "code", code);
	json_write_member_text(out, "text", refusal_text(refusal));
	buf_byte(out, '}');
}

static void write_transfer(struct buf *out, const struct store_view *view)
{
	const struct transfer *transfer = &view->transfer;
	bool is_mined = transfer->stage == TRANSFER_MINED || transfer->stage == TRANSFER_FINAL;
	json_write_name(out, "transfer");
	buf_byte(out, '{');
	json_write_member_text(out, "id", id_text(transfer->id).at);
	json_write_member_text(out, "stage", transfer_stage_text(transfer->stage));
	write_address(out, "wallet", transfer->wallet);
	json_write_member_u64(out, "nonce", transfer->nonce);
	if (hash32_is_zero(view->tx_hash))
		json_write_member_null(out, "tx_hash");
	else
		json_write_member_text(out, "tx_hash", hash32_text(view->tx_hash).at);
	json_write_member_u64(out, "attempts", view->attempts);
	if (is_mined)
		json_write_member_u64(out, "block_number", transfer->mined_block);
	else
		json_write_member_null(out, "block_number");
	if (transfer->outcome != OUTCOME_NONE)
		json_write_member_text(out, "outcome", transfer_outcome_text(transfer->outcome));
	else
		json_write_member_null(out, "outcome");
	if (!is_mined && transfer->wish == WISH_BUMP &&
	    transfer->wish_attempts_seen == transfer->attempts)
		json_write_member_text(out, "bump_requested",
				       wish_reason_text(transfer->wish_reason));
	buf_byte(out, '}');
}

static bool is_asked(const struct withdrawal *row)
{
	return row->stage == WITHDRAWAL_AWAITING_APPROVAL ||
	       (row->stage == WITHDRAWAL_QUEUED && row->approval.expires_at == APPROVAL_ASKS);
}

/* What people who approve have to look at, and may sign. */
static void write_asked(struct buf *out, const struct withdrawal *row)
{
	char storage[VOTE_TEXT_LEN_MAX];
	struct buf text = buf_of(storage, sizeof storage);
	const struct approval *asked = &row->approval;
	struct hash32 digest = vote_digest(&row->intent, &row->intent_mac, asked->policy_version);
	vote_text(&row->intent, &row->intent_mac, asked->policy_version, &text);
	json_write_name(out, "approval");
	buf_byte(out, '{');
	json_write_member_u64(out, "policy_version", asked->policy_version);
	write_time(out, "asked_at", asked->approved_at);
	json_write_name(out, "text");
	json_write_string(out, buf_view(&text));
	json_write_name(out, "digest");
	buf_byte(out, '"');
	hex_write(out, digest.bytes, sizeof digest.bytes);
	buf_text(out, "\"}");
}

void view_write_withdrawal(const struct store_view *view, const struct catalogue *catalogue,
			   struct buf *out)
{
	const struct withdrawal *withdrawal = &view->withdrawal;
	buf_byte(out, '{');
	write_intent(out, withdrawal, catalogue, withdrawal->stage);
	write_time(out, "updated_at", withdrawal->updated_at);
	json_write_member_u64(out, "version", withdrawal->version);
	if (withdrawal->cancel_requested)
		json_write_member_bool(out, "cancel_requested", true);
	if (withdrawal->wait_reason[0] != 0)
		json_write_member_text(out, "wait_reason", withdrawal->wait_reason);
	if (withdrawal->held_reason[0] != 0)
		json_write_member_text(out, "held", withdrawal->held_reason);
	if (is_asked(withdrawal))
		write_asked(out, withdrawal);
	if (withdrawal->failure_code[0] != 0 && lifecycle_is_terminal(withdrawal->stage) &&
	    withdrawal->stage != WITHDRAWAL_COMPLETED)
		write_failure(out, withdrawal->failure_code);
	if (view->has_transfer)
		write_transfer(out, view);
	buf_byte(out, '}');
}

void view_write_accepted(const struct withdrawal *withdrawal, const struct catalogue *catalogue,
			 struct buf *out)
{
	buf_byte(out, '{');
	write_intent(out, withdrawal, catalogue, WITHDRAWAL_ACCEPTED);
	write_time(out, "updated_at", withdrawal->intent.created_at);
	json_write_member_u64(out, "version", 1);
	buf_byte(out, '}');
}

void view_write_event(const struct store_event *event, struct buf *out)
{
	buf_byte(out, '{');
	json_write_member_u64(out, "sequence", event->sequence);
	write_time(out, "at", event->at_ms);
	json_write_member_text(out, "type", event->type);
	json_write_member_text(out, "actor", actor_text(event->actor));
	json_write_member_text(out, "status", withdrawal_status_text(event->stage));
	json_write_member_text(out, "stage", withdrawal_stage_text(event->stage));
	write_stored_object(out, "detail", event->detail);
	buf_byte(out, '}');
}

void view_write_assets(const struct catalogue *catalogue, struct buf *out)
{
	buf_text(out, "{\"items\":[");
	for (size_t i = 0; i < catalogue->assets_len; i++) {
		const struct asset *asset = &catalogue->assets[i];
		uint64_t chain_id = catalogue_chain_id_of(catalogue, asset);
		buf_text(out, i == 0 ? "{" : ",{");
		write_chain(out, catalogue, chain_id);
		json_write_member_u64(out, "chain_id", chain_id);
		json_write_member_text(out, "asset", asset->symbol);
		json_write_member_u64(out, "decimals", asset->decimals);
		if (asset->is_native)
			json_write_member_null(out, "contract");
		else
			write_address(out, "contract", asset->contract);
		if (!amount_is_zero(asset->minimum))
			write_amount(out, "minimum", asset->minimum, asset->decimals);
		if (!amount_is_zero(asset->maximum))
			write_amount(out, "maximum", asset->maximum, asset->decimals);
		buf_byte(out, '}');
	}
	buf_text(out, "]}");
}

static void write_balance(struct buf *out, const struct store_balance *balance,
			  const struct asset *asset)
{
	buf_byte(out, '{');
	json_write_member_text(out, "asset", balance->asset);
	if (asset != NULL)
		write_amount(out, "amount", balance->amount, asset->decimals);
	write_amount(out, "amount_base", balance->amount, 0);
	json_write_member_u64(out, "block_number", balance->block);
	write_time(out, "at", balance->at_ms);
	buf_byte(out, '}');
}

void view_write_wallet(const struct view_wallet *view, const struct catalogue *catalogue,
		       struct buf *out)
{
	const struct wallet *wallet = view->wallet;
	buf_byte(out, '{');
	write_chain(out, catalogue, wallet->chain_id);
	write_address(out, "address", wallet->address);
	json_write_member_bool(out, "configured",
			       catalogue_wallet(catalogue, wallet->chain_id, wallet->address) !=
				       NULL);
	json_write_member_bool(out, "entered", wallet->entered);
	json_write_member_u64(out, "first_nonce", wallet->first_nonce);
	json_write_member_u64(out, "next_nonce", wallet->next_nonce);
	json_write_member_u64(out, "in_flight", view->in_flight);
	json_write_member_u64(out, "in_flight_max", view->in_flight_max);
	if (wallet->stop_reason[0] != 0)
		json_write_member_text(out, "stopped", wallet->stop_reason);
	json_write_name(out, "balances");
	buf_byte(out, '[');
	bool is_first = true;
	for (size_t i = 0; i < view->balances_len; i++) {
		const struct store_balance *balance = &view->balances[i];
		if (balance->chain_id != wallet->chain_id ||
		    !address_equal(balance->wallet, wallet->address))
			continue;
		if (!is_first)
			buf_byte(out, ',');
		is_first = false;
		write_balance(
			out, balance,
			catalogue_asset(catalogue, balance->chain_id, str_from(balance->asset)));
	}
	buf_text(out, "]}");
}

void view_write_queue(const struct queue_stats *queue, const struct queue_stats *dlq,
		      struct buf *out)
{
	buf_byte(out, '{');
	json_write_member_text(out, "name", queue_name_text(queue->queue));
	json_write_member_u64(out, "waiting", queue->waiting);
	json_write_member_u64(out, "delayed", queue->delayed);
	json_write_member_u64(out, "claimed", queue->claimed);
	json_write_member_i64(out, "oldest_ms", queue->oldest_ms);
	json_write_member_u64(out, "dead", dlq->waiting + dlq->delayed + dlq->claimed);
	buf_byte(out, '}');
}
