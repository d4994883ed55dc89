/* security: finds descriptors that the hive has already.
 *
 * Why      in a registry thousands of keys share a handful of descriptors, and the format stores each once, counts its
 *          keys and joins all of them in a ring.
 * How      a hash table from the descriptor's SHA-256 to its cell.  The descriptor itself has left for the sink and is
 *          not kept, so equal digests must mean equal descriptors, which is what SHA-256 is for.
 * Threads  one.          Limits  memory: about 60 bytes for each distinct descriptor.
 * Format   docs/formats/hive.md, "sk"          Tests  tests/unit/hive.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "hive/security.h"

void security_done(struct security *s)
{
	free(s->entries);
	free(s->slots);
	*s = (struct security){ 0 };
}

/* The slot that holds the digest, or the free one that it belongs into. */
static uint32_t *find_slot(const struct security *s, const struct digest *digest)
{
	size_t i = get_le32(digest->bytes) & (s->slot_count - 1);

	while (s->slots[i] != 0 && !digest_equal(&s->entries[s->slots[i] - 1].digest, digest))
		i = (i + 1) & (s->slot_count - 1);
	return &s->slots[i];
}

/* Room for one more, with at least half of the slots free. */
static int reserve(struct security *s)
{
	if (s->count == s->capacity) {
		size_t capacity = MAX(2 * s->capacity, (size_t)16);
		struct security_entry *entries = realloc(s->entries, capacity * sizeof(*entries));

		if (entries == NULL)
			return -ENOMEM;
		s->entries = entries;
		s->capacity = capacity;
	}
	if (2 * (s->count + 1) > s->slot_count) {
		size_t slot_count = MAX(2 * s->slot_count, (size_t)32);
		uint32_t *slots = calloc(slot_count, sizeof(*slots));

		if (slots == NULL)
			return -ENOMEM;
		free(s->slots);
		s->slots = slots;
		s->slot_count = slot_count;
		for (size_t i = 0; i < s->count; i++)
			*find_slot(s, &s->entries[i].digest) = (uint32_t)i + 1;
	}
	return 0;
}

uint32_t security_add(struct security *s, struct bins *b, const void *descriptor, size_t len)
{
	struct digest digest = sha256_of(descriptor, len);
	uint8_t head[SK_DESCRIPTOR] = "sk";
	uint32_t *slot, cell;

	if (b->error == 0)
		b->error = reserve(s);
	if (b->error != 0)
		return REGF_NONE;
	slot = find_slot(s, &digest);
	if (*slot != 0) {
		s->entries[*slot - 1].references++;
		return s->entries[*slot - 1].cell;
	}
	cell = bins_cell(b, sizeof(head) + len);
	put_le32(head + SK_LEN, (uint32_t)len);
	bins_put(b, head, sizeof(head));
	bins_put(b, descriptor, len);
	s->entries[s->count++] = (struct security_entry){ .digest = digest, .cell = cell, .references = 1 };
	*slot = (uint32_t)s->count;
	return cell;
}

void security_end(const struct security *s, struct bins *b)
{
	for (size_t i = 0; i < s->count; i++) {
		uint8_t links[SK_LEN - SK_NEXT];

		put_le32(links, s->entries[(i + 1) % s->count].cell);
		put_le32(links + SK_PREVIOUS - SK_NEXT, s->entries[(i + s->count - 1) % s->count].cell);
		put_le32(links + SK_REFERENCES - SK_NEXT, s->entries[i].references);
		bins_patch(b, s->entries[i].cell, SK_NEXT, links, sizeof(links));
	}
}
