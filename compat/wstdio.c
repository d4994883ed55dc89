/* wstdio: wide output and input on the C library's files, in UTF-8.
 *
 * Files stay byte files: narrow and wide calls can be mixed on one of them, which the C library's own wide functions
 * forbid.  A character beyond U+FFFF is two units; when the first has been read, the second goes back into the file in
 * the three bytes that its value alone would have, and is read from there next.
 * Promise  a call puts out its whole text with the file locked, so that lines of several threads do not mix.
 * Threads  all functions.          Tests  tests/unit/compat_printf.c, tests/unit/compat_stdio.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"
#include "compat/wformat.h"
#include <errno.h>

/* 0, or -1 and errno. */
static int write_units(FILE *file, struct u16 s)
{
	char bytes[1024];
	size_t n = 0;
	int r = 0;

	flockfile(file);
	for (size_t i = 0; i < s.len && r == 0;) {
		if (s.units[i] == 0) { /* Not in two bytes, as u16_next_utf8() does. */
			bytes[n++] = 0;
			i++;
		} else {
			n += u16_next_utf8(s, &i, bytes + n);
		}
		if (n + 4 > sizeof(bytes) || i == s.len) {
			if (fwrite(bytes, 1, n, file) != n)
				r = -1;
			n = 0;
		}
	}
	funlockfile(file);
	return r;
}

int rueda_vfwprintf(FILE *file, const WCHAR *format, va_list arguments)
{
	_cleanup_free_ WCHAR *large = NULL;
	WCHAR small[512], *text = small;
	int len = wide_format(small, ARRAY_SIZE(small), format, arguments);

	if (len < 0)
		return -1;
	if ((size_t)len >= ARRAY_SIZE(small)) {
		text = large = malloc(((size_t)len + 1) * sizeof(WCHAR));
		if (large == NULL)
			return -1;
		len = wide_format(large, (size_t)len + 1, format, arguments);
		if (len < 0)
			return -1;
	}
	return write_units(file, (struct u16){ text, (size_t)len }) < 0 ? -1 : len;
}

int rueda_vwprintf(const WCHAR *format, va_list arguments)
{
	return rueda_vfwprintf(stdout, format, arguments);
}

int rueda_vswprintf(WCHAR *buffer, size_t size, const WCHAR *format, va_list arguments)
{
	int len = wide_format(buffer, size, format, arguments);

	if (len >= 0 && (size_t)len >= size) {
		errno = EOVERFLOW;
		return -1;
	}
	return len;
}

int rueda_wprintf(const WCHAR *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = rueda_vfwprintf(stdout, format, arguments);
	va_end(arguments);
	return r;
}

int rueda_fwprintf(FILE *file, const WCHAR *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = rueda_vfwprintf(file, format, arguments);
	va_end(arguments);
	return r;
}

int rueda_swprintf(WCHAR *buffer, size_t size, const WCHAR *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = rueda_vswprintf(buffer, size, format, arguments);
	va_end(arguments);
	return r;
}

int rueda_fputws(const WCHAR *text, FILE *file)
{
	return write_units(file, u16_from_z(text));
}

wint_t rueda_fputwc(WCHAR unit, FILE *file)
{
	return write_units(file, (struct u16){ &unit, 1 }) < 0 ? WEOF : unit;
}

wint_t rueda_putwchar(WCHAR unit)
{
	return rueda_fputwc(unit, stdout);
}

wint_t rueda_ungetwc(wint_t unit, FILE *file)
{
	char16_t value = (char16_t)unit;
	char bytes[4] = { 0 };
	size_t i = 0, n;

	if (unit > 0xffff)
		return WEOF;
	n = value == 0 ? 1 : u16_next_utf8((struct u16){ &value, 1 }, &i, bytes);
	while (n > 0)
		if (ungetc((unsigned char)bytes[--n], file) == EOF)
			return WEOF;
	return unit;
}

/* One character: 1; the end of the file: 0; what is not UTF-8, or an error of the file: -1 and errno. */
static int read_character(FILE *file, uint32_t *ret)
{
	char bytes[4];
	size_t n = 0, size = 1;

	while (n < size) {
		int byte = getc(file);

		if (byte == EOF && n == 0)
			return ferror(file) ? -1 : 0;
		if (byte == EOF)
			break;
		if (n > 0 && (byte & 0xc0) != 0x80) { /* The character was cut; this belongs to the next. */
			(void)ungetc(byte, file);
			break;
		}
		if (n == 0)
			size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
		bytes[n++] = (char)byte;
	}
	if (n == size && utf8_next(bytes, n, ret) == size)
		return 1;
	errno = EILSEQ;
	return -1;
}

/* One unit; returns as read_character(). */
static int read_unit(FILE *file, wint_t *ret)
{
	uint32_t c = 0;
	int r;

	flockfile(file);
	r = read_character(file, &c);
	if (r > 0 && c >= 0x10000) {
		if (rueda_ungetwc(0xdc00 + (c & 0x3ff), file) == WEOF) {
			errno = EILSEQ;
			r = -1;
		}
		c = 0xd800 + ((c - 0x10000) >> 10);
	}
	funlockfile(file);
	if (r > 0)
		*ret = c;
	return r;
}

wint_t rueda_fgetwc(FILE *file)
{
	wint_t unit = WEOF;

	(void)read_unit(file, &unit);
	return unit;
}

wint_t rueda_getwchar(void)
{
	return rueda_fgetwc(stdin);
}

WCHAR *rueda_fgetws(WCHAR *buffer, int size, FILE *file)
{
	wint_t unit = 0;
	int n = 0, r = 1;

	if (size <= 0)
		return NULL;
	while (n < size - 1 && unit != '\n') {
		r = read_unit(file, &unit);
		if (r <= 0)
			break;
		buffer[n++] = (WCHAR)unit;
	}
	if (r < 0 || (r == 0 && n == 0))
		return NULL;
	buffer[n] = 0;
	return buffer;
}
