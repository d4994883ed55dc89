/* ndrfill: see ndrfill.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/ndrfill.h"

enum { BYTES_MAX = 40, ELEMENTS_MAX = 4, STRING_MAX = 12 };

static void *allocate(struct ndrfill *fill, size_t size)
{
	void *memory = arena_alloc_zero(fill->arena, size);

	assert(memory != NULL);
	return memory;
}

static const char16_t *fill_string(struct ndrfill *fill)
{
	size_t len = rng_between(fill->rng, 0, STRING_MAX);
	char16_t *s = allocate(fill, (len + 1) * sizeof(*s));

	for (size_t i = 0; i < len; i++)
		s[i] = (char16_t)(fill->letters ? rng_between(fill->rng, 'a', 'z') : rng_between(fill->rng, 1, 0xffff));
	return s;
}

static void fill_value(struct ndrfill *fill, const struct ndr_field *f, void *at)
{
	void *pointee;

	if (f->flags & NDR_POINTER && !fill->full && rng_chance(fill->rng, 50))
		return; /* NULL */
	if (f->flags & NDR_POINTER && f->kind != NDR_WSTR) {
		pointee = allocate(fill, ndr_value_size(f));
		*(const void **)at = pointee;
		at = pointee;
	}
	switch (f->kind) {
	case NDR_STRUCT:
		ndrfill(fill, f->type, 0, at);
		break;
	case NDR_BOOL:
		*(uint32_t *)at = rng_chance(fill->rng, 50);
		break;
	case NDR_WSTR:
		*(const char16_t **)at = fill_string(fill);
		break;
	default:
		rng_fill(fill->rng, at, f->flags & NDR_FIXED ? f->size : ndr_value_size(f));
		if (f->flags & NDR_RANGE)
			*(uint32_t *)at = (uint32_t)rng_between(fill->rng, f->min, f->max);
	}
}

static void fill_array(struct ndrfill *fill, const struct ndr_field *f, void *base)
{
	uint32_t *count = (uint32_t *)((char *)base + f->count), used;
	size_t size = ndr_element_size(f);
	char *elements;

	if (f->flags & NDR_OUTER && !fill->full && rng_chance(fill->rng, 50)) {
		if (!(f->flags & NDR_LAX)) {
			*count = 0;
			if (f->flags & NDR_VARYING)
				*(uint32_t *)((char *)base + f->used) = 0;
		}
		return;
	}
	*count = (uint32_t)rng_between(fill->rng, 0, size == 1 ? BYTES_MAX : ELEMENTS_MAX);
	used = *count;
	if (f->flags & NDR_VARYING) {
		used = (uint32_t)rng_between(fill->rng, 0, used);
		*(uint32_t *)((char *)base + f->used) = used;
	}
	elements = allocate(fill, used * size);
	for (uint32_t i = 0; i < used; i++)
		fill_value(fill, f, elements + i * size);
	*(const void **)((char *)base + f->offset) = elements;
}

void ndrfill(struct ndrfill *fill, const struct ndr_type *type, unsigned version, void *value)
{
	for (int arrays = 0; arrays < 2; arrays++) /* Arrays last: they set their numbers. */
		for (unsigned i = 0; i < type->field_count; i++) {
			const struct ndr_field *f = &type->fields[i];

			if ((type->parameters && !ndr_field_in(f, version)) || !!(f->flags & NDR_ARRAY) != arrays)
				continue;
			if (arrays)
				fill_array(fill, f, value);
			else
				fill_value(fill, f, (char *)value + f->offset);
		}
}
