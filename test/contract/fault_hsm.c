#include "fault_hsm.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fault_hsm knobs;
static CK_FUNCTION_LIST *module; /* the other one */
static CK_FUNCTION_LIST ours;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

struct fault_hsm *fault_hsm(void)
{
	return &knobs;
}

static bool take(atomic_uint *count)
{
	unsigned left = atomic_load(count);
	while (left > 0)
		if (atomic_compare_exchange_weak(count, &left, left - 1))
			return true;
	return false;
}

static void hang(void)
{
	atomic_fetch_add(&knobs.hanging, 1);
	while (!atomic_load(&knobs.release))
		usleep(1000);
	atomic_fetch_sub(&knobs.hanging, 1);
}

/* SoftHSM frees what other threads use when sessions are closed under them: a deed is done while
 * nobody else is in it. */
#define PASS(call)                            \
	(__extension__({                      \
		pthread_rwlock_rdlock(&lock); \
		CK_RV answer_ = module->call; \
		pthread_rwlock_unlock(&lock); \
		answer_;                      \
	}))

static void deed_do(CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;
	pthread_rwlock_wrlock(&lock);
	switch ((enum fault_hsm_deed)atomic_exchange(&knobs.deed, FAULT_HSM_NOTHING)) {
	case FAULT_HSM_NOTHING:
		break;
	case FAULT_HSM_CLOSE_SESSIONS:
		if (module->C_GetSessionInfo(session, &info) == CKR_OK)
			(void)module->C_CloseAllSessions(info.slotID);
		break;
	case FAULT_HSM_LOG_OUT:
		(void)module->C_Logout(session);
		break;
	case FAULT_HSM_FINALIZE:
		(void)module->C_Finalize(NULL);
		break;
	}
	pthread_rwlock_unlock(&lock);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
		  CK_ULONG *signature_len)
{
	unsigned now = atomic_fetch_add(&knobs.signing, 1) + 1;
	if (now >= atomic_load(&knobs.gather))
		atomic_store(&knobs.gather, 0);
	while (atomic_load(&knobs.gather) != 0)
		usleep(1000);
	if (data_len != 32)
		atomic_store(&knobs.digest_is_long, true);
	if (take(&knobs.hang))
		hang();
	CK_RV answer = CKR_OK;
	if (take(&knobs.fail)) {
		deed_do(session);
		answer = atomic_load(&knobs.fail_answer);
	}
	if (answer == CKR_OK)
		answer = PASS(C_Sign(session, data, data_len, signature, signature_len));
	if (answer == CKR_OK && atomic_load(&knobs.sign_len) != 0)
		*signature_len = atomic_load(&knobs.sign_len);
	atomic_fetch_sub(&knobs.signing, 1);
	return answer;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	atomic_store(&knobs.mechanism, mechanism->mechanism);
	return PASS(C_SignInit(session, mechanism, key));
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_len)
{
	CK_RV answer = atomic_load(&knobs.login_answer);
	atomic_fetch_add(&knobs.logins, 1);
	return answer != CKR_OK ? answer : PASS(C_Login(session, user, pin, pin_len));
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV answer = PASS(C_GetTokenInfo(slot, info));
	info->flags |= atomic_load(&knobs.token_flags);
	return answer;
}

static CK_RV slot_list(CK_BBOOL with_token, CK_SLOT_ID *slots, CK_ULONG *len)
{
	if (!atomic_load(&knobs.is_away))
		return PASS(C_GetSlotList(with_token, slots, len));
	*len = 0;
	return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
			  CK_SESSION_HANDLE *session)
{
	if (atomic_load(&knobs.is_away))
		return CKR_TOKEN_NOT_PRESENT;
	return PASS(C_OpenSession(slot, flags, application, notify, session));
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	return PASS(C_CloseSession(session));
}

static CK_RV session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
	return PASS(C_GetSessionInfo(session, info));
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG len)
{
	return PASS(C_FindObjectsInit(session, attributes, len));
}

static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG cap, CK_ULONG *len)
{
	return PASS(C_FindObjects(session, objects, cap, len));
}

static CK_RV find_final(CK_SESSION_HANDLE session)
{
	return PASS(C_FindObjectsFinal(session));
}

static CK_RV attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			     CK_ATTRIBUTE *attributes, CK_ULONG len)
{
	CK_RV answer = PASS(C_GetAttributeValue(session, object, attributes, len));
	CK_BYTE *bytes = attributes->pValue;
	if (answer == CKR_OK && atomic_load(&knobs.bare_points) &&
	    attributes->type == CKA_EC_POINT && bytes != NULL && attributes->ulValueLen == 67) {
		attributes->ulValueLen -= 2;
		memmove(bytes, bytes + 2, attributes->ulValueLen);
	}
	return answer;
}

static void calls_replace(void)
{
	ours = *module;
	ours.C_Sign = sign;
	ours.C_SignInit = sign_init;
	ours.C_Login = login;
	ours.C_GetTokenInfo = token_info;
	ours.C_GetSlotList = slot_list;
	ours.C_OpenSession = open_session;
	ours.C_CloseSession = close_session;
	ours.C_GetSessionInfo = session_info;
	ours.C_FindObjectsInit = find_init;
	ours.C_FindObjects = find;
	ours.C_FindObjectsFinal = find_final;
	ours.C_GetAttributeValue = attribute_value;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	CK_C_GetFunctionList get;
	const char *path = getenv("SLUICE_TEST_HSM_MODULE");
	if (module == NULL) {
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
		memcpy(&get, &symbol, sizeof get);
		if (get == NULL || get(&module) != CKR_OK)
			return CKR_GENERAL_ERROR;
		calls_replace();
	}
	*list = &ours;
	return CKR_OK;
}
