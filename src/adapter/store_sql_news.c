/* What a batch tells beside the rows that it changes: gathered item by item, written at its end,
 * each kind together. On a cluster that is a few round trips, however many items there are. */
#include "adapter/store_sql_batch.h"

#include <string.h>

struct store_news store_news_of(struct db *db, const struct store_by *by)
{
	struct store_news news; /* its rows stay unset on purpose: they are many */
	news.db = db;
	news.by = by;
	news.events_len = news.puts_len = news.acks_len = 0;
	return news;
}

static bool events_write(struct store_news *news, struct err *err)
{
	struct store_by by[BATCH_MAX];
	size_t n = news->events_len;
	for (size_t i = 0; i < n; i++)
		by[i] = *news->by;
	news->events_len = 0;
	return n == 0 || event_rows_add(news->db, news->events, by, n, err);
}

bool store_news_event(struct store_news *news, const struct event_row *event, struct err *err)
{
	if (news->events_len == BATCH_MAX && !events_write(news, err))
		return false;
	size_t at = news->events_len++;
	size_t len = strlen(event->detail);
	CHECK(len < sizeof news->details[at]);
	memcpy(news->details[at], event->detail, len + 1);
	news->events[at] = *event;
	news->events[at].detail = news->details[at];
	return true;
}

static bool puts_write(struct store_news *news, struct err *err)
{
	size_t n = news->puts_len;
	news->puts_len = 0;
	return n == 0 || messages_put(news->db, news->puts, n, news->by->now_ms, err);
}

bool store_news_wake(struct store_news *news, enum queue_name queue, struct id subject,
		     const char *correlation_id, struct err *err)
{
	if (queue == QUEUE_NONE)
		return true;
	if (news->puts_len == BATCH_MAX && !puts_write(news, err))
		return false;
	struct message_put *put = &news->puts[news->puts_len++];
	put->queue = queue;
	put->subject = subject;
	CHECK(str_copy(str_from(correlation_id), put->correlation_id, sizeof put->correlation_id));
	return true;
}

void store_news_end(struct store_news *news, const struct message_ack *ack)
{
	CHECK(news->acks_len < BATCH_MAX);
	if (ack->queue != QUEUE_NONE)
		news->acks[news->acks_len++] = *ack;
}

/* A wake-up that is renewed here and ended as well is opened again, as one that somebody else
 * renewed. */
bool store_news_write(struct store_news *news, struct err *err)
{
	if (!events_write(news, err) || !puts_write(news, err))
		return false;
	return news->acks_len == 0 ||
	       messages_end_here(news->db, news->acks, news->acks_len, news->by->now_ms, err);
}
