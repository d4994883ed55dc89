/* sockets: the listening sockets of TCP, opened by the process that may.
 *
 * Why      the endpoint mapper's port is below 1024, and the daemon has no rights: the process that starts it opens the
 *          sockets, and gives them to it (priv/start.h).
 * How      one socket for each address, the clients' first, then the mapper's.  "any" is 0.0.0.0 and ::, each a socket of
 *          its own (IPV6_V6ONLY), so that an address means one thing; a machine without IPv6 does without the second.
 *          All addresses have one port, as the mapper tells only one; if the kernel chooses it for the first address and
 *          it is taken on another, it is asked again.
 * Promise  on failure nothing is left open.
 * Threads  all functions.     Limits  SOCKETS_ADDRESSES_MAX; link-local addresses, which need a zone, are refused.
 * Tests    tests/unit/listen_tcp.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/sockets.h"
#include "base/fd.h"
#include "base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { TRIES = 20, BACKLOG = 4096 }; /* Who finds the backlog full waits for a second: a flood must not fill it. */

static bool parse_address(const char *text, union socket_address *ret)
{
	union socket_address a = { 0 };

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
		if (IN6_IS_ADDR_LINKLOCAL(&a.v6.sin6_addr))
			return false;
		a.v6.sin6_family = AF_INET6;
	} else {
		return false;
	}
	*ret = a;
	return true;
}

int sockets_parse_addresses(const char *text, union socket_address ret[SOCKETS_ADDRESSES_MAX])
{
	int count = 0;

	if (strcmp(text, "off") == 0)
		return 0;
	if (strcmp(text, "any") == 0) {
		ret[0] = (union socket_address){ .v4 = { .sin_family = AF_INET } };
		ret[1] = (union socket_address){ .v6 = { .sin6_family = AF_INET6 } };
		return 2;
	}
	for (const char *p = text;;) {
		char one[INET6_ADDRSTRLEN];
		size_t len = strcspn(p, ", ");

		if (count == SOCKETS_ADDRESSES_MAX)
			return -E2BIG;
		if (len == 0 || len >= sizeof(one))
			return -EINVAL;
		memcpy(one, p, len);
		one[len] = 0;
		if (!parse_address(one, &ret[count++]))
			return -EINVAL;
		p += len;
		p += strspn(p, " ");
		if (*p == 0)
			return count;
		if (*p++ != ',')
			return -EINVAL;
		p += strspn(p, " ");
	}
}

int sockets_port(int fd, uint16_t *ret)
{
	union socket_address a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) < 0)
		return -errno;
	*ret = ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
	return 0;
}

static int open_one(const union socket_address *address, uint16_t port, int *ret)
{
	union socket_address a = *address;
	bool is_v6 = a.any.sa_family == AF_INET6;
	_cleanup_fd_ int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;

	if (fd < 0)
		return -errno;
	if (is_v6)
		a.v6.sin6_port = htons(port);
	else
		a.v4.sin_port = htons(port);
	/* After a restart, connections of the old life may still be dying. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) ||
	    bind(fd, &a.any, is_v6 ? sizeof(a.v6) : sizeof(a.v4)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

struct list {
	const char *text;
	union socket_address addresses[SOCKETS_ADDRESSES_MAX];
	int count;
};

/* A socket of that port for each address; how many, or an error. */
static int open_all(const struct list *list, uint16_t port, int fds[])
{
	bool may_lack_v6 = strcmp(list->text, "any") == 0;
	int count = 0, r = 0;

	for (int i = 0; i < list->count && r == 0; i++) {
		r = open_one(&list->addresses[i], port, &fds[count]);
		if (i > 0 && may_lack_v6 && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = sockets_port(fds[count++], &port);
	}
	if (r == 0)
		return count;
	while (count > 0)
		close_fd(&fds[--count]);
	return r;
}

int sockets_open(const struct sockets_wanted *wanted, struct sockets *ret, struct error *e)
{
	struct list list = { .text = wanted->addresses };
	struct sockets s = { 0 };
	int r = list.count = sockets_parse_addresses(wanted->addresses, list.addresses);

	if (r < 0)
		return error_set_code(e, r, "'%s' is not a list of addresses", wanted->addresses);
	for (int i = 0; list.count > 0 && i < TRIES; i++) {
		r = open_all(&list, wanted->port, s.fds);
		if (r != -EADDRINUSE || wanted->port != 0)
			break;
	}
	if (r < 0)
		return error_set_code(e, r, "cannot listen on %s, port %u", wanted->addresses, wanted->port);
	s.services = (unsigned)r;
	if (s.services > 0 && wanted->mapper_port != 0) {
		r = open_all(&list, wanted->mapper_port, s.fds + s.services);
		if (r < 0 && wanted->mapper_is_optional) {
			log_notice(
			    "there will be no endpoint mapper, so clients must be told the port port=%u error=\"%s\"",
			    wanted->mapper_port, error_text(r));
			r = 0;
		}
		if (r < 0) {
			sockets_close(&s);
			return error_set_code(e, r, "cannot listen on %s, port %u of the endpoint mapper",
			    wanted->addresses, wanted->mapper_port);
		}
		s.mappers = (unsigned)r;
	}
	*ret = s;
	return 0;
}

void sockets_close(struct sockets *s)
{
	for (unsigned i = 0; i < s->services + s->mappers; i++)
		close_fd(&s->fds[i]);
	*s = (struct sockets){ 0 };
}
