/* proplist: property lists and value lists, the form in which control codes take and give properties.  See proplist.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf16.h"

#define PROPLIST_NAME_MAX 1023 /* Units.  A value with a longer name is no property. */

enum prop_format {
	PROP_UNKNOWN = 0, /* Only without data: "whatever it is, delete it". */
	PROP_BINARY = 1,
	PROP_DWORD = 2,
	PROP_SZ = 3,
	PROP_EXPAND_SZ = 4,
	PROP_MULTI_SZ = 5,
	PROP_ULARGE_INTEGER = 6,
	PROP_LONG = 7,
	PROP_EXPANDED_SZ = 8, /* The value behind an EXPAND_SZ: the same with its variables replaced. */
	PROP_SECURITY_DESCRIPTOR = 9,
	PROP_LARGE_INTEGER = 10,
	PROP_WORD = 11,
	PROP_FILETIME = 12,
	PROP_VALUE_LIST = 13,
	PROP_PROPERTY_LIST = 14,
};

enum {
	PROP_TYPE_LIST_VALUE = 1,
	PROP_TYPE_RESCLASS = 2,
	PROP_TYPE_NAME = 4,
	PROP_TYPE_USER = 0x8000, /* From here on programs have their own. */
};
#define PROP_SYNTAX(type, format) ((uint32_t)(type) << 16 | (uint32_t)(format))
#define PROP_LIST_VALUE(format) PROP_SYNTAX(PROP_TYPE_LIST_VALUE, format)

struct prop_value {
	uint32_t syntax;
	const uint8_t *data; /* Borrowed. */
	size_t len;
};
static inline uint16_t prop_format(uint32_t syntax)
{
	return (uint16_t)syntax;
}

/* Is this what a value of the format looks like?  Without data every value does. */
bool prop_is_formed(uint16_t format, const void *data, size_t len);

/* Reading.  A value list is a cursor over its bytes.  1: *ret is the next; 0: the end mark; ERR_INVALID_DATA. */
int prop_value_next(struct cursor *list, struct prop_value *ret);

struct proplist {
	struct cursor cursor;
	uint32_t left;        /* Properties that are still to come. */
	struct u16 name;      /* Of the property; it lives in units. */
	struct cursor values; /* Its value list, which has been found good and holds at least one. */
	char16_t units[PROPLIST_NAME_MAX + 1];
};
void proplist_init(struct proplist *p, const void *bytes, size_t len);
int proplist_next(struct proplist *p); /* 1: a property; 0: that was all; ERR_INVALID_DATA. */
/* The first value of the property, the one that counts when a list is set. */
struct prop_value proplist_value(const struct proplist *p);
int proplist_check(const void *bytes, size_t len); /* The whole list.  0, ERR_INVALID_DATA. */
/* The property of that name: 1, with *p there; 0: there is none; ERR_INVALID_DATA. */
int proplist_find(struct proplist *p, const void *bytes, size_t len, struct u16 name);

/* Writing into a buffer that begins with the list. */
void prop_value_add(struct buf *out, uint32_t syntax, const void *data, size_t len);
void prop_mark_end(struct buf *out);
void proplist_begin(struct buf *out);
void proplist_property_begin(struct buf *out, struct u16 name); /* Then its values, then … */
void proplist_property_end(struct buf *out);
void proplist_add(struct buf *out, struct u16 name, uint16_t format, const void *data, size_t len); /* Of one value. */
void proplist_end(struct buf *out);

/* Properties are stored as registry values. */
enum {
	PROP_REG_SZ = 1,
	PROP_REG_EXPAND_SZ = 2,
	PROP_REG_BINARY = 3,
	PROP_REG_DWORD = 4,
	PROP_REG_MULTI_SZ = 7,
	PROP_REG_QWORD = 11
};
bool prop_registry_type(uint16_t format, uint32_t *ret); /* false: such a value cannot be stored. */
/* Whatever the value holds: text is given its end, what is not formed as its type wants comes as PROP_BINARY. */
uint16_t prop_from_registry(uint32_t type, const void *data, size_t len, struct buf *ret_data);
/* One property from a registry value; nothing if its name is none. */
void proplist_add_registry(struct buf *out, struct u16 name, uint32_t type, const void *data, size_t len);
bool prop_is_name(struct u16 name);
