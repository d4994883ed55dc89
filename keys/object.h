/* object: keys and certificates of a token as bytes: the content of a token's crypto checkpoint.  See object.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum {
	KEY_OBJECTS_MAX = 16,
	KEY_ATTRIBUTES_MAX = 32, /* Of an object; there are fewer. */
	KEY_ATTRIBUTE_LEN_MAX = 64 << 10,
	KEY_WRAPPED_MAX = 64 << 10,
};

enum key_attribute_form { KEY_FLAG, KEY_NUMBER, KEY_BYTES };

/* Those that are kept, in the order in which they are kept.  What a token does not tell is left out. */
struct key_attribute_kind {
	uint32_t type; /* CKA_… */
	enum key_attribute_form form;
};
extern const struct key_attribute_kind key_attribute_kinds[];
extern const size_t key_attribute_kind_count;

struct key_attribute {
	const struct key_attribute_kind *kind;
	const uint8_t *bytes; /* Borrowed.  A flag: one byte, 0 or 1; a number: eight. */
	size_t len;
};

struct key_object {
	struct key_attribute attributes[KEY_ATTRIBUTES_MAX];
	size_t count;
	const uint8_t *wrapped; /* Of the key itself, which is the first: what CKM_AES_KEY_WRAP_PAD makes of it. */
	size_t wrapped_len;
};

/* NULL: it has none. */
const struct key_attribute *key_object_find(const struct key_object *o, uint32_t type);
uint64_t key_object_class(const struct key_object *o);

/* Appends one. */
void key_object_write(const struct key_object *o, struct buf *out);
/* All of them; what they show is borrowed.  ret has room for KEY_OBJECTS_MAX.  -EBADMSG. */
int key_objects_read(const void *bytes, size_t len, struct key_object *ret, size_t *ret_count);
