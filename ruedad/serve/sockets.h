/* sockets: the listening sockets of TCP, opened by the process that may.  See sockets.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include <netinet/in.h>

enum { SOCKETS_ADDRESSES_MAX = 8 };

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct sockets_wanted {
	const char *addresses;   /* "off", "any", or numbers: sockets_parse_addresses(). */
	uint16_t port;           /* 0: the kernel chooses one, the same for all addresses. */
	uint16_t mapper_port;    /* 0: no endpoint mapper. */
	bool mapper_is_optional; /* Go on without it if its port is taken or not for us. */
};

struct sockets {
	unsigned services, mappers; /* How many, in this order. */
	int fds[2 * SOCKETS_ADDRESSES_MAX];
};

/* How many addresses; 0 for "off"; -EINVAL; -E2BIG.  Ports are 0. */
int sockets_parse_addresses(const char *text, union socket_address ret[SOCKETS_ADDRESSES_MAX]);

/* Bound and listening, close-on-exec.  On failure *e tells the story. */
int sockets_open(const struct sockets_wanted *wanted, struct sockets *ret, struct error *e);
void sockets_close(struct sockets *s);
/* Of a bound socket. */
int sockets_port(int fd, uint16_t *ret);
