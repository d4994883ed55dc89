/* convert: MultiByteToWideChar() and WideCharToMultiByte(), for UTF-8.
 *
 * Here every narrow string is UTF-8, so the code pages "ANSI" and "OEM" of Windows mean UTF-8 as well.  Names inside the
 * cluster may hold lone surrogates; these functions, like those of Windows, neither make nor pass them on.
 * Promise  an output is written only within its size; what is wrong in the input is told or replaced by U+FFFD.
 * Threads  all functions.          Tests  tests/unit/compat_system.c
 * SPDX-License-Identifier: Apache-2.0 */
#define RUEDA_NO_WIDE_MAP
#include "base/utf16.h"
#include "include/windows.h"
#include <limits.h>

enum { REPLACEMENT = 0xfffd };

static int fail(DWORD code)
{
	SetLastError(code);
	return 0;
}

static bool is_utf8(UINT code_page)
{
	return code_page == CP_ACP || code_page == CP_OEMCP || code_page == CP_THREAD_ACP || code_page == CP_UTF8;
}

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

/* As utf8_next(), without its two extensions. */
static size_t strict_next(const char *text, size_t left, uint32_t *ret)
{
	size_t used = utf8_next(text, left, ret);

	return used > 0 && (is_surrogate(*ret) || (*ret == 0 && used != 1)) ? 0 : used;
}

int rueda_MultiByteToWideChar(
    UINT CodePage, DWORD dwFlags, LPCSTR lpMultiByteStr, int cbMultiByte, LPWSTR lpWideCharStr, int cchWideChar)
{
	size_t len, n = 0, size = (size_t)cchWideChar;

	if (!is_utf8(CodePage) || (dwFlags & ~(MB_PRECOMPOSED | MB_ERR_INVALID_CHARS)) != 0 || lpMultiByteStr == NULL ||
	    cbMultiByte < -1 || cbMultiByte == 0 || cchWideChar < 0 || (cchWideChar > 0 && lpWideCharStr == NULL))
		return fail(ERROR_INVALID_PARAMETER);
	len = cbMultiByte == -1 ? strlen(lpMultiByteStr) + 1 : (size_t)cbMultiByte;
	if (len > INT_MAX)
		return fail(ERROR_INVALID_PARAMETER);

	for (size_t i = 0, used; i < len; i += used) {
		uint32_t c;
		WCHAR units[2];
		size_t count = 1;

		used = strict_next(lpMultiByteStr + i, len - i, &c);
		if (used == 0 && (dwFlags & MB_ERR_INVALID_CHARS) != 0)
			return fail(ERROR_NO_UNICODE_TRANSLATION);
		if (used == 0) {
			c = REPLACEMENT;
			used = 1;
		}
		units[0] = (WCHAR)c;
		if (c >= 0x10000) {
			units[0] = (WCHAR)(0xd800 + ((c - 0x10000) >> 10));
			units[1] = (WCHAR)(0xdc00 + (c & 0x3ff));
			count = 2;
		}
		if (size > 0 && n + count > size)
			return fail(ERROR_INSUFFICIENT_BUFFER);
		if (size > 0)
			memcpy(lpWideCharStr + n, units, count * sizeof(WCHAR));
		n += count;
	}
	return (int)n;
}

/* One character at *i as strict UTF-8; *ret_replaced if it is no character. */
static size_t encode_next(struct u16 s, size_t *i, char out[4], bool *ret_replaced)
{
	char16_t unit = s.units[*i];
	size_t from = *i, used = u16_next_utf8(s, i, out);

	if (unit == 0) {
		out[0] = 0;
		return 1;
	}
	if (is_surrogate(unit) && *i == from + 1) {
		memcpy(out, "\xef\xbf\xbd", 3);
		*ret_replaced = true;
		return 3;
	}
	return used;
}

int rueda_WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWSTR lpWideCharStr, int cchWideChar,
    LPSTR lpMultiByteStr, int cbMultiByte, LPCSTR lpDefaultChar, BOOL *lpUsedDefaultChar)
{
	bool replaced = false;
	struct u16 s;
	size_t n = 0, size = (size_t)cbMultiByte;

	if (!is_utf8(CodePage) || (dwFlags & ~(WC_ERR_INVALID_CHARS | WC_NO_BEST_FIT_CHARS)) != 0 ||
	    lpWideCharStr == NULL || cchWideChar < -1 || cchWideChar == 0 || cbMultiByte < 0 ||
	    (cbMultiByte > 0 && lpMultiByteStr == NULL) || lpDefaultChar != NULL)
		return fail(ERROR_INVALID_PARAMETER);
	s = (struct u16){ lpWideCharStr, (size_t)cchWideChar };
	if (cchWideChar == -1) {
		s = u16_from_z(lpWideCharStr);
		s.len++; /* With the terminator. */
	}

	for (size_t i = 0; i < s.len;) {
		char bytes[4];
		size_t count = encode_next(s, &i, bytes, &replaced);

		if (replaced && (dwFlags & WC_ERR_INVALID_CHARS) != 0)
			return fail(ERROR_NO_UNICODE_TRANSLATION);
		if (n + count > INT_MAX)
			return fail(ERROR_INVALID_PARAMETER);
		if (size > 0 && n + count > size)
			return fail(ERROR_INSUFFICIENT_BUFFER);
		if (size > 0)
			memcpy(lpMultiByteStr + n, bytes, count);
		n += count;
	}
	if (lpUsedDefaultChar != NULL)
		*lpUsedDefaultChar = replaced;
	return (int)n;
}
