/* regtree: keys of the live database, or of the node's own registry, read into memory.
 *
 * Why      what is listed and exported of the live database and of a backup set shall look the same, so both come as a
 *          struct db.
 * Not kept one moment: the keys are read one after the other while others change them.  What vanishes meanwhile is left
 *          out.  One moment is what a backup holds.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/regtree.h"
#include "base/bytes.h"
#include "cli/cli.h"

enum { NAME_UNITS = DB_VALUE_NAME_MAX + 1, DATA_BYTES = 1 << 20 };

struct loader {
	HKEY root; /* Where it begins. */
	struct db *db;
	bool deep;
	struct buf path; /* Below the root; native units, not terminated. */
	WCHAR *name;     /* NAME_UNITS */
	BYTE *data;      /* DATA_BYTES */
};

static uint64_t time_of(FILETIME t)
{
	return (uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime;
}

static struct u16 path_of(const struct loader *l)
{
	return (struct u16){ (const char16_t *)(const void *)l->path.data, l->path.len / sizeof(char16_t) };
}

static int load_values(struct loader *l, HKEY key, uint64_t time)
{
	for (DWORD i = 0;; i++) {
		DWORD cch = NAME_UNITS, cb = DATA_BYTES, type;
		DWORD code = ClusterRegEnumValue(key, i, l->name, &cch, &type, l->data, &cb);
		struct db_value v = { { (const char16_t *)l->name, cch }, type, l->data, cb };
		int r;

		if (code == ERROR_NO_MORE_ITEMS)
			return 0;
		if (code != 0)
			return ERR_FROM_WIN32(code);
		r = db_value_set(l->db, path_of(l), &v, time);
		if (r < 0)
			return r;
	}
}

static int load_key(struct loader *l, HKEY key, uint64_t time);

/* The subkey whose path is at hand. */
static int load_below(struct loader *l, uint64_t time)
{
	_cleanup_free_ char16_t *path = u16_dup(path_of(l));
	HKEY key;
	LONG code;
	int r;

	if (path == NULL)
		return -ENOMEM;
	code = ClusterRegOpenKey(l->root, cli_wide(path), KEY_READ, &key);
	if (code != 0)
		return ERR_FROM_WIN32(code);
	r = load_key(l, key, time);
	(void)ClusterRegCloseKey(key);
	return r;
}

static int load_key(struct loader *l, HKEY key, uint64_t time)
{
	bool is_root = l->path.len == 0;
	int r = is_root ? 0 : db_key_create(l->db, path_of(l), time, NULL);

	if (r == 0 && (is_root || l->deep))
		r = load_values(l, key, time);
	if (!is_root && !l->deep)
		return r;
	for (DWORD i = 0; r == 0; i++) {
		WCHAR name[DB_KEY_NAME_MAX + 1];
		DWORD cch = ARRAY_SIZE(name);
		size_t before = l->path.len;
		FILETIME written;
		LONG code = ClusterRegEnumKey(key, i, name, &cch, &written);

		if (code == ERROR_NO_MORE_ITEMS)
			break;
		if (code != 0)
			return ERR_FROM_WIN32(code);
		if (before > 0)
			buf_append(&l->path, u"\\", sizeof(char16_t));
		buf_append(&l->path, name, cch * sizeof(name[0]));
		if (l->path.error != 0)
			return l->path.error;
		r = l->deep ? load_below(l, time_of(written))
			    : db_key_create(l->db, path_of(l), time_of(written), NULL);
		if (r == ERR_FILE_NOT_FOUND || r == ERR_KEY_DELETED)
			r = 0; /* Gone in the meantime. */
		l->path.len = before;
	}
	return r;
}

int regtree_load(HKEY from, struct u16 path, bool deep, struct db **ret)
{
	_cleanup_(db_freep) struct db *db = NULL;
	_cleanup_free_ char16_t *below = u16_dup(path);
	_cleanup_free_ WCHAR *name = malloc(NAME_UNITS * sizeof(*name));
	_cleanup_free_ BYTE *data = malloc(DATA_BYTES);
	struct loader l = { .deep = deep, .name = name, .data = data };
	FILETIME written = { 0 };
	LONG code;
	int r = below == NULL || name == NULL || data == NULL ? -ENOMEM : db_new(&db);

	if (r < 0)
		return r;
	l.db = db;
	code = ClusterRegOpenKey(from, cli_wide(below), KEY_READ, &l.root);
	if (code == 0) {
		code = ClusterRegQueryInfoKey(l.root, NULL, NULL, NULL, NULL, NULL, NULL, &written);
		r = code != 0 ? ERR_FROM_WIN32(code) : load_key(&l, l.root, time_of(written));
		(void)ClusterRegCloseKey(l.root);
	} else {
		r = ERR_FROM_WIN32(code);
	}
	buf_done(&l.path);
	if (r == 0)
		*ret = TAKE_PTR(db);
	return r;
}
