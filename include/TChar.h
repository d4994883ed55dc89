/* TChar.h: another spelling of <tchar.h>, for file systems that tell the case of letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tchar.h"
