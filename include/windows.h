/* windows.h: what programs of the cluster API expect of <windows.h>, and no more.
 *
 * Why      source that was written for the Windows cluster API begins with #include <windows.h> and uses its scalar
 *          types, the last error, and a handful of calls.  With these headers it compiles on Linux unchanged.
 * How      windows/types.h     scalar types, handles, plain structures
 *          windows/access.h    access rights, key and value types of the registry
 *          windows/system.h    last error, memory, texts of errors, conversion of strings, lstr…
 *          windows/wide.h      the C library's wide functions on 16-bit units
 *          winerror.h          error codes
 * WCHAR    is wchar_t where that has two bytes (compile with -fshort-wchar; `pkg-config --cflags clusapi` says so), so
 *          that L"" works; else it is char16_t, and u"" works.  TEXT("") fits either.
 * Names    what <windows.h> spells as GetLastError stays so; everything that the C library could own as well is
 *          a macro for a function with the prefix rueda_.  Define RUEDA_NO_WIDE_MAP to keep the C library's functions.
 * Not kept anything that is not about clusters: no windows, no files, no processes, no threads.
 * Page     docs/design/library.md          Tests  tests/integration/headers.py, tests/unit/compat_*.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_WINDOWS_H
#define RUEDA_WINDOWS_H

#include "windows/types.h"

#include "windows/access.h"
#include "windows/system.h"
#include "windows/wide.h"
#include "winerror.h"

#endif
