#include "transaction_vector.h"

#include "core/rlp.h"

static void signs_over_the_same_hash(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	while (transaction_next(&vectors, &vector))
		if (!hash32_equal(tx_signing_hash(&vector.tx), vector.signing_hash))
			fail_msg("transaction.tsv line %d", vectors.number);
	vectors_close(&vectors, TRANSACTIONS_MIN);
}

static void writes_the_same_bytes(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	while (transaction_next(&vectors, &vector)) {
		uint8_t storage[TX_BYTES_MAX];
		struct buf out = buf_of(storage, sizeof storage);
		tx_write_signed(&vector.tx, &vector.signature, &out);
		if (out.overflow || !str_equal(buf_view(&out), vector.signed_bytes) ||
		    !hash32_equal(tx_hash_of(buf_view(&out)), vector.hash))
			fail_msg("transaction.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, TRANSACTIONS_MIN);
}

static bool same_tx(const struct tx *a, const struct tx *b)
{
	return a->chain_id == b->chain_id && a->nonce == b->nonce &&
	       wei_compare(a->fees.tip, b->fees.tip) == 0 &&
	       wei_compare(a->fees.cap, b->fees.cap) == 0 && a->gas_limit == b->gas_limit &&
	       address_equal(a->to, b->to) && wei_compare(a->value, b->value) == 0 &&
	       a->data_len == b->data_len && memcmp(a->data, b->data, a->data_len) == 0;
}

static void reads_them_back(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	while (transaction_next(&vectors, &vector)) {
		struct tx tx;
		struct tx_signature signature;
		assert_true(tx_read_signed(vector.signed_bytes, &tx, &signature));
		if (!same_tx(&tx, &vector.tx) || signature.parity != vector.signature.parity ||
		    memcmp(signature.r, vector.signature.r, 32) != 0 ||
		    memcmp(signature.s, vector.signature.s, 32) != 0)
			fail_msg("transaction.tsv line %d", vectors.number);
	}
	vectors_close(&vectors, TRANSACTIONS_MIN);
}

/* Every cut and every flipped bit: refused, or another transaction that writes exactly these
 * bytes. There is one text for one transaction. */
static void has_one_form_only(void **state)
{
	(void)state;
	struct vectors vectors = vectors_open("transaction.tsv");
	struct transaction_vector vector;
	int taken = 0;
	for (int line = 0; line < 60 && transaction_next(&vectors, &vector); line++) {
		struct tx tx;
		struct tx_signature signature;
		for (size_t len = 0; len < vector.signed_bytes.len; len++)
			assert_false(tx_read_signed((struct str){ vector.signed_bytes.at, len },
						    &tx, &signature));
		for (size_t bit = 0; bit < 8 * vector.signed_bytes.len; bit++) {
			uint8_t storage[TX_BYTES_MAX];
			struct buf out = buf_of(storage, sizeof storage);
			vector.signed_storage[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (tx_read_signed(vector.signed_bytes, &tx, &signature)) {
				tx_write_signed(&tx, &signature, &out);
				assert_true(str_equal(buf_view(&out), vector.signed_bytes));
				taken++;
			}
			vector.signed_storage[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	assert_true(taken > 1000);
	vectors_close(&vectors, 60);
}

static const struct tx plain = {
	.chain_id = 137,
	.nonce = 7,
	.fees = { .tip = { { { 30 } } }, .cap = { { { 130 } } } },
	.gas_limit = 21000,
	.to = { { 1, 2, 3 } },
	.value = { { { 5 } } },
	.data = { 0xaa, 0xbb },
	.data_len = 2,
};

/* One field of a transaction as an encoded RLP item, and how many fields there are. */
struct fields {
	struct str item[16];
	size_t len;
};

static struct fields good_fields(void)
{
	return (struct fields){
		.item = { STR("\x81\x89"), STR("\x07"), STR("\x1e"), STR("\x81\x82"),
			  STR("\x82\x52\x08"),
			  STR("\x94"
			      "12345678901234567890"),
			  STR("\x05"),
			  STR("\x82"
			      "ab"),
			  STR("\xc0"), STR("\x01"), STR("\x02"), STR("\x03") },
		.len = 12,
	};
}

static bool is_read(const struct fields *fields, uint8_t type, const char *tail)
{
	uint8_t content_storage[2048], storage[2048];
	struct buf content = buf_of(content_storage, sizeof content_storage);
	struct buf out = buf_of(storage, sizeof storage);
	struct tx tx;
	struct tx_signature signature;
	for (size_t i = 0; i < fields->len; i++)
		buf_str(&content, fields->item[i]);
	buf_byte(&out, type);
	rlp_write_list_head(&out, content.len);
	buf_str(&out, buf_view(&content));
	buf_text(&out, tail);
	assert_false(out.overflow);
	return tx_read_signed(buf_view(&out), &tx, &signature);
}

static void refuse_field(size_t index, struct str item)
{
	struct fields fields = good_fields();
	fields.item[index] = item;
	if (is_read(&fields, 2, ""))
		fail_msg("field %zu was taken", index);
}

static void refuses_other_envelopes(void **state)
{
	(void)state;
	struct fields fields = good_fields();
	struct tx tx;
	struct tx_signature signature;
	assert_true(is_read(&fields, 2, ""));
	fields.item[6] = STR("\x80"); /* no value, and the data are one zero */
	fields.item[7] = STR("\x00");
	assert_true(is_read(&fields, 2, ""));
	assert_false(is_read(&fields, 1, ""));
	assert_false(is_read(&fields, 3, ""));
	assert_false(is_read(&fields, 2, "x"));
	fields.len = 9; /* unsigned */
	assert_false(is_read(&fields, 2, ""));
	fields.len = 11;
	assert_false(is_read(&fields, 2, ""));
	fields.len = 13;
	fields.item[12] = STR("\x01");
	assert_false(is_read(&fields, 2, ""));
	fields.len = 0;
	assert_false(is_read(&fields, 2, ""));
	assert_false(tx_read_signed(STR(""), &tx, &signature));
	assert_false(tx_read_signed(STR("\x02"), &tx, &signature));
	assert_false(tx_read_signed(STR("\x02\x83"
					"abc"),
				    &tx, &signature)); /* no list */
}

static void refuses_bad_fields(void **state)
{
	(void)state;
	const struct str nine_bytes = STR("\x89\x01\x02\x03\x04\x05\x06\x07\x08\x09");
	const struct str leading_zero = STR("\x82\x00\x80");
	const struct str list = STR("\xc0");
	static const size_t small[] = { 0, 1, 4 };
	static const size_t integers[] = { 0, 1, 2, 3, 4, 6, 9, 10, 11 };
	for (size_t i = 0; i < COUNT_OF(small); i++)
		refuse_field(small[i], nine_bytes);
	for (size_t i = 0; i < COUNT_OF(integers); i++) {
		refuse_field(integers[i], leading_zero);
		refuse_field(integers[i], STR("\x00")); /* zero is the empty string */
		refuse_field(integers[i], list);
		refuse_field(integers[i], STR("\xa1\x01"
					      "12345678901234567890123456789012"));
	}
	refuse_field(5, STR("\x80")); /* creates a contract */
	refuse_field(5, STR("\x93"
			    "1234567890123456789"));
	refuse_field(5, STR("\x95"
			    "123456789012345678901"));
	refuse_field(5, STR("\xd4"
			    "12345678901234567890"));
	refuse_field(7, list);
	refuse_field(8, STR("\x80"));
	refuse_field(8, STR("\xc1\x80")); /* an access list */
	refuse_field(9, STR("\x02"));
	refuse_field(9, STR("\x1b"));

	static uint8_t data[3 + CALLDATA_BYTES_MAX + 1] = { 0xb9, 0x02, 0x01 };
	refuse_field(7, str_from_bytes(data, sizeof data));
}

static void says_when_it_does_not_fit(void **state)
{
	(void)state;
	uint8_t storage[60];
	struct buf out = buf_of(storage, sizeof storage);
	struct tx_signature signature = { .r = { 1 }, .s = { 1 }, .parity = 1 };
	tx_write_signed(&plain, &signature, &out);
	assert_true(out.overflow);
	struct tx wide = plain;
	wide.data_len = CALLDATA_BYTES_MAX + 1;
	assert_aborts(tx_signing_hash(&wide));
	assert_aborts(tx_payload_hash(&wide, plain.to));
	signature.parity = 2;
	assert_aborts(tx_write_signed(&plain, &signature, &out));
}

/* Stored with every slot: the value must not change between releases. */
static void payload_hash_is_pinned(void **state)
{
	(void)state;
	const struct address wallet = { { 9, 9 } };
	assert_string_equal(hash32_text(tx_payload_hash(&plain, wallet)).at,
			    "0x644d770476a825991a5cb945a6531484d75ada7d559f638514a447a28a93fd1e");
}

static void payload_hash_covers_what_is_paid(void **state)
{
	(void)state;
	const struct address wallet = { { 9, 9 } };
	const struct address other_wallet = { { 9, 8 } };
	const struct hash32 hash = tx_payload_hash(&plain, wallet);
	struct tx tx = plain;
	tx.fees.tip.value = u256_from_u64(99); /* not gas, not fees */
	tx.fees.cap.value = u256_from_u64(999);
	tx.gas_limit++;
	tx.data[2] = 1; /* behind data_len */
	assert_true(hash32_equal(tx_payload_hash(&tx, wallet), hash));
	assert_false(hash32_equal(tx_payload_hash(&plain, other_wallet), hash));

	struct tx changed[6] = { plain, plain, plain, plain, plain, plain };
	changed[0].chain_id++;
	changed[1].nonce++;
	changed[2].to.bytes[19]++;
	changed[3].value.value = u256_from_u64(6);
	changed[4].data[1]++;
	changed[5].data_len++;
	for (size_t i = 0; i < COUNT_OF(changed); i++)
		assert_false(hash32_equal(tx_payload_hash(&changed[i], wallet), hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_over_the_same_hash),
		cmocka_unit_test(writes_the_same_bytes),
		cmocka_unit_test(reads_them_back),
		cmocka_unit_test(has_one_form_only),
		cmocka_unit_test(refuses_other_envelopes),
		cmocka_unit_test(refuses_bad_fields),
		cmocka_unit_test(says_when_it_does_not_fit),
		cmocka_unit_test(payload_hash_is_pinned),
		cmocka_unit_test(payload_hash_covers_what_is_paid),
	};
	return cmocka_run_group_tests_name("core/tx", tests, NULL, NULL);
}
