/* ndr_pull: bytes into structures; see ndr.h.
 *
 * NDR places a structure's pointers as numbers and what they point to after the whole structure, so everything is
 * decoded in two passes: the inline pass leaves PENDING in each pointer that is not NULL, the deferred pass replaces
 * it.  The target is memory of our own until all is well, so nobody meets a PENDING.
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ndr.h"

enum { TRAILING_MAX = 7 };

struct pull {
	struct cursor c;
	struct arena *arena;
	unsigned version;
	bool out_of_memory;
};

static const char PENDING[1];

static void pull_struct(struct pull *p, const struct ndr_type *type, void *base);

static void *allocate(struct pull *p, size_t size)
{
	void *memory = p->c.error == 0 ? arena_alloc_zero(p->arena, size) : NULL;

	if (memory == NULL && p->c.error == 0) {
		p->out_of_memory = true;
		cursor_fail(&p->c);
	}
	return memory;
}

static uint32_t pull_u32(struct pull *p)
{
	cursor_align(&p->c, 4);
	return cursor_u32(&p->c);
}

static const char16_t *pull_wstr(struct pull *p)
{
	uint32_t max = pull_u32(p), offset = pull_u32(p), len = pull_u32(p);
	const uint8_t *bytes = cursor_bytes(&p->c, (size_t)len * 2);
	char16_t *s;

	if (bytes == NULL || offset != 0 || len > max || len == 0) {
		cursor_fail(&p->c);
		return NULL;
	}
	s = allocate(p, (size_t)len * 2);
	if (s == NULL)
		return NULL;
	for (uint32_t i = 0; i < len; i++) {
		s[i] = get_le16(bytes + (size_t)i * 2);
		if ((s[i] == 0) != (i == len - 1))
			cursor_fail(&p->c);
	}
	return s;
}

static void pull_scalar(struct pull *p, const struct ndr_field *f, void *at)
{
	struct ndr_handle *h = at;
	const uint8_t *bytes;
	uint32_t low, value;

	switch (f->kind) {
	case NDR_U8:
		*(uint8_t *)at = cursor_u8(&p->c);
		break;
	case NDR_U16:
		cursor_align(&p->c, 2);
		*(uint16_t *)at = cursor_u16(&p->c);
		break;
	case NDR_U32:
	case NDR_BOOL:
	case NDR_STATUS:
		value = pull_u32(p);
		if ((f->flags & NDR_RANGE && (value < f->min || value > f->max)) ||
		    (f->flags & NDR_CHECKED && value != *(uint32_t *)at))
			cursor_fail(&p->c);
		*(uint32_t *)at = value;
		break;
	case NDR_U64:
		cursor_align(&p->c, 8);
		*(uint64_t *)at = cursor_u64(&p->c);
		break;
	case NDR_FILETIME:
		low = pull_u32(p);
		*(uint64_t *)at = (uint64_t)pull_u32(p) << 32 | low;
		break;
	case NDR_HANDLE:
		h->attributes = pull_u32(p);
		at = &h->uuid;
		__attribute__((fallthrough));
	case NDR_GUID:
		cursor_align(&p->c, 4);
		bytes = cursor_bytes(&p->c, 16);
		if (bytes != NULL)
			memcpy(at, bytes, 16);
		break;
	case NDR_WSTR:
		*(const char16_t **)at = pull_wstr(p);
		break;
	default:
		assert(false); /* A kind without code. */
	}
}

/* Not NULL: PENDING. */
static void pull_referent(struct pull *p, void *at)
{
	*(const void **)at = pull_u32(p) != 0 ? PENDING : NULL;
}

/* The number that the wire gives for an array against the parameter that says it, whichever comes first. */
static void agree(struct pull *p, void *base, uint16_t member, bool sets, uint32_t found)
{
	uint32_t *number = (uint32_t *)((char *)base + member);

	if (sets)
		*number = found;
	else if (*number != found)
		cursor_fail(&p->c);
}

/* A value, or an element of an array. */
static void pull_value(struct pull *p, const struct ndr_field *f, void *at);
static void pull_value_deferred(struct pull *p, const struct ndr_field *f, void *at);

/* The elements of an array, whose count has been read. */
static void pull_elements(struct pull *p, const struct ndr_field *f, void *base, uint32_t count)
{
	size_t element_size = ndr_element_size(f);
	uint32_t used = count, offset;
	const uint8_t *bytes;
	char *elements;

	if (f->flags & NDR_VARYING) {
		offset = pull_u32(p);
		used = pull_u32(p);
		if (offset != 0 || used > count)
			cursor_fail(&p->c);
		agree(p, base, f->used, f->flags & NDR_SETS_USED, used);
	}
	agree(p, base, f->count, f->flags & NDR_SETS_COUNT, count);
	if (used > cursor_left(&p->c) / ndr_element_wire_size(f)) /* Nothing is allocated for a mere claim. */
		cursor_fail(&p->c);
	elements = allocate(p, used * element_size);
	if (elements == NULL)
		return;
	*(const void **)((char *)base + f->offset) = elements;
	if (element_size == 1) {
		bytes = cursor_bytes(&p->c, used);
		if (bytes != NULL)
			memcpy(elements, bytes, used);
		return;
	}
	for (uint32_t i = 0; i < used && p->c.error == 0; i++)
		pull_value(p, f, elements + i * element_size);
}

static void pull_elements_deferred(struct pull *p, const struct ndr_field *f, void *base)
{
	uint32_t used = *(uint32_t *)((char *)base + (f->flags & NDR_VARYING ? f->used : f->count));
	char *elements = *(char **)((char *)base + f->offset);

	if (!(f->flags & NDR_POINTER) && f->kind != NDR_STRUCT)
		return;
	for (uint32_t i = 0; i < used && p->c.error == 0; i++)
		pull_value_deferred(p, f, elements + i * ndr_element_size(f));
}

/* count: of an array that stands here. */
static void pull_field(struct pull *p, const struct ndr_field *f, void *base, uint32_t count)
{
	void *at = (char *)base + f->offset;

	if (f->flags & NDR_OUTER)
		pull_referent(p, at);
	else if (f->flags & NDR_ARRAY)
		pull_elements(p, f, base, count);
	else
		pull_value(p, f, at);
}

static void pull_field_deferred(struct pull *p, const struct ndr_field *f, void *base)
{
	void **at = (void **)((char *)base + f->offset);

	if (p->c.error != 0)
		return;
	if (f->flags & NDR_OUTER && *at == NULL) {
		if (f->flags & NDR_LAX)
			return;
		agree(p, base, f->count, f->flags & NDR_SETS_COUNT, 0);
		if (f->flags & NDR_VARYING)
			agree(p, base, f->used, f->flags & NDR_SETS_USED, 0);
	} else if (f->flags & NDR_ARRAY) {
		if (f->flags & NDR_OUTER)
			pull_elements(p, f, base, pull_u32(p));
		if (p->c.error == 0)
			pull_elements_deferred(p, f, base);
	} else {
		pull_value_deferred(p, f, at);
	}
}

static void pull_value(struct pull *p, const struct ndr_field *f, void *at)
{
	const uint8_t *bytes;

	if (f->flags & NDR_POINTER) {
		pull_referent(p, at);
	} else if (f->kind == NDR_STRUCT) {
		cursor_align(&p->c, f->type->align);
		for (unsigned i = 0; i < f->type->field_count; i++)
			pull_field(p, &f->type->fields[i], at, 0);
	} else if (f->flags & NDR_FIXED) {
		bytes = cursor_bytes(&p->c, f->size);
		if (bytes != NULL)
			memcpy(at, bytes, f->size);
	} else {
		pull_scalar(p, f, at);
	}
}

static void pull_value_deferred(struct pull *p, const struct ndr_field *f, void *at)
{
	void *pointee;

	if (f->flags & NDR_POINTER) {
		if (*(void **)at == NULL)
			return;
		if (f->kind == NDR_WSTR) {
			*(const char16_t **)at = pull_wstr(p);
			return;
		}
		pointee = allocate(p, ndr_value_size(f));
		if (pointee == NULL)
			return;
		if (f->kind == NDR_STRUCT)
			pull_struct(p, f->type, pointee);
		else
			pull_scalar(p, f, pointee);
		*(const void **)at = pointee;
	} else if (f->kind == NDR_STRUCT) {
		for (unsigned i = 0; i < f->type->field_count; i++)
			pull_field_deferred(p, &f->type->fields[i], at);
	}
}

/* A structure with all that belongs to it. */
static void pull_struct(struct pull *p, const struct ndr_type *type, void *base)
{
	uint32_t count = type->conformant ? pull_u32(p) : 0;

	cursor_align(&p->c, type->align);
	for (unsigned i = 0; i < type->field_count; i++)
		pull_field(p, &type->fields[i], base, count);
	for (unsigned i = 0; i < type->field_count; i++)
		pull_field_deferred(p, &type->fields[i], base);
}

static void pull_parameters(struct pull *p, const struct ndr_type *type, void *base)
{
	for (unsigned i = 0; i < type->field_count && p->c.error == 0; i++) {
		const struct ndr_field *f = &type->fields[i];
		bool array_here = f->flags & NDR_ARRAY && !(f->flags & NDR_OUTER);

		if (!ndr_field_in(f, p->version))
			continue;
		pull_field(p, f, base, array_here ? pull_u32(p) : 0);
		pull_field_deferred(p, f, base);
	}
}

static int pull(struct pull *p, const struct ndr_type *type, size_t trailing_max, void *ret)
{
	void *value = allocate(p, type->size);

	if (value != NULL)
		type->parameters ? pull_parameters(p, type, value) : pull_struct(p, type, value);
	if (p->out_of_memory)
		return -ENOMEM;
	if (p->c.error != 0 || cursor_left(&p->c) > trailing_max)
		return ERR_RPC_X_BAD_STUB_DATA;
	memcpy(ret, value, type->size);
	return 0;
}

int ndr_pull(
    const struct ndr_type *type, unsigned version, const void *data, size_t len, struct arena *arena, void *ret)
{
	struct pull p = { .c = cursor_make(data, len), .arena = arena, .version = version };

	return pull(&p, type, TRAILING_MAX, ret);
}

int ndr_message_pull(const struct ndr_messages *m, const void *data, size_t len, struct arena *arena, void *ret)
{
	struct pull p = { .c = cursor_make(data, len), .arena = arena };
	struct ndr_message head;
	const struct ndr_message_kind *kind;
	char *message;
	int r;

	head.kind = cursor_u16(&p.c);
	head.version = cursor_u16(&p.c);
	if (p.c.error != 0)
		return ERR_RPC_X_BAD_STUB_DATA;
	kind = ndr_message_kind(m, &head);
	if (kind == NULL)
		return -EPROTONOSUPPORT;
	p.version = head.version;
	message = allocate(&p, m->size);
	if (message == NULL)
		return -ENOMEM;
	r = pull(&p, kind->body, 0, message + m->body_offset);
	if (r < 0)
		return r;
	memcpy(message, &head, sizeof(head));
	memcpy(ret, message, m->size);
	return 0;
}
