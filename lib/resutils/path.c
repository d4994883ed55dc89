/* path: is a path well formed?
 *
 * Backup programs ask this before they hand a path on; whether anything is there is another question, and the node
 * that uses the path asks it.  Beside the forms of Windows, POSIX paths count: that is what this platform has.
 * Threads  all functions.          Tests  tests/unit/resutils.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"
#include "include/resapi.h"

enum { PATH_UNITS_MAX = 32767 };

static bool is_separator(char16_t unit)
{
	return unit == '\\' || unit == '/';
}

static bool is_drive(struct u16 s)
{
	return s.len >= 2 && s.units[1] == ':' && (s.len == 2 || is_separator(s.units[2])) &&
	       ((s.units[0] >= 'a' && s.units[0] <= 'z') || (s.units[0] >= 'A' && s.units[0] <= 'Z'));
}

static struct u16 skip(struct u16 s, size_t count)
{
	return (struct u16){ s.units + count, s.len - count };
}

/* Take the name at the start of *s, and the separator behind it; false if there is none or it is not one. */
static bool take_name(struct u16 *s)
{
	static const struct u16 forbidden = { u"<>:\"|?*", 7 };
	size_t n = 0;

	for (; n < s->len && !is_separator(s->units[n]); n++)
		if (s->units[n] < ' ' || u16_has_unit(forbidden, s->units[n]))
			return false;
	*s = skip(*s, MIN(n + 1, s->len));
	return n > 0;
}

static bool is_windows_path(struct u16 s)
{
	static const struct u16 verbatim = { u"\\\\?\\", 4 };
	size_t least = 0; /* Names that there must be. */

	if (s.len >= verbatim.len && u16_equal_exact((struct u16){ s.units, verbatim.len }, verbatim)) {
		s = skip(s, verbatim.len);
		least = is_drive(s) ? 0 : 1;
	} else if (s.len >= 2 && is_separator(s.units[0]) && is_separator(s.units[1])) {
		s = skip(s, 2);
		least = 2; /* Server and share. */
	} else if (!is_drive(s)) {
		return false;
	}
	if (least == 0)
		s = skip(s, MIN(s.len, (size_t)3));
	for (; s.len > 0 || least > 0; least -= MIN(least, (size_t)1))
		if (!take_name(&s))
			return false;
	return true;
}

BOOL ResUtilIsPathValid(LPCWSTR pszPath)
{
	struct u16 s = u16_from_z(pszPath);
	bool posix = s.len > 0 && s.units[0] == '/' && (s.len == 1 || s.units[1] != '/');

	if (pszPath == NULL) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	if (s.len > PATH_UNITS_MAX || !(posix || is_windows_path(s))) {
		SetLastError(ERROR_BAD_PATHNAME);
		return FALSE;
	}
	return TRUE;
}
