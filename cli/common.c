/* common: how the verbs of `rueda` tell failures, ask, and read their arguments.
 *
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/regfile.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _printf_(3, 0) void print_failure(DWORD code, const char *story, const char *what, va_list arguments)
{
	const char *name = error_win32_name(code), *text = error_win32_text(code), *advice = error_win32_advice(code);
	char subject[512];
	bool cut = vsnprintf(subject, sizeof(subject), what, arguments) >= (int)sizeof(subject); /* A long name. */
	size_t len = strlen(subject);

	while (cut && len > 0 && (subject[len - 1] & 0xc0) == 0x80)
		len--;
	if (cut && len > 0 && (subject[len - 1] & 0x80) != 0)
		len--; /* What may be a part of a character is none. */
	subject[len] = 0;
	fprintf(stderr, "rueda: %s%s failed: %u%s%s: %s.%s%s\n", subject, cut ? "..." : "", code,
	    name != NULL ? " " : "", name != NULL ? name : "", text != NULL ? text : "no text is known for this code",
	    advice != NULL ? " " : "", advice != NULL ? advice : "");
	if (story != NULL && story[0] != 0)
		fprintf(stderr, "  the reason: %s\n", story);
}

int cli_fail(DWORD code, const char *story, const char *what, ...)
{
	va_list arguments;

	va_start(arguments, what);
	print_failure(code, story, what, arguments);
	va_end(arguments);
	return code == RPC_S_SERVER_UNAVAILABLE ? CLI_NO_SERVICE : CLI_FAILED;
}

int cli_fail_error(int r, const struct error *error, const char *what, ...)
{
	DWORD code = error_to_win32(r);
	va_list arguments;

	va_start(arguments, what);
	print_failure(code, error != NULL && error->code != 0 ? error->text : NULL, what, arguments);
	va_end(arguments);
	return code == RPC_S_SERVER_UNAVAILABLE ? CLI_NO_SERVICE : CLI_FAILED;
}

int cli_fail_key(DWORD code, const char *doing, const char *key)
{
	const char *hint = NULL;

	if (code == ERROR_FILE_NOT_FOUND && strchr(key, '/') != NULL)
		hint = "backslashes separate the names of keys; a slash is a part of a name";
	else if (code == ERROR_INVALID_PARAMETER)
		hint = "a key neither begins nor ends with a backslash, and one stands between two names";
	return cli_fail(code, hint, "%s '%s'", doing, key);
}

int cli_usage(const struct cli *c, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "rueda %s: ", c->verb->words);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, ". rueda %s --help tells how it is used.\n", c->verb->words);
	return CLI_USAGE;
}

int cli_confirm(const struct cli *c, const char *format, ...)
{
	char answer[16] = { 0 };
	va_list arguments;

	if (c->yes)
		return 0;
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		fprintf(stderr, "\nrueda: nothing was done: without a terminal to ask on, --yes is needed\n");
		return CLI_NOT_CONFIRMED;
	}
	fprintf(stderr, " [y/N] ");
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (strcmp(answer, "y\n") == 0 || strcmp(answer, "Y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return 0;
	fprintf(stderr, "rueda: nothing was done\n");
	return CLI_NOT_CONFIRMED;
}

char16_t *cli_units(const char *text)
{
	char16_t *units;
	size_t len;
	int r;

	if (text == NULL)
		return NULL;
	r = utf8_to_u16(text, strlen(text), &units, &len);
	if (r == 0 && u16_has_unit((struct u16){ units, len }, 0)) {
		free(units);
		r = -EILSEQ;
	}
	if (r < 0) {
		fprintf(stderr, "rueda: '%s': %s\n", text, r == -EILSEQ ? "this is not UTF-8" : error_text(r));
		return NULL;
	}
	return units;
}

char *cli_path(const char *path)
{
	_cleanup_free_ char *here = NULL;
	char *whole = NULL;

	if (path[0] == 0) {
		fprintf(stderr, "rueda: the PATH is empty\n");
		return NULL;
	}
	if (path[0] == '/' || path[0] == '\\' || path[1] == ':') {
		whole = strdup(path);
	} else {
		here = getcwd(NULL, 0);
		if (here != NULL && asprintf(&whole, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path) < 0)
			whole = NULL;
	}
	if (whole == NULL)
		(void)cli_fail_error(-errno, NULL, "finding the directory");
	return whole;
}

/* How many units of path this name takes, with the backslash that follows; 0: it does not stand there. */
static size_t skip_root(struct u16 path, const char *name)
{
	size_t n = strlen(name);

	if (path.len < n || (path.len > n && path.units[n] != '\\'))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (utf16_upcase(path.units[i]) != utf16_upcase((unsigned char)name[i]))
			return 0;
	return MIN(n + 1, path.len);
}

struct u16 cli_key_path(const char16_t *units, const char *root)
{
	static const char long_name[] = "HKEY_LOCAL_MACHINE";
	struct u16 path = u16_from_z(units);
	size_t skip = skip_root(path, root);
	char other[64];

	if (skip == 0) {
		(void)snprintf(other, sizeof(other), "HKLM%s", root + sizeof(long_name) - 1);
		skip = skip_root(path, other);
	}
	return (struct u16){ path.units + skip, path.len - skip };
}

const char *cli_root_name(const struct cli *c)
{
	return c->local ? REGFILE_LOCAL_ROOT : REGFILE_ROOT;
}

const char *cli_cluster;

int cli_open_root(const struct cli *c, DWORD access, REGSAM sam, HKEY *ret)
{
	HCLUSTER cluster = NULL;
	HKEY root;
	int r;

	if (c->local) {
		if (cli_cluster != NULL)
			return cli_usage(c, "--local is about this machine, so that --cluster has no meaning");
		root = RuedaGetLocalKey(sam);
		if (root == NULL)
			return cli_fail(GetLastError(), NULL, "opening the registry of this node");
		*ret = root;
		return 0;
	}
	r = cli_open(access, &cluster);
	if (r != 0)
		return r;
	root = GetClusterKey(cluster, sam);
	if (root == NULL)
		r = cli_fail(GetLastError(), NULL, "opening the cluster database");
	else
		*ret = root;
	(void)CloseCluster(cluster);
	return r;
}

int cli_open(DWORD access, HCLUSTER *ret)
{
	_cleanup_free_ char16_t *name = cli_units(cli_cluster);
	HCLUSTER cluster;

	if (cli_cluster != NULL && name == NULL)
		return CLI_USAGE;
	cluster = OpenClusterEx(name != NULL ? cli_wide(name) : NULL, access, NULL);
	if (cluster == NULL)
		return cli_cluster != NULL ? cli_fail(GetLastError(), NULL, "opening the cluster '%s'", cli_cluster)
					   : cli_fail(GetLastError(), NULL, "opening the cluster");
	*ret = cluster;
	return 0;
}
