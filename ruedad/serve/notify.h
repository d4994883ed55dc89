/* notify: calls that wait until there is something to tell, and how they end; see notify.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/association.h"
#include "ruedad/serve/serve.h"

enum {
	SERVE_PORTS_MAX = 256,   /* Of both kinds, in the whole service. */
	SERVE_PORTS_READER = 64, /* Of one client who may only read, who has PORT_FILTERS_MAX filters and … */
	SERVE_BATCH_BYTES = 16 << 20, /* … so many bytes of batches in all of them together; others have these in each. */
};

/* Calls that wait at a port, the oldest first. */
struct waiters {
	struct serve_call *first;
};

/* The call waits at *w from now on; UINT32_MAX: without limit.  When its client cancels or goes it ends by itself. */
void serve_wait(struct serve_call *c, struct waiters *w, uint32_t timeout_ms);
/* The oldest, which the caller finishes; NULL: none waits. */
struct serve_call *serve_waiter_take(struct waiters *w);

/* Whose a port is.  A port does not outlive the group that its handle is in. */
static inline const struct rpc_association *serve_port_owner(const struct serve_call *c)
{
	return c->rpc->association;
}
static inline bool serve_is_reader(const struct rpc_association *owner)
{
	return owner->identity.access != RPC_ACCESS_ALL;
}

/* One port more, which s->port_count counts.  ERR_TOO_MANY_OPEN_FILES. */
int serve_port_count(struct serve_call *c);

/* batchport.c */
void serve_batch_ports_applied(struct service *s, const struct cluster_result *result);
void serve_batch_ports_end(struct service *s, int r);
unsigned serve_batch_ports_of(const struct service *s, const struct rpc_account *client);
