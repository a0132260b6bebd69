#include "adapter/db_mysql_session.h"

#include "base/check.h"
#include "base/defence.h"

#include <stdio.h>
#include <time.h>

int64_t db_mysql_now_ms(void)
{
	struct timespec now;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

unsigned db_mysql_seconds(uint32_t ms)
{
	return ms < 1000 ? 1 : ms / 1000;
}

void db_mysql_configure(MYSQL *mysql, const struct db_mysql_options *options)
{
	unsigned seconds = db_mysql_seconds(options->wait_ms);
	/* Longer than a lock is waited for, whose end the server tells. */
	unsigned answer = seconds + 1;
	my_bool checks = options->tls_ca != NULL;
	mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer);
	mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer);
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &checks);
	if (checks)
		mysql_ssl_set(mysql, options->tls_key, options->tls_cert, options->tls_ca, NULL,
			      NULL);
}

void db_mysql_idle_text(MYSQL *mysql, const struct db_mysql_options *options, char ret_text[64])
{
	unsigned seconds = db_mysql_seconds(options->idle_ms);
	if (!DEFENCE("hung_transaction_is_ended"))
		seconds = 28800; /* what both have when nobody asks */
	(void)snprintf(ret_text, 64, "SET SESSION %s = %u",
		       mariadb_connection(mysql) ? "idle_transaction_timeout" : "wait_timeout",
		       seconds);
}
