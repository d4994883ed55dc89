/* regimport: carry out a .reg text on the live database.
 *
 * How      the whole text is parsed once before anything is done: a mistake changes nothing, and deletions are counted, so
 *          that they can be asked for.  Then it is parsed again and sent as registry batches of at most BATCH_BYTES; each
 *          is carried out whole or not at all.
 * Not kept one change: a text that needs several batches can end half-way, and the message says in which line.
 * Rules    deleting what is not there is no error, as with the registry editor.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/regfile.h"
#include <inttypes.h>
#include <stdio.h>

enum {
	BATCH_BYTES = 256 << 10, /* Of names and data; the log takes 1 MiB, which the largest value nearly fills. */
	BATCH_COMMANDS = 4096,
	COMMAND_BYTES = 16,
};

struct import {
	HKEY root;
	HREGBATCH batch;
	size_t bytes;
	unsigned count;
	unsigned lines[BATCH_COMMANDS]; /* Of the commands of the batch. */
	unsigned failed_line;           /* 0: not known. */
	uint64_t batches;
};

struct counts {
	uint64_t keys, values, deletions;
};

static int count_entry(void *data, const struct regfile_entry *e)
{
	struct counts *n = data;

	n->keys += e->kind == REGFILE_KEY;
	n->values += e->kind == REGFILE_VALUE;
	n->deletions += e->kind == REGFILE_DELETE_KEY || e->kind == REGFILE_DELETE_VALUE;
	return 0;
}

static int batch_end(struct import *i)
{
	HREGBATCH batch = i->batch;
	INT failed = -1;
	LONG code;

	if (batch == NULL)
		return 0;
	i->batch = NULL;
	code = ClusterRegCloseBatch(batch, TRUE, &failed);
	if (code == 0) {
		i->batches++;
		return 0;
	}
	i->failed_line = failed >= 0 && (unsigned)failed < i->count ? i->lines[failed] : 0;
	return ERR_FROM_WIN32(code);
}

static int batch_add(struct import *i, const struct regfile_entry *e, CLUSTER_REG_COMMAND command, struct u16 name)
{
	bool sets = command == CLUSREG_SET_VALUE;
	_cleanup_free_ char16_t *units = u16_dup(name);
	LONG code;

	if (units == NULL)
		return -ENOMEM;
	code = ClusterRegBatchAddCommand(
	    i->batch, command, cli_wide(units), sets ? e->type : 0, sets ? e->data : NULL, sets ? (DWORD)e->len : 0);
	if (code != 0) {
		i->failed_line = e->line;
		return ERR_FROM_WIN32(code);
	}
	i->lines[i->count++] = e->line;
	i->bytes += COMMAND_BYTES + name.len * sizeof(char16_t) + (sets ? e->len : 0);
	return 0;
}

/* A new batch, whose current key is that of the value which comes next. */
static int batch_begin(struct import *i, const struct regfile_entry *e)
{
	LONG code = ClusterRegCreateBatch(i->root, &i->batch);

	i->bytes = 0;
	i->count = 0;
	if (code != 0)
		return ERR_FROM_WIN32(code);
	if (e->kind == REGFILE_VALUE || e->kind == REGFILE_DELETE_VALUE)
		return batch_add(i, e, CLUSREG_CREATE_KEY, e->key);
	return 0;
}

static int import_entry(void *data, const struct regfile_entry *e)
{
	static const CLUSTER_REG_COMMAND commands[] = { [REGFILE_KEY] = CLUSREG_CREATE_KEY,
		[REGFILE_DELETE_KEY] = CLUSREG_DELETE_KEY,
		[REGFILE_VALUE] = CLUSREG_SET_VALUE,
		[REGFILE_DELETE_VALUE] = CLUSREG_DELETE_VALUE };
	struct import *i = data;
	bool of_value = e->kind == REGFILE_VALUE || e->kind == REGFILE_DELETE_VALUE;
	size_t bytes = COMMAND_BYTES + e->name.len * sizeof(char16_t) + e->len;
	int r = 0;

	if (i->batch != NULL && (i->bytes + bytes > BATCH_BYTES || i->count + 2 > BATCH_COMMANDS))
		r = batch_end(i);
	if (r == 0 && i->batch == NULL)
		r = batch_begin(i, e);
	return r < 0 ? r : batch_add(i, e, commands[e->kind], of_value ? e->name : e->key);
}

/* All of a file, or of standard input. */
static int read_all(const char *path, struct buf *ret)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	int r = f == NULL ? -errno : 0;

	while (r == 0) {
		char chunk[65536];
		size_t n = fread(chunk, 1, sizeof(chunk), f);

		buf_append(ret, chunk, n);
		if (ret->error != 0 || ret->len > REGFILE_MAX || n < sizeof(chunk)) {
			r = ret->error != 0 ? ret->error : ferror(f) ? -EIO : 0;
			break;
		}
	}
	if (f != NULL && f != stdin)
		(void)fclose(f);
	return r;
}

static int import_all(const struct cli *c, const struct buf *text, uint64_t *ret_batches)
{
	_cleanup_free_ struct import *i = calloc(1, sizeof(*i));
	struct error error = { 0 };
	int r = i == NULL ? cli_fail_error(-ENOMEM, NULL, "importing")
			  : cli_open_root(c, GENERIC_ALL, KEY_ALL_ACCESS, &i->root);

	if (r != 0)
		return r;
	r = regfile_parse(text->data, text->len, cli_root_name(c), import_entry, i, &error);
	if (r == 0)
		r = batch_end(i);
	if (i->batch != NULL)
		(void)ClusterRegCloseBatch(i->batch, FALSE, NULL);
	(void)ClusterRegCloseKey(i->root);
	*ret_batches = i->batches;
	if (r == 0)
		return 0;
	if (i->failed_line > 0)
		(void)error_set(
		    &error, r, "line %u; %" PRIu64 " batches before it were carried out", i->failed_line, i->batches);
	return cli_fail_error(r, &error, "importing %s", c->arguments[0]);
}

int reg_import_verb(struct cli *c)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	struct error error = { 0 };
	struct counts n = { 0 };
	struct json j = { 0 };
	uint64_t batches = 0;
	int r = read_all(c->arguments[0], &text);

	if (r == 0)
		r = regfile_parse(text.data, text.len, cli_root_name(c), count_entry, &n, &error);
	if (r < 0)
		return cli_fail_error(r, &error, "reading %s", c->arguments[0]);
	if (n.deletions > 0) {
		r = cli_confirm(c, "%s has %" PRIu64 " deletions. Carry it out?", c->arguments[0], n.deletions);
		if (r != 0)
			return r;
	}
	r = import_all(c, &text, &batches);
	if (r != 0)
		return r;
	if (!c->json) {
		printf("%" PRIu64 " keys, %" PRIu64 " values and %" PRIu64 " deletions were carried out.\n", n.keys,
		    n.values, n.deletions);
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_number(&j, "keys", n.keys);
	json_number(&j, "values", n.values);
	json_number(&j, "deletions", n.deletions);
	json_number(&j, "batches", batches);
	json_close(&j, '}');
	return json_print(&j);
}
