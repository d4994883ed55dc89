/* pace: when a source that changes is saved; see pace.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

#define PACE_GAP_MIN_NS UINT64_C(2000000000)
#define PACE_GAP_MAX_NS UINT64_C(30000000000)
enum { PACE_CALM = 4, PACE_SHARE = 4 };

struct pace {
	bool dirty;   /* There may be something that has not been saved. */
	bool running; /* It is being saved. */
	bool again;   /* It has changed since that began. */
	bool told;    /* That saving it fails: not said again before it has succeeded. */
	uint64_t gap_ns, began_ns, ended_ns;
};

void pace_init(struct pace *p, uint64_t now_ns);
void pace_change(struct pace *p, uint64_t now_ns); /* The source may have changed. */
uint64_t pace_due_ns(const struct pace *p);        /* When it is to be saved; UINT64_MAX: there is nothing to do. */
void pace_begin(struct pace *p, uint64_t now_ns);  /* It is dirty and not running. */
bool pace_end(struct pace *p, uint64_t now_ns, bool saved); /* True: a failure that somebody should hear of. */
