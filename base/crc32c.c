/* crc32c: see crc32c.h.  With SSE4.2 the processor's own instruction, elsewhere a table of eight slices that is built
 * once.  Tests: tests/unit/crc32c.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"
#include "base/bytes.h"

static uint32_t slices[8][256];

__attribute__((constructor)) static void build_slices(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
		slices[0][i] = c;
	}
	for (size_t s = 1; s < 8; s++)
		for (uint32_t i = 0; i < 256; i++)
			slices[s][i] = slices[s - 1][i] >> 8 ^ slices[0][slices[s - 1][i] & 255];
}

static uint32_t crc32c_table(uint32_t crc, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		uint32_t low = crc ^ get_le32(p), high = get_le32(p + 4);

		crc = slices[7][low & 255] ^ slices[6][low >> 8 & 255] ^ slices[5][low >> 16 & 255] ^
		    slices[4][low >> 24] ^ slices[3][high & 255] ^ slices[2][high >> 8 & 255] ^
		    slices[1][high >> 16 & 255] ^ slices[0][high >> 24];
	}
	for (; len > 0; p++, len--)
		crc = crc >> 8 ^ slices[0][(crc ^ *p) & 255];
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t c = crc;

	for (; len >= 8; p += 8, len -= 8)
		c = __builtin_ia32_crc32di(c, get_le64(p));
	crc = (uint32_t)c;
	for (; len > 0; p++, len--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc32c_sse(~crc, data, len);
#endif
	return ~crc32c_table(~crc, data, len);
}
