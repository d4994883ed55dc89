/* sim_disk: the calls of io/disk.h on a medium, each of which may be chosen to fail or to be the last.  The fault model
 * is in sim/disk.h; how changes are kept and lost is in sim/medium.c.
 *
 * How      each call begins with enter(), which counts it and may refuse it, and ends with leave(), which may cut the
 *          power and writes the trace.  Disks and files remember in which life they were opened.
 * Tests    tests/unit/sim_disk.c, tests/unit/disk.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/disk.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { TRACE_MAX = 4 << 20 };

struct order { /* For the nth call of some kinds. */
	unsigned calls;
	uint64_t countdown; /* 0 = none. */
};

struct sim_disk {
	struct medium medium;
	uint64_t life; /* Changes at each restart. */
	uint64_t call_count;
	unsigned views; /* Disks that are not yet freed. */
	struct order fail, stop;
	int fail_error;
	enum sim_disk_stop stop_how;
	int stop_error; /* What every call gives since it stopped. */
	bool failed, stopped;
	bool injected;   /* The call that has just been entered fails by order. */
	bool stop_after; /* The call that has just been entered is done, and the last. */
	bool tracing;
	bool quiet; /* Calls are the test's own. */
	struct buf trace;
	void (*on_call)(void *data);
	void *on_call_data;
};

struct sim_view {
	struct disk disk;
	struct sim_disk *sim;
	struct node *root;
	uint64_t life;
	unsigned files; /* Open. */
};

struct sim_file {
	struct disk_file file;
	struct sim_disk *sim;
	struct node *node;
	uint64_t life;
	unsigned flags;
	char name[];
};

static struct sim_view *view_of(struct disk *d)
{
	return container_of(d, struct sim_view, disk);
}

static struct sim_file *file_of(struct disk_file *f)
{
	return container_of(f, struct sim_file, file);
}

static bool is_due(struct order *o, enum sim_disk_call call)
{
	return o->countdown > 0 && o->calls & call && --o->countdown == 0;
}

static int enter(struct sim_disk *s, uint64_t life, enum sim_disk_call call)
{
	if (s->on_call != NULL && !s->stopped && !s->quiet)
		s->on_call(s->on_call_data);
	s->injected = s->stop_after = false;
	if (s->stopped)
		return s->stop_error;
	if (life != s->life)
		return -ESTALE;
	if (s->quiet)
		return 0;
	s->call_count++;
	s->medium.time += 10000; /* 1 ms */
	if (is_due(&s->stop, call)) {
		/* A sync that is cut short is just a power cut: each change makes it or not. */
		if (call & (SIM_DISK_SYNC | SIM_DISK_SYNC_DIRECTORY) || rng_chance(&s->medium.rng, 50)) {
			sim_disk_stop(s, s->stop_how);
			return s->stop_error;
		}
		s->stop_after = true;
	}
	if (is_due(&s->fail, call)) {
		s->failed = s->injected = true;
		return s->fail_error;
	}
	return 0;
}

static void trace_line(struct sim_disk *s, const char *text, int r)
{
	if (!s->tracing || s->trace.len >= TRACE_MAX)
		return;
	buf_append(&s->trace, text, strlen(text));
	if (r < 0) {
		const char *name = strerrorname_np(-r) != NULL ? strerrorname_np(-r) : error_text(r);

		buf_append(&s->trace, " -> ", 4);
		buf_append(&s->trace, name, strlen(name));
	}
	buf_u8(&s->trace, '\n');
}

static int leave(struct sim_disk *s, int r, const char *format, ...) _printf_(3, 4);

static int leave(struct sim_disk *s, int r, const char *format, ...)
{
	if (s->tracing) {
		char line[2 * DISK_PATH_MAX + 256];
		va_list ap;

		va_start(ap, format);
		(void)vsnprintf(line, sizeof(line), format, ap);
		va_end(ap);
		trace_line(s, line, s->stop_after ? -EIO : r);
	}
	if (s->stop_after) {
		sim_disk_stop(s, s->stop_how);
		r = s->stop_error;
	}
	return r;
}

static const char *shown(const char *name)
{
	return *name == 0 ? "." : name;
}

static int open_node(struct sim_view *v, const char *name, unsigned flags, uint32_t mode, struct node **ret)
{
	struct node *parent, *n;
	const struct entry *e;
	const char *last;
	int r = medium_walk(v->root, name, &parent, &last);

	if (r < 0)
		return r;
	e = medium_find(parent, last);
	if (e == NULL)
		return flags & DISK_CREATE ? medium_create(parent, last, DISK_FILE, mode, ret) : -ENOENT;
	if (flags & DISK_EXCLUSIVE)
		return -EEXIST;
	n = e->current;
	if (n->kind == DISK_DIRECTORY)
		return -EISDIR;
	if (flags & DISK_TRUNCATE)
		r = node_resize(n, 0);
	if (r == 0)
		*ret = n;
	return r;
}

static int sim_open(struct disk *d, const char *name, unsigned flags, uint32_t mode, struct disk_file **ret)
{
	struct sim_view *v = view_of(d);
	struct sim_disk *s = v->sim;
	size_t size = strlen(name) + 1;
	struct sim_file *f = malloc(sizeof(*f) + size);
	struct node *n = NULL;
	int r = enter(s, v->life, SIM_DISK_OPEN);

	if (r == 0)
		r = f == NULL ? -ENOMEM : open_node(v, name, flags, mode, &n);
	r = leave(s, r, "open %s%s%s%s", name, flags & DISK_CREATE ? " create" : "",
	    flags & DISK_EXCLUSIVE ? " exclusive" : "", flags & DISK_TRUNCATE ? " truncate" : "");
	if (r < 0) {
		free(f);
		return r;
	}
	*f = (struct sim_file){ .file.disk = d, .sim = s, .node = node_ref(n), .life = s->life, .flags = flags };
	memcpy(f->name, name, size);
	node_opened(n);
	v->files++;
	*ret = &f->file;
	return 0;
}

static void sim_close(struct disk_file *file)
{
	struct sim_file *f = file_of(file);

	if (f->life == f->sim->life && !f->sim->stopped) {
		if (f->node->lock == f)
			f->node->lock = NULL;
		node_closed(f->node);
	}
	node_unref(f->node);
	view_of(file->disk)->files--;
	free(f);
}

/* enter() for a call that needs a file opened in some way. */
static int enter_file(struct sim_file *f, unsigned flag, enum sim_disk_call call)
{
	int r = enter(f->sim, f->life, call);

	return r == 0 && flag != 0 && !(f->flags & flag) ? -EBADF : r;
}

static int sim_read(struct disk_file *file, uint64_t offset, void *data, size_t len)
{
	struct sim_file *f = file_of(file);
	const struct store *st = &f->node->current;
	int r = enter_file(f, DISK_READ, SIM_DISK_READ);

	if (r == 0 && len > 0) {
		if (offset + len > st->len)
			r = -ENODATA;
		else
			memcpy(data, st->data + offset, len);
	}
	return leave(f->sim, r, "read %s %" PRIu64 "+%zu", f->name, offset, len);
}

static int sim_write(struct disk_file *file, uint64_t offset, const void *data, size_t len)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, DISK_WRITE, SIM_DISK_WRITE);

	if (r == 0)
		r = node_write(f->node, offset, data, len);
	else if (f->sim->injected)
		(void)node_write(f->node, offset, data, (size_t)rng_between(&f->sim->medium.rng, 0, len));
	return leave(f->sim, r, "write %s %" PRIu64 "+%zu", f->name, offset, len);
}

static int sim_size(struct disk_file *file, uint64_t *ret)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, 0, SIM_DISK_LOOK);

	if (r == 0)
		*ret = f->node->current.len;
	return leave(f->sim, r, "size %s", f->name);
}

static int sim_truncate(struct disk_file *file, uint64_t size)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, DISK_WRITE, SIM_DISK_RESIZE);

	if (r == 0)
		r = node_resize(f->node, size);
	return leave(f->sim, r, "truncate %s %" PRIu64, f->name, size);
}

static int sim_preallocate(struct disk_file *file, uint64_t size)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, DISK_WRITE, SIM_DISK_RESIZE);

	if (r == 0 && size > f->node->current.len)
		r = node_resize(f->node, size);
	return leave(f->sim, r, "preallocate %s %" PRIu64, f->name, size);
}

static int sim_prepare(struct disk_file *file, uint64_t offset, size_t len)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, DISK_WRITE, SIM_DISK_WRITE);
	uint8_t *zeros = calloc(1, len);

	if (r == 0 && zeros == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = node_write(f->node, offset, zeros, len);
	else if (f->sim->injected && zeros != NULL)
		(void)node_write(f->node, offset, zeros, (size_t)rng_between(&f->sim->medium.rng, 0, len));
	free(zeros);
	return leave(f->sim, r, "prepare %s %" PRIu64 "+%zu", f->name, offset, len);
}

static int sim_sync(struct disk_file *file)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, 0, SIM_DISK_SYNC);

	if (r == 0)
		node_sync(f->node);
	else if (f->sim->injected)
		node_sync_failed(f->node);
	return leave(f->sim, r, "sync %s", f->name);
}

static int sim_drop_cache(struct disk_file *file)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, 0, SIM_DISK_LOOK);

	if (r == 0)
		node_drop_cache(f->node);
	return leave(f->sim, r, "drop-cache %s", f->name);
}

static int sim_set_mode(struct disk_file *file, uint32_t mode)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, 0, SIM_DISK_ATTRIBUTES);

	if (r == 0) {
		f->node->attributes.mode = mode & 07777;
		f->node->attributes_changed = true;
	}
	return leave(f->sim, r, "set-mode %s %04o", f->name, mode);
}

static int sim_set_time(struct disk_file *file, uint64_t filetime)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, 0, SIM_DISK_ATTRIBUTES);

	if (r == 0) {
		f->node->attributes.time = filetime;
		f->node->attributes_changed = true;
	}
	return leave(f->sim, r, "set-time %s %" PRIu64, f->name, filetime);
}

static int sim_set_xattr(struct disk_file *file, const char *name, const void *value, size_t len)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, 0, SIM_DISK_ATTRIBUTES);

	/* Other name spaces belong to the system, as on the real one. */
	if (r == 0)
		r = strncmp(name, "user.", 5) == 0 ? attributes_put(&f->node->attributes, name, value, len)
						   : -EOPNOTSUPP;
	if (r == 0)
		f->node->attributes_changed = true;
	return leave(f->sim, r, "set-xattr %s %s+%zu", f->name, name, len);
}

static int sim_lock(struct disk_file *file)
{
	struct sim_file *f = file_of(file);
	int r = enter_file(f, DISK_WRITE, SIM_DISK_LOCK);

	if (r == 0 && f->node->lock != NULL && f->node->lock != f)
		r = -EWOULDBLOCK;
	if (r == 0)
		f->node->lock = f;
	return leave(f->sim, r, "lock %s", f->name);
}

static int find_directory(struct sim_view *v, const char *name, struct node **ret)
{
	struct node *n;
	int r = medium_lookup(v->root, name, &n);

	if (r < 0)
		return r;
	if (n->kind != DISK_DIRECTORY)
		return -ENOTDIR;
	*ret = n;
	return 0;
}

static int sim_sync_directory(struct disk *d, const char *name)
{
	struct sim_view *v = view_of(d);
	int r = enter(v->sim, v->life, SIM_DISK_SYNC_DIRECTORY);
	struct node *n = NULL;

	if (r == 0) {
		r = find_directory(v, name, &n);
		if (r == 0)
			medium_sync_directory(n);
	} else if (v->sim->injected && find_directory(v, name, &n) == 0) {
		medium_sync_directory_failed(n);
	}
	return leave(v->sim, r, "sync-directory %s", shown(name));
}

static int sim_make_directory(struct disk *d, const char *name, uint32_t mode)
{
	struct sim_view *v = view_of(d);
	int r = enter(v->sim, v->life, SIM_DISK_MAKE_DIRECTORY);
	struct node *parent, *n;
	const char *last;

	if (r == 0)
		r = medium_walk(v->root, name, &parent, &last);
	if (r == 0)
		r = medium_create(parent, last, DISK_DIRECTORY, mode, &n);
	return leave(v->sim, r, "make-directory %s", name);
}

static int sim_remove(struct disk *d, const char *name)
{
	struct sim_view *v = view_of(d);
	int r = enter(v->sim, v->life, SIM_DISK_REMOVE);
	struct node *parent;
	const char *last;

	if (r == 0)
		r = medium_walk(v->root, name, &parent, &last);
	if (r == 0)
		r = medium_remove(parent, last);
	return leave(v->sim, r, "remove %s", name);
}

static int sim_rename(struct disk *d, const char *from, const char *to)
{
	struct sim_view *v = view_of(d);
	int r = enter(v->sim, v->life, SIM_DISK_RENAME);
	struct node *from_parent, *to_parent;
	const char *from_last, *to_last;

	if (r == 0)
		r = medium_walk(v->root, from, &from_parent, &from_last);
	if (r == 0)
		r = medium_walk(v->root, to, &to_parent, &to_last);
	if (r == 0)
		r = medium_rename(from_parent, from_last, to_parent, to_last);
	return leave(v->sim, r, "rename %s %s", from, to);
}

static int sim_stat(struct disk *d, const char *name, struct disk_stat *ret)
{
	struct sim_view *v = view_of(d);
	int r = enter(v->sim, v->life, SIM_DISK_LOOK);
	struct node *n;

	if (r == 0)
		r = medium_lookup(v->root, name, &n);
	if (r == 0)
		*ret = (struct disk_stat){
			.kind = n->kind,
			.size = n->current.len,
			.mode = n->attributes.mode,
			.time = n->attributes.time,
		};
	return leave(v->sim, r, "stat %s", shown(name));
}

static int list_node(struct node *directory, disk_list_callback *callback, void *data)
{
	struct entry *next;
	int r = 0;

	for (struct entry *e = directory->entries; r >= 0 && e != NULL; e = next) {
		entry_pin(e);
		if (e->current != NULL)
			r = callback(data, e->name, e->current->kind);
		next = e->next;
		entry_unpin(e);
	}
	return r < 0 ? r : 0;
}

static int sim_list(struct disk *d, const char *name, disk_list_callback *callback, void *data)
{
	struct sim_view *v = view_of(d);
	int r = enter(v->sim, v->life, SIM_DISK_LOOK);
	struct node *n = NULL;

	if (r == 0)
		r = find_directory(v, name, &n);
	r = leave(v->sim, r, "list %s", shown(name));
	/* The callback may make calls of its own, and so comes after the end of this one. */
	return r < 0 ? r : list_node(n, callback, data);
}

static int sim_free_space(struct disk *d, uint64_t *ret_bytes)
{
	struct sim_view *v = view_of(d);
	const struct medium *m = &v->sim->medium;
	int r = enter(v->sim, v->life, SIM_DISK_LOOK);

	if (r == 0)
		*ret_bytes = m->used < m->capacity ? m->capacity - m->used : 0;
	return leave(v->sim, r, "free-space");
}

static void sim_view_free(struct disk *d)
{
	struct sim_view *v = view_of(d);

	assert(v->files == 0);
	node_unref(v->root);
	v->sim->views--;
	free(v);
}

static const struct disk_ops sim_ops = {
	.open = sim_open,
	.close = sim_close,
	.read = sim_read,
	.write = sim_write,
	.size = sim_size,
	.truncate = sim_truncate,
	.preallocate = sim_preallocate,
	.prepare = sim_prepare,
	.sync = sim_sync,
	.drop_cache = sim_drop_cache,
	.set_mode = sim_set_mode,
	.set_time = sim_set_time,
	.set_xattr = sim_set_xattr,
	.lock = sim_lock,
	.sync_directory = sim_sync_directory,
	.make_directory = sim_make_directory,
	.remove = sim_remove,
	.rename = sim_rename,
	.stat = sim_stat,
	.list = sim_list,
	.free_space = sim_free_space,
	.free = sim_view_free,
};

int sim_disk_new(uint64_t seed, struct sim_disk **ret)
{
	struct sim_disk *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = medium_init(&s->medium, seed);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void sim_disk_free(struct sim_disk *s)
{
	if (s == NULL)
		return;
	assert(s->views == 0);
	medium_done(&s->medium);
	buf_done(&s->trace);
	free(s);
}

int sim_disk_open(struct sim_disk *s, const char *name, struct disk **ret)
{
	struct sim_view *v;
	struct node *n;
	int r = medium_lookup(s->medium.root, name, &n);

	if (r < 0)
		return r;
	if (n->kind != DISK_DIRECTORY)
		return -ENOTDIR;
	v = malloc(sizeof(*v));
	if (v == NULL)
		return -ENOMEM;
	*v = (struct sim_view){ .disk.ops = &sim_ops, .sim = s, .root = node_ref(n), .life = s->life };
	s->views++;
	*ret = &v->disk;
	return 0;
}

void sim_disk_set_capacity(struct sim_disk *s, uint64_t bytes)
{
	s->medium.capacity = bytes;
}

void sim_disk_set_garbage(struct sim_disk *s, enum sim_disk_garbage garbage)
{
	s->medium.garbage = garbage;
}

void sim_disk_fail_at(struct sim_disk *s, unsigned calls, uint64_t nth, int error)
{
	assert(error < 0);
	s->fail = (struct order){ .calls = calls, .countdown = nth };
	s->fail_error = error;
	s->failed = false;
}

bool sim_disk_has_failed(const struct sim_disk *s)
{
	return s->failed;
}

void sim_disk_stop_at(struct sim_disk *s, unsigned calls, uint64_t nth, enum sim_disk_stop how)
{
	s->stop = (struct order){ .calls = calls, .countdown = nth };
	s->stop_how = how;
}

void sim_disk_stop(struct sim_disk *s, enum sim_disk_stop how)
{
	s->stop_after = false;
	if (s->stopped)
		return;
	s->stopped = true;
	s->stop_error = how == SIM_DISK_HANG ? ERR_TIMEOUT : -EIO;
	trace_line(s, how == SIM_DISK_POWER_CUT ? "power cut" : how == SIM_DISK_HANG ? "hang" : "process death", 0);
	if (how == SIM_DISK_POWER_CUT)
		medium_power_cut(&s->medium);
	else
		medium_process_death(&s->medium);
}

bool sim_disk_is_stopped(const struct sim_disk *s)
{
	return s->stopped;
}

void sim_disk_restart(struct sim_disk *s)
{
	sim_disk_stop(s, SIM_DISK_DEATH);
	s->stopped = false;
	trace_line(s, "restart", 0);
	s->fail.countdown = s->stop.countdown = 0;
	s->life++;
}

int sim_disk_rot(struct sim_disk *s, const char *name, uint64_t offset, uint8_t flip)
{
	struct node *n;
	int r = medium_lookup(s->medium.root, name, &n);

	if (r < 0)
		return r;
	if (offset >= n->current.len)
		return -ENODATA;
	n->current.data[offset] ^= flip;
	if (offset < n->durable.len)
		n->durable.data[offset] ^= flip;
	return 0;
}

int sim_disk_xattr(struct sim_disk *s, const char *name, const char *attribute, const uint8_t **ret, size_t *ret_len)
{
	struct node *n;
	size_t at, size;
	int r = medium_lookup(s->medium.root, name, &n);

	if (r < 0)
		return r;
	at = attributes_find(&n->attributes, attribute, &size);
	if (size == 0)
		return -ENODATA;
	*ret = n->attributes.xattr + at + strlen(attribute) + 3;
	*ret_len = size - strlen(attribute) - 3;
	return 0;
}

void sim_disk_set_quiet(struct sim_disk *s, bool on)
{
	s->quiet = on;
}

void sim_disk_on_call(struct sim_disk *s, void (*callback)(void *data), void *data)
{
	s->on_call = callback;
	s->on_call_data = data;
}

uint64_t sim_disk_call_count(const struct sim_disk *s)
{
	return s->call_count;
}

uint64_t sim_disk_unsynced(const struct sim_disk *s)
{
	return medium_unsynced(&s->medium);
}

void sim_disk_trace_start(struct sim_disk *s)
{
	s->tracing = true;
	s->trace.len = 0;
}

const char *sim_disk_trace(struct sim_disk *s)
{
	if (buf_reserve(&s->trace, 1) < 0)
		return "(no memory for the trace)\n";
	s->trace.data[s->trace.len] = 0;
	return (const char *)s->trace.data;
}

int sim_disk_describe(struct sim_disk *s, struct buf *ret_text)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	int r = medium_describe(s->medium.root, "", &text);

	if (r == 0)
		buf_u8(&text, 0);
	if (text.error < 0)
		r = text.error;
	if (r < 0)
		return r;
	buf_done(ret_text);
	*ret_text = text;
	text = (struct buf){ 0 };
	return 0;
}
