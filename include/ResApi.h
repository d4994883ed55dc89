/* ResApi.h: another spelling of <resapi.h>, for file systems that tell the case of letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "resapi.h"
