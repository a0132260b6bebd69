#include "adapter/secrets_aes.h"

#include "../testing.h"
#include "adapter/entropy_os.h"

#define PLAIN "12345678901234567890"
#define LEN   (sizeof PLAIN - 1)
#define CAP   (LEN + SECRETS_OVERHEAD)

static uint8_t key_old[32], key_new[32];
static struct mac_keys keys = { { { 7, key_old } }, 1 };
static const struct secrets_place place = { "users", "totp", { "row-1", 5 } };

struct sealer {
	struct entropy entropy;
	struct secrets_aes aes;
};

static struct secrets *sealer_init(struct sealer *sealer, const struct mac_keys *with)
{
	for (uint8_t i = 0; i < 32; i++) {
		key_old[i] = i;
		key_new[i] = (uint8_t)(i + 1);
	}
	entropy_os_init(&sealer->entropy);
	secrets_aes_init(&sealer->aes, with, &sealer->entropy);
	return &sealer->aes.base;
}

static bool opens(struct secrets *secrets, const struct secrets_place *at, const uint8_t *sealed,
		  size_t len, bool *ret_is_old)
{
	uint8_t plain[CAP];
	struct err err = { 0 };
	if (!secrets_open(secrets, at, str_from_bytes(sealed, len), plain, ret_is_old, &err)) {
		assert_int_equal(err.kind, ERR_REFUSED);
		return false;
	}
	assert_memory_equal(plain, PLAIN, LEN);
	return true;
}

/* Made by node:crypto from the text in the header: same key, place and nonce. */
static void what_another_program_sealed_opens(void **state)
{
	uint8_t sealed[CAP];
	struct sealer sealer;
	bool is_old = true;
	struct secrets *secrets = sealer_init(&sealer, &keys);
	(void)state;
	assert_true(hex_read(
		STR("00000007a5a5a5a5a5a5a5a5a5a5a5a51075af9407aa1fb1119c92d09b174213ba228e6768a692bfef885f63fc2cbfa826d5fe93"),
		sealed, sizeof sealed));
	assert_true(opens(secrets, &place, sealed, CAP, &is_old));
	assert_false(is_old);
}

static void the_same_secret_looks_different_each_time(void **state)
{
	uint8_t one[CAP], two[CAP];
	struct sealer sealer;
	bool is_old;
	struct secrets *secrets = sealer_init(&sealer, &keys);
	(void)state;
	secrets_seal(secrets, &place, STR(PLAIN), one);
	secrets_seal(secrets, &place, STR(PLAIN), two);
	assert_memory_not_equal(one, two, CAP);
	assert_memory_not_equal(one + 16, two + 16, LEN);
	assert_true(opens(secrets, &place, one, CAP, &is_old));
	assert_true(opens(secrets, &place, two, CAP, &is_old));
}

/* Every byte counts, and so does the place. */
static void what_was_changed_or_moved_does_not_open(void **state)
{
	static const struct secrets_place places[] = { { "users", "totp", { "row-2", 5 } },
						       { "users", "totq", { "row-1", 5 } },
						       { "userst", "otp", { "row-1", 5 } },
						       { "hooks", "totp", { "row-1", 5 } } };
	uint8_t sealed[CAP];
	struct sealer sealer;
	bool is_old;
	struct secrets *secrets = sealer_init(&sealer, &keys);
	(void)state;
	secrets_seal(secrets, &place, STR(PLAIN), sealed);
	for (size_t i = 0; i < COUNT_OF(places); i++)
		assert_false(opens(secrets, &places[i], sealed, CAP, &is_old));
	for (size_t i = 0; i < CAP; i++) {
		sealed[i] ^= 1;
		assert_false(opens(secrets, &place, sealed, CAP, &is_old));
		sealed[i] ^= 1;
	}
	for (size_t len = 0; len < CAP; len++)
		assert_false(opens(secrets, &place, sealed, len, &is_old));
	assert_true(opens(secrets, &place, sealed, CAP, &is_old));
}

/* A new key seals, the old one opens until all is sealed anew; then it goes. */
static void a_key_rotates(void **state)
{
	const struct mac_keys both = { { { 8, key_new }, { 7, key_old } }, 2 };
	const struct mac_keys after = { { { 8, key_new } }, 1 };
	uint8_t sealed[CAP], again[CAP];
	struct sealer sealer;
	bool is_old = false;
	(void)state;
	secrets_seal(sealer_init(&sealer, &keys), &place, STR(PLAIN), sealed);
	struct secrets *secrets = sealer_init(&sealer, &both);
	assert_true(opens(secrets, &place, sealed, CAP, &is_old));
	assert_true(is_old);
	secrets_seal(secrets, &place, STR(PLAIN), again);
	secrets = sealer_init(&sealer, &after);
	assert_true(opens(secrets, &place, again, CAP, &is_old));
	assert_false(is_old);
	assert_false(opens(secrets, &place, sealed, CAP, &is_old));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_another_program_sealed_opens),
		cmocka_unit_test(the_same_secret_looks_different_each_time),
		cmocka_unit_test(what_was_changed_or_moved_does_not_open),
		cmocka_unit_test(a_key_rotates),
	};
	return cmocka_run_group_tests_name("adapter/secrets_aes", tests, NULL, NULL);
}
