/* guard: the process that starts hosts, and ends what they leave.
 *
 * Why      ruedad parses hostile bytes and has no rights; resources need them.  And whoever runs resources must see to their
 *          end when ruedad, or a host, is not there any more to do it.
 * How      one poll() loop.  ruedad asks for a host by the resource's id and gets the host's socket; it does all the rest
 *          with the host.
 *
 *            START ─► cleaning? ─► running ── the host ends ──► sweeping: its orphans are killed ── a journal is there?
 *                         ▲                                            ▲                              │ yes      │ no
 *            CLEAN ───────┤                                            └── its cleaner ends ◄─ cleaning       GONE
 *                         └──────────────────────────────────────────────────────────────────────────┘
 *
 *          Hosts adopt what their programs leave, and this process adopts what hosts leave: a child that it does not know is
 *          an orphan of a host that has ended.  With control groups the kernel ends those of the resource in one step.
 *          When ruedad's socket is closed, so are those of the hosts: they stop what they run.  Who takes more than
 *          DRAIN_MS is killed, and cleaned up after; so is, once more, what could not be ended before.
 *          It is a child of the process that starts the service, or a unit of its own (unit.c).
 * Promise  GONE without an error is said when no process of the resource is left and what outlives processes has been
 *          undone.  Nothing is started before what an earlier guard ran is gone (barrier.h).
 * Not kept no watchdog device: if the kernel stands still, so does this.
 * Threads  one.      Limits  GUARD_HOSTS_MAX.       Design  docs/design/hosts.md
 * Tests    tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "guard/guard.h"
#include "base/fd.h"
#include "base/log.h"
#include "guard/barrier.h"
#include "guard/cgroup.h"
#include "guard/message.h"
#include "guard/start.h"
#include "host/children.h"
#include "host/host.h"
#include "host/journal.h"
#include "priv/channel.h"
#include "priv/identity.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum {
	GUARD_HOSTS_MAX = 1024,
	DRAIN_MS = 30000, /* From ruedad's end to that of the last host. */
	CLEAN_MS = 60000, /* For a cleaner. */
	SWEEP_MS = 10000, /* For what is killed to end. */
	STEP_MS = 20,     /* Between looks while something is swept. */
};

enum phase { RUNNING, SWEEPING, CLEANING };

struct entry {
	struct entry *next;
	uint64_t number; /* ruedad's; 0: of an earlier life. */
	struct guid id;
	char id_text[GUID_TEXT_LEN + 1], cgroup[CGROUP_NAME_MAX];
	enum phase phase;
	pid_t pid;       /* Of the host or cleaner; 0: it has ended. */
	bool is_cleaner; /* pid, or the last one that was. */
	bool start_when_clean;
	bool was_cleaned;     /* A cleaner has ended with success since. */
	int socket;           /* Of a cleaner, to hear why it failed; -1. */
	int status;           /* Of the process that has ended. */
	uint64_t deadline_ms; /* Of the phase; UINT64_MAX: none. */
};

struct guard {
	int socket; /* Owned; -1: ruedad is gone. */
	int signals, directory, lock, cgroup_base;
	char prefix[64]; /* Of the names of our control groups. */
	struct entry *entries;
	unsigned count;
	bool is_ready;
	bool has_tried_again; /* After ruedad's end, what could not be ended before. */
	uint64_t drain_deadline_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void drop_daemon(struct guard *g)
{
	close_fd(&g->socket);
	g->drain_deadline_ms = now_ms() + DRAIN_MS;
}

static void send_message(struct guard *g, const struct guard_message *m, int fd)
{
	struct buf out = { 0 };
	int r;

	if (g->socket < 0)
		return;
	guard_message_encode(m, &out);
	r = out.error < 0 ? out.error : channel_send(g->socket, out.data, out.len, fd, CHANNEL_NO_WAIT);
	if (r < 0) {
		if (r != -EPIPE && r != -ECONNRESET) /* Else it has ended, which is no fault. */
			log_error("ruedad does not listen; ending all resources");
		drop_daemon(g);
	}
	buf_done(&out);
}

static void tell(struct guard *g, enum guard_message_type type, uint64_t number, int result, const char *text)
{
	struct guard_message m = { .type = type, .number = number, .result = result };

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	send_message(g, &m, -1);
}

/* Entries. */

static struct entry *entry_new(struct guard *g, const struct guid *id, uint64_t number)
{
	struct entry *e = g->count < GUARD_HOSTS_MAX ? calloc(1, sizeof(*e)) : NULL;

	if (e == NULL)
		return NULL;
	*e = (struct entry){ .next = g->entries, .number = number, .id = *id, .socket = -1, .deadline_ms = UINT64_MAX };
	guid_format(id, e->id_text);
	(void)snprintf(e->cgroup, sizeof(e->cgroup), "%s%s", g->prefix, e->id_text);
	g->entries = e;
	g->count++;
	return e;
}

static struct entry *find(const struct guard *g, const struct guid *id)
{
	struct entry *e = g->entries;

	while (e != NULL && !guid_equal(&e->id, id))
		e = e->next;
	return e;
}

static void entry_free(struct guard *g, struct entry *e)
{
	struct entry **at = &g->entries;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	close_fd(&e->socket);
	free(e);
	g->count--;
}

/* The end of an entry: nothing of it is left, or what is left cannot be ended. */
static void gone(struct guard *g, struct entry *e, int result, const char *text)
{
	if (result < 0)
		log_error("what resource %s left cannot be ended: %s", e->id_text, text);
	if (e->number != 0)
		tell(g, GUARD_GONE, e->number, result, text);
	entry_free(g, e);
}

/* Starting. */

/* In the child. */
static _Noreturn void become_host(const struct guard *g, const struct entry *e, bool clean, int socket, int parent)
{
	const char *argv[] = { "ruedad", "--as-host", e->id_text, clean ? "clean" : NULL, NULL };
	int from[] = { socket, g->directory, g->lock };

	(void)setsid();
	if (g->cgroup_base >= 0 && cgroup_enter(g->cgroup_base, e->cgroup) < 0)
		log_warning("a host runs without a control group of its own resource=%s", e->id_text);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++)
		if ((from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, HOST_LOCK_FD + 1)) < 0)
			_exit(127);
	for (int i = 0; i < (int)ARRAY_SIZE(from); i++)
		if (dup2(from[i], HOST_SOCKET_FD + i) < 0)
			_exit(127);
	/* Its signals are blocked as ours are: one that comes now is not lost. */
	if (close_range(HOST_LOCK_FD + 1, ~0u, 0) == 0 && identity_follow_parent(parent, SIGTERM) == 0)
		(void)execv("/proc/self/exe", (char **)argv);
	_exit(127);
}

/* *ret_socket: the other end of the new process's. */
static int spawn(struct guard *g, struct entry *e, bool clean, int *ret_socket)
{
	int ends[2], parent = getpid(), r = channel_pair(ends);
	pid_t pid;

	if (r < 0)
		return r;
	if (g->cgroup_base >= 0)
		(void)cgroup_make(g->cgroup_base, e->cgroup);
	pid = fork();
	if (pid == 0)
		become_host(g, e, clean, ends[1], parent);
	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		return -EAGAIN;
	}
	e->pid = pid;
	e->is_cleaner = clean;
	*ret_socket = ends[0];
	return 0;
}

static void start_host(struct guard *g, struct entry *e)
{
	_cleanup_fd_ int fd = -1;
	int r = spawn(g, e, false, &fd);

	e->start_when_clean = false;
	e->phase = RUNNING;
	e->deadline_ms = UINT64_MAX;
	if (r < 0)
		gone(g, e, 0, "no process could be started for it");
	else
		send_message(g,
		    &(struct guard_message){ .type = GUARD_STARTED, .number = e->number, .process = (uint32_t)e->pid },
		    fd);
}

static void start_cleaner(struct guard *g, struct entry *e)
{
	int r = spawn(g, e, true, &e->socket);

	e->phase = CLEANING;
	e->deadline_ms = now_ms() + CLEAN_MS;
	if (r < 0)
		gone(g, e, r, "no process could be started to clean up");
}

/* What is to be done next for an entry without processes. */
static void go_on(struct guard *g, struct entry *e)
{
	if (!e->was_cleaned && journal_exists(g->directory, e->id_text))
		start_cleaner(g, e);
	else if (e->start_when_clean && g->socket >= 0)
		start_host(g, e);
	else
		gone(g, e, 0, "");
}

/* Why a cleaner has failed: the last that it said. */
static void read_reason(struct entry *e, char *ret, size_t size)
{
	uint8_t packet[2048];
	struct host_message m;
	int fd = -1, n;

	(void)snprintf(ret, size, "cleaning up took too long or failed");
	while ((n = channel_receive(e->socket, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT)) > 0) {
		if (host_message_decode(packet, (size_t)n, &m) == 0 && m.type == HOST_RESULT && m.text.len > 0)
			(void)snprintf(ret, size, "%.*s", (int)m.text.len, m.text.data);
		close_fd(&fd);
	}
}

/* Nothing that it started is left. */
static void swept(struct guard *g, struct entry *e)
{
	char reason[sizeof(((struct guard_message *)0)->text)];

	if (e->is_cleaner) {
		if (!WIFEXITED(e->status) || WEXITSTATUS(e->status) != 0) {
			read_reason(e, reason, sizeof(reason));
			gone(g, e, ERR_RESOURCE_FAILED, reason);
			return;
		}
		close_fd(&e->socket);
		e->was_cleaned = true;
	}
	go_on(g, e);
}

/* Ending. */

static bool is_known(const struct guard *g, pid_t pid)
{
	for (const struct entry *e = g->entries; e != NULL; e = e->next)
		if (e->pid == pid)
			return true;
	return false;
}

static void reap(struct guard *g)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct entry *e = g->entries; e != NULL; e = e->next)
			if (e->pid == pid) {
				if (WIFSIGNALED(status))
					log_warning("a host was ended by a signal resource=%s signal=%d", e->id_text,
					    WTERMSIG(status));
				e->pid = 0;
				e->status = status;
				e->phase = SWEEPING;
				e->deadline_ms = now_ms() + SWEEP_MS;
			}
}

/* Kill the orphans of hosts that have ended; 0: there are none. */
static pid_t kill_orphans(const struct guard *g)
{
	static pid_t pids[CHILDREN_MAX];
	int count = children_list(pids, CHILDREN_MAX);
	pid_t orphan = 0;

	for (int i = 0; i < count; i++)
		if (!is_known(g, pids[i])) {
			(void)kill(pids[i], SIGKILL);
			orphan = pids[i];
		}
	return count < 0 ? -1 : orphan;
}

/* One look at what is left of the entries whose processes have ended. */
static void sweep(struct guard *g)
{
	struct entry *next;
	pid_t orphan;

	reap(g);
	orphan = kill_orphans(g);
	for (struct entry *e = g->entries; e != NULL; e = next) {
		char text[80];
		bool empty;

		next = e->next;
		if (e->phase != SWEEPING)
			continue;
		empty = g->cgroup_base < 0 || cgroup_kill(g->cgroup_base, e->cgroup) == -ENOENT ||
			cgroup_remove_if_empty(g->cgroup_base, e->cgroup) != 1;
		if (orphan == 0 && empty) {
			swept(g, e);
		} else if (e->deadline_ms <= now_ms()) {
			(void)snprintf(text, sizeof(text), "process %d cannot be killed", orphan);
			gone(g, e, ERR_RESOURCE_FAILED, text);
		}
	}
}

/* Requests. */

static void start(struct guard *g, const struct guard_message *m)
{
	struct entry *e = find(g, &m->id) == NULL ? entry_new(g, &m->id, m->number) : NULL;

	if (e == NULL) {
		tell(g, GUARD_GONE, m->number, 0, "it has a host already, or there are too many");
		return;
	}
	e->start_when_clean = m->type == GUARD_START;
	go_on(g, e);
}

static void read_request(struct guard *g)
{
	_cleanup_fd_ int fd = -1;
	uint8_t packet[GUARD_MESSAGE_MAX];
	struct guard_message m;
	int n = channel_receive(g->socket, packet, sizeof(packet), &fd, CHANNEL_NO_WAIT);

	if (n == -EAGAIN)
		return;
	if (n <= 0 || guard_message_decode(packet, (size_t)n, &m) < 0) {
		if (n != 0)
			log_error("ruedad said something that is no request; ending all resources");
		drop_daemon(g);
	} else if (m.type == GUARD_START || m.type == GUARD_CLEAN) {
		start(g, &m);
	} else if (m.type == GUARD_KILL) {
		for (struct entry *e = g->entries; e != NULL; e = e->next)
			if (e->number == m.number && e->pid != 0 && !e->is_cleaner)
				(void)kill(e->pid, SIGKILL);
	}
}

static void read_signals(struct guard *g)
{
	struct signalfd_siginfo info;

	while (read(g->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGTERM && g->socket >= 0) {
			log_notice("told to stop; ending all resources");
			drop_daemon(g);
		}
	reap(g);
}

/* What is due; how long poll() may wait, -1: for ever. */
static int check_time(struct guard *g)
{
	uint64_t now = now_ms(), next = UINT64_MAX;

	if (g->socket < 0)
		next = g->drain_deadline_ms;
	for (struct entry *e = g->entries; e != NULL; e = e->next) {
		if (e->pid != 0 && e->phase == CLEANING && e->deadline_ms <= now)
			(void)kill(e->pid, SIGKILL);
		if (e->pid != 0 && e->phase == RUNNING && g->socket < 0 && g->drain_deadline_ms <= now) {
			log_warning("a host takes too long to stop its resource, killing it resource=%s", e->id_text);
			(void)kill(e->pid, SIGKILL);
		}
		next = MIN(next, e->phase == SWEEPING ? now + STEP_MS : MAX(e->deadline_ms, now + STEP_MS));
	}
	if (g->socket < 0)
		next = MAX(next, now + STEP_MS);
	return next == UINT64_MAX ? -1 : (int)MIN(next - now, (uint64_t)1 << 30);
}

static void become_ready(struct guard *g)
{
	if (g->is_ready || g->entries != NULL)
		return;
	g->is_ready = true;
	tell(g, GUARD_READY, 0, 0, "");
}

static void turn(struct guard *g)
{
	int timeout = check_time(g);
	struct pollfd fds[] = {
		{ .fd = g->signals, .events = POLLIN },
		/* A negative one is passed over; requests wait for the end of what an earlier life left. */
		{ .fd = g->socket, .events = (short)(g->is_ready ? POLLIN : 0) },
	};

	if (poll(fds, ARRAY_SIZE(fds), timeout) < 0)
		return;
	if (fds[0].revents != 0)
		read_signals(g);
	if (fds[1].revents & (POLLHUP | POLLERR) && !g->is_ready)
		drop_daemon(g);
	else if (g->socket >= 0 && fds[1].revents != 0)
		read_request(g);
	sweep(g);
}

/* What the journals of an earlier life tell of is undone first. */
static int find_journals(struct guard *g)
{
	int fd = openat(g->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	struct entry *next;

	if (d == NULL)
		return -errno;
	while ((entry = readdir(d)) != NULL) {
		char16_t units[GUID_TEXT_LEN];
		struct guid id;

		if (strlen(entry->d_name) != GUID_TEXT_LEN)
			continue;
		for (size_t i = 0; i < GUID_TEXT_LEN; i++)
			units[i] = (unsigned char)entry->d_name[i];
		if (!guid_parse((struct u16){ units, GUID_TEXT_LEN }, &id))
			continue;
		log_notice("stopping what an earlier service left resource=%s", entry->d_name);
		if (entry_new(g, &id, 0) == NULL)
			log_error("not all can be stopped: too many resources=%u", g->count);
	}
	(void)closedir(d);
	for (struct entry *e = g->entries; e != NULL; e = next) {
		next = e->next;
		go_on(g, e);
	}
	return 0;
}

/* Until ruedad has the lock of the instance, another one may be at work here.  -EPIPE: it never gets it. */
static int wait_for_begin(const struct guard *g)
{
	_cleanup_fd_ int fd = -1;
	uint8_t packet[GUARD_MESSAGE_MAX];
	struct guard_message m;
	int n = channel_receive(g->socket, packet, sizeof(packet), &fd, 0);

	return n > 0 && guard_message_decode(packet, (size_t)n, &m) == 0 && m.type == GUARD_BEGIN ? 0 : -EPIPE;
}

static int set_up(struct guard *g, const char *run_directory, bool in_unit, struct error *e)
{
	char secret[LEFTOVER_SECRET_LEN + 1];
	struct stat st;
	sigset_t set;
	int r;

	(void)prctl(PR_SET_NAME, "rueda-guard");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigfillset(&set);
	if (fcntl(GUARD_SOCKET_FD, F_SETFD, FD_CLOEXEC) < 0 || sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return error_set_code(e, -errno, "cannot start");
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	if (in_unit)
		(void)sigaddset(&set, SIGTERM);
	g->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r = g->signals < 0 ? -errno : children_adopt();
	if (r < 0)
		return error_set_code(e, r, "cannot start");
	r = wait_for_begin(g);
	if (r == 0)
		r = barrier_directory(run_directory, &g->directory, e);
	if (r < 0)
		return r;
	if (fstat(g->directory, &st) < 0)
		return error_set_code(e, -errno, "cannot look at its directory");
	r = leftover_secret(g->directory, secret);
	if (r == 0 && setenv(LEFTOVER_SECRET, secret, 1) < 0) /* For the hosts. */
		r = -errno;
	if (r < 0)
		return error_set_code(e, r, "cannot make a secret");
	(void)snprintf(g->prefix, sizeof(g->prefix), "rueda-%llx-%llx-", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	if (cgroup_open(&g->cgroup_base) < 0)
		g->cgroup_base = -1;
	r = barrier_pass(
	    &(struct barrier){ g->directory, g->socket, { run_directory, secret }, g->cgroup_base, g->prefix }, &g->lock, e);
	if (r < 0)
		return r;
	r = find_journals(g);
	return r < 0 ? error_set_code(e, r, "cannot read its directory") : 0;
}

int guard_main(const char *run_directory, bool in_unit)
{
	struct guard g = { .socket = GUARD_SOCKET_FD, .signals = -1, .directory = -1, .lock = -1, .cgroup_base = -1 };
	struct error e = { 0 };
	int r;

	r = set_up(&g, run_directory, in_unit, &e);
	if (r == -EPIPE) /* ruedad was not to run here, or has ended already. */
		return 0;
	if (r < 0) {
		log_error("the guard of the resources cannot work: %s", e.text);
		return 1; /* And ruedad ends. */
	}
	for (;;) {
		become_ready(&g);
		if (g.socket >= 0 || g.entries != NULL) {
			turn(&g);
		} else if (!g.has_tried_again) {
			g.has_tried_again = true;
			(void)find_journals(&g);
		} else {
			return 0;
		}
	}
}
