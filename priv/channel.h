/* channel: packets over a local socket, each with at most one descriptor.
 *
 * Why      a descriptor that nobody asked for must not stay open in a process that lives long, and a packet that was cut
 *          must not be read as a shorter one.
 * How      SOCK_SEQPACKET keeps the bounds of packets.  Received descriptors are close-on-exec; more than one, or a cut
 *          packet, closes them all and is -EBADMSG.
 * Threads  all functions.      Tests  tests/unit/priv_channel.c
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* Two connected ends, close-on-exec. */
int channel_pair(int ret_ends[2]);

enum channel_flags {
	CHANNEL_NO_WAIT = 1, /* -EAGAIN instead of waiting. */
};

/* One packet of len > 0 bytes, with a descriptor unless fd < 0; the descriptor stays the caller's.  -EPIPE: the other end
 * is gone. */
int channel_send(int socket, const void *data, size_t len, int fd, unsigned flags);
/* The length of a packet (and its descriptor or -1 in *ret_fd; -EMFILE: one came, and this process may have no more), 0 at the
 * end; -EBADMSG as said above. */
int channel_receive(int socket, void *data, size_t size, int *ret_fd, unsigned flags);
