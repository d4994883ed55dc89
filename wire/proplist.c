/* proplist: property lists and value lists.
 *
 * Why      control codes carry them both ways between programs and the service, so either side reads what a stranger
 *          wrote; the daemon and the library use this one codec.
 * How      little endian, each part at a multiple of 4 from the start:
 *
 *             value          syntax u32 (type << 16 | format), length u32, data, zeros up to a multiple of 4
 *             end mark       u32 0
 *             value list     values, end mark
 *             property list  count u32; for each: a value with the name (0x00040003), values, end mark;
 *                            then one more end mark, which is written, and not asked for when reading
 *
 * Strict   every length is checked against what is left.  A number has the size of its format, a text ends with its
 *          only zero, a list of texts with an empty one; types and formats that nobody defined are refused.  A value
 *          without data has no form: it stands for "delete", and is the reader's to judge.  What follows the last
 *          property does not matter: programs pass buffers that are larger than the list.
 * Threads  no state of its own: any.       Limits  PROPLIST_NAME_MAX.
 * Format   docs/formats/property-list.md, [MS-CMRP] 2.2.3.10       Tests  tests/unit/proplist.c, tests/fuzz/proplist.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/proplist.h"

#define SYNTAX_NAME PROP_SYNTAX(PROP_TYPE_NAME, PROP_SZ)

/* Form. */

static char16_t unit_at(const uint8_t *data, size_t index)
{
	return get_le16(data + index * sizeof(char16_t));
}

/* The units before the first zero from start on, or before the end. */
static size_t text_len(const uint8_t *data, size_t start, size_t count)
{
	size_t len = 0;

	while (start + len < count && unit_at(data, start + len) != 0)
		len++;
	return len;
}

static bool is_text(const uint8_t *data, size_t len)
{
	return len % 2 == 0 && text_len(data, 0, len / 2) == len / 2 - 1;
}

/* Texts, and behind the last an empty one; a list of none may be that empty one alone. */
static bool is_text_list(const uint8_t *data, size_t len)
{
	size_t count = len / 2, at = 0, text;

	if (len % 2 != 0)
		return false;
	while (at < count && (text = text_len(data, at, count)) > 0)
		at += text + 1;
	return at + 1 == count || (at == 0 && count == 2 && unit_at(data, 1) == 0);
}

bool prop_is_formed(uint16_t format, const void *data, size_t len)
{
	if (len == 0)
		return true;
	switch ((enum prop_format)format) {
	case PROP_UNKNOWN:
		return false;
	case PROP_BINARY:
	case PROP_SECURITY_DESCRIPTOR:
	case PROP_VALUE_LIST:
	case PROP_PROPERTY_LIST:
		return true;
	case PROP_WORD:
		return len == 2;
	case PROP_DWORD:
	case PROP_LONG:
		return len == 4;
	case PROP_ULARGE_INTEGER:
	case PROP_LARGE_INTEGER:
	case PROP_FILETIME:
		return len == 8;
	case PROP_SZ:
	case PROP_EXPAND_SZ:
	case PROP_EXPANDED_SZ:
		return is_text(data, len);
	case PROP_MULTI_SZ:
		return is_text_list(data, len);
	}
	return format >= PROP_TYPE_USER;
}

static bool is_value(const struct prop_value *v)
{
	enum { TYPE_LAST = 15 };
	uint32_t type = v->syntax >> 16;

	if (type == 0 || (type > TYPE_LAST && type < PROP_TYPE_USER))
		return false;
	if (prop_format(v->syntax) > PROP_PROPERTY_LIST && prop_format(v->syntax) < PROP_TYPE_USER)
		return false;
	if (type == PROP_TYPE_RESCLASS && v->len == 8)
		return true; /* With the subclass; the format says DWORD all the same. */
	return prop_is_formed(prop_format(v->syntax), v->data, v->len);
}

/* Reading. */

int prop_value_next(struct cursor *list, struct prop_value *ret)
{
	struct prop_value v = { .syntax = cursor_u32(list) };

	if (list->error == 0 && v.syntax == 0)
		return 0;
	v.len = cursor_u32(list);
	v.data = cursor_bytes(list, v.len);
	cursor_align(list, 4);
	if (list->error != 0 || !is_value(&v))
		return ERR_INVALID_DATA;
	*ret = v;
	return 1;
}

void proplist_init(struct proplist *p, const void *bytes, size_t len)
{
	p->cursor = cursor_make(bytes, len);
	p->left = cursor_u32(&p->cursor);
}

static int read_name(struct proplist *p)
{
	struct prop_value v;
	int r = prop_value_next(&p->cursor, &v);

	if (r <= 0 || v.syntax != SYNTAX_NAME || v.len <= 2 || v.len / 2 - 1 > PROPLIST_NAME_MAX)
		return ERR_INVALID_DATA;
	p->name = (struct u16){ p->units, v.len / 2 - 1 };
	for (size_t i = 0; i <= p->name.len; i++)
		p->units[i] = unit_at(v.data, i);
	return 0;
}

int proplist_next(struct proplist *p)
{
	struct prop_value v;
	size_t start, count = 0;
	int r;

	if (p->cursor.error != 0)
		return ERR_INVALID_DATA;
	if (p->left == 0)
		return 0;
	r = read_name(p);
	start = p->cursor.pos;
	while (r >= 0 && (r = prop_value_next(&p->cursor, &v)) > 0)
		count++;
	if (r < 0 || count == 0) {
		cursor_fail(&p->cursor);
		return ERR_INVALID_DATA;
	}
	p->left--;
	p->values = cursor_make(p->cursor.data + start, p->cursor.pos - start);
	return 1;
}

struct prop_value proplist_value(const struct proplist *p)
{
	struct cursor values = p->values;
	struct prop_value v = { 0 };
	int r = prop_value_next(&values, &v);

	assert(r > 0); /* proplist_next() has read it. */
	return v;
}

int proplist_check(const void *bytes, size_t len)
{
	struct proplist p;
	int r;

	proplist_init(&p, bytes, len);
	while ((r = proplist_next(&p)) > 0)
		;
	return r;
}

int proplist_find(struct proplist *p, const void *bytes, size_t len, struct u16 name)
{
	int r;

	proplist_init(p, bytes, len);
	while ((r = proplist_next(p)) > 0)
		if (u16_equal(p->name, name))
			break;
	return r;
}

/* Writing. */

void prop_value_add(struct buf *out, uint32_t syntax, const void *data, size_t len)
{
	assert(len <= UINT32_MAX);
	buf_u32(out, syntax);
	buf_u32(out, (uint32_t)len);
	buf_append(out, data, len);
	buf_align(out, 4);
}

void prop_mark_end(struct buf *out)
{
	buf_u32(out, 0);
}

void proplist_begin(struct buf *out)
{
	assert(out->len == 0);
	buf_u32(out, 0); /* Counts what proplist_property_begin() adds. */
}

void proplist_property_begin(struct buf *out, struct u16 name)
{
	assert(prop_is_name(name));
	if (out->error == 0)
		put_le32(out->data, get_le32(out->data) + 1);
	buf_u32(out, SYNTAX_NAME);
	buf_u32(out, (uint32_t)((name.len + 1) * sizeof(char16_t)));
	for (size_t i = 0; i < name.len; i++)
		buf_u16(out, name.units[i]);
	buf_u16(out, 0);
	buf_align(out, 4);
}

void proplist_property_end(struct buf *out)
{
	prop_mark_end(out);
}

void proplist_add(struct buf *out, struct u16 name, uint16_t format, const void *data, size_t len)
{
	proplist_property_begin(out, name);
	prop_value_add(out, PROP_LIST_VALUE(format), data, len);
	proplist_property_end(out);
}

void proplist_end(struct buf *out)
{
	prop_mark_end(out);
}

/* Registry values. */

bool prop_registry_type(uint16_t format, uint32_t *ret)
{
	static const uint32_t types[] = {
		[PROP_BINARY] = PROP_REG_BINARY,
		[PROP_DWORD] = PROP_REG_DWORD,
		[PROP_SZ] = PROP_REG_SZ,
		[PROP_EXPAND_SZ] = PROP_REG_EXPAND_SZ,
		[PROP_MULTI_SZ] = PROP_REG_MULTI_SZ,
		[PROP_ULARGE_INTEGER] = PROP_REG_QWORD,
		[PROP_LONG] = PROP_REG_DWORD,
		[PROP_SECURITY_DESCRIPTOR] = PROP_REG_BINARY,
		[PROP_LARGE_INTEGER] = PROP_REG_QWORD,
		[PROP_FILETIME] = PROP_REG_QWORD,
	};

	if (format >= ARRAY_SIZE(types) || types[format] == 0)
		return false;
	*ret = types[format];
	return true;
}

/* The texts of the value, as far as they go, and their end. */
static void add_text(struct buf *out, bool list, const uint8_t *data, size_t count)
{
	size_t at = 0, len;

	do {
		len = text_len(data, at, count);
		if (len > 0)
			buf_append(out, data + at * sizeof(char16_t), len * sizeof(char16_t));
		buf_u16(out, 0);
		at += len + 1;
	} while (list && len > 0);
}

uint16_t prop_from_registry(uint32_t type, const void *data, size_t len, struct buf *ret_data)
{
	bool is_number = (type == PROP_REG_DWORD && len == 4) || (type == PROP_REG_QWORD && len == 8);

	if (type == PROP_REG_SZ || type == PROP_REG_EXPAND_SZ || type == PROP_REG_MULTI_SZ) {
		add_text(ret_data, type == PROP_REG_MULTI_SZ, data, len / 2);
		return type == PROP_REG_SZ ? PROP_SZ : type == PROP_REG_EXPAND_SZ ? PROP_EXPAND_SZ : PROP_MULTI_SZ;
	}
	buf_append(ret_data, data, len);
	return !is_number ? PROP_BINARY : type == PROP_REG_DWORD ? PROP_DWORD : PROP_ULARGE_INTEGER;
}

bool prop_is_name(struct u16 name)
{
	return name.len > 0 && name.len <= PROPLIST_NAME_MAX && !u16_has_unit(name, 0);
}

void proplist_add_registry(struct buf *out, struct u16 name, uint32_t type, const void *data, size_t len)
{
	struct buf value = { 0 };
	uint16_t format;

	if (!prop_is_name(name))
		return;
	format = prop_from_registry(type, data, len, &value);
	if (value.error != 0)
		out->error = value.error;
	proplist_property_begin(out, name);
	prop_value_add(out, PROP_LIST_VALUE(format), value.data, value.len);
	if (format == PROP_EXPAND_SZ) /* The service has no variables: what it would replace stays as it is. */
		prop_value_add(out, PROP_LIST_VALUE(PROP_EXPANDED_SZ), value.data, value.len);
	proplist_property_end(out);
	buf_done(&value);
}
