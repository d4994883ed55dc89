/* Which user of this machine somebody is who comes over the network.
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/users.h"
#include "tests/lib/test.h"

TEST(a_map_is_checked)
{
	static const struct {
		const char *map;
		bool is_valid;
	} cases[] = { { "none", true }, { "alice:backup", true }, { " alice:backup , bob@R:bob ", true },
		{ "*@R:all", true }, { "al ice:b_-.$1", true }, { "", false }, { "alice", false }, { "alice:", false },
		{ ":backup", false }, { "alice:-x", false }, { "alice:a b", false }, { "alice:a/b", false },
		{ "@R:x", false }, { "a@:x", false }, { "a@b@R:x", false }, { "a:b:c", false }, { "a:b,,c:d", false },
		{ "a:0123456789012345678901234567890123456789012345678901234567890123", false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (users_are_valid(cases[i].map) != cases[i].is_valid)
			test_fail(__FILE__, __LINE__, "%s", cases[i].map);
}

TEST(a_map_has_a_limit)
{
	char map[USERS_MAX * 4 + 5];

	for (size_t i = 0; i <= USERS_MAX; i++)
		memcpy(map + 4 * i, "a:b,", 4);
	map[sizeof(map) - 1] = 0;
	CHECK(!users_are_valid(map));
	map[4 * USERS_MAX] = 0;
	CHECK(users_are_valid(map));
}

TEST(each_name_has_its_user)
{
	static const char map[] = "alice:backup, bob@R:bob,*@S : all, *@R:others, carol@R:carol,st\xc3\xa9phane:steph";
	static const struct {
		const char *name;
		bool is_principal;
		const char *user;
	} cases[] = { { "alice", false, "backup" }, { "ALICE", false, "backup" }, { "ST\xc3\x89PHANE", false, "steph" },
		{ "alic", false, NULL }, { "alice2", false, NULL }, { "alice", true, NULL }, { "bob@R", true, "bob" },
		{ "Bob@R", true, "others" }, { "carol@R", true, "carol" }, { "dave@R", true, "others" },
		{ "dave@r", true, NULL }, { "dave@RR", true, NULL }, { "bob@R", false, NULL }, { "*@R", false, NULL },
		{ "*@R", true, NULL }, { "dave@EVIL\\@R", true, NULL }, { "", false, NULL }, { "@R", true, NULL } };
	char user[USERS_USER_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool found = users_find(map, cases[i].name, cases[i].is_principal, user);

		CHECK_INT(found, cases[i].user != NULL);
		if (found && cases[i].user != NULL)
			CHECK_STR(user, cases[i].user);
	}
	CHECK(!users_find("none", "none", false, user));
}
