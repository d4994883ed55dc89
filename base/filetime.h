/* filetime: Windows' time, 100 ns units since 1601-01-01 UTC, in one uint64_t.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <time.h>

uint64_t filetime_from_timespec(struct timespec t);
struct timespec filetime_to_timespec(uint64_t filetime);
/* As SYSTEMTIME has it: year, month, day of the week (0 = Sunday), day, hour, minute, second, millisecond; UTC. */
void filetime_to_fields(uint64_t filetime, uint16_t fields[8]);
/* "2026-11-22 10:48:51 UTC" */
void filetime_format(uint64_t filetime, char text[32]);
