/* string: copies of texts that the caller frees with LocalFree().
 *
 * Threads  all functions.          Tests  tests/unit/resutils.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"
#include "include/resapi.h"

PWSTR ResUtilDupString(LPCWSTR pszInString)
{
	size_t size = (u16_from_z(pszInString).len + 1) * sizeof(WCHAR);
	PWSTR copy;

	if (pszInString == NULL) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	copy = LocalAlloc(LMEM_FIXED, size);
	if (copy != NULL)
		memcpy(copy, pszInString, size);
	return copy;
}
