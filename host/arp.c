/* arp: is an IPv4 address in use on a link, and whose is it now.
 *
 * Why      two machines with one address are worse than none, and neighbours remember where an address was for minutes.
 * How      RFC 5227: a probe is a request with the sender 0.0.0.0; an answer, or a probe of another one for the same
 *          address, is a conflict.  An announcement is a request in which sender and target are the address.
 * Not kept who does not answer ARP is not found; IPv6 has duplicate address detection in the kernel.
 * Threads  one.      Tests  tests/integration/resources.py (in a network namespace)
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/arp.h"
#include "base/fd.h"
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

struct link {
	int fd; /* Owned. */
	struct sockaddr_ll to;
	uint8_t mac[ETH_ALEN];
};

/* false: the link has no ARP, or we have not the right to speak it. */
static bool open_link(const char *interface, struct link *ret)
{
	_cleanup_fd_ int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
	struct ifreq request = { 0 };

	if (fd < 0 || strlen(interface) >= sizeof(request.ifr_name))
		return false;
	memcpy(request.ifr_name, interface, strlen(interface));
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0 || (request.ifr_flags & (IFF_LOOPBACK | IFF_NOARP)) != 0 ||
	    ioctl(fd, SIOCGIFHWADDR, &request) < 0 || request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(ret->mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return false;
	ret->to = (struct sockaddr_ll){ .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = request.ifr_ifindex,
		.sll_halen = ETH_ALEN };
	memset(ret->to.sll_addr, 0xff, ETH_ALEN);
	if (bind(fd, (struct sockaddr *)&ret->to, sizeof(ret->to)) < 0)
		return false;
	ret->fd = TAKE_FD(fd);
	return true;
}

static void send_request(const struct link *l, struct in_addr sender, struct in_addr target)
{
	struct ether_arp p = { 0 };

	p.arp_hrd = htons(ARPHRD_ETHER);
	p.arp_pro = htons(ETH_P_IP);
	p.arp_hln = ETH_ALEN;
	p.arp_pln = sizeof(sender);
	p.arp_op = htons(ARPOP_REQUEST);
	memcpy(p.arp_sha, l->mac, ETH_ALEN);
	memcpy(p.arp_spa, &sender, sizeof(sender));
	memcpy(p.arp_tpa, &target, sizeof(target));
	(void)sendto(l->fd, &p, sizeof(p), 0, (const struct sockaddr *)&l->to, sizeof(l->to));
}

/* Does this packet of somebody else claim the address? */
static bool is_conflict(const struct link *l, const struct ether_arp *p, struct in_addr address)
{
	struct in_addr none = { 0 };
	bool claims = memcmp(p->arp_spa, &address, sizeof(address)) == 0;
	bool asks = memcmp(p->arp_spa, &none, sizeof(none)) == 0 && memcmp(p->arp_tpa, &address, sizeof(address)) == 0;

	return memcmp(p->arp_sha, l->mac, ETH_ALEN) != 0 && (claims || asks);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int arp_probe(const char *interface, struct in_addr address, unsigned wait_ms)
{
	struct in_addr none = { 0 };
	struct link l;
	int64_t end, left;
	int found = 0;

	if (!open_link(interface, &l))
		return 0;
	send_request(&l, none, address);
	end = now_ms() + wait_ms;
	while (found == 0 && (left = end - now_ms()) > 0) {
		struct pollfd p = { .fd = l.fd, .events = POLLIN };
		struct ether_arp packet;

		if (poll(&p, 1, (int)left) > 0 && recv(l.fd, &packet, sizeof(packet), MSG_DONTWAIT) == sizeof(packet))
			found = is_conflict(&l, &packet, address);
	}
	close_fd(&l.fd);
	return found;
}

void arp_announce(const char *interface, struct in_addr address)
{
	struct link l;

	if (!open_link(interface, &l))
		return;
	send_request(&l, address, address);
	(void)nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	send_request(&l, address, address);
	close_fd(&l.fd);
}
