/* logins: how clients over the network say who they are, and what they may do then.
 *
 * Why      over a unix socket the kernel says it; over TCP a mechanism of rpc/auth must.
 * How      NTLM with the accounts file of the state directory, which says what each account may do; Kerberos with the keytab
 *          of the configuration, whose lists say what principals may do; SPNEGO around both.
 * Promise  Who is in neither list has no access by the rules of this node; the cluster's descriptor has the last word (access.c).
 * Threads  the loop's.     Tests  tests/unit/logins.c, tests/integration/logins.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "ruedad/serve/logins.h"
#include "base/log.h"
#include "io/linux/child.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Only where nobody knows yet who it is: on the unix socket an account would be an identity on top of the one that the kernel
 * gave, with the rights of this node's owner, and guesses at passwords would not be throttled. */
static int offer(struct rpc_server *server, struct rpc_security_provider *p)
{
	p->network_only = true;
	return rpc_server_add_provider(server, p);
}

/* The next item of a list, without the spaces around it; NULL at the end. */
static const char *next_item(const char **list, size_t *ret_len)
{
	const char *item = *list + strspn(*list, " ");
	size_t len = strcspn(item, ",");

	if (**list == 0)
		return NULL;
	*list = item + len + (item[len] == ',');
	while (len > 0 && item[len - 1] == ' ')
		len--;
	*ret_len = len;
	return item;
}

bool logins_parse_list(const char *list)
{
	const char *item;
	size_t len;

	if (strcmp(list, "none") == 0)
		return true;
	while ((item = next_item(&list, &len)) != NULL) {
		const char *at = memchr(item, '@', len);

		if (at == NULL || at == item || at + 1 == item + len || memchr(item, ' ', len) != NULL ||
		    memchr(at + 1, '@', len - (size_t)(at + 1 - item)) != NULL)
			return false;
	}
	return true;
}

static bool is_listed(const char *list, const char *principal)
{
	const char *realm = strrchr(principal, '@'), *item;
	size_t len;

	/* A realm whose own name has an @ is shown with \@, and could pass for what follows it. */
	if (realm == NULL || (realm > principal && realm[-1] == '\\'))
		return false;
	while ((item = next_item(&list, &len)) != NULL) {
		bool is_all_of_realm = len > 2 && item[0] == '*' && item[1] == '@';
		const char *wanted = is_all_of_realm ? realm : principal;
		size_t skip = is_all_of_realm ? 1 : 0;

		if (strlen(wanted) == len - skip && memcmp(item + skip, wanted, len - skip) == 0)
			return true;
	}
	return false;
}

enum rpc_access logins_access(const struct config *config, const char *principal)
{
	if (is_listed(config->access_all, principal))
		return RPC_ACCESS_ALL;
	return is_listed(config->access_read, principal) ? RPC_ACCESS_READ : RPC_ACCESS_NONE;
}

static enum rpc_access access_of(void *data, const char *principal)
{
	return logins_access(data, principal);
}

static int start_ntlm(struct logins *l, struct error *e)
{
	const char *name = l->config->node_name;
	size_t len = strlen(name);

	l->accounts.directory = open(l->config->state_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->accounts.directory < 0)
		return error_set_code(e, -errno, "cannot open the state directory %s", l->config->state_directory);
	l->has_ntlm = true;
	assert(len > 0 && len < ARRAY_SIZE(l->computer)); /* A node's name is ASCII, at most 63. */
	for (size_t i = 0; i < len; i++)
		l->computer[i] = utf16_upcase((unsigned char)name[i]);
	l->ntlm = (struct ntlm_acceptor){ .source = &auth_system_source,
		.computer = { l->computer, len },
		.lookup = accounts_lookup,
		.data = &l->accounts };
	ntlm_acceptor_init(&l->ntlm);
	l->spnego.ntlm = &l->ntlm.provider;
	return 0;
}

static int start_winbind(struct logins *l, struct loop *loop, struct error *e)
{
	int r = child_new(loop, &l->proc);

	if (r == 0)
		r = winbind_new(loop, l->proc, &l->winbind);
	if (r < 0)
		return error_set_code(e, r, "cannot start logins through winbind");
	l->ntlm.authority = winbind_authority(l->winbind);
	return 0;
}

static int start_kerberos(struct logins *l, struct error *e)
{
	int r;

	l->kerberos.access = access_of;
	l->kerberos.data = (void *)l->config;
	r = kerberos_acceptor_init(&l->kerberos, l->config->keytab, e);
	if (r < 0)
		return r;
	l->has_kerberos = true;
	l->spnego.kerberos = &l->kerberos.provider;
	return 0;
}

int logins_start(
    struct logins *l, const struct config *config, struct loop *loop, struct rpc_server *server, struct error *e)
{
	int r = 0;

	*l = (struct logins){ .config = config };
	if (config->ntlm == CONFIG_NTLM_ON)
		r = start_ntlm(l, e);
	if (r == 0 && l->has_ntlm && config->winbind == CONFIG_WINBIND_AUTO)
		r = start_winbind(l, loop, e);
	if (r == 0 && strcmp(config->keytab, "none") != 0)
		r = start_kerberos(l, e);
	if (r == 0 && !l->has_ntlm && !l->has_kerberos)
		log_warning("nobody can log in over the network: [access] has neither ntlm nor a keytab");
	if (r == 0 && l->has_ntlm)
		r = offer(server, &l->ntlm.provider);
	if (r == 0 && l->has_kerberos)
		r = offer(server, &l->kerberos.provider);
	if (r == 0 && (l->has_ntlm || l->has_kerberos)) {
		spnego_acceptor_init(&l->spnego);
		r = offer(server, &l->spnego.provider);
	}
	if (r < 0)
		logins_done(l);
	return r;
}

void logins_stop(struct logins *l, loop_callback *stopped, void *data)
{
	if (l->winbind != NULL)
		winbind_stop(l->winbind, stopped, data);
	else
		stopped(data);
}

void logins_done(struct logins *l)
{
	winbind_free(l->winbind);
	proc_free(l->proc);
	if (l->has_kerberos)
		kerberos_acceptor_done(&l->kerberos);
	if (l->has_ntlm) {
		accounts_cache_done(&l->accounts);
		(void)close(l->accounts.directory);
	}
	*l = (struct logins){ 0 };
}
