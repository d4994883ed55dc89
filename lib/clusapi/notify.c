/* notify: the functions of notification ports: filters of both versions, and events as programs take them.
 *
 * How      a filter is checked here and sent to the server (filter_send()); what fetches events and keeps them is
 *          notify_port.c.  Bits for what this library makes itself (closed handles, the state of the connection) are not
 *          sent.
 * Choices  a name that does not fit (234) leaves the event where it is.  Filters stay in force when the handle that they came
 *          with is closed.  Keys of the registry are watched with RegisterClusterNotify…() and their HKEY.
 * Threads  all functions.        Tests  tests/integration/notify.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/notify.h"
#include "lib/clusapi/key.h"
#include "lib/clusapi/object.h"
#include <string.h>

enum { V1_REGISTRY = 0x70, V1_SUBTREE = 0x80, V2_SUBTREE = 0x4, V2 = 2 };
#define V1_MADE_HERE (CLUSTER_CHANGE_CLUSTER_STATE | CLUSTER_CHANGE_HANDLE_CLOSE | V1_SUBTREE)

/* Which kind of handle goes with which bits of version 1, and with which type of version 2; and the methods.  The structures
 * of these methods are alike: {port, object, filter, key, sequence} → {sequence, …}. */
static const struct {
	enum object_kind kind;
	uint32_t mask;
	DWORD type;
	uint64_t close; /* HANDLE_CLOSE of the type. */
	unsigned add, readd;
} rows[] = {
	{ OBJECT_NODE, 0xf, CLUSTER_OBJECT_TYPE_NODE, 0x80, CLUSAPI_ADD_NOTIFY_NODE, CLUSAPI_RE_ADD_NOTIFY_NODE },
	{ OBJECT_RESOURCE, 0xf00, CLUSTER_OBJECT_TYPE_RESOURCE, 0x200, CLUSAPI_ADD_NOTIFY_RESOURCE,
	    CLUSAPI_RE_ADD_NOTIFY_RESOURCE },
	{ OBJECT_GROUP, 0xf000, CLUSTER_OBJECT_TYPE_GROUP, 0x200, CLUSAPI_ADD_NOTIFY_GROUP,
	    CLUSAPI_RE_ADD_NOTIFY_GROUP },
	{ OBJECT_NETWORK, 0xf00000, CLUSTER_OBJECT_TYPE_NETWORK, 0x10, CLUSAPI_ADD_NOTIFY_NETWORK,
	    CLUSAPI_RE_ADD_NOTIFY_NETWORK },
	{ OBJECT_NETINTERFACE, 0xf000000, CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE, 0x10, CLUSAPI_ADD_NOTIFY_NET_INTERFACE,
	    CLUSAPI_RE_ADD_NOTIFY_NET_INTERFACE },
	{ OBJECT_KEY, 0xf0, CLUSTER_OBJECT_TYPE_REGISTRY, 0x10, 0, 0 },
	{ OBJECT_CLUSTER, 0xf00f0000u & ~0x80000000u, CLUSTER_OBJECT_TYPE_CLUSTER, 0x8, 0, 0 },
};
static_assert(sizeof(struct clusapi_ReAddNotifyNode_in) == sizeof(struct clusapi_ReAddNotifyGroup_in) &&
		  offsetof(struct clusapi_ReAddNotifyNode_in, notify_key) ==
		      offsetof(struct clusapi_AddNotifyResource_in, notify_key) &&
		  offsetof(struct clusapi_AddNotifyNetwork_out, state_sequence) == 0,
    "the methods of the kinds are alike");

static int row_of_kind(enum object_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].kind == kind)
			return (int)i;
	return -EINVAL;
}

uint64_t filter_reconnect(unsigned version, const struct port_filter *f)
{
	if (version == 1)
		return f->flags & CLUSTER_CHANGE_CLUSTER_RECONNECT;
	return f->type == CLUSTER_OBJECT_TYPE_CLUSTER ? f->flags & CLUSTER_CHANGE_CLUSTER_RECONNECT_V2 : 0;
}

uint64_t filter_state(unsigned version, const struct port_filter *f)
{
	if (version == 1)
		return f->flags & CLUSTER_CHANGE_CLUSTER_STATE;
	return f->type == CLUSTER_OBJECT_TYPE_CLUSTER ? f->flags & CLUSTER_CHANGE_CLUSTER_STATE_V2 : 0;
}

static uint64_t close_bit(DWORD type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == type)
			return rows[i].close;
	return 0;
}

uint64_t filter_close(unsigned version, const struct port_filter *f)
{
	return f->flags & (version == 1 ? (uint64_t)CLUSTER_CHANGE_HANDLE_CLOSE : close_bit(f->type));
}

/* Sending. */

static int send_v1(
    struct session *s, struct port_filter *f, const struct ndr_handle *object, uint32_t server_key, bool first)
{
	uint32_t flags = (uint32_t)f->flags & ~(uint32_t)V1_MADE_HERE;
	_cleanup_arena_ struct arena arena = { 0 };
	int row = row_of_kind(f->object->kind), r;

	if (f->object->kind == OBJECT_CLUSTER) {
		struct clusapi_AddNotifyCluster_in in = { s->handle, *object, flags, server_key };
		struct clusapi_AddNotifyCluster_out out;

		return link_call(s->link, LINK_CLUSAPI, CLUSAPI_ADD_NOTIFY_CLUSTER, &in, &out, &arena);
	}
	if (f->object->kind == OBJECT_KEY) {
		struct clusapi_AddNotifyKey_in in = { s->handle, *object, server_key, flags,
			(f->flags & V1_SUBTREE) != 0 };
		struct clusapi_AddNotifyKey_out out;

		return link_call(s->link, LINK_CLUSAPI, CLUSAPI_ADD_NOTIFY_KEY, &in, &out, &arena);
	}
	assert(row >= 0);
	if (first) {
		struct clusapi_AddNotifyNode_in in = { s->handle, *object, flags, server_key };
		struct clusapi_AddNotifyNode_out out;

		r = link_call(s->link, LINK_CLUSAPI, rows[row].add, &in, &out, &arena);
		if (r == 0)
			f->sequence = out.state_sequence;
	} else {
		struct clusapi_ReAddNotifyNode_in in = { s->handle, *object, flags, server_key, f->sequence };
		struct clusapi_ReAddNotifyNode_out out;

		r = link_call(s->link, LINK_CLUSAPI, rows[row].readd, &in, &out, &arena);
	}
	return r;
}

static uint64_t made_here_v2(DWORD type)
{
	uint64_t made = close_bit(type);

	if (type == CLUSTER_OBJECT_TYPE_CLUSTER)
		made |= CLUSTER_CHANGE_CLUSTER_RECONNECT_V2 | CLUSTER_CHANGE_CLUSTER_STATE_V2;
	return made;
}

static int send_v2(struct session *s, struct port_filter *f, const struct ndr_handle *object, uint32_t server_key)
{
	uint64_t flags = f->flags & ~made_here_v2(f->type);
	_cleanup_arena_ struct arena arena = { 0 };

	if (flags == 0)
		return 0;
	if (f->resource_type != NULL) {
		struct clusapi_AddNotifyResourceTypeV2_in in = { s->handle, (int64_t)flags, server_key,
			f->resource_type, V2 };
		struct clusapi_AddNotifyResourceTypeV2_out out;

		return link_call(s->link, LINK_CLUSAPI, CLUSAPI_ADD_NOTIFY_RESOURCE_TYPE_V2, &in, &out, &arena);
	} else {
		struct clusapi_AddNotifyV2_in in = { .notify = s->handle,
			.object = *object,
			.filter = { f->type, (int64_t)flags },
			.notify_key = server_key,
			.version = V2,
			.targeted_at_object = f->targeted };
		struct clusapi_AddNotifyV2_out out;

		return link_call(s->link, LINK_CLUSAPI, CLUSAPI_ADD_NOTIFY_V2, &in, &out, &arena);
	}
}

int filter_send(struct session *s, struct port_filter *f, uint32_t server_key, bool first)
{
	struct ndr_handle object;
	uint64_t epoch;
	int r = remote_get(f->remote, &object, &epoch);

	if (r < 0)
		return r;
	return s->port->version == 1 ? send_v1(s, f, &object, server_key, first) : send_v2(s, f, &object, server_key);
}

/* Objects of handles. */

/* The filter takes the reference over. */
static int take_object(const void *handle, enum object_kind kind, struct port_filter *f)
{
	int r = handle_get(handle, kind, &f->object);

	if (r < 0)
		return r;
	f->remote = kind == OBJECT_CLUSTER ? &container_of(f->object, struct cluster, object)->remote
		    : kind == OBJECT_KEY   ? &container_of(f->object, struct key, object)->remote
					   : &container_of(f->object, struct named, object)->remote;
	return 0;
}

static int add(struct port *p, struct port_filter *f)
{
	int r = port_add(p, f);

	if (r < 0) {
		object_unref(f->object);
		free(f->resource_type);
	}
	return r;
}

/* A new port, or the one of the handle; both referenced. */
static int open_port(HCHANGE hChange, unsigned version, HCHANGE *ret, struct port **ret_port)
{
	*ret = hChange;
	return hChange == (HCHANGE)INVALID_HANDLE_VALUE ? port_new(version, ret, ret_port)
							: port_get(hChange, version, ret_port);
}

/* Version 1. */

HCHANGE CreateClusterNotifyPort(HCHANGE hChange, HCLUSTER hCluster, DWORD dwFilter, DWORD_PTR dwNotifyKey)
{
	_cleanup_port_ struct port *p = NULL;
	struct port_filter f = { .key = dwNotifyKey, .flags = dwFilter };
	bool fresh = hChange == (HCHANGE)INVALID_HANDLE_VALUE, all = hCluster != (HCLUSTER)INVALID_HANDLE_VALUE;
	HCHANGE handle;
	int r;

	if (!all && !fresh)
		return return_null(ERR_INVALID_PARAMETER);
	r = all ? take_object(hCluster, OBJECT_CLUSTER, &f) : 0;
	if (r < 0)
		return return_null(r);
	r = open_port(hChange, 1, &handle, &p);
	if (r == 0 && all)
		r = add(p, &f);
	else
		object_unref(f.object);
	if (r < 0 && fresh && p != NULL)
		(void)port_close(handle);
	return r < 0 ? return_null(r) : handle;
}

DWORD RegisterClusterNotify(HCHANGE hChange, DWORD dwFilterType, HANDLE hObject, DWORD_PTR dwNotifyKey)
{
	_cleanup_port_ struct port *p = NULL;
	struct port_filter f = { .key = dwNotifyKey, .flags = dwFilterType, .targeted = true };
	uint32_t asks = dwFilterType & ~(uint32_t)CLUSTER_CHANGE_HANDLE_CLOSE;
	int r = port_get(hChange, 1, &p), found = ERR_INVALID_HANDLE;

	if (r == 0 && (dwFilterType == 0 || (asks & ~(uint32_t)V1_SUBTREE) == 0) &&
	    !(dwFilterType & CLUSTER_CHANGE_HANDLE_CLOSE))
		r = ERR_INVALID_PARAMETER;
	if (r < 0)
		return return_code(r);
	for (size_t i = 0; i < ARRAY_SIZE(rows) && found < 0; i++) {
		bool cluster = rows[i].kind == OBJECT_CLUSTER; /* With whose handle all objects may be meant. */

		if (take_object(hObject, rows[i].kind, &f) < 0)
			continue;
		found = cluster || (asks & ~rows[i].mask) == 0 ? 0 : ERR_INVALID_PARAMETER;
		if (found < 0) {
			object_unref(f.object);
			break;
		}
	}
	return return_code(found < 0 ? found : add(p, &f));
}

/* An output that may be left out. */
static int put_optional(const char16_t *s, LPWSTR buffer, LPDWORD count)
{
	if (count == NULL)
		return buffer == NULL ? 0 : ERR_INVALID_PARAMETER;
	return put_name(s != NULL ? s : u"", buffer, count);
}

DWORD GetClusterNotify(HCHANGE hChange, DWORD_PTR *lpdwNotifyKey, LPDWORD lpdwFilterType, LPWSTR lpszName,
    LPDWORD lpcchName, DWORD dwMilliseconds)
{
	_cleanup_port_ struct port *p = NULL;
	struct port_event *e;
	int r = port_get(hChange, 1, &p);

	if (r == 0)
		r = port_wait(p, dwMilliseconds, &e);
	if (r < 0)
		return return_code(r);
	r = put_optional(e->name, lpszName, lpcchName);
	if (r == 0) {
		if (lpdwNotifyKey != NULL)
			*lpdwNotifyKey = e->key;
		if (lpdwFilterType != NULL)
			*lpdwFilterType = (DWORD)e->flags;
		port_take(p);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return return_code(r);
}

BOOL CloseClusterNotifyPort(HCHANGE hChange)
{
	return return_bool(port_close(hChange));
}

/* Version 2. */

/* A type that there is, and flags that it has. */
static bool is_filter(const NOTIFY_FILTER_AND_TYPE *f)
{
	static const uint64_t all[] = { [CLUSTER_OBJECT_TYPE_CLUSTER] = 0x1fff,
		[CLUSTER_OBJECT_TYPE_GROUP] = 0x3ff,
		[CLUSTER_OBJECT_TYPE_RESOURCE] = 0x7ff,
		[CLUSTER_OBJECT_TYPE_RESOURCE_TYPE] = 0x3f,
		[CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE] = 0x1f,
		[CLUSTER_OBJECT_TYPE_NETWORK] = 0x1f,
		[CLUSTER_OBJECT_TYPE_NODE] = 0xff,
		[CLUSTER_OBJECT_TYPE_REGISTRY] = 0x1f,
		[CLUSTER_OBJECT_TYPE_QUORUM] = 0x1,
		[CLUSTER_OBJECT_TYPE_SHARED_VOLUME] = 0x7 };

	return f->dwObjectType < ARRAY_SIZE(all) && f->FilterFlags != 0 &&
	       ((uint64_t)f->FilterFlags & ~all[f->dwObjectType]) == 0;
}

static int add_all(struct port *p, HCLUSTER hCluster, const NOTIFY_FILTER_AND_TYPE *filters, DWORD count, DWORD_PTR key)
{
	int r = 0;

	for (DWORD i = 0; i < count && r == 0; i++) {
		struct port_filter f = {
			.key = key, .type = filters[i].dwObjectType, .flags = (uint64_t)filters[i].FilterFlags
		};

		r = take_object(hCluster, OBJECT_CLUSTER, &f);
		if (r == 0)
			r = add(p, &f);
	}
	return r;
}

HCHANGE CreateClusterNotifyPortV2(
    HCHANGE hChange, HCLUSTER hCluster, NOTIFY_FILTER_AND_TYPE *Filters, DWORD dwFilterCount, DWORD_PTR dwNotifyKey)
{
	_cleanup_port_ struct port *p = NULL;
	bool fresh = hChange == (HCHANGE)INVALID_HANDLE_VALUE, all = hCluster != (HCLUSTER)INVALID_HANDLE_VALUE;
	HCHANGE handle;
	int r = 0;

	if ((!all && !fresh) || (all && (Filters == NULL || dwFilterCount == 0)))
		r = ERR_INVALID_PARAMETER;
	for (DWORD i = 0; all && r == 0 && i < dwFilterCount; i++)
		r = is_filter(&Filters[i]) ? 0 : ERR_INVALID_PARAMETER;
	if (r == 0)
		r = open_port(hChange, V2, &handle, &p);
	if (r == 0 && all)
		r = add_all(p, hCluster, Filters, dwFilterCount, dwNotifyKey);
	if (r < 0 && fresh && p != NULL)
		(void)port_close(handle);
	return r < 0 ? return_null(r) : handle;
}

DWORD RegisterClusterNotifyV2(HCHANGE hChange, NOTIFY_FILTER_AND_TYPE Filter, HANDLE hObject, DWORD_PTR dwNotifyKey)
{
	_cleanup_port_ struct port *p = NULL;
	struct port_filter f = { .key = dwNotifyKey, .type = Filter.dwObjectType, .targeted = true };
	enum object_kind kind = OBJECT_CLUSTER; /* Of types whose objects have no handles. */
	int r = port_get(hChange, V2, &p);

	if (r == 0 && !is_filter(&Filter))
		r = ERR_INVALID_PARAMETER;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == Filter.dwObjectType)
			kind = rows[i].kind;
	f.flags = (uint64_t)Filter.FilterFlags;
	if (r == 0)
		r = take_object(hObject, kind, &f);
	return return_code(r < 0 ? r : add(p, &f));
}

DWORD RegisterClusterResourceTypeNotifyV2(
    HCHANGE hChange, HCLUSTER hCluster, LONGLONG Flags, LPCWSTR resTypeName, DWORD_PTR dwNotifyKey)
{
	_cleanup_port_ struct port *p = NULL;
	NOTIFY_FILTER_AND_TYPE filter = { CLUSTER_OBJECT_TYPE_RESOURCE_TYPE, Flags };
	struct port_filter f = {
		.key = dwNotifyKey, .type = filter.dwObjectType, .flags = (uint64_t)Flags, .targeted = true
	};
	int r = port_get(hChange, V2, &p);

	if (r == 0 && (resTypeName == NULL || !is_filter(&filter)))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = take_object(hCluster, OBJECT_CLUSTER, &f);
	if (r < 0)
		return return_code(r);
	f.resource_type = u16_dup(u16_from_z(units(resTypeName)));
	if (f.resource_type == NULL) {
		object_unref(f.object);
		return return_code(-ENOMEM);
	}
	return return_code(add(p, &f));
}

DWORD GetNotifyEventHandle(HCHANGE hChange, LPHANDLE lphTargetEvent)
{
	_cleanup_port_ struct port *p = NULL;
	int fd, r = lphTargetEvent == NULL ? ERR_INVALID_PARAMETER : port_get(hChange, 0, &p);

	if (r == 0)
		r = port_event_fd(p, &fd);
	if (r == 0)
		*lphTargetEvent = (HANDLE)(intptr_t)fd;
	return return_code(r);
}

static int put_data(const struct port_event *e, BYTE *buffer, LPDWORD size)
{
	DWORD room;

	if (size == NULL)
		return buffer == NULL ? 0 : ERR_INVALID_PARAMETER;
	room = *size;
	*size = (DWORD)e->len;
	if (buffer == NULL || e->len == 0)
		return 0;
	if (room < e->len)
		return ERR_MORE_DATA;
	memcpy(buffer, e->data, e->len);
	return 0;
}

DWORD GetClusterNotifyV2(HCHANGE hChange, DWORD_PTR *lpdwNotifyKey, PNOTIFY_FILTER_AND_TYPE pFilterAndType,
    BYTE *buffer, LPDWORD lpbBufferSize, LPWSTR lpszObjectId, LPDWORD lpcchObjectId, LPWSTR lpszParentId,
    LPDWORD lpcchParentId, LPWSTR lpszName, LPDWORD lpcchName, LPWSTR lpszType, LPDWORD lpcchType, DWORD dwMilliseconds)
{
	_cleanup_port_ struct port *p = NULL;
	struct port_event *e;
	int r = port_get(hChange, V2, &p);

	if (r == 0)
		r = port_wait(p, dwMilliseconds, &e);
	if (r < 0)
		return return_code(r);
	/* All sizes are told, whichever is too small. */
	const int results[] = { put_data(e, buffer, lpbBufferSize), put_optional(e->id, lpszObjectId, lpcchObjectId),
		put_optional(e->parent, lpszParentId, lpcchParentId), put_optional(e->name, lpszName, lpcchName),
		put_optional(e->type_name, lpszType, lpcchType) };

	for (size_t i = 0; i < ARRAY_SIZE(results) && r == 0; i++)
		r = results[i];
	if (r == 0) {
		if (lpdwNotifyKey != NULL)
			*lpdwNotifyKey = e->key;
		if (pFilterAndType != NULL)
			*pFilterAndType = (NOTIFY_FILTER_AND_TYPE){ e->type, (LONGLONG)e->flags };
		port_take(p);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return return_code(r);
}
