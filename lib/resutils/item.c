/* item: one entry of a property table: its value in a list, under a key, in a parameter block.
 *
 * Why      a resource's code declares its properties once, as a table, and has them listed, checked, stored and read
 *          into a structure of its own; all the functions for that move one value between the same four places.
 * How      the value in transit is the data that stands in a property list.  In a parameter block, at the entry's
 *          offset:   DWORD, LONG, 64 bits     the number
 *                    SZ, EXPAND_SZ            LPWSTR
 *                    MULTI_SZ, BINARY         pointer, then a DWORD with the bytes
 *          Pointers are the block's own, from LocalAlloc(); NULL: not set.
 * Default  of a number in the entry, of 64 bits behind its pointer, of text the pointer itself, of MULTI_SZ and BINARY
 *          the pointer with Minimum as the bytes.
 * Threads  all functions.     Tests  tests/unit/resutils_table.c, tests/integration/resutils.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"

int give_name(struct u16 text, LPWSTR out, DWORD *count)
{
	bool fits = text.len < *count;

	if (fits) {
		memcpy(out, text.units, text.len * sizeof(WCHAR));
		out[text.len] = 0;
	}
	*count = (DWORD)text.len;
	return fits ? 0 : ERR_MORE_DATA;
}

int give(struct buf *b, void *out, DWORD size, LPDWORD returned, LPDWORD required)
{
	int r = b->error;
	bool fits = r == 0 && out != NULL && b->len <= size;

	if (fits && b->len > 0)
		memcpy(out, b->data, b->len);
	else if (r == 0 && !fits)
		r = ERR_MORE_DATA;
	if (returned != NULL)
		*returned = fits ? (DWORD)b->len : 0;
	if (required != NULL)
		*required = r == ERR_MORE_DATA ? (DWORD)b->len : 0;
	buf_done(b);
	return r;
}

void add_text(struct buf *b, struct u16 text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_u16(b, text.units[i]);
	buf_u16(b, 0);
}

static void add_expanded(struct buf *list, const void *data)
{
	LPWSTR expanded = ResUtilExpandEnvironmentStrings(data);

	if (expanded == NULL)
		list->error = -ENOMEM;
	else
		prop_value_add(
		    list, PROP_LIST_VALUE(PROP_EXPANDED_SZ), expanded, (text_of(expanded).len + 1) * sizeof(WCHAR));
	LocalFree(expanded);
}

void list_add(struct buf *list, struct u16 name, uint16_t format, const void *data, size_t len)
{
	proplist_property_begin(list, name);
	prop_value_add(list, PROP_LIST_VALUE(format), data, len);
	if (format == PROP_EXPAND_SZ)
		add_expanded(list, data);
	proplist_property_end(list);
}

static bool is_text(DWORD format)
{
	return format == PROP_SZ || format == PROP_EXPAND_SZ;
}

static bool is_memory(DWORD format) /* With its size behind the pointer. */
{
	return format == PROP_MULTI_SZ || format == PROP_BINARY;
}

static size_t number_size(DWORD format)
{
	return format == PROP_DWORD || format == PROP_LONG ? 4 : 8;
}

static bool is_known(DWORD format)
{
	return is_text(format) || is_memory(format) || format == PROP_DWORD || format == PROP_LONG ||
	       format == PROP_ULARGE_INTEGER || format == PROP_LARGE_INTEGER || format == PROP_FILETIME;
}

/* Checking. */

const RESUTIL_PROPERTY_ITEM *item_find(const RESUTIL_PROPERTY_ITEM *table, struct u16 name)
{
	for (const RESUTIL_PROPERTY_ITEM *item = table; item != NULL && item->Name != NULL; item++)
		if (u16_equal(text_of(item->Name), name))
			return item;
	return NULL;
}

/* The 64-bit kinds keep {default, least, most} behind a pointer. */
static bool is_in_large_range(const RESUTIL_PROPERTY_ITEM *item, uint64_t number)
{
	uint64_t range[3];

	if (item->lpDefault == NULL)
		return true;
	memcpy(range, item->lpDefault, sizeof(range));
	if (item->Format == PROP_LARGE_INTEGER)
		return (int64_t)number >= (int64_t)range[1] && (int64_t)number <= (int64_t)range[2];
	return number >= range[1] && number <= range[2];
}
static_assert(
    sizeof(RESUTIL_LARGEINT_DATA) == 24 && sizeof(RESUTIL_ULARGEINT_DATA) == 24 && sizeof(RESUTIL_FILETIME_DATA) == 24,
    "default, least, most");

bool item_is_in_range(const RESUTIL_PROPERTY_ITEM *item, const void *data)
{
	bool is_signed = item->Format == PROP_LONG || item_is(item, RESUTIL_PROPITEM_SIGNED);
	DWORD number;

	if (is_text(item->Format) || is_memory(item->Format))
		return true;
	if (number_size(item->Format) == 8)
		return is_in_large_range(item, get_le64(data));
	number = get_le32(data);
	return is_signed ? (LONG)number >= (LONG)item->Minimum && (LONG)number <= (LONG)item->Maximum
			 : number >= item->Minimum && number <= item->Maximum;
}

int item_check(const RESUTIL_PROPERTY_ITEM *item, const struct prop_value *v)
{
	if (item_is(item, RESUTIL_PROPITEM_READ_ONLY) || !is_known(item->Format))
		return ERR_INVALID_PARAMETER;
	if (v->len == 0 && (v->syntax == PROP_LIST_VALUE(PROP_UNKNOWN) || v->syntax == PROP_LIST_VALUE(item->Format)))
		return item_is(item, RESUTIL_PROPITEM_REQUIRED) ? ERR_INVALID_PARAMETER : 0;
	if (v->syntax != PROP_LIST_VALUE(item->Format))
		return ERR_INVALID_PARAMETER;
	return item_is_in_range(item, v->data) ? 0 : ERR_INVALID_PARAMETER;
}

void item_default(const RESUTIL_PROPERTY_ITEM *item, struct buf *ret)
{
	if (is_text(item->Format)) {
		if (item->lpDefault != NULL)
			add_text(ret, text_of(item->lpDefault));
	} else if (is_memory(item->Format)) {
		if (item->lpDefault != NULL && prop_is_formed((uint16_t)item->Format, item->lpDefault, item->Minimum))
			buf_append(ret, item->lpDefault, item->Minimum);
	} else if (number_size(item->Format) == 4) {
		buf_u32(ret, item->Default);
	} else if (item->lpDefault != NULL) {
		buf_append(ret, item->lpDefault, 8);
	} else {
		buf_u64(ret, 0);
	}
}

/* Keys. */

int item_read(HKEY key, const RESUTIL_PROPERTY_ITEM *item, struct buf *ret)
{
	struct buf stored = { 0 };
	uint32_t type, want;
	bool usable;
	int r;

	if (!is_known(item->Format) || !prop_registry_type((uint16_t)item->Format, &want))
		return ERR_INVALID_PARAMETER;
	r = item_is(item, RESUTIL_PROPITEM_IN_MEMORY) ? ERR_FILE_NOT_FOUND
						      : key_read_below(key, item->KeyName, item->Name, &type, &stored);
	usable = r == 0 && type == want &&
		 (prop_from_registry(type, stored.data, stored.len, ret) != PROP_BINARY || want == PROP_REG_BINARY);
	buf_done(&stored);
	if (r < 0 && r != ERR_FILE_NOT_FOUND)
		return r;
	if (!usable) {
		ret->len = 0;
		item_default(item, ret);
	}
	return ret->error != 0 ? ret->error : usable;
}

int item_write(HKEY key, const RESUTIL_PROPERTY_ITEM *item, const void *data, size_t len, bool force)
{
	struct buf stored = { 0 };
	uint32_t type, want;
	bool same;
	int r;

	if (!prop_registry_type((uint16_t)item->Format, &want))
		return ERR_INVALID_PARAMETER;
	if (item_is(item, RESUTIL_PROPITEM_IN_MEMORY))
		return 0;
	r = key_read_below(key, item->KeyName, item->Name, &type, &stored);
	same = r == 0 && type == want && stored.len == len && (len == 0 || memcmp(stored.data, data, len) == 0);
	buf_done(&stored);
	if (r < 0 && r != ERR_FILE_NOT_FOUND)
		return r;
	if (len == 0 && r == ERR_FILE_NOT_FOUND)
		return 0;
	return same && !force ? 0 : key_write_below(key, item->KeyName, item->Name, want, data, len);
}

/* Text that is not set is shown as empty. */
void item_list(struct buf *list, const RESUTIL_PROPERTY_ITEM *item, const struct buf *data)
{
	bool is_empty_text = data->len == 0 && (is_text(item->Format) || item->Format == PROP_MULTI_SZ);

	if (data->error != 0) {
		list->error = data->error;
		return;
	}
	list_add(list, text_of(item->Name), (uint16_t)item->Format, is_empty_text ? (const void *)u"" : data->data,
	    is_empty_text ? sizeof(char16_t) : data->len);
}

/* Parameter blocks. */

bool item_has_memory(const RESUTIL_PROPERTY_ITEM *item)
{
	return is_text(item->Format) || is_memory(item->Format);
}

void *item_memory(const RESUTIL_PROPERTY_ITEM *item, const BYTE *params)
{
	void *memory = NULL;

	if (item_has_memory(item))
		memcpy(&memory, params + item->Offset, sizeof(memory));
	return memory;
}

int item_put(const RESUTIL_PROPERTY_ITEM *item, BYTE *params, const void *data, size_t len)
{
	DWORD size = (DWORD)len;
	void *copy = NULL;

	if (!item_has_memory(item)) {
		if (len == number_size(item->Format))
			memcpy(params + item->Offset, data, len);
		return 0;
	}
	if (len > 0) {
		copy = LocalAlloc(LMEM_FIXED, len);
		if (copy == NULL)
			return -ENOMEM;
		memcpy(copy, data, len);
	}
	LocalFree(item_memory(item, params));
	memcpy(params + item->Offset, &copy, sizeof(copy));
	if (is_memory(item->Format))
		memcpy(params + item->Offset + sizeof(copy), &size, sizeof(size));
	return 0;
}

void item_get(const RESUTIL_PROPERTY_ITEM *item, const BYTE *params, struct buf *ret)
{
	void *memory = item_memory(item, params);
	DWORD size;

	if (is_text(item->Format)) {
		if (memory != NULL)
			add_text(ret, text_of(memory));
	} else if (is_memory(item->Format)) {
		memcpy(&size, params + item->Offset + sizeof(memory), sizeof(size));
		if (memory != NULL)
			buf_append(ret, memory, size);
	} else {
		buf_append(ret, params + item->Offset, number_size(item->Format));
	}
}
