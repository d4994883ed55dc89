/* pace: when a source that changes is saved.
 *
 * Why      what changes now and then is to be safe within seconds; what changes for ever, is large or cannot be saved must not
 *          keep the disks, the log of the cluster and the log that people read busy.
 * How      after a save the next one waits for the gap: twice as long each time, from PACE_GAP_MIN_NS to PACE_GAP_MAX_NS, and
 *          at least PACE_SHARE times what the save took.  A source that was quiet for PACE_CALM gaps begins anew.
 *
 *             change ──► save ── 2 s ── save ── 4 s ── save ── 8 s ── … ── 30 s ── save     while it changes
 *
 * Promise  a change is saved at once or, after others, at most PACE_GAP_MAX_NS after the end of the save before it; one that
 *          is made during a save is saved after it; one that could not be saved is tried again until it is.
 * Threads  none of its own: a value and functions.       Tests  tests/unit/pace.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/pace.h"

void pace_init(struct pace *p, uint64_t now_ns)
{
	*p = (struct pace){ .gap_ns = 0, .began_ns = now_ns, .ended_ns = now_ns };
}

void pace_change(struct pace *p, uint64_t now_ns)
{
	if (p->running) {
		p->again = true;
		return;
	}
	if (!p->dirty && now_ns - p->ended_ns >= PACE_CALM * p->gap_ns)
		p->gap_ns = 0;
	p->dirty = true;
}

uint64_t pace_due_ns(const struct pace *p)
{
	return p->dirty && !p->running ? p->ended_ns + p->gap_ns : UINT64_MAX;
}

void pace_begin(struct pace *p, uint64_t now_ns)
{
	assert(p->dirty && !p->running);
	p->running = true;
	p->again = false;
	p->began_ns = now_ns;
}

bool pace_end(struct pace *p, uint64_t now_ns, bool saved)
{
	uint64_t took = now_ns - p->began_ns;
	bool tell = !saved && !p->told;

	assert(p->running);
	p->running = false;
	p->dirty = p->again || !saved;
	p->told = !saved;
	p->ended_ns = now_ns;
	p->gap_ns = MAX(2 * p->gap_ns, PACE_GAP_MIN_NS);
	p->gap_ns = MIN(MAX(p->gap_ns, PACE_SHARE * took), PACE_GAP_MAX_NS);
	return tell;
}
