/* links: the network links of this machine and their addresses, and word of it when they change; real or simulated.
 *
 * Why      the daemon makes networks and interfaces of them; where they come from is no business of the cluster's.
 * How      links_list() says what there is at this moment.  changed() comes on the loop after something about links or
 *          addresses may have changed: at once, often, and perhaps for nothing; who listens waits for a pause.
 * Real     io/linux/links.c (rtnetlink).     Tests  tests/integration/networks.py
 * Threads  the loop thread.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { LINK_NAME_MAX = 15, LINKS_MAX = 4096, LINK_ADDRESSES_MAX = 4096 };

struct link_address {
	int link;                /* Its number. */
	unsigned family, prefix; /* 4 or 6; bits of the subnet. */
	uint8_t bytes[16];       /* The first four of IPv4; the rest is zero. */
	bool dynamic;            /* Given for a time. */
	bool secondary;          /* IPv4: another one of the same subnet was there before. */
};

struct link {
	int number;
	char name[LINK_NAME_MAX + 1];
	uint8_t hardware[32]; /* Its address. */
	size_t hardware_len;
	bool loopback;
	bool up; /* Switched on, and whoever is at the other end is there as far as the link can tell. */
};

struct link_list {
	struct link *links;
	struct link_address *addresses; /* Without those that are temporary, or that another machine has. */
	size_t link_count, address_count;
};

static inline void link_list_done(struct link_list *l)
{
	free(l->links);
	free(l->addresses);
	*l = (struct link_list){ 0 };
}

struct links;

struct links_ops {
	int (*list)(struct links *l, struct link_list *ret);
	void (*watch)(struct links *l, void (*changed)(void *data), void *data);
	uint64_t (*speed)(struct links *l, const char *name);
	void (*free)(struct links *l);
};

struct links {
	const struct links_ops *ops;
};

/* -ENOMEM, -errno, -EAGAIN: they changed all the time; -EOVERFLOW: too many.  ret is to be ended by link_list_done(). */
static inline int links_list(struct links *l, struct link_list *ret)
{
	return l->ops->list(l, ret);
}
/* One listener; NULL: none any more. */
static inline void links_watch(struct links *l, void (*changed)(void *data), void *data)
{
	l->ops->watch(l, changed, data);
}
/* How fast the link of that name is now, in bits per second; 0: it is not there, is down, or cannot tell. */
static inline uint64_t links_speed(struct links *l, const char *name)
{
	return l->ops->speed(l, name);
}
static inline void links_free(struct links *l)
{
	if (l != NULL)
		l->ops->free(l);
}
