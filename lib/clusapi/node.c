/* node: what is asked of nodes: their state and id, to be left alone by groups, to leave.
 *
 * Not kept a drain to a chosen node, which servers of ours do not know (120).  EvictClusterNodeEx() removes the node from
 *          the configuration; nothing cleans the files of a node that has left, so it says 5896 then.
 * Threads  all functions.        Tests  tests/integration/objects.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/object.h"
#include <stdio.h>
#include <string.h>

enum { NODE_NUMBER_UNITS = 11 };

static void node_text(DWORD number, char16_t units[NODE_NUMBER_UNITS])
{
	char digits[NODE_NUMBER_UNITS];
	int len = snprintf(digits, sizeof(digits), "%u", number);

	for (int i = 0; i <= len; i++)
		units[i] = (char16_t)digits[i];
}

/* A name that is the number of another node finds that one: the number must be the id. */
HNODE OpenClusterNodeById(HCLUSTER hCluster, DWORD nodeId)
{
	_cleanup_named_ struct named *n = NULL;
	char16_t id[NODE_NUMBER_UNITS];
	void *handle;
	int r;

	node_text(nodeId, id);
	r = named_open(hCluster, OBJECT_NODE, (LPCWSTR)id, GENERIC_ALL, NULL, &handle);
	if (r < 0)
		return return_null(r);
	r = named_get(handle, OBJECT_NODE, &n);
	if (r == 0 && u16_equal(u16_from_z(n->id), u16_from_z(id)))
		return handle;
	(void)named_close(handle, OBJECT_NODE);
	return return_null(ERR_CLUSTER_NODE_NOT_FOUND);
}

/* The node of this machine, which its service knows by name. */
static DWORD local_node_id(LPWSTR buffer, LPDWORD count)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	struct clusapi_GetClusterName_in in = { 0 };
	struct clusapi_GetClusterName_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	HCLUSTER cluster;
	HNODE node = NULL;
	DWORD code;
	int r = link_open(&l);

	if (r == 0)
		r = link_call(l, LINK_CLUSAPI, CLUSAPI_GET_CLUSTER_NAME, &in, &out, &arena);
	if (r < 0)
		return return_code(r);
	cluster = OpenClusterEx(NULL, GENERIC_READ, NULL);
	if (cluster != NULL)
		node = OpenClusterNodeEx(cluster, (LPCWSTR)out.node_name, GENERIC_READ, NULL);
	code = node != NULL ? named_id(node, OBJECT_NODE, buffer, count) : GetLastError();
	if (node != NULL)
		(void)CloseClusterNode(node);
	if (cluster != NULL)
		(void)CloseCluster(cluster);
	return code;
}

DWORD GetClusterNodeId(HNODE hNode, LPWSTR lpszNodeId, LPDWORD lpcchName)
{
	return hNode == NULL ? local_node_id(lpszNodeId, lpcchName)
			     : named_id(hNode, OBJECT_NODE, lpszNodeId, lpcchName);
}

CLUSTER_NODE_STATE GetClusterNodeState(HNODE hNode)
{
	return (CLUSTER_NODE_STATE)named_state(hNode, OBJECT_NODE, CLUSAPI_GET_NODE_STATE);
}

DEFINE_REQUEST(PauseClusterNode, HNODE, OBJECT_NODE, PAUSE_NODE)
DEFINE_REQUEST(ResumeClusterNode, HNODE, OBJECT_NODE, RESUME_NODE)
DEFINE_REQUEST(EvictClusterNode, HNODE, OBJECT_NODE, EVICT_NODE)

/* The target's handle stands behind the flags. */
static int drain_to(HNODE node, DWORD flags, HNODE target)
{
	_cleanup_named_ struct named *n = NULL, *to = NULL;
	struct clusapi_PauseNodeWithDrainTarget_in in = { .pause_flags = flags };
	struct clusapi_PauseNodeWithDrainTarget_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = named_get(node, OBJECT_NODE, &n);

	if (r == 0)
		r = named_get_second(target, OBJECT_NODE, n->cluster, &to);
	return r < 0 ? r
		     : remote_call_at(&n->remote, &to->remote,
			   offsetof(struct clusapi_PauseNodeWithDrainTarget_in, node_drain_target),
			   CLUSAPI_PAUSE_NODE_WITH_DRAIN_TARGET, &in, &out, &arena);
}

DWORD PauseClusterNodeEx(HNODE hNode, BOOL bDrainNode, DWORD dwPauseFlags, HNODE hNodeDrainTarget)
{
	struct clusapi_PauseNodeEx_in in = { .drain_node = bDrainNode, .pause_flags = dwPauseFlags };

	if (hNodeDrainTarget != NULL)
		return return_code(
		    !bDrainNode ? ERR_INVALID_PARAMETER : drain_to(hNode, dwPauseFlags, hNodeDrainTarget));
	return named_request(hNode, OBJECT_NODE, CLUSAPI_PAUSE_NODE_EX, &in);
}

DWORD ResumeClusterNodeEx(
    HNODE hNode, CLUSTER_NODE_RESUME_FAILBACK_TYPE eResumeFailbackType, DWORD dwResumeFlagsReserved)
{
	struct clusapi_ResumeNodeEx_in in = { .resume_failback_type = (uint32_t)eResumeFailbackType,
		.resume_flags_reserved = dwResumeFlagsReserved };

	if ((DWORD)eResumeFailbackType >= ClusterNodeResumeFailbackTypeCount)
		return return_code(ERR_INVALID_PARAMETER);
	return named_request(hNode, OBJECT_NODE, CLUSAPI_RESUME_NODE_EX, &in);
}

DWORD EvictClusterNodeEx(HNODE hNode, DWORD dwTimeOut, HRESULT *phrCleanupStatus)
{
	enum { NOT_DONE = (int)(0x80070000u | ERROR_CALL_NOT_IMPLEMENTED) }; /* As an HRESULT. */
	DWORD code = EvictClusterNode(hNode);

	(void)dwTimeOut; /* There is no clean-up to wait for. */
	if (code != ERROR_SUCCESS)
		return code;
	if (phrCleanupStatus != NULL)
		*phrCleanupStatus = NOT_DONE;
	return return_code(ERR_CLUSTER_EVICT_WITHOUT_CLEANUP);
}
