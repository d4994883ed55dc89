/* server: priv, the process that holds the rights and does next to nothing with them.
 *
 * Why      ruedad reads bytes from everybody who can connect.  What needs rights is done here, by a process that reads
 *          one small message from ruedad alone, keeps no state but who is working on what, and cannot be held up.
 * How      one poll() loop: signals, ruedad's requests, the answers of children.
 *
 *	request ──► a child that becomes the caller and opens the directory (child.c)
 *	              ├─ answers in time      its answer goes to ruedad, the door with it; the child serves the door
 *	              └─ does not             it is killed, ruedad hears ERR_TIMEOUT; the slot is free when it has died
 *
 *          A child that works on files or keys of checkpoints is killed, too, when ruedad has long given it up, and so is one
 *          behind a directory that does not end soon after ruedad has closed that.  One that does not die of it, as the kernel may
 *          have it, is the only one for its path until it does, and of those behind directories there are HANGING_MAX at most.
 *          What hangs and is tried again and again would take all slots.
 *          When ruedad ends, so does this process, with its status; when this process dies, the kernel ends ruedad and
 *          the children.
 * Promise  a request is refused with a reason and a line in the log, or carried out as the caller; nothing that ruedad
 *          sends makes this process wait.
 * Not kept a ruedad that has been taken over may name any user; what it can do then is in names.c.
 * Threads  one.      Limits  PRIV_CHILDREN_MAX requests and doors together, then ERR_BUSY.
 * Design   docs/design/privileges.md       Tests  tests/integration/priv_server.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/server.h"
#include "base/fd.h"
#include "base/log.h"
#include "priv/channel.h"
#include "priv/child.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

enum {
	GONE_SECONDS = 30,      /* From the end of ruedad's socket to its end as a process. */
	WORK_GRACE_SECONDS = 5, /* From when ruedad gives up a work to when it is ended: it may clear up. */
	CLOSE_SECONDS = 5,      /* From when ruedad closes a directory to the end of the process behind it. */
	HANGING_MAX = 16,       /* Processes of directories that were killed and have not died. */
	ANSWER_MAX = 2048,      /* Bytes of a child's answer. */
};

struct child {
	pid_t pid;     /* 0: the slot is free. */
	int channel;   /* Owned; -1 once it has answered or was given up. */
	uint64_t id;   /* Of ruedad's request. */
	uint32_t uid;  /* As whom. */
	bool works;    /* On files or keys of checkpoints, once it has answered. */
	uint64_t path; /* What it was asked for: its hash. */
	bool killed;
	uint64_t deadline_ms; /* Of its answer, then of its work, or of its end; UINT64_MAX: none. */
};

struct server {
	const struct priv_options *options;
	int socket, signals;       /* Owned; socket -1: ruedad has closed it. */
	uint64_t gone_deadline_ms; /* Then. */
	struct child children[PRIV_CHILDREN_MAX];
	bool ended;
	int status;
	uint8_t packet[PRIV_MESSAGE_MAX];
	struct priv_request request;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int priv_block_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_SETMASK, &set, NULL) < 0 ? -errno : 0;
}

static void kill_daemon(struct server *s, const char *why)
{
	log_error("%s; ending ruedad pid=%d", why, s->options->daemon);
	(void)kill(s->options->daemon, SIGKILL);
	close_fd(&s->socket);
	s->gone_deadline_ms = UINT64_MAX;
}

/* ruedad reads its answers at once.  If it does not, something is wrong with it, and waiting would hold up the others. */
static void send_to_daemon(struct server *s, const void *data, size_t len, int fd)
{
	int r = s->socket < 0 ? -EPIPE : channel_send(s->socket, data, len, fd, CHANNEL_NO_WAIT);

	if (r < 0 && r != -EPIPE) /* That: it has ended, and the signal comes. */
		kill_daemon(s, "ruedad does not take its answers");
}

static void refuse(struct server *s, uint64_t id, int result, const char *text)
{
	struct priv_reply reply = { .id = id, .result = result };
	struct buf out = { 0 };

	(void)snprintf(reply.text, sizeof(reply.text), "%s", text);
	priv_reply_encode(&reply, &out);
	if (out.error < 0)
		kill_daemon(s, "no memory for an answer");
	else
		send_to_daemon(s, out.data, out.len, -1);
	buf_done(&out);
}

static bool is_work(const struct priv_request *q)
{
	return q->type >= PRIV_TAKE_TREE && q->type != PRIV_WATCH_FILES;
}

/* FNV-1a. */
static uint64_t hash_of(const char *path, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)path[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* One that was killed cannot die there, or too many cannot; else NULL.  Watchers have a path in common, and wait by themselves. */
static const char *why_not_now(const struct server *s, const struct priv_request *q)
{
	uint64_t path = hash_of(q->path, q->path_len);
	unsigned hanging = 0;

	for (size_t i = 0; q->type != PRIV_WATCH_FILES && i < PRIV_CHILDREN_MAX; i++) {
		const struct child *c = &s->children[i];

		if (c->pid == 0 || !c->killed || c->works != is_work(q))
			continue;
		if (c->path == path)
			return "a process that was to work there before still hangs; does a mount hang?";
		hanging += !c->works;
	}
	if (hanging >= HANGING_MAX)
		return "too many processes of other directories still hang; do their mounts hang?";
	return NULL;
}

/* A process that works on the request, and our end of its channel. */
static int fork_child(struct server *s, const struct priv_request *q, struct child *ret)
{
	_cleanup_fd_ int mine = -1, theirs = -1;
	int ends[2], parent = getpid(), r = channel_pair(ends);
	pid_t pid;

	if (r < 0)
		return r;
	mine = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_run(q, theirs, parent, s->options);
	*ret = (struct child){ .pid = pid,
		.channel = TAKE_FD(mine),
		.id = q->id,
		.uid = q->uid,
		.works = is_work(q),
		.path = hash_of(q->path, q->path_len),
		.deadline_ms = now_ms() + (uint64_t)s->options->open_seconds * 1000 };
	return 0;
}

static void start_child(struct server *s, const struct priv_request *q)
{
	const char *why_not = why_not_now(s, q);
	struct child *c = s->children;
	int r;

	if (why_not != NULL) {
		refuse(s, q->id, ERR_TIMEOUT, why_not);
		return;
	}
	while (c < s->children + PRIV_CHILDREN_MAX && c->pid != 0)
		c++;
	if (c == s->children + PRIV_CHILDREN_MAX) {
		log_warning("refused a directory: too many are open uid=%u max=%d", q->uid, PRIV_CHILDREN_MAX);
		refuse(s, q->id, ERR_BUSY, "too many directories are open or being opened");
		return;
	}
	r = fork_child(s, q, c);
	if (r < 0) {
		log_error("cannot start a process to open a directory: %s uid=%u", error_text(r), q->uid);
		refuse(s, q->id, r, "priv cannot start a process to open the directory");
	}
}

/* It ends by itself as soon as it sees that its door is closed. */
static void expect_end(struct server *s, uint64_t id)
{
	for (size_t i = 0; i < PRIV_CHILDREN_MAX; i++) {
		struct child *c = &s->children[i];

		if (c->pid != 0 && c->id == id && c->channel < 0 && !c->works && !c->killed)
			c->deadline_ms = now_ms() + CLOSE_SECONDS * 1000;
	}
}

static void read_request(struct server *s)
{
	_cleanup_fd_ int fd = -1;
	int n = channel_receive(s->socket, s->packet, sizeof(s->packet), &fd, CHANNEL_NO_WAIT);

	if (n == -EAGAIN)
		return;
	if (n == 0) {
		close_fd(&s->socket);
		s->gone_deadline_ms = now_ms() + GONE_SECONDS * 1000;
		return;
	}
	if (n < 0 || fd >= 0 || priv_request_decode(s->packet, (size_t)n, &s->request) < 0)
		kill_daemon(s, "ruedad sent something that is no request");
	else if (s->request.type == PRIV_CLOSED)
		expect_end(s, s->request.id);
	else
		start_child(s, &s->request);
}

/* A child's answer goes on as it is, once it has been seen to be one. */
static void read_answer(struct server *s, struct child *c)
{
	_cleanup_fd_ int fd = -1;
	uint8_t packet[ANSWER_MAX];
	struct priv_reply reply;
	int n = channel_receive(c->channel, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT);

	if (n == -EAGAIN)
		return;
	close_fd(&c->channel);
	c->deadline_ms =
	    c->works ? now_ms() + (uint64_t)(s->options->work_seconds + WORK_GRACE_SECONDS) * 1000 : UINT64_MAX;
	if (n <= 0 || priv_reply_decode(packet, (size_t)n, &reply) < 0 || reply.id != c->id ||
	    (reply.result == 0) != (fd >= 0)) {
		log_error("the process that opens a directory has failed uid=%u", c->uid);
		(void)kill(c->pid, SIGKILL);
		refuse(s, c->id, ERR_GEN_FAILURE, "the process that opens the directory has failed");
		return;
	}
	if (reply.result < 0)
		log_notice("refused a directory: %s uid=%u error=%u", reply.text, c->uid, error_to_win32(reply.result));
	send_to_daemon(s, packet, (size_t)n, fd);
}

static void give_up(struct server *s, struct child *c)
{
	c->deadline_ms = UINT64_MAX;
	c->killed = true;
	(void)kill(c->pid, SIGKILL);
	if (c->channel < 0 && c->works) {
		log_warning(
		    "ended a process that works on a checkpoint: it took longer than %u s; does a mount hang? pid=%d",
		    s->options->work_seconds + WORK_GRACE_SECONDS, c->pid);
		return;
	}
	if (c->channel < 0) {
		log_warning("ended a process behind a directory that has been closed: it has not ended for %d s; does a "
			    "mount hang? uid=%u pid=%d",
		    CLOSE_SECONDS, c->uid, c->pid);
		return;
	}
	log_warning("gave up opening a directory: it took longer than %u s uid=%u pid=%d", s->options->open_seconds,
	    c->uid, c->pid);
	close_fd(&c->channel);
	refuse(s, c->id, ERR_TIMEOUT, "opening the directory took too long; does a mount hang?");
}

/* Whoever has died: ruedad, or a child, whose slot is free then. */
static void reap(struct server *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->options->daemon) {
			s->ended = true;
			s->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			if (WIFSIGNALED(status))
				log_error("ruedad was ended by a signal pid=%d signal=%d", pid, WTERMSIG(status));
		}
		for (size_t i = 0; i < PRIV_CHILDREN_MAX; i++) {
			struct child *c = &s->children[i];

			if (c->pid != pid)
				continue;
			if (c->channel >= 0) /* It may have answered just before it ended. */
				read_answer(s, c);
			c->pid = 0;
		}
	}
}

static void read_signals(struct server *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(s);
		else if (!s->ended)
			(void)kill(s->options->daemon, (int)info.ssi_signo);
	}
}

/* What has run out of time; returns how long poll() may wait for the next, -1 for ever. */
static int check_deadlines(struct server *s)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	for (size_t i = 0; i < PRIV_CHILDREN_MAX; i++) {
		struct child *c = &s->children[i];

		if (c->pid != 0 && c->deadline_ms <= now)
			give_up(s, c);
		if (c->pid != 0)
			next = MIN(next, c->deadline_ms);
	}
	if (s->socket < 0 && s->gone_deadline_ms <= now)
		kill_daemon(s, "ruedad closed its socket but does not end");
	if (s->socket < 0)
		next = MIN(next, s->gone_deadline_ms);
	return next == UINT64_MAX ? -1 : (int)MIN(next - now + 1, (uint64_t)1 << 30);
}

static void turn(struct server *s)
{
	struct pollfd fds[PRIV_CHILDREN_MAX + 2];
	struct child *of[PRIV_CHILDREN_MAX + 2] = { 0 };
	nfds_t count = 2;
	int timeout = check_deadlines(s);

	fds[0] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = s->socket, .events = POLLIN }; /* A negative one is passed over. */
	for (size_t i = 0; i < PRIV_CHILDREN_MAX; i++) {
		if (s->children[i].pid == 0 || s->children[i].channel < 0)
			continue;
		of[count] = &s->children[i];
		fds[count++] = (struct pollfd){ .fd = s->children[i].channel, .events = POLLIN };
	}
	if (poll(fds, count, timeout) < 0)
		return; /* EINTR, or no memory: try again. */
	for (nfds_t i = 2; i < count; i++)
		if (fds[i].revents != 0)
			read_answer(s, of[i]);
	if (s->socket >= 0 && fds[1].revents != 0)
		read_request(s);
	if (fds[0].revents != 0)
		read_signals(s);
}

int priv_serve(const struct priv_options *options)
{
	_cleanup_free_ struct server *s = calloc(1, sizeof(*s));
	sigset_t set;

	(void)sigprocmask(SIG_SETMASK, NULL, &set);
	assert(sigismember(&set, SIGCHLD) == 1);
	if (s == NULL) {
		(void)close(options->socket);
		return 1; /* ruedad ends with its parent. */
	}
	s->options = options;
	s->socket = options->socket;
	s->gone_deadline_ms = UINT64_MAX;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->status = 1;
	if (s->signals < 0)
		log_error("cannot read signals: %s", error_text(-errno));
	while (s->signals >= 0 && !s->ended)
		turn(s);
	for (size_t i = 0; i < PRIV_CHILDREN_MAX; i++)
		if (s->children[i].pid != 0)
			close_fd(&s->children[i].channel);
	close_fd(&s->socket);
	close_fd(&s->signals);
	return s->status;
}
