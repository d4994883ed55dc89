/* blobs: the saved state of resources, files named by their SHA-256 in a generation's directory.
 *
 *     00000002-5f3a99c1/blobs/e3b0c442…b855     64 hexadecimal digits, lower case
 *     00000002-5f3a99c1/blobs/new-0000000000000007   being written, or a left-over
 *
 * Why      the log holds changes of at most 1 MiB; the state of an application is larger.  So the log names it by its
 *          SHA-256, and what it names must be on the disk before the log does, whole, and must stay until nothing that a
 *          start could come up with, and no backup, names it any more.
 * How      a put writes under a name of its own, syncs, renames, and syncs the directory.  It does so also if the name is
 *          there: what is there may have rotted, or its name may be in the cache only.  A generation has its own directory,
 *          so a restore writes beside what is in force, and removing a generation removes what it named.
 *          A sweep is told what to keep, and removes the rest.
 * Promise  after blob_put() has returned 0, power loss does not undo it.  A name is that of its whole content, at any
 *          moment, whatever crashed.
 * Threads  blocking, on workers; puts in parallel, a sweep never beside a put (agents/blobs.c sees to it).
 * Format   docs/formats/state.md     Tests  tests/crash/blobs.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/blobs.h"
#include "cluster/checkpoint/checkpoint.h"
#include "cluster/object/object.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MODE = 0600, DIRECTORY_MODE = 0700, SWEEP_MAX = 4096 };

static_assert((int)SET_REGISTRY_CHECKPOINT == (int)CHECKPOINT_REGISTRY, "the set's kinds are the database's");
static_assert((int)SET_CRYPTO_CHECKPOINT == (int)CHECKPOINT_CRYPTO, "the set's kinds are the database's");

static void directory_name(const char *generation, char ret[BLOB_NAME_MAX])
{
	(void)snprintf(ret, BLOB_NAME_MAX, "%s/blobs", generation);
}

void blob_name(const char *generation, const struct digest *digest, char ret[BLOB_NAME_MAX])
{
	char hex[2 * SHA256_LEN + 1];

	digest_format(digest, hex);
	(void)snprintf(ret, BLOB_NAME_MAX, "%s/blobs/%s", generation, hex);
}

/* Writing. */

static int make_directory(struct disk *state, const char *generation)
{
	char directory[BLOB_NAME_MAX];
	int r;

	directory_name(generation, directory);
	r = disk_make_directory(state, directory, DIRECTORY_MODE);
	/* That it is there does not say that its name is durable: whoever made it may have died just then. */
	return r == 0 || r == -EEXIST ? disk_sync_directory(state, generation) : r;
}

static int write_file(struct disk *state, const char *name, const void *bytes, size_t len)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r = disk_open(state, name, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, FILE_MODE, &f);

	if (r == 0)
		r = file_write(f, 0, bytes, len);
	if (r == 0)
		r = file_sync(f);
	return r;
}

int blob_put(struct disk *state, const char *generation, uint64_t number, const void *bytes, size_t len,
    const struct digest *digest, struct error *error)
{
	char directory[BLOB_NAME_MAX], name[BLOB_NAME_MAX], new_name[BLOB_NAME_MAX];
	int r = make_directory(state, generation);

	directory_name(generation, directory);
	blob_name(generation, digest, name);
	(void)snprintf(new_name, sizeof(new_name), "%s/blobs/new-%016" PRIx64, generation, number);
	if (r == 0) {
		r = write_file(state, new_name, bytes, len);
		if (r == 0)
			r = disk_rename(state, new_name, name);
		if (r < 0)
			(void)disk_remove(state, new_name);
	}
	if (r == 0)
		r = disk_sync_directory(state, directory);
	return r < 0 ? error_set_code(error, r, "cannot save what was captured as %s", name) : 0;
}

int blobs_put_set(
    struct disk *state, const char *generation, struct disk *directory, const struct set *set, struct error *error)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < set->file_count; i++) {
		_cleanup_free_ uint8_t *bytes = NULL;
		size_t len;

		if (!set->files[i].is_blob)
			continue;
		r = set_read_file(directory, &set->files[i], &bytes, &len, error);
		if (r == 0)
			r = blob_put(state, generation, i, bytes, len, &set->files[i].digest, error);
	}
	return r;
}

/* Reading. */

int blob_read(struct disk *state, const char *generation, const struct checkpoint *checkpoint, uint8_t **ret,
    size_t *ret_len, struct error *error)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	char name[BLOB_NAME_MAX];
	struct digest found;
	size_t len;
	int r;

	blob_name(generation, &checkpoint->digest, name);
	r = disk_read_file(state, name, CHECKPOINT_LENGTH_MAX, &bytes, &len);
	if (r == -ENOENT)
		return error_set(error, ERR_FILE_NOT_FOUND, "the saved state %s is missing", name);
	if (r < 0)
		return error_set_code(error, r, "cannot read the saved state %s", name);
	found = sha256_of(bytes, len);
	if (!digest_equal(&found, &checkpoint->digest))
		return error_set(error, ERR_INVALID_DATA, "the saved state %s is damaged", name);
	*ret = TAKE_PTR(bytes);
	*ret_len = len;
	return 0;
}

/* What a moment of the database names. */

typedef int each_callback(void *data, const struct guid *resource, const struct checkpoint *checkpoint);

static int for_each(const struct db_key *root, each_callback *callback, void *data)
{
	for (size_t i = 0; i < object_count(root, OBJECT_RESOURCE); i++) {
		const struct db_key *resource = object_at(root, OBJECT_RESOURCE, i);
		struct checkpoint checkpoint;
		struct guid id;
		size_t at = 0;
		int r;

		if (!guid_parse(object_id(resource), &id))
			continue; /* Nobody's but whoever wrote that key by hand. */
		while (checkpoint_next(resource, &at, &checkpoint))
			if (checkpoint.saved && (r = callback(data, &id, &checkpoint)) < 0)
				return r;
	}
	return 0;
}

static int count_one(void *data, const struct guid *resource, const struct checkpoint *checkpoint)
{
	++*(size_t *)data;
	return 0;
}

struct listing {
	struct blob_list *list;
	struct disk *state;
	const char *generation;
};

static int list_one(void *data, const struct guid *resource, const struct checkpoint *checkpoint)
{
	struct listing *l = data;
	size_t i = l->list->count++;

	blob_name(l->generation, &checkpoint->digest, l->list->names[i]);
	l->list->blobs[i] = (struct set_blob){ .kind = (enum set_blob_kind)checkpoint->kind,
		.resource = *resource,
		.number = checkpoint->number,
		.digest = checkpoint->digest,
		.disk = l->state,
		.name = l->list->names[i] };
	return 0;
}

int blob_list_make(struct disk *state, const char *generation, const struct db_key *root, struct blob_list *ret)
{
	struct blob_list list = { 0 };
	struct listing l = { &list, state, generation };
	size_t count = 0;

	(void)for_each(root, count_one, &count);
	list.blobs = calloc(count + 1, sizeof(*list.blobs));
	list.names = calloc(count + 1, sizeof(*list.names));
	if (list.blobs == NULL || list.names == NULL) {
		blob_list_done(&list);
		return -ENOMEM;
	}
	(void)for_each(root, list_one, &l);
	assert(list.count == count);
	*ret = list;
	return 0;
}

void blob_list_done(struct blob_list *l)
{
	free(l->blobs);
	free(l->names);
	*l = (struct blob_list){ 0 };
}

int blob_list_keep_whole(struct blob_list *l)
{
	size_t whole = 0;
	int lost;

	for (size_t i = 0; i < l->count; i++) {
		_cleanup_free_ uint8_t *bytes = NULL;
		struct digest found;
		size_t len;
		int r = disk_read_file(l->blobs[i].disk, l->blobs[i].name, CHECKPOINT_LENGTH_MAX, &bytes, &len);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			continue;
		found = sha256_of(bytes, len);
		if (digest_equal(&found, &l->blobs[i].digest))
			l->blobs[whole++] = l->blobs[i];
	}
	lost = (int)(l->count - whole);
	l->count = whole;
	return lost;
}

/* Removing. */

static int keep_one(void *data, const struct guid *resource, const struct checkpoint *checkpoint)
{
	struct blob_keep *k = data;

	if (k->count == k->capacity) {
		size_t capacity = MAX(2 * k->capacity, (size_t)64);
		struct digest *grown = realloc(k->digests, capacity * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		k->digests = grown;
		k->capacity = capacity;
	}
	k->digests[k->count++] = checkpoint->digest;
	return 0;
}

int blob_keep_add(struct blob_keep *k, const struct db_key *root)
{
	return for_each(root, keep_one, k);
}

void blob_keep_done(struct blob_keep *k)
{
	free(k->digests);
	*k = (struct blob_keep){ 0 };
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

struct sweep {
	const struct blob_keep *keep;
	size_t count;
	char names[SWEEP_MAX][2 * SHA256_LEN + 1]; /* More are left for the next time. */
};

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_digest(const char *name, struct digest *ret)
{
	if (strlen(name) != 2 * SHA256_LEN)
		return false;
	for (size_t i = 0; i < SHA256_LEN; i++) {
		int high = digit(name[2 * i]), low = digit(name[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int sweep_collect(void *data, const char *name, enum disk_kind kind)
{
	struct sweep *s = data;
	struct digest digest;
	bool ours = kind == DISK_FILE && strlen(name) < sizeof(s->names[0]),
	     left_over = ours && strncmp(name, "new-", 4) == 0,
	     unnamed = ours && parse_digest(name, &digest) &&
		       (s->keep->count == 0 ||
			   bsearch(&digest, s->keep->digests, s->keep->count, sizeof(digest), compare_digests) == NULL);

	if ((left_over || unnamed) && s->count < SWEEP_MAX)
		memcpy(s->names[s->count++], name, strlen(name) + 1);
	return 0;
}

void blob_sweep(struct disk *state, const char *generation, struct blob_keep *keep)
{
	struct sweep *s = malloc(sizeof(*s));
	char directory[BLOB_NAME_MAX], path[2 * BLOB_NAME_MAX];

	if (s == NULL)
		return;
	s->keep = keep;
	s->count = 0;
	if (keep->count > 0)
		qsort(keep->digests, keep->count, sizeof(*keep->digests), compare_digests);
	directory_name(generation, directory);
	(void)disk_list(state, directory, sweep_collect, s);
	for (size_t i = 0; i < s->count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, s->names[i]);
		(void)disk_remove(state, path);
	}
	free(s);
}
