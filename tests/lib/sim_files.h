/* sim_files: the files and the key material of a simulated node, as sources of checkpoints.
 *
 *	sim_files_init(&f, &service, seed);             before its first start
 *	sim_files_write(&f, "app", 1);                  /data/app holds 1, durably, and who watches it is told
 *	CHECK_INT(sim_files_read(&f, "app"), 1);
 *
 * How      they lie in the directory "files" of the service's second medium.  What priv's processes do in the daemon (take and
 *          put back, encrypt key material) is done here on the workers, so that each call of the disk can fail or be the
 *          last, and everything else can happen between two of them.  A file holds one number, many times over: of one that
 *          is torn or of two moments the test hears.
 *          Random numbers of the cryptography come from the seed: a run is its seed.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim/rng.h"
#include "tests/lib/sim_service.h"

struct sim_files {
	struct sim_service *sim;
	struct sim_file_watch *watches;
	struct rng rng;
	uint64_t taken, put; /* How often; each is asked for by one call of the service. */
};

void sim_files_init(struct sim_files *f, struct sim_service *s, uint64_t seed);
/* The application's own: durable at once, or nothing if the disk is dead. */
void sim_files_write(struct sim_files *f, const char *name, uint32_t number);
uint32_t sim_files_read(struct sim_files *f, const char *name); /* 0: there is none. */
/* For the service itself. */
int sim_files_watch(
    void *files, const char *path, loop_callback *changed, void *data, void **ret, struct error *error);
void sim_files_unwatch(void *watch);
/* The number that content is made of. */
uint32_t sim_files_number(const uint8_t *bytes, size_t len);
