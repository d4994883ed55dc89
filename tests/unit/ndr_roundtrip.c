/* Every method of every interface in every version, and every message: what is written can be read, and hostile bytes
 * do no harm. SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"
#include "tests/lib/failalloc.h"
#include "tests/lib/ndrfill.h"
#include "tests/lib/test.h"
#include "wire/clusapi.h"
#include "wire/command.h"
#include "wire/epm.h"
#include "wire/rueda.h"
#include <stdio.h>

enum { ROUNDS = 20, VALUE_MAX = 512 };

static const struct ndr_interface *const interfaces[] = { &clusapi_interface, &epm_interface, &rueda_interface };
static const struct ndr_messages *const families[] = { &command_messages, &sample_messages };

typedef void rule(const struct ndr_type *type, unsigned version, uint64_t seed);

static char what[128];

/* For each direction of each method in each version, and the body of each message in each version. */
static void for_each(rule *keep, uint64_t rounds)
{
	for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++)
		for (size_t v = 0; v < ARRAY_SIZE(interfaces[i]->versions); v++)
			for (unsigned n = 0; n < interfaces[i]->method_count; n++) {
				unsigned version = interfaces[i]->versions[v].major;
				const struct ndr_method *m =
				    version != 0 ? ndr_method(interfaces[i], version, n) : NULL;

				for (int out = 0; m != NULL && out < 2; out++)
					for (uint64_t round = 0; round < rounds; round++) {
						const struct ndr_type *type = out ? m->out : m->in;

						snprintf(what, sizeof(what), "%s v%u %s, round %" PRIu64,
						    interfaces[i]->name, version, type->name, round);
						keep(type, version, test_seed + round);
					}
			}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (unsigned k = 0; k < families[i]->kind_count; k++)
			for (uint16_t v = 1; v <= families[i]->newest; v++)
				for (uint64_t round = 0; round < rounds; round++) {
					struct ndr_message head = { .kind = (uint16_t)k, .version = v };
					const struct ndr_message_kind *kind = ndr_message_kind(families[i], &head);

					snprintf(what, sizeof(what), "%s v%u kind %u, round %" PRIu64,
					    families[i]->name, v, k, round);
					if (kind != NULL)
						keep(kind->body, v, test_seed + round);
				}
}

#define EXPECT(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			test_fail(__FILE__, __LINE__, "%s: %s", what, #condition);                                     \
	} while (0)

static struct buf encode(const struct ndr_type *type, unsigned version, const void *value)
{
	struct buf b = { 0 };

	EXPECT(ndr_push(type, version, value, &b) == 0);
	return b;
}

static void expect_same_text(const struct ndr_type *type, unsigned version, const void *a, const void *b)
{
	_cleanup_(buf_done) struct buf text_a = { 0 }, text_b = { 0 };

	ndr_print(type, version, a, &text_a);
	ndr_print(type, version, b, &text_b);
	EXPECT(text_a.len == text_b.len && (text_a.len == 0 || memcmp(text_a.data, text_b.data, text_a.len) == 0));
}

static struct buf encode_random(
    const struct ndr_type *type, unsigned version, uint64_t seed, void *value, struct arena *arena)
{
	struct rng rng;
	struct ndrfill fill = { .arena = arena, .rng = &rng };

	rng_init(&rng, seed);
	EXPECT(type->size <= VALUE_MAX);
	memset(value, 0, VALUE_MAX);
	ndrfill(&fill, type, version, value);
	return encode(type, version, value);
}

static void write_read_write(const struct ndr_type *type, unsigned version, uint64_t seed)
{
	_Alignas(16) char value[VALUE_MAX], again[VALUE_MAX] = { 0 };
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf bytes = encode_random(type, version, seed, value, &arena), bytes2 = { 0 };

	test_note_seed(seed);
	EXPECT(ndr_pull(type, version, bytes.data, bytes.len, &arena, again) == 0);
	expect_same_text(type, version, value, again);
	bytes2 = encode(type, version, again);
	EXPECT(bytes.len == bytes2.len && (bytes.len == 0 || memcmp(bytes.data, bytes2.data, bytes.len) == 0));
}

TEST(what_is_written_is_read_and_written_again_the_same)
{
	for_each(write_read_write, test_rounds(ROUNDS));
}

static void cut(const struct ndr_type *type, unsigned version, uint64_t seed)
{
	_Alignas(16) char value[VALUE_MAX], again[VALUE_MAX] = { 0 };
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf bytes = encode_random(type, version, seed, value, &arena);

	test_note_seed(seed);
	for (size_t len = 0; len < bytes.len; len++) {
		_cleanup_free_ uint8_t *copy =
		    malloc(MAX(len, (size_t)1)); /* A buffer of that size, for valgrind and ASan. */

		EXPECT(copy != NULL);
		memcpy(copy, bytes.data, len);
		EXPECT(ndr_pull(type, version, copy, len, &arena, again) == ERR_RPC_X_BAD_STUB_DATA);
	}
	for (size_t i = 0; i < sizeof(again); i++)
		EXPECT(again[i] == 0); /* Untouched. */
}

TEST(bytes_that_end_early_are_refused)
{
	for_each(cut, test_rounds(2));
}

/* What a flipped byte decodes to is refused, or a value that can be encoded and decoded again. */
static void flip(const struct ndr_type *type, unsigned version, uint64_t seed)
{
	_Alignas(16) char value[VALUE_MAX], again[VALUE_MAX], third[VALUE_MAX];
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf bytes = encode_random(type, version, seed, value, &arena);

	test_note_seed(seed);
	for (size_t i = 0; i < bytes.len; i++)
		for (int bit = 0; bit < 8; bit += 7) {
			_cleanup_(arena_done) struct arena scratch = { 0 };
			_cleanup_(buf_done) struct buf bytes2 = { 0 };
			int r;

			bytes.data[i] ^= (uint8_t)(1 << bit);
			r = ndr_pull(type, version, bytes.data, bytes.len, &scratch, again);
			EXPECT(scratch.used <= 1024 + 8 * bytes.len);
			bytes.data[i] ^= (uint8_t)(1 << bit);
			EXPECT(r == 0 || r == ERR_RPC_X_BAD_STUB_DATA);
			if (r < 0)
				continue;
			bytes2 = encode(type, version, again);
			EXPECT(ndr_pull(type, version, bytes2.data, bytes2.len, &scratch, third) == 0);
			expect_same_text(type, version, again, third);
		}
}

TEST(a_flipped_bit_is_refused_or_gives_another_valid_value)
{
	for_each(flip, test_rounds(2));
}

static void starve(const struct ndr_type *type, unsigned version, uint64_t seed)
{
	_Alignas(16) char value[VALUE_MAX], again[VALUE_MAX];
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf bytes = encode_random(type, version, seed, value, &arena);
	int r;

	test_note_seed(seed);
	FAIL_EACH_ALLOCATION
	{
		struct arena scratch = { 0 };
		struct buf to = { 0 };

		r = ndr_pull(type, version, bytes.data, bytes.len, &scratch, again);
		EXPECT(r == (failalloc_hit() ? -ENOMEM : 0));
		r = ndr_push(type, version, value, &to);
		EXPECT(r == 0 || (r == -ENOMEM && failalloc_hit() && to.len == 0));
		arena_done(&scratch);
		buf_done(&to);
	}
}

TEST(without_memory_nothing_is_read_or_written)
{
	for_each(starve, 1);
}
