/* crash: what is left behind when ruedad fails; see crash.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

enum { CRASH_FILES_MAX = 10 };

/* From now on a crash writes STATE_DIRECTORY/crash-TIME-PID.txt; the oldest beyond CRASH_FILES_MAX are removed now.
 * *ret_path is where it would be written, for the log; static. */
int crash_setup(const char *state_directory, const char **ret_path);
