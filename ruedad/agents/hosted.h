/* hosted: one resource of this node and its host; see hosted.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/group/state.h"
#include "io/loop.h"
#include "ruedad/agents/hosts.h"
#include "ruedad/agents/runner.h"

enum hosted_state {
	HOSTED_IDLE,     /* There is no host. */
	HOSTED_PUTTING,  /* Its checkpoints are being put back; there is no host yet. */
	HOSTED_STARTING, /* One was asked for, or has been told to start the resource. */
	HOSTED_ONLINE,   /* It says that the resource is online. */
	HOSTED_ENDING,   /* It was told to stop, or has failed; gone() comes. */
	HOSTED_SAVING,   /* It has stopped, its checkpoints are being saved; there is no host any more. */
};

struct hosted {
	struct hosted *next;
	struct hosts *hosts;
	struct guid id;
	enum hosted_state state;
	uint64_t operation; /* The last that was begun; 0: none. */
	uint64_t number;    /* Of the host. */
	bool has_socket;    /* started() has come. */
	uint32_t process;   /* The host's, then. */
	bool within;        /* It needs no host. */
	bool unwanted;      /* PUTTING: it is to stop. */
	struct follow *follow;

	/* How it ended, for the report: a Windows code, and whether it may still be active. */
	uint32_t code;
	bool stuck;
	char text[sizeof(((struct error *)0)->text)];
	char unsaved[sizeof(((struct error *)0)->text)]; /* What could not be saved after it had stopped; or "". */

	/* Of the host that there is. */
	struct host_settings settings; /* As they were told to it. */
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

/* Put back what is saved for it, and ask for a host that starts it. */
void hosted_start(struct hosted *r, struct service *s, uint64_t operation);
/* Ask for a host that ends what is left of it. */
void hosted_clean(struct hosted *r, struct service *s, uint64_t operation);
/* It is about to be stopped because it took too long to start. */
void hosted_time_out(struct hosted *r);
/* Have it stopped; the operation is for the log of the host only. */
void hosted_end(struct hosted *r, struct service *s);
/* Why it failed, and what was not saved. */
void hosted_story(const struct hosted *r, bool failed, char *text, size_t size);
/* At once, whatever it does. */
void hosted_kill(struct hosted *r, struct service *s);
/* Whether it is there, or may yet do something. */
static inline bool hosted_is_busy(const struct hosted *r)
{
	return r->state != HOSTED_IDLE;
}
/* Whether the runner has a host for it, or is asked for one. */
static inline bool hosted_has_host(const struct hosted *r)
{
	return !r->within && (r->state == HOSTED_STARTING || r->state == HOSTED_ONLINE || r->state == HOSTED_ENDING);
}

/* The database has changed: tell the host of intervals and time-outs that are others now. */
void hosted_refresh(struct hosted *r, struct service *s);

/* From the runner. */
void hosted_started(struct hosted *r, struct service *s, uint32_t process);
void hosted_message(struct hosted *r, struct service *s, const struct host_message *m);
void hosted_gone(struct hosted *r, struct service *s, int result, const char *text);

/* Of hosts.c. */
struct service *hosts_service(struct hosts *h);
uint64_t hosts_next_number(struct hosts *h);
