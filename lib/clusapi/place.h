/* place: where the service of this machine is; see place.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

const char *place_socket(void);
const char *place_state(void); /* Its directory. */
