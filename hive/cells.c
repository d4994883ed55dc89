/* cells: the ground that the reader walks on, checked before the first step.
 *
 * Why      hives come from backup directories and from other systems.  Whoever follows their offsets unchecked reads
 *          out of bounds, walks in circles, or makes gigabytes out of kilobytes by sharing cells.
 * How      the base block is checked, then every bin and every cell from the first to the last, which gives a bitmap of
 *          the places where allocated cells begin.  Whoever uses a cell takes it, and no cell can be taken twice, but
 *          for security descriptors, which are shared by design.  So every walk ends, and all that a hive delivers is
 *          no more than its length, descriptors aside.
 * Promise  cells_take() gives memory inside the bins, or an error with the story.
 * Not kept files that change while they are read: the bytes must be in private memory.
 * Threads  one.          Limits  HIVE_SIZE_MAX; memory: 1/32 of the bins' length.
 * Format   docs/formats/hive.md          Tests  tests/unit/hive_read.c, tests/fuzz/hive.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/cells.h"

static int refuse(struct error *e, const char *why)
{
	return error_set(e, ERR_INVALID_DATA, "this is not a hive that can be read: %s", why);
}

int cells_read_base(struct cells *c, const void *data, size_t len, bool foreign, struct error *error)
{
	const uint8_t *base = data;
	uint32_t bins_len, minor;

	if (len < REGF_PAGE || memcmp(base, "regf", 4) != 0)
		return refuse(error,
		    "it does not begin with the base block of a registry hive; it is another kind of file, "
		    "or its writing was never finished");
	if (get_le32(base + BASE_CHECKSUM) != regf_checksum(base))
		return refuse(error, "the base block is damaged (its checksum is wrong); use another copy");
	if (get_le32(base + BASE_SEQUENCE_1) != get_le32(base + BASE_SEQUENCE_2))
		return refuse(error,
		    "it is dirty (the sequence numbers differ): it was copied while in use, or the system "
		    "that used it stopped in the middle of a change.  Let that system load and unload it, "
		    "which applies its log, and copy it again");
	minor = get_le32(base + BASE_MINOR);
	if (get_le32(base + BASE_MAJOR) != REGF_MAJOR || minor < REGF_MINOR_LEAST || minor > REGF_MINOR_MOST)
		return refuse(error, "its version is not one of 1.3 to 1.6");
	if (get_le32(base + BASE_TYPE) != 0 || get_le32(base + BASE_FORMAT) != 1)
		return refuse(error, "it is a log or a memory image, not the primary file of a hive");
	bins_len = get_le32(base + BASE_BINS_LEN);
	if (bins_len == 0 || bins_len % REGF_PAGE != 0 || bins_len > REGF_BINS_MAX)
		return refuse(error, "the length in the base block is impossible; use another copy");
	if (bins_len > len - REGF_PAGE)
		return refuse(
		    error, "the end is missing (the file is shorter than its base block says); use another copy");
	if (bins_len < len - REGF_PAGE && !foreign)
		return refuse(error, "there is something behind its end; use another copy");
	*c = (struct cells){
		.bins = base + REGF_PAGE,
		.len = bins_len,
		.root = get_le32(base + BASE_ROOT),
		.minor = minor,
		.filetime = get_le64(base + BASE_TIME),
		.error = error,
	};
	return 0;
}

int cells_damaged(const struct cells *c, uint32_t at, const char *what)
{
	return error_set(c->error, ERR_INVALID_DATA, "the hive is damaged at offset 0x%jx: %s; use another copy",
	    (uintmax_t)at + REGF_PAGE, what);
}

static bool get_bit(const uint64_t *bits, uint32_t offset)
{
	return bits[offset / 512] >> (offset / 8 % 64) & 1;
}

static void flip_bit(uint64_t *bits, uint32_t offset)
{
	bits[offset / 512] ^= (uint64_t)1 << (offset / 8 % 64);
}

/* Note the allocated cells between two offsets. */
static int walk_cells(struct cells *c, uint32_t offset, uint32_t end)
{
	while (offset < end) {
		uint32_t size = get_le32(c->bins + offset);
		bool allocated = size >> 31;

		/* Where each cell is follows from the one before, and the processor does not look beyond a page. */
		__builtin_prefetch(c->bins + offset + REGF_PAGE);
		if (allocated)
			size = 0 - size;
		if (size == 0 || size % 8 != 0 || size > end - offset)
			return cells_damaged(c, offset, "the length of a cell is impossible");
		if (allocated)
			flip_bit(c->free, offset);
		offset += size;
	}
	return 0;
}

int cells_init(struct cells *c)
{
	int r;

	c->free = calloc(c->len / 512, sizeof(uint64_t));
	c->shared = calloc(c->len / 512, sizeof(uint64_t));
	if (c->free == NULL || c->shared == NULL)
		return error_set_code(c->error, -ENOMEM, "reading a hive of %ju bytes", (uintmax_t)c->len + REGF_PAGE);
	for (uint32_t bin = 0, len; bin < c->len; bin += len) {
		const uint8_t *p = c->bins + bin;

		len = get_le32(p + BIN_LEN);
		if (memcmp(p, "hbin", 4) != 0 || get_le32(p + BIN_OFFSET) != bin)
			return cells_damaged(c, bin, "a bin should begin here");
		if (len == 0 || len % REGF_PAGE != 0 || len > c->len - bin)
			return cells_damaged(c, bin, "the length of a bin is impossible");
		r = walk_cells(c, bin + BIN_HEADER, bin + len);
		if (r < 0)
			return r;
	}
	return 0;
}

void cells_done(struct cells *c)
{
	free(c->free);
	free(c->shared);
	c->free = c->shared = NULL;
}

static int find(
    const struct cells *c, const uint64_t *bits, uint32_t offset, uint64_t least, const char *what, struct cell *ret)
{
	struct cell cell;

	if (offset >= c->len || offset % 8 != 0 || !get_bit(bits, offset))
		return error_set(c->error, ERR_INVALID_DATA,
		    "the hive is damaged: %s should be at offset 0x%jx, where no cell is that could be it; use another "
		    "copy",
		    what, (uintmax_t)offset + REGF_PAGE);
	cell = (struct cell){ cells_data(c, offset), 0 - get_le32(c->bins + offset) - (uint32_t)sizeof(uint32_t) };
	if (cell.len < least)
		return error_set(c->error, ERR_INVALID_DATA,
		    "the hive is damaged: the cell of %s at offset 0x%jx is too short; use another copy", what,
		    (uintmax_t)offset + REGF_PAGE);
	*ret = cell;
	return 0;
}

int cells_take(struct cells *c, uint32_t offset, uint64_t least, const char *what, struct cell *ret)
{
	int r = find(c, c->free, offset, least, what, ret);

	if (r >= 0)
		flip_bit(c->free, offset);
	return r;
}

int cells_take_shared(
    struct cells *c, uint32_t offset, uint64_t least, const char *what, struct cell *ret, bool *ret_first)
{
	bool first = offset >= c->len || offset % 8 != 0 || !get_bit(c->shared, offset);
	int r = find(c, first ? c->free : c->shared, offset, least, what, ret);

	if (r < 0)
		return r;
	if (first) {
		flip_bit(c->free, offset);
		flip_bit(c->shared, offset);
	}
	*ret_first = first;
	return 0;
}
