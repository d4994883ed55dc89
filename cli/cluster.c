/* cluster: the verbs about the service of this machine: cluster create, status, trace, shutdown.
 *
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/recovery.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = { [RuedaStateNoCluster] = "no cluster",
	[RuedaStateStarting] = "starting",
	[RuedaStateUp] = "up",
	[RuedaStateChangingGeneration] = "changing generation",
	[RuedaStateStopping] = "stopping" };

static const char *state_name(RUEDA_STATE state)
{
	return (size_t)state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

static struct u16 view(LPCWSTR text)
{
	return u16_from_z((const char16_t *)text);
}

/* --node: a cluster is made of the node whose service answers, so all that can be done is to compare. */
static int check_node(const struct cli *c, const RUEDA_STATUS *s)
{
	_cleanup_free_ char16_t *wanted = cli_units(c->node);
	char own[RUEDA_NAME_CCH];

	if (c->node == NULL)
		return 0;
	if (wanted == NULL)
		return CLI_USAGE;
	if (u16_equal(u16_from_z(wanted), view(s->szNodeName)))
		return 0;
	fprintf(stderr,
	    "rueda: no cluster was created: the node of this machine is '%s', not '%s'. Run the command on that "
	    "node, or leave --node out.\n",
	    u16_to_utf8_buffer(view(s->szNodeName), own, sizeof(own)), c->node);
	return CLI_FAILED;
}

int cluster_create_verb(struct cli *c)
{
	_cleanup_free_ char16_t *name = cli_units(c->arguments[0]);
	_cleanup_free_ RUEDA_STATUS *s = calloc(1, sizeof(*s));
	_cleanup_(recovery_done) struct recovery recovery = { 0 };
	WCHAR story[RUEDA_STORY_CCH] = { 0 };
	_cleanup_free_ char *text = NULL;
	struct json j = { 0 };
	DWORD code;
	int r;

	if (name == NULL || s == NULL)
		return CLI_USAGE;
	r = recovery_read(c, &recovery);
	if (r != 0)
		return r;
	code = RuedaGetStatus(s);
	r = code == 0 ? check_node(c, s) : cli_fail(code, NULL, "creating the cluster");
	if (r != 0)
		return r;
	code = RuedaCreateCluster(cli_wide(name), 0, recovery_given(&recovery), story, RUEDA_STORY_CCH);
	text = u16_to_utf8(view(story));
	if (code != 0)
		return cli_fail(code, text, "creating the cluster '%s'", c->arguments[0]);
	if (!c->json) {
		printf("The cluster '%s' was created%s.\n", c->arguments[0],
		    recovery_given(&recovery) == NULL ? " without a cluster key"
		    : recovery.call.dwKind == RUEDA_RECOVERY_PASSPHRASE
			? "; its cluster key is sealed under the passphrase"
			: "; its cluster key is sealed under the public key");
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_u16(&j, "cluster", u16_from_z(name));
	json_u16(&j, "node", view(s->szNodeName));
	json_close(&j, '}');
	return json_print(&j);
}

static struct seal_id key_id(const RUEDA_STATUS *s)
{
	struct seal_id id;

	static_assert(sizeof(id.bytes) == sizeof(s->ClusterKey.Id), "the same id");
	memcpy(id.bytes, s->ClusterKey.Id, sizeof(id.bytes));
	return id;
}

static int status_json(const RUEDA_STATUS *s)
{
	struct guid instance = output_guid(&s->InstanceId), generation = output_guid(&s->GenerationId);
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "state", state_name(s->State));
	json_u16(&j, "cluster", view(s->szClusterName));
	json_u16(&j, "node", view(s->szNodeName));
	json_guid(&j, "instance_id", &instance);
	json_number(&j, "generation", s->qwGeneration);
	json_guid(&j, "generation_id", &generation);
	json_number(&j, "applied_index", s->qwAppliedIndex);
	json_number(&j, "checkpoint_index", s->qwCheckpointIndex);
	json_time(&j, "started", output_filetime(s->Started));
	json_number(&j, "api_level", s->dwApiLevel);
	json_number(&j, "groups", s->cGroups);
	json_number(&j, "resources", s->cResources);
	json_number(&j, "nodes", s->cNodes);
	json_bytes(&j, "database_digest", s->DatabaseDigest, sizeof(s->DatabaseDigest));
	if (s->ClusterKey.Seal == RuedaSealNone) {
		json_null(&j, "cluster_key");
	} else {
		json_open(&j, "cluster_key", '{');
		json_bytes(&j, "id", s->ClusterKey.Id, sizeof(s->ClusterKey.Id));
		json_text(&j, "sealed_under", recovery_kind_name((enum seal_kind)s->ClusterKey.Seal));
		json_bool(&j, "open", s->ClusterKey.bOpen);
		json_close(&j, '}');
	}
	if (s->LastBackup.szPath[0] == 0) {
		json_null(&j, "last_backup");
	} else {
		json_open(&j, "last_backup", '{');
		json_u16(&j, "path", view(s->LastBackup.szPath));
		json_time(&j, "started", output_filetime(s->LastBackup.Started));
		json_time(&j, "ended", output_filetime(s->LastBackup.Ended));
		json_bool(&j, "running", s->LastBackup.bRunning);
		json_number(&j, "status", s->LastBackup.dwStatus);
		json_close(&j, '}');
	}
	json_close(&j, '}');
	return json_print(&j);
}

static void print_last_backup(const RUEDA_STATUS *s)
{
	const char *name = error_win32_name(s->LastBackup.dwStatus);

	output_name("last backup");
	if (s->LastBackup.szPath[0] == 0) {
		printf("none\n");
		return;
	}
	output_u16(view(s->LastBackup.szPath));
	printf(", begun ");
	output_time(output_filetime(s->LastBackup.Started));
	if (s->LastBackup.bRunning)
		printf(", running\n");
	else if (s->LastBackup.dwStatus == 0)
		printf(", complete\n");
	else
		printf(", failed: %" PRIu32 " %s\n", s->LastBackup.dwStatus, name != NULL ? name : "");
}

static void print_key(const RUEDA_STATUS *s)
{
	char id[2 * SEAL_ID_LEN + 1];
	struct seal_id bytes = key_id(s);

	static_assert(
	    (int)RuedaSealRsa == (int)SEAL_RSA && (int)RuedaSealEllipticCurve == (int)SEAL_ECDH, "the same kinds");
	output_name("cluster key");
	if (s->ClusterKey.Seal == RuedaSealNone) {
		printf("none\n");
		return;
	}
	seal_id_format(&bytes, id);
	printf("%s, sealed under %s, %s\n", id, seal_kind_text((enum seal_kind)s->ClusterKey.Seal),
	    s->ClusterKey.bOpen ? "open on this node" : "not open on this node");
}

static void print_status(const RUEDA_STATUS *s)
{
	struct guid generation = output_guid(&s->GenerationId);
	char id[GUID_TEXT_LEN + 1];

	output_name("state");
	printf("%s\n", state_name(s->State));
	output_name("node");
	output_u16(view(s->szNodeName));
	printf("\n");
	output_name("started");
	output_time(output_filetime(s->Started));
	printf("\n");
	if (s->szClusterName[0] == 0)
		return;
	output_name("cluster");
	output_u16(view(s->szClusterName));
	printf("\n");
	guid_format(&generation, id);
	output_name("generation");
	printf("%" PRIu64 " (%s)\n", s->qwGeneration, id);
	output_name("applied");
	printf("%" PRIu64 ", checkpoint %" PRIu64 "\n", s->qwAppliedIndex, s->qwCheckpointIndex);
	output_name("objects");
	printf("%" PRIu32 " groups, %" PRIu32 " resources, %" PRIu32 " nodes\n", s->cGroups, s->cResources, s->cNodes);
	output_name("API level");
	printf("%" PRIu32 "\n", s->dwApiLevel);
	print_key(s);
	print_last_backup(s);
}

int status_verb(struct cli *c)
{
	_cleanup_free_ RUEDA_STATUS *s = calloc(1, sizeof(*s));
	DWORD code;

	if (s == NULL)
		return cli_fail(ERROR_NOT_ENOUGH_MEMORY, NULL, "status");
	code = RuedaGetStatus(s);
	if (code != 0)
		return cli_fail(code, NULL, "status");
	if (c->json)
		return status_json(s);
	print_status(s);
	return output_end();
}

int trace_verb(struct cli *c)
{
	struct json j = { 0 };
	LPSTR trace;
	DWORD code = RuedaGetTrace(&trace);

	if (code != 0)
		return cli_fail(code, NULL, "reading the flight recorder");
	if (!c->json) {
		output_lines(trace, strlen(trace));
		(void)LocalFree(trace);
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_open(&j, "lines", '[');
	for (char *line = trace; *line != 0;) {
		size_t n = strcspn(line, "\n");
		bool more = line[n] == '\n';

		line[n] = 0;
		json_text(&j, NULL, line);
		line += n + more;
	}
	json_close(&j, ']');
	json_close(&j, '}');
	(void)LocalFree(trace);
	return json_print(&j);
}

int shutdown_verb(struct cli *c)
{
	int r = cli_confirm(c, "Stop the cluster service of this machine?");
	DWORD code;

	if (r != 0)
		return r;
	code = RuedaShutdown(0);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "stopping the service");
}
