/* path: the table of what each spelling means, and that hostile spellings stay where they belong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/path.h"
#include "tests/lib/failalloc.h"
#include <stdio.h>

static struct unc_map map;
static const struct path_context context = {.drives = "/R/drives", .unc = &map};

static void make_map(void)
{
	static const struct {
		const char *name, *directory;
	} entries[] = {
	    {"//ClusBack/19991215", "/some/dir"},
	    {"\\\\srv\\share", "/mnt/share"},
	    {"//srv/share/deep/er", "/mnt/deeper"},
	    {"//SRV/My Share$/", "/"},
	    {"//srv/\xc3\x84rger", "/mnt/trouble"},
	};

	unc_map_done(&map);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		CHECK_INT(unc_map_add(&map, entries[i].name, entries[i].directory, NULL), 0);
}

/* Windows form → our path, or the error.  create: a missing last component may be made. */
// clang-format off
static const struct row {
	const char16_t *windows;
	const char *want;
	int error;
	bool create;
} rows[] = {
	/* Nothing. */
	{ NULL, NULL, ERR_INVALID_PARAMETER },
	{ u"", NULL, ERR_INVALID_PARAMETER },
	/* POSIX paths pass. */
	{ u"/srv/backup", "/srv/backup", 0, true },
	{ u"/srv/backup/", "/srv/backup", 0, true },
	{ u"/srv/backup\\", "/srv/backup", 0, true },
	{ u"/srv//backup\\\\//", "/srv/backup", 0, true },
	{ u"/srv/./backup/.", "/srv/backup", 0, true },
	{ u"\\srv\\backup", "/srv/backup", 0, true },
	{ u"/srv/a:b*?\"<>|", "/srv/a:b*?\"<>|", 0, true },
	{ u"/srv/...", "/srv/...", 0, true },
	{ u"/srv/.hidden", "/srv/.hidden", 0, true },
	{ u"/", "/", 0, false },
	{ u"\\", "/", 0, false },
	{ u"///srv", "/srv", 0, true },
	{ u"\\\\\\srv\\share", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\\\\\srv\\\\share", NULL, ERR_BAD_PATHNAME },
	{ u"/srv/\u00e4\u20ac\U0001F600", "/srv/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 0, true },
	/* Drives. */
	{ u"c:\\backup", "/R/drives/c:/backup", 0, true },
	{ u"C:\\Backup\\1999", "/R/drives/c:/Backup/1999", 0, true },
	{ u"c:/backup/", "/R/drives/c:/backup", 0, true },
	{ u"c:\\\\backup\\\\", "/R/drives/c:/backup", 0, true },
	{ u"z:", "/R/drives/z:", 0, false },
	{ u"Z:\\", "/R/drives/z:", 0, false },
	{ u"Z:\\.\\", "/R/drives/z:", 0, false },
	{ u"\\\\?\\C:\\x", "/R/drives/c:/x", 0, true },
	{ u"//?/C:/x", "/R/drives/c:/x", 0, true },
	{ u"c:backup", NULL, ERR_BAD_PATHNAME },
	{ u"cc:\\backup", NULL, ERR_BAD_PATHNAME },
	{ u"1:\\backup", NULL, ERR_BAD_PATHNAME },
	{ u"[:\\backup", NULL, ERR_BAD_PATHNAME },
	{ u":\\backup", NULL, ERR_BAD_PATHNAME },
	{ u"c:\\a:stream", NULL, ERR_BAD_PATHNAME },
	{ u"c:\\back*", NULL, ERR_BAD_PATHNAME },
	{ u"c:\\a\nb", NULL, ERR_BAD_PATHNAME },
	/* No way up, in any form. */
	{ u"/srv/../etc", NULL, ERR_BAD_PATHNAME },
	{ u"/..", NULL, ERR_BAD_PATHNAME },
	{ u"c:\\..\\d:\\x", NULL, ERR_BAD_PATHNAME },
	{ u"c:\\a\\..", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\srv\\share\\..\\..\\etc", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\?\\C:\\..", NULL, ERR_BAD_PATHNAME },
	/* UNC. */
	{ u"\\\\ClusBack\\19991215", "/some/dir", 0, true },
	{ u"\\\\clusback\\19991215\\", "/some/dir", 0, true },
	{ u"//CLUSBACK//19991215//x", "/some/dir/x", 0, true },
	{ u"\\\\ClusBack\\199912156", NULL, ERR_PATH_NOT_FOUND },
	{ u"\\\\ClusBack", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\ClusBack\\", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\srv\\share\\deep", "/mnt/share/deep", 0, true },
	{ u"\\\\srv\\share\\deep\\er", "/mnt/deeper", 0, true },
	{ u"\\\\srv\\share\\DEEP\\ER\\x\\y", "/mnt/deeper/x/y", 0, true },
	{ u"\\\\srv\\share\\deep\\erx", "/mnt/share/deep/erx", 0, true },
	{ u"\\\\srv\\my share$\\x", "/x", 0, true },
	{ u"\\\\srv\\my share$", "/", 0, true },
	{ u"\\\\SRV\\\u00e4RGER\\x", "/mnt/trouble/x", 0, true },
	{ u"\\\\?\\UNC\\srv\\share\\x", "/mnt/share/x", 0, true },
	{ u"\\\\?\\unc\\srv\\share", "/mnt/share", 0, true },
	{ u"\\\\?\\UNC\\srv", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\?\\", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\?\\Volume{x}\\y", NULL, ERR_BAD_PATHNAME },
	{ u"\\\\srv\\share\\a?b", NULL, ERR_BAD_PATHNAME },
	/* Devices, and paths that would need a current directory. */
	{ u"\\\\.\\PhysicalDrive0", NULL, ERR_BAD_PATHNAME },
	{ u"//./c:/x", NULL, ERR_BAD_PATHNAME },
	{ u"backup", NULL, ERR_BAD_PATHNAME },
	{ u"backup\\x", NULL, ERR_BAD_PATHNAME },
	{ u".", NULL, ERR_BAD_PATHNAME },
	{ u"..\\x", NULL, ERR_BAD_PATHNAME },
};
// clang-format on

TEST(each_spelling_means_one_directory_or_one_error)
{
	make_map();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct path path = {0};
		struct error e = {0};
		struct u16 windows = u16_from_z(rows[i].windows);
		int r = path_translate(&context, windows, &path, &e);
		char shown[200];

		(void)u16_to_utf8_buffer(windows, shown, sizeof(shown));
		if (r != rows[i].error || (r == 0 && strcmp(path.text, rows[i].want) != 0))
			test_fail(__FILE__, __LINE__, "row %zu, %s: %d %s", i, shown, r, r == 0 ? path.text : e.text);
		if (r == 0 && path.may_create != rows[i].create)
			test_fail(__FILE__, __LINE__, "row %zu, %s: may_create is %d", i, shown, path.may_create);
		if (r < 0)
			CHECK(e.code == r && e.text[0] != 0);
		CHECK(r == 0 || path.text == NULL);
		path_done(&path);
	}
}

TEST(a_zero_inside_is_refused)
{
	struct path path;

	CHECK_INT(path_translate(&context, U16("/srv\0/x"), &path, NULL), ERR_BAD_PATHNAME);
}

TEST(an_unpaired_surrogate_is_refused)
{
	static const char16_t high[] = {'/', 'a', 0xd800, 'b'}, low[] = {'/', 0xdc00}, last[] = {'c', ':', '/', 0xdbff};
	struct path path;

	CHECK_INT(path_translate(&context, (struct u16){high, 4}, &path, NULL), ERR_NO_UNICODE_TRANSLATION);
	CHECK_INT(path_translate(&context, (struct u16){low, 2}, &path, NULL), ERR_NO_UNICODE_TRANSLATION);
	CHECK_INT(path_translate(&context, (struct u16){last, 4}, &path, NULL), ERR_NO_UNICODE_TRANSLATION);
}

TEST(a_path_has_at_most_32767_units_and_a_component_255_bytes)
{
	static char16_t units[PATH_UNITS_MAX + 1];
	struct path path = {0};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		units[i] = i % 100 == 0 ? '/' : 'x';
	CHECK_INT(path_translate(&context, (struct u16){units, PATH_UNITS_MAX}, &path, NULL), 0);
	CHECK_INT(strlen(path.text), PATH_UNITS_MAX);
	path_done(&path);
	CHECK_INT(
	    path_translate(&context, (struct u16){units, PATH_UNITS_MAX + 1}, &path, NULL), ERR_FILENAME_EXCED_RANGE);

	for (size_t i = 1; i < 300; i++)
		units[i] = 'x';
	CHECK_INT(path_translate(&context, (struct u16){units, 256}, &path, NULL), 0);
	path_done(&path);
	CHECK_INT(path_translate(&context, (struct u16){units, 257}, &path, NULL), ERR_FILENAME_EXCED_RANGE);
	for (size_t i = 1; i < 300; i++)
		units[i] = 0x20ac; /* Three bytes each. */
	CHECK_INT(path_translate(&context, (struct u16){units, 86}, &path, NULL), 0);
	path_done(&path);
	CHECK_INT(path_translate(&context, (struct u16){units, 87}, &path, NULL), ERR_FILENAME_EXCED_RANGE);
}

TEST(a_share_needs_a_full_name_and_a_plain_directory)
{
	static const struct {
		const char *name, *directory;
		int want;
	} entries[] = {
	    {"//a/b", "/x", 0},
	    {"\\\\A\\B\\", "/y", -EEXIST},
	    {"//a//b", "/y", -EEXIST},
	    {"//a/b/c", "/y", 0},
	    {"//a/c", "/", 0},
	    {"/a/b", "/x", -EINVAL},
	    {"a/b", "/x", -EINVAL},
	    {"///a/b", "/x", -EINVAL},
	    {"//a", "/x", -EINVAL},
	    {"//a/", "/x", -EINVAL},
	    {"//", "/x", -EINVAL},
	    {"", "/x", -EINVAL},
	    {"//a/..", "/x", -EINVAL},
	    {"//a/b?", "/x", -EINVAL},
	    {"//a/\xff", "/x", -EINVAL},
	    {"//d/e", "x", -EINVAL},
	    {"//d/e", "", -EINVAL},
	    {"//d/e", "/x/", -EINVAL},
	    {"//d/e", "/x//y", -EINVAL},
	    {"//d/e", "/x/../y", -EINVAL},
	    {"//d/e", "/.", -EINVAL},
	};
	struct unc_map m = {0};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		struct error e = {0};
		int r = unc_map_add(&m, entries[i].name, entries[i].directory, &e);

		if (r != entries[i].want)
			test_fail(__FILE__, __LINE__, "%s = %s: %d", entries[i].name, entries[i].directory, r);
		CHECK(r == 0 || e.text[0] != 0);
	}
	CHECK_INT(m.count, 3);
	for (char name[32]; m.count < UNC_ENTRIES_MAX;) {
		(void)snprintf(name, sizeof(name), "//s/%zu", m.count);
		CHECK_INT(unc_map_add(&m, name, "/x", NULL), 0);
	}
	CHECK_INT(unc_map_add(&m, "//s/more", "/x", NULL), -E2BIG);
	unc_map_done(&m);
}

TEST(each_failed_allocation_is_an_error)
{
	FAIL_EACH_ALLOCATION
	{
		struct unc_map m = {0};
		struct path_context c = {.drives = "/R", .unc = &m};
		struct path path = {0};
		int r = unc_map_add(&m, "//a/b", "/x", NULL);

		if (r == 0)
			r = path_translate(&c, U16("\\\\a\\b\\c\\d\\e"), &path, NULL);
		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		path_done(&path);
		unc_map_done(&m);
	}
}

/* Pieces of paths in any order: the result is plain and stays in one of the three places. */
TEST(a_random_path_stays_where_it_belongs)
{
	static const char *const pieces[] = {
	    "\\", "/", "..", ".", "c:", "\\\\srv\\share", "//?/", "UNC", "a", " ", "$"};

	make_map();
	for (uint64_t round = 0; round < test_rounds(20000); round++) {
		uint64_t x = (test_seed + round) * 0x9e3779b97f4a7c15 | 1;
		char16_t units[128];
		struct path path = {0};
		size_t len = 0;

		test_note_seed(test_seed + round);
		for (int i = 0; i < 8; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			for (const char *p = pieces[x % ARRAY_SIZE(pieces)]; *p != 0; p++)
				units[len++] = (char16_t)*p;
		}
		if (path_translate(&context, (struct u16){units, len}, &path, NULL) < 0)
			continue;
		CHECK(path.text[0] == '/');
		CHECK(strstr(path.text, "//") == NULL);
		CHECK(strstr(path.text, "/./") == NULL);
		CHECK(strstr(path.text, "..") == NULL || strstr(path.text, "...") != NULL ||
		      strstr(path.text, "/../") == NULL);
		CHECK(strlen(path.text) < 4 || strcmp(path.text + strlen(path.text) - 3, "/..") != 0);
		path_done(&path);
	}
}
