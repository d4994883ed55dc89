/* Dependency expressions: parsed, written, evaluated, changed; everything that is not one is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cluster/group/depend.h"
#include "base/error.h"
#include "tests/lib/test.h"

static struct guid one(char16_t letter)
{
	struct guid g = { 0 };

	g.bytes[15] = (uint8_t)letter; /* The last two digits of its text. */
	return g;
}

static int letter(void *data, struct u16 name, struct guid *ret)
{
	(void)data;
	if (name.len != 1 || name.units[0] < 'a' || name.units[0] > 'z')
		return ERR_RESOURCE_NOT_FOUND;
	*ret = one(name.units[0]);
	return 0;
}

static struct u16 wide(const char *text, char16_t *units)
{
	struct u16 w = { units, strlen(text) };

	for (size_t i = 0; i <= w.len; i++)
		units[i] = (unsigned char)text[i];
	return w;
}

static int parse(const char *text, struct depend *ret)
{
	char16_t units[8192];

	return depend_parse(wide(text, units), letter, NULL, ret);
}

/* The written form with each id as the letter that it was made of. */
static const char *format(const struct depend *d)
{
	static char text[8192];
	struct buf out = { 0 };
	size_t len = 0;

	depend_format(d, &out);
	for (size_t i = 0; i < out.len / 2; i++) {
		char c = (char)get_le16(out.data + 2 * i);

		text[len++] = c;
		if (c == '[') {
			unsigned high = get_le16(out.data + 2 * (i + GUID_TEXT_LEN - 1)),
				 low = get_le16(out.data + 2 * (i + GUID_TEXT_LEN));

			text[len++] = (char)((high - '0') * 16 + (low <= '9' ? low - '0' : low - 'a' + 10));
			i += GUID_TEXT_LEN;
		}
	}
	text[len] = 0;
	buf_done(&out);
	return text;
}

TEST(an_expression_is_written_with_the_parentheses_that_it_needs)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "", "" },
		{ "  ", "" },
		{ "[a]", "[a]" },
		{ "([a])", "[a]" },
		{ "[a]and[b]", "[a] and [b]" },
		{ " [a] AND [b] Or\t[c] ", "[a] and [b] or [c]" },
		{ "[a] and ([b] or [c])", "[a] and ([b] or [c])" },
		{ "([a] or [b]) and ([c] or [d])", "([a] or [b]) and ([c] or [d])" },
		{ "(([a] and [b]) or [c])", "[a] and [b] or [c]" },
		{ "[a] or ([b] or [c])", "[a] or [b] or [c]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct depend d, again;
		struct buf out = { 0 };

		CHECK_INT(parse(t[i].in, &d), 0);
		CHECK_STR(format(&d), t[i].out);
		/* What is written can be read again, as ids. */
		depend_format(&d, &out);
		CHECK_INT(depend_parse((struct u16){ (const char16_t *)(const void *)out.data, out.len / 2 }, NULL,
			      NULL, &again),
		    0);
		CHECK_STR(format(&again), t[i].out);
		buf_done(&out);
	}
}

TEST(what_is_no_expression_is_refused)
{
	static const char *const t[] = { "a", "[a", "a]", "[]", "()", "[a] [b]", "[a] and", "and [a]", "[a] nor [b]",
		"([a]", "[a])", "[a] andor [b]", "[a] or or [b]", "[a],[b]", "[a] and ()" };
	struct depend d;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		CHECK_INT(parse(t[i], &d), ERR_INVALID_PARAMETER);
	CHECK_INT(parse("[a] and [nobody]", &d), ERR_RESOURCE_NOT_FOUND);
	CHECK_INT(depend_parse(U16("[a]"), NULL, NULL, &d), ERR_INVALID_PARAMETER);
}

static void append(char *text, const char *more)
{
	memcpy(text + strlen(text), more, strlen(more) + 1);
}

TEST(an_expression_beyond_the_limits_is_refused)
{
	char text[8 * (DEPEND_TERMS_MAX + 2)] = "[a]";
	struct depend d;

	for (int i = 1; i < DEPEND_TERMS_MAX; i++)
		append(text, "and[a]");
	CHECK_INT(parse(text, &d), 0);
	CHECK_INT(d.terms, DEPEND_TERMS_MAX);
	append(text, "and[a]");
	CHECK_INT(parse(text, &d), ERR_INVALID_PARAMETER);

	text[0] = 0;
	for (int i = 0; i < DEPEND_DEPTH_MAX; i++)
		append(text, "(");
	append(text, "[a]");
	for (int i = 0; i < DEPEND_DEPTH_MAX; i++)
		append(text, ")");
	CHECK_INT(parse(text, &d), 0);
	memmove(text + 1, text, strlen(text) + 1);
	append(text, ")");
	CHECK_INT(parse(text, &d), ERR_INVALID_PARAMETER);
}

static bool in_set(void *data, const struct guid *id)
{
	return strchr(data, id->bytes[15]) != NULL;
}

TEST(it_holds_for_what_it_says)
{
	static const struct {
		const char *expression, *online;
		bool holds;
	} t[] = {
		{ "", "", true },
		{ "[a]", "", false },
		{ "[a]", "a", true },
		{ "[a] and [b]", "a", false },
		{ "[a] and [b]", "ab", true },
		{ "[a] or [b]", "b", true },
		{ "[a] or [b] and [c]", "a", true }, /* "and" binds tighter. */
		{ "[a] or [b] and [c]", "b", false },
		{ "([a] or [b]) and [c]", "a", false },
		{ "([a] or [b]) and [c]", "bc", true },
		{ "[a] and ([b] or ([c] and [d]))", "acd", true },
		{ "[a] and ([b] or ([c] and [d]))", "ac", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct depend d;

		CHECK_INT(parse(t[i].expression, &d), 0);
		CHECK_INT(depend_holds(&d, in_set, (void *)(uintptr_t)t[i].online), t[i].holds);
	}
}

TEST(a_provider_is_added_and_removed)
{
	static const struct {
		const char *before;
		char remove;
		const char *after;
	} t[] = {
		{ "[a]", 'a', "" },
		{ "[a] and [b]", 'a', "[b]" },
		{ "[a] and [b]", 'b', "[a]" },
		{ "[a] or [b] and [c]", 'b', "[a] or [c]" },
		{ "([a] or [b]) and [c]", 'c', "[a] or [b]" },
		{ "([a] or [b]) and [c]", 'a', "[b] and [c]" },
		{ "[c] and ([a] or [b])", 'c', "[a] or [b]" },
		{ "[a] and [b] or [a] and [c] or [a]", 'a', "[b] or [c]" },
	};
	struct depend d;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		CHECK_INT(parse(t[i].before, &d), 0);
		CHECK_INT(depend_remove(&d, &(struct guid[]){ one((unsigned char)t[i].remove) }[0]), 0);
		CHECK_STR(format(&d), t[i].after);
		CHECK_INT(depend_remove(&d, &(struct guid[]){ one((unsigned char)t[i].remove) }[0]),
		    ERR_DEPENDENCY_NOT_FOUND);
	}
	CHECK_INT(parse("[a] or [b]", &d), 0);
	CHECK_INT(depend_add(&d, &(struct guid[]){ one('c') }[0]), 0);
	CHECK_STR(format(&d), "([a] or [b]) and [c]");
	CHECK_INT(depend_add(&d, &(struct guid[]){ one('a') }[0]), ERR_DEPENDENCY_ALREADY_EXISTS);
	CHECK_INT(parse("", &d), 0);
	for (int i = 1; i <= DEPEND_TERMS_MAX; i++)
		CHECK_INT(depend_add(&d, &(struct guid){ { (uint8_t)i } }), 0);
	CHECK_INT(depend_add(&d, &(struct guid){ { 200 } }), ERR_INVALID_PARAMETER);
}
