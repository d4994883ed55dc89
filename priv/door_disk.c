/* door_disk: ruedad's side of a door: a struct disk whose files are opened by somebody with more rights.
 *
 * How      all calls are packets through the door; data goes through memory of both, the window, a part at a time.  No call waits
 *          longer than patience.h says.  Data is synced now and then, so that no sync has much to do: where the file system
 *          shows no life of its own, such as one on the network, the time that one step takes must not grow with the file.
 * Promise  what io/disk.h promises; nothing here touches a file system, so nothing here can hang with one.
 * Not kept If the process behind the door dies, calls fail with -EIO from then on.
 * Threads  any, as io/disk.h says; a lock makes calls through the door take turns.
 * Limits   door.h; a listing has LISTING_MAX bytes.
 * Tests    tests/unit/disk.c, tests/unit/priv_door.c, tests/integration/hanging_sets.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "io/linux/disk.h"
#include "priv/channel.h"
#include "priv/door.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

enum { LISTING_MAX = 32 << 20, SYNC_STEP = 16 << 20 };

struct door_disk {
	struct disk disk;
	int socket; /* Owned. */
	struct door_options options;
	uint8_t *window;
	pthread_mutex_t lock; /* From a request to its reply, and of the window. */
	int given_up;         /* Why nothing is asked any more, or 0. */
	struct buf request;   /* Has room for any request, so that closing a file cannot fail. */
	uint8_t packet[DOOR_PACKET_MAX];
};

struct door_file {
	struct disk_file file;
	uint32_t number; /* The door's name for it. */
	size_t unsynced; /* Bytes written since the last sync. */
};

static struct door_disk *disk_of(struct disk *d)
{
	return container_of(d, struct door_disk, disk);
}

static struct door_file *file_of(struct disk_file *f)
{
	return container_of(f, struct door_file, file);
}

static int receive_reply(struct door_disk *d, struct door_reply *reply)
{
	_cleanup_fd_ int fd = -1; /* Of a door that sends what nobody asked for. */
	int r = patience_wait(&d->options.patience, d->socket), n;

	if (r < 0)
		return r;
	n = channel_receive(d->socket, d->packet, sizeof(d->packet), &fd, 0);
	if (n <= 0 || door_reply_decode(d->packet, (size_t)n, reply) < 0)
		return -EIO;
	return 0;
}

/* The packets before the last of a listing: their entries into *listing, however many; too many are an error. */
static int receive_listing(struct door_disk *d, struct door_reply *reply, struct buf *listing)
{
	while (reply->more != 0) {
		int r;

		if (listing != NULL && listing->len < LISTING_MAX)
			buf_append(listing, reply->data, reply->data_len);
		r = receive_reply(d, reply);
		if (r < 0)
			return r;
	}
	if (listing == NULL)
		return 0;
	return listing->error < 0 ? listing->error : listing->len >= LISTING_MAX ? -EFBIG : 0;
}

/* One request and its reply, with the lock held.  listing collects entries; it may be NULL. */
static int ask_locked(
    struct door_disk *d, const struct door_request *q, struct door_reply *reply, struct buf *listing)
{
	struct door_request request = *q;
	int r;

	if (d->given_up < 0)
		return d->given_up;
	request.syncs = disk_linux_syncs();
	d->request.len = 0;
	door_request_encode(&request, &d->request);
	assert(d->request.error == 0);
	r = channel_send(d->socket, d->request.data, d->request.len, -1, 0) < 0 ? -EIO : receive_reply(d, reply);
	if (r == 0)
		r = receive_listing(d, reply, listing);
	if (r == ERR_TIMEOUT || r == ERR_CANCELLED) /* What it answers later would be taken for another answer. */
		d->given_up = r;
	return r;
}

static int ask(struct disk *disk, const struct door_request *q, struct door_reply *reply, struct buf *listing)
{
	struct door_disk *d = disk_of(disk);
	int r;

	(void)pthread_mutex_lock(&d->lock);
	r = ask_locked(d, q, reply, listing);
	(void)pthread_mutex_unlock(&d->lock);
	return r < 0 ? r : reply->result;
}

/* For the many that have no more to say than whether it worked. */
static int ask_simply(struct disk *disk, const struct door_request *q)
{
	struct door_reply reply;

	return ask(disk, q, &reply, NULL);
}

/* A call on a file, with a number: an offset or a size. */
static int ask_file(struct disk_file *file, enum door_op op, uint64_t number)
{
	return ask_simply(
	    file->disk, &(struct door_request){ .op = op, .file = file_of(file)->number, .number = number });
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
	struct door_reply reply;
	int r;

	if (f == NULL)
		return -ENOMEM;
	set_name(q.name, name);
	r = ask(disk, &q, &reply, NULL);
	if (r < 0)
		return r;
	f->file.disk = disk;
	f->number = reply.file;
	*ret = &TAKE_PTR(f)->file;
	return 0;
}

static void door_close(struct disk_file *file)
{
	struct door_file *f = file_of(file);

	(void)ask_file(file, DOOR_CLOSE, 0);
	free(f);
}

/* One part of data, through the window. */
static int move_part(struct disk_file *file, const struct door_request *q, void *to, const void *from)
{
	struct door_disk *d = disk_of(file->disk);
	struct door_reply reply;
	int r;

	(void)pthread_mutex_lock(&d->lock);
	if (from != NULL)
		memcpy(d->window, from, q->length);
	r = ask_locked(d, q, &reply, NULL);
	if (r == 0)
		r = reply.result;
	if (r == 0 && to != NULL)
		memcpy(to, d->window, q->length);
	(void)pthread_mutex_unlock(&d->lock);
	return r;
}

static int door_read(struct disk_file *file, uint64_t offset, void *data, size_t len)
{
	int r = 0;

	for (size_t done = 0; r == 0 && done < len; done += DOOR_WINDOW) {
		struct door_request q = { .op = DOOR_READ, .file = file_of(file)->number };

		q.number = offset + done;
		q.length = (uint32_t)MIN(len - done, (size_t)DOOR_WINDOW);
		r = move_part(file, &q, (uint8_t *)data + done, NULL);
	}
	return r;
}

static int door_sync(struct disk_file *file)
{
	int r = ask_file(file, DOOR_SYNC_FILE, 0);

	if (r == 0)
		file_of(file)->unsynced = 0;
	return r;
}

static int door_write(struct disk_file *file, uint64_t offset, const void *data, size_t len)
{
	struct door_file *f = file_of(file);
	int r = 0;

	for (size_t done = 0; r == 0 && done < len; done += DOOR_WINDOW) {
		struct door_request q = { .op = DOOR_WRITE, .file = f->number };

		q.number = offset + done;
		q.length = (uint32_t)MIN(len - done, (size_t)DOOR_WINDOW);
		r = move_part(file, &q, NULL, (const uint8_t *)data + done);
		f->unsynced += q.length;
		if (r == 0 && f->unsynced >= SYNC_STEP)
			r = door_sync(file);
	}
	return r;
}

static int door_size(struct disk_file *file, uint64_t *ret)
{
	struct door_request q = { .op = DOOR_SIZE, .file = file_of(file)->number };
	struct door_reply reply;
	int r = ask(file->disk, &q, &reply, NULL);

	if (r == 0)
		*ret = reply.size;
	return r;
}

static int door_truncate(struct disk_file *file, uint64_t size)
{
	return ask_file(file, DOOR_TRUNCATE, size);
}

static int door_preallocate(struct disk_file *file, uint64_t size)
{
	return ask_file(file, DOOR_PREALLOCATE, size);
}

static int door_prepare(struct disk_file *file, uint64_t offset, size_t len)
{
	int r = 0;

	for (size_t done = 0; r == 0 && done < len; done += DOOR_WINDOW) {
		struct door_request q = { .op = DOOR_PREPARE, .file = file_of(file)->number };

		q.number = offset + done;
		q.length = (uint32_t)MIN(len - done, (size_t)DOOR_WINDOW);
		r = ask_simply(file->disk, &q);
	}
	return r;
}

static int door_drop_cache(struct disk_file *file)
{
	return ask_file(file, DOOR_DROP_CACHE, 0);
}

static int door_lock(struct disk_file *file)
{
	return ask_file(file, DOOR_LOCK, 0);
}

static int door_set_mode(struct disk_file *file, uint32_t mode)
{
	return ask_simply(
	    file->disk, &(struct door_request){ .op = DOOR_SET_MODE, .file = file_of(file)->number, .mode = mode });
}

static int door_set_time(struct disk_file *file, uint64_t filetime)
{
	return ask_file(file, DOOR_SET_TIME, filetime);
}

static int door_set_xattr(struct disk_file *file, const char *name, const void *value, size_t len)
{
	struct door_request q = { .op = DOOR_SET_XATTR, .file = file_of(file)->number, .value_len = len };

	if (len > DOOR_VALUE_MAX || strlen(name) > DISK_NAME_MAX)
		return -E2BIG;
	set_name(q.other, name);
	if (len > 0)
		memcpy(q.value, value, len);
	return ask_simply(file->disk, &q);
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
	r = ask(disk, &q, &reply, NULL);
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
	r = ask(disk, &q, &reply, &listing);
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
	int r = ask(disk, &q, &reply, NULL);

	if (r == 0)
		*ret_bytes = reply.size;
	return r;
}

static void door_free(struct disk *disk)
{
	struct door_disk *d = disk_of(disk);

	(void)close(d->socket);
	if (d->options.closed != NULL)
		d->options.closed(d->options.data, d->options.id);
	close_fd(&d->options.patience.device_fd);
	(void)munmap(d->window, DOOR_WINDOW);
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

/* The memory that data goes through, and its descriptor to the door. */
static int make_window(struct door_disk *d)
{
	_cleanup_fd_ int fd = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *at;
	int r;

	if (fd < 0 || ftruncate(fd, DOOR_WINDOW) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	at = mmap(NULL, DOOR_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	d->window = at;
	r = channel_send(d->socket, "window", sizeof("window"), fd, CHANNEL_NO_WAIT);
	if (r < 0)
		(void)munmap(at, DOOR_WINDOW);
	return r == -EPIPE ? -EIO : r;
}

int door_disk_new(int socket, const struct door_options *options, struct disk **ret)
{
	_cleanup_free_ struct door_disk *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL)
		return -ENOMEM;
	d->disk.ops = &door_ops;
	d->socket = socket;
	d->options = *options;
	r = buf_reserve(&d->request, DOOR_PACKET_MAX);
	if (r < 0)
		return r;
	r = make_window(d);
	if (r < 0) {
		buf_done(&d->request);
		return r;
	}
	(void)pthread_mutex_init(&d->lock, NULL);
	d->options.patience.device_fd = options->device != 0 ? patience_device(options->device) : -1;
	*ret = &TAKE_PTR(d)->disk;
	return 0;
}
