/* A withdrawal and its transfer as rows: plain data that travels between store and services. */
#ifndef SLUICE_CORE_WITHDRAWAL_H
#define SLUICE_CORE_WITHDRAWAL_H

#include "core/address.h"
#include "core/amount.h"
#include "core/fee.h"
#include "core/id.h"
#include "core/lifecycle.h"
#include "core/limits.h"

#define KEY_HASH_BYTES 16

struct mac_tag {
	uint32_t key_id; /* 0: no MAC */
	uint8_t bytes[32];
};

/* What the client asked for, as accepted; never changes. All of it is under the intent MAC. */
struct intent {
	struct id id;
	char account[ACCOUNT_LEN_MAX + 1];
	uint64_t chain_id;
	char asset[SYMBOL_LEN_MAX + 1];
	bool is_native;
	struct address contract; /* zero for the native coin */
	unsigned decimals;
	struct address to;
	struct amount amount;
	uint8_t key_hash[KEY_HASH_BYTES]; /* SHA-256(account ‖ 0 ‖ idempotency key), first half */
	char external_id[EXTERNAL_ID_LEN_MAX + 1]; /* "" for none */
	uint8_t fingerprint[32];
	int64_t created_at;
	char created_by[PRINCIPAL_LEN_MAX + 1]; /* who asked: the id of an API key or a user */
	char key_owner[PRINCIPAL_LEN_MAX + 1];  /* of a key: who made it; "" when a person asked */
};

/* The expires_at of approvals that pay nobody: one says that the processor has refused the row,
 * which the signer ends, and one since when people are asked. */
#define APPROVAL_REFUSES 0
#define APPROVAL_ASKS    1

/* What the processor granted. */
struct approval {
	uint64_t policy_version;
	int64_t approved_at;
	int64_t expires_at;
};

struct withdrawal {
	struct intent intent;
	char correlation_id[CORRELATION_ID_LEN_MAX + 1];
	char metadata[METADATA_BYTES_MAX + 1]; /* canonical JSON object; "" for none */
	struct mac_tag intent_mac;
	struct approval approval; /* zero before the processor's decision */
	struct mac_tag approval_mac;
	enum withdrawal_stage stage;
	uint64_t version; /* = sequence of its newest event */
	uint32_t round;   /* of the current or next transfer, from 0 */
	bool cancel_requested;
	char wait_reason[REASON_LEN_MAX + 1];
	int64_t funds_since; /* it waits for funds; 0: it does not */
	char held_reason[REASON_LEN_MAX + 1];
	char failure_code[REASON_LEN_MAX + 1];
	struct id transfer; /* of the newest round; zero before */
	int64_t due_at;     /* 0 when terminal */
	int64_t updated_at;
};

enum wish {
	WISH_NONE = 0,
	WISH_REBROADCAST = 1,
	WISH_BUMP = 2,
};

/* Why a slot is wished to be sent again or bumped, and why an attempt after the first was signed.
 * Stored as numbers. */
enum wish_reason {
	WISH_REASON_NONE = 0,
	WISH_REASON_FORGOTTEN = 1,    /* the node does not know the bytes */
	WISH_REASON_AGE = 2,          /* blocks pass it by */
	WISH_REASON_FEE_PRESSURE = 3, /* the market asks for more than it can pay */
	WISH_REASON_NODE_REFUSED = 4, /* a node called its fee or its gas too low */
	WISH_REASON_SPEED_UP = 5,     /* a client asked for it */
	WISH_REASON_CANCEL = 6,       /* of an attempt alone: from here on the slot pays nobody */
};

/* One signed transaction of a slot. Bytes, hash and fees never change (T3). */
struct attempt {
	struct id transfer;
	uint32_t number;         /* from 1 */
	bool is_cancel;          /* a self-transfer instead of the payload */
	enum wish_reason reason; /* NONE for the first */
	struct fees fees;
	uint64_t gas_limit;
	struct hash32 tx_hash;
	uint8_t raw[TX_BYTES_MAX];
	size_t raw_len;
	int64_t signed_at;
	int64_t sent_at; /* of the newest send; 0 before the first */
};

/* One nonce of one wallet. */
struct transfer {
	struct id id;
	int64_t wallet_id;
	uint64_t chain_id;
	struct address wallet;
	uint64_t nonce;
	enum transfer_stage stage;
	enum transfer_outcome outcome;
	bool is_cancel;       /* the payload is the self-transfer: pays nothing */
	struct id withdrawal; /* zero for a filler */
	uint32_t round;
	struct address to; /* of the transaction */
	struct wei value;
	bool is_token; /* data is transfer(receiver, amount) of contract `to` */
	struct address receiver;
	struct amount amount;
	uint64_t gas_limit; /* chosen at the reservation */
	struct hash32 payload_hash;
	enum wish wish;
	enum wish_reason wish_reason; /* of the newest wish */
	uint32_t wish_attempts_seen;
	uint32_t attempts;
	/* The standing wish to cancel: its withdrawal asks for it, and is neither held nor ended;
	 * no cancellation of the slot is stored yet. Read only. */
	bool cancel_wanted;
	struct hash32 mined_hash; /* the attempt that was mined; zero unless mined or final */
	uint64_t mined_block;
	struct hash32 mined_block_hash;
	int64_t stage_at; /* since when */
	int64_t sent_at;  /* of the newest attempt */
	char held_reason[REASON_LEN_MAX + 1];
	uint64_t version;
	char correlation_id[CORRELATION_ID_LEN_MAX + 1]; /* of the withdrawal; "" for a filler */
};

/* The wallet as the store knows it. */
struct wallet {
	int64_t id;
	uint64_t chain_id;
	struct address address;
	uint64_t first_nonce;
	uint64_t next_nonce;
	bool entered;                         /* first_nonce is set */
	char stop_reason[REASON_LEN_MAX + 1]; /* "" while it may reserve */
	uint64_t recover_to; /* after a restore: slots below it are looked for or filled; 0: not set
			      */
	uint64_t lease_epoch;
	size_t in_flight; /* slots that are reserved, signed or broadcast */
};

#endif
