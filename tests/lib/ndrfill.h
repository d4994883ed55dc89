/* ndrfill: valid random values for anything that idl/ describes, so that tests and fuzzers need no list of their own.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim/rng.h"
#include "wire/ndr.h"

struct ndrfill {
	struct arena *arena; /* What the values point to. */
	struct rng *rng;
	bool letters; /* Strings of a-z only, for foreign readers that translate them. */
	bool full;    /* No pointer is NULL. */
};

/* Fill *value, a struct of type->size that is all zeros. */
void ndrfill(struct ndrfill *fill, const struct ndr_type *type, unsigned version, void *value);
