/* users: which user of this machine somebody is who comes over the network: [access] map of rueda.conf.
 *
 * Why      the directory of a backup is opened as the caller, but an account of NTLM and a principal of Kerberos are no
 *          users of this machine.  Which one they are to be, the machine's administrator says; so priv reads it itself, from the
 *          file, and believes ruedad the name only.
 * How      a list of NAME:USER.  A NAME with an @ is of a principal and is compared as it is, *@REALM is everybody of a
 *          realm; another one is of an account, in any case.
 * Promise  an account is never taken for a principal, nor the other way round, whatever its name is.
 * Threads  all functions.      Limits  users.h.
 * Design   docs/design/privileges.md           Tests  tests/unit/priv_users.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "priv/users.h"
#include "base/utf16.h"
#include <stdlib.h>
#include <string.h>

struct entry {
	const char *name, *user; /* Views into the list. */
	size_t name_len, user_len;
	bool is_principal;
};

/* The next entry of the list, without spaces around; false at the end.  What is no entry has an empty user. */
static bool next_entry(const char **p, struct entry *ret)
{
	const char *end, *colon;
	size_t len;

	*p += strspn(*p, " \t");
	if (**p == 0)
		return false;
	len = strcspn(*p, ",");
	end = *p + len;
	while (end > *p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	colon = memchr(*p, ':', (size_t)(end - *p));
	*ret = (struct entry){ .name = *p };
	if (colon != NULL) {
		ret->name_len = (size_t)(colon - *p);
		ret->user = colon + 1;
		ret->user_len = (size_t)(end - ret->user);
		ret->is_principal = memchr(*p, '@', ret->name_len) != NULL;
	}
	*p += len;
	*p += **p == ',';
	return true;
}

static bool is_user(const char *user, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$";
	size_t good = 0;

	while (good < len && strchr(letters, user[good]) != NULL)
		good++;
	return len > 0 && len <= USERS_USER_MAX && good == len && user[0] != '-';
}

static bool is_name(const struct entry *e)
{
	const char *at = e->is_principal ? memchr(e->name, '@', e->name_len) : NULL;

	if (e->name_len == 0 || e->name_len > USERS_NAME_MAX)
		return false;
	/* Not a realm, or a name, that is empty; not two of them. */
	return at == NULL || (at > e->name && at + 1 < e->name + e->name_len &&
				 memchr(at + 1, '@', (size_t)(e->name + e->name_len - at - 1)) == NULL);
}

bool users_are_valid(const char *map)
{
	struct entry e;
	size_t count = 0;

	if (strcmp(map, "none") == 0)
		return true;
	while (next_entry(&map, &e))
		if (!is_name(&e) || !is_user(e.user, e.user_len) || ++count > USERS_MAX)
			return false;
	return count > 0;
}

static bool is_same_account(const struct entry *e, const char *name)
{
	_cleanup_free_ char16_t *a = NULL, *b = NULL;
	size_t a_len, b_len;

	return utf8_to_u16(e->name, e->name_len, &a, &a_len) == 0 && utf8_to_u16(name, strlen(name), &b, &b_len) == 0 &&
	       u16_equal((struct u16){ a, a_len }, (struct u16){ b, b_len });
}

/* How well the entry is about the name: 0 not, 1 about all of the realm, 2 about himself. */
static int matches(const struct entry *e, const char *name, bool is_principal)
{
	const char *realm = strrchr(name, '@');

	if (e->is_principal != is_principal)
		return 0;
	if (!is_principal)
		return is_same_account(e, name) ? 2 : 0;
	/* A realm whose own name has an @ is shown with \@, and could pass for what follows it. */
	if (realm == NULL || realm == name || realm[-1] == '\\')
		return 0;
	if (strlen(name) == e->name_len && memcmp(e->name, name, e->name_len) == 0)
		return e->name[0] == '*' && e->name[1] == '@' ? 0 : 2;
	return e->name[0] == '*' && e->name_len - 1 == strlen(realm) &&
	       memcmp(e->name + 1, realm, e->name_len - 1) == 0;
}

bool users_find(const char *map, const char *name, bool is_principal, char ret_user[USERS_USER_MAX + 1])
{
	struct entry e;
	int best = 0;

	if (strcmp(map, "none") == 0)
		return false;
	while (next_entry(&map, &e)) {
		int match = is_user(e.user, e.user_len) ? matches(&e, name, is_principal) : 0;

		if (match <= best)
			continue;
		best = match;
		memcpy(ret_user, e.user, e.user_len);
		ret_user[e.user_len] = 0;
	}
	return best > 0;
}
