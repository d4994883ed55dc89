/* state: whether network interfaces work, and what that makes of networks.
 *
 * Why      an administrator who sees a resource fail asks the network first; and what one node sees, all must show.
 * How      each node reports its interfaces (report.h), with one command for all of them.  Of a node that is down nothing
 *          is known: its interfaces are Unavailable.  A network's state follows from its interfaces':
 *
 *             no interface, or all Unavailable            Unavailable
 *             two or more Up, and one Unreachable         Partitioned
 *             one Up                                      Up
 *             else: Failed or Unreachable, all that count Down
 *
 * Threads  the loop thread.       Format  docs/formats/runtime.md       Tests  tests/unit/network.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/network/state.h"
#include "cluster/object/object.h"
#include <string.h>

void interface_table_done(struct interface_table *t)
{
	free(t->items);
	*t = (struct interface_table){ 0 };
}

int interface_table_copy(const struct interface_table *t, struct interface_table *ret)
{
	struct interface_run *items = malloc(t->count * sizeof(*items) + 1);

	if (items == NULL)
		return -ENOMEM;
	if (t->count > 0)
		memcpy(items, t->items, t->count * sizeof(*items));
	*ret = (struct interface_table){ items, t->count };
	return 0;
}

/* Where the id is, or belongs. */
static uint32_t place_of(const struct interface_table *t, const struct guid *id)
{
	uint32_t at = 0;

	while (at < t->count && memcmp(t->items[at].id.bytes, id->bytes, sizeof(id->bytes)) < 0)
		at++;
	return at;
}

int interface_table_set(struct interface_table *t, const struct interface_run *run)
{
	uint32_t at = place_of(t, &run->id);
	struct interface_run *grown;

	if (at < t->count && guid_equal(&t->items[at].id, &run->id)) {
		t->items[at] = *run;
		return 0;
	}
	grown = realloc(t->items, (t->count + (size_t)1) * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	t->items = grown;
	memmove(grown + at + 1, grown + at, (t->count - at) * sizeof(*grown));
	grown[at] = *run;
	t->count++;
	return 0;
}

void interface_table_forget_node(struct interface_table *t, uint32_t node)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->count; i++)
		if (t->items[i].node != node)
			t->items[kept++] = t->items[i];
	t->count = kept;
}

void interface_table_save(const struct interface_table *t, struct buf *out)
{
	buf_u32(out, t->count);
	for (uint32_t i = 0; i < t->count; i++) {
		buf_append(out, t->items[i].id.bytes, sizeof(t->items[i].id.bytes));
		buf_u32(out, t->items[i].node);
		buf_u32(out, t->items[i].state);
	}
}

int interface_table_load(struct interface_table *t, struct cursor *c)
{
	enum { SIZE = 16 + 4 + 4 };
	uint32_t count = cursor_u32(c);

	if (count > cursor_left(c) / SIZE) {
		cursor_fail(c);
		return 0;
	}
	t->items = calloc(count + (size_t)1, sizeof(*t->items));
	if (t->items == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct interface_run *new = &t->items[t->count++];
		const uint8_t *id = cursor_bytes(c, sizeof(new->id.bytes));

		if (id != NULL)
			memcpy(new->id.bytes, id, sizeof(new->id.bytes));
		new->node = cursor_u32(c);
		new->state = cursor_u32(c);
		if (new->state > INTERFACE_UP ||
		    (i > 0 && memcmp(new[-1].id.bytes, new->id.bytes, sizeof(new->id.bytes)) >= 0))
			cursor_fail(c);
	}
	return 0;
}

enum interface_state interface_state_of(const struct interface_table *t, const struct db_key *interface)
{
	struct guid id;
	uint32_t at;

	if (!guid_parse(object_id(interface), &id))
		return INTERFACE_UNAVAILABLE;
	at = place_of(t, &id);
	return at < t->count && guid_equal(&t->items[at].id, &id) ? (enum interface_state)t->items[at].state
								  : INTERFACE_UNAVAILABLE;
}

enum network_state network_state_of(const struct interface_table *t, const struct db_key *root, struct u16 network)
{
	unsigned in[INTERFACE_UP + 1] = { 0 };

	for (size_t i = 0; i < object_count(root, OBJECT_INTERFACE); i++) {
		const struct db_key *interface = object_at(root, OBJECT_INTERFACE, i);

		if (u16_equal(object_string(interface, U16("Network")), network))
			in[interface_state_of(t, interface)]++;
	}
	if (in[INTERFACE_UP] >= 2 && in[INTERFACE_UNREACHABLE] > 0)
		return NETWORK_PARTITIONED;
	if (in[INTERFACE_UP] > 0)
		return NETWORK_UP;
	return in[INTERFACE_FAILED] + in[INTERFACE_UNREACHABLE] > 0 ? NETWORK_DOWN : NETWORK_UNAVAILABLE;
}
