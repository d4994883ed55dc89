/* line: the connections to one server, one RPC client for each interface; see line.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "rpc/client.h"

/* Which interface a call is of.  RUEDA and LOCAL (the registry of the node, wire/local.h): not over the network. */
enum link_interface { LINK_CLUSAPI, LINK_CLUSAPI_V2, LINK_RUEDA, LINK_LOCAL };
enum { LINK_INTERFACES = 4 };

/* Links on one line, and waits of one link: together they leave half of the line's connections to other calls. */
enum { LINE_LINKS_MAX = 16, LINK_WAITS_MAX = 32 };

struct line;
struct ndr_interface;

/* To the service of this machine, as the user that the calling thread is: one that there is, or a new one. */
int line_open_local(struct line **ret);
/* To the hosts of *where, as *login (may be NULL), which is owned from here on if the result is 0; never shared. */
int line_open_remote(const struct rpc_client_config *where, struct rpc_login *login, struct line **ret);
/* One that is no link's any more; NULL is allowed. */
void line_close(struct line *l);
DEFINE_FREEP(struct line, line_close)

/* NULL: not over the network.  A call as another user than the line's, when it would have to connect: -EXDEV, and nothing was
 * sent. */
struct rpc_client *line_client(const struct line *l, enum link_interface which);
/* Changes when the connections were lost; of no two lines the same. */
uint64_t line_epoch(const struct line *l, enum link_interface which);
/* Whether the calling thread would be the same user to the service as the line is for. */
bool line_is_callers(const struct line *l);
/* A call was given up: whatever handle it opened stays on the server until the line ends, so no other link comes to it. */
void line_leave_alone(struct line *l);

/* There are no handles of that interface. */
bool line_is_stateless(enum link_interface which);
const struct ndr_interface *line_interface(enum link_interface which, unsigned *ret_version);
