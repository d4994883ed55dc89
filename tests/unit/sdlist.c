/* Access lists: read and changed entry by entry.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/db/sdlist.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include <stdio.h>

static struct sid sid_of(const char *text)
{
	struct sid s;

	CHECK_INT(sid_parse(text, &s), 0);
	return s;
}

/* "allow 0x3 S-1-…\n" for each entry. */
static const char *list_of(const struct buf *sd)
{
	static char text[4096];
	struct sd_entry e;
	struct sd_list l;
	size_t at = 0;

	CHECK_INT(sd_list_init(&l, sd->data, sd->len), 1);
	text[0] = 0;
	while (sd_list_next(&l, &e)) {
		char sid[SID_TEXT_SIZE];

		sid_format(e.sid, sid);
		at += (size_t)snprintf(
		    text + at, sizeof(text) - at, "%s %x %s\n", e.type == SD_ALLOW ? "allow" : "deny", e.mask, sid);
	}
	return text;
}

/* The next state of the descriptor. */
static int set(struct buf *sd, const char *sid, uint32_t mask)
{
	struct sid s = sid_of(sid);
	struct buf next = { 0 };
	int r = sd_list_set(sd->data, sd->len, &s, mask, &next);

	if (r == 0) {
		buf_done(sd);
		*sd = next;
	} else {
		CHECK_INT(next.len, 0);
	}
	return r;
}

TEST(the_default_says_what_none_says)
{
	static const struct sd_caller callers[] = { { .is_administrator = true, .is_user = true }, { .is_user = true },
		{ 0 } };
	struct buf sd = { 0 };

	sd_list_cluster_default(&sd);
	CHECK_STR(list_of(&sd), "allow 3 S-1-5-32-544\nallow 1 S-1-5-32-545\n");
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		CHECK_INT(sd_cluster_level(sd.data, sd.len, &callers[i]), sd_cluster_level(NULL, 0, &callers[i]));
	buf_done(&sd);
}

TEST(an_entry_is_added_replaced_and_taken_out)
{
	struct buf sd = { 0 };

	sd_list_cluster_default(&sd);
	CHECK_INT(set(&sd, "S-1-22-1-1000", SD_CLUSTER_READ), 0);
	CHECK_STR(list_of(&sd), "allow 3 S-1-5-32-544\nallow 1 S-1-5-32-545\nallow 1 S-1-22-1-1000\n");
	CHECK_INT(set(&sd, "S-1-5-32-545", SD_CLUSTER_ALL), 0);
	CHECK_STR(list_of(&sd), "allow 3 S-1-5-32-544\nallow 1 S-1-22-1-1000\nallow 3 S-1-5-32-545\n");
	CHECK_INT(set(&sd, "S-1-5-32-544", 0), 0);
	CHECK_INT(set(&sd, "S-1-5-32-544", 0), ERR_FILE_NOT_FOUND);
	CHECK_INT(set(&sd, "S-1-22-1-1000", 0), 0);
	CHECK_INT(set(&sd, "S-1-5-32-545", 0), 0);
	CHECK_STR(list_of(&sd), "");
	buf_done(&sd);
}

TEST(other_entries_and_parts_stay)
{
	struct buf sd = { 0 }, part = { 0 }, after = { 0 };

	sd_list_cluster_default(&sd);
	CHECK_INT(sd_extract(sd.data, sd.len, SD_OWNER | SD_GROUP, &part), 0);
	sd.data[20 + 8] = SD_DENY; /* The first entry. */
	sd.data[20 + 9] = SD_INHERIT_ONLY;
	CHECK_INT(set(&sd, "S-1-22-2-7", SD_CLUSTER_ALL), 0);
	CHECK_STR(list_of(&sd), "deny 3 S-1-5-32-544\nallow 1 S-1-5-32-545\nallow 3 S-1-22-2-7\n");
	CHECK_INT(sd_extract(sd.data, sd.len, SD_OWNER | SD_GROUP, &after), 0);
	CHECK_INT(after.len, part.len);
	CHECK_MEM(after.data, part.data, part.len);
	buf_done(&sd);
	buf_done(&part);
	buf_done(&after);
}

TEST(what_has_no_list_is_told_apart)
{
	struct buf sd = { 0 };
	struct sd_list l;

	sd_list_cluster_default(&sd);
	put_le16(sd.data + 2, 0x8000);
	CHECK_INT(sd_list_init(&l, sd.data, sd.len), 0);
	CHECK_INT(set(&sd, "S-1-1-0", SD_CLUSTER_READ), ERR_FILE_NOT_FOUND);
	CHECK_INT(sd_list_init(&l, "junk", 4), ERR_INVALID_PARAMETER);
	buf_done(&sd);
}

TEST(a_list_that_is_full_takes_no_more)
{
	struct buf sd = { 0 };
	int r = 0;
	char sid[SID_TEXT_SIZE];

	sd_list_cluster_default(&sd);
	for (unsigned i = 0; r == 0 && i < 4000; i++) {
		(void)snprintf(sid, sizeof(sid), "S-1-22-1-%u", i);
		r = set(&sd, sid, SD_CLUSTER_READ);
	}
	CHECK_INT(r, ERR_INVALID_PARAMETER);
	CHECK(sd.len > SD_MAX - 64 && sd.len <= SD_MAX);
	buf_done(&sd);
}

TEST(each_failed_allocation_is_reported)
{
	FAIL_EACH_ALLOCATION
	{
		struct buf sd = { 0 }, out = { 0 };
		struct sid s = sid_of("S-1-1-0");
		int r;

		sd_list_cluster_default(&sd);
		r = sd.error != 0 ? sd.error : sd_list_set(sd.data, sd.len, &s, SD_CLUSTER_READ, &out);
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		buf_done(&sd);
		buf_done(&out);
	}
}
