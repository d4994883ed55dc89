/* windows/system.h: the calls of the Windows base API that cluster programs lean on.
 *
 * Threads  all functions, at the same time.  The last error is one number for each thread.
 * Memory   what a function here allocates is freed with LocalFree().
 * Included by <windows.h>; see there.          Tests  tests/unit/compat_system.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_WINDOWS_SYSTEM_H
#define RUEDA_WINDOWS_SYSTEM_H

#include "types.h"
#include <stdarg.h>
#include <string.h>
#include <strings.h>

RUEDA_BEGIN_DECLARATIONS

/* The code that the last failing call of this thread left (0 at first).  A call that succeeds may leave it alone, so
 * ask only after a failure. */
DWORD GetLastError(void);
/* Put a code there. */
void SetLastError(DWORD dwErrCode);

/* Memory of at least one byte, freed with LocalFree().  uFlags: LMEM_FIXED, or LPTR (LMEM_FIXED | LMEM_ZEROINIT) for
 * zeroed memory; movable memory is not offered (87).  uBytes: size.  NULL and the last error 8: no memory. */
HLOCAL rueda_LocalAlloc(UINT uFlags, SIZE_T uBytes);
/* Free what LocalAlloc(), FormatMessage() or a ResUtil function allocated.  NULL is allowed.  Returns NULL. */
HLOCAL rueda_LocalFree(HLOCAL hMem);

/* The text of an error code.
 *
 * dwFlags       must hold FORMAT_MESSAGE_FROM_SYSTEM.  With FORMAT_MESSAGE_ALLOCATE_BUFFER lpBuffer is the address of an
 *               LPWSTR that receives memory for LocalFree().  FORMAT_MESSAGE_MAX_WIDTH_MASK leaves out the line end.
 * lpSource      not used.
 * dwMessageId   a Windows error code, or an HRESULT made of one.
 * dwLanguageId  not used; the texts are in English.
 * nSize         capacity of lpBuffer in units, with the terminator; with ALLOCATE_BUFFER the least to allocate.
 * Arguments     not used; the texts have no inserts.
 *
 * Returns the length in units without the terminator.  0 and the last error: 317 unknown code, 122 lpBuffer is too
 * small, 8 no memory, 87 other flags.  Departs from Windows in the wording. */
DWORD rueda_FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId, LPWSTR lpBuffer,
    DWORD nSize, va_list *Arguments);

/* Bytes to units.  CodePage: CP_ACP, CP_THREAD_ACP, CP_OEMCP and CP_UTF8 all mean UTF-8 here.  cbMultiByte: bytes of lpMultiByteStr, or
 * -1 if it is terminated (the terminator is then converted as well).  cchWideChar: capacity of lpWideCharStr in
 * units; 0 asks for the size.  MB_ERR_INVALID_CHARS makes bytes that are not UTF-8 an error; else U+FFFD stands for
 * them.  Returns the number of units.  0 and the last error: 1113 invalid bytes, 122 too small, 87. */
int rueda_MultiByteToWideChar(
    UINT CodePage, DWORD dwFlags, LPCSTR lpMultiByteStr, int cbMultiByte, LPWSTR lpWideCharStr, int cchWideChar);
/* Units to bytes, likewise.  A lone surrogate becomes U+FFFD, or with WC_ERR_INVALID_CHARS the error 1113.
 * lpDefaultChar must be NULL; lpUsedDefaultChar, if given, tells whether U+FFFD was used. */
int rueda_WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWSTR lpWideCharStr, int cchWideChar,
    LPSTR lpMultiByteStr, int cbMultiByte, LPCSTR lpDefaultChar, BOOL *lpUsedDefaultChar);

/* Rest for that many milliseconds; INFINITE for ever. */
void rueda_Sleep(DWORD dwMilliseconds);

/* Strings.  lstrlenW(NULL) is 0; lstrcpynW copies at most iMaxLength - 1 units and always terminates; the others have
 * no bound: prefer <strsafe.h>. */
int rueda_lstrlenW(LPCWSTR lpString);
LPWSTR rueda_lstrcpyW(LPWSTR lpString1, LPCWSTR lpString2);
LPWSTR rueda_lstrcpynW(LPWSTR lpString1, LPCWSTR lpString2, int iMaxLength);
LPWSTR rueda_lstrcatW(LPWSTR lpString1, LPCWSTR lpString2);
int rueda_lstrcmpW(LPCWSTR lpString1, LPCWSTR lpString2);
int rueda_lstrcmpiW(LPCWSTR lpString1, LPCWSTR lpString2);

RUEDA_END_DECLARATIONS

#define LMEM_FIXED 0x0000u
#define LMEM_MOVEABLE 0x0002u
#define LMEM_ZEROINIT 0x0040u
#define LPTR (LMEM_FIXED | LMEM_ZEROINIT)
#define LocalAlloc rueda_LocalAlloc
#define LocalFree rueda_LocalFree

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100u
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x00000200u
#define FORMAT_MESSAGE_FROM_STRING 0x00000400u
#define FORMAT_MESSAGE_FROM_HMODULE 0x00000800u
#define FORMAT_MESSAGE_FROM_SYSTEM 0x00001000u
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x00002000u
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x000000FFu
#define LANG_NEUTRAL 0x00
#define SUBLANG_DEFAULT 0x01
#define MAKELANGID(primary, sub) ((WORD)((WORD)(sub) << 10 | (WORD)(primary)))
#define FormatMessageW rueda_FormatMessageW
#define FormatMessage FormatMessageW

#define CP_ACP 0u
#define CP_OEMCP 1u
#define CP_THREAD_ACP 3u
#define CP_UTF8 65001u
#define MB_PRECOMPOSED 0x00000001u
#define MB_ERR_INVALID_CHARS 0x00000008u
#define WC_ERR_INVALID_CHARS 0x00000080u
#define WC_NO_BEST_FIT_CHARS 0x00000400u
#define MultiByteToWideChar rueda_MultiByteToWideChar
#define WideCharToMultiByte rueda_WideCharToMultiByte

#define Sleep rueda_Sleep

#define lstrlenW rueda_lstrlenW
#define lstrcpyW rueda_lstrcpyW
#define lstrcpynW rueda_lstrcpynW
#define lstrcatW rueda_lstrcatW
#define lstrcmpW rueda_lstrcmpW
#define lstrcmpiW rueda_lstrcmpiW
#define lstrlen lstrlenW
#define lstrcpy lstrcpyW
#define lstrcpyn lstrcpynW
#define lstrcat lstrcatW
#define lstrcmp lstrcmpW
#define lstrcmpi lstrcmpiW

/* Names that the Microsoft C library has for what POSIX calls otherwise. */
#define strcmpi strcasecmp
#define stricmp strcasecmp
#define _strcmpi strcasecmp
#define _stricmp strcasecmp
#define strnicmp strncasecmp
#define _strnicmp strncasecmp

#define CopyMemory(to, from, size) memcpy((to), (from), (size))
#define MoveMemory(to, from, size) memmove((to), (from), (size))
#define FillMemory(to, size, byte) memset((to), (byte), (size))
#define ZeroMemory(to, size) memset((to), 0, (size))

#endif
