/* Objects of tokens as bytes: they are read as they were written, and only if they are what a checkpoint can hold.
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/object.h"
#include "tests/lib/failalloc.h"
#include <p11-kit/pkcs11.h>

struct made {
	struct buf bytes;
	uint32_t count; /* Of attributes; written into its place by end(). */
	size_t at;
};

static void begin(struct made *m)
{
	m->at = m->bytes.len;
	m->count = 0;
	buf_u32(&m->bytes, 0);
}

static void add(struct made *m, uint32_t type, const void *value, size_t len)
{
	buf_u32(&m->bytes, type);
	buf_u32(&m->bytes, (uint32_t)len);
	buf_append(&m->bytes, value, len);
	put_le32(m->bytes.data + m->at, ++m->count);
}

static void add_class(struct made *m, uint64_t class)
{
	uint8_t number[8];

	put_le64(number, class);
	add(m, CKA_CLASS, number, sizeof(number));
}

static void end(struct made *m, const char *wrapped)
{
	buf_u32(&m->bytes, (uint32_t)strlen(wrapped));
	buf_append(&m->bytes, wrapped, strlen(wrapped));
}

static void good_key(struct made *m)
{
	begin(m);
	add_class(m, CKO_PRIVATE_KEY);
	add(m, CKA_LABEL, "signing", 7);
	add(m, CKA_ID, "\1", 1);
	add(m, CKA_SENSITIVE, "\1", 1);
	end(m, "wrapped key");
}

static int read_count(const struct made *m, size_t *ret)
{
	struct key_object objects[KEY_OBJECTS_MAX];

	return key_objects_read(m->bytes.data, m->bytes.len, objects, ret);
}

static void check_refused(struct made *m)
{
	size_t count = 77;

	CHECK_INT(read_count(m, &count), -EBADMSG);
	CHECK_INT(count, 77);
	buf_done(&m->bytes);
}

TEST(what_was_written_is_read)
{
	struct made m = { 0 };
	struct key_object objects[KEY_OBJECTS_MAX];
	struct buf again = { 0 };
	size_t count;

	good_key(&m);
	begin(&m);
	add_class(&m, CKO_CERTIFICATE);
	add(&m, CKA_ID, "\1", 1);
	add(&m, CKA_VALUE, "certificate", 11);
	end(&m, "");
	CHECK_INT(key_objects_read(m.bytes.data, m.bytes.len, objects, &count), 0);
	CHECK_INT(count, 2);
	CHECK_INT(key_object_class(&objects[0]), CKO_PRIVATE_KEY);
	CHECK_INT(objects[0].wrapped_len, 11);
	CHECK_MEM(key_object_find(&objects[1], CKA_VALUE)->bytes, "certificate", 11);
	CHECK(key_object_find(&objects[1], CKA_LABEL) == NULL);
	key_object_write(&objects[0], &again);
	key_object_write(&objects[1], &again);
	CHECK(again.len == m.bytes.len && memcmp(again.data, m.bytes.data, again.len) == 0);
	for (size_t len = 0; len < again.len; len++)
		if (key_objects_read(again.data, len, objects, &count) == 0)
			CHECK(count == 1); /* Cut between the two. */
	buf_done(&again);
	buf_done(&m.bytes);
}

TEST(the_key_comes_wrapped_and_in_no_other_way)
{
	struct made m = { 0 };

	begin(&m);
	add_class(&m, CKO_PRIVATE_KEY);
	end(&m, "");
	check_refused(&m);
	begin(&m);
	add_class(&m, CKO_SECRET_KEY);
	add(&m, CKA_VALUE, "clear", 5);
	end(&m, "wrapped");
	check_refused(&m);
	begin(&m);
	add_class(&m, CKO_CERTIFICATE);
	end(&m, "wrapped");
	check_refused(&m);
}

TEST(what_goes_with_a_key_is_open_and_has_its_id)
{
	struct made m = { 0 };

	good_key(&m);
	good_key(&m);
	check_refused(&m);
	good_key(&m);
	begin(&m);
	add_class(&m, CKO_PUBLIC_KEY);
	end(&m, "");
	check_refused(&m);
	for (int i = 0; i <= KEY_OBJECTS_MAX; i++) {
		if (i == 0)
			good_key(&m);
		else {
			begin(&m);
			add_class(&m, CKO_PUBLIC_KEY);
			add(&m, CKA_ID, "\1", 1);
			end(&m, "");
		}
	}
	check_refused(&m);
}

TEST(attributes_are_known_in_order_and_of_their_form)
{
	struct made m = { 0 };

	begin(&m);
	add_class(&m, CKO_PRIVATE_KEY);
	add(&m, CKA_TOKEN, "\1", 1); /* Not of the list. */
	end(&m, "wrapped");
	check_refused(&m);
	begin(&m);
	add_class(&m, CKO_PRIVATE_KEY);
	add(&m, CKA_ID, "\1", 1);
	add(&m, CKA_LABEL, "x", 1);
	end(&m, "wrapped");
	check_refused(&m);
	begin(&m);
	add_class(&m, CKO_PRIVATE_KEY);
	add_class(&m, CKO_PRIVATE_KEY);
	end(&m, "wrapped");
	check_refused(&m);
	begin(&m);
	add_class(&m, CKO_PRIVATE_KEY);
	add(&m, CKA_SENSITIVE, "\2", 1);
	end(&m, "wrapped");
	check_refused(&m);
	begin(&m);
	add(&m, CKA_CLASS, "\3\0\0\0", 4);
	end(&m, "wrapped");
	check_refused(&m);
	begin(&m);
	add_class(&m, CKO_PRIVATE_KEY);
	add(&m, CKA_LABEL, "", 0);
	end(&m, "wrapped");
	check_refused(&m);
}
