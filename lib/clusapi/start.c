/* start: the service of this machine, started if it does not run.
 *
 * Why      RestoreClusterDatabase must work on a machine whose cluster service is stopped, which is how a machine that has
 *          lost its state looks.
 * How      a private instance (RUEDA_DIR) is started by its program, `ruedad --daemon --recover`; elsewhere systemd is asked
 *          for the unit, and the program is the fall-back.  --recover lets it come up without a cluster when the state on
 *          disk cannot be used.
 * Threads  all functions.        Tests  tests/integration/restore.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/start.h"
#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 30000, STEP_MS = 50 };

extern char **environ;

/* Run a program of the path to its end; true if it ended well. */
static bool run(const char *const arguments[])
{
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, arguments[0], NULL, NULL, (char *const *)arguments, environ) != 0)
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool start_service(void)
{
	static const char *const unit[] = { "systemctl", "start", "rueda.service", NULL };
	static const char *const program[] = { "ruedad", "--daemon", "--recover", NULL };
	const char *own = secure_getenv("RUEDA_RUEDAD");

	if (secure_getenv("RUEDA_DIR") == NULL && access("/run/systemd/system", F_OK) == 0 && run(unit))
		return true;
	if (own != NULL) {
		const char *const named[] = { own, "--daemon", "--recover", NULL };

		return run(named);
	}
	return run(program);
}

int start_service_link(struct link **ret)
{
	int r = link_open(ret);

	if (r != ERR_RPC_S_SERVER_UNAVAILABLE)
		return r;
	if (!start_service())
		return r;
	for (unsigned waited = 0; waited < START_MS && r == ERR_RPC_S_SERVER_UNAVAILABLE; waited += STEP_MS) {
		struct timespec t = { 0, STEP_MS * 1000000l };

		r = link_open(ret);
		if (r == ERR_RPC_S_SERVER_UNAVAILABLE)
			(void)nanosleep(&t, NULL);
	}
	return r;
}
