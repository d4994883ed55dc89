/* value: single values of a key of the cluster database.
 *
 * How      reading gives a copy from LocalAlloc(); a value of another type than asked for is ERROR_INVALID_DATA (13), one
 *          that is not there 2, or for numbers the default.  Writing stores the value and then replaces the caller's copy
 *          of it, if there is one; without memory for the copy nothing is stored.
 * Threads  all functions.     Tests  tests/unit/resutils_value.c, tests/integration/resutils.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"

/* Reading. */

/* The data of a value of that type, well formed. */
static int get(HKEY key, LPCWSTR name, uint32_t type, struct buf *ret)
{
	struct buf stored = { 0 };
	DWORD found;
	int r = key_read(key, name, &found, &stored);

	if (r == 0 && (found != type || (prop_from_registry(found, stored.data, stored.len, ret) == PROP_BINARY &&
					    type != PROP_REG_BINARY)))
		r = ERR_INVALID_DATA;
	buf_done(&stored);
	return r == 0 ? ret->error : r;
}

/* A copy that the caller owns; NULL data is copied too, as memory without content. */
static int copy_of(const void *data, size_t len, void **ret)
{
	void *copy = LocalAlloc(LMEM_FIXED, len);

	if (copy == NULL)
		return -ENOMEM;
	if (len > 0)
		memcpy(copy, data, len);
	*ret = copy;
	return 0;
}

static int get_copy(HKEY key, LPCWSTR name, uint32_t type, void **ret, LPDWORD ret_size)
{
	struct buf data = { 0 };
	int r = ret == NULL ? ERR_INVALID_PARAMETER : get(key, name, type, &data);

	if (r == 0)
		r = copy_of(data.data, data.len, ret);
	if (r == 0 && ret_size != NULL)
		*ret_size = (DWORD)data.len;
	buf_done(&data);
	return r;
}

/* 0: *ret is the stored number, or untouched as there is none. */
static int get_number(HKEY key, LPCWSTR name, uint32_t type, void *ret)
{
	struct buf data = { 0 };
	int r = get(key, name, type, &data);

	if (r == 0)
		memcpy(ret, data.data, data.len);
	buf_done(&data);
	return r == ERR_FILE_NOT_FOUND ? 0 : r;
}

DWORD ResUtilGetBinaryValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPBYTE *ppbOutValue, LPDWORD pcbOutValueSize)
{
	return error_to_win32(
	    get_copy(hkeyClusterKey, pszValueName, PROP_REG_BINARY, (void **)ppbOutValue, pcbOutValueSize));
}

static LPWSTR get_text(HKEY key, LPCWSTR name, uint32_t type)
{
	void *text = NULL;
	int r = get_copy(key, name, type, &text, NULL);

	if (r < 0)
		SetLastError(error_to_win32(r));
	return text;
}

LPWSTR ResUtilGetSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName)
{
	return get_text(hkeyClusterKey, pszValueName, PROP_REG_SZ);
}

LPWSTR ResUtilGetExpandSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, BOOL bExpand)
{
	LPWSTR text = get_text(hkeyClusterKey, pszValueName, PROP_REG_EXPAND_SZ), expanded;

	if (text == NULL || !bExpand)
		return text;
	expanded = ResUtilExpandEnvironmentStrings(text);
	LocalFree(text);
	return expanded;
}

DWORD ResUtilGetDwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPDWORD pdwOutValue, DWORD dwDefaultValue)
{
	DWORD number = dwDefaultValue;
	int r = pdwOutValue == NULL ? ERR_INVALID_PARAMETER
				    : get_number(hkeyClusterKey, pszValueName, PROP_REG_DWORD, &number);

	if (r == 0)
		*pdwOutValue = number;
	return error_to_win32(r);
}

DWORD ResUtilGetQwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, PULONGLONG pqwOutValue, ULONGLONG qwDefaultValue)
{
	ULONGLONG number = qwDefaultValue;
	int r = pqwOutValue == NULL ? ERR_INVALID_PARAMETER
				    : get_number(hkeyClusterKey, pszValueName, PROP_REG_QWORD, &number);

	if (r == 0)
		*pqwOutValue = number;
	return error_to_win32(r);
}

/* Writing. */

static int set(HKEY key, LPCWSTR name, uint32_t type, const void *data, size_t len, void **copy, LPDWORD copy_size)
{
	void *new = NULL;
	int r = name == NULL || (data == NULL && len > 0) ? ERR_INVALID_PARAMETER : 0;

	if (r == 0 && copy != NULL)
		r = copy_of(data, len, &new);
	if (r == 0)
		r = from_code(ClusterRegSetValue(key, name, type, data, (DWORD)len));
	if (r < 0 || copy == NULL) {
		LocalFree(new);
		return r;
	}
	LocalFree(*copy);
	*copy = new;
	if (copy_size != NULL)
		*copy_size = (DWORD)len;
	return 0;
}

static int set_text(HKEY key, LPCWSTR name, uint32_t type, LPCWSTR text, LPWSTR *copy)
{
	if (text == NULL)
		return ERR_INVALID_PARAMETER;
	return set(key, name, type, text, (text_of(text).len + 1) * sizeof(WCHAR), (void **)copy, NULL);
}

DWORD ResUtilSetBinaryValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, const LPBYTE pbNewValue, DWORD cbNewValueSize,
    LPBYTE *ppbOutValue, LPDWORD pcbOutValueSize)
{
	return error_to_win32(set(hkeyClusterKey, pszValueName, PROP_REG_BINARY, pbNewValue, cbNewValueSize,
	    (void **)ppbOutValue, pcbOutValueSize));
}

DWORD ResUtilSetSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPCWSTR pszNewValue, LPWSTR *ppszOutString)
{
	return error_to_win32(set_text(hkeyClusterKey, pszValueName, PROP_REG_SZ, pszNewValue, ppszOutString));
}

DWORD ResUtilSetExpandSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPCWSTR pszNewValue, LPWSTR *ppszOutString)
{
	return error_to_win32(set_text(hkeyClusterKey, pszValueName, PROP_REG_EXPAND_SZ, pszNewValue, ppszOutString));
}

DWORD ResUtilSetMultiSzValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, LPCWSTR pszNewValue, DWORD cbNewValueSize,
    LPWSTR *ppszOutValue, LPDWORD pcbOutValueSize)
{
	if (pszNewValue == NULL || cbNewValueSize == 0 || !prop_is_formed(PROP_MULTI_SZ, pszNewValue, cbNewValueSize))
		return ERROR_INVALID_PARAMETER;
	return error_to_win32(set(hkeyClusterKey, pszValueName, PROP_REG_MULTI_SZ, pszNewValue, cbNewValueSize,
	    (void **)ppszOutValue, pcbOutValueSize));
}

DWORD ResUtilSetDwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, DWORD dwNewValue, LPDWORD pdwOutValue)
{
	int r = set(hkeyClusterKey, pszValueName, PROP_REG_DWORD, &dwNewValue, sizeof(dwNewValue), NULL, NULL);

	if (r == 0 && pdwOutValue != NULL)
		*pdwOutValue = dwNewValue;
	return error_to_win32(r);
}

DWORD ResUtilSetQwordValue(HKEY hkeyClusterKey, LPCWSTR pszValueName, ULONGLONG qwNewValue, PULONGLONG pqwOutValue)
{
	int r = set(hkeyClusterKey, pszValueName, PROP_REG_QWORD, &qwNewValue, sizeof(qwNewValue), NULL, NULL);

	if (r == 0 && pqwOutValue != NULL)
		*pqwOutValue = qwNewValue;
	return error_to_win32(r);
}

DWORD ResUtilSetValueEx(
    HKEY hkeyClusterKey, LPCWSTR valueName, DWORD valueType, const LPBYTE valueData, DWORD valueSize, DWORD flags)
{
	if (flags != 0)
		return ERROR_INVALID_PARAMETER;
	return error_to_win32(set(hkeyClusterKey, valueName, valueType, valueData, valueSize, NULL, NULL));
}
