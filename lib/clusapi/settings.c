/* settings: what client.conf says about clusters on the network.
 *
 * Where    RUEDA_DIR/client.conf, else /etc/rueda/client.conf; it is for machines that are no nodes as well.
 * How      read anew for each cluster that is opened over the network, so that a change needs no restart:
 *
 *              [clusters]
 *              name = host[:port] host[:port] …
 *              [client]
 *              connect_seconds = 30     call_seconds = 0     epmap = 135     credentials = /path
 *
 *          Keys that are not known are passed over: a newer version of the libraries may know them.
 * Threads  all functions.     Limits  settings.h, base/ini.h.
 * Format   rueda-client.conf(5)      Tests  tests/unit/settings.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "lib/clusapi/settings.h"
#include "base/error.h"
#include "base/ini.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct reader {
	const char *cluster;
	struct settings *s;
	int error;
};

/* Decimal, without a sign, and in the range. */
static bool parse_number(const char *text, unsigned least, unsigned most, unsigned *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned n = 0;

	if (digits == 0 || digits > 7 || text[digits] != 0)
		return false;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (unsigned)(text[i] - '0');
	if (n < least || n > most)
		return false;
	*ret = n;
	return true;
}

int settings_parse_host(char *text, struct rpc_client_host *ret)
{
	char *colon = strchr(text, ':'), *name = text, *port = NULL;
	struct in6_addr address;
	unsigned number = 0;

	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (end == NULL || (end[1] != 0 && end[1] != ':'))
			return ERR_INVALID_PARAMETER;
		name = text + 1;
		port = end[1] == ':' ? end + 2 : NULL;
		*end = 0;
		if (inet_pton(AF_INET6, name, &address) != 1)
			return ERR_INVALID_PARAMETER;
	} else if (colon != NULL && inet_pton(AF_INET6, text, &address) != 1) {
		port = colon + 1;
		*colon = 0;
	}
	if (name[0] == 0 || strlen(name) > RPC_HOST_MAX || strpbrk(name, " \t/\\@%") != NULL)
		return ERR_INVALID_PARAMETER;
	if (port != NULL && !parse_number(port, 1, 65535, &number))
		return ERR_INVALID_PARAMETER;
	*ret = (struct rpc_client_host){ .name = name, .port = (uint16_t)number };
	return 0;
}

/* A list of hosts with space between them. */
static int take_hosts(struct settings *s, const char *value)
{
	char *rest = NULL;

	s->host_count = 0;
	if (strlen(value) >= sizeof(s->text))
		return ERR_INVALID_PARAMETER;
	(void)snprintf(s->text, sizeof(s->text), "%s", value);
	for (char *word = strtok_r(s->text, " \t,", &rest); word != NULL; word = strtok_r(NULL, " \t,", &rest)) {
		int r = s->host_count == SETTINGS_HOSTS ? ERR_INVALID_PARAMETER
							: settings_parse_host(word, &s->hosts[s->host_count]);

		if (r < 0)
			return r;
		s->host_count++;
	}
	return s->host_count > 0 ? 0 : ERR_INVALID_PARAMETER;
}

/* A name that [clusters] does not have is a host's. */
static int take_name(struct settings *s, const char *name)
{
	int r;

	if (strlen(name) >= sizeof(s->text))
		return ERR_INVALID_PARAMETER;
	(void)snprintf(s->text, sizeof(s->text), "%s", name);
	r = settings_parse_host(s->text, &s->hosts[0]);
	s->host_count = r == 0;
	return r;
}

static void on_entry(void *data, unsigned line, const char *section, const char *key, const char *value)
{
	struct reader *r = data;
	struct settings *s = r->s;
	bool good = true;
	unsigned n;

	if (strcmp(section, "clusters") == 0) {
		if (strcasecmp(key, r->cluster) == 0 && take_hosts(s, value) < 0)
			r->error = ERR_INVALID_PARAMETER;
		return;
	}
	if (strcmp(section, "client") != 0)
		return;
	if (strcmp(key, "connect_seconds") == 0 && (good = parse_number(value, 1, 3600, &n)))
		s->connect_ms = (int)n * 1000;
	else if (strcmp(key, "call_seconds") == 0 && (good = parse_number(value, 0, 86400, &n)))
		s->call_ms = (int)n * 1000;
	else if (strcmp(key, "epmap") == 0 && (good = parse_number(value, 1, 65535, &n)))
		s->mapper_port = (uint16_t)n;
	else if (strcmp(key, "credentials") == 0 && (good = value[0] == '/' && strlen(value) < SETTINGS_PATH_MAX))
		(void)snprintf(s->credentials, sizeof(s->credentials), "%s", value);
	if (!good)
		r->error = ERR_INVALID_PARAMETER;
}

static void on_problem(void *data, unsigned line, const char *text)
{
	struct reader *r = data;

	r->error = ERR_INVALID_PARAMETER;
}

static int read_file(const struct ini_handler *handler)
{
	const char *private = secure_getenv("RUEDA_DIR");
	_cleanup_free_ char *text = NULL;
	char path[SETTINGS_PATH_MAX];
	FILE *f;
	int r;

	(void)snprintf(path, sizeof(path), "%s/client.conf",
	    private != NULL && private[0] == '/' && strlen(private) < 3072 ? private : "/etc/rueda");
	f = fopen(path, "re");

	if (f == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	text = malloc(INI_FILE_MAX + 1);
	r = text == NULL ? -ENOMEM : ini_parse(text, fread(text, 1, INI_FILE_MAX + 1, f), handler);
	(void)fclose(f);
	return r;
}

struct names {
	void (*each)(void *data, const char *name, const char *hosts);
	void *data;
};

static void on_name(void *data, unsigned line, const char *section, const char *key, const char *value)
{
	struct names *n = data;

	if (strcmp(section, "clusters") == 0)
		n->each(n->data, key, value);
}

static void on_other_problem(void *data, unsigned line, const char *text)
{
	/* Whoever opens a cluster is told of it. */
}

int settings_each_cluster(void (*each)(void *data, const char *name, const char *hosts), void *data)
{
	struct names names = { each, data };
	const struct ini_handler handler = { &names, on_name, on_other_problem };

	return read_file(&handler);
}

int settings_load(const char *cluster, struct settings *ret)
{
	const char *credentials = secure_getenv("RUEDA_CREDENTIALS");
	struct reader reader = { .cluster = cluster, .s = ret };
	const struct ini_handler handler = { &reader, on_entry, on_problem };
	int r;

	*ret = (struct settings){ .connect_ms = RPC_CLIENT_CONNECT_MS };
	r = read_file(&handler);
	if (r == 0)
		r = reader.error;
	if (r == 0 && ret->host_count == 0)
		r = take_name(ret, cluster);
	if (r == 0 && credentials != NULL && credentials[0] == '/' && strlen(credentials) < SETTINGS_PATH_MAX)
		(void)snprintf(ret->credentials, sizeof(ret->credentials), "%s", credentials);
	return r;
}
