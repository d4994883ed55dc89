/* journal: what a resource that may be active was, for whoever has to end it; see journal.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/message.h"

/* All in an open directory; id is the resource's, as text. */
int journal_save(int directory, const char *id, const struct host_message *configure);
int journal_load(int directory, const char *id, struct buf *ret_bytes, struct host_message *ret);
int journal_remove(int directory, const char *id);
bool journal_exists(int directory, const char *id);
