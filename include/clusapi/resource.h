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

/* Create a resource, offline, in a group.
 *
 * lpszResourceType  the name of its type.
 * dwFlags           CLUSTER_RESOURCE_CREATE_FLAGS.
 *
 * Returns a handle for CloseClusterResource().  NULL and the last error: 5078 no such type; 183, 5010 the name is
 * taken, by a name or an id; 123 it is empty; 206 it is too long; 5012 the group has been deleted. */
HRESOURCE CreateClusterResource(HGROUP hGroup, LPCWSTR lpszResourceName, LPCWSTR lpszResourceType, DWORD dwFlags);

/* Open a resource with full access.
 *
 * lpszResourceName  its name or id.
 *
 * Returns a handle for CloseClusterResource(), which stands for the resource whatever it is called later.  NULL and the
 * last error: 5007 no such resource; 5 the caller may only read and uses OpenClusterResourceEx(). */
HRESOURCE OpenClusterResource(HCLUSTER hCluster, LPCWSTR lpszResourceName);

/* Open a resource with the access that is asked for.
 *
 * lpszResourceName   as for OpenClusterResource().
 * dwDesiredAccess    GENERIC_READ, GENERIC_ALL or MAXIMUM_ALLOWED.  0 is an error (87).
 * lpdwGrantedAccess  receives what was granted; may be NULL.
 *
 * Returns as OpenClusterResource(). */
HRESOURCE OpenClusterResourceEx(
    HCLUSTER hCluster, LPCWSTR lpszResourceName, DWORD dwDesiredAccess, DWORD *lpdwGrantedAccess);

/* Close a resource's handle.  Returns TRUE.  FALSE and the last error: 6. */
BOOL CloseClusterResource(HRESOURCE hResource);

/* A handle for the cluster that the resource belongs to, on the same connection, for CloseCluster().  NULL and the last
 * error: 6. */
HCLUSTER GetClusterFromResource(HRESOURCE hResource);

/* Delete a resource.  Returns 0; 5019 it runs; 5001 another one depends on it; 5020 it is the quorum resource; 5006. */
DWORD DeleteClusterResource(HRESOURCE hResource);

/* The resource's state, and where it is.
 *
 * lpszNodeName, lpcchNodeName    buffer for the name of the node that owns its group, and its capacity in WCHARs with
 *                                the terminator, which becomes the length without it.  Both may be NULL; the buffer
 *                                alone may be NULL for the size.
 * lpszGroupName, lpcchGroupName  the same for the name of its group.
 *
 * Returns the state.  ClusterResourceStateUnknown and the last error: 234 a buffer is too small, and both counts say
 * what is needed; 5006 the resource has been deleted. */
CLUSTER_RESOURCE_STATE GetClusterResourceState(
    HRESOURCE hResource, LPWSTR lpszNodeName, LPDWORD lpcchNodeName, LPWSTR lpszGroupName, LPDWORD lpcchGroupName);

/* Rename a resource.  Returns 0; 123 empty; 183, 5010 taken, by a name or an id; 206 too long; 5006. */
DWORD SetClusterResourceName(HRESOURCE hResource, LPCWSTR lpszResourceName);

/* Treat a resource that is online as failed: it is restarted or its group moves, as configured.
 *
 * Returns 0; 5004 it is not online; 5006. */
DWORD FailClusterResource(HRESOURCE hResource);

/* Bring a resource online, with those that it depends on.
 *
 * Returns 0; 997 begun, and not at its end after a second; 5038 it failed; 5005, 5071 no node can run it; 5006. */
DWORD OnlineClusterResource(HRESOURCE hResource);

/* Bring a resource online, with those that it depends on.
 *
 * dwOnlineFlags               CLUSAPI_RESOURCE_ONLINE_ flags; they are about locks and affinity, which there are none
 *                             of here, and change nothing.
 * lpInBuffer, cbInBufferSize  a property list for its type, in bytes, which nobody looks at yet; NULL and 0 for none.
 *
 * Returns as OnlineClusterResource(); 87 an unknown flag, or bytes without a buffer. */
DWORD OnlineClusterResourceEx(HRESOURCE hResource, DWORD dwOnlineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Take a resource offline, with those that depend on it.
 *
 * Returns 0; 997 begun, and not at its end after a second; 5020, 5068 it is the quorum resource; 5006. */
DWORD OfflineClusterResource(HRESOURCE hResource);

/* Take a resource offline, with those that depend on it.
 *
 * dwOfflineFlags              CLUSAPI_RESOURCE_OFFLINE_ flags; they change nothing here.
 * lpInBuffer, cbInBufferSize  as for OnlineClusterResourceEx().
 *
 * Returns as OfflineClusterResource(); 87 an unknown flag, or bytes without a buffer. */
DWORD OfflineClusterResourceEx(HRESOURCE hResource, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize);

/* Take a resource that is online offline, and bring it online again; both go on in the background.
 *
 * dwFlags  0.
 *
 * Returns 0; 87; 5004 it is not online; 5006. */
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

/* Move a resource, with all that it depends on and all that depend on it, to another group.
 *
 * Returns 0; 5019 one of them runs and the groups are not on one node; 5007, 5013 one has been deleted; 114 the
 * second handle may be of another cluster; 5006; 5012. */
DWORD ChangeClusterResourceGroup(HRESOURCE hResource, HGROUP hGroup);

/* Move a resource to another group.
 *
 * Flags  CLUSAPI_CHANGE_RESOURCE_GROUP_FORCE_MOVE_TO_CSV or 0; it changes nothing here.
 *
 * Returns as ChangeClusterResourceGroup(); 87 an unknown flag. */
DWORD ChangeClusterResourceGroupEx(HRESOURCE hResource, HGROUP hGroup, ULONGLONG Flags);

/* Add a node to the possible owners.  Returns 0; 5010 it is one; 114; 5006; 5042. */
DWORD AddClusterResourceNode(HRESOURCE hResource, HNODE hNode);

/* Remove a node from the possible owners.  Returns 0; 5042 it is none; 114; 5006. */
DWORD RemoveClusterResourceNode(HRESOURCE hResource, HNODE hNode);

/* Let hResource depend on hDependsOn.
 *
 * Returns 0; 1059 that would make a circle; 5003 it does already; 5069, 87 they are not in one group, or hDependsOn is
 * the quorum resource; 5019 hResource runs and hDependsOn does not; 5929 too many or too deep; 114; 5006. */
DWORD AddClusterResourceDependency(HRESOURCE hResource, HRESOURCE hDependsOn);

/* Remove a dependency.  Returns 0; 5002 there is none, or the expression has it in an "or"; 114; 5006. */
DWORD RemoveClusterResourceDependency(HRESOURCE hResource, HRESOURCE hDependsOn);

/* Set all dependencies of a resource at once.
 *
 * lpszDependencyExpression  "([a] or [b]) and [c]", with names or ids; NULL or empty: it depends on nothing.
 *
 * Returns 0; 87 it is no expression, or names the resource itself or one of another group; 5007 no such resource; 1059,
 * 5003, 5019, 5069, 5929 as for AddClusterResourceDependency(); 5006. */
DWORD SetClusterResourceDependencyExpression(HRESOURCE hResource, LPCWSTR lpszDependencyExpression);

/* The dependencies of a resource as such a text, with the names of now; empty if there are none.
 *
 * lpszDependencyExpression   buffer; NULL asks for the size.
 * lpcchDependencyExpression  in: capacity in WCHARs with the terminator.  out: length without it.
 *
 * Returns 0; 234 the buffer is too small; 5006. */
DWORD GetClusterResourceDependencyExpression(
    HRESOURCE hResource, LPWSTR lpszDependencyExpression, LPDWORD lpcchDependencyExpression);

/* Tell whether hResource could be made a provider of hResourceDependent.
 *
 * Returns TRUE.  FALSE and the last error: why AddClusterResourceDependency(hResourceDependent, hResource) would
 * fail. */
BOOL CanResourceBeDependent(HRESOURCE hResource, HRESOURCE hResourceDependent);

/* The computer name that the resource appears under: the property Name of the Network Name resource that it is or
 * depends on, over any number of steps.
 *
 * lpBuffer  buffer; NULL asks for the size.
 * nSize     in: capacity in WCHARs with the terminator.  out: length without it.
 *
 * Returns TRUE.  FALSE and the last error: 5002 there is none; 234 the buffer is too small; 5006. */
BOOL GetClusterResourceNetworkName(HRESOURCE hResource, LPWSTR lpBuffer, LPDWORD nSize);

/* ---- Lists ---- */

/* Begin a list of what belongs to a resource, as it is now.
 *
 * dwType  CLUSTER_RESOURCE_ENUM_ bits: what it depends on, what depends on it, its possible owners.
 *
 * Returns a handle for ClusterResourceCloseEnum().  NULL and the last error: 87 no bit; 5006. */
HRESENUM ClusterResourceOpenEnum(HRESOURCE hResource, DWORD dwType);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterResourceGetEnumCount(HRESENUM hResEnum);

/* One entry of the list; parameters and errors as for ClusterEnum(), lpdwType receives a CLUSTER_RESOURCE_ENUM_ bit. */
DWORD ClusterResourceEnum(HRESENUM hResEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
DWORD ClusterResourceCloseEnum(HRESENUM hResEnum);

/* Begin a list of all resources, each with chosen properties; parameters and errors as for ClusterGroupOpenEnumEx().
 *
 * Returns a handle for ClusterResourceCloseEnumEx(). */
HRESENUMEX ClusterResourceOpenEnumEx(HCLUSTER hCluster, LPCWSTR lpszProperties, DWORD cbProperties,
    LPCWSTR lpszRoProperties, DWORD cbRoProperties, DWORD dwFlags);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterResourceGetEnumCountEx(HRESENUMEX hResourceEnumEx);

/* One entry of the list; parameters and errors as for ClusterGroupEnumEx(). */
DWORD ClusterResourceEnumEx(
    HRESENUMEX hResourceEnumEx, DWORD dwIndex, PCLUSTER_RESOURCE_ENUM_ITEM pItem, LPDWORD cbItem);

/* Free the list.  Returns 0; 6. */
DWORD ClusterResourceCloseEnumEx(HRESENUMEX hResourceEnumEx);

/* ---- Resource types ---- */

/* Make a resource type known.
 *
 * lpszDisplayName           what people see.
 * lpszResourceTypeDll       the library that runs its resources.
 * dwLooksAlivePollInterval  milliseconds between quick checks.
 * dwIsAlivePollInterval     milliseconds between thorough checks.
 *
 * Returns 0; 183, 5010 there is one of that name; 123; 206. */
DWORD CreateClusterResourceType(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, LPCWSTR lpszDisplayName,
    LPCWSTR lpszResourceTypeDll, DWORD dwLooksAlivePollInterval, DWORD dwIsAlivePollInterval);

/* Remove a resource type.  Returns 0; 145, 5909 there are resources of it; 5078 no such type. */
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

/* Begin a list of what belongs to a type, as it is now.
 *
 * lpszResourceTypeName  the type.
 * dwType                CLUSTER_RESOURCE_TYPE_ENUM_ bits: the nodes that can run it, its resources.
 *
 * Returns a handle for ClusterResourceTypeCloseEnum().  NULL and the last error: 87 no bit; 5078 no such type. */
HRESTYPEENUM ClusterResourceTypeOpenEnum(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, DWORD dwType);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterResourceTypeGetEnumCount(HRESTYPEENUM hResTypeEnum);

/* One entry of the list; parameters and errors as for ClusterEnum(), lpdwType receives a CLUSTER_RESOURCE_TYPE_ENUM_
 * bit. */
DWORD ClusterResourceTypeEnum(
    HRESTYPEENUM hResTypeEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
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
