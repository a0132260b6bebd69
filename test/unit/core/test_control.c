#include "core/control.h"

#include "../testing.h"

static const uint8_t key_bytes[32] = { 1, 2, 3 };
static const uint8_t other_bytes[32] = { 4 };
static const struct mac_keys keys = { .keys = { { 1, key_bytes } }, .len = 1 };
static const struct mac_keys others = { .keys = { { 1, other_bytes } }, .len = 1 };

#define NOW 1700000000000

static struct control switch_of(enum control_scope scope, const char *name, unsigned stops)
{
	struct control row = { .scope = scope, .stops = stops, .who = "ann", .reason = "drill" };
	assert_true(control_name_read(scope, str_from(name), row.name));
	return row;
}

static struct control_set *set_new(void)
{
	static struct control_set set;
	memset(&set, 0, sizeof set);
	set.has_head = true;
	return &set;
}

static void put(struct control_set *set, enum control_scope scope, const char *name, unsigned stops)
{
	struct control row = switch_of(scope, name, stops);
	assert_true(control_set_put(set, &row, 1700000000000));
	control_set_seal(&keys, set);
}

static const struct address wallet = { { 0xab, 1, 2 } };

static unsigned stops_for(const struct control_set *set, uint64_t chain, const char *asset,
			  const char *account)
{
	const struct control_subject subject = {
		.chain_id = chain, .asset = asset, .account = account, .wallet = &wallet
	};
	return control_stops(set, &subject);
}

static void each_scope_stops_what_it_names(void **state)
{
	static const struct {
		enum control_scope scope;
		const char *name;
		bool stops[4]; /* 137 USDC acme; 1 USDC acme; 137 POL acme; 137 USDC umbra */
	} cases[] = {
		{ CONTROL_ALL, "", { true, true, true, true } },
		{ CONTROL_CHAIN, "137", { true, false, true, true } },
		{ CONTROL_ASSET, "USDC", { true, true, false, true } },
		{ CONTROL_ASSET, "137/USDC", { true, false, false, true } },
		{ CONTROL_ACCOUNT, "acme", { true, true, true, false } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct control_set *set = set_new();
		put(set, cases[i].scope, cases[i].name, CONTROL_SIGNING);
		const bool *stops = cases[i].stops;
		assert_int_equal(stops_for(set, 137, "USDC", "acme") != 0, stops[0]);
		assert_int_equal(stops_for(set, 1, "USDC", "acme") != 0, stops[1]);
		assert_int_equal(stops_for(set, 137, "POL", "acme") != 0, stops[2]);
		assert_int_equal(stops_for(set, 137, "USDC", "umbra") != 0, stops[3]);
	}
}

static void a_wallet_is_stopped_by_its_address(void **state)
{
	struct control_set *set = set_new();
	const struct address stranger = { { 9 } };
	struct control_subject subject = { .chain_id = 137, .wallet = &wallet };
	(void)state;
	put(set, CONTROL_WALLET, address_text(wallet).at, CONTROL_SIGNING);
	assert_int_equal(control_stops(set, &subject), CONTROL_SIGNING);
	subject.wallet = &stranger;
	assert_int_equal(control_stops(set, &subject), 0);
	subject.wallet = NULL;
	assert_int_equal(control_stops(set, &subject), 0);
}

/* A payment whose chain, asset or account nobody knows yet is of none. */
static void what_is_not_known_yet_is_named_by_no_switch(void **state)
{
	static const struct {
		enum control_scope scope;
		const char *name;
		unsigned stops;
	} cases[] = {
		{ CONTROL_ALL, "", CONTROL_SIGNING }, { CONTROL_CHAIN, "137", 0 },
		{ CONTROL_ASSET, "USDC", 0 },         { CONTROL_ASSET, "137/USDC", 0 },
		{ CONTROL_ACCOUNT, "acme", 0 },
	};
	const struct control_subject unknown = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct control_set *set = set_new();
		put(set, cases[i].scope, cases[i].name, CONTROL_SIGNING);
		assert_int_equal(control_stops(set, &unknown), cases[i].stops);
	}
	/* Nor by one that an editor gave the chain that is none. */
	struct control_set *edited = set_new();
	put(edited, CONTROL_CHAIN, "1", CONTROL_SIGNING);
	edited->rows[0].name[0] = '0';
	assert_int_equal(control_stops(edited, &unknown), 0);
}

static void switches_add_up_and_a_freeze_stops_signing(void **state)
{
	struct control_set *set = set_new();
	(void)state;
	assert_int_equal(stops_for(set, 137, "USDC", "acme"), 0);
	put(set, CONTROL_ACCOUNT, "acme", CONTROL_INTAKE);
	put(set, CONTROL_CHAIN, "137", CONTROL_BROADCAST);
	assert_int_equal(stops_for(set, 137, "USDC", "acme"), CONTROL_STOPS_ALL);
	assert_int_equal(stops_for(set, 1, "USDC", "acme"), CONTROL_INTAKE);
	assert_int_equal(control_stops_any(set), CONTROL_INTAKE);
	put(set, CONTROL_ASSET, "POL", CONTROL_BROADCAST);
	assert_int_equal(control_stops_any(set), CONTROL_STOPS_ALL);
}

/* Whatever an editor made of its scope: it is a pause, and of everybody. */
static void an_unknown_scope_stops_all(void **state)
{
	struct control_set *set = set_new();
	(void)state;
	put(set, CONTROL_CHAIN, "1", CONTROL_SIGNING);
	set->rows[0].scope = (enum control_scope)77;
	assert_int_equal(stops_for(set, 137, "USDC", "acme"), CONTROL_SIGNING);
	assert_string_equal(control_scope_text(set->rows[0].scope), "unknown");
	assert_string_equal(control_scope_text((enum control_scope)0), "unknown");
}

/* It stops nobody by itself; that the seal is broken stops everybody. */
static void an_edited_chain_names_nothing_and_is_forged(void **state)
{
	static const struct {
		enum control_scope scope;
		const char *name, *edited;
	} cases[] = {
		{ CONTROL_CHAIN, "137", "polygon" },
		{ CONTROL_CHAIN, "137", "" },
		{ CONTROL_ASSET, "137/USDC", "polygon/USDC" },
		{ CONTROL_ASSET, "137/USDC", "/USDC" },
	};
	const struct control_subject subject = { .chain_id = 137, .asset = "USDC" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct control_set *set = set_new();
		struct control_seen seen = { 0 };
		put(set, cases[i].scope, cases[i].name, CONTROL_SIGNING);
		assert_int_equal(control_stops(set, &subject), CONTROL_SIGNING);
		snprintf(set->rows[0].name, sizeof set->rows[0].name, "%s", cases[i].edited);
		assert_int_equal(control_stops(set, &subject), 0);
		assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_FORGED);
		assert_int_equal(control_stops_doubted(set, NULL, &subject),
				 CONTROL_INTAKE | CONTROL_SIGNING);
	}
}

static void a_change_of_anything_breaks_the_seal(void **state)
{
	struct control_set *set = set_new();
	struct control_set kept;
	(void)state;
	assert_true(control_set_is_sealed(&keys, set)); /* nobody has ever set a switch */
	put(set, CONTROL_ACCOUNT, "acme", CONTROL_SIGNING);
	put(set, CONTROL_CHAIN, "137", CONTROL_SIGNING);
	assert_true(control_set_is_sealed(&keys, set));
	assert_false(control_set_is_sealed(&others, set));
	kept = *set;
#define BREAKS(edit)                                             \
	do {                                                     \
		*set = kept;                                     \
		edit;                                            \
		assert_false(control_set_is_sealed(&keys, set)); \
	} while (0)
	BREAKS(set->len--);
	BREAKS(set->len = 0);
	BREAKS(set->version++);
	BREAKS(set->version = 0);
	BREAKS(set->reset_version++);
	BREAKS(set->changed_at++);
	BREAKS(set->is_cut = true);
	BREAKS(set->mac.bytes[0]++);
	BREAKS(set->rows[0].stops = CONTROL_INTAKE);
	BREAKS(set->rows[0].scope = CONTROL_ASSET);
	BREAKS(set->rows[0].name[0]++);
	BREAKS(set->rows[0].version++);
	BREAKS(set->rows[0].since++);
	BREAKS(set->rows[1].who[0]++);
	BREAKS(set->rows[1].reason[0]++);
	/* The head of a store in which nobody has set a switch, with a switch. */
	BREAKS((set->version = 0, set->mac = (struct mac_tag){ 0 }));
	/* Or with a reset that nobody has made. */
	BREAKS((set->version = 0, set->len = 0, set->reset_version = 1));
#undef BREAKS
}

static void an_old_set_is_noticed_and_stays_doubted(void **state)
{
	struct control_set *set = set_new();
	struct control_set old;
	struct control_seen seen = { 0 };
	(void)state;
	put(set, CONTROL_CHAIN, "1", CONTROL_SIGNING);
	old = *set;
	put(set, CONTROL_CHAIN, "137", CONTROL_SIGNING);
	assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_BELIEVED);
	control_seen_note(set, &seen);
	assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_BELIEVED);
	assert_int_equal(control_judge(&keys, &old, &seen, NOW), CONTROL_OLD);
	/* What is made on top of it is no better, whatever its number. */
	put(&old, CONTROL_CHAIN, "5", CONTROL_SIGNING);
	assert_int_equal(control_judge(&keys, &old, &seen, NOW), CONTROL_DIFFERS);
	put(&old, CONTROL_CHAIN, "6", CONTROL_SIGNING);
	assert_int_equal(control_judge(&keys, &old, &seen, NOW), CONTROL_OLD);
	assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_OLD);
	/* But for what people say to be the beginning of another row of sets. */
	old.version = old.reset_version = 100;
	control_set_seal(&keys, &old);
	assert_int_equal(control_judge(&keys, &old, &seen, NOW), CONTROL_BELIEVED);
	control_seen_note(&old, &seen);
	put(&old, CONTROL_CHAIN, "7", CONTROL_SIGNING);
	assert_int_equal(control_judge(&keys, &old, &seen, NOW), CONTROL_BELIEVED);
}

/* Whoever had a key sealed what an editor had counted up: nobody could count on from there. */
static void switches_stuck_a_number_that_nobody_gave(void **state)
{
	static const uint64_t numbers[] = { NOW + CONTROL_AHEAD_MS + 1, INT64_MAX - 1, INT64_MAX };
	struct control_set *set = set_new();
	struct control_seen seen = { 0 };
	(void)state;
	put(set, CONTROL_CHAIN, "1", CONTROL_SIGNING);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		set->version = set->reset_version = numbers[i];
		control_set_seal(&keys, set);
		assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_FORGED);
		assert_false(seen.is_doubted);
	}
	assert_false(control_version_is_possible(1, 0)); /* a clock that was never set */
	set->version = NOW + CONTROL_AHEAD_MS;
	control_set_seal(&keys, set);
	assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_BELIEVED);
}

static void a_set_without_its_head_or_emptied_is_doubted(void **state)
{
	struct control_set *set = set_new();
	struct control_seen seen = { 0 };
	(void)state;
	assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_BELIEVED);
	put(set, CONTROL_CHAIN, "1", CONTROL_SIGNING);
	control_seen_note(set, &seen);
	assert_int_equal(control_judge(&others, set, &seen, NOW), CONTROL_FORGED);
	set->has_head = false;
	assert_int_equal(control_judge(&keys, set, &seen, NOW), CONTROL_MISSING);
	/* As in a store that nobody has touched. */
	assert_int_equal(control_judge(&keys, set_new(), &seen, NOW), CONTROL_OLD);
}

static void every_doubt_has_a_text_of_its_own(void **state)
{
	static const char *const texts[] = {
		[CONTROL_BELIEVED] = "",       [CONTROL_UNREADABLE] = "unreadable",
		[CONTROL_MISSING] = "missing", [CONTROL_FORGED] = "forged",
		[CONTROL_OLD] = "old",         [CONTROL_DIFFERS] = "differs",
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_string_equal(control_doubt_text((enum control_doubt)i), texts[i]);
	assert_string_equal(control_doubt_text((enum control_doubt)COUNT_OF(texts)), "unknown");
}

static void who_doubts_stops_all_and_keeps_what_was_frozen(void **state)
{
	const struct control_subject subject = { .chain_id = 137 };
	struct control_set *set = set_new();
	struct control_set believed;
	(void)state;
	assert_int_equal(control_stops_doubted(set, NULL, &subject),
			 CONTROL_INTAKE | CONTROL_SIGNING);
	put(set, CONTROL_CHAIN, "137", CONTROL_BROADCAST);
	believed = *set;
	assert_int_equal(control_stops_doubted(set_new(), &believed, &subject), CONTROL_STOPS_ALL);
	assert_int_equal(control_stops_doubted(&believed, NULL, &subject), CONTROL_STOPS_ALL);
}

static void a_switch_is_lifted_in_parts(void **state)
{
	struct control_set *set = set_new();
	struct control row = switch_of(CONTROL_ACCOUNT, "acme", CONTROL_INTAKE);
	(void)state;
	put(set, CONTROL_ACCOUNT, "acme", CONTROL_INTAKE);
	assert_false(control_set_put(set, &row, 1)); /* it does already */
	put(set, CONTROL_ACCOUNT, "acme", CONTROL_SIGNING);
	put(set, CONTROL_ALL, "", CONTROL_SIGNING);
	assert_int_equal(set->len, 2);
	assert_int_equal(set->version, 3);
	assert_int_equal(control_find(set, CONTROL_ACCOUNT, "acme")->version, 2);
	assert_false(control_set_lift(set, CONTROL_ACCOUNT, "acme", CONTROL_BROADCAST, 9));
	assert_false(control_set_lift(set, CONTROL_ACCOUNT, "umbra", CONTROL_STOPS_ALL, 9));
	assert_int_equal(set->version, 3);
	assert_true(control_set_lift(set, CONTROL_ACCOUNT, "acme", CONTROL_SIGNING, 9));
	assert_int_equal(control_find(set, CONTROL_ACCOUNT, "acme")->stops, CONTROL_INTAKE);
	assert_true(control_set_lift(set, CONTROL_ACCOUNT, "acme", CONTROL_STOPS_ALL, 9));
	assert_null(control_find(set, CONTROL_ACCOUNT, "acme"));
	assert_int_equal(set->len, 1);
	assert_int_equal(set->version, 5);
}

static void a_set_has_no_more_than_its_room(void **state)
{
	struct control_set *set = set_new();
	char name[16];
	(void)state;
	for (int i = 0; i < CONTROLS_MAX - 1; i++) {
		snprintf(name, sizeof name, "%d", i + 1);
		put(set, CONTROL_CHAIN, name, CONTROL_STOPS_ALL);
	}
	struct control row = switch_of(CONTROL_CHAIN, "999", CONTROL_SIGNING);
	assert_false(control_set_put(set, &row, 1));
	assert_true(control_set_is_sealed(&keys, set));
	/* Who stops everything has a place all the same. */
	put(set, CONTROL_ALL, "", CONTROL_STOPS_ALL);
	assert_int_equal(set->len, CONTROLS_MAX);
}

static void names_and_stops_read_as_they_are_written(void **state)
{
	static const struct {
		enum control_scope scope;
		const char *text;
		const char *name; /* NULL: none */
	} names[] = {
		{ CONTROL_ALL, "", "" },
		{ CONTROL_ALL, "x", NULL },
		{ CONTROL_CHAIN, "137", "137" },
		{ CONTROL_CHAIN, "0137", NULL },
		{ CONTROL_CHAIN, "0", NULL },
		{ CONTROL_CHAIN, "polygon", NULL },
		{ CONTROL_ASSET, "USDC", "USDC" },
		{ CONTROL_ASSET, "137/USDC", "137/USDC" },
		{ CONTROL_ASSET, "x/USDC", NULL },
		{ CONTROL_ASSET, "", NULL },
		{ CONTROL_ASSET, "ABCDEFGHIJKLMNOPQ", NULL },
		{ CONTROL_ASSET, "US DC", NULL },
		{ CONTROL_ASSET, "USDC\x7f", NULL },
		{ CONTROL_ASSET, "137/US/DC", NULL },
		{ CONTROL_ACCOUNT, "acme", "acme" },
		{ CONTROL_ACCOUNT, "two words", NULL },
		{ CONTROL_ACCOUNT, "acme\x7f", NULL },
		{ CONTROL_ACCOUNT, "", NULL },
		{ CONTROL_WALLET, "0xde709f2102306220921060314715629080e2fb77",
		  "0xde709f2102306220921060314715629080e2fb77" },
		{ CONTROL_WALLET, "0xde70", NULL },
		{ (enum control_scope)0, "", NULL },
		{ (enum control_scope)77, "acme", NULL },
	};
	char name[CONTROL_NAME_LEN_MAX + 1];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		bool good = control_name_read(names[i].scope, str_from(names[i].text), name);
		assert_int_equal(good, names[i].name != NULL);
		if (good)
			assert_string_equal(name, names[i].name);
	}
	for (unsigned stops = 1; stops <= CONTROL_STOPS_ALL; stops++) {
		char text[CONTROL_STOPS_LEN_MAX + 1];
		unsigned again = 0;
		struct buf out = buf_of(text, sizeof text);
		control_stops_write(stops, &out);
		assert_true(control_stops_read(buf_view(&out), &again));
		assert_int_equal(again, stops);
	}
	unsigned stops = 7;
	assert_false(control_stops_read(STR(""), &stops));
	assert_false(control_stops_read(STR("signing,all"), &stops));
	assert_false(control_stops_read(STR("intake,signing,broadcast,intake"), &stops));
	assert_int_equal(stops, 7);
	for (int i = CONTROL_ALL; i <= CONTROL_WALLET; i++) {
		enum control_scope scope = CONTROL_ALL;
		assert_true(control_scope_read(str_from(control_scope_text((enum control_scope)i)),
					       &scope));
		assert_int_equal(scope, i);
	}
	enum control_scope scope;
	assert_false(control_scope_read(STR("everything"), &scope));
}

/* What is longer by one is none, and leaves alone what was there. */
static void the_longest_names_fit_and_longer_ones_are_refused(void **state)
{
	char account[ACCOUNT_LEN_MAX + 2];
	char name[CONTROL_NAME_LEN_MAX + 1];
	(void)state;
	memset(account, 'a', sizeof account);
	account[ACCOUNT_LEN_MAX] = 0;
	assert_true(control_name_read(CONTROL_ACCOUNT, str_from(account), name));
	assert_string_equal(name, account);
	struct str longer = { account, ACCOUNT_LEN_MAX + 1 };
	account[ACCOUNT_LEN_MAX] = 'a';
	assert_false(control_name_read(CONTROL_ACCOUNT, longer, name));
	assert_int_equal(strlen(name), ACCOUNT_LEN_MAX);
	static const char asset[] = "18446744073709551615/ABCDEFGHIJKLMNOP";
	assert_true(control_name_read(CONTROL_ASSET, str_from(asset), name));
	assert_string_equal(name, asset);
	assert_false(control_name_read(CONTROL_ASSET, STR("18446744073709551616/USDC"), name));
	assert_string_equal(name, asset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scope_stops_what_it_names),
		cmocka_unit_test(a_wallet_is_stopped_by_its_address),
		cmocka_unit_test(what_is_not_known_yet_is_named_by_no_switch),
		cmocka_unit_test(switches_add_up_and_a_freeze_stops_signing),
		cmocka_unit_test(an_unknown_scope_stops_all),
		cmocka_unit_test(an_edited_chain_names_nothing_and_is_forged),
		cmocka_unit_test(a_change_of_anything_breaks_the_seal),
		cmocka_unit_test(an_old_set_is_noticed_and_stays_doubted),
		cmocka_unit_test(switches_stuck_a_number_that_nobody_gave),
		cmocka_unit_test(a_set_without_its_head_or_emptied_is_doubted),
		cmocka_unit_test(every_doubt_has_a_text_of_its_own),
		cmocka_unit_test(who_doubts_stops_all_and_keeps_what_was_frozen),
		cmocka_unit_test(a_switch_is_lifted_in_parts),
		cmocka_unit_test(a_set_has_no_more_than_its_room),
		cmocka_unit_test(names_and_stops_read_as_they_are_written),
		cmocka_unit_test(the_longest_names_fit_and_longer_ones_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
