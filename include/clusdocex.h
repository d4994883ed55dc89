/* clusdocex.h: another spelling of <ClusDocEx.h>, for file systems that tell the case of letters.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ClusDocEx.h"
