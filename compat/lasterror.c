/* lasterror: the number that a failing call leaves behind, one for each thread.
 *
 * Why      the Windows API tells the reason of a failure apart from its result.
 * Promise  a thread sees only what it or its calls have put there; 0 at first.  Nothing here resets it.
 * Threads  all functions.          Tests  tests/unit/compat_system.c
 * SPDX-License-Identifier: Apache-2.0 */
#define RUEDA_NO_WIDE_MAP
#include "include/windows.h"

static _Thread_local DWORD last_error;

DWORD GetLastError(void)
{
	return last_error;
}

void SetLastError(DWORD dwErrCode)
{
	last_error = dwErrCode;
}
