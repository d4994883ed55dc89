/* sources: what checkpoints are taken of and put back to: keys of this node's own registry, files, and key material.
 * See sources.c; the names are explained in capture/name.c, the bytes in docs/formats/file-checkpoint.md.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/utf16.h"
#include "io/disk.h"
#include "io/loop.h"

struct local_registry;
struct priv_tree;
struct source_job; /* A capture or a putting back that runs. */
struct source_watch;
struct sources;

struct sources_config {
	struct loop *loop;
	struct local_registry *registry; /* Borrowed. */
	/* Does the work on files, on a worker: priv_tree() of priv/client.h, or a simulated one. */
	int (*tree)(void *priv, const struct priv_tree *what, struct error *error);
	void *priv;
	/* Watches files: file_watch_new() of file_watch.h, or a simulated one.  NULL: files cannot be watched. */
	int (*watch)(
	    void *watches, const char *path, loop_callback *changed, void *data, void **ret, struct error *error);
	void (*unwatch)(void *watch);
	void *watches;
	unsigned file_seconds; /* How long one job on files may take, once it works. */
	size_t hive_max;       /* Bytes of a hive; more is refused with ERR_DISK_FULL. */
};

int sources_new(const struct sources_config *config, struct sources **ret);
/* Cancels all jobs; stopped(data), perhaps from inside, once the last has called back.  No new ones may be asked for. */
void sources_stop(struct sources *s, loop_callback *stopped, void *data);
/* Then, or when the loop will not run again.  Watches are freed before. */
void sources_free(struct sources *s);

/* Whether there can be such a source; nothing is looked at.  ERR_INVALID_PARAMETER, ERR_FILENAME_EXCED_RANGE, -ENOMEM. */
int sources_check_name(struct u16 name, struct error *error);
/* The same of a crypto checkpoint's. */
int sources_check_key(struct u16 name, struct error *error);

/* All functions are called on the loop and call back there, never from inside, exactly once if they return 0; a negative
 * result means that there will be no callback.  The job is gone when the callback is called.
 *
 * Capture  the source as it was at one moment: a hive (a checkpoint's .CPT), on the heap; on success it is the callback's
 *          to free().
 *          ERR_FILE_NOT_FOUND: there is no such key or file; ERR_SHARING_VIOLATION: it changed all the time;
 *          ERR_ACCESS_DENIED: no allowed root, or permission; ERR_NOT_SUPPORTED: a hard link, device, …, named in the story;
 *          ERR_DISK_FULL: too large; ERR_TIMEOUT; ERR_CANCELLED; ERR_BUSY. */
typedef void source_captured(void *data, int r, uint8_t *hive, size_t len, const struct error *error);
int source_capture(struct sources *s, struct u16 name, source_captured *done, void *data, struct source_job **ret,
    struct error *error);

/* Put back  all or nothing, also if the power fails: what the source was before, or what the hive holds, which is durable
 *           when done() is called.  What is there and is not in the hive is gone.  The hive is copied.
 *           On success error->text tells what could not be put back as it was (owners, without root), or is empty.
 *           ERR_INVALID_DATA: not the hive of such a source; otherwise as above. */
typedef void source_done(void *data, int r, const struct error *error);
int source_put_back(struct sources *s, struct u16 name, const uint8_t *hive, size_t len, source_done *done, void *data,
    struct source_job **ret, struct error *error);

/* The same of the source of a crypto checkpoint (keys/name.h).  Its content is never in this process: what is taken and put
 * back is a box (seal/box.h).  key: a box_key_write(), in memory for secrets; before: the box that was saved before, or NULL: a
 * capture that finds the same calls back without bytes.  Both are borrowed until then.
 * Also ERR_INVALID_DATA: it is no key, or not a box of this key; ERR_NTE_BAD_KEY: the key may not leave its token; what keys/token.h
 * says of tokens; on one token one job after the other works. */
struct source_key {
	const uint8_t *key;
	const struct buf *before;
};
int source_capture_key(struct sources *s, struct u16 name, const struct source_key *key, source_captured *done,
    void *data, struct source_job **ret, struct error *error);
int source_put_back_key(struct sources *s, struct u16 name, const struct source_key *key, const uint8_t *box,
    size_t len, source_done *done, void *data, struct source_job **ret, struct error *error);

/* The callback comes soon after, with ERR_CANCELLED, or with the outcome if it was decided before.  Of a putting back that is
 * cancelled, either nothing was done or all. */
void source_cancel(struct source_job *job);

/* changed(data) after the source may have changed since the last call, or since the watching began; several changes are told
 * once, SOURCE_WATCH_MS after the first.  It is told once, too, when it could not be seen any more (the source was removed, the
 * kernel's queue ran over): capture, and see.  A source that does not exist (yet) can be watched; putting back is a change
 * like any other.  Watching ends when it is freed, and never by itself.
 * Files can be watched from a moment after the call only: soon after it, and each time that watching has begun again, a
 * change is told, whether there was one or not.  Files that cannot be watched for a while are told when they can again, and
 * the log says why.  ERR_ACCESS_DENIED: no allowed root; ERR_NOT_SUPPORTED: files are not watched here.
 * Watches are freed before the sources. */
enum { SOURCE_WATCH_MS = 500 };
int source_watch(struct sources *s, struct u16 name, loop_callback *changed, void *data, struct source_watch **ret,
    struct error *error);
/* The same of the source of a crypto checkpoint.  ERR_NOT_SUPPORTED also of keys in tokens, which nothing tells about. */
int source_watch_key(struct sources *s, struct u16 name, loop_callback *changed, void *data, struct source_watch **ret,
    struct error *error);
void source_watch_free(struct source_watch *w); /* NULL is allowed. */
