/* The real links; see io/linux/links.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/links.h"
#include <uv.h>

/* No rights are needed. */
int links_linux_new(uv_loop_t *loop, struct links **ret);
