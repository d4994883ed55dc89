/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/rpc_host.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *socket_path(void)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/echo", test_directory());
	return path;
}

static struct host *start(void)
{
	struct rpc_limits limits = rpc_limits_default();
	struct host *h = calloc(1, sizeof(*h));

	CHECK(h != NULL);
	host_start(h, socket_path(), &limits);
	return h;
}

static void stop(struct host *h)
{
	host_stop(h);
	free(h);
}

static struct rpc_client *client(unsigned connections_max)
{
	struct rpc_client_config config = {
		.path = socket_path(),
		.interface = echo_syntax,
		.connections_max = connections_max,
		.connect_ms = 60000,
	};
	struct rpc_client *c;

	CHECK_INT(rpc_client_new(&config, &c), 0);
	return c;
}

static int call(struct rpc_client *c, uint16_t opnum, const void *stub, size_t len, struct buf *ret)
{
	return rpc_client_call(c, &(struct rpc_client_call){ .opnum = opnum, .stub = stub, .len = len }, ret);
}

static void check_echo(struct rpc_client *c, const void *stub, size_t len)
{
	struct buf reply = { 0 };

	CHECK_INT(call(c, ECHO_ECHO, stub, len, &reply), 0);
	CHECK_INT(reply.len, len);
	if (len > 0)
		CHECK_MEM(reply.data, stub, len);
	buf_done(&reply);
}

static void wait_until(unsigned (*get)(struct host *), struct host *h, unsigned n)
{
	for (int i = 0; i < 60000 && get(h) != n; i++)
		(void)usleep(1000);
	CHECK_INT(get(h), n);
}

static unsigned count_calls(struct host *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = (unsigned)rpc_server_stats(h->echo.server).calls;
	pthread_mutex_unlock(&h->lock);
	return n;
}

static unsigned count_rundowns(struct host *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = h->echo.rundown_count;
	pthread_mutex_unlock(&h->lock);
	return n;
}

static unsigned count_accepted(struct host *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = h->accepted;
	pthread_mutex_unlock(&h->lock);
	return n;
}

static unsigned count_closings(struct host *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = h->close_all;
	pthread_mutex_unlock(&h->lock);
	return n;
}

TEST(stubs_of_every_size_come_back)
{
	static const size_t sizes[] = { 0, 1, 65503, 65504, 65505, 200000, 4 << 20 };
	struct host *h = start();
	struct rpc_client *c = client(0);
	uint8_t *stub = malloc(4 << 20);

	CHECK(stub != NULL);
	for (size_t i = 0; i < 4 << 20; i++)
		stub[i] = (uint8_t)(i * 31 >> 3);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		check_echo(c, stub, sizes[i]);
	CHECK_INT(count_accepted(h), 1);
	free(stub);
	rpc_client_free(c);
	stop(h);
}

TEST(a_request_over_the_limit_fails_and_the_next_one_works)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct buf reply = { 0 };
	uint8_t *stub = calloc(1, 5 << 20);

	CHECK(stub != NULL);
	CHECK_INT(call(c, ECHO_ECHO, stub, 5 << 20, &reply), ERR_ACCESS_DENIED);
	CHECK(reply.data == NULL);
	check_echo(c, "after", 5);
	free(stub);
	rpc_client_free(c);
	stop(h);
}

TEST(faults_become_errors)
{
	static const struct {
		uint32_t status;
		int error;
	} cases[] = {
		{ FAULT_CONTEXT_MISMATCH, ERR_INVALID_HANDLE },
		{ FAULT_BAD_STUB, ERR_RPC_X_BAD_STUB_DATA },
		{ FAULT_ACCESS_DENIED, ERR_ACCESS_DENIED },
		{ 5007, ERR_RESOURCE_NOT_FOUND },
	};
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct buf reply = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_INT(call(c, ECHO_FAULT, &cases[i].status, 4, &reply), cases[i].error);
	CHECK_INT(call(c, 99, "", 0, &reply), ERR_RPC_S_PROCNUM_OUT_OF_RANGE);
	check_echo(c, "after", 5);
	CHECK_INT(count_accepted(h), 1);
	rpc_client_free(c);
	stop(h);
}

TEST(errors_of_connecting_have_their_codes)
{
	struct rpc_client_config config = { .path = "/nonexistent/socket", .interface = echo_syntax };
	struct buf reply = { 0 };
	struct rpc_client *c;
	struct host *h;

	CHECK_INT(rpc_client_new(&config, &c), 0);
	CHECK_INT(call(c, ECHO_ECHO, "x", 1, &reply), ERR_RPC_S_SERVER_UNAVAILABLE);
	rpc_client_free(c);

	h = start();
	stop(h); /* The file is there; nobody listens. */
	c = client(0);
	CHECK_INT(call(c, ECHO_ECHO, "x", 1, &reply), ERR_RPC_S_SERVER_UNAVAILABLE);
	h = start();
	check_echo(c, "x", 1); /* The same client, once there is a server. */
	rpc_client_free(c);

	config.path = socket_path();
	config.interface.uuid.bytes[0]++;
	CHECK_INT(rpc_client_new(&config, &c), 0);
	CHECK_INT(call(c, ECHO_ECHO, "x", 1, &reply), ERR_RPC_S_UNKNOWN_IF);
	rpc_client_free(c);
	stop(h);
}

TEST(a_path_that_is_too_long_is_an_error)
{
	char path[200];
	struct rpc_client_config config = { .path = path, .interface = echo_syntax };
	struct buf reply = { 0 };
	struct rpc_client *c;

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = 0;
	CHECK_INT(rpc_client_new(&config, &c), 0);
	CHECK_INT(call(c, ECHO_ECHO, "x", 1, &reply), -ENAMETOOLONG);
	rpc_client_free(c);
}

TEST(a_break_before_the_end_of_the_request_is_dne_and_after_it_is_not)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct buf reply = { 0 };
	uint8_t *stub = calloc(1, 4 << 20);

	CHECK(stub != NULL);
	check_echo(c, "x", 1);
	pthread_mutex_lock(&h->lock);
	h->cut_input_after = 100000;
	pthread_mutex_unlock(&h->lock);
	CHECK_INT(call(c, ECHO_ECHO, stub, 4 << 20, &reply), ERR_RPC_S_CALL_FAILED_DNE);
	check_echo(c, "x", 1);

	pthread_mutex_lock(&h->lock);
	h->cut_on_call = true;
	pthread_mutex_unlock(&h->lock);
	CHECK_INT(call(c, ECHO_WAIT, "x", 1, &reply), ERR_RPC_S_CALL_FAILED);
	pthread_mutex_lock(&h->lock);
	h->cut_on_call = false;
	pthread_mutex_unlock(&h->lock);
	check_echo(c, "x", 1);
	free(stub);
	rpc_client_free(c);
	stop(h);
}

TEST(a_lost_group_is_noticed_and_its_handles_are_invalid)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct buf handle = { 0 }, reply = { 0 };
	uint64_t generation = rpc_client_generation(c);

	CHECK_INT(call(c, ECHO_OPEN, "\0\0\0\0\7\0\0\0", 8, &handle), 0);
	CHECK_INT(call(c, ECHO_USE, handle.data, handle.len, &reply), 0);
	CHECK_INT(get_le32(reply.data), 7);
	buf_done(&reply);
	CHECK(rpc_client_generation(c) == generation);

	host_close_all(h);
	wait_until(count_rundowns, h, 1);
	CHECK_INT(call(c, ECHO_USE, handle.data, handle.len, &reply), ERR_INVALID_HANDLE);
	CHECK(rpc_client_generation(c) == generation + 1);
	check_echo(c, "x", 1);
	buf_done(&handle);
	rpc_client_free(c);
	stop(h);
}

struct worker {
	pthread_t thread;
	struct rpc_client *client;
	struct rpc_cancel *cancel;
	bool patient;
	const struct buf *handle;
	uint64_t seed;
	unsigned rounds;
	int timeout_ms, result;
	uint16_t opnum;
};

static void *wait_once(void *data)
{
	struct worker *w = data;
	struct rpc_client_call wait = { .opnum = w->opnum,
		.stub = "x",
		.len = 1,
		.timeout_ms = w->timeout_ms,
		.cancel = w->cancel,
		.patient = w->patient };
	struct buf reply = { 0 };

	w->result = rpc_client_call(w->client, &wait, &reply);
	buf_done(&reply);
	return NULL;
}

static void begin(struct worker *w, void *(*run)(void *))
{
	CHECK_INT(pthread_create(&w->thread, NULL, run, w), 0);
}

TEST(blocked_calls_do_not_block_others_and_share_handles)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct worker w[40];
	struct buf handle = { 0 }, reply = { 0 };

	CHECK_INT(call(c, ECHO_OPEN, "\0\0\0\0\7\0\0\0", 8, &handle), 0);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct worker){ .client = c, .opnum = ECHO_WAIT };
		begin(&w[i], wait_once);
	}
	wait_until(host_waiting, h, ARRAY_SIZE(w));
	CHECK_INT(call(c, ECHO_USE, handle.data, handle.len, &reply), 0);
	CHECK_INT(get_le32(reply.data), 7);
	buf_done(&reply);
	host_release_all(h);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, 0);
	}
	CHECK_INT(call(c, ECHO_USE, handle.data, handle.len, &reply), 0);
	CHECK_INT(rpc_client_generation(c), 0);
	CHECK_INT(count_rundowns(h), 0);
	CHECK_INT(count_accepted(h), 3); /* 16 calls each. */
	buf_done(&reply);
	buf_done(&handle);
	rpc_client_free(c);
	wait_until(count_rundowns, h, 1);
	stop(h);
}

TEST(a_patient_call_shares_no_connection_with_others)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct worker w[20];

	check_echo(c, "x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct worker){ .client = c, .opnum = ECHO_WAIT, .patient = true };
		begin(&w[i], wait_once);
	}
	wait_until(host_waiting, h, ARRAY_SIZE(w));
	CHECK_INT(count_accepted(h), 2); /* The first was idle. */
	check_echo(c, "x", 1);
	CHECK_INT(count_accepted(h), 3);
	host_release_all(h);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, 0);
	}
	rpc_client_free(c);
	stop(h);
}

/* The first of them reads for all; whoever it is, the others go on. */
TEST(a_call_that_is_given_up_leaves_those_that_share_its_connection)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct rpc_cancel cancels[4];
	struct worker w[12];

	check_echo(c, "x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct worker){ .client = c, .opnum = ECHO_WAIT, .timeout_ms = i >= 8 ? 2000 : 0 };
		if (i < ARRAY_SIZE(cancels)) {
			CHECK_INT(rpc_cancel_init(&cancels[i]), 0);
			w[i].cancel = &cancels[i];
		}
		begin(&w[i], wait_once);
		wait_until(host_waiting, h, (unsigned)i + 1); /* The first of them leads. */
	}
	for (size_t i = 8; i < ARRAY_SIZE(w); i++) {
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, ERR_TIMEOUT);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cancels); i++) {
		rpc_cancel_fire(c, &cancels[i]);
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, ERR_CANCELLED);
		check_echo(c, &i, sizeof(i));
		rpc_cancel_done(&cancels[i]);
	}
	wait_until(host_cancelled, h, 8);
	host_release_all(h);
	for (size_t i = ARRAY_SIZE(cancels); i < 8; i++) {
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, 0);
	}
	CHECK_INT(count_accepted(h), 1);
	rpc_client_free(c);
	stop(h);
}

static void *cancel_at_random(void *data)
{
	struct worker *w = data;
	uint64_t state = w->seed;

	for (unsigned i = 0; i < w->rounds && w->result == 0; i++) {
		struct rpc_client_call echo = { .opnum = ECHO_ECHO, .stub = &state, .len = sizeof(state) };
		struct buf reply = { 0 };
		struct rpc_cancel cancel;
		int r;

		state = state * 6364136223846793005 + 1442695040888963407;
		CHECK_INT(rpc_cancel_init(&cancel), 0);
		echo.cancel = &cancel;
		echo.timeout_ms = (state >> 33) % 8 == 0 ? 1 : 0;
		if ((state >> 40) % 8 == 0)
			rpc_cancel_fire(w->client, &cancel);
		r = rpc_client_call(w->client, &echo, &reply);
		if (r != 0 && r != ERR_CANCELLED && r != ERR_TIMEOUT)
			w->result = r;
		if (r == 0 && (reply.len != sizeof(state) || memcmp(reply.data, &state, sizeof(state)) != 0))
			w->result = -EBADMSG;
		buf_done(&reply);
		rpc_cancel_done(&cancel);
	}
	return NULL;
}

TEST(threads_that_give_up_at_random_get_their_own_answers)
{
	struct host *h = start();
	struct rpc_client *c = client(3);
	struct worker w[32];

	test_note_seed(test_seed);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct worker){ .client = c, .seed = test_seed * 32 + i, .rounds = (unsigned)test_rounds(200) };
		begin(&w[i], cancel_at_random);
	}
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, 0);
	}
	check_echo(c, "x", 1);
	CHECK_INT(rpc_client_generation(c), 0);
	rpc_client_free(c);
	stop(h);
}

TEST(a_call_is_cancelled_from_another_thread)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct buf handle = { 0 }, reply = { 0 };
	struct rpc_cancel cancel;
	struct worker w;

	CHECK_INT(rpc_cancel_init(&cancel), 0);
	CHECK_INT(call(c, ECHO_OPEN, "\0\0\0\0\7\0\0\0", 8, &handle), 0);
	w = (struct worker){ .client = c, .opnum = ECHO_WAIT, .cancel = &cancel };
	begin(&w, wait_once);
	wait_until(host_waiting, h, 1);
	rpc_cancel_fire(c, &cancel);
	(void)pthread_join(w.thread, NULL);
	CHECK_INT(w.result, ERR_CANCELLED);

	/* The server was told, the connection and the group live on, the late answer is nobody's. */
	CHECK_INT(call(c, ECHO_USE, handle.data, handle.len, &reply), 0);
	buf_done(&reply);
	wait_until(host_cancelled, h, 1);
	host_release_all(h);
	wait_until(count_calls, h, 0);
	check_echo(c, "after", 5);
	CHECK_INT(count_accepted(h), 1);

	/* One that was fired before ends the call at once. */
	wait_once(&w);
	CHECK_INT(w.result, ERR_CANCELLED);
	rpc_cancel_done(&cancel);
	buf_done(&handle);
	rpc_client_free(c);
	stop(h);
}

TEST(an_answer_that_comes_after_its_call_was_given_up_is_ignored)
{
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct worker w = { .client = c, .opnum = ECHO_WAIT, .timeout_ms = 50 };

	check_echo(c, "x", 1);
	wait_once(&w);
	CHECK_INT(w.result, ERR_TIMEOUT);
	host_release_all(h);
	for (int i = 0; i < 100; i++)
		check_echo(c, &i, sizeof(i));
	CHECK_INT(count_accepted(h), 1);
	rpc_client_free(c);
	stop(h);
}

TEST(beyond_the_limit_calls_wait_for_a_connection)
{
	struct host *h = start();
	struct rpc_client *c = client(2);
	enum { ROOM = 32 };
	struct rpc_client_call quick = { .opnum = ECHO_ECHO, .stub = "x", .len = 1, .timeout_ms = 50 };
	struct rpc_cancel cancel;
	struct worker w[ROOM + 1], *last = &w[ROOM];
	struct buf reply = { 0 };

	CHECK_INT(rpc_cancel_init(&cancel), 0);
	for (size_t i = 0; i < ROOM; i++) {
		w[i] = (struct worker){ .client = c, .opnum = ECHO_WAIT };
		begin(&w[i], wait_once);
	}
	wait_until(host_waiting, h, ROOM);
	CHECK_INT(rpc_client_call(c, &quick, &reply), ERR_TIMEOUT);
	*last = (struct worker){ .client = c, .opnum = ECHO_ECHO, .cancel = &cancel };
	begin(last, wait_once);
	(void)usleep(20000);
	rpc_cancel_fire(c, &cancel);
	(void)pthread_join(last->thread, NULL);
	CHECK_INT(last->result, ERR_CANCELLED);
	last->cancel = NULL;
	begin(last, wait_once);
	(void)usleep(20000);
	host_release_all(h);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, 0);
	}
	CHECK_INT(count_accepted(h), 2);
	rpc_cancel_done(&cancel);
	rpc_client_free(c);
	stop(h);
}

static void *hammer(void *data)
{
	struct worker *w = data;
	uint64_t state = w->seed;
	uint8_t *stub = malloc(40000);

	for (unsigned i = 0; i < w->rounds && w->result == 0 && stub != NULL; i++) {
		struct rpc_client_call echo = { .opnum = ECHO_ECHO, .stub = stub };
		struct buf reply = { 0 };

		state = state * 6364136223846793005 + 1442695040888963407;
		echo.len = (state >> 33) % 100 == 0 ? 40000 : (state >> 40) % 500;
		memset(stub, (int)(state >> 56), echo.len);
		w->result = rpc_client_call(w->client, &echo, &reply);
		if (w->result == 0 &&
		    (reply.len != echo.len || (echo.len > 0 && memcmp(reply.data, stub, echo.len) != 0)))
			w->result = -EBADMSG;
		buf_done(&reply);
		if (w->result == 0 && i % 10 == 0) {
			w->result = call(w->client, ECHO_USE, w->handle->data, w->handle->len, &reply);
			buf_done(&reply);
		}
	}
	free(stub);
	return NULL;
}

TEST(sixty_four_threads_share_one_client)
{
	struct host *h = start();
	struct rpc_client *c = client(16);
	struct buf handle = { 0 };
	struct worker w[64];

	CHECK_INT(call(c, ECHO_OPEN, "\0\0\0\0\7\0\0\0", 8, &handle), 0);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct worker){
			.client = c, .handle = &handle, .seed = test_seed * 64 + i, .rounds = (unsigned)test_rounds(100)
		};
		begin(&w[i], hammer);
	}
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		(void)pthread_join(w[i].thread, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		CHECK_INT(w[i].result, 0);
	CHECK_INT(rpc_client_generation(c), 0);
	buf_done(&handle);
	rpc_client_free(c);
	stop(h);
}

static void *endure(void *data)
{
	struct worker *w = data;

	for (unsigned i = 0; i < w->rounds; i++) {
		struct buf reply = { 0 };
		int r = call(w->client, ECHO_ECHO, "x", 1, &reply);

		buf_done(&reply);
		if (r != 0 && r != ERR_RPC_S_CALL_FAILED && r != ERR_RPC_S_CALL_FAILED_DNE &&
		    r != ERR_RPC_S_SERVER_UNAVAILABLE)
			w->result = r;
	}
	return NULL;
}

TEST(a_server_that_keeps_breaking_connections_is_endured)
{
	struct host *h = start();
	struct rpc_client *c = client(8);
	struct worker w[16];

	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		w[i] = (struct worker){ .client = c, .rounds = (unsigned)test_rounds(300) };
		begin(&w[i], endure);
	}
	for (int i = 0; i < 50; i++) {
		(void)usleep(1000);
		host_close_all(h);
	}
	for (size_t i = 0; i < ARRAY_SIZE(w); i++) {
		(void)pthread_join(w[i].thread, NULL);
		CHECK_INT(w[i].result, 0);
	}
	wait_until(count_closings, h, 0);
	check_echo(c, "x", 1);
	rpc_client_free(c);
	stop(h);
}

/* The server accepts and says nothing. */
TEST(a_silent_server_is_too_busy_when_the_time_is_over)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct rpc_client_config config = { .path = address.sun_path, .interface = echo_syntax, .connect_ms = 50 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct buf reply = { 0 };
	struct rpc_client *c;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/silent", test_directory());
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(fd, 5), 0);
	CHECK_INT(rpc_client_new(&config, &c), 0);
	CHECK_INT(call(c, ECHO_ECHO, "x", 1, &reply), ERR_RPC_S_SERVER_TOO_BUSY);
	rpc_client_free(c);
	(void)close(fd);
}

TEST(each_failed_allocation_is_an_error_of_its_call_only)
{
	static const uint8_t stub[100000];
	struct host *h = start();

	FAIL_EACH_ALLOCATION
	{
		struct rpc_client_config config = { .path = h->path, .interface = echo_syntax };
		struct rpc_client *c = NULL;
		struct buf reply = { 0 };

		if (rpc_client_new(&config, &c) == 0) {
			bool failed;

			CHECK_INT(call(c, ECHO_ECHO, stub, sizeof(stub), &reply), failalloc_hit() ? -ENOMEM : 0);
			buf_done(&reply);
			failed = failalloc_hit();
			CHECK_INT(call(c, ECHO_ECHO, "x", 1, &reply), failalloc_hit() && !failed ? -ENOMEM : 0);
			buf_done(&reply);
		}
		rpc_client_free(c);
	}
	stop(h);
}

static unsigned count_inheritable(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned n = 0;

	CHECK(d != NULL);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			n += !(fcntl((int)strtol(entry->d_name, NULL, 10), F_GETFD) & FD_CLOEXEC);
	(void)closedir(d);
	return n;
}

TEST(no_descriptor_is_inherited_by_programs)
{
	unsigned before = count_inheritable();
	struct host *h = start();
	struct rpc_client *c = client(0);
	struct rpc_cancel cancel;

	CHECK_INT(rpc_cancel_init(&cancel), 0);
	check_echo(c, "x", 1);
	CHECK_INT(count_inheritable(), before);
	rpc_cancel_done(&cancel);
	rpc_client_free(c);
	stop(h);
}
