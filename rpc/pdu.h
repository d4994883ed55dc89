/* pdu: the messages of connection-oriented DCE/RPC 5.0, bytes to structs and back.  See pdu.c.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/guid.h"

enum pdu_type {
	PDU_REQUEST = 0,
	PDU_RESPONSE = 2,
	PDU_FAULT = 3,
	PDU_BIND = 11,
	PDU_BIND_ACK = 12,
	PDU_BIND_NAK = 13,
	PDU_ALTER = 14,
	PDU_ALTER_ACK = 15,
	PDU_AUTH3 = 16,
	PDU_SHUTDOWN = 17,
	PDU_CANCEL = 18,
	PDU_ORPHANED = 19,
};

enum pdu_flags {
	PDU_FIRST = 0x01,
	PDU_LAST = 0x02,
	PDU_HEADER_SIGN = 0x04,     /* In bind and alter; in requests the bit means "a cancel is pending". */
	PDU_MULTIPLEX = 0x10,       /* Several calls in flight on one connection. */
	PDU_DID_NOT_EXECUTE = 0x20, /* In faults: nothing has been done. */
	PDU_MAYBE = 0x40,           /* In requests: no answer is wanted. */
	PDU_OBJECT = 0x80,          /* In requests: an object UUID follows the header. */
};

enum {
	PDU_HEADER_SIZE = 16,
	PDU_BODY_OFFSET = 24, /* Of the stub in a response, and in a request without an object. */
	PDU_TRAILER_SIZE = 8,
	PDU_SIZE_MAX = 65535,      /* frag_length has 16 bits. */
	PDU_CONTEXTS_MAX = 16,     /* Presentation contexts in one bind or alter. */
	PDU_ADDRESS_MAX = 255,     /* Bytes of a secondary address, without the terminator. */
	PDU_FRAGMENT_LEAST = 1432, /* Every peer must take fragments of this size. */
};

/* Status of a fault, as it is on the wire. */
enum pdu_status {
	FAULT_ACCESS_DENIED = 5,
	FAULT_BAD_STUB = 0x6f7,
	FAULT_SECURITY = 0x721,
	FAULT_CANCELLED = 0x1c00000d,
	FAULT_CONTEXT_MISMATCH = 0x1c00001a,
	FAULT_NO_MEMORY = 0x1c00001b,
	FAULT_OP_RANGE = 0x1c010002,
	FAULT_UNKNOWN_INTERFACE = 0x1c010003,
	FAULT_PROTOCOL = 0x1c01000b,
	FAULT_TOO_BUSY = 0x1c010014,
};

enum pdu_nak_reason {
	NAK_UNSPECIFIED = 0,
	NAK_BUSY = 1,  /* Temporary congestion. */
	NAK_LIMIT = 2, /* A local limit is exceeded. */
	NAK_VERSION = 4,
	NAK_AUTH_TYPE = 8,
};

/* What became of one presentation context. */
enum pdu_result { PDU_ACCEPTED = 0, PDU_USER_REJECTED = 1, PDU_PROVIDER_REJECTED = 2, PDU_NEGOTIATED = 3 };
enum pdu_reason { PDU_NO_REASON = 0, PDU_ABSTRACT_UNKNOWN = 1, PDU_TRANSFER_UNKNOWN = 2, PDU_LOCAL_LIMIT = 3 };

struct pdu_syntax {
	struct guid uuid;
	uint16_t major, minor;
};

#define PDU_SYNTAX_SIZE 20

extern const struct pdu_syntax pdu_ndr20;
bool pdu_syntax_equal(const struct pdu_syntax *a, const struct pdu_syntax *b);
/* The flags of a bind-time feature negotiation, if that is what the transfer syntax stands for. */
bool pdu_syntax_is_features(const struct pdu_syntax *s, uint16_t *ret_bits);

struct pdu_header {
	uint8_t type, flags;
	uint16_t frag_length, auth_length;
	uint32_t call_id;
};

struct pdu_auth {
	uint8_t type, level, pad_length;
	uint32_t context_id;
	const uint8_t *token; /* Borrowed from the PDU. */
	size_t token_len;
};

struct pdu_context {
	uint16_t id;
	struct pdu_syntax abstract;
	uint8_t transfer_count;
	const uint8_t *transfers; /* Borrowed; pdu_transfer() reads them. */
};

struct pdu_bind { /* And alter_context. */
	uint16_t max_xmit, max_recv;
	uint32_t group;
	unsigned context_count;
	struct pdu_context contexts[PDU_CONTEXTS_MAX];
};

struct pdu_context_result {
	uint16_t result, reason;
	struct pdu_syntax transfer;
};

struct pdu_ack { /* bind_ack and alter_context_resp. */
	uint16_t max_xmit, max_recv;
	uint32_t group;
	char address[PDU_ADDRESS_MAX + 1];
	unsigned result_count;
	struct pdu_context_result results[PDU_CONTEXTS_MAX];
};

struct pdu_stub { /* Of a request or response; also a fault, whose opnum is 0 and whose stub is empty. */
	uint32_t alloc_hint;
	uint16_t context_id, opnum;
	uint32_t status;     /* Of a fault. */
	size_t offset;       /* Where data begins in the PDU. */
	const uint8_t *data; /* Borrowed, without padding and trailer. */
	size_t len;
};

struct pdu {
	struct pdu_header header;
	bool has_auth;
	struct pdu_auth auth;
	union {
		struct pdu_bind bind;
		struct pdu_ack ack;
		uint16_t nak_reason;
		struct pdu_stub stub;
	};
};

/* The first PDU_HEADER_SIZE bytes: -EPROTONOSUPPORT for another version or byte order (the rest is valid then, so that
 * the peer can be told), -EPROTO for what no peer of any version sends. */
int pdu_decode_header(const uint8_t data[PDU_HEADER_SIZE], struct pdu_header *ret);
/* One whole PDU; it borrows from data.  -EPROTO.  If the stub is encrypted, its padding is taken off all the same. */
int pdu_decode(const uint8_t *data, size_t len, struct pdu *ret);
struct pdu_syntax pdu_transfer(const struct pdu_context *context, unsigned index);

/* Encoders append to *b; errors stick there.  pdu_begin() writes the header and gives the PDU's offset, which
 * pdu_end() needs to fill in the lengths. */
size_t pdu_begin(struct buf *b, enum pdu_type type, unsigned flags, uint32_t call_id);
void pdu_end(struct buf *b, size_t start, size_t auth_length);
/* The trailer without its value, after zeros up to a multiple of align (a power of two), counted from body. */
void pdu_put_trailer(struct buf *b, size_t body, size_t align, const struct pdu_auth *auth);
void pdu_put_syntax(struct buf *b, const struct pdu_syntax *s);
/* The bodies.  A bind offers one context with NDR 2.0; start is the ack's offset as pdu_begin() gave it. */
void pdu_put_bind(
    struct buf *b, uint16_t fragment_max, uint32_t group, uint16_t context_id, const struct pdu_syntax *abstract);
void pdu_put_ack(struct buf *b, size_t start, const struct pdu_ack *ack, bool is_alter);
void pdu_put_stub_header(struct buf *b, size_t stub_left, uint16_t context_id, uint16_t opnum);

/* Whole PDUs without a trailer. */
void pdu_put_nak(struct buf *b, uint32_t call_id, enum pdu_nak_reason reason);
void pdu_put_fault(struct buf *b, unsigned flags, uint32_t call_id, uint16_t context_id, uint32_t status);
void pdu_put_orphaned(struct buf *b, uint32_t call_id);
