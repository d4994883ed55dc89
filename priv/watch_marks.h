/* watch_marks: which directories a process watches, for whom, and what of each concerns whom; see watch_marks.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

enum { MARKS_MAX = 400000 };

/* One directory of one watch. */
struct mark {
	struct mark *next_of_wd;    /* Of the same slot of the table. */
	struct mark *next_of_owner; /* Of the same owner. */
	void *owner;
	uint32_t generation; /* Of the owner's look that has seen it last. */
	int wd;              /* Of inotify; -1: the kernel has dropped it, and it goes with the next sweep. */
	bool is_source; /* What name names is the source itself, or name is NULL and it is the source or lies in it. */
	char *name;     /* Owned: the one name in the directory that concerns the watch; NULL: all do. */
};

struct marks {
	int inotify; /* Borrowed. */
	struct mark **table;
	size_t size, count;
};

struct marks_of { /* The marks of an owner. */
	struct mark *first;
};

int marks_init(struct marks *m, int inotify);
void marks_done(struct marks *m); /* All owners have been swept. */
/* Mark a directory, given by its watch descriptor; once for each owner.  -ENOMEM; -E2BIG: beyond MARKS_MAX. */
int marks_add(
    struct marks *m, struct marks_of *of, void *owner, uint32_t generation, int wd, const char *name, bool is_source);
/* Drop those of an owner that are not of this generation, and tell the kernel of directories that nobody watches now. */
void marks_sweep(struct marks *m, struct marks_of *of, uint32_t generation);
/* The first mark of a directory, and the one after another, or NULL. */
struct mark *marks_first(const struct marks *m, int wd);
struct mark *marks_next(const struct mark *after);
/* The kernel has dropped the directory. */
void marks_forget(struct marks *m, int wd);
