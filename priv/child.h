/* child: the short-lived process that opens a directory as a caller; see child.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "priv/message.h"

/* In a new process, whose parent is given: become the caller, open, answer through the channel (a packet of priv/message.h,
 * the door with it), and serve the door until ruedad closes it.  Never returns. */
struct priv_options;
_Noreturn void child_run(const struct priv_request *q, int channel, int parent, const struct priv_options *options);
