/* Heads that are pushed: by a real node, through a proxy that is cut and frozen, and by such that
 * say what they should not. run_with_heads.mjs starts them. */
#include "adapter/chain_ws.h"

#include "../unit/testing.h"
#include "net/json_rpc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#define CHAIN_ID 31337
#define WAIT_MS  15000 /* for what must come */
#define QUIET_MS 300   /* for what must not */

struct place {
	struct head_bell *bell;
	struct chain_ws *ws;
	struct metrics *metrics;
	struct log log;
	atomic_uint alarms, lives, aways;
	char text[256]; /* the last line */
};

static const char *need(const char *name)
{
	const char *value = getenv(name);
	if (value == NULL)
		fail_msg("%s is not set: run by test/contract/run_with_heads.mjs", name);
	return value;
}

static void place_hear(void *listener, enum log_level level, const struct log_about *about,
		       const char *message)
{
	struct place *place = listener;
	(void)level;
	snprintf(place->text, sizeof place->text, "%s", message);
	if (about->alarm)
		atomic_fetch_add(&place->alarms, 1);
	if (strcmp(about->action, "heads_live") == 0)
		atomic_fetch_add(&place->lives, 1);
	if (strcmp(about->action, "heads_away") == 0)
		atomic_fetch_add(&place->aways, 1);
}

static int64_t now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void place_open(struct place *place, const char *url)
{
	struct err err;
	const struct chain_ws_options options = { .url = url,
						  .name = "anvil",
						  .chain_id = CHAIN_ID,
						  .silent_s = 1,
						  .answer_s = 1,
						  .pause_ms_max = 1000,
						  .bell = place->bell,
						  .log = &place->log,
						  .metrics = place->metrics };
	if (!chain_ws_open(&options, &place->ws, &err))
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	static struct place place;
	memset(&place, 0, sizeof place);
	place.bell = head_bell_new();
	place.metrics = metrics_new();
	place.log = (struct log){ .hear = place_hear, .listener = &place };
	*state = &place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;
	chain_ws_close(place->ws);
	head_bell_free(place->bell);
	metrics_free(place->metrics);
	return 0;
}

static void open_node(struct place *place)
{
	place_open(place, need("SLUICE_TEST_WS"));
}

static void open_liar(struct place *place, const char *path)
{
	char url[128];
	snprintf(url, sizeof url, "%s/%s", need("SLUICE_TEST_LIAR"), path);
	place_open(place, url);
}

/* So many lines of that kind have come. */
static void wait_for(const atomic_uint *count, unsigned wanted)
{
	int64_t until = now_ms() + WAIT_MS;
	while (atomic_load(count) < wanted && now_ms() < until)
		(void)poll(NULL, 0, 5);
	assert_true(atomic_load(count) >= wanted);
}

static void wait_live(struct place *place, unsigned times)
{
	wait_for(&place->lives, times);
	assert_true(head_bell_is_live(place->bell));
	/* It rings once for what came before. */
	while (head_bell_wait(place->bell, QUIET_MS))
		continue;
}

static void mine(void)
{
	struct err err;
	struct json_rpc *rpc;
	const struct json_rpc_options options = { .url = need("SLUICE_TEST_RPC") };
	assert_true(json_rpc_open(&options, &rpc, &err));
	json_rpc_begin(rpc);
	buf_text(json_rpc_add(rpc, "anvil_mine"), "\"0x1\"");
	json_rpc_run(rpc, 1);
	assert_null(json_rpc_failure(rpc));
	json_rpc_close(rpc);
}

static void control(const char *command)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	address.sin_port = htons((uint16_t)strtoul(need("SLUICE_TEST_CONTROL"), NULL, 10));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char line[32], answer[8];
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	int len = snprintf(line, sizeof line, "%s\n", command);
	assert_int_equal(send(fd, line, (size_t)len, MSG_NOSIGNAL), len);
	assert_int_equal(recv(fd, answer, 5, MSG_WAITALL), 5);
	(void)close(fd);
}

static void assert_rings(struct place *place)
{
	int64_t from = now_ms();
	assert_true(head_bell_wait(place->bell, WAIT_MS));
	assert_in_range(now_ms() - from, 0, WAIT_MS - 1);
}

/* ---- a node ---- */

static void a_head_rings(void **state)
{
	struct place *place = *state;
	assert_false(head_bell_is_live(place->bell));
	open_node(place);
	wait_live(place, 1);
	for (int i = 0; i < 3; i++) {
		mine();
		assert_rings(place);
	}
	assert_false(head_bell_wait(place->bell, QUIET_MS));
	assert_int_equal(atomic_load(&place->aways), 0);
}

/* Longer than the time after which it is pinged, and taken for lost without an answer. */
static void a_chain_without_blocks_stays_connected(void **state)
{
	struct place *place = *state;
	open_node(place);
	wait_live(place, 1);
	int64_t until = now_ms() + 3500;
	while (now_ms() < until)
		assert_false(head_bell_wait(place->bell, QUIET_MS));
	assert_int_equal(atomic_load(&place->aways), 0);
	mine();
	assert_rings(place);
}

static void cut_off_it_connects_again(void **state)
{
	struct place *place = *state;
	open_node(place);
	wait_live(place, 1);
	control("cut");
	wait_for(&place->aways, 1);
	wait_live(place, 2);
	mine();
	assert_rings(place);
	/* While nobody answers it is not live, and its pauses do not end it. */
	control("reset");
	wait_for(&place->aways, 2);
	assert_false(head_bell_is_live(place->bell));
	assert_false(head_bell_wait(place->bell, QUIET_MS));
	control("pass");
	wait_live(place, 3);
	mine();
	assert_rings(place);
}

/* Nothing is closed, and nothing comes: the ping tells. */
static void silent_socket_is_left(void **state)
{
	struct place *place = *state;
	open_node(place);
	wait_live(place, 1);
	control("freeze");
	wait_for(&place->aways, 1);
	assert_false(head_bell_is_live(place->bell));
	control("pass");
	wait_live(place, 2);
	mine();
	assert_rings(place);
}

static void it_is_closed_in_any_state(void **state)
{
	static const char *const ends[] = { "freeze", "reset", "pass", "pass" };
	struct place *place = *state;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		control(ends[i]);
		open_node(place);
		if (i == 2)
			wait_live(place, 1);
		else
			(void)poll(NULL, 0, (int)(20 * i));
		int64_t from = now_ms();
		chain_ws_close(place->ws);
		place->ws = NULL;
		assert_in_range(now_ms() - from, 0, 2000);
	}
	control("pass");
	assert_false(head_bell_is_live(place->bell));
}

/* ---- such that lie ---- */

static void a_message_may_come_in_parts(void **state)
{
	struct place *place = *state;
	open_liar(place, "parts");
	wait_for(&place->lives, 1);
	assert_rings(place);
}

static void assert_never_live(struct place *place, const char *path)
{
	open_liar(place, path);
	wait_for(&place->aways, 1);
	/* And again, once or twice. */
	(void)poll(NULL, 0, QUIET_MS);
	assert_int_equal(atomic_load(&place->lives), 0);
	assert_false(head_bell_is_live(place->bell));
	assert_false(head_bell_wait(place->bell, 1));
	chain_ws_close(place->ws);
	place->ws = NULL;
	atomic_store(&place->aways, 0);
}

static void heads_of_another_chain_ring_nothing(void **state)
{
	struct place *place = *state;
	assert_never_live(place, "unproved");
	open_liar(place, "other_chain");
	wait_for(&place->alarms, 1);
	assert_string_equal(place->text, "chain anvil: its ws node says chain id 137, not 31337");
	(void)poll(NULL, 0, 1500); /* some tries more */
	assert_int_equal(atomic_load(&place->alarms), 1);
	assert_false(head_bell_is_live(place->bell));
	assert_false(head_bell_wait(place->bell, 1));
}

static void nonsense_is_left(void **state)
{
	struct place *place = *state;
	assert_never_live(place, "rubbish");
	assert_never_live(place, "refuses");
	assert_never_live(place, "huge");
	assert_never_live(place, "endless");
	assert_never_live(place, "silent");
	assert_never_live(place, "unasked");
}

/* Four thousand heads a second: the bell is heard ten times in that time, at most. */
static void who_rings_all_the_time_is_heard_seldom(void **state)
{
	struct place *place = *state;
	unsigned heard = 0;
	open_liar(place, "flood");
	wait_for(&place->lives, 1);
	int64_t from = now_ms();
	while (now_ms() - from < 500)
		heard += head_bell_wait(place->bell, QUIET_MS);
	assert_in_range(heard, 1, 500 / HEAD_PAUSE_MS + 1);
}

static void a_url_is_one(void **state)
{
	static const char *const urls[] = {
		"http://127.0.0.1/", "ws://",        "ws:///path",       "ws://user@host/",
		"ws://host:0/",      "ws://host:x/", "ws://host:70000/", "ws://[::1/",
		"ws://[::1]x/",      "ws://ho st/",  "ws://host/#part",  "wss://:1/",
	};
	struct place *place = *state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct err err = { 0 };
		const struct chain_ws_options options = {
			.url = urls[i], .name = "anvil", .chain_id = 1, .bell = place->bell
		};
		if (chain_ws_open(&options, &place->ws, &err))
			fail_msg("%s", urls[i]);
		assert_int_equal(err.kind, ERR_REFUSED);
	}
}

static void messages_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum chain_ws_kind kind;
	} cases[] = {
		{ "{\"id\":1,\"result\":\"0x7a69\"}", CHAIN_WS_IDENTITY },
		{ "{\"id\":1,\"result\":31337}", CHAIN_WS_OTHER },
		{ "{\"id\":\"1\",\"result\":\"0x1\"}", CHAIN_WS_OTHER },
		{ "{\"id\":2,\"result\":\"0x1\"}", CHAIN_WS_SUBSCRIBED },
		{ "{\"id\":2,\"result\":null}", CHAIN_WS_OTHER },
		{ "{\"id\":2,\"error\":{\"code\":1}}", CHAIN_WS_REFUSED },
		{ "{\"id\":3,\"result\":\"0x1\"}", CHAIN_WS_OTHER },
		{ "{\"method\":\"eth_subscription\",\"params\":{\"result\":{}}}", CHAIN_WS_HEAD },
		{ "{\"method\":\"eth_subscription\",\"params\":{\"result\":1}}", CHAIN_WS_OTHER },
		{ "{\"method\":\"eth_subscription\"}", CHAIN_WS_OTHER },
		{ "{\"method\":\"other\",\"params\":{\"result\":{}}}", CHAIN_WS_OTHER },
		{ "[]", CHAIN_WS_OTHER },
		{ "", CHAIN_WS_OTHER },
		{ "{\"id\":1,\"id\":1,\"result\":\"0x1\"}", CHAIN_WS_OTHER },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t chain_id = 0;
		if (chain_ws_read(str_from(cases[i].text), &chain_id) != cases[i].kind)
			fail_msg("%s", cases[i].text);
		assert_int_equal(chain_id, i == 0 ? CHAIN_ID : 0);
	}
}

#define WS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WS_TEST(messages_are_told_apart),
		WS_TEST(a_url_is_one),
		WS_TEST(a_head_rings),
		WS_TEST(a_chain_without_blocks_stays_connected),
		WS_TEST(cut_off_it_connects_again),
		WS_TEST(silent_socket_is_left),
		WS_TEST(it_is_closed_in_any_state),
		WS_TEST(a_message_may_come_in_parts),
		WS_TEST(heads_of_another_chain_ring_nothing),
		WS_TEST(nonsense_is_left),
		WS_TEST(who_rings_all_the_time_is_heard_seldom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
