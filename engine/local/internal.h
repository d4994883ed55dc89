/* internal: what the parts of the embedded engine share; see local.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/local/append.h"
#include "engine/local/local.h"
#include "engine/local/segments.h"

enum {
	HEAD_MAX = 1024, /* A HEADER record: 510 bytes of name and some 200 of the rest. */
};
enum state { NEW, REPLAYING, OPENING, LIVE, FAILED, STOPPED };

struct proposal {
	struct proposal *next;
	struct engine_id id;
	engine_done *done;
	void *data;
	int result;
	size_t len;
	uint8_t bytes[];
};

struct proposals { /* A queue. */
	struct proposal *first, **end;
};

struct barrier {
	struct barrier *next;
	engine_done *done;
	void *data;
};

struct local {
	struct engine engine;
	struct loop *loop;
	struct disk *disk;
	struct engine_local_options options;
	struct engine_client client;
	enum state state;
	uint64_t incarnation;
	struct segments segments;
	uint64_t shown;
	struct loop_timer *kick;

	struct proposals queue;    /* For the disk. */
	size_t queued;             /* Bytes of them. */
	struct proposals outcomes; /* To be told. */
	struct barrier *barriers;

	struct append append;
	struct proposals in_flight; /* Of append. */
	bool appending;

	struct disk_file *spare; /* NULL: none yet. */
	struct disk_file *spare_made;
	bool sparing;
	int spare_result;
	uint64_t spare_retry_ns;

	uint64_t trim_to, trim_first;
	bool trimming;
	int trim_result;

	uint8_t *read_bytes;
	size_t read_len;
	uint64_t read_first;
	bool reading;
	int read_result;

	struct error error;
	bool failure_told, stopping, closing, closed;
	void (*stopped)(void *data);
	void *stopped_data;
};

/* local.c */

static inline void proposals_init(struct proposals *q)
{
	q->first = NULL;
	q->end = &q->first;
}

void proposals_push(struct proposals *q, struct proposal *p);
struct proposal *proposals_pop(struct proposals *q); /* NULL: it is empty. */
void local_set_state(struct local *l, enum state to);
void local_kick(struct local *l);                                       /* on_kick() runs soon. */
void local_settle(struct local *l, struct proposals *from, int result); /* All of them are to be told this. */
void local_fail(struct local *l, int code, const char *what);
/* Start a job on a worker; without memory for that the engine fails. */
bool local_work(struct local *l, bool *running, loop_callback *run, loop_callback *done);
void local_show(struct local *l, const struct engine_event *event);
void local_show_event(struct local *l, uint64_t index, const struct quolog_event *e);

/* commit.c */

size_t local_reserve(const struct local *l);
void local_open(struct local *l);          /* OPENING: write the events of a start.  May have to be called again. */
void local_send_commands(struct local *l); /* LIVE, and no batch on its way. */

/* replay.c */

void local_replay(struct local *l); /* REPLAYING: show the next segment, or go on to OPENING. */
void local_trim_next(struct local *l);
