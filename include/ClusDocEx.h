/* ClusDocEx.h: the helper header that the examples in the documentation of the cluster API include.
 *
 * It includes what they use and gives them the few constants and functions that the documentation describes:
 *
 *   ClusDocEx_DEFAULT_CCH, _CB     usual size of a buffer, in WCHARs and in bytes
 *   ClusDocEx_ListEntrySize()      bytes that data of a size takes up in a value list, with its head
 *   ClusDocEx_DebugPrint()         a message, where it comes from, and the text of an error code, on standard output
 *   ClusDocEx_ShowBuffer()         bytes in hexadecimal, 16 in a line, on standard output
 *   ConvertArg()                   an argument of main() as a wide string; returns an error code
 *
 * Examples that were written for C++ are C here as well, as far as they are not C++ themselves.
 * Not kept the declarations of functions that one example takes from another: include that example.
 * See <clusapi.h>.          Tests  tests/integration/headers.py, tests/integration/sample_page.sh
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef _CLUSDOCEX_H
#define _CLUSDOCEX_H

#ifndef UNICODE
#define UNICODE
#endif
#ifndef _UNICODE
#define _UNICODE
#endif

#include "windows.h"

#include "clusapi.h"
#include "resapi.h"
#include "strsafe.h"
#include "tchar.h"

#ifdef __cplusplus
const DWORD ClusDocEx_DEFAULT_CCH = 256;
const DWORD ClusDocEx_DEFAULT_CB = 256 * sizeof(WCHAR);
#else
/* In C a const variable is no size of an array. */
enum { ClusDocEx_DEFAULT_CCH = 256, ClusDocEx_DEFAULT_CB = 256 * sizeof(WCHAR) };
#endif

static inline DWORD ClusDocEx_ListEntrySize(DWORD cbDataLength)
{
	return (DWORD)sizeof(CLUSPROP_VALUE) + ALIGN_CLUSPROP(cbDataLength);
}

static inline void ClusDocEx_DebugPrintAt(LPCWSTR lpszMessage, DWORD dwErrorCode, const char *file, int line)
{
	LPWSTR text = NULL;
	DWORD length = FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL, dwErrorCode,
	    MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPWSTR)(void *)&text, 0, NULL);

	rueda_wprintf(RUEDA_TEXT("\n%s\nLine %d of %S\nError %u: %s\n"), lpszMessage, line, file, dwErrorCode,
	    length > 0 ? text : RUEDA_TEXT("(no text)"));
	(void)LocalFree(text);
}
#define ClusDocEx_DebugPrint(lpszMessage, dwErrorCode)                                                                 \
	ClusDocEx_DebugPrintAt((lpszMessage), (dwErrorCode), __FILE__, __LINE__)

static inline void ClusDocEx_ShowBuffer(LPVOID lpBuffer, DWORD cbBuffer)
{
	CLUSPROP_BUFFER_HELPER at;

	at.pb = (BYTE *)lpBuffer;
	for (DWORD i = 0; i < cbBuffer; i++)
		rueda_wprintf(RUEDA_TEXT("%02X%S"), at.pb[i], i % 16 == 15 || i + 1 == cbBuffer ? "\n" : " ");
}

/* cchDest: capacity of pszDest in WCHARs, with the terminator.  122: it is too small; 1113: psArg is not UTF-8. */
static inline DWORD ConvertArg(const char *psArg, LPWSTR pszDest, DWORD cchDest)
{
	SetLastError(ERROR_SUCCESS);
	(void)MultiByteToWideChar(CP_ACP, MB_PRECOMPOSED | MB_ERR_INVALID_CHARS, psArg, -1, pszDest, (int)cchDest);
	return GetLastError();
}

#endif
