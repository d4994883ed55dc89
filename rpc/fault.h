/* fault: the status of a fault and our errors, both ways.  See fault.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/pdu.h"

uint32_t rpc_fault_from_error(int error);
int rpc_fault_to_error(uint32_t status, unsigned flags); /* flags: of the fault PDU. */
