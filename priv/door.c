/* door: the process behind a directory that was opened as a backup's caller.
 *
 * Why      a descriptor of a directory is no right to it: Linux asks for permission again, of whoever calls, when a file
 *          below it is opened, renamed or removed.  ruedad runs as its own user and could not write into root's
 *          directory with a descriptor of it.  So the process that opened the directory as the caller stays, and does
 *          for ruedad what is to be done there.  Reading and writing, too, for which a descriptor would be right enough: a mount
 *          that begins to hang hangs who touches it, and a process that cannot even be killed must not be ruedad.
 *
 *	ruedad: struct disk (door_disk.c) ──packets──► door_serve(), as the caller ──► the directory and its files
 *	      └─────────── the window: memory of both, for data ───────────┘
 *
 * How      first comes the window, then one request, one reply, in order.  The names are checked twice: against the rule for
 *          names (names.c), and by the real disk, which follows no link and opens regular files only.  All is done with files
 *          that were opened here: a descriptor that ruedad sends would let it change whatever it can open.  With each request
 *          ruedad tells how many syncs it waited for, so that this process gives way to them as ruedad's own threads do.
 * Promise  nothing outside the directory, nothing under a name that is not allowed, nothing written through a door that is
 *          not writable.
 * Not kept time: a call takes as long as the file system does, and ruedad waits as long as it likes (patience.h).
 * Threads  one.      Limits  door.h.      Tests  tests/unit/disk.c (the contract of every disk), tests/unit/priv_door.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/door.h"
#include "base/fd.h"
#include "io/linux/disk.h"
#include "priv/channel.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct door {
	int socket; /* Borrowed. */
	uint8_t *window;
	struct disk *disk;
	const struct door_rules *rules;
	struct disk_file *files[DOOR_FILES_MAX];
};

enum { MODE_BITS = 0777 };

/* One request: fill *reply. */
typedef int door_handler(struct door *d, const struct door_request *q, struct door_reply *reply);

static int serve_open(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	const uint32_t all = DISK_READ | DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE | DISK_TRUNCATE;
	uint32_t slot = 0;
	int r;

	/* What disk_open() asserts of its callers. */
	if ((q->flags & ~all) != 0 || (q->flags & (DISK_READ | DISK_WRITE)) == 0 ||
	    (!(q->flags & DISK_WRITE) && (q->flags & (DISK_CREATE | DISK_TRUNCATE)) != 0) ||
	    ((q->flags & DISK_EXCLUSIVE) && !(q->flags & DISK_CREATE)) || (q->mode & ~(uint32_t)MODE_BITS) != 0)
		return -EINVAL;
	if ((q->flags & DISK_WRITE) && !d->rules->writable)
		return -EROFS;
	while (slot < DOOR_FILES_MAX && d->files[slot] != NULL)
		slot++;
	if (slot == DOOR_FILES_MAX)
		return -EMFILE;
	r = disk_open(d->disk, q->name, q->flags, q->mode, &d->files[slot]);
	if (r < 0)
		return r;
	reply->file = slot;
	return 0;
}

static int find_file(struct door *d, const struct door_request *q, struct disk_file **ret)
{
	if (q->file >= DOOR_FILES_MAX || d->files[q->file] == NULL)
		return -EBADF;
	*ret = d->files[q->file];
	return 0;
}

static int serve_close(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	if (r < 0)
		return r;
	file_close(f);
	d->files[q->file] = NULL;
	return 0;
}

static int serve_set_mode(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	if (r == 0 && (q->mode & ~(uint32_t)MODE_BITS) != 0)
		r = -EINVAL;
	return r < 0 ? r : file_set_mode(f, q->mode);
}

static int serve_set_time(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_set_time(f, q->number);
}

static int serve_set_xattr(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	if (r == 0 && strncmp(q->other, "user.", 5) != 0)
		r = -EPERM;
	return r < 0 ? r : file_set_xattr(f, q->other, q->value, q->value_len);
}

static int serve_sync_file(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_sync(f);
}

static int serve_read(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_read(f, q->number, d->window, q->length);
}

static int serve_write(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_write(f, q->number, d->window, q->length);
}

static int serve_size(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_size(f, &reply->size);
}

static int serve_truncate(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_truncate(f, q->number);
}

static int serve_preallocate(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_preallocate(f, q->number);
}

static int serve_prepare(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_prepare(f, q->number, q->length);
}

static int serve_drop_cache(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_drop_cache(f);
}

static int serve_lock(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_file *f;
	int r = find_file(d, q, &f);

	return r < 0 ? r : file_lock(f);
}

static int serve_sync_directory(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	return disk_sync_directory(d->disk, q->name);
}

static int serve_make_directory(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	if ((q->mode & ~(uint32_t)MODE_BITS) != 0)
		return -EINVAL;
	return disk_make_directory(d->disk, q->name, q->mode);
}

static int serve_remove(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	return disk_remove(d->disk, q->name);
}

static int serve_rename(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	if (!d->rules->is_allowed(q->other))
		return -EPERM;
	return disk_rename(d->disk, q->name, q->other);
}

static int serve_stat(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct disk_stat st;
	int r = disk_stat(d->disk, q->name, &st);

	if (r < 0)
		return r;
	reply->file = st.kind;
	reply->mode = st.mode;
	reply->size = st.size;
	reply->time = st.time;
	return 0;
}

static int serve_free_space(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	return disk_free_space(d->disk, &reply->size);
}

static int send_reply(struct door *d, const struct door_reply *reply)
{
	struct buf out = { 0 };
	int r;

	door_reply_encode(reply, &out);
	r = out.error < 0 ? out.error : channel_send(d->socket, out.data, out.len, -1, 0);
	buf_done(&out);
	return r;
}

struct listing {
	struct door *door;
	const char *directory;
	struct buf entries;
	int broken; /* The reply could not be sent. */
};

static int send_part(struct listing *l)
{
	l->broken = send_reply(
	    l->door, &(struct door_reply){ .more = 1, .data = l->entries.data, .data_len = l->entries.len });
	l->entries.len = 0;
	return l->broken;
}

/* Names that are not allowed are not there. */
static int list_entry(void *data, const char *name, enum disk_kind kind)
{
	struct listing *l = data;
	char path[DISK_PATH_MAX + DISK_NAME_MAX + 2];
	size_t len = strlen(name), used = strlen(l->directory);

	assert(len <= DISK_NAME_MAX);
	memcpy(path, l->directory, used);
	if (used > 0)
		path[used++] = '/';
	memcpy(path + used, name, len + 1);
	if (!l->door->rules->is_allowed(path))
		return 0;
	buf_u8(&l->entries, (uint8_t)kind);
	buf_u8(&l->entries, (uint8_t)len);
	buf_append(&l->entries, name, len);
	if (l->entries.error < 0)
		return l->entries.error;
	return l->entries.len > DOOR_PACKET_MAX / 2 ? send_part(l) : 0;
}

static int serve_list(struct door *d, const struct door_request *q, struct door_reply *reply)
{
	struct listing l = { .door = d, .directory = q->name };
	int r = disk_list(d->disk, q->name, list_entry, &l);

	if (r == 0 && l.entries.len > 0)
		r = send_part(&l);
	buf_done(&l.entries);
	return r;
}

static const struct {
	door_handler *handle;
	bool on_name, writes;
} handlers[DOOR_OP_END] = {
	[DOOR_OPEN] = { serve_open, true, false }, /* Looks itself at what the flags ask for. */
	[DOOR_CLOSE] = { serve_close, false, false },
	[DOOR_SET_MODE] = { serve_set_mode, false, true },
	[DOOR_SET_TIME] = { serve_set_time, false, true },
	[DOOR_SET_XATTR] = { serve_set_xattr, false, true },
	[DOOR_SYNC_FILE] = { serve_sync_file, false, false },
	[DOOR_SYNC_DIRECTORY] = { serve_sync_directory, true, false },
	[DOOR_MAKE_DIRECTORY] = { serve_make_directory, true, true },
	[DOOR_REMOVE] = { serve_remove, true, true },
	[DOOR_RENAME] = { serve_rename, true, true },
	[DOOR_STAT] = { serve_stat, true, false },
	[DOOR_LIST] = { serve_list, true, false },
	[DOOR_FREE_SPACE] = { serve_free_space, false, false },
	[DOOR_READ] = { serve_read, false, false },
	[DOOR_WRITE] = { serve_write, false, true },
	[DOOR_SIZE] = { serve_size, false, false },
	[DOOR_TRUNCATE] = { serve_truncate, false, true },
	[DOOR_PREALLOCATE] = { serve_preallocate, false, true },
	[DOOR_PREPARE] = { serve_prepare, false, true },
	[DOOR_DROP_CACHE] = { serve_drop_cache, false, false },
	[DOOR_LOCK] = { serve_lock, false, true },
};

static int serve_request(struct door *d, const struct door_request *q)
{
	struct door_reply reply = { 0 };

	disk_linux_note_syncs(q->syncs);
	/* The directory itself has no name; the disk refuses that where it makes no sense. */
	if (handlers[q->op].on_name && q->name[0] != 0 && !d->rules->is_allowed(q->name))
		reply.result = -EPERM;
	else if (handlers[q->op].writes && !d->rules->writable)
		reply.result = -EROFS;
	else
		reply.result = handlers[q->op].handle(d, q, &reply);
	return send_reply(d, &reply);
}

/* Memory that cannot become shorter under who uses it. */
static int map_window(int fd, uint8_t **ret)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *at;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 || st.st_size < DOOR_WINDOW)
		return -EBADMSG;
	at = mmap(NULL, DOOR_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	*ret = at;
	return 0;
}

/* The descriptor in the first packet, whatever else is in that. */
static int receive_window(struct door *d, uint8_t *packet)
{
	_cleanup_fd_ int fd = -1;
	int r = channel_receive(d->socket, packet, DOOR_PACKET_MAX, &fd, 0);

	return r > 0 ? map_window(fd, &d->window) : r == 0 ? -EPIPE : r;
}

int door_serve(int socket, struct disk *disk, const struct door_rules *rules)
{
	struct door d = { .socket = socket, .disk = disk, .rules = rules };
	_cleanup_free_ uint8_t *packet = malloc(DOOR_PACKET_MAX);
	_cleanup_free_ struct door_request *q = malloc(sizeof(*q));
	int r = packet == NULL || q == NULL ? -ENOMEM : receive_window(&d, packet);

	while (r == 0) {
		_cleanup_fd_ int fd = -1;

		r = channel_receive(socket, packet, DOOR_PACKET_MAX, &fd, 0);
		if (r == 0)
			break;
		if (r > 0)
			r = door_request_decode(packet, (size_t)r, q);
		if (r == 0)
			r = serve_request(&d, q);
	}
	for (size_t i = 0; i < DOOR_FILES_MAX; i++)
		file_close(d.files[i]);
	if (d.window != NULL)
		(void)munmap(d.window, DOOR_WINDOW);
	return r == -EPIPE ? 0 : r;
}
