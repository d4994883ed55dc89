/* sim_disk: a disk in memory that fails, fills up, loses power and forgets, on request and from a seed.
 *
 * Why      what a backup, a restore or a log leaves behind after a crash can only be proven by crashing at every step.
 * Faults   that code above io/disk.h must survive; the disk does these and no others:
 *
 *          failure      any call fails with any errno.  A failed write may have written a part from its beginning; a
 *                       failed sync is described below; every other failed call has done nothing.
 *          full         writes, growth and new names fail with -ENOSPC beyond the capacity; a write may have filled
 *                       what was left.
 *          failed sync  each unsynced change of that file (or of the names in that directory) is durable, torn or lost
 *                       for ever, but none counts as unsynced any more: reads go on to show the lost data until the
 *                       cache is dropped (file_drop_cache(), perhaps a process death, surely a power cut), and the
 *                       next sync succeeds.
 *          power cut    between any two calls or during one.  Each unsynced write is durable, lost or torn: then each
 *                       sector of 512 bytes is old or new, independently, and if asked for one of them is garbage.
 *                       The length may have grown without the data (zeros).  Each unsynced change of length is durable
 *                       or lost.  Order means nothing.  Each unsynced name (created, removed, renamed) is durable or
 *                       not, whatever its file's data and the order; a rename within a directory is atomic, one between
 *                       directories may show both names, never none.  A file's sync says nothing about its name.
 *                       Unsynced mode, time and attributes are lost or not.  Synced is safe.
 *          death        of the process, at any call: every call before it counts, none after it.
 *          hang         from any call on, done or not, there is no answer: ERR_TIMEOUT, as behind a door (priv/door.h).
 *          rot          a byte of a file changes by itself (sim_disk_rot() only).
 *
 *          After a power cut or a death every call gives -EIO until sim_disk_restart(), after a hang ERR_TIMEOUT; and on disks and files opened
 *          before that -ESTALE for ever; they are closed and freed as usual.
 * Not done lost synced data, misdirected writes, directories that move between parents (-EXDEV), links, FIFOs.
 * Threads  one.
 * Limits   memory; capacity is 1 GiB unless set.
 * Tests    tests/unit/sim_disk.c; tests/unit/disk.c runs the contract
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "sim/medium.h"

struct sim_disk;

/* Kinds of calls, to choose which ones count.  Closing is no such call: it cannot fail. */
enum sim_disk_call {
	SIM_DISK_OPEN = 1 << 0,
	SIM_DISK_READ = 1 << 1,
	SIM_DISK_WRITE = 1 << 2,  /* write, prepare */
	SIM_DISK_RESIZE = 1 << 3, /* truncate, preallocate */
	SIM_DISK_SYNC = 1 << 4,
	SIM_DISK_ATTRIBUTES = 1 << 5, /* set_mode, set_time, set_xattr */
	SIM_DISK_LOCK = 1 << 6,
	SIM_DISK_SYNC_DIRECTORY = 1 << 7,
	SIM_DISK_MAKE_DIRECTORY = 1 << 8,
	SIM_DISK_REMOVE = 1 << 9,
	SIM_DISK_RENAME = 1 << 10,
	SIM_DISK_LOOK = 1 << 11, /* size, stat, list, free_space, drop_cache */
	SIM_DISK_ANY = (1 << 12) - 1,
};

enum sim_disk_stop { SIM_DISK_POWER_CUT = 1, SIM_DISK_DEATH, SIM_DISK_HANG };

int sim_disk_new(uint64_t seed, struct sim_disk **ret);
void sim_disk_free(struct sim_disk *s); /* After every disk and file has been freed and closed. */
DEFINE_FREEP(struct sim_disk, sim_disk_free)
/* A disk rooted at a directory that exists; "" is the whole. */
int sim_disk_open(struct sim_disk *s, const char *name, struct disk **ret);

void sim_disk_set_capacity(struct sim_disk *s, uint64_t bytes);
void sim_disk_set_garbage(struct sim_disk *s, enum sim_disk_garbage garbage);

/* The nth call from now (1 = the next) of these kinds fails with error (negative).  n = 0 takes the order back.  One
 * order of each of the two sorts stands at a time. */
void sim_disk_fail_at(struct sim_disk *s, unsigned calls, uint64_t nth, int error);
bool sim_disk_has_failed(const struct sim_disk *s); /* That failure has happened. */
/* The power goes, or the process dies, during the nth call: it may or may not have been done. */
void sim_disk_stop_at(struct sim_disk *s, unsigned calls, uint64_t nth, enum sim_disk_stop how);
void sim_disk_stop(struct sim_disk *s, enum sim_disk_stop how); /* Now. */
bool sim_disk_is_stopped(const struct sim_disk *s);
void sim_disk_restart(struct sim_disk *s); /* If it is not stopped, the process dies first. */

int sim_disk_rot(struct sim_disk *s, const char *name, uint64_t offset, uint8_t flip); /* -ENODATA beyond the end. */
/* What set_xattr() has set; -ENODATA. */
int sim_disk_xattr(struct sim_disk *s, const char *name, const char *attribute, const uint8_t **ret, size_t *ret_len);
uint64_t sim_disk_call_count(const struct sim_disk *s);
/* Called at the beginning of each call, before anything is done or counted: for sim_loop_yield(). */
void sim_disk_on_call(struct sim_disk *s, void (*callback)(void *data), void *data);
/* While on, calls are the test's own: they do not count, are not called to anyone, and fail or stop by no order. */
void sim_disk_set_quiet(struct sim_disk *s, bool on);
uint64_t sim_disk_unsynced(const struct sim_disk *s); /* How many changes a power cut could still undo. */

/* One line a call, such as "write a/b 0+512\n" or "rename a b -> ENOENT\n", since the trace was started. */
void sim_disk_trace_start(struct sim_disk *s);
const char *sim_disk_trace(struct sim_disk *s);

/* All names with kind, mode, length and CRC of the contents, sorted, as programs see them; equal text = equal trees. */
int sim_disk_describe(struct sim_disk *s, struct buf *ret_text);
