/* regtree: keys of the live database, read into memory; see regtree.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/db.h"
#include "include/clusapi.h"

/* The key at path below that one, as the root of *ret: its values and the names of its subkeys, or with deep all below it.
 * Errors of the library as ERR_FROM_WIN32(). */
int regtree_load(HKEY from, struct u16 path, bool deep, struct db **ret);
