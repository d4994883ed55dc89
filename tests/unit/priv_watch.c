/* priv_watch: a process watches real directories: what changes is told, whatever is renamed, replaced or swapped meanwhile; and
 * hostile directories cost no more than they may.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "capture/below.h"
#include "priv/channel.h"
#include "priv/watch.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/trees.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { SHORT_SECONDS = 2, LONG_SECONDS = 60, LONG_MS = 60000, MARKER = 1000 };

struct fixture {
	struct tree_fixture files;
	char roots[300];
	int socket;
	pid_t watcher;
	unsigned marks;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void start_watcher(struct fixture *f, const char *root, unsigned look_seconds)
{
	int ends[2];

	(void)snprintf(
	    f->roots, sizeof(f->roots), "%s%s%s", root[0] == '/' ? "" : f->files.path, root[0] == '/' ? "" : "/", root);
	CHECK_INT(channel_pair(ends), 0);
	(void)fflush(stdout);
	f->watcher = fork();
	CHECK(f->watcher >= 0);
	if (f->watcher == 0) {
		(void)close(ends[0]);
		_exit(watch_serve(ends[1], f->roots, look_seconds) < 0);
	}
	(void)close(ends[1]);
	f->socket = ends[0];
}

static void stop(struct fixture *f)
{
	int status;

	close_fd(&f->socket);
	CHECK_INT(waitpid(f->watcher, &status, 0), f->watcher);
	CHECK_INT(status, 0);
	trees_close(&f->files);
}

static void request(struct fixture *f, enum watch_request_type type, uint64_t id, const char *path)
{
	char whole[5000];
	struct watch_request q = { .type = type, .id = id };
	struct buf out = { 0 };

	if (path != NULL) {
		(void)snprintf(whole, sizeof(whole), "%s/%s", f->files.path, path);
		q.path = path[0] == '/' ? path : whole;
		q.path_len = strlen(q.path);
	}
	watch_request_encode(&q, &out);
	CHECK_INT(channel_send(f->socket, out.data, out.len, -1, 0), 0);
	buf_done(&out);
}

/* The next event; false: none within the time. */
static bool next_event(struct fixture *f, uint64_t within_ms, struct watch_event *ret)
{
	struct pollfd p = { .fd = f->socket, .events = POLLIN };
	uint8_t packet[WATCH_PACKET_MAX];
	int fd = -1, n;

	if (poll(&p, 1, (int)within_ms) <= 0)
		return false;
	n = channel_receive(f->socket, packet, sizeof(packet), &fd, 0);
	if (n <= 0)
		test_fail(__FILE__, __LINE__, "the watcher has ended");
	CHECK(fd < 0);
	CHECK_INT(watch_event_decode(packet, (size_t)n, ret), 0);
	return true;
}

/* Of this type and watch, whatever comes before it. */
static struct watch_event expect(struct fixture *f, enum watch_event_type type, uint64_t id)
{
	uint64_t end = now_ms() + LONG_MS, now;
	struct watch_event e = { 0 };

	while ((now = now_ms()) < end && next_event(f, end - now, &e))
		if (e.type == type && e.id == id)
			return e;
	test_fail(__FILE__, __LINE__, "event %d of watch %d did not come", (int)type, (int)id);
}

/* These, in any order. */
static void expect_both(struct fixture *f, enum watch_event_type type, uint64_t one, uint64_t two)
{
	uint64_t end = now_ms() + LONG_MS, now;
	struct watch_event e = { 0 };
	bool seen[2] = { 0 };

	while ((!seen[0] || !seen[1]) && (now = now_ms()) < end && next_event(f, end - now, &e)) {
		seen[0] |= e.type == type && e.id == one;
		seen[1] |= e.type == type && e.id == two;
	}
	CHECK(seen[0] && seen[1]);
}

/* Whether a change was told of a watch until now.  The kernel's events come in order, and what is told of them, in the order of
 * the watches: so a change of the marker, which comes last of all, is told behind whatever was done before it.  That an earlier
 * change asked for a look, which comes when it comes, tells nothing. */
static bool is_told(struct fixture *f, uint64_t id)
{
	uint64_t end = now_ms() + LONG_MS, now;
	struct watch_event e = { 0 };
	bool told = false;

	CHECK_INT(fchmodat(f->files.fd, "root/marker", ++f->marks % 2 == 0 ? 0600 : 0644, 0), 0);
	while ((now = now_ms()) < end && next_event(f, end - now, &e)) {
		if (e.type == WATCH_CHANGED && e.id == MARKER)
			return told;
		told = told || (e.type == WATCH_CHANGED && e.id == id);
	}
	test_fail(__FILE__, __LINE__, "the marker's change did not come");
}

static void settle(struct fixture *f)
{
	(void)is_told(f, 0);
}

static void add(struct fixture *f, uint64_t id, const char *path)
{
	request(f, WATCH_ADD, id, path);
	(void)expect(f, WATCH_LOOKS, id);
	(void)expect(f, WATCH_SEES, id);
}

/* For is_told(); behind all others. */
static void add_marker(struct fixture *f)
{
	add(f, MARKER, "root/marker");
}

static void start(struct fixture *f, const char *name)
{
	trees_open(&f->files, name);
	trees_directory(&f->files, "root", 0755);
	trees_text(&f->files, "root/marker", "x");
	f->marks = 0;
	start_watcher(f, "root", LONG_SECONDS);
}

/* It does nothing from here on, until SIGCONT. */
static void halt(struct fixture *f)
{
	int status;

	CHECK_INT(kill(f->watcher, SIGSTOP), 0);
	CHECK_INT(waitpid(f->watcher, &status, WUNTRACED), f->watcher);
	CHECK(WIFSTOPPED(status));
}

static int add_refused(struct fixture *f, uint64_t id, const char *path)
{
	struct watch_event e;

	request(f, WATCH_ADD, id, path);
	e = expect(f, WATCH_FAILED, id);
	CHECK(e.text[0] != 0);
	return e.result;
}

/* How many directories the kernel watches for the process. */
static unsigned kernel_watches(const struct fixture *f)
{
	unsigned count = 0;

	for (int fd = 0; fd < 20; fd++) {
		char path[64], line[512];
		FILE *info;

		(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", f->watcher, fd);
		info = fopen(path, "r");
		while (info != NULL && fgets(line, sizeof(line), info) != NULL)
			count += strncmp(line, "inotify wd:", 11) == 0;
		if (info != NULL)
			(void)fclose(info);
	}
	return count;
}

TEST(each_kind_of_change_in_a_directory_is_told)
{
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } };
	struct fixture f;

	start(&f, "kinds");
	trees_directory(&f.files, "root/app", 0755);
	trees_directory(&f.files, "root/app/deep", 0755);
	trees_text(&f.files, "root/app/deep/file", "one");
	add(&f, 1, "root/app");
	add_marker(&f);
	CHECK(!is_told(&f, 1));
	trees_text(&f.files, "root/app/deep/file", "two");
	(void)expect(&f, WATCH_CHANGED, 1);
	settle(&f);
	CHECK_INT(fchmodat(f.files.fd, "root/app/deep/file", 0600, 0), 0);
	(void)expect(&f, WATCH_CHANGED, 1);
	CHECK_INT(utimensat(f.files.fd, "root/app/deep/file", times, 0), 0);
	(void)expect(&f, WATCH_CHANGED, 1);
	CHECK_INT(fchmodat(f.files.fd, "root/app", 0700, 0), 0);
	(void)expect(&f, WATCH_CHANGED, 1);
	CHECK_INT(symlinkat("nowhere", f.files.fd, "root/app/link"), 0);
	(void)expect(&f, WATCH_CHANGED, 1);
	CHECK_INT(unlinkat(f.files.fd, "root/app/deep/file", 0), 0);
	(void)expect(&f, WATCH_CHANGED, 1);
	settle(&f);
	/* What is beside it is not told, nor what putting back makes. */
	trees_text(&f.files, "root/other", "x");
	trees_text(&f.files, "root/app/" BELOW_TEMPORARY "x", "x");
	CHECK(!is_told(&f, 1));
	stop(&f);
}

TEST(a_new_directory_is_watched_with_all_that_came_with_it)
{
	struct fixture f;
	unsigned before;

	start(&f, "new");
	trees_directory(&f.files, "root/app", 0755);
	add(&f, 1, "root/app");
	add_marker(&f);
	before = kernel_watches(&f);
	trees_directory(&f.files, "root/app/a", 0755);
	trees_directory(&f.files, "root/app/a/b", 0755);
	trees_text(&f.files, "root/app/a/b/file", "at once");
	(void)expect(&f, WATCH_CHANGED, 1);
	while (kernel_watches(&f) != before + 2) /* It may have looked between the two. */
		(void)expect(&f, WATCH_SEES, 1);
	settle(&f);
	trees_text(&f.files, "root/app/a/b/file", "later");
	(void)expect(&f, WATCH_CHANGED, 1);
	stop(&f);
}

TEST(a_file_that_is_replaced_is_still_watched)
{
	struct fixture f;

	start(&f, "replace");
	trees_text(&f.files, "root/file", "one");
	add(&f, 1, "root/file");
	add_marker(&f);
	for (int i = 0; i < 2; i++) {
		trees_text(&f.files, "root/.new", "two");
		CHECK(!is_told(&f, 1));
		CHECK_INT(renameat(f.files.fd, "root/.new", f.files.fd, "root/file"), 0);
		(void)expect(&f, WATCH_CHANGED, 1);
		settle(&f);
		trees_text(&f.files, "root/file", "three");
		(void)expect(&f, WATCH_CHANGED, 1);
		settle(&f);
	}
	stop(&f);
}

TEST(what_does_not_exist_yet_is_told_when_it_comes)
{
	struct fixture f;

	start(&f, "missing");
	add(&f, 1, "root/a/b/file");
	add_marker(&f);
	trees_directory(&f.files, "root/other", 0755);
	CHECK(!is_told(&f, 1));
	trees_directory(&f.files, "root/a", 0755);
	(void)expect(&f, WATCH_SEES, 1);
	trees_directory(&f.files, "root/a/b", 0755);
	trees_text(&f.files, "root/a/b/file", "x"); /* Before it can have been looked at again. */
	(void)expect(&f, WATCH_SEES, 1);
	settle(&f);
	trees_text(&f.files, "root/a/b/file", "y");
	(void)expect(&f, WATCH_CHANGED, 1);
	stop(&f);
}

TEST(a_directory_above_that_is_renamed_or_swapped_takes_its_files_along)
{
	struct fixture f;

	start(&f, "above");
	trees_directory(&f.files, "root/a", 0755);
	trees_directory(&f.files, "root/a/app", 0755);
	trees_directory(&f.files, "root/b", 0755);
	trees_directory(&f.files, "root/b/app", 0755);
	trees_text(&f.files, "root/a/app/file", "1");
	trees_text(&f.files, "root/b/app/file", "2");
	add(&f, 1, "root/a/app/file");
	add(&f, 2, "root/a/app");
	add_marker(&f);
	CHECK_INT(renameat2(f.files.fd, "root/a", f.files.fd, "root/b", RENAME_EXCHANGE), 0);
	expect_both(&f, WATCH_SEES, 1, 2);
	settle(&f);
	/* What was there is elsewhere now, and concerns nobody; what is there now does. */
	trees_text(&f.files, "root/b/app/file", "3");
	CHECK(!is_told(&f, 1));
	trees_text(&f.files, "root/a/app/file", "4");
	(void)expect(&f, WATCH_CHANGED, 2);
	settle(&f);
	/* Moved out of the root, and a link in its place: that is not followed. */
	CHECK_INT(renameat(f.files.fd, "root/a", f.files.fd, "outside"), 0);
	CHECK_INT(symlinkat("../outside", f.files.fd, "root/a"), 0);
	(void)expect(&f, WATCH_SEES, 2);
	settle(&f);
	trees_text(&f.files, "outside/app/file", "5");
	CHECK(!is_told(&f, 2));
	/* The root itself. */
	CHECK_INT(renameat(f.files.fd, "root", f.files.fd, "gone"), 0);
	(void)expect(&f, WATCH_CHANGED, 1);
	stop(&f);
}

TEST(links_fifos_and_other_roots_are_not_passed)
{
	struct fixture f;

	start(&f, "links");
	trees_directory(&f.files, "outside", 0755);
	trees_text(&f.files, "outside/file", "x");
	trees_directory(&f.files, "root/app", 0755);
	CHECK_INT(symlinkat("../../outside", f.files.fd, "root/app/link"), 0);
	CHECK_INT(mkfifoat(f.files.fd, "root/fifo", 0600), 0);
	CHECK_INT(mkfifoat(f.files.fd, "root/app/fifo", 0600), 0);
	add(&f, 1, "root/app");
	add(&f, 2, "root/app/link/file");
	add(&f, 3, "root/fifo");
	add(&f, 4, "root/fifo/file");
	add_marker(&f);
	trees_text(&f.files, "outside/file", "y");
	trees_text(&f.files, "outside/new", "y");
	CHECK(!is_told(&f, 1));
	CHECK_INT(add_refused(&f, 5, "outside/file"), ERR_ACCESS_DENIED);
	CHECK_INT(add_refused(&f, 6, "/etc/passwd"), ERR_ACCESS_DENIED);
	CHECK_INT(add_refused(&f, 7, "root/../outside/file"), ERR_INVALID_PARAMETER);
	/* Its number is free again. */
	add(&f, 7, "root/app");
	stop(&f);
}

TEST(watches_of_one_directory_share_it_and_the_last_one_lets_it_go)
{
	struct fixture f;
	unsigned one;

	start(&f, "share");
	trees_directory(&f.files, "root/app", 0755);
	trees_directory(&f.files, "root/app/in", 0755);
	trees_text(&f.files, "root/app/in/file", "x");
	add(&f, 1, "root/app");
	one = kernel_watches(&f);
	CHECK_INT(one, 4);
	add(&f, 2, "root/app");
	add(&f, 3, "root/app/in/file");
	add_marker(&f);
	CHECK_INT(kernel_watches(&f), one);
	trees_text(&f.files, "root/app/in/file", "y");
	(void)expect(&f, WATCH_CHANGED, 1); /* In the order of the watches. */
	(void)expect(&f, WATCH_CHANGED, 2);
	(void)expect(&f, WATCH_CHANGED, 3);
	request(&f, WATCH_REMOVE, 1, NULL);
	(void)expect(&f, WATCH_REMOVED, 1);
	settle(&f);
	trees_text(&f.files, "root/app/in/file", "z");
	CHECK(!is_told(&f, 1));
	request(&f, WATCH_REMOVE, 2, NULL);
	(void)expect(&f, WATCH_REMOVED, 2);
	trees_text(&f.files, "root/app/in/file", "z");
	(void)expect(&f, WATCH_CHANGED, 3);
	request(&f, WATCH_REMOVE, MARKER, NULL);
	(void)expect(&f, WATCH_REMOVED, MARKER);
	request(&f, WATCH_REMOVE, 3, NULL);
	(void)expect(&f, WATCH_REMOVED, 3);
	CHECK_INT(kernel_watches(&f), 0);
	request(&f, WATCH_REMOVE, 99, NULL);
	(void)expect(&f, WATCH_REMOVED, 99);
	stop(&f);
}

/* Files and directories, made and removed: each asks for another look. */
static _Noreturn void change_for_ever(struct fixture *f)
{
	for (unsigned i = 0;; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "root/wild/%u", i % 50);
		(void)!(i % 100 < 50 ? mkdirat(f->files.fd, name, 0700) : unlinkat(f->files.fd, name, AT_REMOVEDIR));
	}
}

TEST(endless_changes_are_told_a_few_times_a_second_and_delay_nobody)
{
	struct watch_event e = { 0 };
	uint64_t begun, passed;
	unsigned told = 0, of_other = 0;
	struct fixture f;
	pid_t writer;

	start(&f, "endless");
	trees_directory(&f.files, "root/wild", 0755);
	trees_text(&f.files, "root/calm", "x");
	add(&f, 1, "root/wild");
	add(&f, 2, "root/calm");
	(void)fflush(stdout);
	writer = fork();
	CHECK(writer >= 0);
	if (writer == 0)
		change_for_ever(&f);
	begun = now_ms();
	do {
		if (next_event(&f, 100, &e)) {
			told += e.id == 1;
			of_other += e.id == 2;
		}
		passed = now_ms() - begun;
	} while (passed < 2000 || (told <= 3 && passed < LONG_MS));
	CHECK(told > 3);
	CHECK(told < passed / 50 + 3 * passed / 200 + 20);
	CHECK_INT(of_other, 0);
	trees_text(&f.files, "root/calm", "y");
	(void)expect(&f, WATCH_CHANGED, 2);
	(void)kill(writer, SIGKILL);
	CHECK_INT(waitpid(writer, NULL, 0), writer);
	stop(&f);
}

TEST(when_the_kernels_queue_has_run_over_everything_has_changed)
{
	struct fixture f;

	start(&f, "overflow");
	trees_text(&f.files, "root/one", "x");
	trees_text(&f.files, "root/two", "x");
	trees_text(&f.files, "root/quiet", "x");
	add(&f, 1, "root/one");
	add(&f, 2, "root/quiet");
	halt(&f);
	for (int i = 0; i < 40000; i++) /* In turns, or the kernel takes them for one. */
		CHECK_INT(fchmodat(f.files.fd, i % 2 == 0 ? "root/one" : "root/two", 0600, 0), 0);
	CHECK_INT(kill(f.watcher, SIGCONT), 0);
	(void)expect(&f, WATCH_CHANGED, 2);
	(void)expect(&f, WATCH_SEES, 2); /* And it was looked at again. */
	stop(&f);
}

TEST(too_many_entries_or_too_deep_is_refused_with_the_reason)
{
	struct fixture f;
	char path[600] = "root/deep";
	int fd;

	start(&f, "limits");
	trees_directory(&f.files, path, 0755);
	for (int i = 0; i <= TREE_DEPTH_MAX; i++) {
		(void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/d");
		trees_directory(&f.files, path, 0755);
	}
	CHECK_INT(add_refused(&f, 1, "root/deep"), ERR_DISK_FULL);
	add(&f, 2, "root/deep/d");
	trees_directory(&f.files, "root/many", 0755);
	fd = openat(f.files.fd, "root/many", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i <= TREE_ENTRIES_MAX; i++) {
		(void)snprintf(path, sizeof(path), "%d", i);
		CHECK_INT(mknodat(fd, path, S_IFREG | 0600, 0), 0);
	}
	CHECK_INT(add_refused(&f, 1, "root/many"), ERR_DISK_FULL);
	CHECK_INT(unlinkat(fd, "7", 0), 0);
	add(&f, 1, "root/many");
	close_fd(&fd);
	stop(&f);
}

TEST(a_mount_below_a_root_that_hangs_is_not_touched)
{
	struct fixture f;

	trees_open(&f.files, "hangs-below");
	trees_directory(&f.files, "root", 0755);
	trees_text(&f.files, "root/file", "x");
	trees_mount_hanging(&f.files, "root/hang");
	start_watcher(&f, "root", LONG_SECONDS);
	add(&f, 1, "root");
	add(&f, 2, "root/hang");
	add(&f, 3, "root/hang/file");
	trees_text(&f.files, "root/file", "y");
	(void)expect(&f, WATCH_CHANGED, 1);
	trees_unmount(&f.files, "root/hang");
	stop(&f);
}

TEST(a_process_that_hangs_at_a_mount_ends_and_has_said_where)
{
	struct fixture f;
	uint64_t begun;
	int status;

	trees_open(&f.files, "hangs-above");
	trees_mount_hanging(&f.files, "hang");
	start_watcher(&f, "hang/root", SHORT_SECONDS);
	begun = now_ms();
	request(&f, WATCH_ADD, 1, "hang/root/file");
	(void)expect(&f, WATCH_LOOKS, 1);
	CHECK_INT(waitpid(f.watcher, &status, 0), f.watcher);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	CHECK(now_ms() - begun < LONG_MS);
	close_fd(&f.socket);
	trees_unmount(&f.files, "hang");
	trees_close(&f.files);
}

TEST(what_is_no_request_ends_the_process)
{
	static const struct watch_request twice = { .type = WATCH_ADD, .id = 1, .path = "/x", .path_len = 2 };
	struct fixture f;
	struct buf out = { 0 };
	int status;

	for (int i = 0; i < 3; i++) {
		start_watcher(&f, "/nonexistent", LONG_SECONDS);
		if (i == 0)
			CHECK_INT(channel_send(f.socket, "nonsense", 8, -1, 0), 0);
		out.len = 0;
		watch_request_encode(&twice, &out);
		if (i == 1)
			CHECK_INT(channel_send(f.socket, out.data, out.len, STDERR_FILENO, 0), 0);
		if (i == 2) { /* A number that is in use. */
			halt(&f);
			CHECK_INT(channel_send(f.socket, out.data, out.len, -1, 0), 0);
			CHECK_INT(channel_send(f.socket, out.data, out.len, -1, 0), 0);
			CHECK_INT(kill(f.watcher, SIGCONT), 0);
		}
		CHECK_INT(waitpid(f.watcher, &status, 0), f.watcher);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		close_fd(&f.socket);
	}
	buf_done(&out);
}

/* Stands for ruedad, on another thread: asks, waits for the answer, makes a change, waits for that, closes. */
static void *ask_once(void *data)
{
	struct fixture *f = data;
	struct pollfd p = { .fd = f->socket, .events = POLLIN };
	uint8_t packet[WATCH_PACKET_MAX];
	struct watch_event e = { 0 };
	int fd = -1, n;

	while (poll(&p, 1, LONG_MS) == 1) {
		n = channel_receive(f->socket, packet, sizeof(packet), &fd, 0);
		if (n <= 0 || watch_event_decode(packet, (size_t)n, &e) < 0 || e.type >= WATCH_CHANGED)
			break;
		if (e.type == WATCH_SEES)
			(void)mkdirat(f->files.fd, "root/app/new", 0700);
	}
	close_fd(&f->socket);
	return e.type >= WATCH_CHANGED ? f : NULL;
}

TEST(without_memory_a_watch_is_refused_or_the_process_ends)
{
	struct watch_request q = { .type = WATCH_ADD, .id = 9 };
	struct buf out = { 0 };
	struct fixture f;
	char path[400];

	trees_open(&f.files, "memory");
	trees_directory(&f.files, "root", 0755);
	trees_directory(&f.files, "root/app", 0755);
	trees_directory(&f.files, "root/app/in", 0755);
	(void)snprintf(f.roots, sizeof(f.roots), "%s/root", f.files.path);
	(void)snprintf(path, sizeof(path), "%s/app", f.roots);
	q.path = path;
	q.path_len = strlen(path);
	watch_request_encode(&q, &out);
	FAIL_EACH_ALLOCATION
	{
		pthread_t thread;
		void *told;
		int ends[2], r;
		bool failed;

		CHECK_INT(channel_pair(ends), 0);
		f.socket = ends[0];
		CHECK_INT(channel_send(f.socket, out.data, out.len, -1, 0), 0);
		CHECK_INT(pthread_create(&thread, NULL, ask_once, &f), 0);
		r = watch_serve(ends[1], f.roots, LONG_SECONDS);
		failed = failalloc_hit();
		(void)close(ends[1]);
		CHECK_INT(pthread_join(thread, &told), 0);
		CHECK(r == 0 || (r == -ENOMEM && failed));
		CHECK(told != NULL || (r == -ENOMEM && failed));
		(void)unlinkat(f.files.fd, "root/app/new", AT_REMOVEDIR);
	}
	buf_done(&out);
	trees_close(&f.files);
}
