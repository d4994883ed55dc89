/* start: the service of this machine, started if it does not run; see start.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/clusapi/link.h"

/* A link to the service, which is started first if nobody answers: the unit where systemd runs, else the program itself.
 * ERR_RPC_S_SERVER_UNAVAILABLE: it could not be started, or did not come up within START_MS. */
int start_service_link(struct link **ret);
