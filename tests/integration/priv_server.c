/* priv: real processes, real users.  The test's process stands for ruedad: it holds the socket.  priv runs in a child, and
 * its own child, which priv takes for ruedad's process, only waits for the word with which to end.
 *
 * Run by root, callers are other users; run by others, what needs root is skipped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "io/linux/loop.h"
#include "priv/channel.h"
#include "priv/client.h"
#include "priv/server.h"
#include "priv/start.h"
#include "tests/lib/test.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { NOBODY = 65534, SOMEONE = 4242 };

/* What children tell through memory that they share with the test. */
static struct shared {
	volatile pid_t hung; /* The last process that hangs. */
	atomic_int hung_count;
	volatile bool release;          /* They need not hang any longer. */
	volatile uint64_t capabilities; /* Effective ones of the last child. */
	volatile int no_new_privileges, uid, gid, groups, descriptors;
} * shared;

static int answer_buffer; /* Bytes that priv may send ahead; 0: as the system has it. */

struct fixture {
	int socket; /* To priv. */
	int word;   /* The exit status for the process in ruedad's place is written here. */
	pid_t priv;
	struct priv_client *client;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *path_of(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", test_directory(), name);
	return path;
}

static void make(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	const char *path = path_of(name);

	(void)mkdir(path, 0700);
	CHECK_INT(chmod(path, mode), 0);
	if (geteuid() == 0)
		CHECK_INT(chown(path, uid, gid), 0);
}

static uint64_t effective_capabilities(void)
{
	char line[256];
	unsigned long long caps = ~0ull;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f != NULL)
		(void)fclose(f);
	return caps;
}

/* In the child, as the caller. */
static void before_open(const char *path)
{
	shared->capabilities = effective_capabilities();
	shared->no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	shared->uid = (int)getuid();
	shared->gid = (int)getgid();
	shared->groups = getgroups(0, NULL);
	shared->descriptors = 0;
	for (int fd = 3; fd < 64; fd++)
		shared->descriptors += fcntl(fd, F_GETFD) >= 0;
	if (strstr(path, "hang") != NULL) {
		shared->hung = getpid();
		atomic_fetch_add(&shared->hung_count, 1);
		while (!shared->release)
			(void)poll(NULL, 0, 20);
	}
}

static _Noreturn void run_priv(int socket, int word, unsigned open_seconds)
{
	struct priv_options options = { .socket = socket, .open_seconds = open_seconds, .before_open = before_open };
	pid_t daemon;

	if (priv_block_signals() < 0)
		_exit(90);
	daemon = fork();
	if (daemon == 0) {
		sigset_t none;
		uint8_t status;

		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		close_fd(&socket);
		if (read(word, &status, 1) != 1)
			_exit(91);
		if (status >= 128)
			(void)raise(status - 128);
		_exit(status);
	}
	close_fd(&word);
	options.daemon = daemon;
	if (daemon < 0 || priv_drop_rights(true) < 0)
		_exit(92);
	_exit(priv_serve(&options));
}

static void start_bare(struct fixture *f, unsigned open_seconds)
{
	int ends[2], pipe_ends[2];

	if (shared == NULL) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CHECK(shared != MAP_FAILED);
		CHECK_INT(chmod(test_directory(), 0755), 0);
	}
	shared->hung = 0;
	shared->hung_count = 0;
	shared->release = false;
	CHECK_INT(channel_pair(ends), 0);
	CHECK_INT(pipe2(pipe_ends, O_CLOEXEC), 0);
	if (answer_buffer > 0)
		CHECK_INT(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &answer_buffer, sizeof(answer_buffer)), 0);
	(void)fflush(stdout);
	f->priv = fork();
	CHECK(f->priv >= 0);
	if (f->priv == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* Stopped, it would outlive a test that fails, with its output open. */
		(void)close(ends[0]);
		(void)close(pipe_ends[1]);
		run_priv(ends[1], pipe_ends[0], open_seconds);
	}
	(void)close(ends[1]);
	(void)close(pipe_ends[0]);
	f->socket = ends[0];
	f->word = pipe_ends[1];
	f->client = NULL;
}

static void start(struct fixture *f, unsigned open_seconds)
{
	start_bare(f, open_seconds);
	CHECK_INT(priv_client_new(f->socket, NULL, 60, NULL, NULL, &f->client), 0);
}

static int wait_for(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Let the process in ruedad's place end with this status; returns priv's. */
static int stop(struct fixture *f, uint8_t status)
{
	priv_client_free(f->client);
	if (f->client == NULL)
		close_fd(&f->socket);
	CHECK(write(f->word, &status, 1) == 1);
	close_fd(&f->word);
	return wait_for(f->priv);
}

static struct priv_open backup_of(const char *name, uint32_t uid)
{
	return (struct priv_open){
		.type = PRIV_OPEN_BACKUP, .path = path_of(name), .may_create = true, .uid = uid, .gid = uid
	};
}

/* Open and close again. */
static int try_open(struct fixture *f, const struct priv_open *what)
{
	struct priv_directory d = { 0 };
	struct error e = { 0 };
	int r = priv_open(f->client, what, &d, &e);

	CHECK((r == 0) == (d.disk != NULL));
	CHECK(r == 0 || (e.code == r && e.text[0] != 0));
	disk_free(d.disk);
	return r;
}

static int try_backup(struct fixture *f, const char *name, uint32_t uid)
{
	struct priv_open what = backup_of(name, uid);

	return try_open(f, &what);
}

static void need_root(void)
{
	if (geteuid() != 0)
		test_skip("only root can become somebody else");
}

static void write_file(struct disk *d, const char *name)
{
	struct disk_file *file;

	CHECK_INT(disk_open(d, name, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE, 0600, &file), 0);
	CHECK_INT(file_write(file, 0, "content", 7), 0);
	CHECK_INT(file_sync(file), 0);
	CHECK_INT(file_set_mode(file, 0444), 0);
	file_close(file);
	CHECK_INT(disk_sync_directory(d, ""), 0);
}

TEST(the_permission_of_the_caller_decides_and_not_roots)
{
	struct fixture f;

	need_root();
	start(&f, 10);
	make("of-root", 0700, 0, 0);
	make("of-root/sub", 0777, 0, 0);
	make("of-nobody", 0700, NOBODY, NOBODY);
	make("readable", 0755, 0, 0);
	CHECK_INT(try_backup(&f, "of-root", NOBODY), ERR_ACCESS_DENIED);
	CHECK_INT(try_backup(&f, "of-root/sub", NOBODY), ERR_ACCESS_DENIED);
	CHECK_INT(try_backup(&f, "of-root/new", NOBODY), ERR_ACCESS_DENIED);
	CHECK_INT(try_backup(&f, "readable", NOBODY), ERR_ACCESS_DENIED);
	CHECK_INT(try_backup(&f, "readable/new", NOBODY), ERR_ACCESS_DENIED);
	CHECK_INT(try_backup(&f, "of-nobody", NOBODY), 0);
	CHECK_INT(try_backup(&f, "of-nobody", SOMEONE), ERR_ACCESS_DENIED);
	CHECK_INT(try_backup(&f, "of-root", 0), 0);
	CHECK_INT(try_backup(&f, "of-nobody", 0), 0);
	CHECK_INT(access(path_of("of-root/new"), F_OK), -1);
	CHECK_INT(stop(&f, 0), 0);
}

TEST(the_groups_of_the_caller_count_and_no_others)
{
	struct priv_open what = backup_of("of-a-group", NOBODY);
	uint32_t group = SOMEONE;
	struct fixture f;

	need_root();
	start(&f, 10);
	make("of-a-group", 0770, 0, SOMEONE);
	CHECK_INT(try_open(&f, &what), ERR_ACCESS_DENIED);
	CHECK_INT(shared->groups, 0);
	what.groups = &group;
	what.group_count = 1;
	CHECK_INT(try_open(&f, &what), 0);
	CHECK(shared->groups == 1 && shared->uid == NOBODY && shared->gid == NOBODY);
	what.group_count = 0;
	what.gid = SOMEONE;
	CHECK_INT(try_open(&f, &what), 0);
	CHECK_INT(stop(&f, 0), 0);
}

TEST(a_child_keeps_no_rights_and_no_descriptors)
{
	struct fixture f;

	need_root();
	start(&f, 10);
	make("rights", 0777, 0, 0);
	CHECK_INT(try_backup(&f, "rights", NOBODY), 0);
	CHECK_INT(shared->capabilities, 0);
	CHECK_INT(shared->no_new_privileges, 1);
	CHECK_INT(shared->descriptors, 1); /* Its channel. */
	CHECK_INT(try_backup(&f, "rights", 0), 0);
	CHECK((shared->capabilities & ~(uint64_t)(1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER)) == 0);
	CHECK_INT(stop(&f, 0), 0);
}

TEST(a_set_is_written_as_the_caller_and_read_back)
{
	static const char guid[] = "01234567-89ab-cdef-0123-456789abcdef";
	uint32_t uid = geteuid() == 0 ? NOBODY : geteuid();
	struct priv_open what;
	struct priv_directory d;
	struct disk_file *file;
	struct fixture f;
	struct stat st;
	char data[7];

	start(&f, 10);
	make("set", 0755, uid, uid);
	what = backup_of("set/new", uid);
	what.gid = getegid() == 0 ? NOBODY : getegid();
	CHECK_INT(priv_open(f.client, &what, &d, NULL), 0);
	CHECK(d.created && d.mode == 0700 && d.owner == uid);
	write_file(d.disk, "quolog.new");
	CHECK_INT(disk_rename(d.disk, "quolog.new", "quolog.log"), 0);
	CHECK_INT(disk_make_directory(d.disk, guid, 0700), 0);
	write_file(d.disk, "01234567-89ab-cdef-0123-456789abcdef/00010001.CPT");
	CHECK_INT(disk_open(d.disk, "passwd", DISK_WRITE | DISK_CREATE, 0600, &file), -EPERM);
	disk_free(d.disk);
	CHECK_INT(stat(path_of("set/new/quolog.log"), &st), 0);
	CHECK(st.st_uid == uid && (st.st_mode & 07777) == 0444 && st.st_size == 7);
	CHECK_INT(stat(path_of("set/new"), &st), 0);
	CHECK(st.st_uid == uid && (st.st_mode & 07777) == 0700);

	what.type = PRIV_OPEN_RESTORE;
	what.may_create = false;
	what.path = path_of("set/new");
	CHECK_INT(priv_open(f.client, &what, &d, NULL), 0);
	CHECK(!d.created);
	CHECK_INT(disk_open(d.disk, "quolog.log", DISK_READ, 0, &file), 0);
	CHECK_INT(file_read(file, 0, data, 7), 0);
	CHECK_MEM(data, "content", 7);
	CHECK(file_write(file, 0, "x", 1) < 0);
	CHECK_INT(file_set_mode(file, 0666), -EROFS);
	file_close(file);
	CHECK_INT(disk_remove(d.disk, "quolog.log"), -EROFS);
	CHECK_INT(disk_open(d.disk, "chk0000.tmp", DISK_WRITE | DISK_CREATE, 0600, &file), -EROFS);
	disk_free(d.disk);
	CHECK_INT(stop(&f, 0), 0);
}

TEST(each_broken_path_has_its_code)
{
	uint32_t uid = geteuid();
	struct priv_open what;
	struct fixture f;

	start(&f, 10);
	make("codes", 0755, uid, 0);
	make("codes/dir", 0755, uid, 0);
	CHECK_INT(mkfifo(path_of("codes/fifo"), 0600), 0);
	CHECK_INT(close(open(path_of("codes/file"), O_CREAT | O_WRONLY, 0600)), 0);
	CHECK_INT(symlink("dir", path_of("codes/c:")), 0);
	CHECK_INT(symlink("/dev/null", path_of("codes/d:")), 0);
	CHECK_INT(try_backup(&f, "codes/c:", uid), 0);
	CHECK_INT(try_backup(&f, "codes/c:/made", uid), 0);
	CHECK_INT(access(path_of("codes/dir/made"), F_OK), 0);
	CHECK_INT(try_backup(&f, "codes/d:", uid), ERR_DIRECTORY);
	CHECK_INT(try_backup(&f, "codes/d:/x", uid), ERR_DIRECTORY);
	CHECK_INT(try_backup(&f, "codes/fifo", uid), ERR_DIRECTORY);
	CHECK_INT(try_backup(&f, "codes/fifo/x", uid), ERR_DIRECTORY);
	CHECK_INT(try_backup(&f, "codes/file", uid), ERR_DIRECTORY);
	CHECK_INT(try_backup(&f, "codes/file/x", uid), ERR_DIRECTORY);
	CHECK_INT(try_backup(&f, "codes/missing/x", uid), ERR_PATH_NOT_FOUND);
	what = backup_of("codes/missing", uid);
	what.may_create = false;
	CHECK_INT(try_open(&f, &what), ERR_PATH_NOT_FOUND);
	what.type = PRIV_OPEN_RESTORE;
	CHECK_INT(try_open(&f, &what), ERR_PATH_NOT_FOUND);
	CHECK_INT(access(path_of("codes/missing"), F_OK), -1);
	CHECK_INT(stop(&f, 0), 0);
}

TEST(a_question_that_breaks_a_limit_is_not_sent)
{
	static char path[PRIV_PATH_MAX + 2];
	static uint32_t groups[PRIV_GROUPS_MAX + 1];
	struct priv_open what = backup_of("limits", geteuid());
	struct fixture f;

	start(&f, 10);
	what.group_count = PRIV_GROUPS_MAX + 1;
	what.groups = groups;
	CHECK_INT(try_open(&f, &what), -EINVAL);
	what.group_count = 0;
	memset(path, '/', sizeof(path) - 1);
	what.path = path;
	CHECK_INT(try_open(&f, &what), -EINVAL);
	path[PRIV_PATH_MAX] = 0;
	CHECK(try_open(&f, &what) != -EINVAL); /* The longest one: all slashes, the root. */
	what.path = "relative";
	CHECK_INT(try_open(&f, &what), -EINVAL);
	what.path = "/";
	what.uid = UINT32_MAX;
	CHECK_INT(try_open(&f, &what), -EINVAL);
	CHECK_INT(stop(&f, 0), 0);
}

struct waiter {
	struct fixture *f;
	const char *name;
	char path[512];
	pthread_t thread;
	int result;
};

static void *wait_in_thread(void *data)
{
	struct waiter *w = data;
	struct priv_open what = { .type = PRIV_OPEN_BACKUP, .path = w->path, .uid = geteuid(), .gid = getegid() };
	struct priv_directory d;

	w->result = priv_open(w->f->client, &what, &d, NULL);
	return NULL;
}

static void start_waiter(struct waiter *w, struct fixture *f, const char *name)
{
	*w = (struct waiter){ .f = f };
	(void)snprintf(w->path, sizeof(w->path), "%s", path_of(name));
	CHECK_INT(pthread_create(&w->thread, NULL, wait_in_thread, w), 0);
}

static pid_t wait_for_hung(void)
{
	pid_t pid;

	for (int i = 0; i < 2000 && shared->hung == 0; i++)
		(void)poll(NULL, 0, 10);
	pid = shared->hung;
	CHECK(pid > 0);
	return pid;
}

/* Gone, or dead and not yet buried by who inherited it. */
static bool has_ended(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	(void)!fscanf(f, "%*d (%*[^)]) %c", &state);
	(void)fclose(f);
	return state == 'Z' || state == 'X';
}

static bool ends_soon(pid_t pid)
{
	for (int i = 0; i < 2000; i++) {
		if (has_ended(pid))
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

TEST(a_hung_request_holds_up_nobody_and_is_given_up)
{
	enum { SECONDS = 4 };
	struct waiter hung;
	struct fixture f;
	uint64_t begin;
	pid_t pid;

	start(&f, SECONDS);
	make("fine", 0700, geteuid(), 0);
	begin = now_ms();
	start_waiter(&hung, &f, "hang");
	pid = wait_for_hung();
	for (int i = 0; i < 5; i++)
		CHECK_INT(try_backup(&f, "fine", geteuid()), 0);
	CHECK(!has_ended(pid)); /* All that while it still hung. */
	CHECK_INT(pthread_join(hung.thread, NULL), 0);
	CHECK_INT(hung.result, ERR_TIMEOUT);
	CHECK(now_ms() - begin >= SECONDS * 1000);
	CHECK(ends_soon(pid));
	CHECK_INT(try_backup(&f, "fine", geteuid()), 0);
	CHECK_INT(stop(&f, 0), 0);
}

TEST(more_requests_than_places_are_answered_busy_and_places_come_back)
{
	static struct waiter waiters[PRIV_CHILDREN_MAX];
	struct fixture f;
	int r = ERR_BUSY;

	start(&f, 60);
	make("fine", 0700, geteuid(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++)
		start_waiter(&waiters[i], &f, "hang");
	for (int i = 0; i < 2000 && shared->hung_count < PRIV_CHILDREN_MAX; i++)
		(void)poll(NULL, 0, 10);
	CHECK_INT(shared->hung_count, PRIV_CHILDREN_MAX);
	CHECK_INT(try_backup(&f, "fine", geteuid()), ERR_BUSY);
	shared->release = true;
	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++) {
		CHECK_INT(pthread_join(waiters[i].thread, NULL), 0);
		CHECK_INT(waiters[i].result, ERR_PATH_NOT_FOUND);
	}
	for (int i = 0; i < 1000 && r == ERR_BUSY; i++) {
		r = try_backup(&f, "fine", geteuid());
		(void)poll(NULL, 0, 10);
	}
	CHECK_INT(r, 0);
	CHECK_INT(stop(&f, 0), 0);
}

TEST(a_closed_directory_gives_its_place_back)
{
	struct fixture f;

	start(&f, 10);
	make("fine", 0700, geteuid(), 0);
	for (int i = 0; i < 3 * PRIV_CHILDREN_MAX; i++) {
		int r = try_backup(&f, "fine", geteuid());

		/* The process behind the door needs a moment to end. */
		for (int j = 0; j < 2000 && r == ERR_BUSY; j++) {
			(void)poll(NULL, 0, 5);
			r = try_backup(&f, "fine", geteuid());
		}
		CHECK_INT(r, 0);
	}
	CHECK_INT(stop(&f, 0), 0);
}

TEST(what_is_no_request_ends_ruedad_and_priv)
{
	struct fixture f;

	start_bare(&f, 10);
	CHECK_INT(channel_send(f.socket, "nonsense", 8, -1, 0), 0);
	CHECK_INT(wait_for(f.priv), 128 + SIGKILL);
	close_fd(&f.socket);
	close_fd(&f.word);

	/* Nor may a descriptor come along. */
	start_bare(&f, 10);
	{
		struct priv_request q = { .id = 1, .type = PRIV_OPEN_BACKUP, .path = "/", .path_len = 1 };
		struct buf out = { 0 };

		priv_request_encode(&q, &out);
		CHECK_INT(channel_send(f.socket, out.data, out.len, STDERR_FILENO, 0), 0);
		buf_done(&out);
	}
	CHECK_INT(wait_for(f.priv), 128 + SIGKILL);
	close_fd(&f.socket);
	close_fd(&f.word);
}

TEST(a_ruedad_that_takes_no_answers_is_ended)
{
	struct priv_request q = { .id = 1, .type = PRIV_OPEN_RESTORE, .path = "relative", .path_len = 8 };
	struct fixture f;
	struct buf out = { 0 };

	answer_buffer = 1;
	start_bare(&f, 10);
	answer_buffer = 0;
	q.path = "/nonexistent/x";
	q.path_len = strlen(q.path);
	q.uid = geteuid();
	q.gid = getegid();
	priv_request_encode(&q, &out);
	for (int i = 0; i < 20000; i++)
		if (channel_send(f.socket, out.data, out.len, -1, 0) < 0)
			break;
	CHECK_INT(wait_for(f.priv), 128 + SIGKILL);
	buf_done(&out);
	close_fd(&f.socket);
	close_fd(&f.word);
}

TEST(priv_ends_with_the_status_of_ruedad)
{
	struct fixture f;

	start(&f, 10);
	CHECK_INT(stop(&f, 0), 0);
	start(&f, 10);
	CHECK_INT(stop(&f, 7), 7);
	start(&f, 10);
	CHECK_INT(stop(&f, 128 + SIGKILL), 128 + SIGKILL);
}

TEST(signals_go_on_to_ruedad)
{
	struct fixture f;

	start(&f, 10);
	make("fine", 0700, geteuid(), 0);
	CHECK_INT(try_backup(&f, "fine", geteuid()), 0); /* It is up. */
	CHECK_INT(kill(f.priv, SIGTERM), 0);
	CHECK_INT(wait_for(f.priv), 128 + SIGTERM); /* Whose process has no handler for it. */
	priv_client_free(f.client);
	close_fd(&f.word);
}

TEST(when_priv_is_killed_its_children_end_and_who_waits_is_told)
{
	struct waiter hung;
	struct fixture f;
	pid_t pid;

	start(&f, 30);
	start_waiter(&hung, &f, "hang");
	pid = wait_for_hung();
	CHECK_INT(kill(f.priv, SIGKILL), 0);
	CHECK_INT(pthread_join(hung.thread, NULL), 0);
	CHECK_INT(hung.result, -EPIPE);
	CHECK_INT(wait_for(f.priv), 1000 + SIGKILL);
	CHECK(ends_soon(pid));
	CHECK_INT(try_backup(&f, "fine", geteuid()), -EPIPE);
	priv_client_free(f.client);
	close_fd(&f.word);
}

TEST(who_waits_when_the_client_ends_is_told)
{
	struct waiter hung[3];
	struct fixture f;

	start(&f, 30);
	for (size_t i = 0; i < ARRAY_SIZE(hung); i++)
		start_waiter(&hung[i], &f, "hang");
	(void)wait_for_hung();
	priv_client_free(f.client);
	for (size_t i = 0; i < ARRAY_SIZE(hung); i++) {
		CHECK_INT(pthread_join(hung[i].thread, NULL), 0);
		CHECK(hung[i].result == ERR_CANCELLED || hung[i].result == -EPIPE);
	}
	CHECK(write(f.word, "\0", 1) == 1);
	CHECK_INT(wait_for(f.priv), 0);
	close_fd(&f.word);
}

struct async_story {
	struct loop *loop;
	struct fixture *f;
	pthread_t thread;
	int good, refused, lost;
};

static void lost(void *data)
{
	struct async_story *s = data;

	s->lost += pthread_equal(s->thread, pthread_self()) ? 1 : 100;
	loop_linux_stop(s->loop);
}

static void opened(void *data, int result, const struct priv_directory *directory, const struct error *e)
{
	struct async_story *s = data;

	if (!pthread_equal(s->thread, pthread_self()))
		s->good = -100;
	if (result == 0) {
		s->good++;
		disk_free(directory->disk);
	} else if (result == ERR_PATH_NOT_FOUND && strstr(e->text, "missing") != NULL) {
		s->refused++;
	}
	if (s->good + s->refused == 20)
		(void)kill(s->f->priv, SIGKILL);
}

TEST(asynchronous_answers_and_the_loss_of_priv_come_on_the_loop)
{
	struct async_story s = { .thread = pthread_self() };
	struct fixture f;

	start_bare(&f, 10);
	make("fine", 0700, geteuid(), 0);
	CHECK_INT(loop_linux_new(&s.loop), 0);
	s.f = &f;
	CHECK_INT(priv_client_new(f.socket, s.loop, 60, lost, &s, &f.client), 0);
	for (int i = 0; i < 20; i++) {
		struct priv_open what = backup_of(i % 2 == 0 ? "fine" : "missing/x", geteuid());

		CHECK_INT(priv_open_async(f.client, &what, opened, &s), 0);
	}
	CHECK_INT(s.good + s.refused, 0); /* Never from inside. */
	loop_linux_run(s.loop);
	CHECK_INT(s.good, 10);
	CHECK_INT(s.refused, 10);
	CHECK_INT(s.lost, 1);
	CHECK_INT(wait_for(f.priv), 1000 + SIGKILL);
	priv_client_free(f.client);
	loop_linux_free(s.loop);
	close_fd(&f.word);
}

static void timed_out(void *data, int result, const struct priv_directory *directory, const struct error *e)
{
	struct async_story *s = data;

	s->refused += result == ERR_TIMEOUT && strstr(e->text, "priv has not answered") != NULL;
	loop_linux_stop(s->loop);
}

TEST(what_a_priv_that_stands_still_is_asked_is_answered_in_time_and_what_it_says_later_is_closed)
{
	struct async_story s = { .thread = pthread_self() };
	struct priv_open what;
	struct fixture f;

	start_bare(&f, 10);
	make("fine", 0700, geteuid(), 0);
	what = backup_of("fine", geteuid());
	CHECK_INT(loop_linux_new(&s.loop), 0);
	CHECK_INT(priv_client_new(f.socket, s.loop, 3, NULL, NULL, &f.client), 0);
	CHECK_INT(kill(f.priv, SIGSTOP), 0);
	CHECK_INT(priv_open_async(f.client, &what, timed_out, &s), 0);
	loop_linux_run(s.loop);
	CHECK_INT(s.refused, 1);
	for (int i = 0; i < 3; i++)
		CHECK_INT(try_open(&f, &what), ERR_TIMEOUT);
	CHECK_INT(kill(f.priv, SIGCONT), 0);
	/* Each of those has been opened by now or will be, and is closed at once; the processes behind need a moment to end. */
	for (int i = 0; i < 2 * PRIV_CHILDREN_MAX; i++) {
		int r = try_open(&f, &what);

		for (int j = 0; j < 4000 && r == ERR_BUSY; j++) {
			(void)poll(NULL, 0, 20);
			r = try_open(&f, &what);
		}
		CHECK_INT(r, 0);
	}
	CHECK_INT(stop(&f, 0), 0);
	loop_linux_free(s.loop);
}

/* What priv does without root's rights, in a process that has none; the first line that is wrong, or 0. */
static int check_unprivileged(void)
{
	struct fixture f;

	start(&f, 10);
	if (try_backup(&f, "open-to-all", NOBODY) != 0)
		return __LINE__;
	if (shared->uid != NOBODY)
		return __LINE__;
	/* Root may be given less than is due; others may not be given more. */
	if (try_backup(&f, "open-to-all", 0) != 0 || shared->uid != NOBODY)
		return __LINE__;
	if (try_backup(&f, "closed", 0) != ERR_ACCESS_DENIED)
		return __LINE__;
	if (try_backup(&f, "open-to-all", SOMEONE) != ERR_ACCESS_DENIED)
		return __LINE__;
	return stop(&f, 0);
}

TEST(without_root_the_daemons_own_user_is_served_and_root_as_it)
{
	struct fixture f;
	int status, ends[2], line = 0;
	pid_t pid;

	need_root();
	start(&f, 10); /* For its side effects: memory that is shared, the mode of the directory. */
	CHECK_INT(stop(&f, 0), 0);
	make("open-to-all", 0777, 0, 0);
	make("closed", 0700, 0, 0);
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		line =
		    setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0 ? check_unprivileged() : -1;
		(void)!write(ends[1], &line, sizeof(line));
		_exit(0);
	}
	(void)close(ends[1]);
	CHECK(read(ends[0], &line, sizeof(line)) == sizeof(line));
	(void)close(ends[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(line, 0);
}
