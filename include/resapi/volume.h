/* resapi/volume.h: cluster shared volumes, for backup programs.
 *
 * All five functions must be called on a node of the cluster.  A path may begin with a drive (links in
 * RUEDA_DIR/drives), with \\?\, with \\?\Volume{GUID}\ or with '/'.
 * Included by <resapi.h>, which says what holds for all functions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RESAPI_VOLUME_H
#define RUEDA_RESAPI_VOLUME_H

#include "../clusapi.h"

RUEDA_BEGIN_DECLARATIONS

/* Tell whether the functions below are the ones to use for a path.
 *
 * lpszPathName  the path; it need not exist.
 *
 * Returns TRUE if the path is on a cluster shared volume that the caller may reach from this node.  FALSE and the
 * last error otherwise; 0 if it is just not on one. */
BOOL ClusterIsPathOnSharedVolume(LPCWSTR lpszPathName);

/* Where the volume begins that a path is on: for a shared volume its mount point, with a backslash at the end.  The
 * form of the beginning (drive, \\?\, …) is kept, and the rest of the path need not exist.
 *
 * lpszFileName        the path.
 * lpszVolumePathName  buffer for the result.
 * cchBufferLength     its capacity in WCHARs, with the terminator; the length of the path plus 2 always suffices.
 *
 * Returns TRUE.  FALSE and the last error: 206 the buffer is too small; 0 the path is "" (so documented); 87; 123. */
BOOL ClusterGetVolumePathName(LPCWSTR lpszFileName, LPWSTR lpszVolumePathName, DWORD cchBufferLength);

/* The name of the volume that is mounted at a place.
 *
 * lpszVolumeMountPoint  the mount point with a backslash at the end, as ClusterGetVolumePathName() gives it.
 * lpszVolumeName        buffer for the name, \\?\Volume{GUID}\.
 * cchBufferLength       its capacity in WCHARs; 51 suffices.
 *
 * Returns TRUE.  FALSE and the last error: 5951 the volume is not mounted on this node; 87 the path names a file;
 * 123 it does not end in a backslash or does not exist; 206 the buffer is too small. */
BOOL ClusterGetVolumeNameForVolumeMountPoint(
    LPCWSTR lpszVolumeMountPoint, LPWSTR lpszVolumeName, DWORD cchBufferLength);

/* Make a shared volume ready for a snapshot, and tell its names.
 *
 * With the behaviour of Windows Server 2008 R2 (the default) the volume moves to this node and stays there, direct
 * I/O is turned off, and "backup in progress" is set.  That ends when the backup ends, when
 * ClusterClearBackupStateForSharedVolume() is called, or after 30 minutes if no snapshot was made by then, even if
 * the caller has died.  With the behaviour of 2012 only the names are told.  With 234 nothing has been changed.
 *
 * lpszFileName             path of a file or directory on the volume.
 * lpszVolumePathName       buffer for the mount point, with a backslash at the end.
 * lpcchVolumePathName      in: capacity in WCHARs.  out: length without the terminator; with 234 the capacity
 *                          needed, with the terminator.
 * lpszVolumeName           buffer for the name, \\?\Volume{GUID}\.
 * lpcchVolumeName          likewise.
 *
 * Returns 0; 234 a buffer is too small; 87 the path is not on a shared volume; 5949 the volume is in another backup. */
DWORD ClusterPrepareSharedVolumeForBackup(LPCWSTR lpszFileName, LPWSTR lpszVolumePathName, LPDWORD lpcchVolumePathName,
    LPWSTR lpszVolumeName, LPDWORD lpcchVolumeName);

/* End "backup in progress" of a shared volume at once, whoever set it and on whichever node.
 *
 * Normally not needed, see ClusterPrepareSharedVolumeForBackup().  Called while another backup of the volume runs,
 * it can spoil that backup.
 *
 * lpszVolumePathName  path of a file on the volume.
 *
 * Returns 0; 87 the path is not on a shared volume. */
DWORD ClusterClearBackupStateForSharedVolume(LPCWSTR lpszVolumePathName);

RUEDA_END_DECLARATIONS

#endif
