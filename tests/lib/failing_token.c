/* failing_token: a PKCS #11 library that is SoftHSM until one of its calls fails.
 *
 * Why      hardware is pulled out, loses its connection, and answers after it has done what it says it has not.
 * How      each function that the product uses asks before it hands on, and after; the others are SoftHSM's own.
 * Limits   one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/failing_token.h"
#include "tests/lib/token.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static CK_FUNCTION_LIST_PTR real;
static struct failing_token *plan;
static bool gone;

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* Whether this is the call; it is not to be done if *result is an error. */
static bool before(bool changes, CK_RV *result)
{
	bool is_it = (changes || plan->only_changes == 0) && plan->left > 0 && --plan->left == 0;

	if (is_it && plan->mode == TOKEN_KILLS)
		die();
	gone |= is_it && plan->mode == TOKEN_IS_GONE;
	*result = gone || (is_it && plan->mode == TOKEN_FAILS) ? plan->result : CKR_OK;
	return is_it;
}

static CK_RV after(bool is_it, CK_RV result)
{
	if (is_it && plan->mode == TOKEN_DIES)
		die();
	return is_it && plan->mode == TOKEN_LOST_ANSWER && result == CKR_OK ? plan->result : result;
}

#define CALL(name, changes, parameters, arguments)                                                                     \
	static CK_RV my_##name parameters                                                                              \
	{                                                                                                              \
		CK_RV result;                                                                                          \
		bool is_it = before(changes, &result);                                                                 \
                                                                                                                       \
		return result != CKR_OK ? result : after(is_it, real->name arguments);                                 \
	}

// clang-format off
CALL(C_Initialize, false, (void *a), (a))
CALL(C_Finalize, false, (void *a), (a))
CALL(C_GetInfo, false, (CK_INFO_PTR i), (i))
CALL(C_GetSlotList, false, (CK_BBOOL p, CK_SLOT_ID_PTR s, CK_ULONG_PTR n), (p, s, n))
CALL(C_GetTokenInfo, false, (CK_SLOT_ID s, CK_TOKEN_INFO_PTR i), (s, i))
CALL(C_GetMechanismInfo, false, (CK_SLOT_ID s, CK_MECHANISM_TYPE m, CK_MECHANISM_INFO_PTR i), (s, m, i))
CALL(C_CloseSession, false, (CK_SESSION_HANDLE h), (h))
CALL(C_Login, false, (CK_SESSION_HANDLE h, CK_USER_TYPE u, CK_UTF8CHAR_PTR p, CK_ULONG n), (h, u, p, n))
CALL(C_CreateObject, true, (CK_SESSION_HANDLE h, CK_ATTRIBUTE_PTR a, CK_ULONG n, CK_OBJECT_HANDLE_PTR o), (h, a, n, o))
CALL(C_DestroyObject, true, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o), (h, o))
CALL(C_FindObjectsInit, false, (CK_SESSION_HANDLE h, CK_ATTRIBUTE_PTR a, CK_ULONG n), (h, a, n))
CALL(C_FindObjects, false, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE_PTR o, CK_ULONG max, CK_ULONG_PTR n),
    (h, o, plan->one_by_one != 0 && max > 1 ? 1 : max, n))
CALL(C_FindObjectsFinal, false, (CK_SESSION_HANDLE h), (h))
CALL(C_WrapKey, false, (CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE w, CK_OBJECT_HANDLE k, CK_BYTE_PTR b,
    CK_ULONG_PTR n), (h, m, w, k, b, n))
CALL(C_UnwrapKey, true, (CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE w, CK_BYTE_PTR b, CK_ULONG n,
    CK_ATTRIBUTE_PTR a, CK_ULONG count, CK_OBJECT_HANDLE_PTR o), (h, m, w, b, n, a, count, o))
// clang-format on

static CK_RV my_C_OpenSession(CK_SLOT_ID s, CK_FLAGS f, void *a, CK_NOTIFY n, CK_SESSION_HANDLE_PTR h)
{
	CK_TOKEN_INFO info;
	CK_RV result;
	bool is_it = before(false, &result);

	while (plan->slow != 0 && real->C_GetTokenInfo(s, &info) == CKR_OK && memcmp(info.label, "slow", 4) == 0)
		(void)pause();
	return result != CKR_OK ? result : after(is_it, real->C_OpenSession(s, f, a, n, h));
}

static CK_RV my_C_GetAttributeValue(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_PTR a, CK_ULONG n)
{
	CK_RV result;
	bool is_it = before(false, &result);

	if (result == CKR_OK)
		result = after(is_it, real->C_GetAttributeValue(h, o, a, n));
	if (result == CKR_OK && plan->huge != 0 && a->type == plan->huge && a->pValue == NULL)
		a->ulValueLen = 1 << 20;
	if (plan->kept != 0 && a->type == CKA_DESTROYABLE && a->pValue != NULL) {
		*(CK_BBOOL *)a->pValue = CK_FALSE;
		a->ulValueLen = sizeof(CK_BBOOL);
		result = CKR_OK;
	}
	return result;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret)
{
	static CK_FUNCTION_LIST mine;
	const char *path = getenv("FAILING_TOKEN");
	void *library = dlopen(TOKEN_MODULE, RTLD_NOW);
	CK_C_GetFunctionList get = library != NULL ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0 || get == NULL || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (plan == MAP_FAILED)
		return CKR_GENERAL_ERROR;
	mine = *real;
	mine.C_Initialize = my_C_Initialize;
	mine.C_Finalize = my_C_Finalize;
	mine.C_GetInfo = my_C_GetInfo;
	mine.C_GetSlotList = my_C_GetSlotList;
	mine.C_GetTokenInfo = my_C_GetTokenInfo;
	mine.C_GetMechanismInfo = my_C_GetMechanismInfo;
	mine.C_OpenSession = my_C_OpenSession;
	mine.C_CloseSession = my_C_CloseSession;
	mine.C_Login = my_C_Login;
	mine.C_CreateObject = my_C_CreateObject;
	mine.C_DestroyObject = my_C_DestroyObject;
	mine.C_FindObjectsInit = my_C_FindObjectsInit;
	mine.C_FindObjects = my_C_FindObjects;
	mine.C_FindObjectsFinal = my_C_FindObjectsFinal;
	mine.C_WrapKey = my_C_WrapKey;
	mine.C_UnwrapKey = my_C_UnwrapKey;
	mine.C_GetAttributeValue = my_C_GetAttributeValue;
	*ret = &mine;
	return CKR_OK;
}
