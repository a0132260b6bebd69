/* The audit over the API, in the order of the feed: a record is there once the sequencer has given
 * it its place and sealed it, and no later one comes before it. It is of all accounts. */
#include "service/api/desk.h"

#include "base/json.h"
#include "port/store_feed.h"
#include "service/api/work.h"

#include <stdlib.h>

#define ROW_BYTES 2048 /* a detail is JSON already */

static bool is_json(const char *text)
{
	JSON_OWNED json = NULL;
	struct err ignored;
	return json_parse(str_from(text), &json, &ignored);
}

static void record_write(const struct store_audit *record, struct buf *out)
{
	buf_byte(out, '{');
	json_write_member_i64(out, "position", record->position);
	desk_write_time(out, "at", record->at_ms);
	json_write_member_text(out, "actor",
			       record->actor >= ACTOR_API && record->actor <= ACTOR_PERSON
				       ? actor_text(record->actor)
				       : "unknown");
	json_write_member_text(out, "who", record->who);
	json_write_member_text(out, "request_id", record->request_id);
	json_write_member_text(out, "action", record->action);
	if (id_is_zero(record->subject))
		json_write_member_null(out, "subject");
	else
		json_write_member_text(out, "subject", id_text(record->subject).at);
	if (is_json(record->detail)) {
		json_write_name(out, "detail");
		buf_text(out, record->detail);
	} else {
		json_write_member_null(out, "detail");
	}
	buf_byte(out, '}');
}

bool desk_audit_run(const struct api_options *options, struct job *job, struct err *err)
{
	size_t len = 0;
	const struct events_query *query = &job->desk.page;
	if (!desk_reaches_all(job, err))
		return false;
	struct store_audit *records = calloc(PAGE_MAX, sizeof *records);
	CHECK(records != NULL);
	bool good = store_audit_list(options->store, (int64_t)query->after, records, query->limit,
				     &len, err);
	if (good) {
		struct buf *out = desk_answer(job, 200, len * ROW_BYTES + 128);
		buf_text(out, "{\"items\":[");
		for (size_t i = 0; i < len; i++) {
			if (i > 0)
				buf_byte(out, ',');
			record_write(&records[i], out);
		}
		buf_byte(out, ']');
		if (len == query->limit)
			json_write_member_i64(out, "next_after", records[len - 1].position);
		else
			json_write_member_null(out, "next_after");
		buf_byte(out, '}');
	}
	free(records);
	return good;
}
