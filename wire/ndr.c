/* ndr: what the coders share: look-ups, sizes, and how an answer depends on its request.  See ndr.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ndr.h"

const struct ndr_method *ndr_method(const struct ndr_interface *i, unsigned version, unsigned number)
{
	const struct ndr_method *m = number < i->method_count ? &i->methods[number] : NULL;

	return m != NULL && m->name != NULL && ndr_version_in(version, m->since, m->until) ? m : NULL;
}

const struct ndr_message_kind *ndr_message_kind(const struct ndr_messages *m, const struct ndr_message *head)
{
	const struct ndr_message_kind *k = head->kind < m->kind_count ? &m->kinds[head->kind] : NULL;

	if (k == NULL || k->name == NULL || head->version == 0 || head->version > m->newest)
		return NULL;
	return ndr_version_in(head->version, k->since, k->until) ? k : NULL;
}

size_t ndr_value_size(const struct ndr_field *f)
{
	static const uint8_t sizes[] = {
		[NDR_U8] = 1,
		[NDR_U16] = 2,
		[NDR_U32] = 4,
		[NDR_U64] = 8,
		[NDR_BOOL] = 4,
		[NDR_STATUS] = 4,
		[NDR_FILETIME] = 8,
		[NDR_GUID] = sizeof(struct guid),
		[NDR_HANDLE] = sizeof(struct ndr_handle),
		[NDR_WSTR] = sizeof(char16_t *),
	};

	return f->kind == NDR_STRUCT ? f->type->size : sizes[f->kind];
}

size_t ndr_element_size(const struct ndr_field *f)
{
	return f->flags & NDR_POINTER ? sizeof(void *) : ndr_value_size(f);
}

size_t ndr_element_wire_size(const struct ndr_field *f)
{
	if (f->flags & NDR_POINTER)
		return 4;
	switch (f->kind) {
	case NDR_STRUCT:
		return f->type->wire_size;
	case NDR_WSTR:
		return 14; /* Three counts and a terminator. */
	default:
		return ndr_value_size(f);
	}
}

void ndr_begin_answer(const struct ndr_method *m, const void *in, void *out)
{
	memset(out, 0, m->out->size);
	for (unsigned i = 0; i < m->out->field_count; i++) {
		const struct ndr_field *f = &m->out->fields[i];

		if (f->flags & NDR_FROM_REQUEST)
			memcpy((char *)out + f->offset, (const char *)in + f->count, sizeof(uint32_t));
	}
}

int ndr_check_answer(const struct ndr_method *m, const void *in, const void *out)
{
	for (unsigned i = 0; i < m->out->field_count; i++) {
		const struct ndr_field *f = &m->out->fields[i];

		if (f->flags & NDR_FROM_REQUEST &&
		    memcmp((const char *)out + f->offset, (const char *)in + f->count, sizeof(uint32_t)) != 0)
			return ERR_RPC_X_BAD_STUB_DATA;
	}
	return 0;
}
