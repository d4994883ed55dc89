/* sources: files are taken and put back through a real priv, within the roots; and whoever hangs or cancels delays nobody.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/sources.h"
#include "base/fd.h"
#include "io/linux/loop.h"
#include "priv/channel.h"
#include "priv/client.h"
#include "priv/server.h"
#include "priv/start.h"
#include "ruedad/agents/file_watch.h"
#include "tests/lib/trees.h"
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <uv.h>

struct fixture {
	struct tree_fixture files;
	struct loop *loop;
	struct priv_client *client;
	struct file_watches *watches;
	struct sources *sources;
	int socket; /* Of the client. */
	int word;
	pid_t priv;
	char root[300], hanging[300], mounted[300], roots[1000];
};

static unsigned answer_seconds = 60; /* That the next client waits for priv. */

static void before_open(const char *path)
{
	while (strstr(path, "hang") != NULL)
		(void)poll(NULL, 0, 1000);
}

static _Noreturn void run_priv(struct fixture *f, int socket, int word)
{
	struct priv_options options = {
		.socket = socket, .open_seconds = 2, .work_seconds = 1, .before_open = before_open, .roots = f->roots
	};

	if (priv_block_signals() < 0)
		_exit(90);
	options.daemon = fork();
	if (options.daemon == 0) {
		sigset_t none;
		char byte;

		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		close_fd(&socket);
		_exit(read(word, &byte, 1) != 0);
	}
	close_fd(&word);
	if (options.daemon < 0 || priv_drop_rights(true) < 0)
		_exit(92);
	_exit(priv_serve(&options));
}

static int work(void *priv, const struct priv_tree *what, struct error *error)
{
	return priv_tree(priv, what, error);
}

static int watch(void *watches, const char *path, loop_callback *changed, void *data, void **ret, struct error *error)
{
	return file_watch_new(watches, path, changed, data, (struct file_watch **)ret, error);
}

static void unwatch(void *w)
{
	file_watch_free(w);
}

static int open_watcher(void *priv, priv_watching *opened, void *data)
{
	return priv_watch_async(priv, opened, data);
}

/* After trees_open(). */
static void start_priv(struct fixture *f)
{
	struct sources_config config = {
		.tree = work, .hive_max = 8 << 20, .file_seconds = 3, .watch = watch, .unwatch = unwatch
	};
	struct file_watches_config watches = { .roots = f->roots, .open = open_watcher };
	int ends[2], word[2];

	(void)snprintf(f->root, sizeof(f->root), "%s/root", f->files.path);
	(void)snprintf(f->hanging, sizeof(f->hanging), "%s/hang", f->files.path);
	(void)snprintf(f->mounted, sizeof(f->mounted), "%s/mounted/root", f->files.path);
	(void)snprintf(f->roots, sizeof(f->roots), "%s , %s/, %s", f->hanging, f->root, f->mounted);
	trees_directory(&f->files, "root", 0755);
	CHECK_INT(channel_pair(ends), 0);
	CHECK_INT(pipe2(word, O_CLOEXEC), 0);
	(void)fflush(stdout);
	f->priv = fork();
	CHECK(f->priv >= 0);
	if (f->priv == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* Stopped, it would outlive a test that fails, with its output open. */
		(void)close(ends[0]);
		(void)close(word[1]);
		run_priv(f, ends[1], word[0]);
	}
	(void)close(ends[1]);
	(void)close(word[0]);
	f->socket = ends[0];
	f->word = word[1];
	CHECK_INT(loop_linux_new(&f->loop), 0);
	CHECK_INT(priv_client_new(ends[0], f->loop, answer_seconds, NULL, NULL, &f->client), 0);
	watches.loop = f->loop;
	watches.uv = loop_linux_uv(f->loop);
	watches.priv = f->client;
	CHECK_INT(file_watches_new(&watches, &f->watches), 0);
	config.loop = f->loop;
	config.priv = f->client;
	config.watches = f->watches;
	CHECK_INT(sources_new(&config, &f->sources), 0);
}

static void start(struct fixture *f, const char *name)
{
	trees_open(&f->files, name);
	start_priv(f);
}

static void stop(struct fixture *f)
{
	int status;

	sources_free(f->sources);
	file_watches_free(f->watches);
	(void)uv_run(loop_linux_uv(f->loop), UV_RUN_NOWAIT);
	priv_client_free(f->client);
	loop_linux_free(f->loop);
	close_fd(&f->word);
	CHECK_INT(waitpid(f->priv, &status, 0), f->priv);
	CHECK_INT(status, 0);
	trees_close(&f->files);
}

struct outcome {
	bool done;
	int result;
	struct buf hive;
	struct error error;
};

static void on_taken(void *data, int r, uint8_t *hive, size_t len, const struct error *error)
{
	struct outcome *o = data;

	o->done = true;
	o->result = r;
	o->hive = (struct buf){ .data = hive, .len = len };
	o->error = *error;
}

static void on_put(void *data, int r, const struct error *error)
{
	struct outcome *o = data;

	o->done = true;
	o->result = r;
	o->error = *error;
}

static char16_t *name_of(struct fixture *f, const char *path)
{
	char whole[600];
	char16_t *name;

	(void)snprintf(
	    whole, sizeof(whole), "%s%s%s", path[0] == '/' ? "" : f->files.path, path[0] == '/' ? "" : "/", path);
	CHECK_INT(source_name_of_path(whole, &name), 0);
	return name;
}

static void wait_for(struct fixture *f, struct outcome *o)
{
	while (!o->done)
		(void)uv_run(loop_linux_uv(f->loop), UV_RUN_ONCE);
}

static int take(struct fixture *f, const char *path, struct outcome *o)
{
	_cleanup_free_ char16_t *name = name_of(f, path);

	*o = (struct outcome){ 0 };
	CHECK_INT(source_capture(f->sources, u16_from_z(name), on_taken, o, NULL, &o->error), 0);
	CHECK(!o->done);
	wait_for(f, o);
	CHECK((o->result < 0) == (o->error.code < 0) && (o->result == 0 || o->error.text[0] != 0));
	return o->result;
}

static int put(struct fixture *f, const char *path, const struct buf *hive, struct outcome *o)
{
	_cleanup_free_ char16_t *name = name_of(f, path);

	*o = (struct outcome){ 0 };
	CHECK_INT(source_put_back(f->sources, u16_from_z(name), hive->data, hive->len, on_put, o, NULL, &o->error), 0);
	wait_for(f, o);
	return o->result;
}

TEST(files_are_taken_and_put_back_through_priv)
{
	struct outcome o, p, again;
	struct fixture f;

	start(&f, "through");
	trees_sample(&f.files, "root/app");
	trees_settle();
	CHECK_INT(take(&f, "root/app", &o), 0);
	trees_text(&f.files, "root/app/text", "changed");
	trees_text(&f.files, "root/app/new", "new");
	if (put(&f, "root/app", &o.hive, &p) < 0)
		test_fail(__FILE__, __LINE__, "%s", p.error.text);
	CHECK_STR(p.error.text, "");
	trees_settle();
	CHECK_INT(take(&f, "root/app", &again), 0);
	CHECK_INT(again.hive.len, o.hive.len);
	CHECK_MEM(again.hive.data, o.hive.data, o.hive.len);
	/* The root itself, which lies in a directory that is none. */
	CHECK_INT(put(&f, "root", &o.hive, &p), 0);
	CHECK_INT(faccessat(f.files.fd, "root/text", F_OK, 0), 0);
	CHECK(!trees_has_leftovers(&f.files));
	CHECK_INT(put(&f, "root", &(struct buf){ .data = (uint8_t *)"nonsense", .len = 8 }, &p), ERR_INVALID_DATA);
	buf_done(&o.hive);
	buf_done(&again.hive);
	stop(&f);
}

TEST(nothing_but_the_roots_and_what_is_below_can_be_named)
{
	struct fixture f;
	struct outcome o, hive;

	start(&f, "roots");
	trees_directory(&f.files, "outside", 0755);
	trees_text(&f.files, "outside/secret", "secret");
	trees_text(&f.files, "root2", "near");
	trees_text(&f.files, "root/file", "in");
	CHECK_INT(symlinkat("../outside", f.files.fd, "root/link"), 0);
	trees_settle();
	CHECK_INT(take(&f, "root/file", &hive), 0);
	CHECK_INT(take(&f, "/etc/passwd", &o), ERR_ACCESS_DENIED);
	CHECK_INT(put(&f, "/etc/rueda-test", &hive.hive, &o), ERR_ACCESS_DENIED);
	CHECK_INT(take(&f, "root2", &o), ERR_ACCESS_DENIED);
	CHECK_INT(take(&f, "outside/secret", &o), ERR_ACCESS_DENIED);
	CHECK_INT(take(&f, "root/link/secret", &o), ERR_CANT_RESOLVE_FILENAME);
	CHECK_INT(put(&f, "root/link/new", &hive.hive, &o), ERR_CANT_RESOLVE_FILENAME);
	CHECK_INT(take(&f, "root/none", &o), ERR_FILE_NOT_FOUND);
	CHECK_INT(take(&f, "root/none/file", &o), ERR_FILE_NOT_FOUND);
	CHECK_INT(take(&f, "root/file/file", &o), ERR_DIRECTORY);
	CHECK(faccessat(f.files.fd, "outside/new", F_OK, 0) < 0);
	buf_done(&hive.hive);
	stop(&f);
}

TEST(a_place_that_hangs_delays_nobody_and_is_given_up)
{
	_cleanup_free_ char16_t *name = NULL;
	struct outcome hung = { 0 }, cancelled = { 0 }, o;
	struct source_job *job;
	struct fixture f;

	start(&f, "slow");
	name = name_of(&f, "hang");
	trees_text(&f.files, "root/file", "in");
	trees_settle();
	CHECK_INT(source_capture(f.sources, u16_from_z(name), on_taken, &hung, NULL, NULL), 0);
	CHECK_INT(take(&f, "root/file", &o), 0);
	CHECK(!hung.done);
	buf_done(&o.hive);
	/* One that waits for it, because it would put back, is cancelled at once. */
	CHECK_INT(
	    source_put_back(f.sources, u16_from_z(name), (const uint8_t *)"x", 1, on_put, &cancelled, &job, NULL), 0);
	source_cancel(job);
	wait_for(&f, &cancelled);
	CHECK_INT(cancelled.result, ERR_CANCELLED);
	CHECK(!hung.done);
	wait_for(&f, &hung);
	CHECK_INT(hung.result, ERR_TIMEOUT);
	stop(&f);
}

/* Wait until there is more than so much that a priv which stands still has not taken; returns how much. */
static int wait_asked(struct fixture *f, int before)
{
	int now = before;

	for (int i = 0; i < 9000 && now <= before; i++) {
		(void)poll(NULL, 0, 10);
		CHECK_INT(ioctl(f->socket, SIOCOUTQ, &now), 0);
	}
	CHECK(now > before);
	return now;
}

static void end_pause(void *data)
{
	*(bool *)data = true;
}

TEST(a_priv_that_stands_still_holds_up_nobody_and_is_asked_again)
{
	_cleanup_free_ char16_t *name = NULL;
	struct outcome late = { 0 }, cancelled = { 0 }, o;
	struct source_job *job;
	struct fixture f;
	int asked;

	answer_seconds = 3;
	start(&f, "still");
	answer_seconds = 60;
	name = name_of(&f, "root/file");
	trees_text(&f.files, "root/file", "in");
	trees_settle();
	CHECK_INT(kill(f.priv, SIGSTOP), 0);
	CHECK_INT(source_capture(f.sources, u16_from_z(name), on_taken, &late, NULL, NULL), 0);
	asked = wait_asked(&f, 0);
	CHECK_INT(source_capture(f.sources, u16_from_z(name), on_taken, &cancelled, &job, NULL), 0);
	(void)wait_asked(&f, asked);
	source_cancel(job);
	wait_for(&f, &cancelled);
	CHECK_INT(cancelled.result, ERR_CANCELLED);
	CHECK(strstr(cancelled.error.text, "priv had not answered") != NULL);
	CHECK(!late.done);
	wait_for(&f, &late);
	CHECK_INT(late.result, ERR_TIMEOUT);
	CHECK_STR(late.error.text, "priv has not answered for 3 s");
	CHECK_INT(kill(f.priv, SIGCONT), 0);
	for (int i = 0; i < 10; i++) {
		CHECK_INT(take(&f, "root/file", &o), 0);
		buf_done(&o.hive);
	}
	/* And nobody is waited for when the service ends while it stands still. */
	CHECK_INT(kill(f.priv, SIGSTOP), 0);
	o = (struct outcome){ 0 };
	CHECK_INT(source_capture(f.sources, u16_from_z(name), on_taken, &o, NULL, NULL), 0);
	(void)wait_asked(&f, 0);
	sources_stop(f.sources, end_pause, &(bool){ false });
	wait_for(&f, &o);
	CHECK_INT(o.result, ERR_CANCELLED);
	CHECK_INT(kill(f.priv, SIGCONT), 0);
	stop(&f);
}

static void count_change(void *data)
{
	(*(unsigned *)data)++;
}

static struct source_watch *start_watch(struct fixture *f, const char *path, unsigned *count)
{
	_cleanup_free_ char16_t *name = name_of(f, path);
	struct source_watch *w;

	CHECK_INT(source_watch(f->sources, u16_from_z(name), count_change, count, &w, NULL), 0);
	return w;
}

/* Turn the loop until so much has been told, or for a while. */
static bool told_within(struct fixture *f, const unsigned *count, unsigned wanted, unsigned ms)
{
	struct loop_timer *timer;
	bool over = false;

	CHECK_INT(loop_timer_new(f->loop, end_pause, &over, &timer), 0);
	loop_timer_start(timer, ms * UINT64_C(1000000));
	while (*count < wanted && !over)
		(void)uv_run(loop_linux_uv(f->loop), UV_RUN_ONCE);
	loop_timer_free(timer);
	return *count >= wanted;
}

TEST(changes_are_told_once_some_time_after_the_first)
{
	_cleanup_free_ char16_t *outside = NULL;
	struct source_watch *w, *missing, *refused;
	unsigned told = 0, told_missing = 0;
	struct outcome o, p;
	struct fixture f;

	start(&f, "watch");
	trees_directory(&f.files, "root/app", 0755);
	trees_text(&f.files, "root/app/file", "one");
	w = start_watch(&f, "root/app", &told);
	missing = start_watch(&f, "root/none/file", &told_missing);
	CHECK(told_within(&f, &told, 1, 20000)); /* As it is seen from now on. */
	CHECK(told_within(&f, &told_missing, 1, 20000));
	for (int i = 0; i < 10; i++)
		trees_text(&f.files, "root/app/file", "two");
	CHECK(told_within(&f, &told, 2, 20000));
	CHECK(!told_within(&f, &told, 3, 1500));
	CHECK_INT(told_missing, 1);
	/* Taking is no change; putting back is one. */
	CHECK_INT(take(&f, "root/app", &o), 0);
	CHECK(!told_within(&f, &told, 3, 1500));
	CHECK_INT(put(&f, "root/app", &o.hive, &p), 0);
	CHECK(told_within(&f, &told, 3, 20000));
	(void)told_within(&f, &told, 5, 1500);
	told = 0;
	trees_text(&f.files, "root/app/file", "three"); /* Of the directory that was put there. */
	CHECK(told_within(&f, &told, 1, 20000));
	outside = name_of(&f, "/etc/passwd");
	CHECK_INT(source_watch(f.sources, u16_from_z(outside), count_change, &told, &refused, NULL), ERR_ACCESS_DENIED);
	buf_done(&o.hive);
	source_watch_free(w);
	source_watch_free(missing);
	stop(&f);
}

/* The process that watches, or another that priv has besides the daemon; 0: none. */
static pid_t watcher_of(struct fixture *f)
{
	char path[80];
	int daemon = 0, watcher = 0;
	FILE *children;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", f->priv, f->priv);
	children = fopen(path, "r");
	if (children == NULL)
		test_skip("the kernel does not list children");
	(void)!fscanf(children, "%d %d", &daemon, &watcher);
	(void)fclose(children);
	return watcher;
}

TEST(a_work_that_hangs_costs_one_place_until_it_can_be_ended)
{
	struct outcome o;
	struct fixture f;
	bool hangs;
	pid_t pid;

	trees_open(&f.files, "stall");
	trees_mount_stalling(&f.files, "mounted");
	start_priv(&f);
	trees_text(&f.files, "root/file", "in");
	trees_settle();
	CHECK_INT(take(&f, "mounted/root", &o), ERR_TIMEOUT);
	CHECK(strstr(o.error.text, "took longer than 3 s") != NULL);
	pid = watcher_of(&f);
	/* It is killed, but the kernel does not let it die: nothing more is begun there. */
	for (int i = 0; i < 6 && strstr(o.error.text, "still hangs") == NULL; i++) {
		(void)poll(NULL, 0, 1000);
		CHECK_INT(take(&f, "mounted/root", &o), ERR_TIMEOUT);
	}
	hangs = watcher_of(&f) == pid && strstr(o.error.text, "still hangs") != NULL;
	trees_unmount(&f.files, "mounted");
	CHECK(hangs && pid > 0);
	for (int i = 0; i < 200 && watcher_of(&f) != 0; i++)
		(void)poll(NULL, 0, 100);
	CHECK_INT(watcher_of(&f), 0);
	CHECK_INT(take(&f, "root/file", &o), 0);
	buf_done(&o.hive);
	stop(&f);
}

TEST(a_watcher_that_is_killed_is_replaced_and_nothing_is_missed)
{
	struct source_watch *w;
	unsigned told = 0;
	struct fixture f;

	start(&f, "killed");
	trees_text(&f.files, "root/file", "one");
	w = start_watch(&f, "root/file", &told);
	CHECK(told_within(&f, &told, 1, 20000));
	CHECK(watcher_of(&f) > 0);
	CHECK_INT(kill(watcher_of(&f), SIGKILL), 0);
	CHECK(told_within(&f, &told, 2, 20000));
	(void)told_within(&f, &told, 3, 1000);
	told = 0;
	trees_text(&f.files, "root/file", "two");
	CHECK(told_within(&f, &told, 1, 20000));
	source_watch_free(w);
	stop(&f);
}

TEST(a_root_whose_mount_hangs_delays_no_other_root)
{
	struct source_watch *w, *hung;
	unsigned told = 0, told_hung = 0;
	struct outcome o;
	struct fixture f;

	trees_open(&f.files, "mount");
	trees_mount_hanging(&f.files, "mounted");
	start_priv(&f);
	trees_text(&f.files, "root/file", "one");
	hung = start_watch(&f, "mounted/root/file", &told_hung);
	w = start_watch(&f, "root/file", &told);
	CHECK(told_within(&f, &told, 1, 20000));
	for (unsigned i = 0; i < 3; i++) { /* While its process hangs, is ended, and hangs again. */
		trees_text(&f.files, "root/file", "two");
		CHECK(told_within(&f, &told, 2 + i, 10000));
	}
	trees_settle();
	CHECK_INT(take(&f, "root/file", &o), 0);
	buf_done(&o.hive);
	CHECK_INT(told_hung, 0);
	source_watch_free(hung);
	source_watch_free(w);
	stop(&f);
	trees_unmount(&f.files, "mounted");
}
