#include "cmd/role_tls.h"

#include <signal.h>
#include <stdlib.h>

#define LOOK_MS 1000

struct role_tls {
	struct role_parts *parts;
	struct tls_server *server;
	int64_t look_at; /* monotonic */
	struct metric *ends_at;
	struct metric *failed;
};

/* A handler reaches nothing but globals. */
static volatile sig_atomic_t asked;

static void handle(int signal_number)
{
	(void)signal_number;
	asked = 1;
}

static void ends_at_set(struct role_tls *tls)
{
	metric_set(tls->ends_at, tls_server_ends_at(tls->server));
}

bool role_tls_open(struct role_parts *parts, struct role_tls **ret_tls, struct err *err)
{
	const struct config *config = parts->config;
	const struct tls_server_options options = {
		.certificate_file = config->api_tls_certificate,
		.key_file = config->api_tls_key,
		.client_ca_file = config->api_tls_client_ca,
	};
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct tls_server *server;
	*ret_tls = NULL;
	if (options.certificate_file == NULL)
		return true;
	if (!tls_server_new(&options, &server, err))
		return false;
	struct role_tls *tls = calloc(1, sizeof *tls);
	CHECK(tls != NULL && sigaction(SIGHUP, &action, NULL) == 0);
	tls->parts = parts;
	tls->server = server;
	tls->ends_at =
		metric_add(parts->metrics, METRIC_GAUGE, "sluice_tls_certificate_end_seconds", "",
			   "When the API's certificate ends, in seconds since 1970.");
	tls->failed = metric_add(parts->metrics, METRIC_COUNTER, "sluice_tls_exchange_failed_total",
				 "", "New certificates or keys that could not be used.");
	ends_at_set(tls);
	*ret_tls = tls;
	return true;
}

void role_tls_close(struct role_tls *tls)
{
	if (tls == NULL)
		return;
	tls_server_free(tls->server);
	free(tls);
}

struct tls_server *role_tls_server(struct role_tls *tls)
{
	return tls != NULL ? tls->server : NULL;
}

static void change_tell(struct role_tls *tls, enum tls_change change, const struct err *why)
{
	struct log_about done = { .action = "tls_exchanged", .outcome = "success" };
	struct log_about failed = {
		.action = "tls_exchange_failed", .outcome = "failure", .err = why, .alarm = true
	};
	switch (change) {
	case TLS_SAME:
		break;
	case TLS_EXCHANGED:
		ends_at_set(tls);
		log_line(&tls->parts->log, LOG_INFO, &done,
			 "new connections get the new certificate");
		break;
	case TLS_BROKEN:
		metric_count(tls->failed, 1);
		log_line(&tls->parts->log, LOG_ERROR, &failed,
			 "the new certificate cannot be used, the old one stays: %s", why->text);
		break;
	}
}

void role_tls_look(struct role_tls *tls)
{
	struct err why = { 0 };
	if (tls == NULL)
		return;
	bool is_asked = asked != 0;
	int64_t now = clock_monotonic_ms(&tls->parts->clock);
	if (!is_asked && now < tls->look_at)
		return;
	asked = 0;
	tls->look_at = now + LOOK_MS;
	change_tell(tls, tls_server_look(tls->server, is_asked, &why), &why);
}
