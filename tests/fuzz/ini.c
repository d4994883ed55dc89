/* fuzz ini: any bytes are a configuration file; what comes out has no control characters and no duplicates of a line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/ini.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned last_line;

static void entry(void *data, unsigned line, const char *section, const char *key, const char *value)
{
	assert(line > last_line);
	assert(section[0] != 0 && key[0] != 0);
	assert(strlen(section) + strlen(key) + strlen(value) <= 2 * INI_LINE_MAX);
	last_line = line;
}

static void problem(void *data, unsigned line, const char *text)
{
	assert(line == 0 || line > last_line);
	assert(text[0] != 0);
	last_line = line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct ini_handler handler = {.entry = entry, .problem = problem};

	last_line = 0;
	(void)ini_parse((const char *)data, len, &handler);
	return 0;
}
