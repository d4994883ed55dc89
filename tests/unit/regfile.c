/* unit regfile: .reg text is read strictly, and what is written reads back as the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/regfile.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include <stdio.h>

#define FIRST "Windows Registry Editor Version 5.00\r\n"
#define ROOT "HKEY_LOCAL_MACHINE\\Cluster"

/* What came back, as text: one line an entry. */
struct heard {
	struct buf text;
	unsigned count, fail_at;
};

static int hear(void *data, const struct regfile_entry *e)
{
	static const char kinds[] = "K-VD";
	struct heard *h = data;
	char line[64];

	if (++h->count == h->fail_at)
		return -ECANCELED;
	(void)snprintf(line, sizeof(line), "%c %u ", kinds[e->kind], e->line);
	buf_append(&h->text, line, strlen(line));
	buf_append(&h->text, e->key.units, e->key.len * 2);
	buf_append(&h->text, "|", 1);
	buf_append(&h->text, e->name.units, e->name.len * 2);
	(void)snprintf(line, sizeof(line), "|%x|%zu|", (unsigned)e->type, e->len);
	buf_append(&h->text, line, strlen(line));
	buf_append(&h->text, e->data, e->len);
	return 0;
}

static int parse(const char *text, struct error *error)
{
	struct heard h = { 0 };
	int r = regfile_parse(text, strlen(text), REGFILE_ROOT, hear, &h, error);

	buf_done(&h.text);
	return r;
}

/* The one value of a text whose key is the root. */
struct one {
	uint32_t type;
	uint8_t data[256];
	size_t len;
	unsigned count;
};

static int take_one(void *data, const struct regfile_entry *e)
{
	struct one *o = data;

	if (e->kind == REGFILE_VALUE) {
		CHECK(e->len <= sizeof(o->data));
		o->type = e->type;
		if (e->len > 0)
			memcpy(o->data, e->data, e->len);
		o->len = e->len;
		o->count++;
	}
	return 0;
}

static struct one value_of(const char *line)
{
	char text[1024];
	struct one o = { 0 };
	struct error error = { 0 };

	(void)snprintf(text, sizeof(text), FIRST "[" ROOT "]\r\n%s", line);
	if (regfile_parse(text, strlen(text), REGFILE_ROOT, take_one, &o, &error) != 0)
		test_fail(__FILE__, __LINE__, "%s: %s", line, error.text);
	CHECK_INT(o.count, 1);
	return o;
}

#define CHECK_VALUE(line, wanted_type, wanted)                                                                         \
	do {                                                                                                           \
		struct one one_ = value_of(line);                                                                      \
		CHECK_INT(one_.type, wanted_type);                                                                     \
		CHECK_INT(one_.len, sizeof(wanted) - 1);                                                               \
		CHECK_MEM(one_.data, wanted, sizeof(wanted) - 1);                                                      \
	} while (0)

TEST(each_form_of_data_has_its_type_and_bytes)
{
	CHECK_VALUE("@=\"ab\"", 1, "a\0b\0\0\0");
	CHECK_VALUE("\"n\"=\"\"", 1, "\0\0");
	CHECK_VALUE("\"n\"=\"a\\\\\\\"\"", 1, "a\0\\\0\"\0\0\0");
	CHECK_VALUE("\"n\"=dword:0000010a", 4, "\x0a\x01\0\0");
	CHECK_VALUE("\"n\"=DWORD:A", 4, "\x0a\0\0\0");
	CHECK_VALUE("\"n\"=hex:01,ff", 3, "\x01\xff");
	CHECK_VALUE("\"n\"=hex:", 3, "");
	CHECK_VALUE("\"n\"=hex(b):01,02,03,04,05,06,07,08", 11, "\x01\x02\x03\x04\x05\x06\x07\x08");
	CHECK_VALUE("\"n\"=hex(7):61,00,00,00,\\\r\n  00,00\r\n", 7, "a\0\0\0\0\0");
	CHECK_VALUE("\"n\"=hex(2):61,\\\n 00,\\ \n\t00,00", 2, "a\0\0\0");
	CHECK_VALUE("\"n\"=hex(ffffffff):", -1u, "");
	CHECK_VALUE("\"n\"=hex(0):00", 0, "\0");
}

TEST(deletions_are_entries)
{
	struct heard h = { 0 };
	static const char text[] = "\xef\xbb\xbf" FIRST "[-" ROOT "\\Old]\n\n[" ROOT "\\New]\n\"gone\"=-\n@ = -";

	CHECK_INT(regfile_parse(text, sizeof(text) - 1, REGFILE_ROOT, hear, &h, NULL), 0);
	CHECK_INT(h.count, 4);
	CHECK(memcmp(h.text.data, "- 2 O\0l\0d\0|", 11) == 0);
	buf_done(&h.text);
}

TEST(mistakes_are_told_with_their_line)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "", "line 1" }, { "REGEDIT4\n", "line 1" }, { FIRST "\n\nnonsense", "line 4" },
		{ FIRST "\"a\"=\"b\"", "line 2" }, /* No key. */
		{ FIRST "[HKEY_LOCAL_MACHINE\\Software]", "line 2" }, { FIRST "[" ROOT "x]", "line 2" },
		{ FIRST "[" ROOT "\\]", "line 2" }, { FIRST "[" ROOT "\\a\\\\b]", "line 2" },
		{ FIRST "[" ROOT "\n", "line 2" },
		{ FIRST "[" ROOT "]\n\"a\"=\"b\n\n", "line 3" },  /* No closing quote. */
		{ FIRST "[" ROOT "]\n\"a\"=\"b\\n\"", "line 3" }, /* No such escape. */
		{ FIRST "[" ROOT "]\n\"a\"=\"b\" c", "line 3" }, { FIRST "[" ROOT "]\n\"a\"", "line 3" },
		{ FIRST "[" ROOT "]\n\"a\"=dword:", "line 3" }, { FIRST "[" ROOT "]\n\"a\"=dword:123456789", "line 3" },
		{ FIRST "[" ROOT "]\n\"a\"=hex:1g", "line 3" }, { FIRST "[" ROOT "]\n\"a\"=hex:01,,02", "line 3" },
		{ FIRST "[" ROOT "]\n\"a\"=hex:01 02", "line 3" }, { FIRST "[" ROOT "]\n\"a\"=hex:01,\n02", "line 3" },
		{ FIRST "[" ROOT "]\n\"a\"=hex:01,\\", "line 3" },
		{ FIRST "[" ROOT "]\n\"a\"=hex(123456789):", "line 3" },
		{ FIRST "[" ROOT "]\n\"a\"=qword:1", "line 3" },
		{ FIRST "[-" ROOT "\\x]\n\"a\"=-", "line 3" }, /* Its key is gone. */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error error = { 0 };

		if (parse(cases[i].text, &error) != ERR_INVALID_DATA)
			test_fail(__FILE__, __LINE__, "accepted: %s", cases[i].text);
		if (strncmp(error.text, cases[i].line, strlen(cases[i].line)) != 0)
			test_fail(__FILE__, __LINE__, "case %zu: %s", i, error.text);
	}
}

TEST(bytes_that_are_no_text_are_refused)
{
	struct error error = { 0 };
	struct heard h = { 0 };

	CHECK_INT(regfile_parse("\xff\xfeW", 3, REGFILE_ROOT, hear, &h, &error), ERR_INVALID_DATA);
	CHECK_INT(regfile_parse("\xfe\xff\0W", 4, REGFILE_ROOT, hear, &h, &error), ERR_INVALID_DATA);
	CHECK_INT(regfile_parse("\xff", 1, REGFILE_ROOT, hear, &h, &error), ERR_INVALID_DATA);
	CHECK_INT(regfile_parse(FIRST "\0", sizeof(FIRST), REGFILE_ROOT, hear, &h, &error), ERR_INVALID_DATA);
	CHECK_INT(h.count, 0);
}

TEST(the_callback_can_end_it)
{
	static const char text[] = FIRST "[" ROOT "]\n@=\"a\"\n@=\"b\"";
	struct heard h = { .fail_at = 2 };

	CHECK_INT(regfile_parse(text, sizeof(text) - 1, REGFILE_ROOT, hear, &h, NULL), -ECANCELED);
	CHECK_INT(h.count, 2);
	buf_done(&h.text);
}

static uint32_t chance(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Units that are likely to go wrong. */
static char16_t odd_unit(uint64_t *s, bool for_key)
{
	static const char16_t odd[] = { '"', '\\', ']', '[', '=', '@', ';', '-', ' ', '\t', 0xd83d, 0xde00, 0xfeff,
		0xffff, 0x7f, 0x85, 0xe9, 'a', 'b', '\n', '\r' };
	char16_t unit = odd[chance(s) % (ARRAY_SIZE(odd) - (for_key ? 2 : 0))];

	return for_key && unit == '\\' ? 'x' : unit;
}

struct expected {
	struct heard heard;
	struct buf text;
};

/* A text of random entries, and what must be heard of it. */
static void write_random(uint64_t *s, struct expected *x)
{
	char16_t key[6], name[6];
	struct regfile_entry e = { 0 };

	regfile_begin(&x->text);
	for (unsigned n = 0; n < 12; n++) {
		uint8_t data[64];

		if (n == 0 || chance(s) % 4 == 0) {
			e = (struct regfile_entry){ .kind = REGFILE_KEY, .key = { key, 1 + chance(s) % 5 } };
			for (size_t i = 0; i < e.key.len; i++)
				key[i] = odd_unit(s, true);
			CHECK_INT(regfile_key(&x->text, REGFILE_ROOT, e.key, false), 0);
			(void)hear(&x->heard, &e);
			continue;
		}
		e.name = (struct u16){ name, chance(s) % 6 };
		for (size_t i = 0; i < e.name.len; i++)
			name[i] = odd_unit(s, false);
		e.type = chance(s) % 14 == 0 ? chance(s) : chance(s) % 13;
		e.len = chance(s) % 3 == 0 ? 4 : chance(s) % sizeof(data);
		for (size_t i = 0; i < e.len; i++)
			data[i] = chance(s) % 2 != 0 ? 0 : (uint8_t)chance(s);
		if (chance(s) % 2 != 0) { /* Text, mostly with its terminator. */
			e.len &= ~(size_t)1;
			for (size_t i = 0; i + 1 < e.len; i += 2)
				put_le16(data + i, i + 2 < e.len ? odd_unit(s, false) : 0);
		}
		e.data = data;
		e.kind = chance(s) % 5 == 0 ? REGFILE_DELETE_VALUE : REGFILE_VALUE;
		if (e.kind == REGFILE_VALUE) {
			CHECK_INT(regfile_value(&x->text, e.name, e.type, e.data, e.len), 0);
		} else {
			e.type = 0;
			e.len = 0;
			CHECK_INT(regfile_delete_value(&x->text, e.name), 0);
		}
		(void)hear(&x->heard, &e);
	}
}

/* Entries have lines, which the writer does not tell: compare without. */
static int hear_no_line(void *data, const struct regfile_entry *e)
{
	struct regfile_entry copy = *e;

	copy.line = 0;
	return hear(data, &copy);
}

TEST(what_is_written_reads_back_as_the_same_whatever_it_is)
{
	for (uint64_t round = 0; round < test_rounds(3000); round++) {
		uint64_t state = test_seed + round;
		struct expected x = { 0 };
		struct heard h = { 0 };
		struct error error = { 0 };
		struct buf utf8 = { 0 };

		test_note_seed(test_seed + round);
		write_random(&state, &x);
		CHECK_INT(x.text.error, 0);
		if (regfile_parse(x.text.data, x.text.len, REGFILE_ROOT, hear_no_line, &h, &error) != 0)
			test_fail(__FILE__, __LINE__, "%s", error.text);
		CHECK_INT(h.text.len, x.heard.text.len);
		CHECK_MEM(h.text.data, x.heard.text.data, h.text.len);
		buf_done(&h.text);
		CHECK_INT(regfile_to_utf8(&x.text, &utf8), 0);
		CHECK_INT(regfile_parse(utf8.data, utf8.len, REGFILE_ROOT, hear_no_line, &h, &error), 0);
		CHECK_INT(h.text.len, x.heard.text.len);
		CHECK_MEM(h.text.data, x.heard.text.data, h.text.len);
		buf_done(&h.text);
		buf_done(&utf8);
		buf_done(&x.text);
		buf_done(&x.heard.text);
	}
}

TEST(short_forms_are_used_where_nothing_is_lost)
{
	static const struct {
		uint32_t type;
		const char *data;
		size_t len;
		const char *wanted;
	} cases[] = {
		{ 1, "a\0\0\0", 4, "\"a\"" },
		{ 1, "a\0", 2, "hex(1):61,00" },
		{ 1, "\n\0\0\0", 4, "hex(1):0a,00,00,00" },
		{ 1, "\0\0\0\0", 4, "hex(1):00,00,00,00" },
		{ 1, "a\0\0", 3, "hex(1):61,00,00" },
		{ 1, "", 0, "hex(1):" },
		{ 4, "\1\0\0\0", 4, "dword:00000001" },
		{ 4, "\1\0\0", 3, "hex(4):01,00,00" },
		{ 3, "\1", 1, "hex:01" },
		{ 11, "\1\0\0\0\0\0\0\0", 8, "hex(b):01,00,00,00,00,00,00,00" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text = { 0 }, utf8 = { 0 };

		regfile_data(&text, cases[i].type, cases[i].data, cases[i].len, 0, true);
		CHECK_INT(regfile_to_utf8(&text, &utf8), 0);
		buf_u8(&utf8, 0);
		CHECK_STR((char *)utf8.data, cases[i].wanted);
		buf_done(&text);
		buf_done(&utf8);
	}
}

TEST(long_data_goes_over_lines_of_80_columns)
{
	struct buf text = { 0 }, utf8 = { 0 };
	uint8_t data[200] = { 0 };
	size_t column = 0;

	CHECK_INT(regfile_value(&text, U16("name"), 3, data, sizeof(data)), 0);
	CHECK_INT(regfile_to_utf8(&text, &utf8), 0);
	for (size_t i = 0; i < utf8.len; i++) {
		column = utf8.data[i] == '\n' ? 0 : column + 1;
		CHECK(column <= 82); /* With the backslash and CR. */
	}
	buf_done(&text);
	buf_done(&utf8);
}

TEST(names_that_the_text_cannot_hold_are_refused_and_nothing_is_written)
{
	struct buf text = { 0 };

	CHECK_INT(regfile_key(&text, REGFILE_ROOT, U16("a\0b"), false), ERR_NO_UNICODE_TRANSLATION);
	CHECK_INT(regfile_key(&text, REGFILE_ROOT, U16("a\nb"), false), ERR_NO_UNICODE_TRANSLATION);
	CHECK_INT(regfile_value(&text, U16("a\0b"), 1, "", 0), ERR_NO_UNICODE_TRANSLATION);
	CHECK_INT(regfile_delete_value(&text, U16("a\0b")), ERR_NO_UNICODE_TRANSLATION);
	CHECK_INT(text.len, 0);
}

TEST(without_memory_it_fails_cleanly_at_every_allocation)
{
	static const char text[] = FIRST "[" ROOT "\\a]\n\"n\"=\"b\"\n\"m\"=hex:01\n";

	FAIL_EACH_ALLOCATION
	{
		struct one o = { 0 };
		struct buf out = { 0 };
		int r = regfile_parse(text, sizeof(text) - 1, REGFILE_ROOT, take_one, &o, NULL);

		CHECK(r == (failalloc_hit() ? -ENOMEM : 0));
		regfile_begin(&out);
		CHECK(out.error == (failalloc_hit() && r == 0 ? -ENOMEM : 0) || r < 0);
		buf_done(&out);
	}
}
