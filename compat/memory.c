/* memory: LocalAlloc() on malloc(), and Sleep().
 *
 * LocalFree() frees whatever the libraries have allocated for a caller, so all of that comes from malloc().
 * Threads  all functions.          Tests  tests/unit/compat_system.c
 * SPDX-License-Identifier: Apache-2.0 */
#define RUEDA_NO_WIDE_MAP
#include "base/macro.h"
#include "include/windows.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

HLOCAL rueda_LocalAlloc(UINT uFlags, SIZE_T uBytes)
{
	void *p;

	if ((uFlags & ~LPTR) != 0) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	p = (uFlags & LMEM_ZEROINIT) != 0 ? calloc(1, MAX(uBytes, 1u)) : malloc(MAX(uBytes, 1u));
	if (p == NULL)
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	return p;
}

HLOCAL rueda_LocalFree(HLOCAL hMem)
{
	free(hMem);
	return NULL;
}

void rueda_Sleep(DWORD dwMilliseconds)
{
	struct timespec left = { .tv_sec = dwMilliseconds / 1000, .tv_nsec = dwMilliseconds % 1000 * 1000000L };

	while (dwMilliseconds == INFINITE)
		(void)pause();
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		; /* A signal does not shorten the rest. */
}
