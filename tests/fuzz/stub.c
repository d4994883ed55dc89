/* fuzz stub: any bytes are a request, an answer or a message; what is accepted can be written, and reads back as the same.
 * The first byte chooses interface, version and direction (or a family of messages), the second the method; the rest is
 * the stub.
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/clusapi.h"
#include "wire/command.h"
#include "wire/epm.h"
#include "wire/rueda.h"

enum { VALUE_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect_same(const struct buf *a, const struct buf *b)
{
	assert(a->error == 0 && b->error == 0);
	assert(a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0));
}

static void stub(const struct ndr_type *type, unsigned version, const uint8_t *data, size_t len)
{
	_Alignas(16) char first[VALUE_MAX], second[VALUE_MAX];
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf bytes = { 0 }, again = { 0 }, text = { 0 }, text_again = { 0 };
	int r;

	assert(type->size <= VALUE_MAX);
	r = ndr_pull(type, version, data, len, &arena, first);
	assert(arena.used <= 1024 + 8 * len); /* No amplification. */
	assert(r == 0 || r == ERR_RPC_X_BAD_STUB_DATA);
	if (r < 0)
		return;
	r = ndr_push(type, version, first, &bytes);
	assert(r == 0);
	r = ndr_pull(type, version, bytes.data, bytes.len, &arena, second);
	assert(r == 0);
	r = ndr_push(type, version, second, &again);
	assert(r == 0);
	expect_same(&bytes, &again);
	ndr_print(type, version, first, &text);
	ndr_print(type, version, second, &text_again);
	expect_same(&text, &text_again);
}

static void message(const struct ndr_messages *family, const uint8_t *data, size_t len)
{
	_Alignas(16) char first[VALUE_MAX], second[VALUE_MAX];
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf bytes = { 0 }, text = { 0 }, text_again = { 0 };
	int r;

	assert(family->size <= VALUE_MAX);
	r = ndr_message_pull(family, data, len, &arena, first);
	assert(arena.used <= 2048 + 8 * len);
	assert(r == 0 || r == ERR_RPC_X_BAD_STUB_DATA || r == -EPROTONOSUPPORT);
	if (r < 0)
		return;
	r = ndr_message_push(family, first, &bytes);
	assert(r == 0);
	r = ndr_message_pull(family, bytes.data, bytes.len, &arena, second);
	assert(r == 0);
	ndr_message_print(family, first, &text);
	ndr_message_print(family, second, &text_again);
	expect_same(&text, &text_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct {
		const struct ndr_interface *interface;
		unsigned version;
	} choices[] = { { &clusapi_interface, 3 }, { &clusapi_interface, 2 }, { &epm_interface, 3 },
		{ &rueda_interface, 1 } };
	static const struct ndr_messages *const families[] = { &command_messages };
	const struct ndr_method *m;
	unsigned choice;

	if (len < 2)
		return 0;
	choice = data[0] / 2;
	if (choice >= ARRAY_SIZE(choices)) {
		message(families[(choice - ARRAY_SIZE(choices)) % ARRAY_SIZE(families)], data + 1, len - 1);
		return 0;
	}
	m = ndr_method(choices[choice].interface, choices[choice].version, data[1]);
	if (m != NULL)
		stub(data[0] % 2 ? m->out : m->in, choices[choice].version, data + 2, len - 2);
	return 0;
}
