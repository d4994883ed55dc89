/* resapi/value.h: single values of a key of the cluster database.
 *
 * Copies are freed with LocalFree().  2: there is no such value; 13: it is of another type; 87: no name, or text that is
 * none; and what the calls of the database give.  The caller's copy of what is stored may be NULL: none is wanted.
 * Included by <resapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RESAPI_VALUE_H
#define RUEDA_RESAPI_VALUE_H

#include "../clusapi.h"

RUEDA_BEGIN_DECLARATIONS

/* ---- Reading ---- */

/* A copy of a binary value and its size in bytes. */
DWORD ResUtilGetBinaryValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPBYTE *ppbOutValue, LPDWORD pcbOutValueSize);

/* A copy of a text value. */
LPWSTR ResUtilGetSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName);

/* A copy of a text value with variables, which are replaced if bExpand is TRUE. */
LPWSTR ResUtilGetExpandSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, BOOL bExpand);

/* A DWORD value, or the default if there is none. */
DWORD ResUtilGetDwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPDWORD pdwOutValue, DWORD dwDefaultValue);

/* A value of 64 bits, or the default if there is none. */
DWORD ResUtilGetQwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, PULONGLONG pqwOutValue, ULONGLONG qwDefaultValue);

/* ---- Writing ---- */

/* Store a binary value, and replace the caller's copy of it. */
DWORD ResUtilSetBinaryValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, const LPBYTE pbNewValue, DWORD cbNewValueSize,
    LPBYTE *ppbOutValue, LPDWORD pcbOutValueSize);

/* Store a text value, and replace the caller's copy of it. */
DWORD ResUtilSetSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPCWSTR pszNewValue, LPWSTR *ppszOutString);

/* Store a text value with variables, and replace the caller's copy of it. */
DWORD ResUtilSetExpandSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPCWSTR pszNewValue, LPWSTR *ppszOutString);

/* Store a list of texts, and replace the caller's copy of it. */
DWORD ResUtilSetMultiSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPCWSTR pszNewValue, DWORD cbNewValueSize,
    LPWSTR *ppszOutValue, LPDWORD pcbOutValueSize);

/* Store a DWORD value, and replace the caller's copy of it. */
DWORD ResUtilSetDwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, DWORD dwNewValue, LPDWORD pdwOutValue);

/* Store a value of 64 bits, and replace the caller's copy of it. */
DWORD ResUtilSetQwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, ULONGLONG qwNewValue, PULONGLONG pqwOutValue);

/* Store a value of any type. */
DWORD ResUtilSetValueEx(
    HKEY hkeyClusterKey, LPCWSTR valueName, DWORD valueType, const LPBYTE valueData, DWORD valueSize, DWORD flags);

RUEDA_END_DECLARATIONS

#endif
