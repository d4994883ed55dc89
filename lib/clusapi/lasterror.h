/* lasterror: from our errors to the three ways in which the functions of the API fail; see lasterror.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "include/windows.h"

/* For functions that return a code: the Windows code of r, 0 for success; a failure becomes the last error as well. */
DWORD return_code(int r);
/* For functions that return a handle or pointer: NULL, and the last error. */
void *return_null(int r);
/* For functions that return a BOOL: TRUE for success, else FALSE and the last error. */
BOOL return_bool(int r);
