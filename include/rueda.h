/* rueda.h: what a Rueda cluster can do beyond the Windows API.  Reserved: it declares nothing yet.
 *
 * The names that begin with rueda_ and RUEDA_ belong to these libraries.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_RUEDA_H
#define RUEDA_RUEDA_H

#include "clusapi.h"

#endif
