/* set_directory: the directory of a backup set, opened for a job.
 *
 * Why      three jobs (backup, restore, rebuilding a checkpoint) open a directory as their caller, and none of them may wait for ever
 *          for a mount that hangs, nor hold up the end of the service.
 * How      priv opens it (priv/client.h) and each step in it has quiet_seconds to show life (priv/patience.h).  An eventfd tells
 *          the thread that waits that the job has been cancelled; its reason is told instead of the error that came of it.
 * Promise  after set_directory_cancel() the job's thread comes back within PATIENCE_CANCEL_MS of waiting.
 * Threads  cancel: the loop; open: a worker.
 * Design   docs/design/backup.md        Tests  tests/integration/hanging_sets.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/set_directory.h"
#include "base/fd.h"
#include "priv/client.h"
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>

int set_directory_init(struct set_directory *d, const struct service *s)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	*d = (struct set_directory){ .cancel_fd = fd };
	d->patience = (struct patience)PATIENCE_ENDLESS;
	d->patience.quiet_seconds = (unsigned)s->config->quiet_seconds;
	d->patience.cancel_fd = fd;
	return 0;
}

void set_directory_done(struct set_directory *d)
{
	close_fd(&d->cancel_fd);
}

int set_directory_open(struct set_directory *d, struct service *s, enum priv_request_type type, const char *path,
    bool may_create, const struct rpc_identity *caller, struct priv_directory *ret, struct error *e)
{
	struct priv_open what = { .type = type, .path = path, .may_create = may_create, .patience = &d->patience };
	int r;

	if (caller->local) {
		what.uid = caller->uid;
		what.gid = caller->gid;
		what.groups = caller->groups;
		what.group_count = caller->group_count;
	} else {
		what.remote = caller->name;
		what.is_principal = caller->kind == RPC_BY_KERBEROS;
	}
	r = s->open_directory(s->priv, &what, ret, e);
	d->opened = r == 0;
	return r;
}

void set_directory_cancel(struct set_directory *d, int why)
{
	uint64_t one = 1;

	if (atomic_load(&d->why) != 0)
		return;
	atomic_store(&d->why, why);
	(void)!write(d->cancel_fd, &one, sizeof(one));
}

int set_directory_cancelled(struct set_directory *d)
{
	return atomic_load(&d->why);
}

int set_directory_outcome(struct set_directory *d, int r, struct error *e)
{
	int why = set_directory_cancelled(d);
	struct error before = *e;

	if (r >= 0)
		return r;
	if (why < 0 && (r == why || r == ERR_CANCELLED))
		return error_set_code(e, why, "cancelled");
	if (r == ERR_TIMEOUT && d->opened)
		(void)error_set(e, r,
		    "%.300s; a file system that gives no sign of life is given up after %u s (quiet_seconds in "
		    "[backup] of "
		    "rueda.conf): look at the mount",
		    before.code != 0 ? before.text : error_text(r), d->patience.quiet_seconds);
	return r;
}
