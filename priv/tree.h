/* tree: taking and putting back files, both ends of the conversation; see tree.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "capture/tree.h"

enum { TREE_PACKET_MAX = 2048 };

/* The child's: serve one request by doing this work, and return.  fd: ruedad's, where what is put back is, size bytes of it, or
 * where what is taken shall be, at most so many.  For keys (priv/keys.h): a box_key_write(), and how many bytes of the box
 * that was saved before are in fd when one is taken. */
struct tree_job {
	int fd;
	uint64_t size, before;
	const uint8_t *key; /* NULL: there is none. */
	const struct tree_steps *steps;
};
typedef int tree_work(
    void *data, const struct tree_job *job, uint64_t *ret_taken, struct error *told, struct error *error);
int tree_serve(int socket, tree_work *work, void *data);
/* What is in a file, on the heap. */
int tree_read(int fd, size_t size, uint8_t **ret);

/* The work on files: capture/tree.h. */
struct tree_files {
	struct tree_place place;
	bool puts;
};
int tree_work_files(
    void *data, const struct tree_job *job, uint64_t *ret_taken, struct error *told, struct error *error);

/* ruedad's.  The request as above; fd is lent.  cancel_fd: readable as soon as nobody waits any more; -1.  *ret_size: of what
 * was taken, 0 if a key is what it was before; *told: files_put()'s. */
struct tree_request {
	int socket, cancel_fd;
	struct tree_job job; /* Without steps. */
	unsigned seconds;    /* How long it may take. */
};
int tree_ask(const struct tree_request *q, uint64_t *ret_size, struct error *told, struct error *error);
