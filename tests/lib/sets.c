/* sets: see sets.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sets.h"
#include "cluster/cluster.h"
#include "cluster/db/batch.h"
#include <stdio.h>

enum { FIRST_INDEX = 1000 };

static struct guid guid_of(uint8_t n)
{
	uint8_t bytes[16];

	memset(bytes, n, sizeof(bytes));
	return guid_from_random(bytes);
}

static struct u16 number_name(unsigned number, char16_t units[16])
{
	char narrow[16];
	size_t len = (size_t)snprintf(narrow, sizeof(narrow), "value%u", number);

	for (size_t i = 0; i < len; i++)
		units[i] = (unsigned char)narrow[i];
	return (struct u16){ units, len };
}

struct db *sets_database(unsigned version)
{
	struct cluster_seed seed = { .cluster_name = U16("CLUSTER_NAME"),
		.node_name = U16("node1"),
		.instance_id = guid_of(1),
		.core_group_id = guid_of(2),
		.storage_group_id = guid_of(3),
		.quorum_resource_id = guid_of(4),
		.quorum_path = U16("MSCS\\"),
		.time = 0x01dc000000000000 };
	struct db *db;

	CHECK_INT(cluster_seed_database(&seed, &db), 0);
	for (unsigned i = 0; i < 20 + version; i++) {
		char16_t units[16];
		uint8_t data[300];
		struct db_value v = { number_name(i, units), 3, data, sizeof(data) };

		memset(data, (int)(i * 7 + version), sizeof(data));
		CHECK_INT(db_key_create(db, U16("Test\\deep\\er"), seed.time, NULL), 0);
		CHECK_INT(db_value_set(db, U16("Test\\deep\\er"), &v, seed.time + version), 0);
	}
	return db;
}

static int give_tail(void *data, struct set_tail *ret)
{
	struct sets_source *s = data;

	*ret = (struct set_tail){ s->index, s->batches, s->batch_count, db_digest(s->db), s->blobs, s->blob_count };
	return 0;
}

static int may_commit(void *data)
{
	return ((struct sets_source *)data)->commit_result;
}

void sets_change(struct sets_source *s, unsigned number)
{
	char16_t units[16];
	struct db_value v = { number_name(number, units), 4, (const uint8_t *)&number, sizeof(number) };
	struct db_batch batch = { 0 };

	CHECK(s->batch_count < ARRAY_SIZE(s->batches));
	CHECK_INT(db_value_set(s->db, U16("Test"), &v, 77), 0);
	db_batch_begin(&batch, 77);
	db_batch_add(&batch, &(struct db_op){ .kind = DB_OP_VALUE_SET, .path = U16("Test"), .value = v });
	CHECK_INT(batch.bytes.error, 0);
	s->bytes[s->batch_count] = batch.bytes;
	batch.bytes = (struct buf){ 0 };
	db_batch_done(&batch);
	s->index += 2; /* Events that change nothing lie between. */
	s->batches[s->batch_count] =
	    (struct set_batch){ s->index, s->bytes[s->batch_count].data, s->bytes[s->batch_count].len };
	s->batch_count++;
}

void sets_source_init(struct sets_source *s, struct db *db, unsigned changes)
{
	*s = (struct sets_source){ .db = db, .index = FIRST_INDEX };
	s->source.snapshot = db_snapshot_take(db);
	CHECK(s->source.snapshot != NULL);
	s->source.snapshot_index = FIRST_INDEX;
	s->source.time = 0x01dc111100000000 + changes;
	s->source.header.instance = guid_of(1);
	s->source.header.generation.number = 1;
	s->source.header.generation.id = guid_of(9);
	memcpy(s->source.header.name, u"CLUSTER_NAME", sizeof(u"CLUSTER_NAME"));
	s->source.header.name_len = 12;
	s->source.tail = give_tail;
	s->source.may_commit = may_commit;
	s->source.data = s;
	for (unsigned i = 0; i < changes; i++)
		sets_change(s, i);
}

void sets_source_done(struct sets_source *s)
{
	db_snapshot_unref(s->source.snapshot);
	for (size_t i = 0; i < s->batch_count; i++)
		buf_done(&s->bytes[i]);
}
