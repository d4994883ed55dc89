/* progress: a line on the terminal that tells how far a backup or restore is; see progress.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Around the call that is waited for, on one thread.  Without a terminal they do nothing. */
void progress_begin(void);
void progress_end(void);
