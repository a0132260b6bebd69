/* The protocol of a payment as a model for spin: withdrawals, the slots of one wallet, their
 * attempts, two signers, the journal, the monitor and the chain, at a scope that is small enough to
 * look at every order of events. doc/model.md says what it covers and what it leaves out.
 *
 * Each option of a process is one effect: one transaction of the store, one append to the journal,
 * one look at the chain, one send. Between any two of them the others move, and a signer may crash.
 * The changes of stages are named as in src/core/lifecycle.c: withdrawal_moves(row, from, to, actor)
 * and transfer_moves(...); test/model/run compares them.
 *
 * Scope:     W withdrawals, ROWS slots, K attempts a slot, FAULTS faults in all.
 * Switches:  CANCELS   clients ask to cancel
 *            APPROVALS, LIMITS, REFUSALS   people, rules and receivers say no
 *            EDITOR    somebody writes rows of the store
 *            FOREIGN   somebody else uses a nonce
 *            SILENT    a token has status 1, and no log says what it did
 *            DEEP      the chain takes back what was final (T9)
 *            LIVENESS  queues that lose, a pool that forgets, fees that are too low; with T11
 * The names in MUTATIONS of test/model/run take one defence out each.
 */
#ifndef W
#define W 1
#endif
#ifndef ROWS
#define ROWS 2
#endif
#ifndef K
#define K 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define ROUNDS (ROWS + 1) /* a void takes the next free one */

/* As in src/core/lifecycle.h. */
#define WITHDRAWAL_ACCEPTED 1
#define WITHDRAWAL_AWAITING_APPROVAL 2
#define WITHDRAWAL_QUEUED 3
#define WITHDRAWAL_ASSIGNED 4
#define WITHDRAWAL_COMPLETED 5
#define WITHDRAWAL_FAILED 6
#define WITHDRAWAL_REJECTED 7
#define WITHDRAWAL_CANCELED 8
#define TRANSFER_RESERVED 1
#define TRANSFER_SIGNED 2
#define TRANSFER_BROADCAST 3
#define TRANSFER_MINED 4
#define TRANSFER_FINAL 5
#define OUTCOME_NONE 0
#define OUTCOME_SUCCEEDED 1
#define OUTCOME_REVERTED 2
#define OUTCOME_REPLACED 3
#define OUTCOME_FOREIGN 4
#define OUTCOME_UNPROVEN 5

#define NONE 15
#define NOBODY 0
#define PAY 1
#define CANCEL 2
#define WISH_REBROADCAST 1
#define WISH_BUMP 2
#define SPENT_ON(row) ((row) + 1) /* a right of the journal */
#define VOID 14

/* The bytes of attempt k of a slot, of a kind: 1, 2, ...; and as one bit of a set. */
#define bytes_of(k, kind) (((k) - 1) * 2 + (kind))
#define kind_of(bytes) (((bytes) - 1) % 2 + 1)
#define attempt_of(bytes) (((bytes) - 1) / 2 + 1)
#define bit_of(bytes) (1 << ((bytes) - 1))
#define PAY_BYTES 5 /* of two attempts, as a set */
#define FOREIGN_BYTES 13

/* Names of rules, always false: they stand in assertions, so that spin prints which one is broken. */
bit T1, T3, T4, T5, T6, T7, T12, ONCE, HOLD, TABLE;
#define must(rule, condition) assert((condition) || rule)

/* The store. */
byte w_stage[W];
byte w_round[W];
byte w_slot[W] = NONE;
bit w_cancel[W]; /* cancel requested */
bit w_held[W];
bit w_ended[W]; /* the client was told that it is not paid: never unset */
byte s_stage[ROWS];
byte s_nonce[ROWS];
byte s_owner[ROWS] = NONE; /* the withdrawal */
byte s_round[ROWS];
bit s_cancel[ROWS]; /* the payload is the self-transfer */
byte s_attempts[ROWS];
byte s_kind[ROWS * K];
byte s_wish[ROWS];
byte s_mined[ROWS]; /* the bytes that were seen */
byte s_outcome[ROWS];
byte rows; /* taken */
byte holder; /* of the wallet's lease: the newest epoch */

/* The journal. */
bit j_pay[ROWS];
bit j_cancel[ROWS];
byte j_right[W * ROUNDS];
byte j_end[W]; /* the stage of its void */

/* The chain: of each nonce. */
byte c_out[ROWS]; /* bytes that have left the machine */
byte c_mined[ROWS];
bit c_reverted[ROWS];
bit c_final[ROWS];

byte faults = FAULTS; /* that may still happen */

#ifdef EDITOR
bit edited;
bit w_approved[W]; /* the approval MAC verifies */
#define is_believed(w) w_approved[w]
#define approves(w) w_approved[w] = 1
#else
#define edited false
#define is_believed(w) true
#define approves(w) skip
#endif
#ifdef DEEP
bit taken_back; /* T9: the wallet stands still until a person resolves */
#else
#define taken_back false
#endif
#ifdef SILENT
bit c_silent[ROWS]; /* our payment with status 1 proves nothing: it moved the money, or did not */
#define PEOPLE
#define is_silent(row) c_silent[row]
#else
#define is_silent(row) false
#endif
#ifdef FOREIGN
#define PEOPLE
bit stopped;
#define wallet_starts() stopped = 0
#else
#define wallet_starts() skip
#define stopped false
#endif
#ifdef PEOPLE
bit j_unpaid[ROWS]; /* people said that its transaction did not pay; journaled */
#define is_said_unpaid(row) j_unpaid[row]
#else
#define is_said_unpaid(row) false
#endif
#ifdef LIMITS
bit w_limit[W]; /* the signer's own limit says no */
#define limit_says_no(w) w_limit[w]
#else
#define limit_says_no(w) false
#endif
#ifdef LIVENESS
bit m_request[W]; /* wake-ups */
bit m_signing[W];
byte c_pool[ROWS];   /* bytes that the node holds */
bit c_too_low[ROWS]; /* the first attempt's fee */
#define request_wakes(w) m_request[w] = 1
#define signing_wakes(w) m_signing[w] = 1
#define request_done(w) m_request[w] = 0
#define signing_done(w) m_signing[w] = 0
#define is_requested(w) m_request[w]
#define is_woken(w) m_signing[w]
#else
/* Without queues: whoever works on a row may do so at any time, woken or not, once or twice. */
#define request_wakes(w) skip
#define signing_wakes(w) skip
#define request_done(w) skip
#define signing_done(w) skip
#define is_requested(w) true
#define is_woken(w) true
#endif

/* What is true of a slot, whatever the store says. */
/* A stranger's transaction pays the very same, or (as if reverted) somebody else. */
#define is_paid(row) (c_mined[row] != 0 && !c_reverted[row] && \
		      (c_mined[row] == FOREIGN_BYTES || kind_of(c_mined[row]) == PAY))
#define cannot_pay(row) (c_final[row] && !is_paid(row))
#define pays(w, row) (s_owner[row] == w && is_paid(row))
#define is_live(w, row) (s_owner[row] == w && s_stage[row] != TRANSFER_FINAL)
#define may_pay(w, row) (s_owner[row] == w && !cannot_pay(row))
#define is_out(w, row) (s_owner[row] == w && (c_out[row] & PAY_BYTES) != 0 && !cannot_pay(row))
#define has_round(w, row, round) (s_owner[row] == w && s_round[row] == (round))
#define reverted(w, row) (s_owner[row] == w && s_outcome[row] == OUTCOME_REVERTED)
#if ROWS == 2
#define any_row(f, w) (f(w, 0) || f(w, 1))
#define count_rows(f, w) (f(w, 0) + f(w, 1))
#define any_row_of(f, w, x) (f(w, 0, x) || f(w, 1, x))
#elif ROWS == 3
#define any_row(f, w) (f(w, 0) || f(w, 1) || f(w, 2))
#define count_rows(f, w) (f(w, 0) + f(w, 1) + f(w, 2))
#define any_row_of(f, w, x) (f(w, 0, x) || f(w, 1, x) || f(w, 2, x))
#endif

/* A withdrawal that leaves its slot, or is said to be unpaid, must be provably so. */
#define leaves(from, to) ((from) == WITHDRAWAL_ASSIGNED && (to) != WITHDRAWAL_COMPLETED)
#define is_end_unpaid(to) ((to) >= WITHDRAWAL_FAILED)
#define withdrawal_moves(w, from, to, actor)                                                     \
	must(TABLE, w_stage[w] == (from));                                                       \
	must(T5, !(leaves(from, to) || is_end_unpaid(to)) || !any_row(is_out, w));                 \
	must(T4, edited || !leaves(from, to) || (s_stage[w_slot[w]] == TRANSFER_FINAL &&                   \
				       (s_outcome[w_slot[w]] == OUTCOME_REVERTED ||              \
					s_outcome[w_slot[w]] == OUTCOME_REPLACED ||              \
					is_said_unpaid(w_slot[w])) &&                            \
				       cannot_pay(w_slot[w])));                                  \
	must(T4, edited || !is_end_unpaid(to) || !any_row(may_pay, w));                                      \
	must(T6, (to) != WITHDRAWAL_COMPLETED || (is_paid(w_slot[w]) && c_final[w_slot[w]]));    \
	w_stage[w] = (to);                                                                       \
	w_ended[w] = w_ended[w] || is_end_unpaid(to)
#define transfer_moves(row, from, to, actor)                                                     \
	must(TABLE, s_stage[row] == (from));                                                     \
	must(T12, (to) != TRANSFER_FINAL || c_mined[row] != 0);                                  \
	s_stage[row] = (to)

/* The journal's words. */
#define right_of(w, round) j_right[(w) * ROUNDS + (round)]
#if ROUNDS == 3
#define has_void(w) (right_of(w, 0) == VOID || right_of(w, 1) == VOID || right_of(w, 2) == VOID)
#define rights_len(w) ((right_of(w, 0) != 0) + (right_of(w, 1) != 0) + (right_of(w, 2) != 0))
#elif ROUNDS == 4
#define has_void(w) (right_of(w, 0) == VOID || right_of(w, 1) == VOID || right_of(w, 2) == VOID || \
		     right_of(w, 3) == VOID)
#define rights_len(w) ((right_of(w, 0) != 0) + (right_of(w, 1) != 0) + (right_of(w, 2) != 0) + \
		       (right_of(w, 3) != 0))
#endif

/* The signer's own look at the chain, at the slot that the journal names for a round. */
#define spent_row(w, round) (right_of(w, round) - 1)
#define is_journaled(w, round) (right_of(w, round) != 0 && right_of(w, round) != VOID)
#define knows_bytes(row) (s_attempts[row] > 0)
#ifdef FINAL_WITHOUT_DEPTH
#define is_deep(row) (c_mined[row] != 0)
#else
#define is_deep(row) c_final[row]
#endif
#define consumed_by_us(row) (is_deep(row) && c_mined[row] != FOREIGN_BYTES)
#ifdef NO_ROUND_PROOF
#define round_is_unpaid(w, round) true
#define round_is_paid(w, round) false
#define round_is_lost(w, round) false
#else
#ifdef PEOPLE
#define is_resolved(w, round) (is_journaled(w, round) && j_unpaid[spent_row(w, round)])
#else
#define is_resolved(w, round) false
#endif
#define round_is_lost(w, round) (!is_journaled(w, round) || \
				 (!is_resolved(w, round) && !knows_bytes(spent_row(w, round))))
#define round_is_unpaid(w, round) (is_resolved(w, round) || \
				   (consumed_by_us(spent_row(w, round)) && \
				    !is_paid(spent_row(w, round))))
#define round_is_paid(w, round) (consumed_by_us(spent_row(w, round)) && \
				 is_paid(spent_row(w, round)))
#endif

#ifdef NO_FENCE
#define is_fenced(me) false
#else
#define is_fenced(me) (holder != (me))
#endif
#ifdef NO_JOURNAL
#define asks_journal false
#else
#define asks_journal true
#endif

/* Where a signer is: what it does next. */
#define REST 0
#define INTAKE_JUDGE 1 /* a queued row was read */
#define RESERVE 2
#define SLOT_RIGHT 3 /* a slot and its row were read */
#define SLOT_TURN 4
#define SLOT_APPEND 5
#define SLOT_STORE 6
#define SLOT_SEND 7
#define SLOT_RECORD 8
#define END_JUDGE 9 /* an assigned row and its final slot were read */
#define END_VOID 10
#define END_STORE 11
#define REQUEUE 12
#define HOLD_ROW 13

inline rest()
{
	at = REST; w = 0; r = 0; fresh = 0; kind = 0; k = 0; is_first = 0; end = 0;
	saw_stage = 0; saw_round = 0; saw_cancel = 0;
#ifdef NONCE_BEFORE_TRANSACTION
	saw_nonce = 0;
#endif
}

inline crash(me)
{
	own = false;
	if
	:: holder == me -> holder = NOBODY /* whoever finds its file lock free */
	:: else
	fi;
	rest()
}

/* The row is as it was when it was read: its version. */
#define is_same_row() (w_stage[w] == saw_stage && w_round[w] == saw_round && \
		       w_cancel[w] == saw_cancel && !w_held[w])
#define row_read(x) w = x; saw_stage = w_stage[x]; saw_round = w_round[x]; saw_cancel = w_cancel[x]

#define ends_only(x) (w_cancel[x] || limit_says_no(x))
#define wants_intake(x) (x < W && w_stage[x] == WITHDRAWAL_QUEUED && !w_held[x] && is_woken(x) && \
			 (own || ends_only(x)) && (rows < ROWS || ends_only(x)))
#define wants_end(x) (x < W && w_stage[x] == WITHDRAWAL_ASSIGNED && !w_held[x] && is_woken(x) && \
		      s_stage[w_slot[x]] == TRANSFER_FINAL && \
		      (s_outcome[w_slot[x]] == OUTCOME_REVERTED || \
		       s_outcome[w_slot[x]] == OUTCOME_REPLACED))
#define wants_slot(x) (own && x < ROWS && \
		       ((s_stage[x] == TRANSFER_RESERVED && !stopped) || \
			s_stage[x] == TRANSFER_SIGNED || \
			(s_stage[x] == TRANSFER_BROADCAST && s_wish[x] != 0)))
#define is_bound(row) (w_stage[s_owner[row]] == WITHDRAWAL_ASSIGNED && \
		       w_slot[s_owner[row]] == row && w_round[s_owner[row]] == s_round[row])
#define newest_kind(row) s_kind[(row) * K + s_attempts[row] - 1]

inline row_hold(x)
{
	must(HOLD, edited || taken_back || stopped);
	w_held[x] = 1;
	signing_done(x)
}

/* A slot and its withdrawal are read, and the rows say what may be done. */
inline slot_read(row)
{
	w = s_owner[row];
	r = row;
	k = s_attempts[row] + 1;
	is_first = s_stage[row] == TRANSFER_RESERVED;
	if
	:: s_stage[row] == TRANSFER_RESERVED && s_cancel[row] -> kind = CANCEL; at = SLOT_APPEND
	:: s_stage[row] == TRANSFER_RESERVED && !s_cancel[row] ->
		kind = PAY;
		if
		:: !is_bound(row) -> row_hold(w); at = SLOT_TURN
#ifdef CANCEL_LEAVES_SLOT
		:: is_bound(row) && w_cancel[w] ->
			withdrawal_moves(w, WITHDRAWAL_ASSIGNED, WITHDRAWAL_CANCELED, ACTOR_SIGNER);
			at = SLOT_TURN
#else
		:: is_bound(row) && (w_held[w] || w_cancel[w]) -> at = SLOT_TURN
#endif
		:: is_bound(row) && !w_held[w] && !w_cancel[w] && fresh -> at = SLOT_APPEND
		:: is_bound(row) && !w_held[w] && !w_cancel[w] && !fresh -> at = SLOT_RIGHT
		fi
	:: s_stage[row] == TRANSFER_BROADCAST && s_wish[row] == WISH_BUMP && k <= K ->
		kind = (is_bound(row) && w_cancel[w] -> CANCEL : newest_kind(row));
		at = (kind == PAY -> SLOT_RIGHT : SLOT_APPEND)
	:: else -> kind = newest_kind(row); k = s_attempts[row]; at = SLOT_SEND
	fi
}

/* The journal lets this slot pay: its right is there to be spent on it, or was. */
inline right_judge()
{
	if
	:: !asks_journal || !is_first && !j_cancel[r] -> at = SLOT_APPEND
	:: asks_journal && !is_first && j_cancel[r] -> at = SLOT_APPEND; kind = CANCEL
	:: asks_journal && is_first && has_void(w) -> at = SLOT_TURN
	:: asks_journal && is_first && !has_void(w) ->
		if
		:: right_of(w, s_round[r]) == SPENT_ON(r) -> at = SLOT_APPEND
		:: right_of(w, s_round[r]) == 0 && rights_len(w) == s_round[r] ->
			if
			:: s_round[r] == 0 || round_is_unpaid(w, s_round[r] - 1) -> at = SLOT_APPEND
			:: else -> rest()
			fi
		:: else -> row_hold(w); at = SLOT_TURN
		fi
	fi
}

/* One entry: the slot, and with a first signature its right. */
inline entry_append()
{
	if
	:: asks_journal && is_first && kind == PAY && right_of(w, s_round[r]) != 0 &&
	   right_of(w, s_round[r]) != SPENT_ON(r) -> rest()
	:: else ->
		if
		:: is_first && right_of(w, s_round[r]) == 0 && !has_void(w) ->
			right_of(w, s_round[r]) = SPENT_ON(r)
		:: else
		fi;
		if
		:: kind == PAY -> j_pay[r] = 1
		:: kind == CANCEL -> j_cancel[r] = 1
		fi;
		at = SLOT_STORE
	fi
}

inline attempt_store(me)
{
	if
	:: is_fenced(me) -> own = false; rest()
	:: !is_fenced(me) && s_stage[r] <= TRANSFER_BROADCAST && s_attempts[r] + 1 == k ->
		s_kind[r * K + k - 1] = kind;
		s_attempts[r] = k;
		s_wish[r] = 0;
		must(T7, kind == CANCEL || !s_cancel[r]);
		if
		:: s_stage[r] == TRANSFER_RESERVED ->
			transfer_moves(r, TRANSFER_RESERVED, TRANSFER_SIGNED, ACTOR_SIGNER)
		:: else
		fi;
		at = SLOT_SEND
	:: !is_fenced(me) && s_attempts[r] >= k && s_kind[r * K + k - 1] == kind -> at = SLOT_SEND
	:: else -> rest() /* bytes that were not stored are never sent */
	fi
}

inline reserve(me)
{
	if
	:: is_fenced(me) -> own = false; rest()
#ifdef NO_ROW_GUARD
	:: !is_fenced(me) && rows < ROWS &&
	   (w_stage[w] == WITHDRAWAL_QUEUED || w_stage[w] == WITHDRAWAL_ASSIGNED) ->
#else
	:: !is_fenced(me) && is_same_row() && rows < ROWS && any_row_of(has_round, w, saw_round) ->
		row_hold(w); /* only an edited row has a slot of its round and is queued */
		rest()
	:: !is_fenced(me) && is_same_row() && rows < ROWS && !any_row_of(has_round, w, saw_round) ->
#endif
		must(T1, edited || !any_row(is_live, w));
		r = rows;
		rows++;
		transfer_moves(r, 0, TRANSFER_RESERVED, ACTOR_SIGNER);
#ifdef NONCE_BEFORE_TRANSACTION
		s_nonce[r] = saw_nonce;
#else
		s_nonce[r] = r;
#endif
		must(T1, r == 0 || s_nonce[r] > s_nonce[r - 1]);
		s_owner[r] = w;
		s_round[r] = w_round[w];
#ifdef NO_ROW_GUARD
		if
		:: w_stage[w] == WITHDRAWAL_ASSIGNED -> skip
		:: else ->
#endif
		withdrawal_moves(w, WITHDRAWAL_QUEUED, WITHDRAWAL_ASSIGNED, ACTOR_SIGNER);
#ifdef NO_ROW_GUARD
		fi;
#endif
		w_slot[w] = r;
		signing_done(w);
		fresh = 1;
		slot_read(r)
	:: else -> rest()
	fi
}

inline intake_judge()
{
	if
	:: !is_believed(w) -> at = HOLD_ROW
	:: is_believed(w) && asks_journal && has_void(w) -> end = j_end[w]; at = END_STORE
	:: is_believed(w) && asks_journal && !has_void(w) &&
	   (rights_len(w) != saw_round || right_of(w, saw_round) != 0) -> at = HOLD_ROW
	:: is_believed(w) && !(asks_journal && (has_void(w) || rights_len(w) != saw_round ||
			      right_of(w, saw_round) != 0)) ->
		if
		:: asks_journal && saw_round > 0 && round_is_lost(w, saw_round - 1) -> at = HOLD_ROW
		:: asks_journal && saw_round > 0 && !round_is_lost(w, saw_round - 1) &&
		   round_is_paid(w, saw_round - 1) -> at = HOLD_ROW
		:: asks_journal && saw_round > 0 && !round_is_lost(w, saw_round - 1) &&
		   !round_is_paid(w, saw_round - 1) && !round_is_unpaid(w, saw_round - 1) ->
			rest() /* waits */
		:: !asks_journal || saw_round == 0 || (!round_is_lost(w, saw_round - 1) &&
						       round_is_unpaid(w, saw_round - 1)) ->
			if
			:: saw_cancel -> end = WITHDRAWAL_CANCELED; at = END_VOID
			:: !saw_cancel && limit_says_no(w) -> end = WITHDRAWAL_REJECTED; at = END_VOID
			:: !saw_cancel && !limit_says_no(w) && own && rows < ROWS && !stopped ->
				at = RESERVE
#ifdef NONCE_BEFORE_TRANSACTION
				; saw_nonce = rows
#endif
#ifdef REFUSALS
			:: !saw_cancel && !limit_says_no(w) -> /* its estimate reverts */
				end = WITHDRAWAL_FAILED; at = END_VOID
#endif
			:: !saw_cancel && !limit_says_no(w) && !(own && rows < ROWS && !stopped) ->
				rest()
			fi
		fi
	fi
}

inline end_judge()
{
	if
	:: asks_journal && has_void(w) -> end = j_end[w]; at = END_STORE
	:: asks_journal && !has_void(w) &&
	   (round_is_lost(w, saw_round) || (!round_is_lost(w, saw_round) &&
					    round_is_paid(w, saw_round))) ->
		at = HOLD_ROW
	:: asks_journal && !has_void(w) && !round_is_lost(w, saw_round) &&
	   !round_is_paid(w, saw_round) && !round_is_unpaid(w, saw_round) -> rest() /* waits */
	:: !asks_journal || (!has_void(w) && !round_is_lost(w, saw_round) &&
			     round_is_unpaid(w, saw_round)) ->
		if
		:: saw_cancel -> end = WITHDRAWAL_CANCELED; at = END_VOID
		:: !saw_cancel && count_rows(reverted, w) >= 2 -> end = WITHDRAWAL_FAILED; at = END_VOID
		:: !saw_cancel && count_rows(reverted, w) < 2 -> at = REQUEUE
		fi
	fi
}

#define void_round (saw_stage == WITHDRAWAL_ASSIGNED -> saw_round + 1 : saw_round)

inline void_append()
{
#ifdef NO_VOID
	at = END_STORE
#else
	if
	:: right_of(w, void_round) == 0 && !has_void(w) ->
		right_of(w, void_round) = VOID;
		j_end[w] = end;
		at = END_STORE
	:: right_of(w, void_round) != 0 || has_void(w) ->
#ifndef HOLD_AT_ANOTHERS_VOID
		if
		:: has_void(w) -> end = j_end[w]; at = END_STORE /* another signer was first */
		:: else -> at = HOLD_ROW
		fi
#else
		at = (right_of(w, void_round) == VOID && j_end[w] == end -> END_STORE : HOLD_ROW)
#endif
	fi
#endif
}

inline end_store()
{
	if
	:: !is_same_row() -> skip
	:: is_same_row() && saw_stage == WITHDRAWAL_QUEUED && end == WITHDRAWAL_REJECTED ->
		withdrawal_moves(w, WITHDRAWAL_QUEUED, WITHDRAWAL_REJECTED, ACTOR_SIGNER)
	:: is_same_row() && saw_stage == WITHDRAWAL_QUEUED && end == WITHDRAWAL_FAILED ->
		withdrawal_moves(w, WITHDRAWAL_QUEUED, WITHDRAWAL_FAILED, ACTOR_SIGNER)
	:: is_same_row() && saw_stage == WITHDRAWAL_QUEUED && end == WITHDRAWAL_CANCELED ->
		withdrawal_moves(w, WITHDRAWAL_QUEUED, WITHDRAWAL_CANCELED, ACTOR_SIGNER)
	:: is_same_row() && saw_stage == WITHDRAWAL_ASSIGNED && end == WITHDRAWAL_FAILED ->
		withdrawal_moves(w, WITHDRAWAL_ASSIGNED, WITHDRAWAL_FAILED, ACTOR_SIGNER)
	:: is_same_row() && saw_stage == WITHDRAWAL_ASSIGNED && end == WITHDRAWAL_CANCELED ->
		withdrawal_moves(w, WITHDRAWAL_ASSIGNED, WITHDRAWAL_CANCELED, ACTOR_SIGNER)
	:: else -> must(TABLE, false) /* a change that the table does not have aborts */
	fi;
	signing_done(w);
	rest()
}

inline bytes_leave()
{
	c_out[r] = c_out[r] | bit_of(bytes_of(k, kind));
#ifdef LIVENESS
	c_pool[r] = c_pool[r] | bit_of(bytes_of(k, kind));
#endif
	at = SLOT_RECORD
}

proctype signer(byte me)
{
	byte at, w, r, kind, k, end, saw_stage, saw_round;
	bit own, fresh, saw_cancel, is_first;
#ifdef NONCE_BEFORE_TRANSACTION
	byte saw_nonce;
#endif
	do
	/* A crash at any step; and an owner who is thought dead while it is not. */
	:: atomic { faults > 0 && (own || at != REST) -> faults--; crash(me) }
	:: atomic { at == REST && !own && holder == NOBODY -> holder = me; own = true }
	:: atomic { at == REST && !own && holder != NOBODY && faults > 0 ->
		faults--; holder = me; own = true }

	:: atomic { at == REST && wants_intake(0) -> row_read(0); at = INTAKE_JUDGE }
	:: atomic { at == REST && wants_end(0) -> row_read(0); r = w_slot[0]; at = END_JUDGE }
#if W > 1
	:: atomic { at == REST && wants_intake(1) -> row_read(1); at = INTAKE_JUDGE }
	:: atomic { at == REST && wants_end(1) -> row_read(1); r = w_slot[1]; at = END_JUDGE }
#endif
	:: atomic { at == REST && wants_slot(0) -> slot_read(0) }
	:: atomic { at == REST && wants_slot(1) -> slot_read(1) }
#if ROWS > 2
	:: atomic { at == REST && wants_slot(2) -> slot_read(2) }
#endif

	:: atomic { at == INTAKE_JUDGE -> intake_judge() }
	:: atomic { at == RESERVE -> reserve(me) }

	:: atomic { at == SLOT_RIGHT -> right_judge() }
	:: atomic { at == SLOT_TURN ->
		if
		:: is_fenced(me) -> own = false; rest()
		:: !is_fenced(me) && s_stage[r] == TRANSFER_RESERVED && s_attempts[r] == 0 &&
		   !s_cancel[r] ->
			transfer_moves(r, TRANSFER_RESERVED, TRANSFER_RESERVED, ACTOR_SIGNER);
			s_cancel[r] = 1;
			kind = CANCEL;
			at = SLOT_APPEND
		:: else -> rest()
		fi
	   }
#ifdef SEND_BEFORE_STORE
	:: atomic { at == SLOT_APPEND -> entry_append();
		if
		:: at == SLOT_STORE -> c_out[r] = c_out[r] | bit_of(bytes_of(k, kind))
		:: else
		fi
	   }
#else
	:: atomic { at == SLOT_APPEND -> entry_append() }
#endif
	:: atomic { at == SLOT_STORE -> attempt_store(me) }

	/* The bytes leave, or they do not; an answer that is lost looks the same in both cases. */
	:: atomic { at == SLOT_SEND -> bytes_leave() }
#ifdef LIVENESS
	:: atomic { at == SLOT_SEND && faults > 0 -> faults--; at = SLOT_RECORD }
#else
	:: atomic { at == SLOT_SEND -> at = SLOT_RECORD }
#endif
#ifdef NEW_NONCE_ON_AMBIGUOUS
	:: atomic { at == SLOT_RECORD && !is_fenced(me) && kind == PAY &&
		    w_stage[w] == WITHDRAWAL_ASSIGNED && s_stage[r] == TRANSFER_SIGNED && rows < ROWS ->
		withdrawal_moves(w, WITHDRAWAL_ASSIGNED, WITHDRAWAL_QUEUED, ACTOR_SIGNER);
		w_round[w]++; signing_wakes(w); rest() }
#endif
#ifdef FAILED_ON_AMBIGUOUS
	:: atomic { at == SLOT_RECORD && !is_fenced(me) && kind == PAY &&
		    w_stage[w] == WITHDRAWAL_ASSIGNED && s_stage[r] == TRANSFER_SIGNED ->
		withdrawal_moves(w, WITHDRAWAL_ASSIGNED, WITHDRAWAL_FAILED, ACTOR_SIGNER); rest() }
#endif
	:: atomic { at == SLOT_RECORD ->
		if
		:: is_fenced(me) -> own = false
		:: !is_fenced(me) && s_stage[r] == TRANSFER_SIGNED ->
			transfer_moves(r, TRANSFER_SIGNED, TRANSFER_BROADCAST, ACTOR_SIGNER)
		:: !is_fenced(me) && s_stage[r] != TRANSFER_SIGNED && s_wish[r] == WISH_REBROADCAST ->
			s_wish[r] = 0
		:: else
		fi;
		rest()
	   }

	:: atomic { at == END_JUDGE -> end_judge() }
	:: atomic { at == REQUEUE ->
		if
		:: is_same_row() ->
			withdrawal_moves(w, WITHDRAWAL_ASSIGNED, WITHDRAWAL_QUEUED, ACTOR_SIGNER);
			w_round[w]++;
			w_slot[w] = NONE;
			signing_wakes(w)
		:: else
		fi;
		rest()
	   }
	:: atomic { at == END_VOID -> void_append() }
	:: atomic { at == END_STORE -> end_store() }
	:: atomic { at == HOLD_ROW ->
		if
		:: is_same_row() -> row_hold(w)
		:: else
		fi;
		rest()
	   }
	od
}

/* The monitor's look at one slot. */
#define is_known(row) (c_mined[row] != FOREIGN_BYTES && \
		       attempt_of(c_mined[row]) <= s_attempts[row] && \
		       s_kind[(row) * K + attempt_of(c_mined[row]) - 1] == kind_of(c_mined[row]))
#define is_seen(row) (c_mined[row] != 0 && \
		      (is_known(row) || c_mined[row] == FOREIGN_BYTES))
#define newest_bytes(row) bytes_of(s_attempts[row], newest_kind(row))
#ifdef LIVENESS
#define is_forgotten(row) ((c_pool[row] & bit_of(newest_bytes(row))) == 0)
#define is_stuck(row) (c_too_low[row] && s_attempts[row] == 1)
#else
#define is_forgotten(row) ((c_out[row] & bit_of(newest_bytes(row))) == 0)
#define is_stuck(row) true
#endif
#define wants_cancel(row) (is_bound(row) && w_cancel[s_owner[row]] && newest_kind(row) == PAY)

inline slot_final(row)
{
	if
	:: c_mined[row] == FOREIGN_BYTES -> s_outcome[row] = OUTCOME_FOREIGN
	:: c_mined[row] != FOREIGN_BYTES && (kind_of(c_mined[row]) == CANCEL || s_cancel[row]) ->
		s_outcome[row] = OUTCOME_REPLACED
	:: c_mined[row] != FOREIGN_BYTES && kind_of(c_mined[row]) == PAY && !s_cancel[row] &&
	   is_silent(row) -> s_outcome[row] = OUTCOME_UNPROVEN
	:: c_mined[row] != FOREIGN_BYTES && kind_of(c_mined[row]) == PAY && !s_cancel[row] &&
	   !is_silent(row) ->
		s_outcome[row] = (c_reverted[row] -> OUTCOME_REVERTED : OUTCOME_SUCCEEDED)
	fi;
	transfer_moves(row, TRANSFER_MINED, TRANSFER_FINAL, ACTOR_MONITOR);
	if
	:: is_bound(row) && s_outcome[row] == OUTCOME_SUCCEEDED && !w_held[s_owner[row]] ->
		withdrawal_moves(s_owner[row], WITHDRAWAL_ASSIGNED, WITHDRAWAL_COMPLETED, ACTOR_MONITOR)
	:: is_bound(row) && s_outcome[row] != OUTCOME_SUCCEEDED -> signing_wakes(s_owner[row])
	:: else
	fi
}

#ifdef PEOPLE_ALONE
#define people_may_say_unpaid(row) c_final[row]
#else
#define people_may_say_unpaid(row) cannot_pay(row)
#endif
#define is_doubtful(row) (s_outcome[row] == OUTCOME_FOREIGN || s_outcome[row] == OUTCOME_UNPROVEN)

proctype monitor(byte row)
{
	do
	:: atomic { s_stage[row] == TRANSFER_RESERVED && is_seen(row) ->
		transfer_moves(row, TRANSFER_RESERVED, TRANSFER_MINED, ACTOR_MONITOR);
		s_mined[row] = c_mined[row] }
	:: atomic { s_stage[row] == TRANSFER_SIGNED && is_seen(row) ->
		transfer_moves(row, TRANSFER_SIGNED, TRANSFER_MINED, ACTOR_MONITOR);
		s_mined[row] = c_mined[row] }
	:: atomic { s_stage[row] == TRANSFER_BROADCAST && is_seen(row) ->
		transfer_moves(row, TRANSFER_BROADCAST, TRANSFER_MINED, ACTOR_MONITOR);
		s_mined[row] = c_mined[row] }
	:: atomic { s_stage[row] == TRANSFER_MINED && is_seen(row) && s_mined[row] != c_mined[row] ->
		transfer_moves(row, TRANSFER_MINED, TRANSFER_MINED, ACTOR_MONITOR);
		s_mined[row] = c_mined[row] }
	:: atomic { s_stage[row] == TRANSFER_MINED && c_mined[row] == 0 && !c_final[row] &&
		    s_attempts[row] == 0 ->
		transfer_moves(row, TRANSFER_MINED, TRANSFER_RESERVED, ACTOR_MONITOR);
		s_mined[row] = 0 }
	:: atomic { s_stage[row] == TRANSFER_MINED && c_mined[row] == 0 && !c_final[row] &&
		    s_attempts[row] != 0 ->
		transfer_moves(row, TRANSFER_MINED, TRANSFER_BROADCAST, ACTOR_MONITOR);
		s_mined[row] = 0 }
	:: atomic { s_stage[row] == TRANSFER_MINED && is_seen(row) && s_mined[row] == c_mined[row] &&
		    is_deep(row) -> slot_final(row) }
#ifdef VERDICT_FROM_ABSENCE
	:: atomic { s_stage[row] == TRANSFER_MINED && c_mined[row] == 0 ->
		s_outcome[row] = OUTCOME_REPLACED;
		transfer_moves(row, TRANSFER_MINED, TRANSFER_FINAL, ACTOR_MONITOR);
		signing_wakes(s_owner[row]) }
#endif
#ifndef NO_REBROADCAST
	:: atomic { s_stage[row] == TRANSFER_BROADCAST && s_wish[row] == 0 && c_mined[row] == 0 &&
		    is_forgotten(row) -> s_wish[row] = WISH_REBROADCAST }
#endif
#ifndef NO_BUMP
	:: atomic { s_stage[row] == TRANSFER_BROADCAST && s_wish[row] != WISH_BUMP && c_mined[row] == 0 &&
		    s_attempts[row] < K && (is_stuck(row) || wants_cancel(row)) ->
		s_wish[row] = WISH_BUMP }
#endif
#ifdef PEOPLE
	/* People say what a stranger's transaction did, or our own that proves nothing, and the signer
	 * finds the same. */
	:: atomic { s_stage[row] == TRANSFER_FINAL && is_doubtful(row) &&
		    is_bound(row) && c_final[row] && is_paid(row) ->
		withdrawal_moves(s_owner[row], WITHDRAWAL_ASSIGNED, WITHDRAWAL_COMPLETED, ACTOR_PERSON);
		wallet_starts() }
	:: atomic { s_stage[row] == TRANSFER_FINAL && is_doubtful(row) &&
		    is_bound(row) && people_may_say_unpaid(row) && !has_void(s_owner[row]) ->
		if
		:: right_of(s_owner[row], s_round[row]) == 0 ->
			right_of(s_owner[row], s_round[row]) = SPENT_ON(row)
		:: else
		fi;
		j_unpaid[row] = 1;
		if
		:: w_cancel[s_owner[row]] ->
			right_of(s_owner[row], s_round[row] + 1) = VOID;
			j_end[s_owner[row]] = WITHDRAWAL_CANCELED;
			withdrawal_moves(s_owner[row], WITHDRAWAL_ASSIGNED, WITHDRAWAL_CANCELED, ACTOR_PERSON)
		:: !w_cancel[s_owner[row]] ->
			withdrawal_moves(s_owner[row], WITHDRAWAL_ASSIGNED, WITHDRAWAL_QUEUED, ACTOR_PERSON);
			w_round[s_owner[row]]++;
			w_slot[s_owner[row]] = NONE;
			signing_wakes(s_owner[row])
		fi;
		wallet_starts() }
#endif
#ifdef DEEP
	/* T9: a person looks, and the same bytes go out again. */
	:: atomic { taken_back && s_stage[row] == TRANSFER_FINAL && c_mined[row] == 0 ->
		transfer_moves(row, TRANSFER_FINAL, TRANSFER_BROADCAST, ACTOR_PERSON);
		s_outcome[row] = OUTCOME_NONE; s_mined[row] = 0; taken_back = 0 }
#endif
	od
}

inline mine(n, bytes, is_reverted)
{
	c_mined[n] = bytes;
	c_reverted[n] = is_reverted;
#ifdef SILENT
	c_silent[n] = 0;
#endif
	/* What is in a block is an attempt that the store knows. */
	must(T3, is_known(n));
	must(ONCE, count_rows(pays, s_owner[n]) <= 1);
	must(ONCE, !(is_paid(n) && w_ended[s_owner[n]]))
}

#define is_next(n) (c_mined[n] == 0 && (n == 0 || c_mined[n - 1] != 0))
#ifdef LIVENESS
#define is_offered(n, bytes) (is_next(n) && (c_pool[n] & bit_of(bytes)) != 0 && \
			      !(c_too_low[n] && attempt_of(bytes) == 1))
#else
#define is_offered(n, bytes) (is_next(n) && (c_out[n] & bit_of(bytes)) != 0)
#endif
#define is_shallow(n) (c_mined[n] != 0 && !c_final[n])

/* What the chain does with one nonce. */
proctype chain(byte n)
{
	byte i;
	do
	:: atomic { is_offered(n, bytes_of(1, PAY)) -> mine(n, bytes_of(1, PAY), 0) }
	:: atomic { is_offered(n, bytes_of(1, PAY)) && faults > 0 ->
		faults--; mine(n, bytes_of(1, PAY), 1) }
	:: atomic { is_offered(n, bytes_of(1, CANCEL)) -> mine(n, bytes_of(1, CANCEL), 0) }
#if K > 1
	:: atomic { is_offered(n, bytes_of(2, PAY)) -> mine(n, bytes_of(2, PAY), 0) }
	:: atomic { is_offered(n, bytes_of(2, PAY)) && faults > 0 ->
		faults--; mine(n, bytes_of(2, PAY), 1) }
	:: atomic { is_offered(n, bytes_of(2, CANCEL)) -> mine(n, bytes_of(2, CANCEL), 0) }
#endif
	:: atomic { is_shallow(n) && (n == 0 || c_final[n - 1]) -> c_final[n] = 1 }
	/* A reorg takes this block and those above it. */
	:: atomic { is_shallow(n) && faults > 0 ->
		faults--;
		i = n;
		do
		:: i < ROWS -> c_mined[i] = 0; c_reverted[i] = 0; i++
		:: else -> break
		od;
		i = 0 }
#ifdef SILENT
	:: atomic { is_offered(n, bytes_of(1, PAY)) && faults > 0 ->
		faults--; mine(n, bytes_of(1, PAY), 0); c_silent[n] = 1 }
	:: atomic { is_offered(n, bytes_of(1, PAY)) && faults > 0 ->
		faults--; mine(n, bytes_of(1, PAY), 1); c_silent[n] = 1 }
#endif
#ifdef FOREIGN
	:: atomic { is_next(n) && faults > 0 && !stopped && n < rows ->
		faults--; c_mined[n] = FOREIGN_BYTES; c_reverted[n] = 1; stopped = 1 }
	:: atomic { is_next(n) && faults > 0 && !stopped && n < rows && is_bound(n) ->
		faults--; c_mined[n] = FOREIGN_BYTES; c_reverted[n] = 0; stopped = 1 }
#endif
#ifdef DEEP
	:: atomic { c_final[n] && faults > 0 && is_paid(n) && s_stage[n] == TRANSFER_FINAL &&
		    (n == ROWS - 1 || c_mined[n + 1] == 0) ->
		faults--; c_final[n] = 0; c_mined[n] = 0; taken_back = 1 }
#endif
#ifdef LIVENESS
	:: atomic { c_pool[n] != 0 && c_mined[n] == 0 && faults > 0 -> faults--; c_pool[n] = 0 }
	:: atomic { !c_too_low[n] && c_mined[n] == 0 && faults > 0 -> faults--; c_too_low[n] = 1 }
#endif
	od
}

/* API, processor, people and sweeper, for one withdrawal. */
proctype front(byte w)
{
	do
	:: atomic { w_stage[w] == 0 && (w == 0 || w_stage[w - 1] != 0) ->
		withdrawal_moves(w, 0, WITHDRAWAL_ACCEPTED, ACTOR_API);
#ifdef LIMITS
		if
		:: w_limit[w] = 0
		:: w_limit[w] = 1
		fi;
#endif
		request_wakes(w) }
	:: atomic { w_stage[w] == WITHDRAWAL_ACCEPTED && is_requested(w) ->
		withdrawal_moves(w, WITHDRAWAL_ACCEPTED, WITHDRAWAL_QUEUED, ACTOR_PROCESSOR);
		approves(w); request_done(w); signing_wakes(w) }
#ifdef APPROVALS
	:: atomic { w_stage[w] == WITHDRAWAL_ACCEPTED && is_requested(w) ->
		withdrawal_moves(w, WITHDRAWAL_ACCEPTED, WITHDRAWAL_AWAITING_APPROVAL, ACTOR_PROCESSOR);
		request_done(w) }
	:: atomic { w_stage[w] == WITHDRAWAL_ACCEPTED && is_requested(w) ->
		withdrawal_moves(w, WITHDRAWAL_ACCEPTED, WITHDRAWAL_REJECTED, ACTOR_PROCESSOR);
		request_done(w) }
	:: atomic { w_stage[w] == WITHDRAWAL_AWAITING_APPROVAL ->
		withdrawal_moves(w, WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_QUEUED, ACTOR_PROCESSOR);
		approves(w); signing_wakes(w) }
	:: atomic { w_stage[w] == WITHDRAWAL_AWAITING_APPROVAL ->
		withdrawal_moves(w, WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_REJECTED, ACTOR_PROCESSOR) }
#ifdef CANCELS
	:: atomic { w_stage[w] == WITHDRAWAL_AWAITING_APPROVAL ->
		withdrawal_moves(w, WITHDRAWAL_AWAITING_APPROVAL, WITHDRAWAL_CANCELED, ACTOR_API) }
#endif
#endif
#ifdef CANCELS
	:: atomic { w_stage[w] == WITHDRAWAL_ACCEPTED ->
		withdrawal_moves(w, WITHDRAWAL_ACCEPTED, WITHDRAWAL_CANCELED, ACTOR_API) }
	:: atomic { (w_stage[w] == WITHDRAWAL_QUEUED || w_stage[w] == WITHDRAWAL_ASSIGNED) &&
		    !w_cancel[w] -> w_cancel[w] = 1; signing_wakes(w) }
#endif
#ifdef LIMIT_CHANGES
	:: atomic { w_limit[w] = !w_limit[w] }
#endif
#ifdef LIVENESS
#ifndef NO_SWEEPER
	:: atomic { w_stage[w] == WITHDRAWAL_ACCEPTED && !is_requested(w) -> request_wakes(w) }
	:: atomic { (w_stage[w] == WITHDRAWAL_QUEUED ||
		     (w_stage[w] == WITHDRAWAL_ASSIGNED && s_stage[w_slot[w]] == TRANSFER_FINAL)) &&
		    !is_woken(w) -> signing_wakes(w) }
#endif
	/* Messages are lost. A message that was worked on stays when its worker dies. */
	:: atomic { is_requested(w) && faults > 0 -> faults--; m_request[w] = 0 }
	:: atomic { is_woken(w) && faults > 0 -> faults--; m_signing[w] = 0 }
	:: atomic { faults > 0 -> faults = 0 } /* no more of them */
#endif
#ifdef EDITOR
	/* An old row is put back, of any round; a slot is said to be final and unpaid. */
	:: atomic { faults > 0 && w_stage[w] >= WITHDRAWAL_ASSIGNED ->
		faults--; edited = 1; w_stage[w] = WITHDRAWAL_QUEUED; w_round[w] = 0; w_slot[w] = NONE }
	:: atomic { faults > 0 && w_stage[w] >= WITHDRAWAL_ASSIGNED ->
		faults--; edited = 1; w_stage[w] = WITHDRAWAL_QUEUED; w_round[w] = 1; w_slot[w] = NONE }
	:: atomic { faults > 0 && w_stage[w] == WITHDRAWAL_ASSIGNED &&
		    s_stage[w_slot[w]] < TRANSFER_FINAL ->
		faults--; edited = 1; s_stage[w_slot[w]] = TRANSFER_FINAL;
		s_outcome[w_slot[w]] = OUTCOME_REVERTED }
#endif
	od
}

init
{
	atomic {
		run signer(1);
		run signer(2);
		run front(0);
#if W > 1
		run front(1);
#endif
		run monitor(0);
		run monitor(1);
		run chain(0);
		run chain(1);
#if ROWS > 2
		run monitor(2);
		run chain(2);
#endif
	}
}

#ifdef LIVENESS
#define is_ended(w) (w_stage[w] >= WITHDRAWAL_COMPLETED || w_held[w])
#if W == 1
ltl T11 { [] ((w_stage[0] != 0) -> <> is_ended(0)) }
#else
ltl T11 { [] ((w_stage[0] != 0) -> <> is_ended(0)) && [] ((w_stage[1] != 0) -> <> is_ended(1)) }
#endif
#endif
