/* What happened how often, as text. */
#include "sim/sim.h"

#include "core/lifecycle.h"
#include "core/wish.h"

#include <string.h>

#define COUNTS (sizeof(struct sim_summary) / sizeof(uint64_t))

void sim_summary_add(struct sim_summary *summary, const struct sim_summary *other)
{
	_Static_assert(sizeof(struct sim_summary) % sizeof(uint64_t) == 0, "counts alone");
	uint64_t sums[COUNTS], more[COUNTS];
	memcpy(sums, summary, sizeof sums);
	memcpy(more, other, sizeof more);
	for (size_t i = 0; i < COUNTS; i++)
		sums[i] += more[i];
	memcpy(summary, sums, sizeof sums);
}

static void hits_write(const struct sim_summary *summary, unsigned families, struct buf *out,
		       unsigned *inout_zeros)
{
	buf_format(out, "%-30s %13s", "port call", "calls");
	for (enum sim_fault fault = 0; fault < SIM_FAULTS; fault++)
		buf_format(out, " %13s", sim_fault_text(fault));
	buf_text(out, "\n");
	for (enum sim_call call = 0; call < SIM_CALLS; call++) {
		buf_format(out, "%-30s %13llu", sim_call_text(call),
			   (unsigned long long)summary->calls[call]);
		for (enum sim_fault fault = 0; fault < SIM_FAULTS; fault++) {
			uint64_t hits = summary->hits[fault][call];
			bool fits = sim_fault_fits(call, fault, families);
			if (fits)
				buf_format(out, " %13llu", (unsigned long long)hits);
			else
				buf_format(out, " %13s", "-");
			bool is_zero = hits == 0 && fits && sim_call_is_sure(call, families);
			*inout_zeros += is_zero ? 1 : 0;
		}
		buf_text(out, "\n");
	}
}

struct move {
	int from, to;
	unsigned families; /* all of which it takes */
};

/* The moves that a run with these families has to have made. */
static const struct move withdrawal_moves[] = {
	{ 0, WITHDRAWAL_ACCEPTED, 0 },
	{ WITHDRAWAL_ACCEPTED, WITHDRAWAL_QUEUED, 0 },
	{ WITHDRAWAL_ACCEPTED, WITHDRAWAL_CANCELED, SIM_FAMILY_CANCEL },
	{ WITHDRAWAL_ACCEPTED, WITHDRAWAL_AWAITING_APPROVAL, SIM_FAMILY_APPROVALS },
	{ WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_QUEUED, SIM_FAMILY_APPROVALS },
	{ WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_REJECTED, SIM_FAMILY_APPROVALS },
	{ WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_CANCELED,
	  SIM_FAMILY_APPROVALS | SIM_FAMILY_CANCEL },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_ASSIGNED, 0 },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_FAILED, SIM_FAMILY_RECEIVER },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_CANCELED, SIM_FAMILY_CANCEL },
	{ WITHDRAWAL_QUEUED, WITHDRAWAL_REJECTED, 0 },
	{ WITHDRAWAL_ASSIGNED, WITHDRAWAL_COMPLETED, 0 },
	{ WITHDRAWAL_ASSIGNED, WITHDRAWAL_QUEUED, SIM_FAMILY_RECEIVER },
	{ WITHDRAWAL_ASSIGNED, WITHDRAWAL_CANCELED, SIM_FAMILY_CANCEL },
};

static const struct move transfer_moves[] = {
	{ 0, TRANSFER_RESERVED, 0 },
	{ TRANSFER_RESERVED, TRANSFER_SIGNED, 0 },
	{ TRANSFER_SIGNED, TRANSFER_BROADCAST, 0 },
	{ TRANSFER_SIGNED, TRANSFER_MINED, SIM_FAMILY_CRASH },
	{ TRANSFER_BROADCAST, TRANSFER_MINED, 0 },
	{ TRANSFER_MINED, TRANSFER_MINED, SIM_FAMILY_REORG },
	{ TRANSFER_MINED, TRANSFER_BROADCAST, SIM_FAMILY_REORG },
	{ TRANSFER_MINED, TRANSFER_FINAL, 0 },
};

static const char *withdrawal_text(int stage)
{
	return stage == 0 ? "-" : withdrawal_stage_text((enum withdrawal_stage)stage);
}

static const char *transfer_text(int stage)
{
	return stage == 0 ? "-" : transfer_stage_text((enum transfer_stage)stage);
}

static void moves_write(const uint64_t counts[SIM_STAGES][SIM_STAGES], const struct move *moves,
			size_t n, const char *(*text)(int stage), unsigned families,
			struct buf *out, unsigned *inout_zeros)
{
	for (size_t i = 0; i < n; i++) {
		const struct move *move = &moves[i];
		uint64_t count = counts[move->from][move->to];
		if ((families & move->families) != move->families)
			continue;
		buf_format(out, "  %-10s -> %-10s %10llu\n", text(move->from), text(move->to),
			   (unsigned long long)count);
		*inout_zeros += count == 0 ? 1 : 0;
	}
}

/* Why a slot was signed again, and what it takes for that to have happened. */
static const struct {
	enum wish_reason reason;
	unsigned families;
} replacements[] = {
	{ WISH_REASON_AGE, SIM_FAMILY_FEES },
	{ WISH_REASON_FEE_PRESSURE, SIM_FAMILY_FEES },
	{ WISH_REASON_NODE_REFUSED, SIM_FAMILY_FEES },
	{ WISH_REASON_SPEED_UP, SIM_FAMILY_CANCEL },
	{ WISH_REASON_CANCEL, SIM_FAMILY_CANCEL },
};

static void replacements_write(const struct sim_summary *summary, unsigned families,
			       struct buf *out, unsigned *inout_zeros)
{
	_Static_assert(SIM_REASONS == WISH_REASON_CANCEL + 1, "a count for each reason");
	buf_text(out, "replacements\n");
	for (size_t i = 0; i < sizeof replacements / sizeof *replacements; i++) {
		uint64_t count = summary->replacements[replacements[i].reason];
		if ((families & replacements[i].families) != replacements[i].families)
			continue;
		buf_format(out, "  %-24s %10llu\n", wish_reason_text(replacements[i].reason),
			   (unsigned long long)count);
		*inout_zeros += count == 0 ? 1 : 0;
	}
	if ((families & SIM_FAMILY_CANCEL) == 0)
		return;
	buf_format(out, "  %-24s %10llu\n", "speed-ups asked for",
		   (unsigned long long)summary->speed_ups);
	*inout_zeros += summary->speed_ups == 0 ? 1 : 0;
}

/* What a transport does with no fault at all is not counted as one that never happened. */
static void sqs_write(const struct sim_summary *summary, unsigned families, struct buf *out,
		      unsigned *inout_zeros)
{
	buf_format(out, "queue: embedded in %llu seeds, simulated SQS in %llu\n",
		   (unsigned long long)(summary->seeds - summary->sqs_seeds),
		   (unsigned long long)summary->sqs_seeds);
	for (enum sim_sqs_event event = 0; event < SIM_SQS_EVENTS; event++) {
		buf_format(out, "  %-24s %10llu\n", sim_sqs_event_text(event),
			   (unsigned long long)summary->sqs[event]);
		if ((families & SIM_FAMILY_MESSAGES) != 0 && summary->sqs_seeds > 0)
			*inout_zeros += summary->sqs[event] == 0 ? 1 : 0;
	}
}

static void people_write(const struct sim_summary *summary, unsigned families, struct buf *out,
			 unsigned *inout_zeros)
{
	if ((families & SIM_FAMILY_CONTROLS) != 0) {
		buf_format(out, "people asked for %llu pauses and %llu ends of one\n",
			   (unsigned long long)summary->pauses,
			   (unsigned long long)summary->unpauses);
		*inout_zeros += summary->pauses == 0 || summary->unpauses == 0 ? 1 : 0;
	}
	if ((families & SIM_FAMILY_APPROVALS) == 0)
		return;
	buf_format(out, "people said %llu words about payments, of which %llu were refused\n",
		   (unsigned long long)summary->words, (unsigned long long)summary->words_refused);
	*inout_zeros += summary->words == 0 || summary->words_refused == 0 ? 1 : 0;
}

/* Rows that an editor made. */
static void inserts_write(const struct sim_summary *summary, unsigned families, struct buf *out,
			  unsigned *inout_zeros)
{
	if ((families & SIM_FAMILY_EDITOR) == 0)
		return;
	buf_format(out, "%-26s %10s %13s\n", "the editor made", "rows", "refused");
	for (enum sim_insert insert = 0; insert < SIM_INSERTS; insert++) {
		uint64_t made = summary->inserts[insert];
		buf_format(out, "  %-24s %10llu %13llu\n", sim_insert_text(insert),
			   (unsigned long long)made,
			   (unsigned long long)summary->inserts_refused[insert]);
		*inout_zeros += made == 0 ? 1 : 0;
	}
}

void sim_summary_write(const struct sim_summary *summary, unsigned families, struct buf *out,
		       unsigned *ret_zeros)
{
	unsigned zeros = 0;
	hits_write(summary, families, out, &zeros);
	buf_text(out, "\nwithdrawals\n");
	moves_write(summary->withdrawal_moves, withdrawal_moves,
		    sizeof withdrawal_moves / sizeof *withdrawal_moves, withdrawal_text, families,
		    out, &zeros);
	buf_text(out, "transfers\n");
	moves_write(summary->transfer_moves, transfer_moves,
		    sizeof transfer_moves / sizeof *transfer_moves, transfer_text, families, out,
		    &zeros);
	replacements_write(summary, families, out, &zeros);
	if ((families & SIM_FAMILY_RESTORE) != 0)
		buf_format(out,
			   "restores: %llu; %llu withdrawals lost, %llu transactions found, "
			   "%llu withdrawals bound\n",
			   (unsigned long long)summary->restores, (unsigned long long)summary->lost,
			   (unsigned long long)summary->imported,
			   (unsigned long long)summary->bound);
	sqs_write(summary, families, out, &zeros);
	inserts_write(summary, families, out, &zeros);
	people_write(summary, families, out, &zeros);
	buf_format(out,
		   "\n%llu seeds, %llu steps, %llu blocks, %llu reorgs, %llu kills, %llu attempts\n"
		   "%llu accepted: %llu completed, %llu canceled, %llu failed, %llu rejected, "
		   "%llu held for a person\n",
		   (unsigned long long)summary->seeds, (unsigned long long)summary->steps,
		   (unsigned long long)summary->blocks, (unsigned long long)summary->reorgs,
		   (unsigned long long)summary->kills, (unsigned long long)summary->attempts,
		   (unsigned long long)summary->accepted, (unsigned long long)summary->completed,
		   (unsigned long long)summary->canceled, (unsigned long long)summary->failed,
		   (unsigned long long)summary->rejected, (unsigned long long)summary->held);
	*ret_zeros = zeros;
}
