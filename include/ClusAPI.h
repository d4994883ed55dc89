/* ClusAPI.h: another spelling of <clusapi.h>, for file systems that tell the case of letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clusapi.h"
