/* output: what goes to standard output: JSON, or text.
 *
 * Rules    JSON is one value and a line end, described in docs/json.md.  In text, names from the database are shown with
 *          their control characters escaped: a key must not be able to drive the administrator's terminal.
 * Threads  one.      Tests  tests/integration/cli.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"
#include "base/filetime.h"
#include "cli/cli.h"
#include <inttypes.h>
#include <stdio.h>

static void put(struct json *j, const char *text)
{
	buf_append(&j->text, text, strlen(text));
}

static void put_quoted(struct json *j, struct u16 s)
{
	put(j, "\"");
	for (size_t i = 0; i < s.len;) {
		char16_t unit = s.units[i];
		bool pair = (unit & 0xfc00) == 0xd800 && i + 1 < s.len && (s.units[i + 1] & 0xfc00) == 0xdc00;
		char bytes[8];

		if (unit == '"' || unit == '\\') {
			put(j, unit == '"' ? "\\\"" : "\\\\");
			i++;
		} else if (unit < ' ' || unit == 0x7f || ((unit & 0xf800) == 0xd800 && !pair)) {
			(void)snprintf(bytes, sizeof(bytes), "\\u%04x", unit);
			put(j, bytes);
			i++;
		} else {
			size_t n = u16_next_utf8(s, &i, bytes);

			buf_append(&j->text, bytes, n);
		}
	}
	put(j, "\"");
}

static void begin(struct json *j, const char *name)
{
	if (j->comma)
		put(j, ",");
	j->comma = true;
	if (name != NULL) {
		put(j, "\"");
		put(j, name);
		put(j, "\":");
	}
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	put(j, (char[]){ bracket, 0 });
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	put(j, (char[]){ bracket, 0 });
	j->comma = true;
}

void json_u16(struct json *j, const char *name, struct u16 text)
{
	begin(j, name);
	put_quoted(j, text);
}

void json_text(struct json *j, const char *name, const char *utf8)
{
	_cleanup_free_ char16_t *units = NULL;
	size_t len = 0;

	begin(j, name);
	if (utf8_to_u16(utf8, strlen(utf8), &units, &len) < 0) {
		put(j, "null"); /* Not UTF-8: JSON cannot hold it. */
		return;
	}
	put_quoted(j, (struct u16){ units, len });
}

void json_number(struct json *j, const char *name, uint64_t number)
{
	char digits[24];

	begin(j, name);
	(void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
	put(j, digits);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	put(j, value ? "true" : "false");
}

void json_null(struct json *j, const char *name)
{
	begin(j, name);
	put(j, "null");
}

void json_time(struct json *j, const char *name, uint64_t filetime)
{
	char text[32];

	if (filetime == 0) {
		json_null(j, name);
		return;
	}
	filetime_format(filetime, text); /* "2026-11-22 10:48:51 UTC" */
	for (size_t i = 0; text[i] != 0; i++) {
		if (text[i] == ' ' && text[i + 1] == 'U') {
			text[i] = 'Z';
			text[i + 1] = 0;
		} else if (text[i] == ' ') {
			text[i] = 'T';
		}
	}
	json_text(j, name, text);
}

void json_guid(struct json *j, const char *name, const struct guid *g)
{
	char text[GUID_TEXT_LEN + 1];

	guid_format(g, text);
	json_text(j, name, text);
}

void json_bytes(struct json *j, const char *name, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = bytes;

	begin(j, name);
	put(j, "\"");
	for (size_t i = 0; i < len; i++)
		buf_append(&j->text, (char[]){ digits[b[i] >> 4], digits[b[i] & 15] }, 2);
	put(j, "\"");
}

int json_print(struct json *j)
{
	int r;

	put(j, "\n");
	r = j->text.error;
	if (r == 0)
		(void)fwrite(j->text.data, 1, j->text.len, stdout);
	buf_done(&j->text);
	return r < 0 ? cli_fail_error(r, NULL, "printing") : output_end();
}

int output_end(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CLI_OK;
	fprintf(stderr, "rueda: not all of the output could be written\n");
	return CLI_FAILED;
}

static void put_escaped(const char *bytes, size_t n, bool lines)
{
	/* C1 controls are two bytes in UTF-8: C2 80 to C2 9F. */
	bool c1 = n == 2 && (uint8_t)bytes[0] == 0xc2 && (uint8_t)bytes[1] < 0xa0;
	bool c0 = n == 1 && ((uint8_t)bytes[0] < ' ' || bytes[0] == 0x7f) && !(lines && bytes[0] == '\n');

	if (c0 || c1)
		printf("\\x%02x", (unsigned)(uint8_t)bytes[n - 1]);
	else
		(void)fwrite(bytes, 1, n, stdout);
}

void output_u16(struct u16 text)
{
	for (size_t i = 0; i < text.len;) {
		char bytes[4];
		size_t n = u16_next_utf8(text, &i, bytes);

		put_escaped(bytes, n, false);
	}
}

void output_lines(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t character;
		size_t n = utf8_next(text + i, len - i, &character);

		if (n == 0)
			printf("\\x%02x", (unsigned)(uint8_t)text[i]);
		else
			put_escaped(text + i, n, true);
		i += MAX(n, 1u);
	}
}

void output_name(const char *name)
{
	printf("%-16s ", name);
}

void output_time(uint64_t filetime)
{
	char text[32] = "-";

	if (filetime != 0)
		filetime_format(filetime, text);
	printf("%s", text);
}

uint64_t output_filetime(FILETIME t)
{
	return (uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime;
}

struct guid output_guid(const GUID *g)
{
	struct guid out;

	put_le32(out.bytes, g->Data1);
	put_le16(out.bytes + 4, g->Data2);
	put_le16(out.bytes + 6, g->Data3);
	memcpy(out.bytes + 8, g->Data4, sizeof(g->Data4));
	return out;
}
