/* resource: resources and their types: make, rename, delete; online, offline, fail; dependencies, owners, groups.
 *
 * How      as group.c: a request is answered when it has come true or after a second (997).
 * Threads  all functions.        Tests  tests/integration/objects.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"

/* Make, rename, delete. */

HRESOURCE CreateClusterResource(HGROUP hGroup, LPCWSTR lpszResourceName, LPCWSTR lpszResourceType, DWORD dwFlags)
{
	_cleanup_named_ struct named *group = NULL, *n = NULL;
	struct clusapi_CreateResource_in in = {
		.resource_name = units(lpszResourceName), .resource_type = units(lpszResourceType), .flags = dwFlags
	};
	struct clusapi_CreateResource_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	void *handle;
	int r = named_get(hGroup, OBJECT_GROUP, &group);

	if (r == 0 && (lpszResourceName == NULL || lpszResourceType == NULL))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = named_new(group->cluster, OBJECT_RESOURCE, GENERIC_ALL, &n);
	if (r == 0)
		r = remote_call(&group->remote, CLUSAPI_CREATE_RESOURCE, &in, &out, &arena);
	if (r == 0)
		r = named_opened(n, &out.handle, &handle);
	return r < 0 ? return_null(r) : handle;
}

DEFINE_REQUEST(DeleteClusterResource, HRESOURCE, OBJECT_RESOURCE, DELETE_RESOURCE)

DWORD SetClusterResourceName(HRESOURCE hResource, LPCWSTR lpszResourceName)
{
	return named_rename(hResource, OBJECT_RESOURCE, CLUSAPI_SET_RESOURCE_NAME, lpszResourceName);
}

/* State. */

static int put_optional(const char16_t *name, LPWSTR buffer, LPDWORD count)
{
	return buffer != NULL || count != NULL ? put_name(name, buffer, count) : 0;
}

CLUSTER_RESOURCE_STATE GetClusterResourceState(
    HRESOURCE hResource, LPWSTR lpszNodeName, LPDWORD lpcchNodeName, LPWSTR lpszGroupName, LPDWORD lpcchGroupName)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_GetResourceState_in in;
	struct clusapi_GetResourceState_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(hResource, OBJECT_RESOURCE, &n);

	if (r == 0)
		r = remote_call(&n->remote, CLUSAPI_GET_RESOURCE_STATE, &in, &out, &arena);
	if (r == 0) {
		int group = put_optional(out.group_name, lpszGroupName, lpcchGroupName);

		r = put_optional(out.node_name, lpszNodeName, lpcchNodeName);
		r = r < 0 ? r : group;
	}
	(void)return_code(r);
	return r < 0 ? ClusterResourceStateUnknown : (CLUSTER_RESOURCE_STATE)out.state;
}

DEFINE_REQUEST(FailClusterResource, HRESOURCE, OBJECT_RESOURCE, FAIL_RESOURCE)
DEFINE_REQUEST(OnlineClusterResource, HRESOURCE, OBJECT_RESOURCE, ONLINE_RESOURCE)
DEFINE_REQUEST(OfflineClusterResource, HRESOURCE, OBJECT_RESOURCE, OFFLINE_RESOURCE)

DWORD OnlineClusterResourceEx(HRESOURCE hResource, DWORD dwOnlineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize)
{
	return named_request_ex(
	    hResource, OBJECT_RESOURCE, CLUSAPI_ONLINE_RESOURCE_EX, dwOnlineFlags, lpInBuffer, cbInBufferSize);
}

DWORD OfflineClusterResourceEx(HRESOURCE hResource, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize)
{
	return named_request_ex(
	    hResource, OBJECT_RESOURCE, CLUSAPI_OFFLINE_RESOURCE_EX, dwOfflineFlags, lpInBuffer, cbInBufferSize);
}

DWORD RestartClusterResource(HRESOURCE hResource, DWORD dwFlags)
{
	struct clusapi_RestartResource_in in = { .flags = dwFlags };

	return named_request(hResource, OBJECT_RESOURCE, CLUSAPI_RESTART_RESOURCE, &in);
}

/* Where it is, and what it needs.  All of these methods take the resource, another handle, and nothing else. */

#define DEFINE_PAIR(Function, SECOND, second_kind, METHOD)                                                             \
	DWORD Function(HRESOURCE hResource, SECOND second)                                                             \
	{                                                                                                              \
		struct ndr_handle in[2];                                                                               \
                                                                                                                       \
		return named_request2(hResource, OBJECT_RESOURCE, second, second_kind, CLUSAPI_##METHOD, in);          \
	}

DEFINE_PAIR(ChangeClusterResourceGroup, HGROUP, OBJECT_GROUP, CHANGE_RESOURCE_GROUP)
DEFINE_PAIR(AddClusterResourceNode, HNODE, OBJECT_NODE, ADD_RESOURCE_NODE)
DEFINE_PAIR(RemoveClusterResourceNode, HNODE, OBJECT_NODE, REMOVE_RESOURCE_NODE)
DEFINE_PAIR(AddClusterResourceDependency, HRESOURCE, OBJECT_RESOURCE, ADD_RESOURCE_DEPENDENCY)
DEFINE_PAIR(RemoveClusterResourceDependency, HRESOURCE, OBJECT_RESOURCE, REMOVE_RESOURCE_DEPENDENCY)

DWORD ChangeClusterResourceGroupEx(HRESOURCE hResource, HGROUP hGroup, ULONGLONG Flags)
{
	struct clusapi_ChangeResourceGroupEx_in in = { .flags = Flags };

	return named_request2(hResource, OBJECT_RESOURCE, hGroup, OBJECT_GROUP, CLUSAPI_CHANGE_RESOURCE_GROUP_EX, &in);
}

BOOL CanResourceBeDependent(HRESOURCE hResource, HRESOURCE hResourceDependent)
{
	struct ndr_handle in[2];

	return named_request2(hResource, OBJECT_RESOURCE, hResourceDependent, OBJECT_RESOURCE,
		   CLUSAPI_CAN_RESOURCE_BE_DEPENDENT, in) == ERROR_SUCCESS;
}

DWORD SetClusterResourceDependencyExpression(HRESOURCE hResource, LPCWSTR lpszDependencyExpression)
{
	struct clusapi_SetResourceDependencyExpression_in in = { .dependency_expression =
								     units(lpszDependencyExpression) };

	return named_request(hResource, OBJECT_RESOURCE, CLUSAPI_SET_RESOURCE_DEPENDENCY_EXPRESSION, &in);
}

/* {handle} → {text, …}. */
static int ask_text(HRESOURCE hResource, unsigned method, LPWSTR buffer, LPDWORD count)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_GetResourceNetworkName_in in;
	struct clusapi_GetResourceNetworkName_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(hResource, OBJECT_RESOURCE, &n);

	if (r == 0)
		r = remote_call(&n->remote, method, &in, &out, &arena);
	return r < 0 ? r : put_name(out.name, buffer, count);
}
static_assert(
    sizeof(struct clusapi_GetResourceNetworkName_out) == sizeof(struct clusapi_GetResourceDependencyExpression_out),
    "the methods are alike");

DWORD GetClusterResourceDependencyExpression(
    HRESOURCE hResource, LPWSTR lpszDependencyExpression, LPDWORD lpcchDependencyExpression)
{
	return return_code(ask_text(hResource, CLUSAPI_GET_RESOURCE_DEPENDENCY_EXPRESSION, lpszDependencyExpression,
	    lpcchDependencyExpression));
}

BOOL GetClusterResourceNetworkName(HRESOURCE hResource, LPWSTR lpBuffer, LPDWORD nSize)
{
	return return_bool(ask_text(hResource, CLUSAPI_GET_RESOURCE_NETWORK_NAME, lpBuffer, nSize));
}

/* Types. */

static int call_cluster(HCLUSTER hCluster, unsigned method, const void *in, void *out)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0)
		r = cluster_check(c);
	return r < 0 ? r : link_call(c->remote.link, LINK_CLUSAPI, method, in, out, &arena);
}

DWORD CreateClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, LPCWSTR lpszDisplayName,
    LPCWSTR lpszResourceTypeDll, DWORD dwLooksAlivePollInterval, DWORD dwIsAlivePollInterval)
{
	struct clusapi_CreateResourceType_in in = { units(lpszResourceTypeName), units(lpszDisplayName),
		units(lpszResourceTypeDll), dwLooksAlivePollInterval, dwIsAlivePollInterval };
	struct clusapi_CreateResourceType_out out;

	if (lpszResourceTypeName == NULL || lpszDisplayName == NULL || lpszResourceTypeDll == NULL)
		return return_code(ERR_INVALID_PARAMETER);
	return return_code(call_cluster(hCluster, CLUSAPI_CREATE_RESOURCE_TYPE, &in, &out));
}

DWORD DeleteClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName)
{
	struct clusapi_DeleteResourceType_in in = { units(lpszResourceTypeName) };
	struct clusapi_DeleteResourceType_out out;

	if (lpszResourceTypeName == NULL)
		return return_code(ERR_INVALID_PARAMETER);
	return return_code(call_cluster(hCluster, CLUSAPI_DELETE_RESOURCE_TYPE, &in, &out));
}

HKEY GetClusterResourceTypeKey(HCLUSTER hCluster, LPCWSTR lpszTypeName, REGSAM samDesired)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	HKEY key;
	int r = lpszTypeName == NULL ? ERR_INVALID_PARAMETER : cluster_get(hCluster, &c);

	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = key_open_object(
		    c->remote.link, U16("ResourceTypes"), u16_from_z(units(lpszTypeName)), samDesired, &key);
	if (r == ERR_FILE_NOT_FOUND)
		r = ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND;
	return r < 0 ? return_null(r) : key;
}

DWORD SetClusterQuorumResource(HRESOURCE hResource, LPCWSTR lpszDeviceName, DWORD dwMaxQuoLogSize)
{
	struct clusapi_SetQuorumResource_in in = { .device_name = lpszDeviceName != NULL ? units(lpszDeviceName) : u"",
		.max_quorum_log_size = dwMaxQuoLogSize };

	return named_request(hResource, OBJECT_RESOURCE, CLUSAPI_SET_QUORUM_RESOURCE, &in);
}
