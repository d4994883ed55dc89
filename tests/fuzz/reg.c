/* fuzz reg: any bytes are a .reg text; what is accepted can be written, in both encodings, and reads back as the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/regfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Writes what it hears. */
static int write_again(void *data, const struct regfile_entry *e)
{
	struct buf *out = data;
	int r;

	assert(!u16_has_unit(e->key, 0) && !u16_has_unit(e->name, 0));
	switch (e->kind) {
	case REGFILE_KEY:
	case REGFILE_DELETE_KEY:
		r = regfile_key(out, REGFILE_ROOT, e->key, e->kind == REGFILE_DELETE_KEY);
		break;
	case REGFILE_VALUE:
		r = regfile_value(out, e->name, e->type, e->data, e->len);
		break;
	default:
		r = regfile_delete_value(out, e->name);
		break;
	}
	assert(r == 0); /* A text that was read holds nothing that text cannot hold. */
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf first = { 0 }, second = { 0 }, utf8 = { 0 }, third = { 0 };
	struct error error = { 0 };
	int r;

	regfile_begin(&first);
	r = regfile_parse(data, len, REGFILE_ROOT, write_again, &first, &error);
	assert(r == 0 || (r == ERR_INVALID_DATA && error.text[0] != 0));
	/* What was heard before a mistake counts as well. */
	regfile_begin(&second);
	r = regfile_parse(first.data, first.len, REGFILE_ROOT, write_again, &second, &error);
	assert(r == 0);
	assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	r = regfile_to_utf8(&first, &utf8);
	assert(r == 0);
	regfile_begin(&third);
	r = regfile_parse(utf8.data, utf8.len, REGFILE_ROOT, write_again, &third, &error);
	assert(r == 0);
	assert(first.len == third.len && memcmp(first.data, third.data, first.len) == 0);
	buf_done(&first);
	buf_done(&second);
	buf_done(&utf8);
	buf_done(&third);
	return 0;
}
