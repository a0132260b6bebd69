#include "cmd/follow.h"

#include "adapter/clock_posix.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_FAST_MS 100 /* in the first seconds, and then slower */
#define POLL_SLOW_MS 500
#define FAST_FOR_MS  15000
#define EVENTS_PAGE  200

struct follow {
	struct client *client;
	const struct follow_options *options;
	struct clock clock;
	int64_t began_at;   /* monotonic */
	int64_t created_at; /* the withdrawal's, 0 before it is known */
	int64_t seen;       /* sequence of the last event shown */
	bool is_mined;      /* shown as such; events do not tell */
	bool is_moving;     /* the last line is one that moves */
	bool at_terminal;
	size_t frame;
	char state[128]; /* of the moving line */
	char last[64];   /* JSON: version and transfer stage that were printed */
};

static int64_t elapsed_ms(struct follow *follow)
{
	return clock_monotonic_ms(&follow->clock) - follow->began_at;
}

static void nap(int64_t ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	(void)nanosleep(&time, NULL);
}

static void line_clear(struct follow *follow)
{
	if (follow->is_moving)
		(void)fputs("\r\033[K", stdout);
	follow->is_moving = false;
}

static void line_move(struct follow *follow)
{
	static const char *const frames[] = { "⠋", "⠙", "⠸", "⠴", "⠦", "⠇" };
	if (!follow->at_terminal || follow->options->json)
		return;
	line_clear(follow);
	(void)printf("\033[2m%7.2f s  %s %s\033[0m", (double)elapsed_ms(follow) / 1000,
		     frames[follow->frame++ % (sizeof frames / sizeof frames[0])], follow->state);
	(void)fflush(stdout);
	follow->is_moving = true;
}

static void line_begin(struct follow *follow, int64_t since_ms, struct str what)
{
	bool bold = follow->at_terminal;
	line_clear(follow);
	(void)printf("%7.2f s  %s%-18.*s%s", (double)(since_ms > 0 ? since_ms : 0) / 1000,
		     bold ? "\033[1m" : "", STR_ARG(what), bold ? "\033[0m" : "");
}

void follow_print_what(const struct json_value *withdrawal)
{
	(void)printf("%.*s %.*s on %.*s to %.*s\n", STR_ARG(client_text(withdrawal, "amount")),
		     STR_ARG(client_text(withdrawal, "asset")),
		     STR_ARG(client_text(withdrawal, "chain")),
		     STR_ARG(client_text(withdrawal, "to")));
}

void follow_print_detail(const struct json_value *event)
{
	const struct json_value *detail = json_member(event, "detail"), *value;
	struct str name, text;
	void *cursor = NULL;
	while (detail != NULL && json_next_member(detail, &cursor, &name, &value)) {
		int64_t number;
		if (json_string(value, &text))
			(void)printf(" %.*s %.*s", STR_ARG(name), STR_ARG(text));
		else if (json_i64(value, &number))
			(void)printf(" %.*s %lld", STR_ARG(name), (long long)number);
	}
}

static int64_t time_of(const struct json_value *object, const char *name)
{
	int64_t at = 0;
	(void)time_read_rfc3339(client_text(object, name), &at);
	return at;
}

/* Shows the events that are new. What cannot be read now comes with the next look. */
static bool events_show(struct follow *follow, struct err *err)
{
	char path[128];
	struct client_answer answer;
	(void)snprintf(path, sizeof path, "/v1/withdrawals/%s/events?after=%lld&limit=%d",
		       follow->options->id, (long long)follow->seen, EVENTS_PAGE);
	if (!client_get(follow->client, path, &answer, err))
		return false;
	JSON_OWNED json = answer.json;
	const struct json_value *items = json_member(json_root(json), "items");
	for (size_t i = 0; i < json_size(items); i++) {
		const struct json_value *event = json_element(items, i);
		line_begin(follow, time_of(event, "at") - follow->created_at,
			   client_text(event, "type"));
		follow_print_detail(event);
		(void)putchar('\n');
		follow->seen = client_number(event, "sequence");
	}
	(void)fflush(stdout);
	return true;
}

/* What the events leave out: mined, and back. */
static void mined_show(struct follow *follow, const struct json_value *transfer)
{
	struct str stage = client_text(transfer, "stage");
	bool is_mined = str_equal(stage, STR("mined"));
	bool is_back = follow->is_mined && str_equal(stage, STR("broadcast"));
	if (is_mined && !follow->is_mined) {
		line_begin(follow, elapsed_ms(follow), STR("mined"));
		(void)printf(" block_number %lld\n",
			     (long long)client_number(transfer, "block_number"));
	}
	if (is_back) {
		line_begin(follow, elapsed_ms(follow), STR("out of its block"));
		(void)printf(" a reorganisation\n");
	}
	follow->is_mined = is_mined || (follow->is_mined && !is_back);
}

static void state_describe(struct follow *follow, const struct json_value *withdrawal)
{
	struct str wait = client_text(withdrawal, "wait_reason"),
		   held = client_text(withdrawal, "held");
	struct str stage = client_text(withdrawal, "stage");
	struct str slot = client_text(json_member(withdrawal, "transfer"), "stage");
	if (held.len > 0)
		(void)snprintf(follow->state, sizeof follow->state, "held: %.*s; a person must act",
			       STR_ARG(held));
	else if (wait.len > 0)
		(void)snprintf(follow->state, sizeof follow->state, "%.*s, waits: %.*s",
			       STR_ARG(stage), STR_ARG(wait));
	else
		(void)snprintf(follow->state, sizeof follow->state, "%.*s%s%.*s", STR_ARG(stage),
			       slot.len > 0 ? ", " : "", STR_ARG(slot));
}

static void json_show(struct follow *follow, const struct client_answer *answer)
{
	const struct json_value *root = json_root(answer->json);
	char now[sizeof follow->last];
	(void)snprintf(now, sizeof now, "%lld %.*s", (long long)client_number(root, "version"),
		       STR_ARG(client_text(json_member(root, "transfer"), "stage")));
	if (strcmp(now, follow->last) != 0)
		client_print_body(answer);
	(void)fflush(stdout);
	memcpy(follow->last, now, sizeof now);
}

/* Why it was not paid: on standard error, where a script's person looks. */
static void failure_show(struct follow *follow, const struct json_value *withdrawal)
{
	const struct json_value *failure = json_member(withdrawal, "failure");
	struct str code = client_text(failure, "code"), text = client_text(failure, "text");
	line_clear(follow);
	(void)fflush(stdout);
	(void)fprintf(stderr, "sluice: %s is %.*s%s%.*s%s%.*s\n", follow->options->id,
		      STR_ARG(client_text(withdrawal, "status")), code.len > 0 ? ": " : "",
		      STR_ARG(code), text.len > 0 ? ": " : "", STR_ARG(text));
}

static bool is_terminal(struct str status)
{
	return str_equal(status, STR("COMPLETED")) || str_equal(status, STR("FAILED")) ||
	       str_equal(status, STR("REJECTED")) || str_equal(status, STR("CANCELED"));
}

/* One look. ret_over: it has ended. */
static bool look(struct follow *follow, bool *ret_over, bool *ret_paid, struct err *err)
{
	char path[96];
	struct client_answer answer;
	(void)snprintf(path, sizeof path, "/v1/withdrawals/%s", follow->options->id);
	if (!client_get(follow->client, path, &answer, err))
		return false;
	JSON_OWNED json = answer.json;
	const struct json_value *root = json_root(json);
	struct str status = client_text(root, "status");
	bool over = is_terminal(status), paid = str_equal(status, STR("COMPLETED"));
	follow->created_at = time_of(root, "created_at");
	if (follow->options->json) {
		json_show(follow, &answer);
	} else {
		mined_show(follow, json_member(root, "transfer"));
		if (client_number(root, "version") > follow->seen && !events_show(follow, err))
			return false;
		state_describe(follow, root);
		if (!over)
			line_move(follow);
	}
	if (over && !paid)
		failure_show(follow, root);
	*ret_over = over;
	*ret_paid = paid;
	return true;
}

bool follow_withdrawal(struct client *client, const struct follow_options *options, bool *ret_paid,
		       struct err *err)
{
	const char *terminal = getenv("TERM");
	struct follow follow = { .client = client, .options = options };
	clock_posix_init(&follow.clock);
	follow.began_at = clock_monotonic_ms(&follow.clock);
	follow.at_terminal = isatty(STDOUT_FILENO) && terminal != NULL &&
			     strcmp(terminal, "dumb") != 0 && getenv("NO_COLOR") == NULL;
	for (;;) {
		bool over = false;
		struct err fault = { 0 };
		if (!look(&follow, &over, ret_paid, &fault)) {
			if (fault.kind == ERR_REFUSED) {
				line_clear(&follow);
				*err = fault;
				return false;
			}
			(void)snprintf(follow.state, sizeof follow.state, "%.120s", fault.text);
			line_move(&follow);
		}
		if (over)
			break;
		if (elapsed_ms(&follow) >= options->timeout_ms) {
			line_clear(&follow);
			return err_set(err, ERR_NOT_DONE,
				       "%s has not ended within %lld s (%s); it goes on",
				       options->id, (long long)(options->timeout_ms / 1000),
				       follow.state);
		}
		nap(elapsed_ms(&follow) < FAST_FOR_MS ? POLL_FAST_MS : POLL_SLOW_MS);
	}
	line_clear(&follow);
	return true;
}
