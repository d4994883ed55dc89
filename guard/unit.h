/* unit: the guard as a unit of systemd of its own; see unit.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* A connection to the guard of the unit that listens at this path, for the service in this run directory.  To be called
 * before rights are given up. */
int guard_unit_connect(const char *path, const char *run_directory, int *ret_socket);

/* The program of the unit: becomes the guard of who connects.  Returns, with the exit status, if nobody is there. */
int guard_unit_main(void);
