/* explain: what an error code means and what to do; the list is base/error.def.
 *
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/output.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A number in any of the usual forms: 267, 0x10b, and 0x8007010b, which is an HRESULT made of it. */
static bool parse_code(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long long n;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
	if (errno != 0 || *end != 0 || n > UINT32_MAX)
		return false;
	*ret = (n & 0xffff0000u) == 0x80070000u ? (uint32_t)n & 0xffff : (uint32_t)n;
	return true;
}

static const struct error_entry *find(const char *text)
{
	size_t count;
	const struct error_entry *list = error_list(&count);
	uint32_t code = 0;
	bool by_code = parse_code(text, &code);

	for (size_t i = 0; i < count; i++) {
		const char *name = list[i].name;

		if (by_code ? list[i].code == code : strcasecmp(name, text) == 0)
			return &list[i];
		if (!by_code && strncmp(name, "ERROR_", 6) == 0 && strcasecmp(name + 6, text) == 0)
			return &list[i];
	}
	return NULL;
}

int explain_verb(struct cli *c)
{
	const struct error_entry *e = find(c->arguments[0]);
	struct json j = { 0 };

	if (e == NULL) {
		fprintf(stderr, "rueda: '%s' is no error code that this cluster gives\n", c->arguments[0]);
		return CLI_FAILED;
	}
	if (!c->json) {
		printf("%u %s: %s.\n%s\n", e->code, e->name, e->text, e->advice);
		return output_end();
	}
	json_open(&j, NULL, '{');
	json_number(&j, "code", e->code);
	json_text(&j, "name", e->name);
	json_text(&j, "text", e->text);
	json_text(&j, "advice", e->advice);
	json_close(&j, '}');
	return json_print(&j);
}
