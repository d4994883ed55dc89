/* winbind_helper: the process that asks winbindd.  See winbind_helper.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One question from standard input, its answer to standard output.  The status to exit with. */
int winbind_helper_main(void);
