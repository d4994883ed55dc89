/* ndr: what goes over the wire and into the log, described once as tables and coded by one machine.
 *
 * Why      180 calls in two versions, our own interface, messages between nodes and log commands: code for each, by
 *          hand, would be thousands of lines in which one forgotten check lets a stranger in.
 * How      idl/ describes methods, structures and messages; gen/ makes of it C structures and, for each, a table of its
 *          fields (struct ndr_type).  ndr_pull(), ndr_push() and ndr_print() walk the table.  The bytes are NDR 2.0,
 *          little endian, alignment relative to the first byte.
 * In C     a string is a terminated const char16_t * (NULL where the pointer may be), an array a pointer and a number
 *          of elements, a context handle a struct ndr_handle, what is behind a pointer a const pointer.
 * Strict   A string is terminated, within its own maximum, and has no zero before its end; an array has as many
 *          elements as its parameter says; a NULL array has none; a range is kept.  Else ERR_RPC_X_BAD_STUB_DATA.
 * Limits   What decoding allocates is bounded by a small multiple of the bytes that are there, whatever they claim, and
 *          by the arena's limit.  Depth is that of the description.
 * Threads  No state: any.
 * Format   docs/design/wire.md
 * Tests    tests/unit/ndr.c, ndr_roundtrip.c, idl.py, tests/interop/ndrdump.py, tests/fuzz/stub.c
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/guid.h"

struct ndr_handle { /* A context handle; all zero is none. */
	uint32_t attributes;
	struct guid uuid;
};

enum ndr_kind {
	NDR_U8,
	NDR_U16,
	NDR_U32,
	NDR_U64,
	NDR_BOOL,     /* A u32; any value but 0 is true. */
	NDR_STATUS,   /* A u32 with a Windows error code. */
	NDR_FILETIME, /* uint64_t in C; two u32 on the wire. */
	NDR_GUID,
	NDR_HANDLE,
	NDR_WSTR,
	NDR_STRUCT,
};

enum {
	NDR_POINTER = 1 << 0,      /* The value, or each element, is behind a pointer that may be NULL. */
	NDR_ARRAY = 1 << 1,        /* Conformant: its number of elements comes first. */
	NDR_VARYING = 1 << 2,      /* Only the first *used* of its *count* elements are sent. */
	NDR_OUTER = 1 << 3,        /* The whole array is behind a pointer that may be NULL. */
	NDR_LAX = 1 << 4,          /* Then *count* may be anything, else it must be 0. */
	NDR_FIXED = 1 << 5,        /* An array of *size* u8, without a number. */
	NDR_SETS_COUNT = 1 << 6,   /* The array comes before the parameter that says its count, … */
	NDR_SETS_USED = 1 << 7,    /* … or its used … */
	NDR_CHECKED = 1 << 8,      /* … and this is that parameter. */
	NDR_FROM_REQUEST = 1 << 9, /* Not on the wire: a number that the request at *count* fixed. */
	NDR_RANGE = 1 << 10,       /* min … max. */
	NDR_ZEROS = 1 << 11,       /* An array whose count the request fixed: NULL goes out as zeros. */
};

struct ndr_field {
	const char *name;
	uint8_t kind;
	uint8_t handle;       /* NDR_HANDLE: its kind, CLUSAPI_HKEY …; 0 = any. */
	uint8_t since, until; /* The versions that have it; until 0 = no end. */
	uint16_t flags;
	uint16_t offset, size; /* Of the member in C. */
	uint16_t count, used;  /* Offsets of those members (uint32_t). */
	uint32_t min, max;
	const struct ndr_type *type; /* NDR_STRUCT */
};

#define NDR_MEMBER(type, member) .name = #member, .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

struct ndr_type {
	const char *name;
	uint16_t size;      /* In C. */
	uint16_t wire_size; /* At least, on the wire; > 0. */
	uint8_t align;      /* On the wire. */
	bool parameters;    /* Each field is followed at once by what it points to; else all fields come first. */
	bool conformant;    /* The last field is an array; its number of elements precedes the structure. */
	uint16_t field_count;
	const struct ndr_field *fields;
};

struct ndr_method {
	const char *name;     /* NULL: this number is not a method. */
	uint8_t since, until; /* The major versions that have it. */
	char access;          /* 'R', 'A', …: see idl/clusapi.idl. */
	uint16_t status;      /* Offset of status (uint32_t) in the out structure. */
	const struct ndr_type *in, *out;
};

struct ndr_interface {
	const char *name;
	struct guid uuid;
	struct ndr_version {
		uint16_t major, minor;
	} versions[2]; /* Unused ones are zero. */
	uint16_t method_count;
	const struct ndr_method *methods; /* By number. */
};

/* NULL if that version of the interface has no such method: answer with an operation-range fault. */
const struct ndr_method *ndr_method(const struct ndr_interface *i, unsigned version, unsigned number);

/* Decode into *ret (a struct of type->size), and what it points to into the arena; *ret is untouched on failure.  Up to
 * 7 bytes may follow, which some clients leave as padding.  ERR_RPC_X_BAD_STUB_DATA, -ENOMEM. */
int ndr_pull(
    const struct ndr_type *type, unsigned version, const void *data, size_t len, struct arena *arena, void *ret);

/* Append the encoding to *to, aligned from where *to ends now.  -EINVAL: the value breaks the description (a string
 * that must be there is NULL, a number is out of range, …), -ENOMEM; then *to ends where it did. */
int ndr_push(const struct ndr_type *type, unsigned version, const void *value, struct buf *to);

/* One line of text, "name=value …"; long arrays are cut.  For traces and tests. */
void ndr_print(const struct ndr_type *type, unsigned version, const void *value, struct buf *to);

/* Zero *out and note in it the sizes of arrays that the request fixes, before the method is carried out (server).  Such
 * an array goes out in full length, zeros if it is NULL: refuse a size that is unreasonable, the client chose it. */
void ndr_begin_answer(const struct ndr_method *m, const void *in, void *out);
/* After decoding (client): does the answer have those sizes?  ERR_RPC_X_BAD_STUB_DATA. */
int ndr_check_answer(const struct ndr_method *m, const void *in, const void *out);

static inline uint32_t *ndr_status(const struct ndr_method *m, void *out)
{
	return (uint32_t *)((char *)out + m->status);
}

static inline bool ndr_handle_is_null(const struct ndr_handle *h)
{
	return h->attributes == 0 && guid_is_zero(&h->uuid);
}

/* Tagged unions of own messages: kind and version (u16 each), then the fields that this version of the kind has. */
struct ndr_message { /* How every generated union begins. */
	uint16_t kind, version;
};

struct ndr_message_kind {
	const char *name; /* NULL: not in use. */
	uint8_t since, until;
	const struct ndr_type *body;
};

struct ndr_messages {
	const char *name;
	uint16_t newest;      /* Versions are 1 … newest. */
	uint16_t size;        /* Of the union. */
	uint16_t body_offset; /* In it. */
	uint16_t kind_count;
	const struct ndr_message_kind *kinds; /* By number. */
};

/* As ndr_pull() and ndr_push(), but nothing may follow, and -EPROTONOSUPPORT says that the kind or version is none that
 * this program knows (pull; the bytes may be fine), or none there is (push). */
int ndr_message_pull(const struct ndr_messages *m, const void *data, size_t len, struct arena *arena, void *ret);
int ndr_message_push(const struct ndr_messages *m, const void *message, struct buf *to);
void ndr_message_print(const struct ndr_messages *m, const void *message, struct buf *to);

/* Shared by the coders: the size in C of a value or an array's element, of what it points to if it is a pointer, and
 * the least that it takes on the wire; and a message's kind, NULL if there is none in that version. */
size_t ndr_element_size(const struct ndr_field *f);
size_t ndr_value_size(const struct ndr_field *f);
size_t ndr_element_wire_size(const struct ndr_field *f);
const struct ndr_message_kind *ndr_message_kind(const struct ndr_messages *m, const struct ndr_message *head);

static inline bool ndr_version_in(unsigned version, uint8_t since, uint8_t until)
{
	return version >= since && (until == 0 || version <= until);
}

static inline bool ndr_field_in(const struct ndr_field *f, unsigned version)
{
	return ndr_version_in(version, f->since, f->until) && !(f->flags & NDR_FROM_REQUEST);
}
