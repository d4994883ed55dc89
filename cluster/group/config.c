/* config: what the database says about how groups and resources are to be run.
 *
 * How      common properties are values of the object's key:
 *
 *             Resources\<GUID>   PersistentState, RestartAction, RestartThreshold, RestartPeriod, RestartDelay,
 *                                RetryPeriodOnFailure, PendingTimeout (DWORDs, milliseconds);
 *                                Dependencies (an expression, depend.h); PossibleOwners (MULTI_SZ of node ids)
 *             Groups\<GUID>      FailoverThreshold, FailoverPeriod (hours), AutoFailbackType,
 *                                FailbackWindowStart, FailbackWindowEnd (hours of the day), Priority, LockedFromMoving;
 *                                PreferredOwners (MULTI_SZ of node ids)
 *
 *          Their defaults are those of the table of common properties (object/property_table.c).
 * Promise  reading only, and total: an administrator may have written anything there.
 * Threads  those of the keys.       Tests  tests/unit/group.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/config.h"
#include "cluster/object/property.h"

#define MS 1000000ull
#define HOUR (3600000 * MS)

static uint64_t milliseconds(const struct db_key *resource, struct u16 name)
{
	uint32_t value = property_number(PROPERTY_RESOURCE, resource, name);

	return value == UINT32_MAX ? UINT64_MAX : value * MS;
}

/* An expression that no state of any resource makes true: of a provider that does not exist. */
static const struct depend never = { .count = 1, .terms = 1, .items = { { .kind = DEPEND_TERM } } };

bool resource_is_wanted(const struct db_key *root, const struct db_key *resource)
{
	return property_number(PROPERTY_RESOURCE, resource, U16("PersistentState")) == 1 ||
	       object_is_quorum(root, object_id(resource));
}

struct depend resource_depends(const struct db_key *resource)
{
	struct depend d;

	return depend_parse(object_string(resource, U16("Dependencies")), NULL, NULL, &d) < 0 ? never : d;
}

struct resource_config resource_config_read(const struct db_key *resource)
{
	return (struct resource_config){
		.restart_action = property_number(PROPERTY_RESOURCE, resource, U16("RestartAction")),
		.restart_threshold = property_number(PROPERTY_RESOURCE, resource, U16("RestartThreshold")),
		.restart_period = milliseconds(resource, U16("RestartPeriod")),
		.restart_delay = milliseconds(resource, U16("RestartDelay")),
		.retry_period = milliseconds(resource, U16("RetryPeriodOnFailure")),
		.pending_timeout = milliseconds(resource, U16("PendingTimeout")),
	};
}

struct group_config group_config_read(const struct db_key *group)
{
	return (struct group_config){
		.failover_threshold = property_number(PROPERTY_GROUP, group, U16("FailoverThreshold")),
		.failover_period = property_number(PROPERTY_GROUP, group, U16("FailoverPeriod")) * HOUR,
		.auto_failback = property_number(PROPERTY_GROUP, group, U16("AutoFailbackType")) == 1,
		.window_start = property_number(PROPERTY_GROUP, group, U16("FailbackWindowStart")),
		.window_end = property_number(PROPERTY_GROUP, group, U16("FailbackWindowEnd")),
		.locked = property_number(PROPERTY_GROUP, group, U16("LockedFromMoving")) == 1,
	};
}

uint32_t group_priority(const struct db_key *group)
{
	return property_number(PROPERTY_GROUP, group, U16("Priority"));
}

/* A node's place in a list of node ids; UINT32_MAX: not in it. */
static uint32_t place_in_list(const struct db_key *key, struct u16 name, uint32_t node)
{
	char16_t text[OBJECT_NODE_ID_MAX];
	struct u16 id = object_node_id(node, text), item;
	size_t at = 0;

	for (uint32_t place = 0; object_list_next(key, name, &at, &item); place++)
		if (u16_equal(item, id))
			return place;
	return UINT32_MAX;
}

bool resource_may_be_on(const struct db_key *resource, uint32_t node)
{
	return place_in_list(resource, U16("PossibleOwners"), node) != UINT32_MAX ||
	       !db_value_find(resource, U16("PossibleOwners"), NULL);
}

uint32_t group_preference(const struct db_key *group, uint32_t node)
{
	return place_in_list(group, U16("PreferredOwners"), node);
}

bool group_next(const struct db_key *root, const struct db_key *group, size_t *at, struct guid *ret_id,
    const struct db_key **ret_key)
{
	struct u16 text;

	while (object_list_next(group, U16("Contains"), at, &text)) {
		*ret_key = object_by_id(root, OBJECT_RESOURCE, text);
		if (*ret_key != NULL && guid_parse(text, ret_id))
			return true;
	}
	return false;
}

static const struct db_key *key_of(const struct db_key *root, enum object_kind kind, const struct guid *id)
{
	char16_t text[GUID_TEXT_LEN + 1];

	guid_format_u16(id, text);
	return object_by_id(root, kind, (struct u16){ text, GUID_TEXT_LEN });
}

const struct db_key *resource_key(const struct db_key *root, const struct guid *id)
{
	return key_of(root, OBJECT_RESOURCE, id);
}

const struct db_key *group_key(const struct db_key *root, const struct guid *id)
{
	return key_of(root, OBJECT_GROUP, id);
}

const struct db_key *group_of_resource(const struct db_key *root, const struct guid *id, struct guid *ret_id)
{
	char16_t text[GUID_TEXT_LEN + 1];
	const struct db_key *group;

	guid_format_u16(id, text);
	group = object_group_of(root, (struct u16){ text, GUID_TEXT_LEN });
	if (group != NULL && ret_id != NULL && !guid_parse(object_id(group), ret_id))
		return NULL;
	return group;
}
