/* library_threads: the library as a program with many threads uses it, all on the same handles.
 *
 * How      library_c.py starts a service and then this; make check also builds it with ThreadSanitizer, library and all.
 *          A notification port is read by several threads, others are made and closed beside it.
 * Checked  what a thread has set it reads, nobody's calls end up with another's answer, a handle that is closed on one
 *          thread while others use it is good or 6, and in the end no handle is open.
 * SPDX-License-Identifier: Apache-2.0 */
#include "include/clusapi.h"
#include "lib/clusapi/handle.h"
#include "tests/lib/test.h"
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 64 };

static struct {
	HCLUSTER cluster;
	HKEY key;
	HGROUP group;
	HRESOURCE resource;
	HCHANGE port;
	_Atomic(HKEY) passing; /* Replaced and closed by whoever wants. */
	atomic_uint wrong, calls, refused;
} shared;

static void number_name(unsigned number, WCHAR name[16])
{
	size_t len = 0;

	name[len++] = 't';
	for (unsigned n = number + 1; n > 0; n /= 10)
		name[len++] = (WCHAR)('0' + n % 10);
	name[len] = 0;
}

/* A value of this thread's own in the key of all. */
static bool set_and_read(unsigned thread, DWORD round)
{
	DWORD read = 0, type = 0, size = sizeof(read);
	WCHAR name[16];

	number_name(thread, name);
	return ClusterRegSetValue(shared.key, name, REG_DWORD, (const BYTE *)&round, sizeof(round)) == 0 &&
	       ClusterRegQueryValue(shared.key, name, &type, (BYTE *)&read, &size) == 0 && read == round &&
	       type == REG_DWORD && size == sizeof(read);
}

/* A key below, made, opened again on the way and deleted. */
static bool make_and_delete(unsigned thread)
{
	HKEY made, opened;
	WCHAR name[16];
	DWORD disposition;
	bool good;

	number_name(1000 + thread, name);
	if (ClusterRegCreateKey(shared.key, name, 0, KEY_ALL_ACCESS, NULL, &made, &disposition) != 0)
		return false;
	good = disposition == REG_CREATED_NEW_KEY && ClusterRegOpenKey(shared.key, name, KEY_READ, &opened) == 0;
	if (good)
		good = ClusterRegCloseKey(opened) == 0;
	return ClusterRegCloseKey(made) == 0 && ClusterRegDeleteKey(shared.key, name) == 0 && good;
}

/* Another cluster handle, a group by name, its id. */
static bool look_at_a_group(void)
{
	HCLUSTER cluster = OpenCluster(NULL);
	HGROUP group = cluster != NULL ? OpenClusterGroup(cluster, (LPCWSTR)u"Cluster Group") : NULL;
	HKEY key = group != NULL ? GetClusterGroupKey(group, KEY_READ) : NULL;
	WCHAR name[64];
	DWORD count = ARRAY_SIZE(name);
	bool good = key != NULL && GetClusterInformation(cluster, name, &count, NULL) == 0 && count == 12;

	return (key == NULL || ClusterRegCloseKey(key) == 0) && (group == NULL || CloseClusterGroup(group)) &&
	       (cluster == NULL || CloseCluster(cluster)) && good;
}

/* The key that all threads close under each other's hands. */
static bool pass_on(void)
{
	HKEY fresh, old;
	DWORD keys, r;

	r = ClusterRegQueryInfoKey(atomic_load(&shared.passing), &keys, NULL, NULL, NULL, NULL, NULL, NULL);
	if (r == ERROR_INVALID_HANDLE)
		shared.refused++;
	else if (r != 0)
		return false;
	if (ClusterRegOpenKey(shared.key, (LPCWSTR)u"", KEY_READ, &fresh) != 0)
		return false;
	old = atomic_exchange(&shared.passing, fresh);
	return ClusterRegCloseKey(old) == 0;
}

/* The group of all: its state and its list, a dependency that cannot be, its resource asked to run. */
static bool look_at_the_group(void)
{
	HGROUPENUM list = ClusterGroupOpenEnum(shared.group, CLUSTER_GROUP_ENUM_CONTAINS);
	WCHAR name[64];
	DWORD count = ARRAY_SIZE(name), type, r;
	bool good = list != NULL && ClusterGroupGetEnumCount(list) == 1 &&
		    ClusterGroupEnum(list, 0, &type, name, &count) == 0 && type == CLUSTER_GROUP_ENUM_CONTAINS &&
		    count == 6;

	good = (list == NULL || ClusterGroupCloseEnum(list) == 0) && good;
	good = !CanResourceBeDependent(shared.resource, shared.resource) && good;
	r = OnlineClusterResource(shared.resource);
	good = (r == 0 || r == ERROR_IO_PENDING) && good;
	return GetClusterGroupState(shared.group, NULL, NULL) != ClusterGroupStateUnknown && good;
}

/* The port of all, which the other threads fill; one of its own, closed while it waits for events. */
static bool look_at_events(void)
{
	HCHANGE port = CreateClusterNotifyPort(INVALID_HANDLE_VALUE, shared.cluster, CLUSTER_CHANGE_REGISTRY_VALUE, 1);
	bool good = port != NULL || GetLastError() == ERROR_TOO_MANY_OPEN_FILES;
	DWORD r = 0;

	for (int i = 0; i < 4 && r == 0; i++) {
		DWORD filter = 0, count = 64;
		DWORD_PTR key = 0;
		WCHAR name[64];

		r = GetClusterNotify(shared.port, &key, &filter, name, &count, 1);
		good = good && (r == WAIT_TIMEOUT || r == ERROR_MORE_DATA ||
				   (r == 0 && key == 7 && filter == CLUSTER_CHANGE_REGISTRY_VALUE));
	}
	return (port == NULL || CloseClusterNotifyPort(port)) && good;
}

static void *work(void *data)
{
	unsigned thread = (unsigned)(uintptr_t)data;

	for (unsigned round = 0; round < test_rounds(8); round++) {
		bool good;

		switch ((thread + round) % 6) {
		case 0:
			good = set_and_read(thread, round);
			break;
		case 1:
			good = make_and_delete(thread);
			break;
		case 2:
			good = look_at_a_group();
			break;
		case 3:
			good = look_at_the_group();
			break;
		case 4:
			good = look_at_events();
			break;
		default:
			good = pass_on();
		}
		shared.wrong += !good;
		shared.calls++;
	}
	return NULL;
}

TEST(sixty_four_threads_share_handles)
{
	pthread_t threads[THREADS];
	DWORD disposition;
	HKEY root, passing;

	shared.cluster = OpenCluster(NULL);
	CHECK(shared.cluster != NULL);
	root = GetClusterKey(shared.cluster, KEY_ALL_ACCESS);
	CHECK(root != NULL);
	CHECK_INT(
	    ClusterRegCreateKey(root, (LPCWSTR)u"Threads", 0, KEY_ALL_ACCESS, NULL, &shared.key, &disposition), 0);
	CHECK_INT(ClusterRegOpenKey(root, (LPCWSTR)u"Threads", KEY_READ, &passing), 0);
	atomic_store(&shared.passing, passing);
	shared.group = CreateClusterGroup(shared.cluster, (LPCWSTR)u"Threads");
	CHECK(shared.group != NULL);
	shared.resource = CreateClusterResource(shared.group, (LPCWSTR)u"shared", (LPCWSTR)u"Network Name", 0);
	CHECK(shared.resource != NULL);
	shared.port = CreateClusterNotifyPort(INVALID_HANDLE_VALUE, shared.cluster, CLUSTER_CHANGE_REGISTRY_VALUE, 7);
	CHECK(shared.port != NULL);
	for (size_t i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	CHECK_INT(shared.wrong, 0);
	CHECK_INT(shared.calls, THREADS * test_rounds(8));
	CHECK(CloseClusterNotifyPort(shared.port));
	CHECK_INT(ClusterRegCloseKey(atomic_load(&shared.passing)), 0);
	CHECK_INT(DestroyClusterGroup(shared.group), 0);
	CHECK(CloseClusterResource(shared.resource) && CloseClusterGroup(shared.group));
	CHECK_INT(ClusterRegCloseKey(shared.key), 0);
	CHECK_INT(ClusterRegCloseKey(root), 0);
	CHECK(CloseCluster(shared.cluster));
	CHECK_INT(handle_count(), 0);
}
