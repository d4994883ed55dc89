/* reader: a hive in memory, shown key by key to a visitor.
 *
 * Why      restore and the start of a node read files that anybody may have had in his hands.  The reader is the gate:
 *          what passes it is a well-formed tree within the limits.
 * How      cells.c checks the ground and lets every cell be used once.  The walk keeps its own stack of levels.  When a
 *          key is entered its values are collected, checked and shown, then its subkeys are collected and checked, their
 *          order included, and put on one stack of offsets from which the walk goes on:
 *
 *              offsets:  | subkeys of the root … | subkeys of its nth … | … | values of the key being entered |
 *
 * Promise  what the visitor sees is a tree: every key ends, depth, names, lengths and order are within the limits of
 *          hive.h, names are unique among siblings.  The work is O(length of the hive · log); a descriptor is shown as
 *          often as keys use it, always at the same address.
 * Not read hashes, longest-… fields, reference counts and the ring of descriptors, cells that nothing refers to: what is
 *          shown does not depend on them (tests/lint/hivelint.py checks them).  Security descriptors are not looked into.
 *          Refused, although others write them: dirty hives, versions before 1.3, volatile, linked and predefined keys,
 *          '\' and zero in names of keys.
 * Threads  all, each on its own hive.
 * Limits   those of hive.h.  Memory: 1/32 of the hive for the map of cells, 4 bytes for each subkey on the way down, the
 *          longest value that lies in segments, about 120 KiB.
 * Format   docs/formats/hive.md          Tests  tests/unit/hive_read.c, tests/fuzz/hive.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/cells.h"

/* A name as its record has it. */
struct raw_name {
	const uint8_t *bytes;
	size_t len; /* In units. */
	bool latin1;
};

struct level {
	size_t first, next, end; /* Its subkeys in offsets: where they begin, the one to visit next, their end. */
};

struct reader {
	struct cells cells;
	bool foreign;
	const struct hive_visitor *visitor;
	size_t depth;
	struct level levels[HIVE_DEPTH_MAX];
	struct buf offsets;  /* uint32_t in the order of the host. */
	struct buf big_data; /* A value put together from its segments. */
	char16_t name[HIVE_VALUE_NAME_MAX];
	char16_t class_name[HIVE_CLASS_MAX];
};

static char16_t unit_at(const struct raw_name *n, size_t i)
{
	return n->latin1 ? n->bytes[i] : get_le16(n->bytes + 2 * i);
}

static int compare_names(const struct raw_name *a, const struct raw_name *b)
{
	size_t common = MIN(a->len, b->len);

	for (size_t i = 0; i < common; i++) {
		char16_t x = unit_at(a, i), y = unit_at(b, i);

		if (x == y)
			continue;
		x = utf16_upcase(x);
		y = utf16_upcase(y);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return a->len == b->len ? 0 : a->len < b->len ? -1 : 1;
}

static struct u16 decode_name(struct reader *r, struct raw_name n)
{
	assert(n.len <= ARRAY_SIZE(r->name));
	if (n.latin1)
		for (size_t i = 0; i < n.len; i++)
			r->name[i] = n.bytes[i];
	else
		for (size_t i = 0; i < n.len; i++)
			r->name[i] = get_le16(n.bytes + 2 * i);
	return (struct u16){ r->name, n.len };
}

/* The names of records that have been checked. */
static struct raw_name key_name(const struct reader *r, uint32_t offset)
{
	const uint8_t *nk = cells_data(&r->cells, offset);
	bool latin1 = get_le16(nk + NK_FLAGS) & NK_LATIN1;

	return (struct raw_name){ nk + NK_NAME, get_le16(nk + NK_NAME_LEN) / (latin1 ? 1u : 2u), latin1 };
}

static struct raw_name value_name(const struct reader *r, uint32_t offset)
{
	const uint8_t *vk = cells_data(&r->cells, offset);
	bool latin1 = get_le16(vk + VK_FLAGS) & VK_LATIN1;

	return (struct raw_name){ vk + VK_NAME, get_le16(vk + VK_NAME_LEN) / (latin1 ? 1u : 2u), latin1 };
}

/* Take the record of a key and check what is in itself; parent is REGF_NONE for the root. */
static int check_key(struct reader *r, uint32_t offset, uint32_t parent)
{
	struct raw_name name;
	unsigned flags, len;
	struct cell nk;
	int e;

	e = cells_take(&r->cells, offset, NK_NAME, "a key", &nk);
	if (e < 0)
		return e;
	flags = get_le16(nk.data + NK_FLAGS);
	len = get_le16(nk.data + NK_NAME_LEN);
	if (memcmp(nk.data, "nk", 2) != 0)
		return cells_damaged(&r->cells, offset, "a key should begin here");
	if (flags & (NK_VOLATILE | NK_HIVE_EXIT | NK_SYMBOLIC_LINK | NK_PREDEFINED))
		return cells_damaged(&r->cells, offset, "a key is volatile, a link or predefined, which no backup has");
	if (parent != REGF_NONE && get_le32(nk.data + NK_PARENT) != parent)
		return cells_damaged(&r->cells, offset, "a key belongs to another parent");
	if (len == 0 || len > nk.len - NK_NAME || (!(flags & NK_LATIN1) && len % 2 != 0))
		return cells_damaged(&r->cells, offset, "the length of a key's name is impossible");
	name = key_name(r, offset);
	if (name.len > HIVE_KEY_NAME_MAX)
		return cells_damaged(&r->cells, offset, "a key's name has more than 255 units");
	for (size_t i = 0; i < name.len; i++)
		if (unit_at(&name, i) == 0 || unit_at(&name, i) == '\\')
			return cells_damaged(&r->cells, offset, "a key's name contains '\\' or zero");
	return 0;
}

static int check_value(struct reader *r, uint32_t offset)
{
	struct cell vk;
	unsigned len;
	bool latin1;
	int e;

	e = cells_take(&r->cells, offset, VK_NAME, "a value", &vk);
	if (e < 0)
		return e;
	len = get_le16(vk.data + VK_NAME_LEN);
	latin1 = get_le16(vk.data + VK_FLAGS) & VK_LATIN1;
	if (memcmp(vk.data, "vk", 2) != 0)
		return cells_damaged(&r->cells, offset, "a value should begin here");
	if (len > vk.len - VK_NAME || (!latin1 && len % 2 != 0))
		return cells_damaged(&r->cells, offset, "the length of a value's name is impossible");
	if (value_name(r, offset).len > HIVE_VALUE_NAME_MAX)
		return cells_damaged(&r->cells, offset, "a value's name has more than 16383 units");
	return 0;
}

/* The stack of offsets. */
static uint32_t *items(struct reader *r)
{
	return (uint32_t *)(void *)r->offsets.data;
}

static size_t item_count(const struct reader *r)
{
	return r->offsets.len / sizeof(uint32_t);
}

static int push(struct reader *r, uint32_t offset)
{
	buf_append(&r->offsets, &offset, sizeof(offset));
	return r->offsets.error == 0 ? 0 : error_set_code(r->cells.error, -ENOMEM, "reading a hive");
}

static void pop_to(struct reader *r, size_t first)
{
	r->offsets.len = first * sizeof(uint32_t);
}

struct siblings {
	const struct reader *reader;
	struct raw_name (*name)(const struct reader *r, uint32_t offset);
};

static int compare_siblings(const void *a, const void *b, void *data)
{
	const struct siblings *s = data;
	struct raw_name x = s->name(s->reader, *(const uint32_t *)a), y = s->name(s->reader, *(const uint32_t *)b);

	return compare_names(&x, &y);
}

/* See to it that the items from first on ascend; returns an error if they cannot. */
static int order(struct reader *r, size_t first, struct siblings *s, const char *what)
{
	size_t count = item_count(r) - first;
	uint32_t *item = items(r) + first;
	bool sorted = false;

	for (size_t i = 1; i < count; i++) {
		if (compare_siblings(&item[i - 1], &item[i], s) < 0)
			continue;
		if (!r->foreign || sorted)
			return cells_damaged(&r->cells, item[i], what);
		qsort_r(item, count, sizeof(*item), compare_siblings, s);
		sorted = true;
		i = 0; /* Look again: two may be the same. */
	}
	return 0;
}

/* Put the values of a key on the stack. */
static int collect_values(struct reader *r, const uint8_t *nk)
{
	uint32_t count = get_le32(nk + NK_VALUE_COUNT);
	struct siblings siblings = { r, value_name };
	size_t first = item_count(r);
	struct cell list;
	int e;

	if (count == 0)
		return 0;
	e = cells_take(
	    &r->cells, get_le32(nk + NK_VALUE_LIST), (uint64_t)count * sizeof(uint32_t), "a list of values", &list);
	if (e < 0)
		return e;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t offset = get_le32(list.data + i * sizeof(uint32_t));

		e = check_value(r, offset);
		if (e >= 0)
			e = push(r, offset);
		if (e < 0)
			return e;
	}
	return order(r, first, &siblings, "the values of a key are not in order, or two have the same name");
}

static int collect_leaf(struct reader *r, uint32_t parent, uint32_t offset, const struct cell *leaf)
{
	size_t item_len = memcmp(leaf->data, "li", 2) == 0 ? 4 : 8;
	unsigned count = get_le16(leaf->data + LIST_COUNT);
	int e = 0;

	if (item_len == 8 && memcmp(leaf->data, "lh", 2) != 0 && memcmp(leaf->data, "lf", 2) != 0)
		return cells_damaged(&r->cells, offset, "a list of subkeys should begin here");
	if (count == 0 || count * item_len > leaf->len - LIST_ITEMS)
		return cells_damaged(&r->cells, offset, "the length of a list of subkeys is impossible");
	for (unsigned i = 0; i < count && e >= 0; i++) {
		uint32_t key = get_le32(leaf->data + LIST_ITEMS + i * item_len);

		e = check_key(r, key, parent);
		if (e >= 0)
			e = push(r, key);
	}
	return e;
}

/* Put the subkeys of a key on the stack. */
static int collect_children(struct reader *r, uint32_t key)
{
	const uint8_t *nk = cells_data(&r->cells, key);
	uint32_t count = get_le32(nk + NK_SUBKEY_COUNT), offset = get_le32(nk + NK_SUBKEY_LIST);
	struct siblings siblings = { r, key_name };
	size_t first = item_count(r);
	struct cell list, leaf;
	int e;

	if (count == 0)
		return 0;
	e = cells_take(&r->cells, offset, LIST_ITEMS, "a list of subkeys", &list);
	if (e < 0)
		return e;
	if (memcmp(list.data, "ri", 2) == 0) {
		unsigned leaf_count = get_le16(list.data + LIST_COUNT);

		if (leaf_count * sizeof(uint32_t) > list.len - LIST_ITEMS)
			return cells_damaged(&r->cells, offset, "the length of an index of subkeys is impossible");
		for (unsigned i = 0; i < leaf_count && e >= 0; i++) {
			uint32_t at = get_le32(list.data + LIST_ITEMS + i * sizeof(uint32_t));

			e = cells_take(&r->cells, at, LIST_ITEMS, "a list of subkeys", &leaf);
			if (e >= 0)
				e = collect_leaf(r, key, at, &leaf);
		}
	} else {
		e = collect_leaf(r, key, offset, &list);
	}
	if (e < 0)
		return e;
	if (item_count(r) - first != count)
		return cells_damaged(&r->cells, key, "a key has another number of subkeys than it says");
	return order(r, first, &siblings, "the subkeys of a key are not in order, or two have the same name");
}

/* Put the segments of a long value together in r->big_data. */
static int read_big_data(struct reader *r, uint32_t offset, const struct cell *db, uint32_t len)
{
	uint32_t count = (len + REGF_SEGMENT_LEN - 1) / REGF_SEGMENT_LEN;
	struct cell list, segment;
	int e;

	if (r->cells.minor < REGF_MINOR_BIG_DATA || len <= REGF_SEGMENT_LEN || db->len < DB_LEN ||
	    memcmp(db->data, "db", 2) != 0 || get_le16(db->data + DB_COUNT) != count)
		return cells_damaged(
		    &r->cells, offset, "the data of a value does not have the length that the value says");
	e = cells_take(
	    &r->cells, get_le32(db->data + DB_LIST), (uint64_t)count * sizeof(uint32_t), "a list of segments", &list);
	if (e < 0)
		return e;
	r->big_data.len = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t n = MIN(len - i * REGF_SEGMENT_LEN, (uint32_t)REGF_SEGMENT_LEN);

		e = cells_take(
		    &r->cells, get_le32(list.data + i * sizeof(uint32_t)), n, "a segment of a value", &segment);
		if (e < 0)
			return e;
		buf_append(&r->big_data, segment.data, n);
	}
	return r->big_data.error == 0 ? 0 : error_set_code(r->cells.error, -ENOMEM, "reading a value of %u bytes", len);
}

static int show_value(struct reader *r, uint32_t offset)
{
	const uint8_t *vk = cells_data(&r->cells, offset);
	struct hive_value value = { .type = get_le32(vk + VK_TYPE), .data = vk + VK_DATA };
	uint32_t len = get_le32(vk + VK_DATA_LEN), at = get_le32(vk + VK_DATA);
	int e;

	if (len & REGF_INLINE) {
		len &= ~REGF_INLINE;
		if (len > REGF_INLINE_MAX)
			return cells_damaged(&r->cells, offset, "the length of a value's data is impossible");
	} else if (len > 0) {
		struct cell cell;

		e = cells_take(&r->cells, at, 0, "the data of a value", &cell);
		if (e >= 0 && len > cell.len)
			e = read_big_data(r, at, &cell, len);
		if (e < 0)
			return e;
		value.data = len > cell.len ? r->big_data.data : cell.data;
	}
	value.len = len;
	value.name = decode_name(r, value_name(r, offset));
	return r->visitor->value(r->visitor->data, &value);
}

static int show_values(struct reader *r, const uint8_t *nk)
{
	size_t first = item_count(r);
	int e;

	e = collect_values(r, nk);
	for (size_t i = first; i < item_count(r) && e >= 0; i++)
		e = show_value(r, items(r)[i]);
	pop_to(r, first);
	return e;
}

static int read_security(struct reader *r, uint32_t offset, struct hive_key *key)
{
	struct cell sk;
	bool first;
	int e;

	if (offset == REGF_NONE)
		return 0;
	e = cells_take_shared(&r->cells, offset, SK_DESCRIPTOR, "a security descriptor", &sk, &first);
	if (e < 0)
		return e;
	key->security = sk.data + SK_DESCRIPTOR;
	key->security_len = get_le32(sk.data + SK_LEN);
	if (memcmp(sk.data, "sk", 2) != 0)
		return cells_damaged(&r->cells, offset, "a security descriptor should begin here");
	if (key->security_len > sk.len - SK_DESCRIPTOR || key->security_len > HIVE_SECURITY_MAX)
		return cells_damaged(&r->cells, offset, "the length of a security descriptor is impossible");
	return 0;
}

static int read_class(struct reader *r, const uint8_t *nk, struct hive_key *key)
{
	unsigned len = get_le16(nk + NK_CLASS_LEN);
	uint32_t offset = get_le32(nk + NK_CLASS);
	struct cell cell;
	int e;

	if (len == 0)
		return 0;
	if (len % 2 != 0)
		return cells_damaged(&r->cells, offset, "the length of a class is impossible");
	e = cells_take(&r->cells, offset, len, "the class of a key", &cell);
	if (e < 0)
		return e;
	for (unsigned i = 0; i < len / 2; i++)
		r->class_name[i] = get_le16(cell.data + 2 * i);
	key->class_name = (struct u16){ r->class_name, len / 2 };
	return 0;
}

/* Show the key, which has been checked, and its values, and get its subkeys ready to be visited. */
static int enter(struct reader *r, uint32_t offset)
{
	const uint8_t *nk = cells_data(&r->cells, offset);
	struct level *l = &r->levels[r->depth];
	struct hive_key key = { .time = get_le64(nk + NK_TIME) };
	int e;

	if (r->depth == HIVE_DEPTH_MAX)
		return cells_damaged(&r->cells, offset, "keys are nested deeper than 512 levels");
	e = read_security(r, get_le32(nk + NK_SECURITY), &key);
	if (e >= 0)
		e = read_class(r, nk, &key);
	if (e < 0)
		return e;
	key.name = decode_name(r, key_name(r, offset));
	e = r->visitor->key_begin(r->visitor->data, &key);
	if (e >= 0)
		e = show_values(r, nk);
	if (e < 0)
		return e;
	l->first = item_count(r);
	e = collect_children(r, offset);
	if (e < 0)
		return e;
	l->next = l->first;
	l->end = item_count(r);
	r->depth++;
	return 0;
}

static int walk(struct reader *r)
{
	int e;

	e = check_key(r, r->cells.root, REGF_NONE);
	if (e >= 0)
		e = enter(r, r->cells.root);
	while (e >= 0 && r->depth > 0) {
		struct level *l = &r->levels[r->depth - 1];

		if (l->next < l->end) {
			e = enter(r, items(r)[l->next++]);
		} else {
			pop_to(r, l->first);
			r->depth--;
			e = r->visitor->key_end(r->visitor->data);
		}
	}
	return MIN(e, 0);
}

static void reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	cells_done(&r->cells);
	buf_done(&r->offsets);
	buf_done(&r->big_data);
	free(r);
}
DEFINE_FREEP(struct reader, reader_free)

int hive_read(const void *data, size_t len, unsigned flags, const struct hive_visitor *visitor, struct error *error)
{
	_cleanup_(reader_freep) struct reader *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return error_set_code(error, -ENOMEM, "reading a hive");
	r->foreign = flags & HIVE_FOREIGN;
	r->visitor = visitor;
	e = cells_read_base(&r->cells, data, len, r->foreign, error);
	if (e >= 0)
		e = cells_init(&r->cells);
	return e < 0 ? e : walk(r);
}

int hive_read_time(const void *data, size_t len, uint64_t *ret, struct error *error)
{
	struct cells cells;
	int e;

	/* Bytes behind the last bin do not change the time. */
	e = cells_read_base(&cells, data, len, /* foreign= */ true, error);
	if (e < 0)
		return e;
	*ret = cells.filetime;
	return 0;
}
