/* map: the client's question to an endpoint mapper.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/pdu.h"
#include "rpc/wait.h"

/* At which port of that host the interface is.  ERR_EPT_S_NOT_REGISTERED, and the errors of connecting. */
int rpc_map_port(const char *host, uint16_t mapper_port, const struct pdu_syntax *interface,
    const struct rpc_wait *wait, uint16_t *ret);
