/* names: which names a backup set has; see names.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* name is relative to the directory of the set, with '/' between components. */
bool set_name_is_allowed(const char *name);
/* That of a file in the directory itself, not of a directory of checkpoints or a file in one. */
bool set_name_is_file(const char *name);
