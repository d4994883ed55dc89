/* identity: who a process is, and how it becomes less; see identity.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include <linux/capability.h>

/* Of who takes and puts back files of anybody: to read and write them, to give them their owner, mode and attributes. */
#define IDENTITY_FILES                                                                                                 \
	(UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_FOWNER | UINT64_C(1) << CAP_CHOWN |                      \
	    UINT64_C(1) << CAP_FSETID | UINT64_C(1) << CAP_SETFCAP)

struct identity {
	uint32_t uid, gid;
	uint32_t group_count;
	const uint32_t *groups; /* Borrowed. */
};

/* Become id for good: groups, gid, uid, all of them; no capability is left unless uid is 0.  Needs CAP_SETUID and
 * CAP_SETGID. */
int identity_become(const struct identity *id);

/* No program that is started can gain rights (set-uid bits, file capabilities). */
int identity_no_new_privileges(void);

/* No program that is started from here on can have capabilities that are not in the mask (1 << CAP_…).  Where the process
 * may not say so, no_new_privileges has to do. */
int identity_bound_capabilities(uint64_t mask);

/* Keep only those of the process's own capabilities that are in the mask. */
int identity_keep_capabilities(uint64_t mask);

/* Die with this signal when the parent does; -ECHILD if parent is not the parent any more. */
int identity_follow_parent(int parent, int signal);
