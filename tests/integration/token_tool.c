/* token_tool: tests/lib/token.h for tests in Python.
 *
 *	token-tool make TOKEN
 *	token-tool generate|fixed TOKEN NAME ID      a pair of keys; fixed: that may not be extracted
 *	token-tool import TOKEN NAME ID HEX          an AES key
 *	token-tool remove|count|sign TOKEN NAME      prints how many objects, or a signature in hexadecimal digits
 *
 * SOFTHSM2_CONF says where.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/token.h"
#include <stdio.h>
#include <string.h>

static int import(const struct token_key *key, const char *hex)
{
	uint8_t value[32];

	for (size_t i = 0; i < sizeof(value); i++)
		if (sscanf(hex + 2 * i, "%2hhx", &value[i]) != 1)
			return 2;
	token_import(key, value);
	return 0;
}

static int sign(const char *token, const char *name)
{
	uint8_t out[1024];
	size_t len = sizeof(out);

	if (!token_sign(token, name, out, &len))
		return 1;
	for (size_t i = 0; i < len; i++)
		printf("%02x", out[i]);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "", *token = argc > 2 ? argv[2] : "";
	struct token_key key = { token, argc > 3 ? argv[3] : "", (uint8_t)(argc > 4 ? strtoul(argv[4], NULL, 10) : 0),
		.is_fixed = strcmp(verb, "fixed") == 0 };

	if (strcmp(verb, "make") == 0 && argc == 3)
		token_make(token);
	else if ((strcmp(verb, "generate") == 0 || strcmp(verb, "fixed") == 0) && argc == 5)
		token_generate(&key);
	else if (strcmp(verb, "import") == 0 && argc == 6 && strlen(argv[5]) == 64)
		return import(&key, argv[5]);
	else if (strcmp(verb, "remove") == 0 && argc == 4)
		printf("%u\n", token_remove(token, argv[3]));
	else if (strcmp(verb, "count") == 0 && argc == 4)
		printf("%u\n", token_count(token, argv[3]));
	else if (strcmp(verb, "sign") == 0 && argc == 4)
		return sign(token, argv[3]);
	else
		return 2;
	return 0;
}
