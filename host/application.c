/* application: the type Generic Application: a program that runs for as long as the resource is online.
 *
 * How      it is started in a session of its own and watched: its end, however it comes about, is the resource's failure.
 *          To stop it, its process group gets SIGTERM; at half of the pending time-out (at most 20 s) SIGKILL.  What it
 *          left elsewhere is ended by the host.
 * Not kept InteractWithDesktop: there is no desktop.
 * Threads  one.      Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/run.h"
#include "host/types.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { SETTLE_MS = 200, STEP_MS = 20, PATIENCE_MS = 20000 };

static const struct host_property properties[] = {
	{ "CommandLine", HOST_FORMAT_TEXT, true, NULL,
	    "program and arguments; quotes and \\ as in a shell, without variables" },
	{ "CurrentDirectory", HOST_FORMAT_TEXT, false, "/", "directory that it is started in" },
	{ "InteractWithDesktop", HOST_FORMAT_NUMBER, false, "0", "ignored: there is no desktop" },
	{ "UseNetworkName", HOST_FORMAT_NUMBER, false, "0",
	    "1: the variable `_CLUSTER_NETWORK_NAME_` holds the network name that it depends on" },
	{ "RunAs", HOST_FORMAT_TEXT, false, NULL,
	    "user to run it as; without it, the user that ruedad was started by" },
};

static void pause_ms(unsigned ms)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static int values(const struct resource *r, struct error *e)
{
	const char *command = resource_get(r, "CommandLine");
	_cleanup_free_ char *line = command != NULL ? strdup(command) : NULL;
	const char *words[RUN_WORDS_MAX + 1];
	struct error split = { 0 };
	int n;

	if (resource_get(r, "CurrentDirectory")[0] != '/')
		return error_set(e, ERR_INVALID_PARAMETER, "CurrentDirectory is not an absolute path");
	if (command == NULL)
		return 0;
	if (line == NULL)
		return error_set_code(e, -ENOMEM, "cannot read CommandLine");
	n = run_split(line, words, &split);
	return n < 0 ? error_set(e, n, "CommandLine: %s", split.text) : 0;
}

static int online(struct resource *r, struct error *e)
{
	_cleanup_free_ char *line = strdup(resource_get(r, "CommandLine"));
	const char *words[RUN_WORDS_MAX + 1];
	struct environment v;
	struct run_process p = { words, &v, resource_get(r, "CurrentDirectory"), resource_get(r, "RunAs") };
	int n = line == NULL ? -ENOMEM : run_split(line, words, e), status;

	if (n < 0)
		return n;
	environment_init(&v, r);
	if (resource_number(r, "UseNetworkName") != 0 && r->network_name[0] != 0)
		environment_add(&v, "_CLUSTER_NETWORK_NAME_", r->network_name);
	n = run_start(&p, &r->process, e);
	environment_done(&v);
	/* One that ends at once was never online. */
	for (unsigned ms = 0; n == 0 && ms < SETTLE_MS; ms += STEP_MS) {
		pause_ms(STEP_MS);
		if (waitpid(r->process, &status, WNOHANG) != r->process)
			continue;
		r->process = 0;
		n = WIFEXITED(status)
			? error_set(e, ERR_RESMON_ONLINE_FAILED, "it ended at once with status %d", WEXITSTATUS(status))
			: error_set(e, ERR_RESMON_ONLINE_FAILED, "it was ended at once by signal %d", WTERMSIG(status));
	}
	return n;
}

static int offline(struct resource *r, struct error *e)
{
	uint32_t patience = MIN(r->settings.pending_ms / 2, (uint32_t)PATIENCE_MS);

	(void)e;
	if (r->process == 0 || kill(-r->process, SIGTERM) < 0)
		return 0;
	(void)kill(-r->process, SIGCONT); /* One that was stopped could not obey. */
	for (uint32_t ms = 0; ms < patience; ms += STEP_MS) {
		if (kill(r->process, 0) < 0) /* The host has waited for it. */
			return 0;
		pause_ms(STEP_MS);
	}
	(void)kill(-r->process, SIGKILL);
	return 0; /* The host waits for its end, and for all others'. */
}

const struct host_type host_application = {
	.name = "Generic Application",
	.properties = properties,
	.property_count = ARRAY_SIZE(properties),
	.watched = true,
	.values = values,
	.online = online,
	.offline = offline,
};
