/* resapi.h: helpers around the cluster API: shared volumes for backup programs, property lists, looking things up.
 *
 * Link with -lresutils -lclusapi; compile with what `pkg-config --cflags resutils` says.
 * Parts    resapi/volume.h      cluster shared volumes             resapi/value.h   single values of the database
 *          resapi/property.h    property tables and lists          resapi/lookup.h  finding and walking
 *          resapi/other.h       paths, texts, services, threads, secrets, health
 *
 * What holds for all functions is said in <clusapi.h>; beside that:
 * Memory   what a function here allocates and returns is freed with LocalFree(), unless it says otherwise.
 * Follows  the public documentation of resapi.h.
 * Pages    docs/design/library.md, docs/design/properties.md, docs/SUPPORT.md
 * Tests    tests/integration/headers.py, tests/integration/resutils.py, tests/unit/resutils*.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RESAPI_H
#define RUEDA_RESAPI_H

#include "clusapi.h"

#include "resapi/lookup.h"
#include "resapi/other.h"
#include "resapi/property.h"
#include "resapi/value.h"
#include "resapi/volume.h"

#endif
