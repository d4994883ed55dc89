/* resource_run: the verbs that make resources run, stop and fail, and the one that tells why they are as they are.
 *
 * Threads  one.      Tests  tests/integration/objects_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"
#include "cli/table.h"
#include <stdio.h>

/* Online, offline, fail, restart. */

static struct look look_at_resource(const struct subject *s, void *data)
{
	const CLUSTER_RESOURCE_STATE *goal = data;
	CLUSTER_RESOURCE_STATE state = GetClusterResourceState(s->resource, NULL, NULL, NULL, NULL);
	struct look look = { resource_state_word(state), WAIT_TIMEOUT };

	if (state == ClusterResourceStateUnknown)
		look.code = GetLastError();
	else if (state == *goal)
		look.code = ERROR_SUCCESS;
	else if (state == ClusterResourceFailed && *goal == ClusterResourceOnline)
		look.code = ERROR_RESOURCE_FAILED;
	return look;
}

static int request(
    const struct cli *c, DWORD (*ask)(HRESOURCE resource), CLUSTER_RESOURCE_STATE goal, const char *doing)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);

	return r != 0 ? r : wait_for(c, &s, doing, ask(s.resource), look_at_resource, &goal);
}

int resource_online_verb(struct cli *c)
{
	return request(c, OnlineClusterResource, ClusterResourceOnline, "bringing online");
}

int resource_offline_verb(struct cli *c)
{
	return request(c, OfflineClusterResource, ClusterResourceOffline, "taking offline");
}

int resource_fail_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	int r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);
	DWORD code = r == 0 ? FailClusterResource(s.resource) : 0;

	return r != 0 || code == 0 ? r : cli_fail(code, NULL, "failing the resource '%s'", s.text);
}

int resource_restart_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	CLUSTER_RESOURCE_STATE goal = ClusterResourceOnline;
	int r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);

	return r != 0 ? r
		      : wait_for(c, &s, "restarting", RestartClusterResource(s.resource, 0), look_at_resource, &goal);
}

/* Why. */

static const char *reason_text(RUEDA_REASON reason)
{
	switch (reason) {
	case RuedaReasonAsked:
		return "asked for";
	case RuedaReasonHost:
		return "said by its host";
	case RuedaReasonRestart:
		return "restarted after a failure";
	case RuedaReasonTimeout:
		return "took too long";
	case RuedaReasonNodeLost:
		return "its node was lost";
	case RuedaReasonDecided:
		return "not wanted any more, or its group moves, or a provider left";
	}
	return "unknown";
}

static int why_json(const struct subject *s, const RUEDA_RESOURCE_HISTORY *h)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "name", s->text);
	json_u16(&j, "host_text", u16_from_z((const char16_t *)h->szHostText));
	json_open(&j, "changes", '[');
	for (DWORD i = 0; i < h->cChanges; i++) {
		json_open(&j, NULL, '{');
		json_time(&j, "time", output_filetime(h->Changes[i].Time));
		json_text(&j, "state", resource_state_word(h->Changes[i].State));
		json_text(&j, "reason", reason_text(h->Changes[i].Reason));
		json_number(&j, "code", h->Changes[i].dwCode);
		json_u16(&j, "node", u16_from_z((const char16_t *)h->Changes[i].szNodeName));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

static void why_line(const RUEDA_RESOURCE_HISTORY *h, DWORD i)
{
	DWORD code = h->Changes[i].dwCode;
	const char *name = error_win32_name(code);
	struct u16 node = u16_from_z((const char16_t *)h->Changes[i].szNodeName);

	output_time(output_filetime(h->Changes[i].Time));
	printf("  %s: %s", resource_state_word(h->Changes[i].State), reason_text(h->Changes[i].Reason));
	if (code != 0)
		printf(" (%u%s%s)", code, name != NULL ? " " : "", name != NULL ? name : "");
	if (node.len > 0) {
		printf(" on ");
		output_u16(node);
	}
	printf("\n");
}

int resource_why_verb(struct cli *c)
{
	_cleanup_subject_ struct subject s = { 0 };
	_cleanup_free_ RUEDA_RESOURCE_HISTORY *h = calloc(1, sizeof(*h));
	DWORD code;
	int r = h == NULL ? CLI_FAILED : subject_open(c, NOUN_RESOURCE, 0, GENERIC_READ, &s);

	if (r != 0)
		return r;
	code = RuedaGetResourceHistory(s.resource, h);
	if (code != ERROR_SUCCESS)
		return cli_fail(code, NULL, "asking for the history of the resource '%s'", s.text);
	if (c->json)
		return why_json(&s, h);
	if (h->cChanges == 0)
		printf("It has never run.\n");
	for (DWORD i = 0; i < h->cChanges; i++)
		why_line(h, i);
	if (h->szHostText[0] != 0) {
		printf("Its host said last: ");
		output_u16(u16_from_z((const char16_t *)h->szHostText));
		printf("\n");
	}
	return output_end();
}
