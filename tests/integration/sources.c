/* sources: files are taken and put back through a real priv, within the roots; and whoever hangs or cancels delays nobody.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/sources.h"
#include "base/fd.h"
#include "io/linux/loop.h"
#include "priv/channel.h"
#include "priv/client.h"
#include "priv/server.h"
#include "priv/start.h"
#include "tests/lib/trees.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <uv.h>

struct fixture {
	struct tree_fixture files;
	struct loop *loop;
	struct priv_client *client;
	struct sources *sources;
	int word;
	pid_t priv;
	char root[300], hanging[300], roots[700];
};

static void before_open(const char *path)
{
	while (strstr(path, "hang") != NULL)
		(void)poll(NULL, 0, 1000);
}

static _Noreturn void run_priv(struct fixture *f, int socket, int word)
{
	struct priv_options options = {
		.socket = socket, .open_seconds = 2, .before_open = before_open, .roots = f->roots
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

static void start(struct fixture *f, const char *name)
{
	struct sources_config config = { .tree = work, .hive_max = 8 << 20, .file_seconds = 3 };
	int ends[2], word[2];

	trees_open(&f->files, name);
	(void)snprintf(f->root, sizeof(f->root), "%s/root", f->files.path);
	(void)snprintf(f->hanging, sizeof(f->hanging), "%s/hang", f->files.path);
	(void)snprintf(f->roots, sizeof(f->roots), "%s , %s/", f->hanging, f->root);
	trees_directory(&f->files, "root", 0755);
	CHECK_INT(channel_pair(ends), 0);
	CHECK_INT(pipe2(word, O_CLOEXEC), 0);
	(void)fflush(stdout);
	f->priv = fork();
	CHECK(f->priv >= 0);
	if (f->priv == 0) {
		(void)close(ends[0]);
		(void)close(word[1]);
		run_priv(f, ends[1], word[0]);
	}
	(void)close(ends[1]);
	(void)close(word[0]);
	f->word = word[1];
	CHECK_INT(loop_linux_new(&f->loop), 0);
	CHECK_INT(priv_client_new(ends[0], f->loop, NULL, NULL, &f->client), 0);
	config.loop = f->loop;
	config.priv = f->client;
	CHECK_INT(sources_new(&config, &f->sources), 0);
}

static void stop(struct fixture *f)
{
	int status;

	sources_free(f->sources);
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
