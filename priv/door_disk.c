/* door_disk: ruedad's side of a door: a struct disk whose files are opened by somebody with more rights.
 *
 * How      calls on names, and on the attributes of files, are packets through the door; calls on the data of a file go to
 *          the descriptor that came back when it was opened.
 * Promise  what io/disk.h promises.
 * Not kept what is written through the door's own descriptor of a file: there is none.  If the process behind the door
 *          dies, calls that need it fail with -EIO from then on.
 * Threads  any, as io/disk.h says; a lock makes calls through the door take turns.
 * Limits   door.h; a listing has LISTING_MAX bytes.
 * Tests    tests/unit/disk.c, tests/unit/priv_door.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "io/linux/disk.h"
#include "priv/channel.h"
#include "priv/door.h"
#include <pthread.h>

enum { LISTING_MAX = 32 << 20 };

struct door_disk {
	struct disk disk;
	int socket;           /* Owned. */
	pthread_mutex_t lock; /* From a request to its reply. */
	struct buf request;   /* Has room for any request, so that closing a file cannot fail. */
	uint8_t packet[DOOR_PACKET_MAX];
};

struct door_file {
	struct disk_file file;
	struct disk_file *data;  /* Owned: the descriptor, as a file. */
	uint32_t number;         /* The door's name for it. */
	bool attributes_changed; /* Through the door, since the last sync. */
};

static struct door_disk *disk_of(struct disk *d)
{
	return container_of(d, struct door_disk, disk);
}

static struct door_file *file_of(struct disk_file *f)
{
	return container_of(f, struct door_file, file);
}

static int receive_reply(struct door_disk *d, struct door_reply *reply, int *ret_fd)
{
	int n = channel_receive(d->socket, d->packet, sizeof(d->packet), ret_fd, 0);

	if (n <= 0 || door_reply_decode(d->packet, (size_t)n, reply) < 0)
		return -EIO;
	return 0;
}

/* The packets before the last of a listing: their entries into *listing, however many; too many are an error. */
static int receive_listing(struct door_disk *d, struct door_reply *reply, struct buf *listing)
{
	while (reply->more != 0) {
		int r, fd = -1;

		if (listing != NULL && listing->len < LISTING_MAX)
			buf_append(listing, reply->data, reply->data_len);
		r = receive_reply(d, reply, &fd);
		close_fd(&fd);
		if (r < 0)
			return r;
	}
	if (listing == NULL)
		return 0;
	return listing->error < 0 ? listing->error : listing->len >= LISTING_MAX ? -EFBIG : 0;
}

/* One request and its reply.  listing collects entries, *ret_fd gets a descriptor or -1; both may be NULL. */
static int ask(
    struct disk *disk, const struct door_request *q, struct door_reply *reply, struct buf *listing, int *ret_fd)
{
	struct door_disk *d = disk_of(disk);
	_cleanup_fd_ int fd = -1;
	int r;

	(void)pthread_mutex_lock(&d->lock);
	d->request.len = 0;
	door_request_encode(q, &d->request);
	assert(d->request.error == 0);
	r = channel_send(d->socket, d->request.data, d->request.len, -1, 0) < 0 ? -EIO : receive_reply(d, reply, &fd);
	if (r == 0)
		r = receive_listing(d, reply, listing);
	(void)pthread_mutex_unlock(&d->lock);
	if (r < 0)
		return r;
	if (ret_fd != NULL)
		*ret_fd = TAKE_FD(fd);
	return reply->result;
}

/* For the many that have no more to say than whether it worked. */
static int ask_simply(struct disk *disk, const struct door_request *q)
{
	struct door_reply reply;

	return ask(disk, q, &reply, NULL, NULL);
}

/* disk.c has checked the length. */
static void set_name(char to[DISK_PATH_MAX + 1], const char *name)
{
	size_t len = strlen(name);

	assert(len <= DISK_PATH_MAX);
	memcpy(to, name, len + 1);
}

static int door_open(struct disk *disk, const char *name, unsigned flags, uint32_t mode, struct disk_file **ret)
{
	struct door_request q = { .op = DOOR_OPEN, .flags = flags, .mode = mode };
	_cleanup_free_ struct door_file *f = calloc(1, sizeof(*f));
	_cleanup_fd_ int fd = -1;
	struct door_reply reply;
	int r;

	if (f == NULL)
		return -ENOMEM;
	set_name(q.name, name);
	r = ask(disk, &q, &reply, NULL, &fd);
	if (r < 0)
		return r;
	if (fd < 0)
		r = fd == -EMFILE ? -EMFILE : -EIO;
	else
		r = disk_linux_file_new(fd, &f->data);
	if (r < 0) {
		(void)ask_simply(disk, &(struct door_request){ .op = DOOR_CLOSE, .file = reply.file });
		return r;
	}
	(void)TAKE_FD(fd);
	f->file.disk = disk;
	f->number = reply.file;
	*ret = &TAKE_PTR(f)->file;
	return 0;
}

static void door_close(struct disk_file *file)
{
	struct door_file *f = file_of(file);

	file_close(f->data);
	(void)ask_simply(file->disk, &(struct door_request){ .op = DOOR_CLOSE, .file = f->number });
	free(f);
}

static int door_read(struct disk_file *file, uint64_t offset, void *data, size_t len)
{
	return file_read(file_of(file)->data, offset, data, len);
}

static int door_write(struct disk_file *file, uint64_t offset, const void *data, size_t len)
{
	return file_write(file_of(file)->data, offset, data, len);
}

static int door_size(struct disk_file *file, uint64_t *ret)
{
	return file_size(file_of(file)->data, ret);
}

static int door_truncate(struct disk_file *file, uint64_t size)
{
	return file_truncate(file_of(file)->data, size);
}

static int door_preallocate(struct disk_file *file, uint64_t size)
{
	return file_preallocate(file_of(file)->data, size);
}

static int door_prepare(struct disk_file *file, uint64_t offset, size_t len)
{
	return file_prepare(file_of(file)->data, offset, len);
}

static int door_drop_cache(struct disk_file *file)
{
	return file_drop_cache(file_of(file)->data);
}

static int door_lock(struct disk_file *file)
{
	return file_lock(file_of(file)->data);
}

/* The data first: its errors are told to who wrote it. */
static int door_sync(struct disk_file *file)
{
	struct door_file *f = file_of(file);
	int r = file_sync(f->data);

	if (r < 0 || !f->attributes_changed)
		return r;
	r = ask_simply(file->disk, &(struct door_request){ .op = DOOR_SYNC_FILE, .file = f->number });
	if (r == 0)
		f->attributes_changed = false;
	return r;
}

static int set_attribute(struct disk_file *file, struct door_request *q)
{
	int r;

	q->file = file_of(file)->number;
	r = ask_simply(file->disk, q);
	if (r == 0)
		file_of(file)->attributes_changed = true;
	return r;
}

static int door_set_mode(struct disk_file *file, uint32_t mode)
{
	return set_attribute(file, &(struct door_request){ .op = DOOR_SET_MODE, .mode = mode });
}

static int door_set_time(struct disk_file *file, uint64_t filetime)
{
	return set_attribute(file, &(struct door_request){ .op = DOOR_SET_TIME, .number = filetime });
}

static int door_set_xattr(struct disk_file *file, const char *name, const void *value, size_t len)
{
	struct door_request q = { .op = DOOR_SET_XATTR, .value_len = len };

	if (len > DOOR_VALUE_MAX || strlen(name) > DISK_NAME_MAX)
		return -E2BIG;
	set_name(q.other, name);
	if (len > 0)
		memcpy(q.value, value, len);
	return set_attribute(file, &q);
}

static int ask_about_name(struct disk *disk, enum door_op op, const char *name, uint32_t mode)
{
	struct door_request q = { .op = op, .mode = mode };

	set_name(q.name, name);
	return ask_simply(disk, &q);
}

static int door_sync_directory(struct disk *disk, const char *name)
{
	return ask_about_name(disk, DOOR_SYNC_DIRECTORY, name, 0);
}

static int door_make_directory(struct disk *disk, const char *name, uint32_t mode)
{
	return ask_about_name(disk, DOOR_MAKE_DIRECTORY, name, mode);
}

static int door_remove(struct disk *disk, const char *name)
{
	return ask_about_name(disk, DOOR_REMOVE, name, 0);
}

static int door_rename(struct disk *disk, const char *from, const char *to)
{
	struct door_request q = { .op = DOOR_RENAME };

	set_name(q.name, from);
	set_name(q.other, to);
	return ask_simply(disk, &q);
}

static int door_stat(struct disk *disk, const char *name, struct disk_stat *ret)
{
	struct door_request q = { .op = DOOR_STAT };
	struct door_reply reply;
	int r;

	set_name(q.name, name);
	r = ask(disk, &q, &reply, NULL, NULL);
	if (r == 0)
		*ret = (struct disk_stat){
			.kind = reply.file, .size = reply.size, .mode = reply.mode, .time = reply.time
		};
	return r;
}

/* The callback is called when all is there: it may use the disk. */
static int door_list(struct disk *disk, const char *name, disk_list_callback *callback, void *data)
{
	struct door_request q = { .op = DOOR_LIST };
	struct buf listing = { 0 };
	struct door_reply reply;
	struct cursor c;
	int r;

	set_name(q.name, name);
	r = ask(disk, &q, &reply, &listing, NULL);
	c = cursor_make(listing.data, listing.len);
	while (r == 0 && cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c), len = cursor_u8(&c);
		const uint8_t *bytes = cursor_bytes(&c, len);
		char entry[DISK_NAME_MAX + 1];

		if (bytes == NULL) {
			r = -EIO;
			break;
		}
		memcpy(entry, bytes, len);
		entry[len] = 0;
		r = callback(data, entry, kind);
	}
	buf_done(&listing);
	return r;
}

static int door_free_space(struct disk *disk, uint64_t *ret_bytes)
{
	struct door_request q = { .op = DOOR_FREE_SPACE };
	struct door_reply reply;
	int r = ask(disk, &q, &reply, NULL, NULL);

	if (r == 0)
		*ret_bytes = reply.size;
	return r;
}

static void door_free(struct disk *disk)
{
	struct door_disk *d = disk_of(disk);

	(void)close(d->socket);
	(void)pthread_mutex_destroy(&d->lock);
	buf_done(&d->request);
	free(d);
}

static const struct disk_ops door_ops = {
	.open = door_open,
	.close = door_close,
	.read = door_read,
	.write = door_write,
	.size = door_size,
	.truncate = door_truncate,
	.preallocate = door_preallocate,
	.prepare = door_prepare,
	.sync = door_sync,
	.drop_cache = door_drop_cache,
	.set_mode = door_set_mode,
	.set_time = door_set_time,
	.set_xattr = door_set_xattr,
	.lock = door_lock,
	.sync_directory = door_sync_directory,
	.make_directory = door_make_directory,
	.remove = door_remove,
	.rename = door_rename,
	.stat = door_stat,
	.list = door_list,
	.free_space = door_free_space,
	.free = door_free,
};

int door_disk_new(int socket, struct disk **ret)
{
	_cleanup_free_ struct door_disk *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL)
		return -ENOMEM;
	d->disk.ops = &door_ops;
	d->socket = socket;
	r = buf_reserve(&d->request, DOOR_PACKET_MAX);
	if (r < 0)
		return r;
	r = -pthread_mutex_init(&d->lock, NULL);
	if (r < 0) {
		buf_done(&d->request);
		return r;
	}
	*ret = &TAKE_PTR(d)->disk;
	return 0;
}
