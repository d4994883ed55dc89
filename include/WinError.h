/* WinError.h: another spelling of <winerror.h>, for file systems that tell the case of letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "winerror.h"
