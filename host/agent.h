/* agent: what a resource agent (OCF) says of itself: its parameters, their standards, its actions and their time-outs.  See
 * agent.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum {
	AGENT_PATH_MAX = 512,
	AGENT_PARAMETERS_MAX = 256,
	AGENT_ACTIONS_MAX = 64,
	AGENT_TEXT_MAX = 512, /* Bytes of any text; what is longer is cut. */
	AGENT_XML_MAX = 1 << 20,
};

struct agent_parameter {
	char *name, *type, *standard, *about; /* Owned; never NULL once it has been read. */
	bool required;
};

struct agent_action {
	char *name;                              /* Owned. */
	uint32_t timeout_ms, interval_ms, depth; /* 0: it does not say. */
};

struct agent {
	char *name, *version, *about; /* Owned; never NULL once it has been read. */
	struct agent_parameter parameters[AGENT_PARAMETERS_MAX];
	size_t parameter_count;
	struct agent_action actions[AGENT_ACTIONS_MAX];
	size_t action_count;
};

/* The file of "ocf:PROVIDER:TYPE", "ocf:TYPE" (of the provider heartbeat) or an absolute path.  -EINVAL: it is none. */
int agent_path(const char *name, char ret[AGENT_PATH_MAX]);
/* From the XML that the action meta-data prints.  The error says what is wrong with it: -EBADMSG, -E2BIG, -ENOMEM.  In any
 * case agent_done() frees *ret. */
int agent_parse(const void *xml, size_t len, struct agent *ret, struct error *e);
/* Run the action, as who we are; within limit_ms.  Also -ENOENT … , -ETIMEDOUT, -EIO: the agent failed. */
int agent_read(const char *path, unsigned limit_ms, struct agent *ret, struct error *e);
void agent_done(struct agent *a);
#define _cleanup_agent_ _cleanup_(agent_done)

const struct agent_parameter *agent_parameter(const struct agent *a, const char *name); /* NULL: it has none. */
const struct agent_action *agent_action(const struct agent *a, const char *name, uint32_t depth); /* Likewise. */
