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

/* Create an empty group, offline, of the kind ClusGroupTypeUnknown.
 *
 * Returns a handle for CloseClusterGroup().  NULL and the last error: 183, 5010 the name is taken, by a name or an id;
 * 123 it is empty; 206 it is too long. */
HGROUP CreateClusterGroup(HCLUSTER hCluster, LPCWSTR lpszGroupName);

/* Create an empty group of a kind.
 *
 * pGroupInfo  NULL, or the kind, with dwVersion 1.
 *
 * Returns as CreateClusterGroup(); also 87 for another version. */
HGROUP CreateClusterGroupEx(HCLUSTER hCluster, LPCWSTR lpszGroupName, PCLUSTER_CREATE_GROUP_INFO pGroupInfo);

/* Open a group with full access.
 *
 * lpszGroupName  its name or id.
 *
 * Returns a handle for CloseClusterGroup(), which stands for the group whatever it is called later.  NULL and the last
 * error: 5013 no such group; 5 the caller may only read and uses OpenClusterGroupEx(). */
HGROUP OpenClusterGroup(HCLUSTER hCluster, LPCWSTR lpszGroupName);

/* Open a group with the access that is asked for.
 *
 * lpszGroupName      as for OpenClusterGroup().
 * dwDesiredAccess    GENERIC_READ, GENERIC_ALL or MAXIMUM_ALLOWED.  0 is an error (87).
 * lpdwGrantedAccess  receives what was granted; may be NULL.
 *
 * Returns as OpenClusterGroup(). */
HGROUP OpenClusterGroupEx(HCLUSTER hCluster, LPCWSTR lpszGroupName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a group's handle.  Returns TRUE.  FALSE and the last error: 6. */
BOOL CloseClusterGroup(HGROUP hGroup);

/* A handle for the cluster that the group belongs to, on the same connection, for CloseCluster().  NULL and the last
 * error: 6. */
HCLUSTER GetClusterFromGroup(HGROUP hGroup);

/* The group's state, which follows from those of its resources, and its owner.
 *
 * lpszNodeName   buffer for the name of the node that owns it, empty if none does yet.  May be NULL, with lpcchNodeName
 *                NULL too or for the size.
 * lpcchNodeName  in: capacity in WCHARs with the terminator.  out: length without it.
 *
 * Returns the state.  ClusterGroupStateUnknown and the last error: 234 the buffer is too small; 5012 the group has been
 * deleted. */
CLUSTER_GROUP_STATE GetClusterGroupState(HGROUP hGroup, LPWSTR lpszNodeName, LPDWORD lpcchNodeName);

/* Rename a group.  Returns 0; 123 empty; 183, 5010 taken; 206 too long; 5012. */
DWORD SetClusterGroupName(HGROUP hGroup, LPCWSTR lpszGroupName);

/* Set the preferred owners.
 *
 * NodeCount  how many, at most 64; 0: none is preferred.
 * NodeList   their handles, the most preferred first.
 *
 * Returns 0; 6 one is no handle of a node; 87; 5012. */
DWORD SetClusterGroupNodeList(HGROUP hGroup, DWORD NodeCount, HNODE NodeList[]);

/* Bring all resources of a group online.
 *
 * hDestinationNode  the node where they shall run, to which the group is moved first; NULL: where it is, or if that is
 *                   not possible where the cluster finds best.
 *
 * Returns 0; 997 begun, and not at its end after a second; 5005 no node can run it, or hDestinationNode is
 * down; 5070, 70 the node is paused; 5071 it is no possible owner; 114 the second handle may be of another cluster;
 * 5012. */
DWORD OnlineClusterGroup(HGROUP hGroup, HNODE hDestinationNode);

/* Bring all resources of a group online.
 *
 * hDestinationNode            as for OnlineClusterGroup().
 * dwOnlineFlags               CLUSAPI_GROUP_ONLINE_ flags; they are about locks, queues and affinity, which there are
 *                             none of here, and change nothing.
 * lpInBuffer, cbInBufferSize  a property list for the resources, in bytes, which nobody looks at yet; NULL and 0 for
 *                             none.
 *
 * Returns as OnlineClusterGroup(); 87 an unknown flag, or bytes without a buffer. */
DWORD OnlineClusterGroupEx(
    HGROUP hGroup, HNODE hDestinationNode, DWORD dwOnlineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Move a group to another node.  Its resources go offline here and come back there as they were wanted.
 *
 * hDestinationNode  NULL: the best other node.
 *
 * Returns 0, also if it is there already; 997 begun, and not at its end after a second; 5005 there is no other
 * node, or the node is down; 5070 it is paused; 5071 it is no possible owner; 114; 5012. */
DWORD MoveClusterGroup(HGROUP hGroup, HNODE hDestinationNode);

/* Move a group to another node.
 *
 * hDestinationNode            as for MoveClusterGroup().
 * dwMoveFlags                 CLUSAPI_GROUP_MOVE_ flags; they change nothing here.
 * lpInBuffer, cbInBufferSize  as for OnlineClusterGroupEx().
 *
 * Returns as MoveClusterGroup(); 87 an unknown flag, or bytes without a buffer. */
DWORD MoveClusterGroupEx(
    HGROUP hGroup, HNODE hDestinationNode, DWORD dwMoveFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Take all resources of a group offline; the quorum resource stays as it is.
 *
 * Returns 0; 997 begun, and not at its end after a second; 5012. */
DWORD OfflineClusterGroup(HGROUP hGroup);

/* Take all resources of a group offline.
 *
 * dwOfflineFlags              CLUSAPI_GROUP_OFFLINE_ flags; they change nothing here.
 * lpInBuffer, cbInBufferSize  as for OnlineClusterGroupEx().
 *
 * Returns as OfflineClusterGroup(); 87 an unknown flag, or bytes without a buffer. */
DWORD OfflineClusterGroupEx(HGROUP hGroup, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Call off the move of a group, as long as it has not left.
 *
 * dwCancelFlags_RESERVED  0.
 *
 * Returns 0; 87; 997; 5023 it does not move; 5012. */
DWORD CancelClusterGroupOperation(HGROUP hGroup, DWORD dwCancelFlags_RESERVED);

/* Delete an empty group.  Returns 0; 145, 5019 resources are in it; 5026 it is a group of the cluster itself; 5012. */
DWORD DeleteClusterGroup(HGROUP hGroup);

/* Delete a group with all resources in it: they are taken offline first, which is waited for, up to 200 seconds.
 *
 * Returns 0; 5026 it is a group of the cluster itself, and nothing was begun; 997 not all went offline in that time;
 * 5019 somebody brought one of them online meanwhile; 5012. */
DWORD DestroyClusterGroup(HGROUP hGroup);

/* Send a control code (CLUSCTL_GROUP_…) to a group; parameters as for ClusterControl(). */
DWORD ClusterGroupControl(HGROUP hGroup, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of what a group has, as it is now.
 *
 * dwType  CLUSTER_GROUP_ENUM_ bits: its resources; its preferred owners, in their order.
 *
 * Returns a handle for ClusterGroupCloseEnum().  NULL and the last error: 87 no bit; 5012. */
HGROUPENUM ClusterGroupOpenEnum(HGROUP hGroup, DWORD dwType);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterGroupGetEnumCount(HGROUPENUM hGroupEnum);

/* One entry of the list; parameters and errors as for ClusterEnum(), lpdwType receives a CLUSTER_GROUP_ENUM_ bit. */
DWORD ClusterGroupEnum(
    HGROUPENUM hGroupEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszResourceName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
DWORD ClusterGroupCloseEnum(HGROUPENUM hGroupEnum);

/* Begin a list of all groups, each with chosen properties.
 *
 * lpszProperties, cbProperties      names of common properties: terminated texts one after the other; the one text "*"
 *                                   means all of them.  Size in bytes; NULL and 0: none.
 * lpszRoProperties, cbRoProperties  the same for read-only common properties.
 * dwFlags                           0.
 *
 * Returns a handle for ClusterGroupCloseEnumEx().  NULL and the last error: 87 a name that groups do not have. */
HGROUPENUMEX ClusterGroupOpenEnumEx(HCLUSTER hCluster, LPCWSTR lpszProperties, DWORD cbProperties,
    LPCWSTR lpszRoProperties, DWORD cbRoProperties, DWORD dwFlags);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterGroupGetEnumCountEx(HGROUPENUMEX hGroupEnumEx);

/* One entry of the list.
 *
 * pItem   memory, aligned to 8, for a CLUSTER_GROUP_ENUM_ITEM followed by its property lists and texts; the pointers in
 *         it point there.  NULL asks for the size, with 234.
 * cbItem  in: size of that memory in bytes.  out: bytes used or needed.
 *
 * Returns 0; 259 the index is beyond the last entry; 234 the memory is too small. */
DWORD ClusterGroupEnumEx(HGROUPENUMEX hGroupEnumEx, DWORD dwIndex, PCLUSTER_GROUP_ENUM_ITEM pItem, LPDWORD cbItem);

/* Free the list.  Returns 0; 6. */
DWORD ClusterGroupCloseEnumEx(HGROUPENUMEX hGroupEnumEx);

RUEDA_END_DECLARATIONS

#endif
