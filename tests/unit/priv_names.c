/* names: the names of a set and nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/names.h"
#include "tests/lib/test.h"

#define GUID "01234567-89ab-CDEF-0123-456789abcdef"

TEST(the_names_of_a_set_are_allowed_in_any_case)
{
	static const char *const good[] = {
		"chk0000.tmp",
		"chkFFFF.tmp",
		"CHK00aF.TMP",
		"quolog.log",
		"quolog.new",
		"QUOLOG.LOG",
		"Clusbackup.dat",
		"clusbackup.DAT",
		GUID,
		"{" GUID "}",
		GUID "/00010002.CPT",
		"{" GUID "}/abcdef01.cpr",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!set_name_is_allowed(good[i]))
			test_fail(__FILE__, __LINE__, "%s", good[i]);
}

TEST(no_other_name_is_allowed)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"/",
		"passwd",
		"chk.tmp",
		"chk000.tmp",
		"chk00000.tmp",
		"chk000g.tmp",
		"chk0000.tmp/",
		"chk0000.tmpx",
		"xchk0000.tmp",
		"quolog",
		"quolog.log/x",
		"../quolog.log",
		"x/quolog.log",
		"./quolog.log",
		GUID "/",
		GUID "/quolog.log",
		GUID "/../quolog.log",
		GUID "/0001002.CPT",
		GUID "/00010002.EXE",
		"{" GUID,
		GUID "}",
		"{" GUID "/00010002.CPT",
		"quolog.log\n",
		"authorized_keys",
		"01234567/00010002.CPT",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (set_name_is_allowed(bad[i]))
			test_fail(__FILE__, __LINE__, "%s", bad[i]);
}
