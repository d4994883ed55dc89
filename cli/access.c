/* access: the verbs about who may do what in the cluster: access ls, grant, revoke, reset.
 *
 * How      the cluster's property "Security Descriptor" is read, one entry is changed, and it is set again.  A cluster without
 *          one is shown, and begun, with what that means: All for Administrators, Read for Users.
 * Names    of entries: a SID; a well-known one ("Administrators"); unix:USER and group:GROUP of this machine;
 *          user@REALM, a principal of Kerberos; any other is an account of `rueda user`.
 * Note     Two that change it at the same time: the later one counts.
 * Threads  one.      Tests  tests/integration/access.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/output.h"
#include "cluster/db/sdlist.h"
#include "rpc/auth/accounts.h"
#include "wire/proplist.h"
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 512, READ_SIZE = 128 << 10 };
#define PROPERTY U16("Security Descriptor")

/* Names. */

/* A number, or what find() knows. */
static bool unix_id(const char *text, bool is_group, uint32_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	const struct passwd *user;
	const struct group *group;

	if (digits > 0 && text[digits] == 0) {
		unsigned long long n = digits <= 10 ? strtoull(text, NULL, 10) : UINT64_MAX;

		*ret = (uint32_t)n;
		return n < UINT32_MAX;
	}
	if (is_group) {
		group = getgrnam(text);
		*ret = group != NULL ? group->gr_gid : 0;
		return group != NULL;
	}
	user = getpwnam(text);
	*ret = user != NULL ? user->pw_uid : 0;
	return user != NULL;
}

static int account_sid(const char *text, struct sid *ret)
{
	_cleanup_(accounts_done) struct accounts accounts = { 0 };
	_cleanup_free_ char16_t *units = cli_units(text);
	struct u16 name;

	if (units == NULL)
		return CLI_USAGE;
	name = u16_from_z(units);
	*ret = sid_of_account(name);
	if (user_accounts(&accounts) == 0 && accounts_find(&accounts, name) == NULL)
		fprintf(stderr, "rueda: note: this node has no account '%s' (rueda user ls).\n", text);
	return 0;
}

static int sid_of_name(const struct cli *c, const char *text, struct sid *ret)
{
	uint32_t id;

	if (sid_parse(text, ret) == 0 || sid_from_well_known_name(text, ret))
		return 0;
	if (strncmp(text, "unix:", 5) == 0 || strncmp(text, "group:", 6) == 0) {
		bool is_group = text[0] == 'g';
		const char *name = strchr(text, ':') + 1;

		if (!unix_id(name, is_group, &id))
			return cli_usage(c, "this machine has no %s '%s'", is_group ? "group" : "user", name);
		*ret = is_group ? sid_of_gid(id) : sid_of_uid(id);
		return 0;
	}
	if (strchr(text, '\\') != NULL)
		return cli_usage(
		    c, "'%s' is of a domain, which is not asked here; give its SID (wbinfo --name-to-sid)", text);
	if (strchr(text, '@') != NULL) {
		*ret = sid_of_principal(text);
		return 0;
	}
	if (!accounts_name_is_valid(text))
		return cli_usage(c, "'%s' cannot be the name of an account", text);
	return account_sid(text, ret);
}

static bool is_kind(const uint8_t *sid, uint32_t kind, unsigned count)
{
	return sid[1] == count && memcmp(sid + 2, "\0\0\0\0\0\x16", 6) == 0 && get_le32(sid + SID_HEAD_SIZE) == kind;
}

/* The name that the verbs take for it; "" if it is not known here. */
static void name_of_sid(const uint8_t *sid, const struct accounts *accounts, char name[NAME_SIZE])
{
	const char *well_known = sid_well_known_name(sid);

	name[0] = 0;
	if (well_known != NULL) {
		(void)snprintf(name, NAME_SIZE, "%s", well_known);
	} else if (is_kind(sid, 1, 2)) {
		const struct passwd *user = getpwuid(get_le32(sid + SID_HEAD_SIZE + 4));

		if (user != NULL)
			(void)snprintf(name, NAME_SIZE, "unix:%s", user->pw_name);
	} else if (is_kind(sid, 2, 2)) {
		const struct group *group = getgrgid(get_le32(sid + SID_HEAD_SIZE + 4));

		if (group != NULL)
			(void)snprintf(name, NAME_SIZE, "group:%s", group->gr_name);
	}
	for (size_t i = 0; name[0] == 0 && i < accounts->count; i++) {
		_cleanup_free_ char16_t *units = cli_units(accounts->entries[i].name);
		struct sid own;

		if (units == NULL)
			return;
		own = sid_of_account(u16_from_z(units));
		if (sid_equal(own.bytes, sid))
			(void)snprintf(name, NAME_SIZE, "%s", accounts->entries[i].name);
	}
}

/* The descriptor. */

/* Of the cluster as it is; nothing in *ret if it has none.  A Windows code. */
static DWORD read_descriptor(HCLUSTER cluster, struct buf *ret)
{
	_cleanup_free_ BYTE *bytes = malloc(READ_SIZE);
	_cleanup_free_ struct proplist *p = malloc(sizeof(*p));
	struct prop_value v;
	DWORD size = 0, code;
	int r;

	if (bytes == NULL || p == NULL)
		return ERROR_NOT_ENOUGH_MEMORY;
	code = ClusterControl(cluster, NULL, CLUSCTL_CLUSTER_GET_COMMON_PROPERTIES, NULL, 0, bytes, READ_SIZE, &size);
	if (code != 0)
		return code;
	r = proplist_find(p, bytes, size, PROPERTY);
	if (r <= 0)
		return error_to_win32(r);
	v = proplist_value(p);
	buf_append(ret, v.data, v.len);
	return ret->error != 0 ? ERROR_NOT_ENOUGH_MEMORY : 0;
}

static DWORD write_descriptor(HCLUSTER cluster, const struct buf *descriptor)
{
	_cleanup_(buf_done) struct buf list = { 0 };

	proplist_begin(&list);
	proplist_add(&list, PROPERTY, PROP_BINARY, descriptor->data, descriptor->len);
	proplist_end(&list);
	if (list.error != 0)
		return ERROR_NOT_ENOUGH_MEMORY;
	return ClusterControl(
	    cluster, NULL, CLUSCTL_CLUSTER_SET_COMMON_PROPERTIES, list.data, (DWORD)list.len, NULL, 0, NULL);
}

/* The verbs. */

static const char *access_of(uint32_t mask, char text[16])
{
	static const struct {
		uint32_t mask;
		const char *word;
	} words[] = { { SD_CLUSTER_ALL, "all" }, { SD_GENERIC_ALL, "all" }, { SD_CLUSTER_READ, "read" },
		{ SD_GENERIC_READ, "read" }, { SD_CLUSTER_NO_ACCESS, "none" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (mask == words[i].mask)
			return words[i].word;
	(void)snprintf(text, 16, "0x%x", mask);
	return text;
}

static void show_entry(const struct cli *c, const struct sd_entry *e, const struct accounts *accounts, struct json *j)
{
	const char *type = e->type == SD_ALLOW ? "allow" : "deny";
	char sid[SID_TEXT_SIZE], name[NAME_SIZE], mask[16];

	sid_format(e->sid, sid);
	name_of_sid(e->sid, accounts, name);
	if (!c->json) {
		printf("%-5s %-10s %s", type, access_of(e->mask, mask), sid);
		if (name[0] != 0)
			printf(" (%s)", name);
		printf("%s\n", (e->flags & SD_INHERIT_ONLY) != 0 ? ", without effect: for what is below" : "");
		return;
	}
	json_open(j, NULL, '{');
	json_text(j, "type", type);
	json_text(j, "access", access_of(e->mask, mask));
	json_number(j, "mask", e->mask);
	json_number(j, "flags", e->flags);
	json_text(j, "sid", sid);
	if (name[0] != 0)
		json_text(j, "name", name);
	else
		json_null(j, "name");
	json_close(j, '}');
}

static int show(const struct cli *c, const struct buf *descriptor, bool is_set)
{
	_cleanup_(accounts_done) struct accounts accounts = { 0 };
	struct json j = { 0 };
	struct sd_entry e;
	struct sd_list l = { 0 };
	int r = sd_list_init(&l, descriptor->data, descriptor->len);

	(void)user_accounts(&accounts); /* Only for names: who may not read the file sees SIDs. */
	if (c->json) {
		json_open(&j, NULL, '{');
		json_bool(&j, "set", is_set);
		json_bool(&j, "valid", r >= 0);
		json_bool(&j, "everybody", r == 0);
		json_open(&j, "entries", '[');
	} else if (r < 0) {
		printf("The security descriptor cannot be enforced: nobody has access but root on each node.\n");
	} else if (r == 0) {
		printf("The security descriptor has no access list: everybody who can log in may do all.\n");
	}
	while (sd_list_next(&l, &e))
		show_entry(c, &e, &accounts, &j);
	if (!c->json)
		return output_end();
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

int access_ls_verb(struct cli *c)
{
	_cleanup_(buf_done) struct buf descriptor = { 0 };
	HCLUSTER cluster;
	bool is_set;
	DWORD code;
	int r = cli_open(GENERIC_READ, &cluster);

	if (r != 0)
		return r;
	code = read_descriptor(cluster, &descriptor);
	(void)CloseCluster(cluster);
	is_set = descriptor.len > 0;
	if (code == 0 && !is_set) {
		sd_list_cluster_default(&descriptor);
		code = error_to_win32(descriptor.error);
	}
	return code == 0 ? show(c, &descriptor, is_set) : cli_fail(code, NULL, "reading the access list");
}

/* The entry of that SID becomes one of mask; 0: is taken out. */
static DWORD change(const struct sid *sid, uint32_t mask, HCLUSTER cluster, const char **ret_story)
{
	_cleanup_(buf_done) struct buf descriptor = { 0 }, changed = { 0 };
	DWORD code = read_descriptor(cluster, &descriptor);
	struct sd_list l;
	int r;

	if (code != 0)
		return code;
	if (descriptor.len == 0)
		sd_list_cluster_default(&descriptor);
	r = descriptor.error != 0 ? descriptor.error : sd_list_init(&l, descriptor.data, descriptor.len);
	if (r == 0 || r == ERR_INVALID_PARAMETER) {
		*ret_story =
		    r == 0 ? "the cluster's descriptor has no access list: everybody may do all. Begin with "
			     "`rueda access reset`"
			   : "the cluster's descriptor cannot be enforced. Begin with `rueda access reset`";
		return error_to_win32(ERR_CLUSTER_INVALID_SECURITY_DESCRIPTOR);
	}
	if (r > 0)
		r = sd_list_set(descriptor.data, descriptor.len, sid, mask, &changed);
	if (r == ERR_FILE_NOT_FOUND)
		*ret_story = "there is no such entry (rueda access ls)";
	return r < 0 ? error_to_win32(r) : write_descriptor(cluster, &changed);
}

static int change_verb(struct cli *c, uint32_t mask, const char *doing)
{
	const char *story = NULL;
	HCLUSTER cluster;
	struct sid sid;
	DWORD code;
	int r = sid_of_name(c, c->arguments[0], &sid);

	if (r == 0)
		r = cli_open(GENERIC_ALL, &cluster);
	if (r != 0)
		return r;
	code = change(&sid, mask, cluster, &story);
	(void)CloseCluster(cluster);
	return code == 0 ? CLI_OK : cli_fail(code, story, "%s '%s'", doing, c->arguments[0]);
}

int access_grant_verb(struct cli *c)
{
	const char *word = c->arguments[1];

	if (strcmp(word, "all") == 0)
		return change_verb(c, SD_CLUSTER_ALL, "granting access to");
	if (strcmp(word, "read") == 0)
		return change_verb(c, SD_CLUSTER_READ, "granting access to");
	return cli_usage(c, "'%s' is neither read nor all", word);
}

int access_revoke_verb(struct cli *c)
{
	return change_verb(c, 0, "taking out the access of");
}

int access_reset_verb(struct cli *c)
{
	static const struct buf none = { 0 };
	HCLUSTER cluster;
	DWORD code;
	int r = cli_confirm(c, "Forget the access list of the cluster?");

	if (r == 0)
		r = cli_open(GENERIC_ALL, &cluster);
	if (r != 0)
		return r;
	code = write_descriptor(cluster, &none);
	(void)CloseCluster(cluster);
	return code == 0 ? CLI_OK : cli_fail(code, NULL, "forgetting the access list");
}
