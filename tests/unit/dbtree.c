/* The tree of the database against a sorted array.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/entry.h"
#include "cluster/db/tree.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/dbtest.h"

static struct u16 name_of(uint64_t number, char16_t units[8])
{
	for (unsigned i = 0; i < 6; i++)
		units[i] = (char16_t)(u'a' + (number >> (20 - 4 * i) & 15));
	return (struct u16){ units, 6 };
}

static struct object *item_new(uint64_t number)
{
	char16_t units[8];
	struct value *v = value_new(name_of(number, units), &(struct db_value){ .type = (uint32_t)number });

	CHECK(v != NULL);
	return &v->object;
}

/* The invariants of the nodes; returns the number of items. */
static uint64_t check_node(const struct node *n)
{
	uint64_t total = 0;

	CHECK(n->object.kind == OBJECT_NODE);
	CHECK(n->object.used >= 1 && n->object.used <= n->object.capacity && n->object.capacity <= NODE_MAX);
	for (unsigned i = 0; i < n->object.used; i++) {
		if (n->object.height > 0) {
			const struct node *below = (const struct node *)n->slots[i];

			CHECK_INT(below->object.height, n->object.height - 1);
			total += check_node(below);
		} else {
			total++;
		}
	}
	CHECK_INT(n->total, total);
	return total;
}

/* The tree holds exactly the numbers that are present. */
static void check_tree(const struct node *root, const bool *present, uint64_t universe)
{
	size_t index = 0;
	char16_t units[8];

	if (root != NULL)
		(void)check_node(root);
	for (uint64_t i = 0; i < universe; i++) {
		struct object *o = tree_find(root, name_of(i, units));

		CHECK_INT(o != NULL, present[i]);
		if (o == NULL)
			continue;
		CHECK_INT(object_value(o)->type, i);
		CHECK(tree_at(root, index++) == o);
	}
	CHECK_INT(index, tree_count(root));
}

enum { UNIVERSE = 3000 };

struct held {
	struct node *root;
	bool present[UNIVERSE];
};

static bool comes_last(const struct node *root, uint64_t number)
{
	const struct object *last = tree_last(root);

	return last == NULL || ((const struct value *)last)->type < number;
}

static void change(struct node **root, bool *present, uint64_t number)
{
	struct object *old = NULL, *item;
	char16_t units[8];

	if (present[number] && number % 3 != 0) {
		CHECK_INT(tree_remove(root, name_of(number, units), &old), 0);
		CHECK_INT(object_value(old)->type, number);
		present[number] = false;
	} else {
		item = item_new(number);
		if (comes_last(*root, number))
			CHECK_INT(tree_append(root, item), 0);
		else
			CHECK_INT(tree_put(root, item, &old), 0);
		CHECK_INT(old != NULL, present[number]);
		CHECK(old != item);
		present[number] = true;
	}
	object_unref(old);
}

TEST(a_tree_is_a_sorted_set_and_what_is_shared_stays)
{
	for (uint64_t seed = test_seed; seed < test_seed + test_rounds(20); seed++) {
		struct chance c = chance_begin(seed);
		struct held head = { 0 }, *held = calloc(4, sizeof(*held));
		uint64_t begin = 0, width = UNIVERSE;

		for (unsigned step = 0; step < 12000; step++) {
			if (step % 1000 == 0) { /* Grow, shrink and churn in changing places. */
				begin = chance(&c, UNIVERSE);
				width = 1 + chance(&c, UNIVERSE - begin);
			}
			change(&head.root, head.present, begin + chance(&c, width));
			if (chance(&c, 400) == 0) {
				struct held *h = &held[chance(&c, 4)];

				check_tree(h->root, h->present, UNIVERSE);
				object_unref((struct object *)h->root);
				*h = head;
				if (head.root != NULL)
					object_ref(&head.root->object);
			}
		}
		check_tree(head.root, head.present, UNIVERSE);
		for (uint64_t i = 0; i < UNIVERSE; i++) { /* Down to nothing. */
			if (i % 3 == 0 || !head.present[i])
				continue;
			change(&head.root, head.present, i);
		}
		check_tree(head.root, head.present, UNIVERSE);
		for (unsigned i = 0; i < 4; i++) {
			check_tree(held[i].root, held[i].present, UNIVERSE);
			object_unref((struct object *)held[i].root);
		}
		object_unref((struct object *)head.root);
		free(held);
	}
}

TEST(ascending_descending_and_emptied)
{
	enum { COUNT = 40000 };
	bool *present = calloc(COUNT, sizeof(*present));
	struct node *root = NULL;
	struct object *old;
	char16_t units[8];

	for (uint64_t i = 0; i < COUNT; i += 2, present[i - 2] = true)
		CHECK_INT(tree_put(&root, item_new(i), &old), 0);
	for (uint64_t i = COUNT; i-- > 0;) {
		if (i % 2 == 0)
			continue;
		CHECK_INT(tree_put(&root, item_new(i), &old), 0);
		present[i] = true;
	}
	check_tree(root, present, COUNT);
	CHECK(root->object.height >= 2 && root->object.height <= 3);
	for (uint64_t i = 0; i < COUNT; i++) {
		CHECK_INT(tree_remove(&root, name_of(i * 7919 % COUNT, units), &old), 0);
		object_unref(old);
		if (i % 4001 == 0)
			CHECK_INT(check_node(root), COUNT - 1 - i);
	}
	CHECK(root == NULL);
	free(present);
}

TEST(what_is_appended_fills_the_nodes)
{
	enum { COUNT = NODE_MAX * NODE_MAX + 1 };
	static bool present[COUNT];
	struct node *root = NULL;

	CHECK(tree_last(root) == NULL);
	for (uint64_t i = 0; i < COUNT; i++) {
		CHECK_INT(tree_append(&root, item_new(i)), 0);
		present[i] = true;
		CHECK_INT(object_value(tree_last(root))->type, i);
		if (i == COUNT - 2)
			CHECK_INT(root->object.height, 1);
	}
	check_tree(root, present, COUNT);
	CHECK_INT(root->object.height, 2);
	object_unref((struct object *)root);
}

/* Removing nearly everything must not leave a node for each of the few that remain. */
TEST(small_nodes_are_joined)
{
	enum { COUNT = 40000 };
	struct node *root = NULL;
	struct object *old;
	char16_t units[8];

	for (uint64_t i = 0; i < COUNT; i++)
		CHECK_INT(tree_put(&root, item_new(i), &old), 0);
	for (uint64_t i = 0; i < COUNT; i++)
		if (i % 100 != 0) {
			CHECK_INT(tree_remove(&root, name_of(i, units), &old), 0);
			object_unref(old);
		}
	CHECK_INT(check_node(root), COUNT / 100);
	CHECK(root->object.height <= 1);
	object_unref(&root->object);
}

/* A node between two that are too full to take anything from it is emptied and goes. */
TEST(an_empty_node_goes)
{
	enum { COUNT = 1600 };
	struct node *root = NULL;
	struct object *old;
	char16_t names[NODE_MAX][8];
	unsigned nodes, used;

	for (uint64_t i = 0; i < COUNT; i++) /* Half-full nodes … */
		CHECK_INT(tree_put(&root, item_new(i * 4), &old), 0);
	for (uint64_t i = 0; i < COUNT; i++) /* … become fuller. */
		if (i % 8 < 5)
			CHECK_INT(tree_put(&root, item_new(i * 4 + 1), &old), 0);
	CHECK_INT(root->object.height, 1);
	nodes = root->object.used;
	for (unsigned i = nodes / 2 - 1; i <= nodes / 2 + 1; i++)
		CHECK(root->slots[i]->used >= 50);

	used = root->slots[nodes / 2]->used;
	for (unsigned i = 0; i < used; i++)
		memcpy(names[i], object_name(((const struct node *)root->slots[nodes / 2])->slots[i]).units, 12);
	for (unsigned i = 0; i < used; i++) {
		CHECK_INT(tree_remove(&root, (struct u16){ names[i], 6 }, &old), 0);
		object_unref(old);
	}
	CHECK_INT(root->object.used, nodes - 1);
	CHECK_INT(check_node(root), COUNT + COUNT * 5 / 8 - used);
	object_unref(&root->object);
}

/* The first change after a snapshot copies a node on each level, not the whole. */
TEST(the_first_change_after_a_snapshot_copies_little)
{
	enum { COUNT = 100000 };
	struct node *root = NULL, *snapshot;
	struct object *old;
	unsigned copied = 0;

	for (uint64_t i = 0; i < COUNT; i++)
		CHECK_INT(tree_put(&root, item_new(i * 2), &old), 0);
	snapshot = root;
	object_ref(&snapshot->object);
	CHECK_INT(tree_put(&root, item_new(COUNT + 1), &old), 0);
	for (const struct node *a = root, *b = snapshot; a != b;) {
		unsigned i = 0;

		copied += a->object.capacity;
		while (i < a->object.used && i < b->object.used && a->slots[i] == b->slots[i])
			i++;
		if (a->object.height == 0)
			break;
		a = (const struct node *)a->slots[i];
		b = (const struct node *)b->slots[i];
	}
	CHECK(copied <= 4 * NODE_MAX);
	object_unref(&root->object);
	object_unref(&snapshot->object);
}

/* Put the item in, or say -ENOMEM. */
static int try_put(struct node **root, uint64_t number, bool *present)
{
	struct object *old = NULL;
	char16_t units[8];
	struct value *v = value_new(name_of(number, units), &(struct db_value){ .type = (uint32_t)number });
	int r = v == NULL                   ? -ENOMEM
		: comes_last(*root, number) ? tree_append(root, &v->object)
					    : tree_put(root, &v->object, &old);

	if (r < 0) {
		CHECK_INT(r, -ENOMEM);
		free(v);
		return r;
	}
	CHECK_INT(old != NULL, present[number]);
	object_unref(old);
	present[number] = true;
	return 0;
}

/* Sizes at which leaves grow, the root splits, and inner nodes split, with and without a snapshot. */
TEST(without_memory_the_set_stays)
{
	static const unsigned counts[] = { 0, 1, 4, 63, 64, 65, 2111 };
	enum { LARGEST = 2 * 2111 + 2 };

	for (size_t n = 0; n < ARRAY_SIZE(counts); n++) {
		FAIL_EACH_ALLOCATION
		{
			bool present[LARGEST] = { 0 }, held[LARGEST];
			struct node *root = NULL, *snapshot;
			struct object *old;
			char16_t units[8];
			int r = 0;

			for (uint64_t i = 0; i < counts[n] && r == 0; i++)
				r = try_put(&root, 2 * i, present);
			snapshot = root;
			if (root != NULL)
				object_ref(&root->object);
			memcpy(held, present, sizeof(held));
			if (r == 0)
				r = try_put(&root, counts[n] | 1, present);
			if (r == 0)
				r = try_put(&root, counts[n] | 1, present);
			if (r == 0)
				r = try_put(&root, LARGEST - 1, present); /* Comes last. */
			if (r == 0 && counts[n] > 0) {
				r = tree_remove(&root, name_of(counts[n] & ~1u, units), &old);
				if (r == 0) {
					object_unref(old);
					present[counts[n] & ~1u] = false;
				}
			}
			CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
			check_tree(root, present, LARGEST);
			check_tree(snapshot, held, LARGEST);
			object_unref((struct object *)root);
			object_unref((struct object *)snapshot);
		}
	}
}
