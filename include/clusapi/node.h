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

/* Open a node by its name.  NULL and the last error: 5042 no such node. */
HNODE OpenClusterNode(HCLUSTER hCluster, LPCWSTR lpszNodeName);

/* Open a node by its name with the access that is asked for; lpdwGrantedAccess receives what was granted. */
HNODE OpenClusterNodeEx(HCLUSTER hCluster, LPCWSTR lpszNodeName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Open a node by its number. */
HNODE OpenClusterNodeById(HCLUSTER hCluster, DWORD nodeId);

/* Close a node's handle. */
BOOL CloseClusterNode(HNODE hNode);

/* Up, down, paused or joining. */
CLUSTER_NODE_STATE GetClusterNodeState(HNODE hNode);

/* The node's number as text; a NULL handle asks for the node that this program runs on. */
DWORD GetClusterNodeId(HNODE hNode, LPWSTR lpszNodeId, LPDWORD lpcchName);

/* A handle for the cluster that the node belongs to, for CloseCluster(). */
HCLUSTER GetClusterFromNode(HNODE hNode);

/* Let no group come to the node; those that run there stay. */
DWORD PauseClusterNode(HNODE hNode);

/* Pause a node and, if bDrainNode is TRUE, move its groups away, to hNodeDrainTarget if that is not NULL (997:
 * begun). */
DWORD PauseClusterNodeEx(HNODE hNode, BOOL bDrainNode, DWORD dwPauseFlags, HNODE hNodeDrainTarget);

/* Let groups come to the node again. */
DWORD ResumeClusterNode(HNODE hNode);

/* Let groups come to the node again, and say whether those that were moved away come back. */
DWORD ResumeClusterNodeEx(
    HNODE hNode, CLUSTER_NODE_RESUME_FAILBACK_TYPE eResumeFailbackType, DWORD dwResumeFlagsReserved);

/* Remove a node from the cluster for good, and clean it up where it can be reached. */
DWORD EvictClusterNode(HNODE hNode);

/* Remove a node from the cluster; dwTimeOut, in milliseconds, limits the wait for its clean-up, whose outcome is
 * told apart in phrCleanupStatus. */
DWORD EvictClusterNodeEx(HNODE hNode, DWORD dwTimeOut, HRESULT *phrCleanupStatus);

/* Send a control code (CLUSCTL_NODE_…) to a node; parameters as for ClusterControl(). */
DWORD ClusterNodeControl(HNODE hNode, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of a node's network interfaces or groups (CLUSTER_NODE_ENUM bits). */
HNODEENUM ClusterNodeOpenEnum(HNODE hNode, DWORD dwType);

/* How many entries the list has; 0 on failure. */
DWORD ClusterNodeGetEnumCount(HNODEENUM hNodeEnum);

/* One entry of the list, as ClusterEnum(). */
DWORD ClusterNodeEnum(HNODEENUM hNodeEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list. */
DWORD ClusterNodeCloseEnum(HNODEENUM hNodeEnum);

/* Begin a list of a node's network interfaces or groups, with ids beside the names. */
HNODEENUMEX ClusterNodeOpenEnumEx(HNODE hNode, DWORD dwType, PVOID pOptions);

/* How many entries the list has; 0 on failure. */
DWORD ClusterNodeGetEnumCountEx(HNODEENUMEX hNodeEnum);

/* One entry of the list, as ClusterEnumEx(). */
DWORD ClusterNodeEnumEx(HNODEENUMEX hNodeEnum, DWORD dwIndex, PCLUSTER_ENUM_ITEM pItem, LPDWORD cbItem);

/* Free the list. */
DWORD ClusterNodeCloseEnumEx(HNODEENUMEX hNodeEnum);

RUEDA_END_DECLARATIONS

#endif
