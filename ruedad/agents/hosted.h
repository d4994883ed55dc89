/* hosted: one resource of this node and its host; see hosted.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/group/state.h"
#include "io/loop.h"
#include "ruedad/agents/hosts.h"
#include "ruedad/agents/runner.h"

enum hosted_state {
	HOSTED_IDLE,     /* There is no host. */
	HOSTED_STARTING, /* One was asked for, or has been told to start the resource. */
	HOSTED_ONLINE,   /* It says that the resource is online. */
	HOSTED_ENDING,   /* It was told to stop, or has failed; gone() comes. */
};

struct hosted {
	struct hosted *next;
	struct hosts *hosts;
	struct guid id;
	enum hosted_state state;
	uint64_t operation; /* The last that was begun; 0: none. */
	uint64_t number;    /* Of the host. */
	bool has_socket;    /* started() has come. */

	/* How it ended, for the report: a Windows code, and whether it may still be active. */
	uint32_t code;
	bool stuck;
	char text[sizeof(((struct error *)0)->text)];

	/* Of the host that there is, as the database was when it started. */
	uint32_t pending_ms, deadlock_ms;
	bool kill_deadlocked;
	struct loop_timer *timer; /* Pings, and the end of patience. */
	uint64_t heard_ns;        /* When it last said something. */
	uint64_t deadline_ns;     /* Of ENDING; UINT64_MAX: none. */

	/* Reports: one at a time. */
	unsigned reports;
	uint64_t refused; /* Operation and sequence of a report that was refused: it is not made again. */
	uint32_t refused_sequence;
};

struct service;

int hosted_new(struct hosts *h, const struct guid *id, struct service *s, struct hosted **ret);
void hosted_free(struct hosted *r);

/* Ask for a host that starts it, or one that ends what is left of it (clean). */
void hosted_start(struct hosted *r, struct service *s, uint64_t operation, bool clean);
/* Have it stopped; the operation is for the log of the host only. */
void hosted_end(struct hosted *r, struct service *s);

/* From the runner. */
void hosted_started(struct hosted *r, struct service *s);
void hosted_message(struct hosted *r, struct service *s, const struct host_message *m);
void hosted_gone(struct hosted *r, struct service *s, int result, const char *text);

/* Of hosts.c. */
struct service *hosts_service(struct hosts *h);
uint64_t hosts_next_number(struct hosts *h);
