/* regfake: see regfake.h.  No memory is allocated: what is tested may be counted.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/regfake.h"
#include "base/utf16.h"

enum { VALUES = 64, NAME_UNITS = 128, DATA_SIZE = 4096, KEYS = 8 };

static struct {
	size_t key; /* 0: the root. */
	char16_t name[NAME_UNITS];
	DWORD type;
	size_t len;
	uint8_t data[DATA_SIZE];
} values[VALUES];
static size_t value_count, key_count = 1;
static char16_t keys[KEYS][NAME_UNITS];
static DWORD failure;
size_t regfake_writes, regfake_open;

static void copy_name(char16_t *to, const char16_t *from)
{
	size_t len = u16_from_z(from).len;

	CHECK(len < NAME_UNITS);
	memcpy(to, from, (len + 1) * sizeof(*to));
}

static size_t find_key(const char16_t *name, bool make)
{
	for (size_t i = 0; i < key_count; i++)
		if (u16_equal(u16_from_z(keys[i]), u16_from_z(name)))
			return i;
	if (!make)
		return SIZE_MAX;
	CHECK(key_count < KEYS);
	copy_name(keys[key_count], name);
	return key_count++;
}

static size_t find_value(size_t key, const char16_t *name)
{
	for (size_t i = 0; i < value_count; i++)
		if (values[i].key == key && u16_equal(u16_from_z(values[i].name), u16_from_z(name)))
			return i;
	return SIZE_MAX;
}

void regfake_clear(void)
{
	value_count = 0;
	key_count = 1;
	failure = 0;
	regfake_writes = regfake_open = 0;
}

static void store(size_t key, const char16_t *name, DWORD type, const void *data, size_t len)
{
	size_t at = find_value(key, name);

	if (at == SIZE_MAX) {
		CHECK(value_count < VALUES);
		at = value_count++;
	}
	CHECK(len <= DATA_SIZE);
	values[at].key = key;
	copy_name(values[at].name, name);
	values[at].type = type;
	values[at].len = len;
	if (len > 0)
		memcpy(values[at].data, data, len);
}

void regfake_set(const char16_t *key, const char16_t *name, DWORD type, const void *data, size_t len)
{
	store(find_key(key, true), name, type, data, len);
}

const void *regfake_get(const char16_t *key, const char16_t *name, DWORD *ret_type, size_t *ret_len)
{
	size_t k = find_key(key, false), at = k != SIZE_MAX ? find_value(k, name) : SIZE_MAX;

	if (at == SIZE_MAX)
		return NULL;
	*ret_type = values[at].type;
	*ret_len = values[at].len;
	return values[at].data;
}

size_t regfake_count(void)
{
	return value_count;
}

void regfake_fail(DWORD code)
{
	failure = code;
}

/* The calls. */

static size_t key_of(HKEY key)
{
	size_t number = (size_t)(uintptr_t)key - 1;

	CHECK(number < key_count);
	return number;
}

static LONG take_out(size_t at, LPDWORD type, LPBYTE data, LPDWORD size)
{
	DWORD room = *size;

	*size = (DWORD)values[at].len;
	if (type != NULL)
		*type = values[at].type;
	if (data != NULL && room < values[at].len)
		return ERROR_MORE_DATA;
	if (data != NULL && values[at].len > 0)
		memcpy(data, values[at].data, values[at].len);
	return ERROR_SUCCESS;
}

LONG ClusterRegQueryValue(HKEY hKey, LPCWSTR lpszValueName, LPDWORD lpdwValueType, LPBYTE lpData, LPDWORD lpcbData)
{
	size_t at = find_value(key_of(hKey), (const char16_t *)lpszValueName);

	if (failure != 0)
		return (LONG)failure;
	return at == SIZE_MAX ? ERROR_FILE_NOT_FOUND : take_out(at, lpdwValueType, lpData, lpcbData);
}

DWORD ClusterRegEnumValue(HKEY hKey, DWORD dwIndex, LPWSTR lpszValueName, LPDWORD lpcchValueName, LPDWORD lpdwType,
    LPBYTE lpData, LPDWORD lpcbData)
{
	size_t key = key_of(hKey), at = 0;

	if (failure != 0)
		return failure;
	for (DWORD i = 0; at < value_count; at++)
		if (values[at].key == key && i++ == dwIndex)
			break;
	if (at == value_count)
		return ERROR_NO_MORE_ITEMS;
	CHECK(*lpcchValueName >= NAME_UNITS);
	copy_name((char16_t *)lpszValueName, values[at].name);
	*lpcchValueName = (DWORD)u16_from_z(values[at].name).len;
	return (DWORD)take_out(at, lpdwType, lpData, lpcbData);
}

DWORD ClusterRegSetValue(HKEY hKey, LPCWSTR lpszValueName, DWORD dwType, const BYTE *lpData, DWORD cbData)
{
	if (failure != 0)
		return failure;
	regfake_writes++;
	store(key_of(hKey), (const char16_t *)lpszValueName, dwType, lpData, cbData);
	return ERROR_SUCCESS;
}

DWORD ClusterRegDeleteValue(HKEY hKey, LPCWSTR lpszValueName)
{
	size_t at = find_value(key_of(hKey), (const char16_t *)lpszValueName);

	if (failure != 0)
		return failure;
	if (at == SIZE_MAX)
		return ERROR_FILE_NOT_FOUND;
	regfake_writes++;
	values[at] = values[--value_count];
	return ERROR_SUCCESS;
}

LONG ClusterRegOpenKey(HKEY hKey, LPCWSTR lpszSubKey, REGSAM samDesired, PHKEY phkResult)
{
	size_t key = find_key((const char16_t *)lpszSubKey, false);

	(void)samDesired;
	CHECK(hKey == REGFAKE_ROOT);
	if (failure != 0 || key == SIZE_MAX)
		return failure != 0 ? (LONG)failure : ERROR_FILE_NOT_FOUND;
	regfake_open++;
	*phkResult = (HKEY)(uintptr_t)(key + 1);
	return ERROR_SUCCESS;
}

LONG ClusterRegCreateKey(HKEY hKey, LPCWSTR lpszSubKey, DWORD dwOptions, REGSAM samDesired,
    LPSECURITY_ATTRIBUTES lpSecurityAttributes, PHKEY phkResult, LPDWORD lpdwDisposition)
{
	(void)dwOptions;
	(void)lpSecurityAttributes;
	(void)lpdwDisposition;
	if (failure == 0)
		(void)find_key((const char16_t *)lpszSubKey, true);
	return ClusterRegOpenKey(hKey, lpszSubKey, samDesired, phkResult);
}

LONG ClusterRegCloseKey(HKEY hKey)
{
	(void)key_of(hKey);
	CHECK(regfake_open > 0);
	regfake_open--;
	return ERROR_SUCCESS;
}
