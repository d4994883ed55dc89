/* sim_service: the whole service of one node on a simulated loop and simulated disks, and callers that speak MS-CMRP to it
 * without sockets.
 *
 *	sim_service_init(&s, seed);
 *	sim_service_up(&s, &error);                     a process starts
 *	sim_caller_connect(&c, &s, &clusapi_interface, 3);
 *	sim_caller_send(&c, CLUSAPI_GET_ROOT_KEY, &in);
 *	… sim_loop_step(s.world) …
 *	if (sim_caller_answer(&c, &out)) …
 *	sim_caller_disconnect(&c);
 *	sim_service_down(&s, SIM_DISK_POWER_CUT);       it ends, in whatever state it is
 *
 * How      two media: one holds the state directory, the other two directories for backup sets, "/sets/a" and "/sets/b".  Workers and
 *          the loop interleave at every call of both.  What is a process with the caller's rights in the daemon (priv) is
 *          here a view of the second medium.  The node has a registry of its own, so registry checkpoints of its keys can be
 *          taken and put back; of files it has what the test makes of them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"
#include "ruedad/service.h"
#include "sim/disk.h"
#include "sim/loop.h"
#include "tests/lib/rpc_peer.h"
#include "wire/ndr.h"

enum { SIM_CALLERS_MAX = 8 };

struct priv_tree;
struct sim_files;

struct sim_service {
	struct loop *world; /* Keeps the time while the node is down. */
	struct rng rng;
	struct sim_disk *state, *sets;
	struct config config;
	struct guid boot;              /* Another one after each power cut. */
	struct runner *runner;         /* Given; or NULL. */
	void (*handling)(bool begins); /* Given, or NULL: the service is called, has returned. */
	/* Takes and puts back files, on a worker; NULL: there are none. */
	int (*tree)(struct sim_service *s, const struct priv_tree *what, struct error *error);
	struct sim_files *files; /* Which it is told of, if there are some. */
	uint64_t opened;         /* How many directories of sets have been opened. */
	uint64_t open_ns;        /* How long opening one takes. */
	uint64_t asked, refuse;  /* How often something was asked of what is priv in the daemon; the one that is refused. */

	/* While it runs: */
	bool running, failed, stopped;
	struct error why; /* It has failed. */
	struct loop *loop;
	struct rpc_server *rpc;
	struct rpc_interface interfaces[3];
	struct service service;
	struct sim_caller *callers[SIM_CALLERS_MAX]; /* Connected. */
	struct sim_caller *sending;
};

struct sim_caller {
	struct sim_service *service; /* NULL: not connected. */
	struct peer peer;
	const struct ndr_interface *interface;
	unsigned version;
	bool waiting;
	uint16_t opnum;
	uint32_t call_id;
	struct rpc_call *call; /* While it waits. */
	struct arena arena;    /* Of the last answer. */
};

/* config is the text of rueda.conf. */
void sim_service_init(struct sim_service *s, uint64_t seed, const char *config);
void sim_service_done(struct sim_service *s); /* Down first. */
/* 0, or what service_start() said; then sim_service_down() is due all the same. */
int sim_service_up(struct sim_service *s, struct error *error);
bool sim_service_is_dead(const struct sim_service *s); /* A disk has stopped. */
/* Ask it to stop; s->stopped says when it has. */
void sim_service_stop(struct sim_service *s);
/* The end of the process, with the power or without.  All callers are disconnected, whatever they wait for. */
void sim_service_down(struct sim_service *s, enum sim_disk_stop how);
/* A disk for the test's own looks at a directory of sets.  Between the two calls nothing else may happen. */
struct disk *sim_service_look(struct sim_service *s, const char *name);
void sim_service_looked(struct sim_service *s, struct disk *disk);

void sim_caller_connect(
    struct sim_caller *c, struct sim_service *s, const struct ndr_interface *interface, unsigned version);
void sim_caller_disconnect(struct sim_caller *c);
void sim_caller_send(struct sim_caller *c, unsigned opnum, const void *in);
/* True once the answer is there; *out is the method's out structure, valid until the next answer.  A fault is told as a
 * status.  False while it waits. */
bool sim_caller_answer(struct sim_caller *c, void *out, uint32_t *ret_status);
