/* restore: put the cluster database of a backup set in force on this machine.
 *
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recovery.h"
#include <stdio.h>
#include <string.h>

int restore_verb(struct cli *c)
{
	_cleanup_free_ char *path = cli_path(c->arguments[0]), *text = NULL;
	_cleanup_free_ char16_t *units = path != NULL ? cli_units(path) : NULL, *drive = cli_units(c->drive),
				*as_node = cli_units(c->as_node), *as_new = cli_units(c->as_new);
	DWORD flags = (c->force ? RUEDA_RESTORE_FORCE : 0) | (c->plan ? RUEDA_RESTORE_PLAN : 0), code;
	_cleanup_(recovery_done) struct recovery recovery = { 0 };
	WCHAR story[RUEDA_STORY_CCH] = { 0 };
	struct json j = { 0 };
	int r;

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
	if (c->json) {
		json_open(&j, NULL, '{');
		json_text(&j, "path", path);
		json_bool(&j, "plan", c->plan);
		json_u16(&j, "story", u16_from_z((const char16_t *)story));
		json_close(&j, '}');
		return json_print(&j);
	}
	if (!c->plan)
		printf("The cluster database of %s is in force.\n", path);
	if (text != NULL && text[0] != 0)
		printf("%s\n", text);
	return output_end();
}
