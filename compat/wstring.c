/* wstring: the C library's wide string functions, and lstr…, on 16-bit units.
 *
 * Each does what its namesake does.  Comparison is by units; without regard to case it is by the frozen table.
 * Threads  all functions.          Tests  tests/unit/compat_wide.c
 * SPDX-License-Identifier: Apache-2.0 */
#define RUEDA_NO_WIDE_MAP
#include "base/utf16.h"
#include "include/windows.h"
#include <limits.h>

size_t rueda_wcslen(const WCHAR *text)
{
	return rueda_wcsnlen(text, SIZE_MAX);
}

size_t rueda_wcsnlen(const WCHAR *text, size_t count)
{
	size_t n = 0;

	while (n < count && text[n] != 0)
		n++;
	return n;
}

WCHAR *rueda_wmemcpy(WCHAR *to, const WCHAR *from, size_t count)
{
	return memcpy(to, from, count * sizeof(WCHAR));
}

WCHAR *rueda_wmemmove(WCHAR *to, const WCHAR *from, size_t count)
{
	return memmove(to, from, count * sizeof(WCHAR));
}

WCHAR *rueda_wmemset(WCHAR *to, WCHAR unit, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = unit;
	return to;
}

int rueda_wmemcmp(const WCHAR *a, const WCHAR *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

WCHAR *rueda_wmemchr(const WCHAR *text, WCHAR unit, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text[i] == unit)
			return (WCHAR *)text + i;
	return NULL;
}

WCHAR *rueda_wcscpy(WCHAR *to, const WCHAR *from)
{
	return rueda_wmemcpy(to, from, rueda_wcslen(from) + 1);
}

WCHAR *rueda_wcsncpy(WCHAR *to, const WCHAR *from, size_t count)
{
	size_t n = rueda_wcsnlen(from, count);

	rueda_wmemcpy(to, from, n);
	rueda_wmemset(to + n, 0, count - n);
	return to;
}

WCHAR *rueda_wcscat(WCHAR *to, const WCHAR *from)
{
	rueda_wcscpy(to + rueda_wcslen(to), from);
	return to;
}

WCHAR *rueda_wcsncat(WCHAR *to, const WCHAR *from, size_t count)
{
	WCHAR *end = to + rueda_wcslen(to);
	size_t n = rueda_wcsnlen(from, count);

	rueda_wmemcpy(end, from, n);
	end[n] = 0;
	return to;
}

WCHAR *rueda_wcsdup(const WCHAR *text)
{
	return u16_dup(u16_from_z(text));
}

static int compare(const WCHAR *a, const WCHAR *b, size_t count, bool any_case)
{
	for (size_t i = 0; i < count; i++) {
		WCHAR x = any_case ? utf16_upcase(a[i]) : a[i], y = any_case ? utf16_upcase(b[i]) : b[i];

		if (x != y)
			return x < y ? -1 : 1;
		if (x == 0)
			break;
	}
	return 0;
}

int rueda_wcscmp(const WCHAR *a, const WCHAR *b)
{
	return compare(a, b, SIZE_MAX, false);
}

int rueda_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count)
{
	return compare(a, b, count, false);
}

int rueda_wcsicmp(const WCHAR *a, const WCHAR *b)
{
	return compare(a, b, SIZE_MAX, true);
}

int rueda_wcsnicmp(const WCHAR *a, const WCHAR *b, size_t count)
{
	return compare(a, b, count, true);
}

WCHAR *rueda_wcschr(const WCHAR *text, WCHAR unit)
{
	return rueda_wmemchr(text, unit, rueda_wcslen(text) + 1);
}

WCHAR *rueda_wcsrchr(const WCHAR *text, WCHAR unit)
{
	for (size_t i = rueda_wcslen(text) + 1; i > 0; i--)
		if (text[i - 1] == unit)
			return (WCHAR *)text + i - 1;
	return NULL;
}

WCHAR *rueda_wcsstr(const WCHAR *text, const WCHAR *part)
{
	size_t len = rueda_wcslen(part);

	for (;; text++) {
		if (rueda_wcsncmp(text, part, len) == 0)
			return (WCHAR *)text;
		if (*text == 0)
			return NULL;
	}
}

/* How many units from the start are, or are not, in the set. */
static size_t span(const WCHAR *text, const WCHAR *set, bool in_set)
{
	size_t set_len = rueda_wcslen(set), n = 0;

	while (text[n] != 0 && (rueda_wmemchr(set, text[n], set_len) != NULL) == in_set)
		n++;
	return n;
}

size_t rueda_wcsspn(const WCHAR *text, const WCHAR *accept)
{
	return span(text, accept, true);
}

size_t rueda_wcscspn(const WCHAR *text, const WCHAR *reject)
{
	return span(text, reject, false);
}

WCHAR *rueda_wcspbrk(const WCHAR *text, const WCHAR *accept)
{
	text += span(text, accept, false);
	return *text != 0 ? (WCHAR *)text : NULL;
}

WCHAR *rueda_wcstok(WCHAR *text, const WCHAR *delimiters, WCHAR **state)
{
	WCHAR *token = text != NULL ? text : *state, *end;

	if (token == NULL)
		return NULL;
	token += span(token, delimiters, true);
	end = token + span(token, delimiters, false);
	*state = *end != 0 ? end + 1 : NULL;
	*end = 0;
	return end != token ? token : NULL;
}

WCHAR *rueda_wcsupr(WCHAR *text)
{
	for (WCHAR *p = text; *p != 0; p++)
		*p = utf16_upcase(*p);
	return text;
}

WCHAR *rueda_wcslwr(WCHAR *text)
{
	for (WCHAR *p = text; *p != 0; p++)
		*p = (WCHAR)rueda_towlower(*p);
	return text;
}

/* lstr…: as above, but a NULL is the empty string or an error instead of a crash. */
int rueda_lstrlenW(LPCWSTR lpString)
{
	return lpString != NULL ? (int)MIN(rueda_wcslen(lpString), (size_t)INT_MAX) : 0;
}

LPWSTR rueda_lstrcpyW(LPWSTR lpString1, LPCWSTR lpString2)
{
	return lpString1 != NULL && lpString2 != NULL ? rueda_wcscpy(lpString1, lpString2) : NULL;
}

LPWSTR rueda_lstrcpynW(LPWSTR lpString1, LPCWSTR lpString2, int iMaxLength)
{
	size_t n;

	if (lpString1 == NULL || lpString2 == NULL || iMaxLength <= 0)
		return NULL;
	n = rueda_wcsnlen(lpString2, (size_t)iMaxLength - 1);
	rueda_wmemcpy(lpString1, lpString2, n);
	lpString1[n] = 0;
	return lpString1;
}

LPWSTR rueda_lstrcatW(LPWSTR lpString1, LPCWSTR lpString2)
{
	return lpString1 != NULL && lpString2 != NULL ? rueda_wcscat(lpString1, lpString2) : NULL;
}

static int compare_or_null(LPCWSTR a, LPCWSTR b, bool any_case)
{
	static const WCHAR empty[1];

	return compare(a != NULL ? a : empty, b != NULL ? b : empty, SIZE_MAX, any_case);
}

int rueda_lstrcmpW(LPCWSTR lpString1, LPCWSTR lpString2)
{
	return compare_or_null(lpString1, lpString2, false);
}

int rueda_lstrcmpiW(LPCWSTR lpString1, LPCWSTR lpString2)
{
	return compare_or_null(lpString1, lpString2, true);
}
