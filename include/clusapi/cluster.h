/* clusapi/cluster.h: clusters: open, query, back up, restore, list their objects.
 *
 * Included by <clusapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_CLUSAPI_CLUSTER_H
#define RUEDA_CLUSAPI_CLUSTER_H

#include "types.h"

/* Outcome of SetClusterServiceAccountPassword() on one node. */
typedef struct CLUSTER_SET_PASSWORD_STATUS {
	DWORD NodeId;
	BOOLEAN SetAttempted;
	DWORD ReturnStatus;
} CLUSTER_SET_PASSWORD_STATUS, *PCLUSTER_SET_PASSWORD_STATUS;
typedef enum CLUSTER_SET_PASSWORD_FLAGS {
	CLUSTER_SET_PASSWORD_IGNORE_DOWN_NODES = 1,
} CLUSTER_SET_PASSWORD_FLAGS;

typedef enum CLUSTER_UPGRADE_PHASE {
	ClusterUpgradePhaseInitialize = 1,
	ClusterUpgradePhaseValidatingUpgrade = 2,
	ClusterUpgradePhaseUpgradingComponents = 3,
	ClusterUpgradePhaseInstallingNewComponents = 4,
	ClusterUpgradePhaseUpgradeComplete = 5,
} CLUSTER_UPGRADE_PHASE;
typedef BOOL (*PCLUSTER_UPGRADE_PROGRESS_CALLBACK)(PVOID pvCallbackArg, CLUSTER_UPGRADE_PHASE eUpgradePhase);

RUEDA_BEGIN_DECLARATIONS

/* ---- Opening and closing ---- */

/* Open a cluster with full access.
 *
 * lpszClusterName  NULL, "" or ".": the cluster of this machine.  Else its name, or that of this node or host, in any
 *                  case; the name of a cluster in rueda-client.conf(5); or a host, also HOST:PORT.  Handles survive a
 *                  restart of the service; a restore ends them.
 *
 * Returns a handle for CloseCluster().  NULL and the last error: 1722, 1723 or 1753 no cluster service answers there, 5
 * access refused (a caller who may only read uses OpenClusterEx()).  Over the network without an account also 1312: there
 * is no ticket, or it has expired; 1311 no KDC answers, 1396 it does not know the service, 1398 the clocks differ. */
HCLUSTER OpenCluster(LPCWSTR lpszClusterName);

/* Open a cluster with the access that is asked for.
 *
 * lpszClusterName  as for OpenCluster().
 * DesiredAccess    GENERIC_READ (queries, lists, events), GENERIC_ALL (changes as well), or MAXIMUM_ALLOWED.  0 is
 *                  an error (87).
 * GrantedAccess    receives what was granted; may be NULL.
 *
 * Returns a handle for CloseCluster().  NULL and the last error: as OpenCluster(), and 1745 from a server that is
 * too old to know access levels. */
HCLUSTER OpenClusterEx(LPCWSTR lpszClusterName, DWORD DesiredAccess, DWORD *GrantedAccess);

/* Close a cluster's handle.  Objects that were opened through it keep the connection until they are closed as well,
 * and should be closed first.
 *
 * Returns TRUE.  FALSE and the last error: 6. */
BOOL CloseCluster(HCLUSTER hCluster);

/* Find out whether a machine belongs to a cluster, before anything is opened.
 *
 * lpszNodeName     the machine; NULL: this one.
 * pdwClusterState  receives a NODE_CLUSTER_STATE.  Running: treat it as a node.  Not running: treat it as a machine
 *                  on its own.
 *
 * Returns 0 or an error code; a machine that cannot be reached is an error, not a state. */
DWORD GetNodeClusterState(LPCWSTR lpszNodeName, LPDWORD pdwClusterState);

/* The cluster's name and, if wanted, its version.
 *
 * lpszClusterName    buffer for the name; NULL asks for its size.
 * lpcchClusterName   in: capacity in WCHARs with the terminator.  out: length without it.  63 + 1 always suffices.
 * lpClusterInfo      NULL, or a structure whose dwVersionInfoSize the caller has filled in.
 *
 * Returns 0; 234 the buffer is too small; 87 the size in lpClusterInfo is none that is known. */
DWORD GetClusterInformation(
    HCLUSTER hCluster, LPWSTR lpszClusterName, LPDWORD lpcchClusterName, LPCLUSTERVERSIONINFO lpClusterInfo);

/* Rename the cluster.  5024 means: stored, in effect when the name resource is next brought online. */
DWORD SetClusterName(HCLUSTER hCluster, LPCWSTR lpszNewClusterName);

/* Name and place of the quorum resource.  None of the pointers may be NULL.
 *
 * lpszResourceName, lpcchResourceName   receive the resource's name; capacity and length in WCHARs.
 * lpszDeviceName, lpcchDeviceName       receive the path of the quorum files; likewise.
 * lpdwMaxQuorumLogSize                  receives the limit of the quorum log, in bytes.
 *
 * Returns 0; 234 a buffer is too small, and both counts say what is needed. */
DWORD GetClusterQuorumResource(HCLUSTER hCluster, LPWSTR lpszResourceName, LPDWORD lpcchResourceName,
    LPWSTR lpszDeviceName, LPDWORD lpcchDeviceName, LPDWORD lpdwMaxQuorumLogSize);

/* Make another resource the quorum resource.
 *
 * hResource        the resource; it must be able to hold the quorum (see CLUS_CHAR_QUORUM).
 * lpszDeviceName   path of the quorum files, as it is shown from then on; NULL or empty: the previous one.
 * dwMaxQuoLogSize  limit of the quorum log in bytes, 64 KiB at least in effect; 0: the previous one.  Since Windows Server
 *                  2008 a kind of quorum instead, in numbers chosen from the same range: CLUS_NODE_MAJORITY_QUORUM,
 *                  CLUS_HYBRID_QUORUM, CLUS_LEGACY_QUORUM.  Here it is a number of bytes always.
 *
 * Here the log is kept beside the service's own state, and only resources of the type Local Quorum hold the quorum.
 *
 * Returns 0; 5021 it cannot hold the quorum; 87 it is not in the core group; 123, 206 the path; 5006. */
DWORD SetClusterQuorumResource(HRESOURCE hResource, LPCWSTR lpszDeviceName, DWORD dwMaxQuoLogSize);

#define CLUS_NODE_MAJORITY_QUORUM 0u
#define CLUS_HYBRID_QUORUM 1024u
#define CLUS_LEGACY_QUORUM 4194304u

/* ---- Backup and restore of the database ---- */

/* Write a backup of the cluster database and of all checkpoints to a directory.
 *
 * The backup holds everything that was acknowledged before the call, at one point of the cluster's history.  When
 * the function returns 0 the backup is complete, verified and on disk: chk????.tmp, quolog.log, <GUID>\*.CPT and
 * *.CPR of the checkpoints, and the marker Clusbackup.dat.  A backup that is already in the directory is replaced,
 * in such a way that a crash leaves the old one or the new one.  The files are secret: they hold the whole
 * configuration and keys.
 *
 * hCluster      the cluster.
 * lpszPathName  the directory, with or without a backslash at the end; it is made if only its last part is missing.
 *               The node that owns the quorum writes it, so the path must be visible there: best a UNC path.
 *
 * Returns 0; 267 the path names a file; 3 its parent does not exist; 161, 123 it is no path; 5 the caller may not
 * write there; 112 no space (room for the old and the new backup is needed); 5949 another backup runs; 5015 the
 * owner changed meanwhile, try again; 170 another process writes into the directory; 1117 the disk failed, or does not
 * give back what was written; 1460 the file system of the directory hangs; 1223 it was cancelled, as when the process
 * that asked for it ends; 120 if the server is set to the behaviour of Windows Server 2008 and later.
 *
 * Threads   any; the call blocks until the backup is written.
 * Follows   the page of BackupClusterDatabase, Windows Server 2003.  docs/formats describes the files. */
DWORD BackupClusterDatabase(HCLUSTER hCluster, LPCWSTR lpszPathName);

/* Put a backup back and form the cluster from it again, on the machine where the function is called.
 *
 * There is no cluster handle: the cluster service here is stopped if need be and started on the restored database,
 * and every open handle to it ends.  The other nodes stay down; the administrator starts them, and they take the
 * restored database.  An interrupted restore leaves the old state or the restored one.
 *
 * lpszPathName           the directory of the backup.
 * bForce                 FALSE: refuse if another node may be up (5056) or if the quorum disk does not have the
 *                        layout of the time of the backup (5086).  TRUE: stop the other nodes, and take the quorum
 *                        disk as it is.
 * lpszQuorumDriveLetter  NULL, or the letter of a quorum disk that was replaced since: one letter, a colon, the
 *                        terminator, nothing else (else 87).
 *
 * Returns 0; 5056; 5086; 5087 the backup is damaged or not complete; 2, 3 there is none; 5893 it is of another
 * cluster; 5 the caller is not an administrator; 112, 170, 1117, 1223, 1460, 120 as BackupClusterDatabase().
 *
 * Threads   any; the call blocks until the restored cluster has formed.
 * Follows   the page of RestoreClusterDatabase, Windows Server 2003. */
DWORD RestoreClusterDatabase(LPCWSTR lpszPathName, BOOL bForce, LPCWSTR lpszQuorumDriveLetter);

/* ---- Control codes ---- */

/* Send a control code (CLUSCTL_CLUSTER_…, see clusapi/codes.h) to the cluster.
 *
 * hHostNode                     the node that carries it out; NULL: the server chooses.
 * dwControlCode                 the code; what goes in and comes out is described with the code.
 * lpInBuffer, nInBufferSize     input, size in bytes; NULL and 0 if the code has none.
 * lpOutBuffer, nOutBufferSize   buffer for the output, capacity in bytes; NULL and 0 if there is none.
 * lpBytesReturned               receives the bytes written, or with 234 the bytes needed; may be NULL.
 *
 * Returns 0; 234 the output buffer is too small; 1 the code is unknown or not for this object.  With NULL and 0 for
 * the output a code that has output may return 0 or 234: callers accept both. */
DWORD ClusterControl(HCLUSTER hCluster, HNODE hHostNode, DWORD dwControlCode, LPVOID lpInBuffer, DWORD nInBufferSize,
    LPVOID lpOutBuffer, DWORD nOutBufferSize, LPDWORD lpBytesReturned);

/* ---- Lists of objects ---- */

/* Begin a list of the cluster's objects as they are now.
 *
 * dwType  CLUSTER_ENUM_ bits; CLUSTER_ENUM_SHARED_VOLUME_RESOURCE and CLUSTER_ENUM_INTERNAL_NETWORK stand alone.
 *
 * Returns a handle for ClusterCloseEnum(); the list does not change afterwards.  NULL and the last error: 87. */
HCLUSENUM ClusterOpenEnum(HCLUSTER hCluster, DWORD dwType);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterGetEnumCount(HCLUSENUM hEnum);

/* One entry of the list.
 *
 * dwIndex    from 0 to the count less one.
 * lpdwType   receives the entry's one CLUSTER_ENUM_ bit.
 * lpszName   buffer for the name (nodes, groups, …); NULL asks for its size.
 * lpcchName  in: capacity in WCHARs with the terminator.  out: length without it.
 *
 * Returns 0; 259 the index is beyond the last entry; 234 the buffer is too small. */
DWORD ClusterEnum(HCLUSENUM hEnum, DWORD dwIndex, LPDWORD lpdwType, LPWSTR lpszName, LPDWORD lpcchName);

/* Free the list.  Returns 0; 6. */
DWORD ClusterCloseEnum(HCLUSENUM hEnum);

/* Begin a list as ClusterOpenEnum() does, with ids beside the names.
 *
 * dwType    as for ClusterOpenEnum().
 * pOptions  must be NULL.
 *
 * Returns a handle for ClusterCloseEnumEx().  NULL and the last error: 87; 1745 from a server that is too old. */
HCLUSENUMEX ClusterOpenEnumEx(HCLUSTER hCluster, DWORD dwType, PVOID pOptions);

/* How many entries the list has.  On failure 0, and the last error: 6. */
DWORD ClusterGetEnumCountEx(HCLUSENUMEX hClusterEnum);

/* One entry of the list, with its id.
 *
 * dwIndex  from 0 to the count less one.
 * pItem    memory, aligned to 8, for a CLUSTER_ENUM_ITEM followed by its texts; the pointers in it point there.  NULL asks
 *          for the size, with 234.
 * cbItem   in: size of that memory in bytes.  out: bytes used or needed.
 *
 * Returns 0; 259 the index is beyond the last entry; 234 the memory is too small. */
DWORD ClusterEnumEx(HCLUSENUMEX hClusterEnum, DWORD dwIndex, PCLUSTER_ENUM_ITEM pItem, LPDWORD cbItem);

/* Free the list.  Returns 0; 6. */
DWORD ClusterCloseEnumEx(HCLUSENUMEX hClusterEnum);

/* ---- Others ---- */

/* Change the password of the account of the cluster service on every node (2003 only). */
DWORD SetClusterServiceAccountPassword(LPCWSTR lpszClusterName, LPCWSTR lpszNewPassword, DWORD dwFlags,
    PCLUSTER_SET_PASSWORD_STATUS lpReturnStatusBuffer, LPDWORD lpcbReturnStatusBufferSize);

/* Raise the level of the cluster after all nodes have been upgraded; perform FALSE only checks. */
DWORD ClusterUpgradeFunctionalLevel(
    HCLUSTER hCluster, BOOL perform, PCLUSTER_UPGRADE_PROGRESS_CALLBACK pfnProgressCallback, PVOID pvCallbackArg);

/* Give, deny or take back an account's access to the cluster. */
DWORD ClusterSetAccountAccess(HCLUSTER hCluster, LPCWSTR szAccountSID, DWORD dwAccess, DWORD dwControlType);

RUEDA_END_DECLARATIONS

#endif
