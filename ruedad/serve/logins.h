/* logins: how clients over the network say who they are, and what they may do then.  See logins.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/auth/accounts.h"
#include "rpc/auth/kerberos.h"
#include "rpc/auth/spnego.h"
#include "ruedad/config.h"
#include "ruedad/serve/winbind.h"

struct logins {
	const struct config *config;
	bool has_ntlm, has_kerberos;
	char16_t computer[64];
	struct accounts_cache accounts;
	struct proc *proc; /* Owned, as winbind is; NULL: there is none. */
	struct winbind *winbind;
	struct ntlm_acceptor ntlm;
	struct kerberos_acceptor kerberos;
	struct spnego_mechanisms spnego;
};

/* The mechanisms of the configuration are offered by the server from here on; l stays where it is until the server is
 * freed.  On failure *e tells the story, and l needs no logins_done(). */
int logins_start(
    struct logins *l, const struct config *config, struct loop *loop, struct rpc_server *server, struct error *e);
/* There are no connections any more.  Calls back when nothing runs for them, perhaps at once; then, also from within that, l
 * may be done with.  Both also with one that is all zeros. */
void logins_stop(struct logins *l, loop_callback *stopped, void *data);
void logins_done(struct logins *l);

/* What a principal may do by the lists [access] all and read. */
enum rpc_access logins_access(const struct config *config, const char *principal);
/* Is it "none", or a list of principals (user@REALM or *@REALM) with commas between? */
bool logins_parse_list(const char *list);
