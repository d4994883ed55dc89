/* bench-floor: what the machine can do at best: durable appends, and messages through a socket.
 *
 * Why      absolute numbers of a machine say little; these are what ours are compared with in the same minute.
 * Usage (output is one line of JSON)
 *     bench-floor sync FILE SECONDS LEN         append LEN bytes to a preallocated file and fdatasync(), one at a time
 *     bench-floor echo SOCKET CALLERS SECONDS ASK ANSWER
 *                  one thread that answers every ASK bytes with ANSWER bytes, a blocking connection for each caller;
 *                  over TCP (loopback) if SOCKET is "tcp"
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench/callers.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_LEN = 64 << 20, CALLERS_MAX = 512, MESSAGE_MAX = 4096, EVENTS = 64 };

struct append {
	int fd;
	size_t len;
};

static void append_once(void *data, unsigned caller, uint64_t turn)
{
	static const char bytes[MESSAGE_MAX] = { 1 };
	struct append *a = data;
	off_t at = (off_t)(turn * a->len % (FILE_LEN - MESSAGE_MAX));

	(void)caller;
	if (pwrite(a->fd, bytes, a->len, at) != (ssize_t)a->len || fdatasync(a->fd) < 0)
		die("append", 0);
}

static void measure_sync(const char *path, double seconds, size_t len)
{
	struct append a = { open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), len };

	if (a.fd < 0 || posix_fallocate(a.fd, 0, FILE_LEN) != 0 || fsync(a.fd) < 0)
		die(path, 0);
	callers_run(1, seconds, append_once, &a);
	(void)close(a.fd);
	(void)unlink(path);
}

struct echo {
	int fds[CALLERS_MAX];
	size_t ask, answer;
};

static void read_whole(int fd, size_t len)
{
	char bytes[MESSAGE_MAX];

	for (ssize_t n; len > 0; len -= (size_t)n)
		if ((n = read(fd, bytes, len)) <= 0)
			die("read", n);
}

static void echo_once(void *data, unsigned caller, uint64_t turn)
{
	static const char bytes[MESSAGE_MAX] = { 0 };
	const struct echo *e = data;

	(void)turn;
	if (write(e->fds[caller], bytes, e->ask) != (ssize_t)e->ask)
		die("write", 0);
	read_whole(e->fds[caller], e->answer);
}

static _Noreturn void serve(int listener, size_t ask, size_t answer)
{
	static const char bytes[MESSAGE_MAX] = { 0 };
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN, .data.fd = listener };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			char input[MESSAGE_MAX];
			int fd = events[i].data.fd;

			if (fd == listener) {
				event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
				(void)epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
			} else if (read(fd, input, sizeof(input)) != (ssize_t)ask) {
				(void)close(fd);
			} else if (write(fd, bytes, answer) != (ssize_t)answer) {
				die("answer", 0);
			}
		}
	}
}

static void measure_echo(const char *path, unsigned callers, double seconds, size_t ask, size_t answer)
{
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in v4;
	} address = { .local.sun_family = AF_UNIX };
	struct echo e = { .ask = ask, .answer = answer };
	bool tcp = strcmp(path, "tcp") == 0;
	socklen_t len = sizeof(address);
	int listener = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	pid_t server;

	if (tcp) {
		address.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		/* What is accepted and what connects inherit or set it: each message leaves at once. */
		(void)setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	} else {
		(void)snprintf(address.local.sun_path, sizeof(address.local.sun_path), "%s", path);
		(void)unlink(path);
	}
	if (bind(listener, &address.any, tcp ? sizeof(address.v4) : sizeof(address.local)) < 0 ||
	    listen(listener, CALLERS_MAX) < 0 || getsockname(listener, &address.any, &len) < 0)
		die(path, 0);
	server = fork();
	if (server == 0) {
		(void)setsid(); /* As a daemon: the kernel may schedule by session. */
		serve(listener, ask, answer);
	}
	for (unsigned i = 0; i < callers; i++) {
		e.fds[i] = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(e.fds[i], &address.any, len) < 0)
			die("connect", 0);
		if (tcp)
			(void)setsockopt(e.fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	callers_run(callers, seconds, echo_once, &e);
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	if (!tcp)
		(void)unlink(path);
}

static size_t message_len(const char *text)
{
	unsigned long len = strtoul(text, NULL, 10);

	if (len == 0 || len > MESSAGE_MAX)
		die("bad length", (long)len);
	return len;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "sync") == 0) {
		measure_sync(argv[2], strtod(argv[3], NULL), message_len(argv[4]));
	} else if (argc == 7 && strcmp(argv[1], "echo") == 0) {
		unsigned callers = (unsigned)strtoul(argv[3], NULL, 10);

		if (callers == 0 || callers > CALLERS_MAX)
			die("bad number of callers", (long)callers);
		measure_echo(argv[2], callers, strtod(argv[4], NULL), message_len(argv[5]), message_len(argv[6]));
	} else {
		fprintf(stderr, "usage: see the beginning of bench/floor.c\n");
		return 2;
	}
	return 0;
}
