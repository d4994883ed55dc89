/* verification: what clients append to the stub of a request to prove its unsigned header.  See verification.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/pdu.h"

/* What the request was taken for. */
struct rpc_verification {
	struct pdu_syntax abstract;
	uint32_t call_id;
	uint16_t context_id, opnum;
};

/* Checks the trailer at the end of a decrypted stub.  *ret_len becomes the length without it; of a stub that has none, len.
 * ERR_ACCESS_DENIED: it speaks of another request. */
int rpc_verification_take(const struct rpc_verification *request, const uint8_t *stub, size_t len, size_t *ret_len);
