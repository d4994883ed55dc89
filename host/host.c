/* host: the process that runs one resource, for as long as it is active: from being started to having been stopped.
 *
 * Why      what runs a resource may crash, hang and be killed without harm to the service or to other resources.
 * How
 *            CONFIGURE ─► idle ─ ONLINE ─► checking ─► starting ──► online ◄─ polls
 *                                             │           │ fails     │ fails, its process ends
 *                                             │           └────┬──────┘   OFFLINE at any time; ruedad has gone; SIGTERM
 *                                             ▼                ▼
 *                                            end ◄─ all that it left is killed ◄─ stopping ─ fails ─► is it still there?
 *
 *          Operations are workers (worker.c); this loop only waits: for messages, for children, for the time.
 * Promise  it ends with status 0 only if nothing of the resource is active any more; its journal is removed then, and only
 *          then.  A failure is told before it is cleaned up.
 * Threads  one.      Limits  one resource; OUTPUT_KEPT bytes of output.
 * Design   docs/design/hosts.md       Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/utf16.h"
#include "host/children.h"
#include "host/journal.h"
#include "host/worker.h"
#include "priv/channel.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

enum {
	OUTPUT_KEPT = 2048,
	STORY_LINE_LEAST = 180, /* Bytes of what was printed that a long story leaves room for. */
	END_MS = 10000,         /* For what is killed to end. */
	PROBE_MS = 10000,       /* For "is it still there?" */
	ENDED_MAX = 16,
};

enum state { IDLE, CHECKING, STARTING, ONLINE, STOPPING, PROBING };

struct host {
	const char *id;
	struct resource r;
	struct buf configure; /* The message, which r was made from; for the journal. */
	struct host_message message;
	enum state state;
	struct worker worker;
	int socket, signals;
	int output, output_write;   /* A pipe: what the resource's programs print. */
	char kept[OUTPUT_KEPT + 1]; /* The end of it. */
	size_t kept_len;
	uint64_t online_operation, offline_operation;
	uint64_t look_ms, thorough_ms; /* When to look next; UINT64_MAX: never. */
	struct {
		pid_t pid;
		int status;
	} ended
	    [ENDED_MAX]; /* Children that nobody knew, while starting: one may turn out to be the resource's process. */
	unsigned ended_count;
	bool told_failure;
	struct error trouble; /* Why it could not be stopped as it should. */
	bool over;
	int status;
	uint8_t packet[HOST_MESSAGE_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t after(uint32_t ms)
{
	return ms == UINT32_MAX ? UINT64_MAX : now_ms() + ms;
}

/* ruedad reads at once; if it does not, it is not there. */
static void tell(struct host *h, enum host_message_type type, uint64_t operation, int result, const char *text)
{
	struct host_message m = {
		.type = type, .operation = operation, .code = error_to_win32(result), .text = { text, strlen(text) }
	};
	struct buf out = { 0 };

	if (host_message_encode(&m, &out) == 0)
		(void)channel_send(h->socket, out.data, out.len, -1, CHANNEL_NO_WAIT);
	buf_done(&out);
}

/* What was printed. */

static void read_output(struct host *h)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(h->output, chunk, sizeof(chunk))) > 0) {
		size_t len = MIN((size_t)n, (size_t)OUTPUT_KEPT), keep = MIN(h->kept_len, OUTPUT_KEPT - len);

		memmove(h->kept, h->kept + h->kept_len - keep, keep);
		memcpy(h->kept + keep, chunk + n - len, len);
		h->kept_len = keep + len;
		h->kept[h->kept_len] = 0;
	}
}

/* A story that leaves no room for what was printed is cut, and so is a line that is longer than the room that is left. */
static void join_story(const char *story, const char *line, char *ret, size_t size)
{
	static const char between[] = "; it printed: ", cut[] = "…";
	size_t line_len = strlen(line), least = MIN(line_len, (size_t)STORY_LINE_LEAST), room, n;
	bool whole;

	assert(size > STORY_LINE_LEAST + sizeof(between) + 2 * sizeof(cut));
	room = size - 1 - (line_len > 0 ? sizeof(between) - 1 + least : 0);
	whole = strlen(story) <= room;
	n = (size_t)snprintf(
	    ret, size, "%.*s%s", (int)utf8_fit(story, whole ? room : room - strlen(cut)), story, whole ? "" : cut);
	if (line_len == 0)
		return;
	room = size - 1 - n - strlen(between);
	whole = line_len <= room;
	(void)snprintf(ret + n, size - n, "%s%.*s%s", between, (int)utf8_fit(line, whole ? room : room - strlen(cut)),
	    line, whole ? "" : cut);
}

/* The story with the last line that was printed; zeros and other controls do not belong into texts. */
static void tell_story(struct host *h, const char *story, char *ret, size_t size)
{
	size_t end, start;

	read_output(h);
	for (size_t i = 0; i < h->kept_len; i++)
		if (h->kept[i] != '\n' && ((unsigned char)h->kept[i] < ' ' || h->kept[i] == 0x7f))
			h->kept[i] = ' ';
	for (end = h->kept_len; end > 0 && (h->kept[end - 1] == '\n' || h->kept[end - 1] == ' ');)
		end--;
	for (start = end; start > 0 && h->kept[start - 1] != '\n';)
		start--;
	h->kept[end] = 0;
	utf8_mend(h->kept + start);
	join_story(story, h->kept + start, ret, size);
}

/* Ending. */

static void end_with(struct host *h, bool clean)
{
	if (clean && journal_remove(HOST_DIRECTORY_FD, h->id) < 0)
		log_warning("cannot remove the journal, it is stopped again by the next service resource=%s", h->id);
	if (!clean)
		log_error("could not be stopped: %s resource=\"%s\" id=%s", h->trouble.text,
		    h->r.name != NULL ? h->r.name : "", h->id);
	tell(h, HOST_RESULT, h->offline_operation, clean ? 0 : h->trouble.code, clean ? "" : h->trouble.text);
	h->over = true;
	h->status = clean ? 0 : 1;
}

static void work(struct host *h, enum worker_task task, uint32_t limit_ms);

/* The offline operation has ended, one way or another. */
static void stopped(struct host *h, int result, const char *text)
{
	pid_t left;

	if (!children_end(END_MS, &left)) {
		(void)error_set(&h->trouble, ERR_BUSY, "process %d cannot be ended", left);
		end_with(h, false);
	} else if (result >= 0) {
		end_with(h, true);
	} else if (h->r.type->probe == NULL) {
		log_warning("was killed: %s resource=\"%s\"", text, h->r.name);
		end_with(h, true);
	} else {
		char story[sizeof(h->trouble.text)];

		tell_story(h, text, story, sizeof(story));
		(void)error_set(&h->trouble, result, "%s", story);
		h->state = PROBING;
		work(h, WORKER_LOOK, PROBE_MS);
	}
}

static void begin_stop(struct host *h)
{
	if (h->state == STOPPING || h->state == PROBING || h->over)
		return;
	if (h->worker.pid != 0) {
		/* Its end must not be taken for that of the next one. */
		struct worker_outcome dropped;

		worker_kill(&h->worker);
		while (waitpid(h->worker.pid, NULL, 0) < 0 && errno == EINTR)
			;
		worker_finish(&h->worker, &dropped);
		if (h->state == STARTING && dropped.result == 0)
			h->r.process = dropped.process;
	}
	if (h->state == IDLE || h->state == CHECKING) {
		end_with(h, true); /* Nothing has been done yet. */
		return;
	}
	h->state = STOPPING;
	h->kept_len = 0;
	work(h, WORKER_OFFLINE, h->r.settings.pending_ms);
}

/* It is not as it should be. */
static void fail(struct host *h, int result, const char *text)
{
	char story[sizeof(h->trouble.text)];

	tell_story(h, text, story, sizeof(story));
	log_warning("failed: %s resource=\"%s\"", story, h->r.name != NULL ? h->r.name : h->id);
	if (h->state == ONLINE)
		tell(h, HOST_FAILED, 0, result, story);
	else
		tell(h, HOST_RESULT, h->online_operation, result, story);
	h->told_failure = true;
	begin_stop(h);
}

static void work(struct host *h, enum worker_task task, uint32_t limit_ms)
{
	int r = worker_start(&h->worker, task, &h->r, h->output_write);

	if (r == 0) {
		h->worker.deadline_ms = after(limit_ms);
		return;
	}
	if (task == WORKER_OFFLINE) {
		stopped(h, r, "no process could be started to stop it");
	} else if (h->state == PROBING) {
		end_with(h, false);
	} else {
		fail(h, r, "no process could be started");
	}
}

/* Being online. */

static void plan_looks(struct host *h)
{
	bool can = h->r.type->probe != NULL;

	h->look_ms = can && h->r.settings.looks_ms > 0 ? after(h->r.settings.looks_ms) : UINT64_MAX;
	h->thorough_ms = can && h->r.settings.is_ms > 0 ? after(h->r.settings.is_ms) : UINT64_MAX;
}

static void process_ended(struct host *h, int status)
{
	char text[80];

	h->r.process = 0;
	if (h->state != ONLINE)
		return;
	if (WIFEXITED(status))
		(void)snprintf(text, sizeof(text), "it ended with status %d", WEXITSTATUS(status));
	else
		(void)snprintf(text, sizeof(text), "it was ended by signal %d", WTERMSIG(status));
	fail(h, ERR_RESOURCE_FAILED, text);
}

static void is_online(struct host *h, pid_t process)
{
	h->state = ONLINE;
	h->r.process = process;
	log_info("online resource=\"%s\" pid=%d", h->r.name, process);
	tell(h, HOST_RESULT, h->online_operation, 0, "");
	plan_looks(h);
	for (unsigned i = 0; i < h->ended_count; i++)
		if (process != 0 && h->ended[i].pid == process) {
			process_ended(h, h->ended[i].status);
			return;
		}
	if (h->r.type->watched && kill(process, 0) < 0)
		fail(h, ERR_RESOURCE_FAILED, "it ended at once");
}

static void begin_start(struct host *h)
{
	int r = journal_save(HOST_DIRECTORY_FD, h->id, &h->message);

	if (r < 0) {
		fail(h, r, "its journal could not be written");
		return;
	}
	h->state = STARTING;
	h->ended_count = 0;
	work(h, WORKER_ONLINE, UINT32_MAX); /* Who asked for it knows how long that may take. */
}

static void worker_ended(struct host *h, int status)
{
	struct worker_outcome o;

	worker_finish(&h->worker, &o);
	if (o.result < 0 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		(void)snprintf(o.text, sizeof(o.text), "the operation crashed, signal %d", WTERMSIG(status));
	switch (h->state) {
	case CHECKING:
		if (o.result < 0)
			fail(h, o.result, o.text);
		else
			begin_start(h);
		break;
	case STARTING:
		if (o.result < 0)
			fail(h, o.result, o.text);
		else
			is_online(h, o.process);
		break;
	case ONLINE:
		plan_looks(h);
		if (o.result <= 0)
			fail(h, o.result < 0 ? o.result : ERR_RESOURCE_FAILED, o.text);
		break;
	case STOPPING:
		stopped(h, o.result, o.text);
		break;
	case PROBING:
		end_with(h, o.result == 0);
		break;
	case IDLE:
		break;
	}
}

/* What comes in. */

static void configure(struct host *h, const struct host_message *m, size_t len)
{
	struct error e = { 0 };
	int r;

	(void)m;
	buf_append(&h->configure, h->packet, len);
	r = h->configure.error;
	if (r == 0)
		r = host_message_decode(h->configure.data, h->configure.len, &h->message);
	if (r == 0)
		r = resource_init(&h->r, h->id, &h->message.configure, &e);
	if (r < 0) {
		(void)error_set(&h->trouble, r, "%s", e.code != 0 ? e.text : error_text(r));
		h->r = (struct resource){ 0 };
	}
}

static void handle(struct host *h, const struct host_message *m, size_t len)
{
	switch (m->type) {
	case HOST_CONFIGURE:
		if (h->configure.len == 0)
			configure(h, m, len);
		break;
	case HOST_ONLINE:
		if (h->state != IDLE)
			break;
		h->online_operation = m->operation;
		if (h->r.type == NULL) {
			fail(h, h->trouble.code < 0 ? h->trouble.code : -EINVAL, h->trouble.text);
		} else {
			h->state = CHECKING;
			work(h, WORKER_CHECK, UINT32_MAX);
		}
		break;
	case HOST_OFFLINE:
		h->offline_operation = m->operation;
		begin_stop(h);
		break;
	case HOST_SETTINGS:
		h->r.settings = m->configure.settings;
		if (h->state == ONLINE && h->worker.pid == 0)
			plan_looks(h); /* Else at the end of the look that is under way. */
		break;
	case HOST_PING:
		tell(h, HOST_PONG, m->operation, 0, "");
		break;
	default:
		break;
	}
}

static void read_message(struct host *h)
{
	_cleanup_fd_ int fd = -1;
	struct host_message m;
	int n = channel_receive(h->socket, h->packet, sizeof(h->packet), &fd, CHANNEL_NO_WAIT);

	if (n == -EAGAIN)
		return;
	if (n > 0 && host_message_decode(h->packet, (size_t)n, &m) == 0) {
		handle(h, &m, (size_t)n);
		return;
	}
	if (n > 0)
		log_error("ruedad said something that is no message; stopping resource=%s", h->id);
	else
		log_notice("ruedad is gone; stopping resource=\"%s\"", h->r.name != NULL ? h->r.name : h->id);
	close_fd(&h->socket);
	begin_stop(h);
}

static void reap(struct host *h)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == h->worker.pid)
			worker_ended(h, status);
		else if (pid == h->r.process)
			process_ended(h, status);
		else if (h->state == STARTING && h->ended_count < ENDED_MAX) {
			h->ended[h->ended_count].pid = pid;
			h->ended[h->ended_count++].status = status;
		}
	}
}

static void read_signals(struct host *h)
{
	struct signalfd_siginfo info;

	while (read(h->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(h);
		else
			begin_stop(h);
	}
}

/* What is due; how long poll() may wait for the next, -1: for ever. */
static int check_time(struct host *h)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	if (h->worker.pid != 0 && h->worker.deadline_ms <= now) {
		log_warning("an operation takes too long, killing it resource=\"%s\"", h->r.name);
		worker_kill(&h->worker);
		h->worker.deadline_ms = UINT64_MAX;
	}
	if (h->state == ONLINE && h->worker.pid == 0 && MIN(h->look_ms, h->thorough_ms) <= now) {
		h->kept_len = 0;
		work(h, h->thorough_ms <= now ? WORKER_LOOK_THOROUGHLY : WORKER_LOOK, h->r.settings.deadlock_ms);
	}
	if (h->worker.pid != 0)
		next = h->worker.deadline_ms;
	else if (h->state == ONLINE)
		next = MIN(h->look_ms, h->thorough_ms);
	return next == UINT64_MAX ? -1 : next <= now ? 0 : (int)MIN(next - now + 1, (uint64_t)1 << 30);
}

static void turn(struct host *h)
{
	int timeout = check_time(h);
	struct pollfd fds[] = {
		{ .fd = h->signals, .events = POLLIN },
		{ .fd = h->socket, .events = POLLIN }, /* A negative one is passed over. */
		{ .fd = h->output, .events = POLLIN },
	};

	if (h->over || poll(fds, ARRAY_SIZE(fds), timeout) < 0)
		return;
	if (fds[2].revents != 0)
		read_output(h);
	if (fds[0].revents != 0)
		read_signals(h);
	if (!h->over && h->socket >= 0 && fds[1].revents != 0)
		read_message(h);
}

static int set_up(struct host *h)
{
	int ends[2];
	sigset_t set;

	(void)prctl(PR_SET_NAME, "rueda-host");
	for (int fd = HOST_SOCKET_FD; fd <= HOST_LOCK_FD; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	h->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->signals < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	h->output = ends[0];
	h->output_write = ends[1];
	/* Programs do not expect to find their outputs non-blocking. */
	if (fcntl(h->output_write, F_SETFL, 0) < 0)
		return -errno;
	return children_adopt();
}

/* What the journal tells of is stopped as if it had been started here. */
static void clean_up(struct host *h)
{
	struct error e = { 0 };
	int r = journal_load(HOST_DIRECTORY_FD, h->id, &h->configure, &h->message);

	if (r == 0)
		r = resource_init(&h->r, h->id, &h->message.configure, &e);
	if (r == -ENOENT) {
		end_with(h, true);
	} else if (r < 0) {
		(void)error_set_code(&h->trouble, r, "its journal cannot be read");
		end_with(h, false);
	} else {
		h->state = ONLINE;
		begin_stop(h);
	}
}

int host_main(const char *id, bool clean)
{
	_cleanup_free_ struct host *h = calloc(1, sizeof(*h));
	int r = h == NULL ? -ENOMEM : 0;

	if (r == 0) {
		h->id = id;
		h->socket = HOST_SOCKET_FD;
		h->look_ms = h->thorough_ms = UINT64_MAX;
		h->worker.result = -1;
		r = set_up(h);
	}
	if (r < 0) {
		log_error("the host of a resource cannot start: %s id=%s", error_text(r), id);
		return 1;
	}
	if (clean)
		clean_up(h);
	while (!h->over)
		turn(h);
	resource_done(&h->r);
	buf_done(&h->configure);
	return h->status;
}
