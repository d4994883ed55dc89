/* tree: an ordered set of keys or of values by name; a persistent B+ tree.
 *
 * Why      a key may have 100,000 subkeys: neither an insertion nor the first change after a snapshot may copy an array
 *          of that size.  So the array is cut into nodes of up to 64 slots, and nodes of nodes above them.
 * How      leaves hold the items in ascending order, inner nodes hold nodes and the number of items below, which gives
 *          access by index.  There are no separate boundary names: a node begins with its first item.
 *          A change goes down once.  On its way it copies shared nodes, and splits full ones, *before* it enters them:
 *          both leave the set as it is, so that running out of memory there leaves only a tree of another shape; the
 *          change itself is made in a leaf that is ours and has room, and cannot fail.
 *          Items that come in order are appended, without a search, and fill the nodes.
 *          A removal joins nodes that have become small with a neighbour on its way back, if both fit well into one.
 *          Without memory for that they stay apart, which costs nothing but space.
 * Promise  -ENOMEM leaves the set as it was.  The order is u16_compare().
 * Not kept a minimal fill: a node may stay nearly empty between two that are more than half full.
 * Threads  see object.h.          Limits  recursion is as deep as the tree is high: about 5 for a million.
 * Tests    tests/unit/dbtree.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/tree.h"
#include <errno.h>
#include <string.h>

enum {
	NODE_MIN_CAPACITY = 4,
	JOIN_BELOW = NODE_MAX / 4,   /* A node with no more than this looks for a neighbour to join … */
	JOIN_MAX = NODE_MAX * 3 / 4, /* … if they then have no more than this. */
};

static struct node *child(const struct node *n, unsigned i)
{
	assert(n->object.height > 0 && i < n->object.used);
	return (struct node *)n->slots[i];
}

static struct u16 first_name(const struct object *o)
{
	while (o->kind == OBJECT_NODE)
		o = ((const struct node *)o)->slots[0];
	return object_name(o);
}

/* How many slots begin with an item that is not after name; *ret_equal: the last of them begins with name itself. */
static unsigned slots_up_to(const struct node *n, struct u16 name, bool *ret_equal)
{
	unsigned low = 0, high = n->object.used;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		int c = u16_compare(first_name(n->slots[middle]), name);

		if (c == 0) {
			*ret_equal = true;
			return middle + 1;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_equal = false;
	return low;
}

/* The slot of an inner node below which name is, or would be. */
static unsigned slot_of(const struct node *n, struct u16 name)
{
	bool equal;
	unsigned i = slots_up_to(n, name, &equal);

	return i > 0 ? i - 1 : 0;
}

struct object *tree_at(const struct node *root, size_t index)
{
	assert(index < tree_count(root));
	while (root->object.height > 0) {
		unsigned i = 0;

		while (index >= child(root, i)->total)
			index -= child(root, i++)->total;
		root = child(root, i);
	}
	return root->slots[index];
}

struct object *tree_find(const struct node *root, struct u16 name)
{
	bool equal;
	unsigned i;

	if (root == NULL)
		return NULL;
	while (root->object.height > 0)
		root = child(root, slot_of(root, name));
	i = slots_up_to(root, name, &equal);
	return equal ? root->slots[i - 1] : NULL;
}

static struct node *node_new(unsigned height, unsigned capacity)
{
	struct node *n = malloc(sizeof(*n) + capacity * sizeof(n->slots[0]));

	if (n == NULL)
		return NULL;
	object_init(&n->object, OBJECT_NODE);
	n->object.height = (uint8_t)height;
	n->object.capacity = (uint8_t)capacity;
	n->total = 0;
	return n;
}

/* Make the node in *slot one that only *slot holds, with room for more slots. */
static int node_own(struct node **slot, unsigned room)
{
	struct node *old = *slot, *copy;
	unsigned capacity = old->object.capacity;
	bool shared = object_is_shared(&old->object);

	assert(old->object.used + room <= NODE_MAX);
	if (!shared && old->object.used + room <= capacity)
		return 0;
	while (capacity < old->object.used + room)
		capacity *= 2;
	copy = node_new(old->object.height, capacity);
	if (copy == NULL)
		return -ENOMEM;
	copy->object.used = old->object.used;
	copy->total = old->total;
	memcpy(copy->slots, old->slots, old->object.used * sizeof(copy->slots[0]));
	if (shared) {
		for (unsigned i = 0; i < copy->object.used; i++)
			object_ref(copy->slots[i]);
		object_unref(&old->object);
	} else {
		free(old);
	}
	*slot = copy;
	return 0;
}

static void slot_insert(struct node *n, unsigned i, struct object *o)
{
	assert(i <= n->object.used && n->object.used < n->object.capacity);
	memmove(&n->slots[i + 1], &n->slots[i], (n->object.used - i) * sizeof(n->slots[0]));
	n->slots[i] = o;
	n->object.used++;
}

static struct object *slot_remove(struct node *n, unsigned i)
{
	struct object *o = n->slots[i];

	assert(i < n->object.used);
	n->object.used--;
	memmove(&n->slots[i], &n->slots[i + 1], (n->object.used - i) * sizeof(n->slots[0]));
	return o;
}

static uint64_t slot_total(const struct node *n, unsigned i)
{
	return n->object.height > 0 ? child(n, i)->total : 1;
}

/* Move the slots from the given one on to the end of another node of the same height. */
static void slots_move(struct node *from, unsigned begin, struct node *to)
{
	uint64_t total = 0;

	assert(from->object.height == to->object.height);
	for (unsigned i = begin; i < from->object.used; i++) {
		total += slot_total(from, i);
		to->slots[to->object.used++] = from->slots[i];
	}
	assert(to->object.used <= to->object.capacity);
	from->object.used = (uint8_t)begin;
	from->total -= total;
	to->total += total;
}

/* Split the full node in slot i of n, which is ours, into two. */
static int split(struct node **slot, unsigned i)
{
	struct node *right;
	int r;

	r = node_own(slot, 1);
	if (r < 0)
		return r;
	r = node_own((struct node **)&(*slot)->slots[i], 0);
	if (r < 0)
		return r;
	right = node_new(child(*slot, i)->object.height, NODE_MAX);
	if (right == NULL)
		return -ENOMEM;
	slots_move(child(*slot, i), NODE_MAX / 2, right);
	slot_insert(*slot, i + 1, &right->object);
	return 0;
}

/* tree_put() into a node that is not full. */
static int put(struct node **slot, struct object *item, struct object **ret_old)
{
	struct u16 name = object_name(item);
	bool equal;
	unsigned i;
	int r;

	r = node_own(slot, 0);
	if (r < 0)
		return r;
	if ((*slot)->object.height == 0) {
		i = slots_up_to(*slot, name, &equal);
		if (equal) {
			*ret_old = (*slot)->slots[i - 1];
			(*slot)->slots[i - 1] = item;
			return 0;
		}
		r = node_own(slot, 1);
		if (r < 0)
			return r;
		slot_insert(*slot, i, item);
		(*slot)->total++;
		*ret_old = NULL;
		return 0;
	}

	i = slot_of(*slot, name);
	if (child(*slot, i)->object.used == NODE_MAX) {
		r = split(slot, i);
		if (r < 0)
			return r;
		i = slot_of(*slot, name);
	}
	r = put((struct node **)&(*slot)->slots[i], item, ret_old);
	if (r < 0)
		return r;
	(*slot)->total += *ret_old == NULL;
	return 0;
}

int tree_put(struct node **root, struct object *item, struct object **ret_old)
{
	struct node *top;

	if (*root == NULL) {
		top = node_new(0, NODE_MIN_CAPACITY);
		if (top == NULL)
			return -ENOMEM;
		slot_insert(top, 0, item);
		top->total = 1;
		*root = top;
		*ret_old = NULL;
		return 0;
	}
	if ((*root)->object.used == NODE_MAX) {
		/* A root above the full one, with a single slot: put() splits what is below. */
		top = node_new((*root)->object.height + 1u, NODE_MIN_CAPACITY);
		if (top == NULL)
			return -ENOMEM;
		top->total = (*root)->total;
		slot_insert(top, 0, &(*root)->object);
		*root = top;
	}
	return put(root, item, ret_old);
}

/* New nodes, one below the other, with the item at their end: what a node of the given height holds in a slot.  The caller
 * keeps the reference to item if there is no memory. */
static struct object *branch_new(unsigned height, struct object *item)
{
	struct object *branch = item;

	object_ref(item);
	for (unsigned h = 0; h < height; h++) {
		struct node *n = node_new(h, NODE_MIN_CAPACITY);

		if (n == NULL) {
			object_unref(branch);
			return NULL;
		}
		slot_insert(n, 0, branch);
		n->total = 1;
		branch = &n->object;
	}
	object_unref(item); /* It was the second one. */
	return branch;
}

/* 1: appended; 0: the last nodes are all full. */
static int append(struct node **slot, struct object *item)
{
	struct object *branch;
	int r = node_own(slot, 0);

	if (r == 0 && (*slot)->object.height > 0)
		r = append((struct node **)&(*slot)->slots[(*slot)->object.used - 1], item);
	if (r == 0 && (*slot)->object.used < NODE_MAX) {
		r = node_own(slot, 1);
		branch = r == 0 ? branch_new((*slot)->object.height, item) : NULL;
		if (branch == NULL)
			return -ENOMEM;
		slot_insert(*slot, (*slot)->object.used, branch);
		r = 1;
	}
	if (r > 0)
		(*slot)->total++;
	return r;
}

int tree_append(struct node **root, struct object *item)
{
	struct object *branch, *old;
	struct node *top;
	int r;

	if (*root == NULL)
		return tree_put(root, item, &old);
	r = append(root, item);
	if (r != 0)
		return MIN(r, 0);
	top = node_new((*root)->object.height + 1u, NODE_MIN_CAPACITY);
	branch = top != NULL ? branch_new(top->object.height, item) : NULL;
	if (branch == NULL) {
		free(top);
		return -ENOMEM;
	}
	top->total = (*root)->total + 1;
	slot_insert(top, 0, &(*root)->object);
	slot_insert(top, 1, branch);
	*root = top;
	return 0;
}

struct object *tree_last(const struct node *root)
{
	while (root != NULL && root->object.height > 0)
		root = child(root, root->object.used - 1u);
	return root != NULL ? root->slots[root->object.used - 1] : NULL;
}

/* Join the node in slot i of n with a neighbour, if it is small, or drop it, if it is empty. */
static void tidy(struct node *n, unsigned i)
{
	unsigned used = child(n, i)->object.used, left;
	struct node *right;

	if (used == 0) {
		object_unref(slot_remove(n, i));
		return;
	}
	if (used > JOIN_BELOW)
		return;
	if (i > 0 && child(n, i - 1)->object.used + used <= JOIN_MAX)
		left = i - 1;
	else if (i + 1 < n->object.used && child(n, i + 1)->object.used + used <= JOIN_MAX)
		left = i;
	else
		return;
	if (node_own((struct node **)&n->slots[left], child(n, left + 1)->object.used) < 0 ||
	    node_own((struct node **)&n->slots[left + 1], 0) < 0)
		return;
	right = (struct node *)slot_remove(n, left + 1);
	slots_move(right, 0, child(n, left));
	object_unref(&right->object);
}

static int take_out(struct node **slot, struct u16 name, struct object **ret)
{
	bool equal;
	unsigned i;
	int r;

	r = node_own(slot, 0);
	if (r < 0)
		return r;
	if ((*slot)->object.height == 0) {
		i = slots_up_to(*slot, name, &equal);
		assert(equal);
		*ret = slot_remove(*slot, i - 1);
		(*slot)->total--;
		return 0;
	}
	i = slot_of(*slot, name);
	r = take_out((struct node **)&(*slot)->slots[i], name, ret);
	if (r < 0)
		return r;
	(*slot)->total--;
	tidy(*slot, i);
	return 0;
}

int tree_remove(struct node **root, struct u16 name, struct object **ret)
{
	int r;

	assert(*root != NULL);
	r = take_out(root, name, ret);
	if (r < 0)
		return r;
	while (
	    *root != NULL && (*root)->object.used <= 1 && ((*root)->object.height > 0 || (*root)->object.used == 0)) {
		struct node *top = *root;

		*root = top->object.used == 1 ? (struct node *)slot_remove(top, 0) : NULL;
		object_unref(&top->object);
	}
	return 0;
}

int tree_own(struct node **root, struct u16 name, struct object ***ret)
{
	bool equal;
	unsigned i;
	int r;

	if (*root == NULL) {
		*ret = NULL;
		return 0;
	}
	for (;;) {
		r = node_own(root, 0);
		if (r < 0)
			return r;
		if ((*root)->object.height == 0)
			break;
		root = (struct node **)&(*root)->slots[slot_of(*root, name)];
	}
	i = slots_up_to(*root, name, &equal);
	*ret = equal ? &(*root)->slots[i - 1] : NULL;
	return 0;
}
