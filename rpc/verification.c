/* verification: what clients append to the stub of a request to prove its unsigned header.
 *
 * Why      without header signing an interface or method number could be changed on the way although the arguments are
 *          signed.  So clients repeat them among the arguments; who does not take that off has a stub that is too long.
 * How      stub | zeros up to 4 | 8a e3 13 71 02 f4 36 71 | { command u16, length u16, value } …, the last with flag 4000.
 *          1 the client's abilities, 2 interface and transfer syntax, 3 the request's header; others are passed over, or
 *          refused if they have flag 8000.  It is a trailer only if its last command ends where the stub does.
 * Threads  all functions.     Limits  those of a stub.
 * Source   MS-RPCE 2.2.2.13     Tests  tests/unit/rpc_verification.c, tests/interop/rpc_auth.py
 * SPDX-License-Identifier: Apache-2.0 */
#include "rpc/verification.h"

enum {
	COMMAND_MASK = 0x3fff,
	COMMAND_LAST = 0x4000,
	COMMAND_MUST = 0x8000,
	COMMAND_ABILITIES = 1,
	COMMAND_SYNTAX = 2,
	COMMAND_HEADER = 3,
	HEADER_SIZE = 16,
	TRAILER_MAX = 256, /* The known commands have 8 + 8 + 44 + 20 bytes. */
};

static const uint8_t mark[8] = { 0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71 };

static bool is_syntax(const struct rpc_verification *request, const uint8_t *value, size_t len)
{
	struct buf expected = { 0 };
	bool is_same;

	pdu_put_syntax(&expected, &request->abstract);
	pdu_put_syntax(&expected, &pdu_ndr20);
	is_same = expected.error == 0 && len == expected.len && memcmp(value, expected.data, len) == 0;
	buf_done(&expected);
	return is_same;
}

static bool is_header(const struct rpc_verification *request, const uint8_t *value, size_t len)
{
	uint8_t expected[HEADER_SIZE] = { [0] = PDU_REQUEST, [4] = 0x10 };

	put_le32(expected + 8, request->call_id);
	put_le16(expected + 12, request->context_id);
	put_le16(expected + 14, request->opnum);
	return len == sizeof(expected) && memcmp(value, expected, len) == 0;
}

static bool check_command(const struct rpc_verification *request, uint16_t command, const uint8_t *value, size_t len)
{
	switch (command & COMMAND_MASK) {
	case COMMAND_ABILITIES:
		return len == 4;
	case COMMAND_SYNTAX:
		return is_syntax(request, value, len);
	case COMMAND_HEADER:
		return is_header(request, value, len);
	default:
		return !(command & COMMAND_MUST);
	}
}

/* 1: the commands end with the data, and are right; 0: these are no commands; or the error. */
static int check_commands(const struct rpc_verification *request, const uint8_t *data, size_t len)
{
	struct cursor c = cursor_make(data, len);
	bool is_right = true;
	uint16_t command;

	do {
		size_t size;
		const uint8_t *value;

		command = cursor_u16(&c);
		size = cursor_u16(&c);
		value = cursor_bytes(&c, size);
		if (c.error != 0)
			return 0;
		is_right &= check_command(request, command, value, size);
	} while (!(command & COMMAND_LAST));
	if (cursor_left(&c) != 0)
		return 0;
	return is_right ? 1 : ERR_ACCESS_DENIED;
}

int rpc_verification_take(const struct rpc_verification *request, const uint8_t *stub, size_t len, size_t *ret_len)
{
	size_t least = len > TRAILER_MAX ? ALIGN_UP(len - TRAILER_MAX, (size_t)4) : 0;

	for (size_t at = least; at + sizeof(mark) <= len; at += 4) {
		int r;

		if (memcmp(stub + at, mark, sizeof(mark)) != 0)
			continue;
		r = check_commands(request, stub + at + sizeof(mark), len - at - sizeof(mark));
		if (r < 0)
			return r;
		if (r > 0) {
			*ret_len = at;
			return 0;
		}
	}
	*ret_len = len;
	return 0;
}
