/* core: the cluster's own resources, and what a resource's address and disk are.
 *
 * How      the core group is the one of the quorum resource; its Network Name and IP Address are the cluster's.  Addresses and
 *          disks are looked for among all that a resource depends on, step by step; their private properties tell the rest.
 * Drives   letters are links of this machine, RUEDA_DIR/drives or /etc/rueda/drives, as ruedad(8) has them: a disk has the
 *          letter whose link leads to where it is mounted.
 * Threads  all functions.     Tests  tests/integration/objects.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/resutils/item.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_UNITS = 1024 };

static LPCWSTR literal(const char16_t *text)
{
	return (LPCWSTR)text;
}

/* ---- Core resources ---- */

/* The first resource of the type in the group; *ret stays NULL if there is none. */
static DWORD find_in_group(HCLUSTER cluster, HGROUP group, LPCWSTR type, DWORD access, HRESOURCE *ret)
{
	HGROUPENUM list = ClusterGroupOpenEnum(group, CLUSTER_GROUP_ENUM_CONTAINS);
	DWORD code = list == NULL ? GetLastError() : ERROR_SUCCESS;
	WCHAR name[NAME_UNITS];

	for (DWORD i = 0; code == ERROR_SUCCESS && *ret == NULL; i++) {
		DWORD count = NAME_UNITS, kind;
		HRESOURCE resource;

		code = ClusterGroupEnum(list, i, &kind, name, &count);
		if (code != ERROR_SUCCESS)
			break;
		resource = OpenClusterResourceEx(cluster, name, access, NULL);
		if (resource == NULL)
			code = GetLastError() == ERROR_RESOURCE_NOT_FOUND ? ERROR_SUCCESS : GetLastError();
		else if (ResUtilResourceTypesEqual(type, resource))
			*ret = resource;
		else
			(void)CloseClusterResource(resource);
	}
	if (list != NULL)
		(void)ClusterGroupCloseEnum(list);
	return code == ERROR_NO_MORE_ITEMS ? ERROR_SUCCESS : code;
}

static DWORD open_quorum(HCLUSTER cluster, DWORD access, HRESOURCE *ret)
{
	WCHAR name[NAME_UNITS], device[NAME_UNITS];
	DWORD name_count = NAME_UNITS, device_count = NAME_UNITS, log_size;
	DWORD code = GetClusterQuorumResource(cluster, name, &name_count, device, &device_count, &log_size);

	if (code == ERROR_SUCCESS && (*ret = OpenClusterResourceEx(cluster, name, access, NULL)) == NULL)
		code = GetLastError();
	return code;
}

static void close_all(HRESOURCE *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (all[i] != NULL)
			(void)CloseClusterResource(all[i]);
}

enum core { CORE_NAME, CORE_ADDRESS, CORE_QUORUM, CORE_COUNT };

/* Each that is wanted and there; all or none are handed out. */
static DWORD open_core(HCLUSTER cluster, DWORD access, HRESOURCE *const wanted[CORE_COUNT])
{
	HRESOURCE all[CORE_COUNT] = { NULL };
	HGROUP group = ResUtilGetCoreGroup(cluster);
	DWORD code = group == NULL ? GetLastError() : ERROR_SUCCESS;

	if (code == ERROR_SUCCESS && wanted[CORE_NAME] != NULL)
		code = find_in_group(cluster, group, literal(u"Network Name"), access, &all[CORE_NAME]);
	if (code == ERROR_SUCCESS && wanted[CORE_ADDRESS] != NULL)
		code = find_in_group(cluster, group, literal(u"IP Address"), access, &all[CORE_ADDRESS]);
	if (code == ERROR_SUCCESS && wanted[CORE_ADDRESS] != NULL && all[CORE_ADDRESS] == NULL)
		code = find_in_group(cluster, group, literal(u"IPv6 Address"), access, &all[CORE_ADDRESS]);
	if (code == ERROR_SUCCESS && wanted[CORE_QUORUM] != NULL)
		code = open_quorum(cluster, access, &all[CORE_QUORUM]);
	if (group != NULL)
		(void)CloseClusterGroup(group);
	if (code != ERROR_SUCCESS) {
		close_all(all, CORE_COUNT);
		return code;
	}
	for (size_t i = 0; i < CORE_COUNT; i++)
		if (wanted[i] != NULL)
			*wanted[i] = all[i];
	return ERROR_SUCCESS;
}

DWORD ResUtilGetCoreClusterResources(HCLUSTER hCluster, HRESOURCE *phClusterNameResource,
    HRESOURCE *phClusterIPAddressResource, HRESOURCE *phClusterQuorumResource)
{
	HRESOURCE *const wanted[] = { phClusterNameResource, phClusterIPAddressResource, phClusterQuorumResource };

	return open_core(hCluster, GENERIC_ALL, wanted);
}

DWORD ResUtilGetCoreClusterResourcesEx(HCLUSTER hClusterIn, HRESOURCE *phClusterNameResourceOut,
    HRESOURCE *phClusterQuorumResourceOut, DWORD dwDesiredAccess)
{
	HRESOURCE *const wanted[] = { phClusterNameResourceOut, NULL, phClusterQuorumResourceOut };

	return open_core(hClusterIn, dwDesiredAccess, wanted);
}

/* ---- Addresses and disks ---- */

/* A private property that is text, on the heap; empty if it is not there. */
static int private_text(HRESOURCE resource, LPCWSTR name, struct buf *ret)
{
	HKEY key = GetClusterResourceKey(resource, KEY_READ);
	DWORD type;
	int r = key != NULL ? key_read_below(key, literal(u"Parameters"), name, &type, ret) : from_code(GetLastError());

	if (key != NULL)
		(void)ClusterRegCloseKey(key);
	if (r == ERR_FILE_NOT_FOUND || (r == 0 && type != REG_SZ && type != REG_EXPAND_SZ)) {
		buf_done(ret);
		*ret = (struct buf){ 0 };
		r = 0;
	}
	if (r == 0)
		buf_append(ret, u"", sizeof(char16_t)); /* Who wrote it may have left the end out. */
	return r < 0 ? r : ret->error;
}

static struct u16 text_in(const struct buf *b)
{
	return text_of((LPCWSTR)(const void *)b->data);
}

DWORD ResUtilGetResourceDependentIPAddressProps(HRESOURCE hResource, LPWSTR pszAddress, DWORD *pcchAddress,
    LPWSTR pszSubnetMask, DWORD *pcchSubnetMask, LPWSTR pszNetwork, DWORD *pcchNetwork)
{
	const struct {
		const char16_t *name;
		LPWSTR out;
		DWORD *count;
	} wanted[] = { { u"Address", pszAddress, pcchAddress }, { u"SubnetMask", pszSubnetMask, pcchSubnetMask },
		{ u"Network", pszNetwork, pcchNetwork } };
	struct buf texts[ARRAY_SIZE(wanted)] = { 0 };
	HRESOURCE address;
	bool fits = true;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i].out == NULL || wanted[i].count == NULL)
			return ERROR_INVALID_PARAMETER;
	address = ResUtilGetResourceDependencyByNameEx(NULL, hResource, literal(u"IP Address"), TRUE, GENERIC_READ);
	if (address == NULL)
		return GetLastError();
	for (size_t i = 0; i < ARRAY_SIZE(wanted) && r == 0; i++) {
		r = private_text(address, literal(wanted[i].name), &texts[i]);
		fits = fits && (r < 0 || text_in(&texts[i]).len < *wanted[i].count);
	}
	(void)CloseClusterResource(address);
	/* All counts are told, even if only one of the buffers is too small. */
	for (size_t i = 0; i < ARRAY_SIZE(wanted) && r == 0; i++) {
		struct u16 text = text_in(&texts[i]);

		if (fits)
			(void)give_name(text, wanted[i].out, wanted[i].count);
		else
			*wanted[i].count = (DWORD)text.len;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		buf_done(&texts[i]);
	return r == 0 && !fits ? ERROR_MORE_DATA : error_to_win32(r);
}

/* The letter whose link leads to the directory; 0: none. */
static char letter_of(const char *directory)
{
	const char *private = secure_getenv("RUEDA_DIR");
	_cleanup_free_ char *wanted = realpath(directory, NULL);
	const char *base = private != NULL && private[0] == '/' ? private : "/etc/rueda";

	for (char letter = 'a'; letter <= 'z' && wanted != NULL; letter++) {
		_cleanup_free_ char *link = NULL, *target = NULL;

		if (asprintf(&link, "%s/drives/%c:", base, letter) < 0) {
			link = NULL;
			break;
		}
		target = realpath(link, NULL);
		if (target != NULL && strcmp(target, wanted) == 0)
			return letter;
	}
	return 0;
}

DWORD ResUtilFindDependentDiskResourceDriveLetter(
    HCLUSTER hCluster, HRESOURCE hResource, LPWSTR pszDriveLetter, DWORD *pcchDriveLetter)
{
	_cleanup_(buf_done) struct buf place = { 0 };
	_cleanup_free_ char *directory = NULL;
	char16_t drive[] = { 0, ':' };
	HRESOURCE disk;
	char letter;
	int r;

	if (pszDriveLetter == NULL || pcchDriveLetter == NULL)
		return ERROR_INVALID_PARAMETER;
	disk = ResUtilGetResourceDependencyByNameEx(hCluster, hResource, literal(u"Physical Disk"), TRUE, GENERIC_READ);
	if (disk == NULL)
		return GetLastError();
	r = private_text(disk, literal(u"MountPoint"), &place);
	(void)CloseClusterResource(disk);
	if (r < 0)
		return error_to_win32(r);
	directory = u16_to_utf8(text_in(&place));
	if (directory == NULL)
		return ERROR_NOT_ENOUGH_MEMORY;
	letter = directory[0] == '/' ? letter_of(directory) : 0;
	if (letter == 0)
		return ERROR_NOT_FOUND;
	drive[0] = (char16_t)(letter - 'a' + 'A');
	return error_to_win32(give_name((struct u16){ drive, ARRAY_SIZE(drive) }, pszDriveLetter, pcchDriveLetter));
}

/* ---- Roles ---- */

CLUSTER_ROLE_STATE ResUtilGetClusterRoleState(HCLUSTER hCluster, CLUSTER_ROLE eClusterRole)
{
	static const char16_t *const types[] = {
		[ClusterRoleDHCP] = u"DHCP Service",
		[ClusterRoleDTC] = u"Distributed Transaction Coordinator",
		[ClusterRoleFileServer] = u"File Server",
		[ClusterRoleGenericApplication] = u"Generic Application",
		[ClusterRoleGenericScript] = u"Generic Script",
		[ClusterRoleGenericService] = u"Generic Service",
		[ClusterRoleISCSINameServer] = u"Microsoft iSNS",
		[ClusterRoleMSMQ] = u"MSMQ",
		[ClusterRoleNFS] = u"NFS Share",
		[ClusterRolePrintServer] = u"Print Spooler",
		[ClusterRoleStandAloneNamespaceServer] = u"Distributed File System",
		[ClusterRoleVolumeShadowCopyServiceTask] = u"Volume Shadow Copy Service Task",
		[ClusterRoleWINS] = u"WINS Service",
	};
	HRESTYPEENUM list;
	WCHAR name[NAME_UNITS];
	DWORD count = NAME_UNITS, kind, code;

	if ((unsigned)eClusterRole >= ARRAY_SIZE(types)) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return ClusterRoleUnknown;
	}
	list =
	    ClusterResourceTypeOpenEnum(hCluster, literal(types[eClusterRole]), CLUSTER_RESOURCE_TYPE_ENUM_RESOURCES);
	code = list == NULL ? GetLastError() : ClusterResourceTypeEnum(list, 0, &kind, name, &count);
	if (list != NULL)
		(void)ClusterResourceTypeCloseEnum(list);
	if (code == ERROR_SUCCESS)
		return ClusterRoleClustered;
	if (code == ERROR_NO_MORE_ITEMS || code == ERROR_CLUSTER_RESOURCE_TYPE_NOT_FOUND)
		return ClusterRoleUnclustered;
	SetLastError(code);
	return ClusterRoleUnknown;
}
