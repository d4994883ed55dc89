/* image: the snapshot of a set that is being written, in memory.
 *
 * Why      a set is proven by reading it back from the medium with the code that restores.  Done one after the other that
 *          is a SHA-256 of the file as it was written, one of the file as it was read, and a database made of it.
 * How      the hive is made in memory first.  While the disk takes it, one thread hashes it, and another one feeds it to the
 *          strict reader and to a loader that only checks.  What comes back from the medium is then compared with it, byte for
 *          byte: so what was found out about the image is true of the file.
 *
 *              caller    ─ make ─┬─ write, sync ──── log ── read back, compare ──┬─►
 *              hashing           ├─ SHA-256 ─────────┘ (its manifest needs it)   │
 *              checking          └─ reader, limits, digest of each entry ────────┘
 *
 * Promise  image_compare() gives 0 only for a file of just these bytes.
 * Threads  one calls; the two beside it read the bytes, which nobody changes, and write only what is read after they ended.
 * Limits   memory: the length of the hive.
 * Tests    tests/unit/image.c, tests/crash/set.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/image.h"

enum { BASE_BLOCK = 4096, PART = 1 << 20 };

static void hash(void *data)
{
	struct image *i = data;

	i->digest = sha256_of(i->bytes.data, i->bytes.len);
}

static void check(void *data)
{
	struct image *i = data;

	i->result = dbhive_check(i->bytes.data, i->bytes.len, &i->totals, &i->story);
}

int image_make(struct image *i, const struct db_snapshot *s, uint64_t filetime, bool checked)
{
	int r = dbhive_image(s, filetime, &i->bytes);

	if (r < 0)
		return r;
	i->checked = checked;
	beside_begin(&i->hashing, hash, i);
	if (checked)
		beside_begin(&i->checking, check, i);
	return 0;
}

void image_done(struct image *i)
{
	beside_end(&i->hashing);
	beside_end(&i->checking);
	buf_done(&i->bytes);
}

int image_write(const struct image *i, struct disk_file *file, int (*progress)(void *data, uint64_t bytes), void *data)
{
	const struct buf *b = &i->bytes;
	int r = 0;

	for (size_t at = BASE_BLOCK; r == 0 && at < b->len; at += PART) {
		size_t len = MIN(b->len - at, (size_t)PART);

		r = file_write(file, at, b->data + at, len);
		if (r == 0 && progress != NULL)
			r = progress(data, at + len);
	}
	if (r == 0)
		r = file_sync(file);
	if (r == 0)
		r = file_write(file, 0, b->data, BASE_BLOCK);
	return r == 0 ? file_sync(file) : r;
}

int image_compare(const struct image *i, struct disk_file *file)
{
	_cleanup_free_ uint8_t *part = malloc(PART);
	uint64_t size;
	int r = part == NULL ? -ENOMEM : file_size(file, &size);

	if (r == 0 && size != i->bytes.len)
		return 1;
	for (size_t at = 0; r == 0 && at < i->bytes.len; at += PART) {
		size_t len = MIN(i->bytes.len - at, (size_t)PART);

		r = file_read(file, at, part, len);
		if (r == 0 && memcmp(part, i->bytes.data + at, len) != 0)
			r = 1;
	}
	return r;
}

struct digest image_digest(struct image *i)
{
	beside_end(&i->hashing);
	return i->digest;
}

int image_totals(struct image *i, struct db_totals *ret, struct error *error)
{
	assert(i->checked);
	beside_end(&i->checking);
	if (i->result < 0)
		return error_set(error, i->result, "%s", i->story.text);
	*ret = i->totals;
	return 0;
}
