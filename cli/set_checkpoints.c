/* set_checkpoints: the checkpoints of resources in backup sets, by the names that people gave them.
 *
 * Why      in a set a checkpoint is a file with a number in its name, and a difference is one of 72 bytes of a value:
 *          neither tells whose settings these are.
 * How      resources are matched by their ids, checkpoints by kind and path; what is saved is the same if its SHA-256 is.
 * Threads  one.      Tests  tests/integration/checkpoint_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/set_checkpoints.h"
#include "cluster/checkpoint/checkpoint.h"
#include "cluster/object/object.h"
#include <stdio.h>

static struct u16 name_of(const struct db_key *resource)
{
	return object_string(resource, U16("Name"));
}

/* False: the file is none of a checkpoint that the set's database has. */
static bool find(const struct set *s, const struct set_file *f, struct u16 *ret_resource, struct checkpoint *ret)
{
	const struct db_key *resource = f->is_blob ? checkpoint_resource(db_root(s->db), &f->resource) : NULL;

	if (resource == NULL)
		return false;
	for (size_t at = 0; checkpoint_next(resource, &at, ret);)
		if ((int)ret->kind == (int)f->kind && ret->number == f->number) {
			*ret_resource = name_of(resource);
			return true;
		}
	return false;
}

bool set_checkpoint_find(const struct set *s, const struct set_file *f, struct checkpoint *ret)
{
	struct u16 resource;

	return find(s, f, &resource, ret);
}

void set_checkpoint_json(const struct set *s, const struct set_file *f, struct json *j)
{
	struct checkpoint checkpoint;
	struct u16 resource;

	if (!find(s, f, &resource, &checkpoint))
		return;
	json_u16(j, "resource", resource);
	json_u16(j, "checkpoint", checkpoint.path);
	json_time(j, "captured", checkpoint.time);
}

void set_checkpoint_print(const struct set *s, const struct set_file *f)
{
	struct checkpoint checkpoint;
	struct u16 resource;

	if (!find(s, f, &resource, &checkpoint))
		return;
	printf(" of ");
	output_u16(resource);
	printf(": ");
	output_u16(checkpoint.path);
}

/* Differences. */

static void tell(struct json *j, const char *change, char sign, const struct db_key *resource,
    const struct checkpoint *old, const struct checkpoint *new)
{
	const struct checkpoint *any = new != NULL ? new : old;

	if (j != NULL) {
		json_open(j, NULL, '{');
		json_text(j, "change", change);
		json_u16(j, "resource", name_of(resource));
		json_text(j, "kind", any->kind == CHECKPOINT_CRYPTO ? "crypto" : "registry");
		json_u16(j, "name", any->path);
		json_time(j, "old_time", old != NULL ? old->time : 0);
		json_time(j, "new_time", new != NULL ? new->time : 0);
		json_close(j, '}');
		return;
	}
	printf("%c checkpoint of ", sign);
	output_u16(name_of(resource));
	printf(": ");
	output_u16(any->path);
	if (old != NULL && new != NULL) {
		printf("  captured ");
		output_time(old->time);
		printf(" -> ");
		output_time(new->time);
	}
	printf("\n");
}

static bool is_same(const struct checkpoint *a, const struct checkpoint *b)
{
	return a->saved == b->saved && (!a->saved || digest_equal(&a->digest, &b->digest));
}

/* Those of one resource of `from` against the other set.  Those that both have are told once, from the old one. */
static size_t diff_resource(const struct set *from, const struct set *to, size_t i, bool from_is_old, struct json *j)
{
	const struct db_key *resource = object_at(db_root(from->db), OBJECT_RESOURCE, i), *other = NULL;
	struct checkpoint a, b;
	struct guid id;
	size_t count = 0;

	if (guid_parse(object_id(resource), &id))
		other = checkpoint_resource(db_root(to->db), &id);
	for (size_t at = 0; checkpoint_next(resource, &at, &a);) {
		bool both = other != NULL && checkpoint_find(other, a.kind, a.path, &b);

		if (both && (!from_is_old || is_same(&a, &b)))
			continue;
		count++;
		if (both)
			tell(j, "changed", '!', resource, &a, &b);
		else if (from_is_old)
			tell(j, "removed", '-', resource, &a, NULL);
		else
			tell(j, "added", '+', resource, NULL, &a);
	}
	return count;
}

size_t set_checkpoints_diff(const struct set *old, const struct set *new, struct json *j)
{
	size_t count = 0;

	if (j != NULL)
		json_open(j, "checkpoints", '[');
	for (size_t i = 0; i < object_count(db_root(old->db), OBJECT_RESOURCE); i++)
		count += diff_resource(old, new, i, true, j);
	for (size_t i = 0; i < object_count(db_root(new->db), OBJECT_RESOURCE); i++)
		count += diff_resource(new, old, i, false, j);
	if (j != NULL)
		json_close(j, ']');
	return count;
}
