/* library_fail: each function of the library with each of its allocations failing in turn.
 *
 * How      library_c.py starts a service and then this.  For each step and each n, a cluster is opened, what the step needs
 *          is made, the step runs with its nth allocation failing, everything is closed; until the step needs no more.
 * Checked  the step fails with 8 (ERROR_NOT_ENOUGH_MEMORY) or, in batches, 14 (ERROR_OUTOFMEMORY), or has got over it;
 *          nothing is left behind, no handle stays open, the handles that were there before can be used as before, and a call
 *          that only reads works the next time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "include/clusapi.h"
#include "include/rueda.h"
#include "lib/clusapi/handle.h"
#include "tests/lib/failalloc.h"
#include <stdlib.h>

#define W(literal) ((LPCWSTR)u"" literal)

/* What steps use and leave; whatever is there is closed after the step. */
static struct {
	HCLUSTER cluster, second;
	HKEY root, key, opened;
	HNODE node;
	HGROUP group, other;
	HRESOURCE resource;
	HREGBATCH batch;
	HREGREADBATCH reads;
	HREGREADBATCHREPLY reply;
	HCHANGE port;
	LPSTR trace;
	WCHAR path[512];
} s;

struct step {
	const char *name;
	void (*prepare)(void); /* May be NULL; nothing fails in it. */
	DWORD (*call)(void);
	bool once; /* A second call may fail: the first one may have been carried out, or has used up its handle. */
};

static DWORD opened_or_error(const void *handle)
{
	return handle != NULL ? 0 : GetLastError();
}

/* Closing. */

static void close_session(void)
{
	if (s.port != NULL)
		CHECK(CloseClusterNotifyPort(s.port));
	if (s.reply != NULL)
		CHECK_INT(ClusterRegCloseReadBatchReply(s.reply), 0);
	if (s.reads != NULL)
		CHECK_INT(ClusterRegCloseReadBatch(s.reads, NULL), ERROR_INVALID_PARAMETER);
	if (s.batch != NULL)
		CHECK_INT(ClusterRegCloseBatch(s.batch, FALSE, NULL), 0);
	if (s.resource != NULL) {
		(void)DeleteClusterResource(s.resource);
		CHECK(CloseClusterResource(s.resource));
	}
	if (s.group != NULL) {
		(void)DestroyClusterGroup(s.group);
		CHECK(CloseClusterGroup(s.group));
	}
	if (s.other != NULL)
		CHECK(CloseClusterGroup(s.other));
	if (s.node != NULL)
		CHECK(CloseClusterNode(s.node));
	if (s.opened != NULL)
		CHECK_INT(ClusterRegCloseKey(s.opened), 0);
	if (s.key != NULL)
		CHECK_INT(ClusterRegCloseKey(s.key), 0);
	if (s.root != NULL)
		CHECK_INT(ClusterRegCloseKey(s.root), 0);
	if (s.second != NULL)
		CHECK(CloseCluster(s.second));
	CHECK(CloseCluster(s.cluster));
	LocalFree(s.trace);
	memset(&s, 0, offsetof(typeof(s), path));
}

/* Preparing. */

static void open_key(void)
{
	s.root = GetClusterKey(s.cluster, KEY_ALL_ACCESS);
	CHECK(s.root != NULL);
	CHECK_INT(ClusterRegCreateKey(s.root, W("Fail"), 0, KEY_ALL_ACCESS, NULL, &s.key, NULL), 0);
	CHECK_INT(ClusterRegSetValue(s.key, W("v"), REG_BINARY, (const BYTE *)"data", 4), 0);
}

static void open_key_with_another(void)
{
	open_key();
	CHECK_INT(ClusterRegCreateKey(s.key, W("below"), 0, KEY_ALL_ACCESS, NULL, &s.opened, NULL), 0);
}

static void open_node(void)
{
	s.node = OpenClusterNode(s.cluster, W("node1"));
	CHECK(s.node != NULL);
}

/* What an earlier run may have made. */
static void remove_group(LPCWSTR name)
{
	HGROUP group = OpenClusterGroup(s.cluster, name);

	if (group == NULL)
		return;
	CHECK_INT(DestroyClusterGroup(group), 0);
	CHECK(CloseClusterGroup(group));
}

static void no_group(void)
{
	remove_group(W("fail group"));
	remove_group(W("renamed"));
}

static void make_group(void)
{
	no_group();
	s.group = CreateClusterGroup(s.cluster, W("fail group"));
	CHECK(s.group != NULL);
}

static void make_resource(void)
{
	make_group();
	s.resource = CreateClusterResource(s.group, W("fail resource"), W("Physical Disk"), 0);
	CHECK(s.resource != NULL);
	s.other = OpenClusterGroup(s.cluster, W("Cluster Group"));
	CHECK(s.other != NULL);
}

static void no_type(void)
{
	(void)DeleteClusterResourceType(s.cluster, W("fail type"));
}

static void make_type(void)
{
	no_type();
	CHECK_INT(CreateClusterResourceType(s.cluster, W("fail type"), W("fail type"), W("x.so"), 1000, 1000), 0);
}

static void make_batch(void)
{
	open_key();
	CHECK_INT(ClusterRegCreateBatch(s.key, &s.batch), 0);
	CHECK_INT(ClusterRegBatchAddCommand(s.batch, CLUSREG_SET_VALUE, W("b"), REG_DWORD, "data", 4), 0);
}

static void make_reads(void)
{
	open_key();
	CHECK_INT(ClusterRegCreateReadBatch(s.key, &s.reads), 0);
	CHECK_INT(ClusterRegReadBatchAddCommand(s.reads, W(""), W("v")), 0);
}

static void make_reply(void)
{
	HREGREADBATCH reads;

	make_reads();
	reads = s.reads;
	s.reads = NULL;
	CHECK_INT(ClusterRegCloseReadBatch(reads, &s.reply), 0);
}

static void make_port(void)
{
	make_group();
	s.port = CreateClusterNotifyPort(INVALID_HANDLE_VALUE, s.cluster, CLUSTER_CHANGE_GROUP_PROPERTY, 1);
	CHECK(s.port != NULL);
}

static void make_port_v2(void)
{
	NOTIFY_FILTER_AND_TYPE filter = { CLUSTER_OBJECT_TYPE_GROUP, CLUSTER_CHANGE_GROUP_ALL_V2 };

	make_group();
	s.port = CreateClusterNotifyPortV2(INVALID_HANDLE_VALUE, s.cluster, &filter, 1, 1);
	CHECK(s.port != NULL);
}

/* The steps.  CALL(name) { return its code; } */
#define CALL(name) static DWORD call_##name(void)

CALL(OpenCluster)
{
	return opened_or_error(s.second = OpenCluster(W("CLUSTER_NAME")));
}
CALL(OpenClusterEx)
{
	DWORD granted;

	return opened_or_error(s.second = OpenClusterEx(NULL, GENERIC_READ, &granted));
}
CALL(GetNodeClusterState)
{
	DWORD state;

	return GetNodeClusterState(W("node1"), &state);
}
CALL(GetClusterInformation)
{
	CLUSTERVERSIONINFO info = { .dwVersionInfoSize = sizeof(info) };
	WCHAR name[64];
	DWORD count = ARRAY_SIZE(name);

	return GetClusterInformation(s.cluster, name, &count, &info);
}
CALL(SetClusterName)
{
	return SetClusterName(s.cluster, W("CLUSTER_NAME"));
}
CALL(GetClusterQuorumResource)
{
	WCHAR name[64], device[64];
	DWORD count = ARRAY_SIZE(name), device_count = ARRAY_SIZE(device), size;

	return GetClusterQuorumResource(s.cluster, name, &count, device, &device_count, &size);
}
CALL(BackupClusterDatabase)
{
	return BackupClusterDatabase(s.cluster, s.path);
}
CALL(RuedaBackup)
{
	static RUEDA_BACKUP_RESULT result;

	return RuedaBackup(s.path, &result);
}
CALL(RuedaRestore)
{
	WCHAR story[RUEDA_STORY_CCH];

	return RuedaRestore(s.path, RUEDA_RESTORE_PLAN, NULL, NULL, NULL, NULL, story, ARRAY_SIZE(story));
}
CALL(RuedaGetStatus)
{
	static RUEDA_STATUS status;

	return RuedaGetStatus(&status);
}
CALL(RuedaGetTrace)
{
	return RuedaGetTrace(&s.trace);
}
CALL(GetClusterKey)
{
	return opened_or_error(s.opened = GetClusterKey(s.cluster, KEY_READ));
}
CALL(ClusterRegCreateKey)
{
	DWORD disposition;

	return (DWORD)ClusterRegCreateKey(s.key, W("made"), 0, KEY_ALL_ACCESS, NULL, &s.opened, &disposition);
}
CALL(ClusterRegOpenKey)
{
	return (DWORD)ClusterRegOpenKey(s.root, W("Fail"), KEY_READ, &s.opened);
}
CALL(ClusterRegDeleteKey)
{
	return ClusterRegDeleteKey(s.key, W("below"));
}
CALL(ClusterRegEnumKey)
{
	WCHAR name[256];
	DWORD count = ARRAY_SIZE(name);
	FILETIME time;

	return (DWORD)ClusterRegEnumKey(s.root, 0, name, &count, &time);
}
CALL(ClusterRegSetValue)
{
	return ClusterRegSetValue(s.key, W("v"), REG_BINARY, (const BYTE *)"data", 4);
}
CALL(ClusterRegDeleteValue)
{
	return ClusterRegDeleteValue(s.key, W("v"));
}
CALL(ClusterRegQueryValue)
{
	BYTE data[16];
	DWORD type, size = sizeof(data);

	return (DWORD)ClusterRegQueryValue(s.key, W("v"), &type, data, &size);
}
CALL(ClusterRegEnumValue)
{
	WCHAR name[256];
	BYTE data[16];
	DWORD type, size = sizeof(data), count = ARRAY_SIZE(name);

	return ClusterRegEnumValue(s.key, 0, name, &count, &type, data, &size);
}
CALL(ClusterRegQueryInfoKey)
{
	DWORD keys, values;

	return (DWORD)ClusterRegQueryInfoKey(s.key, &keys, NULL, &values, NULL, NULL, NULL, NULL);
}
static BYTE descriptor[4096];
static DWORD descriptor_size;
CALL(ClusterRegGetKeySecurity)
{
	descriptor_size = sizeof(descriptor);
	return (DWORD)ClusterRegGetKeySecurity(s.key, DACL_SECURITY_INFORMATION, descriptor, &descriptor_size);
}
CALL(ClusterRegSetKeySecurity)
{
	return (DWORD)ClusterRegSetKeySecurity(s.key, DACL_SECURITY_INFORMATION, descriptor);
}
CALL(ClusterRegSyncDatabase)
{
	return (DWORD)ClusterRegSyncDatabase(s.cluster, 0);
}
CALL(ClusterRegCreateBatch)
{
	return (DWORD)ClusterRegCreateBatch(s.key, &s.batch);
}
CALL(ClusterRegBatchAddCommand)
{
	return (DWORD)ClusterRegBatchAddCommand(s.batch, CLUSREG_SET_VALUE, W("c"), REG_DWORD, "data", 4);
}
CALL(ClusterRegCloseBatch)
{
	HREGBATCH batch = s.batch;
	INT failed;

	s.batch = NULL;
	return (DWORD)ClusterRegCloseBatch(batch, TRUE, &failed);
}
CALL(ClusterRegCreateReadBatch)
{
	return (DWORD)ClusterRegCreateReadBatch(s.key, &s.reads);
}
CALL(ClusterRegReadBatchAddCommand)
{
	return (DWORD)ClusterRegReadBatchAddCommand(s.reads, W(""), W("v"));
}
CALL(ClusterRegCloseReadBatch)
{
	HREGREADBATCH reads = s.reads;

	s.reads = NULL;
	return (DWORD)ClusterRegCloseReadBatch(reads, &s.reply);
}
CALL(ClusterRegReadBatchReplyNextCommand)
{
	CLUSTER_READ_BATCH_COMMAND command;

	return (DWORD)ClusterRegReadBatchReplyNextCommand(s.reply, &command);
}
CALL(OpenClusterNode)
{
	return opened_or_error(s.node = OpenClusterNode(s.cluster, W("node1")));
}
CALL(GetClusterNodeState)
{
	SetLastError(0);
	return GetClusterNodeState(s.node) == ClusterNodeUp ? 0 : GetLastError();
}
CALL(GetClusterNodeId)
{
	WCHAR id[64];
	DWORD count = ARRAY_SIZE(id);

	return GetClusterNodeId(s.node, id, &count);
}
CALL(GetClusterFromNode)
{
	return opened_or_error(s.second = GetClusterFromNode(s.node));
}
CALL(GetClusterNodeKey)
{
	return opened_or_error(s.opened = GetClusterNodeKey(s.node, KEY_READ));
}
CALL(CreateClusterGroup)
{
	return opened_or_error(s.group = CreateClusterGroup(s.cluster, W("fail group")));
}
CALL(OpenClusterGroup)
{
	return opened_or_error(s.other = OpenClusterGroup(s.cluster, W("Cluster Group")));
}
CALL(GetClusterGroupState)
{
	WCHAR name[64];
	DWORD count = ARRAY_SIZE(name);

	SetLastError(0);
	return GetClusterGroupState(s.group, name, &count) != ClusterGroupStateUnknown ? 0 : GetLastError();
}
CALL(SetClusterGroupName)
{
	return SetClusterGroupName(s.group, W("renamed"));
}
CALL(DeleteClusterGroup)
{
	return DeleteClusterGroup(s.group);
}
CALL(GetClusterGroupKey)
{
	return opened_or_error(s.opened = GetClusterGroupKey(s.group, KEY_READ));
}
CALL(CreateClusterResource)
{
	return opened_or_error(s.resource = CreateClusterResource(s.group, W("fail resource"), W("Physical Disk"), 0));
}
CALL(OpenClusterResource)
{
	HRESOURCE resource = OpenClusterResource(s.cluster, W("fail resource"));

	return resource == NULL ? GetLastError() : CloseClusterResource(resource) ? 0 : GetLastError();
}
CALL(GetClusterResourceState)
{
	WCHAR node[64], group[64];
	DWORD node_count = ARRAY_SIZE(node), group_count = ARRAY_SIZE(group);

	SetLastError(0);
	return GetClusterResourceState(s.resource, node, &node_count, group, &group_count) !=
		       ClusterResourceStateUnknown
		   ? 0
		   : GetLastError();
}
CALL(SetClusterResourceName)
{
	return SetClusterResourceName(s.resource, W("fail resource 2"));
}
CALL(ChangeClusterResourceGroup)
{
	return ChangeClusterResourceGroup(s.resource, s.other);
}
CALL(DeleteClusterResource)
{
	return DeleteClusterResource(s.resource);
}
CALL(GetClusterResourceKey)
{
	return opened_or_error(s.opened = GetClusterResourceKey(s.resource, KEY_READ));
}
CALL(CreateClusterResourceType)
{
	return CreateClusterResourceType(s.cluster, W("fail type"), W("fail type"), W("x.so"), 1000, 1000);
}
CALL(DeleteClusterResourceType)
{
	return DeleteClusterResourceType(s.cluster, W("fail type"));
}
CALL(GetClusterResourceTypeKey)
{
	return opened_or_error(s.opened = GetClusterResourceTypeKey(s.cluster, W("Physical Disk"), KEY_READ));
}

/* Lists are closed here: each is opened, and read. */
CALL(ClusterOpenEnumEx)
{
	HCLUSENUMEX list = ClusterOpenEnumEx(s.cluster, CLUSTER_ENUM_ALL, NULL);
	DWORD size = 0, code = opened_or_error(list);

	if (code == 0 && ClusterEnumEx(list, 0, NULL, &size) != ERROR_MORE_DATA)
		code = ERROR_INVALID_DATA;
	if (list != NULL)
		CHECK_INT(ClusterCloseEnumEx(list), 0);
	return code;
}
CALL(ClusterGroupOpenEnum)
{
	HGROUPENUM list = ClusterGroupOpenEnum(s.group, CLUSTER_GROUP_ENUM_ALL);
	DWORD code = opened_or_error(list);

	if (list != NULL)
		CHECK_INT(ClusterGroupCloseEnum(list), 0);
	return code;
}
CALL(ClusterResourceOpenEnumEx)
{
	HRESENUMEX list = ClusterResourceOpenEnumEx(s.cluster, W("*\0"), 6, W("*\0"), 6, 0);
	DWORD code = opened_or_error(list);

	if (list != NULL)
		CHECK_INT(ClusterResourceCloseEnumEx(list), 0);
	return code;
}
CALL(OfflineClusterGroup)
{
	return OfflineClusterGroup(s.group);
}
CALL(SetClusterGroupNodeList)
{
	HNODE nodes[1];
	DWORD code = opened_or_error(nodes[0] = OpenClusterNode(s.cluster, W("node1")));

	if (code != 0)
		return code;
	code = SetClusterGroupNodeList(s.group, 1, nodes);
	CHECK(CloseClusterNode(nodes[0]));
	return code;
}
/* With a handle of another opening, which is opened anew. */
CALL(CanResourceBeDependent)
{
	DWORD code = opened_or_error(s.second = OpenCluster(NULL));
	HRESOURCE other = code == 0 ? OpenClusterResource(s.second, W("fail resource")) : NULL;

	if (code == 0)
		code = opened_or_error(other);
	if (code == 0)
		code = CanResourceBeDependent(s.resource, other) ? 0 : GetLastError();
	if (other != NULL)
		CHECK(CloseClusterResource(other));
	if (s.second != NULL)
		CHECK(CloseCluster(s.second));
	s.second = NULL;
	return code == ERROR_CIRCULAR_DEPENDENCY || code == ERROR_DEPENDENCY_NOT_ALLOWED ? 0 : code;
}

CALL(CreateClusterNotifyPort)
{
	return opened_or_error(
	    s.port = CreateClusterNotifyPort(INVALID_HANDLE_VALUE, s.cluster, CLUSTER_CHANGE_GROUP_PROPERTY, 1));
}
CALL(RegisterClusterNotify)
{
	return RegisterClusterNotify(s.port, CLUSTER_CHANGE_GROUP_STATE, s.group, 2);
}
CALL(GetClusterNotify)
{
	WCHAR name[64];
	DWORD count = ARRAY_SIZE(name), filter, code;
	DWORD_PTR key;

	code = GetClusterNotify(s.port, &key, &filter, name, &count, 0);
	return code == WAIT_TIMEOUT ? 0 : code;
}
CALL(CreateClusterNotifyPortV2)
{
	NOTIFY_FILTER_AND_TYPE filter = { CLUSTER_OBJECT_TYPE_GROUP, CLUSTER_CHANGE_GROUP_ALL_V2 };

	return opened_or_error(s.port = CreateClusterNotifyPortV2(INVALID_HANDLE_VALUE, s.cluster, &filter, 1, 1));
}
CALL(RegisterClusterNotifyV2)
{
	NOTIFY_FILTER_AND_TYPE filter = { CLUSTER_OBJECT_TYPE_GROUP, CLUSTER_CHANGE_GROUP_STATE_V2 };

	return RegisterClusterNotifyV2(s.port, filter, s.group, 2);
}

#define STEP(name, prepare)                                                                                            \
	{                                                                                                              \
#name, prepare, call_##name, false                                                                     \
	}
#define ONCE(name, prepare)                                                                                            \
	{                                                                                                              \
#name, prepare, call_##name, true                                                                      \
	}

/* clang-format off */
static const struct step cluster_steps[] = {
	STEP(OpenCluster, NULL), STEP(OpenClusterEx, NULL), STEP(GetNodeClusterState, NULL),
	STEP(GetClusterInformation, NULL), STEP(SetClusterName, NULL), STEP(GetClusterQuorumResource, NULL),
	STEP(RuedaGetStatus, NULL), STEP(RuedaGetTrace, NULL), STEP(ClusterRegSyncDatabase, NULL),
	STEP(BackupClusterDatabase, NULL), STEP(RuedaBackup, NULL), STEP(RuedaRestore, NULL),
};

static const struct step key_steps[] = {
	STEP(GetClusterKey, NULL), STEP(ClusterRegCreateKey, open_key), STEP(ClusterRegOpenKey, open_key),
	ONCE(ClusterRegDeleteKey, open_key_with_another), STEP(ClusterRegEnumKey, open_key),
	STEP(ClusterRegSetValue, open_key), ONCE(ClusterRegDeleteValue, open_key), STEP(ClusterRegQueryValue, open_key),
	STEP(ClusterRegEnumValue, open_key), STEP(ClusterRegQueryInfoKey, open_key),
	STEP(ClusterRegGetKeySecurity, open_key), STEP(ClusterRegSetKeySecurity, open_key),
	STEP(ClusterRegCreateBatch, open_key), ONCE(ClusterRegBatchAddCommand, make_batch),
	ONCE(ClusterRegCloseBatch, make_batch), STEP(ClusterRegCreateReadBatch, open_key),
	ONCE(ClusterRegReadBatchAddCommand, make_reads), ONCE(ClusterRegCloseReadBatch, make_reads),
	STEP(ClusterRegReadBatchReplyNextCommand, make_reply),
};

static const struct step object_steps[] = {
	STEP(OpenClusterNode, NULL), STEP(GetClusterNodeState, open_node), STEP(GetClusterNodeId, open_node),
	STEP(GetClusterFromNode, open_node), STEP(GetClusterNodeKey, open_node),
	ONCE(CreateClusterGroup, no_group), STEP(OpenClusterGroup, NULL), STEP(GetClusterGroupState, make_group),
	STEP(SetClusterGroupName, make_group), ONCE(DeleteClusterGroup, make_group), STEP(GetClusterGroupKey, make_group),
	ONCE(CreateClusterResource, make_group), STEP(OpenClusterResource, make_resource),
	STEP(GetClusterResourceState, make_resource), STEP(SetClusterResourceName, make_resource),
	ONCE(ChangeClusterResourceGroup, make_resource), ONCE(DeleteClusterResource, make_resource),
	STEP(GetClusterResourceKey, make_resource), ONCE(CreateClusterResourceType, no_type),
	ONCE(DeleteClusterResourceType, make_type), STEP(GetClusterResourceTypeKey, NULL),
	STEP(ClusterOpenEnumEx, NULL), STEP(ClusterGroupOpenEnum, make_resource), STEP(ClusterResourceOpenEnumEx, NULL),
	STEP(OfflineClusterGroup, make_resource), STEP(SetClusterGroupNodeList, make_group),
	STEP(CanResourceBeDependent, make_resource),
};

static const struct step notify_steps[] = {
	STEP(CreateClusterNotifyPort, NULL), STEP(RegisterClusterNotify, make_port), STEP(GetClusterNotify, make_port),
	STEP(CreateClusterNotifyPortV2, NULL), STEP(RegisterClusterNotifyV2, make_port_v2),
};
/* clang-format on */

/* One run with the nth allocation of the step failing; false if it needs fewer. */
static bool run_step(const struct step *step, uint64_t nth)
{
	WCHAR name[64];
	DWORD count = ARRAY_SIZE(name), code;
	bool hit, has_port;

	failalloc_begin(0);
	s.cluster = OpenCluster(NULL);
	CHECK(s.cluster != NULL);
	if (step->prepare != NULL)
		step->prepare();
	failalloc_arm(nth);
	code = step->call();
	hit = failalloc_hit();
	failalloc_arm(0);
	if (code != 0 && !(hit && (code == ERROR_NOT_ENOUGH_MEMORY || code == ERROR_OUTOFMEMORY)))
		test_fail(__FILE__, __LINE__, "%s gives %u when allocation %" PRIu64 " fails", step->name, code, nth);
	CHECK_INT(GetClusterInformation(s.cluster, name, &count, NULL), 0);
	if (code != 0 && !step->once && step->call() != 0)
		test_fail(
		    __FILE__, __LINE__, "%s does not work again after allocation %" PRIu64 " failed", step->name, nth);
	if (s.key != NULL)
		CHECK_INT(ClusterRegSetValue(s.key, W("after"), REG_BINARY, (const BYTE *)"data", 4), 0);
	has_port = step->prepare == make_port || step->prepare == make_port_v2 || s.port != NULL;
	close_session();
	CHECK_INT(handle_count(), 0);
	if (has_port)
		failalloc_hand_over(); /* Its thread ends when it has told the server. */
	(void)failalloc_end();
	return hit;
}

static void run_steps(const struct step *steps, size_t count)
{
	const char *backups = getenv("TEST_BACKUPS");
	size_t len = 0;

	CHECK(backups != NULL && strlen(backups) + 5 < ARRAY_SIZE(s.path));
	for (const char *p = backups; *p != 0; p++)
		s.path[len++] = (WCHAR)*p;
	memcpy(s.path + len, u"/set", sizeof(u"/set"));
	/* What is allocated once in the life of a process. */
	s.cluster = OpenCluster(NULL);
	CHECK(s.cluster != NULL);
	close_session();
	for (size_t i = 0; i < count; i++) {
		uint64_t nth = 1;

		while (run_step(&steps[i], nth))
			CHECK(++nth < 1000);
		CHECK(nth > 1 || steps[i].prepare != NULL); /* Whatever opens a connection allocates. */
	}
}

TEST(calls_on_the_cluster_survive_each_failing_allocation)
{
	run_steps(cluster_steps, ARRAY_SIZE(cluster_steps));
}

TEST(calls_on_keys_survive_each_failing_allocation)
{
	run_steps(key_steps, ARRAY_SIZE(key_steps));
}

TEST(calls_on_objects_survive_each_failing_allocation)
{
	run_steps(object_steps, ARRAY_SIZE(object_steps));
}

TEST(calls_on_notification_ports_survive_each_failing_allocation)
{
	run_steps(notify_steps, ARRAY_SIZE(notify_steps));
}
