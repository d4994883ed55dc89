/* trees: trees of files for tests of checkpoints, made, and taken into memory.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "capture/tree.h"
#include "tests/lib/test.h"

struct tree_fixture {
	char path[200]; /* A fresh directory. */
	int fd;         /* Of it. */
	struct error error, told;
	struct tree_steps steps;
	uint64_t hive_max;
};

/* A fresh directory of this name below that of the test. */
void trees_open(struct tree_fixture *f, const char *name);
void trees_close(struct tree_fixture *f);

/* name may be "a/b"; all check that it works. */
void trees_directory(struct tree_fixture *f, const char *name, unsigned mode);
void trees_file(struct tree_fixture *f, const char *name, const void *data, size_t len);
void trees_text(struct tree_fixture *f, const char *name, const char *text);
void trees_sample(
    struct tree_fixture *f, const char *name); /* A directory with one of each kind; different data for each name. */
/* Nobody has touched it for a while: times are set back, as files_take() waits for recent changes to age. */
void trees_settle(void);

/* The hive, on the heap (free() its data); a negative result leaves the story in f->error. */
int trees_take(struct tree_fixture *f, const char *name, struct buf *ret);
int trees_put(struct tree_fixture *f, const char *name, const struct buf *hive);
/* Are there names that putting back has left? */
bool trees_has_leftovers(struct tree_fixture *f);

/* Mount a file system that never answers on a new directory, seen by this process and its children only.  Skips the test
 * where that cannot be done. */
void trees_mount_hanging(struct tree_fixture *f, const char *name);
/* The same of one that lets its uppermost directory be opened, and answers nothing else. */
void trees_mount_stalling(struct tree_fixture *f, const char *name);
void trees_unmount(struct tree_fixture *f, const char *name);
