/* audit verify: whether events and audit records still say what they said when they were sealed;
 * beside Sluice while it runs. */
#include "cmd/command_list.h"

#include "adapter/clock_posix.h"
#include "adapter/entropy_os.h"
#include "adapter/journal_sql.h"
#include "adapter/trust_keys.h"
#include "base/json.h"
#include "cmd/database_open.h"
#include "cmd/stop_signal.h"
#include "cmd/store_open.h"
#include "service/admin/audit.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* Of each finding there is a line; of more than these only their number. */
#define FINDINGS_MAX 1000
#define PRINT_BYTES  (FINDINGS_MAX * 2200)
#define TELL_SEALS   256

struct desk {
	const struct invocation *invocation;
	struct config *config;
	struct clock clock;
	struct entropy entropy;
	struct opened_store opened;
	struct trust_keys *trust;
	struct trust_keys *signer; /* with --journal, */
	struct journal *journal;   /* and NULL without */
	struct feed_head head;     /* of --head; number 0: none */
	uint64_t found;
	struct buf json; /* the findings */
};

static void desk_close(struct desk *desk)
{
	journal_close(desk->journal);
	trust_keys_free(desk->signer);
	trust_keys_free(desk->trust);
	opened_store_close(&desk->opened);
	config_free(desk->config);
	buf_free(&desk->json);
}

static bool trust_read(struct desk *desk, const char *file, struct trust_keys **ret_keys,
		       struct err *err)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s", desk->config->trust_dir, file) >= (int)sizeof path)
		return err_set(err, ERR_REFUSED, "trust.dir is too long");
	return trust_keys_read(path, ret_keys, err) ||
	       err_wrap(err, "`sluice keys init` makes the trust files");
}

static bool keys_open(struct desk *desk, struct feed_keys *ret_keys, struct err *err)
{
	if (!trust_read(desk, "admin.keys", &desk->trust, err))
		return false;
	ret_keys->deployment = trust_keys_deployment(desk->trust);
	return trust_keys_mac_keys(desk->trust, TRUST_FEED_SEAL, &ret_keys->keys) ||
	       err_set(err, ERR_REFUSED, "admin.keys has no %s key", TRUST_FEED_SEAL);
}

/* Only where the signer's own are: its user, and the key of its journal. */
static bool journal_open(struct desk *desk, struct err *err)
{
	const struct config_database *database = &desk->config->journal;
	struct journal_sql_options options = { .is_made = database->is_mysql };
	struct db *db = NULL;
	uint32_t key_id = 0;
	if (!trust_read(desk, "signer.keys", &desk->signer, err))
		return false;
	options.deployment = trust_keys_deployment(desk->signer);
	if (!trust_keys_find(desk->signer, TRUST_JOURNAL_MAC, &key_id, &options.mac_key))
		return err_set(err, ERR_REFUSED, "signer.keys has no %s key", TRUST_JOURNAL_MAC);
	if (!database_open(database, DATABASE_ROLE, STORE_CACHE_KB_OTHER, NULL, &db, err))
		return err_wrap(err, "journal");
	if (journal_sql_open(db, &options, &desk->journal, err))
		return true;
	db_close(db);
	return err_wrap(err, "journal");
}

static bool desk_open(struct desk *desk, struct err *err)
{
	clock_posix_init(&desk->clock);
	entropy_os_init(&desk->entropy);
	return config_load(invocation_option(desk->invocation, "config"), &desk->config, err) &&
	       opened_store_open(desk->config, 0, false, &desk->clock, &desk->entropy, NULL,
				 &desk->opened, err);
}

static void found(void *context, const struct audit_finding *finding)
{
	struct desk *desk = context;
	const char *kind = audit_finding_text(finding->kind);
	if (++desk->found > FINDINGS_MAX)
		return;
	if (!desk->invocation->json) {
		(void)printf("%s%s: %s\n", finding->is_note ? "note: " : "", kind, finding->text);
		return;
	}
	buf_text(&desk->json, desk->found > 1 ? ",{" : "{");
	json_write_member_text(&desk->json, "kind", kind);
	json_write_member_bool(&desk->json, "note", finding->is_note);
	json_write_member_text(&desk->json, "text", finding->text);
	buf_byte(&desk->json, '}');
}

static bool progress(void *context, const struct audit_report *report)
{
	(void)context;
	if (isatty(STDERR_FILENO) == 1 && report->seals % TELL_SEALS == 0)
		(void)fprintf(stderr, "\r%llu seals, %llu findings",
			      (unsigned long long)report->seals,
			      (unsigned long long)report->findings);
	return !stop_signal_came();
}

static void report_print_json(struct desk *desk, const struct audit_report *report,
			      const char *head)
{
	struct buf out = buf_new(PRINT_BYTES + 1024);
	buf_byte(&out, '{');
	json_write_member_bool(&out, "intact", report->findings == 0);
	json_write_member_u64(&out, "seals", report->seals);
	json_write_member_u64(&out, "events", report->rows[FEED_EVENTS]);
	json_write_member_u64(&out, "audit_records", report->rows[FEED_AUDIT]);
	json_write_member_u64(&out, "waiting", report->waiting);
	json_write_member_u64(&out, "findings_count", report->findings);
	json_write_member_u64(&out, "heads_found", report->heads);
	if (report->head.number == 0)
		json_write_member_null(&out, "head");
	else
		json_write_member_text(&out, "head", head);
	buf_text(&out, ",\"findings\":[");
	buf_str(&out, buf_view(&desk->json));
	buf_text(&out, "]}");
	CHECK(!out.overflow && !desk->json.overflow);
	(void)puts(buf_terminated(&out));
	buf_free(&out);
}

static void report_print(struct desk *desk, const struct audit_report *report)
{
	char head[FEED_HEAD_LEN_MAX + 1] = "";
	if (report->head.number > 0)
		feed_head_write(&report->head, head);
	if (desk->invocation->json) {
		report_print_json(desk, report, head);
		return;
	}
	if (desk->found > FINDINGS_MAX)
		(void)printf("… and %llu more\n", (unsigned long long)desk->found - FINDINGS_MAX);
	(void)printf("%llu events and %llu audit records stand as they were sealed, by %llu seals; "
		     "%zu rows wait for theirs: %llu findings\n",
		     (unsigned long long)report->rows[FEED_EVENTS],
		     (unsigned long long)report->rows[FEED_AUDIT],
		     (unsigned long long)report->seals, report->waiting,
		     (unsigned long long)report->findings);
	if (report->head.number > 0)
		(void)printf("head %s\n", head);
}

static bool verify(struct desk *desk, struct audit_report *ret_report, struct err *err)
{
	struct audit_options options = { .context = desk, .found = found, .progress = progress };
	if (!desk_open(desk, err) || !keys_open(desk, &options.keys, err) ||
	    (invocation_flag(desk->invocation, "journal") && !journal_open(desk, err)))
		return false;
	options.journal = desk->journal;
	options.store = desk->opened.store;
	options.head = desk->head.number > 0 ? &desk->head : NULL;
	return audit_verify(&options, ret_report, err);
}

enum exit_status command_audit_verify(const struct invocation *invocation)
{
	struct desk desk = { .invocation = invocation };
	struct audit_report report = { 0 };
	const char *head = invocation_option(invocation, "head");
	struct err err;
	if (head != NULL && !feed_head_read(str_from(head), &desk.head))
		return invocation_misused(invocation, "--head is none: NUMBER.LIFE.MAC, as logged");
	desk.json = buf_new(PRINT_BYTES);
	stop_signal_hold();
	stop_signal_release(NULL);
	bool done = verify(&desk, &report, &err);
	if (done)
		report_print(&desk, &report);
	desk_close(&desk);
	if (!done)
		return invocation_failed(invocation, &err);
	return report.findings == 0 ? EXIT_DONE : EXIT_FAILED;
}
