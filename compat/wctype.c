/* wctype: classes and case of 16-bit units.
 *
 * Upper case is the frozen table that the cluster compares names with; lower case is its inverse where the C library
 * knows one.  Classes are the C library's in the locale C.UTF-8, whatever locale the program has chosen; half of a
 * surrogate pair is in no class, nor is WEOF.
 * Threads  all functions.          Tests  tests/unit/compat_wide.c
 * SPDX-License-Identifier: Apache-2.0 */
#define RUEDA_NO_WIDE_MAP
#include "base/utf16.h"
#include "include/windows.h"
#include <locale.h>
#include <pthread.h>

static locale_t utf8_locale;

static void make_locale(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (utf8_locale == (locale_t)0)
		utf8_locale = newlocale(LC_CTYPE_MASK, "C", (locale_t)0); /* Then only ASCII has classes. */
}

static bool locale_is_there(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_locale);
	return utf8_locale != (locale_t)0;
}

wint_t rueda_towupper(wint_t unit)
{
	return unit <= 0xffff ? utf16_upcase((char16_t)unit) : unit;
}

wint_t rueda_towlower(wint_t unit)
{
	wint_t lower;

	if (unit > 0xffff || !locale_is_there())
		return unit;
	lower = towlower_l(unit, utf8_locale);
	return lower <= 0xffff && utf16_upcase((char16_t)lower) == unit ? lower : unit;
}

#define CLASS(name)                                                                                                    \
	int rueda_##name(wint_t unit)                                                                                  \
	{                                                                                                              \
		return unit <= 0xffff && locale_is_there() ? name##_l(unit, utf8_locale) : 0;                          \
	}
CLASS(iswalpha)
CLASS(iswdigit)
CLASS(iswalnum)
CLASS(iswspace)
CLASS(iswupper)
CLASS(iswlower)
CLASS(iswxdigit)
CLASS(iswpunct)
CLASS(iswcntrl)
CLASS(iswprint)
