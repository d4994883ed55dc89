/* instance: the directories of one ruedad, and that there is only one in them; see instance.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "priv/identity.h"
#include "ruedad/config.h"

/* RUEDA_DIR, absolute, or NULL if it is not set; on the heap.  -EINVAL with the story: it is set to nothing. */
int instance_directory(char **ret, struct error *e);

/* The user that ruedad runs as: NULL if this process is not root's, else the one that the configuration names.  Owned by
 * this module, for the life of the process. */
int instance_user(const struct config *c, const struct identity **ret, struct error *e);

/* The same of who uses PKCS #11 libraries; NULL: this process's own. */
int instance_token_user(const struct config *c, const struct identity **ret, struct error *e);

/* Make what is missing and check the rest: state and run belong to the daemon's user, state is nobody else's business.
 * user: as above.  Links on the way are followed: the administrator made them. */
int instance_prepare(const struct config *c, const char *directory, const struct identity *user, struct error *e);

#define INSTANCE_SOCKET "cluster" /* Below the run directory: there while somebody serves. */

/* Held as long as the descriptor (or a copy) is open.  shown_pid is what a second ruedad tells its user.  ERR_BUSY, within
 * seconds if whoever holds it does not serve. */
int instance_lock(const struct config *c, int shown_pid, int *ret_fd, struct error *e);
