/* login: who this program is to clusters on the network.  See login.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/client.h"

/* As the credentials in that file say.  ERR_ACCESS_DENIED: others may read it; ERR_INVALID_PARAMETER: it makes no sense;
 * or -errno. */
int login_new(const char *path, struct rpc_login **ret);
void login_free(struct rpc_login *l); /* NULL is allowed. */
