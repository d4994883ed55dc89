/* lasterror: how a thin function of the API gives back what our functions return.
 *
 * A success leaves the last error alone, as on Windows.  Functions that return a code set it as well: programs print
 * GetLastError() after them, although the documentation does not promise that.
 * Threads  all functions.          Tests  tests/unit/lasterror.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/lasterror.h"

DWORD return_code(int r)
{
	DWORD code = error_to_win32(r);

	if (code != 0)
		SetLastError(code);
	return code;
}

void *return_null(int r)
{
	assert(r < 0);
	(void)return_code(r);
	return NULL;
}

BOOL return_bool(int r)
{
	return return_code(r) == 0 ? TRUE : FALSE;
}
