/* fuzz host_message: the packets of hosts and of the guard; what decodes encodes to the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/message.h"
#include "host/message.h"
#include "host/resource.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct host_message host;
	struct guard_message guard;
	struct buf out = { 0 };

	if (host_message_decode(data, len, &host) == 0) {
		static struct resource r;
		struct error e;

		if (host_message_encode(&host, &out) == 0)
			assert(out.len == len && memcmp(out.data, data, len) == 0);
		/* What the host makes of it. */
		if (host.type == HOST_CONFIGURE && resource_init(&r, "id", &host.configure, &e) == 0)
			resource_done(&r);
	}
	out.len = 0;
	if (guard_message_decode(data, len, &guard) == 0) {
		guard_message_encode(&guard, &out);
		assert(out.len == len && memcmp(out.data, data, len) == 0);
	}
	buf_done(&out);
	return 0;
}
