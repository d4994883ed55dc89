/* path: the components of a key's path; '\' stands between them.  See path.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cluster/db/db.h"

/* Is this a path from the root, within the limits?  "" is (the root itself).  ERR_INVALID_PARAMETER: an empty component,
 * a zero; ERR_FILENAME_EXCED_RANGE: too long, too deep. */
int path_check(struct u16 path);

/* Take the first component off; false: there is none left.  A path that ends with '\' ends with an empty component, for
 * ever, which no key has as its name. */
bool path_next(struct u16 *path, struct u16 *ret_name);

/* Cut a checked path that is not empty into the last component and what is before it. */
void path_split(struct u16 path, struct u16 *ret_parent, struct u16 *ret_name);
