/* message: what ruedad and the host of a resource say to each other; see message.c for the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/guid.h"

enum {
	HOST_MESSAGE_MAX = 120 << 10, /* Bytes of any message. */
	HOST_LABEL_MAX = 1024,        /* Bytes of a name. */
	HOST_PROPERTIES_MAX = 96 << 10,
};

enum host_message_type {
	HOST_CONFIGURE = 1, /* To the host: what the resource is.  The first message, and the only one of its kind. */
	HOST_ONLINE,        /* Start it. */
	HOST_OFFLINE,       /* Stop it, whatever it does, and end. */
	HOST_PING,
	HOST_RESULT, /* From the host: the operation has ended. */
	HOST_FAILED, /* What was online is not any more; it is stopped, and then the host ends. */
	HOST_PONG,
	HOST_SETTINGS, /* To the host: intervals and time-outs have changed. */
	HOST_MESSAGE_END,
};

struct host_text {
	const char *data; /* UTF-8 without zeros, not terminated; borrowed. */
	size_t len;
};

struct host_settings {
	uint32_t looks_ms, is_ms;         /* Between polls; 0: none. */
	uint32_t pending_ms, deadlock_ms; /* UINT32_MAX: for ever. */
};

struct host_configure {
	struct host_settings settings;
	struct host_text type, name;      /* Of the resource. */
	struct host_text network_name;    /* That it depends on; empty: none. */
	const uint8_t *properties;        /* A property list: the private ones. */
	size_t properties_len;
};

struct host_message {
	enum host_message_type type;
	uint64_t operation; /* ONLINE, OFFLINE, RESULT; of a PING, what the PONG repeats. */
	uint32_t code;      /* RESULT, FAILED: a Windows code. */
	struct host_text text;
	struct host_configure configure; /* HOST_CONFIGURE, and its settings HOST_SETTINGS; no others. */
};

/* -E2BIG: it would be over a limit; -ENOMEM. */
int host_message_encode(const struct host_message *m, struct buf *out);
/* -EBADMSG if it is not such a message or breaks a limit; *ret is untouched then.  It borrows from the bytes. */
int host_message_decode(const void *data, size_t len, struct host_message *ret);
