/* server: the privileged process; see server.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "priv/identity.h"

struct priv_options {
	int socket;                            /* To ruedad; owned by priv_serve() from the call on. */
	int daemon;                            /* ruedad's pid, a child of this process. */
	unsigned open_seconds;                 /* How long a directory may take to open. */
	unsigned work_seconds;                 /* How long ruedad waits for work on files or keys of a checkpoint. */
	const char *roots;                     /* Of checkpoints: priv/roots.h.  Borrowed. */
	/* Of crypto checkpoints: the PKCS #11 library and the file with its PIN, "none" or NULL: there is none; and who uses them,
	 * NULL: whoever this process is.  Borrowed. */
	const char *pkcs11_module, *pkcs11_pin_file;
	const struct identity *pkcs11_user;
	/* The service's user, who looks at what is in the file of a key; NULL: whoever this process is.  Borrowed. */
	const struct identity *key_reader;
	const char *users;   /* Who they are that come over the network: priv/users.h; NULL: nobody.  Borrowed. */
	uint32_t daemon_uid; /* ruedad's: nobody who comes over the network may be that, if root has started it. */
	void (*before_open)(const char *path); /* For tests: called by the child, as the caller; or NULL. */
};

/* Signals that priv_serve() reads and that must be blocked, by this, before ruedad is started, or one could be lost. */
int priv_block_signals(void);

/* Answer ruedad until it ends, and return what to end with: its exit status, or 128 + the signal that ended it.  If it
 * breaks the protocol, it is killed first. */
int priv_serve(const struct priv_options *options);
