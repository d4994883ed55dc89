/* wformat: the engine of the wide printf functions; see wformat.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define RUEDA_NO_WIDE_MAP
#include "base/macro.h"
#include "include/windows.h"

/* Format into buffer, of which size units may be written with the terminator (none if it is 0).  Returns the length
 * without the terminator that the whole text has, whether or not it fitted; -1 and errno: EINVAL a conversion that is
 * not known, EOVERFLOW more than INT_MAX, ENOMEM. */
int wide_format(WCHAR *buffer, size_t size, const WCHAR *format, va_list arguments);
