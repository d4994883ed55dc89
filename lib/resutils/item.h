/* item: what the helpers around property lists, tables, keys and parameter blocks share; see item.c and key.c.
 *
 * The data of a value is the same everywhere: what stands in a property list.  No data: not set.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "include/resapi.h"
#include "wire/proplist.h"

static inline struct u16 text_of(LPCWSTR s)
{
	return u16_from_z((const char16_t *)s);
}

/* The code of a call of the API as one of our errors. */
static inline int from_code(uint32_t code)
{
	return code == 0 ? 0 : ERR_FROM_WIN32(code);
}

/* Hand out what has been written, and free it.  ERR_MORE_DATA with the size needed; pointers may be NULL. */
int give(struct buf *b, void *out, DWORD size, LPDWORD returned, LPDWORD required);
/* A name or the like with its end; *count is the room, then the length.  ERR_MORE_DATA. */
int give_name(struct u16 text, LPWSTR out, DWORD *count);
/* A property of one value; behind an EXPAND_SZ comes what it expands to. */
void list_add(struct buf *list, struct u16 name, uint16_t format, const void *data, size_t len);
void add_text(struct buf *b, struct u16 text); /* With its end. */

/* The names that private properties of resources do not have; NULL ends them (list.c). */
extern const char16_t *const list_common_names[];

/* ---- Entries of property tables (item.c) ---- */

static inline bool item_is(const RESUTIL_PROPERTY_ITEM *item, DWORD flag)
{
	return (item->Flags & flag) != 0;
}
const RESUTIL_PROPERTY_ITEM *item_find(const RESUTIL_PROPERTY_ITEM *table, struct u16 name); /* NULL: it has none. */
/* May a list set this?  ERR_INVALID_PARAMETER. */
int item_check(const RESUTIL_PROPERTY_ITEM *item, const struct prop_value *v);
bool item_is_in_range(const RESUTIL_PROPERTY_ITEM *item, const void *data);
void item_default(const RESUTIL_PROPERTY_ITEM *item, struct buf *ret);
/* The value stored under the key, or the default: 1, 0.  A stored one of another type counts as none. */
int item_read(HKEY key, const RESUTIL_PROPERTY_ITEM *item, struct buf *ret);
int item_write(HKEY key, const RESUTIL_PROPERTY_ITEM *item, const void *data, size_t len, bool force);
void item_list(struct buf *list, const RESUTIL_PROPERTY_ITEM *item, const struct buf *data);

/* The entry's place in a parameter block. */
int item_put(const RESUTIL_PROPERTY_ITEM *item, BYTE *params, const void *data, size_t len); /* Frees what was there. */
void item_get(const RESUTIL_PROPERTY_ITEM *item, const BYTE *params, struct buf *ret);
bool item_has_memory(const RESUTIL_PROPERTY_ITEM *item); /* Is the place a pointer? */
/* The memory that the place points to; NULL: it holds a number, or nothing. */
void *item_memory(const RESUTIL_PROPERTY_ITEM *item, const BYTE *params);

/* ---- Values of keys (key.c) ---- */

/* Append the value's data.  ERR_FILE_NOT_FOUND. */
int key_read(HKEY key, LPCWSTR name, DWORD *ret_type, struct buf *ret);
/* Without data: delete; it may be missing. */
int key_write(HKEY key, LPCWSTR name, DWORD type, const void *data, size_t len);
/* The same in a subkey (NULL: the key itself), which is made if need be. */
int key_read_below(HKEY key, LPCWSTR subkey, LPCWSTR name, DWORD *ret_type, struct buf *ret);
int key_write_below(HKEY key, LPCWSTR subkey, LPCWSTR name, DWORD type, const void *data, size_t len);

/* The values of a key, one after the other. */
struct key_walk {
	HKEY key;
	DWORD index; /* Of the next. */
	struct u16 name;
	DWORD type;
	struct buf data;
	WCHAR *units; /* Owned. */
};
int key_walk_begin(struct key_walk *w, HKEY key);
int key_walk_next(
    struct key_walk *w); /* 1: name, type and data are those of a value that can be a property; 0: the end. */
void key_walk_done(struct key_walk *w);
/* Add the values that the table (may be NULL) does not name to a list. */
int key_list_unknown(HKEY key, const RESUTIL_PROPERTY_ITEM *table, struct buf *list);
/* Is this a list, and can what it has beyond the table (may be NULL) be stored?  ERR_INVALID_DATA, ERR_INVALID_PARAMETER. */
int list_check_unknown(const RESUTIL_PROPERTY_ITEM *table, const void *list, DWORD size);
/* Then store that. */
int key_store_unknown(HKEY key, const RESUTIL_PROPERTY_ITEM *table, const void *list, DWORD size);
