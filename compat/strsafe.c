/* strsafe: copying, joining and formatting within bounds; see <strsafe.h> for what is promised.
 *
 * Threads  all functions.          Tests  tests/unit/compat_strsafe.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "include/strsafe.h"
#include "compat/wformat.h"

static bool size_is_bad(size_t cch)
{
	return cch == 0 || cch > STRSAFE_MAX_CCH;
}

HRESULT rueda_StringCchCopyNW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc, size_t cchToCopy)
{
	size_t len, fits;

	if (size_is_bad(cchDest))
		return STRSAFE_E_INVALID_PARAMETER;
	/* No further than what can be told apart: the source need not end. */
	len = rueda_wcsnlen(pszSrc, MIN(cchToCopy, cchDest));
	fits = MIN(len, cchDest - 1);
	rueda_wmemcpy(pszDest, pszSrc, fits);
	pszDest[fits] = 0;
	return fits < len ? STRSAFE_E_INSUFFICIENT_BUFFER : S_OK;
}

HRESULT rueda_StringCchCopyW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc)
{
	return rueda_StringCchCopyNW(pszDest, cchDest, pszSrc, SIZE_MAX);
}

HRESULT rueda_StringCchCatNW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc, size_t cchToAppend)
{
	size_t used;

	if (size_is_bad(cchDest))
		return STRSAFE_E_INVALID_PARAMETER;
	used = rueda_wcsnlen(pszDest, cchDest);
	/* Not terminated: then no size is left, which is refused there. */
	return rueda_StringCchCopyNW(pszDest + used, cchDest - used, pszSrc, cchToAppend);
}

HRESULT rueda_StringCchCatW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc)
{
	return rueda_StringCchCatNW(pszDest, cchDest, pszSrc, SIZE_MAX);
}

HRESULT rueda_StringCchVPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, va_list argList)
{
	int len;

	if (size_is_bad(cchDest))
		return STRSAFE_E_INVALID_PARAMETER;
	len = wide_format(pszDest, cchDest, pszFormat, argList);
	if (len < 0)
		return STRSAFE_E_INVALID_PARAMETER;
	return (size_t)len >= cchDest ? STRSAFE_E_INSUFFICIENT_BUFFER : S_OK;
}

HRESULT rueda_StringCchPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, ...)
{
	va_list arguments;
	HRESULT r;

	va_start(arguments, pszFormat);
	r = rueda_StringCchVPrintfW(pszDest, cchDest, pszFormat, arguments);
	va_end(arguments);
	return r;
}

HRESULT rueda_StringCchLengthW(LPCWSTR psz, size_t cchMax, size_t *pcchLength)
{
	size_t len;

	if (psz == NULL || cchMax > STRSAFE_MAX_CCH)
		return STRSAFE_E_INVALID_PARAMETER;
	len = rueda_wcsnlen(psz, cchMax);
	if (len == cchMax)
		return STRSAFE_E_INVALID_PARAMETER;
	if (pcchLength != NULL)
		*pcchLength = len;
	return S_OK;
}

HRESULT rueda_StringCbCopyW(LPWSTR pszDest, size_t cbDest, LPCWSTR pszSrc)
{
	return rueda_StringCchCopyW(pszDest, cbDest / sizeof(WCHAR), pszSrc);
}

HRESULT rueda_StringCbCatW(LPWSTR pszDest, size_t cbDest, LPCWSTR pszSrc)
{
	return rueda_StringCchCatW(pszDest, cbDest / sizeof(WCHAR), pszSrc);
}

HRESULT rueda_StringCbPrintfW(LPWSTR pszDest, size_t cbDest, LPCWSTR pszFormat, ...)
{
	va_list arguments;
	HRESULT r;

	va_start(arguments, pszFormat);
	r = rueda_StringCchVPrintfW(pszDest, cbDest / sizeof(WCHAR), pszFormat, arguments);
	va_end(arguments);
	return r;
}

HRESULT rueda_StringCbLengthW(LPCWSTR psz, size_t cbMax, size_t *pcbLength)
{
	HRESULT r = rueda_StringCchLengthW(psz, cbMax / sizeof(WCHAR), pcbLength);

	if (SUCCEEDED(r) && pcbLength != NULL)
		*pcbLength *= sizeof(WCHAR);
	return r;
}
