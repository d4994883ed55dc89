/* sim_set: what the backup sets of a simulated node hold of its sources, read and proven.  All of it checks.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "quolog/header.h"
#include "tests/lib/sim_outside.h"

/* The numbers that a set has for these sources, 0 for none; false: there is no set.  Every checkpoint that it names is in it,
 * whole, and nothing else; its key material opens with what is sealed in the set, and that with one of the two private keys.
 * ret_header: NULL is allowed. */
bool sim_set_read(struct outside *o, struct disk *disk, const struct u16 *names, size_t count, uint32_t *ret,
    struct quolog_header *ret_header);
/* The same of the newest safety copy below the state directory, which may lack what was damaged. */
bool sim_set_read_safety_copy(struct outside *o, const struct u16 *names, size_t count, uint32_t *ret);
/* With which of outside_private() the header's cluster key opens: exactly one. */
unsigned sim_set_pair(const struct quolog_header *h);
