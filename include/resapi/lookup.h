/* resapi/lookup.h: finding, comparing and walking over resources, groups and nodes.
 *
 * Handles that are returned belong to the caller.  The handle that a callback gets is closed when it returns.  A callback
 * that returns anything but 0 ends the walk, and the function returns that number.  An object that is deleted during a
 * walk is left out.  Functions without a desired access take full access.
 * Errors of walks: 87 there is no callback; 6.  Of searches for a provider, as the last error: 5002 there is none; 87 nothing
 * is asked for; 5929 more than 10000 resources; 6.
 * Included by <resapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RESAPI_LOOKUP_H
#define RUEDA_RESAPI_LOOKUP_H

#include "../clusapi.h"

typedef DWORD (*LPRESOURCE_CALLBACK)(HRESOURCE hSelf, HRESOURCE hResource, PVOID pParameter);
typedef DWORD (*LPRESOURCE_CALLBACK_EX)(HCLUSTER hCluster, HRESOURCE hSelf, HRESOURCE hResource, PVOID pParameter);
typedef DWORD (*LPGROUP_CALLBACK_EX)(HCLUSTER hCluster, HGROUP hSelf, HGROUP hGroup, PVOID pParameter);
typedef DWORD (*LPNODE_CALLBACK)(HCLUSTER hCluster, HNODE hNode, CLUSTER_NODE_STATE state, PVOID pParameter);

/* Roles that ResUtilGetClusterRoleState() is asked about. */
typedef enum CLUSTER_ROLE {
	ClusterRoleDHCP = 0,
	ClusterRoleDTC = 1,
	ClusterRoleFileServer = 2,
	ClusterRoleGenericApplication = 3,
	ClusterRoleGenericScript = 4,
	ClusterRoleGenericService = 5,
	ClusterRoleISCSINameServer = 6,
	ClusterRoleMSMQ = 7,
	ClusterRoleNFS = 8,
	ClusterRolePrintServer = 9,
	ClusterRoleStandAloneNamespaceServer = 10,
	ClusterRoleVolumeShadowCopyServiceTask = 11,
	ClusterRoleWINS = 12,
} CLUSTER_ROLE;
typedef enum CLUSTER_ROLE_STATE {
	ClusterRoleUnknown = -1,
	ClusterRoleClustered = 0,
	ClusterRoleUnclustered = 1,
} CLUSTER_ROLE_STATE;

RUEDA_BEGIN_DECLARATIONS

/* ---- Comparing ---- */

/* Tell whether two handles mean the same resource. */
BOOL ResUtilResourcesEqual(HRESOURCE hSelf, HRESOURCE hResource);

/* Tell whether a resource is of a type. */
BOOL ResUtilResourceTypesEqual(LPCWSTR lpszResourceTypeName, HRESOURCE hResource);

/* Tell whether a resource is of a class. */
BOOL ResUtilIsResourceClassEqual(PCLUS_RESOURCE_CLASS_INFO prci, HRESOURCE hResource);

/* Tell whether two handles mean the same group. */
DWORD ResUtilGroupsEqual(HGROUP hSelf, HGROUP hGroup, BOOL *pEqual);

/* ---- Walking ---- */

/* Call back for each resource of this machine's cluster, or for each of one type, but not for hSelf. */
DWORD ResUtilEnumResources(
    HRESOURCE hSelf, LPCWSTR lpszResTypeName, LPRESOURCE_CALLBACK pResCallBack, PVOID pParameter);

/* Call back for each resource of a cluster, or for each of one type, but not for hSelf. */
DWORD ResUtilEnumResourcesEx(
    HCLUSTER hCluster, HRESOURCE hSelf, LPCWSTR lpszResTypeName, LPRESOURCE_CALLBACK_EX pResCallBack, PVOID pParameter);

/* As ResUtilEnumResourcesEx(), with the access that the handles shall have. */
DWORD ResUtilEnumResourcesEx2(HCLUSTER hCluster, HRESOURCE hSelf, LPCWSTR lpszResTypeName,
    LPRESOURCE_CALLBACK_EX pResCallBack, PVOID pParameter, DWORD dwDesiredAccess);

/* Call back for each resource on the other end of a kind of dependency (CLUSTER_RESOURCE_ENUM_DEPENDS and
 * _PROVIDES; 87 with owners). */
DWORD ResUtilResourceDepEnum(HRESOURCE hSelf, DWORD enumType, LPRESOURCE_CALLBACK_EX pResCallBack, PVOID pParameter);

/* Call back for each group of a cluster, but not for hSelf. */
DWORD ResUtilEnumGroups(HCLUSTER hCluster, HGROUP hSelf, LPGROUP_CALLBACK_EX pResCallBack, PVOID pParameter);

/* Call back for each group of a kind, but not for hSelf. */
DWORD ResUtilEnumGroupsEx(
    HCLUSTER hCluster, HGROUP hSelf, CLUSGROUP_TYPE groupType, LPGROUP_CALLBACK_EX pResCallBack, PVOID pParameter);

/* Call back for each node of a cluster. */
DWORD ResUtilNodeEnum(HCLUSTER hCluster, LPNODE_CALLBACK pNodeCallBack, PVOID pParameter);

/* ---- What a resource depends on ---- */

/* The first resource of a type that hSelf depends on. */
HRESOURCE ResUtilGetResourceDependency(HANDLE hSelf, LPCWSTR lpszResourceType);

/* The same, with the access that the handle shall have. */
HRESOURCE ResUtilGetResourceDependencyEx(HANDLE hSelf, LPCWSTR lpszResourceType, DWORD dwDesiredAccess);

/* The first resource of a type that hSelf depends on, over several steps if bRecurse is TRUE. */
HRESOURCE ResUtilGetResourceDependencyByName(HCLUSTER hCluster, HANDLE hSelf, LPCWSTR lpszResourceType, BOOL bRecurse);

/* The same, with the access that the handle shall have. */
HRESOURCE ResUtilGetResourceDependencyByNameEx(
    HCLUSTER hCluster, HANDLE hSelf, LPCWSTR lpszResourceType, BOOL bRecurse, DWORD dwDesiredAccess);

/* The first resource of a class that hSelf depends on, over several steps if bRecurse is TRUE. */
HRESOURCE ResUtilGetResourceDependencyByClass(
    HCLUSTER hCluster, HANDLE hSelf, PCLUS_RESOURCE_CLASS_INFO prci, BOOL bRecurse);

/* The same, with the access that the handle shall have. */
HRESOURCE ResUtilGetResourceDependencyByClassEx(
    HCLUSTER hCluster, HANDLE hSelf, PCLUS_RESOURCE_CLASS_INFO prci, BOOL bRecurse, DWORD dwDesiredAccess);

/* The first resource of a type that a resource, given by its name, depends on. */
HRESOURCE ResUtilGetResourceNameDependency(LPCWSTR lpszResourceName, LPCWSTR lpszResourceType);

/* The same, with the access that the handle shall have. */
HRESOURCE ResUtilGetResourceNameDependencyEx(LPCWSTR lpszResourceName, LPCWSTR lpszResourceType, DWORD dwDesiredAccess);

/* Address, mask and network of the IP Address resource that a resource depends on, by itself or through others; a property
 * that is not set is empty.
 *
 * Counts in WCHARs: in: the capacity with the terminator.  out: the length without it, of all three.
 *
 * Returns 0; 234 one of the buffers is too small; 5002 there is none; 87; 6. */
DWORD ResUtilGetResourceDependentIPAddressProps(HRESOURCE hResource, LPWSTR pszAddress, DWORD *pcchAddress,
    LPWSTR pszSubnetMask, DWORD *pcchSubnetMask, LPWSTR pszNetwork, DWORD *pcchNetwork);

/* Drive letter of the Physical Disk resource that a resource depends on, by itself or through others: the letter of this
 * machine (see ruedad(8)) that leads to where the disk is mounted, as "D:".
 *
 * pcchDriveLetter  in: capacity in WCHARs with the terminator.  out: the length without it.
 *
 * Returns 0; 234 the buffer is too small; 5002 it depends on no disk; 1168 no letter leads there; 87; 6. */
DWORD ResUtilFindDependentDiskResourceDriveLetter(
    HCLUSTER hCluster, HRESOURCE hResource, LPWSTR pszDriveLetter, DWORD *pcchDriveLetter);

/* ---- Single objects ---- */

/* The resources of the cluster's name, address and quorum: the first Network Name and IP (else IPv6) Address of the group of
 * the quorum resource, and that.  The handle of what there is not is NULL; a pointer may be NULL.  The others must be closed
 * with CloseClusterResource().
 *
 * Returns 0, or an error code, and then nothing is handed out. */
DWORD ResUtilGetCoreClusterResources(HCLUSTER hCluster, HRESOURCE *phClusterNameResource,
    HRESOURCE *phClusterIPAddressResource, HRESOURCE *phClusterQuorumResource);

/* The same without the address, with the access that the handles shall have. */
DWORD ResUtilGetCoreClusterResourcesEx(HCLUSTER hClusterIn, HRESOURCE *phClusterNameResourceOut,
    HRESOURCE *phClusterQuorumResourceOut, DWORD dwDesiredAccess);

/* The name of a resource; count in WCHARs. */
DWORD ResUtilGetResourceName(HRESOURCE hResource, PWSTR pszResourceName, DWORD *pcchResourceNameInOut);

/* A second handle for a resource. */
DWORD ResUtilDupResource(HRESOURCE group, HRESOURCE *copy);

/* A second handle for a group. */
DWORD ResUtilDupGroup(HGROUP group, HGROUP *copy);

/* The kind of a group. */
DWORD ResUtilGetClusterGroupType(HGROUP hGroup, CLUSGROUP_TYPE *groupType);

/* The group that holds the cluster's own resources. */
HGROUP ResUtilGetCoreGroup(HCLUSTER hCluster);

/* The cluster's id. */
DWORD ResUtilGetClusterId(HCLUSTER hCluster, GUID *guid);

/* Whether a role is clustered: the cluster has a resource of the type that stands for it.
 *
 * Returns ClusterRoleUnknown and the last error: 87 there is no such role; 6. */
CLUSTER_ROLE_STATE ResUtilGetClusterRoleState(HCLUSTER hCluster, CLUSTER_ROLE eClusterRole);

RUEDA_END_DECLARATIONS

#endif
