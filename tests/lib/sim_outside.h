/* sim_outside: a simulated node with a cluster, its sources (keys of its own registry, files, key material), and checkpoints
 * of them.
 *
 *	outside_begin(&o, seed);                        a node with a cluster; its resource o.resource is offline
 *	outside_set(&o, U16("SOFTWARE\\App"), 1);       that key holds 1, durably
 *	CHECK_INT(outside_add(&o, U16("SOFTWARE\\App")), 0);
 *	outside_end(&o);
 *
 * What is called a key here is a source of either kind: U16("File\\data\\app") is the file /data/app, and
 * U16("1\\PEM\\/data/app") the same as key material.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/group/state.h"
#include "tests/lib/sim_files.h"
#include "tests/lib/sim_service.h"
#include "wire/command.h"

struct outside {
	struct sim_service sim;
	struct sim_files files;
	struct guid resource; /* A network name in the cluster's group. */
};

void outside_begin(struct outside *o, uint64_t seed);
/* The same with a cluster key, sealed under one of two key pairs: 0 or 1. */
void outside_begin_sealed(struct outside *o, uint64_t seed, unsigned pair);
struct seal_secret outside_public(unsigned pair);
struct seal_secret outside_private(unsigned pair);
/* The cluster key is to be sealed under that pair. */
void outside_send_reseal(struct sim_caller *c, unsigned pair);
void outside_end(struct outside *o); /* The node stops in good order. */
/* The process ends and starts again, and the cluster is up. */
void outside_restart(struct outside *o, enum sim_disk_stop how);

static inline struct service *outside_service(struct outside *o)
{
	return &o->sim.service;
}

/* A disk has stopped, or the service has failed: nothing more happens in this life. */
static inline bool outside_is_over(const struct outside *o)
{
	return sim_service_is_dead(&o->sim) || o->sim.failed;
}

int outside_propose(struct outside *o, struct command command); /* What became of it. */
/* Ask for the resource to be online or offline, and wait for a state. */
void outside_ask(struct outside *o, bool online);
enum resource_state outside_state(struct outside *o);
void outside_wait_state(struct outside *o, enum resource_state state);

/* What a key holds: a number in two values; 0: there is no such key. */
uint32_t outside_number(const struct db_key *key);
void outside_set(struct outside *o, struct u16 key, uint32_t number);
void outside_write(
    struct outside *o, struct u16 key, uint32_t number);          /* The same, but does not wait until it is durable. */
void outside_fill(struct outside *o, struct u16 key, size_t len); /* With a value of that length. */
void outside_remove(struct outside *o, struct u16 key);
uint32_t outside_get(struct outside *o, struct u16 key);

/* 0, or why not; waits until it is done. */
int outside_add(struct outside *o, struct u16 key);
int outside_delete(struct outside *o, struct u16 key);
void outside_forget(struct outside *o, struct u16 key); /* The same, but does not wait. */
/* What is saved for it; false: there is no such checkpoint. */
bool outside_checkpoint(struct outside *o, struct u16 key, struct checkpoint *ret);
/* The number that is in what was saved for a source of this cluster: of the state directory, or of a set. */
uint32_t outside_content(struct outside *o, struct u16 key, const uint8_t *bytes, size_t len);
/* Which number is in the saved state; 0: it cannot be read. */
uint32_t outside_saved(struct outside *o, struct u16 key);
void outside_wait(struct outside *o, const bool *done);
