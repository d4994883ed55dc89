/* store: what one node keeps on its own disk.
 *
 *     current                                the name of the generation in force, one line
 *     00000002-5f3a99c1/                     a generation: its number, the first digits of its id
 *         checkpoint-0000000000004711.hive   the database at that index
 *         checkpoint-0000000000004711.run    header, runtime state, digests of both: written last
 *         …                                  the engine's own files
 *
 * Why      a start must find a state that is whole, whatever the last stop was; a restore must be able to put a whole new
 *          generation in force, or leave the old one, with nothing between.
 * How      a checkpoint is written under temporary names, synced, renamed (the hive first), and the directory synced: the
 *          pair counts only if the .run file is whole and its digests are those of what was read.  `current` is replaced
 *          by rename, after everything that it will name is durable.
 * Promise  after store_write_checkpoint() or store_switch() has returned 0, power loss does not undo it; before, the old
 *          state stands.  Nothing is removed that a start could still need: store_sweep() keeps the newest checkpoint.
 * Threads  blocking; one caller at a time.
 * Format   docs/formats/state.md         Tests  tests/crash/store.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/store.h"
#include "backup/dbhive.h"
#include "quolog/reader.h"
#include "quolog/record.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STORE_PATH_MAX = 96, RUN_FILE_MAX = 256 << 20, FILE_MODE = 0600, DIRECTORY_MODE = 0700 };

struct run_file { /* What a .run file says. */
	struct quolog_header header;
	struct digest database, runtime;
	const uint8_t *state; /* Borrowed. */
	size_t state_len;
};

void store_name(const struct quolog_generation *generation, char ret[STORE_NAME_MAX])
{
	char id[GUID_TEXT_LEN + 1];

	guid_format(&generation->id, id);
	(void)snprintf(ret, STORE_NAME_MAX, "%08" PRIu64 "-%.8s", generation->number % 100000000, id);
}

static bool is_store_name(const char *name)
{
	return strlen(name) == 17 && strspn(name, "0123456789abcdef") == 8 && name[8] == '-' &&
	       strspn(name + 9, "0123456789abcdef") == 8;
}

int store_current(struct disk *state, char ret[STORE_NAME_MAX], struct error *error)
{
	_cleanup_free_ uint8_t *text = NULL;
	char name[STORE_NAME_MAX];
	size_t len;
	int r = disk_read_file(state, "current", STORE_NAME_MAX, &text, &len);

	if (r == -ENOENT)
		return r;
	if (r == -EFBIG)
		len = 0; /* Longer than any name: damaged, as an empty one is. */
	else if (r < 0)
		return error_set_code(error, r, "cannot read the state directory's file 'current'");
	if (len == 0 || len >= sizeof(name) || text[len - 1] != '\n')
		return error_set(error, ERR_CLUSTERLOG_CORRUPT,
		    "the state directory's file 'current' is damaged; it "
		    "should hold one line with the name of a generation's directory");
	memcpy(name, text, len - 1);
	name[len - 1] = 0;
	if (!is_store_name(name))
		return error_set(error, ERR_CLUSTERLOG_CORRUPT,
		    "the state directory's file 'current' names '%s', which "
		    "is no generation's directory",
		    name);
	memcpy(ret, name, len);
	return 0;
}

static void checkpoint_path(char path[STORE_PATH_MAX], const char *name, uint64_t index, const char *suffix)
{
	(void)snprintf(path, STORE_PATH_MAX, "%s/checkpoint-%016" PRIu64 "%s", name, index, suffix);
}

/* The index of "checkpoint-NNNNNNNNNNNNNNNN.run", or false. */
static bool parse_checkpoint(const char *file, const char *suffix, uint64_t *ret)
{
	uint64_t index = 0;

	if (strncmp(file, "checkpoint-", 11) != 0 || strspn(file + 11, "0123456789") != 16 ||
	    strcmp(file + 27, suffix) != 0)
		return false;
	for (const char *p = file + 11; p < file + 27; p++)
		index = index * 10 + (uint64_t)(*p - '0');
	*ret = index;
	return true;
}

/* Writing. */

static int write_file(struct disk *state, const char *path, const void *bytes, size_t len)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r = disk_open(state, path, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, FILE_MODE, &f);

	if (r == 0)
		r = file_write(f, 0, bytes, len);
	if (r == 0)
		r = file_sync(f);
	return r;
}

static int write_hive(struct disk *state, const char *path, const struct store_checkpoint *c)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	int r = disk_open(state, path, DISK_READ | DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, FILE_MODE, &f);

	if (r == 0)
		r = dbhive_write(f, db_snapshot_root(c->snapshot), c->time, NULL);
	return r;
}

static void encode_run(struct buf *out, const struct store_checkpoint *c)
{
	struct buf header = { 0 }, state = { 0 };
	struct digest database = db_snapshot_digest(c->snapshot), runtime = sha256_of(c->runtime, c->runtime_len);
	struct quolog_header h = *c->header;

	h.snapshot = h.last = c->index;
	h.time = c->time;
	quolog_header_encode(&header, &h);
	buf_append(&state, database.bytes, sizeof(database.bytes));
	buf_append(&state, runtime.bytes, sizeof(runtime.bytes));
	buf_append(&state, c->runtime, c->runtime_len);
	if (header.error == 0 && state.error == 0) {
		struct quolog_record first = {
			.type = QUOLOG_HEADER, .index = c->index, .payload = header.data, .len = header.len
		};
		struct quolog_record second = {
			.type = QUOLOG_MANIFEST, .index = c->index, .payload = state.data, .len = state.len
		};

		quolog_record_encode(out, 0, &first);
		quolog_record_encode(out, 0, &second);
	} else {
		out->error = -ENOMEM;
	}
	buf_done(&header);
	buf_done(&state);
}

int store_write_checkpoint(struct disk *state, const char *name, const struct store_checkpoint *c, struct error *error)
{
	char hive[STORE_PATH_MAX], run[STORE_PATH_MAX], hive_new[STORE_PATH_MAX], run_new[STORE_PATH_MAX];
	struct buf bytes = { 0 };
	int r;

	checkpoint_path(hive, name, c->index, ".hive");
	checkpoint_path(run, name, c->index, ".run");
	checkpoint_path(hive_new, name, c->index, ".hive.new");
	checkpoint_path(run_new, name, c->index, ".run.new");
	encode_run(&bytes, c);
	r = bytes.error;
	if (r == 0)
		r = write_hive(state, hive_new, c);
	if (r == 0)
		r = write_file(state, run_new, bytes.data, bytes.len);
	if (r == 0)
		r = disk_rename(state, hive_new, hive);
	if (r == 0)
		r = disk_rename(state, run_new, run);
	if (r == 0)
		r = disk_sync_directory(state, name);
	buf_done(&bytes);
	if (r < 0) {
		(void)disk_remove(state, hive_new);
		(void)disk_remove(state, run_new);
		return error_set_code(error, r, "cannot write the checkpoint at %" PRIu64 " into %s", c->index, name);
	}
	return 0;
}

int store_create(struct disk *state, const char *name, const struct store_checkpoint *c, struct error *error)
{
	int r = disk_remove_tree(state, name);

	if (r == 0)
		r = disk_make_directory(state, name, DIRECTORY_MODE);
	if (r == 0)
		r = disk_sync_directory(state, "");
	if (r < 0)
		return error_set_code(error, r, "cannot make the generation's directory %s", name);
	return store_write_checkpoint(state, name, c, error);
}

int store_switch(struct disk *state, const char *name, struct error *error)
{
	char line[STORE_NAME_MAX + 1];
	int len = snprintf(line, sizeof(line), "%s\n", name), r;

	assert(is_store_name(name));
	/* Whatever the new generation consists of has been synced file by file; its names are durable after this. */
	r = disk_sync_directory(state, name);
	if (r == 0)
		r = write_file(state, "current.new", line, (size_t)len);
	if (r == 0)
		r = disk_rename(state, "current.new", "current");
	if (r == 0)
		r = disk_sync_directory(state, "");
	if (r < 0)
		return error_set_code(error, r, "cannot put generation %s in force", name);
	return 0;
}

int store_confirm(struct disk *state, const char *name, struct error *error)
{
	int r = store_switch(state, name, NULL);

	/* On a full disk there is no room to write it anew; then it can only be synced. */
	if (r == -ENOSPC)
		r = disk_sync_directory(state, "");
	if (r < 0)
		return error_set_code(error, r, "cannot make sure that generation %s is in force", name);
	return 0;
}

/* Reading. */

static int on_run_header(void *data, const struct quolog_header *header)
{
	struct run_file *run = data;

	run->header = *header;
	return 0;
}

static int on_run_batch(void *data, uint64_t index, const uint8_t *bytes, size_t len)
{
	return -EBADMSG; /* A checkpoint is a state, not a history. */
}

static int on_run_manifest(void *data, const uint8_t *bytes, size_t len)
{
	struct run_file *run = data;
	struct cursor c = cursor_make(bytes, len);
	const uint8_t *database = cursor_bytes(&c, SHA256_LEN), *runtime = cursor_bytes(&c, SHA256_LEN);

	if (database == NULL || runtime == NULL)
		return -EBADMSG;
	memcpy(run->database.bytes, database, SHA256_LEN);
	memcpy(run->runtime.bytes, runtime, SHA256_LEN);
	run->state_len = cursor_left(&c);
	run->state = cursor_bytes(&c, run->state_len);
	return 0;
}

/* One pair of files.  On failure *ret holds nothing. */
static int load_pair(
    struct disk *state, const char *name, uint64_t index, struct store_loaded *ret, struct error *error)
{
	_cleanup_free_ uint8_t *run_bytes = NULL, *hive_bytes = NULL;
	_cleanup_(cluster_freep) struct cluster *cluster = NULL;
	struct error story = { 0 };
	struct run_file run = { 0 };
	const struct quolog_visitor visitor = { on_run_header, on_run_batch, on_run_manifest, &run };
	char path[STORE_PATH_MAX];
	struct digest digest;
	struct db *db = NULL;
	size_t len;
	int r;

	checkpoint_path(path, name, index, ".run");
	r = disk_read_file(state, path, RUN_FILE_MAX, &run_bytes, &len);
	if (r < 0)
		return error_set_code(error, r, "cannot read %s", path);
	r = quolog_read(run_bytes, len, &visitor, &story);
	if (r == -EBADMSG)
		return error_set(error, ERR_INVALID_DATA, "%s is damaged: %s", path, story.text);
	if (r < 0)
		return error_set_code(error, r, "cannot read %s", path);
	digest = sha256_of(run.state, run.state_len);
	if (run.header.snapshot != index || !digest_equal(&digest, &run.runtime))
		return error_set(error, ERR_INVALID_DATA, "%s is damaged", path);

	checkpoint_path(path, name, index, ".hive");
	r = disk_read_file(state, path, SIZE_MAX, &hive_bytes, &len);
	if (r < 0)
		return error_set_code(error, r, "cannot read %s", path);
	r = dbhive_read(hive_bytes, len, &db, &story);
	if (r < 0)
		return error_set(error, r, "%s: %s", path, story.text);
	digest = db_digest(db);
	r = cluster_new(db, &cluster);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, &run.database))
		return error_set(
		    error, ERR_INVALID_DATA, "%s is not the database that its checkpoint was made of", path);
	r = cluster_runtime_load(cluster, run.state, run.state_len, error);
	if (r < 0)
		return r;
	if (cluster_applied(cluster) != index)
		return error_set(error, ERR_INVALID_DATA, "the runtime state of %s is of another index", path);
	ret->header = run.header;
	ret->index = index;
	ret->cluster = TAKE_PTR(cluster);
	return 0;
}

struct newest {
	uint64_t below; /* Look for the newest that is older than this. */
	uint64_t found;
	bool any;
};

static int look_for_newest(void *data, const char *file, enum disk_kind kind)
{
	struct newest *n = data;
	uint64_t index;

	if (kind == DISK_FILE && parse_checkpoint(file, ".run", &index) && index < n->below &&
	    (!n->any || index > n->found)) {
		n->found = index;
		n->any = true;
	}
	return 0;
}

int store_load(
    struct disk *state, const char *name, struct store_loaded *ret, unsigned *ret_skipped, struct error *error)
{
	struct newest n = { .below = UINT64_MAX };
	int r;

	*ret_skipped = 0;
	for (;;) {
		r = disk_list(state, name, look_for_newest, &n);
		if (r < 0)
			return error_set_code(error, r, "cannot list the generation's directory %s", name);
		if (!n.any)
			break;
		r = load_pair(state, name, n.found, ret, error);
		if (r == 0)
			return r;
		if (r == -ENOMEM) /* No reason to take an older one. */
			return error_set_code(error, r, "cannot load the checkpoint of index %" PRIu64, n.found);
		(*ret_skipped)++;
		n = (struct newest){ .below = n.found };
	}
	if (*ret_skipped == 0)
		return error_set(error, ERR_CLUSTER_QUORUMLOG_NOT_FOUND,
		    "%s holds no checkpoint; restore the latest "
		    "backup",
		    name);
	return ERR_CLUSTERLOG_CORRUPT; /* The story of the last one tried stands. */
}

/* Removing. */

struct sweep {
	uint64_t index;
	size_t count;
	char names[64][40]; /* More are left for the next time. */
};

static int sweep_collect(void *data, const char *file, enum disk_kind kind)
{
	struct sweep *s = data;
	size_t len = strlen(file);
	uint64_t index;
	bool old =
	    (parse_checkpoint(file, ".run", &index) || parse_checkpoint(file, ".hive", &index)) && index < s->index;
	bool left_over = strncmp(file, "checkpoint-", 11) == 0 && len > 4 && strcmp(file + len - 4, ".new") == 0;

	if (kind == DISK_FILE && (old || left_over) && len < sizeof(s->names[0]) && s->count < ARRAY_SIZE(s->names))
		memcpy(s->names[s->count++], file, len + 1);
	return 0;
}

void store_sweep(struct disk *state, const char *name, uint64_t index)
{
	struct sweep s = { .index = index };
	char path[STORE_PATH_MAX];

	(void)disk_list(state, name, sweep_collect, &s);
	for (size_t i = 0; i < s.count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", name, s.names[i]);
		(void)disk_remove(state, path);
	}
}

struct directory_names {
	size_t count;
	char names[256][STORE_NAME_MAX];
};

static int collect_directory(void *data, const char *name, enum disk_kind kind)
{
	struct directory_names *n = data;

	if (kind == DISK_DIRECTORY && strlen(name) < STORE_NAME_MAX && n->count < ARRAY_SIZE(n->names))
		memcpy(n->names[n->count++], name, strlen(name) + 1);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int store_newest(struct disk *state, char ret[STORE_NAME_MAX])
{
	struct directory_names *n = calloc(1, sizeof(*n));
	const char *newest = "";
	int r = n == NULL ? -ENOMEM : disk_list(state, "", collect_directory, n);

	/* Their names begin with their numbers. */
	for (size_t i = 0; r == 0 && i < n->count; i++)
		if (is_store_name(n->names[i]) && strcmp(n->names[i], newest) > 0)
			newest = n->names[i];
	if (r == 0 && newest[0] == 0)
		r = -ENOENT;
	if (r == 0)
		memcpy(ret, newest, STORE_NAME_MAX);
	free(n);
	return r;
}

void store_remove_old(struct disk *state, const char *current, const char *previous, uint64_t safety_copies)
{
	struct directory_names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return;
	(void)disk_list(state, "", collect_directory, n);
	for (size_t i = 0; i < n->count; i++)
		if (is_store_name(n->names[i]) && strcmp(n->names[i], current) != 0 &&
		    strcmp(n->names[i], previous) != 0)
			(void)disk_remove_tree(state, n->names[i]);
	free(n);
	store_remove_safety_copies(state, safety_copies);
}

void store_remove_safety_copies(struct disk *state, uint64_t safety_copies)
{
	struct directory_names *n = calloc(1, sizeof(*n));
	char path[STORE_PATH_MAX];

	if (n == NULL)
		return;
	(void)disk_list(state, "safety", collect_directory, n);
	/* Their names are times, so the order of names is that of age. */
	qsort(n->names, n->count, sizeof(n->names[0]), compare_names);
	for (size_t i = 0; i + safety_copies < n->count; i++) {
		(void)snprintf(path, sizeof(path), "safety/%s", n->names[i]);
		(void)disk_remove_tree(state, path);
	}
	free(n);
}
