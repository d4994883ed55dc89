/* clusapi/reason.h: forms of functions that take a reason for the audit trail (2025).
 *
 * Each takes the parameters of the function that its comment names and then lpszReason, a text that says why, or NULL;
 * what they do and return is described there.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_REASON_H
#define RUEDA_CLUSAPI_REASON_H

#include "batch.h"
#include "cluster.h"
#include "group.h"
#include "resource.h"

/* Asked for the reason whenever a function that changes something is called without one. */
typedef struct CLUSAPI_REASON_HANDLER {
	LPVOID lpParameter;
	DWORD (*pfnHandler)(LPVOID lpParameter, LPWSTR szReason, LPDWORD lpcchReason); /* Count in WCHARs. */
} CLUSAPI_REASON_HANDLER, *PCLUSAPI_REASON_HANDLER;

RUEDA_BEGIN_DECLARATIONS

/* Install a handler for this process, which must stay in place; returns the one before. */
PCLUSAPI_REASON_HANDLER ClusapiSetReasonHandler(PCLUSAPI_REASON_HANDLER lpHandler);

/* As SetClusterName(), with a reason. */
DWORD SetClusterNameEx(HCLUSTER hCluster, LPCWSTR lpszNewClusterName, LPCWSTR lpszReason);

/* As SetClusterQuorumResource(), with a reason. */
DWORD SetClusterQuorumResourceEx(
    HRESOURCE hResource, LPCWSTR lpszDeviceName, DWORD dwMaxQuoLogSize, LPCWSTR lpszReason);

/* As ClusterControl(), with a reason. */
DWORD ClusterControlEx(HCLUSTER hCluster, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As DeleteClusterGroupSet(), with a reason. */
DWORD DeleteClusterGroupSetEx(HGROUPSET hGroupSet, LPCWSTR lpszReason);

/* As ClusterAddGroupToGroupSetWithDomains(), with a reason. */
DWORD ClusterAddGroupToGroupSetWithDomainsEx(
    HGROUPSET hGroupSet, HGROUP hGroup, DWORD faultDomain, DWORD updateDomain, LPCWSTR lpszReason);

/* As ClusterRemoveGroupFromGroupSet(), with a reason. */
DWORD ClusterRemoveGroupFromGroupSetEx(HGROUP hGroup, LPCWSTR lpszReason);

/* As ClusterGroupSetControl(), with a reason. */
DWORD ClusterGroupSetControlEx(HGROUPSET hGroupSet, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD cbInBufferSize, LPVOID lpOutBuffer, DWORD cbOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As AddClusterGroupDependency(), with a reason. */
DWORD AddClusterGroupDependencyEx(HGROUP hDependentGroup, HGROUP hProviderGroup, LPCWSTR lpszReason);

/* As SetGroupDependencyExpression(), with a reason. */
DWORD SetGroupDependencyExpressionEx(HGROUP hGroup, LPCWSTR lpszDependencyExpression, LPCWSTR lpszReason);

/* As RemoveClusterGroupDependency(), with a reason. */
DWORD RemoveClusterGroupDependencyEx(HGROUP hGroup, HGROUP hDependsOn, LPCWSTR lpszReason);

/* As AddClusterGroupSetDependency(), with a reason. */
DWORD AddClusterGroupSetDependencyEx(HGROUPSET hDependentGroupSet, HGROUPSET hProviderGroupSet, LPCWSTR lpszReason);

/* As SetClusterGroupSetDependencyExpression(), with a reason. */
DWORD SetClusterGroupSetDependencyExpressionEx(
    HGROUPSET hGroupSet, LPCWSTR lpszDependencyExprssion, LPCWSTR lpszReason);

/* As RemoveClusterGroupSetDependency(), with a reason. */
DWORD RemoveClusterGroupSetDependencyEx(HGROUPSET hGroupSet, HGROUPSET hDependsOn, LPCWSTR lpszReason);

/* As AddClusterGroupToGroupSetDependency(), with a reason. */
DWORD AddClusterGroupToGroupSetDependencyEx(HGROUP hDependentGroup, HGROUPSET hProviderGroupSet, LPCWSTR lpszReason);

/* As RemoveClusterGroupToGroupSetDependency(), with a reason. */
DWORD RemoveClusterGroupToGroupSetDependencyEx(HGROUP hGroup, HGROUPSET hDependsOn, LPCWSTR lpszReason);

/* As EvictClusterNodeEx(), with a reason. */
DWORD EvictClusterNodeEx2(HNODE hNode, DWORD dwTimeOut, HRESULT *phrCleanupStatus, LPCWSTR lpszReason);

/* As PauseClusterNodeEx(), with a reason. */
DWORD PauseClusterNodeEx2(HNODE hNode, BOOL bDrainNode, DWORD dwPauseFlags, HNODE hNodeDrainTarget, LPCWSTR lpszReason);

/* As ResumeClusterNodeEx(), with a reason. */
DWORD ResumeClusterNodeEx2(HNODE hNode, CLUSTER_NODE_RESUME_FAILBACK_TYPE eResumeFailbackType,
    DWORD dwResumeFlagsReserved, LPCWSTR lpszReason);

/* As OnlineClusterGroupEx(), with a reason. */
DWORD OnlineClusterGroupEx2(HGROUP hGroup, HNODE hDestinationNode, DWORD dwOnlineFlags, PBYTE lpInBuffer,
    DWORD cbInBufferSize, LPCWSTR lpszReason);

/* As OfflineClusterGroupEx(), with a reason. */
DWORD OfflineClusterGroupEx2(
    HGROUP hGroup, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize, LPCWSTR lpszReason);

/* As OnlineClusterResourceEx(), with a reason. */
DWORD OnlineClusterResourceEx2(
    HRESOURCE hResource, DWORD dwOnlineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize, LPCWSTR lpszReason);

/* As OfflineClusterResourceEx(), with a reason. */
DWORD OfflineClusterResourceEx2(
    HRESOURCE hResource, DWORD dwOfflineFlags, PBYTE lpInBuffer, DWORD cbInBufferSize, LPCWSTR lpszReason);

/* As MoveClusterGroupEx(), with a reason. */
DWORD MoveClusterGroupEx2(HGROUP hGroup, HNODE hDestinationNode, DWORD dwMoveFlags, PBYTE lpInBuffer,
    DWORD cbInBufferSize, LPCWSTR lpszReason);

/* As RestartClusterResource(), with a reason. */
DWORD RestartClusterResourceEx(HRESOURCE hResource, DWORD dwFlags, LPCWSTR lpszReason);

/* As SetClusterGroupName(), with a reason. */
DWORD SetClusterGroupNameEx(HGROUP hGroup, LPCWSTR lpszGroupName, LPCWSTR lpszReason);

/* As SetClusterGroupNodeList(), with a reason. */
DWORD SetClusterGroupNodeListEx(HGROUP hGroup, DWORD NodeCount, HNODE NodeList[], LPCWSTR lpszReason);

/* As DeleteClusterGroup(), with a reason. */
DWORD DeleteClusterGroupEx(HGROUP hGroup, LPCWSTR lpszReason);

/* As DestroyClusterGroup(), with a reason. */
DWORD DestroyClusterGroupEx(HGROUP hGroup, LPCWSTR lpszReason);

/* As CreateClusterResource(), with a reason. */
HRESOURCE CreateClusterResourceEx(
    HGROUP hGroup, LPCWSTR lpszResourceName, LPCWSTR lpszResourceType, DWORD dwFlags, LPCWSTR lpszReason);

/* As DeleteClusterResource(), with a reason. */
DWORD DeleteClusterResourceEx(HRESOURCE hResource, LPCWSTR lpszReason);

/* As SetClusterResourceName(), with a reason. */
DWORD SetClusterResourceNameEx(HRESOURCE hResource, LPCWSTR lpszResourceName, LPCWSTR lpszReason);

/* As FailClusterResource(), with a reason. */
DWORD FailClusterResourceEx(HRESOURCE hResource, LPCWSTR lpszReason);

/* As ChangeClusterResourceGroupEx(), with a reason. */
DWORD ChangeClusterResourceGroupEx2(HRESOURCE hResource, HGROUP hGroup, ULONGLONG Flags, LPCWSTR lpszReason);

/* As AddClusterResourceNode(), with a reason. */
DWORD AddClusterResourceNodeEx(HRESOURCE hResource, HNODE hNode, LPCWSTR lpszReason);

/* As RemoveClusterResourceNode(), with a reason. */
DWORD RemoveClusterResourceNodeEx(HRESOURCE hResource, HNODE hNode, LPCWSTR lpszReason);

/* As AddClusterResourceDependency(), with a reason. */
DWORD AddClusterResourceDependencyEx(HRESOURCE hResource, HRESOURCE hDependsOn, LPCWSTR lpszReason);

/* As RemoveClusterResourceDependency(), with a reason. */
DWORD RemoveClusterResourceDependencyEx(HRESOURCE hResource, HRESOURCE hDependsOn, LPCWSTR lpszReason);

/* As ClusterResourceControl(), with a reason. */
DWORD ClusterResourceControlEx(HRESOURCE hResource, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD cbInBufferSize, LPVOID lpOutBuffer, DWORD cbOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As ClusterResourceControlAsUser(), with a reason. */
DWORD ClusterResourceControlAsUserEx(HRESOURCE hResource, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD cbInBufferSize, LPVOID lpOutBuffer, DWORD cbOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As ClusterResourceTypeControl(), with a reason. */
DWORD ClusterResourceTypeControlEx(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, HNODE hHostNode,
    DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize,
    LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As ClusterResourceTypeControlAsUser(), with a reason. */
DWORD ClusterResourceTypeControlAsUserEx(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, HNODE hHostNode,
    DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize,
    LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As ClusterGroupControl(), with a reason. */
DWORD ClusterGroupControlEx(HGROUP hGroup, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As ClusterNodeControl(), with a reason. */
DWORD ClusterNodeControlEx(HNODE hNode, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As CreateClusterResourceType(), with a reason. */
DWORD CreateClusterResourceTypeEx(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, LPCWSTR lpszDisplayName,
    LPCWSTR lpszResourceTypeDll, DWORD dwLooksAlivePollInterval, DWORD dwIsAlivePollInterval, LPCWSTR lpszReason);

/* As DeleteClusterResourceType(), with a reason. */
DWORD DeleteClusterResourceTypeEx(HCLUSTER hCluster, LPCWSTR lpszResourceTypeName, LPCWSTR lpszReason);

/* As SetClusterNetworkName(), with a reason. */
DWORD SetClusterNetworkNameEx(HNETWORK hNetwork, LPCWSTR lpszName, LPCWSTR lpszReason);

/* As ClusterNetworkControl(), with a reason. */
DWORD ClusterNetworkControlEx(HNETWORK hNetwork, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As ClusterNetInterfaceControl(), with a reason. */
DWORD ClusterNetInterfaceControlEx(HNETINTERFACE hNetInterface, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD nInBufferSize, LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned, LPCWSTR lpszReason);

/* As ClusterRegCreateKey(), with a reason. */
LONG ClusterRegCreateKeyEx(HKEY hKey, LPCWSTR lpszSubKey, DWORD dwOptions, REGSAM samDesired,
    LPSECURITY_ATTRIBUTES lpSecurityAttributes, PHKEY phkResult, LPDWORD lpdwDisposition, LPCWSTR lpszReason);

/* As ClusterRegDeleteKey(), with a reason. */
LONG ClusterRegDeleteKeyEx(HKEY hKey, LPCWSTR lpszSubKey, LPCWSTR lpszReason);

/* As ClusterRegSetValue(), with a reason. */
DWORD ClusterRegSetValueEx(
    HKEY hKey, LPCWSTR lpszValueName, DWORD dwType, const BYTE *lpData, DWORD cbData, LPCWSTR lpszReason);

/* As ClusterRegDeleteValue(), with a reason. */
DWORD ClusterRegDeleteValueEx(HKEY hKey, LPCWSTR lpszValueName, LPCWSTR lpszReason);

/* As ClusterRegSetKeySecurity(), with a reason. */
LONG ClusterRegSetKeySecurityEx(
    HKEY hKey, SECURITY_INFORMATION SecurityInformation, PSECURITY_DESCRIPTOR pSecurityDescriptor, LPCWSTR lpszReason);

RUEDA_END_DECLARATIONS

#endif
