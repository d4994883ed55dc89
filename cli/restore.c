/* restore: put the cluster database of a backup set in force on this machine, or only the checkpoints of a resource.
 *
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recovery.h"
#include <stdio.h>
#include <string.h>

static int print_story(const struct cli *c, const char *path, const char *resource, const char16_t *story)
{
	_cleanup_free_ char *text = u16_to_utf8(u16_from_z(story));
	struct json j = { 0 };

	if (c->json) {
		json_open(&j, NULL, '{');
		json_text(&j, "path", path);
		json_bool(&j, "plan", c->plan);
		json_u16(&j, "story", u16_from_z(story));
		json_close(&j, '}');
		return json_print(&j);
	}
	if (resource == NULL && !c->plan)
		printf("The cluster database of %s is in force.\n", path);
	if (text != NULL && text[0] != 0)
		printf("%s\n", text);
	return output_end();
}

/* --only resource=NAME --checkpoints */
static int restore_checkpoints(struct cli *c)
{
	static const char prefix[] = "resource=";
	_cleanup_free_ char *path = cli_path(c->arguments[0]), *text = NULL;
	_cleanup_free_ char16_t *units = path != NULL ? cli_units(path) : NULL, *resource = NULL;
	DWORD flags = (c->force ? RUEDA_RESTORE_FORCE : 0) | (c->plan ? RUEDA_RESTORE_PLAN : 0), code;
	WCHAR story[RUEDA_STORY_CCH] = { 0 };
	const char *name;
	int r;

	if (c->only == NULL || !c->checkpoints)
		return cli_usage(c, "--only resource=NAME and --checkpoints go together");
	if (strncmp(c->only, prefix, strlen(prefix)) != 0 || c->only[strlen(prefix)] == 0)
		return cli_usage(c, "--only needs resource=NAME");
	if (c->drive != NULL || c->as_node != NULL || c->as_new != NULL || c->recovery_passphrase_file != NULL ||
	    c->recovery_private_key != NULL)
		return cli_usage(c, "with --only there can be --force, --plan, --yes and --json");
	name = c->only + strlen(prefix);
	resource = cli_units(name);
	if (units == NULL || resource == NULL)
		return CLI_USAGE;
	if (!c->plan) {
		r = cli_confirm(c, "Replace what is saved for the checkpoints of %s by what %s has?", name, path);
		if (r != 0)
			return r;
	}
	progress_begin();
	code = RuedaRestoreCheckpoints(cli_wide(units), cli_wide(resource), flags, story, RUEDA_STORY_CCH);
	progress_end();
	text = u16_to_utf8(u16_from_z((const char16_t *)story));
	if (code != 0)
		return cli_fail(code, text, "%s the checkpoints of %s from %s",
		    c->plan ? "planning to restore" : "restoring", name, path);
	return print_story(c, path, name, (const char16_t *)story);
}

int restore_verb(struct cli *c)
{
	_cleanup_free_ char *path = cli_path(c->arguments[0]), *text = NULL;
	_cleanup_free_ char16_t *units = path != NULL ? cli_units(path) : NULL, *drive = cli_units(c->drive),
				*as_node = cli_units(c->as_node), *as_new = cli_units(c->as_new);
	DWORD flags = (c->force ? RUEDA_RESTORE_FORCE : 0) | (c->plan ? RUEDA_RESTORE_PLAN : 0), code;
	_cleanup_(recovery_done) struct recovery recovery = { 0 };
	WCHAR story[RUEDA_STORY_CCH] = { 0 };
	int r;

	if (c->only != NULL || c->checkpoints)
		return restore_checkpoints(c);
	if (units == NULL || (c->drive != NULL && drive == NULL) || (c->as_node != NULL && as_node == NULL) ||
	    (c->as_new != NULL && as_new == NULL))
		return CLI_USAGE;
	if (drive != NULL &&
	    ((c->drive[0] | 0x20) < 'a' || (c->drive[0] | 0x20) > 'z' || strcmp(c->drive + 1, ":") != 0))
		return cli_usage(c, "--drive needs a letter and a colon, as in q:");
	r = recovery_read(c, &recovery);
	if (r != 0)
		return r;
	if (!c->plan) {
		r = cli_confirm(c, "Replace the cluster database of this machine by that in %s?", path);
		if (r != 0)
			return r;
	}
	progress_begin();
	code = RuedaRestore(cli_wide(units), flags, cli_wide(drive), cli_wide(as_node), cli_wide(as_new),
	    recovery_given(&recovery), story, RUEDA_STORY_CCH);
	progress_end();
	text = u16_to_utf8(u16_from_z((const char16_t *)story));
	if (code != 0)
		return cli_fail(
		    code, text, "%s the cluster database from %s", c->plan ? "planning to restore" : "restoring", path);
	return print_story(c, path, NULL, (const char16_t *)story);
}
