/* key: values of keys of the cluster database as private properties.
 *
 * Threads  all functions.     Tests  tests/unit/resutils_table.c, tests/integration/resutils.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"

enum { NAME_UNITS = 16384 }; /* The longest name of a value, and its end. */

/* Values. */

int key_read(HKEY key, LPCWSTR name, DWORD *ret_type, struct buf *ret)
{
	DWORD size = 0;
	int r;

	if (name == NULL)
		return ERR_INVALID_PARAMETER;
	/* It may grow between two calls. */
	do {
		r = buf_reserve(ret, MAX(size, (DWORD)64));
		if (r < 0)
			return r;
		size = (DWORD)(ret->capacity - ret->len);
		r = from_code((uint32_t)ClusterRegQueryValue(key, name, ret_type, ret->data + ret->len, &size));
	} while (r == ERR_MORE_DATA);
	if (r == 0)
		ret->len += size;
	return r;
}

int key_write(HKEY key, LPCWSTR name, DWORD type, const void *data, size_t len)
{
	int r;

	if (name == NULL)
		return ERR_INVALID_PARAMETER;
	if (len > 0)
		return from_code(ClusterRegSetValue(key, name, type, data, (DWORD)len));
	r = from_code(ClusterRegDeleteValue(key, name));
	return r == ERR_FILE_NOT_FOUND ? 0 : r;
}

int key_read_below(HKEY key, LPCWSTR subkey, LPCWSTR name, DWORD *ret_type, struct buf *ret)
{
	HKEY below;
	int r;

	if (subkey == NULL)
		return key_read(key, name, ret_type, ret);
	r = from_code((uint32_t)ClusterRegOpenKey(key, subkey, KEY_READ, &below));
	if (r < 0)
		return r;
	r = key_read(below, name, ret_type, ret);
	(void)ClusterRegCloseKey(below);
	return r;
}

int key_write_below(HKEY key, LPCWSTR subkey, LPCWSTR name, DWORD type, const void *data, size_t len)
{
	HKEY below;
	int r;

	if (subkey == NULL)
		return key_write(key, name, type, data, len);
	r = from_code((uint32_t)ClusterRegCreateKey(key, subkey, 0, KEY_READ | KEY_WRITE, NULL, &below, NULL));
	if (r < 0)
		return r;
	r = key_write(below, name, type, data, len);
	(void)ClusterRegCloseKey(below);
	return r;
}

/* All values. */

int key_walk_begin(struct key_walk *w, HKEY key)
{
	*w = (struct key_walk){ .key = key, .units = malloc(NAME_UNITS * sizeof(WCHAR)) };
	return w->units != NULL ? 0 : -ENOMEM;
}

void key_walk_done(struct key_walk *w)
{
	buf_done(&w->data);
	free(w->units);
}

/* Any value: 1 or 0. */
static int walk_next(struct key_walk *w)
{
	DWORD name_len, size = 64;
	int r;

	do {
		w->data.len = 0;
		r = buf_reserve(&w->data, size);
		if (r < 0)
			return r;
		name_len = NAME_UNITS;
		size = (DWORD)w->data.capacity;
		r = from_code(
		    ClusterRegEnumValue(w->key, w->index, w->units, &name_len, &w->type, w->data.data, &size));
	} while (r == ERR_MORE_DATA);
	if (r < 0)
		return r == ERR_NO_MORE_ITEMS ? 0 : r;
	w->index++;
	w->data.len = size;
	w->name = (struct u16){ (const char16_t *)w->units, name_len };
	return 1;
}

int key_walk_next(struct key_walk *w)
{
	int r;

	while ((r = walk_next(w)) > 0 && !prop_is_name(w->name))
		;
	return r;
}

int key_list_unknown(HKEY key, const RESUTIL_PROPERTY_ITEM *table, struct buf *list)
{
	struct buf data = { 0 };
	struct key_walk w;
	int r = key_walk_begin(&w, key);

	while (r >= 0 && (r = key_walk_next(&w)) > 0) {
		uint16_t format;

		if (item_find(table, w.name) != NULL)
			continue;
		data.len = 0;
		format = prop_from_registry(w.type, w.data.data, w.data.len, &data);
		r = data.error;
		if (r == 0)
			list_add(list, w.name, format, data.data, data.len);
	}
	buf_done(&data);
	key_walk_done(&w);
	return r;
}

int key_store_unknown(HKEY key, const RESUTIL_PROPERTY_ITEM *table, const void *list, DWORD size)
{
	struct proplist p;
	int r;

	proplist_init(&p, list, size);
	while ((r = proplist_next(&p)) > 0) {
		struct prop_value v = proplist_value(&p);
		uint32_t type = 0;

		if (item_find(table, p.name) != NULL)
			continue;
		(void)prop_registry_type(prop_format(v.syntax), &type);
		r = key_write(key, (LPCWSTR)p.units, type, v.data, v.len);
		if (r < 0)
			return r;
	}
	return r;
}

int list_check_unknown(const RESUTIL_PROPERTY_ITEM *table, const void *list, DWORD size)
{
	struct proplist p;
	int r = proplist_check(list, list != NULL ? size : 0);

	proplist_init(&p, list, size);
	while (r == 0 && proplist_next(&p) > 0) {
		struct prop_value v = proplist_value(&p);
		uint32_t type;

		if (item_find(table, p.name) != NULL)
			continue;
		if (v.syntax >> 16 != PROP_TYPE_LIST_VALUE ||
		    (v.len > 0 && !prop_registry_type(prop_format(v.syntax), &type)))
			r = ERR_INVALID_PARAMETER;
	}
	return r;
}

/* The functions. */

DWORD ResUtilEnumPrivateProperties(HKEY hkeyClusterKey, LPWSTR pszOutProperties, DWORD cbOutPropertiesSize,
    LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	struct buf names = { 0 };
	struct key_walk w;
	int r = key_walk_begin(&w, hkeyClusterKey);

	while (r >= 0 && (r = key_walk_next(&w)) > 0)
		add_text(&names, w.name);
	key_walk_done(&w);
	buf_u16(&names, 0);
	if (r == 0)
		r = give(&names, pszOutProperties, cbOutPropertiesSize, pcbBytesReturned, pcbRequired);
	buf_done(&names);
	return error_to_win32(r);
}

DWORD ResUtilGetPrivateProperties(HKEY hkeyClusterKey, PVOID pOutPropertyList, DWORD cbOutPropertyListSize,
    LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	return ResUtilGetAllProperties(
	    hkeyClusterKey, NULL, pOutPropertyList, cbOutPropertyListSize, pcbBytesReturned, pcbRequired);
}

DWORD ResUtilSetPrivatePropertyList(HKEY hkeyClusterKey, const PVOID pInPropertyList, DWORD cbInPropertyListSize)
{
	int r = list_check_unknown(NULL, pInPropertyList, cbInPropertyListSize);

	if (r == 0)
		r = key_store_unknown(hkeyClusterKey, NULL, pInPropertyList, cbInPropertyListSize);
	return error_to_win32(r);
}
