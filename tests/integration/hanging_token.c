/* hanging_token: a PKCS #11 library that blocks all signals and never comes back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <p11-kit/pkcs11.h>
#include <poll.h>
#include <signal.h>

static CK_RV initialize(void *arguments)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		(void)poll(NULL, 0, 1000);
	return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret)
{
	static CK_FUNCTION_LIST functions = { .version = { 2, 40 }, .C_Initialize = initialize };

	*ret = &functions;
	return CKR_OK;
}
