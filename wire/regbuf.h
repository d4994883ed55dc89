/* regbuf: the buffer of registry batches, of their notifications, and of read batches and their replies
 * (CLUSTER_REG_BATCH_UPDATE): commands one after the other.  See regbuf.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf16.h"

#define REGBUF_NAME_MAX 32767 /* Units. */

enum regbuf_kind {
	REGBUF_SET_VALUE = 1,
	REGBUF_CREATE_KEY,
	REGBUF_DELETE_KEY,
	REGBUF_DELETE_VALUE,
	REGBUF_SET_KEY_SECURITY,
	REGBUF_VALUE_DELETED, /* Notifications: what a value was before the next command. */
	REGBUF_READ_KEY,      /* Read batches. */
	REGBUF_READ_VALUE,
	REGBUF_READ_ERROR, /* Their replies: type is the status. */
	REGBUF_CONTROL_COMMAND,
	REGBUF_CONDITION_EXISTS,
	REGBUF_CONDITION_NOT_EXISTS,
	REGBUF_CONDITION_IS_EQUAL,
	REGBUF_CONDITION_IS_NOT_EQUAL,
	REGBUF_CONDITION_IS_GREATER_THAN,
	REGBUF_CONDITION_IS_LESS_THAN,
	REGBUF_CONDITION_KEY_EXISTS,
	REGBUF_CONDITION_KEY_NOT_EXISTS,
};

struct regbuf_command {
	uint32_t kind; /* enum regbuf_kind; of somebody else it may be anything. */
	uint32_t type;
	struct u16 name;
	const uint8_t *data;
	size_t len;
};

void regbuf_begin(struct buf *out); /* out is empty. */
void regbuf_add(struct buf *out, const struct regbuf_command *command);

struct regbuf_reader {
	struct cursor cursor;
	struct regbuf_command command; /* The last one read; borrowed from the bytes and from name. */
	uint32_t number;               /* Of that command, from 1. */
	char16_t *name;                /* Owned. */
};

/* ERR_INVALID_DATA: not such a buffer. */
int regbuf_reader_init(struct regbuf_reader *r, const void *bytes, size_t len);
void regbuf_reader_done(struct regbuf_reader *r);
int regbuf_next(struct regbuf_reader *r); /* 1: r->command is the next; 0: that was all; r->number counts a bad one. */
