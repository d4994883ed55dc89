/* object: see object.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/object.h"

/* Drop a reference; if it was the last, free what holds nothing, and put what holds others on the list. */
static void drop(struct object *o, struct object **dead)
{
	if (o == NULL)
		return;
	if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
		return;
	switch ((enum object_kind)o->kind) {
	case OBJECT_VALUE:
	case OBJECT_SECURITY:
		free(o);
		return;
	case OBJECT_KEY:
		((struct db_key *)o)->dead = *dead;
		break;
	case OBJECT_NODE:
		((struct node *)o)->dead = *dead;
		break;
	}
	*dead = o;
}

void object_unref(struct object *o)
{
	struct object *dead = NULL;

	drop(o, &dead);
	while (dead != NULL) {
		o = dead;
		if (o->kind == OBJECT_KEY) {
			struct db_key *key = object_key(o);

			dead = key->dead;
			drop((struct object *)key->keys, &dead);
			drop((struct object *)key->values, &dead);
			drop((struct object *)key->security, &dead);
		} else {
			struct node *node = (struct node *)o;

			dead = node->dead;
			for (unsigned i = 0; i < o->used; i++)
				drop(node->slots[i], &dead);
		}
		free(o);
	}
}
