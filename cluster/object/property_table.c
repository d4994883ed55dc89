/* property_table: the common properties of each kind of object.
 *
 * How      one table a kind, in the order in which they are listed.  Names, formats, standards and ranges are those of
 *          the documentation of Windows; docs/design/properties.md says which of them something here acts upon.
 * Rule     what a command comes to must be the same for ever: a row whose range or kind changes needs a new version of
 *          the command PropertiesSet (idl/command.idl).
 * Tests    tests/unit/property.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/object/property.h"
#include "wire/proplist.h"

// clang-format off
enum {
	RO = PROPERTY_READ_ONLY,
	COMPUTED = PROPERTY_READ_ONLY | PROPERTY_COMPUTED,
	NAME = PROPERTY_IS_NAME,
	DESCRIPTOR = PROPERTY_IS_DESCRIPTOR,
};
#define MAX32 UINT32_MAX
#define MINUS_1 UINT32_MAX /* As a LONG. */

static const struct property node[] = {
	{ U16("BuildNumber"),		PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
	{ U16("CSDVersion"),		PROP_SZ,	COMPUTED, 0, 0, 0 },
	{ U16("Description"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("DynamicWeight"),		PROP_DWORD,	COMPUTED, 1, 0, 1 },
	{ U16("MajorVersion"),		PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
	{ U16("MinorVersion"),		PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
	{ U16("NeedsPreventQuorum"),	PROP_DWORD,	COMPUTED, 0, 0, 1 },
	{ U16("NodeDrainStatus"),	PROP_DWORD,	COMPUTED, 0, 0, 3 },
	{ U16("NodeDrainTarget"),	PROP_DWORD,	COMPUTED, MAX32, 0, MAX32 },
	{ U16("NodeHighestVersion"),	PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
	{ U16("NodeLowestVersion"),	PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
	{ U16("NodeName"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("NodeWeight"),		PROP_DWORD,	0,	1, 0, 1 },
	{ U16("StatusInformation"),	PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
};

static const struct property group[] = {
	{ U16("AntiAffinityClassNames"), PROP_MULTI_SZ,	0,	0, 0, 0 },
	{ U16("AutoFailbackType"),	PROP_DWORD,	0,	0, 0, 1 },
	{ U16("ColdStartSetting"),	PROP_DWORD,	0,	0, 0, 2 },
	{ U16("DefaultOwner"),		PROP_DWORD,	0,	MAX32, 0, MAX32 },
	{ U16("Description"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("FailbackWindowEnd"),	PROP_LONG,	0,	MINUS_1, MINUS_1, 23 },
	{ U16("FailbackWindowStart"),	PROP_LONG,	0,	MINUS_1, MINUS_1, 23 },
	{ U16("FailoverPeriod"),	PROP_DWORD,	0,	6, 0, 1193 },
	{ U16("FailoverThreshold"),	PROP_DWORD,	0,	MAX32, 0, MAX32 },
	{ U16("GroupType"),		PROP_DWORD,	RO,	9999, 0, MAX32 },
	{ U16("LockedFromMoving"),	PROP_DWORD,	0,	0, 0, 1 },
	{ U16("Name"),			PROP_SZ,	NAME,	0, 0, 0 },
	{ U16("PersistentState"),	PROP_DWORD,	0,	0, 0, 1 },
	{ U16("PreferredSite"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("Priority"),		PROP_DWORD,	0,	2000, 0, MAX32 },
	{ U16("ResiliencyPeriod"),	PROP_DWORD,	0,	240, 0, MAX32 },
	{ U16("StatusInformation"),	PROP_ULARGE_INTEGER, COMPUTED, 0, 0, MAX32 },
};

/* A poll interval of 0xFFFFFFFF is the type's. */
static const struct property resource[] = {
	{ U16("DeadlockTimeout"),	PROP_DWORD,	0,	300000, 0, MAX32 },
	{ U16("Description"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("EmbeddedFailureAction"),	PROP_DWORD,	0,	2, 1, 2 },
	{ U16("IsAlivePollInterval"),	PROP_DWORD,	0,	MAX32, 0, MAX32 },
	{ U16("LastOperationStatusCode"), PROP_ULARGE_INTEGER, COMPUTED, 0, 0, MAX32 },
	{ U16("LooksAlivePollInterval"), PROP_DWORD,	0,	MAX32, 0, MAX32 },
	{ U16("MonitorProcessId"),	PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
	/* A network name has a private property of this name. */
	{ U16("Name"),			PROP_SZ,	NAME | PROPERTY_PRIVATE_TOO, 0, 0, 0 },
	{ U16("PendingTimeout"),	PROP_DWORD,	0,	180000, 0, MAX32 },
	{ U16("PersistentState"),	PROP_DWORD,	0,	0, 0, 1 },
	{ U16("RestartAction"),		PROP_DWORD,	0,	2, 0, 2 },
	{ U16("RestartDelay"),		PROP_DWORD,	0,	500, 0, MAX32 },
	{ U16("RestartPeriod"),		PROP_DWORD,	0,	900000, 0, MAX32 },
	{ U16("RestartThreshold"),	PROP_DWORD,	0,	1, 0, MAX32 },
	{ U16("RetryPeriodOnFailure"),	PROP_DWORD,	0,	3600000, 0, MAX32 },
	{ U16("SeparateMonitor"),	PROP_DWORD,	0,	0, 0, 1 },
	{ U16("StatusInformation"),	PROP_ULARGE_INTEGER, COMPUTED, 0, 0, MAX32 },
	{ U16("Type"),			PROP_SZ,	RO,	0, 0, 0 },
};

/* The name of a type is its key; this one is for display. */
static const struct property type[] = {
	{ U16("AdminExtensions"),	PROP_MULTI_SZ,	0,	0, 0, 0 },
	{ U16("DeadlockTimeout"),	PROP_DWORD,	0,	300000, 0, MAX32 },
	{ U16("Description"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("DllName"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("DumpPolicy"),		PROP_ULARGE_INTEGER, 0,	0, 0, MAX32 },
	{ U16("EnabledEventLogs"),	PROP_MULTI_SZ,	0,	0, 0, 0 },
	{ U16("IsAlivePollInterval"),	PROP_DWORD,	0,	60000, 0, MAX32 },
	{ U16("LooksAlivePollInterval"), PROP_DWORD,	0,	5000, 0, MAX32 },
	{ U16("MaximumMonitors"),	PROP_DWORD,	0,	0, 0, MAX32 },
	{ U16("Name"),			PROP_SZ,	0,	0, 0, 0 },
	{ U16("PendingTimeout"),	PROP_DWORD,	0,	180000, 0, MAX32 },
};

static const struct property network[] = {
	{ U16("Address"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("AddressMask"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("AutoMetric"),		PROP_DWORD,	0,	1, 0, 1 },
	{ U16("Description"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("IPv4Addresses"),		PROP_MULTI_SZ,	RO,	0, 0, 0 },
	{ U16("IPv4PrefixLengths"),	PROP_MULTI_SZ,	RO,	0, 0, 0 },
	{ U16("IPv6Addresses"),		PROP_MULTI_SZ,	RO,	0, 0, 0 },
	{ U16("IPv6PrefixLengths"),	PROP_MULTI_SZ,	RO,	0, 0, 0 },
	{ U16("LinkSpeed"),		PROP_ULARGE_INTEGER, COMPUTED, 0, 0, MAX32 },
	{ U16("Metric"),		PROP_DWORD,	0,	0, 0, MAX32 },
	{ U16("Name"),			PROP_SZ,	NAME,	0, 0, 0 },
	{ U16("RdmaCapable"),		PROP_DWORD,	COMPUTED, 0, 0, 1 },
	{ U16("Role"),			PROP_DWORD,	0,	3, 0, 3 },
	{ U16("RssCapable"),		PROP_DWORD,	COMPUTED, 0, 0, 1 },
};

static const struct property interface[] = {
	{ U16("Adapter"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("AdapterId"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("Address"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("Description"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("DhcpEnabled"),		PROP_DWORD,	RO,	0, 0, 1 },
	{ U16("IPv4Addresses"),		PROP_MULTI_SZ,	RO,	0, 0, 0 },
	{ U16("IPv6Addresses"),		PROP_MULTI_SZ,	RO,	0, 0, 0 },
	{ U16("Name"),			PROP_SZ,	RO,	0, 0, 0 },
	{ U16("Network"),		PROP_SZ,	RO,	0, 0, 0 },
	{ U16("Node"),			PROP_SZ,	RO,	0, 0, 0 },
};

/* The name of the cluster is no property: it has a call of its own. */
static const struct property cluster[] = {
	{ U16("AdminAccessPoint"),	PROP_DWORD,	RO,	0, 0, 2 },
	{ U16("BackupInProgress"),	PROP_DWORD,	0,	0, 0, 1 },
	{ U16("BlockCacheSize"),	PROP_DWORD,	0,	0, 0, MAX32 },
	{ U16("ClusterFunctionalLevel"), PROP_DWORD,	COMPUTED, 0, 0, MAX32 },
	{ U16("CrossSiteDelay"),	PROP_DWORD,	0,	1000, 250, 4000 },
	{ U16("CrossSiteThreshold"),	PROP_DWORD,	0,	20, 3, 120 },
	{ U16("CrossSubnetDelay"),	PROP_DWORD,	0,	1000, 250, 4000 },
	{ U16("CrossSubnetThreshold"),	PROP_DWORD,	0,	20, 3, 120 },
	{ U16("DatabaseReadWriteMode"),	PROP_DWORD,	0,	0, 0, 2 },
	{ U16("DefaultNetworkRole"),	PROP_DWORD,	0,	3, 0, 3 },
	{ U16("Description"),		PROP_SZ,	0,	0, 0, 0 },
	{ U16("DrainOnShutdown"),	PROP_DWORD,	0,	1, 0, 1 },
	{ U16("DynamicQuorum"),		PROP_DWORD,	0,	1, 0, 1 },
	{ U16("EnableSharedVolumes"),	PROP_DWORD,	RO,	1, 0, 1 },
	{ U16("FixQuorum"),		PROP_DWORD,	COMPUTED, 0, 0, 1 },
	{ U16("IgnorePersistentStateOnStartup"), PROP_DWORD, COMPUTED, 0, 0, 1 },
	{ U16("MessageBufferLength"),	PROP_DWORD,	0,	50, 0, MAX32 },
	{ U16("NetftIPSecEnabled"),	PROP_DWORD,	0,	1, 0, 1 },
	{ U16("PlumbAllCrossSubnetRoutes"), PROP_DWORD,	0,	0, 0, 2 },
	{ U16("PreventQuorum"),		PROP_DWORD,	COMPUTED, 0, 0, 1 },
	{ U16("QuarantineDuration"),	PROP_DWORD,	0,	7200, 0, MAX32 },
	{ U16("QuarantineThreshold"),	PROP_DWORD,	0,	3, 0, MAX32 },
	{ U16("QuorumArbitrationTimeMax"), PROP_DWORD,	0,	20, 1, 3600 },
	{ U16("RecentEventsResetTime"),	PROP_FILETIME,	0,	0, 0, MAX32 },
	{ U16("ResiliencyDefaultPeriod"), PROP_DWORD,	0,	240, 0, MAX32 },
	{ U16("ResiliencyLevel"),	PROP_DWORD,	0,	2, 1, 2 },
	{ U16("RouteHistoryLength"),	PROP_DWORD,	0,	10, 0, MAX32 },
	{ U16("SameSubnetDelay"),	PROP_DWORD,	0,	1000, 250, 2000 },
	{ U16("SameSubnetThreshold"),	PROP_DWORD,	0,	10, 3, 120 },
	{ U16("Security Descriptor"),	PROP_BINARY,	DESCRIPTOR, 0, 0, 0 },
	{ U16("SharedVolumeCompatibleFilters"), PROP_MULTI_SZ, 0, 0, 0, 0 },
	{ U16("SharedVolumeIncompatibleFilters"), PROP_MULTI_SZ, 0, 0, 0, 0 },
	{ U16("SharedVolumeSecurityDescriptor"), PROP_BINARY, DESCRIPTOR, 0, 0, 0 },
	{ U16("SharedVolumesRoot"),	PROP_SZ,	COMPUTED, 0, 0, 0 },
	{ U16("ShutdownTimeoutInMinutes"), PROP_DWORD,	0,	20, 0, MAX32 },
	{ U16("UseClientAccessNetworksForSharedVolumes"), PROP_DWORD, 0, 0, 0, 2 },
	{ U16("WitnessDatabaseWriteTimeout"), PROP_DWORD, 0,	300, 1, 86400 },
	{ U16("WitnessDynamicWeight"),	PROP_DWORD,	COMPUTED, 0, 0, 1 },
	{ U16("WitnessRestartInterval"), PROP_DWORD,	0,	15, 5, 1440 },
};

static const struct {
	const struct property *rows;
	size_t count;
} tables[] = {
	[PROPERTY_NODE] = { node, ARRAY_SIZE(node) },
	[PROPERTY_GROUP] = { group, ARRAY_SIZE(group) },
	[PROPERTY_RESOURCE] = { resource, ARRAY_SIZE(resource) },
	[PROPERTY_TYPE] = { type, ARRAY_SIZE(type) },
	[PROPERTY_NETWORK] = { network, ARRAY_SIZE(network) },
	[PROPERTY_INTERFACE] = { interface, ARRAY_SIZE(interface) },
	[PROPERTY_CLUSTER] = { cluster, ARRAY_SIZE(cluster) },
};
// clang-format on

const struct property *property_table(enum property_kind kind, size_t *ret_count)
{
	assert(kind >= PROPERTY_NODE && kind <= PROPERTY_CLUSTER);
	*ret_count = tables[kind].count;
	return tables[kind].rows;
}

const struct property *property_find(enum property_kind kind, struct u16 name)
{
	size_t count;
	const struct property *rows = property_table(kind, &count);

	for (size_t i = 0; i < count; i++)
		if (u16_equal(rows[i].name, name))
			return &rows[i];
	return NULL;
}
