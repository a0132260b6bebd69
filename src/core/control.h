/* Pause switches: what people have stopped, and for whom. Pure; the key is handed in.
 *
 * The switches of a store are one set with a version, and one MAC over all of it: a switch that is
 * taken out, changed or added by an editor shows as well as one that is forged, and then nothing is
 * believed but that something may be stopped. An old set put back verifies; who has seen a newer
 * one knows (struct control_seen). Source: doc/protocol.md, "Pauses".
 */
#ifndef SLUICE_CORE_CONTROL_H
#define SLUICE_CORE_CONTROL_H

#include "base/buf.h"
#include "core/intent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What people set by hand, one by one, and lift again. */
#define CONTROLS_MAX           64
#define CONTROL_NAME_LEN_MAX   64
#define CONTROL_WHO_LEN_MAX    64
#define CONTROL_REASON_LEN_MAX 120 /* an audit record holds it, every character escaped */

/* Stored as numbers. */
enum control_scope {
	CONTROL_ALL = 1,
	CONTROL_CHAIN = 2,   /* its numeric id */
	CONTROL_ASSET = 3,   /* SYMBOL, on every chain; or ID/SYMBOL */
	CONTROL_ACCOUNT = 4, /* its name */
	CONTROL_WALLET = 5,  /* its address, on every chain; with checksum */
};
#define CONTROL_SCOPES 5

/* What a switch stops; a set of them. */
#define CONTROL_INTAKE    1U /* nothing is accepted */
#define CONTROL_SIGNING   2U /* nothing is reserved, signed or sent for the first time */
#define CONTROL_BROADCAST 4U /* nothing at all is sent; signing with it */
#define CONTROL_STOPS_ALL (CONTROL_INTAKE | CONTROL_SIGNING | CONTROL_BROADCAST)

struct control {
	enum control_scope scope;
	char name[CONTROL_NAME_LEN_MAX + 1]; /* "" of CONTROL_ALL */
	unsigned stops;
	uint64_t version; /* of the set that it was last changed with */
	int64_t since;
	char who[CONTROL_WHO_LEN_MAX + 1];
	char reason[CONTROL_REASON_LEN_MAX + 1];
};

struct control_set {
	bool has_head;          /* false: the row that every store has is gone */
	uint64_t version;       /* 0: nobody has ever set a switch */
	uint64_t reset_version; /* people said that what stood before it may have been an old set */
	int64_t changed_at;
	struct control rows[CONTROLS_MAX];
	size_t len;
	bool is_cut; /* there are more rows than a set has */
	struct mac_tag mac;
};

/* The newest set that somebody has believed. */
struct control_seen {
	uint64_t version;
	uint8_t mac[32];
	bool is_doubted; /* an older or another one stood there since */
};

/* Why a set is not believed. */
enum control_doubt {
	CONTROL_BELIEVED = 0,
	CONTROL_UNREADABLE = 1,
	CONTROL_MISSING = 2, /* its head is gone */
	CONTROL_FORGED = 3,  /* it is not what people set, or has a number that nobody gave */
	CONTROL_OLD = 4,     /* a newer one was seen, or stood here while this one was doubted */
	CONTROL_DIFFERS = 5, /* another one of this version was seen */
};
const char *control_doubt_text(enum control_doubt doubt);

/* Sets the MAC over all that the set says; rows are brought in order. */
void control_set_seal(const struct mac_keys *keys, struct control_set *set);
bool control_set_is_sealed(const struct mac_keys *keys, const struct control_set *set);
/* Versions count from 0, and begin anew with the time in milliseconds: one far ahead of that is
 * none of ours, and who went on from it could soon count no further. */
#define CONTROL_AHEAD_MS (24 * 3600 * (int64_t)1000)
bool control_version_is_possible(uint64_t version, int64_t now_ms);
/* Is it to be believed, by who has seen what? Remembers that it was doubted, and with that stays in
 * doubt until people have reset the set. Does not remember what is believed: control_seen_note. */
enum control_doubt control_judge(const struct mac_keys *keys, const struct control_set *set,
				 struct control_seen *inout_seen, int64_t now_ms);
void control_seen_note(const struct control_set *set, struct control_seen *ret_seen);

/* Who would be paid, and from where; what is not known yet is zero or NULL. */
struct control_subject {
	uint64_t chain_id;
	const char *asset;
	const char *account;
	const struct address *wallet;
};
/* What is stopped for it: the union of all switches that name it. BROADCAST brings SIGNING. */
unsigned control_stops(const struct control_set *set, const struct control_subject *subject);
/* The same where the set is in doubt: besides what its rows say, whoever wrote them, and what was
 * believed last (NULL: nothing), intake and signing are stopped. */
unsigned control_stops_doubted(const struct control_set *set, const struct control_set *believed,
			       const struct control_subject *subject);
/* What is stopped for any account or asset at all: a payment that nobody vouches for may be theirs.
 */
unsigned control_stops_any(const struct control_set *set);

/* The switch of a scope and a name; NULL: there is none. */
const struct control *control_find(const struct control_set *set, enum control_scope scope,
				   const char *name);
/* Adds what `row` stops to its switch, or makes it; false: it stops that already, or there is no
 * room. Changes version and times of the set, not its MAC. */
bool control_set_put(struct control_set *set, const struct control *row, int64_t now_ms);
/* Takes `stops` from a switch; one that stops nothing is gone. False: it stops none of them. */
bool control_set_lift(struct control_set *set, enum control_scope scope, const char *name,
		      unsigned stops, int64_t now_ms);

/* "global", "chain", "asset", "account", "wallet"; "unknown" of an edited row. */
const char *control_scope_text(enum control_scope scope);
bool control_scope_read(struct str text, enum control_scope *ret_scope);
/* "intake,signing"; no more than CONTROL_STOPS_LEN_MAX characters. */
#define CONTROL_STOPS_LEN_MAX 32
void control_stops_write(unsigned stops, struct buf *out);
bool control_stops_read(struct str text, unsigned *ret_stops);
/* A name as it is stored; false: none of this scope looks so. */
bool control_name_read(enum control_scope scope, struct str text,
		       char ret_name[CONTROL_NAME_LEN_MAX + 1]);

#endif
