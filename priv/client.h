/* client: how ruedad asks priv; see client.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/disk.h"
#include "io/loop.h"
#include "priv/message.h"
#include "priv/patience.h"

struct priv_client;

/* What to open, and as whom. */
struct priv_open {
	enum priv_request_type type;
	const char *path; /* Absolute, from ruedad/path.h. */
	bool may_create;  /* Only with PRIV_OPEN_BACKUP. */
	uint32_t uid, gid;
	const uint32_t *groups;
	size_t group_count;
	/* Somebody who came over the network: priv finds out who that is here, and the above is not looked at.  NULL: a local
	 * caller. */
	const char *remote;
	bool is_principal; /* Of Kerberos; else an account of NTLM. */
	/* How long opening it may be waited for (only the cancelling counts: priv has limits of its own), and then each step in it.
	 * NULL: for ever. */
	const struct patience *patience;
};

/* An open directory.  The disk is the directory as the caller sees it, under the names of a backup set only
 * (priv/names.c); free it to close the directory, at the latest before the client. */
struct priv_directory {
	struct disk *disk;
	bool created;         /* By this call, with mode 0700, and durably. */
	uint32_t owner, mode; /* uid, permission bits: mode & 077 deserves a warning. */
};

/* Takes the socket over, also when it fails.  lost(data) is called on the loop once if priv ends; the process should end
 * then.  answer_seconds: what has not been answered so long after it was asked is ERR_TIMEOUT, and the log tells that priv stands
 * still; more than priv gives itself to open something (PRIV_PATIENCE_SECONDS more will do). */
enum { PRIV_PATIENCE_SECONDS = 5 };
int priv_client_new(
    int socket, struct loop *loop, unsigned answer_seconds, loop_callback *lost, void *data, struct priv_client **ret);
/* Whoever still waits is told ERR_CANCELLED: blocking callers before this returns, the others by their callbacks on the
 * loop, which must therefore still run. */
void priv_client_free(struct priv_client *c);

/* For workers: waits for the answer.  Errors: those of priv/directory.h, ERR_BUSY, ERR_TIMEOUT, ERR_CANCELLED, -EINVAL (a
 * limit of priv/message.h is broken), -EPIPE (priv is gone), -ENOMEM, each with its story. */
int priv_open(struct priv_client *c, const struct priv_open *what, struct priv_directory *ret, struct error *e);

/* A file or directory, taken or put back: see capture/tree.h.  With a key, key material: see keys.h. */
struct priv_tree {
	bool puts;
	const char *path; /* Absolute; or a PKCS #11 URI, with a key. */
	struct buf *hive; /* What is put back; or what was taken is appended here.  With a key: a box (seal/box.h). */
	/* A box_key_write(), in memory for secrets; or NULL.  And the box that was saved before: if what is taken is the same,
	 * nothing is appended.  NULL: none was. */
	const uint8_t *key;
	const struct buf *before;
	size_t hive_max;  /* Bytes of it that are taken. */
	int cancel_fd;    /* Readable as soon as nobody waits any more, whatever priv does; or -1. */
	unsigned seconds; /* How long it may take once the place is open. */
};

/* For workers.  Errors: those of priv_open(), priv/roots.h and capture/tree.h.  On success after putting back, *e has the
 * story of what could not be as it was, or code 0. */
int priv_tree(struct priv_client *c, const struct priv_tree *what, struct error *e);

/* priv_open(), answered on the loop.  On success (result 0) the directory is the callback's.  A negative result of the call
 * itself means that the callback will not be called. */
typedef void priv_opened(void *data, int result, const struct priv_directory *directory, const struct error *e);
int priv_open_async(struct priv_client *c, const struct priv_open *what, priv_opened *callback, void *data);

/* A new process that watches files: a socket, which is the callback's on success (result 0), that speaks watch.h.  Answered as
 * priv_open_async() is. */
typedef void priv_watching(void *data, int result, int socket, const struct error *e);
int priv_watch_async(struct priv_client *c, priv_watching *callback, void *data);
