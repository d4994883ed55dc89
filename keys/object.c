/* object: keys and certificates of a token as bytes: the content of a token's crypto checkpoint.
 *
 *	object   u32 attributes, each: u32 type, u32 length, value; u32 length, the wrapped key
 *	content  the key, then the public keys and certificates of the same CKA_ID
 *
 * Why      what a key may be used for, and what it is called, must come back with it; and the same key must give the same
 *          bytes, or each look at it would be a change.
 * How      attributes are kept in the order of a list, numbers in eight bytes whatever this machine's CK_ULONG is.
 * Promise  what is read is a key with objects that can go with it, and attributes of the list only.
 * Threads  all functions.      Limits  object.h
 * Source   PKCS #11 (OASIS, 2.40): names of attributes
 * Format   docs/formats/crypto-checkpoint.md         Tests  tests/unit/key_object.c, tests/fuzz/key_object.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/object.h"
#include <p11-kit/pkcs11.h>

// clang-format off
const struct key_attribute_kind key_attribute_kinds[] = {
	{ CKA_CLASS, KEY_NUMBER },            { CKA_KEY_TYPE, KEY_NUMBER },      { CKA_CERTIFICATE_TYPE, KEY_NUMBER },
	{ CKA_LABEL, KEY_BYTES },             { CKA_ID, KEY_BYTES },             { CKA_SUBJECT, KEY_BYTES },
	{ CKA_PRIVATE, KEY_FLAG },            { CKA_MODIFIABLE, KEY_FLAG },      { CKA_SENSITIVE, KEY_FLAG },
	{ CKA_EXTRACTABLE, KEY_FLAG },        { CKA_ENCRYPT, KEY_FLAG },         { CKA_DECRYPT, KEY_FLAG },
	{ CKA_SIGN, KEY_FLAG },               { CKA_SIGN_RECOVER, KEY_FLAG },    { CKA_VERIFY, KEY_FLAG },
	{ CKA_VERIFY_RECOVER, KEY_FLAG },     { CKA_WRAP, KEY_FLAG },            { CKA_UNWRAP, KEY_FLAG },
	{ CKA_DERIVE, KEY_FLAG },             { CKA_ALWAYS_AUTHENTICATE, KEY_FLAG },
	{ CKA_START_DATE, KEY_BYTES },        { CKA_END_DATE, KEY_BYTES },
	{ CKA_MODULUS, KEY_BYTES },           { CKA_PUBLIC_EXPONENT, KEY_BYTES },
	{ CKA_EC_PARAMS, KEY_BYTES },         { CKA_EC_POINT, KEY_BYTES },
	{ CKA_ISSUER, KEY_BYTES },            { CKA_SERIAL_NUMBER, KEY_BYTES },  { CKA_VALUE, KEY_BYTES },
};
// clang-format on
const size_t key_attribute_kind_count = ARRAY_SIZE(key_attribute_kinds);
static_assert(ARRAY_SIZE(key_attribute_kinds) <= KEY_ATTRIBUTES_MAX, "an object can have each of them");

const struct key_attribute *key_object_find(const struct key_object *o, uint32_t type)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->attributes[i].kind->type == type)
			return &o->attributes[i];
	return NULL;
}

uint64_t key_object_class(const struct key_object *o)
{
	const struct key_attribute *a = key_object_find(o, CKA_CLASS);

	return a != NULL ? get_le64(a->bytes) : UINT64_MAX;
}

void key_object_write(const struct key_object *o, struct buf *out)
{
	buf_u32(out, (uint32_t)o->count);
	for (size_t i = 0; i < o->count; i++) {
		buf_u32(out, o->attributes[i].kind->type);
		buf_u32(out, (uint32_t)o->attributes[i].len);
		buf_append(out, o->attributes[i].bytes, o->attributes[i].len);
	}
	buf_u32(out, (uint32_t)o->wrapped_len);
	buf_append(out, o->wrapped, o->wrapped_len);
}

static bool value_is_lawful(const struct key_attribute *a)
{
	switch (a->kind->form) {
	case KEY_FLAG:
		return a->len == 1 && a->bytes[0] <= 1;
	case KEY_NUMBER:
		return a->len == sizeof(uint64_t);
	default:
		return a->len > 0 && a->len <= KEY_ATTRIBUTE_LEN_MAX;
	}
}

static int read_object(struct cursor *c, struct key_object *ret)
{
	struct key_object o = { 0 };
	size_t count = cursor_u32(c), next = 0;

	for (; o.count < count && c->error == 0; o.count++) {
		struct key_attribute *a = &o.attributes[o.count];
		uint32_t type = cursor_u32(c);

		while (next < key_attribute_kind_count && key_attribute_kinds[next].type != type)
			next++;
		if (next == key_attribute_kind_count)
			return -EBADMSG; /* Unknown, or not in order, or too many. */
		a->kind = &key_attribute_kinds[next++];
		a->len = cursor_u32(c);
		a->bytes = cursor_bytes(c, a->len);
		if (c->error != 0 || !value_is_lawful(a))
			return -EBADMSG;
	}
	o.wrapped_len = cursor_u32(c);
	o.wrapped = cursor_bytes(c, o.wrapped_len);
	if (c->error != 0 || o.wrapped_len > KEY_WRAPPED_MAX)
		return -EBADMSG;
	*ret = o;
	return 0;
}

/* The key itself, wrapped and in no other way; or what may lie open beside it. */
static bool object_is_lawful(const struct key_object *o, bool is_first)
{
	uint64_t class = key_object_class(o);

	if (is_first)
		return (class == CKO_PRIVATE_KEY || class == CKO_SECRET_KEY) && o->wrapped_len > 0 &&
		       key_object_find(o, CKA_VALUE) == NULL;
	return (class == CKO_PUBLIC_KEY || class == CKO_CERTIFICATE) && o->wrapped_len == 0 &&
	       key_object_find(o, CKA_ID) != NULL;
}

int key_objects_read(const void *bytes, size_t len, struct key_object *ret, size_t *ret_count)
{
	struct cursor c = cursor_make(bytes, len);
	size_t count = 0;

	do {
		if (count == KEY_OBJECTS_MAX || read_object(&c, &ret[count]) < 0 ||
		    !object_is_lawful(&ret[count], count == 0))
			return -EBADMSG;
		count++;
	} while (cursor_left(&c) > 0);
	*ret_count = count;
	return 0;
}
