/* notify: tell the service manager how things are; see notify.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

/* Take NOTIFY_SOCKET out of the environment, so that no child speaks for us. */
void notify_setup(void);
/* "READY=1\nSTATUS=…" and so on, sd_notify(3); without a service manager nothing happens. */
void notify(const char *format, ...) _printf_(1, 2);
