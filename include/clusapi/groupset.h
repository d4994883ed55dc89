/* clusapi/groupset.h: group sets, dependencies between groups, availability sets, affinity rules (2016 and later).
 *
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_GROUPSET_H
#define RUEDA_CLUSAPI_GROUPSET_H

#include "types.h"

typedef enum CLUS_AFFINITY_RULE_TYPE {
	CLUS_AFFINITY_RULE_NONE = 0,
	CLUS_AFFINITY_RULE_SAME_FAULT_DOMAIN = 1,
	CLUS_AFFINITY_RULE_SAME_NODE = 2,
	CLUS_AFFINITY_RULE_DIFFERENT_FAULT_DOMAIN = 3,
	CLUS_AFFINITY_RULE_DIFFERENT_NODE = 4,
} CLUS_AFFINITY_RULE_TYPE,
    *PCLUS_AFFINITY_RULE_TYPE;

typedef struct CLUSTER_AVAILABILITY_SET_CONFIG {
	DWORD dwVersion; /* 1. */
	DWORD dwUpdateDomains;
	DWORD dwFaultDomains;
	BOOL bReserveSpareNode;
} CLUSTER_AVAILABILITY_SET_CONFIG, *PCLUSTER_AVAILABILITY_SET_CONFIG;

RUEDA_BEGIN_DECLARATIONS

/* ---- Group sets ---- */

/* Create a group set. */
HGROUPSET CreateClusterGroupSet(HCLUSTER hCluster, LPCWSTR groupSetName);

/* Open a group set by its name. */
HGROUPSET OpenClusterGroupSet(HCLUSTER hCluster, LPCWSTR lpszGroupSetName);

/* Close a group set's handle. */
BOOL CloseClusterGroupSet(HGROUPSET hGroupSet);

/* Delete a group set; its groups stay. */
DWORD DeleteClusterGroupSet(HGROUPSET hGroupSet);

/* A handle for the cluster that the group set belongs to, for CloseCluster(). */
HCLUSTER GetClusterFromGroupSet(HGROUPSET hGroupSet);

/* Put a group into a group set. */
DWORD ClusterAddGroupToGroupSet(HGROUPSET hGroupSet, HGROUP hGroup);

/* Put a group into an availability set, with its fault and update domain. */
DWORD ClusterAddGroupToGroupSetWithDomains(HGROUPSET hGroupSet, HGROUP hGroup, DWORD faultDomain, DWORD updateDomain);

/* Take a group out of its group set. */
DWORD ClusterRemoveGroupFromGroupSet(HGROUP hGroup);

/* Send a control code (CLUSCTL_GROUPSET_…) to a group set; parameters as for ClusterControl(). */
DWORD ClusterGroupSetControl(HGROUPSET hGroupSet, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer,
    DWORD cbInBufferSize, LPVOID lpOutBuffer, DWORD cbOutBufferSize, LPDWORD lpBytesReturned);

/* Begin a list of the group sets.  This server has none.
 *
 * Returns a handle for ClusterGroupSetCloseEnum().  NULL and the last error: 1745 from a server that is too old. */
HGROUPSETENUM ClusterGroupSetOpenEnum(HCLUSTER hCluster);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterGroupSetGetEnumCount(HGROUPSETENUM hGroupSetEnum);

/* One entry of the list; parameters and errors as for ClusterEnum(), without the type. */
DWORD ClusterGroupSetEnum(HGROUPSETENUM hGroupSetEnum, DWORD dwIndex, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
DWORD ClusterGroupSetCloseEnum(HGROUPSETENUM hGroupSetEnum);

/* Create an availability set: a group set that spreads its groups over fault and update domains. */
HGROUPSET CreateClusterAvailabilitySet(
    HCLUSTER hCluster, LPCWSTR lpAvailabilitySetName, PCLUSTER_AVAILABILITY_SET_CONFIG pAvailabilitySetConfig);

/* Put a new node in the place of an old one in the data of availability sets. */
DWORD ClusterNodeReplacement(HCLUSTER hCluster, LPCWSTR lpszNodeNameCurrent, LPCWSTR lpszNodeNameNew);

/* ---- Dependencies between groups and group sets ---- */

/* Let a group depend on another group. */
DWORD AddClusterGroupDependency(HGROUP hDependentGroup, HGROUP hProviderGroup);

/* Set all dependencies of a group at once, as text. */
DWORD SetGroupDependencyExpression(HGROUP hGroup, LPCWSTR lpszDependencyExpression);

/* Remove the dependency of a group on another. */
DWORD RemoveClusterGroupDependency(HGROUP hGroup, HGROUP hDependsOn);

/* Let a group set depend on another group set. */
DWORD AddClusterGroupSetDependency(HGROUPSET hDependentGroupSet, HGROUPSET hProviderGroupSet);

/* Set all dependencies of a group set at once, as text. */
DWORD SetClusterGroupSetDependencyExpression(HGROUPSET hGroupSet, LPCWSTR lpszDependencyExprssion);

/* Remove the dependency of a group set on another. */
DWORD RemoveClusterGroupSetDependency(HGROUPSET hGroupSet, HGROUPSET hDependsOn);

/* Let a group depend on a group set. */
DWORD AddClusterGroupToGroupSetDependency(HGROUP hDependentGroup, HGROUPSET hProviderGroupSet);

/* Remove the dependency of a group on a group set. */
DWORD RemoveClusterGroupToGroupSetDependency(HGROUP hGroup, HGROUPSET hDependsOn);

/* Let a group set depend on a group set of another cluster. */
DWORD AddCrossClusterGroupSetDependency(
    HGROUPSET hDependentGroupSet, LPCWSTR lpRemoteClusterName, LPCWSTR lpRemoteGroupSetName);

/* Remove the dependency of a group set on one of another cluster. */
DWORD RemoveCrossClusterGroupSetDependency(
    HGROUPSET hDependentGroupSet, LPCWSTR lpRemoteClusterName, LPCWSTR lpRemoteGroupSetName);

/* ---- Affinity rules ---- */

/* Create a rule that keeps groups together or apart. */
DWORD ClusterCreateAffinityRule(HCLUSTER hCluster, LPCWSTR ruleName, CLUS_AFFINITY_RULE_TYPE ruleType);

/* Delete a rule. */
DWORD ClusterRemoveAffinityRule(HCLUSTER hCluster, LPCWSTR ruleName);

/* Put a group under a rule. */
DWORD ClusterAddGroupToAffinityRule(HCLUSTER hCluster, LPCWSTR ruleName, HGROUP hGroup);

/* Take a group out of a rule. */
DWORD ClusterRemoveGroupFromAffinityRule(HCLUSTER hCluster, LPCWSTR ruleName, HGROUP hGroup);

/* Send a control code (CLUSCTL_AFFINITYRULE_…) to a rule; parameters as for ClusterControl(). */
DWORD ClusterAffinityRuleControl(HCLUSTER hCluster, LPCWSTR affinityRuleName, HNODE hHostNode, DWORD dwControlCode,
    LPVOID lpInBuffer, DWORD cbInBufferSize, LPVOID lpOutBuffer, DWORD cbOutBufferSize, LPDWORD lpBytesReturned);

RUEDA_END_DECLARATIONS

#endif
