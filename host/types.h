/* types: the resource types that a host can run, a file each.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/resource.h"

extern const struct host_type host_application, host_script, host_service, host_address, host_address6, host_disk;

/* For tests: the environment variables of an OCF agent's parameters; what is no name of a variable is left out. */
bool script_is_parameter(const char *name);
