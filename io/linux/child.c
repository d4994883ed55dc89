/* child: programs as child processes, through libuv.
 *
 * How      input goes through a memory file: nothing has to be written while the child runs, and a child that does not
 *          read cannot stop us.  Both outputs are pipes, read to their end and kept up to the limit.  A run holds one
 *          count for the process and one for each pipe; when all are closed by libuv, done() is called:
 *
 *              start ──► running ── exit ──► ended ── both pipes at their end, or 1 s later ──► closed ──► done()
 *                           └─ deadline, cancel, no memory: kill the group, drop the pipes; exit follows
 *
 * Why      the group is killed only while its leader has not been waited for: afterwards the number may be another's.
 * Limits   memory for input and outputs.
 * Tests    tests/unit/proc.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "io/linux/child.h"
#include "base/bytes.h"
#include "io/linux/loop.h"
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINGER_NS 1000000000u /* For outputs that outlive the process. */

struct child {
	struct proc proc;
	struct loop *loop;
	size_t runs;
	char chunk[65536]; /* What libuv reads into; used up before the next read. */
};

struct output {
	uv_pipe_t pipe;
	struct buf kept;
};

struct run {
	struct proc_run run;
	struct child *child;
	struct loop_timer *deadline;
	uv_process_t process;
	struct output output, messages;
	size_t output_max;
	unsigned open_handles;
	bool has_ended, has_failed; /* has_failed: it was never started, and nobody waits for done(). */
	struct proc_result result;
	proc_done *done;
	void *data;
};

static void run_free(struct run *r)
{
	if (r->deadline != NULL)
		loop_timer_free(r->deadline);
	buf_wipe(&r->output.kept); /* It may have been a key. */
	buf_wipe(&r->messages.kept);
	free(r);
}

static void on_close(uv_handle_t *handle)
{
	struct run *r = handle->data;

	if (--r->open_handles > 0)
		return;
	if (r->has_failed) {
		run_free(r);
		return;
	}
	loop_timer_stop(r->deadline);
	r->result.output = r->output.kept.data;
	r->result.output_len = r->output.kept.len;
	r->result.messages = r->messages.kept.data;
	r->result.messages_len = r->messages.kept.len;
	r->child->runs--;
	r->done(r->data, &r->result);
	run_free(r);
}

static void close_once(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_close);
}

static void close_outputs(struct run *r)
{
	close_once((uv_handle_t *)&r->output.pipe);
	close_once((uv_handle_t *)&r->messages.pipe);
}

/* Stop caring; if it still lives, so does its group. */
static void end_run(struct run *r, int error)
{
	if (!r->has_ended) {
		if (r->result.error == 0)
			r->result.error = error;
		(void)kill(-uv_process_get_pid(&r->process), SIGKILL);
	}
	close_outputs(r);
}

static void on_deadline(void *data)
{
	end_run(data, -ETIMEDOUT);
}

static void on_exit_of(uv_process_t *process, int64_t exit_status, int signal)
{
	struct run *r = process->data;

	r->has_ended = true;
	r->result.exit_status = signal == 0 ? (int)exit_status : -1;
	r->result.signal = signal;
	loop_timer_start(r->deadline, LINGER_NS);
	close_once((uv_handle_t *)process);
}

static void give_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct run *r = handle->data;

	(void)suggested;
	*ret = uv_buf_init(r->child->chunk, sizeof(r->child->chunk));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct run *r = stream->data;
	struct output *o = stream == (uv_stream_t *)&r->output.pipe ? &r->output : &r->messages;
	size_t room = r->output_max - o->kept.len;

	if (n < 0) {
		close_once((uv_handle_t *)stream); /* Its end, or an error that comes to the same. */
		return;
	}
	r->result.is_cut |= (size_t)n > room;
	buf_append(&o->kept, chunk->base, MIN((size_t)n, room));
	explicit_bzero(chunk->base, (size_t)n);
	if (o->kept.error < 0)
		end_run(r, -ENOMEM);
}

/* A descriptor that reads the input from its beginning. */
static int make_input(const struct proc_command *c)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t at = 0; at < c->input_len;) {
		ssize_t n = pwrite(fd, (const uint8_t *)c->input + at, c->input_len - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int r = n < 0 ? -errno : -EIO;

			(void)close(fd);
			return r;
		}
		at += (size_t)n;
	}
	return fd;
}

static void init_output(struct run *r, struct output *o)
{
	(void)uv_pipe_init(loop_linux_uv(r->child->loop), &o->pipe, 0); /* Cannot fail. */
	o->pipe.data = r;
	r->open_handles++;
}

static int spawn(struct run *r, const struct proc_command *c, int input_fd)
{
	static const char *const plain[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C.UTF-8", NULL };
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_INHERIT_FD, .data.fd = input_fd },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&r->output.pipe },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&r->messages.pipe },
	};
	uv_process_options_t options = {
		.exit_cb = on_exit_of,
		.file = c->argv[0],
		.args = (char **)c->argv,
		.env = (char **)(c->envp != NULL ? c->envp : plain),
		.cwd = "/",
		.flags = UV_PROCESS_DETACHED, /* A session, and so a group, of its own. */
		.stdio_count = ARRAY_SIZE(stdio),
		.stdio = stdio,
	};

	return uv_spawn(loop_linux_uv(r->child->loop), &r->process, &options);
}

static int child_start(
    struct proc *proc, const struct proc_command *c, proc_done *done, void *data, struct proc_run **ret)
{
	struct child *child = container_of(proc, struct child, proc);
	struct run *run = calloc(1, sizeof(*run));
	int input_fd = -1, r;

	if (run == NULL)
		return -ENOMEM;
	*run =
	    (struct run){ .run.proc = proc, .child = child, .output_max = c->output_max, .done = done, .data = data };
	r = loop_timer_new(child->loop, on_deadline, run, &run->deadline);
	if (r == 0) {
		input_fd = make_input(c);
		r = MIN(input_fd, 0);
	}
	if (r < 0) {
		run_free(run);
		return r;
	}
	init_output(run, &run->output);
	init_output(run, &run->messages);
	r = spawn(run, c, input_fd);
	(void)close(input_fd);
	run->process.data = run;
	run->open_handles++;
	if (r < 0) {
		run->has_failed = true;
		loop_timer_free(TAKE_PTR(run->deadline)); /* What is left may go after the loop's last turn. */
		close_outputs(run);
		close_once((uv_handle_t *)&run->process);
		return r;
	}
	/* Reading cannot fail to start on a pipe that has just been made. */
	(void)uv_read_start((uv_stream_t *)&run->output.pipe, give_chunk, on_read);
	(void)uv_read_start((uv_stream_t *)&run->messages.pipe, give_chunk, on_read);
	loop_timer_start(run->deadline, c->timeout_ns);
	child->runs++;
	*ret = &run->run;
	return 0;
}

static void child_cancel(struct proc_run *run)
{
	end_run(container_of(run, struct run, run), -ECANCELED);
}

static void child_free(struct proc *proc)
{
	struct child *child = container_of(proc, struct child, proc);

	assert(child->runs == 0);
	free(child);
}

static const struct proc_ops child_ops = {
	.start = child_start,
	.cancel = child_cancel,
	.free = child_free,
};

int child_new(struct loop *loop, struct proc **ret)
{
	struct child *child = calloc(1, sizeof(*child));

	if (child == NULL)
		return -ENOMEM;
	/* Ours are opened with O_CLOEXEC; those that we were started with shall not be handed on either. */
	(void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	child->proc.ops = &child_ops;
	child->loop = loop;
	*ret = &child->proc;
	return 0;
}
