/* fuzz channel: a client whose server sends any bytes, and which goes on calling as long as it can, up to CALLS at a time.
 * The first byte says into how long pieces the rest is cut; its high bit gives up every other call.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/channel.h"
#include "tests/lib/rpc_echo.h"

enum { CALLS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void go_on(struct rpc_channel *ch, struct rpc_channel_call calls[CALLS], bool abandons)
{
	for (size_t i = 0; i < CALLS; i++) {
		struct rpc_channel_call *call = &calls[i];
		struct buf reply = { 0 };

		if (call->previous != NULL && call->answered) {
			(void)rpc_channel_take_reply(ch, call, &reply);
			buf_done(&reply);
		} else if (call->previous != NULL && abandons && call->id % 2 != 0) {
			rpc_channel_forget(ch, call, true);
		}
		if (ch->state == CHANNEL_READY && call->previous == NULL && ch->call_count < ch->calls_max)
			(void)rpc_channel_call(ch, call, 1, "stub", 4);
	}
	buf_done(&ch->output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rpc_channel_call calls[CALLS] = { 0 };
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
		size_t n = MIN(piece, len - at), kept = 0;

		rpc_channel_input(&ch, data + at, n);
		at += n;
		assert(ch.state != CHANNEL_BROKEN || ch.error < 0);
		for (size_t i = 0; i < CALLS; i++)
			kept += calls[i].previous != NULL ? calls[i].reply.len : 0;
		assert(kept <= len);
		if (ch.state != CHANNEL_BROKEN)
			go_on(&ch, calls, data[0] & 0x80);
	}
	rpc_channel_done(&ch);
	return 0;
}
