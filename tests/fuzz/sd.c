/* fuzz sd: any bytes are a security descriptor; refused, or its parts make a valid one again, which grants the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/sd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_part(const uint8_t *data, size_t len, uint32_t information)
{
	struct buf all = { 0 }, some = { 0 }, merged = { 0 };
	int r;

	r = sd_extract(data, len, SD_PARTS, &all); /* Parts may overlap: what comes out can be longer. */
	if (r < 0) {
		assert(r == ERR_INVALID_PARAMETER && len > SD_MAX / 4);
		return;
	}
	assert(all.len <= 4 * len && sd_validate(all.data, all.len, NULL) == 0);
	r = sd_extract(data, len, information, &some);
	assert(r == 0 && sd_validate(some.data, some.len, NULL) == 0);
	r = sd_merge(data, len, data, len, information, &merged);
	assert(r == 0 || r == ERR_INVALID_PARAMETER);
	/* Parts that replace themselves change nothing. */
	assert(r < 0 || (merged.len == all.len && memcmp(merged.data, all.data, all.len) == 0));
	buf_done(&all);
	buf_done(&some);
	buf_done(&merged);
}

static void check_access(const uint8_t *data, size_t len)
{
	static const uint32_t gid = 50;
	static const uint8_t sids[] = { 1, 1, 0, 0, 0, 0, 0, 5, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9 };
	const struct sd_caller reader = { .is_user = true,
		.is_local = true,
		.has_uid = true,
		.uid = 1000,
		.gids = &gid,
		.gid_count = 1,
		.sids = sids,
		.sids_len = sizeof(sids) };
	const struct sd_caller admin = { .is_administrator = true, .is_user = true };
	uint32_t granted = 0, wanted;
	int r;

	assert(len == 0 || sd_validate(data, len, NULL) == 0 || sd_cluster_level(data, len, &admin) == SD_LEVEL_NONE);
	(void)sd_cluster_level(data, len, &reader);

	r = sd_access(data, len, &reader, SD_MAXIMUM_ALLOWED, &granted);
	assert(r == 0 ? (granted & ~SD_KEY_READ) == 0 && granted != 0 : r == ERR_ACCESS_DENIED);
	r = sd_access(data, len, &admin, SD_MAXIMUM_ALLOWED, &wanted);
	assert(r == 0 && (wanted & (SD_WRITE_DAC | SD_WRITE_OWNER)) == (SD_WRITE_DAC | SD_WRITE_OWNER));
	r = sd_access(data, len, &admin, wanted, &granted);
	assert(r == 0 && granted == wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct error error = { 0 };
	int r;

	check_access(data, len);
	r = sd_validate(data, len, &error);
	if (r < 0) {
		assert(r == ERR_INVALID_PARAMETER && error.text[0] != 0);
		return 0;
	}
	for (uint32_t information = 1; information <= SD_PARTS; information++)
		check_part(data, len, information);
	return 0;
}
