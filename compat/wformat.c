/* wformat: printf for 16-bit strings, as Windows means the formats.
 *
 * Why      %s is a wide string there, and l is 32 bits wide: DWORDs are printed with %lu all over the examples.
 * How      one pass over the format.  Strings and characters are put out here; numbers are left to snprintf(), with
 *          a format of the same flags.  Nothing is allocated, except for a number of more than 127 characters.
 * Promise  reads no argument that the format does not name, writes nothing beyond the size.
 * Not kept %n; positions (%1$d); the locale's grouping.
 * Threads  all functions.          Tests  tests/unit/compat_printf.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "compat/wformat.h"
#include "base/utf16.h"
#include <errno.h>
#include <limits.h>

enum size { SIZE_DEFAULT, SIZE_CHAR, SIZE_SHORT, SIZE_LONG, SIZE_64, SIZE_POINTER, SIZE_LONG_DOUBLE, SIZE_WIDE };

struct conversion {
	bool left, plus, space, alternate, zero;
	int width;     /* 0: none. */
	int precision; /* -1: none. */
	enum size size;
	WCHAR kind;
};

struct output {
	WCHAR *buffer;
	size_t size, len; /* len counts on beyond size. */
};

/* A va_list that can be handed on by address on every platform. */
struct arguments {
	va_list list;
};

static void put(struct output *out, WCHAR unit)
{
	if (out->len < out->size)
		out->buffer[out->len] = unit;
	out->len++;
}

static void pad(struct output *out, const struct conversion *c, size_t len)
{
	for (size_t i = len; i < (size_t)c->width; i++)
		put(out, ' ');
}

static void put_wide(struct output *out, const struct conversion *c, const WCHAR *text, size_t len)
{
	if (!c->left)
		pad(out, c, len);
	for (size_t i = 0; i < len; i++)
		put(out, text[i]);
	if (c->left)
		pad(out, c, len);
}

/* UTF-8; what is not a character becomes U+FFFD.  Twice, as the padding must be known first. */
static void put_narrow(struct output *out, const struct conversion *c, const char *text, size_t size)
{
	struct output measured = { 0 };

	for (struct output *to = &measured;; to = out) {
		if (to == out && !c->left)
			pad(out, c, measured.len);
		for (size_t i = 0, used; i < size; i += used) {
			uint32_t unit;

			used = utf8_next(text + i, size - i, &unit);
			if (used == 0) {
				unit = 0xfffd;
				used = 1;
			}
			if (unit >= 0x10000) {
				put(to, (WCHAR)(0xd800 + ((unit - 0x10000) >> 10)));
				unit = 0xdc00 + (unit & 0x3ff);
			}
			put(to, (WCHAR)unit);
		}
		if (to == out)
			break;
	}
	if (c->left)
		pad(out, c, measured.len);
}

static void put_text(struct output *out, struct conversion *c, struct arguments *arguments)
{
	bool wide = c->size == SIZE_LONG || c->size == SIZE_WIDE ||
		    (c->size != SIZE_SHORT && (c->kind == 's' || c->kind == 'c'));
	size_t most = c->precision >= 0 ? (size_t)c->precision : SIZE_MAX;

	if (c->kind == 'c' || c->kind == 'C') {
		int value = va_arg(arguments->list, int);
		WCHAR unit = (WCHAR)value;
		char byte = (char)value;

		if (wide)
			put_wide(out, c, &unit, 1);
		else
			put_narrow(out, c, &byte, 1);
	} else if (wide) {
		const WCHAR *text = va_arg(arguments->list, const WCHAR *);

		if (text == NULL)
			text = u"(null)";
		put_wide(out, c, text, rueda_wcsnlen(text, most));
	} else {
		const char *text = va_arg(arguments->list, const char *);

		if (text == NULL)
			text = "(null)";
		put_narrow(out, c, text, strnlen(text, most));
	}
}

static unsigned long long take_integer(const struct conversion *c, struct arguments *arguments)
{
	bool is_signed = c->kind == 'd' || c->kind == 'i';
	int value;

	if (c->size == SIZE_64)
		return va_arg(arguments->list, unsigned long long);
	if (c->size == SIZE_POINTER || c->kind == 'p')
		return is_signed ? (unsigned long long)va_arg(arguments->list, intptr_t)
				 : va_arg(arguments->list, uintptr_t);
	value = va_arg(arguments->list, int);
	if (c->size == SIZE_CHAR)
		return is_signed ? (unsigned long long)(signed char)value : (unsigned char)value;
	if (c->size == SIZE_SHORT)
		return is_signed ? (unsigned long long)(short)value : (unsigned short)value;
	return is_signed ? (unsigned long long)value : (unsigned)value;
}

/* A format for snprintf() with the flags of a conversion, and width and precision as arguments. */
static void narrow_format(const struct conversion *c, const char *size, char format[16])
{
	char *p = format;

	*p++ = '%';
	if (c->left)
		*p++ = '-';
	if (c->plus)
		*p++ = '+';
	if (c->space)
		*p++ = ' ';
	if (c->alternate)
		*p++ = '#';
	if (c->zero)
		*p++ = '0';
	p = stpcpy(p, "*.*");
	p = stpcpy(p, size);
	*p++ = (char)c->kind;
	*p = 0;
}

struct value {
	enum { VALUE_INTEGER, VALUE_DOUBLE, VALUE_LONG_DOUBLE } type;
	unsigned long long integer;
	double number;
	long double long_number;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int print(char *buffer, size_t size, const char *format, const struct conversion *c, const struct value *v)
{
	switch (v->type) {
	case VALUE_INTEGER:
		return snprintf(buffer, size, format, c->width, c->precision, v->integer);
	case VALUE_DOUBLE:
		return snprintf(buffer, size, format, c->width, c->precision, v->number);
	default:
		return snprintf(buffer, size, format, c->width, c->precision, v->long_number);
	}
}
#pragma GCC diagnostic pop

static int put_number(struct output *out, struct conversion *c, struct arguments *arguments)
{
	_cleanup_free_ char *large = NULL;
	char small[128], format[16], *text = small;
	struct value v = { 0 };
	int len;

	if (strchr("aAeEfFgG", (char)c->kind) != NULL && c->size == SIZE_LONG_DOUBLE) {
		v.type = VALUE_LONG_DOUBLE;
		v.long_number = va_arg(arguments->list, long double);
		narrow_format(c, "L", format);
	} else if (strchr("aAeEfFgG", (char)c->kind) != NULL) {
		v.type = VALUE_DOUBLE;
		v.number = va_arg(arguments->list, double);
		narrow_format(c, "", format);
	} else {
		v.integer = take_integer(c, arguments);
		if (c->kind == 'p') { /* All digits, in capitals. */
			c->kind = 'X';
			c->precision = 2 * (int)sizeof(void *);
		}
		narrow_format(c, "ll", format);
	}

	len = print(small, sizeof(small), format, c, &v);
	if (len < 0)
		return -1;
	if ((size_t)len >= sizeof(small)) {
		text = large = malloc((size_t)len + 1);
		if (large == NULL)
			return -1;
		(void)print(large, (size_t)len + 1, format, c, &v);
	}
	for (int i = 0; i < len; i++)
		put(out, (WCHAR)(unsigned char)text[i]);
	return 0;
}

/* A width or precision: digits, or * for an argument.  -1: too large. */
static int take_count(const WCHAR **format, struct arguments *arguments, int *ret)
{
	int n = 0;

	if (**format == '*') {
		(*format)++;
		*ret = va_arg(arguments->list, int);
		return 0;
	}
	for (; **format >= '0' && **format <= '9'; (*format)++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, **format - '0', &n)) {
			errno = EOVERFLOW;
			return -1;
		}
	}
	*ret = n;
	return 0;
}

static enum size take_size(const WCHAR **format)
{
	static const struct {
		char name[4];
		enum size size;
	} sizes[] = { // The longer of two names that begin alike comes first.
		{ "I64", SIZE_64 }, { "I32", SIZE_LONG }, { "I", SIZE_POINTER }, { "ll", SIZE_64 }, { "l", SIZE_LONG },
		{ "hh", SIZE_CHAR }, { "h", SIZE_SHORT }, { "j", SIZE_64 }, { "z", SIZE_POINTER },
		{ "t", SIZE_POINTER }, { "L", SIZE_LONG_DOUBLE }, { "w", SIZE_WIDE }
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = 0;

		while (sizes[i].name[n] != 0 && (*format)[n] == (WCHAR)sizes[i].name[n])
			n++;
		if (sizes[i].name[n] == 0) {
			*format += n;
			return sizes[i].size;
		}
	}
	return SIZE_DEFAULT;
}

/* What stands behind a '%'; *format moves past it.  -1 and errno if it is not understood. */
static int take_conversion(const WCHAR **format, struct arguments *arguments, struct conversion *c)
{
	*c = (struct conversion){ .precision = -1 };
	for (;; (*format)++) {
		if (**format == '-')
			c->left = true;
		else if (**format == '+')
			c->plus = true;
		else if (**format == ' ')
			c->space = true;
		else if (**format == '#')
			c->alternate = true;
		else if (**format == '0')
			c->zero = true;
		else
			break;
	}
	if (take_count(format, arguments, &c->width) < 0)
		return -1;
	if (c->width < 0) {
		c->left = true;
		c->width = c->width == INT_MIN ? INT_MAX : -c->width;
	}
	if (**format == '.') {
		(*format)++;
		if (take_count(format, arguments, &c->precision) < 0)
			return -1;
		c->precision = MAX(c->precision, -1);
	}
	c->size = take_size(format);
	c->kind = **format;
	if (c->kind == 0 || c->kind > 'z' || strchr("diouxXpaAeEfFgGsScC", (char)c->kind) == NULL) {
		errno = EINVAL;
		return -1;
	}
	(*format)++;
	return 0;
}

int wide_format(WCHAR *buffer, size_t size, const WCHAR *format, va_list arguments)
{
	struct output out = { buffer, size, 0 };
	struct arguments list;
	int r = 0;

	va_copy(list.list, arguments);
	while (r == 0 && *format != 0) {
		struct conversion c;

		if (*format != '%' || format[1] == '%') {
			put(&out, *format);
			format += *format == '%' ? 2 : 1;
			continue;
		}
		format++;
		r = take_conversion(&format, &list, &c);
		if (r < 0)
			break;
		if (strchr("sScC", (char)c.kind) != NULL)
			put_text(&out, &c, &list);
		else
			r = put_number(&out, &c, &list);
		if (out.len > INT_MAX) {
			errno = EOVERFLOW;
			r = -1;
		}
	}
	va_end(list.list);
	if (size > 0)
		buffer[MIN(out.len, size - 1)] = 0;
	return r < 0 ? -1 : (int)out.len;
}
