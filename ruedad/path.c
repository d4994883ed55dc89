/* path: from the path that a program names to the directory that this node means by it.
 *
 * Why      programs written for Windows name c:\backup and \\server\share, run-books written here name /srv/backup, and
 *          all of them must come to one directory, the same every time, without looking at a disk: what exists and who
 *          may enter it is for priv to find out, as the caller.
 * How      '\' and '/' are equal and may be doubled; one at the end means nothing.
 *
 *            c:\x  c:/x  c: \\?\c:\x      DRIVES/c:/x; letters in any case; where the link leads is the administrator's
 *            \\server\share\x  //server/share/x  \\?\UNC\server\share\x
 *                                         the [unc] entry with the longest matching name, any case, then the rest
 *            /x                           itself
 *
 *          Everything else is refused: c:x and x\y (relative to a directory that a service does not have), \\.\device,
 *          an unknown share, ".." (a link on the way would give it another meaning than Windows does), and in the two
 *          Windows forms the characters that Windows does not allow in names.
 * Promise  the result is absolute, has no "." or ".." in it, and begins with '/', DRIVES, or the directory of an entry.
 * Not kept a name with a '\' in it cannot be said; no 8.3 names, no trailing-dot rules.
 * Errors   87 none or empty; 206 too long; 1113 an unpaired surrogate; 3 an unknown share; 161 all the rest.
 * Threads  all functions.      Limits  path.h.      Tests  tests/unit/path.c, tests/fuzz/path.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/path.h"
#include "base/bytes.h"

enum { SHOWN_MAX = 160 }; /* Bytes of the caller's path in a message. */

static bool is_slash(char16_t u)
{
	return u == '\\' || u == '/';
}

static struct u16 skip(struct u16 s, size_t n)
{
	return (struct u16){s.units + n, s.len - n};
}

/* Take the next component, without slashes, off *rest; false at the end. */
static bool next_component(struct u16 *rest, struct u16 *ret)
{
	size_t n = 0;

	while (rest->len > 0 && is_slash(rest->units[0]))
		*rest = skip(*rest, 1);
	while (n < rest->len && !is_slash(rest->units[n]))
		n++;
	*ret = (struct u16){rest->units, n};
	*rest = skip(*rest, n);
	return n > 0;
}

static bool is_dots(struct u16 component, size_t dots)
{
	return component.len == dots && component.units[0] == '.' && component.units[dots - 1] == '.';
}

static bool is_drive(struct u16 component)
{
	char16_t letter = component.len == 2 ? component.units[0] | 0x20 : 0;

	return letter >= 'a' && letter <= 'z' && component.units[1] == ':';
}

static bool is_windows_name(struct u16 component)
{
	for (size_t i = 0; i < component.len; i++)
		if (component.units[i] < ' ' || (component.units[i] < 0x80 && strchr("<>:\"|?*", component.units[i])))
			return false;
	return true;
}

struct translation {
	const struct path_context *context;
	struct error *e;
	struct buf out;
	char shown[SHOWN_MAX]; /* The caller's path, for messages. */
	bool windows; /* One of the two Windows forms. */
	size_t components; /* Appended so far. */
};

static int refuse(struct translation *t, int code, const char *why)
{
	return error_set(t->e, code, "%s: %s", t->shown, why);
}

static int append_component(struct translation *t, struct u16 component)
{
	_cleanup_free_ char *utf8 = NULL;

	if (is_dots(component, 1))
		return 0;
	if (is_dots(component, 2))
		return refuse(t, ERR_BAD_PATHNAME, "'..' is not followed; give the directory itself");
	if (t->windows && !is_windows_name(component))
		return refuse(t, ERR_BAD_PATHNAME, "a name in it has a character that is not allowed");
	utf8 = u16_to_utf8(component);
	if (utf8 == NULL)
		return -ENOMEM;
	if (strlen(utf8) > PATH_COMPONENT_MAX)
		return refuse(t, ERR_FILENAME_EXCED_RANGE, "a name in it is longer than 255 bytes");
	if (t->out.len == 0 || t->out.data[t->out.len - 1] != '/')
		buf_u8(&t->out, '/');
	buf_append(&t->out, utf8, strlen(utf8));
	t->components++;
	return t->out.error;
}

static int append_all(struct translation *t, struct u16 rest)
{
	struct u16 component;

	while (next_component(&rest, &component)) {
		int r = append_component(t, component);

		if (r < 0)
			return r;
	}
	return 0;
}

static int translate_drive(struct translation *t, struct u16 drive, struct u16 rest)
{
	char link[4] = {'/', (char)(drive.units[0] | 0x20), ':', 0};

	t->windows = true;
	buf_append(&t->out, t->context->drives, strlen(t->context->drives));
	buf_append(&t->out, link, 3);
	return append_all(t, rest);
}

/* Does the path (after its leading slashes) begin with the components of name?  Then *ret_rest is what follows. */
static bool unc_matches(const struct unc_entry *entry, struct u16 path, struct u16 *ret_rest)
{
	struct u16 name = {entry->name, entry->name_len}, a, b;

	while (next_component(&name, &a))
		if (!next_component(&path, &b) || !u16_equal(a, b))
			return false;
	*ret_rest = path;
	return true;
}

static int translate_unc(struct translation *t, struct u16 path)
{
	const struct unc_entry *best = NULL;
	struct u16 rest = path, server, share, after;

	t->windows = true;
	if (!next_component(&rest, &server) || !next_component(&rest, &share))
		return refuse(t, ERR_BAD_PATHNAME, "a server and a share are needed");
	for (size_t i = 0; i < t->context->unc->count; i++) {
		const struct unc_entry *entry = &t->context->unc->entries[i];

		if (unc_matches(entry, path, &after) && (best == NULL || after.len < rest.len)) {
			best = entry;
			rest = after;
		}
	}
	if (best == NULL)
		return refuse(t, ERR_PATH_NOT_FOUND, "no entry of [unc] in rueda.conf names this share");
	buf_append(&t->out, best->directory, strlen(best->directory));
	t->components = 1; /* The share's own directory may be made: it has a name and a parent like any other. */
	return append_all(t, rest);
}

static int translate_form(struct translation *t, struct u16 path)
{
	struct u16 rest = path, first;
	size_t slashes = 0;

	while (slashes < path.len && is_slash(path.units[slashes]))
		slashes++;
	if (slashes == 2 && path.len > 3 && is_slash(path.units[3])) {
		if (path.units[2] == '.')
			return refuse(t, ERR_BAD_PATHNAME, "a device is not a directory");
		if (path.units[2] == '?') {
			rest = skip(path, 4);
			if (!next_component(&rest, &first))
				return refuse(t, ERR_BAD_PATHNAME, "nothing follows the prefix");
			if (is_drive(first))
				return translate_drive(t, first, rest);
			if (u16_equal(first, U16("UNC")))
				return translate_unc(t, rest);
			return refuse(t, ERR_BAD_PATHNAME, "the prefix is followed by neither a drive nor UNC");
		}
	}
	if (slashes == 2)
		return translate_unc(t, path);
	if (slashes > 2 && path.units[0] == '\\')
		return refuse(t, ERR_BAD_PATHNAME, "it begins with more than two backslashes");
	if (slashes > 0)
		return append_all(t, path);
	if (next_component(&rest, &first) && is_drive(first))
		return translate_drive(t, first, rest);
	return refuse(t, ERR_BAD_PATHNAME, "the path is not absolute");
}

int path_translate(const struct path_context *context, struct u16 windows, struct path *ret, struct error *e)
{
	struct translation t = {.context = context, .e = e};
	int r;

	assert(context->drives[0] == '/');
	if (windows.units == NULL || windows.len == 0)
		return error_set(e, ERR_INVALID_PARAMETER, "no path is given");
	if (windows.len > PATH_UNITS_MAX)
		return error_set(e, ERR_FILENAME_EXCED_RANGE, "the path is longer than %d units", PATH_UNITS_MAX);
	if (!u16_is_well_formed(windows))
		return error_set(e, ERR_NO_UNICODE_TRANSLATION, "the path has an unpaired surrogate");
	(void)u16_to_utf8_buffer(windows, t.shown, sizeof(t.shown));
	if (u16_has_unit(windows, 0))
		return refuse(&t, ERR_BAD_PATHNAME, "the path has a zero in it");

	r = translate_form(&t, windows);
	if (r == 0 && t.out.len == 0)
		buf_u8(&t.out, '/');
	buf_u8(&t.out, 0);
	if (r == 0)
		r = t.out.error;
	if (r == 0)
		*ret = (struct path){(char *)TAKE_PTR(t.out.data), t.components > 0};
	buf_done(&t.out);
	return r;
}

void path_done(struct path *p)
{
	free(p->text);
	*p = (struct path){0};
}

/* Is directory fit to stand at the front of a result? */
static bool is_plain_absolute(const char *directory)
{
	size_t len = strlen(directory);

	if (directory[0] != '/' || (len > 1 && directory[len - 1] == '/'))
		return false;
	for (const char *p = directory; p != NULL; p = strchr(p + 1, '/')) {
		size_t n = strcspn(p + 1, "/");

		if ((n == 0 && len > 1) || (n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.') ||
		    n > PATH_COMPONENT_MAX)
			return false;
	}
	return true;
}

/* The name without its slashes at the ends; an error if it does not name a server and a share. */
static int unc_parse_name(const char *name, char16_t **ret, size_t *ret_len, struct error *e)
{
	_cleanup_free_ char16_t *units = NULL;
	struct u16 s, rest, component;
	size_t components = 0;
	int r = utf8_to_u16(name, strlen(name), &units, &s.len);

	if (r == -EILSEQ)
		return error_set(e, -EINVAL, "the name is not UTF-8");
	if (r < 0)
		return r;
	s.units = units;
	if (s.len < 3 || !is_slash(units[0]) || !is_slash(units[1]) || is_slash(units[2]))
		return error_set(e, -EINVAL, "the name does not begin with two slashes");
	while (is_slash(units[s.len - 1]))
		s.len--;
	rest = s;
	for (; next_component(&rest, &component); components++)
		if (!is_windows_name(component) || is_dots(component, 1) || is_dots(component, 2))
			return error_set(
			    e, -EINVAL, "the name has a part that cannot be the name of a server or share");
	if (components < 2)
		return error_set(e, -EINVAL, "the name needs a server and a share: //server/share");
	memmove(units, units + 2, (s.len - 2) * sizeof(char16_t));
	*ret_len = s.len - 2;
	*ret = TAKE_PTR(units);
	return 0;
}

int unc_map_add(struct unc_map *map, const char *name, const char *directory, struct error *e)
{
	_cleanup_free_ char16_t *units = NULL;
	_cleanup_free_ char *copy = NULL;
	struct unc_entry *entries;
	struct u16 rest;
	size_t len = 0;
	int r = unc_parse_name(name, &units, &len, e);

	if (r < 0)
		return r;
	if (!is_plain_absolute(directory))
		return error_set(
		    e, -EINVAL, "the directory is not an absolute path without '.', '..', '//' or '/' at its end");
	for (size_t i = 0; i < map->count; i++) {
		/* Each a prefix of the other: the same, however the slashes are written. */
		struct unc_entry added = {.name = units, .name_len = len};
		struct u16 other = {map->entries[i].name, map->entries[i].name_len};

		if (unc_matches(&map->entries[i], (struct u16){units, len}, &rest) && unc_matches(&added, other, &rest))
			return error_set(e, -EEXIST, "the share is there already; case does not matter");
	}
	if (map->count == UNC_ENTRIES_MAX)
		return error_set(e, -E2BIG, "there are more than %d shares", UNC_ENTRIES_MAX);
	copy = strdup(directory);
	entries = realloc(map->entries, (map->count + 1) * sizeof(*entries));
	if (entries != NULL)
		map->entries = entries;
	if (copy == NULL || entries == NULL)
		return -ENOMEM;
	entries[map->count++] = (struct unc_entry){TAKE_PTR(units), len, TAKE_PTR(copy)};
	return 0;
}

void unc_map_done(struct unc_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		free(map->entries[i].name);
		free(map->entries[i].directory);
	}
	free(map->entries);
	*map = (struct unc_map){0};
}
