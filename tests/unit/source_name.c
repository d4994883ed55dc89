/* source_name: names of sources: what is refused, what is the same, and that no file's name is lost in between.
 * SPDX-License-Identifier: Apache-2.0 */
#include "capture/name.h"
#include "tests/lib/failalloc.h"
#include <stdio.h>

static int parse(struct u16 name, struct source_name *ret)
{
	struct error e = { 0 };
	int r = source_name_parse(name, ret, &e);

	CHECK(r == 0 || e.text[0] != 0); /* Every refusal has its story. */
	return r;
}

TEST(names_below_file_are_paths_and_others_keys)
{
	struct source_name n = { 0 };

	CHECK_INT(parse(U16("SOFTWARE\\Example"), &n), 0);
	CHECK(n.kind == SOURCE_KEY && n.path == NULL && u16_equal_exact(n.key, U16("SOFTWARE\\Example")));
	source_name_done(&n);
	CHECK_INT(parse(U16("Files\\etc"), &n), 0);
	CHECK(n.kind == SOURCE_KEY);
	source_name_done(&n);
	CHECK_INT(parse(U16("File\\etc\\my app"), &n), 0);
	CHECK(n.kind == SOURCE_FILE);
	CHECK_STR(n.path, "/etc/my app");
	source_name_done(&n);
	CHECK_INT(parse(U16("fILE\\etc\\a%5cb%25\u00e9%FF"), &n), 0);
	CHECK_STR(n.path, "/etc/a\\b%\xc3\xa9\xff");
	source_name_done(&n);
}

TEST(what_no_source_can_be_named_is_refused)
{
	static const char16_t lone[] = u"File\\\xd800";
	static const struct u16 bad[] = { { u"", 0 }, U16("\\SOFTWARE"), U16("SOFTWARE\\"), U16("a\\\\b"), U16("a\0b"),
		U16("File"), U16("File\\"), U16("File\\etc\\"), U16("File\\\\etc"), U16("File\\."),
		U16("File\\a\\..\\b"), U16("File\\a/b"), U16("File\\a%2fb"), U16("File\\%00"), U16("File\\%"),
		U16("File\\a%2"), U16("File\\%g0"), U16("File\\%2E%2e"), { lone, 6 } };
	struct source_name n;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(parse(bad[i], &n), ERR_INVALID_PARAMETER);
}

TEST(long_names_are_refused)
{
	static char16_t name[SOURCE_NAME_MAX + 2];
	struct source_name n = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		name[i] = i % 2 ? u'\\' : u'a';
	memcpy(name, u"File\\", 5 * sizeof(char16_t));
	name[5] = u'a';
	for (size_t i = 6; i < ARRAY_SIZE(name); i++)
		name[i] = i % 2 ? u'a' : u'\\';
	CHECK_INT(parse((struct u16){ name, 4 + SOURCE_PATH_MAX - 1 }, &n), 0);
	CHECK_INT(strlen(n.path), SOURCE_PATH_MAX - 1);
	source_name_done(&n);
	CHECK_INT(parse((struct u16){ name, 4 + SOURCE_PATH_MAX + 1 }, &n), ERR_FILENAME_EXCED_RANGE);
	CHECK_INT(parse((struct u16){ name, SOURCE_NAME_MAX + 1 }, &n), ERR_FILENAME_EXCED_RANGE);
	for (size_t i = 5; i < 5 + SOURCE_COMPONENT_MAX + 1; i++)
		name[i] = u'a';
	CHECK_INT(parse((struct u16){ name, 5 + SOURCE_COMPONENT_MAX }, &n), 0);
	source_name_done(&n);
	CHECK_INT(parse((struct u16){ name, 5 + SOURCE_COMPONENT_MAX + 1 }, &n), ERR_INVALID_PARAMETER);
}

TEST(keys_are_the_same_in_any_case_and_files_are_not)
{
	CHECK(source_name_is_same(U16("Software\\X"), U16("SOFTWARE\\x")));
	CHECK(!source_name_is_same(U16("Software\\X"), U16("SOFTWARE\\y")));
	CHECK(source_name_is_same(U16("file\\etc\\a"), U16("File\\etc\\%61")));
	CHECK(!source_name_is_same(U16("File\\etc\\a"), U16("File\\etc\\A")));
	CHECK(!source_name_is_same(U16("File\\etc\\a"), U16("Fil\\etc\\a")));
}

/* Every byte, alone and in the middle of what it may spoil. */
TEST(each_path_has_a_name_that_leads_back_to_it)
{
	char path[64];

	for (int a = 1; a < 256; a++)
		for (int b = 1; b < 256; b++) {
			_cleanup_(source_name_done) struct source_name n = { 0 };
			_cleanup_free_ char16_t *name = NULL;

			if (a == '/' || b == '/' || (a == '.' && b == '.'))
				continue;
			(void)snprintf(
			    path, sizeof(path), "/x/\xe2\x82%c%c/\xf0\x9f\x98\x80%c%c/%c%c", a, b, b, a, a, b);
			CHECK_INT(source_name_of_path(path, &name), 0);
			CHECK(u16_is_well_formed(u16_from_z(name)));
			CHECK_INT(parse(u16_from_z(name), &n), 0);
			CHECK_STR(n.path, path);
		}
}

TEST(paths_that_are_no_source_have_no_name)
{
	char16_t *name;

	CHECK_INT(source_name_of_path("etc", &name), ERR_INVALID_PARAMETER);
	CHECK_INT(source_name_of_path("/", &name), ERR_INVALID_PARAMETER);
	CHECK_INT(source_name_of_path("/a/../b", &name), ERR_INVALID_PARAMETER);
}

TEST(no_memory_is_an_error)
{
	FAIL_EACH_ALLOCATION
	{
		struct source_name n = { 0 };
		int r = parse(U16("File\\etc\\a%5cb"), &n);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		source_name_done(&n);
	}
	FAIL_EACH_ALLOCATION
	{
		char16_t *name = NULL;
		int r = source_name_of_path("/etc/x", &name);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		free(name);
	}
}
