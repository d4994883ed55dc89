/* backup: BackupClusterDatabase and RestoreClusterDatabase.
 *
 * Rules    of the documentation and of section 4 of the API digest: what is wrong with the arguments is found here, what is
 *          wrong with the path, the set or the disk by the service.  Both return the code and set it as the last error.
 *          Backing up speaks version 2 of the protocol, whose version 3 refuses it.  Restoring acts on this machine: if the
 *          service does not run, it is started.
 * Threads  all functions.        Tests  tests/integration/backup.py, restore.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "include/rueda.h"
#include "lib/clusapi/cluster.h"
#include "wire/clusapi.h"

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
	return return_code(r);
}

DWORD RestoreClusterDatabase(LPCWSTR lpszPathName, BOOL bForce, LPCWSTR lpszQuorumDriveLetter)
{
	return RuedaRestore(lpszPathName, bForce ? RUEDA_RESTORE_FORCE : 0, lpszQuorumDriveLetter, NULL, NULL, NULL,
	    NULL, 0);
}
