/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/fault.h"
#include "rpc/pdu.h"
#include "tests/lib/failalloc.h"

/* clang-format off */
#define NDR20 0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 2, 0, 0, 0
#define NDR64 0x33, 0x05, 0x71, 0x71, 0xba, 0xbe, 0x37, 0x49, 0x83, 0x19, 0xb5, 0xdb, 0xef, 0x9c, 0xcc, 0x36, 1, 0, 0, 0
#define FEATURES 0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0
#define CLUSAPI 0xb2, 0xd8, 0x7d, 0xb9, 0x63, 0x4c, 0xcf, 0x11, 0xbf, 0xf6, 0x08, 0x00, 0x2b, 0xe2, 0x3f, 0x2f, 3, 0, 0, 0

/* As Windows binds: three contexts. */
static const uint8_t bind[] = {
	5, 0, 11, 3, 0x10, 0, 0, 0, 160, 0, 0, 0, 2, 0, 0, 0,
	0xd0, 0x16, 0xd0, 0x16, 0, 0, 0, 0, 3, 0, 0, 0,
	0, 0, 1, 0, CLUSAPI, NDR20,
	1, 0, 1, 0, CLUSAPI, NDR64,
	2, 0, 1, 0, CLUSAPI, FEATURES,
};
/* As Samba's clients over a unix socket: auth type 200, level connect. */
static const uint8_t bind_ncalrpc[] = {
	5, 0, 11, 3, 0x10, 0, 0, 0, 98, 0, 18, 0, 1, 0, 0, 0,
	0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0, 1, 0, 0, 0,
	0, 0, 1, 0, CLUSAPI, NDR20,
	200, 2, 0, 0, 1, 0, 0, 0,
	'N', 'C', 'A', 'L', 'R', 'P', 'C', '_', 'A', 'U', 'T', 'H', '_', 'T', 'O', 'K', 'E', 'N',
};
static const uint8_t request[] = {
	5, 0, 0, 3, 0x10, 0, 0, 0, 28, 0, 0, 0, 3, 0, 0, 0,
	4, 0, 0, 0, 0, 0, 104, 0,
	0xaa, 0xbb, 0xcc, 0xdd,
};
static const uint8_t request_object[] = {
	5, 0, 0, 0x83, 0x10, 0, 0, 0, 42, 0, 0, 0, 3, 0, 0, 0,
	2, 0, 0, 0, 1, 0, 7, 0,
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	0xaa, 0xbb,
};
/* Three bytes of padding, a signature of four. */
static const uint8_t request_signed[] = {
	5, 0, 0, 3, 0x10, 0, 0, 0, 40, 0, 4, 0, 3, 0, 0, 0,
	1, 0, 0, 0, 0, 0, 104, 0,
	0xaa, 0, 0, 0,
	10, 5, 3, 0, 1, 0, 0, 0,
	0xf1, 0xf2, 0xf3, 0xf4,
};
static const uint8_t response[] = {
	5, 0, 2, 3, 0x10, 0, 0, 0, 28, 0, 0, 0, 3, 0, 0, 0,
	4, 0, 0, 0, 0, 0, 0, 0,
	0xaa, 0xbb, 0xcc, 0xdd,
};
static const uint8_t fault[] = {
	5, 0, 3, 0x23, 0x10, 0, 0, 0, 32, 0, 0, 0, 9, 0, 0, 0,
	32, 0, 0, 0, 1, 0, 0, 0,
	2, 0, 1, 0x1c, 0, 0, 0, 0,
};
static const uint8_t nak[] = {
	5, 0, 13, 3, 0x10, 0, 0, 0, 24, 0, 0, 0, 2, 0, 0, 0,
	8, 0, 1, 5, 0, 0, 0, 0,
};
static const uint8_t auth3[] = {
	5, 0, 16, 3, 0x10, 0, 0, 0, 29, 0, 1, 0, 2, 0, 0, 0,
	0, 0, 0, 0,
	10, 6, 0, 0, 1, 0, 0, 0, 0xee,
};
static const uint8_t orphaned[] = { 5, 0, 19, 3, 0x10, 0, 0, 0, 16, 0, 0, 0, 7, 0, 0, 0 };
/* clang-format on */

TEST(a_bind_is_read)
{
	struct pdu_syntax transfer;
	struct pdu pdu;
	uint16_t bits;

	CHECK_INT(pdu_decode(bind, sizeof(bind), &pdu), 0);
	CHECK_INT(pdu.header.type, PDU_BIND);
	CHECK_INT(pdu.header.call_id, 2);
	CHECK_INT(pdu.bind.max_xmit, 5840);
	CHECK_INT(pdu.bind.max_recv, 5840);
	CHECK_INT(pdu.bind.group, 0);
	CHECK_INT(pdu.bind.context_count, 3);
	CHECK_INT(pdu.bind.contexts[2].id, 2);
	CHECK_INT(pdu.bind.contexts[0].abstract.major, 3);
	CHECK_INT(pdu.bind.contexts[0].abstract.minor, 0);
	transfer = pdu_transfer(&pdu.bind.contexts[0], 0);
	CHECK(pdu_syntax_equal(&transfer, &pdu_ndr20));
	CHECK(!pdu_syntax_is_features(&transfer, &bits));
	transfer = pdu_transfer(&pdu.bind.contexts[1], 0);
	CHECK(!pdu_syntax_equal(&transfer, &pdu_ndr20));
	transfer = pdu_transfer(&pdu.bind.contexts[2], 0);
	CHECK(pdu_syntax_is_features(&transfer, &bits));
	CHECK_INT(bits, 3);
	CHECK(!pdu.has_auth);
}

TEST(a_bind_with_a_token_is_read)
{
	struct pdu pdu;

	CHECK_INT(pdu_decode(bind_ncalrpc, sizeof(bind_ncalrpc), &pdu), 0);
	CHECK(pdu.has_auth);
	CHECK_INT(pdu.auth.type, 200);
	CHECK_INT(pdu.auth.level, 2);
	CHECK_INT(pdu.auth.context_id, 1);
	CHECK_INT(pdu.auth.token_len, 18);
	CHECK_MEM(pdu.auth.token, "NCALRPC_AUTH_TOKEN", 18);
}

TEST(stubs_are_found)
{
	struct pdu pdu;

	CHECK_INT(pdu_decode(request, sizeof(request), &pdu), 0);
	CHECK_INT(pdu.stub.opnum, 104);
	CHECK_INT(pdu.stub.len, 4);
	CHECK_MEM(pdu.stub.data, "\xaa\xbb\xcc\xdd", 4);

	CHECK_INT(pdu_decode(request_object, sizeof(request_object), &pdu), 0);
	CHECK_INT(pdu.stub.context_id, 1);
	CHECK_INT(pdu.stub.opnum, 7);
	CHECK_INT(pdu.stub.offset, 40);
	CHECK_INT(pdu.stub.len, 2);
	CHECK_MEM(pdu.stub.data, "\xaa\xbb", 2);

	CHECK_INT(pdu_decode(request_signed, sizeof(request_signed), &pdu), 0);
	CHECK_INT(pdu.stub.len, 1);
	CHECK_INT(pdu.auth.pad_length, 3);
	CHECK_INT(pdu.auth.token_len, 4);
	CHECK_MEM(pdu.auth.token, "\xf1\xf2\xf3\xf4", 4);

	CHECK_INT(pdu_decode(response, sizeof(response), &pdu), 0);
	CHECK_INT(pdu.stub.len, 4);
}

TEST(the_rest_is_read)
{
	struct pdu pdu;

	CHECK_INT(pdu_decode(fault, sizeof(fault), &pdu), 0);
	CHECK_INT(pdu.stub.status, FAULT_OP_RANGE);
	CHECK_INT(pdu.stub.len, 0);
	CHECK_INT(pdu_decode(nak, sizeof(nak), &pdu), 0);
	CHECK_INT(pdu.nak_reason, NAK_AUTH_TYPE);
	CHECK_INT(pdu_decode(auth3, sizeof(auth3), &pdu), 0);
	CHECK_INT(pdu.auth.token_len, 1);
	CHECK_INT(pdu_decode(orphaned, sizeof(orphaned), &pdu), 0);
	CHECK_INT(pdu.header.call_id, 7);
}

static void check_written(struct buf *b, const uint8_t *expected, size_t len)
{
	CHECK_INT(b->error, 0);
	CHECK_INT(b->len, len);
	CHECK_MEM(b->data, expected, len);
	buf_done(b);
}

TEST(what_is_written_is_what_peers_expect)
{
	struct pdu_syntax clusapi;
	struct buf b = { 0 };
	struct pdu pdu;
	size_t start;

	CHECK_INT(pdu_decode(bind_ncalrpc, sizeof(bind_ncalrpc), &pdu), 0);
	clusapi = pdu.bind.contexts[0].abstract;
	start = pdu_begin(&b, PDU_BIND, PDU_FIRST | PDU_LAST, 1);
	pdu_put_bind(&b, 4280, 0, 0, &clusapi);
	pdu_put_trailer(&b, start, 4, &pdu.auth);
	buf_append(&b, pdu.auth.token, pdu.auth.token_len);
	pdu_end(&b, start, pdu.auth.token_len);
	check_written(&b, bind_ncalrpc, sizeof(bind_ncalrpc));

	start = pdu_begin(&b, PDU_REQUEST, PDU_FIRST | PDU_LAST, 3);
	pdu_put_stub_header(&b, 4, 0, 104);
	buf_append(&b, "\xaa\xbb\xcc\xdd", 4);
	pdu_end(&b, start, 0);
	check_written(&b, request, sizeof(request));

	start = pdu_begin(&b, PDU_REQUEST, PDU_FIRST | PDU_LAST, 3);
	pdu_put_stub_header(&b, 1, 0, 104);
	buf_append(&b, "\xaa", 1);
	pdu_put_trailer(&b, start + 24, 4, &(struct pdu_auth){ .type = 10, .level = 5, .context_id = 1 });
	buf_append(&b, "\xf1\xf2\xf3\xf4", 4);
	pdu_end(&b, start, 4);
	check_written(&b, request_signed, sizeof(request_signed));

	pdu_put_fault(&b, PDU_DID_NOT_EXECUTE, 9, 1, FAULT_OP_RANGE);
	check_written(&b, fault, sizeof(fault));
	pdu_put_nak(&b, 2, NAK_AUTH_TYPE);
	check_written(&b, nak, sizeof(nak));
	pdu_put_orphaned(&b, 7);
	check_written(&b, orphaned, sizeof(orphaned));
}

TEST(an_ack_is_aligned_after_its_address)
{
	/* Each length of the address, so each padding; and with something before it in the buffer. */
	for (size_t len = 0; len < 9; len++) {
		struct pdu_ack ack = { .max_xmit = 5840, .max_recv = 5840, .group = 0x1234, .result_count = 2 };
		struct buf b = { 0 };
		struct pdu pdu;
		size_t start;

		memcpy(ack.address, "49155/abc", len);
		ack.results[0].transfer = pdu_ndr20;
		ack.results[1] = (struct pdu_context_result){ .result = PDU_PROVIDER_REJECTED, .reason = 2 };
		buf_append(&b, "xyz", 3);
		start = pdu_begin(&b, PDU_BIND_ACK, PDU_FIRST | PDU_LAST, 2);
		pdu_put_ack(&b, start, &ack, false);
		pdu_end(&b, start, 0);
		CHECK_INT((b.len - start) % 4, 0);
		CHECK_INT(pdu_decode(b.data + start, b.len - start, &pdu), 0);
		CHECK_STR(pdu.ack.address, ack.address);
		CHECK_INT(pdu.ack.group, 0x1234);
		CHECK_INT(pdu.ack.result_count, 2);
		CHECK(pdu_syntax_equal(&pdu.ack.results[0].transfer, &pdu_ndr20));
		CHECK_INT(pdu.ack.results[1].result, PDU_PROVIDER_REJECTED);
		CHECK_INT(pdu.ack.results[1].reason, 2);
		buf_done(&b);
	}
}

TEST(an_answer_may_have_a_trailer_with_an_empty_token)
{
	struct pdu_ack ack = { .max_xmit = 5840, .max_recv = 5840, .group = 1, .result_count = 1 };
	struct pdu_auth auth = { .type = 9, .level = 6, .context_id = 77 };
	struct buf b = { 0 };
	size_t start = pdu_begin(&b, PDU_ALTER_ACK, PDU_FIRST | PDU_LAST, 2);
	struct pdu pdu;

	pdu_put_ack(&b, start, &ack, true);
	pdu_put_trailer(&b, start, 4, &auth);
	pdu_end(&b, start, 0);
	CHECK_INT(pdu_decode(b.data, b.len, &pdu), 0);
	CHECK(pdu.has_auth);
	CHECK_INT(pdu.auth.context_id, 77);
	CHECK_INT(pdu.auth.token_len, 0);
	buf_done(&b);
}

TEST(an_address_has_an_end_and_a_limit)
{
	static const struct {
		size_t len; /* With its terminator. */
		bool terminated;
		int result;
	} cases[] = {
		{ 0, false, 0 },
		{ 1, true, 0 },
		{ PDU_ADDRESS_MAX + 1, true, 0 },
		{ PDU_ADDRESS_MAX + 2, true, -EPROTO },
		{ 2000, true, -EPROTO },
		{ 7, false, -EPROTO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };
		size_t start = pdu_begin(&b, PDU_BIND_ACK, PDU_FIRST | PDU_LAST, 2);
		struct pdu pdu;

		buf_u32(&b, 5840 << 16 | 5840);
		buf_u32(&b, 1);
		buf_u16(&b, (uint16_t)cases[i].len);
		for (size_t n = 1; n <= cases[i].len; n++)
			buf_u8(&b, n == cases[i].len && cases[i].terminated ? 0 : 'a');
		buf_align(&b, 4);
		buf_u32(&b, 0);
		pdu_end(&b, start, 0);
		CHECK_INT(pdu_decode(b.data, b.len, &pdu), cases[i].result);
		if (cases[i].result == 0)
			CHECK_INT(strlen(pdu.ack.address), cases[i].len == 0 ? 0 : cases[i].len - 1);
		buf_done(&b);
	}
}

struct sample {
	const uint8_t *data;
	size_t len;
};
#define SAMPLE(array)                                                                                                  \
	{                                                                                                              \
		array, sizeof(array)                                                                                   \
	}
static const struct sample samples[] = {
	SAMPLE(bind),
	SAMPLE(bind_ncalrpc),
	SAMPLE(request),
	SAMPLE(request_object),
	SAMPLE(request_signed),
	SAMPLE(response),
	SAMPLE(fault),
	SAMPLE(nak),
	SAMPLE(auth3),
	SAMPLE(orphaned),
};

TEST(no_pdu_is_taken_that_is_cut_short)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		for (size_t len = 0; len < samples[i].len; len++) {
			uint8_t *copy = malloc(MAX(len, (size_t)1)); /* Exactly so long, for the address sanitizer. */
			struct pdu pdu;

			CHECK(copy != NULL);
			memcpy(copy, samples[i].data, len);
			CHECK_INT(pdu_decode(copy, len, &pdu), -EPROTO);
			free(copy);
		}
	}
}

/* The same, but with a frag_length that agrees: only stubs and tokens may become shorter. */
TEST(no_body_is_taken_that_is_cut_short)
{
	static const struct {
		struct sample sample;
		size_t least;
	} cases[] = {
		{ SAMPLE(bind), sizeof(bind) },
		{ SAMPLE(bind_ncalrpc), sizeof(bind_ncalrpc) },
		{ SAMPLE(request), 24 },
		{ SAMPLE(request_object), 40 },
		{ SAMPLE(response), 24 },
		{ SAMPLE(fault), 28 },
		{ SAMPLE(nak), 18 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t len = PDU_HEADER_SIZE; len < cases[i].sample.len; len++) {
			uint8_t *copy = malloc(len);
			struct pdu pdu;
			int r;

			CHECK(copy != NULL);
			memcpy(copy, cases[i].sample.data, len);
			put_le16(copy + 8, (uint16_t)len);
			r = pdu_decode(copy, len, &pdu);
			if (len < cases[i].least)
				CHECK_INT(r, -EPROTO);
			free(copy);
		}
	}
}

TEST(lengths_that_lie_are_refused)
{
	static const struct {
		struct sample sample;
		size_t offset;
		uint8_t value;
		const char *what;
	} cases[] = {
		{ SAMPLE(request), 0, 4, "version 4" },
		{ SAMPLE(request), 1, 2, "minor version 2" },
		{ SAMPLE(request), 2, 1, "ping is not connection-oriented" },
		{ SAMPLE(request), 2, 20, "no such type" },
		{ SAMPLE(request), 4, 0, "big endian" },
		{ SAMPLE(request), 5, 1, "VAX floats" },
		{ SAMPLE(request), 8, 27, "a frag_length below the bytes" },
		{ SAMPLE(request), 9, 1, "a frag_length above the bytes" },
		{ SAMPLE(request), 10, 8, "an auth_length into the header" },
		{ SAMPLE(request), 11, 255, "an auth_length beyond everything" },
		{ SAMPLE(request_signed), 10, 9, "a trailer over the request's own header" },
		{ SAMPLE(request_signed), 30, 5, "more padding than stub" },
		{ SAMPLE(bind), 24, 0, "no contexts" },
		{ SAMPLE(bind), 24, 4, "a context that is not there" },
		{ SAMPLE(bind), 24, 2, "something behind the contexts" },
		{ SAMPLE(bind), 24, 17, "more contexts than the limit" },
		{ SAMPLE(bind), 30, 0, "no transfer syntax" },
		{ SAMPLE(bind), 30, 255, "transfer syntaxes that are not there" },
		{ SAMPLE(bind_ncalrpc), 74, 1, "padding that is not there" },
		{ SAMPLE(auth3), 10, 0, "an auth3 without a token" },
	};
	struct pdu pdu;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t copy[256];

		CHECK_INT(pdu_decode(cases[i].sample.data, cases[i].sample.len, &pdu), 0);
		memcpy(copy, cases[i].sample.data, cases[i].sample.len);
		copy[cases[i].offset] = cases[i].value;
		if (pdu_decode(copy, cases[i].sample.len, &pdu) != -EPROTO)
			test_fail(__FILE__, __LINE__, "accepted: %s", cases[i].what);
	}
}

/* Under valgrind or the address sanitizer this proves that nothing is read outside. */
TEST(no_change_of_a_byte_leads_outside)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		for (size_t at = 0; at < samples[i].len; at++) {
			for (unsigned value = 0; value < 256; value++) {
				uint8_t *copy = malloc(samples[i].len);
				struct pdu pdu;

				CHECK(copy != NULL);
				memcpy(copy, samples[i].data, samples[i].len);
				copy[at] = (uint8_t)value;
				if (pdu_decode(copy, samples[i].len, &pdu) == 0 && pdu.header.type <= PDU_FAULT) {
					CHECK(pdu.stub.offset + pdu.stub.len <= samples[i].len);
					CHECK(pdu.stub.data == copy + pdu.stub.offset);
				}
				free(copy);
			}
		}
	}
}

TEST(a_foreign_header_can_be_answered)
{
	uint8_t copy[sizeof(bind)];
	struct pdu_header h;

	memcpy(copy, bind, sizeof(bind));
	copy[4] = 0;
	CHECK_INT(pdu_decode_header(copy, &h), -EPROTONOSUPPORT);
	CHECK_INT(h.type, PDU_BIND);
	copy[0] = 'G';
	CHECK_INT(pdu_decode_header(copy, &h), -EPROTO);
}

TEST(faults_and_errors_translate_both_ways)
{
	static const struct {
		uint32_t status;
		int error;
	} cases[] = {
		{ 0x1c00001a, ERR_INVALID_HANDLE },
		{ 0x1c010002, ERR_RPC_S_PROCNUM_OUT_OF_RANGE },
		{ 0x1c010003, ERR_RPC_S_UNKNOWN_IF },
		{ 0x1c01000b, ERR_RPC_S_PROTOCOL_ERROR },
		{ 0x1c010014, ERR_RPC_S_SERVER_TOO_BUSY },
		{ 0x6f7, ERR_RPC_X_BAD_STUB_DATA },
		{ 5, ERR_ACCESS_DENIED },
		{ 0x721, ERR_RPC_S_SEC_PKG_ERROR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(rpc_fault_to_error(cases[i].status, 0), cases[i].error);
		CHECK_INT(rpc_fault_from_error(cases[i].error), cases[i].status);
	}
	CHECK_INT(rpc_fault_from_error(-ENOMEM), FAULT_NO_MEMORY);
	CHECK_INT(rpc_fault_to_error(0x1c0000ff, 0), ERR_RPC_S_CALL_FAILED);
	CHECK_INT(rpc_fault_to_error(0x1c0000ff, PDU_DID_NOT_EXECUTE), ERR_RPC_S_CALL_FAILED_DNE);
	CHECK_INT(rpc_fault_to_error(0, 0), ERR_RPC_S_CALL_FAILED);
}
