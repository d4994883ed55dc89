/* The packets between ruedad, the guard and the hosts: what is sent is read, and nothing else is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/message.h"
#include "host/message.h"
#include "tests/lib/failalloc.h"
#include "wire/proplist.h"

static struct host_text text(const char *z)
{
	return (struct host_text){ z, strlen(z) };
}

static bool is_text(const struct host_text *t, const char *z)
{
	return t->len == strlen(z) && (t->len == 0 || memcmp(t->data, z, t->len) == 0);
}

static void put_properties(struct buf *out)
{
	proplist_begin(out);
	proplist_add(out, U16("CommandLine"), PROP_SZ, u"/bin/true", sizeof(u"/bin/true"));
	proplist_end(out);
}

static void put_configure(struct buf *properties, struct buf *out)
{
	struct host_message m = { .type = HOST_CONFIGURE };

	put_properties(properties);
	m.configure = (struct host_configure){ { 5000, 60000, 180000, UINT32_MAX }, text("Generic Application"),
		text("app"), text(""), properties->data, properties->len };
	CHECK_INT(host_message_encode(&m, out), 0);
}

TEST(a_configuration_is_read_as_it_was_sent)
{
	struct buf properties = { 0 }, out = { 0 };
	struct host_message back;

	put_configure(&properties, &out);
	CHECK_INT(host_message_decode(out.data, out.len, &back), 0);
	CHECK(back.type == HOST_CONFIGURE && back.configure.settings.looks_ms == 5000 &&
	      back.configure.settings.is_ms == 60000);
	CHECK(back.configure.settings.pending_ms == 180000 && back.configure.settings.deadlock_ms == UINT32_MAX);
	CHECK(is_text(&back.configure.type, "Generic Application") && is_text(&back.configure.name, "app"));
	CHECK(is_text(&back.configure.network_name, ""));
	CHECK_INT(back.configure.properties_len, properties.len);
	CHECK_MEM(back.configure.properties, properties.data, properties.len);
	buf_done(&properties);
	buf_done(&out);
}

TEST(a_result_is_read_as_it_was_sent)
{
	struct host_message m = { .type = HOST_RESULT, .operation = 77, .code = 5018, .text = text("it failed") }, back;
	struct buf out = { 0 };

	CHECK_INT(host_message_encode(&m, &out), 0);
	CHECK_INT(host_message_decode(out.data, out.len, &back), 0);
	CHECK(
	    back.type == HOST_RESULT && back.operation == 77 && back.code == 5018 && is_text(&back.text, "it failed"));
	buf_done(&out);
}

TEST(settings_are_read_as_they_were_sent)
{
	struct host_message m = { .type = HOST_SETTINGS, .configure.settings = { 1, 2, 3, UINT32_MAX } }, back;
	struct buf out = { 0 };

	CHECK_INT(host_message_encode(&m, &out), 0);
	CHECK_INT(host_message_decode(out.data, out.len, &back), 0);
	CHECK_INT(back.type, HOST_SETTINGS);
	CHECK_MEM(&back.configure.settings, &m.configure.settings, sizeof(m.configure.settings));
	CHECK_INT(host_message_decode(out.data, out.len - 4, &back), -EBADMSG);
	buf_done(&out);
}

TEST(what_is_over_a_limit_is_not_sent)
{
	static char long_text[HOST_LABEL_MAX + 2];
	struct host_message m = { .type = HOST_RESULT };
	struct buf properties = { 0 }, out = { 0 };

	memset(long_text, 'a', sizeof(long_text) - 1);
	m.text = text(long_text);
	CHECK_INT(host_message_encode(&m, &out), -E2BIG);
	m = (struct host_message){ .type = HOST_CONFIGURE };
	put_properties(&properties);
	m.configure.type = text("t");
	m.configure.properties = properties.data;
	m.configure.properties_len = properties.len;
	m.configure.name = text(long_text);
	CHECK_INT(host_message_encode(&m, &out), -E2BIG);
	m.configure.name = text("n");
	CHECK_INT(host_message_encode(&m, &out), 0);
	m.configure.properties_len = HOST_PROPERTIES_MAX + 1;
	CHECK_INT(host_message_encode(&m, &out), -E2BIG);
	buf_done(&properties);
	buf_done(&out);
}

/* Each length, and each byte set to each value. */
TEST(a_damaged_packet_is_refused_or_still_within_the_limits)
{
	struct buf properties = { 0 }, good = { 0 };
	struct host_message back;
	unsigned refused = 0;

	put_configure(&properties, &good);
	for (size_t len = 0; len < good.len; len++) {
		uint8_t *copy = malloc(len + 1); /* Of the exact size, so that a tool sees a read behind it. */

		memcpy(copy, good.data, len);
		CHECK_INT(host_message_decode(copy, len, &back), -EBADMSG);
		free(copy);
	}
	for (size_t at = 0; at < good.len; at++) {
		uint8_t kept = good.data[at];

		for (unsigned value = 0; value < 256; value++) {
			good.data[at] = (uint8_t)value;
			if (host_message_decode(good.data, good.len, &back) < 0) {
				refused++;
				continue;
			}
			CHECK(back.text.len < 512 && back.configure.type.len <= HOST_LABEL_MAX);
			CHECK(back.type != HOST_CONFIGURE ||
			      proplist_check(back.configure.properties, back.configure.properties_len) == 0);
		}
		good.data[at] = kept;
	}
	CHECK(refused >= 7 * 255); /* The magic number and the upper bytes of the type, at least. */
	buf_append_zeros(&good, 1);
	CHECK_INT(host_message_decode(good.data, good.len, &back), -EBADMSG);
	buf_done(&properties);
	buf_done(&good);
}

TEST(a_zero_within_a_text_is_refused)
{
	struct host_message m = { .type = HOST_FAILED, .text = text("abc") }, back;
	struct buf out = { 0 };

	CHECK_INT(host_message_encode(&m, &out), 0);
	out.data[out.len - 2] = 0;
	CHECK_INT(host_message_decode(out.data, out.len, &back), -EBADMSG);
	buf_done(&out);
}

TEST(the_guards_messages_are_read_as_they_were_sent_and_others_are_refused)
{
	struct guard_message m = { .type = GUARD_GONE, .number = 12, .result = ERR_BUSY, .text = "busy" }, back;
	struct buf out = { 0 };

	m.id.bytes[5] = 9;
	guard_message_encode(&m, &out);
	CHECK(out.len <= GUARD_MESSAGE_MAX);
	CHECK_INT(guard_message_decode(out.data, out.len, &back), 0);
	CHECK(back.type == GUARD_GONE && back.number == 12 && back.result == ERR_BUSY && back.id.bytes[5] == 9);
	CHECK_STR(back.text, "busy");
	for (size_t len = 0; len < out.len; len++)
		CHECK_INT(guard_message_decode(out.data, len, &back), -EBADMSG);
	out.data[4] = GUARD_MESSAGE_END;
	CHECK_INT(guard_message_decode(out.data, out.len, &back), -EBADMSG);
	out.data[4] = 0;
	CHECK_INT(guard_message_decode(out.data, out.len, &back), -EBADMSG);
	buf_done(&out);
}
