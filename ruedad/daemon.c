/* daemon: the second of the two processes: it has no rights, and all the work.
 *
 *	lock the instance ─► crash handler ─► loop, priv, signals ─► the parts (parts.h) ─► ready
 *	TERM, INT, priv lost, a part failed ─► stop the parts ─► end
 *
 * TERM and INT stop cleanly; a second one stops at once (what was acknowledged is in the log, and is replayed).  HUP reads
 * log_level again.
 *
 * Promise  ready is told when clients are served, and not before.
 * Threads  the loop's.      Tests  tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/daemon.h"
#include "base/fd.h"
#include "base/log.h"
#include "io/linux/loop.h"
#include "priv/client.h"
#include "priv/start.h"
#include "ruedad/crash.h"
#include "ruedad/instance.h"
#include "ruedad/notify.h"
#include "ruedad/parts.h"
#include "ruedad/serve/sockets.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

/* The first of the descriptors that only this program knows of. */
enum { GUARD_FD = PRIV_FIRST_FD };

static const int signal_numbers[] = { SIGTERM, SIGINT, SIGHUP };

struct daemon {
	struct config *config;
	const char *directory;
	struct loop *loop;
	struct priv_client *priv;
	struct parts *parts;
	struct parts_context context;
	struct sockets sockets; /* Until the parts have them. */
	uv_signal_t signals[ARRAY_SIZE(signal_numbers)];
	size_t signal_count;
	int lock;
	bool tell_ready;
	bool stopping;
	int status;
};

static void parts_stopped(void *data)
{
	struct daemon *d = data;

	/* Now nobody asks priv any more; callbacks that are still due are called before the loop ends. */
	priv_client_free(TAKE_PTR(d->priv));
	loop_linux_stop(d->loop);
}

static void stop(struct daemon *d, int status)
{
	if (status != 0)
		d->status = status;
	if (d->stopping)
		return;
	d->stopping = true;
	trace("stopping, status %d", d->status);
	notify("STOPPING=1\nSTATUS=stopping");
	parts_stop(TAKE_PTR(d->parts), parts_stopped, d);
}

static void parts_failed(void *data, const struct error *why)
{
	log_error("the daemon cannot go on, stopping: %s", why->text);
	stop(data, 1);
}

static void priv_lost(void *data)
{
	struct daemon *d = data;

	if (!d->stopping)
		log_error("priv has ended, stopping");
	stop(d, 1);
}

static void log_problem(void *data, const char *text)
{
	log_error("%s", text);
}

static void reload(struct daemon *d)
{
	struct config fresh;
	int r = config_load(d->directory, log_problem, NULL, &fresh);

	if (r == 0) {
		log_set_level((enum log_level)fresh.log_level);
		log_notice("read the log level again; other changes take effect at the next start");
	} else {
		log_error("the configuration has mistakes; nothing is changed");
	}
	if (r != -ENOMEM)
		config_done(&fresh);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *d = handle->data;

	trace("signal %d", number);
	if (number == SIGHUP) {
		reload(d);
	} else if (!d->stopping) {
		log_info("stopping signal=%d", number);
		stop(d, 0);
	} else {
		log_warning("told to stop again: stopping at once signal=%d", number);
		_exit(1);
	}
}

static int start_signals(struct daemon *d)
{
	(void)signal(SIGPIPE, SIG_IGN); /* A client that is gone is an error of the write, no reason to die. */
	for (size_t i = 0; i < ARRAY_SIZE(signal_numbers); i++) {
		int r = uv_signal_init(loop_linux_uv(d->loop), &d->signals[i]);

		if (r < 0)
			return r;
		d->signal_count = i + 1;
		d->signals[i].data = d;
		r = uv_signal_start(&d->signals[i], on_signal, signal_numbers[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Everything below the service, in the order in which it may be needed. */
static int start_ground(struct daemon *d, struct error *e)
{
	const char *crash_path;
	int r;

	/* Of /proc/self/exe, the kernel calls a process "exe". */
	(void)prctl(PR_SET_NAME, "ruedad");
	if (fcntl(PRIV_SOCKET_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(GUARD_FD, F_SETFD, FD_CLOEXEC) < 0)
		return error_set_code(e, -errno, "there is no socket to priv or to the guard; --as-daemon is not for people");
	r = instance_lock(d->config, getppid(), &d->lock, e);
	if (r < 0)
		return r;
	loop_linux_be_prompt();
	r = crash_setup(d->config->state_directory, &crash_path);
	if (r == 0)
		r = loop_linux_new(&d->loop);
	if (r == 0)
		r = start_signals(d);
	if (r == 0)
		r = priv_client_new(PRIV_SOCKET_FD, d->loop, (unsigned)d->config->open_seconds + PRIV_PATIENCE_SECONDS,
		    priv_lost, d, &d->priv);
	return r < 0 ? error_set_code(e, r, "cannot start") : 0;
}

static void end_ground(struct daemon *d)
{
	priv_client_free(d->priv);
	for (size_t i = 0; i < d->signal_count; i++)
		uv_close((uv_handle_t *)&d->signals[i], NULL);
	loop_linux_free(d->loop);
	sockets_close(&d->sockets);
	close_fd(&d->lock);
}

/* On the loop, behind whatever the start has left there to say: that may be a failure. */
static void say_ready(void *data)
{
	struct daemon *d = data;

	if (d->stopping)
		return;
	trace("ready");
	log_notice("ready node=%s state=%s run=%s pid=%d", d->config->node_name, d->config->state_directory,
	    d->config->run_directory, getpid());
	notify("READY=1\nSTATUS=node %s is up", d->config->node_name);
	if (d->tell_ready)
		(void)!write(PRIV_KEPT_FD, "", 1);
}

static int start_parts(struct daemon *d, bool recover, struct error *e)
{
	int r;

	d->context = (struct parts_context){
		d->loop, d->config, d->priv, &d->sockets, GUARD_FD, recover, parts_failed, d
	};
	r = parts_start(&d->context, &d->parts, e);
	if (r == 0 && loop_post(d->loop, say_ready, d) < 0)
		stop(d, 1);
	return r;
}

/* The listening sockets that were opened before this process had given up its rights. */
static void take_sockets(const struct options *o, struct sockets *ret)
{
	if (o->services > SOCKETS_ADDRESSES_MAX || o->mappers > SOCKETS_ADDRESSES_MAX)
		return;
	ret->services = o->services;
	ret->mappers = o->mappers;
	for (unsigned i = 0; i < o->services + o->mappers; i++) {
		ret->fds[i] = GUARD_FD + 1 + (int)i;
		(void)fcntl(ret->fds[i], F_SETFD, FD_CLOEXEC);
	}
}

int daemon_run(struct config *config, const char *directory, const struct options *options)
{
	struct daemon d = { .config = config, .directory = directory, .lock = -1, .tell_ready = options->daemon };
	struct error e = { 0 };
	int r;

	notify_setup();
	if (options->daemon)
		(void)fcntl(PRIV_KEPT_FD, F_SETFD, FD_CLOEXEC);
	take_sockets(options, &d.sockets);
	r = start_ground(&d, &e);
	if (r == 0)
		r = start_parts(&d, options->recover, &e);
	if (r < 0) {
		log_error("%s", e.text);
		notify("STATUS=%s", e.text);
		d.status = 1;
	} else {
		loop_linux_run(d.loop);
		log_notice("stopped status=%d", d.status);
	}
	end_ground(&d);
	return d.status;
}
