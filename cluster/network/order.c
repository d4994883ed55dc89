/* order: the internal networks, in the order in which the nodes use them.
 *
 * How      each network's place is its value Priority.  A network that has none, as a new one, comes behind all others; among
 *          equals the id decides.  The order is set for all of them at once: then none can be forgotten.
 * Promise  a pure function of the database.       Threads  those of the keys.       Tests  tests/unit/network.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/network/order.h"
#include "cluster/object/change.h"
#include "cluster/object/property.h"
#include "wire/command.h"

static bool is_internal(const struct db_key *network)
{
	return (property_number(PROPERTY_NETWORK, network, U16("Role")) & NETWORK_ROLE_INTERNAL) != 0;
}

static uint32_t priority_of(const struct db_key *network)
{
	uint32_t priority;

	return object_number(network, U16("Priority"), &priority) ? priority : UINT32_MAX;
}

/* Each is preceded by those that come before it: few networks, so the walk may be long. */
const struct db_key *network_internal_at(const struct db_key *root, size_t index)
{
	size_t count = object_count(root, OBJECT_NETWORK);

	for (size_t i = 0; i < count; i++) {
		const struct db_key *network = object_at(root, OBJECT_NETWORK, i);
		size_t before = 0;

		if (!is_internal(network))
			continue;
		for (size_t j = 0; j < count; j++) {
			const struct db_key *other = object_at(root, OBJECT_NETWORK, j);
			uint32_t mine = priority_of(network), its = priority_of(other);

			before += is_internal(other) && (its < mine || (its == mine && j < i));
		}
		if (before == index)
			return network;
	}
	return NULL;
}

int network_order(struct db *db, const struct command_NetworkOrder *c, struct buf *batch)
{
	const struct db_key *root = db_root(db);
	struct change change;
	size_t internal = 0;
	int r;

	while (network_internal_at(root, internal) != NULL)
		internal++;
	if (c->networks_count != internal)
		return ERR_INVALID_PARAMETER;
	r = change_begin(&change, db, c->time, batch);
	if (r < 0)
		return r;
	root = db_snapshot_root(change.before);
	for (uint32_t i = 0; i < c->networks_count; i++) {
		char16_t id[GUID_TEXT_LEN + 1];
		const struct db_key *network;

		guid_format_u16(&c->networks[i], id);
		network = object_by_id(root, OBJECT_NETWORK, (struct u16){ id, GUID_TEXT_LEN });
		for (uint32_t j = 0; j < i; j++)
			if (guid_equal(&c->networks[i], &c->networks[j]))
				network = NULL;
		if (network == NULL || !is_internal(network)) {
			change.error = change.error != 0 ? change.error : ERR_INVALID_PARAMETER;
			break;
		}
		if (priority_of(network) != i)
			change_set_number(&change, CHANGE_PATH(object_container(OBJECT_NETWORK), object_id(network)),
			    U16("Priority"), i);
	}
	return change_end(&change);
}
