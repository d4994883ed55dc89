/* known: names of private properties that nobody would look at; see known.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/subject.h"

/* About a name that is new to the object: 0, or an enum cli_exit after a message with what was perhaps meant. */
int known_check(const struct cli *c, const struct subject *s, const char *name);
