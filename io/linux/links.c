/* links: the network links of this machine and their addresses, by rtnetlink; their speed, by ethtool's ioctl, as rtnetlink
 * does not have it, and sysfs may be that of another network namespace.
 *
 * How      one socket hears of all that changes; what it says is read and thrown away, since the kernel drops messages when
 *          there are many.  What is true is asked for anew each time, with a socket of its own: first the links, then the
 *          addresses.  The kernel marks an answer during which something changed, and then it is asked again.
 * Promise  nothing here waits for anybody but the kernel.  Attributes are read within the bounds of their message.
 * Threads  the loop's.       Format  rtnetlink(7)       Tests  tests/integration/networks.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/links.h"
#include "base/fd.h"
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { BUFFER = 64 << 10, ATTEMPTS = 5, PATIENCE_SECONDS = 2, BATCH = 64 };

struct links_linux {
	struct links links;
	uv_poll_t poll;
	int socket;
	void (*changed)(void *data);
	void *data;
	char buffer[BUFFER] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct links_linux *linux_of(struct links *l)
{
	return container_of(l, struct links_linux, links);
}

static const struct rtattr *find_attribute(const struct rtattr *all, size_t len, unsigned short type)
{
	for (; RTA_OK(all, len); all = RTA_NEXT(all, len))
		if ((all->rta_type & NLA_TYPE_MASK) == type)
			return all;
	return NULL;
}

/* Room for one more in an array that grows by doubling. */
static int grow(void *array, size_t count, size_t size, size_t max)
{
	void **items = array, *grown;

	if (count >= max)
		return -EOVERFLOW;
	if (count != 0 && (count < BATCH || (count & (count - 1)) != 0))
		return 0;
	grown = realloc(*items, MAX((size_t)BATCH, 2 * count) * size);
	if (grown == NULL)
		return -ENOMEM;
	*items = grown;
	return 0;
}

static int take_link(struct link_list *list, const struct nlmsghdr *m)
{
	const struct ifinfomsg *body = NLMSG_DATA(m);
	size_t len = m->nlmsg_len - NLMSG_LENGTH(sizeof(*body));
	const struct rtattr *name, *hardware;
	struct link *l;
	int r;

	if (m->nlmsg_type != RTM_NEWLINK || m->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
		return 0;
	name = find_attribute(IFLA_RTA(body), len, IFLA_IFNAME);
	hardware = find_attribute(IFLA_RTA(body), len, IFLA_ADDRESS);
	r = grow(&list->links, list->link_count, sizeof(*l), LINKS_MAX);
	if (r < 0 || name == NULL)
		return r;
	l = &list->links[list->link_count++];
	*l = (struct link){ .number = body->ifi_index,
		.loopback = (body->ifi_flags & IFF_LOOPBACK) != 0,
		.up = (body->ifi_flags & IFF_UP) != 0 && (body->ifi_flags & IFF_RUNNING) != 0 };
	memcpy(l->name, RTA_DATA(name), MIN(RTA_PAYLOAD(name), sizeof(l->name) - 1));
	if (hardware != NULL && RTA_PAYLOAD(hardware) <= sizeof(l->hardware)) {
		l->hardware_len = RTA_PAYLOAD(hardware);
		memcpy(l->hardware, RTA_DATA(hardware), l->hardware_len);
	}
	return 0;
}

static int take_address(struct link_list *list, const struct nlmsghdr *m)
{
	const struct ifaddrmsg *body = NLMSG_DATA(m);
	size_t len = m->nlmsg_len - NLMSG_LENGTH(sizeof(*body));
	const struct rtattr *address, *local, *more;
	struct link_address *a;
	uint32_t flags;
	int r;

	if (m->nlmsg_type != RTM_NEWADDR || m->nlmsg_len < NLMSG_LENGTH(sizeof(*body)) ||
	    (body->ifa_family != AF_INET && body->ifa_family != AF_INET6))
		return 0;
	address = find_attribute(IFA_RTA(body), len, IFA_ADDRESS);
	local = find_attribute(IFA_RTA(body), len, IFA_LOCAL);
	more = find_attribute(IFA_RTA(body), len, IFA_FLAGS);
	flags =
	    more != NULL && RTA_PAYLOAD(more) >= sizeof(flags) ? *(const uint32_t *)RTA_DATA(more) : body->ifa_flags;
	if (local != NULL)
		address = local; /* The other one is that of the other end. */
	if (address == NULL || RTA_PAYLOAD(address) != (body->ifa_family == AF_INET ? 4u : 16u))
		return 0;
	if (body->ifa_family == AF_INET6 && (flags & (IFA_F_TEMPORARY | IFA_F_DADFAILED)) != 0)
		return 0;
	r = grow(&list->addresses, list->address_count, sizeof(*a), LINK_ADDRESSES_MAX);
	if (r < 0)
		return r;
	a = &list->addresses[list->address_count++];
	*a = (struct link_address){ .link = (int)body->ifa_index,
		.family = body->ifa_family == AF_INET ? 4 : 6,
		.prefix = body->ifa_prefixlen,
		.dynamic = (flags & IFA_F_PERMANENT) == 0,
		.secondary = body->ifa_family == AF_INET && (flags & IFA_F_SECONDARY) != 0 };
	memcpy(a->bytes, RTA_DATA(address), RTA_PAYLOAD(address));
	return 0;
}

/* One question, and all of its answer.  -EAGAIN: something changed meanwhile. */
static int ask(struct links_linux *l, int fd, unsigned short type, struct link_list *list,
    int (*take)(struct link_list *list, const struct nlmsghdr *m))
{
	struct {
		struct nlmsghdr header;
		struct rtgenmsg body;
	} request = { .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
			  .nlmsg_type = type,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .rtgen_family = AF_UNSPEC } };
	bool torn = false;

	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(fd, l->buffer, sizeof(l->buffer), 0);
		size_t left = n > 0 ? (size_t)n : 0;

		if (n < 0)
			return -errno;
		if (n == 0)
			return -EPROTO;
		for (const struct nlmsghdr *m = (const void *)l->buffer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
			int r;

			torn |= (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (m->nlmsg_type == NLMSG_DONE)
				return torn ? -EAGAIN : 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return -EPROTO;
			r = take(list, m);
			if (r < 0)
				return r;
		}
	}
}

static int links_linux_list(struct links *links, struct link_list *ret)
{
	struct links_linux *l = linux_of(links);
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int r = -EAGAIN;

	for (unsigned attempt = 0; r == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		_cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		struct link_list list = { 0 };

		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
			return -errno;
		r = ask(l, fd, RTM_GETLINK, &list, take_link);
		if (r == 0)
			r = ask(l, fd, RTM_GETADDR, &list, take_address);
		if (r == 0)
			*ret = list;
		else
			link_list_done(&list);
	}
	return r;
}

static void links_linux_watch(struct links *links, void (*changed)(void *data), void *data)
{
	linux_of(links)->changed = changed;
	linux_of(links)->data = data;
}

static uint64_t links_linux_speed(struct links *links, const char *name)
{
	struct {
		struct ethtool_link_settings settings;
		uint32_t masks[3 * SCHAR_MAX];
	} about = { .settings.cmd = ETHTOOL_GLINKSETTINGS };
	struct ifreq request = { .ifr_data = (void *)&about };
	int fd = linux_of(links)->socket, words;

	if (strlen(name) >= sizeof(request.ifr_name))
		return 0;
	memcpy(request.ifr_name, name, strlen(name));
	/* The first answer says how long the masks are. */
	if (ioctl(fd, SIOCETHTOOL, &request) < 0 || about.settings.link_mode_masks_nwords >= 0)
		return 0;
	words = -about.settings.link_mode_masks_nwords;
	about.settings =
	    (struct ethtool_link_settings){ .cmd = ETHTOOL_GLINKSETTINGS, .link_mode_masks_nwords = (int8_t)words };
	if (ioctl(fd, SIOCETHTOOL, &request) < 0 || about.settings.speed > INT32_MAX)
		return 0; /* -1: unknown. */
	return about.settings.speed * 1000000ull;
}

static void on_word(uv_poll_t *poll, int status, int events)
{
	struct links_linux *l = poll->data;

	(void)status;
	(void)events;
	/* ENOBUFS: some of it was dropped, which is word enough. */
	while (recv(l->socket, l->buffer, sizeof(l->buffer), MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
	if (l->changed != NULL)
		l->changed(l->data);
}

static void on_closed(uv_handle_t *handle)
{
	struct links_linux *l = handle->data;

	close_fd(&l->socket);
	free(l);
}

static void links_linux_free(struct links *links)
{
	uv_close((uv_handle_t *)&linux_of(links)->poll, on_closed);
}

static const struct links_ops links_linux_ops = {
	.list = links_linux_list,
	.watch = links_linux_watch,
	.speed = links_linux_speed,
	.free = links_linux_free,
};

int links_linux_new(uv_loop_t *loop, struct links **ret)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	_cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct links_linux *l;
	int r;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return -errno;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	l->links.ops = &links_linux_ops;
	r = uv_poll_init(loop, &l->poll, fd);
	if (r < 0) {
		free(l);
		return r;
	}
	l->socket = TAKE_FD(fd);
	l->poll.data = l;
	r = uv_poll_start(&l->poll, UV_READABLE, on_word);
	if (r < 0) {
		links_linux_free(&l->links);
		return r;
	}
	*ret = &l->links;
	return 0;
}
