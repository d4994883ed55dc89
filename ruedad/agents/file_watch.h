/* file_watch: being told when files change; see file_watch.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "io/loop.h"
#include "priv/client.h"
#include <uv.h>

struct file_watch;
struct file_watches;

struct file_watches_config {
	struct loop *loop;
	uv_loop_t *uv;     /* The same one. */
	const char *roots; /* Of checkpoints, as priv has them (priv/roots.h).  Borrowed. */
	/* Starts a process that watches: priv_watch_async(). */
	int (*open)(void *priv, priv_watching *opened, void *data);
	void *priv;
};

int file_watches_new(const struct file_watches_config *config, struct file_watches **ret);
/* After all watches are freed; the loop must turn once more before it is freed. */
void file_watches_free(struct file_watches *f);

/* changed(data) on the loop, never from inside, after what the path leads to may have changed, and soon after each time that
 * watching has begun: what happened before that was not seen.  A path that does not exist is watched like others.  What
 * cannot be watched now (no permission, too many directories, a mount that hangs) is tried again and again, and the log
 * tells.  ERR_ACCESS_DENIED: it is below no root; -ENOMEM. */
int file_watch_new(struct file_watches *f, const char *path, loop_callback *changed, void *data,
    struct file_watch **ret, struct error *error);
void file_watch_free(struct file_watch *w); /* Also from changed(); NULL is allowed. */
