/* names: the names that ruedad may use in a directory that was opened for it.
 *
 * Why      ruedad says as whom a directory is opened.  Should it be taken over, it could name root and any directory; with
 *          these names only, what it can do there is to spoil backups: no /etc/cron.d/x, no .ssh/authorized_keys, no
 *          reading of /etc/shadow.
 * How      '%' stands for a hexadecimal digit; case does not matter, since copies of a set through other systems may have
 *          changed it.
 * Format   docs/formats/backup-set.md          Tests  tests/unit/priv_names.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/names.h"

#define GUID "%%%%%%%%-%%%%-%%%%-%%%%-%%%%%%%%%%%%"

/* Files in the directory itself. */
static const char *const files[] = { "chk%%%%.tmp", "quolog.log", "quolog.new", "clusbackup.dat" };

static const char *const patterns[] = {
	GUID,
	GUID "/%%%%%%%%.cpt",
	GUID "/%%%%%%%%.cpr",
	"{" GUID "}",
	"{" GUID "}/%%%%%%%%.cpt",
	"{" GUID "}/%%%%%%%%.cpr",
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool matches(const char *pattern, const char *name)
{
	for (; *pattern != 0; pattern++, name++) {
		char c = lower(*name);

		if (*pattern == '%' ? !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) : c != *pattern)
			return false;
	}
	return *name == 0;
}

bool set_name_is_file(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (matches(files[i], name))
			return true;
	return false;
}

bool set_name_is_allowed(const char *name)
{
	if (set_name_is_file(name))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (matches(patterns[i], name))
			return true;
	return false;
}
