/* clubar: back up and restore a cluster's database with the two functions that the cluster API has for it.
 *
 *     clubar backup CLUSTER DIRECTORY
 *     clubar restore DIRECTORY [force]
 *
 * The flow is the one that the documentation of RestoreClusterDatabase recommends: try without force, explain what stands in
 * the way, force only when the user has said so.  Build it as any program for the cluster API:
 *
 *     cc -o clubar clubar.c $(pkg-config --cflags --libs clusapi)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ClusAPI.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

/* Arguments come as UTF-8; the API wants UTF-16. */
static LPCWSTR wide(const char *text, WCHAR *buffer, int capacity)
{
	if (MultiByteToWideChar(CP_UTF8, 0, text, -1, buffer, capacity) == 0)
		buffer[0] = 0;
	return buffer;
}

static void explain(DWORD code)
{
	LPWSTR text = NULL;

	if (FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL, code, 0, (LPWSTR)&text, 0,
	        NULL) != 0) {
		wprintf(L"Error %u: %s\n", code, text);
		LocalFree(text);
	} else {
		wprintf(L"Error %u\n", code);
	}
	if (code == ERROR_CLUSTER_NODE_UP)
		wprintf(L"Stop the cluster service on the other nodes, then try again with force.\n");
	if (code == ERROR_QUORUM_DISK_NOT_FOUND)
		wprintf(L"Partition the quorum disk as it was, or try again with force.\n");
}

static int backup(const char *cluster_name, const char *directory)
{
	WCHAR name[256], path[1024];
	HCLUSTER cluster = OpenCluster(wide(cluster_name, name, 256));
	DWORD code;

	if (cluster == NULL) {
		explain(GetLastError());
		return 1;
	}
	code = BackupClusterDatabase(cluster, wide(directory, path, 1024));
	CloseCluster(cluster);
	if (code != ERROR_SUCCESS) {
		explain(code);
		return 1;
	}
	wprintf(L"The database of %s is in %s.\n", name, path);
	return 0;
}

static int restore(const char *directory, BOOL force)
{
	WCHAR path[1024];
	DWORD code = RestoreClusterDatabase(wide(directory, path, 1024), FALSE, NULL);

	if (force && (code == ERROR_CLUSTER_NODE_UP || code == ERROR_QUORUM_DISK_NOT_FOUND))
		code = RestoreClusterDatabase(path, TRUE, NULL);
	if (code != ERROR_SUCCESS) {
		explain(code);
		return 1;
	}
	wprintf(L"The cluster runs with the database from %s.\n", path);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "backup") == 0)
		return backup(argv[2], argv[3]);
	if ((argc == 3 || (argc == 4 && strcmp(argv[3], "force") == 0)) && strcmp(argv[1], "restore") == 0)
		return restore(argv[2], argc == 4);
	wprintf(L"Usage: clubar backup CLUSTER DIRECTORY | clubar restore DIRECTORY [force]\n");
	return 2;
}
