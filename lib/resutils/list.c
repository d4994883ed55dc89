/* list: single values out of property lists: by name, or at the place where a walk over a list has come to.
 *
 * Promise  the list is checked as a whole first, so a hostile one gives ERROR_INVALID_DATA (13) and nothing else; a
 *          property of another format than asked for is 13 too, one that is not there 2.
 * Threads  all functions.     Tests  tests/unit/resutils_list.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"

/* By name. */

/* The value of that format in the property; formats other than EXPANDED_SZ must come first. */
static int find(const void *list, DWORD size, LPCWSTR name, uint16_t format, struct prop_value *ret)
{
	struct proplist p;
	struct prop_value v;
	int r = list == NULL || name == NULL ? ERR_INVALID_PARAMETER : proplist_check(list, size);

	if (r == 0)
		r = proplist_find(&p, list, size, text_of(name));
	if (r == 0)
		return ERR_FILE_NOT_FOUND;
	if (r < 0)
		return r;
	while (prop_value_next(&p.values, &v) > 0) {
		if (v.syntax == PROP_LIST_VALUE(format) && v.len > 0) {
			*ret = v;
			return 0;
		}
		if (format != PROP_EXPANDED_SZ)
			break;
	}
	return ERR_INVALID_DATA;
}

/* A copy of the value; NULL pointers: only whether it is there. */
static DWORD find_copy(const void *list, DWORD size, LPCWSTR name, uint16_t format, void **ret, LPDWORD ret_size)
{
	struct prop_value v;
	int r = find(list, size, name, format, &v);
	void *copy;

	if (r == 0 && ret != NULL) {
		copy = LocalAlloc(LMEM_FIXED, v.len);
		if (copy == NULL)
			return ERROR_NOT_ENOUGH_MEMORY;
		memcpy(copy, v.data, v.len);
		*ret = copy;
	}
	if (r == 0 && ret_size != NULL)
		*ret_size = (DWORD)v.len;
	return error_to_win32(r);
}

static DWORD find_number(const void *list, DWORD size, LPCWSTR name, uint16_t format, void *ret)
{
	struct prop_value v;
	int r = find(list, size, name, format, &v);

	if (r == 0 && ret != NULL)
		memcpy(ret, v.data, v.len);
	return error_to_win32(r);
}

DWORD ResUtilFindSzProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPWSTR *pszPropertyValue)
{
	return find_copy(pPropertyList, cbPropertyListSize, pszPropertyName, PROP_SZ, (void **)pszPropertyValue, NULL);
}

DWORD ResUtilFindExpandSzProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPWSTR *pszPropertyValue)
{
	return find_copy(
	    pPropertyList, cbPropertyListSize, pszPropertyName, PROP_EXPAND_SZ, (void **)pszPropertyValue, NULL);
}

DWORD ResUtilFindExpandedSzProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPWSTR *pszPropertyValue)
{
	return find_copy(
	    pPropertyList, cbPropertyListSize, pszPropertyName, PROP_EXPANDED_SZ, (void **)pszPropertyValue, NULL);
}

DWORD ResUtilFindBinaryProperty(const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName,
    LPBYTE *pbPropertyValue, LPDWORD pcbPropertyValueSize)
{
	return find_copy(pPropertyList, cbPropertyListSize, pszPropertyName, PROP_BINARY, (void **)pbPropertyValue,
	    pcbPropertyValueSize);
}

DWORD ResUtilFindMultiSzProperty(const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName,
    LPWSTR *pszPropertyValue, LPDWORD pcbPropertyValueSize)
{
	return find_copy(pPropertyList, cbPropertyListSize, pszPropertyName, PROP_MULTI_SZ, (void **)pszPropertyValue,
	    pcbPropertyValueSize);
}

DWORD ResUtilFindDwordProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPDWORD pdwPropertyValue)
{
	return find_number(pPropertyList, cbPropertyListSize, pszPropertyName, PROP_DWORD, pdwPropertyValue);
}

DWORD ResUtilFindLongProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPLONG plPropertyValue)
{
	return find_number(pPropertyList, cbPropertyListSize, pszPropertyName, PROP_LONG, plPropertyValue);
}

DWORD ResUtilFindULargeIntegerProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, ULONGLONG *plPropertyValue)
{
	return find_number(pPropertyList, cbPropertyListSize, pszPropertyName, PROP_ULARGE_INTEGER, plPropertyValue);
}

DWORD ResUtilFindFileTimeProperty(
    const PVOID pPropertyList, DWORD cbPropertyListSize, LPCWSTR pszPropertyName, LPFILETIME pftPropertyValue)
{
	return find_number(pPropertyList, cbPropertyListSize, pszPropertyName, PROP_FILETIME, pftPropertyValue);
}

/* Where a walk has come to: the value, which must lie in what is left of the list. */

struct place {
	LPBYTE *at;
	LPDWORD left;
	DWORD taken; /* Bytes of the value, with what fills up. */
};

static int value_at(
    const void *value, uint16_t format, LPBYTE *at, LPDWORD left, struct prop_value *ret, struct place *ret_place)
{
	struct cursor c;

	if (value == NULL || at == NULL || *at == NULL || left == NULL)
		return ERR_INVALID_PARAMETER;
	c = cursor_make(value, *left);
	if (prop_value_next(&c, ret) <= 0 || ret->syntax != PROP_LIST_VALUE(format))
		return ERR_INVALID_DATA;
	*ret_place = (struct place){ at, left, (DWORD)c.pos };
	return 0;
}

static void move_on(const struct place *place)
{
	*place->at += place->taken;
	*place->left -= place->taken;
}

/* Replace *out, unless the value is the old one. */
static DWORD get_copy(void **out, LPDWORD out_size, const void *value, uint16_t format, const void *old,
    size_t old_size, LPBYTE *at, LPDWORD left)
{
	struct prop_value v;
	struct place place;
	int r = out == NULL ? ERR_INVALID_PARAMETER : value_at(value, format, at, left, &v, &place);
	void *copy = NULL;

	if (r < 0)
		return error_to_win32(r);
	if (old == NULL || old_size != v.len || memcmp(old, v.data, v.len) != 0) {
		if (v.len > 0 && (copy = LocalAlloc(LMEM_FIXED, v.len)) == NULL)
			return ERROR_NOT_ENOUGH_MEMORY;
		if (v.len > 0)
			memcpy(copy, v.data, v.len);
		if (*out != old)
			LocalFree(*out);
		*out = copy;
		if (out_size != NULL)
			*out_size = (DWORD)v.len;
	}
	move_on(&place);
	return ERROR_SUCCESS;
}

DWORD ResUtilGetBinaryProperty(LPBYTE *ppbOutValue, LPDWORD pcbOutValueSize, const PCLUSPROP_BINARY pValueStruct,
    const LPBYTE pbOldValue, DWORD cbOldValueSize, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize)
{
	return get_copy((void **)ppbOutValue, pcbOutValueSize, pValueStruct, PROP_BINARY, pbOldValue, cbOldValueSize,
	    ppPropertyList, pcbPropertyListSize);
}

DWORD ResUtilGetSzProperty(LPWSTR *ppszOutValue, const PCLUSPROP_SZ pValueStruct, LPCWSTR pszOldValue,
    LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize)
{
	size_t old_size = pszOldValue != NULL ? (text_of(pszOldValue).len + 1) * sizeof(WCHAR) : 0;

	return get_copy((void **)ppszOutValue, NULL, pValueStruct, PROP_SZ, pszOldValue, old_size, ppPropertyList,
	    pcbPropertyListSize);
}

DWORD ResUtilGetMultiSzProperty(LPWSTR *ppszOutValue, LPDWORD pcbOutValueSize, const PCLUSPROP_SZ pValueStruct,
    LPCWSTR pszOldValue, DWORD cbOldValueSize, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize)
{
	return get_copy((void **)ppszOutValue, pcbOutValueSize, pValueStruct, PROP_MULTI_SZ, pszOldValue,
	    cbOldValueSize, ppPropertyList, pcbPropertyListSize);
}

/* The number of such a value; it is up to the caller whether it is in range, and then to move on. */
static int number_at(
    const void *value, uint16_t format, LPBYTE *at, LPDWORD left, struct prop_value *v, struct place *ret_place)
{
	int r = value_at(value, format, at, left, v, ret_place);

	return r == 0 && v->len == 0 ? ERR_INVALID_DATA : r;
}

/* The old value is for the caller's own use: a number is written in any case. */
DWORD ResUtilGetDwordProperty(LPDWORD pdwOutValue, const PCLUSPROP_DWORD pValueStruct, DWORD dwOldValue,
    DWORD dwMinimum, DWORD dwMaximum, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize)
{
	struct prop_value v;
	struct place place;
	int r = number_at(pValueStruct, PROP_DWORD, ppPropertyList, pcbPropertyListSize, &v, &place);

	(void)dwOldValue;
	if (r == 0 && (pdwOutValue == NULL || get_le32(v.data) < dwMinimum || get_le32(v.data) > dwMaximum))
		r = ERR_INVALID_PARAMETER;
	if (r == 0) {
		*pdwOutValue = get_le32(v.data);
		move_on(&place);
	}
	return error_to_win32(r);
}

DWORD ResUtilGetLongProperty(LPLONG plOutValue, const PCLUSPROP_LONG pValueStruct, LONG lOldValue, LONG lMinimum,
    LONG lMaximum, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize)
{
	struct prop_value v;
	struct place place;
	int r = number_at(pValueStruct, PROP_LONG, ppPropertyList, pcbPropertyListSize, &v, &place);

	(void)lOldValue;
	if (r == 0 && (plOutValue == NULL || (LONG)get_le32(v.data) < lMinimum || (LONG)get_le32(v.data) > lMaximum))
		r = ERR_INVALID_PARAMETER;
	if (r == 0) {
		*plOutValue = (LONG)get_le32(v.data);
		move_on(&place);
	}
	return error_to_win32(r);
}

static uint64_t ticks(FILETIME t)
{
	return (uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime;
}

DWORD ResUtilGetFileTimeProperty(LPFILETIME pftOutValue, const PCLUSPROP_FILETIME pValueStruct, FILETIME ftOldValue,
    FILETIME ftMinimum, FILETIME ftMaximum, LPBYTE *ppPropertyList, LPDWORD pcbPropertyListSize)
{
	struct prop_value v;
	struct place place;
	int r = number_at(pValueStruct, PROP_FILETIME, ppPropertyList, pcbPropertyListSize, &v, &place);

	(void)ftOldValue;
	if (r == 0 &&
	    (pftOutValue == NULL || get_le64(v.data) < ticks(ftMinimum) || get_le64(v.data) > ticks(ftMaximum)))
		r = ERR_INVALID_PARAMETER;
	if (r == 0) {
		*pftOutValue = (FILETIME){ get_le32(v.data), get_le32(v.data + 4) };
		move_on(&place);
	}
	return error_to_win32(r);
}

/* Private lists. */

/* The common properties of resources, whose names their private ones do not have.  Name is missing here: a network name
 * has a private property of that name.  The test compares this with the service's table. */
const char16_t *const list_common_names[] = { u"DeadlockTimeout", u"Description", u"EmbeddedFailureAction",
	u"IsAlivePollInterval", u"LastOperationStatusCode", u"LooksAlivePollInterval", u"MonitorProcessId",
	u"PendingTimeout", u"PersistentState", u"RestartAction", u"RestartDelay", u"RestartPeriod", u"RestartThreshold",
	u"RetryPeriodOnFailure", u"SeparateMonitor", u"StatusInformation", u"Type", NULL };

DWORD ResUtilVerifyPrivatePropertyList(const PVOID pInPropertyList, DWORD cbInPropertyListSize)
{
	struct proplist p;
	int r = list_check_unknown(NULL, pInPropertyList, cbInPropertyListSize);

	proplist_init(&p, pInPropertyList, cbInPropertyListSize);
	while (r == 0 && proplist_next(&p) > 0)
		for (size_t i = 0; list_common_names[i] != NULL; i++)
			if (u16_equal(p.name, u16_from_z(list_common_names[i])))
				r = ERR_INVALID_PARAMETER;
	return error_to_win32(r);
}
