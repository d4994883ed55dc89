/* fault: the status of a fault and our errors, both ways.
 * Statuses below 65536 are Windows codes and pass through; the others are DCE's own and stand in one table.
 * Source  C706 appendix E, MS-RPCE 3.3     Tests  tests/unit/rpc_pdu.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/fault.h"

static const struct {
	uint32_t status;
	int error;
} table[] = {
	{ FAULT_CANCELLED, ERR_CANCELLED },
	{ FAULT_CONTEXT_MISMATCH, ERR_INVALID_HANDLE },
	{ FAULT_NO_MEMORY, ERR_NOT_ENOUGH_MEMORY },
	{ FAULT_OP_RANGE, ERR_RPC_S_PROCNUM_OUT_OF_RANGE },
	{ FAULT_UNKNOWN_INTERFACE, ERR_RPC_S_UNKNOWN_IF },
	{ FAULT_PROTOCOL, ERR_RPC_S_PROTOCOL_ERROR },
	{ FAULT_TOO_BUSY, ERR_RPC_S_SERVER_TOO_BUSY },
};

uint32_t rpc_fault_from_error(int error)
{
	uint32_t code = error_to_win32(error);

	assert(error < 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (error_to_win32(table[i].error) == code)
			return table[i].status;
	return code;
}

int rpc_fault_to_error(uint32_t status, unsigned flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].status == status)
			return table[i].error;
	if (status > 0 && status < 0x10000)
		return ERR_FROM_WIN32(status);
	return flags & PDU_DID_NOT_EXECUTE ? ERR_RPC_S_CALL_FAILED_DNE : ERR_RPC_S_CALL_FAILED;
}
