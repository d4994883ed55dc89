/* ndr_print: structures as one line of text, for traces; see ndr.h.  "key=… sub_key="Groups" sam_desired=1".
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ndr.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { BYTES_MAX = 64, ELEMENTS_MAX = 16, TEXT_MAX = 256 };

static void print_fields(const struct ndr_type *type, unsigned version, const void *base, struct buf *to);

static void print(struct buf *to, const char *format, ...) _printf_(2, 3);
static void print(struct buf *to, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (len > 0)
		buf_append(to, text, MIN((size_t)len, sizeof(text) - 1));
}

static void print_number(struct buf *to, uint64_t value)
{
	print(to, value < 1000000 ? "%" PRIu64 : "0x%" PRIx64, value);
}

static void print_bytes(struct buf *to, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < MIN(len, (uint32_t)BYTES_MAX); i++)
		print(to, "%02x", bytes[i]);
	if (len > BYTES_MAX)
		print(to, "… (%" PRIu32 " bytes)", len);
}

static void print_scalar(struct buf *to, const struct ndr_field *f, const void *at)
{
	const struct ndr_handle *h = at;
	char text[TEXT_MAX];
	const char *name;
	uint32_t u32;

	switch (f->kind) {
	case NDR_U8:
		print_number(to, *(const uint8_t *)at);
		break;
	case NDR_U16:
		print_number(to, *(const uint16_t *)at);
		break;
	case NDR_U32:
	case NDR_BOOL:
		print_number(to, *(const uint32_t *)at);
		break;
	case NDR_U64:
	case NDR_FILETIME:
		print_number(to, *(const uint64_t *)at);
		break;
	case NDR_STATUS:
		u32 = *(const uint32_t *)at;
		name = u32 != 0 ? error_win32_name(u32) : NULL;
		print_number(to, u32);
		if (name != NULL)
			print(to, "(%s)", name);
		break;
	case NDR_HANDLE:
		if (h->attributes != 0)
			print(to, "%" PRIu32 ":", h->attributes);
		at = &h->uuid;
		__attribute__((fallthrough));
	case NDR_GUID:
		guid_format(at, text);
		print(to, "%s", guid_is_zero(at) ? "0" : text);
		break;
	case NDR_WSTR:
		print(
		    to, "\"%s\"", u16_to_utf8_buffer(u16_from_z(*(const char16_t *const *)at), text, sizeof(text) - 2));
		break;
	default:
		assert(false); /* A kind without code. */
	}
}

static void print_value(struct buf *to, const struct ndr_field *f, const void *at)
{
	if (f->flags & NDR_FIXED) {
		print_bytes(to, at, f->size);
		return;
	}
	if (f->kind == NDR_WSTR && *(const void *const *)at == NULL) {
		print(to, "NULL");
		return;
	}
	if (f->flags & NDR_POINTER && f->kind != NDR_WSTR) {
		at = *(const void *const *)at;
		if (at == NULL) {
			print(to, "NULL");
			return;
		}
	}
	if (f->kind == NDR_STRUCT) {
		print(to, "{");
		print_fields(f->type, 0, at, to);
		print(to, "}");
	} else {
		print_scalar(to, f, at);
	}
}

static void print_array(struct buf *to, const struct ndr_field *f, const void *base)
{
	const char *elements = *(const char *const *)((const char *)base + f->offset);
	uint32_t used = *(const uint32_t *)((const char *)base + (f->flags & NDR_VARYING ? f->used : f->count));

	if (elements == NULL) {
		print(to, "NULL");
	} else if (ndr_element_size(f) == 1) {
		print_bytes(to, (const uint8_t *)elements, used);
	} else {
		print(to, "[");
		for (uint32_t i = 0; i < MIN(used, (uint32_t)ELEMENTS_MAX); i++) {
			print(to, i > 0 ? " " : "");
			print_value(to, f, elements + i * ndr_element_size(f));
		}
		if (used > ELEMENTS_MAX)
			print(to, " … (%" PRIu32 " elements)", used);
		print(to, "]");
	}
}

static void print_fields(const struct ndr_type *type, unsigned version, const void *base, struct buf *to)
{
	const char *space = "";

	for (unsigned i = 0; i < type->field_count; i++) {
		const struct ndr_field *f = &type->fields[i];

		if (type->parameters && !ndr_field_in(f, version))
			continue;
		print(to, "%s%s=", space, f->name);
		space = " ";
		if (f->flags & NDR_ARRAY)
			print_array(to, f, base);
		else
			print_value(to, f, (const char *)base + f->offset);
	}
}

void ndr_print(const struct ndr_type *type, unsigned version, const void *value, struct buf *to)
{
	print_fields(type, version, value, to);
}

void ndr_message_print(const struct ndr_messages *m, const void *message, struct buf *to)
{
	const struct ndr_message *head = message;
	const struct ndr_message_kind *kind = ndr_message_kind(m, head);

	if (kind == NULL) {
		print(to, "%s kind %u version %u", m->name, head->kind, head->version);
		return;
	}
	print(to, "%s ", kind->name);
	ndr_print(kind->body, head->version, (const char *)message + m->body_offset, to);
}
