/* The blocking client over the network: logins, the mapper, hosts that do not answer, cancels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client.h"
#include "rpc/dial.h"
#include "rpc/epmap.h"
#include "tests/lib/rpc_host.h"
#include "tests/lib/rpc_login.h"
#include "tests/lib/test.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOON_MS = 60000 };

/* A socket at that port (0: any), that others like it may have as well as long as nobody listens. */
static int bind_at(const char *address, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	CHECK(fd >= 0);
	CHECK_INT(inet_pton(AF_INET, address, &a.sin_addr), 1);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	CHECK_INT(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static int listen_at(const char *address, uint16_t *port, int backlog)
{
	int fd = bind_at(address, *port);

	CHECK_INT(listen(fd, backlog), 0);
	*port = port_of(fd);
	return fd;
}

/* A server of the echo interface that wants a login, at privacy. */
struct server {
	struct host *host;
	struct ntlm_acceptor acceptor;
	uint16_t port;
};

static void server_start(struct server *s, const char *address, uint16_t port)
{
	struct rpc_limits limits = rpc_limits_default();
	int fd;

	s->host = calloc(1, sizeof(*s->host));
	CHECK(s->host != NULL);
	s->port = port;
	fd = listen_at(address, &s->port, 128);
	s->acceptor = login_acceptor();
	host_start_on(s->host, fd, "1", &login_nobody, &limits);
	pthread_mutex_lock(&s->host->lock);
	s->host->echo.interface.least_level = RPC_LEVEL_PRIVACY;
	CHECK_INT(rpc_server_add_provider(s->host->echo.server, &s->acceptor.provider), 0);
	pthread_mutex_unlock(&s->host->lock);
}

static void server_stop(struct server *s)
{
	host_stop(s->host);
	free(s->host);
}

/* The mapper of a server: a host of its own, as its doors are others.  Its connections are "local", so that it may be asked
 * over any transport. */
struct mapper {
	struct host *host;
	struct rpc_epmap map;
	struct rpc_endpoint endpoint;
	uint16_t port;
};

static void mapper_start(struct mapper *m, const char *address, uint16_t port, uint16_t tells)
{
	struct rpc_limits limits = rpc_limits_default();
	int fd;

	m->host = calloc(1, sizeof(*m->host));
	CHECK(m->host != NULL);
	m->port = port;
	fd = listen_at(address, &m->port, 128);
	host_start_on(m->host, fd, "1", &peer_nobody, &limits);
	m->endpoint = (struct rpc_endpoint){ .syntax = echo_syntax, .port = tells };
	pthread_mutex_lock(&m->host->lock);
	rpc_epmap_init(&m->map, &m->endpoint, 1);
	CHECK_INT(rpc_server_add_interface(m->host->echo.server, &m->map.interface), 0);
	pthread_mutex_unlock(&m->host->lock);
}

static void mapper_stop(struct mapper *m)
{
	host_stop(m->host);
	free(m->host);
}

struct login {
	struct rpc_login base;
	struct ntlm_initiator initiator;
};

static int make(const struct rpc_login *base, const char *host, struct rpc_security **ret)
{
	const struct login *l = container_of(base, struct login, base);
	int r = l->initiator.provider.make(&l->initiator.provider, RPC_LEVEL_PRIVACY, ret);

	if (r == 0) {
		(*ret)->type = l->initiator.provider.type;
		(*ret)->level = RPC_LEVEL_PRIVACY;
	}
	return r;
}

static struct login alice(void)
{
	return (struct login){ { make }, login_initiator(U16("alice"), U16("Secret.1")) };
}

static struct rpc_client *client_of(
    const struct rpc_client_host *hosts, size_t count, uint16_t mapper_port, const struct login *login)
{
	struct rpc_client_config c = { .interface = echo_syntax,
		.hosts = hosts,
		.host_count = count,
		.mapper_port = mapper_port,
		.connect_ms = SOON_MS,
		.login = login != NULL ? &login->base : NULL };
	struct rpc_client *client;

	CHECK_INT(rpc_client_new(&c, &client), 0);
	return client;
}

static int echo(struct rpc_client *c, size_t len)
{
	_cleanup_(buf_done) struct buf sent = { 0 }, reply = { 0 };
	int r;

	buf_append_zeros(&sent, len);
	for (size_t i = 0; i < len; i++)
		sent.data[i] = (uint8_t)(i * 7);
	r = rpc_client_call(c, &(struct rpc_client_call){ .opnum = ECHO_ECHO, .stub = sent.data, .len = len }, &reply);
	if (r == 0) {
		CHECK_INT(reply.len, len);
		if (len > 0)
			CHECK_MEM(reply.data, sent.data, len);
	}
	return r;
}

TEST(calls_go_encrypted_to_a_port)
{
	struct login login = alice();
	struct server s;
	struct rpc_client *c;

	server_start(&s, "127.0.0.1", 0);
	c = client_of(&(struct rpc_client_host){ "127.0.0.1", s.port }, 1, 0, &login);
	CHECK_INT(echo(c, 0), 0);
	CHECK_INT(echo(c, 5), 0);
	CHECK_INT(echo(c, 300000), 0);
	rpc_client_free(c);
	server_stop(&s);
}

TEST(without_a_login_or_with_a_wrong_one_access_is_denied)
{
	struct login login = { { make }, login_initiator(U16("alice"), U16("Secret.2")) };
	struct server s;
	struct rpc_client *c;

	server_start(&s, "127.0.0.1", 0);
	c = client_of(&(struct rpc_client_host){ "127.0.0.1", s.port }, 1, 0, NULL);
	CHECK_INT(echo(c, 5), ERR_ACCESS_DENIED);
	rpc_client_free(c);
	c = client_of(&(struct rpc_client_host){ "127.0.0.1", s.port }, 1, 0, &login);
	CHECK_INT(echo(c, 5), ERR_ACCESS_DENIED);
	rpc_client_free(c);
	CHECK_INT(s.host->echo.call_count, 0);
	server_stop(&s);
}

TEST(a_name_and_a_mapper_lead_to_the_port)
{
	struct login login = alice();
	struct mapper m;
	struct server s;
	struct rpc_client *c;
	int kept = bind_at("127.0.0.1", 0); /* Nobody else gets the port when the mapper has gone. */

	server_start(&s, "127.0.0.1", 0);
	mapper_start(&m, "127.0.0.1", port_of(kept), s.port);
	/* localhost is ::1 as well, where nobody listens. */
	c = client_of(&(struct rpc_client_host){ "localhost", 0 }, 1, m.port, &login);
	CHECK_INT(echo(c, 5), 0);
	rpc_client_free(c);
	mapper_stop(&m);
	mapper_start(&m, "127.0.0.1", port_of(kept), 0);
	c = client_of(&(struct rpc_client_host){ "127.0.0.1", 0 }, 1, m.port, &login);
	CHECK_INT(echo(c, 5), ERR_EPT_S_NOT_REGISTERED);
	rpc_client_free(c);
	mapper_stop(&m);
	c = client_of(&(struct rpc_client_host){ "127.0.0.1", 0 }, 1, m.port, &login);
	CHECK_INT(echo(c, 5), ERR_RPC_S_SERVER_UNAVAILABLE);
	rpc_client_free(c);
	server_stop(&s);
	(void)close(kept);
}

TEST(another_host_serves_when_the_first_has_gone)
{
	struct login login = alice();
	struct server first, second;
	struct rpc_client_host hosts[2];
	struct rpc_client *c;
	uint64_t generation;
	int kept = bind_at("127.0.0.1", 0); /* Nobody else gets the port while the first is away. */

	server_start(&first, "127.0.0.1", port_of(kept));
	server_start(&second, "127.0.0.2", 0);
	hosts[0] = (struct rpc_client_host){ "127.0.0.1", first.port };
	hosts[1] = (struct rpc_client_host){ "127.0.0.2", second.port };
	c = client_of(hosts, 1, 0, &login);
	CHECK_INT(echo(c, 5), 0);
	CHECK_INT(rpc_client_add_host(c, &hosts[1]), 0);
	CHECK_INT(rpc_client_add_host(c, &hosts[0]), 0); /* Known already. */
	CHECK_INT(first.host->accepted, 1);
	generation = rpc_client_generation(c);
	server_stop(&first);
	CHECK_INT(echo(c, 5), 0);
	CHECK(rpc_client_generation(c) != generation);
	CHECK_INT(second.host->accepted, 1);
	/* It stays there, though the first is back. */
	server_start(&first, "127.0.0.1", hosts[0].port);
	CHECK_INT(echo(c, 5), 0);
	CHECK_INT(first.host->accepted, 0);
	/* Until it is told to move. */
	rpc_client_move(c);
	CHECK_INT(echo(c, 5), 0);
	CHECK_INT(first.host->accepted, 1);
	rpc_client_free(c);
	server_stop(&first);
	server_stop(&second);
	(void)close(kept);
}

struct canceller {
	struct rpc_client *client;
	struct rpc_cancel cancel;
	struct host *host; /* Fire when a call waits there; NULL: after a while. */
};

static void *cancel_soon(void *data)
{
	struct canceller *x = data;

	for (int i = 0; i < 6000 && x->host != NULL && host_waiting(x->host) == 0; i++)
		(void)usleep(10000);
	(void)usleep(50000);
	rpc_cancel_fire(x->client, &x->cancel);
	return NULL;
}

static int cancelled_call(struct rpc_client *c, struct host *host, uint16_t opnum)
{
	struct canceller x = { .client = c, .host = host };
	_cleanup_(buf_done) struct buf reply = { 0 };
	pthread_t thread;
	int r;

	CHECK_INT(rpc_cancel_init(&x.cancel), 0);
	CHECK_INT(pthread_create(&thread, NULL, cancel_soon, &x), 0);
	r = rpc_client_call(c, &(struct rpc_client_call){ .opnum = opnum, .stub = "", .cancel = &x.cancel }, &reply);
	CHECK_INT(pthread_join(thread, NULL), 0);
	rpc_cancel_done(&x.cancel);
	return r;
}

TEST(a_hanging_call_is_cancelled_and_the_server_hears_of_it)
{
	struct login login = alice();
	struct server s;
	struct rpc_client *c;

	server_start(&s, "127.0.0.1", 0);
	c = client_of(&(struct rpc_client_host){ "127.0.0.1", s.port }, 1, 0, &login);
	CHECK_INT(cancelled_call(c, s.host, ECHO_WAIT), ERR_CANCELLED);
	for (int i = 0; i < 6000 && host_cancelled(s.host) == 0; i++)
		(void)usleep(10000);
	CHECK_INT(host_cancelled(s.host), 1);
	CHECK_INT(echo(c, 5), 0);
	rpc_client_free(c);
	server_stop(&s);
}

TEST(a_server_that_accepts_and_says_nothing_holds_nobody_for_ever)
{
	struct rpc_client_config config = { .interface = echo_syntax, .host_count = 1, .connect_ms = 200 };
	struct rpc_client_host host = { .name = "127.0.0.1" };
	struct login login = alice();
	struct rpc_client *c;
	int fd = listen_at("127.0.0.1", &host.port, 16);

	config.hosts = &host;
	config.login = &login.base;
	CHECK_INT(rpc_client_new(&config, &c), 0);
	CHECK_INT(echo(c, 5), ERR_RPC_S_SERVER_UNAVAILABLE);
	rpc_client_free(c);
	c = client_of(&host, 1, 0, &login);
	CHECK_INT(cancelled_call(c, NULL, ECHO_ECHO), ERR_CANCELLED);
	rpc_client_free(c);
	(void)close(fd);
}

TEST(a_host_that_does_not_answer_costs_its_share_of_the_time)
{
	struct login login = alice();
	struct rpc_client_host hosts[2] = { { .name = "127.0.0.3" }, { .name = "127.0.0.1" } };
	int silent = listen_at("127.0.0.3", &hosts[0].port, 16);
	struct server s;
	struct rpc_client *c;
	struct rpc_client_config config = { .interface = echo_syntax,
		.hosts = hosts,
		.host_count = 2,
		.connect_ms = 6000,
		.login = &login.base };
	uint64_t before;

	server_start(&s, "127.0.0.1", 0);
	hosts[1].port = s.port;
	CHECK_INT(rpc_client_new(&config, &c), 0);
	before = rpc_now_ms();
	CHECK_INT(echo(c, 5), 0); /* So there was time left for the other one. */
	CHECK(rpc_now_ms() - before >= (uint64_t)config.connect_ms / 2 - 100);
	rpc_client_free(c);
	server_stop(&s);
	(void)close(silent);
}

TEST(an_unknown_name_is_no_server)
{
	struct rpc_client *c = client_of(&(struct rpc_client_host){ "no-such-host.invalid", 1 }, 1, 0, NULL);

	CHECK_INT(echo(c, 5), ERR_RPC_S_SERVER_UNAVAILABLE);
	rpc_client_free(c);
}
