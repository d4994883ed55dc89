/* key: the cluster registry: keys, values, security.
 *
 * How      a key handle of the program stands for a path below the root; the context handle on the server is opened by
 *          that path, and again after a lost connection, so a key that has been deleted meanwhile gives 1018.
 * Sizes    of names are in WCHARs, in with and out without the terminator; of data in bytes.  What does not fit is
 *          ERROR_MORE_DATA (234) with the size that is needed.
 * Threads  all functions.        Tests  tests/integration/library.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/key.h"
#include "include/rueda.h"
#include "wire/clusapi.h"
#include <string.h>

static void key_destroy(struct object *o)
{
	struct key *k = container_of(o, struct key, object);

	remote_done(&k->remote);
	free(k);
}

/* From the root, always: then one way serves opening and opening again. */
static int key_open(struct remote *r, struct ndr_handle *ret)
{
	struct key *k = container_of(r, struct key, remote);
	struct clusapi_GetRootKey_in root_in = { k->path_len == 0 ? k->sam : KEY_READ };
	struct clusapi_GetRootKey_out root;
	struct clusapi_OpenKey_in in = { .sub_key = k->path, .sam_desired = k->sam };
	struct clusapi_OpenKey_out out;
	struct clusapi_CloseKey_in close_in;
	struct clusapi_CloseKey_out close_out;
	_cleanup_arena_ struct arena arena = { 0 };
	int result = link_call(r->link, r->interface, CLUSAPI_GET_ROOT_KEY, &root_in, &root, &arena);

	if (result < 0 || k->path_len == 0) {
		if (result == 0)
			*ret = root.handle;
		return result;
	}
	in.key = root.handle;
	result = link_call(r->link, r->interface, CLUSAPI_OPEN_KEY, &in, &out, &arena);
	close_in.key = root.handle;
	(void)link_call(r->link, r->interface, CLUSAPI_CLOSE_KEY, &close_in, &close_out, &arena);
	if (result == 0)
		*ret = out.handle;
	else if (result == ERR_FILE_NOT_FOUND && k->was_open)
		result = ERR_KEY_DELETED;
	return result;
}

/* base\path as a new object; not opened yet. */
static int key_new(
    struct link *l, enum link_interface interface, struct u16 base, struct u16 path, REGSAM sam, struct key **ret)
{
	bool both = base.len > 0 && path.len > 0;
	size_t len = base.len + both + path.len;
	struct key *k = calloc(1, sizeof(*k) + (len + 1) * sizeof(char16_t));

	if (k == NULL)
		return -ENOMEM;
	object_init(&k->object, OBJECT_KEY, key_destroy);
	remote_init(&k->remote, l, key_open, CLUSAPI_CLOSE_KEY);
	k->remote.interface = interface;
	k->sam = sam;
	k->path_len = len;
	if (base.len > 0)
		memcpy(k->path, base.units, base.len * sizeof(char16_t));
	if (both)
		k->path[base.len] = '\\';
	if (path.len > 0)
		memcpy(k->path + base.len + both, path.units, path.len * sizeof(char16_t));
	*ret = k;
	return 0;
}

static int key_open_below(
    struct link *l, enum link_interface interface, struct u16 base, struct u16 path, REGSAM sam, HKEY *ret)
{
	_cleanup_key_ struct key *k = NULL;
	int r = key_new(l, interface, base, path, sam, &k);

	if (r == 0)
		r = remote_open(&k->remote);
	if (r == 0) {
		k->was_open = true;
		r = handle_open(&k->object, (void **)ret);
	}
	return r;
}

int key_open_path(struct link *l, const char16_t *path, REGSAM sam, HKEY *ret)
{
	return key_open_below(l, LINK_CLUSAPI, (struct u16){ 0 }, u16_from_z(path), sam, ret);
}

int key_open_object(struct link *l, struct u16 container, struct u16 id, REGSAM sam, HKEY *ret)
{
	return key_open_below(l, LINK_CLUSAPI, container, id, sam, ret);
}

int key_get(HKEY handle, struct key **ret)
{
	struct object *o;
	int r = handle_get(handle, OBJECT_KEY, &o);

	if (r == 0)
		*ret = container_of(o, struct key, object);
	return r;
}

/* Is the key still there, and the handle good on the server? */
static int key_check(struct key *k)
{
	struct clusapi_QueryInfoKey_in in;
	struct clusapi_QueryInfoKey_out out;
	_cleanup_arena_ struct arena arena = { 0 };

	return remote_call(&k->remote, CLUSAPI_QUERY_INFO_KEY, &in, &out, &arena);
}

HKEY GetClusterKey(HCLUSTER hCluster, REGSAM samDesired)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	HKEY key;
	int r = cluster_get(hCluster, &c);

	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = key_open_path(c->remote.link, u"", samDesired, &key);
	return r < 0 ? return_null(r) : key;
}

HKEY RuedaGetLocalKey(REGSAM samDesired)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	HKEY key;
	int r = link_open(&l);

	if (r == 0)
		r = key_open_below(l, LINK_LOCAL, (struct u16){ 0 }, (struct u16){ 0 }, samDesired, &key);
	return r < 0 ? return_null(r) : key;
}

/* Keys. */

LONG ClusterRegCreateKey(HKEY hKey, LPCWSTR lpszSubKey, DWORD dwOptions, REGSAM samDesired,
    LPSECURITY_ATTRIBUTES lpSecurityAttributes, PHKEY phkResult, LPDWORD lpdwDisposition)
{
	_cleanup_key_ struct key *k = NULL, *new = NULL;
	struct clusapi_CreateKey_in in = { .sub_key = units(lpszSubKey), .options = dwOptions, .sam_desired = samDesired };
	struct clusapi_CreateKey_out out;
	struct clusapi_CloseKey_in close_in;
	struct clusapi_CloseKey_out close_out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	(void)lpSecurityAttributes; /* Documented to be ignored. */
	if (r == 0 && (lpszSubKey == NULL || phkResult == NULL))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = key_new(k->remote.link, k->remote.interface, (struct u16){ k->path, k->path_len },
		    u16_from_z(units(lpszSubKey)), samDesired, &new);
	if (r == 0)
		r = remote_call(&k->remote, CLUSAPI_CREATE_KEY, &in, &out, &arena);
	if (r < 0)
		return (LONG)return_code(r);
	/* The handle that came along has no place for its epoch; the key is opened in its own. */
	close_in.key = out.handle;
	(void)link_call(k->remote.link, k->remote.interface, CLUSAPI_CLOSE_KEY, &close_in, &close_out, &arena);
	r = remote_open(&new->remote);
	if (r == 0) {
		new->was_open = true;
		r = handle_open(&new->object, (void **)phkResult);
	}
	if (r == 0 && lpdwDisposition != NULL)
		*lpdwDisposition = out.disposition;
	return (LONG)return_code(r);
}

LONG ClusterRegOpenKey(HKEY hKey, LPCWSTR lpszSubKey, REGSAM samDesired, PHKEY phkResult)
{
	_cleanup_key_ struct key *k = NULL;
	int r = key_get(hKey, &k);

	if (r == 0 && (lpszSubKey == NULL || phkResult == NULL || lpszSubKey[0] == '\\'))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = key_check(k);
	if (r == 0)
		r = key_open_below(k->remote.link, k->remote.interface, (struct u16){ k->path, k->path_len },
		    u16_from_z(units(lpszSubKey)), samDesired, phkResult);
	return (LONG)return_code(r);
}

LONG ClusterRegDeleteKey(HKEY hKey, LPCWSTR lpszSubKey)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_DeleteKey_in in = { .sub_key = units(lpszSubKey) };
	struct clusapi_DeleteKey_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	if (r == 0 && (lpszSubKey == NULL || lpszSubKey[0] == 0))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = remote_call(&k->remote, CLUSAPI_DELETE_KEY, &in, &out, &arena);
	return (LONG)return_code(r);
}

LONG ClusterRegCloseKey(HKEY hKey)
{
	_cleanup_object_ struct object *o = NULL;

	return (LONG)return_code(handle_take(hKey, OBJECT_KEY, &o));
}

static void put_time(uint64_t filetime, PFILETIME ret)
{
	if (ret != NULL)
		*ret = (FILETIME){ (DWORD)filetime, (DWORD)(filetime >> 32) };
}

LONG ClusterRegEnumKey(HKEY hKey, DWORD dwIndex, LPWSTR lpszName, LPDWORD lpcchName, PFILETIME lpftLastWriteTime)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_EnumKey_in in = { .index = dwIndex };
	struct clusapi_EnumKey_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	if (r == 0 && lpcchName == NULL)
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = remote_call(&k->remote, CLUSAPI_ENUM_KEY, &in, &out, &arena);
	if (r == 0)
		r = put_name(out.key_name, lpszName, lpcchName);
	if (r == 0)
		put_time(out.last_write_time, lpftLastWriteTime);
	return (LONG)return_code(r);
}

static void put_number(DWORD number, LPDWORD ret)
{
	if (ret != NULL)
		*ret = number;
}

LONG ClusterRegQueryInfoKey(HKEY hKey, LPDWORD lpcSubKeys, LPDWORD lpcchMaxSubKeyLen, LPDWORD lpcValues,
    LPDWORD lpcchMaxValueNameLen, LPDWORD lpcbMaxValueLen, LPDWORD lpcbSecurityDescriptor, PFILETIME lpftLastWriteTime)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_QueryInfoKey_in in;
	struct clusapi_QueryInfoKey_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	if (r == 0)
		r = remote_call(&k->remote, CLUSAPI_QUERY_INFO_KEY, &in, &out, &arena);
	if (r < 0)
		return (LONG)return_code(r);
	put_number(out.sub_key_count, lpcSubKeys);
	put_number(out.max_sub_key_len, lpcchMaxSubKeyLen);
	put_number(out.value_count, lpcValues);
	put_number(out.max_value_name_len, lpcchMaxValueNameLen);
	put_number(out.max_value_len, lpcbMaxValueLen);
	put_number(out.security_descriptor_size, lpcbSecurityDescriptor);
	put_time(out.last_write_time, lpftLastWriteTime);
	return 0;
}

/* Values. */

DWORD ClusterRegSetValue(HKEY hKey, LPCWSTR lpszValueName, DWORD dwType, const BYTE *lpData, DWORD cbData)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_SetValue_in in = {
		.value_name = lpszValueName != NULL ? units(lpszValueName) : u"", .type = dwType, .data = lpData,
		.data_size = cbData
	};
	struct clusapi_SetValue_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	if (r == 0 && lpData == NULL && cbData > 0)
		r = ERR_INVALID_PARAMETER;
	if (in.data == NULL)
		in.data = (const uint8_t *)"";
	if (r == 0)
		r = remote_call(&k->remote, CLUSAPI_SET_VALUE, &in, &out, &arena);
	return return_code(r);
}

DWORD ClusterRegDeleteValue(HKEY hKey, LPCWSTR lpszValueName)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_DeleteValue_in in = { .value_name = lpszValueName != NULL ? units(lpszValueName) : u"" };
	struct clusapi_DeleteValue_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	if (r == 0)
		r = remote_call(&k->remote, CLUSAPI_DELETE_VALUE, &in, &out, &arena);
	return return_code(r);
}

LONG ClusterRegQueryValue(HKEY hKey, LPCWSTR lpszValueName, LPDWORD lpdwValueType, LPBYTE lpData, LPDWORD lpcbData)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_QueryValue_in in = { .value_name = lpszValueName != NULL ? units(lpszValueName) : u"" };
	struct clusapi_QueryValue_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	if (r == 0 && lpData != NULL && lpcbData == NULL)
		r = ERR_INVALID_PARAMETER;
	if (r == 0) {
		in.data_size = lpData != NULL ? MIN(*lpcbData, (DWORD)(4 << 20)) : 0;
		r = remote_call(&k->remote, CLUSAPI_QUERY_VALUE, &in, &out, &arena);
	}
	if (r != 0 && r != ERR_MORE_DATA)
		return (LONG)return_code(r);
	put_number(out.value_type, lpdwValueType);
	if (r == 0 && lpData != NULL && out.required > 0)
		memcpy(lpData, out.data, out.required);
	put_number(out.required, lpcbData);
	if (lpData == NULL)
		r = 0; /* It was only asked how large it is. */
	return (LONG)return_code(r);
}

DWORD ClusterRegEnumValue(HKEY hKey, DWORD dwIndex, LPWSTR lpszValueName, LPDWORD lpcchValueName, LPDWORD lpdwType,
    LPBYTE lpData, LPDWORD lpcbData)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_EnumValue_in in = { .index = dwIndex };
	struct clusapi_EnumValue_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	DWORD capacity;
	int r = key_get(hKey, &k);

	if (r == 0 && (lpcchValueName == NULL || (lpData != NULL && lpcbData == NULL)))
		r = ERR_INVALID_PARAMETER;
	if (r < 0)
		return return_code(r);
	capacity = lpData != NULL ? *lpcbData : 0;
	in.data_size = MIN(capacity, (DWORD)(4 << 20));
	r = remote_call(&k->remote, CLUSAPI_ENUM_VALUE, &in, &out, &arena);
	if (r != 0 && r != ERR_MORE_DATA)
		return return_code(r);
	put_number(out.type, lpdwType);
	put_number(out.total_size, lpcbData);
	if (lpData == NULL)
		r = 0;
	else if (r == 0 && out.data_size > 0)
		memcpy(lpData, out.data, out.data_size);
	if (put_name(out.value_name, lpszValueName, lpcchValueName) < 0)
		r = ERR_MORE_DATA;
	return return_code(r);
}

/* Security. */

LONG ClusterRegGetKeySecurity(HKEY hKey, SECURITY_INFORMATION RequestedInformation,
    PSECURITY_DESCRIPTOR pSecurityDescriptor, LPDWORD lpcbSecurityDescriptor)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_GetKeySecurity_in in = { .security_information = RequestedInformation };
	struct clusapi_GetKeySecurity_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = key_get(hKey, &k);

	if (r == 0 && lpcbSecurityDescriptor == NULL)
		r = ERR_INVALID_PARAMETER;
	if (r < 0)
		return (LONG)return_code(r);
	in.security_descriptor.size = pSecurityDescriptor != NULL ? *lpcbSecurityDescriptor : 0;
	r = remote_call(&k->remote, CLUSAPI_GET_KEY_SECURITY, &in, &out, &arena);
	if (r == ERR_INSUFFICIENT_BUFFER)
		*lpcbSecurityDescriptor = out.security_descriptor.size;
	if (r == 0) {
		if (pSecurityDescriptor != NULL && out.security_descriptor.length > 0)
			memcpy(pSecurityDescriptor, out.security_descriptor.data, out.security_descriptor.length);
		*lpcbSecurityDescriptor = out.security_descriptor.length;
	}
	return (LONG)return_code(r);
}

/* The length of a self-relative descriptor is nowhere in it: its parts say. */
static int descriptor_length(const uint8_t *sd, DWORD *ret)
{
	uint32_t end = 20;

	for (size_t field = 4; field <= 16; field += 4) {
		uint32_t at = get_le32(sd + field), len;

		if (at == 0)
			continue;
		if (at < 20 || at > 65535)
			return ERR_INVALID_PARAMETER;
		len = field <= 8 ? 8 + 4u * sd[at + 1] : get_le16(sd + at + 2);
		end = MAX(end, at + len);
	}
	*ret = end;
	return end <= 65535 ? 0 : ERR_INVALID_PARAMETER;
}

LONG ClusterRegSetKeySecurity(
    HKEY hKey, SECURITY_INFORMATION SecurityInformation, PSECURITY_DESCRIPTOR pSecurityDescriptor)
{
	_cleanup_key_ struct key *k = NULL;
	struct clusapi_SetKeySecurity_in in = { .security_information = SecurityInformation };
	struct clusapi_SetKeySecurity_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	DWORD len;
	int r = key_get(hKey, &k);

	if (r == 0)
		r = pSecurityDescriptor == NULL ? ERR_INVALID_PARAMETER : descriptor_length(pSecurityDescriptor, &len);
	if (r == 0) {
		in.security_descriptor.data = pSecurityDescriptor;
		in.security_descriptor.size = in.security_descriptor.length = len;
		r = remote_call(&k->remote, CLUSAPI_SET_KEY_SECURITY, &in, &out, &arena);
	}
	return (LONG)return_code(r);
}

LONG ClusterRegSyncDatabase(HCLUSTER hCluster, DWORD flags)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	int r = cluster_get(hCluster, &c);

	/* Every call is answered only when its change is durable: there is nothing left to bring in line. */
	if (r == 0 && flags != 0)
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	return (LONG)return_code(r);
}
