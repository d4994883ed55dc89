/* fuzz hive: any bytes are a hive; the reader refuses them, or what it shows is a tree that the writer takes and that
 * reads the same again.  The bytes are tried as they are and with a base block that fits them, so that the fuzzer need
 * not find checksums.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/regf.h"
#include "tests/lib/hives.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Root and minor version stay as they are. */
static void repair_base_block(uint8_t *hive, size_t len)
{
	memcpy(hive, "regf", 4);
	memcpy(hive + BASE_SEQUENCE_2, hive + BASE_SEQUENCE_1, sizeof(uint32_t));
	put_le32(hive + BASE_MAJOR, REGF_MAJOR);
	put_le32(hive + BASE_TYPE, 0);
	put_le32(hive + BASE_FORMAT, 1);
	put_le32(hive + BASE_BINS_LEN, (uint32_t)(len - REGF_PAGE));
	put_le32(hive + BASE_CHECKSUM, regf_checksum(hive));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t whole_pages = len / REGF_PAGE * REGF_PAGE;
	struct error error;
	uint8_t *hive;

	(void)hive_check(data, len, &error);
	if (whole_pages == 0)
		return 0;
	hive = malloc(whole_pages);
	assert(hive != NULL);
	memcpy(hive, data, whole_pages);
	repair_base_block(hive, whole_pages);
	(void)hive_check(hive, whole_pages, &error);
	free(hive);
	return 0;
}
