/* watch: a process with rights tells ruedad when files below one root change; both messages, and the process's end.
 * See watch.c, watch_message.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum {
	WATCH_PATH_MAX = 4095,   /* Bytes of a path. */
	WATCH_PACKET_MAX = 5120, /* Bytes of any message. */
	WATCHES_MAX = 4096,      /* Of one process. */
};

enum watch_request_type {
	WATCH_ADD = 1, /* The id is in no use. */
	WATCH_REMOVE,  /* Also one that is not there; WATCH_REMOVED answers. */
};

struct watch_request {
	enum watch_request_type type;
	uint64_t id;
	const char
	    *path; /* WATCH_ADD: absolute, path_len bytes, none of them zero; borrowed from the message when decoded. */
	size_t path_len;
};

enum watch_event_type {
	WATCH_LOOKS = 1, /* Its files are being looked at from here on, … */
	WATCH_SEES,      /* … and now changes to them are seen; those from before the look may not have been. */
	WATCH_CHANGED,
	WATCH_FAILED, /* It cannot be watched, as result and text say; the id is free again. */
	WATCH_REMOVED,
};

struct watch_event {
	enum watch_event_type type;
	uint64_t id;
	int result; /* WATCH_FAILED: negative; else 0 and no text. */
	char text[sizeof(((struct error *)0)->text)];
};

/* Encoding fails only without memory (the buffer's error says so). */
void watch_request_encode(const struct watch_request *q, struct buf *out);
void watch_event_encode(const struct watch_event *e, struct buf *out);
/* -EBADMSG if it is not such a message or breaks a limit; *ret is untouched then. */
int watch_request_decode(const void *data, size_t len, struct watch_request *ret);
int watch_event_decode(const void *data, size_t len, struct watch_event *ret);

/* Serve one ruedad, until it closes the socket: 0; -EBADMSG: it said something that is no request, or another error.
 * look_seconds: how long the files of one watch may take to be looked at; the process is ended by the kernel (SIGALRM) then. */
int watch_serve(int socket, const char *roots, unsigned look_seconds);
