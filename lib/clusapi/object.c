/* object: what the handles of nodes, groups, resources, networks and network interfaces have in common.
 *
 * How      a handle stands for an id; the context handle on the server is opened by that id, so it follows renames and
 *          finds the object again after a lost connection; an object that has been deleted gives its own error.
 *          What is the same for each kind is written once, with a table of method numbers; the exported functions differ
 *          only in types.  What only one kind has is in node.c, group.c, resource.c, network.c; lists are in listing.c.
 * Two      handles in one call must mean objects of the same server and connection: the second is opened again on the
 *          connection of the first if both are of this machine's cluster.  Else nobody knows that it is the same cluster.
 * Threads  all functions.        Tests  tests/integration/library.py, objects.py, library_threads.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"
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
	[OBJECT_NETINTERFACE] = { CLUSAPI_OPEN_NET_INTERFACE_EX, CLUSAPI_CLOSE_NET_INTERFACE,
	    CLUSAPI_GET_NET_INTERFACE_ID, U16("NetworkInterfaces") },
};
static_assert(
    sizeof(struct clusapi_OpenNodeEx_in) == sizeof(struct clusapi_OpenGroupEx_in) &&
	offsetof(struct clusapi_OpenNodeEx_out, handle) == offsetof(struct clusapi_OpenResourceEx_out, handle) &&
	sizeof(struct clusapi_GetNodeId_out) == sizeof(struct clusapi_GetResourceId_out) &&
	sizeof(struct clusapi_GetNodeState_out) == sizeof(struct clusapi_GetNetInterfaceState_out),
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

	if (result == 0)
		*ret = out.handle;
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

int named_get_second(const void *handle, enum object_kind kind, struct cluster *first, struct named **ret)
{
	_cleanup_named_ struct named *n = NULL;
	struct named *copy;
	int r = named_get(handle, kind, &n);

	if (r < 0)
		return r;
	if (n->remote.link == first->remote.link) {
		*ret = TAKE_PTR(n);
		return 0;
	}
	if (link_is_remote(n->remote.link) || link_is_remote(first->remote.link))
		return ERR_INVALID_TARGET_HANDLE;
	r = named_new(first, kind, n->access, &copy);
	if (r < 0)
		return r;
	memcpy(copy->id, n->id, sizeof(copy->id));
	*ret = copy;
	return 0;
}

int named_new(struct cluster *c, enum object_kind kind, DWORD access, struct named **ret)
{
	struct named *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return -ENOMEM;
	object_init(&n->object, kind, named_destroy);
	remote_init(&n->remote, c->remote.link, named_open_remote, kinds[kind].close);
	(void)object_ref(&c->object);
	n->cluster = c;
	n->access = access;
	*ret = n;
	return 0;
}

/* ERR_FILENAME_EXCED_RANGE: no id of ours, nor of any other server, is that long. */
static int ask_id(struct named *n, char16_t id[64])
{
	struct clusapi_GetGroupId_in in;
	struct clusapi_GetGroupId_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	DWORD capacity = ARRAY_SIZE(n->id);
	int r = remote_call(&n->remote, kinds[n->object.kind].get_id, &in, &out, &arena);

	if (r == 0 && put_name(out.id, (LPWSTR)id, &capacity) < 0)
		r = ERR_FILENAME_EXCED_RANGE;
	return r;
}

int named_opened(struct named *n, const struct ndr_handle *on_server, void **ret_handle)
{
	int r;

	n->remote.handle = *on_server;
	n->remote.epoch = link_epoch(n->remote.link);
	r = ask_id(n, n->id);
	return r < 0 ? r : handle_open(&n->object, ret_handle);
}

int named_open(
    HCLUSTER hCluster, enum object_kind kind, LPCWSTR name, DWORD access, DWORD *ret_granted, void **ret_handle)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_OpenGroupEx_in in = { units(name), access };
	struct clusapi_OpenGroupEx_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (name == NULL || access == 0))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = named_new(c, kind, access, &n);
	/* The first time by the name, which may be longer than an id. */
	if (r == 0)
		r = link_call(n->remote.link, LINK_CLUSAPI, kinds[kind].open_ex, &in, &out, &arena);
	if (r < 0)
		return r;
	n->access = out.granted_access;
	r = named_opened(n, &out.handle, ret_handle);
	if (r == 0 && ret_granted != NULL)
		*ret_granted = out.granted_access;
	return r;
}

BOOL named_close(const void *handle, enum object_kind kind)
{
	_cleanup_object_ struct object *o = NULL;

	return return_bool(handle_take(handle, kind, &o));
}

DWORD named_id(const void *handle, enum object_kind kind, LPWSTR buffer, LPDWORD count)
{
	_cleanup_named_ struct named *n = NULL;
	char16_t id[ARRAY_SIZE(n->id)];
	int r = named_get(handle, kind, &n);

	if (r == 0)
		r = ask_id(n, id);
	return return_code(r < 0 ? r : put_name(id, buffer, count));
}

int named_state(const void *handle, enum object_kind kind, unsigned method)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_GetNodeState_in in;
	struct clusapi_GetNodeState_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(handle, kind, &n);

	if (r == 0)
		r = remote_call(&n->remote, method, &in, &out, &arena);
	(void)return_code(r);
	return r < 0 ? -1 : (int)out.state;
}

static HCLUSTER named_cluster(const void *handle, enum object_kind kind)
{
	_cleanup_named_ struct named *n = NULL;
	HCLUSTER cluster;
	int r = named_get(handle, kind, &n);

	if (r == 0)
		r = handle_open(&n->cluster->object, (void **)&cluster);
	return r < 0 ? return_null(r) : cluster;
}

static HKEY named_key(const void *handle, enum object_kind kind, REGSAM sam)
{
	_cleanup_named_ struct named *n = NULL;
	char16_t id[ARRAY_SIZE(n->id)];
	HKEY key;
	int r = named_get(handle, kind, &n);

	if (r == 0)
		r = ask_id(n, id);
	if (r == 0)
		r = key_open_object(n->remote.link, kinds[kind].container, u16_from_z(id), sam, &key);
	return r < 0 ? return_null(r) : key;
}

/* Requests. */

static DWORD request(struct named *n, struct named *second, unsigned method, void *in)
{
	struct clusapi_SetGroupName_out out;
	_cleanup_arena_ struct arena arena = { 0 };

	assert(ndr_method(&clusapi_interface, 3, method)->out->size == sizeof(out));
	return return_code(remote_call2(&n->remote, second != NULL ? &second->remote : NULL, method, in, &out, &arena));
}

DWORD named_request(const void *handle, enum object_kind kind, unsigned method, void *in)
{
	_cleanup_named_ struct named *n = NULL;
	int r = named_get(handle, kind, &n);

	return r < 0 ? return_code(r) : request(n, NULL, method, in);
}

DWORD named_request2(const void *handle, enum object_kind kind, const void *second, enum object_kind second_kind,
    unsigned method, void *in)
{
	_cleanup_named_ struct named *n = NULL, *other = NULL;
	int r = named_get(handle, kind, &n);

	if (r == 0)
		r = named_get_second(second, second_kind, n->cluster, &other);
	return r < 0 ? return_code(r) : request(n, other, method, in);
}

DWORD named_request_ex(
    const void *handle, enum object_kind kind, unsigned method, DWORD flags, const BYTE *buffer, DWORD size)
{
	struct clusapi_OnlineGroupEx_in in = {
		.online_flags = flags, .in_buffer = buffer != NULL ? buffer : (const BYTE *)"", .in_buffer_size = size
	};

	if (buffer == NULL && size > 0)
		return return_code(ERR_INVALID_PARAMETER);
	return named_request(handle, kind, method, &in);
}
static_assert(sizeof(struct clusapi_OnlineGroupEx_in) == sizeof(struct clusapi_OfflineGroupEx_in) &&
		  sizeof(struct clusapi_OnlineGroupEx_in) == sizeof(struct clusapi_MoveGroupEx_in) &&
		  sizeof(struct clusapi_OnlineGroupEx_in) == sizeof(struct clusapi_OnlineResourceEx_in) &&
		  sizeof(struct clusapi_OnlineGroupEx_in) == sizeof(struct clusapi_OfflineResourceEx_in),
    "the Ex requests are alike");

DWORD named_rename(const void *handle, enum object_kind kind, unsigned method, LPCWSTR text)
{
	struct clusapi_SetGroupName_in in = { .group_name = units(text) };

	return text == NULL ? return_code(ERR_INVALID_PARAMETER) : named_request(handle, kind, method, &in);
}

/* What each kind has. */

/* clang-format off */
#define DEFINE_KIND(Name, TYPE, kind)                                                                                  \
	TYPE OpenCluster##Name(HCLUSTER hCluster, LPCWSTR name)                                                        \
	{                                                                                                              \
		void *handle;                                                                                          \
		int r = named_open(hCluster, kind, name, GENERIC_ALL, NULL, &handle);                                  \
		return r < 0 ? return_null(r) : handle;                                                                \
	}                                                                                                              \
	TYPE OpenCluster##Name##Ex(HCLUSTER hCluster, LPCWSTR name, DWORD access, DWORD *granted)                      \
	{                                                                                                              \
		void *handle;                                                                                          \
		int r = named_open(hCluster, kind, name, access, granted, &handle);                                    \
		return r < 0 ? return_null(r) : handle;                                                                \
	}                                                                                                              \
	BOOL CloseCluster##Name(TYPE handle)                                                                           \
	{                                                                                                              \
		return named_close(handle, kind);                                                                      \
	}                                                                                                              \
	HKEY GetCluster##Name##Key(TYPE handle, REGSAM sam)                                                            \
	{                                                                                                              \
		return named_key(handle, kind, sam);                                                                   \
	}                                                                                                              \
	HCLUSTER GetClusterFrom##Name(TYPE handle)                                                                     \
	{                                                                                                              \
		return named_cluster(handle, kind);                                                                    \
	}

DEFINE_KIND(Node, HNODE, OBJECT_NODE)
DEFINE_KIND(Group, HGROUP, OBJECT_GROUP)
DEFINE_KIND(Resource, HRESOURCE, OBJECT_RESOURCE)
DEFINE_KIND(Network, HNETWORK, OBJECT_NETWORK)
DEFINE_KIND(NetInterface, HNETINTERFACE, OBJECT_NETINTERFACE)
/* clang-format on */
