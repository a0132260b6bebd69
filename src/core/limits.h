/* Every bound of the domain, with its reason. Relations between bounds are asserted at the end. */
#ifndef SLUICE_CORE_LIMITS_H
#define SLUICE_CORE_LIMITS_H

/* Batches: a write transaction holds the SQLite turn for at most about 25 ms (measured), which is
 * what 64 withdrawals with their events cost on a small machine. */
#define BATCH_MAX 64

/* Configuration: what one deployment can name. */
#define CHAINS_MAX        8
#define ASSETS_MAX        64
#define WALLETS_MAX       64
#define APPROVERS_MAX     32 /* whose signatures the signer takes */
#define PROXIES_MAX       16 /* whose word about clients the API takes */
#define RPC_ENDPOINTS_MAX 4

/* Text from clients. */
#define IDEMPOTENCY_KEY_LEN_MAX 255 /* visible ASCII */
#define EXTERNAL_ID_LEN_MAX     128 /* bytes of UTF-8 */
#define METADATA_ENTRIES_MAX    16
#define METADATA_BYTES_MAX      2048 /* as canonical JSON */
#define BODY_BYTES_MAX          8192 /* a withdrawal with full metadata takes about 3 kB */
#define SYMBOL_LEN_MAX          16
#define CHAIN_NAME_LEN_MAX      32
#define ACCOUNT_LEN_MAX         64
#define PERSON_NAME_LEN_MAX     64 /* of an approver, as configured */
#define PRINCIPAL_LEN_MAX       64 /* the id of whoever makes a request */
#define CORRELATION_ID_LEN_MAX  64
#define REASON_LEN_MAX          48 /* codes: wait, hold, failure, refusal */
#define KEY_REF_LEN_MAX         128

/* Slots. */
#define IN_FLIGHT_DEFAULT  16   /* bor guarantees 16 executable slots per account */
#define IN_FLIGHT_MAX      64   /* and queues 64 gapped ones */
#define ATTEMPTS_MAX       32   /* per slot: 32 bumps of 12.5 % are a factor of 43 */
#define TX_BYTES_MAX       1024 /* a single payment is under 250; batches get their own bound */
#define CALLDATA_BYTES_MAX 512

/* The signer's limits of an hour and a day roll by minutes: the present one, and all of which any
 * moment is in the window. A wallet's window of one asset takes 46 kB. */
#define LIMIT_HOUR_MINUTES 60
#define LIMIT_DAY_MINUTES  1440
#define LIMIT_MINUTES_MAX  (LIMIT_DAY_MINUTES + 1)

/* Messages. */
#define RECEIVES_WITHOUT_VERDICT_MAX 5   /* then the row is held as dead_letter */
#define MESSAGE_BODY_BYTES_MAX       512 /* kind, id and a correlation id, every byte escaped */

/* The feed: rows of one kind that one transaction of the sequencer seals. Twice as many updates of
 * three pages each take about 10 ms of a small machine. */
#define FEED_ROWS_MAX 256

/* Lists. */
#define PAGE_DEFAULT 50
#define PAGE_MAX     200
/* Rows that one page looks at: a filter that nothing passes ends there, and the cursor goes on. A
 * page of PAGE_MAX withdrawals with their transfers costs as much. */
#define PAGE_LOOKED_MAX 2000

_Static_assert(PAGE_MAX < PAGE_LOOKED_MAX, "a page can be full");
_Static_assert(IN_FLIGHT_DEFAULT <= IN_FLIGHT_MAX, "the default is in range");
_Static_assert(IN_FLIGHT_MAX <= BATCH_MAX, "one batch can drain a wallet");
_Static_assert(METADATA_BYTES_MAX < BODY_BYTES_MAX, "full metadata fits a body");
_Static_assert(6 * CORRELATION_ID_LEN_MAX + 100 < MESSAGE_BODY_BYTES_MAX, "a message fits");

#endif
