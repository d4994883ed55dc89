/* fuzz pac: any bytes are logon information: refused, or whole SIDs of domains come out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/pac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf out = { 0 };
	size_t count = 0;
	int r = pac_logon_sids(data, len, &out);

	assert(r == 0 || r == -EBADMSG || r == -E2BIG || r == -ENOMEM);
	assert(r == 0 || out.len == 0);
	for (size_t at = 0; at < out.len; count++) {
		size_t n = sid_size(out.data + at, out.len - at);

		assert(n > 0 && sid_is_of_domain(out.data + at));
		at += n;
	}
	assert(count <= PAC_SIDS_MAX);
	buf_done(&out);
	return 0;
}
