/* regfile: the text form of registry keys and values, "Windows Registry Editor Version 5.00".
 *
 * Why      administrators keep, compare and edit configuration as .reg files, and have tools that do.
 * How
 *
 *	Windows Registry Editor Version 5.00
 *
 *	[HKEY_LOCAL_MACHINE\Cluster\Groups]            the key of the lines that follow
 *	@="the default value"                          REG_SZ; \\ and \" are the only escapes
 *	"number"=dword:0000000a                        REG_DWORD
 *	"bytes"=hex:01,02,\                            REG_BINARY; a backslash goes on in the next line
 *	  03
 *	"any"=hex(7):61,00,00,00,00,00                 any type, by its number in hexadecimal
 *	"gone"=-                                       delete a value
 *	[-HKEY_LOCAL_MACHINE\Cluster\Old]              delete a key and all below it
 *	; a comment
 *
 *          The whole file is made UTF-16 first; then one pass, without looking back.  Text in quotes may go over lines, as
 *          the registry editor writes it.  Data that its short form cannot give back bit by bit (REG_SZ without its
 *          terminator, with a zero or a control character inside, a REG_DWORD of 3 bytes) is written as hex(N).
 * Promise  parsing what was written gives the same entries, also through UTF-8, whatever the type and data.
 * Strict   other escapes, other roots and anything behind a value are errors, and so is a key with an empty level: better
 *          a message with a line number than a value that is almost right.
 * Limits   REGFILE_MAX; the limits of names and data are the database's.
 * Threads  any.      Tests  tests/unit/regfile.c, tests/fuzz/reg.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/regfile.h"
#include <stdio.h>

enum { TYPE_SZ = 1, TYPE_BINARY = 3, TYPE_DWORD = 4, LINE_WIDTH = 77 };

#define FIRST_LINE "Windows Registry Editor Version 5.00"

struct parser {
	const char16_t *units;
	size_t len, pos;
	unsigned line;
	struct buf data;  /* Of the value at hand. */
	struct buf name;  /* Its name, native units. */
	const char *root; /* Borrowed. */
	struct buf key;   /* The key at hand, native units below the root. */
	bool has_key;
	regfile_callback *callback;
	void *callback_data;
	struct error *error;
};

static int bad(struct parser *p, const char *what)
{
	return error_set(p->error, ERR_INVALID_DATA, "line %u: %s", p->line, what);
}

/* Characters. */

static bool at_end(const struct parser *p)
{
	return p->pos == p->len;
}

static char16_t peek(const struct parser *p)
{
	return at_end(p) ? 0 : p->units[p->pos]; /* No zero is in the text. */
}

static bool take(struct parser *p, char16_t unit)
{
	if (peek(p) != unit)
		return false;
	p->pos++;
	return true;
}

/* An ASCII word, in any case. */
static bool take_word(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	if (p->len - p->pos < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (utf16_upcase(p->units[p->pos + i]) != utf16_upcase((unsigned char)word[i]))
			return false;
	p->pos += n;
	return true;
}

static void skip_blanks(struct parser *p)
{
	while (peek(p) == ' ' || peek(p) == '\t')
		p->pos++;
}

static bool at_line_end(const struct parser *p)
{
	return at_end(p) || peek(p) == '\n' || peek(p) == '\r';
}

/* Beyond CR LF, LF or CR. */
static void skip_line_end(struct parser *p)
{
	bool cr = take(p, '\r');

	if (take(p, '\n') || cr)
		p->line++;
}

static int expect_line_end(struct parser *p)
{
	skip_blanks(p);
	if (!at_line_end(p))
		return bad(p, "there is more on the line than belongs there");
	skip_line_end(p);
	return 0;
}

static int hex_digit(char16_t unit)
{
	if (unit >= '0' && unit <= '9')
		return unit - '0';
	if ((unit | 0x20) >= 'a' && (unit | 0x20) <= 'f')
		return (unit | 0x20) - 'a' + 10;
	return -1;
}

/* 1 to max hexadecimal digits. */
static bool take_hex(struct parser *p, unsigned max, uint32_t *ret)
{
	uint32_t value = 0;
	unsigned n = 0;

	for (; n < max && hex_digit(peek(p)) >= 0; n++)
		value = value << 4 | (uint32_t)hex_digit(p->units[p->pos++]);
	*ret = value;
	return n > 0;
}

static void buf_unit(struct buf *b, char16_t unit)
{
	buf_append(b, &unit, sizeof(unit));
}

static struct u16 view(const struct buf *b)
{
	return (struct u16){ (const char16_t *)(const void *)b->data, b->len / sizeof(char16_t) };
}

/* Lines. */

/* Behind the opening quote: units up to the closing one, appended in native form. */
static int quoted(struct parser *p, struct buf *out)
{
	unsigned first = p->line;

	for (;;) {
		char16_t unit;

		if (at_end(p)) {
			p->line = first;
			return bad(p, "the text that begins here has no closing quote");
		}
		unit = p->units[p->pos++];
		if (unit == '"')
			return out->error;
		if (unit == '\\') {
			if (peek(p) != '\\' && peek(p) != '"')
				return bad(p, "a backslash in a text must be followed by a backslash or a quote");
			unit = p->units[p->pos++];
		} else if (unit == '\n' || (unit == '\r' && peek(p) != '\n')) {
			p->line++;
		}
		buf_unit(out, unit);
	}
}

static int bad_root(const struct parser *p)
{
	return error_set(p->error, ERR_INVALID_DATA, "line %u: a key must be below %s", p->line, p->root);
}

static int key_line(struct parser *p)
{
	bool delete = take(p, '-');
	size_t start, end;
	int r;

	if (!take_word(p, p->root))
		return bad_root(p);
	start = p->pos;
	while (!at_line_end(p))
		p->pos++;
	for (end = p->pos; end > start && (p->units[end - 1] == ' ' || p->units[end - 1] == '\t');)
		end--;
	if (end == start || p->units[end - 1] != ']')
		return bad(p, "the line must end with ]");
	end--;
	if (end > start) {
		if (p->units[start] != '\\')
			return bad_root(p);
		for (size_t i = start; i < end; i++)
			if (p->units[i] == '\\' && (i + 1 == end || p->units[i + 1] == '\\'))
				return bad(p, "a level of the key has no name");
		start++;
	}
	p->key.len = 0;
	buf_append(&p->key, p->units + start, (end - start) * sizeof(char16_t));
	if (p->key.error != 0)
		return p->key.error;
	p->has_key = !delete;
	r = p->callback(p->callback_data,
	    &(struct regfile_entry){
		.kind = delete ? REGFILE_DELETE_KEY : REGFILE_KEY, .line = p->line, .key = view(&p->key) });
	if (r < 0)
		return r;
	return expect_line_end(p);
}

/* Bytes behind "hex:", over as many lines as they take. */
static int hex_bytes(struct parser *p)
{
	bool want = false; /* A byte must follow, as there was a comma. */

	for (;;) {
		uint32_t byte;

		skip_blanks(p);
		if (take(p, '\\')) {
			skip_blanks(p);
			if (!at_line_end(p) || at_end(p))
				return bad(
				    p, "a backslash among bytes must end its line, and another line must follow");
			skip_line_end(p);
			continue;
		}
		if (at_line_end(p))
			return want ? bad(p, "a byte is missing behind the comma") : p->data.error;
		if (!want && p->data.len > 0)
			return bad(p, "bytes must be separated by commas");
		if (!take_hex(p, 2, &byte))
			return bad(p, "a byte must have one or two hexadecimal digits");
		buf_u8(&p->data, (uint8_t)byte);
		skip_blanks(p);
		want = take(p, ',');
	}
}

/* Behind the '='. */
static int value_data(struct parser *p, struct regfile_entry *e)
{
	uint32_t number;
	int r;

	if (take(p, '"')) {
		e->type = TYPE_SZ;
		r = quoted(p, &p->data);
		for (size_t i = 0; r == 0 && i + 1 < p->data.len; i += 2)
			put_le16(p->data.data + i, ((const char16_t *)(const void *)p->data.data)[i / 2]);
		buf_u16(&p->data, 0);
		return r < 0 ? r : p->data.error;
	}
	if (take_word(p, "dword:")) {
		e->type = TYPE_DWORD;
		skip_blanks(p);
		if (!take_hex(p, 8, &number))
			return bad(p, "a dword must have one to eight hexadecimal digits");
		buf_u32(&p->data, number);
		return p->data.error;
	}
	if (take_word(p, "hex(")) {
		if (!take_hex(p, 8, &e->type) || !take(p, ')') || !take(p, ':'))
			return bad(p, "a type must be written as hex(N): with up to eight hexadecimal digits");
		return hex_bytes(p);
	}
	if (take_word(p, "hex:")) {
		e->type = TYPE_BINARY;
		return hex_bytes(p);
	}
	return bad(p, "data must be a text in quotes, dword:, hex: or hex(N):");
}

static int value_line(struct parser *p)
{
	struct regfile_entry e = { .kind = REGFILE_VALUE, .line = p->line };
	int r = 0;

	if (!p->has_key)
		return bad(p, "a value needs a line with its key above it");
	p->name.len = 0;
	p->data.len = 0;
	if (!take(p, '@'))
		r = take(p, '"') ? quoted(p, &p->name) : bad(p, "this is no key, value or comment");
	if (r < 0)
		return r;
	skip_blanks(p);
	if (!take(p, '='))
		return bad(p, "a '=' is missing behind the name");
	skip_blanks(p);
	if (take(p, '-'))
		e.kind = REGFILE_DELETE_VALUE;
	else
		r = value_data(p, &e);
	if (r == 0)
		r = expect_line_end(p);
	if (r < 0)
		return r;
	e.key = view(&p->key);
	e.name = view(&p->name);
	e.data = p->data.data;
	e.len = p->data.len;
	return p->callback(p->callback_data, &e);
}

static int parse_lines(struct parser *p)
{
	int r = 0;

	if (!take_word(p, FIRST_LINE))
		return bad(p, "the first line must be: " FIRST_LINE);
	r = expect_line_end(p);
	while (r == 0 && !at_end(p)) {
		skip_blanks(p);
		if (at_line_end(p))
			skip_line_end(p);
		else if (take(p, '['))
			r = key_line(p);
		else if (peek(p) == ';')
			while (!at_line_end(p))
				p->pos++;
		else
			r = value_line(p);
	}
	return r;
}

/* The text in native units, on the heap. */
static int decode(const uint8_t *bytes, size_t len, char16_t **ret, size_t *ret_len, struct error *error)
{
	static const uint8_t mark8[3] = { 0xef, 0xbb, 0xbf };
	char16_t *units;
	int r;

	if (len > REGFILE_MAX)
		return error_set(error, ERR_INVALID_DATA, "the file is larger than %u MiB", REGFILE_MAX >> 20);
	if (len >= 2 && bytes[0] == 0xfe && bytes[1] == 0xff)
		return error_set(
		    error, ERR_INVALID_DATA, "the file is big-endian UTF-16; save it as UTF-16LE or UTF-8");
	if (len >= 2 && bytes[0] == 0xff && bytes[1] == 0xfe) {
		if (len % 2 != 0)
			return error_set(error, ERR_INVALID_DATA, "the file ends within a character");
		*ret_len = len / 2 - 1;
		units = malloc(len);
		if (units == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < *ret_len; i++)
			units[i] = get_le16(bytes + 2 + 2 * i);
		*ret = units;
		return 0;
	}
	if (len >= sizeof(mark8) && memcmp(bytes, mark8, sizeof(mark8)) == 0) {
		bytes += sizeof(mark8);
		len -= sizeof(mark8);
	}
	r = utf8_to_u16((const char *)bytes, len, ret, ret_len);
	return r == -EILSEQ ? error_set(error, ERR_INVALID_DATA, "the file is neither UTF-16LE with a mark nor UTF-8")
			    : r;
}

int regfile_parse(
    const void *bytes, size_t len, const char *root, regfile_callback *callback, void *data, struct error *error)
{
	_cleanup_free_ char16_t *units = NULL;
	struct parser p = { .line = 1, .root = root, .callback = callback, .callback_data = data, .error = error };
	int r = decode(bytes, len, &units, &p.len, error);

	if (r < 0)
		return r;
	if (u16_has_unit((struct u16){ units, p.len }, 0))
		return error_set(error, ERR_INVALID_DATA, "the file holds a zero character");
	p.units = units;
	r = parse_lines(&p);
	buf_done(&p.data);
	buf_done(&p.name);
	buf_done(&p.key);
	return r;
}

/* Writing. */

static void put(struct buf *out, const char *ascii)
{
	for (; *ascii != 0; ascii++)
		buf_u16(out, (unsigned char)*ascii);
}

static void put_byte(struct buf *out, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	buf_u16(out, (uint16_t)digits[byte >> 4]);
	buf_u16(out, (uint16_t)digits[byte & 15]);
}

/* In quotes; units in native order. */
static void put_quoted(struct buf *out, struct u16 s)
{
	buf_u16(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.units[i] == '"' || s.units[i] == '\\')
			buf_u16(out, '\\');
		buf_u16(out, s.units[i]);
	}
	buf_u16(out, '"');
}

void regfile_begin(struct buf *out)
{
	buf_u16(out, 0xfeff);
	put(out, FIRST_LINE "\r\n");
}

int regfile_key(struct buf *out, const char *root, struct u16 path, bool delete)
{
	if (u16_has_unit(path, 0) || u16_has_unit(path, '\r') || u16_has_unit(path, '\n'))
		return ERR_NO_UNICODE_TRANSLATION;
	put(out, delete ? "\r\n[-" : "\r\n[");
	put(out, root);
	if (path.len > 0)
		buf_u16(out, '\\');
	for (size_t i = 0; i < path.len; i++)
		buf_u16(out, path.units[i]);
	put(out, "]\r\n");
	return 0;
}

static int put_name(struct buf *out, struct u16 name)
{
	if (u16_has_unit(name, 0))
		return ERR_NO_UNICODE_TRANSLATION;
	if (name.len == 0)
		put(out, "@");
	else
		put_quoted(out, name);
	put(out, "=");
	return 0;
}

/* Text of which nothing is lost between quotes: whole units, one zero, at the end, and nothing that a person cannot see. */
static bool is_plain_text(uint32_t type, const uint8_t *data, size_t len)
{
	if (type != TYPE_SZ || len < 2 || len % 2 != 0 || get_le16(data + len - 2) != 0)
		return false;
	for (size_t i = 0; i + 2 < len; i += 2) {
		uint16_t unit = get_le16(data + i);

		if (unit >= 0xd800 && unit < 0xdc00 && (get_le16(data + i + 2) & 0xfc00) == 0xdc00)
			i += 2; /* A pair is one character. */
		else if (unit < ' ' || unit == 0x7f || (unit >= 0xd800 && unit < 0xe000))
			return false;
	}
	return true;
}

void regfile_data(struct buf *out, uint32_t type, const void *data, size_t len, size_t column, bool wrap)
{
	const uint8_t *bytes = data;
	char head[20] = "hex:";

	if (is_plain_text(type, bytes, len)) {
		buf_u16(out, '"');
		for (size_t i = 0; i + 2 < len; i += 2) {
			uint16_t unit = get_le16(bytes + i);

			if (unit == '"' || unit == '\\')
				buf_u16(out, '\\');
			buf_u16(out, unit);
		}
		buf_u16(out, '"');
		return;
	}
	if (type == TYPE_DWORD && len == 4) {
		put(out, "dword:");
		for (int i = 3; i >= 0; i--)
			put_byte(out, bytes[i]);
		return;
	}
	if (type != TYPE_BINARY)
		(void)snprintf(head, sizeof(head), "hex(%x):", (unsigned)type);
	put(out, head);
	column += strlen(head);
	for (size_t i = 0; i < len; i++) {
		if (wrap && column >= LINE_WIDTH) {
			put(out, "\\\r\n  ");
			column = 2;
		}
		put_byte(out, bytes[i]);
		if (i + 1 < len)
			buf_u16(out, ',');
		column += 3;
	}
}

int regfile_value(struct buf *out, struct u16 name, uint32_t type, const void *data, size_t len)
{
	size_t start = out->len;
	int r = put_name(out, name);

	if (r < 0)
		return r;
	regfile_data(out, type, data, len, (out->len - start) / 2, true);
	put(out, "\r\n");
	return 0;
}

int regfile_delete_value(struct buf *out, struct u16 name)
{
	int r = put_name(out, name);

	if (r == 0)
		put(out, "-\r\n");
	return r;
}

int regfile_to_utf8(const struct buf *text, struct buf *ret)
{
	size_t len = text->len / 2, at = 0;
	_cleanup_free_ char16_t *units = malloc(MAX(text->len, 1u));

	if (units == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++)
		units[i] = get_le16(text->data + 2 * i);
	if (len > 0 && units[0] == 0xfeff)
		at = 1;
	while (at < len) {
		char bytes[4];
		size_t n = u16_next_utf8((struct u16){ units, len }, &at, bytes);

		buf_append(ret, bytes, n);
	}
	return ret->error;
}
