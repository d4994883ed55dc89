/* check: the digests of all nodes compared through the log, and each node's memory proven against its own.
 *
 * Why      a bit that flips in memory, or a bug that makes replicas differ, would otherwise be found when a backup is
 *          restored, and by then be in every checkpoint.
 * How      after check_changes changes of the database, or check_minutes after the first one, this node proves on a worker,
 *          from a snapshot, that the tree has the digest that was kept as it changed; each checkpoint does the same before
 *          it is written.  The owner also logs Check{index, digests}; a node whose digests differ at that index stops.
 * Promise  an idle cluster's log does not grow: a check is due for changes only, and is none itself.  What differs is
 *          written nowhere; the next start has the last checkpoint and the log.
 * Not kept other commands between the drawing and the Check in the log make it say nothing: on a busy log that is the rule,
 *          and the comparison waits for a quieter moment.  The proof does not depend on that.
 * Threads  the loop thread; proofs on a worker.
 * Tests    tests/sim/service.c, tests/unit/cluster.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/check.h"
#include "base/log.h"
#include "wire/command.h"
#include <inttypes.h>
#include <string.h>

#define MINUTE_NS 60000000000ull

static void on_check_applied(void *data, int status, const struct cluster_result *result)
{
	(void)data; /* What differs has been seen in check_applied(). */
	(void)result;
	trace("check: %s", error_text(status));
}

static void propose_check(struct service *s)
{
	struct digest database = db_digest(cluster_db(s->cluster)), runtime;
	struct command command = { .kind = COMMAND_CHECK, .version = COMMAND_VERSION };
	struct buf bytes = { 0 };
	int r = cluster_runtime_digest(s->cluster, &runtime);

	if (r == 0) {
		command.check.index = cluster_applied(s->cluster);
		command.check.runtime_version = CLUSTER_RUNTIME_VERSION;
		memcpy(command.check.db_digest, database.bytes, SHA256_LEN);
		memcpy(command.check.runtime_digest, runtime.bytes, SHA256_LEN);
		r = ndr_message_push(&command_messages, &command, &bytes);
	}
	if (r == 0)
		r = replica_propose(s->replica, bytes.data, bytes.len, on_check_applied, s);
	buf_done(&bytes);
	if (r < 0)
		trace("no check is proposed: %s", error_text(r)); /* The next changes bring the next one. */
}

static void check_now(void *data)
{
	struct service *s = data;

	s->unchecked = 0;
	if (s->check_timer != NULL)
		loop_timer_stop(s->check_timer);
	if (s->state != SERVICE_UP || s->damaged)
		return;
	if (cluster_owner(s->cluster, NULL) == s->node)
		propose_check(s);
	service_prove(s);
}

void check_applied(struct service *s, const struct cluster_event *event, const struct cluster_result *result)
{
	if (result->differs) {
		struct error error;

		(void)error_set(&error, ERR_CLUSTER_DATABASE_SEQMISMATCH,
		    "the state of this node is not that of the owner before event %" PRIu64
		    " of the log; nothing of it is written any more, and the next start begins from the last "
		    "checkpoint: if "
		    "it is equal then, the memory was faulty; if not, this program is",
		    event->index);
		service_is_damaged(s, &error);
		return;
	}
	if (s->state != SERVICE_UP || result->batch.len == 0)
		return;
	if (s->check_timer == NULL && loop_timer_new(s->loop, check_now, s, &s->check_timer) < 0)
		s->check_timer = NULL; /* Without memory for it, the number of changes alone decides. */
	if (++s->unchecked >= s->config->check_changes)
		check_now(s);
	else if (s->unchecked == 1 && s->check_timer != NULL)
		loop_timer_start(s->check_timer, s->config->check_minutes * MINUTE_NS);
}

void check_end(struct service *s)
{
	loop_timer_free(s->check_timer);
	s->check_timer = NULL;
	s->unchecked = 0;
}
