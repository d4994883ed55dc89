/* tree: taking and putting back files, both ends of the conversation; see tree.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "capture/tree.h"

enum { TREE_PACKET_MAX = 2048 };

/* The child's: serve one request about this place, and return. */
int files_serve(int socket, const struct tree_place *place, bool puts);

/* ruedad's.  fd: where the hive is, or shall be, size bytes of it, or at most so many; it is lent.  cancel_fd: readable
 * as soon as nobody waits any more; -1.  *ret_size: of the hive that was taken; *told: files_put()'s. */
struct tree_request {
	int socket, fd, cancel_fd;
	uint64_t size;
	unsigned seconds; /* How long it may take. */
};
int files_ask(const struct tree_request *q, uint64_t *ret_size, struct error *told, struct error *error);
