/* same: whether two hives hold the same tree, whenever it was last read.
 *
 * Why      reading a file changes its time of access, and with that the hive: a source that nobody has changed would be saved
 *          anew each time that it is looked at.
 * How      the reader shows both trees, a digest is made of all that it shows but the times of access.  Each call has its own
 *          letter and says how long its parts are, so different trees give different texts.
 * Promise  trees that differ in anything else are not the same; what is not such a hive is the same as nothing.
 * Threads  all functions.      Limits  format.h
 * Tests    tests/unit/tree_format.c, tests/unit/tree.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/sha256.h"
#include "capture/format.h"
#include <string.h>

static void add_number(struct sha256 *s, uint64_t n)
{
	uint8_t bytes[8];

	put_le64(bytes, n);
	sha256_update(s, bytes, sizeof(bytes));
}

static void add_bytes(struct sha256 *s, const void *bytes, size_t len)
{
	add_number(s, len);
	sha256_update(s, bytes, len);
}

static int on_begin(void *data, const struct tree_entry *e)
{
	const uint64_t numbers[] = { 'B', e->kind, e->mode, e->owner, e->group, (uint64_t)e->modified.seconds,
		e->modified.nanoseconds, e->length };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		add_number(data, numbers[i]);
	add_bytes(data, e->name, strlen(e->name));
	add_bytes(data, e->target, strlen(e->target));
	return 0;
}

static int on_part(void *data, uint64_t offset, const void *bytes, size_t len)
{
	add_number(data, 'P');
	add_number(data, offset);
	add_bytes(data, bytes, len);
	return 0;
}

static int on_xattr(void *data, const char *name, const void *value, size_t len)
{
	add_number(data, 'X');
	add_bytes(data, name, strlen(name));
	add_bytes(data, value, len);
	return 0;
}

static int on_end(void *data)
{
	add_number(data, 'E');
	return 0;
}

static bool digest_of(const void *hive, size_t len, struct digest *ret)
{
	struct sha256 s;
	struct tree_visitor visitor = { on_begin, on_part, on_xattr, on_end, &s };
	int r;

	sha256_init(&s);
	r = files_read(hive, len, &visitor, NULL);
	sha256_final(&s, ret);
	return r == 0;
}

bool files_same(const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct digest first, second;

	/* A time of access is as long as any other. */
	return a_len == b_len && digest_of(a, a_len, &first) && digest_of(b, b_len, &second) &&
	       digest_equal(&first, &second);
}
