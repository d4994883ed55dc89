/* populate: give a cluster a believable configuration through the cluster API: groups, resources with private properties,
 * and some settings changed in one batch.
 *
 *     cc -o populate populate.c $(pkg-config --cflags --libs clusapi)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ClusAPI.h>
#include <stdio.h>
#include <windows.h>

static const struct {
	LPCWSTR group, resource, type, property, value;
} services[] = {
	{ L"Web", L"Web address", L"IP Address", L"Address", L"192.0.2.10" },
	{ L"Web", L"Web server", L"Generic Service", L"ServiceName", L"nginx.service" },
	{ L"Database", L"Database disk", L"Physical Disk", L"DiskPath", L"/srv/database" },
	{ L"Database", L"Database server", L"Generic Service", L"ServiceName", L"postgresql.service" },
	{ L"Files", L"File server", L"Generic Script", L"ScriptFilepath", L"/usr/lib/ocf/resource.d/heartbeat/nfsserver" },
};

static DWORD set_text(HKEY key, LPCWSTR name, LPCWSTR text)
{
	return ClusterRegSetValue(key, name, REG_SZ, (const BYTE *)text, (DWORD)((lstrlenW(text) + 1) * sizeof(WCHAR)));
}

static DWORD add_service(HCLUSTER cluster, size_t i)
{
	HGROUP group = OpenClusterGroup(cluster, services[i].group);
	HRESOURCE resource;
	HKEY key, parameters;
	DWORD code;

	if (group == NULL)
		group = CreateClusterGroup(cluster, services[i].group);
	if (group == NULL)
		return GetLastError();
	resource = CreateClusterResource(group, services[i].resource, services[i].type, 0);
	CloseClusterGroup(group);
	if (resource == NULL)
		return GetLastError();
	key = GetClusterResourceKey(resource, KEY_ALL_ACCESS);
	CloseClusterResource(resource);
	if (key == NULL)
		return GetLastError();
	code = (DWORD)ClusterRegCreateKey(key, L"Parameters", 0, KEY_ALL_ACCESS, NULL, &parameters, NULL);
	if (code == ERROR_SUCCESS) {
		code = set_text(parameters, services[i].property, services[i].value);
		ClusterRegCloseKey(parameters);
	}
	ClusterRegCloseKey(key);
	return code;
}

/* Several values, all of them or none. */
static DWORD set_timeouts(HCLUSTER cluster)
{
	static const struct {
		LPCWSTR name;
		DWORD value;
	} timeouts[] = { { L"SameSubnetDelay", 1000 }, { L"SameSubnetThreshold", 10 }, { L"ShutdownTimeoutInMinutes", 20 } };
	HKEY root = GetClusterKey(cluster, KEY_ALL_ACCESS);
	HREGBATCH batch;
	DWORD code;

	if (root == NULL)
		return GetLastError();
	code = (DWORD)ClusterRegCreateBatch(root, &batch);
	if (code == ERROR_SUCCESS) {
		for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
			ClusterRegBatchAddCommand(batch, CLUSREG_SET_VALUE, timeouts[i].name, REG_DWORD, &timeouts[i].value,
			    sizeof(DWORD));
		code = (DWORD)ClusterRegCloseBatch(batch, TRUE, NULL);
	}
	ClusterRegCloseKey(root);
	return code;
}

int main(void)
{
	HCLUSTER cluster = OpenCluster(NULL);
	DWORD code = cluster == NULL ? GetLastError() : set_timeouts(cluster);

	for (size_t i = 0; code == ERROR_SUCCESS && i < sizeof(services) / sizeof(services[0]); i++)
		code = add_service(cluster, i);
	if (cluster != NULL)
		CloseCluster(cluster);
	if (code != ERROR_SUCCESS) {
		wprintf(L"populate: error %u\n", code);
		return 1;
	}
	wprintf(L"3 groups, 5 resources, 3 settings made\n");
	return 0;
}
