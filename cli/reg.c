/* reg: the verbs about the live cluster database, and this node's own registry: ls, get, set, del, export; import is in
 * regimport.c.
 *
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/regfile.h"
#include "cli/regtree.h"
#include "cli/value.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a verb works on. */
struct target {
	char16_t *units; /* Owned: the argument. */
	char16_t *path;  /* Owned, terminated: the key below the root. */
	HKEY root;
};

static void target_done(struct target *t)
{
	if (t->root != NULL)
		(void)ClusterRegCloseKey(t->root);
	free(t->path);
	free(t->units);
}

/* 0, or an enum cli_exit after a message. */
static int target_open(const struct cli *c, size_t argument, DWORD access, REGSAM sam, struct target *t)
{
	t->units = cli_units(argument < c->argument_count ? c->arguments[argument] : "");
	if (t->units == NULL)
		return CLI_USAGE;
	t->path = u16_dup(cli_key_path(t->units, cli_root_name(c)));
	if (t->path == NULL)
		return cli_fail_error(-ENOMEM, NULL, "rueda %s", c->verb->words);
	return cli_open_root(c, access, sam, &t->root);
}

int reg_ls_verb(struct cli *c)
{
	_cleanup_(target_done) struct target t = { 0 };
	_cleanup_(db_freep) struct db *db = NULL;
	int r = target_open(c, 0, GENERIC_READ, KEY_READ, &t);

	if (r != 0)
		return r;
	r = regtree_load(t.root, u16_from_z(t.path), false, &db);
	if (r < 0)
		return cli_fail_error(r, NULL, "listing the key '%s'", c->argument_count > 0 ? c->arguments[0] : "");
	return value_list_key(db_root(db), u16_from_z(t.path), c->json);
}

/* The data on the heap; a code of Windows. */
static DWORD query(HKEY key, const char16_t *name, DWORD *ret_type, BYTE **ret, DWORD *ret_len)
{
	for (;;) {
		DWORD len = 0, type;
		LONG code = ClusterRegQueryValue(key, cli_wide(name), &type, NULL, &len);
		BYTE *data;

		if (code != 0)
			return (DWORD)code;
		data = malloc(MAX(len, 1u));
		if (data == NULL)
			return ERROR_NOT_ENOUGH_MEMORY;
		code = ClusterRegQueryValue(key, cli_wide(name), &type, data, &len);
		if (code == 0) {
			*ret_type = type;
			*ret = data;
			*ret_len = len;
			return 0;
		}
		free(data);
		if (code != ERROR_MORE_DATA) /* It has grown in between. */
			return (DWORD)code;
	}
}

int reg_get_verb(struct cli *c)
{
	_cleanup_(target_done) struct target t = { 0 };
	_cleanup_free_ char16_t *name = cli_units(c->argument_count > 1 ? c->arguments[1] : "");
	_cleanup_free_ BYTE *data = NULL;
	struct json j = { 0 };
	DWORD type, len;
	HKEY key;
	LONG code;
	int r = name == NULL ? CLI_USAGE : target_open(c, 0, GENERIC_READ, KEY_READ, &t);

	if (r != 0)
		return r;
	code = ClusterRegOpenKey(t.root, cli_wide(t.path), KEY_READ, &key);
	if (code != 0)
		return cli_fail_key((DWORD)code, "opening the key", c->arguments[0]);
	code = (LONG)query(key, name, &type, &data, &len);
	(void)ClusterRegCloseKey(key);
	if (code != 0)
		return name[0] == 0
			   ? cli_fail((DWORD)code, NULL, "reading the default value of the key '%s'", c->arguments[0])
			   : cli_fail((DWORD)code, NULL, "reading the value '%s' of the key '%s'", c->arguments[1],
				 c->arguments[0]);
	if (!c->json) {
		value_print(type, data, len);
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_u16(&j, "key", u16_from_z(t.path));
	json_u16(&j, "name", u16_from_z(name));
	value_json_members(&j, type, data, len);
	json_close(&j, '}');
	return json_print(&j);
}

int reg_set_verb(struct cli *c)
{
	_cleanup_(target_done) struct target t = { 0 };
	_cleanup_(buf_done) struct buf data = { 0 };
	bool has_value = c->argument_count > 1;
	_cleanup_free_ char16_t *name = cli_units(has_value ? c->arguments[1] : "");
	uint32_t type = REG_SZ;
	HKEY key;
	LONG code;
	int r = 0;

	if (name == NULL)
		return CLI_USAGE;
	for (size_t i = 0; i < c->type_count; i++)
		if (!has_value || value_parse_type(c->types[i], &type) < 0)
			return cli_usage(c, has_value ? "'%s' is no type" : "--type %s needs a VALUE", c->types[i]);
	if (has_value)
		r = value_parse_data(type, c->arguments + 2, c->argument_count - 2, &data);
	if (r == -ENOMEM)
		return cli_fail_error(r, NULL, "setting the value");
	if (r < 0)
		return cli_usage(c, "the DATA does not fit the type");
	r = target_open(c, 0, GENERIC_ALL, KEY_ALL_ACCESS, &t);
	if (r != 0)
		return r;
	code = ClusterRegCreateKey(t.root, cli_wide(t.path), REG_OPTION_NON_VOLATILE, KEY_ALL_ACCESS, NULL, &key, NULL);
	if (code != 0)
		return cli_fail_key((DWORD)code, "making the key", c->arguments[0]);
	if (has_value)
		code = (LONG)ClusterRegSetValue(key, cli_wide(name), type, data.data, (DWORD)data.len);
	(void)ClusterRegCloseKey(key);
	return code == 0 ? CLI_OK
			 : cli_fail((DWORD)code, NULL, "setting the value '%s' of the key '%s'", c->arguments[1],
			       c->arguments[0]);
}

/* With everything below it: what only a batch can do. */
static LONG delete_tree(HKEY root, const char16_t *path)
{
	HREGBATCH batch;
	LONG code = ClusterRegCreateBatch(root, &batch);

	if (code != 0)
		return code;
	code = ClusterRegBatchAddCommand(batch, CLUSREG_DELETE_KEY, cli_wide(path), 0, NULL, 0);
	if (code != 0) {
		(void)ClusterRegCloseBatch(batch, FALSE, NULL);
		return code;
	}
	return ClusterRegCloseBatch(batch, TRUE, NULL);
}

int reg_del_verb(struct cli *c)
{
	_cleanup_(target_done) struct target t = { 0 };
	_cleanup_free_ char16_t *name = c->argument_count > 1 ? cli_units(c->arguments[1]) : NULL;
	HKEY key;
	LONG code;
	int r = c->argument_count > 1 && name == NULL ? CLI_USAGE : target_open(c, 0, GENERIC_ALL, KEY_ALL_ACCESS, &t);

	if (r != 0)
		return r;
	if (name == NULL && t.path[0] == 0)
		return cli_usage(c, "the root cannot be deleted");
	code = ClusterRegOpenKey(t.root, cli_wide(t.path), KEY_ALL_ACCESS, &key);
	if (code != 0)
		return cli_fail_key((DWORD)code, "opening the key", c->arguments[0]);
	if (name != NULL)
		code = (LONG)ClusterRegDeleteValue(key, cli_wide(name));
	(void)ClusterRegCloseKey(key);
	if (name != NULL)
		return code == 0 ? CLI_OK
				 : cli_fail((DWORD)code, NULL, "deleting the value '%s' of the key '%s'",
				       c->arguments[1], c->arguments[0]);
	r = cli_confirm(c, "Delete the key '%s' and everything below it?", c->arguments[0]);
	if (r != 0)
		return r;
	code = delete_tree(t.root, t.path);
	return code == 0 ? CLI_OK : cli_fail((DWORD)code, NULL, "deleting the key '%s'", c->arguments[0]);
}

/* A new file, whole or not there: it is written beside its place and renamed. */
static int write_file(const char *path, const struct buf *text)
{
	_cleanup_free_ char *temporary = NULL;
	FILE *f;
	bool good;
	int fd;

	if (strcmp(path, "-") == 0) {
		(void)fwrite(text->data, 1, text->len, stdout);
		return output_end();
	}
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return cli_fail_error(-ENOMEM, NULL, "writing %s", path);
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* 0600: the database is nobody else's business. */
	f = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (f == NULL)
		return cli_fail_error(-errno, NULL, "writing %s", path);
	good = fwrite(text->data, 1, text->len, f) == text->len && fflush(f) == 0 && fsync(fd) == 0;
	good = fclose(f) == 0 && good;
	if (good && rename(temporary, path) == 0)
		return CLI_OK;
	(void)cli_fail_error(-errno, NULL, "writing %s", path);
	(void)unlink(temporary);
	return CLI_FAILED;
}

int reg_export_verb(struct cli *c)
{
	_cleanup_(target_done) struct target t = { 0 };
	_cleanup_(db_freep) struct db *db = NULL;
	_cleanup_(buf_done) struct buf text = { 0 }, utf8 = { 0 };
	int r = target_open(c, 1, GENERIC_READ, KEY_READ, &t);

	if (r != 0)
		return r;
	r = regtree_load(t.root, u16_from_z(t.path), true, &db);
	if (r == 0)
		r = value_reg_text(db_root(db), cli_root_name(c), u16_from_z(t.path), &text);
	if (r == 0 && c->utf8)
		r = regfile_to_utf8(&text, &utf8);
	if (r < 0)
		return cli_fail_error(r, NULL, "exporting the key '%s'", c->argument_count > 1 ? c->arguments[1] : "");
	return write_file(c->arguments[0], c->utf8 ? &utf8 : &text);
}
