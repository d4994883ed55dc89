/* address: the types IP Address and IPv6 Address: one more address of an interface.
 *
 * How      added and removed through netlink, with the label of nothing else: other addresses are not touched.  The interface
 *          is the one that the property Network names, or the one that has an address in the same subnet.  IPv4: an address
 *          that somebody answers for is not taken, and neighbours are told (arp.h).  IPv6: the kernel looks for duplicates
 *          before it uses the address, and its result is waited for.
 * Promise  an address that the node had before is refused, so what is removed was added here.
 * Threads  one.      Format  rtnetlink(7)       Tests  tests/unit/host_types.c, tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "host/arp.h"
#include "host/types.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static const struct host_property properties[] = {
	{ "Address", HOST_FORMAT_TEXT, true, NULL, "the address" },
	{ "SubnetMask", HOST_FORMAT_TEXT, true, NULL, "mask of its subnet: 255.255.255.0" },
	{ "Network", HOST_FORMAT_TEXT, false, NULL,
	    "interface (`eth0`); without it, the one with an address in the same subnet" },
	{ "EnableNetBIOS", HOST_FORMAT_NUMBER, false, "0", "ignored: there is no NetBIOS" },
	{ "ProbeMilliseconds", HOST_FORMAT_NUMBER, false, "500",
	    "how long to listen for another machine that has the address; 0: not at all" },
};
static const struct host_property properties6[] = {
	{ "Address", HOST_FORMAT_TEXT, true, NULL, "the address" },
	{ "PrefixLength", HOST_FORMAT_NUMBER, true, NULL, "bits of its subnet: 64" },
	{ "Network", HOST_FORMAT_TEXT, false, NULL,
	    "interface (`eth0`); without it, the one with an address in the same subnet" },
};

enum { TENTATIVE = 0x40, DUPLICATE = 0x08, DETECTION_MS = 5000, STEP_MS = 50 };

struct address {
	int family;
	size_t len;
	uint8_t bytes[16];
	unsigned prefix; /* Bits. */
};

static int parse_mask(const char *text, unsigned *ret)
{
	struct in_addr mask;
	uint32_t bits;

	if (inet_pton(AF_INET, text, &mask) != 1)
		return -EINVAL;
	bits = ~ntohl(mask.s_addr);
	if ((bits & (bits + 1)) != 0)
		return -EINVAL;
	*ret = 32 - (unsigned)__builtin_popcount(bits);
	return 0;
}

/* Only what is set is looked at. */
static int parse(const struct resource *r, struct address *ret, struct error *e)
{
	struct address a = { .family = r->type == &host_address6 ? AF_INET6 : AF_INET };
	const char *text = resource_get(r, "Address"), *mask = resource_get(r, "SubnetMask");

	a.len = a.family == AF_INET6 ? 16 : 4;
	if (text != NULL && inet_pton(a.family, text, a.bytes) != 1)
		return error_set(
		    e, ERR_INVALID_PARAMETER, "Address: '%.100s' is no IPv%d address", text, a.len == 16 ? 6 : 4);
	if (a.family == AF_INET6 && resource_get(r, "PrefixLength") == NULL)
		a.prefix = 64; /* Not to be found fault with. */
	else if (a.family == AF_INET6)
		a.prefix = resource_number(r, "PrefixLength");
	else if (mask == NULL)
		a.prefix = 24;
	else if (parse_mask(mask, &a.prefix) < 0)
		return error_set(e, ERR_INVALID_PARAMETER, "SubnetMask: '%.100s' is no mask of a subnet", mask);
	if (a.prefix == 0 || a.prefix > a.len * 8)
		return error_set(e, ERR_INVALID_PARAMETER, "%s: a subnet cannot have %u bits",
		    a.family == AF_INET6 ? "PrefixLength" : "SubnetMask", a.prefix);
	*ret = a;
	return 0;
}

static int values(const struct resource *r, struct error *e)
{
	struct address a;

	return parse(r, &a, e);
}

static const uint8_t *bytes_of(const struct sockaddr *s, int family)
{
	if (s == NULL || s->sa_family != family)
		return NULL;
	return family == AF_INET6 ? ((const struct sockaddr_in6 *)s)->sin6_addr.s6_addr
				  : (const uint8_t *)&((const struct sockaddr_in *)s)->sin_addr;
}

static bool same_subnet(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8)) == 0);
}

/* Is the address in the subnet of this one of an interface, as both see it? */
static bool is_beside(const struct address *a, const struct ifaddrs *i, const uint8_t *bytes)
{
	const uint8_t *mask = bytes_of(i->ifa_netmask, a->family);

	for (size_t at = 0; mask != NULL && at < a->len; at++)
		if (((bytes[at] ^ a->bytes[at]) & mask[at]) != 0)
			return false;
	return same_subnet(bytes, a->bytes, a->prefix);
}

/* The interface that has the address (exact), or one in its subnet.  false: none has. */
static bool find_interface(const struct address *a, bool exact, char ret[IF_NAMESIZE])
{
	struct ifaddrs *all, *i;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (i = all; i != NULL && !found; i = i->ifa_next) {
		const uint8_t *bytes = bytes_of(i->ifa_addr, a->family);

		if (bytes == NULL || !(exact ? memcmp(bytes, a->bytes, a->len) == 0 : is_beside(a, i, bytes)))
			continue;
		(void)snprintf(ret, IF_NAMESIZE, "%s", i->ifa_name);
		found = true;
	}
	freeifaddrs(all);
	return found;
}

static int choose_interface(const struct resource *r, const struct address *a, char ret[IF_NAMESIZE], struct error *e)
{
	const char *network = resource_get(r, "Network");

	if (network == NULL)
		return find_interface(a, false, ret)
			   ? 0
			   : error_set(e, ERR_CLUSTER_NETWORK_NOT_FOUND_FOR_IP,
				 "no interface has an address in the same subnet; set Network");
	if (if_nametoindex(network) == 0)
		return error_set(e, ERR_CLUSTER_NETWORK_NOT_FOUND, "Network: there is no interface '%.50s'", network);
	(void)snprintf(ret, IF_NAMESIZE, "%s", network);
	return 0;
}

/* Add or remove.  -EEXIST, -EADDRNOTAVAIL: it was so already. */
static int change(const struct address *a, const char *interface, bool add)
{
	_cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg body;
		uint8_t attributes[2 * RTA_SPACE(16)];
	} request = { 0 };
	struct {
		struct nlmsghdr header;
		struct nlmsgerr body;
		uint8_t rest[sizeof(request)];
	} reply;
	struct timeval patience = { .tv_sec = 5 };
	struct rtattr *attribute = (struct rtattr *)request.attributes;
	ssize_t n;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	for (unsigned type = IFA_ADDRESS; type <= IFA_LOCAL; type++) {
		attribute->rta_type = (unsigned short)type;
		attribute->rta_len = (unsigned short)RTA_LENGTH(a->len);
		memcpy(RTA_DATA(attribute), a->bytes, a->len);
		attribute = (struct rtattr *)((uint8_t *)attribute + RTA_SPACE(a->len));
	}
	request.header = (struct nlmsghdr){ .nlmsg_len = (uint32_t)((uint8_t *)attribute - (uint8_t *)&request),
		.nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0)) };
	request.body = (struct ifaddrmsg){ .ifa_family = (uint8_t)a->family,
		.ifa_prefixlen = (uint8_t)a->prefix,
		.ifa_index = if_nametoindex(interface) };
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, &reply, sizeof(reply), 0);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(reply.header) + sizeof(reply.body.error) || reply.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return reply.body.error;
}

/* The kernel's flags of an IPv6 address; 0: it is there and in use; -ENOENT. */
static int flags6(const struct address *a)
{
	char text[33], line[256];
	unsigned flags;
	int found = -ENOENT;
	FILE *f = fopen("/proc/net/if_inet6", "re");

	for (size_t i = 0; i < 16; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", a->bytes[i]);
	while (f != NULL && found < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, text, 32) == 0 && sscanf(line + 32, "%*x %*x %*x %x", &flags) == 1)
			found = (int)flags & (TENTATIVE | DUPLICATE);
	if (f != NULL)
		(void)fclose(f);
	return found;
}

static int wait_for_detection(const struct address *a, struct error *e)
{
	for (unsigned ms = 0; ms < DETECTION_MS; ms += STEP_MS) {
		int flags = flags6(a);

		if (flags < 0 || (flags & DUPLICATE) != 0)
			return error_set(e, ERR_CLUSTER_IPADDR_IN_USE, "another machine has the address");
		if (flags == 0)
			return 0;
		(void)nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	return error_set(e, ERR_TIMEOUT, "the kernel did not finish looking for duplicates of the address");
}

static int check(const struct resource *r, struct error *e)
{
	char interface[IF_NAMESIZE];
	struct address a;
	int n = parse(r, &a, e);

	if (n < 0)
		return n;
	if (find_interface(&a, true, interface))
		return error_set(e, ERR_CLUSTER_IPADDR_IN_USE, "this node has the address already, on %s", interface);
	return choose_interface(r, &a, interface, e);
}

static int online(struct resource *r, struct error *e)
{
	char interface[IF_NAMESIZE];
	struct in_addr address;
	struct address a;
	int n = parse(r, &a, e);

	if (n == 0)
		n = choose_interface(r, &a, interface, e);
	if (n < 0)
		return n;
	memcpy(&address, a.bytes, sizeof(address));
	if (a.family == AF_INET && arp_probe(interface, address, resource_number(r, "ProbeMilliseconds")) > 0)
		return error_set(e, ERR_CLUSTER_IPADDR_IN_USE, "another machine on %s has the address", interface);
	n = change(&a, interface, true);
	if (n < 0 && n != -EEXIST)
		return error_set_code(e, n, "cannot add the address to %s", interface);
	if (a.family == AF_INET6)
		return wait_for_detection(&a, e);
	arp_announce(interface, address);
	return 0;
}

static int offline(struct resource *r, struct error *e)
{
	char interface[IF_NAMESIZE];
	struct address a;
	int n = parse(r, &a, e);

	if (n < 0)
		return n;
	while (find_interface(&a, true, interface)) {
		n = change(&a, interface, false);
		if (n < 0 && n != -EADDRNOTAVAIL)
			return error_set_code(e, n, "cannot remove the address from %s", interface);
	}
	return 0;
}

static int probe(struct resource *r, bool thorough, struct error *e)
{
	char interface[IF_NAMESIZE];
	struct address a;
	int n = parse(r, &a, e);

	(void)thorough;
	if (n < 0)
		return n;
	if (find_interface(&a, true, interface))
		return 1;
	(void)error_set(e, ERR_RESOURCE_NOT_ONLINE, "the address is not there any more");
	return 0;
}

const struct host_type host_address = {
	.name = "IP Address",
	.properties = properties,
	.property_count = ARRAY_SIZE(properties),
	.values = values,
	.check = check,
	.online = online,
	.offline = offline,
	.probe = probe,
};

const struct host_type host_address6 = {
	.name = "IPv6 Address",
	.properties = properties6,
	.property_count = ARRAY_SIZE(properties6),
	.values = values,
	.check = check,
	.online = online,
	.offline = offline,
	.probe = probe,
};
