#include "life_judge.h"

#include "base/hex.h"
#include "base/json.h"
#include "core/abi.h"

#include <stdio.h>

#define ROWS_MAX        64
#define CALL_DATA_BYTES 68 /* transfer(address,uint256): the selector and two words */

/* The wallets' transactions so far, against what was ordered. */
struct trial {
	struct life *life;
	const char *what;
	const struct withdrawal *rows;
	size_t n;
	unsigned paid[ROWS_MAX];
};

struct seen {
	struct address from;
	struct address to;
	struct u256 value;
	uint8_t data[4096];
	size_t data_len;
};

static struct str member_text(const struct json_value *object, const char *name)
{
	struct str text = { 0 };
	const struct json_value *value = json_member(object, name);
	if (value == NULL || !json_string(value, &text))
		fail_msg("the node gives no %s", name);
	return text;
}

static void seen_read(const struct json_value *transaction, struct seen *ret_seen)
{
	assert_true(hex_read_0x(member_text(transaction, "from"), ret_seen->from.bytes, 20));
	assert_true(hex_read_0x(member_text(transaction, "to"), ret_seen->to.bytes, 20));
	assert_true(u256_from_hex(member_text(transaction, "value"), &ret_seen->value));
	assert_true(hex_read_0x_any(member_text(transaction, "input"), ret_seen->data,
				    sizeof ret_seen->data, &ret_seen->data_len));
}

static bool is_wallet(const struct life *life, struct address address)
{
	for (size_t i = 0; i < life->catalogue.wallets_len; i++)
		if (address_equal(life->catalogue.wallets[i].address, address))
			return true;
	return false;
}

static bool is_payment_of(const struct seen *seen, const struct withdrawal *row,
			  struct address contract)
{
	const struct intent *intent = &row->intent;
	uint8_t wanted[CALL_DATA_BYTES] = { 0xa9, 0x05, 0x9c, 0xbb };
	if (intent->is_native)
		return seen->data_len == 0 && address_equal(seen->to, intent->to) &&
		       u256_equal(seen->value, intent->amount.units);
	memcpy(wanted + 16, intent->to.bytes, 20);
	u256_to_bytes(intent->amount.units, wanted + 36);
	return seen->data_len == sizeof wanted && address_equal(seen->to, contract) &&
	       u256_is_zero(seen->value) && memcmp(seen->data, wanted, sizeof wanted) == 0;
}

static bool pays_nobody(const struct seen *seen)
{
	return address_equal(seen->from, seen->to) && u256_is_zero(seen->value) &&
	       seen->data_len == 0;
}

static void judge_one(struct trial *trial, const struct seen *seen)
{
	struct address contract = trial->life->catalogue.assets[1].contract;
	if (!is_wallet(trial->life, seen->from) || pays_nobody(seen))
		return;
	for (size_t i = 0; i < trial->n; i++) {
		if (!is_payment_of(seen, &trial->rows[i], contract))
			continue;
		if (++trial->paid[i] > 1)
			fail_msg("%s: row %zu is paid twice", trial->what, i);
		return;
	}
	fail_msg("%s: a wallet sent what nobody ordered, to %s", trial->what,
		 life_hex(seen->to.bytes, 20));
}

static void judge_block(struct trial *trial, uint64_t number)
{
	char params[64];
	static struct seen seen;
	struct err err = { 0 };
	JSON_OWNED json = NULL;
	snprintf(params, sizeof params, "[\"0x%llx\",true]", (unsigned long long)number);
	const char *answer = life_rpc(trial->life, "eth_getBlockByNumber", params);
	assert_true(json_parse(str_from(answer), &json, &err));
	const struct json_value *all =
		json_member(json_member(json_root(json), "result"), "transactions");
	for (size_t i = 0; i < json_size(all); i++) {
		seen_read(json_element(all, i), &seen);
		judge_one(trial, &seen);
	}
}

uint64_t life_judge_begin(struct life *life)
{
	struct err err = { 0 };
	struct u256 number;
	uint64_t head = 0;
	JSON_OWNED json = NULL;
	assert_true(json_parse(str_from(life_rpc(life, "eth_blockNumber", "[]")), &json, &err));
	assert_true(u256_from_hex(member_text(json_root(json), "result"), &number));
	assert_true(u256_to_u64(number, &head));
	return head;
}

size_t life_judge(struct life *life, const char *what, uint64_t since,
		  const struct withdrawal *rows, size_t n)
{
	struct trial trial = { life, what, rows, n, { 0 } };
	uint64_t head = life_judge_begin(life);
	size_t paid = 0;
	assert_true(n <= ROWS_MAX);
	for (uint64_t number = since + 1; number <= head; number++)
		judge_block(&trial, number);
	for (size_t i = 0; i < n; i++)
		paid += trial.paid[i];
	return paid;
}
