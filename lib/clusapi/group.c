/* group: groups: make, rename, delete; bring online, move, take offline; their owners.
 *
 * How      a request is answered when it has come true or after a second (997); the library does not wait on top of that,
 *          but in DestroyClusterGroup(), which has to see the end of taking the group offline.
 * Node     a destination of OnlineClusterGroup() is a move, as the protocol has no other way to say it: the move is asked
 *          for, then to be online; the server answers the second when both have come true.
 * Threads  all functions.        Tests  tests/integration/objects.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"
#include <string.h>
#include <time.h>

/* Longer than any resource may take that has the usual PendingTimeout. */
enum { DESTROY_WAIT_MS = 200000, DESTROY_STEP_MS = 50, NODE_LIST_MAX = 64 };

/* Make. */

HGROUP CreateClusterGroupEx(HCLUSTER hCluster, LPCWSTR lpszGroupName, PCLUSTER_CREATE_GROUP_INFO pGroupInfo)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	_cleanup_named_ struct named *n = NULL;
	const struct clusapi_create_group_info info = { CLUSTER_CREATE_GROUP_INFO_VERSION_1,
		pGroupInfo != NULL ? (uint32_t)pGroupInfo->groupType : ClusGroupTypeUnknown };
	struct clusapi_CreateGroupEx_in in = { units(lpszGroupName), &info };
	struct clusapi_CreateGroupEx_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	void *handle;
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (lpszGroupName == NULL ||
			  (pGroupInfo != NULL && pGroupInfo->dwVersion != CLUSTER_CREATE_GROUP_INFO_VERSION_1)))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = named_new(c, OBJECT_GROUP, GENERIC_ALL, &n);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI, CLUSAPI_CREATE_GROUP_EX, &in, &out, &arena);
	if (r == 0)
		r = named_opened(n, &out.handle, &handle);
	return r < 0 ? return_null(r) : handle;
}

HGROUP CreateClusterGroup(HCLUSTER hCluster, LPCWSTR lpszGroupName)
{
	return CreateClusterGroupEx(hCluster, lpszGroupName, NULL);
}

DWORD SetClusterGroupName(HGROUP hGroup, LPCWSTR lpszGroupName)
{
	return named_rename(hGroup, OBJECT_GROUP, CLUSAPI_SET_GROUP_NAME, lpszGroupName);
}

/* State. */

CLUSTER_GROUP_STATE GetClusterGroupState(HGROUP hGroup, LPWSTR lpszNodeName, LPDWORD lpcchNodeName)
{
	_cleanup_named_ struct named *n = NULL;
	struct clusapi_GetGroupState_in in;
	struct clusapi_GetGroupState_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(hGroup, OBJECT_GROUP, &n);

	if (r == 0)
		r = remote_call(&n->remote, CLUSAPI_GET_GROUP_STATE, &in, &out, &arena);
	if (r == 0 && (lpszNodeName != NULL || lpcchNodeName != NULL))
		r = put_name(out.node_name, lpszNodeName, lpcchNodeName);
	(void)return_code(r);
	return r < 0 ? ClusterGroupStateUnknown : (CLUSTER_GROUP_STATE)out.state;
}

/* Move, online, offline. */

DWORD MoveClusterGroupEx(
    HGROUP hGroup, HNODE hDestinationNode, DWORD dwMoveFlags, PBYTE lpInBuffer, DWORD cbInBufferSize)
{
	struct clusapi_MoveGroupToNodeEx_in in = { .move_flags = dwMoveFlags,
		.in_buffer = lpInBuffer != NULL ? lpInBuffer : (const BYTE *)"",
		.in_buffer_size = cbInBufferSize };

	if (hDestinationNode == NULL)
		return named_request_ex(
		    hGroup, OBJECT_GROUP, CLUSAPI_MOVE_GROUP_EX, dwMoveFlags, lpInBuffer, cbInBufferSize);
	if (lpInBuffer == NULL && cbInBufferSize > 0)
		return return_code(ERR_INVALID_PARAMETER);
	return named_request2(hGroup, OBJECT_GROUP, hDestinationNode, OBJECT_NODE, CLUSAPI_MOVE_GROUP_TO_NODE_EX, &in);
}

DWORD MoveClusterGroup(HGROUP hGroup, HNODE hDestinationNode)
{
	struct clusapi_MoveGroupToNode_in in;

	return hDestinationNode == NULL ? named_request(hGroup, OBJECT_GROUP, CLUSAPI_MOVE_GROUP, &in)
					: named_request2(hGroup, OBJECT_GROUP, hDestinationNode, OBJECT_NODE,
					      CLUSAPI_MOVE_GROUP_TO_NODE, &in);
}

DWORD OnlineClusterGroupEx(
    HGROUP hGroup, HNODE hDestinationNode, DWORD dwOnlineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize)
{
	DWORD moved = hDestinationNode != NULL ? MoveClusterGroup(hGroup, hDestinationNode) : ERROR_SUCCESS;

	if (moved != ERROR_SUCCESS && moved != ERROR_IO_PENDING)
		return moved;
	return named_request_ex(
	    hGroup, OBJECT_GROUP, CLUSAPI_ONLINE_GROUP_EX, dwOnlineFlags, lpInBuffer, cbInBufferSize);
}

DWORD OnlineClusterGroup(HGROUP hGroup, HNODE hDestinationNode)
{
	struct ndr_handle in;
	DWORD moved = hDestinationNode != NULL ? MoveClusterGroup(hGroup, hDestinationNode) : ERROR_SUCCESS;

	if (moved != ERROR_SUCCESS && moved != ERROR_IO_PENDING)
		return moved;
	return named_request(hGroup, OBJECT_GROUP, CLUSAPI_ONLINE_GROUP, &in);
}

DEFINE_REQUEST(OfflineClusterGroup, HGROUP, OBJECT_GROUP, OFFLINE_GROUP)

DWORD OfflineClusterGroupEx(HGROUP hGroup, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize)
{
	return named_request_ex(
	    hGroup, OBJECT_GROUP, CLUSAPI_OFFLINE_GROUP_EX, dwOfflineFlags, lpInBuffer, cbInBufferSize);
}

DWORD CancelClusterGroupOperation(HGROUP hGroup, DWORD dwCancelFlags_RESERVED)
{
	struct clusapi_CancelClusterGroupOperation_in in = { .cancel_flags = dwCancelFlags_RESERVED };

	return named_request(hGroup, OBJECT_GROUP, CLUSAPI_CANCEL_CLUSTER_GROUP_OPERATION, &in);
}

/* Owners. */

/* The ids, each with a zero behind it, and one at the end. */
DWORD SetClusterGroupNodeList(HGROUP hGroup, DWORD NodeCount, HNODE NodeList[])
{
	struct clusapi_SetGroupNodeList_in in = { 0 };
	char16_t list[NODE_LIST_MAX * ARRAY_SIZE(((struct named *)NULL)->id) + 2];
	size_t len = 0;

	if (NodeCount > NODE_LIST_MAX || (NodeList == NULL && NodeCount > 0))
		return return_code(ERR_INVALID_PARAMETER);
	for (DWORD i = 0; i < NodeCount; i++) {
		_cleanup_named_ struct named *node = NULL;
		int r = named_get(NodeList[i], OBJECT_NODE, &node);
		struct u16 id;

		if (r < 0)
			return return_code(r);
		id = u16_from_z(node->id);
		memcpy(list + len, id.units, (id.len + 1) * sizeof(*list));
		len += id.len + 1;
	}
	if (NodeCount == 0)
		list[len++] = 0;
	list[len++] = 0;
	in.node_list = list;
	in.list_units = (uint32_t)len;
	return named_request(hGroup, OBJECT_GROUP, CLUSAPI_SET_GROUP_NODE_LIST, &in);
}

/* Delete. */

static DWORD delete_group(HGROUP handle, uint32_t force)
{
	struct clusapi_DeleteGroup_in in = { .force = force };

	return named_request(handle, OBJECT_GROUP, CLUSAPI_DELETE_GROUP, &in);
}

DWORD DeleteClusterGroup(HGROUP hGroup)
{
	return delete_group(hGroup, 0);
}

/* Nothing may be begun that cannot end: what belongs to the cluster itself stays as it is, and online. */
static DWORD check_not_core(HGROUP hGroup)
{
	DWORD flags = 0, returned = 0;
	DWORD code =
	    ClusterGroupControl(hGroup, NULL, CLUSCTL_GROUP_GET_FLAGS, NULL, 0, &flags, sizeof(flags), &returned);

	if (code == ERROR_SUCCESS && returned == sizeof(flags) && (flags & CLUS_FLAG_CORE))
		code = return_code(ERR_CORE_RESOURCE);
	return code;
}

/* Somebody may bring it online again meanwhile: deleting says so. */
static DWORD wait_offline(HGROUP hGroup)
{
	const struct timespec step = { 0, DESTROY_STEP_MS * 1000000L };

	for (int waited = 0; waited < DESTROY_WAIT_MS; waited += DESTROY_STEP_MS) {
		switch (GetClusterGroupState(hGroup, NULL, NULL)) {
		case ClusterGroupPending:
		case ClusterGroupPartialOnline:
		case ClusterGroupOnline:
			(void)nanosleep(&step, NULL);
			break;
		case ClusterGroupStateUnknown:
			return GetLastError();
		default:
			return ERROR_SUCCESS;
		}
	}
	return return_code(ERR_IO_PENDING);
}

DWORD DestroyClusterGroup(HGROUP hGroup)
{
	DWORD code = check_not_core(hGroup);

	if (code == ERROR_SUCCESS)
		code = OfflineClusterGroup(hGroup);
	if (code == ERROR_IO_PENDING)
		code = wait_offline(hGroup);
	return code == ERROR_SUCCESS ? delete_group(hGroup, 1) : code;
}
