/* SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/listen.h"
#include "rpc/client.h"
#include "tests/lib/rpc_echo.h"
#include "tests/lib/test.h"
#include <dirent.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READERS = 54321, STRANGER = 65534 };

/* A loop on a thread of its own, with the echo server behind a listener. */
struct daemon_thread {
	pthread_t thread;
	uv_loop_t uv;
	uv_async_t stop;
	struct echo echo;
	struct listener *listener;
	bool closed;
};

static const char *path(void)
{
	static char text[108];

	(void)snprintf(text, sizeof(text), "%s/socket", test_directory());
	return text;
}

static struct listen_config config(void)
{
	return (struct listen_config){
		.path = path(), .owner_uid = 4242, .has_reader_group = true, .reader_group = READERS
	};
}

static void on_closed(void *data)
{
	struct daemon_thread *d = data;

	d->closed = true;
}

static void on_stop(uv_async_t *async)
{
	struct daemon_thread *d = async->data;

	listener_close(d->listener, on_closed, d);
	uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *data)
{
	struct daemon_thread *d = data;

	(void)uv_run(&d->uv, UV_RUN_DEFAULT);
	return NULL;
}

static void start(struct daemon_thread *d)
{
	struct rpc_limits limits = rpc_limits_default();
	struct listen_config c = config();

	*d = (struct daemon_thread){ 0 };
	limits.output_max = 1 << 20;
	CHECK_INT(echo_init(&d->echo, &limits), 0);
	CHECK_INT(uv_loop_init(&d->uv), 0);
	CHECK_INT(uv_async_init(&d->uv, &d->stop, on_stop), 0);
	d->stop.data = d;
	CHECK_INT(listener_new(&d->uv, d->echo.server, &c, NULL, &d->listener), 0);
	CHECK_INT(pthread_create(&d->thread, NULL, run, d), 0);
}

static void stop(struct daemon_thread *d)
{
	CHECK_INT(uv_async_send(&d->stop), 0);
	CHECK_INT(pthread_join(d->thread, NULL), 0);
	CHECK(d->closed);
	CHECK_INT(uv_loop_close(&d->uv), 0); /* No handle was left behind. */
	CHECK_INT(rpc_server_stats(d->echo.server).connections, 0);
	echo_done(&d->echo);
	CHECK(access(path(), F_OK) < 0);
}

static int call_once(uint16_t opnum, const void *stub, size_t len, struct buf *reply)
{
	struct rpc_client_config c = { .path = path(), .interface = echo_syntax, .connect_ms = 60000 };
	struct rpc_client *client;
	int r = rpc_client_new(&c, &client);

	if (r == 0)
		r = rpc_client_call(
		    client, &(struct rpc_client_call){ .opnum = opnum, .stub = stub, .len = len }, reply);
	rpc_client_free(client);
	return r;
}

TEST(access_is_judged_by_uid_and_groups)
{
	struct listen_config c = config();
	const struct {
		struct rpc_identity identity;
		enum rpc_access access;
	} cases[] = {
		{ { .uid = 0, .gid = 1 }, RPC_ACCESS_ALL },
		{ { .uid = 4242, .gid = 1 }, RPC_ACCESS_ALL },
		{ { .uid = 1000, .gid = READERS }, RPC_ACCESS_READ },
		{ { .uid = 1000, .gid = 1, .group_count = 2, .groups = { 7, READERS } }, RPC_ACCESS_READ },
		{ { .uid = 1000, .gid = 1, .group_count = 1, .groups = { 7, READERS } }, RPC_ACCESS_NONE },
		{ { .uid = 1000, .gid = 0 }, RPC_ACCESS_NONE },
		{ { .uid = READERS, .gid = 1 }, RPC_ACCESS_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_INT(listen_access(&c, &cases[i].identity), cases[i].access);
	c.has_reader_group = false;
	CHECK_INT(listen_access(&c, &cases[2].identity), RPC_ACCESS_NONE);
	CHECK_INT(listen_access(&c, &cases[3].identity), RPC_ACCESS_NONE);
}

TEST(a_client_calls_through_the_socket)
{
	struct daemon_thread d;
	struct buf reply = { 0 };
	struct stat st;

	start(&d);
	CHECK_INT(stat(path(), &st), 0);
	CHECK_INT(st.st_mode & 07777, 0666);
	CHECK_INT(call_once(ECHO_ECHO, "hello", 5, &reply), 0);
	CHECK_INT(reply.len, 5);
	CHECK_MEM(reply.data, "hello", 5);
	buf_done(&reply);
	stop(&d);
}

/* What a process of that uid and those groups gets from the server: 0 or a Windows code, below 256. */
static int call_as(uint32_t uid, uint32_t gid, const gid_t *groups, size_t count)
{
	pid_t pid;
	int status;

	pid = fork();
	if (pid == 0) {
		struct buf reply = { 0 };
		int r;

		if (setgroups(count, groups) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
			_exit(255);
		r = call_once(ECHO_WHO, "", 0, &reply);
		if (r == 0 && get_le32(reply.data) != uid)
			_exit(254);
		_exit((int)error_to_win32(r));
	}
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(the_kernel_says_who_may_call)
{
	gid_t readers[] = { 1, READERS, 3 }, many[300] = { 0 };
	struct daemon_thread d;

	if (geteuid() != 0)
		test_skip("only root can become others");
	CHECK_INT(chmod(test_directory(), 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (gid_t)(READERS - ARRAY_SIZE(many) + 1 + i);
	start(&d);
	CHECK_INT(call_as(0, 0, NULL, 0), 0);
	CHECK_INT(call_as(4242, 1, NULL, 0), 0);
	CHECK_INT(call_as(STRANGER, READERS, NULL, 0), 0);
	CHECK_INT(call_as(STRANGER, 1, readers, ARRAY_SIZE(readers)), 0);
	CHECK_INT(call_as(STRANGER, 1, many, ARRAY_SIZE(many)), 0); /* It is the last of 300. */
	CHECK_INT(call_as(STRANGER, 1, NULL, 0), 5);
	CHECK_INT(call_as(STRANGER, 1, many, ARRAY_SIZE(many) - 1), 5);
	stop(&d);
}

static int raw_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path());
	CHECK(fd >= 0);
	CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

TEST(nonsense_is_hung_up_on)
{
	struct timeval soon = { .tv_sec = 60 };
	struct daemon_thread d;
	char byte;
	int fd;

	start(&d);
	fd = raw_connect();
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	CHECK_INT(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	CHECK(recv(fd, &byte, 1, 0) == 0 || errno == ECONNRESET);
	(void)close(fd);
	CHECK_INT(call_once(ECHO_ECHO, "", 0, &(struct buf){ 0 }), 0);
	stop(&d);
}

TEST(a_client_that_does_not_read_is_hung_up_on)
{
	struct daemon_thread d;
	struct buf b = { 0 };
	uint8_t size[4];
	size_t start_of, received = 0, bind_len;
	char data[4096];
	ssize_t n;
	int fd;

	start(&d);
	fd = raw_connect();
	start_of = pdu_begin(&b, PDU_BIND, PDU_FIRST | PDU_LAST | PDU_MULTIPLEX, 1);
	pdu_put_bind(&b, 4280, 0, 0, &echo_syntax);
	pdu_end(&b, start_of, 0);
	bind_len = b.len;
	put_le32(size, 900000);
	for (uint32_t i = 0; i < 3; i++) {
		start_of = pdu_begin(&b, PDU_REQUEST, PDU_FIRST | PDU_LAST, 2 + i);
		pdu_put_stub_header(&b, 4, 0, ECHO_REPEAT);
		buf_append(&b, size, 4);
		pdu_end(&b, start_of, 0);
	}
	CHECK(bind_len > 0);
	CHECK_INT(send(fd, b.data, b.len, MSG_NOSIGNAL), b.len);
	(void)usleep(200000);
	while ((n = recv(fd, data, sizeof(data), 0)) > 0)
		received += (size_t)n;
	CHECK(received < 2 * 900000); /* The end of the stream came before the answers were whole. */
	(void)close(fd);
	buf_done(&b);
	stop(&d);
}

TEST(the_socket_of_a_dead_daemon_is_replaced_and_that_of_a_live_one_is_not)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct listen_config c = config();
	struct daemon_thread d;
	struct listener *second = NULL;
	struct error e = { 0 };
	uv_loop_t uv;
	int fd;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path());
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(fd, 1), 0);
	(void)close(fd);
	start(&d);
	CHECK_INT(call_once(ECHO_ECHO, "", 0, &(struct buf){ 0 }), 0);

	CHECK_INT(uv_loop_init(&uv), 0);
	CHECK_INT(listener_new(&uv, d.echo.server, &c, &e, &second), -EADDRINUSE);
	CHECK(second == NULL);
	CHECK(strstr(e.text, path()) != NULL);
	CHECK_INT(uv_loop_close(&uv), 0);
	CHECK_INT(call_once(ECHO_ECHO, "", 0, &(struct buf){ 0 }), 0);
	stop(&d);
}

TEST(what_is_not_a_socket_is_left_alone)
{
	struct rpc_limits limits = rpc_limits_default();
	struct listen_config c = config();
	struct listener *l = NULL;
	char longer[200];
	struct echo echo;
	uv_loop_t uv;
	FILE *f;

	CHECK_INT(echo_init(&echo, &limits), 0);
	CHECK_INT(uv_loop_init(&uv), 0);
	f = fopen(path(), "w");
	CHECK(f != NULL);
	(void)fclose(f);
	CHECK_INT(listener_new(&uv, echo.server, &c, NULL, &l), -EEXIST);
	CHECK_INT(access(path(), F_OK), 0);
	CHECK_INT(unlink(path()), 0);
	(void)snprintf(longer, sizeof(longer), "%s/%0120d", test_directory(), 0);
	c.path = longer;
	CHECK_INT(listener_new(&uv, echo.server, &c, NULL, &l), -ENAMETOOLONG);
	c.path = "/nonexistent/directory/socket";
	CHECK_INT(listener_new(&uv, echo.server, &c, NULL, &l), -ENOENT);
	CHECK_INT(uv_loop_close(&uv), 0);
	echo_done(&echo);
}

TEST(another_daemons_socket_is_not_removed_at_the_end)
{
	struct daemon_thread d;
	FILE *f;

	start(&d);
	CHECK_INT(unlink(path()), 0);
	f = fopen(path(), "w");
	CHECK(f != NULL);
	(void)fclose(f);
	CHECK_INT(uv_async_send(&d.stop), 0);
	CHECK_INT(pthread_join(d.thread, NULL), 0);
	CHECK_INT(uv_loop_close(&d.uv), 0);
	CHECK_INT(access(path(), F_OK), 0);
	CHECK_INT(unlink(path()), 0);
	echo_done(&d.echo);
}

TEST(without_descriptors_accepting_is_taken_up_again)
{
	struct rlimit limit, low;
	struct daemon_thread d;
	struct buf reply = { 0 };
	int fds[40], fd;
	size_t n = 0;

	start(&d);
	fd = raw_connect(); /* Waits in the backlog or is accepted. */
	CHECK_INT(call_once(ECHO_ECHO, "", 0, &reply), 0);
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	fds[n++] = dup(fd);
	CHECK(fds[0] >= 0);
	low = limit;
	low.rlim_cur = (rlim_t)fds[0] + 3; /* Room for a client's descriptor, and not for what the server needs. */
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < ARRAY_SIZE(fds) && (fds[n] = dup(fd)) >= 0)
		n++;
	CHECK(n < ARRAY_SIZE(fds));
	(void)close(fds[--n]);
	fds[n] = raw_connect();
	n++;
	(void)usleep(50000);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_INT(call_once(ECHO_ECHO, "", 0, &reply), 0);
	while (n > 0)
		(void)close(fds[--n]);
	(void)close(fd);
	stop(&d);
}
