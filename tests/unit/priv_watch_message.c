/* The packets of a process that watches files: what is sent is read, and nothing else is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/watch.h"
#include "tests/lib/test.h"

/* Offsets of the fields: see watch_message.c. */
enum {
	AT_TYPE = 4,
	AT_RESULT = 16,
	AT_LENGTH = 16,
	AT_PATH = 20,
	AT_TEXT_LENGTH = 20,
	AT_TEXT = 24
};

static struct watch_request good_request(void)
{
	return (struct watch_request){
		.type = WATCH_ADD, .id = 0x1122334455667788, .path = "/srv/app", .path_len = 8
	};
}

static struct watch_event good_event(void)
{
	return (struct watch_event){ .type = WATCH_FAILED, .id = 7, .result = ERR_DISK_FULL, .text = "why" };
}

TEST(a_request_is_read_as_it_was_sent)
{
	static char path[WATCH_PATH_MAX];
	struct watch_request q = good_request(), back;
	struct buf out = { 0 };

	watch_request_encode(&q, &out);
	CHECK_INT(watch_request_decode(out.data, out.len, &back), 0);
	CHECK(back.type == WATCH_ADD && back.id == q.id && back.path_len == 8 && memcmp(back.path, "/srv/app", 8) == 0);
	out.len = 0;
	q = (struct watch_request){ .type = WATCH_REMOVE, .id = 5 };
	watch_request_encode(&q, &out);
	CHECK_INT(watch_request_decode(out.data, out.len, &back), 0);
	CHECK(back.type == WATCH_REMOVE && back.id == 5 && back.path_len == 0);
	out.len = 0;
	memset(path, '/', sizeof(path));
	q = (struct watch_request){ .type = WATCH_ADD, .path = path, .path_len = sizeof(path) };
	watch_request_encode(&q, &out);
	CHECK(out.len <= WATCH_PACKET_MAX);
	CHECK_INT(watch_request_decode(out.data, out.len, &back), 0);
	buf_done(&out);
}

TEST(a_request_that_breaks_a_rule_is_refused)
{
	static const struct {
		size_t at;
		uint32_t value;
	} bad[] = {
		{ 0, 0 }, { AT_TYPE, 0 }, { AT_TYPE, WATCH_REMOVE }, /* With a path. */
		{ AT_TYPE, 3 }, { AT_TYPE, UINT32_MAX }, { AT_LENGTH, 0 }, { AT_LENGTH, 7 }, { AT_LENGTH, 9 },
		{ AT_LENGTH, UINT32_MAX }, { AT_PATH, 0x7672732e }, /* ".srv" */
		{ AT_PATH + 4, 0x7061002f },                        /* A zero inside. */
	};
	struct watch_request q = good_request(), back;
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		out.len = 0;
		watch_request_encode(&q, &out);
		put_le32(out.data + bad[i].at, bad[i].value);
		if (watch_request_decode(out.data, out.len, &back) != -EBADMSG)
			test_fail(__FILE__, __LINE__, "row %zu was taken", i);
	}
	out.len = 0;
	watch_request_encode(&q, &out);
	for (size_t len = 0; len < out.len; len++)
		CHECK_INT(watch_request_decode(out.data, len, &back), -EBADMSG);
	buf_u8(&out, 0);
	CHECK_INT(watch_request_decode(out.data, out.len, &back), -EBADMSG);
	buf_done(&out);
}

TEST(an_event_is_read_as_it_was_sent)
{
	struct watch_event e = good_event(), back;
	struct buf out = { 0 };

	memset(e.text, 'x', sizeof(e.text)); /* Not terminated: cut. */
	watch_event_encode(&e, &out);
	CHECK(out.len <= WATCH_PACKET_MAX);
	CHECK_INT(watch_event_decode(out.data, out.len, &back), 0);
	CHECK(back.type == WATCH_FAILED && back.id == 7 && back.result == ERR_DISK_FULL);
	CHECK_INT(strlen(back.text), sizeof(e.text) - 1);
	for (int type = WATCH_LOOKS; type <= WATCH_REMOVED; type++) {
		if (type == WATCH_FAILED)
			continue;
		out.len = 0;
		e = (struct watch_event){ .type = (enum watch_event_type)type, .id = 9 };
		watch_event_encode(&e, &out);
		CHECK_INT(watch_event_decode(out.data, out.len, &back), 0);
		CHECK(back.type == e.type && back.id == 9 && back.result == 0 && back.text[0] == 0);
	}
	buf_done(&out);
}

TEST(an_event_that_breaks_a_rule_is_refused)
{
	static const struct {
		size_t at;
		uint32_t value;
	} bad[] = {
		{ 0, 0 }, { AT_TYPE, 0 }, { AT_TYPE, WATCH_SEES }, /* With a result. */
		{ AT_TYPE, 6 }, { AT_RESULT, 0 }, { AT_RESULT, 1 }, { AT_TEXT_LENGTH, 2 }, { AT_TEXT_LENGTH, 4 },
		{ AT_TEXT_LENGTH, UINT32_MAX }, { AT_TEXT, 0x797700 }, /* A zero. */
	};
	struct watch_event e = good_event(), back;
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t word[4];

		out.len = 0;
		watch_event_encode(&e, &out);
		put_le32(word, bad[i].value);
		memcpy(out.data + bad[i].at, word, MIN(sizeof(word), out.len - bad[i].at));
		if (watch_event_decode(out.data, out.len, &back) != -EBADMSG)
			test_fail(__FILE__, __LINE__, "row %zu was taken", i);
	}
	out.len = 0;
	watch_event_encode(&e, &out);
	for (size_t len = 0; len < out.len; len++)
		CHECK_INT(watch_event_decode(out.data, len, &back), -EBADMSG);
	buf_done(&out);
}
