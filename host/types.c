/* types: the list of resource types that a host can run; adding one is a file and a line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "host/types.h"

const struct host_type *const host_types[] = {
	&host_application,
	&host_script,
	&host_service,
	&host_address,
	&host_address6,
	&host_disk,
};
const size_t host_type_count = ARRAY_SIZE(host_types);
