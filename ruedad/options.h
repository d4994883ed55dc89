/* options: the command line of ruedad.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"

enum options_action { OPTIONS_RUN, OPTIONS_CHECK, OPTIONS_DONE, OPTIONS_BAD };

struct options {
	enum options_action action; /* DONE: help or version has been printed.  BAD: a complaint has been. */
	bool daemon;                /* Go to the background. */
	bool recover;               /* Come up without a cluster if the state on disk cannot be used. */
	const char *guard;          /* The socket of the unit that runs resources, or NULL: they are run from here. */
	bool as_daemon;             /* The second of the two processes: started by priv, not by people. */
	unsigned services, mappers; /* With as_daemon: how many listening sockets it was given (serve/sockets.h). */
};

struct options options_parse(int argc, char **argv);
