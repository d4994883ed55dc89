/* regf: the numbers of the format, for the writer and the reader alike; docs/formats/hive.md explains each of them.
 * Offsets within a record count from the cell's data, which begins after the cell's size.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "hive/hive.h"

#define REGF_PAGE 4096u       /* Length of the base block; bins are multiples of it. */
#define REGF_NONE 0xffffffffu /* No cell. */
#define REGF_BINS_MAX ((HIVE_SIZE_MAX - REGF_PAGE) / REGF_PAGE * REGF_PAGE)
#define REGF_INLINE 0x80000000u /* In a value's length: the data is in the record itself. */

enum regf_version {
	REGF_MAJOR = 1,
	REGF_MINOR_LEAST = 3,
	REGF_MINOR_BIG_DATA = 4,
	REGF_MINOR = 5,
	REGF_MINOR_MOST = 6
};

enum regf_limit {
	REGF_LEAF_MAX = 507,      /* Pairs in a leaf that we write: they fill a bin of one page. */
	REGF_SEGMENT_LEN = 16344, /* Bytes of data in one cell; longer data is cut into segments of this length. */
	REGF_SEGMENT_SPARE = 4,   /* Bytes that the cell of a segment has behind its data. */
	REGF_INLINE_MAX = 4,
};

enum regf_base {
	BASE_SEQUENCE_1 = 4,
	BASE_SEQUENCE_2 = 8,
	BASE_TIME = 12,
	BASE_MAJOR = 20,
	BASE_MINOR = 24,
	BASE_TYPE = 28,
	BASE_FORMAT = 32,
	BASE_ROOT = 36,
	BASE_BINS_LEN = 40,
	BASE_CLUSTERING = 44,
	BASE_CHECKSUM = 508,
};

enum regf_bin { BIN_OFFSET = 4, BIN_LEN = 8, BIN_TIME = 20, BIN_HEADER = 32 };

enum regf_key {
	NK_FLAGS = 2,
	NK_TIME = 4,
	NK_PARENT = 16,
	NK_SUBKEY_COUNT = 20,
	NK_SUBKEY_LIST = 28,
	NK_VOLATILE_LIST = 32,
	NK_VALUE_COUNT = 36,
	NK_VALUE_LIST = 40,
	NK_SECURITY = 44,
	NK_CLASS = 48,
	NK_LONGEST_SUBKEY_NAME = 52,
	NK_LONGEST_SUBKEY_CLASS = 56,
	NK_LONGEST_VALUE_NAME = 60,
	NK_LONGEST_VALUE_DATA = 64,
	NK_NAME_LEN = 72,
	NK_CLASS_LEN = 74,
	NK_NAME = 76,
};

enum regf_key_flags {
	NK_VOLATILE = 0x01,
	NK_HIVE_EXIT = 0x02,
	NK_HIVE_ENTRY = 0x04,
	NK_NO_DELETE = 0x08,
	NK_SYMBOLIC_LINK = 0x10,
	NK_LATIN1 = 0x20,
	NK_PREDEFINED = 0x40,
};

enum regf_value {
	VK_NAME_LEN = 2,
	VK_DATA_LEN = 4,
	VK_DATA = 8,
	VK_TYPE = 12,
	VK_FLAGS = 16,
	VK_NAME = 20,
};

enum regf_value_flags { VK_LATIN1 = 1 };

enum regf_security { SK_NEXT = 4, SK_PREVIOUS = 8, SK_REFERENCES = 12, SK_LEN = 16, SK_DESCRIPTOR = 20 };

enum regf_list { LIST_COUNT = 2, LIST_ITEMS = 4 }; /* lh, lf, li, ri */

enum regf_big_data { DB_COUNT = 2, DB_LIST = 4, DB_LEN = 8 };

/* Of the first 508 bytes of a base block. */
static inline uint32_t regf_checksum(const void *base_block)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < BASE_CHECKSUM; i += 4)
		sum ^= get_le32((const uint8_t *)base_block + i);
	return sum == 0 ? 1 : sum == 0xffffffff ? 0xfffffffe : sum;
}
