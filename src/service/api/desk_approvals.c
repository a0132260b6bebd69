/* What people who are asked say about a withdrawal, over the API. */
#include "service/api/desk.h"

#include "base/hex.h"
#include "base/json.h"
#include "service/admin/approvals.h"
#include "service/api/work.h"

enum { DIGEST, SIGNATURE };

static bool word_read(const struct job *job, struct admin_word *word, struct err *err)
{
	struct str signature = job->desk.fields[SIGNATURE];
	*word = (struct admin_word){ .verdict = job->desk.act == DESK_APPROVE ? VOTE_APPROVE
									      : VOTE_REJECT };
	if (!desk_id(job, "withdrawal_unknown", &word->withdrawal, err))
		return false;
	if (!hex_read(job->desk.fields[DIGEST], word->digest.bytes, sizeof word->digest.bytes))
		return err_refuse(err, "digest_differs", "a digest has 64 hexadecimal digits");
	word->is_signed = signature.len > 0;
	return !word->is_signed || hex_read(signature, word->signature, sizeof word->signature) ||
	       err_refuse(err, "signature_invalid", "a signature has 128 hexadecimal digits");
}

bool desk_approvals_run(const struct api_options *options, struct job *job, struct err *err)
{
	char address[IP_TEXT_MAX + 1];
	struct admin_approvals admin = { options->store, options->catalogue, &options->policy_keys,
					 desk_actor(job, address) };
	struct admin_word word;
	struct withdrawal row;
	if (!word_read(job, &word, err) ||
	    !admin_word_say(&admin, &word, clock_now_ms(options->clock), &row, err))
		return false;
	queue_notify(options->queue, QUEUE_REQUEST);
	struct buf *out = desk_answer(job, 202, 512);
	buf_byte(out, '{');
	json_write_member_text(out, "withdrawal", id_text(row.intent.id).at);
	json_write_member_text(out, "person", job->by.id);
	json_write_member_text(out, "verdict", vote_verdict_text(word.verdict));
	json_write_member_bool(out, "signed", word.is_signed);
	buf_byte(out, '}');
	return true;
}
