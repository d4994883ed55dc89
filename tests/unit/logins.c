/* Which principals may do what, by the lists of the configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/logins.h"
#include "tests/lib/test.h"

TEST(a_list_is_principals_with_commas_between)
{
	static const char *good[] = { "none", "a@R", "a@R,b@R", " a@R , *@S ", "host/n1.x@R.TEST" },
			  *bad[] = { "a", "a@", "@R", "a@R b@R", "a@R,,b@R", "a@R@S", "a@R,b", ",", "all" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!logins_parse_list(good[i]))
			test_fail(__FILE__, __LINE__, "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (logins_parse_list(bad[i]))
			test_fail(__FILE__, __LINE__, "%s", bad[i]);
}

TEST(a_principal_has_the_access_of_the_list_that_it_is_in)
{
	static const struct {
		const char *principal;
		enum rpc_access access;
	} cases[] = {
		{ "alice@R", RPC_ACCESS_ALL },
		{ "root@R", RPC_ACCESS_ALL },
		{ "bob@R", RPC_ACCESS_READ },
		{ "anybody@S", RPC_ACCESS_READ },
		{ "alice@S", RPC_ACCESS_READ },
		{ "alic@R", RPC_ACCESS_NONE },
		{ "alice2@R", RPC_ACCESS_NONE },
		{ "alice@RR", RPC_ACCESS_NONE },
		{ "Alice@R", RPC_ACCESS_NONE },
		{ "alice@r", RPC_ACCESS_NONE },
		{ "anybody@SS", RPC_ACCESS_NONE },
		{ "anybody@R", RPC_ACCESS_NONE },
		{ "*@R", RPC_ACCESS_NONE },
		{ "none", RPC_ACCESS_NONE },
		{ "", RPC_ACCESS_NONE },
		{ "alice@R,root@R", RPC_ACCESS_NONE },
		{ "alice@EVIL\\@S", RPC_ACCESS_NONE }, /* Of the realm EVIL@S. */
		{ "a\\@b@S", RPC_ACCESS_READ },
	};
	struct config config = { .access_all = (char *)"alice@R, root@R", .access_read = (char *)" bob@R ,*@S" },
		      empty = { .access_all = (char *)"none", .access_read = (char *)"none" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (logins_access(&config, cases[i].principal) != cases[i].access)
			test_fail(__FILE__, __LINE__, "%s", cases[i].principal);
		CHECK_INT(logins_access(&empty, cases[i].principal), RPC_ACCESS_NONE);
	}
}
