/* entry: keys, values and descriptors as they are made, what each adds to the digest of the database, and what it takes
 * in a hive.
 *
 * Digest   the sum (modulo 2^256) of one SHA-256 for each key and value: it can be kept as the database changes, and
 *          depends on what is there but not on how it came there.  A key keeps the hash of its path, and its own entry,
 *          which changes with each write to one of its values; the entry of a value is computed again when the value
 *          goes, as that is cheaper than 32 bytes more for each of them (docs/design/database.md has the figures).
 * Size     an upper bound of the hive that hive/ would write, and, like the digest, a function of the contents only:
 *          whether a change is refused for lack of room must not depend on the history.  cell_size() explains it.
 * Threads  all functions.         Format  docs/formats/digest.md         Tests  tests/unit/db.c, tests/unit/dbsize.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/entry.h"
#include "base/bytes.h"
#include "cluster/db/tree.h"

struct value *value_new(struct u16 name, const struct db_value *value)
{
	size_t name_bytes = name.len * sizeof(char16_t);
	struct value *v = malloc(MAX(sizeof(*v), offsetof(struct value, name) + name_bytes + value->len));

	if (v == NULL)
		return NULL;
	assert(name.len <= DB_VALUE_NAME_MAX && value->len <= DB_VALUE_MAX);
	object_init(&v->object, OBJECT_VALUE);
	v->type = value->type;
	v->len = (uint32_t)value->len;
	v->name_len = (uint16_t)name.len;
	if (name.len > 0)
		memcpy(v->name, name.units, name_bytes);
	if (value->len > 0)
		memcpy(value_data(v), value->data, value->len);
	return v;
}

struct security *security_new(const void *bytes, size_t len)
{
	struct security *s = malloc(sizeof(*s) + len);

	if (s == NULL)
		return NULL;
	assert(len > 0 && len <= DB_SECURITY_MAX);
	object_init(&s->object, OBJECT_SECURITY);
	s->len = (uint32_t)len;
	s->hash = sha256_of(bytes, len);
	memcpy(s->bytes, bytes, len);
	return s;
}

static size_t key_bytes(size_t name_len)
{
	return MAX(sizeof(struct db_key), offsetof(struct db_key, name) + name_len * sizeof(char16_t));
}

struct db_key *key_new(const struct db_key *parent, struct u16 name, uint64_t time, struct security *security)
{
	struct db_key *k = calloc(1, key_bytes(name.len));

	if (k == NULL)
		return NULL;
	assert(name.len <= DB_KEY_NAME_MAX && (parent == NULL) == (name.len == 0));
	object_init(&k->object, OBJECT_KEY);
	k->time = time;
	if (security != NULL)
		object_ref(&security->object);
	k->security = security;
	if (parent != NULL) /* Zeros for the root. */
		k->path = path_below(&parent->path, name);
	k->entry = key_entry(&k->path, name, time, security != NULL ? &security->hash : NULL);
	k->name_len = (uint16_t)name.len;
	if (name.len > 0)
		memcpy(k->name, name.units, name.len * sizeof(char16_t));
	return k;
}

struct db_key *key_copy(const struct db_key *key)
{
	struct db_key *k = malloc(key_bytes(key->name_len));

	if (k == NULL)
		return NULL;
	*k = (struct db_key){ .time = key->time,
		.keys = key->keys,
		.values = key->values,
		.security = key->security,
		.path = key->path,
		.entry = key->entry,
		.name_len = key->name_len };
	object_init(&k->object, OBJECT_KEY);
	memcpy(k->name, key->name, key->name_len * sizeof(char16_t));
	if (k->keys != NULL)
		object_ref(&k->keys->object);
	if (k->values != NULL)
		object_ref(&k->values->object);
	if (k->security != NULL)
		object_ref(&k->security->object);
	return k;
}

/* Units as little-endian bytes. */
static void hash_units(struct sha256 *s, const char16_t *units, size_t len)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	sha256_update(s, units, len * sizeof(units[0]));
#else
	for (size_t i = 0; i < len; i++) {
		char16_t unit = htole16(units[i]);

		sha256_update(s, &unit, sizeof(unit));
	}
#endif
}

struct digest path_below(const struct digest *parent, struct u16 name)
{
	char16_t upcased[DB_KEY_NAME_MAX];
	struct sha256 s;
	struct digest d;

	assert(name.len <= ARRAY_SIZE(upcased));
	for (size_t i = 0; i < name.len; i++)
		upcased[i] = utf16_upcase(name.units[i]);
	sha256_init(&s);
	sha256_update(&s, parent, sizeof(*parent));
	hash_units(&s, upcased, name.len);
	sha256_final(&s, &d);
	return d;
}

struct digest value_entry(const struct digest *path, const struct value *v)
{
	uint8_t head[1 + SHA256_LEN + 4 + 4] = { 0x01 };
	struct sha256 s;
	struct digest d;

	memcpy(head + 1, path, sizeof(*path));
	put_le32(head + 1 + SHA256_LEN, v->type);
	put_le32(head + 1 + SHA256_LEN + 4, v->name_len);
	sha256_init(&s);
	sha256_update(&s, head, sizeof(head));
	hash_units(&s, v->name, v->name_len);
	sha256_update(&s, value_data(v), v->len);
	sha256_final(&s, &d);
	return d;
}

struct digest key_entry(const struct digest *path, struct u16 name, uint64_t time, const struct digest *security)
{
	uint8_t head[1 + SHA256_LEN + 8 + SHA256_LEN] = { 0x02 };
	struct sha256 s;
	struct digest d;

	memcpy(head + 1, path, sizeof(*path));
	put_le64(head + 1 + SHA256_LEN, time);
	if (security != NULL)
		memcpy(head + 1 + SHA256_LEN + 8, security, sizeof(*security));
	sha256_init(&s);
	sha256_update(&s, head, sizeof(head));
	hash_units(&s, name.units, name.len);
	sha256_final(&s, &d);
	return d;
}

/* The sizes of hive/ (docs/formats/hive.md). */
enum {
	PAGE = 4096,
	BIN_ROOM = PAGE - 32, /* For cells, in a bin of one page. */
	SMALL_CELL = 256,
	NK_LEN = 76,
	VK_LEN = 20,
	SK_LEN = 20,
	LEAF_MAX = 507,      /* Subkeys in a leaf of the list. */
	SEGMENT_MAX = 16344, /* Bytes of data in a cell. */
	INLINE_MAX = 4,      /* Bytes of data that need no cell. */
};

/* What a cell takes, with its share of what bins waste.
 *
 * A cell that does not fit into the rest of its bin opens the next, and the rest is lost:
 * - one larger than a bin takes whole pages for itself, and the rest of the bin before it, less than a page;
 * - one above SMALL_CELL loses less than its own length;
 * - a small one loses less than SMALL_CELL, and closes a bin that is full but for that: all that is in it pays, less
 *   than SMALL_CELL / (BIN_ROOM - SMALL_CELL) = 6.8 % of its length.
 * The header of a bin adds 0.8 % to all of this: together 7.7 %, less than a twelfth, for a small cell, and as much
 * plus 100.8 %, less than an eighth more than twice its length, for a larger one. */
static uint64_t cell_size(uint64_t len)
{
	uint64_t cell = ALIGN_UP(len + 4, (uint64_t)8);

	if (cell > BIN_ROOM)
		return ALIGN_UP(cell + (PAGE - BIN_ROOM), (uint64_t)PAGE) + PAGE;
	if (cell > SMALL_CELL)
		return 2 * cell + cell / 8;
	return cell + cell / 12 + 1;
}

uint64_t hive_base_size(void)
{
	return PAGE /* The base block. */ + PAGE /* The last bin. */ +
	       cell_size(2 * DB_KEY_NAME_MAX) /* The root's name. */;
}

uint64_t value_size(size_t name_len, size_t len)
{
	uint64_t size = cell_size(VK_LEN + name_len * sizeof(char16_t));
	uint64_t segments = len / SEGMENT_MAX, rest = len % SEGMENT_MAX;

	if (len <= INLINE_MAX)
		return size;
	if (len <= SEGMENT_MAX)
		return size + cell_size(len);
	size += segments * cell_size(SEGMENT_MAX) + (rest > 0 ? cell_size(rest) : 0);
	return size + cell_size((segments + 1) * 4) + cell_size(8);
}

static uint64_t leaves_size(size_t subkeys)
{
	uint64_t full = subkeys / LEAF_MAX, rest = subkeys % LEAF_MAX;

	if (subkeys == 0)
		return 0;
	return full * cell_size(4 + 8 * LEAF_MAX) + cell_size(4 + 8 * rest) + cell_size(4 + 4 * (full + 1));
}

uint64_t security_size(size_t len)
{
	return len > 0 ? cell_size(SK_LEN + len) : 0;
}

uint64_t key_size(const struct db_key *key, size_t keys, size_t values)
{
	return cell_size(NK_LEN + key->name_len * sizeof(char16_t)) + leaves_size(keys) +
	       (values > 0 ? cell_size(4 * values) : 0);
}

struct entry_sum value_sum(const struct db_key *key, const struct value *v)
{
	return (struct entry_sum){ value_entry(&key->path, v), value_size(v->name_len, v->len) };
}

struct entry_sum key_sum(const struct db_key *key)
{
	return (struct entry_sum){ key->entry, key_size(key, tree_count(key->keys), tree_count(key->values)) };
}

void sum_add(struct entry_sum *to, const struct entry_sum *what)
{
	digest_add(&to->digest, &what->digest);
	to->size += what->size;
}

struct entry_sum tree_sum(const struct db_key *top)
{
	struct entry_sum sum = { 0 };
	struct key_walk walk = { 0 };
	const struct db_key *key;

	while ((key = key_walk_next(&walk, top)) != NULL) {
		struct entry_sum one = key_sum(key);

		sum_add(&sum, &one);
		for (size_t i = 0; i < tree_count(key->values); i++) {
			one = value_sum(key, object_value(tree_at(key->values, i)));
			sum_add(&sum, &one);
		}
	}
	return sum;
}

const struct db_key *key_walk_next(struct key_walk *w, const struct db_key *top)
{
	if (!w->begun) {
		*w = (struct key_walk){ .path = { top }, .begun = true };
		return top;
	}
	for (;;) {
		const struct db_key *key = w->path[w->depth];

		if (w->next[w->depth] < tree_count(key->keys)) {
			key = object_key(tree_at(key->keys, w->next[w->depth]++));
			w->depth++;
			assert(w->depth < DB_DEPTH_MAX);
			w->path[w->depth] = key;
			w->next[w->depth] = 0;
			return key;
		}
		if (w->depth == 0)
			return NULL;
		w->depth--;
	}
}
