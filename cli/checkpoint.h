/* checkpoint: what the verbs about checkpoints of resources share; see checkpoint.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/subject.h"
#include "cluster/checkpoint/checkpoint.h"

/* "registry", "crypto" */
const char *checkpoint_kind_word(enum checkpoint_kind kind);

/* The checkpoint that the command line names: an argument, --file or --crypto. */
struct checkpoint_name {
	const char *text; /* As it was given. */
	enum checkpoint_kind kind;
	char16_t *units; /* Owned: its name in the cluster. */
};
/* 0, or an enum cli_exit after a message. */
int checkpoint_name_read(const struct cli *c, size_t argument, struct checkpoint_name *ret);
void checkpoint_name_done(struct checkpoint_name *n);
#define _cleanup_checkpoint_name_ _cleanup_(checkpoint_name_done)

/* The key of a resource, for checkpoint_next() and checkpoint_find(); the same. */
int checkpoint_load(const struct subject *s, struct db **ret);
/* Members: kind, name, number, saved, size, sha256. */
void checkpoint_json(struct json *j, const struct checkpoint *checkpoint);
