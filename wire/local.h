/* local: the interface for a node's own registry, what is HKEY_LOCAL_MACHINE elsewhere.  It has the registry methods of
 * MS-CMRP 3.0 (idl/clusapi.idl: numbers 28 to 40, 113, 145, 157), the same bytes under another UUID, offered on the unix socket only
 * and to callers with access All; its root is that registry's, and it needs no cluster.  Handles are of one
 * interface, so neither registry can be reached with a handle of the other.
 *
 * Tests  tests/integration/local_registry.py
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/guid.h"

/* c1bcb87d-3ef5-4a53-9a0c-2f0a95d7c6c1 3.0 */
static const struct guid local_registry_uuid = { { 0x7d, 0xb8, 0xbc, 0xc1, 0xf5, 0x3e, 0x53, 0x4a, 0x9a, 0x0c, 0x2f,
    0x0a, 0x95, 0xd7, 0xc6, 0xc1 } };
