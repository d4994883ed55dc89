/* cluster: opening clusters, and what is asked of the cluster itself.
 *
 * Names    OpenCluster knows NULL and ".", the name of the cluster that this machine is in, and the names of the node and
 *          the host, in any case: these are served over the local socket, if the service answers there.  Others are on
 *          the network: in client.conf, or names or addresses of hosts.
 * Threads  all functions.        Tests  tests/integration/library.py, network.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/cluster.h"
#include "lib/clusapi/place.h"
#include "wire/clusapi.h"
#include "wire/rueda.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void cluster_destroy(struct object *o)
{
	struct cluster *c = container_of(o, struct cluster, object);

	remote_done(&c->remote);
	free(c);
}

static int cluster_open(struct remote *r, struct ndr_handle *ret)
{
	struct cluster *c = container_of(r, struct cluster, remote);
	struct clusapi_OpenClusterEx_in in = { c->access };
	struct clusapi_OpenClusterEx_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int result = link_call(r->link, LINK_CLUSAPI, CLUSAPI_OPEN_CLUSTER_EX, &in, &out, &arena);

	if (result == 0) {
		*ret = out.handle;
		c->access = out.granted_access;
	}
	return result;
}

int cluster_get(HCLUSTER handle, struct cluster **ret)
{
	struct object *o;
	int r = handle_get(handle, OBJECT_CLUSTER, &o);

	if (r == 0)
		*ret = container_of(o, struct cluster, object);
	return r;
}

/* Calls without a handle would not notice that a restore has ended this one: a call with it does. */
int cluster_check(struct cluster *c)
{
	enum { NODES = 1 };
	struct clusapi_CreateEnumEx_in in = { .type = NODES };
	struct clusapi_CreateEnumEx_out out;
	_cleanup_arena_ struct arena arena = { 0 };

	return remote_call(&c->remote, CLUSAPI_CREATE_ENUM_EX, &in, &out, &arena);
}

int put_name(const char16_t *s, LPWSTR buffer, LPDWORD count)
{
	struct u16 name = u16_from_z(s);
	DWORD capacity;

	if (count == NULL)
		return -EINVAL;
	capacity = *count;
	*count = (DWORD)name.len;
	if (buffer == NULL)
		return 0;
	if (capacity <= name.len)
		return ERR_MORE_DATA;
	if (name.len > 0)
		memcpy(buffer, name.units, name.len * sizeof(char16_t));
	buffer[name.len] = 0;
	return 0;
}

/* Is this a name of the cluster that answers on this machine? */
static int is_local_name(struct link *l, const char16_t *name, bool *ret)
{
	struct clusapi_GetClusterName_in in = { 0 };
	struct clusapi_GetClusterName_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	_cleanup_free_ char16_t *host = NULL;
	char host_name[256] = { 0 };
	struct u16 wanted = u16_from_z(name);
	int r;

	*ret = name == NULL || wanted.len == 0 || u16_equal(wanted, U16("."));
	if (*ret)
		return 0;
	r = link_call(l, LINK_CLUSAPI, CLUSAPI_GET_CLUSTER_NAME, &in, &out, &arena);
	if (r < 0)
		return r;
	*ret = u16_equal(wanted, u16_from_z(out.cluster_name)) || u16_equal(wanted, u16_from_z(out.node_name));
	if (!*ret && gethostname(host_name, sizeof(host_name) - 1) == 0 &&
	    utf8_to_u16(host_name, strlen(host_name), &host, NULL) == 0)
		*ret = u16_equal(wanted, u16_from_z(host));
	return 0;
}

/* A link to whatever has that name. */
static int open_link(const char16_t *name, struct link **ret)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	struct u16 wanted = u16_from_z(name);
	bool local = false;
	int r = link_open(&l);

	if (wanted.len > 0 && !u16_equal(wanted, U16("."))) {
		if (r == 0)
			r = is_local_name(l, name, &local);
		if (r == -ENOMEM)
			return r;
		/* What cannot be asked here may still be answered there. */
		if (r < 0 || !local)
			return link_open_remote(name, ret);
	}
	if (r == 0)
		*ret = TAKE_PTR(l);
	return r;
}

/* The other nodes are where a remote link goes when it loses the first one. */
static void learn_nodes(struct cluster *c)
{
	enum { NODES = 1 };
	struct clusapi_CreateEnumEx_in in = { .type = NODES };
	struct clusapi_CreateEnumEx_out out;
	_cleanup_arena_ struct arena arena = { 0 };

	if (!link_is_remote(c->remote.link) || remote_call(&c->remote, CLUSAPI_CREATE_ENUM_EX, &in, &out, &arena) < 0 ||
	    out.name_list == NULL)
		return;
	for (uint32_t i = 0; i < out.name_list->count; i++)
		if (out.name_list->entries[i].name != NULL)
			link_add_node(c->remote.link, out.name_list->entries[i].name);
}

static int open_cluster(const char16_t *name, DWORD access, HCLUSTER *ret, DWORD *ret_granted)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	_cleanup_cluster_ struct cluster *c = NULL;
	int r = access == 0 ? ERR_INVALID_PARAMETER : open_link(name, &l);

	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	object_init(&c->object, OBJECT_CLUSTER, cluster_destroy);
	remote_init(&c->remote, l, cluster_open, CLUSAPI_CLOSE_CLUSTER);
	c->access = access;
	r = remote_open(&c->remote);
	if (r == 0)
		learn_nodes(c);
	if (r == 0)
		r = handle_open(&c->object, (void **)ret);
	if (r == 0 && ret_granted != NULL)
		*ret_granted = c->access;
	return r;
}

HCLUSTER OpenCluster(LPCWSTR lpszClusterName)
{
	HCLUSTER handle;
	int r = open_cluster(units(lpszClusterName), GENERIC_ALL, &handle, NULL);

	return r < 0 ? return_null(r) : handle;
}

HCLUSTER OpenClusterEx(LPCWSTR lpszClusterName, DWORD DesiredAccess, DWORD *GrantedAccess)
{
	HCLUSTER handle;
	int r = open_cluster(units(lpszClusterName), DesiredAccess, &handle, GrantedAccess);

	return r < 0 ? return_null(r) : handle;
}

BOOL CloseCluster(HCLUSTER hCluster)
{
	_cleanup_object_ struct object *o = NULL;

	return return_bool(handle_take(hCluster, OBJECT_CLUSTER, &o));
}

DWORD GetNodeClusterState(LPCWSTR lpszNodeName, LPDWORD pdwClusterState)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	struct rueda_GetStatus_in in = { 0 };
	struct rueda_GetStatus_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	char current[4096];
	bool local;
	int r;

	if (pdwClusterState == NULL)
		return return_code(ERR_INVALID_PARAMETER);
	r = link_open(&l);
	if (r == 0)
		r = link_call(l, LINK_RUEDA, RUEDA_GET_STATUS, &in, &out, &arena);
	if (r == 0 && out.state != 0 && lpszNodeName != NULL) {
		r = is_local_name(l, units(lpszNodeName), &local);
		if (r == 0 && !local)
			r = ERR_RPC_S_SERVER_UNAVAILABLE;
	}
	if (r == 0) {
		*pdwClusterState = out.state != 0 ? ClusterStateRunning : ClusterStateNotConfigured;
		return 0;
	}
	if (r != ERR_RPC_S_SERVER_UNAVAILABLE || lpszNodeName != NULL)
		return return_code(r);
	/* Nobody answers: a state directory with a generation in force is a cluster that is not running. */
	(void)snprintf(current, sizeof(current), "%s/current", place_state());
	*pdwClusterState =
	    access(current, F_OK) == 0 || errno == EACCES ? ClusterStateNotRunning : ClusterStateNotConfigured;
	return 0;
}

static int get_version(struct cluster *c, LPCLUSTERVERSIONINFO info)
{
	struct clusapi_GetClusterVersion2_in in = { 0 };
	struct clusapi_GetClusterVersion2_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	DWORD size = info->dwVersionInfoSize;
	DWORD vendor = ARRAY_SIZE(info->szVendorId), pack = ARRAY_SIZE(info->szCSDVersion);
	int r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_GET_CLUSTER_VERSION2, &in, &out, &arena);

	if (r < 0)
		return r;
	if (size != sizeof(*info))
		return ERR_INVALID_PARAMETER;
	memset(info, 0, sizeof(*info));
	info->dwVersionInfoSize = size;
	info->MajorVersion = out.major_version;
	info->MinorVersion = out.minor_version;
	info->BuildNumber = out.build_number;
	(void)put_name(out.vendor_id, info->szVendorId, &vendor);
	(void)put_name(out.csd_version, info->szCSDVersion, &pack);
	if (out.version_info != NULL) {
		info->dwClusterHighestVersion = out.version_info->highest_version;
		info->dwClusterLowestVersion = out.version_info->lowest_version;
		info->dwFlags = out.version_info->flags;
	}
	return 0;
}

DWORD GetClusterInformation(
    HCLUSTER hCluster, LPWSTR lpszClusterName, LPDWORD lpcchClusterName, LPCLUSTERVERSIONINFO lpClusterInfo)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_GetClusterName_in in = { 0 };
	struct clusapi_GetClusterName_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_GET_CLUSTER_NAME, &in, &out, &arena);
	if (r == 0 && lpClusterInfo != NULL)
		r = get_version(c, lpClusterInfo);
	if (r == 0)
		r = put_name(out.cluster_name, lpszClusterName, lpcchClusterName);
	return return_code(r);
}

DWORD SetClusterName(HCLUSTER hCluster, LPCWSTR lpszNewClusterName)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_SetClusterName_in in = { units(lpszNewClusterName) };
	struct clusapi_SetClusterName_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0 && lpszNewClusterName == NULL)
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_SET_CLUSTER_NAME, &in, &out, &arena);
	return return_code(r);
}

DWORD GetClusterQuorumResource(HCLUSTER hCluster, LPWSTR lpszResourceName, LPDWORD lpcchResourceName,
    LPWSTR lpszDeviceName, LPDWORD lpcchDeviceName, LPDWORD lpdwMaxQuorumLogSize)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_GetQuorumResource_in in = { 0 };
	struct clusapi_GetQuorumResource_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c), device;

	if (r == 0 && (lpszResourceName == NULL || lpcchResourceName == NULL || lpszDeviceName == NULL ||
			  lpcchDeviceName == NULL || lpdwMaxQuorumLogSize == NULL))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_GET_QUORUM_RESOURCE, &in, &out, &arena);
	if (r < 0)
		return return_code(r);
	*lpdwMaxQuorumLogSize = out.max_quorum_log_size;
	r = put_name(out.resource_name, lpszResourceName, lpcchResourceName);
	device = put_name(out.device_name, lpszDeviceName, lpcchDeviceName);
	return return_code(r < 0 ? r : device);
}
