/* clusapi/resource.h: resources and resource types: create, open, bring online, take offline, dependencies, possible
 * owners, lists.
 *
 * What takes its time returns 997 (going on in the background); the resource's state or an event tells the end.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_RESOURCE_H
#define RUEDA_CLUSAPI_RESOURCE_H

#include "types.h"

typedef enum CLUSTER_RESOURCE_ENUM {
	CLUSTER_RESOURCE_ENUM_DEPENDS = 1,  /* What it depends on. */
	CLUSTER_RESOURCE_ENUM_PROVIDES = 2, /* What depends on it. */
	CLUSTER_RESOURCE_ENUM_NODES = 4,    /* Its possible owners. */
	CLUSTER_RESOURCE_ENUM_ALL = 7,
} CLUSTER_RESOURCE_ENUM;

typedef enum CLUSTER_RESOURCE_TYPE_ENUM {
	CLUSTER_RESOURCE_TYPE_ENUM_NODES = 1,
	CLUSTER_RESOURCE_TYPE_ENUM_RESOURCES = 2,
	CLUSTER_RESOURCE_TYPE_ENUM_ALL = 3,
} CLUSTER_RESOURCE_TYPE_ENUM;

/* One entry of ClusterResourceEnumEx(): the entry with its texts and property lists behind it; sizes in bytes. */
typedef struct _CLUSTER_RESOURCE_ENUM_ITEM {
	DWORD dwVersion; /* CLUSTER_RESOURCE_ENUM_ITEM_VERSION. */
	DWORD cbId;
	LPWSTR lpszId;
	DWORD cbName;
	LPWSTR lpszName;
	DWORD cbOwnerGroupName;
	LPWSTR lpszOwnerGroupName;
	DWORD cbOwnerGroupId;
	LPWSTR lpszOwnerGroupId;
	DWORD cbProperties;
	PVOID pProperties;
	DWORD cbRoProperties;
	PVOID pRoProperties;
} CLUSTER_RESOURCE_ENUM_ITEM, *PCLUSTER_RESOURCE_ENUM_ITEM;
#define CLUSTER_RESOURCE_ENUM_ITEM_VERSION_1 0x00000001u
#define CLUSTER_RESOURCE_ENUM_ITEM_VERSION CLUSTER_RESOURCE_ENUM_ITEM_VERSION_1

/* Input and output of CLUSCTL_RESOURCE_SET_MAINTENANCE_MODE and its kin. */
typedef struct CLUS_MAINTENANCE_MODE_INFO {
	BOOL InMaintenance;
} CLUS_MAINTENANCE_MODE_INFO, *PCLUS_MAINTENANCE_MODE_INFO;
typedef enum MAINTENANCE_MODE_TYPE_ENUM {
	MaintenanceModeTypeDisableIsAliveCheck = 1,
	MaintenanceModeTypeOfflineResource = 2,
	MaintenanceModeTypeUnclusterResource = 3,
} MAINTENANCE_MODE_TYPE_ENUM;
typedef struct CLUS_MAINTENANCE_MODE_INFOEX {
	BOOL InMaintenance;
	MAINTENANCE_MODE_TYPE_ENUM MaintenanceModeType;
	CLUSTER_RESOURCE_STATE InternalState;
	DWORD Signature; /* CLUS_MAINTENANCE_MODE_SIGNATURE. */
} CLUS_MAINTENANCE_MODE_INFOEX, *PCLUS_MAINTENANCE_MODE_INFOEX;
#define CLUS_MAINTENANCE_MODE_SIGNATURE 0xABBAF00Fu

/* Flags of OnlineClusterResourceEx() and OfflineClusterResourceEx(). */
#define CLUSAPI_RESOURCE_ONLINE_IGNORE_RESOURCE_STATUS 0x00000001u
#define CLUSAPI_RESOURCE_ONLINE_DO_NOT_UPDATE_PERSISTENT_STATE 0x00000002u
#define CLUSAPI_RESOURCE_ONLINE_NECESSARY_FOR_QUORUM 0x00000004u
#define CLUSAPI_RESOURCE_ONLINE_BEST_POSSIBLE_NODE 0x00000008u
#define CLUSAPI_RESOURCE_ONLINE_IGNORE_AFFINITY_RULE 0x00000020u
#define CLUSAPI_RESOURCE_OFFLINE_IGNORE_RESOURCE_STATUS 0x00000001u
#define CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION 0x00000002u
#define CLUSAPI_RESOURCE_OFFLINE_DO_NOT_UPDATE_PERSISTENT_STATE 0x00000004u
#define CLUSAPI_CHANGE_RESOURCE_GROUP_FORCE_MOVE_TO_CSV 0x0000000000000001ull

RUEDA_BEGIN_DECLARATIONS

/* ---- Resources ---- */

/* Create a resource of a type in a group.  NULL and the last error: 5078 no such type; 5010 the name is taken. */
HRESOURCE CreateClusterResource(HGROUP hGroup, LPCWSTR lpszResourceName, LPCWSTR lpszResourceType, DWORD dwFlags);

/* Open a resource by its name.  NULL and the last error: 5007 no such resource. */
HRESOURCE OpenClusterResource(HCLUSTER hCluster, LPCWSTR lpszResourceName);

/* Open a resource by its name with the access that is asked for; lpdwGrantedAccess receives what was granted. */
HRESOURCE OpenClusterResourceEx(
    HCLUSTER hCluster, LPCWSTR lpszResourceName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a resource's handle. */
BOOL CloseClusterResource(HRESOURCE hResource);

/* A handle for the cluster that the resource belongs to, for CloseCluster(). */
HCLUSTER GetClusterFromResource(HRESOURCE hResource);

/* Delete a resource that is offline and that no other depends on. */
DWORD DeleteClusterResource(HRESOURCE hResource);

/* The resource's state, and if wanted the names of the node and of the group that it is in. */
CLUSTER_RESOURCE_STATE GetClusterResourceState(
    HRESOURCE hResource, LPWSTR lpszNodeName, LPDWORD lpcchNodeName, LPWSTR lpszGroupName, LPDWORD lpcchGroupName);

/* Rename a resource. */
DWORD SetClusterResourceName(HRESOURCE hResource, LPCWSTR lpszResourceName);

/* Treat a resource as failed: it is restarted or its group moves, as configured. */
DWORD FailClusterResource(HRESOURCE hResource);

/* Bring a resource online, with those that it depends on. */
DWORD OnlineClusterResource(HRESOURCE hResource);

/* Bring a resource online, with CLUSAPI_RESOURCE_ONLINE_ flags and a property list. */
DWORD OnlineClusterResourceEx(HRESOURCE hResource, DWORD dwOnlineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Take a resource offline, with those that depend on it. */
DWORD OfflineClusterResource(HRESOURCE hResource);

/* Take a resource offline, with CLUSAPI_RESOURCE_OFFLINE_ flags and a property list. */
DWORD OfflineClusterResourceEx(HRESOURCE hResource, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Take a resource offline and bring it online again. */
DWORD RestartClusterResource(HRESOURCE hResource, DWORD dwFlags);

/* Send a control code (CLUSCTL_RESOURCE_…, see clusapi/codes.h) to a resource: checkpoints, shared volumes,
 * maintenance, properties.
 *
 * hResource                    the resource.
 * hHostNode                    the node that carries it out; NULL: the resource's owner.
 * dwControlCode                the code; what goes in and comes out is described with the code.
 * lpInBuffer, cbInBufferSize   input, size in bytes; NULL and 0 if the code has none. lpOutBuffer, cbOutBufferSize
 *                              buffer for the output, capacity in bytes; NULL and 0 if there is none.
 * lpBytesReturned              receives the bytes written, or with 234 the bytes needed; may be NULL.
 *
 * Returns 0; 234 the output buffer is too small; 1 the code is unknown or not for this resource; 5015 hHostNode does
 * not own the resource; 5004 the resource must be online for this.  With NULL and 0 for the output a code that has
 * output may return 0 or 234: callers accept both. */
DWORD ClusterResourceControl(HRESOURCE hResource, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD cbInBufferSize, LPVOID lpOutBuffer, DWORD cbOutBufferSize, LPDWORD lpBytesReturned);

/* ---- Where a resource is, and what it needs ---- */

/* Move a resource, with all that it depends on and all that depend on it, to another group. */
DWORD ChangeClusterResourceGroup(HRESOURCE hResource, HGROUP hGroup);

/* Move a resource to another group, with flags. */
DWORD ChangeClusterResourceGroupEx(HRESOURCE hResource, HGROUP hGroup, ULONGLONG Flags);

/* Add a node to the possible owners. */
DWORD AddClusterResourceNode(HRESOURCE hResource, HNODE hNode);

/* Remove a node from the possible owners. */
DWORD RemoveClusterResourceNode(HRESOURCE hResource, HNODE hNode);

/* Let hResource depend on hDependsOn, which must be in the same group.  1059: that would make a circle. */
DWORD AddClusterResourceDependency(HRESOURCE hResource, HRESOURCE hDependsOn);

/* Remove a dependency. */
DWORD RemoveClusterResourceDependency(HRESOURCE hResource, HRESOURCE hDependsOn);

/* Set all dependencies of a resource at once, as text: "([a] or [b]) and [c]"; the empty text removes them. */
DWORD SetClusterResourceDependencyExpression(HRESOURCE hResource, LPCWSTR lpszDependencyExpression);

/* The dependencies of a resource as text. */
DWORD GetClusterResourceDependencyExpression(
    HRESOURCE hResource, LPWSTR lpszDependencyExpression, LPDWORD lpcchDependencyExpression);

/* Tell whether hResource could depend on hResourceDependent. */
BOOL CanResourceBeDependent(HRESOURCE hResource, HRESOURCE hResourceDependent);

/* The computer name that the resource appears under: that of the Network Name resource that it depends on. */
BOOL GetClusterResourceNetworkName(HRESOURCE hResource, LPWSTR lpBuffer, LPDWORD nSize);

/* ---- Lists ---- */

/* Begin a list of what a resource depends on, what depends on it, or its possible owners (CLUSTER_RESOURCE_ENUM
 * bits). */
HRESENUM ClusterResourceOpenEnum(HRESOURCE hResource, DWORD dwType);

/* How many entries the list has; 0 on failure. */
DWORD ClusterResourceGetEnumCount(HRESENUM hResEnum);

/* One entry of the list, as ClusterEnum(). */
DWORD ClusterResourceEnum(HRESENUM hResEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list. */
DWORD ClusterResourceCloseEnum(HRESENUM hResEnum);

/* Begin a list of all resources with chosen common and read-only properties (lists of names, sizes in bytes). */
HRESENUMEX ClusterResourceOpenEnumEx(HCLUSTER hCluster, LPCWSTR lpszProperties, DWORD cbProperties,
    LPCWSTR lpszRoProperties, DWORD cbRoProperties, DWORD dwFlags);

/* How many entries the list has; 0 on failure. */
DWORD ClusterResourceGetEnumCountEx(HRESENUMEX hResourceEnumEx);

/* One entry of the list; cbItem as in ClusterEnumEx(). */
DWORD ClusterResourceEnumEx(
    HRESENUMEX hResourceEnumEx, DWORD dwIndex, PCLUSTER_RESOURCE_ENUM_ITEM pItem, LPDWORD cbItem);

/* Free the list. */
DWORD ClusterResourceCloseEnumEx(HRESENUMEX hResourceEnumEx);

/* ---- Resource types ---- */

/* Make a resource type known, with the library that runs it and the intervals, in milliseconds, of its two checks. */
DWORD CreateClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, LPCWSTR lpszDisplayName,
    LPCWSTR lpszResourceTypeDll, DWORD dwLooksAlivePollInterval, DWORD dwIsAlivePollInterval);

/* Remove a resource type of which no resource is left. */
DWORD DeleteClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName);

/* Send a control code (CLUSCTL_RESOURCE_TYPE_…, see clusapi/codes.h) to a resource type.
 *
 * hCluster                     the cluster.
 * lpszResourceTypeName         the type.
 * hHostNode                    the node that carries it out; NULL: the server chooses.
 * dwControlCode                the code; what goes in and comes out is described with the code.
 * lpInBuffer, nInBufferSize    input, size in bytes; NULL and 0 if the code has none.
 * lpOutBuffer, nOutBufferSize  buffer for the output, capacity in bytes; NULL and 0 if there is none.
 * lpBytesReturned              receives the bytes written, or with 234 the bytes needed; may be NULL.
 *
 * Returns 0; 234 the output buffer is too small; 5078 no such type; 1 the code is unknown or not for this type. */
DWORD ClusterResourceTypeControl(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, HNODE hHostNode, DWORD dwControlCode,
    LPVOID lpInBuffer, DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of a type's possible nodes or of its resources (CLUSTER_RESOURCE_TYPE_ENUM bits). */
HRESTYPEENUM ClusterResourceTypeOpenEnum(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, DWORD dwType);

/* How many entries the list has; 0 on failure. */
DWORD ClusterResourceTypeGetEnumCount(HRESTYPEENUM hResTypeEnum);

/* One entry of the list, as ClusterEnum(). */
DWORD ClusterResourceTypeEnum(
    HRESTYPEENUM hResTypeEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list. */
DWORD ClusterResourceTypeCloseEnum(HRESTYPEENUM hResTypeEnum);

/* ---- With the caller's identity ---- */

/* As ClusterResourceControl(), but the code is carried out with the rights of the caller. */
DWORD ClusterResourceControlAsUser(HRESOURCE hResource, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD cbInBufferSize, LPVOID lpOutBuffer, DWORD cbOutBufferSize, LPDWORD lpBytesReturned);

/* As ClusterResourceTypeControl(), but the code is carried out with the rights of the caller. */
DWORD ClusterResourceTypeControlAsUser(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, HNODE hHostNode,
    DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize,
    LPDWORD lpBytesReturned);

RUEDA_END_DECLARATIONS

#endif
