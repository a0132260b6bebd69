#include "adapter/password_argon2.h"

#include "../testing.h"
#include "adapter/entropy_os.h"

static struct password_argon2 cheap_hasher(void)
{
	struct password_argon2 hasher;
	password_argon2_init(&hasher);
	hasher.memory_kib = 256;
	hasher.passes = 2;
	return hasher;
}

static void must_verify(const struct password_argon2 *hasher, const char *password,
			const char *text, bool equal, bool weak)
{
	struct err err = { 0 };
	bool is_equal = !equal, is_weak = !weak;
	if (!password_verify(&hasher->base, str_from(password), text, &is_equal, &is_weak, &err))
		fail_msg("%s", err.text);
	assert_int_equal(is_equal, equal);
	assert_int_equal(is_weak, weak);
}

/* Of the reference implementation's test.c. */
#define REFERENCE                                     \
	"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$" \
	"CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

/* With fewer passes than today's, it is to be made anew at the next chance. */
static void hashes_of_others_verify(void **state)
{
	struct password_argon2 hasher;
	(void)state;
	password_argon2_init(&hasher);
	must_verify(&hasher, "password", REFERENCE, true, true);
	must_verify(&hasher, "passwore", REFERENCE, false, true);
	hasher.passes = 2;
	must_verify(&hasher, "password", REFERENCE, true, false);
}

static void a_hash_has_its_parameters_and_a_salt_of_its_own(void **state)
{
	struct password_argon2 hasher = cheap_hasher();
	struct entropy entropy;
	struct err err;
	char one[PASSWORD_HASH_LEN + 1], two[PASSWORD_HASH_LEN + 1];
	(void)state;
	entropy_os_init(&entropy);
	assert_true(password_hash(&hasher.base, STR("correct horse"), &entropy, one, &err));
	assert_true(password_hash(&hasher.base, STR("correct horse"), &entropy, two, &err));
	assert_memory_equal(one, "$argon2id$v=19$m=256,t=2,p=1$", 29);
	assert_string_not_equal(one, two);
	must_verify(&hasher, "correct horse", one, true, false);
	must_verify(&hasher, "correct horsf", one, false, false);
	must_verify(&hasher, "correct hors", one, false, false);
	hasher.memory_kib = 512;
	must_verify(&hasher, "correct horse", one, true, true);
}

/* Somebody who edits the store cannot have the API work for minutes, or take all its memory. */
static void a_hash_that_costs_too_much_is_refused(void **state)
{
	static const char *const texts[] = {
		"$argon2id$v=19$m=1025,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=9,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=5$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
		"$argon2id$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
		"",
		"password",
	};
	struct password_argon2 hasher = cheap_hasher();
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct err err = { 0 };
		bool is_equal = false, is_weak = false;
		assert_false(password_verify(&hasher.base, STR("password"), texts[i], &is_equal,
					     &is_weak, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
	}
	must_verify(&hasher, "password",
		    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
		    "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		    true, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_others_verify),
		cmocka_unit_test(a_hash_has_its_parameters_and_a_salt_of_its_own),
		cmocka_unit_test(a_hash_that_costs_too_much_is_refused),
	};
	return cmocka_run_group_tests_name("adapter/password_argon2", tests, NULL, NULL);
}
