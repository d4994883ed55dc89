/* disk: the calls of disk.h, with what is the same for every disk: checking names and offsets, reading a whole file,
 * removing a tree.
 *
 * Why      an implementation of struct disk_ops is handed clean names only, so that the rule which keeps a hostile name
 *          inside the root stands in one place.
 * Limits   DISK_NAME_MAX bytes a component, DISK_PATH_MAX a name; offsets and lengths below 2^63.
 * Tests    tests/unit/disk.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/disk.h"
#include "base/bytes.h"

static int check_name(const char *name)
{
	size_t total = strlen(name);

	if (total > DISK_PATH_MAX)
		return -ENAMETOOLONG;
	for (;;) {
		size_t len = strcspn(name, "/");

		if (len == 0 || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
			return -EINVAL;
		if (len > DISK_NAME_MAX)
			return -ENAMETOOLONG;
		if (name[len] == 0)
			return 0;
		name += len + 1;
	}
}

static int check_name_or_root(const char *name)
{
	return name[0] == 0 ? 0 : check_name(name);
}

static int check_range(uint64_t offset, size_t len)
{
	return offset > INT64_MAX || len > INT64_MAX - offset ? -EFBIG : 0;
}

int disk_open(struct disk *d, const char *name, unsigned flags, uint32_t mode, struct disk_file **ret)
{
	int r = check_name(name);

	assert(flags & (DISK_READ | DISK_WRITE));
	assert(flags & DISK_WRITE || !(flags & (DISK_CREATE | DISK_TRUNCATE)));
	assert(flags & DISK_CREATE || !(flags & DISK_EXCLUSIVE));
	return r < 0 ? r : d->ops->open(d, name, flags, mode, ret);
}

int disk_sync_directory(struct disk *d, const char *name)
{
	int r = check_name_or_root(name);

	return r < 0 ? r : d->ops->sync_directory(d, name);
}

int disk_make_directory(struct disk *d, const char *name, uint32_t mode)
{
	int r = check_name(name);

	return r < 0 ? r : d->ops->make_directory(d, name, mode);
}

int disk_remove(struct disk *d, const char *name)
{
	int r = check_name(name);

	return r < 0 ? r : d->ops->remove(d, name);
}

int disk_rename(struct disk *d, const char *from, const char *to)
{
	int r = check_name(from);

	if (r == 0)
		r = check_name(to);
	return r < 0 ? r : d->ops->rename(d, from, to);
}

int disk_stat(struct disk *d, const char *name, struct disk_stat *ret)
{
	int r = check_name_or_root(name);

	return r < 0 ? r : d->ops->stat(d, name, ret);
}

int disk_list(struct disk *d, const char *name, disk_list_callback *callback, void *data)
{
	int r = check_name_or_root(name);

	return r < 0 ? r : d->ops->list(d, name, callback, data);
}

int disk_free_space(struct disk *d, uint64_t *ret_bytes)
{
	return d->ops->free_space(d, ret_bytes);
}

void disk_free(struct disk *d)
{
	if (d != NULL)
		d->ops->free(d);
}

int file_read(struct disk_file *f, uint64_t offset, void *data, size_t len)
{
	int r = check_range(offset, len);

	return r < 0 ? r : f->disk->ops->read(f, offset, data, len);
}

int file_write(struct disk_file *f, uint64_t offset, const void *data, size_t len)
{
	int r = check_range(offset, len);

	return r < 0 ? r : f->disk->ops->write(f, offset, data, len);
}

int file_size(struct disk_file *f, uint64_t *ret)
{
	return f->disk->ops->size(f, ret);
}

int file_truncate(struct disk_file *f, uint64_t size)
{
	int r = check_range(size, 0);

	return r < 0 ? r : f->disk->ops->truncate(f, size);
}

int file_preallocate(struct disk_file *f, uint64_t size)
{
	int r = check_range(size, 0);

	return r < 0 ? r : f->disk->ops->preallocate(f, size);
}

int file_prepare(struct disk_file *f, uint64_t offset, size_t len)
{
	int r = check_range(offset, len);

	return r < 0 ? r : f->disk->ops->prepare(f, offset, len);
}

int file_sync(struct disk_file *f)
{
	return f->disk->ops->sync(f);
}

int file_drop_cache(struct disk_file *f)
{
	return f->disk->ops->drop_cache(f);
}

int file_set_mode(struct disk_file *f, uint32_t mode)
{
	return f->disk->ops->set_mode(f, mode);
}

int file_set_time(struct disk_file *f, uint64_t filetime)
{
	return f->disk->ops->set_time(f, filetime);
}

int file_set_xattr(struct disk_file *f, const char *name, const void *value, size_t len)
{
	return f->disk->ops->set_xattr(f, name, value, len);
}

int file_lock(struct disk_file *f)
{
	return f->disk->ops->lock(f);
}

void file_close(struct disk_file *f)
{
	if (f != NULL)
		f->disk->ops->close(f);
}

int disk_read_file(struct disk *d, const char *name, size_t max, uint8_t **ret, size_t *ret_len)
{
	_cleanup_(file_closep) struct disk_file *f = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	uint64_t size;
	int r;

	r = disk_open(d, name, DISK_READ, 0, &f);
	if (r < 0)
		return r;
	r = file_size(f, &size);
	if (r < 0)
		return r;
	if (size > max)
		return -EFBIG;
	data = malloc(size > 0 ? size : 1);
	if (data == NULL)
		return -ENOMEM;
	r = file_read(f, 0, data, size);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(data);
	*ret_len = size;
	return 0;
}

static int collect_name(void *data, const char *name, enum disk_kind kind)
{
	struct buf *names = data;

	(void)kind;
	buf_append(names, name, strlen(name) + 1);
	return names->error;
}

/* path is a buffer of DISK_PATH_MAX + 1 bytes that the recursion shares; it bounds the depth, too. */
static int remove_tree(struct disk *d, char *path, size_t len)
{
	_cleanup_(buf_done) struct buf names = { 0 };
	int r = disk_remove(d, path);

	if (r == 0 || r == -ENOENT)
		return 0;
	if (r != -ENOTEMPTY && r != -EEXIST)
		return r;
	r = disk_list(d, path, collect_name, &names);
	for (size_t at = 0; r >= 0 && at < names.len;) {
		const char *name = (const char *)names.data + at;
		size_t name_len = strlen(name);

		at += name_len + 1;
		if (len + 1 + name_len > DISK_PATH_MAX)
			return -ENAMETOOLONG;
		path[len] = '/';
		memcpy(path + len + 1, name, name_len + 1);
		r = remove_tree(d, path, len + 1 + name_len);
		path[len] = 0;
	}
	return r < 0 ? r : disk_remove(d, path);
}

int disk_remove_tree(struct disk *d, const char *name)
{
	char path[DISK_PATH_MAX + 1];
	int r = check_name(name);

	if (r < 0)
		return r;
	memcpy(path, name, strlen(name) + 1);
	return remove_tree(d, path, strlen(path));
}
