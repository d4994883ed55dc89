/* ndr_push: structures into bytes; see ndr.h.  The passes are those of ndr_pull.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ndr.h"

enum { REFERENT_FIRST = 0x00020000, REFERENT_STEP = 4 };

/* How many zeros may go out for an array that the client has sized (NDR_ZEROS). */
static const uint32_t ZEROS_MAX = 16u << 20;

struct push {
	struct buf *to;
	size_t start; /* Alignment counts from here. */
	unsigned version;
	uint32_t referent;
	int error;
};

static void push_struct(struct push *p, const struct ndr_type *type, const void *base);

/* A value, or an element of an array. */
static void push_value(struct push *p, const struct ndr_field *f, const void *at);
static void push_value_deferred(struct push *p, const struct ndr_field *f, const void *at);

static void push_fail(struct push *p, int error)
{
	if (p->error == 0)
		p->error = error;
}

static void push_align(struct push *p, size_t to)
{
	size_t at = p->to->len - p->start;

	buf_append_zeros(p->to, ALIGN_UP(at, to) - at);
}

static void push_u32(struct push *p, uint32_t value)
{
	push_align(p, 4);
	buf_u32(p->to, value);
}

static void push_referent(struct push *p, const void *pointer)
{
	push_u32(p, pointer != NULL ? p->referent : 0);
	if (pointer != NULL)
		p->referent += REFERENT_STEP;
}

static void push_wstr(struct push *p, const char16_t *s)
{
	size_t len;

	if (s == NULL) {
		push_fail(p, -EINVAL);
		return;
	}
	len = u16_from_z(s).len + 1;
	if (len > UINT32_MAX / 2) {
		push_fail(p, -EMSGSIZE);
		return;
	}
	push_u32(p, (uint32_t)len);
	push_u32(p, 0);
	push_u32(p, (uint32_t)len);
	if (buf_reserve(p->to, len * 2) < 0)
		return;
	for (size_t i = 0; i < len; i++)
		put_le16(p->to->data + p->to->len + i * 2, s[i]);
	p->to->len += len * 2;
}

static void push_scalar(struct push *p, const struct ndr_field *f, const void *at)
{
	const struct ndr_handle *h = at;
	uint64_t u64;
	uint32_t u32;

	switch (f->kind) {
	case NDR_U8:
		buf_u8(p->to, *(const uint8_t *)at);
		break;
	case NDR_U16:
		push_align(p, 2);
		buf_u16(p->to, *(const uint16_t *)at);
		break;
	case NDR_U32:
	case NDR_BOOL:
	case NDR_STATUS:
		u32 = *(const uint32_t *)at;
		if (f->flags & NDR_RANGE && (u32 < f->min || u32 > f->max))
			push_fail(p, -EINVAL);
		push_u32(p, u32);
		break;
	case NDR_U64:
		push_align(p, 8);
		buf_u64(p->to, *(const uint64_t *)at);
		break;
	case NDR_FILETIME:
		u64 = *(const uint64_t *)at;
		push_u32(p, (uint32_t)u64);
		push_u32(p, (uint32_t)(u64 >> 32));
		break;
	case NDR_HANDLE:
		push_u32(p, h->attributes);
		at = &h->uuid;
		__attribute__((fallthrough));
	case NDR_GUID:
		push_align(p, 4);
		buf_append(p->to, at, 16);
		break;
	case NDR_WSTR:
		push_wstr(p, *(const char16_t *const *)at);
		break;
	default:
		assert(false); /* A kind without code. */
	}
}

static uint32_t number_at(const void *base, uint16_t member)
{
	return *(const uint32_t *)((const char *)base + member);
}

static uint32_t array_used(const struct ndr_field *f, const void *base)
{
	return number_at(base, f->flags & NDR_VARYING ? f->used : f->count);
}

/* The elements of an array, whose count has been written. */
static void push_elements(struct push *p, const struct ndr_field *f, const void *base)
{
	const char *elements = *(const char *const *)((const char *)base + f->offset);
	size_t element_size = ndr_element_size(f);
	uint32_t used = array_used(f, base);

	if (f->flags & NDR_VARYING) {
		if (used > number_at(base, f->count))
			push_fail(p, -EINVAL);
		push_u32(p, 0);
		push_u32(p, used);
	}
	if (elements == NULL && f->flags & NDR_ZEROS) {
		if (used > ZEROS_MAX)
			push_fail(p, -EMSGSIZE);
		else
			buf_append_zeros(p->to, used);
		return;
	}
	if (elements == NULL && used > 0)
		push_fail(p, -EINVAL);
	if (p->error != 0)
		return;
	if (element_size == 1) {
		buf_append(p->to, elements, used);
		return;
	}
	for (uint32_t i = 0; i < used && p->error == 0; i++)
		push_value(p, f, elements + i * element_size);
}

static void push_elements_deferred(struct push *p, const struct ndr_field *f, const void *base)
{
	const char *elements = *(const char *const *)((const char *)base + f->offset);
	uint32_t used = array_used(f, base);

	if (!(f->flags & NDR_POINTER) && f->kind != NDR_STRUCT)
		return;
	for (uint32_t i = 0; i < used && p->error == 0; i++)
		push_value_deferred(p, f, elements + i * ndr_element_size(f));
}

static void push_field(struct push *p, const struct ndr_field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;

	if (f->flags & NDR_OUTER)
		push_referent(p, *(const void *const *)at);
	else if (f->flags & NDR_ARRAY)
		push_elements(p, f, base);
	else
		push_value(p, f, at);
}

static void push_field_deferred(struct push *p, const struct ndr_field *f, const void *base)
{
	const void *const *at = (const void *const *)((const char *)base + f->offset);

	if (p->error != 0)
		return;
	if (f->flags & NDR_OUTER && *at == NULL) {
		if (!(f->flags & NDR_LAX) && (number_at(base, f->count) != 0 || array_used(f, base) != 0))
			push_fail(p, -EINVAL);
	} else if (f->flags & NDR_ARRAY) {
		if (f->flags & NDR_OUTER) {
			push_u32(p, number_at(base, f->count));
			push_elements(p, f, base);
		}
		if (p->error == 0)
			push_elements_deferred(p, f, base);
	} else {
		push_value_deferred(p, f, at);
	}
}

static void push_value(struct push *p, const struct ndr_field *f, const void *at)
{
	if (f->flags & NDR_POINTER) {
		push_referent(p, *(const void *const *)at);
	} else if (f->kind == NDR_STRUCT) {
		push_align(p, f->type->align);
		for (unsigned i = 0; i < f->type->field_count; i++)
			push_field(p, &f->type->fields[i], at);
	} else if (f->flags & NDR_FIXED) {
		buf_append(p->to, at, f->size);
	} else {
		push_scalar(p, f, at);
	}
}

static void push_value_deferred(struct push *p, const struct ndr_field *f, const void *at)
{
	const void *pointee = f->flags & NDR_POINTER ? *(const void *const *)at : NULL;

	if (pointee != NULL) {
		if (f->kind == NDR_WSTR)
			push_wstr(p, pointee);
		else if (f->kind == NDR_STRUCT)
			push_struct(p, f->type, pointee);
		else
			push_scalar(p, f, pointee);
	} else if (f->kind == NDR_STRUCT && !(f->flags & NDR_POINTER)) {
		for (unsigned i = 0; i < f->type->field_count; i++)
			push_field_deferred(p, &f->type->fields[i], at);
	}
}

/* A structure with all that belongs to it. */
static void push_struct(struct push *p, const struct ndr_type *type, const void *base)
{
	if (type->conformant)
		push_u32(p, number_at(base, type->fields[type->field_count - 1].count));
	push_align(p, type->align);
	for (unsigned i = 0; i < type->field_count; i++)
		push_field(p, &type->fields[i], base);
	for (unsigned i = 0; i < type->field_count; i++)
		push_field_deferred(p, &type->fields[i], base);
}

static void push_parameters(struct push *p, const struct ndr_type *type, const void *base)
{
	for (unsigned i = 0; i < type->field_count && p->error == 0; i++) {
		const struct ndr_field *f = &type->fields[i];

		if (!ndr_field_in(f, p->version))
			continue;
		if (f->flags & NDR_ARRAY && !(f->flags & NDR_OUTER))
			push_u32(p, number_at(base, f->count));
		push_field(p, f, base);
		push_field_deferred(p, f, base);
	}
}

/* What was written so far may be a message's head; all of it goes again on failure. */
static int push(struct push *p, const struct ndr_type *type, const void *value)
{
	if (type->parameters)
		push_parameters(p, type, value);
	else
		push_struct(p, type, value);
	push_fail(p, p->to->error);
	if (p->error != 0)
		p->to->len = p->start;
	return p->error;
}

int ndr_push(const struct ndr_type *type, unsigned version, const void *value, struct buf *to)
{
	struct push p = { .to = to, .start = to->len, .version = version, .referent = REFERENT_FIRST };

	return push(&p, type, value);
}

int ndr_message_push(const struct ndr_messages *m, const void *message, struct buf *to)
{
	const struct ndr_message *head = message;
	const struct ndr_message_kind *kind = ndr_message_kind(m, head);
	struct push p = { .to = to, .start = to->len, .version = head->version, .referent = REFERENT_FIRST };

	if (kind == NULL)
		return -EPROTONOSUPPORT;
	buf_u16(to, head->kind);
	buf_u16(to, head->version);
	return push(&p, kind->body, (const char *)message + m->body_offset);
}
