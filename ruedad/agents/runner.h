/* runner: what starts hosts, as hosts.c sees it: the guard, or a simulated one.
 *
 * How      A host is asked for by the resource's id, under a number that the asker has not used before.  Then come, on the
 *          loop and never from inside a call, in this order: started(), messages, and last and once gone().  Or gone()
 *          alone: it could not be started, or was only to be cleaned up.
 * Real     runner_guard.c       Threads  the loop thread.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/guid.h"
#include "host/message.h"

struct runner;

struct runner_events {
	void (*ready)(void *data); /* What an earlier life ran is gone; now something may be asked for. */
	void (*started)(void *data, uint64_t number, uint32_t process);
	void (*message)(void *data, uint64_t number, const struct host_message *m);
	/* result < 0: something of the resource may still be active on this node. */
	void (*gone)(void *data, uint64_t number, int result, const char *text);
	/* All hosts end by themselves now, and nobody will tell; this process is to end, too. */
	void (*lost)(void *data);
};

struct runner_ops {
	/* Who hears of it from now on; NULL: nobody.  Hosts that nobody hears of are none: stop them before. */
	void (*listen)(struct runner *r, const struct runner_events *events, void *data);
	bool (*is_ready)(struct runner *r);
	/* -errno: gone() will not come. */
	int (*start)(struct runner *r, uint64_t number, const struct guid *id, bool clean_only);
	/* Of one that has started; what cannot be sent is lost, and the host with it. */
	void (*send)(struct runner *r, uint64_t number, const struct host_message *m);
	void (*kill)(struct runner *r, uint64_t number);
};

struct runner {
	const struct runner_ops *ops;
};
