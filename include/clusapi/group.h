/* clusapi/group.h: groups: create, open, bring online, move, take offline, delete, and lists of what they hold.
 *
 * A group is a set of resources that run on the same node and move together.  What takes its time returns 997 (going
 * on in the background); the group's state or an event tells the end.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_GROUP_H
#define RUEDA_CLUSAPI_GROUP_H

#include "types.h"

typedef enum CLUSTER_GROUP_ENUM {
	CLUSTER_GROUP_ENUM_CONTAINS = 1, /* Its resources. */
	CLUSTER_GROUP_ENUM_NODES = 2,    /* Its preferred owners, in their order. */
	CLUSTER_GROUP_ENUM_ALL = 3,
} CLUSTER_GROUP_ENUM;

/* One entry of ClusterGroupEnumEx(): the entry with its texts and property lists behind it; sizes in bytes. */
typedef struct _CLUSTER_GROUP_ENUM_ITEM {
	DWORD dwVersion; /* CLUSTER_GROUP_ENUM_ITEM_VERSION. */
	DWORD cbId;
	LPWSTR lpszId;
	DWORD cbName;
	LPWSTR lpszName;
	CLUSTER_GROUP_STATE state;
	DWORD cbOwnerNode;
	LPWSTR lpszOwnerNode;
	DWORD dwFlags;
	DWORD cbProperties;
	PVOID pProperties;
	DWORD cbRoProperties;
	PVOID pRoProperties;
} CLUSTER_GROUP_ENUM_ITEM, *PCLUSTER_GROUP_ENUM_ITEM;
#define CLUSTER_GROUP_ENUM_ITEM_VERSION_1 0x00000001u
#define CLUSTER_GROUP_ENUM_ITEM_VERSION CLUSTER_GROUP_ENUM_ITEM_VERSION_1

typedef struct _CLUSTER_CREATE_GROUP_INFO {
	DWORD dwVersion; /* CLUSTER_CREATE_GROUP_INFO_VERSION. */
	CLUSGROUP_TYPE groupType;
} CLUSTER_CREATE_GROUP_INFO, *PCLUSTER_CREATE_GROUP_INFO;
#define CLUSTER_CREATE_GROUP_INFO_VERSION_1 0x00000001u
#define CLUSTER_CREATE_GROUP_INFO_VERSION CLUSTER_CREATE_GROUP_INFO_VERSION_1

/* Flags of OnlineClusterGroupEx(), OfflineClusterGroupEx() and MoveClusterGroupEx(). */
#define CLUSAPI_GROUP_ONLINE_IGNORE_RESOURCE_STATUS 0x00000001u
#define CLUSAPI_GROUP_ONLINE_SYNCHRONOUS 0x00000002u
#define CLUSAPI_GROUP_ONLINE_BEST_POSSIBLE_NODE 0x00000004u
#define CLUSAPI_GROUP_ONLINE_IGNORE_AFFINITY_RULE 0x00000008u
#define CLUSAPI_GROUP_OFFLINE_IGNORE_RESOURCE_STATUS 0x00000001u
#define CLUSAPI_GROUP_MOVE_IGNORE_RESOURCE_STATUS 0x00000001u
#define CLUSAPI_GROUP_MOVE_RETURN_TO_SOURCE_NODE_ON_ERROR 0x00000002u
#define CLUSAPI_GROUP_MOVE_QUEUE_ENABLED 0x00000004u
#define CLUSAPI_GROUP_MOVE_HIGH_PRIORITY_START 0x00000008u
#define CLUSAPI_GROUP_MOVE_FAILBACK 0x00000010u
#define CLUSAPI_GROUP_MOVE_IGNORE_AFFINITY_RULE 0x00000020u

RUEDA_BEGIN_DECLARATIONS

/* Create an empty group, offline.  NULL and the last error: 5010 the name is taken. */
HGROUP CreateClusterGroup(HCLUSTER hCluster, LPCWSTR lpszGroupName);

/* Create an empty group of a kind. */
HGROUP CreateClusterGroupEx(HCLUSTER hCluster, LPCWSTR lpszGroupName, PCLUSTER_CREATE_GROUP_INFO pGroupInfo);

/* Open a group by its name.  NULL and the last error: 5013 no such group. */
HGROUP OpenClusterGroup(HCLUSTER hCluster, LPCWSTR lpszGroupName);

/* Open a group by its name with the access that is asked for; lpdwGrantedAccess receives what was granted. */
HGROUP OpenClusterGroupEx(HCLUSTER hCluster, LPCWSTR lpszGroupName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a group's handle. */
BOOL CloseClusterGroup(HGROUP hGroup);

/* A handle for the cluster that the group belongs to, for CloseCluster(). */
HCLUSTER GetClusterFromGroup(HGROUP hGroup);

/* The group's state, and in lpszNodeName (which may be NULL) the name of the node that owns it. */
CLUSTER_GROUP_STATE GetClusterGroupState(HGROUP hGroup, LPWSTR lpszNodeName, LPDWORD lpcchNodeName);

/* Rename a group. */
DWORD SetClusterGroupName(HGROUP hGroup, LPCWSTR lpszGroupName);

/* Set the preferred owners, in order of preference. */
DWORD SetClusterGroupNodeList(HGROUP hGroup, DWORD NodeCount, HNODE NodeList[]);

/* Bring a group online; hDestinationNode NULL lets the cluster choose the node. */
DWORD OnlineClusterGroup(HGROUP hGroup, HNODE hDestinationNode);

/* Bring a group online, with CLUSAPI_GROUP_ONLINE_ flags and a property list for its resources. */
DWORD OnlineClusterGroupEx(
    HGROUP hGroup, HNODE hDestinationNode, DWORD dwOnlineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Move a group to another node; hDestinationNode NULL lets the cluster choose the node. */
DWORD MoveClusterGroup(HGROUP hGroup, HNODE hDestinationNode);

/* Move a group, with CLUSAPI_GROUP_MOVE_ flags and a property list for its resources. */
DWORD MoveClusterGroupEx(
    HGROUP hGroup, HNODE hDestinationNode, DWORD dwMoveFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Take a group offline. */
DWORD OfflineClusterGroup(HGROUP hGroup);

/* Take a group offline, with CLUSAPI_GROUP_OFFLINE_ flags and a property list for its resources. */
DWORD OfflineClusterGroupEx(HGROUP hGroup, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Call off a move that is going on or queued; the flags must be 0. */
DWORD CancelClusterGroupOperation(HGROUP hGroup, DWORD dwCancelFlags_RESERVED);

/* Delete an empty group. */
DWORD DeleteClusterGroup(HGROUP hGroup);

/* Delete a group with all resources in it. */
DWORD DestroyClusterGroup(HGROUP hGroup);

/* Send a control code (CLUSCTL_GROUP_…) to a group; parameters as for ClusterControl(). */
DWORD ClusterGroupControl(HGROUP hGroup, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of a group's resources or preferred owners (CLUSTER_GROUP_ENUM bits). */
HGROUPENUM ClusterGroupOpenEnum(HGROUP hGroup, DWORD dwType);

/* How many entries the list has; 0 on failure. */
DWORD ClusterGroupGetEnumCount(HGROUPENUM hGroupEnum);

/* One entry of the list, as ClusterEnum(). */
DWORD ClusterGroupEnum(
    HGROUPENUM hGroupEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszResourceName, LPDWORD lpcchName);

/* Free the list. */
DWORD ClusterGroupCloseEnum(HGROUPENUM hGroupEnum);

/* Begin a list of all groups with chosen common and read-only properties (lists of names, sizes in bytes). */
HGROUPENUMEX ClusterGroupOpenEnumEx(HCLUSTER hCluster, LPCWSTR lpszProperties, DWORD cbProperties,
    LPCWSTR lpszRoProperties, DWORD cbRoProperties, DWORD dwFlags);

/* How many entries the list has; 0 on failure. */
DWORD ClusterGroupGetEnumCountEx(HGROUPENUMEX hGroupEnumEx);

/* One entry of the list; cbItem as in ClusterEnumEx(). */
DWORD ClusterGroupEnumEx(HGROUPENUMEX hGroupEnumEx, DWORD dwIndex, PCLUSTER_GROUP_ENUM_ITEM pItem, LPDWORD cbItem);

/* Free the list. */
DWORD ClusterGroupCloseEnumEx(HGROUPENUMEX hGroupEnumEx);

RUEDA_END_DECLARATIONS

#endif
