/* What people have stopped, as this signer knows it: control.c. */
#ifndef SLUICE_SERVICE_SIGNER_SIGNER_CONTROL_H
#define SLUICE_SERVICE_SIGNER_SIGNER_CONTROL_H

#include "core/control.h"

struct signer;
struct signer_wallet;
struct slot_work;
struct metrics;

struct signer_controls {
	struct control_set set;      /* as the store had it last */
	struct control_set believed; /* the newest one that was */
	struct control_seen seen;    /* by this signer, and by the journal */
	int64_t journal_looked_ms; /* monotonic; what other signers believed stands there as well */
	enum control_doubt doubt;
	bool is_frozen; /* by the file on this host */
	enum control_doubt doubt_told;
	struct metric *paused[CONTROL_SCOPES + 1];
	struct metric *doubted;
	struct metric *frozen;
};

void signer_controls_init(struct signer *self, struct metrics *metrics);
/* Reads the switches anew. What cannot be read, or is not believed, stops everything that is not
 * out yet. */
void signer_controls_look(struct signer *self);
/* What is stopped for what nobody is paid by: of a wallet, its chain, or everybody. */
unsigned signer_stops_at(const struct signer *self, const struct signer_wallet *wallet);
/* What is stopped for a payment, from whichever wallet. */
unsigned signer_stops_of(const struct signer *self, const struct intent *intent);
/* May nothing of this slot be signed or sent now, whoever it is of? */
bool signer_work_waits(const struct signer *self, const struct slot_work *work);
/* The same of its bytes, when they pay: is what they pay stopped? */
bool signer_payment_waits(const struct signer *self, const struct slot_work *work);

#endif
