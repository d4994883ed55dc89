/* tree: an ordered set of keys or of values by name; a persistent B+ tree.  See tree.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/object.h"

/* A tree is a pointer to its root node, NULL when it is empty. */
static inline size_t tree_count(const struct node *root)
{
	return root != NULL ? root->total : 0;
}

struct object *tree_at(const struct node *root, size_t index);      /* index < tree_count(). */
struct object *tree_find(const struct node *root, struct u16 name); /* NULL: not there. */
struct object *tree_last(const struct node *root);                  /* NULL: it is empty. */

/* Changing, for a tree whose holder is not shared.  -ENOMEM changes nothing that a reader could see. */

/* Insert the item, or put it in the place of the one of that name.  Takes over the caller's reference to item and hands
 * over the one to what it replaced (NULL: nothing). */
int tree_put(struct node **root, struct object *item, struct object **ret_old);
/* The same for an item that comes after all that are there. */
int tree_append(struct node **root, struct object *item);
/* Take the item out; it must be there.  Hands over the reference. */
int tree_remove(struct node **root, struct u16 name, struct object **ret);
/* The place of an item that shall be changed: no node on the way to it is shared any more.  NULL: not there. */
int tree_own(struct node **root, struct u16 name, struct object ***ret);
