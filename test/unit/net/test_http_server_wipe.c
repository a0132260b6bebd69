/* What a server keeps of what it has read: nothing, once it is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECRET "correct horse battery"
#define HEAD   "POST /login HTTP/1.1\r\nHost: sluice.test\r\n"
#define TELL   HEAD "Content-Length: 21\r\n\r\n" SECRET
#define ANSWER "HTTP/1.1 200 OK\r\n"

struct place {
	struct http_server *server;
	pthread_t thread;
	sem_t turned;
	struct str seen; /* the body, where the server has it */
};

static void handle(void *context, struct http_request *request)
{
	struct place *place = context;
	place->seen = request->body;
	http_reply(request, 200, NULL, 0, STR("."));
}

static void *serve(void *arg)
{
	struct place *place = arg;
	http_server_run(place->server);
	return NULL;
}

static void turned(void *arg)
{
	struct place *place = arg;
	sem_post(&place->turned);
}

/* Returns when the loop has worked off what came before. */
static void wait_loop(struct place *place)
{
	assert_true(http_server_post(place->server, turned, place));
	while (sem_wait(&place->turned) != 0)
		;
}

static int dial(const struct place *place)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval patience = { .tv_sec = 20 };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(http_server_port(place->server)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads one answer: its body is the first '.' behind the empty line. */
static void hear(int fd)
{
	char text[1024] = { 0 };
	size_t len = 0;
	char *end = NULL;
	while (end == NULL || end[4] != '.') {
		assert_true(len + 1 < sizeof text);
		assert_int_equal(recv(fd, text + len, 1, 0), 1);
		len++;
		end = strstr(text, "\r\n\r\n");
	}
	assert_memory_equal(text, ANSWER, strlen(ANSWER));
}

static int set_up(void **state)
{
	static struct place place;
	struct err err;
	struct http_server_options options = {
		.listen = "127.0.0.1:0", .body_bytes_max = 1024, .handle = handle, .context = &place
	};
	assert_int_equal(sem_init(&place.turned, 0, 0), 0);
	assert_true(http_server_open(&options, &place.server, &err));
	assert_int_equal(pthread_create(&place.thread, NULL, serve, &place), 0);
	*state = &place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	http_server_stop(place->server, 0);
	assert_int_equal(pthread_join(place->thread, NULL), 0);
	http_server_close(place->server);
	return sem_destroy(&place->turned);
}

/* From the start of the head to the end of the body. */
static void assert_wiped(const struct place *place)
{
	const char *start = place->seen.at + place->seen.len - strlen(TELL);
	for (size_t i = 0; i < strlen(TELL); i++)
		assert_int_equal(start[i], 0);
}

static void what_is_answered_is_gone(void **state)
{
	struct place *place = *state;
	int fd = dial(place);
	for (int i = 0; i < 2; i++) {
		say(fd, TELL);
		hear(fd);
		wait_loop(place);
		assert_wiped(place);
	}
	/* With others behind it: they are moved, and leave nothing where they were. */
	say(fd, TELL TELL TELL);
	for (int i = 0; i < 3; i++)
		hear(fd);
	wait_loop(place);
	assert_wiped(place);
	assert_wiped(&(struct place){ .seen = { place->seen.at + strlen(TELL), place->seen.len } });
	close(fd);
}

static void what_is_never_answered_goes_with_its_connection(void **state)
{
	struct place *place = *state;
	int fd = dial(place);
	say(fd, TELL);
	hear(fd);
	say(fd, HEAD "Content-Length: 22\r\n\r\n" SECRET);
	close(fd);
	do {
		wait_loop(place);
	} while (http_server_connections(place->server) > 0);
	assert_wiped(place);
}

static void the_last_of_a_connection_is_no_other(void **state)
{
	struct place *place = *state;
	int fd = dial(place);
	say(fd, HEAD "Connection: close\r\nContent-Length: 21\r\n\r\n" SECRET);
	hear(fd);
	wait_loop(place);
	for (size_t i = 0; i < place->seen.len; i++)
		assert_int_equal(place->seen.at[i], 0);
	close(fd);
}

#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(what_is_answered_is_gone),
		SERVER_TEST(what_is_never_answered_goes_with_its_connection),
		SERVER_TEST(the_last_of_a_connection_is_no_other),
	};
	return cmocka_run_group_tests_name("net/http_server_wipe", tests, NULL, NULL);
}
