/* The packets of priv and of its doors: what is sent is read, and nothing else is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/door.h"
#include "priv/message.h"
#include "tests/lib/failalloc.h"

static struct priv_request good_request(void)
{
	return (struct priv_request){
		.id = 0x1122334455667788,
		.type = PRIV_OPEN_BACKUP,
		.may_create = true,
		.uid = 1000,
		.gid = 100,
		.group_count = 2,
		.groups = { 4, 27 },
		.path = "/srv/backup",
		.path_len = 11,
	};
}

TEST(a_request_is_read_as_it_was_sent)
{
	struct priv_request q = good_request(), back;
	struct buf out = { 0 };

	priv_request_encode(&q, &out);
	CHECK_INT(priv_request_decode(out.data, out.len, &back), 0);
	CHECK(back.id == q.id && back.type == q.type && back.may_create && back.uid == 1000 && back.gid == 100);
	CHECK(back.group_count == 2 && back.groups[0] == 4 && back.groups[1] == 27);
	CHECK(back.path_len == 11 && memcmp(back.path, "/srv/backup", 11) == 0);
	buf_done(&out);
}

TEST(who_came_over_the_network_is_a_name_and_no_uid)
{
	struct priv_request q = { .type = PRIV_OPEN_BACKUP,
		.path = "/srv",
		.path_len = 4,
		.remote = "alice@R",
		.remote_len = 7,
		.is_principal = true },
			    back;
	struct buf out = { 0 };

	priv_request_encode(&q, &out);
	CHECK_INT(priv_request_decode(out.data, out.len, &back), 0);
	CHECK(back.remote_len == 7 && memcmp(back.remote, "alice@R", 7) == 0 && back.is_principal && !back.may_create);
	out.data[16] = 1; /* With a uid. */
	CHECK_INT(priv_request_decode(out.data, out.len, &back), -EBADMSG);
	out.data[16] = 0;
	out.data[out.len - 1] = 0;
	CHECK_INT(priv_request_decode(out.data, out.len, &back), -EBADMSG);
	out.data[out.len - 1] = 'R';
	out.data[4] = PRIV_TAKE_TREE; /* There is no caller for those. */
	CHECK_INT(priv_request_decode(out.data, out.len, &back), -EBADMSG);
	buf_done(&out);
}

TEST(the_longest_request_fits_a_packet)
{
	static char path[PRIV_PATH_MAX];
	struct priv_request q = good_request(), back;
	struct buf out = { 0 };

	memset(path, '/', sizeof(path));
	q.path = path;
	q.path_len = sizeof(path);
	q.group_count = PRIV_GROUPS_MAX;
	priv_request_encode(&q, &out);
	CHECK(out.len <= PRIV_MESSAGE_MAX);
	CHECK_INT(priv_request_decode(out.data, out.len, &back), 0);
	buf_done(&out);
}

/* Offsets of the fields: see message.c. */
enum {
	AT_TYPE = 4,
	AT_UID = 16,
	AT_GID = 20,
	AT_FLAGS = 24,
	AT_GROUPS = 28,
	AT_GROUP = 32,
	AT_LENGTH = 40,
	AT_PATH = 44
};

TEST(a_request_that_breaks_a_rule_is_refused)
{
	static const struct {
		size_t at;
		uint32_t value;
	} bad[] = {
		{ 0, 0 }, { AT_TYPE, 0 }, { AT_TYPE, PRIV_OPEN_RESTORE }, /* Which may not create. */
		{ AT_TYPE, 3 }, { AT_TYPE, UINT32_MAX }, { AT_UID, UINT32_MAX }, { AT_GID, UINT32_MAX },
		{ AT_FLAGS, 2 }, { AT_GROUPS, 1 }, { AT_GROUPS, 3 }, { AT_GROUPS, PRIV_GROUPS_MAX + 1 },
		{ AT_GROUPS, UINT32_MAX }, { AT_GROUP, UINT32_MAX }, { AT_LENGTH, 0 }, { AT_LENGTH, 10 },
		{ AT_LENGTH, 12 }, { AT_LENGTH, UINT32_MAX }, { AT_PATH, 0x7672732e }, /* ".srv" */
		{ AT_PATH + 4, 0x62002f76 },                                           /* A zero inside. */
	};
	struct priv_request q = good_request(), back;
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		out.len = 0;
		priv_request_encode(&q, &out);
		put_le32(out.data + bad[i].at, bad[i].value);
		if (priv_request_decode(out.data, out.len, &back) != -EBADMSG)
			test_fail(__FILE__, __LINE__, "row %zu was taken", i);
	}
	out.len = 0;
	priv_request_encode(&q, &out);
	for (size_t len = 0; len < out.len; len++)
		CHECK_INT(priv_request_decode(out.data, len, &back), -EBADMSG);
	buf_u8(&out, 0);
	CHECK_INT(priv_request_decode(out.data, out.len, &back), -EBADMSG);
	buf_done(&out);
}

TEST(a_reply_is_read_as_it_was_sent)
{
	struct priv_reply p = {
		.id = 7, .result = ERR_DIRECTORY, .created = true, .owner = 5, .mode = 0700, .text = "why"
	};
	struct priv_reply back;
	struct buf out = { 0 };

	memset(p.text, 'x', sizeof(p.text)); /* Not terminated: cut. */
	priv_reply_encode(&p, &out);
	CHECK_INT(priv_reply_decode(out.data, out.len, &back), 0);
	CHECK(back.id == 7 && back.result == ERR_DIRECTORY && back.created && back.owner == 5 && back.mode == 0700);
	CHECK_INT(strlen(back.text), sizeof(p.text) - 1);
	for (size_t len = 0; len < out.len; len++)
		CHECK_INT(priv_reply_decode(out.data, len, &back), -EBADMSG);
	put_le32(out.data + 12, 1); /* result > 0 */
	CHECK_INT(priv_reply_decode(out.data, out.len, &back), -EBADMSG);
	buf_done(&out);
}

TEST(a_door_request_is_read_as_it_was_sent)
{
	struct door_request q = { .op = DOOR_RENAME,
		.file = 1,
		.flags = 2,
		.mode = 3,
		.number = 4,
		.name = "a",
		.other = "bc",
		.value_len = 2,
		.value = "\1\2" };
	struct door_request back;
	struct buf out = { 0 };

	door_request_encode(&q, &out);
	CHECK_INT(door_request_decode(out.data, out.len, &back), 0);
	CHECK(back.op == q.op && back.file == 1 && back.flags == 2 && back.mode == 3 && back.number == 4);
	CHECK_STR(back.name, "a");
	CHECK_STR(back.other, "bc");
	CHECK(back.value_len == 2 && back.value[1] == 2);
	for (size_t len = 0; len < out.len; len++)
		CHECK_INT(door_request_decode(out.data, len, &back), -EBADMSG);
	put_le32(out.data, DOOR_OP_END);
	CHECK_INT(door_request_decode(out.data, out.len, &back), -EBADMSG);
	put_le32(out.data, 0);
	CHECK_INT(door_request_decode(out.data, out.len, &back), -EBADMSG);

	out.len = 0;
	memset(q.name, 'x', DISK_PATH_MAX);
	memset(q.other, 'x', DISK_PATH_MAX);
	q.value_len = DOOR_VALUE_MAX;
	door_request_encode(&q, &out);
	CHECK(out.len <= DOOR_PACKET_MAX);
	CHECK_INT(door_request_decode(out.data, out.len, &back), 0);
	buf_done(&out);
}

/* Damage anywhere is refused or read as something within the limits. */
TEST(a_damaged_packet_never_breaks_a_limit)
{
	for (uint64_t round = 0; round < test_rounds(5000); round++) {
		uint64_t x = (test_seed + round) * 0x9e3779b97f4a7c15 | 1;
		struct priv_request q = good_request(), back;
		struct door_request door;
		struct buf out = { 0 };

		test_note_seed(test_seed + round);
		priv_request_encode(&q, &out);
		for (int i = 0; i < 3; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			out.data[x % out.len] = (uint8_t)(x >> 32);
		}
		if (priv_request_decode(out.data, out.len, &back) == 0)
			CHECK(back.path[0] == '/' && back.path_len <= PRIV_PATH_MAX &&
			      back.group_count <= PRIV_GROUPS_MAX);
		if (door_request_decode(out.data, out.len, &door) == 0)
			CHECK(strlen(door.name) <= DISK_PATH_MAX && door.value_len <= DOOR_VALUE_MAX);
		buf_done(&out);
	}
}
