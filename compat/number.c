/* number: wcstol() and its kin on 16-bit units.
 *
 * They do what their namesakes do, except that the widths are those of this platform's long, and that _wtoi(), as on
 * Windows, gives the nearest int for a number that is too large.
 * Threads  all functions.          Tests  tests/unit/compat_wide.c
 * SPDX-License-Identifier: Apache-2.0 */
#define RUEDA_NO_WIDE_MAP
#include "base/macro.h"
#include "include/windows.h"
#include <errno.h>
#include <limits.h>

struct number {
	unsigned long long magnitude; /* ULLONG_MAX with too_large. */
	bool negative, too_large;
};

static int digit_value(WCHAR unit)
{
	if (unit >= '0' && unit <= '9')
		return unit - '0';
	if (unit >= 'a' && unit <= 'z')
		return unit - 'a' + 10;
	if (unit >= 'A' && unit <= 'Z')
		return unit - 'A' + 10;
	return INT_MAX;
}

/* Without a number *ret is 0 and *end is text, as C has it. */
static void parse(const WCHAR *text, WCHAR **end, int base, struct number *ret)
{
	const WCHAR *p = text;

	*ret = (struct number){ 0 };
	if (end != NULL)
		*end = (WCHAR *)text;
	if (base < 0 || base == 1 || base > 36) {
		errno = EINVAL;
		return;
	}
	while (rueda_iswspace(*p))
		p++;
	if (*p == '+' || *p == '-')
		ret->negative = *p++ == '-';
	if ((base == 0 || base == 16) && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit_value(p[2]) < 16) {
		p += 2;
		base = 16;
	} else if (base == 0) {
		base = p[0] == '0' ? 8 : 10;
	}
	for (const WCHAR *first = p; digit_value(*p) < base || p == first; p++) {
		if (digit_value(*p) >= base)
			return; /* Not one digit. */
		if (__builtin_mul_overflow(ret->magnitude, (unsigned)base, &ret->magnitude) ||
		    __builtin_add_overflow(ret->magnitude, (unsigned)digit_value(*p), &ret->magnitude) ||
		    ret->too_large) {
			ret->too_large = true;
			ret->magnitude = ULLONG_MAX;
		}
	}
	if (end != NULL)
		*end = (WCHAR *)p;
}

static long long signed_number(const WCHAR *text, WCHAR **end, int base, long long least, long long most)
{
	struct number n;
	unsigned long long limit;

	parse(text, end, base, &n);
	limit = n.negative ? 0 - (unsigned long long)least : (unsigned long long)most;
	if (n.too_large || n.magnitude > limit) {
		errno = ERANGE;
		return n.negative ? least : most;
	}
	return (long long)(n.negative ? 0 - n.magnitude : n.magnitude);
}

static unsigned long long unsigned_number(const WCHAR *text, WCHAR **end, int base, unsigned long long most)
{
	struct number n;

	parse(text, end, base, &n);
	if (n.too_large || n.magnitude > most) {
		errno = ERANGE;
		return most;
	}
	return n.negative ? 0 - n.magnitude : n.magnitude;
}

long rueda_wcstol(const WCHAR *text, WCHAR **end, int base)
{
	return (long)signed_number(text, end, base, LONG_MIN, LONG_MAX);
}

unsigned long rueda_wcstoul(const WCHAR *text, WCHAR **end, int base)
{
	return (unsigned long)unsigned_number(text, end, base, ULONG_MAX);
}

long long rueda_wcstoll(const WCHAR *text, WCHAR **end, int base)
{
	return signed_number(text, end, base, LLONG_MIN, LLONG_MAX);
}

unsigned long long rueda_wcstoull(const WCHAR *text, WCHAR **end, int base)
{
	return unsigned_number(text, end, base, ULLONG_MAX);
}

int rueda_wtoi(const WCHAR *text)
{
	return (int)signed_number(text, NULL, 10, INT_MIN, INT_MAX);
}
