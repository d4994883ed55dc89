/* door: a directory that another process opens files in for us; see door.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "io/disk.h"
#include "priv/patience.h"

enum {
	DOOR_FILES_MAX = 32,     /* Open at a time through one door. */
	DOOR_VALUE_MAX = 4096,   /* Bytes of an extended attribute. */
	DOOR_PACKET_MAX = 32768, /* Bytes. */
	DOOR_WINDOW = 256 << 10, /* Bytes of the memory that data goes through: what io/linux/disk.c takes as one slice. */
};

enum door_op {
	DOOR_OPEN = 1,
	DOOR_CLOSE,
	DOOR_SET_MODE,
	DOOR_SET_TIME,
	DOOR_SET_XATTR,
	DOOR_SYNC_FILE,
	DOOR_SYNC_DIRECTORY,
	DOOR_MAKE_DIRECTORY,
	DOOR_REMOVE,
	DOOR_RENAME,
	DOOR_STAT,
	DOOR_LIST,
	DOOR_FREE_SPACE,
	DOOR_READ, /* Of the file, at the number, into the window; */
	DOOR_WRITE, /* the other way. */
	DOOR_SIZE,
	DOOR_TRUNCATE,
	DOOR_PREALLOCATE,
	DOOR_PREPARE,
	DOOR_DROP_CACHE,
	DOOR_LOCK,
	DOOR_OP_END,
};

struct door_request {
	uint32_t op;
	uint32_t file;  /* What DOOR_OPEN answered, for the calls on files. */
	uint32_t flags; /* enum disk_open_flags */
	uint32_t mode;
	uint32_t length; /* Of data in the window. */
	uint32_t syncs;  /* disk_linux_syncs() of ruedad. */
	uint64_t number; /* FILETIME, offset or size. */
	char name[DISK_PATH_MAX + 1], other[DISK_PATH_MAX + 1]; /* other: new name, or name of the attribute. */
	size_t value_len;
	uint8_t value[DOOR_VALUE_MAX];
};

struct door_reply {
	int result;    /* 0 or negative. */
	uint32_t more; /* 1: part of a listing, another packet follows. */
	uint32_t file; /* Or the kind, for DOOR_STAT. */
	uint32_t mode;
	uint64_t size, time;
	size_t data_len;
	const uint8_t *data; /* A listing: u8 kind, u8 length, name, …; borrowed. */
};

void door_request_encode(const struct door_request *r, struct buf *out);
int door_request_decode(const void *data, size_t len, struct door_request *ret); /* *ret may change on failure. */
void door_reply_encode(const struct door_reply *r, struct buf *out);
int door_reply_decode(const void *data, size_t len, struct door_reply *ret);

struct door_rules {
	bool writable;
	bool (*is_allowed)(const char *name); /* Of a name below the directory. */
};

/* Serve the files of a disk until the other end closes (0) or something breaks (negative). */
int door_serve(int socket, struct disk *d, const struct door_rules *rules);

struct door_options {
	struct patience patience; /* See patience.h. */
	uint64_t device;          /* Of the directory: st_dev, or 0. */
	/* The disk is being freed; NULL: nobody wants to know. */
	void (*closed)(void *data, uint64_t id);
	void *data;
	uint64_t id;
};

/* The other side: a disk behind a door.  On success it owns the socket; on failure the caller still does.  What the door does not
 * answer is ERR_TIMEOUT, or ERR_CANCELLED, and so is from then on all that the disk is asked. */
int door_disk_new(int socket, const struct door_options *options, struct disk **ret);
