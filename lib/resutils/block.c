/* block: parameter blocks: a structure of the caller that a property table describes.
 *
 * Memory   what a block points to is its own: it is replaced and freed by these functions.  A block begins as zeros.
 * Threads  all functions.     Tests  tests/unit/resutils_table.c, tests/integration/resutils.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"

static void forget(const RESUTIL_PROPERTY_ITEM *item, BYTE *params)
{
	void *none = NULL;

	memcpy(params + item->Offset, &none, sizeof(none));
}

void ResUtilFreeParameterBlock(LPBYTE pOutParams, const LPBYTE pInParams, const PRESUTIL_PROPERTY_ITEM pPropertyTable)
{
	if (pOutParams == NULL)
		return;
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; item != NULL && item->Name != NULL; item++) {
		void *memory = item_memory(item, pOutParams);

		if (memory == NULL || (pInParams != NULL && memory == item_memory(item, pInParams)))
			continue;
		LocalFree(memory);
		forget(item, pOutParams);
	}
}

static int read_item(HKEY key, const RESUTIL_PROPERTY_ITEM *item, BYTE *params, bool check)
{
	struct buf data = { 0 };
	int stored = item_read(key, item, &data), r = MIN(stored, 0);

	if (stored == 0 && check && item_is(item, RESUTIL_PROPITEM_REQUIRED))
		r = ERR_FILE_NOT_FOUND;
	else if (stored == 1 && !item_is_in_range(item, data.data))
		r = ERR_INVALID_DATA;
	if (r == 0)
		r = item_put(item, params, data.data, data.len);
	buf_done(&data);
	return r;
}

DWORD ResUtilGetPropertiesToParameterBlock(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    LPBYTE pOutParams, BOOL bCheckForRequiredProperties, LPWSTR *pszNameOfPropInError)
{
	int r = 0;

	if (pPropertyTable == NULL || pOutParams == NULL)
		return ERROR_BAD_ARGUMENTS;
	if (pszNameOfPropInError != NULL)
		*pszNameOfPropInError = NULL;
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; r == 0 && item->Name != NULL; item++) {
		r = read_item(hkeyClusterKey, item, pOutParams, bCheckForRequiredProperties);
		if (r < 0 && pszNameOfPropInError != NULL)
			*pszNameOfPropInError = item->Name;
	}
	return error_to_win32(r);
}

DWORD ResUtilPropertyListFromParameterBlock(const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID pOutPropertyList,
    LPDWORD pcbOutPropertyListSize, const LPBYTE pInParams, LPDWORD pcbBytesReturned, LPDWORD pcbRequired)
{
	struct buf list = { 0 };

	if (pPropertyTable == NULL || pcbOutPropertyListSize == NULL || pInParams == NULL)
		return ERROR_BAD_ARGUMENTS;
	proplist_begin(&list);
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; item->Name != NULL; item++) {
		struct buf data = { 0 };

		item_get(item, pInParams, &data);
		item_list(&list, item, &data);
		buf_done(&data);
	}
	proplist_end(&list);
	return error_to_win32(give(&list, pOutPropertyList, *pcbOutPropertyListSize, pcbBytesReturned, pcbRequired));
}

static int copy_item(const RESUTIL_PROPERTY_ITEM *item, BYTE *to, const BYTE *from)
{
	struct buf data = { 0 };
	int r;

	item_get(item, from, &data);
	r = data.error != 0 ? data.error : item_put(item, to, data.data, data.len);
	buf_done(&data);
	return r;
}

DWORD ResUtilDupParameterBlock(LPBYTE pOutParams, const LPBYTE pInParams, const PRESUTIL_PROPERTY_ITEM pPropertyTable)
{
	int r = 0;

	if (pOutParams == NULL || pInParams == NULL || pPropertyTable == NULL)
		return ERROR_BAD_ARGUMENTS;
	/* Whatever is there is nothing of ours yet. */
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; item->Name != NULL; item++)
		if (item_has_memory(item))
			forget(item, pOutParams);
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; r == 0 && item->Name != NULL; item++)
		r = copy_item(item, pOutParams, pInParams);
	if (r < 0)
		ResUtilFreeParameterBlock(pOutParams, pInParams, pPropertyTable);
	return error_to_win32(r);
}

static int store_item(HKEY key, const RESUTIL_PROPERTY_ITEM *item, const BYTE *params, bool force)
{
	struct buf data = { 0 };
	int r;

	if (item_is(item, RESUTIL_PROPITEM_READ_ONLY))
		return 0;
	item_get(item, params, &data);
	r = data.error != 0 ? data.error : item_write(key, item, data.data, data.len, force);
	buf_done(&data);
	return r;
}

DWORD ResUtilSetPropertyParameterBlockEx(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable,
    PVOID Reserved, const LPBYTE pInParams, const PVOID pInPropertyList, DWORD cbInPropertyListSize, BOOL bForceWrite,
    LPBYTE pOutParams)
{
	int r = 0;

	if (pPropertyTable == NULL || Reserved != NULL || pInParams == NULL)
		return ERROR_BAD_ARGUMENTS;
	if (pInPropertyList != NULL)
		r = list_check_unknown(pPropertyTable, pInPropertyList, cbInPropertyListSize);
	for (const RESUTIL_PROPERTY_ITEM *item = pPropertyTable; r == 0 && item->Name != NULL; item++) {
		r = store_item(hkeyClusterKey, item, pInParams, bForceWrite);
		if (r == 0 && pOutParams != NULL && pOutParams != pInParams)
			r = copy_item(item, pOutParams, pInParams);
	}
	if (r == 0 && pInPropertyList != NULL)
		r = key_store_unknown(hkeyClusterKey, pPropertyTable, pInPropertyList, cbInPropertyListSize);
	return error_to_win32(r);
}

DWORD ResUtilSetPropertyParameterBlock(HKEY hkeyClusterKey, const PRESUTIL_PROPERTY_ITEM pPropertyTable, PVOID Reserved,
    const LPBYTE pInParams, const PVOID pInPropertyList, DWORD cbInPropertyListSize, LPBYTE pOutParams)
{
	return ResUtilSetPropertyParameterBlockEx(hkeyClusterKey, pPropertyTable, Reserved, pInParams, pInPropertyList,
	    cbInPropertyListSize, FALSE, pOutParams);
}
