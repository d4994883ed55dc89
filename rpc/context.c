/* context: context handles: the 20 bytes by which a client names an object of a server between calls.
 *
 * Why      handles come from clients, so they are hostile input: each is checked against the group, the interface and
 *          the type that it was made for, and a stale or forged one is a fault, never a pointer.
 * How      attributes u32 = 0 | slot u32 | serial u32 | nonce u64.  The slot is an index into the group's table, the
 *          serial makes each use of it different, the nonce makes handles of another server (or of this one before its
 *          restart) foreign.  The table grows; free slots are a list; all operations take constant time.
 * Promise  A handle that was closed or run down is never valid again (serials repeat after 4 billion handles).
 * Not kept secrecy: handles are worth nothing outside of the group, and groups are checked by identity.
 * Threads  the loop's.     Limits  handles_per_group, handles_per_client.
 * Source   C706 5.1.6, MS-RPCE 3.1.1.5.3.2.2.2 (strict context handles)     Tests  tests/unit/rpc_handles.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/context.h"
#include "rpc/server_private.h"

bool rpc_handle_is_null(const struct rpc_handle *h)
{
	static const struct rpc_handle null;

	return memcmp(h, &null, sizeof(null)) == 0;
}

static int grow(struct rpc_association *a)
{
	size_t limit = a->server->limits.handles_per_group;
	uint32_t capacity = (uint32_t)MIN(MAX((size_t)a->slot_capacity * 2, (size_t)16), limit);
	struct rpc_context_slot *slots;

	if (a->slot_count == limit)
		return ERR_TOO_MANY_OPEN_FILES;
	if (a->slot_count < a->slot_capacity)
		return 0;
	slots = realloc(a->slots, capacity * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	a->slots = slots;
	a->slot_capacity = capacity;
	return 0;
}

static uint32_t take_slot(struct rpc_association *a)
{
	uint32_t index = a->first_free - 1;

	if (a->first_free == 0)
		index = a->slot_count++;
	else
		a->first_free = a->slots[index].next_free;
	a->slots_used++;
	a->account->handles++;
	a->server->stats.handles++;
	return index;
}

static void give_back(struct rpc_association *a, struct rpc_context_slot *slot)
{
	slot->type = NULL;
	slot->object = NULL;
	slot->next_free = a->first_free;
	a->first_free = (uint32_t)(slot - a->slots) + 1;
	a->slots_used--;
	a->account->handles--;
	a->server->stats.handles--;
}

int rpc_handle_new(
    struct rpc_call *call, const struct rpc_handle_type *type, void *object, uint32_t access, struct rpc_handle *ret)
{
	struct rpc_association *a = call->association;
	struct rpc_handle h = { 0 };
	uint32_t index;
	int r;

	if (a->connections == 0)
		return ERR_RPC_S_CALL_FAILED;
	if (a->account->handles >= a->server->limits.handles_per_client)
		return ERR_TOO_MANY_OPEN_FILES;
	if (a->first_free == 0) {
		r = grow(a);
		if (r < 0)
			return r;
	}
	index = take_slot(a);
	a->slots[index] = (struct rpc_context_slot){
		.type = type,
		.interface = call->interface,
		.object = object,
		.access = access,
		.serial = ++a->server->last_serial,
	};
	put_le32(h.bytes + 4, index);
	put_le32(h.bytes + 8, a->slots[index].serial);
	put_le64(h.bytes + 12, a->server->nonce);
	*ret = h;
	return 0;
}

static struct rpc_context_slot *find(
    struct rpc_call *call, const struct rpc_handle *h, const struct rpc_handle_type *type)
{
	struct rpc_association *a = call->association;
	uint32_t index = get_le32(h->bytes + 4);
	struct rpc_context_slot *slot;

	if (get_le32(h->bytes) != 0 || get_le64(h->bytes + 12) != a->server->nonce || index >= a->slot_count)
		return NULL;
	slot = &a->slots[index];
	if (slot->type == NULL || slot->serial != get_le32(h->bytes + 8))
		return NULL;
	if (slot->interface != call->interface || (type != NULL && slot->type != type))
		return NULL;
	return slot;
}

int rpc_handle_find(
    struct rpc_call *call, const struct rpc_handle *h, const struct rpc_handle_type *type, struct rpc_handle_value *ret)
{
	const struct rpc_context_slot *slot = find(call, h, type);

	if (slot == NULL)
		return ERR_INVALID_HANDLE;
	*ret = (struct rpc_handle_value){ .type = slot->type, .object = slot->object, .access = slot->access };
	return 0;
}

int rpc_handle_close(
    struct rpc_call *call, struct rpc_handle *h, const struct rpc_handle_type *type, struct rpc_handle_value *ret)
{
	struct rpc_context_slot *slot = find(call, h, type);

	if (slot == NULL)
		return ERR_INVALID_HANDLE;
	*ret = (struct rpc_handle_value){ .type = slot->type, .object = slot->object, .access = slot->access };
	give_back(call->association, slot);
	*h = (struct rpc_handle){ 0 };
	return 0;
}

void rpc_association_run_down(struct rpc_association *a)
{
	for (uint32_t i = 0; i < a->slot_count; i++) {
		const struct rpc_handle_type *type = a->slots[i].type;
		void *object = a->slots[i].object;

		if (type == NULL)
			continue;
		give_back(a, &a->slots[i]);
		if (type->rundown != NULL)
			type->rundown(object);
	}
}
