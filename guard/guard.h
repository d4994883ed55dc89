/* guard: the process that starts hosts, and ends what they leave; see guard.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Until ruedad's socket is closed and nothing that was started here is left.  Returns the exit status.
 * in_unit: SIGTERM is for us. */
int guard_main(const char *run_directory, bool in_unit);
