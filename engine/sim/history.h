/* history: the one ordered list of events behind all nodes of a simulated engine.  See sim.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "engine/engine.h"

struct history {
	struct engine_event **events; /* Each owns the bytes behind it. */
	size_t count, capacity;
	uint64_t base; /* Index before the first event that is kept. */
};

void history_done(struct history *h);
uint64_t history_last(const struct history *h);
/* Copies; the index is given here.  Returns it. */
uint64_t history_append(struct history *h, const struct engine_event *event);
const struct engine_event *history_at(const struct history *h, uint64_t index); /* base < index <= last. */
void history_trim(struct history *h, uint64_t index);
