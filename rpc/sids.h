/* sids: the SIDs of one login, shared by all that it is copied into.
 *
 * Threads  one at a time for those that share.     Limits  RPC_SIDS_SIZE_MAX.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/sid.h"

enum { RPC_SIDS_SIZE_MAX = 65536 };

struct rpc_sids {
	unsigned refs;
	size_t len;
	uint8_t bytes[]; /* Whole SIDs, one behind the other. */
};

int rpc_sids_new(const uint8_t *bytes, size_t len, struct rpc_sids **ret); /* -ENOMEM, -E2BIG. */
struct rpc_sids *rpc_sids_ref(struct rpc_sids *s);                         /* NULL stays NULL. */
void rpc_sids_unref(struct rpc_sids *s);
bool rpc_sids_equal(const struct rpc_sids *a, const struct rpc_sids *b);
