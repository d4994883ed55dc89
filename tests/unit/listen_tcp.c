/* The network's doors, through real sockets on the loopback interface.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/epmap.h"
#include "ruedad/serve/listen.h"
#include "ruedad/serve/sockets.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/test.h"
#include "wire/epm.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Ten thousand connections take a third of the machine's ports, which others are in need of meanwhile: where we may, we have
 * a network of our own. */
__attribute__((constructor)) static void have_own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		abort();
	(void)close(fd);
}

/* A loop on a thread of its own: the echo server behind a port, the mapper behind another. */
struct daemon_thread {
	pthread_t thread;
	uv_loop_t uv;
	uv_async_t stop;
	struct echo echo;
	struct rpc_epmap mapper;
	struct rpc_endpoint endpoint;
	struct listener *listeners[2 * SOCKETS_ADDRESSES_MAX];
	struct throttle throttle;
	unsigned count, closed;
	uint16_t port, mapper_port;
};

static void on_closed(void *data)
{
	struct daemon_thread *d = data;

	d->closed++;
}

static void on_stop(uv_async_t *async)
{
	struct daemon_thread *d = async->data;

	for (unsigned i = 0; i < d->count; i++)
		listener_close(d->listeners[i], on_closed, d);
	uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *data)
{
	struct daemon_thread *d = data;

	(void)uv_run(&d->uv, UV_RUN_DEFAULT);
	return NULL;
}

static void listen_on(struct daemon_thread *d, const struct sockets *s, bool anonymous_door)
{
	for (unsigned i = 0; i < s->services; i++) {
		struct listen_tcp_config c = {
			.fd = s->fds[i], .anonymous_door = anonymous_door, .throttle = &d->throttle
		};

		CHECK_INT(listener_new_tcp(&d->uv, d->echo.server, &c, NULL, &d->listeners[d->count++]), 0);
	}
}

static void start(struct daemon_thread *d, const char *addresses, const struct rpc_limits *limits)
{
	struct sockets_wanted wanted = { .addresses = addresses };
	struct rpc_limits usual = rpc_limits_default();
	struct sockets service, mapper;

	*d = (struct daemon_thread){ 0 };
	CHECK_INT(echo_init(&d->echo, limits != NULL ? limits : &usual), 0);
	CHECK_INT(sockets_open(&wanted, &service, NULL), 0);
	CHECK_INT(sockets_open(&wanted, &mapper, NULL), 0);
	CHECK_INT(sockets_port(service.fds[0], &d->port), 0);
	CHECK_INT(sockets_port(mapper.fds[0], &d->mapper_port), 0);
	d->endpoint = (struct rpc_endpoint){ .syntax = echo_syntax, .port = d->port };
	rpc_epmap_init(&d->mapper, &d->endpoint, 1);
	CHECK_INT(rpc_server_add_interface(d->echo.server, &d->mapper.interface), 0);
	CHECK_INT(uv_loop_init(&d->uv), 0);
	CHECK_INT(uv_async_init(&d->uv, &d->stop, on_stop), 0);
	d->stop.data = d;
	listen_on(d, &service, false);
	listen_on(d, &mapper, true);
	CHECK_INT(pthread_create(&d->thread, NULL, run, d), 0);
}

static void stop(struct daemon_thread *d)
{
	CHECK_INT(uv_async_send(&d->stop), 0);
	CHECK_INT(pthread_join(d->thread, NULL), 0);
	CHECK_INT(d->closed, d->count);
	CHECK_INT(uv_loop_close(&d->uv), 0); /* No handle was left behind. */
	CHECK_INT(rpc_server_stats(d->echo.server).connections, 0);
	echo_done(&d->echo);
}

/* A connection from one address to another; -1 if there is none. */
static int dial(const char *from, const char *to, uint16_t port)
{
	struct timeval soon = { .tv_sec = 60 };
	union socket_address a[SOCKETS_ADDRESSES_MAX], b[SOCKETS_ADDRESSES_MAX];
	socklen_t len;
	int fd;

	CHECK_INT(sockets_parse_addresses(to, a), 1);
	len = a[0].any.sa_family == AF_INET6 ? sizeof(a[0].v6) : sizeof(a[0].v4);
	a[0].v4.sin_port = htons(port); /* Of both families. */
	fd = socket(a[0].any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (from != NULL) {
		CHECK_INT(sockets_parse_addresses(from, b), 1);
		CHECK_INT(bind(fd, &b[0].any, len), 0);
	}
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	if (connect(fd, &a[0].any, len) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* One PDU out, one in, into data; its type. */
static int exchange(int fd, struct buf *out, uint8_t *data, size_t size, struct pdu *ret)
{
	size_t have = 0, want = PDU_HEADER_SIZE;

	CHECK_INT(send(fd, out->data, out->len, MSG_NOSIGNAL), out->len);
	buf_done(out);
	while (have < want) {
		ssize_t n = recv(fd, data + have, want - have, 0);

		if (n <= 0)
			return -1;
		have += (size_t)n;
		if (have == PDU_HEADER_SIZE)
			want = MIN((size_t)get_le16(data + 8), size);
	}
	CHECK_INT(pdu_decode(data, have, ret), 0);
	return ret->header.type;
}

static int bind_to(int fd, const struct pdu_syntax *syntax, uint8_t *data, size_t size, struct pdu *ret)
{
	struct buf b = { 0 };
	size_t at = pdu_begin(&b, PDU_BIND, PDU_FIRST | PDU_LAST, 1);

	pdu_put_bind(&b, 4280, 0, 0, syntax);
	pdu_end(&b, at, 0);
	return exchange(fd, &b, data, size, ret);
}

static int request(int fd, uint16_t opnum, const struct buf *stub, uint8_t *data, size_t size, struct pdu *ret)
{
	struct buf b = { 0 };
	size_t at = pdu_begin(&b, PDU_REQUEST, PDU_FIRST | PDU_LAST, 2);

	pdu_put_stub_header(&b, stub->len, 0, opnum);
	buf_append(&b, stub->data, stub->len);
	pdu_end(&b, at, 0);
	return exchange(fd, &b, data, size, ret);
}

/* What the mapper at that address says; 0: nothing. */
static uint16_t ask_mapper(const char *to, uint16_t mapper_port, struct buf *ret_tower)
{
	const struct ndr_method *method = ndr_method(&epm_interface, 3, EPM_MAP);
	struct pdu_syntax mapper = { .uuid = epm_interface.uuid, .major = 3 };
	struct buf tower = { 0 }, stub = { 0 };
	struct epm_Map_in in = { .max_towers = 1 };
	struct epm_Map_out out = { 0 };
	struct arena arena = { 0 };
	struct epm_twr twr;
	uint8_t data[4096];
	uint16_t port = 0;
	struct pdu pdu;
	int fd = dial(NULL, to, mapper_port);

	CHECK(fd >= 0);
	if (bind_to(fd, &mapper, data, sizeof(data), &pdu) == PDU_BIND_ACK) {
		rpc_epmap_put_question(&tower, &echo_syntax);
		twr = (struct epm_twr){ .length = (uint32_t)tower.len, .octets = tower.data };
		in.map_tower = &twr;
		CHECK_INT(ndr_push(method->in, 3, &in, &stub), 0);
		CHECK_INT(request(fd, EPM_MAP, &stub, data, sizeof(data), &pdu), PDU_RESPONSE);
		CHECK_INT(ndr_pull(method->out, 3, pdu.stub.data, pdu.stub.len, &arena, &out), 0);
		CHECK_INT(out.tower_count, 1);
		port = rpc_epmap_read_port(out.towers[0]->octets, out.towers[0]->length);
		if (ret_tower != NULL)
			buf_append(ret_tower, out.towers[0]->octets, out.towers[0]->length);
	}
	buf_done(&tower);
	buf_done(&stub);
	arena_done(&arena);
	(void)close(fd);
	return port;
}

static bool has_v6(void)
{
	struct sockets_wanted wanted = { .addresses = "::1" };
	struct sockets s;

	if (sockets_open(&wanted, &s, NULL) < 0)
		return false;
	sockets_close(&s);
	return true;
}

TEST(the_mapper_tells_anybody_the_port_and_the_address_that_was_dialled)
{
	static const char *const addresses[] = { "127.0.0.1", "127.0.0.5", "::1" };
	static const uint8_t ends[][4] = { { 127, 0, 0, 1 }, { 127, 0, 0, 5 }, { 0, 0, 0, 0 } };
	struct daemon_thread d;

	start(&d, "any", NULL);
	for (size_t i = 0; i < (has_v6() ? 3 : 2); i++) {
		struct buf tower = { 0 };

		CHECK_INT(ask_mapper(addresses[i], d.mapper_port, &tower), d.port);
		CHECK_MEM(tower.data + tower.len - 4, ends[i], 4);
		buf_done(&tower);
	}
	stop(&d);
}

TEST(who_is_not_authenticated_gets_access_denied_and_the_end)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	struct daemon_thread d;

	start(&d, "any", NULL);
	for (size_t i = 0; i < (has_v6() ? 2 : 1); i++) {
		struct buf stub = { 0 };
		uint8_t data[4096];
		struct pdu pdu;
		int fd = dial(NULL, addresses[i], d.port);

		CHECK(fd >= 0);
		CHECK_INT(bind_to(fd, &echo_syntax, data, sizeof(data), &pdu), PDU_BIND_ACK);
		CHECK_INT(pdu.ack.results[0].result, PDU_ACCEPTED);
		CHECK_INT(atoll(pdu.ack.address), d.port);
		CHECK_INT(request(fd, ECHO_ECHO, &stub, data, sizeof(data), &pdu), PDU_FAULT);
		CHECK_INT(pdu.stub.status, FAULT_ACCESS_DENIED);
		CHECK_INT(recv(fd, data, sizeof(data), 0), 0);
		(void)close(fd);
	}
	CHECK_INT(d.echo.call_count, 0);
	stop(&d);
}

TEST(ten_thousand_connections_that_say_nothing_do_not_keep_others_out)
{
	static int fds[10000];
	struct rlimit old, limit;
	struct daemon_thread d;
	size_t most;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = MIN(old.rlim_max, (rlim_t)ARRAY_SIZE(fds) + 2000);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(limit.rlim_cur > 1000);
	most = MIN(ARRAY_SIZE(fds), limit.rlim_cur - 800); /* The server has 512 in the same process. */
	start(&d, "127.0.0.1", NULL);
	for (size_t i = 0; i < most; i++) {
		fds[i] = dial("127.0.0.2", "127.0.0.1", d.port);
		CHECK(fds[i] >= 0);
		if (i % 1000 == 999)
			CHECK_INT(ask_mapper("127.0.0.1", d.mapper_port, NULL), d.port);
	}
	CHECK_INT(ask_mapper("127.0.0.1", d.mapper_port, NULL), d.port);
	for (size_t i = 0; i < most; i++)
		(void)close(fds[i]);
	stop(&d);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
}

TEST(a_client_that_does_not_log_in_is_hung_up_on)
{
	struct rpc_limits limits = rpc_limits_default();
	struct daemon_thread d;
	char byte;
	int fd;

	limits.login_ns = 1; /* The next but one tick. */
	start(&d, "127.0.0.1", &limits);
	fd = dial(NULL, "127.0.0.1", d.port);
	CHECK_INT(recv(fd, &byte, 1, 0), 0);
	(void)close(fd);
	stop(&d);
}

/* A mechanism that lets everybody in, a while later. */
enum { SLOW = 78, SOON_MS = 300, NEVER_MS = 3600000 };

struct slow {
	struct rpc_security base;
	uv_timer_t timer;
	bool is_late, gone;
};

static struct {
	uv_loop_t *uv;
	uint64_t ms;
	atomic_uint begun, answered, gone;
} slowness;

static void on_slow_closed(uv_handle_t *timer)
{
	free(timer->data);
}

static void slow_free(struct rpc_security *base)
{
	struct slow *s = container_of(base, struct slow, base);

	atomic_fetch_add(&slowness.gone, 1);
	s->gone = true;
	uv_close((uv_handle_t *)&s->timer, on_slow_closed);
}

static void on_slow_timer(uv_timer_t *timer)
{
	struct slow *s = timer->data;

	CHECK(!s->gone);
	s->is_late = true;
	atomic_fetch_add(&slowness.answered, 1);
	s->base.ready(s->base.ready_data);
}

static int slow_step(struct rpc_security *base, const uint8_t *token, size_t len, struct buf *token_out)
{
	struct slow *s = container_of(base, struct slow, base);

	if (s->is_late)
		return 0;
	atomic_fetch_add(&slowness.begun, 1);
	(void)uv_timer_start(&s->timer, on_slow_timer, slowness.ms, 0);
	return RPC_STEP_LATER;
}

static void slow_identify(struct rpc_security *base, struct rpc_identity *identity)
{
	identity->access = RPC_ACCESS_ALL;
}

static int slow_make(const struct rpc_security_provider *p, uint8_t level, struct rpc_security **ret)
{
	static const struct rpc_security_ops ops = { .step = slow_step, .identify = slow_identify, .free = slow_free };
	struct slow *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->base.ops = &ops;
	(void)uv_timer_init(slowness.uv, &s->timer);
	s->timer.data = s;
	*ret = &s->base;
	return 0;
}

static const struct rpc_security_provider slow = { .type = SLOW, .make = slow_make };

static void put_slow_bind(struct buf *b, enum pdu_type type)
{
	struct pdu_auth auth = { .type = SLOW, .level = RPC_LEVEL_CONNECT };
	size_t at = pdu_begin(b, type, PDU_FIRST | PDU_LAST, 1);

	pdu_put_bind(b, 4280, 0, 0, &echo_syntax);
	pdu_put_trailer(b, at, 4, &auth);
	buf_append(b, "slow", 4);
	pdu_end(b, at, 4);
}

static void start_slow(struct daemon_thread *d, uint64_t ms)
{
	slowness.ms = ms;
	slowness.begun = slowness.answered = slowness.gone = 0;
	slowness.uv = &d->uv;
	start(d, "127.0.0.1", NULL);
	CHECK_INT(rpc_server_add_provider(d->echo.server, &slow), 0); /* Nobody has connected yet. */
}

static bool becomes(atomic_uint *what, unsigned value)
{
	for (int i = 0; i < 30000 && *what != value; i++)
		(void)usleep(2000);
	return *what == value;
}

/* Far more than may be held comes while the login waits: it stays with the kernel, and nothing of it is lost. */
TEST(a_client_that_calls_during_its_login_is_answered_behind_it)
{
	enum { CALLS = 200, SIZE = 4000 };
	static uint8_t stub[SIZE], data[8192];
	struct buf b = { 0 };
	struct daemon_thread d;
	struct pdu pdu;
	int fd;

	start_slow(&d, SOON_MS);
	fd = dial(NULL, "127.0.0.1", d.port);
	put_slow_bind(&b, PDU_BIND);
	for (uint32_t i = 0; i < CALLS; i++) {
		size_t at = pdu_begin(&b, PDU_REQUEST, PDU_FIRST | PDU_LAST, 2 + i);

		pdu_put_stub_header(&b, SIZE, 0, ECHO_ECHO);
		buf_append(&b, stub, SIZE);
		pdu_end(&b, at, 0);
	}
	CHECK(b.len > 2 * RPC_HELD_MAX);
	CHECK_INT(exchange(fd, &b, data, sizeof(data), &pdu), PDU_BIND_ACK);
	for (uint32_t i = 0; i < CALLS; i++) {
		CHECK_INT(exchange(fd, &b, data, sizeof(data), &pdu), PDU_RESPONSE);
		CHECK_INT(pdu.header.call_id, 2 + i);
	}
	(void)close(fd);
	stop(&d);
}

TEST(a_client_that_goes_during_its_login_is_noticed)
{
	struct buf b = { 0 };
	struct daemon_thread d;
	int fd;

	start_slow(&d, NEVER_MS);
	fd = dial(NULL, "127.0.0.1", d.port);
	put_slow_bind(&b, PDU_BIND);
	CHECK_INT(send(fd, b.data, b.len, MSG_NOSIGNAL), b.len);
	CHECK(becomes(&slowness.begun, 1));
	(void)close(fd);
	CHECK(becomes(&slowness.gone, 1));
	CHECK_INT(slowness.answered, 0);
	buf_done(&b);
	stop(&d);
}

TEST(an_end_does_not_wait_for_logins)
{
	struct buf b = { 0 };
	struct daemon_thread d;
	int fd;

	start_slow(&d, NEVER_MS);
	fd = dial(NULL, "127.0.0.1", d.port);
	put_slow_bind(&b, PDU_BIND);
	CHECK_INT(send(fd, b.data, b.len, MSG_NOSIGNAL), b.len);
	CHECK(becomes(&slowness.begun, 1));
	stop(&d);
	CHECK_INT(slowness.gone, 1);
	CHECK_INT(slowness.answered, 0);
	(void)close(fd);
	buf_done(&b);
}

/* Who opens many connections, and guesses on all of them at once, has as few guesses as who opens one after the other. */
TEST(connections_that_are_there_wait_too_after_failed_logins)
{
	for (int failures = 0; failures < 20; failures += 10) {
		struct rpc_identity here = { .address = { [10] = 0xff, 0xff, 127, 0, 0, 1 } };
		struct buf b = { 0 };
		struct daemon_thread d;
		uint8_t data[8192];
		struct pdu pdu;
		int fd;

		start_slow(&d, SOON_MS);
		fd = dial(NULL, "127.0.0.1", d.port);
		CHECK_INT(bind_to(fd, &echo_syntax, data, sizeof(data), &pdu), PDU_BIND_ACK);
		/* It is served: the loop looks at the throttle when the next message comes, and not before. */
		for (int i = 0; i < failures; i++)
			(void)throttle_failed(&d.throttle, here.address, uv_hrtime());
		put_slow_bind(&b, PDU_ALTER);
		CHECK_INT(exchange(fd, &b, data, sizeof(data), &pdu), failures == 0 ? PDU_ALTER_ACK : PDU_FAULT);
		if (failures > 0)
			CHECK_INT(recv(fd, data, sizeof(data), 0), 0);
		CHECK_INT(slowness.begun, failures == 0);
		(void)close(fd);
		stop(&d);
	}
}

TEST(addresses_are_numbers_and_nothing_else)
{
	static const struct {
		const char *text;
		int count;
	} cases[] = {
		{ "off", 0 },
		{ "any", 2 },
		{ "127.0.0.1", 1 },
		{ "127.0.0.1, ::1", 2 },
		{ "::,0.0.0.0", 2 },
		{ "1.2.3.4 , ::", 2 },
		{ "", -EINVAL },
		{ "localhost", -EINVAL },
		{ "127.0.0.1,", -EINVAL },
		{ ",::1", -EINVAL },
		{ "1.2.3", -EINVAL },
		{ "1.2.3.4 ::1", -EINVAL },
		{ "fe80::1", -EINVAL },
		{ "::1%lo", -EINVAL },
		{ "[::1]", -EINVAL },
		{ "::1,::2,::3,::4,::5,::6,::7,::8", 8 },
		{ "::1,::2,::3,::4,::5,::6,::7,::8,::9", -E2BIG },
	};
	union socket_address a[SOCKETS_ADDRESSES_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (sockets_parse_addresses(cases[i].text, a) != cases[i].count)
			test_fail(__FILE__, __LINE__, "'%s'", cases[i].text);
}

TEST(all_addresses_have_one_port_and_a_taken_one_is_an_error)
{
	struct sockets_wanted wanted = { .addresses = "127.0.0.1,127.0.0.2,127.0.0.3" };
	struct sockets s, second = { 0 };
	struct error e = { 0 };
	uint16_t port, other;

	CHECK_INT(sockets_open(&wanted, &s, NULL), 0);
	CHECK_INT(s.services, 3);
	CHECK_INT(s.mappers, 0);
	CHECK_INT(sockets_port(s.fds[0], &port), 0);
	for (unsigned i = 1; i < 3; i++) {
		CHECK_INT(sockets_port(s.fds[i], &other), 0);
		CHECK_INT(other, port);
	}
	wanted = (struct sockets_wanted){ .addresses = "127.0.0.2", .port = port };
	CHECK_INT(sockets_open(&wanted, &second, &e), -EADDRINUSE);
	CHECK(strstr(e.text, "127.0.0.2") != NULL);
	/* A mapper that cannot be is an error or not, as wished. */
	wanted = (struct sockets_wanted){ .addresses = "127.0.0.2", .mapper_port = port };
	CHECK_INT(sockets_open(&wanted, &second, &e), -EADDRINUSE);
	CHECK_INT(second.services, 0);
	wanted.mapper_is_optional = true;
	CHECK_INT(sockets_open(&wanted, &second, &e), 0);
	CHECK_INT(second.services, 1);
	CHECK_INT(second.mappers, 0);
	sockets_close(&second);
	sockets_close(&s);
	wanted.addresses = "off";
	CHECK_INT(sockets_open(&wanted, &s, NULL), 0);
	CHECK_INT(s.services + s.mappers, 0);
}
