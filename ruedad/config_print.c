/* config_print: the two printed forms of the configuration: the values in force, as a file that can be read back
 * (`ruedad --check`), and the table of keys in the manual.  Both walk the table of config.c, so neither can be out of
 * date.
 * Threads  all functions.      Tests  tests/unit/config.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/config.h"
#include <inttypes.h>
#include <string.h>

static bool starts_section(size_t i)
{
	return i == 0 || strcmp(config_keys[i - 1].section, config_keys[i].section) != 0;
}

static void print_value(const struct config *c, const struct config_key *key, FILE *out)
{
	const void *value = (const char *)c + key->offset;

	if (config_is_text(key->kind)) {
		fputs(*(char *const *)value, out);
	} else if (key->kind == CONFIG_CHOICE) {
		const char *word = key->words;

		for (uint64_t n = *(const uint64_t *)value; n > 0; n--)
			word = strchr(word, '|') + 1;
		fprintf(out, "%.*s", (int)strcspn(word, "|"), word);
	} else if (key->kind == CONFIG_PORT && *(const uint64_t *)value == 0) {
		fputs("off", out);
	} else {
		fprintf(out, "%" PRIu64, *(const uint64_t *)value);
	}
}

static void print_shares(const struct unc_map *map, FILE *out)
{
	for (size_t i = 0; i < map->count; i++) {
		char name[4 * PATH_COMPONENT_MAX];
		struct u16 units = { map->entries[i].name, map->entries[i].name_len };

		fprintf(out, "//%s = %s\n", u16_to_utf8_buffer(units, name, sizeof(name)), map->entries[i].directory);
	}
}

void config_print(const struct config *c, FILE *out)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (starts_section(i))
			fprintf(out, "%s[%s]\n", i > 0 ? "\n" : "", key->section);
		if (key->kind == CONFIG_MAP) {
			print_shares(&c->unc, out);
			continue;
		}
		if (c->lines[i] > 0)
			fprintf(out, "# line %u\n", c->lines[i]);
		else
			fprintf(out, "# default\n");
		fprintf(out, "%s = ", key->key);
		print_value(c, key, out);
		fputc('\n', out);
	}
}

/* "a|b|c" as "a, b or c". */
static void print_words(const char *words, FILE *out)
{
	for (const char *p = words; *p != 0; p++) {
		if (*p != '|')
			fputc(*p, out);
		else
			fputs(strchr(p + 1, '|') != NULL ? ", " : " or ", out);
	}
}

/* The largest unit that divides it. */
static void print_size(uint64_t size, FILE *out)
{
	static const char units[] = { 'K', 'M', 'G' };
	size_t unit = 0;

	assert(size > 0);
	while (unit < sizeof(units) && size % 1024 == 0) {
		size /= 1024;
		unit++;
	}
	fprintf(out, "%" PRIu64, size);
	if (unit > 0)
		fputc(units[unit - 1], out);
}

static void print_kind(const struct config_key *key, FILE *out)
{
	switch (key->kind) {
	case CONFIG_NAME:
		fputs("A name: letters, digits, \\(aq_\\(aq and \\(aq\\-\\(aq", out);
		break;
	case CONFIG_DIRECTORY:
		fputs("An absolute path", out);
		break;
	case CONFIG_CHOICE:
		print_words(key->words, out);
		break;
	case CONFIG_NUMBER:
		fprintf(out, "%" PRIu64 " to %" PRIu64, key->min, key->max);
		break;
	case CONFIG_SIZE:
		print_size(key->min, out);
		fputs(" to ", out);
		print_size(key->max, out);
		fputs(" bytes; K, M or G may follow", out);
		break;
	case CONFIG_ADDRESSES:
		fputs("off, any, or IP addresses with commas between them", out);
		break;
	case CONFIG_PORT:
		fprintf(out, "off, or %" PRIu64 " to %" PRIu64, key->min, key->max);
		break;
	case CONFIG_FILE:
		fputs("none, or an absolute path", out);
		break;
	case CONFIG_LIST:
		fputs("none, or principals with commas between them", out);
		break;
	case CONFIG_PATTERNS:
		fputs("none, or names of links with commas between them", out);
		break;
	case CONFIG_USERS:
		fputs("none, or NAME:USER with commas between them", out);
		break;
	case CONFIG_ROOTS:
		fputs("none, or absolute paths with commas between them", out);
		break;
	case CONFIG_MAP:
		fputs("An absolute path", out);
		break;
	}
	fprintf(out, "; default: %s.\n", key->fallback != NULL ? key->fallback : key->fallback_text);
}

void config_print_manual(FILE *out)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (starts_section(i))
			fprintf(out, "%s.Ss [%s]\n.Bl -tag -width indent\n", i > 0 ? ".El\n" : "", key->section);
		fprintf(out, ".It Ic %s\n", key->key != NULL ? key->key : "//server/share");
		/* Each sentence begins its line, as mdoc wants it. */
		for (const char *p = key->description; *p != 0; p++) {
			bool ends = p[0] == '.' && p[1] == ' ';

			fputc(*p, out);
			if (ends) {
				fputc('\n', out);
				p++;
			}
		}
		fputs("\n.br\n", out);
		print_kind(key, out);
	}
	fputs(".El\n", out);
}
