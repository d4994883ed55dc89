/* below: a directory of a disk as a disk of its own.
 *
 * Why      the engine is rooted at one directory, which lies among others on the node's disk; real and simulated disks
 *          should not each have to know about that.
 * How      every name gets the directory in front and goes to the disk below; files are that disk's own.
 * Threads  as the disk below.          Tests  tests/unit/disk.c runs the contract against it
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/below.h"
#include <stdio.h>
#include <string.h>

struct below {
	struct disk disk;
	struct disk *parent;
	char directory[DISK_PATH_MAX + 1];
};

struct name {
	char text[DISK_PATH_MAX + 1];
};

/* The whole name; NULL if it is too long. */
static const char *whole(struct disk *d, const char *name, struct name *n)
{
	const struct below *b = container_of(d, struct below, disk);
	int len = snprintf(n->text, sizeof(n->text), "%s%s%s", b->directory, *name != 0 ? "/" : "", name);

	return len > 0 && (size_t)len < sizeof(n->text) ? n->text : NULL;
}

static struct disk *parent_of(struct disk *d)
{
	return container_of(d, struct below, disk)->parent;
}

static int below_open(struct disk *d, const char *name, unsigned flags, uint32_t mode, struct disk_file **ret)
{
	struct name n;

	return whole(d, name, &n) != NULL ? disk_open(parent_of(d), n.text, flags, mode, ret) : -ENAMETOOLONG;
}

static int below_sync_directory(struct disk *d, const char *name)
{
	struct name n;

	return whole(d, name, &n) != NULL ? disk_sync_directory(parent_of(d), n.text) : -ENAMETOOLONG;
}

static int below_make_directory(struct disk *d, const char *name, uint32_t mode)
{
	struct name n;

	return whole(d, name, &n) != NULL ? disk_make_directory(parent_of(d), n.text, mode) : -ENAMETOOLONG;
}

static int below_remove(struct disk *d, const char *name)
{
	struct name n;

	return whole(d, name, &n) != NULL ? disk_remove(parent_of(d), n.text) : -ENAMETOOLONG;
}

static int below_rename(struct disk *d, const char *from, const char *to)
{
	struct name a, b;

	if (whole(d, from, &a) == NULL || whole(d, to, &b) == NULL)
		return -ENAMETOOLONG;
	return disk_rename(parent_of(d), a.text, b.text);
}

static int below_stat(struct disk *d, const char *name, struct disk_stat *ret)
{
	struct name n;

	return whole(d, name, &n) != NULL ? disk_stat(parent_of(d), n.text, ret) : -ENAMETOOLONG;
}

static int below_list(struct disk *d, const char *name, disk_list_callback *callback, void *data)
{
	struct name n;

	return whole(d, name, &n) != NULL ? disk_list(parent_of(d), n.text, callback, data) : -ENAMETOOLONG;
}

static int below_free_space(struct disk *d, uint64_t *ret_bytes)
{
	return disk_free_space(parent_of(d), ret_bytes);
}

static void below_free(struct disk *d)
{
	free(container_of(d, struct below, disk));
}

static const struct disk_ops below_ops = {
	.open = below_open,
	.sync_directory = below_sync_directory,
	.make_directory = below_make_directory,
	.remove = below_remove,
	.rename = below_rename,
	.stat = below_stat,
	.list = below_list,
	.free_space = below_free_space,
	.free = below_free,
};

int disk_below(struct disk *d, const char *directory, struct disk **ret)
{
	size_t len = strlen(directory);
	struct below *b;

	if (len == 0 || len > DISK_PATH_MAX)
		return -EINVAL;
	b = malloc(sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	b->disk.ops = &below_ops;
	b->parent = d;
	memcpy(b->directory, directory, len + 1);
	*ret = &b->disk;
	return 0;
}
