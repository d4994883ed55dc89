/* settings: what client.conf says about clusters on the network.  See settings.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "rpc/client.h"

enum { SETTINGS_PATH_MAX = 4096, SETTINGS_HOSTS = 16, SETTINGS_TEXT_MAX = 8192 };

struct settings {
	int connect_ms, call_ms; /* call_ms 0: no limit. */
	uint16_t mapper_port;
	char credentials[SETTINGS_PATH_MAX]; /* A file; empty: none. */
	/* Where the cluster is that was asked for: what [clusters] says, else its name itself. */
	struct rpc_client_host hosts[SETTINGS_HOSTS]; /* Their names are in text. */
	size_t host_count;
	char text[SETTINGS_TEXT_MAX];
};

/* For the cluster of that name.  A missing file is an empty one.  ERR_INVALID_PARAMETER: the name cannot be one, or the
 * file is mistaken about it. */
int settings_load(const char *cluster, struct settings *ret);

/* Each cluster that the file names, in its order; hosts is the text of its value. */
int settings_each_cluster(void (*each)(void *data, const char *name, const char *hosts), void *data);

/* "host", "host:port", "address", "[IPv6]:port", "IPv6"; text is cut up, and the host lies in it. */
int settings_parse_host(char *text, struct rpc_client_host *ret);
