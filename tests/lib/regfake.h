/* regfake: the registry calls of libclusapi over a small table in memory, for tests of what is built upon them.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "include/clusapi.h"
#include "tests/lib/test.h"

#define REGFAKE_ROOT ((HKEY)(uintptr_t)1) /* Any other key is one that has been opened below it. */

void regfake_clear(void);
void regfake_set(const char16_t *key, const char16_t *name, DWORD type, const void *data, size_t len);
/* The value; NULL: there is none. */
const void *regfake_get(const char16_t *key, const char16_t *name, DWORD *ret_type, size_t *ret_len);
size_t regfake_count(void);                 /* Of all values. */
void regfake_fail(DWORD code);              /* From now on every call gives this; 0: no more. */
extern size_t regfake_writes, regfake_open; /* Calls that changed something; keys that are open. */
