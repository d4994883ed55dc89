/* clusapi/types.h: handles, states, and the structures that several parts of the cluster API share.
 *
 * Included by <clusapi.h>; see there.  Values and layouts follow the public clusapi.h; tests/integration/layouts.c checks them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_TYPES_H
#define RUEDA_CLUSAPI_TYPES_H

#include "../windows.h"

/* Each kind of handle is a type of its own; see "Handles" in <clusapi.h>. */
typedef struct _HCLUSTER *HCLUSTER;
typedef struct _HNODE *HNODE;
typedef struct _HGROUP *HGROUP;
typedef struct _HRESOURCE *HRESOURCE;
typedef struct _HNETWORK *HNETWORK;
typedef struct _HNETINTERFACE *HNETINTERFACE;
typedef struct _HGROUPSET *HGROUPSET;
typedef struct _HCHANGE *HCHANGE;
typedef struct _HCLUSENUM *HCLUSENUM;
typedef struct _HCLUSENUMEX *HCLUSENUMEX;
typedef struct _HNODEENUM *HNODEENUM;
typedef struct _HNODEENUMEX *HNODEENUMEX;
typedef struct _HGROUPENUM *HGROUPENUM;
typedef struct _HGROUPENUMEX *HGROUPENUMEX;
typedef struct _HGROUPSETENUM *HGROUPSETENUM;
typedef struct _HRESENUM *HRESENUM;
typedef struct _HRESENUMEX *HRESENUMEX;
typedef struct _HRESTYPEENUM *HRESTYPEENUM;
typedef struct _HNETWORKENUM *HNETWORKENUM;
typedef struct _HNETINTERFACEENUM *HNETINTERFACEENUM;
typedef struct _HREGBATCH *HREGBATCH;
typedef struct _HREGBATCHPORT *HREGBATCHPORT;
typedef struct _HREGBATCHNOTIFICATION *HREGBATCHNOTIFICATION;
typedef struct _HREGREADBATCH *HREGREADBATCH;
typedef struct _HREGREADBATCHREPLY *HREGREADBATCHREPLY;

#define MAX_CLUSTERNAME_LENGTH 63 /* In WCHARs, without the terminator. */
#define MAX_CO_PASSWORD_LENGTH 16
#define MAX_CREATINGDC_LENGTH 256
#define MAX_OBJECTID 64

/* Access to a cluster that an account has been given; see ClusterSetAccountAccess(). */
#define CLUSAPI_READ_ACCESS 0x00000001u
#define CLUSAPI_CHANGE_ACCESS 0x00000002u
#define CLUSAPI_NO_ACCESS 0x00000004u
#define CLUSAPI_ALL_ACCESS (CLUSAPI_READ_ACCESS | CLUSAPI_CHANGE_ACCESS)

/* What GetNodeClusterState() finds on a machine: bits 1 installed, 2 configured, 0x10 running. */
typedef enum NODE_CLUSTER_STATE {
	ClusterStateNotInstalled = 0x00,
	ClusterStateNotConfigured = 0x01,
	ClusterStateNotRunning = 0x03,
	ClusterStateRunning = 0x13,
} NODE_CLUSTER_STATE;

typedef enum CLUSTER_NODE_STATE {
	ClusterNodeStateUnknown = -1,
	ClusterNodeUp = 0,
	ClusterNodeDown = 1,
	ClusterNodePaused = 2,
	ClusterNodeJoining = 3,
} CLUSTER_NODE_STATE;

typedef enum CLUSTER_GROUP_STATE {
	ClusterGroupStateUnknown = -1,
	ClusterGroupOnline = 0,
	ClusterGroupOffline = 1,
	ClusterGroupFailed = 2,
	ClusterGroupPartialOnline = 3,
	ClusterGroupPending = 4,
} CLUSTER_GROUP_STATE;

typedef enum CLUSTER_RESOURCE_STATE {
	ClusterResourceStateUnknown = -1,
	ClusterResourceInherited = 0,
	ClusterResourceInitializing = 1,
	ClusterResourceOnline = 2,
	ClusterResourceOffline = 3,
	ClusterResourceFailed = 4,
	ClusterResourcePending = 128,
	ClusterResourceOnlinePending = 129,
	ClusterResourceOfflinePending = 130,
} CLUSTER_RESOURCE_STATE;

typedef enum CLUSTER_NETWORK_STATE {
	ClusterNetworkStateUnknown = -1,
	ClusterNetworkUnavailable = 0,
	ClusterNetworkDown = 1,
	ClusterNetworkPartitioned = 2,
	ClusterNetworkUp = 3,
} CLUSTER_NETWORK_STATE;

typedef enum CLUSTER_NETINTERFACE_STATE {
	ClusterNetInterfaceStateUnknown = -1,
	ClusterNetInterfaceUnavailable = 0,
	ClusterNetInterfaceFailed = 1,
	ClusterNetInterfaceUnreachable = 2,
	ClusterNetInterfaceUp = 3,
} CLUSTER_NETINTERFACE_STATE;

typedef enum CLUSTER_NETWORK_ROLE {
	ClusterNetworkRoleNone = 0,
	ClusterNetworkRoleInternalUse = 1,
	ClusterNetworkRoleClientAccess = 2,
	ClusterNetworkRoleInternalAndClient = 3,
} CLUSTER_NETWORK_ROLE;

typedef enum CLUSTER_GROUP_PRIORITY {
	PriorityDisabled = 0, /* Not started by itself. */
	PriorityLow = 1000,
	PriorityMedium = 2000,
	PriorityHigh = 3000,
} CLUSTER_GROUP_PRIORITY;

typedef enum CLUSTER_RESOURCE_RESTART_ACTION {
	ClusterResourceDontRestart = 0,
	ClusterResourceRestartNoNotify = 1, /* Restart in place; a failure does not move the group. */
	ClusterResourceRestartNotify = 2,   /* Restart, and move the group when that has failed too often. */
	ClusterResourceRestartActionCount = 3,
} CLUSTER_RESOURCE_RESTART_ACTION;

typedef enum CLUSTER_RESOURCE_CREATE_FLAGS {
	CLUSTER_RESOURCE_DEFAULT_MONITOR = 0,
	CLUSTER_RESOURCE_SEPARATE_MONITOR = 1, /* In a process of its own. */
	CLUSTER_RESOURCE_VALID_FLAGS = 1,
} CLUSTER_RESOURCE_CREATE_FLAGS;

typedef enum CLUSTER_QUORUM_TYPE {
	OperationalQuorum = 0,
	ModifyQuorum = 1,
} CLUSTER_QUORUM_TYPE;

typedef enum CLUSTER_QUORUM_VALUE {
	CLUSTER_QUORUM_MAINTAINED = 0,
	CLUSTER_QUORUM_LOST = 1,
} CLUSTER_QUORUM_VALUE;

typedef enum CLUSTER_NODE_RESUME_FAILBACK_TYPE {
	DoNotFailbackGroups = 0,
	FailbackGroupsImmediately = 1,
	FailbackGroupsPerPolicy = 2,
	ClusterNodeResumeFailbackTypeCount = 3,
} CLUSTER_NODE_RESUME_FAILBACK_TYPE;

typedef enum CLUSTER_NODE_DRAIN_STATUS {
	NodeDrainStatusNotInitiated = 0,
	NodeDrainStatusInProgress = 1,
	NodeDrainStatusCompleted = 2,
	NodeDrainStatusFailed = 3,
	ClusterNodeDrainStatusCount = 4,
} CLUSTER_NODE_DRAIN_STATUS;

/* Kinds of groups; a server keeps other numbers too. */
typedef enum CLUSGROUP_TYPE {
	ClusGroupTypeCoreCluster = 1,
	ClusGroupTypeAvailableStorage = 2,
	ClusGroupTypeTemporary = 3,
	ClusGroupTypeSharedVolume = 4,
	ClusGroupTypeStoragePool = 5,
	ClusGroupTypeFileServer = 100,
	ClusGroupTypePrintServer = 101,
	ClusGroupTypeDhcpServer = 102,
	ClusGroupTypeDtc = 103,
	ClusGroupTypeMsmq = 104,
	ClusGroupTypeWins = 105,
	ClusGroupTypeStandAloneDfs = 106,
	ClusGroupTypeGenericApplication = 107,
	ClusGroupTypeGenericService = 108,
	ClusGroupTypeGenericScript = 109,
	ClusGroupTypeIScsiNameService = 110,
	ClusGroupTypeVirtualMachine = 111,
	ClusGroupTypeTsSessionBroker = 112,
	ClusGroupTypeIScsiTarget = 113,
	ClusGroupTypeScaleoutFileServer = 114,
	ClusGroupTypeVMReplicaBroker = 115,
	ClusGroupTypeTaskScheduler = 116,
	ClusGroupTypeClusterUpdateAgent = 117,
	ClusGroupTypeScaleoutCluster = 118,
	ClusGroupTypeStorageReplica = 119,
	ClusGroupTypeVMReplicaCoordinator = 120,
	ClusGroupTypeCrossClusterOrchestrator = 121,
	ClusGroupTypeInfrastructureFileServer = 122,
	ClusGroupTypeCoreSddc = 123,
	ClusGroupTypeUnknown = 9999,
} CLUSGROUP_TYPE,
    *PCLUSGROUP_TYPE;

/* For GetClusterInformation().  The caller fills in the size before the call. */
typedef struct CLUSTERVERSIONINFO {
	DWORD dwVersionInfoSize; /* sizeof(CLUSTERVERSIONINFO), or sizeof(CLUSTERVERSIONINFO_NT4). */
	WORD MajorVersion;
	WORD MinorVersion;
	WORD BuildNumber;
	WCHAR szVendorId[64];
	WCHAR szCSDVersion[64];        /* Service pack. */
	DWORD dwClusterHighestVersion; /* Version in the high word, build in the low. */
	DWORD dwClusterLowestVersion;
	DWORD dwFlags; /* CLUSTER_VERSION_FLAG_MIXED_MODE: the nodes run different versions. */
	DWORD dwReserved;
} CLUSTERVERSIONINFO, *LPCLUSTERVERSIONINFO, *PCLUSTERVERSIONINFO;

typedef struct CLUSTERVERSIONINFO_NT4 {
	DWORD dwVersionInfoSize;
	WORD MajorVersion;
	WORD MinorVersion;
	WORD BuildNumber;
	WCHAR szVendorId[64];
	WCHAR szCSDVersion[64];
} CLUSTERVERSIONINFO_NT4, *PCLUSTERVERSIONINFO_NT4;

#define CLUSTER_VERSION_FLAG_MIXED_MODE 0x00000001u
#define CLUSTER_VERSION_UNKNOWN 0xFFFFFFFFu

/* Object kinds of ClusterOpenEnum() and ClusterOpenEnumEx(); the two of 0x40000000 and above stand alone. */
#define CLUSTER_ENUM_NODE 0x00000001u
#define CLUSTER_ENUM_RESTYPE 0x00000002u
#define CLUSTER_ENUM_RESOURCE 0x00000004u
#define CLUSTER_ENUM_GROUP 0x00000008u
#define CLUSTER_ENUM_NETWORK 0x00000010u
#define CLUSTER_ENUM_NETINTERFACE 0x00000020u
#define CLUSTER_ENUM_ALL 0x0000003Fu
#define CLUSTER_ENUM_SHARED_VOLUME_GROUP 0x20000000u
#define CLUSTER_ENUM_SHARED_VOLUME_RESOURCE 0x40000000u
#define CLUSTER_ENUM_INTERNAL_NETWORK 0x80000000u /* In order of priority. */

/* One entry of the Ex enumerations of clusters and nodes.  The caller gives the memory for the entry with the texts
 * behind it; sizes are in bytes with the terminator. */
typedef struct _CLUSTER_ENUM_ITEM {
	DWORD dwVersion; /* CLUSTER_ENUM_ITEM_VERSION. */
	DWORD dwType;    /* One CLUSTER_ENUM_ or CLUSTER_NODE_ENUM_ bit. */
	DWORD cbId;
	LPWSTR lpszId;
	DWORD cbName;
	LPWSTR lpszName;
} CLUSTER_ENUM_ITEM, *PCLUSTER_ENUM_ITEM;
#define CLUSTER_ENUM_ITEM_VERSION_1 0x00000001u
#define CLUSTER_ENUM_ITEM_VERSION CLUSTER_ENUM_ITEM_VERSION_1

/* Properties of an object, as GetCharacteristics and GetFlags control codes return them. */
typedef enum CLUS_CHARACTERISTICS {
	CLUS_CHAR_UNKNOWN = 0x00000000,
	CLUS_CHAR_QUORUM = 0x00000001, /* Can be the quorum resource. */
	CLUS_CHAR_DELETE_REQUIRES_ALL_NODES = 0x00000002,
	CLUS_CHAR_LOCAL_QUORUM = 0x00000004,
	CLUS_CHAR_LOCAL_QUORUM_DEBUG = 0x00000008,
	CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON = 0x00000010,
	CLUS_CHAR_BROADCAST_DELETE = 0x00000020,
	CLUS_CHAR_SINGLE_CLUSTER_INSTANCE = 0x00000040, /* One in a cluster at most. */
	CLUS_CHAR_SINGLE_GROUP_INSTANCE = 0x00000080,   /* One in a group at most. */
	CLUS_CHAR_COEXIST_IN_SHARED_VOLUME_GROUP = 0x00000100,
	CLUS_CHAR_PLACEMENT_DATA = 0x00000200,
	CLUS_CHAR_MONITOR_DETACH = 0x00000400,
	CLUS_CHAR_MONITOR_REATTACH = 0x00000800,
	CLUS_CHAR_OPERATION_CONTEXT = 0x00001000,
	CLUS_CHAR_CLONES = 0x00002000,
	CLUS_CHAR_NOT_PREEMPTABLE = 0x00004000,
	CLUS_CHAR_NOTIFY_NEW_OWNER = 0x00008000,
	CLUS_CHAR_SUPPORTS_UNMONITORED_STATE = 0x00010000,
	CLUS_CHAR_INFRASTRUCTURE = 0x00020000,
	CLUS_CHAR_VETO_DRAIN = 0x00040000,
	CLUS_CHAR_DRAIN_LOCAL_OFFLINE = 0x00080000,
} CLUS_CHARACTERISTICS;

typedef enum CLUS_FLAGS {
	CLUS_FLAG_CORE = 0x00000001, /* Belongs to the cluster itself and cannot be deleted. */
} CLUS_FLAGS;

typedef enum CLUSTER_RESOURCE_CLASS {
	CLUS_RESCLASS_UNKNOWN = 0,
	CLUS_RESCLASS_STORAGE = 1,
	CLUS_RESCLASS_NETWORK = 2,
	CLUS_RESCLASS_USER = 32768,
} CLUSTER_RESOURCE_CLASS;
#define CLUS_RESSUBCLASS_SHARED 0x80000000u

typedef struct CLUS_RESOURCE_CLASS_INFO {
	__extension__ union {
		__extension__ struct {
			__extension__ union {
				DWORD dw;
				CLUSTER_RESOURCE_CLASS rc;
			};
			DWORD SubClass;
		};
		ULARGE_INTEGER li;
	};
} CLUS_RESOURCE_CLASS_INFO, *PCLUS_RESOURCE_CLASS_INFO;

#endif
