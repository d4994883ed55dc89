/* marks: which sources of this node may be newer than what is saved of them.
 *
 *     00000002-5f3a99c1/marks/9a0364b9…77d7     64 hexadecimal digits, lower case: of whose source
 *     00000002-5f3a99c1/marks/9a0364b9…77d7.new   being written, or a left-over
 *
 * Why      what a resource leaves in its sources is saved when it stops; but a disk may be full then, or the power gone.  The
 *          next start must not put the older state over it, and can tell from nothing else that it is older.
 * How      a mark is durable before the resource starts, and names the state that its source went on from; each save adds the
 *          state that it is about to name; once all is saved at the end it is removed.  So a mark that is there says: the source
 *          may hold what is saved nowhere.  If the database still names what the mark names, nobody has put another state in
 *          force since, neither another node nor an administrator.
 *          It names the boot of the machine, too: when that has gone down while a source was in use, what was written to it and
 *          not synced may be gone, and the source older than what is saved.
 *          A mark is of one node and one generation: a restore of the cluster begins without any.
 * Promise  after mark_put() has returned 0, power loss does not undo it; a mark is whole at any moment, whatever crashed.
 * Threads  blocking, on workers; a sweep never beside a put (agents/blobs.c sees to it), but beside those of what the database has.
 * Format   docs/formats/state.md     Design  docs/design/checkpoints.md     Tests  tests/unit/marks.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/marks.h"
#include "base/bytes.h"
#include "cluster/object/object.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	FILE_MODE = 0600,
	DIRECTORY_MODE = 0700,
	MARK_VERSION = 1,
	MARK_BODY = 4 + 4 + 8 + 16 + 2 * SHA256_LEN,
	MARK_LEN = MARK_BODY + SHA256_LEN,
	SWEEP_MAX = 4096,
	NAME_LEN_MAX = 2 * SHA256_LEN + 4 + 1,
};

static void directory_name(const char *generation, char ret[MARK_NAME_MAX])
{
	(void)snprintf(ret, MARK_NAME_MAX, "%s/marks", generation);
}

static void file_name(const char *generation, const struct digest *key, char ret[MARK_NAME_MAX])
{
	char hex[2 * SHA256_LEN + 1];

	digest_format(key, hex);
	(void)snprintf(ret, MARK_NAME_MAX, "%s/marks/%s", generation, hex);
}

struct digest mark_key(const struct guid *resource, enum checkpoint_kind kind, struct u16 path)
{
	uint8_t number = (uint8_t)kind, unit[2];
	struct sha256 sum;
	struct digest key;

	sha256_init(&sum);
	sha256_update(&sum, resource->bytes, sizeof(resource->bytes));
	sha256_update(&sum, &number, 1);
	for (size_t i = 0; i < path.len; i++) {
		put_le16(unit, path.units[i]);
		sha256_update(&sum, unit, sizeof(unit));
	}
	sha256_final(&sum, &key);
	return key;
}

enum mark_verdict mark_judge(const struct mark *m, const struct checkpoint *checkpoint, const struct guid *boot)
{
	bool same = checkpoint->saved && (m->added == 0 || m->added == checkpoint->added) &&
		    (digest_equal(&m->base, &checkpoint->digest) || digest_equal(&m->next, &checkpoint->digest));

	if (!same)
		return MARK_OTHER;
	return guid_is_zero(&m->boot) || guid_equal(&m->boot, boot) ? MARK_FITS : MARK_CRASHED;
}

/* Writing. */

static int write_file(struct disk *state, const char *name, const uint8_t bytes[MARK_LEN])
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r = disk_open(state, name, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, FILE_MODE, &f);

	if (r == 0)
		r = file_write(f, 0, bytes, MARK_LEN);
	if (r == 0)
		r = file_sync(f);
	return r;
}

static int replace_file(struct disk *state, const char *generation, const char *name, const uint8_t bytes[MARK_LEN])
{
	char directory[MARK_NAME_MAX], new_name[MARK_NAME_MAX + 4];
	int r;

	directory_name(generation, directory);
	(void)snprintf(new_name, sizeof(new_name), "%s.new", name);
	r = disk_make_directory(state, directory, DIRECTORY_MODE);
	/* That it is there does not say that its name is durable: whoever made it may have died just then. */
	if (r == 0 || r == -EEXIST)
		r = disk_sync_directory(state, generation);
	if (r < 0)
		return r;
	r = write_file(state, new_name, bytes);
	if (r == 0)
		r = disk_rename(state, new_name, name);
	if (r < 0)
		(void)disk_remove(state, new_name);
	return r < 0 ? r : disk_sync_directory(state, directory);
}

int mark_put(
    struct disk *state, const char *generation, const struct digest *key, const struct mark *mark, struct error *error)
{
	uint8_t bytes[MARK_LEN] = { 0 };
	char name[MARK_NAME_MAX];
	struct digest sum;
	int r;

	put_le32(bytes, MARK_VERSION);
	put_le64(bytes + 8, mark->added);
	memcpy(bytes + 16, mark->boot.bytes, sizeof(mark->boot.bytes));
	memcpy(bytes + 32, mark->base.bytes, SHA256_LEN);
	memcpy(bytes + 32 + SHA256_LEN, mark->next.bytes, SHA256_LEN);
	sum = sha256_of(bytes, MARK_BODY);
	memcpy(bytes + MARK_BODY, sum.bytes, SHA256_LEN);
	file_name(generation, key, name);
	r = replace_file(state, generation, name, bytes);
	return r < 0 ? error_set_code(error, r, "cannot mark its source as in use in %s", name) : 0;
}

/* Reading. */

static int parse(const uint8_t bytes[MARK_LEN], struct mark *ret)
{
	struct digest sum = sha256_of(bytes, MARK_BODY);

	if (memcmp(sum.bytes, bytes + MARK_BODY, SHA256_LEN) != 0 || get_le32(bytes) != MARK_VERSION ||
	    get_le32(bytes + 4) != 0)
		return ERR_INVALID_DATA;
	ret->added = get_le64(bytes + 8);
	memcpy(ret->boot.bytes, bytes + 16, sizeof(ret->boot.bytes));
	memcpy(ret->base.bytes, bytes + 32, SHA256_LEN);
	memcpy(ret->next.bytes, bytes + 32 + SHA256_LEN, SHA256_LEN);
	return 0;
}

int mark_get(
    struct disk *state, const char *generation, const struct digest *key, struct mark *ret, struct error *error)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	char name[MARK_NAME_MAX];
	size_t len;
	int r;

	file_name(generation, key, name);
	r = disk_read_file(state, name, MARK_LEN, &bytes, &len);
	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = len == MARK_LEN ? parse(bytes, ret) : ERR_INVALID_DATA;
	else if (r == -EFBIG)
		r = ERR_INVALID_DATA;
	if (r == ERR_INVALID_DATA)
		return error_set(error, r,
		    "the state directory's %s, which says what its source went on from, is damaged; if what is saved "
		    "is right, "
		    "remove that file",
		    name);
	return r < 0 ? error_set_code(error, r, "cannot read what its source went on from in %s", name) : 0;
}

/* Removing. */

int mark_remove(struct disk *state, const char *generation, const struct digest *key)
{
	char name[MARK_NAME_MAX];
	int r;

	file_name(generation, key, name);
	r = disk_remove(state, name);
	return r == -ENOENT ? 0 : r;
}

int mark_sync(struct disk *state, const char *generation)
{
	char directory[MARK_NAME_MAX];
	int r;

	directory_name(generation, directory);
	r = disk_sync_directory(state, directory);
	return r == -ENOENT ? 0 : r;
}

struct keys {
	struct digest *all;
	size_t count, capacity;
};

static int keep(struct keys *keys, const struct digest *key)
{
	if (keys->count == keys->capacity) {
		size_t capacity = MAX(2 * keys->capacity, (size_t)64);
		struct digest *grown = realloc(keys->all, capacity * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		keys->all = grown;
		keys->capacity = capacity;
	}
	keys->all[keys->count++] = *key;
	return 0;
}

static int keep_all(struct keys *keys, const struct db_key *root)
{
	for (size_t i = 0; i < object_count(root, OBJECT_RESOURCE); i++) {
		const struct db_key *resource = object_at(root, OBJECT_RESOURCE, i);
		struct checkpoint checkpoint;
		struct digest key;
		struct guid id;
		size_t at = 0;

		if (!guid_parse(object_id(resource), &id))
			continue; /* Nobody's but whoever wrote that key by hand. */
		while (checkpoint_next(resource, &at, &checkpoint)) {
			key = mark_key(&id, checkpoint.kind, checkpoint.path);
			if (keep(keys, &key) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

struct sweep {
	struct keys keep;
	size_t count;
	char names[SWEEP_MAX][NAME_LEN_MAX]; /* More are left for the next time. */
};

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The key that a name begins with; false: it is none of ours. */
static bool parse_key(const char *name, struct digest *ret)
{
	for (size_t i = 0; i < SHA256_LEN; i++) {
		int high = digit(name[2 * i]), low = high < 0 ? -1 : digit(name[2 * i + 1]);

		if (low < 0)
			return false;
		ret->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return name[2 * SHA256_LEN] == 0 || strcmp(name + 2 * SHA256_LEN, ".new") == 0;
}

static int collect(void *data, const char *name, enum disk_kind kind)
{
	struct sweep *s = data;
	struct digest key;

	if (kind == DISK_FILE && s->count < SWEEP_MAX && parse_key(name, &key) &&
	    (s->keep.count == 0 || bsearch(&key, s->keep.all, s->keep.count, sizeof(key), compare) == NULL))
		memcpy(s->names[s->count++], name, strlen(name) + 1);
	return 0;
}

static void remove_others(struct disk *state, const char *generation, struct sweep *s)
{
	char directory[MARK_NAME_MAX], path[MARK_NAME_MAX + NAME_LEN_MAX];

	if (s->keep.count > 0)
		qsort(s->keep.all, s->keep.count, sizeof(s->keep.all[0]), compare);
	directory_name(generation, directory);
	(void)disk_list(state, directory, collect, s);
	for (size_t i = 0; i < s->count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, s->names[i]);
		(void)disk_remove(state, path);
	}
}

void mark_sweep(struct disk *state, const char *generation, const struct db_key *root, const struct db_key *other_root)
{
	struct sweep *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return;
	if (keep_all(&s->keep, root) == 0 && keep_all(&s->keep, other_root) == 0) /* Else the next time. */
		remove_others(state, generation, s);
	free(s->keep.all);
	free(s);
}
