/* users: which user of this machine somebody is who comes over the network; see users.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { USERS_MAX = 256, USERS_NAME_MAX = 255, USERS_USER_MAX = 63 };

/* Whether it is "none", or NAME:USER with commas between, where NAME is an account, a principal or *@REALM. */
bool users_are_valid(const char *map);

/* The user for an account, or for a principal ("alice@REALM"): his own entry before that of his realm.  false: there is
 * none. */
bool users_find(const char *map, const char *name, bool is_principal, char ret_user[USERS_USER_MAX + 1]);
