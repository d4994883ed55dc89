/* mend: see mend.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/mend.h"
#include "base/crc32c.h"
#include "hive/regf.h"
#include "quolog/header.h"
#include "quolog/record.h"
#include <stdlib.h>
#include <string.h>

void mend_hive(uint8_t *hive, size_t len)
{
	memcpy(hive, "regf", 4);
	memcpy(hive + BASE_SEQUENCE_2, hive + BASE_SEQUENCE_1, sizeof(uint32_t));
	put_le32(hive + BASE_MAJOR, REGF_MAJOR);
	put_le32(hive + BASE_TYPE, 0);
	put_le32(hive + BASE_FORMAT, 1);
	put_le32(hive + BASE_BINS_LEN, (uint32_t)(len - REGF_PAGE));
	put_le32(hive + BASE_CHECKSUM, regf_checksum(hive));
}

void mend_log(uint8_t *bytes, size_t len, void (*record)(const uint8_t *bytes, size_t len, uint32_t seed))
{
	enum { MAGIC = 0x6c516452, LEN_MASK = 0xffff };
	struct quolog_header *h = malloc(sizeof(*h));
	uint32_t seed = 0;

	assert(h != NULL);
	for (size_t at = 0; at + QUOLOG_RECORD_HEAD <= len;) {
		size_t payload = get_le32(bytes + at + 8) & LEN_MASK, size = quolog_record_size(payload);

		if (size > len - at)
			break;
		put_le32(bytes + at, MAGIC);
		put_le32(bytes + at + 8, (uint32_t)payload);
		put_le32(bytes + at + 4, crc32c(seed, bytes + at + 8, size - 8));
		if (record != NULL)
			record(bytes + at, len - at, seed);
		if (at == 0 && quolog_header_decode(bytes + QUOLOG_RECORD_HEAD, payload, h, NULL) == 0)
			seed = h->seed;
		at += size;
	}
	free(h);
}
