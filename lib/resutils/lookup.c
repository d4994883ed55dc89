/* lookup: what a handle stands for: the same, of which type, class, group.
 *
 * How      with the control codes GET_ID, GET_RESOURCE_TYPE, GET_CLASS_INFO, GET_RO_COMMON_PROPERTIES.
 * Threads  all functions.     Tests  tests/integration/resutils.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/guid.h"
#include "lib/resutils/item.h"

enum { TEXT_UNITS = 320 }; /* A name, or a GUID in braces. */

struct text {
	WCHAR units[TEXT_UNITS];
};

static int ask_resource(HRESOURCE resource, DWORD code, void *out, DWORD size)
{
	return from_code(ClusterResourceControl(resource, NULL, code, NULL, 0, out, size, NULL));
}

static int ask_group(HGROUP group, DWORD code, void *out, DWORD size)
{
	return from_code(ClusterGroupControl(group, NULL, code, NULL, 0, out, size, NULL));
}

static bool same(const struct text *a, const struct text *b)
{
	return u16_equal(text_of(a->units), text_of(b->units));
}

static BOOL answer(int r, bool yes)
{
	if (r < 0)
		SetLastError(error_to_win32(r));
	return r == 0 && yes;
}

BOOL ResUtilResourcesEqual(HRESOURCE hSelf, HRESOURCE hResource)
{
	struct text a, b;
	int r = ask_resource(hSelf, CLUSCTL_RESOURCE_GET_ID, &a, sizeof(a));

	if (r == 0)
		r = ask_resource(hResource, CLUSCTL_RESOURCE_GET_ID, &b, sizeof(b));
	return answer(r, r == 0 && same(&a, &b));
}

BOOL ResUtilResourceTypesEqual(LPCWSTR lpszResourceTypeName, HRESOURCE hResource)
{
	struct text type;
	int r = lpszResourceTypeName == NULL
		    ? ERR_INVALID_PARAMETER
		    : ask_resource(hResource, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE, &type, sizeof(type));

	return answer(r, r == 0 && u16_equal(text_of(type.units), text_of(lpszResourceTypeName)));
}

/* A subclass that is asked for must be there, with all of its bits. */
BOOL ResUtilIsResourceClassEqual(PCLUS_RESOURCE_CLASS_INFO prci, HRESOURCE hResource)
{
	DWORD info[2], want[2];
	int r = prci == NULL ? ERR_INVALID_PARAMETER
			     : ask_resource(hResource, CLUSCTL_RESOURCE_GET_CLASS_INFO, info, sizeof(info));

	if (r == 0)
		memcpy(want, prci, sizeof(want));
	return answer(r, r == 0 && info[0] == want[0] && (info[1] & want[1]) == want[1]);
}

DWORD ResUtilGroupsEqual(HGROUP hSelf, HGROUP hGroup, BOOL *pEqual)
{
	struct text a, b;
	int r = pEqual == NULL ? ERR_INVALID_PARAMETER : ask_group(hSelf, CLUSCTL_GROUP_GET_ID, &a, sizeof(a));

	if (r == 0)
		r = ask_group(hGroup, CLUSCTL_GROUP_GET_ID, &b, sizeof(b));
	if (r == 0)
		*pEqual = same(&a, &b);
	return error_to_win32(r);
}

/* Copies of handles are opened by the id. */

DWORD ResUtilDupResource(HRESOURCE group, HRESOURCE *copy)
{
	HCLUSTER cluster = copy != NULL ? GetClusterFromResource(group) : NULL;
	struct text id;
	HRESOURCE new = NULL;
	DWORD r;

	if (copy == NULL)
		return ERROR_INVALID_PARAMETER;
	if (cluster == NULL)
		return GetLastError();
	r = error_to_win32(ask_resource(group, CLUSCTL_RESOURCE_GET_ID, &id, sizeof(id)));
	if (r == ERROR_SUCCESS && (new = OpenClusterResource(cluster, id.units)) == NULL)
		r = GetLastError();
	(void)CloseCluster(cluster);
	if (r == ERROR_SUCCESS)
		*copy = new;
	return r;
}

DWORD ResUtilDupGroup(HGROUP group, HGROUP *copy)
{
	HCLUSTER cluster = copy != NULL ? GetClusterFromGroup(group) : NULL;
	struct text id;
	HGROUP new = NULL;
	DWORD r;

	if (copy == NULL)
		return ERROR_INVALID_PARAMETER;
	if (cluster == NULL)
		return GetLastError();
	r = error_to_win32(ask_group(group, CLUSCTL_GROUP_GET_ID, &id, sizeof(id)));
	if (r == ERROR_SUCCESS && (new = OpenClusterGroup(cluster, id.units)) == NULL)
		r = GetLastError();
	(void)CloseCluster(cluster);
	if (r == ERROR_SUCCESS)
		*copy = new;
	return r;
}

/* Single objects. */

DWORD ResUtilGetResourceName(HRESOURCE hResource, PWSTR pszResourceName, DWORD *pcchResourceNameInOut)
{
	struct text name;
	int r = pszResourceName == NULL || pcchResourceNameInOut == NULL
		    ? ERR_INVALID_PARAMETER
		    : ask_resource(hResource, CLUSCTL_RESOURCE_GET_NAME, &name, sizeof(name));

	return error_to_win32(r == 0 ? give_name(text_of(name.units), pszResourceName, pcchResourceNameInOut) : r);
}

DWORD ResUtilGetClusterGroupType(HGROUP hGroup, CLUSGROUP_TYPE *groupType)
{
	DWORD size = 0, type = 0, r;
	void *list;

	if (groupType == NULL)
		return ERROR_INVALID_PARAMETER;
	r = ClusterGroupControl(hGroup, NULL, CLUSCTL_GROUP_GET_RO_COMMON_PROPERTIES, NULL, 0, NULL, 0, &size);
	if (r != ERROR_MORE_DATA)
		return r;
	list = LocalAlloc(LMEM_FIXED, size);
	if (list == NULL)
		return ERROR_NOT_ENOUGH_MEMORY;
	r = ClusterGroupControl(hGroup, NULL, CLUSCTL_GROUP_GET_RO_COMMON_PROPERTIES, NULL, 0, list, size, &size);
	if (r == ERROR_SUCCESS)
		r = ResUtilFindDwordProperty(list, size, (LPCWSTR)u"GroupType", &type);
	if (r == ERROR_SUCCESS)
		*groupType = (CLUSGROUP_TYPE)type;
	LocalFree(list);
	return r;
}

/* The group of the quorum resource. */
HGROUP ResUtilGetCoreGroup(HCLUSTER hCluster)
{
	struct text resource_name, device, group_name;
	DWORD resource_count = TEXT_UNITS, device_count = TEXT_UNITS, group_count = TEXT_UNITS, log_size;
	DWORD r = GetClusterQuorumResource(
	    hCluster, resource_name.units, &resource_count, device.units, &device_count, &log_size);
	HRESOURCE resource = r == ERROR_SUCCESS ? OpenClusterResource(hCluster, resource_name.units) : NULL;
	CLUSTER_RESOURCE_STATE state;

	if (r != ERROR_SUCCESS)
		SetLastError(r);
	if (resource == NULL)
		return NULL;
	state = GetClusterResourceState(resource, NULL, NULL, group_name.units, &group_count);
	(void)CloseClusterResource(resource);
	return state == ClusterResourceStateUnknown ? NULL : OpenClusterGroup(hCluster, group_name.units);
}

DWORD ResUtilGetClusterId(HCLUSTER hCluster, GUID *guid)
{
	HKEY key = guid != NULL ? GetClusterKey(hCluster, KEY_READ) : NULL;
	struct guid id;
	LPWSTR text;
	DWORD r = ERROR_SUCCESS;

	if (guid == NULL)
		return ERROR_INVALID_PARAMETER;
	if (key == NULL)
		return GetLastError();
	text = ResUtilGetSzValue(key, (LPCWSTR)u"ClusterInstanceID");
	if (text == NULL)
		r = GetLastError();
	else if (!guid_parse(text_of(text), &id))
		r = ERROR_INVALID_DATA;
	else
		memcpy(guid, id.bytes, sizeof(*guid));
	LocalFree(text);
	(void)ClusterRegCloseKey(key);
	return r;
}
