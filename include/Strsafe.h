/* Strsafe.h: another spelling of <strsafe.h>, for file systems that tell the case of letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "strsafe.h"
