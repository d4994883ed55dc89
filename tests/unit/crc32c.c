/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"
#include "tests/lib/test.h"

/* The vectors of RFC 3720, B.4. */
TEST(published_vectors)
{
	uint8_t block[32];

	memset(block, 0, sizeof(block));
	CHECK_INT(crc32c(0, block, sizeof(block)), 0x8a9136aa);
	memset(block, 0xff, sizeof(block));
	CHECK_INT(crc32c(0, block, sizeof(block)), 0x62a8ab43);
	for (uint8_t i = 0; i < sizeof(block); i++)
		block[i] = i;
	CHECK_INT(crc32c(0, block, sizeof(block)), 0x46dd794e);
	CHECK_INT(crc32c(0, "123456789", 9), 0xe3069283);
}

TEST(pieces_give_the_same_sum)
{
	uint8_t data[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t cut = 0; cut <= sizeof(data); cut++)
		CHECK_INT(crc32c(crc32c(0, data, cut), data + cut, sizeof(data) - cut), crc32c(0, data, sizeof(data)));
}
