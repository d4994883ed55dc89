/* backup: back up the cluster database, and copy the set to more places.
 *
 * Rules    PATH is the service's: it may be a drive letter or a share.  Copies are made by this program, so they need a set
 *          in a directory of this machine that the caller may read.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/copy.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "io/linux/disk.h"
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static int copy_all(const struct cli *c, const char *path)
{
	_cleanup_(disk_freep) struct disk *from = NULL;
	_cleanup_(set_freep) struct set *set = NULL;
	struct error error = { 0 };
	int r = c->copy_count == 0 ? 0 : disk_linux_open(path, &from);

	if (c->copy_count == 0)
		return 0;
	if (r == 0)
		r = set_read(from, &set, &error);
	if (r < 0)
		return cli_fail_error(r, &error, "the backup is complete, but reading it for the copies");
	for (size_t i = 0; i < c->copy_count; i++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "copying %" PRIu64 " bytes to %s ...\n", set->info.bytes, c->copy_to[i]);
		r = copy_set(from, set, c->copy_to[i], &error);
		if (r < 0)
			return cli_fail_error(r, &error, "the backup is complete, but copying it to %s", c->copy_to[i]);
	}
	return 0;
}

static int print_json(const struct cli *c, const char *path, const RUEDA_BACKUP_RESULT *b)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_text(&j, "path", path);
	json_u16(&j, "snapshot", u16_from_z((const char16_t *)b->szSnapshot));
	json_number(&j, "bytes", b->cbSet);
	json_number(&j, "keys", b->cKeys);
	json_number(&j, "values", b->cValues);
	json_number(&j, "index", b->qwIndex);
	json_bytes(&j, "database_digest", b->DatabaseDigest, sizeof(b->DatabaseDigest));
	json_open(&j, "copies", '[');
	for (size_t i = 0; i < c->copy_count; i++)
		json_text(&j, NULL, c->copy_to[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

int backup_verb(struct cli *c)
{
	_cleanup_free_ char *path = cli_path(c->arguments[0]), *story = NULL;
	_cleanup_free_ char16_t *units = path != NULL ? cli_units(path) : NULL;
	RUEDA_BACKUP_RESULT b = { 0 };
	DWORD code;
	int r;

	if (units == NULL)
		return CLI_USAGE;
	if (c->copy_count > 0 && path[0] != '/')
		return cli_usage(c, "--copy-to needs a PATH on this machine");
	progress_begin();
	code = RuedaBackup(cli_wide(units), &b);
	progress_end();
	story = u16_to_utf8(u16_from_z((const char16_t *)b.szStory));
	if (code != 0)
		return cli_fail(code, story, "backup of the cluster database to %s", path);
	r = copy_all(c, path);
	if (r != 0)
		return r;
	if (c->json)
		return print_json(c, path, &b);
	printf("The cluster database is in %s: %" PRIu64 " keys, %" PRIu64 " values, %" PRIu64
	       " bytes, up to change %" PRIu64 ".\n",
	    path, b.cKeys, b.cValues, b.cbSet, b.qwIndex);
	if (story != NULL && story[0] != 0)
		printf("%s\n", story);
	for (size_t i = 0; i < c->copy_count; i++)
		printf("A proven copy is in %s.\n", c->copy_to[i]);
	return output_end();
}
