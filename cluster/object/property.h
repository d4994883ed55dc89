/* property: what control codes show and change of an object: its common and its private properties.  See property.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "cluster/object/object.h"

/* The numbers are those of enum object_kind, and part of the log's commands: never renumber. */
enum property_kind {
	PROPERTY_NODE = OBJECT_NODE,
	PROPERTY_GROUP = OBJECT_GROUP,
	PROPERTY_RESOURCE = OBJECT_RESOURCE,
	PROPERTY_TYPE = OBJECT_TYPE,
	PROPERTY_NETWORK = OBJECT_NETWORK,
	PROPERTY_INTERFACE = OBJECT_INTERFACE,
	PROPERTY_CLUSTER = 7,
};

enum property_flags {
	PROPERTY_READ_ONLY = 1,
	PROPERTY_COMPUTED = 2,    /* Never stored: it comes from a property_source. */
	PROPERTY_IS_NAME = 4,     /* Setting it renames the object. */
	PROPERTY_PRIVATE_TOO = 8, /* The name may also be that of a private property. */
	PROPERTY_IS_DESCRIPTOR = 16,
};

/* A common property: a row of the table of its kind (property_table.c). */
struct property {
	struct u16 name; /* Also of the value of the object's key that holds it. */
	uint16_t format; /* enum prop_format */
	uint16_t flags;
	uint32_t standard;    /* What a number is as long as nothing is stored; text is empty then. */
	uint32_t least, most; /* Of a DWORD; of a LONG, as it stands in 32 bits. */
};
const struct property *property_table(enum property_kind kind, size_t *ret_count);
const struct property *property_find(enum property_kind kind, struct u16 name); /* NULL: not a common property. */

struct property_object {
	enum property_kind kind;
	struct u16 id;            /* Borrowed.  Empty for the cluster. */
	const struct db_key *key; /* Of the database that it was found in. */
};
/* The kind may be any number.  The error says which kind of object there is not; ERR_INVALID_PARAMETER: no kind. */
int property_object_find(const struct db_key *root, uint32_t kind, struct u16 id, struct property_object *ret);

/* Where computed properties come from: appends the data of one and gives true, or gives false: it has its standard. */
struct property_source {
	bool (*get)(void *data, const struct property_object *o, const struct property *p, struct buf *ret);
	void *data;
};

/* Reading.  out must be empty; a failed allocation sticks in it. */
enum property_choice { PROPERTY_COMMON, PROPERTY_COMMON_READ_ONLY, PROPERTY_PRIVATE };
void property_list(const struct property_object *o, enum property_choice choice, const struct property_source *source,
    struct buf *out);                                                                /* A property list. */
void property_names(const struct property_object *o, bool private, struct buf *out); /* A list of texts. */
void property_formats(
    const struct property_object *o, bool private, struct buf *out); /* Names, each with its format. */
void property_common_formats(enum property_kind kind, struct buf *out);
uint32_t property_number(enum property_kind kind, const struct db_key *key, struct u16 name); /* A DWORD or LONG. */

/* May this list be set?  ERR_INVALID_DATA: it is none.  ERR_INVALID_PARAMETER: a name that the kind does not have or
 * that is read-only, another format, a number out of range.  A new name: what object_check_rename() says. */
int property_check(
    const struct db_key *root, const struct property_object *o, bool private, const void *list, size_t len);
/* Set it, in one change; a property without data goes back to its standard, a private one goes away.  An empty batch:
 * everything was so already.  Errors as above, the object's not-found, -ENOMEM; then nothing has changed. */
int property_set(struct db *db, uint32_t kind, struct u16 id, bool private, const void *list, size_t len, uint64_t time,
    struct buf *batch);
