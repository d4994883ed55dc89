/* message: what ruedad and priv say to each other; see message.c for the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum {
	PRIV_PATH_MAX = 112 << 10,    /* Bytes: 32,767 units as UTF-8, and the directory that stands for a share. */
	PRIV_GROUPS_MAX = 1024,       /* Supplementary groups of a caller. */
	PRIV_REMOTE_MAX = 255,        /* Bytes of the name of somebody who came over the network. */
	PRIV_MESSAGE_MAX = 120 << 10, /* Bytes of any message. */
	PRIV_CHILDREN_MAX =
	    128, /* Requests being worked on, directories being served, and watchers of roots, together. */
};

enum priv_request_type {
	PRIV_OPEN_BACKUP = 1, /* A directory to write a set into. */
	PRIV_OPEN_RESTORE,    /* A directory to read a set from. */
	PRIV_TAKE_TREE,       /* A file or directory below a root of [checkpoints], to be taken; … */
	PRIV_PUT_TREE, /* … to be put back.  As priv itself: uid and gid are 0 and not looked at, without groups. */
	PRIV_WATCH_FILES, /* A process that watches files below the roots (watch.h), likewise; the path is not looked at. */
	PRIV_TAKE_KEY, /* A file with key material below a root (keys.h), likewise; … */
	PRIV_PUT_KEY,
	PRIV_TAKE_TOKEN, /* … or a key in a token: the path is its URI. */
	PRIV_PUT_TOKEN,
	PRIV_CLOSED, /* The directory of the request of this id has been closed; no answer.  The path is not looked at. */
};

struct priv_request {
	uint64_t id; /* Chosen by the asker; comes back with the answer. */
	enum priv_request_type type;
	bool may_create; /* Make the last component if it is missing (PRIV_OPEN_BACKUP only). */
	uint32_t uid, gid;
	uint32_t group_count, groups[PRIV_GROUPS_MAX];
	/* Somebody who came over the network: priv/users.h says who that is here; uid, gid and groups are not looked at, and
	 * must be 0.  remote_len 0: a local caller. */
	const char *remote; /* His name; as path. */
	size_t remote_len;
	bool is_principal; /* Else an account. */
	const char
	    *path; /* Absolute, or a URI; path_len bytes, none of them zero; borrowed from the message when decoded. */
	size_t path_len;
};

struct priv_reply {
	uint64_t id;
	int result; /* 0 (a descriptor comes with it: the door, door.h, or the socket of tree.h or watch.h) or an error with its story. */
	bool created;
	uint32_t owner, mode; /* Of the directory: uid, permission bits; … */
	uint64_t device;      /* … st_dev. */
	char text[sizeof(((struct error *)0)->text)];
};

/* Whether a path of len > 0 bytes may be that of such a request. */
bool priv_path_is_lawful(enum priv_request_type type, const char *path, size_t len);

/* Encoding fails only without memory (the buffer's error says so). */
void priv_request_encode(const struct priv_request *r, struct buf *out);
void priv_reply_encode(const struct priv_reply *r, struct buf *out);
/* -EBADMSG if it is not such a message or breaks a limit; *ret is untouched then. */
int priv_request_decode(const void *data, size_t len, struct priv_request *ret);
int priv_reply_decode(const void *data, size_t len, struct priv_reply *ret);
