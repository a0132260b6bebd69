/* A PKCS#11 module that passes every call on to another one (SLUICE_TEST_HSM_MODULE), and goes
 * wrong where it is told to. Made for tests alone: the test program loads it too, and turns its
 * knobs. */
#ifndef SLUICE_TEST_CONTRACT_FAULT_HSM_H
#define SLUICE_TEST_CONTRACT_FAULT_HSM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What C_Sign does once, before it fails. */
enum fault_hsm_deed {
	FAULT_HSM_NOTHING,
	FAULT_HSM_CLOSE_SESSIONS, /* all of the token, as when it is pulled out */
	FAULT_HSM_LOG_OUT,
	FAULT_HSM_FINALIZE,
};

struct fault_hsm {
	atomic_ulong logins;        /* calls of C_Login */
	atomic_uint signing;        /* in C_Sign just now */
	atomic_uint gather;         /* calls of C_Sign wait until so many are in it; then 0 */
	atomic_uint hang;           /* so many calls of C_Sign hang until it is 0 and … */
	atomic_bool release;        /* … this is true */
	atomic_uint hanging;        /* hang just now */
	atomic_uint fail;           /* so many calls of C_Sign fail */
	atomic_ulong fail_answer;   /* with this; 0: as the module answers after the deed */
	atomic_int deed;            /* enum fault_hsm_deed */
	atomic_ulong login_answer;  /* not 0: C_Login gives it, and does nothing */
	atomic_ulong token_flags;   /* added to those of each token */
	atomic_bool is_away;        /* no slot has a token */
	atomic_bool bare_points;    /* CKA_EC_POINT without its OCTET STRING */
	atomic_uint sign_len;       /* not 0: the length that C_Sign tells */
	atomic_bool digest_is_long; /* ever: C_Sign was given other than 32 bytes */
	atomic_ulong mechanism;     /* the last one of C_SignInit */
};

/* By dlsym. */
struct fault_hsm *fault_hsm(void);

#endif
