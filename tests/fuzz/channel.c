/* fuzz channel: a client whose server sends any bytes, and which goes on calling as long as it can.
 * The first byte says into how long pieces the rest is cut; its high bit gives up every other call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/channel.h"
#include "tests/lib/rpc_echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void go_on(struct rpc_channel *ch, bool abandons)
{
	struct buf reply = { 0 };

	buf_done(&ch->output);
	if (ch->state == CHANNEL_ANSWERED) {
		(void)rpc_channel_take_reply(ch, &reply);
		buf_done(&reply);
	}
	if (ch->state == CHANNEL_CALLING && abandons && ch->call_id % 2 != 0)
		(void)rpc_channel_abandon(ch);
	buf_done(&ch->output);
	if (ch->state == CHANNEL_READY)
		(void)rpc_channel_call(ch, 1, "stub", 4);
	buf_done(&ch->output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rpc_channel ch;
	size_t piece, at = 1;
	int r;

	if (len == 0)
		return 0;
	piece = (data[0] & 0x7f) * 8 + 1;
	r = rpc_channel_init(&ch, &echo_syntax, 0, 5840, NULL);
	assert(r == 0);
	buf_done(&ch.output);
	while (at < len) {
		size_t n = MIN(piece, len - at);

		rpc_channel_input(&ch, data + at, n);
		at += n;
		assert(ch.state != CHANNEL_BROKEN || ch.error < 0);
		assert(ch.reply.len <= len);
		if (ch.state != CHANNEL_BROKEN)
			go_on(&ch, data[0] & 0x80);
	}
	rpc_channel_done(&ch);
	return 0;
}
