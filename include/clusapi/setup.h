/* clusapi/setup.h: making clusters, adding nodes, taking clusters down, and the accounts of their names.
 *
 * On Rueda a cluster is made with `rueda cluster create` and a node is added with `rueda node add`.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_SETUP_H
#define RUEDA_CLUSAPI_SETUP_H

#include "types.h"

typedef enum CLUSTER_SETUP_PHASE {
	ClusterSetupPhaseInitialize = 1,
	ClusterSetupPhaseValidateNodeState = 100,
	ClusterSetupPhaseValidateNetft = 102,
	ClusterSetupPhaseValidateClusDisk = 103,
	ClusterSetupPhaseConfigureClusSvc = 104,
	ClusterSetupPhaseStartingClusSvc = 105,
	ClusterSetupPhaseQueryClusterNameAccount = 106,
	ClusterSetupPhaseValidateClusterNameAccount = 107,
	ClusterSetupPhaseCreateClusterAccount = 108,
	ClusterSetupPhaseConfigureClusterAccount = 109,
	ClusterSetupPhaseFormingCluster = 200,
	ClusterSetupPhaseAddClusterProperties = 201,
	ClusterSetupPhaseCreateResourceTypes = 202,
	ClusterSetupPhaseCreateGroups = 203,
	ClusterSetupPhaseCreateIPAddressResources = 204,
	ClusterSetupPhaseCreateNetworkName = 205,
	ClusterSetupPhaseClusterGroupOnline = 206,
	ClusterSetupPhaseGettingCurrentMembership = 300,
	ClusterSetupPhaseAddNodeToCluster = 301,
	ClusterSetupPhaseNodeUp = 302,
	ClusterSetupPhaseMoveGroup = 400,
	ClusterSetupPhaseDeleteGroup = 401,
	ClusterSetupPhaseCleanupCOs = 402,
	ClusterSetupPhaseOfflineGroup = 403,
	ClusterSetupPhaseEvictNode = 404,
	ClusterSetupPhaseCleanupNode = 405,
	ClusterSetupPhaseCoreGroupCleanup = 406,
	ClusterSetupPhaseFailureCleanup = 999,
} CLUSTER_SETUP_PHASE;
typedef enum CLUSTER_SETUP_PHASE_TYPE {
	ClusterSetupPhaseStart = 1,
	ClusterSetupPhaseContinue = 2,
	ClusterSetupPhaseEnd = 3,
	ClusterSetupPhaseReport = 4,
} CLUSTER_SETUP_PHASE_TYPE;
typedef enum CLUSTER_SETUP_PHASE_SEVERITY {
	ClusterSetupPhaseInformational = 1,
	ClusterSetupPhaseWarning = 2,
	ClusterSetupPhaseFatal = 3,
} CLUSTER_SETUP_PHASE_SEVERITY;
/* Called with the progress; FALSE breaks the operation off. */
typedef BOOL (*PCLUSTER_SETUP_PROGRESS_CALLBACK)(PVOID pvCallbackArg, CLUSTER_SETUP_PHASE eSetupPhase,
    CLUSTER_SETUP_PHASE_TYPE ePhaseType, CLUSTER_SETUP_PHASE_SEVERITY ePhaseSeverity, DWORD dwPercentComplete,
    PCWSTR lpszObjectName, DWORD dwStatus);

/* Kinds of the access point, and of the resource behind it. */
typedef enum CLUSTER_MGMT_POINT_TYPE {
	CLUSTER_MGMT_POINT_TYPE_NONE = 0,
	CLUSTER_MGMT_POINT_TYPE_CNO = 1,
	CLUSTER_MGMT_POINT_TYPE_DNS_ONLY = 2,
	CLUSTER_MGMT_POINT_TYPE_CNO_ONLY = 3,
} CLUSTER_MGMT_POINT_TYPE;
typedef enum CLUSTER_MGMT_POINT_RESTYPE {
	CLUSTER_MGMT_POINT_RESTYPE_AUTO = 0,
	CLUSTER_MGMT_POINT_RESTYPE_SNN = 1,
	CLUSTER_MGMT_POINT_RESTYPE_DNN = 2,
} CLUSTER_MGMT_POINT_RESTYPE;
typedef enum CLUSTER_CLOUD_TYPE {
	CLUSTER_CLOUD_TYPE_NONE = 0,
	CLUSTER_CLOUD_TYPE_AZURE = 1,
	CLUSTER_CLOUD_TYPE_MIXED = 128,
	CLUSTER_CLOUD_TYPE_UNKNOWN = -1,
} CLUSTER_CLOUD_TYPE,
    *PCLUSTER_CLOUD_TYPE;

typedef struct _CLUSTER_IP_ENTRY {
	PCWSTR lpszIpAddress;
	DWORD dwPrefixLength; /* In bits. */
} CLUSTER_IP_ENTRY, *PCLUSTER_IP_ENTRY;
typedef struct _CREATE_CLUSTER_CONFIG {
	DWORD dwVersion;
	PCWSTR lpszClusterName;
	DWORD cNodes;
	PCWSTR *ppszNodeNames;
	DWORD cIpEntries;
	PCLUSTER_IP_ENTRY pIpEntries;
	BOOLEAN fEmptyCluster;
	CLUSTER_MGMT_POINT_TYPE managementPointType;
	CLUSTER_MGMT_POINT_RESTYPE managementPointResType;
} CREATE_CLUSTER_CONFIG, *PCREATE_CLUSTER_CONFIG;
typedef struct _CREATE_CLUSTER_NAME_ACCOUNT {
	DWORD dwVersion;
	PCWSTR lpszClusterName;
	DWORD dwFlags;
	PCWSTR pszUserName;
	PCWSTR pszPassword;
	PCWSTR pszDomain;
	CLUSTER_MGMT_POINT_TYPE managementPointType;
	CLUSTER_MGMT_POINT_RESTYPE managementPointResType;
	BOOLEAN bUpgradeVCOs;
} CREATE_CLUSTER_NAME_ACCOUNT, *PCREATE_CLUSTER_NAME_ACCOUNT;
/* Its layout is not known from public documents. */
typedef struct _REPAIR_CLUSTER_NAME_ACCOUNT_CONFIG *PREPAIR_CLUSTER_NAME_ACCOUNT_CONFIG;

RUEDA_BEGIN_DECLARATIONS

/* Make a new cluster and open it, for CloseCluster(). */
HCLUSTER CreateCluster(
    PCREATE_CLUSTER_CONFIG pConfig, PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg);

/* Make a new cluster without an account for its name in the directory. */
HCLUSTER CreateClusterCNOless(
    PCREATE_CLUSTER_CONFIG pConfig, PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg);

/* Take a cluster down and clean its nodes up. */
DWORD DestroyCluster(HCLUSTER hCluster, PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg,
    BOOL fdeleteVirtualComputerObjects);

/* Add a machine to the cluster as a node. */
HNODE AddClusterNode(
    HCLUSTER hCluster, PCWSTR lpszNodeName, PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg);

/* Add a machine to the cluster as a node, with flags. */
HNODE AddClusterNodeEx(HCLUSTER hCluster, PCWSTR lpszNodeName, DWORD dwFlags,
    PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg);

/* Add a machine to the cluster that gives storage only. */
DWORD AddClusterStorageNode(HCLUSTER hCluster, PCWSTR lpszNodeName,
    PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg,
    LPCWSTR lpszClusterStorageNodeDescription, LPCWSTR lpszClusterStorageNodeLocation);

/* Remove a machine that gives storage only; dwTimeout is in milliseconds. */
DWORD RemoveClusterStorageNode(
    HCLUSTER hCluster, LPCWSTR lpszClusterStorageEnclosureName, DWORD dwTimeout, DWORD dwFlags);

/* Make the account of the cluster's name in the directory. */
DWORD CreateClusterNameAccount(HCLUSTER hCluster, PCREATE_CLUSTER_NAME_ACCOUNT pConfig,
    PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg);

/* Remove the account of the cluster's name from the directory. */
DWORD RemoveClusterNameAccount(HCLUSTER hCluster, BOOL bDeleteComputerObjects);

/* Repair the account of the cluster's name in the directory. */
DWORD RepairClusterNameAccount(HCLUSTER hCluster, PREPAIR_CLUSTER_NAME_ACCOUNT_CONFIG pConfig,
    PCLUSTER_SETUP_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg);

/* Which kind of name resource a cluster of these machines would get. */
DWORD DetermineCNOResTypeFromNodelist(DWORD cNodes, PCWSTR *ppszNodeNames, CLUSTER_MGMT_POINT_RESTYPE *pCNOResType);

/* Which kind of name resource this cluster has. */
DWORD DetermineCNOResTypeFromCluster(HCLUSTER hCluster, CLUSTER_MGMT_POINT_RESTYPE *pCNOResType);

/* In which cloud a set of machines runs. */
DWORD DetermineClusterCloudTypeFromNodelist(DWORD cNodes, PCWSTR *ppszNodeNames, PCLUSTER_CLOUD_TYPE pCloudType);

/* In which cloud a cluster runs. */
DWORD DetermineClusterCloudTypeFromCluster(HCLUSTER hCluster, PCLUSTER_CLOUD_TYPE pCloudType);

/* In which cloud a machine runs. */
DWORD GetNodeCloudTypeDW(PCWSTR ppszNodeName, DWORD *NodeCloudType);

RUEDA_END_DECLARATIONS

#endif
