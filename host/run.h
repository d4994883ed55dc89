/* run: programs, from within an operation of a resource; see run.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/resource.h"

enum { RUN_WORDS_MAX = 64, RUN_ENVIRONMENT_MAX = RESOURCE_VALUES_MAX + 16 };

/* The environment of what a resource starts: a NULL-terminated list of "NAME=value", all owned. */
struct environment {
	char *items[RUN_ENVIRONMENT_MAX + 1];
	size_t count;
	int error; /* Sticks: -ENOMEM, -E2BIG. */
};
void environment_init(struct environment *v, const struct resource *r);
void environment_add(struct environment *v, const char *name, const char *value);
void environment_done(struct environment *v);

/* Run a program to its end and return its exit status; -EINTR: a signal ended it (the error says which); other errors:
 * it could not be run. */
int run_program(const char *const *argv, const struct environment *v, struct error *e);

/* Start a process that goes on: in a session of its own, as that user (NULL: as who we are), in that directory. */
struct run_process {
	const char *const *argv; /* argv[0] is looked for in PATH. */
	const struct environment *environment;
	const char *directory, *user; /* May be NULL. */
};
int run_start(const struct run_process *p, pid_t *ret, struct error *e);

/* A command line into words, with '…', "…" and \ as in a shell, and nothing else of one.  The words point into line, which
 * is changed.  ERR_INVALID_PARAMETER. */
int run_split(char *line, const char *ret_words[RUN_WORDS_MAX + 1], struct error *e);
