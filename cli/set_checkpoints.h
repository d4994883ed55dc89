/* set_checkpoints: the checkpoints of resources in backup sets; see set_checkpoints.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "backup/set.h"
#include "cli/output.h"
#include "cluster/checkpoint/checkpoint.h"

/* The checkpoint that a file of the set is of; false: of none that the set's database has. */
bool set_checkpoint_find(const struct set *s, const struct set_file *f, struct checkpoint *ret);

/* Of which resource and checkpoint a file of the set is: the members resource and checkpoint, or " of NAME: PATH"; nothing for
 * other files. */
void set_checkpoint_json(const struct set *s, const struct set_file *f, struct json *j);
void set_checkpoint_print(const struct set *s, const struct set_file *f);

/* What differs in checkpoints from the first set to the second: the array "checkpoints", or lines.  Returns their number. */
size_t set_checkpoints_diff(const struct set *old, const struct set *new, struct json *j);
