/* strsafe.h: copying, joining and formatting wide strings within bounds.
 *
 * Each function writes at most the given size, with the terminator, and always terminates what it wrote (unless the
 * size is 0 or more than STRSAFE_MAX_CCH).  Sizes count units in the Cch functions and bytes in the Cb functions.
 *
 * Returns  S_OK; STRSAFE_E_INSUFFICIENT_BUFFER: the result was cut to fit; STRSAFE_E_INVALID_PARAMETER: a size out of
 *          range, a destination of StringCchCat that is not terminated within its size, a bad format.
 * Threads  all functions.
 * Not kept the forms for narrow strings, and the Ex forms.
 * See <windows.h>.          Tests  tests/unit/compat_strsafe.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_STRSAFE_H
#define RUEDA_STRSAFE_H

#include "windows.h"

#define STRSAFE_MAX_CCH 2147483647u
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007A)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057)
#define STRSAFE_E_END_OF_FILE ((HRESULT)0x80070026)

RUEDA_BEGIN_DECLARATIONS

HRESULT rueda_StringCchCopyW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc);
HRESULT rueda_StringCchCopyNW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc, size_t cchToCopy);
HRESULT rueda_StringCchCatW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc);
HRESULT rueda_StringCchCatNW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc, size_t cchToAppend);
HRESULT rueda_StringCchPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, ...);
HRESULT rueda_StringCchVPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, va_list argList);
/* The length of psz without its terminator into *pcchLength (which may be NULL); not terminated within cchMax:
 * STRSAFE_E_INVALID_PARAMETER. */
HRESULT rueda_StringCchLengthW(LPCWSTR psz, size_t cchMax, size_t *pcchLength);

HRESULT rueda_StringCbCopyW(LPWSTR pszDest, size_t cbDest, LPCWSTR pszSrc);
HRESULT rueda_StringCbCatW(LPWSTR pszDest, size_t cbDest, LPCWSTR pszSrc);
HRESULT rueda_StringCbPrintfW(LPWSTR pszDest, size_t cbDest, LPCWSTR pszFormat, ...);
HRESULT rueda_StringCbLengthW(LPCWSTR psz, size_t cbMax, size_t *pcbLength);

RUEDA_END_DECLARATIONS

#define StringCchCopyW rueda_StringCchCopyW
#define StringCchCopyNW rueda_StringCchCopyNW
#define StringCchCatW rueda_StringCchCatW
#define StringCchCatNW rueda_StringCchCatNW
#define StringCchPrintfW rueda_StringCchPrintfW
#define StringCchVPrintfW rueda_StringCchVPrintfW
#define StringCchLengthW rueda_StringCchLengthW
#define StringCbCopyW rueda_StringCbCopyW
#define StringCbCatW rueda_StringCbCatW
#define StringCbPrintfW rueda_StringCbPrintfW
#define StringCbLengthW rueda_StringCbLengthW

#define StringCchCopy StringCchCopyW
#define StringCchCopyN StringCchCopyNW
#define StringCchCat StringCchCatW
#define StringCchCatN StringCchCatNW
#define StringCchPrintf StringCchPrintfW
#define StringCchVPrintf StringCchVPrintfW
#define StringCchLength StringCchLengthW
#define StringCbCopy StringCbCopyW
#define StringCbCat StringCbCatW
#define StringCbPrintf StringCbPrintfW
#define StringCbLength StringCbLengthW

#endif
