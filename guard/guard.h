/* guard: the process that starts hosts, and ends what they leave; see guard.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Until ruedad's socket is closed and nothing that was started here is left.  Returns the exit status. */
int guard_main(const char *run_directory);
