/* Windows.h: another spelling of <windows.h>, for file systems that tell the case of letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "windows.h"
