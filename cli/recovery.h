/* recovery: what seals or opens the cluster key, as the command line names it.  See recovery.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/cli.h"
#include "seal/seal.h"

struct recovery {
	struct seal_secret secret; /* Of the kind NONE if no option was given. */
	RUEDA_RECOVERY call;       /* The same, for the library. */
	void *memory;
	size_t size;
};

/* 0, or an enum cli_exit after a message; recovery_done() in each case. */
int recovery_read(const struct cli *c, struct recovery *ret);
void recovery_done(struct recovery *r);
const char *recovery_kind_name(enum seal_kind kind); /* As docs/json.md says. */
/* For a call that takes NULL for none. */
static inline const RUEDA_RECOVERY *recovery_given(const struct recovery *r)
{
	return r->secret.kind != SEAL_SECRET_NONE ? &r->call : NULL;
}
