/* main: ruedad, the cluster service of a node: several processes of one program.
 *
 *	ruedad (priv)                 started by the system or by a person; root's, or anybody's
 *	  ├─ ruedad --as-daemon       the service, as the user of the configuration: daemon.c
 *	  └─ children                 open directories as the callers: priv/child.c
 *
 *	  └─ ruedad --as-guard      root's: starts and ends the hosts of resources: guard/
 *	       └─ ruedad --as-host  one for each resource that runs: host/
 *
 * With --guard the guard is not its child, but systemd's, in a unit of its own: guard/unit.c.
 * ruedad --as-winbind is the service's: it asks winbindd about one login (serve/winbind.c).
 *
 * The first one reads the configuration, makes the directories, goes to the background if told to, starts the second one and
 * the guard, gives up the rights that it will not need, and is priv from then on.
 *
 * Design   docs/design/privileges.md       Manual  ruedad(8), rueda.conf(5)      Tests  tests/integration/ruedad.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"
#include "base/log.h"
#include "guard/guard.h"
#include "guard/start.h"
#include "guard/unit.h"
#include "host/host.h"
#include "priv/channel.h"
#include "priv/server.h"
#include "priv/start.h"
#include "ruedad/daemon.h"
#include "ruedad/instance.h"
#include "ruedad/options.h"
#include "ruedad/serve/sockets.h"
#include "ruedad/serve/winbind_helper.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Is standard error the journal?  Then it wants priorities and has its own times. */
static bool logs_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

static void print_problem(void *data, const char *text)
{
	fprintf(stderr, "%s\n", text);
}

static void log_problem(void *data, const char *text)
{
	log_error("%s", text);
}

static int check(const char *directory)
{
	struct config c;
	int r = config_load(directory, print_problem, NULL, &c);

	if (r == 0) {
		printf("# %s%s\n", c.file, access(c.file, F_OK) < 0 ? " is not there; these are the defaults" : "");
		config_print(&c, stdout);
		config_done(&c);
	} else if (r == -ENOMEM) {
		fprintf(stderr, "%s\n", error_text(r));
	} else {
		config_done(&c);
	}
	return r == 0 && fflush(stdout) == 0 ? 0 : 1;
}

/* The log of a background daemon, opened as the user that the state directory belongs to: root opens nothing there. */
static int open_log(const struct config *c, const struct identity *user)
{
	size_t size = strlen(c->state_directory) + sizeof("/ruedad.log");
	_cleanup_free_ char *path = malloc(size);
	int fd, r;

	if (path == NULL)
		return -ENOMEM;
	(void)snprintf(path, size, "%s/ruedad.log", c->state_directory);
	if (user != NULL && (setegid(user->gid) < 0 || seteuid(user->uid) < 0))
		return -errno;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : fd;
	if (user != NULL && (seteuid(0) < 0 || setegid(0) < 0))
		abort(); /* Neither the one nor the other: nothing good can follow. */
	return r;
}

/* In the person's process: wait until the service is ready or has failed. */
static _Noreturn void wait_until_ready(int ready)
{
	char byte;
	ssize_t n = read(ready, &byte, 1);

	if (n != 1)
		fprintf(stderr, "ruedad did not start; ruedad.log in its state directory tells why\n");
	_exit(n == 1 ? 0 : 1);
}

/* Go on in a process of its own, without a terminal; returns there, with what the service tells that it is ready. */
static int go_to_background(const struct config *c, const struct identity *user, int *ret_ready)
{
	_cleanup_fd_ int log = open_log(c, user), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int ends[2];
	pid_t pid;

	if (log < 0)
		return log;
	if (null < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		(void)close(ends[1]);
		wait_until_ready(ends[0]);
	}
	(void)close(ends[0]);
	(void)setsid();
	if (dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		return -errno;
	*ret_ready = ends[1];
	return 0;
}

/* The service's end of the guard's socket, and the guard's, unless it is a unit of its own. */
static int open_guard(const struct config *c, const struct options *o, int ret_ends[2])
{
	int r =
	    o->guard == NULL ? channel_pair(ret_ends) : guard_unit_connect(o->guard, c->run_directory, &ret_ends[0]);

	if (r < 0 && o->guard != NULL)
		log_error("cannot reach the guard at %s: %s; is rueda-guard.socket active?", o->guard, error_text(r));
	return r;
}

/* Start the service, and be priv until it ends. */
static int run_priv(const struct config *c, const struct identity *user, const struct identity *token_user, char **argv,
    const struct options *o, int ready, struct sockets *sockets)
{
	char counts[64], *arguments[] = { argv[0], "--as-daemon", counts, NULL, NULL, NULL }, **next = arguments + 3;
	int fds[1 + ARRAY_SIZE(sockets->fds)], guard[2] = { -1, -1 }, guard_pid = 0, status;
	struct priv_start start = { .user = user,
		.arguments = arguments,
		.kept_fd = ready,
		.fds = fds,
		.fd_count = 1 + sockets->services + sockets->mappers };
	struct priv_options options = { .open_seconds = (unsigned)c->open_seconds,
		.work_seconds = (unsigned)c->checkpoint_seconds,
		.roots = c->checkpoint_roots,
		.pkcs11_module = c->pkcs11_module,
		.pkcs11_pin_file = c->pkcs11_pin_file,
		.pkcs11_user = token_user,
		.key_reader = user,
		.users = c->access_map,
		.daemon_uid = user != NULL ? user->uid : geteuid() };
	int r = priv_block_signals();

	(void)snprintf(counts, sizeof(counts), "--sockets=%u,%u", sockets->services, sockets->mappers);
	if (o->daemon)
		*next++ = "--daemon";
	if (o->recover)
		*next++ = "--recover";

	if (r == 0)
		r = open_guard(c, o, guard);
	fds[0] = guard[0];
	memcpy(fds + 1, sockets->fds, sizeof(sockets->fds));
	if (r == 0)
		r = priv_start_daemon(&start, &options.daemon, &options.socket);
	if (r == 0 && guard[1] >= 0)
		r = guard_start(c->run_directory, TAKE_FD(guard[1]), &guard_pid);
	close_fd(&guard[0]);
	close_fd(&guard[1]);
	close_fd(&ready);
	sockets_close(sockets);
	if (r < 0) {
		log_error("cannot start the service: %s", error_text(r));
		return 1;
	}
	r = priv_drop_rights(strcmp(c->checkpoint_roots, "none") != 0);
	if (r < 0) {
		log_error("cannot give up rights: %s; ending", error_text(r));
		return 1; /* And the kernel ends the service. */
	}
	status = priv_serve(&options);
	/* It still stops what ruedad ran; whoever started us may kill what is left when we end. */
	while (guard_pid != 0 && waitpid(guard_pid, NULL, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int open_sockets(const struct config *c, struct sockets *ret, struct error *e)
{
	struct sockets_wanted wanted = { .addresses = c->listen_addresses,
		.port = (uint16_t)c->listen_port,
		.mapper_port = (uint16_t)c->mapper_port,
		.mapper_is_optional = !config_is_set(c, &c->mapper_port) };

	return sockets_open(&wanted, ret, e);
}

static int start(const struct config *c, const char *directory, const struct options *o, char **argv)
{
	const struct identity *user, *token_user = NULL;
	struct sockets sockets = { 0 };
	struct error e = { 0 };
	int ready = -1, r = instance_user(c, &user, &e);

	if (r == 0)
		r = instance_token_user(c, &token_user, &e);
	if (r == 0)
		r = instance_prepare(c, directory, user, &e);
	if (r == 0 && chdir("/") < 0)
		r = error_set_code(&e, -errno, "cannot go to /");
	if (r == 0)
		r = open_sockets(c, &sockets, &e);
	if (r == 0 && o->daemon) {
		r = go_to_background(c, user, &ready);
		if (r < 0)
			(void)error_set_code(&e, r, "cannot go to the background");
	}
	if (r < 0) {
		log_error("%s", e.text);
		return 1;
	}
	return run_priv(c, user, token_user, argv, o, ready, &sockets);
}

static int run_service(int argc, char **argv)
{
	struct options o = options_parse(argc, argv);
	_cleanup_free_ char *directory = NULL;
	struct error e = { 0 };
	struct config c;
	int r;

	if (o.action == OPTIONS_DONE || o.action == OPTIONS_BAD)
		return o.action == OPTIONS_BAD ? 2 : fflush(stdout) != 0;
	log_setup("ruedad", LOG_INFO, logs_to_journal());
	(void)umask(0077);
	if (!o.as_daemon) /* What a shell left open is not for priv. */
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	r = instance_directory(&directory, &e);
	if (r < 0) {
		log_error("%s", r == -ENOMEM ? error_text(r) : e.text);
		return 1;
	}
	if (o.action == OPTIONS_CHECK)
		return check(directory);
	/* The other process, and the programs that it starts, must find the same place from another directory. */
	if (directory != NULL && setenv("RUEDA_DIR", directory, 1) < 0)
		return 1;
	r = config_load(directory, log_problem, NULL, &c);
	if (r < 0) {
		log_error("not started: the configuration cannot be used%s",
		    o.as_daemon ? " by the daemon's user, who must be "
				  "able to enter the directories above it and to read it"
				: "");
		if (r != -ENOMEM)
			config_done(&c);
		return 1;
	}
	log_set_level((enum log_level)c.log_level);
	r = o.as_daemon ? daemon_run(&c, directory, &o) : start(&c, directory, &o, argv);
	config_done(&c);
	return r;
}

/* The processes that are not for people: what they are told is exact, and they need no configuration. */
static int run_helper(char **argv)
{
	bool is_host = strcmp(argv[1], "--as-host") == 0;

	log_setup(is_host ? "rueda-host" : "rueda-guard", LOG_INFO, logs_to_journal());
	(void)umask(0077);
	if (argv[2] == NULL)
		return guard_unit_main();
	return is_host ? host_main(argv[2], argv[3] != NULL) : guard_main(argv[2], argv[3] != NULL);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && (strcmp(argv[1], "--as-host") == 0 || strcmp(argv[1], "--as-guard") == 0))
		return run_helper(argv);
	if (argc == 2 && strcmp(argv[1], "--as-guard-unit") == 0)
		return run_helper(argv);
	if (argc == 2 && strcmp(argv[1], "--as-winbind") == 0)
		return winbind_helper_main();
	return run_service(argc, argv);
}
