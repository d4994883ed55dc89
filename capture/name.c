/* name: the names of the sources of registry checkpoints.
 *
 *	SOFTWARE\Example\App       a key of the node's own registry, in any case
 *	File\etc\my app\%4e.conf   the file or directory /etc/my app/N.conf, in this very case
 *
 * Why      the API knows one kind of name for a registry checkpoint, a key's path; files get the part of that name space
 *          that begins with the component "File" (in any case; the local registry's own key of that name, and what is
 *          below it, cannot be checkpointed).
 * How      behind "File" each component is one name of the path.  Letters stand for themselves, and 'A' is another name than 'a'.
 *          A byte is written %XX (hexadecimal, any case) where it must be: '%', '\', control characters, and bytes that are
 *          no UTF-8; and may be everywhere.  So each path has a name, and names that differ only in how they are escaped
 *          are the same source.
 * Promise  source_unescape(source_escape(x)) is x, for all bytes but zero.
 * Threads  all functions.      Limits  name.h.
 * Format   docs/formats/file-checkpoint.md         Tests  tests/unit/source_name.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/name.h"
#include <string.h>

static void add_unit(struct buf *out, char16_t unit)
{
	buf_append(out, &unit, sizeof(unit));
}

static void add_escaped(struct buf *out, uint8_t byte)
{
	static const char digits[] = "0123456789ABCDEF";

	add_unit(out, u'%');
	add_unit(out, (char16_t)digits[byte >> 4]);
	add_unit(out, (char16_t)digits[byte & 15]);
}

static bool must_escape(uint32_t c)
{
	return c == '%' || c == '\\' || c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000);
}

void source_escape(const char *bytes, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = utf8_next(bytes + i, len - i, &c);

		if (n == 0 || must_escape(c)) {
			for (size_t end = i + MAX(n, (size_t)1); i < end; i++)
				add_escaped(out, (uint8_t)bytes[i]);
			continue;
		}
		i += n;
		if (c >= 0x10000) {
			add_unit(out, (char16_t)(0xd800 + ((c - 0x10000) >> 10)));
			add_unit(out, (char16_t)(0xdc00 + ((c - 0x10000) & 0x3ff)));
		} else {
			add_unit(out, (char16_t)c);
		}
	}
}

/* -1: not a hexadecimal digit. */
static int digit(struct u16 text, size_t at)
{
	char16_t c = at < text.len ? text.units[at] : 0;

	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int source_unescape(struct u16 text, struct buf *out)
{
	if (!u16_is_well_formed(text))
		return -EILSEQ;
	for (size_t i = 0; i < text.len;) {
		if (text.units[i] == 0)
			return -EILSEQ;
		if (text.units[i] == '%') {
			int high = digit(text, i + 1), low = digit(text, i + 2);

			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return -EILSEQ;
			buf_u8(out, (uint8_t)(high << 4 | low));
			i += 3;
		} else {
			char utf8[4];
			size_t n = u16_next_utf8(text, &i, utf8);

			buf_append(out, utf8, n);
		}
	}
	return out->error;
}

bool source_component_is_valid(const char *bytes, size_t len)
{
	return len > 0 && len <= SOURCE_COMPONENT_MAX && memchr(bytes, '/', len) == NULL &&
	       memchr(bytes, 0, len) == NULL && !(len == 1 && bytes[0] == '.') &&
	       !(len == 2 && bytes[0] == '.' && bytes[1] == '.');
}

/* The first component of a path with '\' between; *rest is what is behind it. */
static struct u16 first_component(struct u16 path, struct u16 *rest)
{
	size_t len = 0;

	while (len < path.len && path.units[len] != '\\')
		len++;
	*rest = (struct u16){ path.units + len, path.len - len };
	return (struct u16){ path.units, len };
}

static int add_component(struct buf *path, struct u16 component)
{
	size_t before;
	int r;

	buf_u8(path, '/');
	before = path->len;
	r = source_unescape(component, path);
	if (r < 0)
		return r;
	return source_component_is_valid((const char *)path->data + before, path->len - before) ? 0 : -EINVAL;
}

/* rest: what is behind "File", each component with the '\' before it. */
static int parse_file(struct u16 name, struct u16 rest, char **ret, struct error *error)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	char shown[200];
	int r = 0;

	if (rest.len <= 1)
		return error_set(
		    error, ERR_INVALID_PARAMETER, "a file's name is 'File\\' and the components of its path");
	while (r == 0 && rest.len > 0) {
		struct u16 below = { rest.units + 1, rest.len - 1 };

		r = add_component(&path, first_component(below, &rest));
	}
	if (path.len > SOURCE_PATH_MAX)
		return error_set(
		    error, ERR_FILENAME_EXCED_RANGE, "a file's path is longer than %d bytes", SOURCE_PATH_MAX);
	buf_u8(&path, 0);
	if (path.error < 0)
		return error_set_code(error, path.error, "cannot read the name of a source");
	if (r < 0)
		return error_set(error, ERR_INVALID_PARAMETER,
		    "'%s' has a component that is no file's name, or a '%%' without two hexadecimal digits",
		    u16_to_utf8_buffer(name, shown, sizeof(shown)));
	*ret = (char *)TAKE_PTR(path.data);
	return 0;
}

int source_name_parse(struct u16 name, struct source_name *ret, struct error *error)
{
	struct source_name n = { .kind = SOURCE_KEY, .key = name };
	struct u16 rest;
	int r;

	if (name.len == 0 || name.units[0] == '\\' || u16_has_unit(name, 0))
		return error_set(error, ERR_INVALID_PARAMETER,
		    "the source of a registry checkpoint is a key below HKEY_LOCAL_MACHINE, without a '\\' before it");
	if (name.len > SOURCE_NAME_MAX)
		return error_set(
		    error, ERR_FILENAME_EXCED_RANGE, "a source's name is longer than %d characters", SOURCE_NAME_MAX);
	if (u16_equal(first_component(name, &rest), U16("File"))) {
		n.kind = SOURCE_FILE;
		r = parse_file(name, rest, &n.path, error);
		if (r < 0)
			return r;
	} else {
		for (rest = name; rest.len > 0;) {
			if (first_component(rest, &rest).len == 0 || rest.len == 1)
				return error_set(
				    error, ERR_INVALID_PARAMETER, "the path of a key has an empty component");
			if (rest.len > 0)
				rest = (struct u16){ rest.units + 1, rest.len - 1 };
		}
	}
	*ret = n;
	return 0;
}

void source_name_done(struct source_name *n)
{
	free(n->path);
	*n = (struct source_name){ 0 };
}

bool source_name_is_same(struct u16 a, struct u16 b)
{
	_cleanup_(source_name_done) struct source_name x = { 0 }, y = { 0 };

	if (source_name_parse(a, &x, NULL) < 0 || source_name_parse(b, &y, NULL) < 0 || x.kind != y.kind)
		return u16_equal_exact(a, b);
	return x.kind == SOURCE_KEY ? u16_equal(a, b) : strcmp(x.path, y.path) == 0;
}

int source_name_of_path(const char *path, char16_t **ret)
{
	_cleanup_(buf_done) struct buf name = { 0 };

	buf_append(&name, u"File", 4 * sizeof(char16_t));
	for (const char *p = path + strspn(path, "/"); *p != 0; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		if (!source_component_is_valid(p, len))
			return ERR_INVALID_PARAMETER;
		add_unit(&name, u'\\');
		source_escape(p, len, &name);
		p += len;
	}
	add_unit(&name, 0);
	if (name.error < 0)
		return name.error;
	if (path[0] != '/' || name.len <= 5 * sizeof(char16_t) || strlen(path) > SOURCE_PATH_MAX)
		return ERR_INVALID_PARAMETER;
	*ret = (char16_t *)(void *)TAKE_PTR(name.data);
	return 0;
}
