/* login: who this program is to clusters on the network.  See login.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/client.h"

/* By NTLM as the credentials in that file say; NULL: by Kerberos, with the tickets of the default cache.
 * ERR_ACCESS_DENIED: others may read the file; ERR_INVALID_PARAMETER: it makes no sense; or -errno. */
int login_new(const char *path, struct rpc_login **ret);
void login_free(struct rpc_login *l); /* NULL is allowed. */
