#include "adapter/keys_pkcs11_token.h"

#include "base/defence.h"
#include "base/hex.h"
#include "base/secret.h"
#include "core/limits.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SLOTS_MAX        64 /* of one module: partitions of a network HSM */
#define KEY_ID_BYTES_MAX 64
#define KEYS_HELD_MAX    WALLETS_MAX
#define TRIES_MAX        2 /* the second on a session that is new */

struct pkcs11_token {
	char *module;
	char *name;
	struct secret pin;
	atomic_uint era;       /* rises when all sessions are gone */
	pthread_mutex_t mutex; /* of what follows, and around a login */
	void *library;
	CK_FUNCTION_LIST *calls; /* NULL: not loaded */
	CK_SLOT_ID slot;
	bool has_slot;
	bool pin_is_refused; /* for ever */
	struct err pin_err;
};

/* A key's handle, in this session. */
struct held_key {
	char key[KEY_REF_LEN_MAX + 1];
	CK_OBJECT_HANDLE handle;
};

struct pkcs11_session {
	struct pkcs11_token *token;
	bool is_open;
	CK_SESSION_HANDLE handle;
	unsigned era; /* of the token, when it was opened */
	struct held_key held[KEYS_HELD_MAX];
	size_t held_len;
};

/* --- what a module answers ----------------------------------------------------------------------
 */

static const char *answer_text(CK_RV answer)
{
	static const struct {
		CK_RV answer;
		const char *text;
	} names[] = {
		{ CKR_HOST_MEMORY, "CKR_HOST_MEMORY" },
		{ CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR" },
		{ CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED" },
		{ CKR_CANT_LOCK, "CKR_CANT_LOCK" },
		{ CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR" },
		{ CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY" },
		{ CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED" },
		{ CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID" },
		{ CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED" },
		{ CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID" },
		{ CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID" },
		{ CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE" },
		{ CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT" },
		{ CKR_PIN_INVALID, "CKR_PIN_INVALID" },
		{ CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE" },
		{ CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED" },
		{ CKR_PIN_LOCKED, "CKR_PIN_LOCKED" },
		{ CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED" },
		{ CKR_SESSION_COUNT, "CKR_SESSION_COUNT" },
		{ CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID" },
		{ CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT" },
		{ CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED" },
		{ CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN" },
		{ CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED" },
		{ CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED" },
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].answer == answer)
			return names[i].text;
	return "an error";
}

/* Another PIN, a person or another module is needed. */
static bool is_pin_answer(CK_RV answer)
{
	return answer == CKR_PIN_INCORRECT || answer == CKR_PIN_INVALID ||
	       answer == CKR_PIN_LEN_RANGE || answer == CKR_PIN_EXPIRED ||
	       answer == CKR_PIN_LOCKED || answer == CKR_USER_PIN_NOT_INITIALIZED;
}

static bool is_for_good(CK_RV answer)
{
	return is_pin_answer(answer) || answer == CKR_CANT_LOCK ||
	       answer == CKR_KEY_FUNCTION_NOT_PERMITTED || answer == CKR_MECHANISM_INVALID;
}

/* The token was pulled out, or the module forgot everything: no session of it lives on. */
static bool is_all_gone(CK_RV answer)
{
	return answer == CKR_DEVICE_REMOVED || answer == CKR_TOKEN_NOT_PRESENT ||
	       answer == CKR_CRYPTOKI_NOT_INITIALIZED;
}

static bool is_gone(CK_RV answer)
{
	return is_all_gone(answer) || answer == CKR_SESSION_HANDLE_INVALID ||
	       answer == CKR_SESSION_CLOSED;
}

static bool call_failed(const char *call, CK_RV answer, struct err *err)
{
	return err_set(err, is_for_good(answer) ? ERR_REFUSED : ERR_NOT_DONE, "%s: %s (0x%lx)",
		       call, answer_text(answer), (unsigned long)answer);
}

/* --- the module ---------------------------------------------------------------------------------
 */

bool pkcs11_token_new(const struct pkcs11_place *place, struct pkcs11_token **ret_token,
		      struct err *err)
{
	CHECK(place->pin.len > 0);
	struct pkcs11_token *token = calloc(1, sizeof *token);
	CHECK(token != NULL);
	if (!secret_new(&token->pin, place->pin.len, err)) {
		free(token);
		return false;
	}
	memcpy(token->pin.at, place->pin.at, place->pin.len);
	token->module = strdup(place->module);
	token->name = strdup(place->token);
	CHECK(token->module != NULL && token->name != NULL);
	CHECK(pthread_mutex_init(&token->mutex, NULL) == 0);
	*ret_token = token;
	return true;
}

/* The module stays loaded and initialised: it is the process', other tokens of it included, and a
 * call that was given up may still be in it. */
void pkcs11_token_free(struct pkcs11_token *token)
{
	CHECK(pthread_mutex_destroy(&token->mutex) == 0);
	secret_free(&token->pin);
	free(token->name);
	free(token->module);
	free(token);
}

/* Whoever can write the file has the keys. */
static bool module_is_ours(const char *path, struct err *err)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return err_set(err, ERR_REFUSED, "the module %s is not there", path);
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, ERR_REFUSED,
			       "others than its owner may write the module %s (chmod go-w)", path);
	return true;
}

static bool library_load(struct pkcs11_token *token, struct err *err)
{
	CK_C_GetFunctionList list = NULL;
	if (token->library != NULL)
		return true;
	if (!module_is_ours(token->module, err))
		return false;
	token->library = dlopen(token->module, RTLD_NOW | RTLD_LOCAL);
	if (token->library == NULL)
		return err_set(err, ERR_REFUSED, "the module cannot be loaded: %s", dlerror());
	/* POSIX wants a void * to hold a function; ISO C has no cast for it. */
	void *symbol = dlsym(token->library, "C_GetFunctionList");
	memcpy(&list, &symbol, sizeof list);
	if (list == NULL || list(&token->calls) != CKR_OK || token->calls == NULL) {
		token->calls = NULL;
		(void)dlclose(token->library);
		token->library = NULL;
		return err_set(err, ERR_REFUSED, "%s is no PKCS#11 module", token->module);
	}
	return true;
}

static bool module_start(struct pkcs11_token *token, struct err *err)
{
	CK_C_INITIALIZE_ARGS arguments = { .flags = CKF_OS_LOCKING_OK };
	if (!library_load(token, err))
		return false;
	CK_RV answer = token->calls->C_Initialize(&arguments);
	if (answer != CKR_OK && answer != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return call_failed("C_Initialize", answer, err);
	return true;
}

/* --- the token ----------------------------------------------------------------------------------
 */

/* Fields of a token are filled with blanks, or, against the standard, ended by a zero. */
static bool field_equals(const unsigned char *field, size_t len, const char *text)
{
	const unsigned char *zero = memchr(field, 0, len);
	if (zero != NULL)
		len = (size_t)(zero - field);
	while (len > 0 && field[len - 1] == ' ')
		len--;
	return len > 0 && len == strlen(text) && memcmp(field, text, len) == 0;
}

static bool slot_find(struct pkcs11_token *token, struct err *err)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG len = SLOTS_MAX;
	size_t found = 0;
	CK_RV answer = token->calls->C_GetSlotList(CK_TRUE, slots, &len);
	if (answer != CKR_OK)
		return call_failed("C_GetSlotList", answer, err);
	for (CK_ULONG i = 0; i < len && i < SLOTS_MAX; i++) {
		CK_TOKEN_INFO info;
		if (token->calls->C_GetTokenInfo(slots[i], &info) != CKR_OK)
			continue;
		if (!field_equals(info.label, sizeof info.label, token->name) &&
		    !field_equals(info.serialNumber, sizeof info.serialNumber, token->name))
			continue;
		token->slot = slots[i];
		found++;
	}
	if (found == 0)
		return err_set(err, ERR_NOT_DONE, "no token has the label or serial number \"%s\"",
			       token->name);
	if (found > 1)
		return err_set(err, ERR_REFUSED,
			       "%zu tokens are named \"%s\": name one by its serial number", found,
			       token->name);
	token->has_slot = true;
	return true;
}

/* One more wrong PIN and the token locks: what is then left is for people. */
static bool pin_may_be_offered(struct pkcs11_token *token, struct err *err)
{
	CK_TOKEN_INFO info;
	CK_RV answer = token->calls->C_GetTokenInfo(token->slot, &info);
	if (answer != CKR_OK)
		return call_failed("C_GetTokenInfo", answer, err);
	if ((info.flags & CKF_USER_PIN_LOCKED) != 0)
		return err_set(err, ERR_REFUSED, "token \"%s\": its PIN is locked", token->name);
	if (DEFENCE("last_pin_try_is_peoples") && (info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
		return err_set(err, ERR_REFUSED,
			       "token \"%s\": one more wrong PIN locks it: log in by hand first, "
			       "with the right one",
			       token->name);
	return true;
}

/* The login is the token's, for all sessions of the process. */
static bool login(struct pkcs11_token *token, CK_SESSION_HANDLE session, struct err *err)
{
	CK_SESSION_INFO info;
	CK_RV answer = token->calls->C_GetSessionInfo(session, &info);
	if (answer != CKR_OK)
		return call_failed("C_GetSessionInfo", answer, err);
	if (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS)
		return true;
	if (!pin_may_be_offered(token, err))
		return false;
	answer = token->calls->C_Login(session, CKU_USER, token->pin.at, token->pin.len);
	if (answer == CKR_OK || answer == CKR_USER_ALREADY_LOGGED_IN)
		return true;
	if (!is_pin_answer(answer))
		return call_failed("C_Login", answer, err);
	call_failed("C_Login", answer, err);
	err_wrap(err, "token \"%s\"", token->name);
	token->pin_is_refused = DEFENCE("pin_is_offered_once");
	token->pin_err = *err;
	return false;
}

/* With the token's mutex. */
static bool session_open_locked(struct pkcs11_session *session, struct err *err)
{
	struct pkcs11_token *token = session->token;
	CK_SESSION_HANDLE handle;
	if (token->pin_is_refused) {
		*err = token->pin_err;
		return false;
	}
	if (!module_start(token, err) || (!token->has_slot && !slot_find(token, err)))
		return false;
	CK_RV answer =
		token->calls->C_OpenSession(token->slot, CKF_SERIAL_SESSION, NULL, NULL, &handle);
	if (answer != CKR_OK) {
		token->has_slot = false; /* it may come back in another one */
		return call_failed("C_OpenSession", answer, err);
	}
	if (!login(token, handle, err)) {
		(void)token->calls->C_CloseSession(handle);
		token->has_slot = false;
		return false;
	}
	session->handle = handle;
	session->era = token->era;
	session->is_open = true;
	return true;
}

/* --- sessions -----------------------------------------------------------------------------------
 */

struct pkcs11_session *pkcs11_session_new(struct pkcs11_token *token)
{
	struct pkcs11_session *session = calloc(1, sizeof *session);
	CHECK(session != NULL);
	session->token = token;
	return session;
}

static void session_close(struct pkcs11_session *session)
{
	if (session->is_open)
		(void)session->token->calls->C_CloseSession(session->handle);
	session->is_open = false;
	session->held_len = 0; /* handles are good for as long as their session */
}

/* Its number may be another thread's by now: nothing is called with it any more. */
static void session_forget(struct pkcs11_session *session)
{
	session->is_open = false;
	session->held_len = 0;
}

/* After an answer that ended a call. */
static void session_leave(struct pkcs11_session *session, CK_RV answer)
{
	struct pkcs11_token *token = session->token;
	if (!is_gone(answer)) {
		session_close(session);
		return;
	}
	unsigned era = session->era;
	if (is_all_gone(answer)) /* the first who sees it says so */
		(void)atomic_compare_exchange_strong(&token->era, &era, era + 1);
	session_forget(session);
}

void pkcs11_session_free(struct pkcs11_session *session)
{
	if (session == NULL)
		return;
	session_close(session);
	free(session);
}

bool pkcs11_session_open(struct pkcs11_session *session, struct err *err)
{
	if (session->is_open && session->era != session->token->era)
		session_forget(session);
	if (session->is_open)
		return true; /* and waits for nobody who logs in */
	pthread_mutex_lock(&session->token->mutex);
	bool ok = session_open_locked(session, err);
	pthread_mutex_unlock(&session->token->mutex);
	return ok;
}

/* --- keys ---------------------------------------------------------------------------------------
 */

struct key_name {
	CK_ATTRIBUTE_TYPE type; /* CKA_LABEL or CKA_ID */
	CK_BYTE bytes[KEY_REF_LEN_MAX];
	size_t len;
};

static bool key_name_read(const char *key, struct key_name *ret_name, struct err *err)
{
	struct str text = str_from(key);
	ret_name->type = CKA_LABEL;
	ret_name->len = text.len;
	if (str_starts_with(text, STR("id="))) {
		text = str_skip(text, 3);
		ret_name->type = CKA_ID;
		ret_name->len = text.len / 2;
		if (text.len == 0 || text.len > 2 * KEY_ID_BYTES_MAX ||
		    !hex_read(text, ret_name->bytes, ret_name->len))
			return err_set(err, ERR_REFUSED, "\"%s\" is no id=HEX", key);
		return true;
	}
	if (text.len == 0 || text.len > sizeof ret_name->bytes)
		return err_set(err, ERR_REFUSED, "\"%s\" names no key: NAME/LABEL, NAME/id=HEX",
			       key);
	memcpy(ret_name->bytes, text.at, text.len);
	return true;
}

/* The one object of a class that has the name; *ret_found counts up to two. */
static CK_RV object_find(struct pkcs11_session *session, CK_OBJECT_CLASS class,
			 struct key_name *name, CK_OBJECT_HANDLE *ret_handle, size_t *ret_found)
{
	CK_FUNCTION_LIST *calls = session->token->calls;
	CK_KEY_TYPE type = CKK_EC;
	CK_ATTRIBUTE wanted[] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_KEY_TYPE, &type, sizeof type },
		{ name->type, name->bytes, name->len },
	};
	CK_OBJECT_HANDLE handles[2];
	CK_ULONG len = 0;
	CK_RV answer =
		calls->C_FindObjectsInit(session->handle, wanted, sizeof wanted / sizeof wanted[0]);
	if (answer != CKR_OK)
		return answer;
	answer = calls->C_FindObjects(session->handle, handles, 2, &len);
	CK_RV ended = calls->C_FindObjectsFinal(session->handle);
	if (answer != CKR_OK || ended != CKR_OK)
		return answer != CKR_OK ? answer : ended;
	*ret_found = len;
	if (len > 0)
		*ret_handle = handles[0];
	return CKR_OK;
}

/* The bytes of an attribute; none when the object has no such one, or a longer one. */
static CK_RV attribute_read(struct pkcs11_session *session, CK_OBJECT_HANDLE object,
			    CK_ATTRIBUTE_TYPE type, CK_BYTE *storage, size_t cap,
			    struct str *ret_bytes)
{
	CK_ATTRIBUTE attribute = { type, storage, cap };
	CK_RV answer =
		session->token->calls->C_GetAttributeValue(session->handle, object, &attribute, 1);
	*ret_bytes = (struct str){ 0 };
	if (answer == CKR_ATTRIBUTE_TYPE_INVALID || answer == CKR_ATTRIBUTE_SENSITIVE ||
	    answer == CKR_BUFFER_TOO_SMALL)
		return CKR_OK;
	if (answer == CKR_OK && attribute.ulValueLen <= cap)
		*ret_bytes = str_from_bytes(storage, attribute.ulValueLen);
	return answer;
}

static bool curve_check(struct pkcs11_session *session, const char *key, CK_OBJECT_HANDLE handle,
			CK_RV *ret_answer, struct err *err)
{
	CK_BYTE storage[128];
	struct str params;
	*ret_answer =
		attribute_read(session, handle, CKA_EC_PARAMS, storage, sizeof storage, &params);
	if (*ret_answer != CKR_OK)
		return call_failed("C_GetAttributeValue", *ret_answer, err);
	if (keys_der_is_secp256k1(params))
		return true;
	return err_set(err, ERR_REFUSED, "\"%s\" is no key of the curve secp256k1", key);
}

static bool key_find(struct pkcs11_session *session, const char *key, CK_OBJECT_HANDLE *ret_handle,
		     CK_RV *ret_answer, struct err *err)
{
	struct key_name name;
	size_t found = 0;
	*ret_answer = CKR_OK;
	for (size_t i = 0; i < session->held_len; i++) {
		if (strcmp(session->held[i].key, key) != 0)
			continue;
		*ret_handle = session->held[i].handle;
		return true;
	}
	if (!key_name_read(key, &name, err))
		return false;
	*ret_answer = object_find(session, CKO_PRIVATE_KEY, &name, ret_handle, &found);
	if (*ret_answer != CKR_OK)
		return call_failed("C_FindObjects", *ret_answer, err);
	if (found != 1)
		return err_set(err, ERR_REFUSED, "token \"%s\": %s is named \"%s\"",
			       session->token->name,
			       found == 0 ? "no private key" : "more than one private key", key);
	if (!curve_check(session, key, *ret_handle, ret_answer, err))
		return false;
	if (session->held_len == KEYS_HELD_MAX)
		session->held_len = 0;
	struct held_key *held = &session->held[session->held_len++];
	CHECK(str_copy(str_from(key), held->key, sizeof held->key));
	held->handle = *ret_handle;
	return true;
}

/* --- what keys do -------------------------------------------------------------------------------
 */

/* One call on a key: CKR_OK, the answer of a session that is gone, or an error that is set. */
typedef bool key_call(struct pkcs11_session *session, const char *key, CK_OBJECT_HANDLE handle,
		      void *context, CK_RV *ret_answer, struct err *err);

/* Whatever went wrong, the next call begins on a session of its own: nothing is then left active in
 * it. A session, a login or a handle that turn out to be gone are made anew at once. */
static bool key_use(struct pkcs11_session *session, const char *key, key_call *call, void *context,
		    struct err *err)
{
	for (int try = 1; try <= TRIES_MAX; try++) {
		bool was_open = session->is_open;
		CK_OBJECT_HANDLE handle;
		CK_RV answer = CKR_OK;
		if (!pkcs11_session_open(session, err))
			return false;
		if (key_find(session, key, &handle, &answer, err) &&
		    call(session, key, handle, context, &answer, err))
			return true;
		session_leave(session, answer);
		if (!was_open || answer == CKR_OK || is_for_good(answer))
			return false;
	}
	return false;
}

/* The public half by the id of the private one, by its name, or the private one itself, which may
 * hold the point too. */
static CK_RV public_find(struct pkcs11_session *session, const char *key,
			 CK_OBJECT_HANDLE private_key, CK_OBJECT_HANDLE *ret_handle)
{
	struct key_name name = { .type = CKA_ID };
	struct str id;
	struct err ignored;
	size_t found = 0;
	CK_RV answer =
		attribute_read(session, private_key, CKA_ID, name.bytes, KEY_ID_BYTES_MAX, &id);
	name.len = id.len;
	if (answer == CKR_OK && id.len > 0)
		answer = object_find(session, CKO_PUBLIC_KEY, &name, ret_handle, &found);
	if (answer == CKR_OK && found == 0 && key_name_read(key, &name, &ignored))
		answer = object_find(session, CKO_PUBLIC_KEY, &name, ret_handle, &found);
	if (found == 0)
		*ret_handle = private_key;
	return answer;
}

static bool public_key_call(struct pkcs11_session *session, const char *key,
			    CK_OBJECT_HANDLE handle, void *context, CK_RV *ret_answer,
			    struct err *err)
{
	CK_BYTE storage[128];
	struct str bytes = { 0 };
	*ret_answer = public_find(session, key, handle, &handle);
	if (*ret_answer == CKR_OK)
		*ret_answer = attribute_read(session, handle, CKA_EC_POINT, storage, sizeof storage,
					     &bytes);
	if (*ret_answer != CKR_OK)
		return call_failed("C_GetAttributeValue", *ret_answer, err);
	if (bytes.len == 0)
		return err_set(err, ERR_REFUSED,
			       "\"%s\": the token has no public key beside the private one", key);
	if (!keys_der_ec_point(bytes, context))
		return err_set(err, ERR_REFUSED, "\"%s\": its public key is no point of secp256k1",
			       key);
	return true;
}

bool pkcs11_public_key(struct pkcs11_session *session, const char *key,
		       uint8_t ret_point[KEYS_POINT_BYTES], struct err *err)
{
	return key_use(session, key, public_key_call, ret_point, err);
}

struct sign_work {
	struct hash32 digest;
	uint8_t signature[64];
};

static bool sign_call(struct pkcs11_session *session, const char *key, CK_OBJECT_HANDLE handle,
		      void *context, CK_RV *ret_answer, struct err *err)
{
	CK_FUNCTION_LIST *calls = session->token->calls;
	CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
	struct sign_work *work = context;
	CK_BYTE signature[128];
	CK_ULONG len = sizeof signature;
	*ret_answer = calls->C_SignInit(session->handle, &mechanism, handle);
	if (*ret_answer != CKR_OK)
		return call_failed("C_SignInit", *ret_answer, err);
	*ret_answer = calls->C_Sign(session->handle, work->digest.bytes, sizeof work->digest.bytes,
				    signature, &len);
	if (*ret_answer != CKR_OK)
		return call_failed("C_Sign", *ret_answer, err);
	if (len != sizeof work->signature)
		return err_set(err, ERR_REFUSED, "\"%s\": a signature of %lu bytes", key,
			       (unsigned long)len);
	memcpy(work->signature, signature, sizeof work->signature);
	return true;
}

bool pkcs11_sign(struct pkcs11_session *session, const char *key, struct hash32 digest,
		 uint8_t ret_signature[64], struct err *err)
{
	struct sign_work work = { .digest = digest };
	if (!key_use(session, key, sign_call, &work, err))
		return false;
	memcpy(ret_signature, work.signature, sizeof work.signature);
	return true;
}
