/* The blob of a crypto checkpoint: it opens as what it was closed for, whole, and as nothing else.  The golden file was made
 * with another program (its cluster key is the bytes 0 to 31).
 * SPDX-License-Identifier: Apache-2.0 */
#include "seal/box.h"
#include "tests/lib/failalloc.h"
#include <stdio.h>

enum { HEAD = 104, TAG = 16 };

static struct seal_key counting_key(uint8_t from)
{
	struct seal_key key;

	for (size_t i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (uint8_t)(from + i);
	return key;
}

static struct box_label label_of(uint8_t cluster, uint8_t resource, struct u16 name)
{
	struct box_label l = { .kind = BOX_PEM, .name = box_name(name) };

	memset(l.cluster.bytes, cluster, sizeof(l.cluster.bytes));
	memset(l.resource.bytes, resource, sizeof(l.resource.bytes));
	return l;
}

static struct box_key key_of(const struct seal_key *key, const struct box_label *label)
{
	struct box_key k;

	CHECK_INT(box_key_make(key, label, &k), 0);
	return k;
}

static struct box_key usual_key(void)
{
	struct seal_key key = counting_key(0);
	struct box_label label = label_of(0xc1, 0x4e, U16("1\\PEM\\/etc/app/key.pem"));

	return key_of(&key, &label);
}

static struct buf closed(const struct box_key *key, const char *text)
{
	struct buf b = { 0 };

	CHECK_INT(box_close(key, text, strlen(text), &b), 0);
	CHECK_INT(b.len, HEAD + strlen(text) + TAG);
	return b;
}

static void check_opens(const struct box_key *key, const void *box, size_t len, const char *text)
{
	struct error error = { 0 };
	uint8_t *content;
	size_t content_len;
	int r = box_open(key, box, len, &content, &content_len, &error);

	if (r < 0)
		test_fail(__FILE__, __LINE__, "not opened: %d %s", r, error.text);
	CHECK_INT(content_len, strlen(text));
	CHECK_MEM(content, text, content_len);
	seal_memory_free(content, MAX(content_len, (size_t)1));
}

/* Refused with a story, and nothing is given. */
static int check_refused(const struct box_key *key, const void *box, size_t len)
{
	struct error error = { 0 };
	uint8_t *content = NULL;
	size_t content_len = 4711;
	int r = box_open(key, box, len, &content, &content_len, &error);

	CHECK(r < 0 && error.code == r && error.text[0] != 0 && content == NULL && content_len == 4711);
	return r;
}

TEST(what_was_closed_opens)
{
	struct box_key key = usual_key();
	struct buf one = closed(&key, "a private key"), two = closed(&key, "a private key"), none = closed(&key, "");
	struct box_label label;

	check_opens(&key, one.data, one.len, "a private key");
	check_opens(&key, two.data, two.len, "a private key");
	check_opens(&key, none.data, none.len, "");
	CHECK(memcmp(one.data + 88, two.data + 88, 12) != 0);     /* The nonce, */
	CHECK(memcmp(one.data + HEAD, two.data + HEAD, 13) != 0); /* and so the rest. */
	CHECK(memmem(one.data, one.len, "private", 7) == NULL);
	CHECK_INT(box_read(one.data, one.len, &label, NULL), 0);
	CHECK(box_label_equal(&label, &key.label));
	buf_done(&one);
	buf_done(&two);
	buf_done(&none);
}

/* How a stranger would move a box: with the label changed to fit. */
static int open_moved(const struct box_key *to, const struct buf *box)
{
	struct buf other = closed(to, "x"), moved = { 0 };
	int r;

	CHECK_INT(check_refused(to, box->data, box->len), ERR_INVALID_DATA);
	buf_append(&moved, other.data, 88);
	buf_append(&moved, box->data + 88, box->len - 88);
	r = check_refused(to, moved.data, moved.len);
	buf_done(&other);
	buf_done(&moved);
	return r;
}

TEST(a_box_moved_elsewhere_is_refused_by_its_tag)
{
	struct u16 name = U16("1\\PEM\\/etc/app/key.pem");
	struct seal_key cluster_key = counting_key(0), other_key = counting_key(1);
	struct box_key key = usual_key(), to;
	struct buf box = closed(&key, "a private key");
	struct box_label label = label_of(0xc2, 0x4e, name);

	to = key_of(&cluster_key, &label);
	CHECK_INT(open_moved(&to, &box), ERR_INVALID_DATA);
	label = label_of(0xc1, 0x4f, name);
	to = key_of(&cluster_key, &label);
	CHECK_INT(open_moved(&to, &box), ERR_INVALID_DATA);
	label = label_of(0xc1, 0x4e, U16("1\\PEM\\/etc/app/Key.pem"));
	to = key_of(&cluster_key, &label);
	CHECK_INT(open_moved(&to, &box), ERR_INVALID_DATA);
	label = label_of(0xc1, 0x4e, name);
	to = key_of(&other_key, &label);
	CHECK_INT(open_moved(&to, &box), ERR_INVALID_DATA);
	label.kind = BOX_PKCS12;
	to = key_of(&cluster_key, &label);
	CHECK_INT(open_moved(&to, &box), ERR_INVALID_DATA);
	/* The keys differ, and even with the same ones the label would count. */
	memcpy(to.content, key.content, sizeof(to.content));
	CHECK_INT(open_moved(&to, &box), ERR_INVALID_DATA);
	label.kind = BOX_PEM;
	to = key_of(&cluster_key, &label);
	check_opens(&to, box.data, box.len, "a private key");
	buf_done(&box);
}

TEST(no_bit_can_be_changed_and_no_byte_left_out)
{
	struct box_key key = usual_key();
	struct buf box = closed(&key, "a private key");

	for (size_t bit = 0; bit < 8 * box.len; bit++) {
		box.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)check_refused(&key, box.data, box.len);
		box.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < box.len; len++)
		(void)check_refused(&key, box.data, len);
	buf_u8(&box, 0);
	CHECK_INT(check_refused(&key, box.data, box.len), -EBADMSG);
	buf_done(&box);
}

TEST(a_newer_form_is_told_apart_from_damage)
{
	struct box_key key = usual_key();
	struct buf box = closed(&key, "a private key");
	struct box_label label;

	box.data[4] = 2;
	CHECK_INT(check_refused(&key, box.data, box.len), ERR_NOT_SUPPORTED);
	box.data[4] = 1;
	box.data[6] = 4;
	CHECK_INT(box_read(box.data, box.len, &label, NULL), ERR_NOT_SUPPORTED);
	box.data[0] ^= 1;
	CHECK_INT(box_read(box.data, box.len, &label, NULL), -EBADMSG);
	buf_done(&box);
}

TEST(what_is_too_large_is_not_closed)
{
	struct box_key key = usual_key();
	uint8_t *content = calloc(1, BOX_CONTENT_MAX + 1);
	struct buf box = { 0 };

	CHECK_INT(box_close(&key, content, BOX_CONTENT_MAX + 1, &box), -EFBIG);
	CHECK_INT(box.len, 0);
	CHECK_INT(box_close(&key, content, BOX_CONTENT_MAX, &box), 0);
	CHECK_INT(box.len, BOX_MAX);
	free(content);
	buf_done(&box);
}

TEST(a_key_goes_to_another_process_and_back)
{
	struct box_key key = usual_key(), back;
	uint8_t bytes[BOX_KEY_LEN];
	struct buf box = closed(&key, "a private key");

	box_key_write(&key, bytes);
	CHECK_INT(box_key_read(bytes, &back), 0);
	CHECK_MEM(back.wrapping, key.wrapping, sizeof(key.wrapping));
	check_opens(&back, box.data, box.len, "a private key");
	CHECK(memcmp(key.wrapping, key.content, sizeof(key.wrapping)) != 0);
	bytes[0] ^= 1;
	CHECK_INT(box_key_read(bytes, &back), -EBADMSG);
	buf_done(&box);
}

TEST(the_golden_file_opens)
{
	struct box_key key = usual_key();
	uint8_t bytes[300];
	FILE *f = fopen(TEST_GOLDEN "/crypto-checkpoint-1.bin", "rb");
	size_t len;

	CHECK(f != NULL);
	len = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	check_opens(&key, bytes, len, "golden content\n");
}

TEST(a_failed_allocation_is_an_error_and_leaves_nothing)
{
	struct box_key key = usual_key();
	struct buf warm = closed(&key, "x"); /* What OpenSSL keeps for ever is made. */

	check_opens(&key, warm.data, warm.len, "x");
	buf_done(&warm);
	FAIL_EACH_ALLOCATION
	{
		struct buf box = { 0 };
		uint8_t *content;
		size_t len;
		int r = box_close(&key, "text", 4, &box);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		if (r == 0 && box_open(&key, box.data, box.len, &content, &len, NULL) == 0)
			seal_memory_free(content, len);
		buf_done(&box);
	}
}
