/* sim_files: see sim_files.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sim_files.h"
#include "priv/client.h"
#include "seal/box.h"
#include "tests/lib/test.h"
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>

enum { REPEATS = 300, CONTENT_LEN = 4 * REPEATS, CONTENT_MAX = 1 << 20, NAME_LEN = 64, TRIES = 5 };
#define MS 1000000ull

struct sim_file_watch {
	struct sim_files *files;
	struct sim_file_watch *next;
	char name[NAME_LEN];
	struct loop_timer *timer; /* Runs: a change is about to be told. */
	loop_callback *changed;
	void *data;
};

/* Random numbers of the code under test, in the place of libcrypto's. */

static struct rng random_numbers;

int RAND_bytes(unsigned char *bytes, int len)
{
	for (int i = 0; i < len; i++)
		bytes[i] = (unsigned char)rng_below(&random_numbers, 256);
	return 1;
}

int RAND_priv_bytes(unsigned char *bytes, int len)
{
	return RAND_bytes(bytes, len);
}

/* Content. */

uint32_t sim_files_number(const uint8_t *bytes, size_t len)
{
	CHECK_INT(len, CONTENT_LEN);
	for (size_t i = 4; i < len; i += 4)
		CHECK_INT(get_le32(bytes + i), get_le32(bytes));
	return get_le32(bytes);
}

static int write_file(struct disk *disk, const char *name, const uint8_t *bytes, size_t len)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	char fresh[NAME_LEN + 8];
	int r;

	(void)snprintf(fresh, sizeof(fresh), ".new-%s", name);
	r = disk_open(disk, fresh, DISK_WRITE | DISK_CREATE | DISK_TRUNCATE, 0600, &f);
	if (r == 0)
		r = file_write(f, 0, bytes, len);
	if (r == 0)
		r = file_sync(f);
	if (r == 0)
		r = disk_rename(disk, fresh, name);
	return r == 0 ? disk_sync_directory(disk, "") : r;
}

static struct disk *look(struct sim_files *f)
{
	return sim_service_look(f->sim, "files");
}

static void tell(struct sim_files *f, const char *name)
{
	for (struct sim_file_watch *w = f->watches; w != NULL; w = w->next)
		if (strcmp(w->name, name) == 0)
			loop_timer_start(w->timer, rng_below(&f->rng, 20 * MS));
}

void sim_files_write(struct sim_files *f, const char *name, uint32_t number)
{
	uint8_t bytes[CONTENT_LEN];
	struct disk *disk;

	if (sim_disk_is_stopped(f->sim->sets))
		return;
	for (size_t i = 0; i < sizeof(bytes); i += 4)
		put_le32(bytes + i, number);
	disk = look(f);
	CHECK_INT(write_file(disk, name, bytes, sizeof(bytes)), 0);
	sim_service_looked(f->sim, disk);
	tell(f, name);
}

uint32_t sim_files_read(struct sim_files *f, const char *name)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct disk *disk = look(f);
	size_t len;
	int r = disk_read_file(disk, name, CONTENT_MAX, &bytes, &len);

	sim_service_looked(f->sim, disk);
	CHECK(r == 0 || r == -ENOENT);
	return r == 0 ? sim_files_number(bytes, len) : 0;
}

/* What priv does. */

static bool is_cancelled(const struct priv_tree *what)
{
	struct pollfd p = { .fd = what->cancel_fd, .events = POLLIN };

	return what->cancel_fd >= 0 && poll(&p, 1, 0) == 1;
}

/* As it is at one moment: read twice, with whatever happens in between. */
static int read_twice(struct disk *disk, const char *name, uint8_t **ret, size_t *ret_len)
{
	for (unsigned i = 0; i < TRIES; i++) {
		_cleanup_free_ uint8_t *first = NULL, *second = NULL;
		size_t first_len, second_len;
		int r = disk_read_file(disk, name, CONTENT_MAX, &first, &first_len);

		if (r == 0)
			r = disk_read_file(disk, name, CONTENT_MAX, &second, &second_len);
		if (r < 0)
			return r;
		if (first_len == second_len && memcmp(first, second, first_len) == 0) {
			*ret = TAKE_PTR(first);
			*ret_len = first_len;
			return 0;
		}
	}
	return ERR_SHARING_VIOLATION;
}

/* Key material leaves this process encrypted, and only if it is not what was saved before. */
static int close_box(const struct priv_tree *what, const uint8_t *bytes, size_t len, struct error *error)
{
	struct box_key key;
	uint8_t *before;
	size_t before_len;
	bool same;

	CHECK_INT(box_key_read(what->key, &key), 0);
	if (what->before != NULL &&
	    box_open(&key, what->before->data, what->before->len, &before, &before_len, NULL) == 0) {
		same = len == before_len && memcmp(before, bytes, len) == 0;
		seal_memory_free(before, MAX(before_len, (size_t)1));
		if (same)
			return 0;
	}
	return box_close(&key, bytes, len, what->hive);
}

static int take(
    struct sim_files *f, struct disk *disk, const struct priv_tree *what, const char *name, struct error *error)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t len;
	int r = read_twice(disk, name, &bytes, &len);

	if (r < 0)
		return error_set_code(error, r == -ENOENT ? ERR_FILE_NOT_FOUND : r, "cannot take %s", what->path);
	f->taken++;
	if (what->key != NULL)
		return close_box(what, bytes, len, error);
	buf_append(what->hive, bytes, len);
	return what->hive->error;
}

static int put_back(
    struct sim_files *f, struct disk *disk, const struct priv_tree *what, const char *name, struct error *error)
{
	struct box_key key;
	uint8_t *bytes = what->hive->data;
	size_t len = what->hive->len;
	int r = 0;

	if (what->key != NULL) {
		CHECK_INT(box_key_read(what->key, &key), 0);
		r = box_open(&key, what->hive->data, what->hive->len, &bytes, &len, error);
	}
	if (r < 0)
		return r;
	(void)sim_files_number(bytes, len); /* It is whole. */
	r = write_file(disk, name, bytes, len);
	if (what->key != NULL)
		seal_memory_free(bytes, MAX(len, (size_t)1));
	if (r == 0) {
		f->put++;
		tell(f, name);
	}
	return r < 0 ? error_set_code(error, r, "cannot put back %s", what->path) : 0;
}

static int work(struct sim_service *s, const struct priv_tree *what, struct error *error)
{
	struct sim_files *f = s->files;
	_cleanup_(disk_freep) struct disk *disk = NULL;
	const char *name = what->path + strlen("/data/");
	int r;

	CHECK(strncmp(what->path, "/data/", strlen("/data/")) == 0);
	r = sim_disk_open(s->sets, "files", &disk);
	if (r < 0)
		return error_set_code(error, r, "cannot open %s", what->path);
	if (is_cancelled(what))
		return error_set_code(error, ERR_CANCELLED, "%s is not worked on", what->path);
	return what->puts ? put_back(f, disk, what, name, error) : take(f, disk, what, name, error);
}

/* Watching. */

static void on_timer(void *data)
{
	struct sim_file_watch *w = data;

	w->changed(w->data);
}

int sim_files_watch(void *files, const char *path, loop_callback *changed, void *data, void **ret, struct error *error)
{
	struct sim_files *f = files;
	struct sim_file_watch *w = calloc(1, sizeof(*w));

	if (w == NULL || loop_timer_new(f->sim->loop, on_timer, w, &w->timer) < 0) {
		free(w);
		return error_set_code(error, -ENOMEM, "cannot watch %s", path);
	}
	w->files = f;
	w->changed = changed;
	w->data = data;
	(void)snprintf(w->name, sizeof(w->name), "%s", path + strlen("/data/"));
	w->next = f->watches;
	f->watches = w;
	tell(f, w->name); /* What happened until now may have been a change. */
	*ret = w;
	return 0;
}

void sim_files_unwatch(void *watch)
{
	struct sim_file_watch *w = watch, **at = &w->files->watches;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_free(w->timer);
	free(w);
}

void sim_files_init(struct sim_files *f, struct sim_service *s, uint64_t seed)
{
	struct disk *root;

	*f = (struct sim_files){ .sim = s };
	rng_init(&f->rng, seed);
	rng_init(&random_numbers, seed + 1);
	root = sim_service_look(s, "");
	CHECK_INT(disk_make_directory(root, "files", 0700), 0);
	CHECK_INT(disk_sync_directory(root, ""), 0);
	sim_service_looked(s, root);
	s->files = f;
	s->tree = work;
}
