/* fuzz hive: any bytes are a hive; the reader refuses them, or what it shows is a tree that the writer takes and that
 * reads the same again.  The bytes are tried as they are and with a base block that fits them, so that the fuzzer need
 * not find checksums.
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/regf.h"
#include "tests/lib/hives.h"
#include "tests/lib/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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
	mend_hive(hive, whole_pages);
	(void)hive_check(hive, whole_pages, &error);
	free(hive);
	return 0;
}
