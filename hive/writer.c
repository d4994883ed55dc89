/* writer: a snapshot of a registry as a hive file, in one pass.
 *
 * Why      chk????.tmp, *.CPT and the engine's checkpoints are hives.  They are written while the cluster works, so the
 *          writer takes a tree of any size from its caller key by key and needs no copy of it.
 * How      each key's record is written when the key begins, because its subkeys must name it, and written again with
 *          its counts and lists when the key ends:
 *
 *              nk (root)  sk  vk vk …  value list  nk (child) … nk (child) …  lh lh …  ri       nk (root) again
 *
 *          What a key collects until then are the offsets of its values (of one key at a time, since values come before
 *          subkeys) and the offset and hash of each subkey so far (of all open keys, on one stack).  The base block,
 *          without which nothing is a hive, is written last, after a sync of everything else.
 * Promise  the same calls give the same bytes.  A file is a valid hive only if hive_writer_finish() came to its base
 *          block, whatever fails or is cut off before.
 * Not kept hives that Windows would refuse: nobody looks into the security descriptors here, and a key without any
 *          gets none.
 * Threads  one.
 * Limits   those of hive.h.  Memory: the buffer of bins.c, about 300 KiB for the open keys, 8 bytes for each finished
 *          subkey of an open key, 4 for each value of the last, and the table of security.c.
 * Format   docs/formats/hive.md          Tests  tests/unit/hive.c, tests/interop/hives.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/security.h"

/* A key that has begun and not ended. */
struct level {
	uint32_t cell;
	size_t first_child;  /* Where its pairs begin in children. */
	uint8_t nk[NK_NAME]; /* Its record up to the name, to be written again at its end. */
	size_t last_child_len;
	char16_t last_child[HIVE_KEY_NAME_MAX];
};

struct hive_writer {
	struct bins bins; /* bins.error is the writer's. */
	struct security security;
	uint32_t root;
	bool finished;
	size_t depth;
	struct level levels[HIVE_DEPTH_MAX];
	struct buf children; /* Pairs of an lh record, of all open keys. */
	struct buf values;   /* Items of a value list, of the last open key. */
	struct buf list;     /* Of leaves or of segments. */
	size_t last_value_len;
	char16_t last_value[HIVE_VALUE_NAME_MAX];
	uint8_t name[2 * HIVE_VALUE_NAME_MAX]; /* As the record has it. */
};

int hive_writer_new(const struct hive_sink *sink, uint64_t filetime, struct hive_writer **ret)
{
	_cleanup_(hive_writer_freep) struct hive_writer *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		return -ENOMEM;
	r = bins_init(&w->bins, sink, filetime);
	if (r < 0)
		return r;
	w->root = REGF_NONE;
	*ret = TAKE_PTR(w);
	return 0;
}

void hive_writer_free(struct hive_writer *w)
{
	if (w == NULL)
		return;
	bins_done(&w->bins);
	security_done(&w->security);
	buf_done(&w->children);
	buf_done(&w->values);
	buf_done(&w->list);
	free(w);
}

/* The first error is the one that sticks. */
static int fail(struct hive_writer *w, int error)
{
	if (w->bins.error == 0)
		w->bins.error = error;
	return w->bins.error;
}

static struct level *top(struct hive_writer *w)
{
	return w->depth > 0 ? &w->levels[w->depth - 1] : NULL;
}

static void put_larger_le32(void *p, size_t v)
{
	if (v > get_le32(p))
		put_le32(p, (uint32_t)v);
}

/* Put the name into w->name, one byte a unit if that is enough; returns the length in bytes. */
static size_t encode_name(struct hive_writer *w, struct u16 name, bool *ret_latin1)
{
	char16_t all = 0;

	for (size_t i = 0; i < name.len; i++)
		all |= name.units[i];
	*ret_latin1 = all < 0x100;
	for (size_t i = 0; i < name.len; i++) {
		if (*ret_latin1)
			w->name[i] = (uint8_t)name.units[i];
		else
			put_le16(w->name + 2 * i, name.units[i]);
	}
	return *ret_latin1 ? name.len : 2 * name.len;
}

static uint32_t hash_name(struct u16 name)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < name.len; i++)
		hash = hash * 37 + utf16_upcase(name.units[i]);
	return hash;
}

/* May the name follow the one kept in (last, last_len)?  If so it is kept instead. */
static bool follow(char16_t *last, size_t *last_len, bool first, struct u16 name)
{
	if (!first && u16_compare((struct u16){ last, *last_len }, name) >= 0)
		return false;
	if (name.len > 0)
		memcpy(last, name.units, name.len * sizeof(char16_t));
	*last_len = name.len;
	return true;
}

/* The values of the key are complete: write their list. */
static void end_values(struct hive_writer *w, struct level *l)
{
	uint32_t cell;

	if (w->values.error != 0)
		(void)fail(w, w->values.error);
	if (w->values.len == 0 || w->bins.error != 0)
		return;
	cell = bins_cell(&w->bins, w->values.len);
	bins_put(&w->bins, w->values.data, w->values.len);
	put_le32(l->nk + NK_VALUE_COUNT, (uint32_t)(w->values.len / sizeof(uint32_t)));
	put_le32(l->nk + NK_VALUE_LIST, cell);
	w->values.len = 0;
}

static uint32_t write_class(struct hive_writer *w, struct u16 class_name)
{
	uint32_t cell = bins_cell(&w->bins, 2 * class_name.len);

	for (size_t i = 0; i < class_name.len; i++) {
		char16_t unit = htole16(class_name.units[i]);

		bins_put(&w->bins, &unit, sizeof(unit));
	}
	return cell;
}

static bool key_is_allowed(const struct hive_writer *w, const struct hive_key *key)
{
	return !w->finished && (w->depth > 0 || w->root == REGF_NONE) && w->depth < HIVE_DEPTH_MAX &&
	       key->name.len > 0 && key->name.len <= HIVE_KEY_NAME_MAX && !u16_has_unit(key->name, 0) &&
	       !u16_has_unit(key->name, '\\') && key->class_name.len <= HIVE_CLASS_MAX &&
	       key->security_len <= HIVE_SECURITY_MAX;
}

/* Open a level for the key and write its record as far as it is known. */
static struct level *push(struct hive_writer *w, const struct hive_key *key)
{
	struct level *l = &w->levels[w->depth];
	bool latin1;
	size_t name_len = encode_name(w, key->name, &latin1);
	unsigned flags = (latin1 ? NK_LATIN1 : 0) | (w->depth == 0 ? NK_HIVE_ENTRY | NK_NO_DELETE : 0);

	memset(l->nk, 0, sizeof(l->nk));
	memcpy(l->nk, "nk", 2);
	put_le16(l->nk + NK_FLAGS, (uint16_t)flags);
	put_le64(l->nk + NK_TIME, key->time);
	put_le32(l->nk + NK_PARENT, w->depth > 0 ? w->levels[w->depth - 1].cell : REGF_NONE);
	put_le32(l->nk + NK_SUBKEY_LIST, REGF_NONE);
	put_le32(l->nk + NK_VOLATILE_LIST, REGF_NONE);
	put_le32(l->nk + NK_VALUE_LIST, REGF_NONE);
	put_le32(l->nk + NK_SECURITY, REGF_NONE);
	put_le32(l->nk + NK_CLASS, REGF_NONE);
	put_le16(l->nk + NK_NAME_LEN, (uint16_t)name_len);
	put_le16(l->nk + NK_CLASS_LEN, (uint16_t)(2 * key->class_name.len));
	l->cell = bins_cell(&w->bins, NK_NAME + name_len);
	bins_put(&w->bins, l->nk, NK_NAME);
	bins_put(&w->bins, w->name, name_len);
	w->depth++;
	return l;
}

int hive_key_begin(struct hive_writer *w, const struct hive_key *key)
{
	struct level *parent = top(w), *l;

	if (w->bins.error != 0)
		return w->bins.error;
	if (!key_is_allowed(w, key))
		return fail(w, -EINVAL);
	if (parent != NULL) {
		bool first = w->children.len == parent->first_child;

		if (!follow(parent->last_child, &parent->last_child_len, first, key->name))
			return fail(w, -EINVAL);
		put_larger_le32(parent->nk + NK_LONGEST_SUBKEY_NAME, 2 * key->name.len);
		put_larger_le32(parent->nk + NK_LONGEST_SUBKEY_CLASS, 2 * key->class_name.len);
		end_values(w, parent);
	}
	l = push(w, key);
	if (parent != NULL) {
		buf_u32(&w->children, l->cell);
		buf_u32(&w->children, hash_name(key->name));
		if (w->children.error != 0)
			return fail(w, w->children.error);
	} else {
		w->root = l->cell;
	}
	l->first_child = w->children.len;
	if (key->security_len > 0)
		put_le32(l->nk + NK_SECURITY, security_add(&w->security, &w->bins, key->security, key->security_len));
	if (key->class_name.len > 0)
		put_le32(l->nk + NK_CLASS, write_class(w, key->class_name));
	return w->bins.error;
}

/* Data that is longer than a segment: the segments, the list of their cells, and the record that counts them. */
static uint32_t write_big_data(struct hive_writer *w, const uint8_t *data, size_t len)
{
	size_t count = (len + REGF_SEGMENT_LEN - 1) / REGF_SEGMENT_LEN;
	uint8_t db[DB_LEN] = "db";
	uint32_t cell;

	assert(count <= UINT16_MAX);
	w->list.len = 0;
	for (size_t at = 0; at < len && w->bins.error == 0; at += REGF_SEGMENT_LEN) {
		size_t n = MIN(len - at, (size_t)REGF_SEGMENT_LEN);

		/* Readers exist that take a cell's length less 8 for the length of its data. */
		buf_u32(&w->list, bins_cell(&w->bins, n + REGF_SEGMENT_SPARE));
		bins_put(&w->bins, data + at, n);
	}
	if (w->list.error != 0 || w->bins.error != 0) {
		(void)fail(w, w->list.error);
		return REGF_NONE;
	}
	cell = bins_cell(&w->bins, w->list.len);
	bins_put(&w->bins, w->list.data, w->list.len);
	put_le16(db + DB_COUNT, (uint16_t)count);
	put_le32(db + DB_LIST, cell);
	cell = bins_cell(&w->bins, sizeof(db));
	bins_put(&w->bins, db, sizeof(db));
	return cell;
}

/* Fill in where the data of a value is: nowhere else, in a cell, or in several. */
static void write_data(struct hive_writer *w, const struct hive_value *value, uint8_t *vk)
{
	if (value->len <= REGF_INLINE_MAX) {
		put_le32(vk + VK_DATA_LEN, (uint32_t)value->len | REGF_INLINE);
		if (value->len > 0)
			memcpy(vk + VK_DATA, value->data, value->len);
		return;
	}
	put_le32(vk + VK_DATA_LEN, (uint32_t)value->len);
	if (value->len > REGF_SEGMENT_LEN) {
		put_le32(vk + VK_DATA, write_big_data(w, value->data, value->len));
		return;
	}
	put_le32(vk + VK_DATA, bins_cell(&w->bins, value->len));
	bins_put(&w->bins, value->data, value->len);
}

int hive_value(struct hive_writer *w, const struct hive_value *value)
{
	struct level *l = top(w);
	uint8_t vk[VK_NAME] = "vk";
	size_t name_len;
	bool latin1;

	if (w->bins.error != 0)
		return w->bins.error;
	if (l == NULL || w->children.len > l->first_child || value->name.len > HIVE_VALUE_NAME_MAX)
		return fail(w, -EINVAL);
	if (value->len > HIVE_VALUE_MAX)
		return fail(w, -EFBIG);
	if (!follow(w->last_value, &w->last_value_len, w->values.len == 0, value->name))
		return fail(w, -EINVAL);

	write_data(w, value, vk);
	name_len = encode_name(w, value->name, &latin1);
	put_le16(vk + VK_NAME_LEN, (uint16_t)name_len);
	put_le32(vk + VK_TYPE, value->type);
	put_le16(vk + VK_FLAGS, latin1 && name_len > 0 ? VK_LATIN1 : 0);
	buf_u32(&w->values, bins_cell(&w->bins, sizeof(vk) + name_len));
	if (w->values.error != 0)
		return fail(w, w->values.error);
	bins_put(&w->bins, vk, sizeof(vk));
	bins_put(&w->bins, w->name, name_len);
	put_larger_le32(l->nk + NK_LONGEST_VALUE_NAME, 2 * value->name.len);
	put_larger_le32(l->nk + NK_LONGEST_VALUE_DATA, value->len);
	return w->bins.error;
}

static uint32_t write_list(struct hive_writer *w, const char *signature, const void *items, size_t len, size_t count)
{
	uint8_t head[LIST_ITEMS];
	uint32_t cell = bins_cell(&w->bins, sizeof(head) + len);

	assert(count <= UINT16_MAX);
	memcpy(head, signature, 2);
	put_le16(head + LIST_COUNT, (uint16_t)count);
	bins_put(&w->bins, head, sizeof(head));
	bins_put(&w->bins, items, len);
	return cell;
}

/* The subkeys of the key are complete: write their leaves, and an index if there are several. */
static void end_children(struct hive_writer *w, struct level *l)
{
	enum { PAIR = 2 * sizeof(uint32_t) };
	size_t count = (w->children.len - l->first_child) / PAIR;
	uint32_t cell = REGF_NONE;

	w->list.len = 0;
	for (size_t i = 0; i < count && w->bins.error == 0; i += REGF_LEAF_MAX) {
		size_t n = MIN(count - i, (size_t)REGF_LEAF_MAX);

		cell = write_list(w, "lh", w->children.data + l->first_child + i * PAIR, n * PAIR, n);
		buf_u32(&w->list, cell);
	}
	if (w->list.error != 0)
		(void)fail(w, w->list.error);
	if (count > REGF_LEAF_MAX && w->bins.error == 0)
		cell = write_list(w, "ri", w->list.data, w->list.len, w->list.len / sizeof(uint32_t));
	put_le32(l->nk + NK_SUBKEY_COUNT, (uint32_t)count);
	put_le32(l->nk + NK_SUBKEY_LIST, cell);
	w->children.len = l->first_child;
}

int hive_key_end(struct hive_writer *w)
{
	struct level *l = top(w);

	if (w->bins.error != 0)
		return w->bins.error;
	if (l == NULL)
		return fail(w, -EINVAL);
	end_values(w, l);
	end_children(w, l);
	bins_patch(&w->bins, l->cell, 0, l->nk, sizeof(l->nk));
	w->depth--;
	return w->bins.error;
}

static int write_base_block(struct hive_writer *w)
{
	uint8_t base[REGF_PAGE] = "regf";

	put_le32(base + BASE_SEQUENCE_1, 1);
	put_le32(base + BASE_SEQUENCE_2, 1);
	put_le64(base + BASE_TIME, w->bins.filetime);
	put_le32(base + BASE_MAJOR, REGF_MAJOR);
	put_le32(base + BASE_MINOR, REGF_MINOR);
	put_le32(base + BASE_TYPE, 0);
	put_le32(base + BASE_FORMAT, 1);
	put_le32(base + BASE_ROOT, w->root);
	put_le32(base + BASE_BINS_LEN, w->bins.bin_end);
	put_le32(base + BASE_CLUSTERING, 1);
	put_le32(base + BASE_CHECKSUM, regf_checksum(base));
	return w->bins.sink.write(w->bins.sink.data, 0, base, sizeof(base));
}

int hive_writer_finish(struct hive_writer *w, uint64_t *ret_size)
{
	const struct hive_sink *sink = &w->bins.sink;
	int r;

	if (w->bins.error != 0)
		return w->bins.error;
	if (w->finished || w->depth > 0 || w->root == REGF_NONE)
		return fail(w, -EINVAL);
	security_end(&w->security, &w->bins);
	bins_end(&w->bins);
	if (w->bins.error != 0)
		return w->bins.error;
	r = sink->sync(sink->data);
	if (r >= 0)
		r = write_base_block(w);
	if (r >= 0)
		r = sink->sync(sink->data);
	if (r < 0)
		return fail(w, r);
	w->finished = true;
	*ret_size = (uint64_t)REGF_PAGE + w->bins.bin_end;
	return 0;
}
