/* object: nodes, groups, resources, networks and network interfaces, as far as configuration needs them.
 *
 * How      a handle stands for an id; the context handle on the server is opened by that id, so it follows renames and
 *          finds the object again after a lost connection; an object that has been deleted gives its own error.
 *          What is the same for each kind is written once, with a table of method numbers; the exported functions differ
 *          only in types.
 * Threads  all functions.        Tests  tests/integration/library.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"
#include "wire/clusapi.h"
#include <string.h>

/* The generated structures of these methods are alike for each kind: the Ex opens {name, access} → {granted, status,
 * rpc_status, handle}; the ids {handle} → {text, …}. */
static const struct {
	unsigned open_ex, close, get_id;
	struct u16 container;
} kinds[] = {
	[OBJECT_NODE] = { CLUSAPI_OPEN_NODE_EX, CLUSAPI_CLOSE_NODE, CLUSAPI_GET_NODE_ID, U16("Nodes") },
	[OBJECT_GROUP] = { CLUSAPI_OPEN_GROUP_EX, CLUSAPI_CLOSE_GROUP, CLUSAPI_GET_GROUP_ID, U16("Groups") },
	[OBJECT_RESOURCE] = { CLUSAPI_OPEN_RESOURCE_EX, CLUSAPI_CLOSE_RESOURCE, CLUSAPI_GET_RESOURCE_ID,
	    U16("Resources") },
	[OBJECT_NETWORK] = { CLUSAPI_OPEN_NETWORK_EX, CLUSAPI_CLOSE_NETWORK, CLUSAPI_GET_NETWORK_ID, U16("Networks") },
	[OBJECT_NETINTERFACE] = { CLUSAPI_OPEN_NET_INTERFACE_EX, CLUSAPI_CLOSE_NET_INTERFACE, CLUSAPI_GET_NET_INTERFACE_ID,
	    U16("NetworkInterfaces") },
};
static_assert(sizeof(struct clusapi_OpenNodeEx_in) == sizeof(struct clusapi_OpenGroupEx_in) &&
                  offsetof(struct clusapi_OpenNodeEx_out, handle) == offsetof(struct clusapi_OpenResourceEx_out, handle) &&
                  sizeof(struct clusapi_GetNodeId_out) == sizeof(struct clusapi_GetResourceId_out),
    "the methods of the kinds are alike");

static void named_destroy(struct object *o)
{
	struct named *n = container_of(o, struct named, object);

	remote_done(&n->remote);
	cluster_put(&n->cluster);
	free(n);
}

static int named_open_remote(struct remote *r, struct ndr_handle *ret)
{
	struct named *n = container_of(r, struct named, remote);
	struct clusapi_OpenGroupEx_in in = { n->id, n->access };
	struct clusapi_OpenGroupEx_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int result = link_call(r->link, LINK_CLUSAPI, kinds[n->object.kind].open_ex, &in, &out, &arena);

	if (result == 0) {
		*ret = out.handle;
		n->access = out.granted_access;
	}
	return result;
}

int named_get(const void *handle, enum object_kind kind, struct named **ret)
{
	struct object *o;
	int r = handle_get(handle, kind, &o);

	if (r == 0)
		*ret = container_of(o, struct named, object);
	return r;
}

/* From now on by id. */
static int named_learn_id(struct named *n)
{
	struct clusapi_GetGroupId_in in;
	struct clusapi_GetGroupId_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	DWORD capacity = ARRAY_SIZE(n->id);
	int r = remote_call(&n->remote, kinds[n->object.kind].get_id, &in, &out, &arena);

	return r < 0 ? r : put_name(out.id, (LPWSTR)n->id, &capacity);
}

static int named_open(HCLUSTER hCluster, enum object_kind kind, LPCWSTR name, DWORD access, DWORD *ret_granted, void **ret)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_OpenGroupEx_in in;
	struct clusapi_OpenGroupEx_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (name == NULL || access == 0))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r < 0)
		return r;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return -ENOMEM;
	object_init(&n->object, kind, named_destroy);
	remote_init(&n->remote, c->remote.link, named_open_remote, kinds[kind].close);
	n->cluster = TAKE_PTR(c);
	n->access = access;
	/* The first time by the name, which may be longer than an id. */
	in = (struct clusapi_OpenGroupEx_in){ units(name), access };
	r = link_call(n->remote.link, LINK_CLUSAPI, kinds[kind].open_ex, &in, &out, &arena);
	if (r < 0)
		return r;
	n->access = out.granted_access;
	n->remote.handle = out.handle;
	n->remote.epoch = link_epoch(n->remote.link);
	r = named_learn_id(n);
	if (r == 0)
		r = handle_open(&n->object, ret);
	if (r == 0 && ret_granted != NULL)
		*ret_granted = n->access;
	return r;
}

static BOOL named_close(const void *handle, enum object_kind kind)
{
	_cleanup_object_ struct object *o = NULL;

	return return_bool(handle_take(handle, kind, &o));
}

static int named_id(const void *handle, enum object_kind kind, LPWSTR buffer, LPDWORD count)
{
	_cleanup_named_ struct named *n = NULL;
	int r = named_get(handle, kind, &n);

	if (r == 0)
		r = named_learn_id(n);
	return r < 0 ? r : put_name(n->id, buffer, count);
}

static int named_cluster(const void *handle, enum object_kind kind, HCLUSTER *ret)
{
	_cleanup_named_ struct named *n = NULL;
	int r = named_get(handle, kind, &n);

	return r < 0 ? r : handle_open(&n->cluster->object, (void **)ret);
}

static HKEY named_key(const void *handle, enum object_kind kind, REGSAM sam)
{
	_cleanup_named_ struct named *n = NULL;
	HKEY key;
	int r = named_get(handle, kind, &n);

	if (r == 0)
		r = named_learn_id(n);
	if (r == 0)
		r = key_open_object(n->remote.link, kinds[kind].container, u16_from_z(n->id), sam, &key);
	return r < 0 ? return_null(r) : key;
}

/* A method that takes the handle, and nothing else or a name: {handle, text?} → {rpc_status, status}. */
static DWORD named_change(const void *handle, enum object_kind kind, unsigned method, LPCWSTR text, bool has_text)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_SetGroupName_in in = { .group_name = units(text) };
	struct clusapi_SetGroupName_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = has_text && text == NULL ? ERR_INVALID_PARAMETER : named_get(handle, kind, &n);

	if (r == 0)
		r = remote_call(&n->remote, method, &in, &out, &arena);
	return return_code(r);
}

/* clang-format off */
#define DEFINE_OPENING(Name, TYPE, kind)                                                                               \
	TYPE Open##Name(HCLUSTER hCluster, LPCWSTR name)                                                               \
	{                                                                                                              \
		void *handle;                                                                                          \
		int r = named_open(hCluster, kind, name, GENERIC_ALL, NULL, &handle);                                  \
		return r < 0 ? return_null(r) : handle;                                                                \
	}                                                                                                              \
	TYPE Open##Name##Ex(HCLUSTER hCluster, LPCWSTR name, DWORD access, DWORD *granted)                             \
	{                                                                                                              \
		void *handle;                                                                                          \
		int r = named_open(hCluster, kind, name, access, granted, &handle);                                    \
		return r < 0 ? return_null(r) : handle;                                                                \
	}                                                                                                              \
	BOOL Close##Name(TYPE handle)                                                                                  \
	{                                                                                                              \
		return named_close(handle, kind);                                                                      \
	}                                                                                                              \
	HKEY Get##Name##Key(TYPE handle, REGSAM sam)                                                                   \
	{                                                                                                              \
		return named_key(handle, kind, sam);                                                                   \
	}

DEFINE_OPENING(ClusterNode, HNODE, OBJECT_NODE)
DEFINE_OPENING(ClusterGroup, HGROUP, OBJECT_GROUP)
DEFINE_OPENING(ClusterResource, HRESOURCE, OBJECT_RESOURCE)
DEFINE_OPENING(ClusterNetwork, HNETWORK, OBJECT_NETWORK)
DEFINE_OPENING(ClusterNetInterface, HNETINTERFACE, OBJECT_NETINTERFACE)

#define DEFINE_FROM(Name, TYPE, kind)                                                                                  \
	HCLUSTER GetClusterFrom##Name(TYPE handle)                                                                     \
	{                                                                                                              \
		HCLUSTER cluster;                                                                                      \
		int r = named_cluster(handle, kind, &cluster);                                                         \
		return r < 0 ? return_null(r) : cluster;                                                               \
	}

DEFINE_FROM(Node, HNODE, OBJECT_NODE)
DEFINE_FROM(Group, HGROUP, OBJECT_GROUP)
DEFINE_FROM(Resource, HRESOURCE, OBJECT_RESOURCE)
DEFINE_FROM(Network, HNETWORK, OBJECT_NETWORK)
DEFINE_FROM(NetInterface, HNETINTERFACE, OBJECT_NETINTERFACE)
/* clang-format on */

/* Nodes. */

DWORD GetClusterNodeId(HNODE hNode, LPWSTR lpszNodeId, LPDWORD lpcchName)
{
	return return_code(named_id(hNode, OBJECT_NODE, lpszNodeId, lpcchName));
}

CLUSTER_NODE_STATE GetClusterNodeState(HNODE hNode)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_GetNodeState_in in;
	struct clusapi_GetNodeState_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(hNode, OBJECT_NODE, &n);

	if (r == 0)
		r = remote_call(&n->remote, CLUSAPI_GET_NODE_STATE, &in, &out, &arena);
	if (r == 0)
		return (CLUSTER_NODE_STATE)out.state;
	(void)return_code(r);
	return ClusterNodeStateUnknown;
}

DWORD EvictClusterNode(HNODE hNode)
{
	return named_change(hNode, OBJECT_NODE, CLUSAPI_EVICT_NODE, NULL, false);
}

/* Groups. */

HGROUP CreateClusterGroup(HCLUSTER hCluster, LPCWSTR lpszGroupName)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_CreateGroup_in in = { units(lpszGroupName) };
	struct clusapi_CreateGroup_out out;
	struct clusapi_CloseGroup_in close_in;
	struct clusapi_CloseGroup_out close_out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = lpszGroupName == NULL ? ERR_INVALID_PARAMETER : cluster_get(hCluster, &c);

	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_CREATE_GROUP, &in, &out, &arena);
	if (r < 0)
		return return_null(r);
	close_in.group = out.handle;
	(void)link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_CLOSE_GROUP, &close_in, &close_out, &arena);
	return OpenClusterGroup(hCluster, lpszGroupName);
}

static DWORD delete_group(HGROUP handle, uint32_t force)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_DeleteGroup_in in = { .force = force };
	struct clusapi_DeleteGroup_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(handle, OBJECT_GROUP, &n);

	if (r == 0)
		r = remote_call(&n->remote, CLUSAPI_DELETE_GROUP, &in, &out, &arena);
	return return_code(r);
}

DWORD DeleteClusterGroup(HGROUP hGroup)
{
	return delete_group(hGroup, 0);
}

/* With everything in it. */
DWORD DestroyClusterGroup(HGROUP hGroup)
{
	return delete_group(hGroup, 1);
}

DWORD SetClusterGroupName(HGROUP hGroup, LPCWSTR lpszGroupName)
{
	return named_change(hGroup, OBJECT_GROUP, CLUSAPI_SET_GROUP_NAME, lpszGroupName, true);
}

CLUSTER_GROUP_STATE GetClusterGroupState(HGROUP hGroup, LPWSTR lpszNodeName, LPDWORD lpcchNodeName)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_GetGroupState_in in;
	struct clusapi_GetGroupState_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(hGroup, OBJECT_GROUP, &n);

	if (r == 0)
		r = remote_call(&n->remote, CLUSAPI_GET_GROUP_STATE, &in, &out, &arena);
	if (r == 0 && lpszNodeName != NULL)
		r = put_name(out.node_name, lpszNodeName, lpcchNodeName);
	if (r == 0)
		return (CLUSTER_GROUP_STATE)out.state;
	(void)return_code(r);
	return ClusterGroupStateUnknown;
}

/* Resources. */

HRESOURCE CreateClusterResource(HGROUP hGroup, LPCWSTR lpszResourceName, LPCWSTR lpszResourceType, DWORD dwFlags)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_CreateResource_in in = { .resource_name = units(lpszResourceName),
		.resource_type = units(lpszResourceType),
		.flags = dwFlags };
	struct clusapi_CreateResource_out out;
	struct clusapi_CloseResource_in close_in;
	struct clusapi_CloseResource_out close_out;
	_cleanup_arena_ struct arena arena = { 0 };
	HCLUSTER cluster;
	HRESOURCE resource;
	int r = lpszResourceName == NULL || lpszResourceType == NULL ? ERR_INVALID_PARAMETER :
	                                                               named_get(hGroup, OBJECT_GROUP, &n);

	if (r == 0)
		r = remote_call(&n->remote, CLUSAPI_CREATE_RESOURCE, &in, &out, &arena);
	if (r < 0)
		return return_null(r);
	close_in.resource = out.handle;
	(void)link_call(n->remote.link, LINK_CLUSAPI, CLUSAPI_CLOSE_RESOURCE, &close_in, &close_out, &arena);
	r = named_cluster(hGroup, OBJECT_GROUP, &cluster);
	if (r < 0)
		return return_null(r);
	resource = OpenClusterResource(cluster, lpszResourceName);
	(void)CloseCluster(cluster);
	return resource;
}

DWORD DeleteClusterResource(HRESOURCE hResource)
{
	return named_change(hResource, OBJECT_RESOURCE, CLUSAPI_DELETE_RESOURCE, NULL, false);
}

DWORD SetClusterResourceName(HRESOURCE hResource, LPCWSTR lpszResourceName)
{
	return named_change(hResource, OBJECT_RESOURCE, CLUSAPI_SET_RESOURCE_NAME, lpszResourceName, true);
}

DWORD ChangeClusterResourceGroup(HRESOURCE hResource, HGROUP hGroup)
{
	_cleanup_named_ struct named *resource = NULL, *group = NULL;
	struct clusapi_ChangeResourceGroup_in in;
	struct clusapi_ChangeResourceGroup_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(hResource, OBJECT_RESOURCE, &resource);

	if (r == 0)
		r = named_get(hGroup, OBJECT_GROUP, &group);
	if (r == 0)
		r = remote_call2(&resource->remote, &group->remote, CLUSAPI_CHANGE_RESOURCE_GROUP, &in, &out, &arena);
	return return_code(r);
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
	if (r == 0 && lpszNodeName != NULL)
		r = put_name(out.node_name, lpszNodeName, lpcchNodeName);
	if (r == 0 && lpszGroupName != NULL)
		r = put_name(out.group_name, lpszGroupName, lpcchGroupName);
	if (r == 0)
		return (CLUSTER_RESOURCE_STATE)out.state;
	(void)return_code(r);
	return ClusterResourceStateUnknown;
}

/* Types. */

DWORD CreateClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, LPCWSTR lpszDisplayName,
    LPCWSTR lpszResourceTypeDll, DWORD dwLooksAlivePollInterval, DWORD dwIsAlivePollInterval)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_CreateResourceType_in in = { units(lpszResourceTypeName), units(lpszDisplayName),
		units(lpszResourceTypeDll), dwLooksAlivePollInterval, dwIsAlivePollInterval };
	struct clusapi_CreateResourceType_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (lpszResourceTypeName == NULL || lpszDisplayName == NULL || lpszResourceTypeDll == NULL))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_CREATE_RESOURCE_TYPE, &in, &out, &arena);
	return return_code(r);
}

DWORD DeleteClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_DeleteResourceType_in in = { units(lpszResourceTypeName) };
	struct clusapi_DeleteResourceType_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = lpszResourceTypeName == NULL ? ERR_INVALID_PARAMETER : cluster_get(hCluster, &c);

	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_DELETE_RESOURCE_TYPE, &in, &out, &arena);
	return return_code(r);
}

HKEY GetClusterResourceTypeKey(HCLUSTER hCluster, LPCWSTR lpszTypeName, REGSAM samDesired)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	HKEY key;
	int r = lpszTypeName == NULL ? ERR_INVALID_PARAMETER : cluster_get(hCluster, &c);

	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = key_open_object(c->remote.link, U16("ResourceTypes"), u16_from_z(units(lpszTypeName)), samDesired, &key);
	if (r == ERR_FILE_NOT_FOUND)
		r = ERR_CLUSTER_RESOURCE_TYPE_NOT_FOUND;
	return r < 0 ? return_null(r) : key;
}
