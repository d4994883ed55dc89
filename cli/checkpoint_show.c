/* checkpoint_show: what is saved for a checkpoint: keys as .reg text, files as a list, or the content of one file.
 *
 * How      all of it is read and proven first, so a list that begins is whole.  A crypto checkpoint stays encrypted.
 * Threads  one.      Tests  tests/integration/checkpoint_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "backup/dbhive.h"
#include "base/filetime.h"
#include "capture/format.h"
#include "cli/checkpoint.h"
#include "cli/regfile.h"
#include "cli/value.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Files. */

struct files {
	struct json *json;               /* NULL: text. */
	const char *wanted;              /* The file whose content is printed; NULL: all are listed. */
	struct buf path;                 /* Below the source: names with '/' between, not terminated. */
	size_t ends[TREE_DEPTH_MAX + 2]; /* Of the path, at each level. */
	size_t depth;
	bool here, found; /* This entry is the wanted one; it was there. */
	uint64_t written, length;
};

static void print_zeros(uint64_t count)
{
	static const char zeros[4096];

	while (count > 0 && !ferror(stdout)) {
		size_t n = (size_t)MIN(count, (uint64_t)sizeof(zeros));

		(void)fwrite(zeros, 1, n, stdout);
		count -= n;
	}
}

static uint64_t filetime_of(const struct tree_time *t)
{
	enum { EPOCH_SECONDS_HIGH = 116444736 }; /* 1601 to 1970, in units of 100 s. */

	return (uint64_t)(t->seconds + EPOCH_SECONDS_HIGH * INT64_C(100)) * 10000000 + t->nanoseconds / 100;
}

static void mode_text(const struct tree_entry *e, char ret[11])
{
	static const char letters[] = "rwxrwxrwx";

	ret[0] = e->kind == TREE_DIRECTORY ? 'd' : e->kind == TREE_LINK ? 'l' : '-';
	for (unsigned i = 0; i < 9; i++)
		ret[i + 1] = e->mode & (0400u >> i) ? letters[i] : '-';
	if (e->mode & 04000)
		ret[3] = e->mode & 0100 ? 's' : 'S';
	if (e->mode & 02000)
		ret[6] = e->mode & 010 ? 's' : 'S';
	if (e->mode & 01000)
		ret[9] = e->mode & 1 ? 't' : 'T';
	ret[10] = 0;
}

/* Bytes of a name as text: what is no UTF-8 and what drives a terminal is escaped. */
static int escaped(const char *bytes, size_t len, struct buf *ret)
{
	source_escape(bytes, len, ret);
	return ret->error;
}

static struct u16 units_of(const struct buf *b)
{
	return (struct u16){ (const char16_t *)(const void *)b->data, b->len / sizeof(char16_t) };
}

static int list_entry(struct files *f, const struct tree_entry *e)
{
	static const char *const kinds[] = {
		[TREE_FILE] = "file", [TREE_DIRECTORY] = "directory", [TREE_LINK] = "link"
	};
	_cleanup_(buf_done) struct buf name = { 0 }, target = { 0 };
	char mode[11], octal[8];
	int r = escaped((const char *)f->path.data, f->path.len, &name);

	if (r == 0 && e->kind == TREE_LINK)
		r = escaped(e->target, strlen(e->target), &target);
	if (r < 0)
		return r;
	if (f->json != NULL) {
		json_open(f->json, NULL, '{');
		json_u16(f->json, "path", units_of(&name));
		json_text(f->json, "type", kinds[e->kind]);
		(void)snprintf(octal, sizeof(octal), "%04o", e->mode & TREE_MODE_BITS);
		json_text(f->json, "mode", octal);
		json_number(f->json, "owner", e->owner);
		json_number(f->json, "group", e->group);
		json_number(f->json, "size", e->length);
		json_time(f->json, "modified", filetime_of(&e->modified));
		if (e->kind == TREE_LINK)
			json_u16(f->json, "target", units_of(&target));
		json_close(f->json, '}');
		return 0;
	}
	mode_text(e, mode);
	printf("%s %5" PRIu32 " %5" PRIu32 " %10" PRIu64 "  ", mode, e->owner, e->group, e->length);
	output_time(filetime_of(&e->modified));
	printf("  ");
	if (name.len == 0)
		printf(".");
	output_u16(units_of(&name));
	if (e->kind == TREE_LINK) {
		printf(" -> ");
		output_u16(units_of(&target));
	}
	printf("\n");
	return 0;
}

static int on_begin(void *data, const struct tree_entry *e)
{
	struct files *f = data;
	size_t len;

	f->ends[f->depth++] = f->path.len;
	if (f->path.len > 0)
		buf_append(&f->path, "/", 1);
	buf_append(&f->path, e->name, strlen(e->name));
	if (f->path.error != 0)
		return f->path.error;
	if (f->wanted == NULL)
		return list_entry(f, e);
	len = strlen(f->wanted);
	f->here = e->kind == TREE_FILE && (f->path.len == len ? memcmp(f->path.data, f->wanted, len) == 0
							      : f->path.len == 0 && strcmp(f->wanted, ".") == 0);
	if (f->here) {
		f->found = true;
		f->written = 0;
		f->length = e->length;
	}
	return 0;
}

static int on_part(void *data, uint64_t offset, const void *bytes, size_t len)
{
	struct files *f = data;

	if (!f->here)
		return 0;
	print_zeros(offset - f->written);
	(void)fwrite(bytes, 1, len, stdout);
	f->written = offset + len;
	return ferror(stdout) ? -EIO : 0;
}

static int on_end(void *data)
{
	struct files *f = data;

	if (f->here)
		print_zeros(f->length - f->written);
	f->here = false;
	f->path.len = f->ends[--f->depth];
	return 0;
}

static int show_files(
    const struct cli *c, const struct checkpoint_name *name, const BYTE *bytes, size_t len, struct json *j)
{
	struct files f = { .json = c->json ? j : NULL, .wanted = c->cat };
	const struct tree_visitor visitor = { on_begin, on_part, NULL, on_end, &f }, none = { 0 };
	struct error error = { 0 };
	int r = files_read(bytes, len, &none, &error);

	if (r == 0) {
		json_open(j, "files", '[');
		r = files_read(bytes, len, &visitor, &error);
		json_close(j, ']');
	}
	buf_done(&f.path);
	if (r < 0)
		return cli_fail_error(r, &error, "reading what is saved for '%s'", name->text);
	if (c->cat != NULL && !f.found)
		return cli_fail(ERROR_FILE_NOT_FOUND, "without --cat the files are listed",
		    "finding the file '%s' in the checkpoint '%s'", c->cat, name->text);
	return 0;
}

/* Keys. */

static int show_key(
    const struct cli *c, const struct checkpoint_name *name, const BYTE *bytes, size_t len, struct json *j)
{
	_cleanup_(buf_done) struct buf text = { 0 }, utf8 = { 0 };
	_cleanup_(db_freep) struct db *db = NULL;
	struct error error = { 0 };
	int r = dbhive_read(bytes, len, &db, &error);

	if (r == 0)
		r = value_reg_text(db_root(db), REGFILE_LOCAL_ROOT, u16_from_z(name->units), &text);
	if (r == 0)
		r = regfile_to_utf8(&text, &utf8);
	if (r == 0 && c->json)
		buf_append(&utf8, "", 1);
	if (r == 0)
		r = utf8.error;
	if (r < 0)
		return cli_fail_error(r, &error, "reading what is saved for '%s'", name->text);
	if (c->json)
		json_text(j, "text", (const char *)utf8.data);
	else
		(void)fwrite(utf8.data, 1, utf8.len, stdout);
	return 0;
}

static int show(const struct cli *c, const struct checkpoint_name *name, const struct checkpoint *checkpoint,
    const BYTE *bytes, size_t len, struct json *j)
{
	_cleanup_(source_name_done) struct source_name source = { 0 };
	int r;

	if (checkpoint->kind == CHECKPOINT_CRYPTO) {
		if (!c->json)
			printf("%" PRIu64 " bytes, encrypted with the cluster key, captured on ", checkpoint->length);
		if (!c->json) {
			output_time(checkpoint->time);
			printf("\n");
		}
		return 0;
	}
	r = source_name_parse(checkpoint->path, &source, NULL);
	if (r < 0)
		return cli_fail_error(r, NULL, "reading the name '%s'", name->text);
	if (source.kind == SOURCE_FILE)
		return show_files(c, name, bytes, len, j);
	return c->cat == NULL ? show_key(c, name, bytes, len, j) : cli_usage(c, "--cat is for checkpoints of files");
}

int checkpoint_show_verb(struct cli *c)
{
	_cleanup_checkpoint_name_ struct checkpoint_name name = { 0 };
	_cleanup_(db_freep) struct db *db = NULL;
	_cleanup_subject_ struct subject s = { 0 };
	struct checkpoint checkpoint;
	struct json j = { 0 };
	ULONGLONG len;
	BYTE *bytes;
	DWORD code;
	int r = c->cat != NULL && c->json ? cli_usage(c, "--cat prints the file as it is, without --json") : 0;

	if (r == 0)
		r = checkpoint_name_read(c, 1, &name);
	if (r == 0)
		r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_READ, &s);
	if (r == 0)
		r = checkpoint_load(&s, &db);
	if (r != 0)
		return r;
	if (!checkpoint_find(db_root(db), name.kind, u16_from_z(name.units), &checkpoint))
		return cli_fail(ERROR_FILE_NOT_FOUND, "rueda checkpoint ls lists those that there are",
		    "finding the checkpoint '%s' of the resource '%s'", name.text, s.text);
	code = RuedaReadCheckpoint(s.resource, name.kind, cli_wide(name.units), &bytes, &len);
	if (code != 0)
		return cli_fail(code,
		    code == ERROR_FILE_NOT_FOUND || code == ERROR_INVALID_DATA
			? "what is saved is missing or damaged; rueda checkpoint rebuild makes it whole again"
			: NULL,
		    "reading what is saved for '%s'", name.text);
	json_open(&j, NULL, '{');
	json_u16(&j, "resource", u16_from_z(s.name));
	checkpoint_json(&j, &checkpoint);
	r = show(c, &name, &checkpoint, bytes, (size_t)len, &j);
	json_close(&j, '}');
	(void)LocalFree(bytes);
	if (r == 0 && c->json)
		return json_print(&j);
	buf_done(&j.text);
	return r != 0 ? r : output_end();
}
