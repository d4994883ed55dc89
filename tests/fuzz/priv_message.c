/* fuzz priv_message: the packets of priv, of its doors and of its watchers; what decodes encodes to the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/door.h"
#include "priv/message.h"
#include "priv/watch.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct priv_request request;
	static struct door_request door_request;
	struct priv_reply reply;
	struct door_reply door_reply;
	struct watch_request watch_request;
	struct watch_event watch_event;
	struct buf out = { 0 };

	if (priv_request_decode(data, len, &request) == 0) {
		priv_request_encode(&request, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	out.len = 0;
	if (priv_reply_decode(data, len, &reply) == 0) {
		priv_reply_encode(&reply, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	out.len = 0;
	if (door_request_decode(data, len, &door_request) == 0) {
		door_request_encode(&door_request, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	out.len = 0;
	if (door_reply_decode(data, len, &door_reply) == 0) {
		door_reply_encode(&door_reply, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	out.len = 0;
	if (watch_request_decode(data, len, &watch_request) == 0) {
		watch_request_encode(&watch_request, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	out.len = 0;
	if (watch_event_decode(data, len, &watch_event) == 0) {
		watch_event_encode(&watch_event, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	buf_done(&out);
	return 0;
}
