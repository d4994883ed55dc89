/* backup: BackupClusterDatabase and RestoreClusterDatabase.
 *
 * Rules    of the documentation and of section 4 of the API digest: what is wrong with the arguments is found here, what is
 *          wrong with the path, the set or the disk by the service.  Both return the code and set it as the last error.
 *          Backing up speaks version 2 of the protocol, whose version 3 refuses it.  Restoring acts on this machine: if the
 *          service does not run, it is started.
 * Threads  all functions.        Tests  tests/integration/backup.py, restore.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/cluster.h"
#include "lib/clusapi/start.h"
#include "wire/clusapi.h"
#include "wire/rueda.h"

enum { RESTORE_FORCE = 1 };

DWORD BackupClusterDatabase(HCLUSTER hCluster, LPCWSTR lpszPathName)
{
	_cleanup_cluster_ struct cluster *c = NULL;
	struct clusapi_BackupClusterDatabase_in in = { units(lpszPathName) };
	struct clusapi_BackupClusterDatabase_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = cluster_get(hCluster, &c);

	if (r == 0 && (lpszPathName == NULL || lpszPathName[0] == 0))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = cluster_check(c);
	if (r == 0)
		r = link_call(c->remote.link, LINK_CLUSAPI_V2, CLUSAPI_BACKUP_CLUSTER_DATABASE, &in, &out, &arena);
	SetLastError(error_to_win32(r));
	return error_to_win32(r);
}

DWORD RestoreClusterDatabase(LPCWSTR lpszPathName, BOOL bForce, LPCWSTR lpszQuorumDriveLetter)
{
	_cleanup_(link_unrefp) struct link *l = NULL;
	struct rueda_Restore_in in = { .path = units(lpszPathName),
		.flags = bForce ? RESTORE_FORCE : 0,
		.drive = units(lpszQuorumDriveLetter) };
	struct rueda_Restore_out out;
	_cleanup_arena_ struct arena arena = { 0 };
	int r = 0;

	if (lpszPathName == NULL || lpszPathName[0] == 0 ||
	    (lpszQuorumDriveLetter != NULL && !is_drive(lpszQuorumDriveLetter)))
		r = ERR_INVALID_PARAMETER;
	if (r == 0)
		r = start_service_link(&l);
	if (r == 0)
		r = link_call(l, LINK_RUEDA, RUEDA_RESTORE, &in, &out, &arena);
	SetLastError(error_to_win32(r));
	return error_to_win32(r);
}
