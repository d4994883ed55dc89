/* clusapi/node.h: nodes: open, pause, resume, remove, and lists of what they hold.
 *
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_NODE_H
#define RUEDA_CLUSAPI_NODE_H

#include "types.h"

/* What ClusterNodeOpenEnum() and ClusterNodeOpenEnumEx() list. */
typedef enum CLUSTER_NODE_ENUM {
	CLUSTER_NODE_ENUM_NETINTERFACES = 1,
	CLUSTER_NODE_ENUM_GROUPS = 2,
	CLUSTER_NODE_ENUM_PREFERRED_GROUPS = 4,
	CLUSTER_NODE_ENUM_ALL = 3,
} CLUSTER_NODE_ENUM;

/* Flags of PauseClusterNodeEx(). */
#define CLUSAPI_NODE_PAUSE_REMAIN_ON_PAUSED_NODE_ON_MOVE_ERROR 0x00000001u
#define CLUSAPI_NODE_AVOID_PLACEMENT 0x00000002u
#define CLUSAPI_NODE_PAUSE_RETRY_DRAIN_ON_FAILURE 0x00000004u

RUEDA_BEGIN_DECLARATIONS

/* Open a node with full access.
 *
 * lpszNodeName  its name, or its number as text.
 *
 * Returns a handle for CloseClusterNode().  NULL and the last error: 5042 no such node; 5 the caller may only read and
 * uses OpenClusterNodeEx(). */
HNODE OpenClusterNode(HCLUSTER hCluster, LPCWSTR lpszNodeName);

/* Open a node with the access that is asked for.
 *
 * lpszNodeName       as for OpenClusterNode().
 * dwDesiredAccess    GENERIC_READ, GENERIC_ALL or MAXIMUM_ALLOWED.  0 is an error (87).
 * lpdwGrantedAccess  receives what was granted; may be NULL.
 *
 * Returns as OpenClusterNode(). */
HNODE OpenClusterNodeEx(HCLUSTER hCluster, LPCWSTR lpszNodeName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Open a node by its number, with full access.
 *
 * Returns as OpenClusterNode(). */
HNODE OpenClusterNodeById(HCLUSTER hCluster, DWORD nodeId);

/* Close a node's handle.  Returns TRUE.  FALSE and the last error: 6. */
BOOL CloseClusterNode(HNODE hNode);

/* Up, down, paused or joining.  ClusterNodeStateUnknown and the last error: 5042 the node is no longer in the
 * cluster. */
CLUSTER_NODE_STATE GetClusterNodeState(HNODE hNode);

/* The node's number as text.
 *
 * hNode       the node; NULL: the one of this machine.
 * lpszNodeId  buffer for the text; NULL asks for its size.
 * lpcchName   in: capacity in WCHARs with the terminator.  out: length without it.
 *
 * Returns 0; 234 the buffer is too small; 5042; for NULL also 1722 no service answers. */
DWORD GetClusterNodeId(HNODE hNode, LPWSTR lpszNodeId, LPDWORD lpcchName);

/* A handle for the cluster that the node belongs to, on the same connection, for CloseCluster().  NULL and the last
 * error: 6. */
HCLUSTER GetClusterFromNode(HNODE hNode);

/* Let no group come to the node; those that run there stay.
 *
 * Returns 0, also for a node that is paused; 5050 the node is down; 5042. */
DWORD PauseClusterNode(HNODE hNode);

/* Pause a node, and perhaps have its groups move away.
 *
 * bDrainNode        TRUE: they go, each as soon as it can.
 * dwPauseFlags      CLUSAPI_NODE_ flags; they change nothing here.
 * hNodeDrainTarget  the node to which they go, if they can be there; what cannot, and all of them with NULL, goes to the
 *                   best other node, and what can be nowhere else stays.  Without bDrainNode it is 87.
 *
 * Returns 0; 997 paused, and the move has begun; 5050 the node or the target is down, or with bDrainNode no other
 * node is up; 5070 the target is paused; 5962
 * its groups move away already; 114 the second handle may be of another cluster; 87; 5042. */
DWORD PauseClusterNodeEx(HNODE hNode, BOOL bDrainNode, DWORD dwPauseFlags, HNODE hNodeDrainTarget);

/* Let groups come to the node again.  Returns 0; 5058 it is not paused; 5050 it is down; 5042. */
DWORD ResumeClusterNode(HNODE hNode);

/* Let groups come to the node again.
 *
 * eResumeFailbackType    whether groups that a drain moved away, and nobody has moved since, come back: not at all; at
 *                        once; or if their AutoFailbackType is 1, in the hours of their failback window.
 * dwResumeFlagsReserved  0.
 *
 * Returns as ResumeClusterNode(); 87. */
DWORD ResumeClusterNodeEx(
    HNODE hNode, CLUSTER_NODE_RESUME_FAILBACK_TYPE eResumeFailbackType, DWORD dwResumeFlagsReserved);

/* Remove a node from the cluster for good.  Its files stay on its disks.
 *
 * Returns 0; 5009 it is the last one, or up; 5042. */
DWORD EvictClusterNode(HNODE hNode);

/* Remove a node from the cluster for good, and tell how cleaning up its files went.
 *
 * dwTimeOut         milliseconds that cleaning up may take.
 * phrCleanupStatus  receives an HRESULT; may be NULL.  Nothing cleans up yet: 0x80070078 (120).
 *
 * Returns 5896 removed and not cleaned up; 5009; 5042: then nothing is removed and nothing received. */
DWORD EvictClusterNodeEx(HNODE hNode, DWORD dwTimeOut, HRESULT *phrCleanupStatus);

/* Send a control code (CLUSCTL_NODE_…) to a node; parameters as for ClusterControl(). */
DWORD ClusterNodeControl(HNODE hNode, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of what a node has, as it is now.
 *
 * dwType  CLUSTER_NODE_ENUM_ bits: its network interfaces, the groups that it owns, those that prefer it.
 *
 * Returns a handle for ClusterNodeCloseEnum().  NULL and the last error: 87 no bit; 5042. */
HNODEENUM ClusterNodeOpenEnum(HNODE hNode, DWORD dwType);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterNodeGetEnumCount(HNODEENUM hNodeEnum);

/* One entry of the list; parameters and errors as for ClusterEnum(), lpdwType receives a CLUSTER_NODE_ENUM_ bit. */
DWORD ClusterNodeEnum(HNODEENUM hNodeEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
DWORD ClusterNodeCloseEnum(HNODEENUM hNodeEnum);

/* Begin a list as ClusterNodeOpenEnum() does, with ids beside the names.
 *
 * pOptions  must be NULL.
 *
 * Returns a handle for ClusterNodeCloseEnumEx().  NULL and the last error: 87; 5042; 1745 from a server that is too
 * old. */
HNODEENUMEX ClusterNodeOpenEnumEx(HNODE hNode, DWORD dwType, PVOID pOptions);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterNodeGetEnumCountEx(HNODEENUMEX hNodeEnum);

/* One entry of the list; parameters and errors as for ClusterEnumEx(). */
DWORD ClusterNodeEnumEx(HNODEENUMEX hNodeEnum, DWORD dwIndex, PCLUSTER_ENUM_ITEM pItem, LPDWORD cbItem);

/* Free the list.  Returns 0; 6. */
DWORD ClusterNodeCloseEnumEx(HNODEENUMEX hNodeEnum);

RUEDA_END_DECLARATIONS

#endif
