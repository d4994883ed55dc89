/* The accounts file: what is read, what is refused, and that a change is seen.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/auth/accounts.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/test.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define HASH "a4f49c406510bdcab6824ee7c30fd852"

static int parse(const char *text, struct accounts *ret)
{
	unsigned line;

	return accounts_parse(text, strlen(text), ret, &line);
}

static struct ntlm_account account(const char *name, enum rpc_access access)
{
	struct ntlm_account a = { .access = access };

	(void)snprintf(a.name, sizeof(a.name), "%s", name);
	ntlm_hash_password(U16("Password"), a.hash);
	return a;
}

TEST(what_is_written_is_read_again)
{
	static const char text[] = "rueda accounts 1\nalice:all:" HASH "\nJ\303\274rgen M.:read:" HASH "\n";
	struct ntlm_account expected = account("alice", RPC_ACCESS_ALL);
	struct buf again = { 0 };
	struct accounts a;

	CHECK_INT(parse(text, &a), 0);
	CHECK_INT(a.count, 2);
	CHECK_MEM(&a.entries[0], &expected, sizeof(expected));
	CHECK_INT(a.entries[1].access, RPC_ACCESS_READ);
	CHECK_INT(accounts_format(&a, &again), 0);
	CHECK_INT(again.len, sizeof(text) - 1);
	CHECK_MEM(again.data, text, again.len);
	CHECK(accounts_find(&a, U16("ALICE")) == &a.entries[0]);
	CHECK(accounts_find(&a, U16("J\u00dcRGEN m.")) == &a.entries[1]);
	CHECK(accounts_find(&a, U16("alic")) == NULL);
	buf_done(&again);
	accounts_done(&a);
}

TEST(a_file_with_anything_wrong_in_it_is_refused_with_the_line)
{
	static const struct {
		const char *text;
		unsigned line;
	} cases[] = {
		{ "", 1 },
		{ "rueda accounts 2\n", 1 },
		{ "rueda accounts 1", 1 },
		{ "rueda accounts 1\nalice:all:" HASH, 1 },
		{ "rueda accounts 1\n\n", 2 },
		{ "rueda accounts 1\nalice:all:" HASH "\nbob:all\n", 3 },
		{ "rueda accounts 1\nalice:some:" HASH "\n", 2 },
		{ "rueda accounts 1\nalice::" HASH "\n", 2 },
		{ "rueda accounts 1\n:all:" HASH "\n", 2 },
		{ "rueda accounts 1\n alice:all:" HASH "\n", 2 },
		{ "rueda accounts 1\nal\tice:all:" HASH "\n", 2 },
		{ "rueda accounts 1\n\377:all:" HASH "\n", 2 },
		{ "rueda accounts 1\nalice:all:" HASH "0\n", 2 },
		{ "rueda accounts 1\nalice:all:A4f49c406510bdcab6824ee7c30fd852\n", 2 },
		{ "rueda accounts 1\nalice:all:" HASH "\nALICE:read:" HASH "\n", 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct accounts a = { 0 };
		unsigned line = 0;

		CHECK_INT(accounts_parse(cases[i].text, strlen(cases[i].text), &a, &line), -EBADMSG);
		CHECK_INT(line, cases[i].line);
		CHECK(a.entries == NULL);
	}
}

TEST(names_have_rules)
{
	static const char *bad[] = { "", " a", "a ", "a:b", "A\\b", "a\nb", "\177", "\355\240\200" };
	char long_name[RPC_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (accounts_name_is_valid(bad[i]))
			test_fail(__FILE__, __LINE__, "%zu", i);
	memset(long_name, 'x', sizeof(long_name));
	long_name[RPC_NAME_MAX + 1] = 0;
	CHECK(!accounts_name_is_valid(long_name));
	long_name[RPC_NAME_MAX] = 0;
	CHECK(accounts_name_is_valid(long_name));
}

TEST(accounts_are_limited)
{
	struct accounts a = { 0 };
	int r = 0;

	for (unsigned i = 0; r == 0; i++) {
		char name[32];
		struct ntlm_account one;

		(void)snprintf(name, sizeof(name), "user%u", i);
		one = account(name, RPC_ACCESS_READ);
		r = accounts_add(&a, &one);
	}
	CHECK_INT(r, -ENOSPC);
	CHECK_INT(a.count, ACCOUNTS_MAX);
	accounts_remove(&a, &a.entries[0]);
	CHECK_STR(a.entries[0].name, "user1");
	CHECK_INT(a.count, ACCOUNTS_MAX - 1);
	accounts_done(&a);
}

static int open_directory(void)
{
	int fd = open(test_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void save_one(int directory, const char *name)
{
	struct ntlm_account one = account(name, RPC_ACCESS_ALL);
	struct accounts a = { 0 };
	struct error e;

	CHECK_INT(accounts_add(&a, &one), 0);
	CHECK_INT(accounts_save(directory, &a, &e), 0);
	accounts_done(&a);
}

TEST(a_change_is_seen_at_the_next_login)
{
	struct accounts_cache cache = { .directory = open_directory() };
	struct ntlm_account found;
	struct stat st;

	(void)unlinkat(cache.directory, ACCOUNTS_FILE, 0);
	CHECK_INT(accounts_lookup(&cache, U16("alice"), U16(""), &found), -ENOENT);
	save_one(cache.directory, "alice");
	CHECK_INT(fstatat(cache.directory, ACCOUNTS_FILE, &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(accounts_lookup(&cache, U16("ALICE"), U16("anywhere"), &found), 0);
	CHECK_STR(found.name, "alice");
	CHECK_INT(found.access, RPC_ACCESS_ALL);
	save_one(cache.directory, "carol");
	CHECK_INT(accounts_lookup(&cache, U16("alice"), U16(""), &found), -ENOENT);
	CHECK_INT(accounts_lookup(&cache, U16("carol"), U16(""), &found), 0);

	/* Others can read it: nobody may use it. */
	CHECK_INT(fchmodat(cache.directory, ACCOUNTS_FILE, 0640, 0), 0);
	CHECK_INT(accounts_lookup(&cache, U16("carol"), U16(""), &found), -ENOENT);
	CHECK_INT(fchmodat(cache.directory, ACCOUNTS_FILE, 0600, 0), 0);
	CHECK_INT(accounts_lookup(&cache, U16("carol"), U16(""), &found), 0);
	CHECK_INT(unlinkat(cache.directory, ACCOUNTS_FILE, 0), 0);
	CHECK_INT(accounts_lookup(&cache, U16("carol"), U16(""), &found), -ENOENT);
	(void)close(cache.directory);
	accounts_cache_done(&cache);
}

TEST(a_link_in_the_place_of_the_file_is_not_followed)
{
	int directory = open_directory();
	struct accounts a;
	struct error e;

	save_one(directory, "alice");
	CHECK_INT(renameat(directory, ACCOUNTS_FILE, directory, "elsewhere"), 0);
	CHECK_INT(symlinkat("elsewhere", directory, ACCOUNTS_FILE), 0);
	CHECK_INT(accounts_load(directory, &a, &e), -ELOOP);
	CHECK_INT(symlinkat("elsewhere", directory, ACCOUNTS_FILE ".new"), 0);
	save_one(directory, "bob");
	CHECK_INT(accounts_load(directory, &a, &e), 0);
	CHECK_STR(a.entries[0].name, "bob");
	accounts_done(&a);
	CHECK_INT(unlinkat(directory, ACCOUNTS_FILE, 0), 0);
	CHECK_INT(renameat(directory, "elsewhere", directory, ACCOUNTS_FILE), 0);
	CHECK_INT(accounts_load(directory, &a, &e), 0);
	CHECK_STR(a.entries[0].name, "alice"); /* Not written through. */
	accounts_done(&a);
	(void)close(directory);
}

TEST(each_failed_allocation_is_survived)
{
	static const char text[] = "rueda accounts 1\nalice:all:" HASH "\nbob:read:" HASH "\n";

	FAIL_EACH_ALLOCATION
	{
		struct accounts a = { 0 };
		struct buf again = { 0 };
		int r = parse(text, &a);

		CHECK(r == 0 || failalloc_hit());
		if (r == 0)
			(void)accounts_format(&a, &again);
		buf_done(&again);
		accounts_done(&a);
	}
}
