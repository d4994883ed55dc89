/* notify: calls that wait until there is something to tell, and how they end; see notify.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ruedad/serve/serve.h"

enum { SERVE_PORTS_MAX = 256 }; /* Of both kinds, in the whole service. */

/* Calls that wait at a port, the oldest first. */
struct waiters {
	struct serve_call *first;
};

/* The call waits at *w from now on; UINT32_MAX: without limit.  When its client cancels or goes it ends by itself. */
void serve_wait(struct serve_call *c, struct waiters *w, uint32_t timeout_ms);
/* The oldest, which the caller finishes; NULL: none waits. */
struct serve_call *serve_waiter_take(struct waiters *w);

/* One port more, which s->port_count counts.  ERR_TOO_MANY_OPEN_FILES. */
int serve_port_count(struct service *s);

/* batchport.c */
void serve_batch_ports_applied(struct service *s, const struct cluster_result *result);
void serve_batch_ports_end(struct service *s, int r);
