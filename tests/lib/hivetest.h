/* hivetest: what the tests of the hive reader share: access to hives of which all is known, and the check that one is
 * refused for the right reason.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hive/regf.h"
#include "tests/lib/hives.h"
#include "tests/lib/test.h"

static inline uint8_t *hive_cell(uint8_t *hive, uint32_t offset)
{
	return hive + REGF_PAGE + offset + sizeof(uint32_t);
}

static inline uint8_t *hive_pointed(uint8_t *hive, const uint8_t *field)
{
	return hive_cell(hive, get_le32(field));
}

static inline uint32_t hive_offset_of(const uint8_t *hive, const uint8_t *cell)
{
	return (uint32_t)(cell - hive - REGF_PAGE - sizeof(uint32_t));
}

static inline void hive_seal(uint8_t *hive)
{
	put_le32(hive + BASE_CHECKSUM, regf_checksum(hive));
}

static inline struct hive_author hive_golden(void)
{
	struct hive_author a = { 0 };

	hive_golden_write(&a);
	CHECK_INT(a.error, 0);
	return a;
}

static inline struct hive_author hive_sample_named(const char *name)
{
	struct hive_author a = { 0 };

	for (size_t i = 0; i < hive_sample_count; i++)
		if (strcmp(hive_samples[i].name, name) == 0)
			hive_sample_write(&hive_samples[i], &a);
	CHECK_INT(a.error, 0);
	CHECK(a.hive_size > 0);
	return a;
}

static inline void check_refused(const char *name, const uint8_t *hive, size_t len, const char *story)
{
	struct error error = { 0 };
	int r = hive_check(hive, len, &error);

	if (r != ERR_INVALID_DATA)
		test_fail(__FILE__, __LINE__, "%s: the result is %d", name, r);
	CHECK_INT(error.code, ERR_INVALID_DATA);
	if (strstr(error.text, story) == NULL)
		test_fail(__FILE__, __LINE__, "%s: \"%s\" is not in \"%s\"", name, story, error.text);
}
