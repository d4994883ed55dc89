/* unit: the guard as a unit of systemd of its own, rueda-guard.service.
 *
 * Why      rueda.service can then be shut in: what resources run is not in it.
 * How      systemd listens on a socket that only root can connect to, and starts the guard for who does: the process that
 *          starts the service, while it is root's.  It says which directory is meant, and hands the connection to ruedad;
 *          from then on all is as if it had started the guard itself (start.c).
 *
 *            ruedad (priv) ── connects ──► the socket ── systemd ──► ruedad --as-guard-unit
 *              │  └── ATTACH ──────────────────────────────────────────► │ accepts, looks who it is
 *              └ ruedad --as-daemon ── BEGIN, START … ─────────────────► ruedad --as-guard, the same process
 *
 *          One connection is served at a time, and the next one when all of the last has ended: it waits in the socket.
 * Promise  who is not of the same user and the same program, byte for byte, is refused: the messages have no versions.
 *          After an upgrade neither the old nor the new one talks to the other.
 * Threads  one.      Limits  TALK_MS for the first message.
 * Design   docs/design/hosts.md       Tests  tests/integration/systemd.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/unit.h"
#include "base/fd.h"
#include "base/log.h"
#include "guard/message.h"
#include "guard/start.h"
#include "priv/channel.h"
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { LISTEN_FD = 3, TALK_MS = 10000 };

static int send_attach(int socket, const char *run_directory)
{
	struct guard_message m = { .type = GUARD_ATTACH };
	struct buf out = { 0 };
	int r;

	if (snprintf(m.text, sizeof(m.text), "%s", run_directory) >= (int)sizeof(m.text))
		return -ENAMETOOLONG;
	guard_message_encode(&m, &out);
	r = out.error < 0 ? out.error : channel_send(socket, out.data, out.len, -1, CHANNEL_NO_WAIT);
	buf_done(&out);
	return r;
}

int guard_unit_connect(const char *path, const char *run_directory, int *ret_socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = -1;
	int r;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = send_attach(fd, run_directory);
	if (r < 0)
		return r;
	*ret_socket = TAKE_FD(fd);
	return 0;
}

/* The socket that systemd passes, see sd_listen_fds(3). */
static bool is_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	int accepts = 0;
	socklen_t len = sizeof(accepts);

	return pid != NULL && count != NULL && strtol(pid, NULL, 10) == getpid() && strtol(count, NULL, 10) == 1 &&
	       getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == 0 && accepts != 0;
}

/* Is it our user's, and does it run this very file? */
static int check_peer(int socket, struct error *e)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	struct stat mine, its;
	char path[64];

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return error_set_code(e, -errno, "cannot tell who connects");
	if (peer.uid != geteuid())
		return error_set(e, ERR_ACCESS_DENIED, "uid %u has no business here", peer.uid);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", peer.pid);
	if (stat("/proc/self/exe", &mine) < 0)
		return error_set_code(e, -errno, "cannot look at the program");
	if (stat(path, &its) < 0)
		return -EPIPE; /* It has ended. */
	if (mine.st_dev != its.st_dev || mine.st_ino != its.st_ino)
		return error_set(e, ERR_ACCESS_DENIED,
		    "process %d runs another program, or another version of this one; start rueda.service again",
		    peer.pid);
	return 0;
}

static int receive_attach(int socket, struct guard_message *ret, struct error *e)
{
	_cleanup_fd_ int fd = -1;
	uint8_t packet[GUARD_MESSAGE_MAX];
	struct pollfd p = { .fd = socket, .events = POLLIN };
	int n = poll(&p, 1, TALK_MS) > 0 ? channel_receive(socket, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT)
					 : -ETIMEDOUT;

	if (n == 0)
		return -EPIPE;
	if (n < 0 || guard_message_decode(packet, (size_t)n, ret) < 0 || ret->type != GUARD_ATTACH ||
	    ret->text[0] != '/')
		return error_set(e, ERR_INVALID_DATA, "it does not say for which directory it is");
	return 0;
}

int guard_unit_main(void)
{
	struct guard_message m;
	struct error e = { 0 };
	int socket, r;

	if (!is_passed()) {
		log_error("--as-guard-unit is for rueda-guard.service: no listening socket was passed");
		return 1;
	}
	(void)unsetenv("LISTEN_PID"); /* It is not for what resources run. */
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	socket = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
	if (socket < 0) {
		log_error("cannot accept a connection: %s", error_text(-errno));
		return 1;
	}
	r = check_peer(socket, &e);
	if (r == 0)
		r = receive_attach(socket, &m, &e);
	if (r == -EPIPE) /* Who has waited until an earlier guard had ended may have given up. */
		return 0;
	if (r < 0) {
		log_error("refused who wants resources to be run: %s", e.text);
		return 0; /* The next one may be the right one. */
	}
	guard_become(m.text, socket, GUARD_IN_UNIT);
}
