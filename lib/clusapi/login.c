/* login: who this program is to clusters on the network.
 *
 * How      SPNEGO with one mechanism: Kerberos with the tickets that the user has, or, if a file is named, NTLM with what
 *          stands in it.  Both in turn would be slow where there is no KDC, and a wrong choice hard to see.
 *          The file, which nobody else may read:
 *
 *              [login]
 *              user = alice     password = …     domain = (may be missing)
 *
 *          The password itself is not kept in memory, only its hash (which is as good as it is).  A mechanism wants to know
 *          which host it speaks to, so there is one initiator for each host, kept as long as the login.
 * Threads  all functions.     Limits  NAME_UNITS; as many hosts as a client has.
 * Format   rueda-client.conf(5)      Tests  tests/integration/network.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/login.h"
#include "base/error.h"
#include "base/ini.h"
#include "rpc/auth/kerberos.h"
#include "rpc/auth/ntlm.h"
#include "rpc/auth/spnego.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CREDENTIALS_MAX = 16384 };

/* What is needed for one host. */
struct host_login {
	struct host_login *next;
	char *host;
	char16_t *target; /* Owned. */
	struct ntlm_initiator ntlm;
	struct kerberos_initiator kerberos;
	struct spnego_mechanisms spnego;
};

struct login {
	struct rpc_login base;
	char16_t *user, *domain; /* Owned; user NULL: Kerberos; domain may be NULL. */
	uint8_t hash[NTLM_KEY_SIZE];
	pthread_mutex_t lock; /* Of hosts; what is in the list stays as it is. */
	struct host_login *hosts;
};

static void host_login_free(struct host_login *h)
{
	if (h == NULL)
		return;
	free(h->host);
	free(h->target);
	explicit_bzero(h, sizeof(*h));
	free(h);
}
DEFINE_FREEP(struct host_login, host_login_free)

static int host_login_new(const struct login *l, const char *host, struct host_login **ret)
{
	_cleanup_(host_login_freep) struct host_login *h = calloc(1, sizeof(*h));
	char target[RPC_HOST_MAX + 32];
	int r;

	if (h == NULL)
		return -ENOMEM;
	h->host = strdup(host);
	if (h->host == NULL)
		return -ENOMEM;
	(void)snprintf(target, sizeof(target), "MSServerClusterMgmtAPI/%s", host);
	r = utf8_to_u16(target, strlen(target), &h->target, NULL);
	if (r < 0)
		return r;
	h->kerberos = (struct kerberos_initiator){ .service = "MSServerClusterMgmtAPI", .host = h->host };
	h->ntlm = (struct ntlm_initiator){ .source = &auth_system_source,
		.user = u16_from_z(l->user),
		.domain = u16_from_z(l->domain),
		.target = u16_from_z(h->target) };
	memcpy(h->ntlm.hash, l->hash, sizeof(h->ntlm.hash));
	if (l->user != NULL) {
		ntlm_initiator_init(&h->ntlm);
		h->spnego.ntlm = &h->ntlm.provider;
	} else {
		kerberos_initiator_init(&h->kerberos);
		h->spnego.kerberos = &h->kerberos.provider;
	}
	spnego_initiator_init(&h->spnego);
	*ret = TAKE_PTR(h);
	return 0;
}

static int make(const struct rpc_login *base, const char *host, struct rpc_security **ret)
{
	struct login *l = container_of(base, struct login, base);
	const struct rpc_security_provider *p;
	struct host_login *h;
	int r = 0;

	(void)pthread_mutex_lock(&l->lock);
	for (h = l->hosts; h != NULL && strcasecmp(h->host, host) != 0; h = h->next)
		;
	if (h == NULL) {
		r = host_login_new(l, host, &h);
		if (r == 0) {
			h->next = l->hosts;
			l->hosts = h;
		}
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (r < 0)
		return r;
	p = &h->spnego.provider;
	r = p->make(p, RPC_LEVEL_PRIVACY, ret);
	if (r < 0)
		return r;
	(*ret)->type = p->type;
	(*ret)->level = RPC_LEVEL_PRIVACY;
	return 0;
}

void login_free(struct rpc_login *base)
{
	struct login *l = container_of(base, struct login, base);

	if (base == NULL)
		return;
	while (l->hosts != NULL) {
		struct host_login *h = l->hosts;

		l->hosts = h->next;
		host_login_free(h);
	}
	(void)pthread_mutex_destroy(&l->lock);
	free(l->user);
	free(l->domain);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

/* Reading the file. */

struct reader {
	struct login *l;
	bool has_password;
	int error;
};

static void take_name(struct reader *r, char16_t **to, const char *value)
{
	char16_t *name = NULL;
	size_t len = 0;

	if (r->error < 0)
		return;
	r->error = utf8_to_u16(value, strlen(value), &name, &len);
	if (r->error == 0 && len > NTLM_NAME_MAX)
		r->error = ERR_INVALID_PARAMETER;
	if (r->error < 0) {
		free(name);
		return;
	}
	free(*to);
	*to = name;
}

static void on_entry(void *data, unsigned line, const char *section, const char *key, const char *value)
{
	char16_t *password = NULL;
	struct reader *r = data;
	size_t len = 0;

	if (strcmp(section, "login") != 0)
		return;
	if (strcmp(key, "user") == 0) {
		take_name(r, &r->l->user, value);
	} else if (strcmp(key, "domain") == 0) {
		take_name(r, &r->l->domain, value);
	} else if (strcmp(key, "password") == 0 && r->error == 0) {
		r->error = utf8_to_u16(value, strlen(value), &password, &len);
		if (r->error < 0)
			return;
		ntlm_hash_password((struct u16){ password, len }, r->l->hash);
		explicit_bzero(password, len * sizeof(*password));
		free(password);
		r->has_password = true;
	}
}

static void on_problem(void *data, unsigned line, const char *text)
{
	struct reader *r = data;

	r->error = ERR_INVALID_PARAMETER;
}

static int read_credentials(const char *path, struct login *l)
{
	struct reader reader = { .l = l };
	const struct ini_handler handler = { &reader, on_entry, on_problem };
	FILE *f = fopen(path, "re");
	char text[CREDENTIALS_MAX];
	struct stat st;
	int r = 0;

	if (f == NULL)
		return -errno;
	(void)setvbuf(f, NULL, _IONBF, 0); /* No copy of the password stays behind. */
	if (fstat(fileno(f), &st) < 0)
		r = -errno;
	else if ((st.st_mode & 077) != 0 || (st.st_uid != geteuid() && st.st_uid != 0))
		r = ERR_ACCESS_DENIED;
	if (r == 0)
		r = ini_parse(text, fread(text, 1, sizeof(text), f), &handler);
	(void)fclose(f);
	explicit_bzero(text, sizeof(text));
	if (r == 0)
		r = reader.error;
	if (r == 0 && (l->user == NULL || !reader.has_password))
		r = ERR_INVALID_PARAMETER;
	return r;
}

int login_new(const char *path, struct rpc_login **ret)
{
	struct login *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	l->base.make = make;
	(void)pthread_mutex_init(&l->lock, NULL);
	r = path != NULL ? read_credentials(path, l) : 0;
	if (r < 0) {
		login_free(&l->base);
		return r;
	}
	*ret = &l->base;
	return 0;
}
