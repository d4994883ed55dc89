/* failsys: make the nth system call of the code under test fail, be cut short, or be the last.  See failsys.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	FAILSYS_DIES = -1,  /* The process is killed before the call. */
	FAILSYS_SHORT = -2, /* A read or write does half of it. */
};

/* Shared with processes that are forked. */
struct failsys {
	uint64_t left; /* Calls up to that one, counted down; 0: none. */
	int how;       /* errno, or one of the above. */
	/* What would be lost if the power failed: */
	uint64_t dirty[16];      /* Files (inodes) that were changed and not synced. */
	bool directory_is_dirty; /* A name was given to another file, and its directory not synced. */
	char wrong[200];         /* Something was done too early; empty: not so. */
};
extern struct failsys *failsys;

void failsys_begin(uint64_t nth, int how);
/* Calls go through from here on; whether that one was reached. */
bool failsys_end(void);
