/* listen_tcp: clients over the network.
 *
 * Why      see listen.c.
 * How      a client is nobody until the security of its connection has said who it is (rpc/security.h); until then only the
 *          address counts.  What may be called at which level of protection is the interfaces' affair.
 *          Small messages leave at once (TCP_NODELAY); a peer that has gone without a word is found out by the kernel
 *          (keepalive, TCP_USER_TIMEOUT).
 * Threads  the loop's.     Limits  DEAD_MS.
 * Tests    tests/unit/listen_tcp.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "ruedad/serve/listen_private.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEEPALIVE_IDLE_S = 30, KEEPALIVE_STEP_S = 10, KEEPALIVE_COUNT = 3, DEAD_MS = 60000, NOBODY = 65534 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* IPv4 as it is mapped into IPv6. */
static void put_address(const union address *a, uint8_t to[RPC_ADDRESS_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->any.sa_family == AF_INET6) {
		memcpy(to, &a->v6.sin6_addr, RPC_ADDRESS_SIZE);
		return;
	}
	memcpy(to, mapped, sizeof(mapped));
	memcpy(to + sizeof(mapped), &a->v4.sin_addr, sizeof(a->v4.sin_addr));
}

static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_STEP_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_MS },
	};

	/* None fails on a socket that lives; and if it does not, reading will tell. */
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

/* Who has opened many connections before the first login failed does not get as many guesses. */
static bool may_log_in(const struct listener *l, const struct rpc_identity *who)
{
	return l->throttle == NULL || !throttle_blocks(l->throttle, who->address, uv_hrtime());
}

static int identify(const struct listener *l, int fd, struct rpc_identity *ret, struct rpc_transport *transport)
{
	/* Whatever uses the uid without looking at the access must find nobody there. */
	struct rpc_identity identity = { .uid = NOBODY, .gid = NOBODY };
	union address peer = { 0 }, own = { 0 };
	socklen_t peer_len = sizeof(peer), own_len = sizeof(own);

	if (getpeername(fd, &peer.any, &peer_len) < 0 || getsockname(fd, &own.any, &own_len) < 0)
		return -errno;
	put_address(&peer, identity.address);
	if (own.any.sa_family == AF_INET)
		memcpy(transport->host, &own.v4.sin_addr, sizeof(transport->host));
	transport->anonymous_door = l->anonymous_door;
#ifdef RUEDA_PLAIN_TCP
	if (!l->anonymous_door) {
		identity.access = RPC_ACCESS_ALL;
		(void)snprintf(identity.name, sizeof(identity.name), "plain");
	}
#endif
	if (!may_log_in(l, &identity))
		return -EACCES;
	set_options(fd);
	*ret = identity;
	return 0;
}

/* One line for a burst; what the client calls himself is shown without what could drive a terminal. */
static void login_failed(struct listener *l, const struct rpc_identity *who)
{
	char address[INET6_ADDRSTRLEN] = "", name[RPC_NAME_MAX + 1];
	unsigned count = l->throttle != NULL ? throttle_failed(l->throttle, who->address, uv_hrtime()) : 0;

	if (count == 0)
		return;
	(void)inet_ntop(AF_INET6, who->address, address, sizeof(address));
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = who->name[i] != 0 && ((unsigned char)who->name[i] < ' ' || who->name[i] == '"' ||
						   (unsigned char)who->name[i] >= 0x7f)
			      ? '?'
			      : who->name[i];
	log_warning("a login over the network failed; more from there in the next %d s are counted only address=%s "
		    "name=\"%s\" count=%u",
	    THROTTLE_QUIET_S, address, name, count);
}

int listener_new_tcp(uv_loop_t *uv, struct rpc_server *server, const struct listen_tcp_config *config, struct error *e,
    struct listener **ret)
{
	static const struct listener_ops ops = {
		.identify = identify, .may_log_in = may_log_in, .login_failed = login_failed
	};
	struct listener *l = calloc(1, sizeof(*l));
	union address own = { 0 };
	socklen_t len = sizeof(own);
	int r = 0;

	if (l == NULL) {
		(void)close(config->fd);
		return -ENOMEM;
	}
	l->ops = &ops;
	l->fd = config->fd;
	l->anonymous_door = config->anonymous_door;
	l->throttle = config->throttle;
	if (getsockname(l->fd, &own.any, &len) < 0)
		r = -errno;
	/* sin_port and sin6_port are at the same place. */
	if (r == 0 && asprintf(&l->name, "%u", ntohs(own.v4.sin_port)) < 0) {
		l->name = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = listener_start(l, uv, server);
	if (r < 0) {
		listener_free(l);
		return error_set_code(e, r, "cannot accept connections over the network");
	}
	*ret = l;
	return 0;
}
