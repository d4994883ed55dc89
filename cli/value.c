/* value: keys and values of a database for people and programs.
 *
 * How      both the live database (cli/regtree.c) and a backup set give a struct db; what is shown of it is shown here, once.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/value.h"
#include "cli/cli.h"
#include "cli/regfile.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

enum { SHORT_BYTES = 16 };

static const char *const type_names[] = { "REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD",
	"REG_DWORD_BIG_ENDIAN", "REG_LINK", "REG_MULTI_SZ", "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR",
	"REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD" };

const char *value_type_name(uint32_t type, char buffer[16])
{
	if (type < ARRAY_SIZE(type_names))
		return type_names[type];
	(void)snprintf(buffer, 16, "%" PRIu32, type);
	return buffer;
}

/* All of text is a number, decimal or 0x…, up to max. */
static int parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long n;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
	if (errno != 0 || *end != 0 || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

int value_parse_type(const char *text, uint32_t *ret)
{
	uint64_t number;

	for (uint32_t i = 0; i < ARRAY_SIZE(type_names); i++)
		if (strcasecmp(text, type_names[i]) == 0 || strcasecmp(text, type_names[i] + strlen("REG_")) == 0) {
			*ret = i;
			return 0;
		}
	if (parse_number(text, UINT32_MAX, &number) < 0)
		return -EINVAL;
	*ret = (uint32_t)number;
	return 0;
}

static int parse_text(const char *word, struct buf *ret)
{
	_cleanup_free_ char16_t *units = NULL;
	size_t len;
	int r = utf8_to_u16(word, strlen(word), &units, &len);

	if (r < 0)
		return r;
	for (size_t i = 0; i < len; i++)
		buf_u16(ret, units[i]);
	buf_u16(ret, 0);
	return ret->error;
}

/* "0a0b", "0a,0b", "0a 0b" */
static int parse_hex(const char *word, struct buf *ret)
{
	static const char digits[] = "0123456789abcdef";

	while (*word != 0) {
		const char *high, *low;

		if (*word == ',' || *word == ' ') {
			word++;
			continue;
		}
		high = strchr(digits, *word | 0x20);
		low = word[1] != 0 ? strchr(digits, word[1] | 0x20) : NULL;
		if (high == NULL || low == NULL)
			return -EINVAL;
		buf_u8(ret, (uint8_t)((high - digits) << 4 | (low - digits)));
		word += 2;
	}
	return ret->error;
}

int value_parse_data(uint32_t type, char **words, size_t count, struct buf *ret)
{
	uint64_t number;
	int r = 0;

	if (type == REG_MULTI_SZ) {
		for (size_t i = 0; r == 0 && i < count; i++)
			r = words[i][0] == 0 ? -EINVAL
					     : parse_text(words[i], ret); /* An empty one would end the list. */
		buf_u16(ret, 0);
		return r < 0 ? r : ret->error;
	}
	if (count != 1)
		return -EINVAL;
	if (type == REG_SZ || type == REG_EXPAND_SZ || type == REG_LINK)
		return parse_text(words[0], ret);
	if (type != REG_DWORD && type != REG_QWORD && type != REG_DWORD_BIG_ENDIAN)
		return parse_hex(words[0], ret);
	r = parse_number(words[0], type == REG_QWORD ? UINT64_MAX : UINT32_MAX, &number);
	if (r < 0)
		return r;
	if (type == REG_QWORD)
		buf_u64(ret, number);
	else
		buf_u32(ret, type == REG_DWORD ? (uint32_t)number : htobe32((uint32_t)number));
	return ret->error;
}

/* The shapes that data can have. */

static bool is_text_type(uint32_t type)
{
	return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_LINK || type == REG_MULTI_SZ;
}

/* Native units on the heap, NULL without memory; whole units only are given. */
static char16_t *units_of(const uint8_t *data, size_t len)
{
	char16_t *units = malloc(len + sizeof(*units));

	for (size_t i = 0; units != NULL && i < len / 2; i++)
		units[i] = get_le16(data + 2 * i);
	return units;
}

/* One text and its terminator, nothing else. */
static bool is_one_text(struct u16 s)
{
	return s.len > 0 && s.units[s.len - 1] == 0 && !u16_has_unit((struct u16){ s.units, s.len - 1 }, 0);
}

/* Texts, none of them empty, and one more terminator. */
static bool is_list(struct u16 s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.units[i] == 0)
			return i + 1 == s.len;
		while (i < s.len && s.units[i] != 0)
			i++;
	}
	return false;
}

static bool as_number(uint32_t type, const uint8_t *data, size_t len, uint64_t *ret)
{
	if (type == REG_DWORD && len == 4)
		*ret = get_le32(data);
	else if (type == REG_DWORD_BIG_ENDIAN && len == 4)
		*ret = be32toh(get_le32(data));
	else if (type == REG_QWORD && len == 8)
		*ret = get_le64(data);
	else
		return false;
	return true;
}

/* Calls one for each text of a list; s is_list(). */
static void each_text(struct u16 s, void (*one)(void *data, struct u16 text), void *data)
{
	for (size_t i = 0; s.units[i] != 0;) {
		struct u16 text = u16_from_z(s.units + i);

		one(data, text);
		i += text.len + 1;
	}
}

static void json_one(void *data, struct u16 text)
{
	json_u16(data, NULL, text);
}

void value_json_members(struct json *j, uint32_t type, const uint8_t *data, size_t len)
{
	_cleanup_free_ char16_t *units = units_of(data, len);
	struct u16 s = { units, units != NULL ? len / 2 : 0 };
	char buffer[16];
	uint64_t number;

	json_text(j, "type", value_type_name(type, buffer));
	json_number(j, "type_number", type);
	json_number(j, "size", len);
	if (type == REG_MULTI_SZ && len % 2 == 0 && is_list(s)) {
		json_open(j, "texts", '[');
		each_text(s, json_one, j);
		json_close(j, ']');
	} else if (is_text_type(type) && type != REG_MULTI_SZ && len % 2 == 0 && is_one_text(s)) {
		json_u16(j, "text", (struct u16){ s.units, s.len - 1 });
	} else if (as_number(type, data, len, &number)) {
		json_number(j, "number", number);
	}
	json_bytes(j, "hex", data, len);
}

/* To a terminal with control characters escaped, else as it is. */
static void print_text(struct u16 text)
{
	if (isatty(STDOUT_FILENO)) {
		output_u16(text);
		return;
	}
	for (size_t i = 0; i < text.len;) {
		char bytes[4];
		size_t n = u16_next_utf8(text, &i, bytes);

		(void)fwrite(bytes, 1, n, stdout);
	}
}

static void print_one(void *data, struct u16 text)
{
	print_text(text);
	printf("\n");
}

void value_print(uint32_t type, const uint8_t *data, size_t len)
{
	_cleanup_free_ char16_t *units = units_of(data, len);
	struct u16 s = { units, units != NULL ? len / 2 : 0 };
	uint64_t number;

	if (type == REG_MULTI_SZ && len % 2 == 0 && is_list(s)) {
		each_text(s, print_one, NULL);
		return;
	}
	if (is_text_type(type) && type != REG_MULTI_SZ && len % 2 == 0 && is_one_text(s)) {
		print_one(NULL, (struct u16){ s.units, s.len - 1 });
		return;
	}
	if (as_number(type, data, len, &number)) {
		printf("%" PRIu64 "\n", number);
		return;
	}
	for (size_t i = 0; i < len; i++)
		printf("%02x", data[i]);
	printf("\n");
}

void value_print_short(uint32_t type, const uint8_t *data, size_t len)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	_cleanup_free_ char16_t *units = NULL;
	bool cut = type != REG_SZ && len > SHORT_BYTES;

	regfile_data(&text, type, data, cut ? SHORT_BYTES : len, 0, false);
	units = units_of(text.data, text.error == 0 ? text.len : 0);
	if (units != NULL)
		output_u16((struct u16){ units, text.len / 2 });
	if (cut)
		printf("... (%zu bytes)", len);
}

static int list_json(const struct db_key *key, struct u16 path)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_u16(&j, "key", path);
	json_time(&j, "time", db_key_time(key));
	json_open(&j, "subkeys", '[');
	for (size_t i = 0; i < db_key_count(key); i++)
		json_u16(&j, NULL, db_key_name(db_key_at(key, i)));
	json_close(&j, ']');
	json_open(&j, "values", '[');
	for (size_t i = 0; i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		json_open(&j, NULL, '{');
		json_u16(&j, "name", v.name);
		value_json_members(&j, v.type, v.data, v.len);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

int value_list_key(const struct db_key *key, struct u16 path, bool as_json)
{
	if (as_json)
		return list_json(key, path);
	for (size_t i = 0; i < db_key_count(key); i++) {
		output_u16(db_key_name(db_key_at(key, i)));
		printf("\\\n");
	}
	for (size_t i = 0; i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);
		char buffer[16];

		if (v.name.len == 0)
			printf("@");
		else
			output_u16(v.name);
		printf("  %s  ", value_type_name(v.type, buffer));
		value_print_short(v.type, v.data, v.len);
		printf("\n");
	}
	return output_end();
}

struct writer {
	const char *root;
	struct buf *out;
	struct buf path; /* Native units. */
};

static int write_key(struct writer *w, const struct db_key *key)
{
	struct u16 path = { (const char16_t *)(const void *)w->path.data, w->path.len / sizeof(char16_t) };
	int r = regfile_key(w->out, w->root, path, false);

	for (size_t i = 0; r == 0 && i < db_value_count(key); i++) {
		struct db_value v = db_value_at(key, i);

		r = regfile_value(w->out, v.name, v.type, v.data, v.len);
	}
	for (size_t i = 0; r == 0 && i < db_key_count(key); i++) {
		const struct db_key *below = db_key_at(key, i);
		struct u16 name = db_key_name(below);
		size_t before = w->path.len;

		if (before > 0)
			buf_append(&w->path, u"\\", sizeof(char16_t));
		buf_append(&w->path, name.units, name.len * sizeof(char16_t));
		r = w->path.error != 0 ? w->path.error : write_key(w, below);
		w->path.len = before;
	}
	return r;
}

int value_reg_text(const struct db_key *key, const char *root, struct u16 path, struct buf *ret)
{
	struct writer w = { .root = root, .out = ret };
	int r;

	regfile_begin(ret);
	buf_append(&w.path, path.units, path.len * sizeof(char16_t));
	r = w.path.error != 0 ? w.path.error : write_key(&w, key);
	buf_done(&w.path);
	return r < 0 ? r : ret->error;
}
