/* table: property tables: lists of what they name, checked and stored.
 *
 * How      a list is checked as a whole before anything of it is stored or put into a parameter block.  Storing is one
 *          registry call for each value: a failure there can leave the first ones stored.
 * Threads  all functions.     Tests  tests/unit/resutils_table.c, tests/integration/resutils.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"

/* Listing. */

DWORD ResUtilEnumProperties(const PRESUTIL_PROPERTY_ITEM pPropertyTable, LPWSTR pszOutProperties,
    DWORD cbOutPropertiesSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	struct buf names = { 0 };

	if (pPropertyTable == NULL)
		return ERROR_BAD_ARGUMENTS;
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; item->Name != NULL; item++)
		add_text(&names, text_of(item->Name));
	buf_u16(&names, 0);
	return error_to_win32(give(&names, pszOutProperties, cbOutPropertiesSize, pcbBytesReturned, pcbRequired));
}

DWORD ResUtilGetPropertyFormats(const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyFormatList,
    DWORD cbPropertyFormatListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	struct buf list = { 0 };

	if (pPropertyTable == NULL)
		return ERROR_BAD_ARGUMENTS;
	proplist_begin(&list);
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; item->Name != NULL; item++) {
		uint8_t format[2];

		put_le16(format, (uint16_t)item->Format);
		list_add(&list, text_of(item->Name), PROP_WORD, format, sizeof(format));
	}
	proplist_end(&list);
	return error_to_win32(
	    give(&list, pOutPropertyFormatList, cbPropertyFormatListSize, pcbBytesReturned, pcbRequired));
}

/* Append one entry's property to something that begins with a list's count. */
static int list_item(struct buf *list, HKEY key, const RESUTIL_PROPERTY_ITEM *item)
{
	struct buf data = { 0 };
	int r = item_read(key, item, &data);

	if (r >= 0)
		item_list(list, item, &data);
	buf_done(&data);
	return r < 0 ? r : list->error;
}

/* table NULL: it names nothing. */
static int list_table(struct buf *list, HKEY key, const RESUTIL_PROPERTY_ITEM *table, bool and_unknown)
{
	int r = 0;

	proplist_begin(list);
	for (const RESUTIL_PROPERTY_ITEM *item = table; r == 0 && item != NULL && item->Name != NULL; item++)
		r = list_item(list, key, item);
	if (r == 0 && and_unknown)
		r = key_list_unknown(key, table, list);
	proplist_end(list);
	return r;
}

static DWORD get_properties(HKEY key, const RESUTIL_PROPERTY_ITEM *table, bool and_unknown, void *out, DWORD size,
    LPDWORD returned, LPDWORD required)
{
	struct buf list = { 0 };
	int r = list_table(&list, key, table, and_unknown);

	if (r == 0)
		r = give(&list, out, size, returned, required);
	buf_done(&list);
	return error_to_win32(r);
}

DWORD ResUtilGetProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyList,
    DWORD cbOutPropertyListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	return get_properties(hkeyClusterKey, pPropertyTable, false, pOutPropertyList, cbOutPropertyListSize,
	    pcbBytesReturned, pcbRequired);
}

DWORD ResUtilGetAllProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyList,
    DWORD cbOutPropertyListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	return get_properties(hkeyClusterKey, pPropertyTable, true, pOutPropertyList, cbOutPropertyListSize,
	    pcbBytesReturned, pcbRequired);
}

/* One property as it stands in a list, without the count. */
static int one_item(HKEY key, const RESUTIL_PROPERTY_ITEM *item, struct buf *ret)
{
	if (item == NULL || item->Name == NULL)
		return ERR_BAD_ARGUMENTS;
	proplist_begin(ret);
	return list_item(ret, key, item);
}

enum { COUNT_SIZE = 4 };

DWORD ResUtilGetPropertySize(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTableItem,
    LPDWORD pcbOutPropertyListSize, LPDWORD pnPropertyCount)
{
	struct buf list = { 0 };
	int r = one_item(hkeyClusterKey, pPropertyTableItem, &list);

	if (r == 0) {
		*pcbOutPropertyListSize += (DWORD)list.len - COUNT_SIZE;
		*pnPropertyCount += 1;
	}
	buf_done(&list);
	return error_to_win32(r);
}

DWORD ResUtilGetProperty(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTableItem, PVOID *pOutPropertyItem,
    LPDWORD pcbOutPropertyItemSize)
{
	struct buf list = { 0 };
	int r = one_item(hkeyClusterKey, pPropertyTableItem, &list);

	if (r == 0 && list.len - COUNT_SIZE > *pcbOutPropertyItemSize)
		r = ERR_MORE_DATA;
	if (r == 0) {
		memcpy(*pOutPropertyItem, list.data + COUNT_SIZE, list.len - COUNT_SIZE);
		*pOutPropertyItem = (BYTE *)*pOutPropertyItem + (list.len - COUNT_SIZE);
		*pcbOutPropertyItemSize -= (DWORD)list.len - COUNT_SIZE;
	}
	buf_done(&list);
	return error_to_win32(r);
}

/* The list that is there is written anew, with more behind it. */
DWORD ResUtilAddUnknownProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    PVOID pOutPropertyList, DWORD pcbOutPropertyListSize, LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	struct buf list = { 0 };
	struct proplist p;
	size_t len = 0;
	int r;

	proplist_init(&p, pOutPropertyList, pOutPropertyList != NULL ? pcbOutPropertyListSize : 0);
	while ((r = proplist_next(&p)) > 0)
		;
	len = p.cursor.pos;
	if (r == 0)
		buf_append(&list, pOutPropertyList, len);
	if (r == 0)
		r = list.error != 0 ? list.error : key_list_unknown(hkeyClusterKey, pPropertyTable, &list);
	proplist_end(&list);
	if (r == 0)
		r = give(&list, pOutPropertyList, pcbOutPropertyListSize, pcbBytesReturned, pcbRequired);
	buf_done(&list);
	return error_to_win32(r);
}

/* Checking and storing. */

static int check_list(
    const RESUTIL_PROPERTY_ITEM *table, const void *reserved, bool allow_unknown, const void *list, DWORD size)
{
	struct proplist p;
	int r;

	if (table == NULL || reserved != NULL)
		return ERR_BAD_ARGUMENTS;
	r = proplist_check(list, list != NULL ? size : 0);
	proplist_init(&p, list, size);
	while (r == 0 && proplist_next(&p) > 0) {
		const RESUTIL_PROPERTY_ITEM *item = item_find(table, p.name);
		struct prop_value v = proplist_value(&p);

		if (item != NULL)
			r = item_check(item, &v);
		else if (!allow_unknown)
			r = ERR_INVALID_PARAMETER;
	}
	return r;
}

/* A value without data: the default. */
static int put_value(const RESUTIL_PROPERTY_ITEM *item, BYTE *params, const struct prop_value *v)
{
	struct buf data = { 0 };
	int r;

	if (v->len > 0)
		return item_put(item, params, v->data, v->len);
	item_default(item, &data);
	r = data.error != 0 ? data.error : item_put(item, params, data.data, data.len);
	buf_done(&data);
	return r;
}

/* What the table names of a list that has been checked: into the block, and with a key first under that. */
static int carry_out(
    const HKEY *key, const RESUTIL_PROPERTY_ITEM *table, const void *list, DWORD size, bool force, BYTE *params)
{
	struct proplist p;
	int r;

	proplist_init(&p, list, size);
	while ((r = proplist_next(&p)) > 0) {
		const RESUTIL_PROPERTY_ITEM *item = item_find(table, p.name);
		struct prop_value v = proplist_value(&p);

		if (item == NULL)
			continue;
		r = key != NULL ? item_write(*key, item, v.data, v.len, force) : 0;
		if (r == 0 && params != NULL)
			r = put_value(item, params, &v);
		if (r < 0)
			return r;
	}
	return r;
}

DWORD ResUtilVerifyPropertyTable(const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    BOOL bAllowUnknownProperties, const PVOID pInPropertyList, DWORD cbInPropertyListSize, LPBYTE pOutParams)
{
	int r = check_list(pPropertyTable, Reserved, bAllowUnknownProperties, pInPropertyList, cbInPropertyListSize);

	if (r == 0)
		r = carry_out(NULL, pPropertyTable, pInPropertyList, cbInPropertyListSize, false, pOutParams);
	return error_to_win32(r);
}

DWORD ResUtilSetPropertyTableEx(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    BOOL bAllowUnknownProperties, const PVOID pInPropertyList, DWORD cbInPropertyListSize, BOOL bForceWrite,
    LPBYTE pOutParams)
{
	int r = check_list(pPropertyTable, Reserved, bAllowUnknownProperties, pInPropertyList, cbInPropertyListSize);

	if (r == 0)
		r = list_check_unknown(pPropertyTable, pInPropertyList, cbInPropertyListSize);
	if (r == 0)
		r = carry_out(
		    &hkeyClusterKey, pPropertyTable, pInPropertyList, cbInPropertyListSize, bForceWrite, pOutParams);
	if (r == 0)
		r = key_store_unknown(hkeyClusterKey, pPropertyTable, pInPropertyList, cbInPropertyListSize);
	return error_to_win32(r);
}

DWORD ResUtilSetPropertyTable(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    BOOL bAllowUnknownProperties, const PVOID pInPropertyList, DWORD cbInPropertyListSize, LPBYTE pOutParams)
{
	return ResUtilSetPropertyTableEx(hkeyClusterKey, pPropertyTable, Reserved, bAllowUnknownProperties,
	    pInPropertyList, cbInPropertyListSize, FALSE, pOutParams);
}

DWORD ResUtilSetUnknownProperties(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    const PVOID pInPropertyList, DWORD cbInPropertyListSize)
{
	int r = pPropertyTable == NULL ? ERR_BAD_ARGUMENTS
				       : list_check_unknown(pPropertyTable, pInPropertyList, cbInPropertyListSize);

	if (r == 0)
		r = key_store_unknown(hkeyClusterKey, pPropertyTable, pInPropertyList, cbInPropertyListSize);
	return error_to_win32(r);
}
