/* clusapi/volume.h: cluster shared volumes: turning disks into them, and their structures.
 *
 * A cluster shared volume (CSV) is a file system that all nodes use at the same time.  The functions that backup
 * programs call for them are in <resapi.h>.
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_VOLUME_H
#define RUEDA_CLUSAPI_VOLUME_H

#include "types.h"

typedef enum CLUSTER_CSV_VOLUME_FAULT_STATE {
	VolumeStateNoFaults = 0x00000000,
	VolumeStateNoDirectIO = 0x00000001, /* Redirected, or in backup. */
	VolumeStateNoAccess = 0x00000002,
	VolumeStateInMaintenance = 0x00000004,
	VolumeStateDismounted = 0x00000008,
} CLUSTER_CSV_VOLUME_FAULT_STATE,
    *PCLUSTER_CSV_VOLUME_FAULT_STATE;

typedef enum CLUSTER_SHARED_VOLUME_BACKUP_STATE {
	VolumeBackupNone = 0x00000000,
	VolumeBackupInProgress = 0x00000001,
} CLUSTER_SHARED_VOLUME_BACKUP_STATE,
    *PCLUSTER_SHARED_VOLUME_BACKUP_STATE;

/* How one node reaches the volume. */
typedef enum CLUSTER_SHARED_VOLUME_STATE {
	SharedVolumeStateUnavailable = 0,
	SharedVolumeStatePaused = 1,
	SharedVolumeStateActive = 2,                 /* Directly. */
	SharedVolumeStateActiveRedirected = 3,       /* Through the coordinator's file system. */
	SharedVolumeStateActiveVolumeRedirected = 4, /* Through the coordinator's block device. */
} CLUSTER_SHARED_VOLUME_STATE,
    *PCLUSTER_SHARED_VOLUME_STATE;

typedef enum CLUSTER_SHARED_VOLUME_SNAPSHOT_STATE {
	ClusterSharedVolumeSnapshotStateUnknown = 0,
	ClusterSharedVolumePrepareForHWSnapshot = 1,
	ClusterSharedVolumeHWSnapshotCompleted = 2,
	ClusterSharedVolumePrepareForFreeze = 3,
} CLUSTER_SHARED_VOLUME_SNAPSHOT_STATE,
    *PCLUSTER_SHARED_VOLUME_SNAPSHOT_STATE;

typedef enum CLUSTER_REDIRECTED_IO_REASON {
	ClusterRedirectedIOReasonNone = 0,
	ClusterRedirectedIOReasonUserRequest = 1,
	ClusterRedirectedIOReasonUnsafeFileSystemFilter = 2,
	ClusterRedirectedIOReasonUnsafeVolumeFilter = 4,
	ClusterRedirectedIOReasonFileSystemTiering = 8,
	ClusterRedirectedIOReasonBitLockerInitializing = 16,
} CLUSTER_REDIRECTED_IO_REASON;

/* Input of CLUSCTL_RESOURCE_SET_SHARED_VOLUME_BACKUP_MODE. */
typedef struct _CLUS_SHARED_VOLUME_BACKUP_MODE {
	CLUSTER_SHARED_VOLUME_BACKUP_STATE BackupState;
	DWORD DelayTimerInSecs; /* Leave backup mode by itself if no backup has begun by then. */
	WCHAR VolumeName[MAX_PATH];
} CLUS_SHARED_VOLUME_BACKUP_MODE, *PCLUS_SHARED_VOLUME_BACKUP_MODE;

/* Input of CLUSCTL_RESOURCE_SET_CSV_MAINTENANCE_MODE. */
typedef struct CLUS_CSV_MAINTENANCE_MODE_INFO {
	BOOL InMaintenance;
	WCHAR VolumeName[MAX_PATH];
} CLUS_CSV_MAINTENANCE_MODE_INFO, *PCLUS_CSV_MAINTENANCE_MODE_INFO;

/* Output of CLUSCTL_RESOURCE_STORAGE_GET_SHARED_VOLUME_INFO: one in each value of a list. */
typedef struct CLUS_CSV_VOLUME_INFO {
	ULARGE_INTEGER VolumeOffset; /* Of the partition on its disk, in bytes. */
	DWORD PartitionNumber;
	CLUSTER_CSV_VOLUME_FAULT_STATE FaultState;
	CLUSTER_SHARED_VOLUME_BACKUP_STATE BackupState;
	WCHAR szVolumeFriendlyName[MAX_PATH];
	WCHAR szVolumeName[50]; /* \\?\Volume{GUID}\ */
} CLUS_CSV_VOLUME_INFO, *PCLUS_CSV_VOLUME_INFO;

typedef struct CLUS_CSV_VOLUME_NAME {
	LARGE_INTEGER VolumeOffset;
	WCHAR szVolumeName[MAX_PATH];
	WCHAR szRootPath[263];
} CLUS_CSV_VOLUME_NAME, *PCLUS_CSV_VOLUME_NAME;

typedef struct CLUSTER_SHARED_VOLUME_STATE_INFO {
	WCHAR szVolumeName[MAX_PATH];
	WCHAR szNodeName[MAX_PATH];
	CLUSTER_SHARED_VOLUME_STATE VolumeState;
} CLUSTER_SHARED_VOLUME_STATE_INFO, *PCLUSTER_SHARED_VOLUME_STATE_INFO;

typedef struct CLUSTER_SHARED_VOLUME_STATE_INFO_EX {
	WCHAR szVolumeName[MAX_PATH];
	WCHAR szNodeName[MAX_PATH];
	CLUSTER_SHARED_VOLUME_STATE VolumeState;
	WCHAR szVolumeFriendlyName[MAX_PATH];
	ULONGLONG RedirectedIOReason;       /* CLUSTER_REDIRECTED_IO_REASON bits. */
	ULONGLONG VolumeRedirectedIOReason; /* 1 no way to the disk, 2 storage space not attached. */
} CLUSTER_SHARED_VOLUME_STATE_INFO_EX, *PCLUSTER_SHARED_VOLUME_STATE_INFO_EX;

RUEDA_BEGIN_DECLARATIONS

/* Turn a disk resource into cluster shared volumes, all volumes on it.  They start with direct I/O, and neither in
 * maintenance nor in backup.
 *
 * hResource  a Physical Disk resource: online, not in maintenance, without dependencies, not used by a group of an
 *            application.
 *
 * Returns 0; 997 it goes on in the background; 5079 not a Physical Disk; 5004 not online; 5048 in use, in
 * maintenance, with dependencies, or shared volumes are off; 70; 1745 from a server that is too old. */
DWORD AddResourceToClusterSharedVolumes(HRESOURCE hResource);

/* Turn the shared volumes of a disk back into ordinary storage.
 *
 * hResource  the disk resource.
 *
 * Returns 0; 997 it goes on in the background; 5048 it is not shared. */
DWORD RemoveResourceFromClusterSharedVolumes(HRESOURCE hResource);

/* Tell whether a path is on a cluster shared volume.
 *
 * lpszPathName            a path of this machine; it need not exist.
 * pbFileIsOnSharedVolume  receives the answer.
 *
 * Returns 0 or an error code. */
DWORD IsFileOnClusterSharedVolume(LPCWSTR lpszPathName, PBOOL pbFileIsOnSharedVolume);

/* Tell the cluster how far a snapshot of a volume has come; called by what makes snapshots.
 *
 * guidSnapshotSet  id of the set of snapshots.
 * lpszVolumeName   the volume, \\?\Volume{GUID}\.
 * state            the step that has been reached.
 *
 * Returns 0; 5945 not a shared volume; 87. */
DWORD ClusterSharedVolumeSetSnapshotState(
    GUID guidSnapshotSet, LPCWSTR lpszVolumeName, CLUSTER_SHARED_VOLUME_SNAPSHOT_STATE state);

RUEDA_END_DECLARATIONS

#endif
