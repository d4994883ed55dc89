/* The blocking client against a server that is played by the test, PDU by PDU.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WHOLE = PDU_FIRST | PDU_LAST };

struct story {
	int listener;
	struct rpc_client *client;
	struct sockaddr_un address;
};

/* A call in a thread of its own. */
struct caller {
	pthread_t thread;
	atomic_int tid;
	struct rpc_client *client;
	struct rpc_client_call call;
	struct buf reply;
	int result;
};

static void begin_story(struct story *s)
{
	struct rpc_client_config config = { .interface = echo_syntax, .connect_ms = 60000 };
	struct timeval most = { .tv_sec = 60 };

	s->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(s->address.sun_path, sizeof(s->address.sun_path), "%s/socket", test_directory());
	(void)unlink(s->address.sun_path);
	config.path = s->address.sun_path;
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(s->listener, (struct sockaddr *)&s->address, sizeof(s->address)), 0);
	CHECK_INT(setsockopt(s->listener, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0); /* For accept(). */
	CHECK_INT(listen(s->listener, 5), 0);
	CHECK_INT(rpc_client_new(&config, &s->client), 0);
}

static void end_story(struct story *s)
{
	rpc_client_free(s->client);
	(void)close(s->listener);
}

static void *run_caller(void *data)
{
	struct caller *c = data;

	c->tid = gettid();
	c->result = rpc_client_call(c->client, &c->call, &c->reply);
	return NULL;
}

static void begin_call(struct story *s, struct caller *c, const void *stub, size_t len, int timeout_ms)
{
	*c = (struct caller){ .client = s->client,
		.call = { .opnum = 1, .stub = stub, .len = len, .timeout_ms = timeout_ms } };
	CHECK_INT(pthread_create(&c->thread, NULL, run_caller, c), 0);
}

/* It has done what it can, and waits: for its answer, or for its turn to send. */
static void wait_asleep(struct caller *c)
{
	char path[64], stat[256], state = 0;

	for (int i = 0; i < 60000 && state != 'S'; i++) {
		FILE *f;

		(void)usleep(1000);
		if (c->tid == 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", c->tid);
		f = fopen(path, "re");
		CHECK(f != NULL && fgets(stat, sizeof(stat), f) != NULL);
		(void)fclose(f);
		state = strrchr(stat, ')')[2];
	}
	CHECK_INT(state, 'S');
}

static int end_call(struct caller *c)
{
	CHECK_INT(pthread_join(c->thread, NULL), 0);
	buf_done(&c->reply);
	return c->result;
}

/* The server's side. */

static int accept_client(const struct story *s)
{
	struct timeval most = { .tv_sec = 60 };
	int fd = accept(s->listener, NULL, NULL);

	CHECK(fd >= 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
	return fd;
}

/* One PDU of the client; it borrows from a static buffer. */
static struct pdu receive(int fd)
{
	static uint8_t data[PDU_SIZE_MAX];
	struct pdu pdu;
	size_t len;

	CHECK_INT(recv(fd, data, PDU_HEADER_SIZE, MSG_WAITALL), PDU_HEADER_SIZE);
	len = get_le16(data + 8) - PDU_HEADER_SIZE;
	if (len > 0)
		CHECK_INT(recv(fd, data + PDU_HEADER_SIZE, len, MSG_WAITALL), len);
	CHECK_INT(pdu_decode(data, PDU_HEADER_SIZE + len, &pdu), 0);
	return pdu;
}

static void send_all(int fd, struct buf *b)
{
	CHECK_INT(send(fd, b->data, b->len, MSG_NOSIGNAL), b->len);
	buf_done(b);
}

static void send_ack_with(int fd, uint32_t group, unsigned flags)
{
	struct pdu_ack ack = { .max_xmit = 4280, .max_recv = 4280, .group = group, .address = "x", .result_count = 1 };
	struct buf b = { 0 };
	size_t start = pdu_begin(&b, PDU_BIND_ACK, WHOLE | flags, 1);

	ack.results[0].transfer = pdu_ndr20;
	pdu_put_ack(&b, start, &ack, false);
	pdu_end(&b, start, 0);
	send_all(fd, &b);
}

static void send_ack(int fd, uint32_t group)
{
	send_ack_with(fd, group, 0);
}

/* Accept, take a bind that asks for that group, and grant another one. */
static int serve_bind(const struct story *s, uint32_t asked, uint32_t granted)
{
	int fd = accept_client(s);
	struct pdu pdu = receive(fd);

	CHECK_INT(pdu.header.type, PDU_BIND);
	CHECK_INT(pdu.bind.group, asked);
	if (granted != 0) {
		send_ack(fd, granted);
	} else {
		struct buf b = { 0 };

		pdu_put_nak(&b, 1, NAK_UNSPECIFIED);
		send_all(fd, &b);
	}
	return fd;
}

/* The same, by a server that takes several calls at a time. */
static int serve_several(const struct story *s)
{
	int fd = accept_client(s);
	struct pdu pdu = receive(fd);

	CHECK_INT(pdu.header.type, PDU_BIND);
	CHECK(pdu.header.flags & PDU_MULTIPLEX);
	send_ack_with(fd, 7, PDU_MULTIPLEX);
	return fd;
}

static void put_response(struct buf *b, unsigned flags, uint32_t call_id, const void *stub, size_t len)
{
	size_t start = pdu_begin(b, PDU_RESPONSE, flags, call_id);

	pdu_put_stub_header(b, len, 0, 0);
	if (len > 0)
		buf_append(b, stub, len);
	pdu_end(b, start, 0);
}

static void serve_reply(int fd, uint32_t call_id)
{
	struct buf b = { 0 };

	put_response(&b, WHOLE, call_id, NULL, 0);
	send_all(fd, &b);
}

static uint32_t serve_request(int fd)
{
	struct pdu pdu = receive(fd);

	CHECK_INT(pdu.header.type, PDU_REQUEST);
	return pdu.header.call_id;
}

TEST(only_the_first_connection_founds_a_group)
{
	struct caller a, b;
	struct story s;
	int first, second;
	uint32_t id;

	begin_story(&s);
	begin_call(&s, &a, "a", 1, 0);
	begin_call(&s, &b, "b", 1, 0);
	first = accept_client(&s);
	(void)usleep(50000); /* The other one has had time to connect, and must not have done so. */
	CHECK(recv(first, &(uint8_t){ 0 }, 1, MSG_PEEK) == 1);
	CHECK_INT(receive(first).bind.group, 0);
	send_ack(first, 7);
	id = serve_request(first);
	second = serve_bind(&s, 7, 7);
	serve_reply(first, id);
	serve_reply(second, serve_request(second));
	CHECK_INT(end_call(&a), 0);
	CHECK_INT(end_call(&b), 0);
	CHECK_INT(rpc_client_generation(s.client), 0);
	end_story(&s);
	(void)close(first);
	(void)close(second);
}

TEST(a_group_that_the_server_does_not_know_is_founded_again)
{
	struct caller blocked, a;
	struct story s;
	int first, second, third;
	uint32_t id;

	begin_story(&s);
	begin_call(&s, &blocked, "blocked", 7, 0);
	first = serve_bind(&s, 0, 7);
	id = serve_request(first);
	begin_call(&s, &a, "a", 1, 0);
	second = serve_bind(&s, 7, 0);
	third = serve_bind(&s, 0, 8);
	serve_reply(third, serve_request(third));
	CHECK_INT(end_call(&a), 0);
	CHECK_INT(rpc_client_generation(s.client), 1);

	/* The old group's connection is used to its end, and not again. */
	serve_reply(first, id);
	CHECK_INT(end_call(&blocked), 0);
	CHECK_INT(recv(first, &(uint8_t){ 0 }, 1, 0), 0);
	CHECK_INT(rpc_client_generation(s.client), 1);
	begin_call(&s, &a, "a", 1, 0);
	serve_reply(third, serve_request(third));
	CHECK_INT(end_call(&a), 0);
	end_story(&s);
	(void)close(first);
	(void)close(second);
	(void)close(third);
}

/* Another server, or another client of mine, may have a group of the same number by now. */
TEST(when_all_connections_are_gone_their_group_is_not_asked_for)
{
	struct caller a;
	struct story s;
	int fd;

	begin_story(&s);
	for (uint64_t generation = 0; generation < 3; generation++) {
		begin_call(&s, &a, "a", 1, 0);
		fd = serve_bind(&s, 0, 7);
		serve_reply(fd, serve_request(fd));
		CHECK_INT(end_call(&a), 0);
		CHECK_INT(rpc_client_generation(s.client), generation);
		(void)close(fd);
	}
	end_story(&s);
}

TEST(a_fault_that_was_sent_before_the_connection_broke_is_heard)
{
	struct buf b = { 0 };
	struct caller a;
	struct story s;
	int fd;

	begin_story(&s);
	begin_call(&s, &a, "a", 1, 0);
	fd = serve_bind(&s, 0, 7);
	serve_reply(fd, serve_request(fd));
	CHECK_INT(end_call(&a), 0);
	/* The next call finds that it cannot send, and why. */
	pdu_put_fault(&b, PDU_DID_NOT_EXECUTE, 3, 0, FAULT_ACCESS_DENIED);
	send_all(fd, &b);
	(void)close(fd);
	begin_call(&s, &a, "a", 1, 0);
	CHECK_INT(end_call(&a), ERR_ACCESS_DENIED);
	end_story(&s);
}

TEST(a_connection_with_half_a_request_on_it_is_not_used_again)
{
	uint8_t *stub = calloc(1, 4 << 20);
	struct caller a;
	struct story s;
	int first, second;

	CHECK(stub != NULL);
	begin_story(&s);
	begin_call(&s, &a, stub, 4 << 20, 2000);
	first = serve_bind(&s, 0, 7);
	CHECK_INT(end_call(&a), ERR_TIMEOUT); /* Nobody reads. */
	begin_call(&s, &a, "a", 1, 0);
	second = serve_bind(&s, 0, 8);
	serve_reply(second, serve_request(second));
	CHECK_INT(end_call(&a), 0);
	end_story(&s);
	(void)close(first);
	(void)close(second);
	free(stub);
}

TEST(a_call_that_is_given_up_is_told_to_the_server)
{
	struct caller a;
	struct story s;
	struct pdu pdu;
	uint32_t id;
	int fd;

	begin_story(&s);
	begin_call(&s, &a, "a", 1, 2000);
	fd = serve_bind(&s, 0, 7);
	id = serve_request(fd);
	CHECK_INT(end_call(&a), ERR_TIMEOUT);
	pdu = receive(fd);
	CHECK_INT(pdu.header.type, PDU_ORPHANED);
	CHECK_INT(pdu.header.call_id, id);
	serve_reply(fd, id); /* Too late. */
	begin_call(&s, &a, "b", 1, 0);
	serve_reply(fd, serve_request(fd));
	CHECK_INT(end_call(&a), 0);
	end_story(&s);
	(void)close(fd);
}

TEST(a_server_that_answers_nonsense_breaks_its_connection_only)
{
	struct caller a;
	struct story s;
	uint32_t id;
	int fd;

	begin_story(&s);
	begin_call(&s, &a, "a", 1, 0);
	fd = serve_bind(&s, 0, 7);
	id = serve_request(fd);
	serve_reply(fd, id + 1);
	CHECK_INT(end_call(&a), ERR_RPC_S_PROTOCOL_ERROR);
	(void)close(fd);
	begin_call(&s, &a, "a", 1, 0);
	fd = serve_bind(&s, 0, 8);
	serve_reply(fd, serve_request(fd));
	CHECK_INT(end_call(&a), 0);
	(void)close(fd);
	end_story(&s);
}

/* As ours does when there are too many. */
TEST(a_server_that_hangs_up_instead_of_binding_is_asked_again)
{
	struct caller a;
	struct story s;
	int fd;

	begin_story(&s);
	begin_call(&s, &a, "a", 1, 0);
	for (int i = 0; i < 3; i++)
		(void)close(accept_client(&s));
	fd = serve_bind(&s, 0, 7);
	serve_reply(fd, serve_request(fd));
	CHECK_INT(end_call(&a), 0);
	(void)close(fd);
	end_story(&s);
}

static void *hang_up(void *data)
{
	struct story *s = data;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0)
		(void)close(fd);
	return NULL;
}

TEST(a_server_that_goes_on_hanging_up_is_too_busy)
{
	struct rpc_client_config config = { .interface = echo_syntax, .connect_ms = 300 };
	struct buf reply = { 0 };
	struct rpc_client *c;
	pthread_t thread;
	struct story s;

	begin_story(&s);
	config.path = s.address.sun_path;
	CHECK_INT(rpc_client_new(&config, &c), 0);
	CHECK_INT(pthread_create(&thread, NULL, hang_up, &s), 0);
	CHECK_INT(
	    rpc_client_call(c, &(struct rpc_client_call){ .stub = "a", .len = 1 }, &reply), ERR_RPC_S_SERVER_TOO_BUSY);
	CHECK_INT(shutdown(s.listener, SHUT_RDWR), 0);
	CHECK_INT(pthread_join(thread, NULL), 0);
	/* Nobody listens any more. */
	CHECK_INT(rpc_client_call(c, &(struct rpc_client_call){ .stub = "a", .len = 1 }, &reply),
	    ERR_RPC_S_SERVER_UNAVAILABLE);
	rpc_client_free(c);
	end_story(&s);
}

/* Each gets its own number back, twice, in two fragments that others come between. */
TEST(answers_in_any_order_reach_their_own_calls)
{
	enum { CALLS = 5 };
	struct caller c[CALLS];
	uint8_t number[CALLS];
	uint32_t ids[CALLS];
	struct buf b = { 0 };
	struct story s;
	int fd;

	begin_story(&s);
	for (uint8_t i = 0; i < CALLS; i++) {
		number[i] = i;
		begin_call(&s, &c[i], &number[i], 1, 0);
	}
	fd = serve_several(&s);
	for (int i = 0; i < CALLS; i++) {
		struct pdu pdu = receive(fd);

		CHECK_INT(pdu.stub.len, 1);
		ids[pdu.stub.data[0]] = pdu.header.call_id;
	}
	for (int i = CALLS; i-- > 0;)
		put_response(&b, PDU_FIRST, ids[i], &number[i], 1);
	send_all(fd, &b);
	for (int i = 1; i <= CALLS; i++) {
		int who = (i * 2) % CALLS;

		put_response(&b, PDU_LAST, ids[who], &number[who], 1);
		send_all(fd, &b);
		CHECK_INT(pthread_join(c[who].thread, NULL), 0); /* While the others still wait. */
		CHECK_INT(c[who].result, 0);
		CHECK_INT(c[who].reply.len, 2);
		CHECK(c[who].reply.data[0] == who && c[who].reply.data[1] == who);
		buf_done(&c[who].reply);
	}
	CHECK_INT(rpc_client_generation(s.client), 0);
	end_story(&s);
	(void)close(fd);
}

/* An answer that comes twice is nobody's; one to a call that was never made ends the connection, and all that wait. */
TEST(a_server_that_mixes_up_its_answers_deceives_nobody)
{
	struct caller a, b, c;
	struct buf out = { 0 };
	uint32_t first, second;
	struct story s;
	int fd;

	begin_story(&s);
	begin_call(&s, &a, "a", 1, 0);
	fd = serve_several(&s);
	first = serve_request(fd);
	begin_call(&s, &b, "b", 1, 0);
	second = serve_request(fd);
	put_response(&out, WHOLE, first, "first", 5);
	put_response(&out, WHOLE, first, "again", 5);
	send_all(fd, &out);
	CHECK_INT(pthread_join(a.thread, NULL), 0);
	CHECK_INT(a.result, 0);
	CHECK_MEM(a.reply.data, "first", 5);
	buf_done(&a.reply);
	begin_call(&s, &c, "c", 1, 0);
	CHECK_INT(serve_request(fd), second + 1);
	put_response(&out, WHOLE, first, "again", 5);
	put_response(&out, WHOLE, second + 2, "what?", 5);
	send_all(fd, &out);
	CHECK_INT(end_call(&b), ERR_RPC_S_PROTOCOL_ERROR);
	CHECK_INT(end_call(&c), ERR_RPC_S_PROTOCOL_ERROR);
	CHECK_INT(rpc_client_generation(s.client), 1);
	end_story(&s);
	(void)close(fd);
}

TEST(a_break_tells_each_call_whether_it_may_have_been_executed)
{
	uint8_t *large = calloc(1, 4 << 20);
	struct caller a, b, c;
	struct story s;
	int fd;

	CHECK(large != NULL);
	begin_story(&s);
	begin_call(&s, &a, "a", 1, 0);
	fd = serve_several(&s);
	(void)serve_request(fd);
	begin_call(&s, &b, large, 4 << 20, 0);
	(void)serve_request(fd); /* Its beginning. */
	begin_call(&s, &c, "c", 1, 0);
	wait_asleep(&c);
	(void)close(fd);
	CHECK_INT(end_call(&a), ERR_RPC_S_CALL_FAILED);
	CHECK_INT(end_call(&b), ERR_RPC_S_CALL_FAILED_DNE);
	CHECK_INT(end_call(&c), ERR_RPC_S_CALL_FAILED_DNE);
	end_story(&s);
	free(large);
}

/* More is to be sent than the kernel takes, while another thread reads. */
TEST(a_large_request_and_an_answer_pass_each_other)
{
	uint8_t *large = calloc(1, 4 << 20);
	uint32_t first, second;
	struct caller a, b;
	struct story s;
	int fd;

	CHECK(large != NULL);
	begin_story(&s);
	begin_call(&s, &a, "a", 1, 0);
	fd = serve_several(&s);
	first = serve_request(fd);
	begin_call(&s, &b, large, 4 << 20, 0);
	second = serve_request(fd);
	wait_asleep(&b); /* It is stuck. */
	serve_reply(fd, first);
	CHECK_INT(end_call(&a), 0);
	for (;;) {
		struct pdu pdu = receive(fd);

		CHECK_INT(pdu.header.call_id, second);
		if (pdu.header.flags & PDU_LAST)
			break;
	}
	serve_reply(fd, second);
	CHECK_INT(end_call(&b), 0);
	end_story(&s);
	(void)close(fd);
	free(large);
}

TEST(no_more_than_a_few_connections_stay_idle)
{
	enum { CALLS = RPC_CLIENT_IDLE + 3 };
	struct caller c[CALLS];
	unsigned open = 0;
	uint32_t ids[CALLS];
	struct story s;
	int fds[CALLS];

	begin_story(&s);
	for (int i = 0; i < CALLS; i++) {
		begin_call(&s, &c[i], "x", 1, 0);
		fds[i] = serve_bind(&s, i == 0 ? 0 : 7, 7); /* One call at a time. */
		ids[i] = serve_request(fds[i]);
	}
	for (int i = 0; i < CALLS; i++) {
		serve_reply(fds[i], ids[i]);
		CHECK_INT(end_call(&c[i]), 0);
	}
	for (int i = 0; i < CALLS; i++) {
		open += recv(fds[i], &(uint8_t){ 0 }, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
		(void)close(fds[i]);
	}
	CHECK_INT(open, RPC_CLIENT_IDLE);
	CHECK_INT(rpc_client_generation(s.client), 0);
	end_story(&s);
}
