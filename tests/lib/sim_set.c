/* sim_set: see sim_set.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sim_set.h"
#include "backup/set.h"
#include "cluster/checkpoint/checkpoint.h"
#include "cluster/object/object.h"
#include "seal/box.h"
#include "tests/lib/test.h"
#include <stdio.h>

unsigned sim_set_pair(const struct quolog_header *h)
{
	static struct { /* What was looked at before: to open takes its time. */
		struct digest digest;
		unsigned pair;
	} known[64];
	static unsigned next;
	struct digest d = sha256_of(h->key, h->key_len);
	unsigned found = 2;

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (digest_equal(&known[i].digest, &d))
			return known[i].pair;
	for (unsigned pair = 0; pair < 2; pair++) {
		struct seal_secret secret = outside_private(pair);
		struct seal_info info;
		struct seal_key key;
		struct seal_id id;

		if (seal_open(h->key, h->key_len, &secret, &key, NULL) < 0)
			continue;
		id = seal_key_id(&key);
		CHECK_INT(seal_read(h->key, h->key_len, &info, NULL), 0);
		CHECK(found == 2 && seal_id_equal(&id, &info.id));
		found = pair;
	}
	CHECK(found < 2);
	next = (next + 1) % ARRAY_SIZE(known);
	known[next].digest = d;
	known[next].pair = found;
	return found;
}

/* The secret that goes with the set opens it. */
static void check_box(const struct set *set, const uint8_t *bytes, size_t len)
{
	struct box_label label;
	struct seal_info info;

	CHECK_INT(box_read(bytes, len, &label, NULL), 0);
	CHECK_INT(seal_read(set->info.header.key, set->info.header.key_len, &info, NULL), 0);
	CHECK(seal_id_equal(&info.id, &label.key));
}

/* 0: the set does not have it. */
static uint32_t number_in_set(struct outside *o, struct disk *disk, const struct set *set, const struct checkpoint *c)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct error error = { 0 };
	size_t len;

	for (size_t i = 0; i < set->file_count; i++) {
		const struct set_file *f = &set->files[i];

		if (!f->is_blob || f->number != c->number || (int)f->kind != (int)c->kind ||
		    !guid_equal(&f->resource, &o->resource))
			continue;
		CHECK(digest_equal(&f->digest, &c->digest));
		CHECK_INT(set_read_file(disk, f, &bytes, &len, &error), 0);
		if (c->kind == CHECKPOINT_CRYPTO)
			check_box(set, bytes, len);
		return outside_content(o, c->path, bytes, len);
	}
	return 0;
}

static size_t count_checkpoints(const struct db_key *root)
{
	struct checkpoint c;
	size_t count = 0;

	for (size_t i = 0; i < object_count(root, OBJECT_RESOURCE); i++)
		for (size_t at = 0; checkpoint_next(object_at(root, OBJECT_RESOURCE, i), &at, &c);)
			count++;
	return count;
}

/* complete: nothing of it was left out because it was damaged. */
static bool read_set(struct outside *o, struct disk *disk, bool complete, const struct u16 *names, size_t count,
    uint32_t *ret, struct quolog_header *ret_header)
{
	_cleanup_(set_freep) struct set *set = NULL;
	const struct db_key *resource;
	struct error error = { 0 };
	struct checkpoint c;
	struct set_info info;
	size_t at = 0;

	memset(ret, 0, count * sizeof(*ret));
	if (set_read(disk, &set, &error) < 0)
		return false;
	CHECK_INT(set_verify(disk, &info, &error), 0);
	resource = checkpoint_resource(db_root(set->db), &o->resource);
	CHECK(resource != NULL);
	while (checkpoint_next(resource, &at, &c)) {
		uint32_t number = number_in_set(o, disk, set, &c);

		CHECK(number != 0 || !complete);
		CHECK(c.saved && c.captured <= set->info.header.last);
		for (size_t i = 0; i < count; i++)
			if (u16_equal(c.path, names[i]))
				ret[i] = number;
	}
	CHECK(!complete || set->info.blob_count == count_checkpoints(db_root(set->db)));
	if (set->info.header.key_len > 0)
		(void)sim_set_pair(&set->info.header);
	if (ret_header != NULL)
		*ret_header = set->info.header;
	return true;
}

bool sim_set_read(struct outside *o, struct disk *disk, const struct u16 *names, size_t count, uint32_t *ret,
    struct quolog_header *ret_header)
{
	return read_set(o, disk, true, names, count, ret, ret_header);
}

struct newest {
	char name[64];
};

/* They are named by their times. */
static int note_newest(void *data, const char *name, enum disk_kind kind)
{
	struct newest *n = data;

	if (kind == DISK_DIRECTORY && strcmp(name, n->name) > 0)
		(void)snprintf(n->name, sizeof(n->name), "%s", name);
	return 0;
}

bool sim_set_read_safety_copy(struct outside *o, const struct u16 *names, size_t count, uint32_t *ret)
{
	struct disk *state, *disk;
	struct newest n = { "" };
	char path[80];
	bool there;

	sim_disk_set_quiet(o->sim.state, true);
	CHECK_INT(sim_disk_open(o->sim.state, "", &state), 0);
	(void)disk_list(state, "safety", note_newest, &n);
	disk_free(state);
	there = n.name[0] != 0;
	if (there) {
		(void)snprintf(path, sizeof(path), "safety/%s", n.name);
		CHECK_INT(sim_disk_open(o->sim.state, path, &disk), 0);
		there = read_set(o, disk, false, names, count, ret, NULL);
		disk_free(disk);
	}
	sim_disk_set_quiet(o->sim.state, false);
	return there;
}
