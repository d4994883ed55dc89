/* hosts: the resources that this node runs, or is to run or to stop.
 *
 * How      the runtime state says which operation is pending on which resource of this life of this node.  Each operation
 *          is begun once, and its end is reported with its number until the report has been applied.
 * Types    "Local Quorum" is the log itself, "Network Name" what the cluster is called by: they are online as soon as they
 *          are asked to be, and offline likewise.  Others
 *          cannot be run by this version: their operations fail at once, with ERROR_CALL_NOT_IMPLEMENTED.
 * Threads  the loop thread.       Tests  tests/integration/resources.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/agents/hosts.h"
#include "base/log.h"
#include "cluster/group/apply.h"
#include "ruedad/service.h"
#include "wire/command.h"

/* The last operation that was begun for a resource. */
struct hosted {
	struct hosted *next;
	struct hosts *hosts;
	struct guid id;
	uint64_t operation;
	unsigned reports; /* Without an outcome yet. */
};

struct hosts {
	struct service *service;
	struct hosted *all;
	bool posted, freed;
};

int hosts_new(struct service *s, struct hosts **ret)
{
	struct hosts *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return -ENOMEM;
	h->service = s;
	*ret = h;
	return 0;
}

static void hosts_unref(struct hosts *h)
{
	if (!h->freed || h->posted)
		return;
	while (h->all != NULL) {
		struct hosted *next = h->all->next;

		free(h->all);
		h->all = next;
	}
	free(h);
}

void hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	h->freed = true;
	hosts_unref(h);
}

static struct hosted *hosted_get(struct hosts *h, const struct guid *id)
{
	struct hosted *r = h->all;

	while (r != NULL && !guid_equal(&r->id, id))
		r = r->next;
	if (r != NULL)
		return r;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	*r = (struct hosted){ .next = h->all, .hosts = h, .id = *id };
	h->all = r;
	return r;
}

static void on_reported(void *data, int status, const struct cluster_result *result)
{
	struct hosted *r = data;

	(void)result; /* A refusal says that the operation is not wanted any more. */
	r->reports--;
	if (status == 0)
		return;
	r->operation = 0; /* Nobody knows of it: it is reported again. */
	hosts_look(r->hosts);
}

static void report(struct hosted *r, enum resource_state state, uint32_t status, const char16_t *text)
{
	struct command command = { .kind = COMMAND_RESOURCE_REPORT, .version = COMMAND_VERSION };
	struct service *s = r->hosts->service;
	struct buf bytes = { 0 };
	int e;

	command.resource_report =
	    (struct command_ResourceReport){ r->id, r->operation, state, status, 0, text, loop_wall_filetime(s->loop) };
	e = ndr_message_push(&command_messages, &command, &bytes);
	if (e == 0)
		e = replica_propose(s->replica, bytes.data, bytes.len, on_reported, r);
	buf_done(&bytes);
	if (e == 0) {
		r->reports++;
	} else {
		log_warning(
		    "what a resource did could not be logged, it will be tried again error=\"%s\"", error_text(e));
		r->operation = 0;
	}
}

/* Types that need no process. */
static bool runs_within(struct u16 type)
{
	return u16_equal(type, U16("Local Quorum")) || u16_equal(type, U16("Network Name"));
}

static void begin(struct hosted *r, const struct resource_run *run)
{
	const struct db_key *key = resource_key(db_root(cluster_db(r->hosts->service->cluster)), &run->id);
	bool online = run->state == RESOURCE_ONLINE_PENDING;

	r->operation = run->operation;
	if (!online)
		report(r, RESOURCE_OFFLINE, 0, u"");
	else if (key != NULL && runs_within(object_type_of(key)))
		report(r, RESOURCE_ONLINE, 0, u"");
	else
		report(r, RESOURCE_FAILED, error_to_win32(ERR_CALL_NOT_IMPLEMENTED),
		    u"this version cannot run resources of this type");
}

static void hosts_turn(void *data)
{
	struct hosts *h = data;
	const struct group_table *t;
	uint64_t incarnation;

	h->posted = false;
	if (h->freed) {
		hosts_unref(h);
		return;
	}
	if (h->service->state != SERVICE_UP)
		return;
	t = cluster_groups(h->service->cluster);
	incarnation = cluster_node_up(h->service->cluster, h->service->node);
	for (uint32_t i = 0; i < t->resource_count; i++) {
		const struct resource_run *run = &t->resources[i];
		struct hosted *r;

		if (run->incarnation != incarnation ||
		    (run->state != RESOURCE_ONLINE_PENDING && run->state != RESOURCE_OFFLINE_PENDING))
			continue;
		r = hosted_get(h, &run->id);
		if (r != NULL && r->operation != run->operation)
			begin(r, run);
	}
}

/* A turn of its own: this is called from within the replica. */
void hosts_look(struct hosts *h)
{
	if (!h->posted && h->service->state == SERVICE_UP)
		h->posted = loop_post(h->service->loop, hosts_turn, h) == 0;
}
