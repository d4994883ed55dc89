/* checkpoint: the verbs about checkpoints of resources: ls, add, rm, rebuild; show is in checkpoint_show.c.
 *
 * How      names and blobs of checkpoints are values below the resource's key (docs/formats/checkpoint.md), which is read as
 *          any key is; changes are control codes, where Windows has them.
 * Threads  one.      Tests  tests/integration/checkpoint_cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/checkpoint.h"
#include "base/filetime.h"
#include "base/sha256.h"
#include "capture/name.h"
#include "cli/regfile.h"
#include "cli/regtree.h"
#include "cli/table.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHORT_DIGEST = 12 }; /* Digits of it that a list shows. */

const char *checkpoint_kind_word(enum checkpoint_kind kind)
{
	return kind == CHECKPOINT_CRYPTO ? "crypto" : "registry";
}

int checkpoint_name_read(const struct cli *c, size_t argument, struct checkpoint_name *ret)
{
	_cleanup_free_ char16_t *units = NULL;
	bool given = c->argument_count > argument;
	int r;

	if (given + (c->file != NULL) + (c->crypto != NULL) != 1)
		return cli_usage(c, "one of KEY, --file PATH and --crypto NAME is needed");
	ret->text = given ? c->arguments[argument] : c->file != NULL ? c->file : c->crypto;
	ret->kind = c->crypto != NULL ? CHECKPOINT_CRYPTO : CHECKPOINT_REGISTRY;
	if (c->file != NULL) {
		r = source_name_of_path(c->file, &ret->units);
		return r == -ENOMEM ? cli_fail_error(r, NULL, "rueda %s", c->verb->words)
		       : r < 0      ? cli_usage(c, "'%s' is no absolute path without '.' and '..' in it", c->file)
				    : 0;
	}
	if (given && ret->text[0] == '/')
		return cli_usage(c, "'%s' is no key; --file %s names a file or directory", ret->text, ret->text);
	units = cli_units(ret->text);
	if (units == NULL)
		return CLI_USAGE;
	ret->units = u16_dup(given ? cli_key_path(units, REGFILE_LOCAL_ROOT) : u16_from_z(units));
	return ret->units != NULL ? 0 : cli_fail_error(-ENOMEM, NULL, "rueda %s", c->verb->words);
}

void checkpoint_name_done(struct checkpoint_name *n)
{
	free(n->units);
	n->units = NULL;
}

int checkpoint_load(const struct subject *s, struct db **ret)
{
	HKEY key = GetClusterResourceKey(s->resource, KEY_READ);
	int r = key == NULL ? ERR_FROM_WIN32(GetLastError()) : regtree_load(key, (struct u16){ 0 }, true, ret);

	if (key != NULL)
		(void)ClusterRegCloseKey(key);
	return r < 0 ? cli_fail_error(r, NULL, "reading the checkpoints of the resource '%s'", s->text) : 0;
}

void checkpoint_json(struct json *j, const struct checkpoint *checkpoint)
{
	json_text(j, "kind", checkpoint_kind_word(checkpoint->kind));
	json_u16(j, "name", checkpoint->path);
	json_number(j, "number", checkpoint->number);
	if (!checkpoint->saved) {
		json_null(j, "saved");
		json_null(j, "size");
		json_null(j, "sha256");
		return;
	}
	json_time(j, "saved", checkpoint->time);
	json_number(j, "size", checkpoint->length);
	json_bytes(j, "sha256", checkpoint->digest.bytes, SHA256_LEN);
}

/* Each resource, or the one that is named. */

typedef int each_resource(const struct cli *c, const struct subject *s, void *data);

static int for_each_resource(const struct cli *c, DWORD access, each_resource *each, void *data)
{
	_cleanup_names_ struct names names = { 0 };
	struct subject all = { .noun = NOUN_RESOURCE };
	DWORD code;
	int r;

	if (c->argument_count > 0) {
		_cleanup_subject_ struct subject one = { 0 };

		r = subject_open(c, NOUN_RESOURCE, 0, access, &one);
		return r != 0 ? r : each(c, &one, data);
	}
	r = cli_open(access, &all.cluster);
	if (r != 0)
		return r;
	code = names_of_cluster(all.cluster, CLUSTER_ENUM_RESOURCE, &names);
	if (code != ERROR_SUCCESS)
		r = cli_fail(code, NULL, "listing the resources");
	for (size_t i = 0; i < names.count && r == 0; i++) {
		_cleanup_subject_ struct subject one = { 0 };
		_cleanup_free_ char *text = u16_to_utf8(u16_from_z(names.all[i]));

		r = text == NULL ? cli_fail_error(-ENOMEM, NULL, "listing the resources")
				 : subject_open_in(all.cluster, NOUN_RESOURCE, text, access, &one);
		if (r == 0)
			r = each(c, &one, data);
	}
	subject_done(&all);
	return r;
}

/* Ls. */

struct listing {
	struct json json;
	struct table table;
};

static void list_row(struct table *t, const struct subject *s, const struct checkpoint *checkpoint)
{
	char digest[2 * SHA256_LEN + 1] = "-", number[24] = "-", when[32] = "never";

	if (checkpoint->saved) {
		filetime_format(checkpoint->time, when);
		(void)snprintf(number, sizeof(number), "%" PRIu64, checkpoint->length);
		digest_format(&checkpoint->digest, digest);
		digest[SHORT_DIGEST] = 0;
	}
	table_add(t, u16_from_z(s->name));
	table_add_text(t, checkpoint_kind_word(checkpoint->kind));
	table_add_text(t, when);
	table_add_text(t, number);
	table_add_text(t, digest);
	table_add(t, checkpoint->path);
}

static int list_resource(const struct cli *c, const struct subject *s, void *data)
{
	_cleanup_(db_freep) struct db *db = NULL;
	struct listing *l = data;
	struct checkpoint checkpoint;
	int r = checkpoint_load(s, &db);

	if (r != 0)
		return r;
	for (size_t at = 0; checkpoint_next(db_root(db), &at, &checkpoint);) {
		if (!c->json) {
			list_row(&l->table, s, &checkpoint);
			continue;
		}
		json_open(&l->json, NULL, '{');
		json_u16(&l->json, "resource", u16_from_z(s->name));
		checkpoint_json(&l->json, &checkpoint);
		json_close(&l->json, '}');
	}
	return 0;
}

int checkpoint_ls_verb(struct cli *c)
{
	static const struct table_column columns[] = { { "RESOURCE", "" }, { "KIND", "" }, { "SAVED", "" },
		{ "BYTES", "" }, { "SHA-256", "" }, { "NAME", "" } };
	/* JSON has numbers, and more of them, so it does not come from the table. */
	struct cli as_text = { .verb = c->verb };
	struct listing l = { .table = table_begin(&as_text, "", columns, ARRAY_SIZE(columns)) };
	int r;

	json_open(&l.json, NULL, '{');
	json_open(&l.json, "checkpoints", '[');
	r = for_each_resource(c, GENERIC_READ, list_resource, &l);
	json_close(&l.json, ']');
	json_close(&l.json, '}');
	if (r == 0)
		r = c->json ? json_print(&l.json) : table_end(&l.table, 0, "listing the checkpoints");
	buf_done(&l.json.text);
	table_done(&l.table);
	return r;
}

/* Add and rm. */

/* What may be wrong with the name or its source, where the code's own advice does not say. */
static const char *add_hint(DWORD code, const struct checkpoint_name *n, bool of_file)
{
	bool of_key = n->kind == CHECKPOINT_CRYPTO;

	switch (code) {
	case ERROR_INVALID_PARAMETER:
	case ERROR_BAD_PATHNAME:
		return of_key ? "the name of a key is 1\\PEM\\/PATH, 1\\PKCS12\\/PATH or 1\\PKCS11\\pkcs11:URI" : NULL;
	case ERROR_FILE_NOT_FOUND:
		return of_file ? "there is no such file or directory on the node"
		       : n->kind == CHECKPOINT_REGISTRY
			   ? "this node's own registry has no such key; rueda reg --local makes one"
			   : NULL;
	case ERROR_ACCESS_DENIED:
		if (of_key)
			return "[checkpoints] in rueda.conf: roots of files, pkcs11_module and pkcs11_pin_file of "
			       "tokens";
		return of_file ? "it must be below one of the roots of [checkpoints] in rueda.conf, and readable"
			       : NULL;
	case ERROR_NOT_SUPPORTED:
		return of_file
			   ? "the log of the service names the hard link, device or mount that no checkpoint can hold"
			   : NULL;
	case ERROR_ALREADY_EXISTS:
		return "the resource has this checkpoint already";
	default:
		return NULL;
	}
}

static bool is_of_file(const struct checkpoint_name *n)
{
	static const struct u16 prefix = { u"File\\", 5 };
	struct u16 name = u16_from_z(n->units);

	return n->kind == CHECKPOINT_REGISTRY && name.len > prefix.len &&
	       u16_equal((struct u16){ name.units, prefix.len }, prefix);
}

static DWORD control(const struct subject *s, const struct checkpoint_name *n, DWORD registry, DWORD crypto)
{
	DWORD len = (DWORD)((u16_from_z(n->units).len + 1) * sizeof(char16_t));

	return ClusterResourceControl(
	    s->resource, NULL, n->kind == CHECKPOINT_CRYPTO ? crypto : registry, n->units, len, NULL, 0, NULL);
}

int checkpoint_add_verb(struct cli *c)
{
	_cleanup_checkpoint_name_ struct checkpoint_name name = { 0 };
	_cleanup_subject_ struct subject s = { 0 };
	DWORD code;
	int r = checkpoint_name_read(c, 1, &name);

	if (r == 0)
		r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);
	if (r != 0)
		return r;
	code = control(&s, &name, CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT, CLUSCTL_RESOURCE_ADD_CRYPTO_CHECKPOINT);
	return code == 0 ? CLI_OK
			 : cli_fail(code, add_hint(code, &name, is_of_file(&name)),
			       "adding the checkpoint '%s' to the resource '%s'", name.text, s.text);
}

int checkpoint_rm_verb(struct cli *c)
{
	_cleanup_checkpoint_name_ struct checkpoint_name name = { 0 };
	_cleanup_subject_ struct subject s = { 0 };
	DWORD code;
	int r = checkpoint_name_read(c, 1, &name);

	if (r == 0)
		r = subject_open(c, NOUN_RESOURCE, 0, GENERIC_ALL, &s);
	if (r == 0)
		r = cli_confirm(
		    c, "Remove the checkpoint '%s' of the resource '%s' with what is saved for it?", name.text, s.text);
	if (r != 0)
		return r;
	code =
	    control(&s, &name, CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT, CLUSCTL_RESOURCE_DELETE_CRYPTO_CHECKPOINT);
	return code == 0 ? CLI_OK
			 : cli_fail(code,
			       code == ERROR_FILE_NOT_FOUND ? "rueda checkpoint ls lists those that there are" : NULL,
			       "removing the checkpoint '%s' of the resource '%s'", name.text, s.text);
}

/* Rebuild. */

struct rebuilding {
	const struct checkpoint_name *name; /* NULL: each checkpoint of the resource. */
	char16_t *set;                      /* Or NULL. */
	struct json json;
	int worst; /* An enum cli_exit. */
	size_t count;
};

static const char *outcome_word(RUEDA_REBUILD outcome)
{
	static const char *const words[] = { "whole", "captured", "taken", "planned" };

	return (unsigned)outcome < ARRAY_SIZE(words) ? words[outcome] : "unknown";
}

static void rebuild_one(
    const struct cli *c, const struct subject *s, struct rebuilding *b, enum checkpoint_kind kind, const char16_t *path)
{
	_cleanup_free_ char *name = u16_to_utf8(u16_from_z(path)), *text = NULL;
	WCHAR story[RUEDA_STORY_CCH] = { 0 };
	RUEDA_REBUILD outcome = RuedaRebuildWhole;
	DWORD code = RuedaRebuildCheckpoint(s->resource, kind, cli_wide(path), cli_wide(b->set),
	    c->plan ? RUEDA_REBUILD_PLAN : 0, &outcome, story, RUEDA_STORY_CCH);

	text = u16_to_utf8(u16_from_z((const char16_t *)story));
	b->count++;
	if (code != 0)
		b->worst = cli_fail(code, text, "rebuilding the checkpoint '%s' of the resource '%s'",
		    name != NULL ? name : "", s->text);
	json_open(&b->json, NULL, '{');
	json_u16(&b->json, "resource", u16_from_z(s->name));
	json_text(&b->json, "kind", checkpoint_kind_word(kind));
	json_u16(&b->json, "name", u16_from_z(path));
	json_text(&b->json, "outcome", code != 0 ? "failed" : outcome_word(outcome));
	json_number(&b->json, "code", code);
	json_text(&b->json, "story", text != NULL ? text : "");
	json_close(&b->json, '}');
	if (code != 0 || c->json)
		return;
	output_u16(u16_from_z(s->name));
	printf(": ");
	output_u16(u16_from_z(path));
	printf(": %s\n", text != NULL ? text : "");
}

static int rebuild_resource(const struct cli *c, const struct subject *s, void *data)
{
	_cleanup_(db_freep) struct db *db = NULL;
	struct rebuilding *b = data;
	struct checkpoint checkpoint;
	int r;

	if (b->name != NULL) {
		rebuild_one(c, s, b, b->name->kind, b->name->units);
		return 0;
	}
	r = checkpoint_load(s, &db);
	if (r != 0)
		return r;
	for (size_t at = 0; checkpoint_next(db_root(db), &at, &checkpoint);) {
		_cleanup_free_ char16_t *path = u16_dup(checkpoint.path);

		if (path == NULL)
			return cli_fail_error(-ENOMEM, NULL, "rebuilding checkpoints");
		rebuild_one(c, s, b, checkpoint.kind, path);
	}
	return 0;
}

int checkpoint_rebuild_verb(struct cli *c)
{
	_cleanup_checkpoint_name_ struct checkpoint_name name = { 0 };
	_cleanup_free_ char *path = c->from != NULL ? cli_path(c->from) : NULL;
	_cleanup_free_ char16_t *set = cli_units(path);
	struct rebuilding b = { .set = set };
	int r = c->from != NULL && set == NULL ? CLI_USAGE : 0;

	if (r == 0 && (c->argument_count > 1 || c->file != NULL || c->crypto != NULL)) {
		if (c->argument_count == 0)
			return cli_usage(c, "a checkpoint needs its RESOURCE");
		r = checkpoint_name_read(c, 1, &name);
		b.name = &name;
	}
	/* What is whole would become older with it: only the one that is named. */
	if (r == 0 && set != NULL && b.name == NULL)
		return cli_usage(c, "with --from one checkpoint must be named");
	if (r != 0)
		return r;
	json_open(&b.json, NULL, '{');
	json_open(&b.json, "checkpoints", '[');
	r = for_each_resource(c, GENERIC_ALL, rebuild_resource, &b);
	json_close(&b.json, ']');
	json_close(&b.json, '}');
	if (r == 0 && c->json) {
		r = json_print(&b.json);
		return r != 0 ? r : b.worst;
	}
	buf_done(&b.json.text);
	if (r == 0 && b.count == 0)
		printf("There are no checkpoints.\n");
	return r != 0 ? r : b.worst != 0 ? b.worst : output_end();
}
