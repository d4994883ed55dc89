/* seed: the database of a new cluster, the least that is honest: root values, node 1, the core group with the quorum
 * resource, the group for storage, and the resource types that this version of the program knows.
 *
 * Why      everything else is made through the API by whoever wants it; what nobody asked for would be in every backup.
 * How      the same functions that carry out commands (object/edit.c), with ids drawn by the caller.
 * Promise  a pure function of its argument.     Tests  tests/unit/cluster.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"
#include "cluster/object/change.h"
#include "cluster/object/edit.h"

enum { GROUP_TYPE_CORE = 1, GROUP_TYPE_STORAGE = 2, QUORUM_LOG_MAX = 4096 * 1024 };

static const struct {
	struct u16 name, library;
	uint32_t looks_alive_ms, is_alive_ms;
} types[] = {
	{ U16("File Share Witness"), U16("rueda"), 5000, 60000 },
	{ U16("Generic Application"), U16("rueda"), 5000, 60000 },
	{ U16("Generic Script"), U16("rueda"), 5000, 60000 },
	{ U16("Generic Service"), U16("rueda"), 5000, 60000 },
	{ U16("IP Address"), U16("rueda"), 5000, 60000 },
	{ U16("IPv6 Address"), U16("rueda"), 5000, 60000 },
	{ U16("Local Quorum"), U16("rueda"), 5000, 60000 },
	{ U16("Network Name"), U16("rueda"), 5000, 60000 },
	{ U16("Physical Disk"), U16("rueda"), 5000, 60000 },
};

static int seed_objects(const struct cluster_seed *seed, struct db *db)
{
	struct object_creation objects[ARRAY_SIZE(types) + 4];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		objects[count++] = (struct object_creation){ .kind = OBJECT_TYPE,
			.name = types[i].name,
			.type_name = types[i].library,
			.looks_alive_ms = types[i].looks_alive_ms,
			.is_alive_ms = types[i].is_alive_ms };
	objects[count++] = (struct object_creation){ .kind = OBJECT_NODE, .name = seed->node_name };
	objects[count++] = (struct object_creation){
		.kind = OBJECT_GROUP, .name = U16("Cluster Group"), .id = seed->core_group_id, .flags = GROUP_TYPE_CORE
	};
	objects[count++] = (struct object_creation){ .kind = OBJECT_GROUP,
		.name = U16("Available Storage"),
		.id = seed->storage_group_id,
		.flags = GROUP_TYPE_STORAGE };
	objects[count++] = (struct object_creation){ .kind = OBJECT_RESOURCE,
		.name = U16("Local Quorum"),
		.id = seed->quorum_resource_id,
		.group_id = seed->core_group_id,
		.type_name = U16("Local Quorum") };
	for (size_t i = 0; i < count; i++) {
		struct buf batch = { 0 };
		int r;

		objects[i].time = seed->time;
		r = object_create(db, &objects[i], &batch);
		buf_done(&batch);
		if (r < 0)
			return r;
	}
	return 0;
}

int cluster_seed_database(const struct cluster_seed *seed, struct db **ret)
{
	_cleanup_(db_freep) struct db *db = NULL;
	struct buf batch = { 0 };
	struct change c;
	char16_t text[GUID_TEXT_LEN + 1];
	int r = db_new(&db);

	if (r < 0)
		return r;
	r = cluster_rename(db, seed->cluster_name, seed->time, &batch);
	buf_done(&batch);
	if (r < 0)
		return r;
	r = change_begin(&c, db, seed->time, &batch);
	if (r < 0)
		return r;
	guid_format_u16(&seed->instance_id, text);
	change_set_string(&c, CHANGE_PATH(), U16("ClusterInstanceID"), (struct u16){ text, GUID_TEXT_LEN });
	for (enum object_kind kind = OBJECT_NODE; kind <= OBJECT_INTERFACE; kind++)
		change_create_key(&c, CHANGE_PATH(object_container(kind)));
	guid_format_u16(&seed->quorum_resource_id, text);
	change_create_key(&c, CHANGE_PATH(U16("Quorum")));
	change_set_string(&c, CHANGE_PATH(U16("Quorum")), U16("Resource"), (struct u16){ text, GUID_TEXT_LEN });
	change_set_string(&c, CHANGE_PATH(U16("Quorum")), U16("Path"), seed->quorum_path);
	change_set_number(&c, CHANGE_PATH(U16("Quorum")), U16("MaxQuorumLogSize"), QUORUM_LOG_MAX);
	r = change_end(&c);
	buf_done(&batch);
	if (r < 0)
		return r;
	r = seed_objects(seed, db);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(db);
	return 0;
}
