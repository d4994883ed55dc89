/* throttle: addresses from which logins fail have to wait.  See throttle.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/server.h"

enum { THROTTLE_ADDRESSES = 256, THROTTLE_FREE = 3, THROTTLE_MOST_S = 60, THROTTLE_QUIET_S = 60, THROTTLE_FORGET_S = 300 };

struct throttle_entry {
	uint8_t address[RPC_ADDRESS_SIZE]; /* Of IPv6, the network of 64 bits. */
	unsigned failures;                 /* 0: unused. */
	unsigned unlogged;
	uint64_t last_ns, until_ns, logged_ns;
};

struct throttle { /* All zeros to begin with. */
	struct throttle_entry entries[THROTTLE_ADDRESSES];
};

/* Must that address wait before its next connection? */
bool throttle_blocks(const struct throttle *t, const uint8_t address[RPC_ADDRESS_SIZE], uint64_t now_ns);
/* A login from there has failed.  The number of failures that are to be logged now, this one with those before it that
 * were not; 0: not now. */
unsigned throttle_failed(struct throttle *t, const uint8_t address[RPC_ADDRESS_SIZE], uint64_t now_ns);
