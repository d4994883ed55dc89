/* The rules of the coding, one by one, and the example of the specification.
 * SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"
#include "tests/lib/test.h"
#include "wire/clusapi.h"
#include "wire/command.h"
#include "wire/epm.h"
#include "wire/rueda.h"

#define IN(name) (clusapi_interface.methods[CLUSAPI_##name].in)
#define OUT(name) (clusapi_interface.methods[CLUSAPI_##name].out)

/* CreateEnum (opnum 7) for two nodes, "n1" and "n2", from the protocol's documentation. */
static const uint8_t two_nodes[] = {
	// clang-format off
	0x00, 0x00, 0x02, 0x00, 0x02, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
	0x04, 0x00, 0x02, 0x00, 0x01, 0x00, 0x00, 0x00, 0x08, 0x00, 0x02, 0x00, 0x03, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x6e, 0x00, 0x31, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x6e, 0x00, 0x32, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	// clang-format on
};

TEST(the_example_of_the_specification_is_written_byte_for_byte)
{
	static const struct clusapi_enum_entry entries[] = { { 1, u"n1" }, { 1, u"n2" } };
	static const struct clusapi_enum_list list = { .count = 2, .entries = entries };
	struct clusapi_CreateEnum_out out = { .list = &list };
	_cleanup_(buf_done) struct buf b = { 0 };

	CHECK_INT(ndr_push(OUT(CREATE_ENUM), 3, &out, &b), 0);
	CHECK_INT(b.len, sizeof(two_nodes));
	CHECK_MEM(b.data, two_nodes, sizeof(two_nodes));
}

TEST(the_example_of_the_specification_is_read)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	struct clusapi_CreateEnum_out out;

	CHECK_INT(ndr_pull(OUT(CREATE_ENUM), 3, two_nodes, sizeof(two_nodes), &arena, &out), 0);
	CHECK_INT(out.list->count, 2);
	CHECK(u16_equal_exact(u16_from_z(out.list->entries[0].name), U16("n1")));
	CHECK(u16_equal_exact(u16_from_z(out.list->entries[1].name), U16("n2")));
	CHECK_INT(out.list->entries[1].type, 1);
	CHECK_INT(out.status, 0);
}

TEST(an_answer_of_version_2_has_no_rpc_status)
{
	struct clusapi_CreateEnum_out out = { .list = NULL, .rpc_status = 9, .status = 5 };
	_cleanup_(buf_done) struct buf v2 = { 0 }, v3 = { 0 };

	CHECK_INT(ndr_push(OUT(CREATE_ENUM), 2, &out, &v2), 0);
	CHECK_INT(ndr_push(OUT(CREATE_ENUM), 3, &out, &v3), 0);
	CHECK_INT(v2.len, 8);
	CHECK_INT(v3.len, 12);
	CHECK_INT(get_le32(v2.data + 4), 5);
	CHECK_INT(get_le32(v3.data + 4), 9);
}

TEST(a_parameter_of_version_2_is_gone_in_version_3)
{
	struct clusapi_GetNotify_in in = { .timeout = 7 };
	_cleanup_(buf_done) struct buf v2 = { 0 }, v3 = { 0 };

	CHECK_INT(ndr_push(IN(GET_NOTIFY), 2, &in, &v2), 0);
	CHECK_INT(ndr_push(IN(GET_NOTIFY), 3, &in, &v3), 0);
	CHECK_INT(v2.len, 24);
	CHECK_INT(v3.len, 20);
}

TEST(a_number_without_a_method_gives_none)
{
	CHECK(ndr_method(&clusapi_interface, 3, CLUSAPI_EXECUTE_BATCH) != NULL);
	CHECK(ndr_method(&clusapi_interface, 2, CLUSAPI_EXECUTE_BATCH) == NULL);
	CHECK(ndr_method(&clusapi_interface, 2, CLUSAPI_BACKUP_CLUSTER_DATABASE) != NULL);
	CHECK(ndr_method(&clusapi_interface, 3, 80) == NULL);
	CHECK(ndr_method(&clusapi_interface, 3, 142) == NULL);
	CHECK(ndr_method(&clusapi_interface, 3, 186) == NULL);
	CHECK(ndr_method(&clusapi_interface, 3, UINT32_MAX) == NULL);
}

TEST(the_interface_is_complete)
{
	unsigned v2 = 0, v3 = 0;

	for (unsigned n = 0; n < 300; n++) {
		v2 += ndr_method(&clusapi_interface, 2, n) != NULL;
		v3 += ndr_method(&clusapi_interface, 3, n) != NULL;
	}
	CHECK_INT(v2, 108); /* 0-108 without 80 */
	CHECK_INT(v3, 167); /* 0-185 without 80, 111, 140-142, 148-154, 156, 158-162, 170 */
}

static int read_name(const void *data, size_t len, uint64_t *ret_used)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	struct clusapi_OpenNode_in in;
	int r = ndr_pull(IN(OPEN_NODE), 3, data, len, &arena, &in);

	*ret_used = arena.used;
	return r;
}

TEST(a_string_that_breaks_a_rule_is_refused)
{
	static const struct {
		uint32_t max, offset, len;
		char16_t units[3];
		bool good;
	} cases[] = {
		{ 3, 0, 3, u"n1", true },
		{ 100, 0, 3, u"n1", true }, /* A sender with a buffer. */
		{ 1, 0, 1, u"", true },
		{ 2, 0, 3, u"n1", false },         /* Longer than its maximum. */
		{ 4, 1, 3, u"n1", false },         /* Does not begin at its beginning. */
		{ 3, 0, 0, u"", false },           /* No room for the terminator. */
		{ 2, 0, 2, { 'n', '1' }, false },  /* Not terminated. */
		{ 3, 0, 3, { 'n', 0, 0 }, false }, /* Ends before its end. */
		{ UINT32_MAX, 0, UINT32_MAX, u"", false },
		{ UINT32_MAX, 0, 0x80000000, u"", false },
	};
	uint8_t bytes[18];
	uint64_t used;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_le32(bytes, cases[i].max);
		put_le32(bytes + 4, cases[i].offset);
		put_le32(bytes + 8, cases[i].len);
		for (size_t n = 0; n < 3; n++)
			put_le16(bytes + 12 + 2 * n, cases[i].units[n]);
		CHECK_INT(read_name(bytes, sizeof(bytes), &used), cases[i].good ? 0 : ERR_RPC_X_BAD_STUB_DATA);
		CHECK(used <= 64);
	}
}

static int read_set_value(uint32_t count, uint32_t size)
{
	static const char16_t name[] = u"Port";
	struct clusapi_SetValue_in in = { .value_name = name, .data = (const uint8_t *)"abcd", .data_size = 4 };
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };

	CHECK_INT(ndr_push(IN(SET_VALUE), 3, &in, &b), 0);
	CHECK_INT(get_le32(b.data + b.len - 12), 4); /* The array's own number, four bytes, the parameter. */
	put_le32(b.data + b.len - 12, count);
	put_le32(b.data + b.len - 4, size);
	return ndr_pull(IN(SET_VALUE), 3, b.data, b.len, &arena, &in);
}

TEST(an_array_has_as_many_elements_as_its_parameter_says)
{
	CHECK_INT(read_set_value(4, 4), 0);
	CHECK_INT(read_set_value(4, 3), ERR_RPC_X_BAD_STUB_DATA);
	CHECK_INT(read_set_value(4, 5), ERR_RPC_X_BAD_STUB_DATA);
	CHECK_INT(read_set_value(UINT32_MAX, UINT32_MAX), ERR_RPC_X_BAD_STUB_DATA);
}

TEST(a_null_buffer_with_a_size_is_refused)
{
	struct clusapi_ClusterControl_in in = { .control_code = 1, .out_buffer_size = 16 };
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };

	CHECK_INT(ndr_push(IN(CLUSTER_CONTROL), 3, &in, &b), 0);
	CHECK_INT(ndr_pull(IN(CLUSTER_CONTROL), 3, b.data, b.len, &arena, &in), 0);
	CHECK(in.in_buffer == NULL && in.in_buffer_size == 0);
	put_le32(b.data + b.len - 8, 7);
	CHECK_INT(ndr_pull(IN(CLUSTER_CONTROL), 3, b.data, b.len, &arena, &in), ERR_RPC_X_BAD_STUB_DATA);
	in.in_buffer_size = 7;
	CHECK_INT(ndr_push(IN(CLUSTER_CONTROL), 3, &in, &b), -EINVAL);
}

TEST(a_security_descriptor_may_be_absent_whatever_its_size)
{
	struct clusapi_GetKeySecurity_out out = { .security_descriptor.size = 100, .status = 122 }, again;
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };

	CHECK_INT(ndr_push(OUT(GET_KEY_SECURITY), 3, &out, &b), 0);
	CHECK_INT(ndr_pull(OUT(GET_KEY_SECURITY), 3, b.data, b.len, &arena, &again), 0);
	CHECK(again.security_descriptor.data == NULL);
	CHECK_INT(again.security_descriptor.size, 100);
}

TEST(claims_allocate_nothing)
{
	/* list of 0x10000000 entries; the bytes for one are there. */
	uint8_t bytes[32] = { 0, 0, 2, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x10, 1 };
	_cleanup_(arena_done) struct arena arena = { 0 };
	struct clusapi_CreateEnum_out out;

	CHECK_INT(ndr_pull(OUT(CREATE_ENUM), 3, bytes, sizeof(bytes), &arena, &out), ERR_RPC_X_BAD_STUB_DATA);
	CHECK(arena.used <= 128);
}

TEST(an_arena_with_a_limit_ends_the_decoding)
{
	struct arena arena = { .limit = 64 };
	struct clusapi_CreateEnum_out out;

	CHECK_INT(ndr_pull(OUT(CREATE_ENUM), 3, two_nodes, sizeof(two_nodes), &arena, &out), -ENOMEM);
	arena_done(&arena);
}

TEST(a_range_is_kept_in_both_directions)
{
	static const char16_t *const ids[] = { u"1" };
	struct clusapi_SetNetworkPriorityOrder_in in = { .network_count = 1, .network_ids = ids };
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };
	struct buf no = { 0 };

	CHECK_INT(ndr_push(IN(SET_NETWORK_PRIORITY_ORDER), 3, &in, &b), 0);
	in.network_count = 1001;
	CHECK_INT(ndr_push(IN(SET_NETWORK_PRIORITY_ORDER), 3, &in, &no), -EINVAL);
	CHECK_INT(no.len, 0);
	buf_done(&no);
	put_le32(b.data, 1001);
	put_le32(b.data + 4, 1001);
	CHECK_INT(ndr_pull(IN(SET_NETWORK_PRIORITY_ORDER), 3, b.data, b.len, &arena, &in), ERR_RPC_X_BAD_STUB_DATA);
}

TEST(a_string_that_must_be_there_is_asked_for)
{
	struct clusapi_OpenNode_in in = { .node_name = NULL };
	struct buf b = { 0 };

	buf_u32(&b, 1);
	CHECK_INT(ndr_push(IN(OPEN_NODE), 3, &in, &b), -EINVAL);
	CHECK_INT(b.len, 4);
	buf_done(&b);
}

TEST(an_array_that_must_be_there_is_asked_for)
{
	struct clusapi_SetValue_in in = { .value_name = u"", .data = NULL, .data_size = 1 };
	_cleanup_(buf_done) struct buf b = { 0 };

	CHECK_INT(ndr_push(IN(SET_VALUE), 3, &in, &b), -EINVAL);
	in.data_size = 0;
	CHECK_INT(ndr_push(IN(SET_VALUE), 3, &in, &b), 0);
}

TEST(a_structure_is_aligned_as_its_largest_member)
{
	static const uint8_t expected[48] = {
		[0] = SAMPLE_PAIRS,
		[2] = 1,
		[4] = 1,
		[8] = 2,
		[16] = 3,
		[26] = 2, /* x, here, a referent, */
		[32] = 4,
		[40] = 5, /* there */
	};
	struct sample m = { .kind = SAMPLE_PAIRS,
		.version = 1,
		.pairs = { .x = 1, .here = { 2, 3 }, .there = &(struct sample_pair){ 4, 5 } } };
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };

	CHECK_INT(ndr_message_push(&sample_messages, &m, &b), 0);
	CHECK_INT(b.len, sizeof(expected));
	CHECK_MEM(b.data, expected, b.len);
	CHECK_INT(ndr_message_pull(&sample_messages, b.data, b.len, &arena, &m), 0);
	CHECK_INT(m.pairs.here.a, 2);
	CHECK_INT(m.pairs.there->a, 4);
	CHECK_INT(m.pairs.there->b, 5);
}

TEST(an_array_may_bring_its_own_number)
{
	static const uint8_t expected[] = { SAMPLE_LISTS, 0, 1, 0, 2, 0, 0, 0, 7, 0, 8, 0, /* numbers */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                                        /* names, pairs, trees */
		0, 0, 0, 0, 0, 0, 0, 0 };                                                  /* id, maybe */
	static const uint16_t numbers[] = { 7, 8 };
	struct sample m = { .kind = SAMPLE_LISTS, .version = 1, .lists = { .numbers = numbers, .numbers_count = 2 } };
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };

	CHECK_INT(ndr_message_push(&sample_messages, &m, &b), 0);
	CHECK_INT(b.len, sizeof(expected));
	CHECK_MEM(b.data, expected, b.len);
	CHECK_INT(ndr_message_pull(&sample_messages, b.data, b.len, &arena, &m), 0);
	CHECK_INT(m.lists.numbers_count, 2);
	CHECK_INT(m.lists.numbers[1], 8);
	CHECK_INT(m.lists.names_count, 0);
	CHECK(m.lists.id == NULL && m.lists.maybe == NULL);
}

TEST(padding_after_a_stub_is_tolerated_and_more_is_not)
{
	uint8_t bytes[18 + 8] = { 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'n', 0, '1', 0, 0, 0, 0xaa };
	uint64_t used;

	CHECK_INT(read_name(bytes, 18 + 7, &used), 0);
	CHECK_INT(read_name(bytes, 18 + 8, &used), ERR_RPC_X_BAD_STUB_DATA);
}

TEST(an_answer_goes_out_in_the_size_that_the_request_fixed)
{
	const struct ndr_method *m = ndr_method(&clusapi_interface, 3, CLUSAPI_QUERY_VALUE);
	struct clusapi_QueryValue_in in = { .data_size = 10 };
	struct clusapi_QueryValue_out out, again;
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 }, large = { 0 };

	ndr_begin_answer(m, &in, &out);
	out.required = 100;
	*ndr_status(m, &out) = 234;
	CHECK_INT(ndr_push(m->out, 3, &out, &b), 0);
	CHECK_INT(b.len, 4 + 4 + 10 + 2 + 4 + 4 + 4);
	CHECK_INT(ndr_pull(m->out, 3, b.data, b.len, &arena, &again), 0);
	CHECK_INT(again.status, 234);
	CHECK_INT(again.data_size, 10);
	CHECK_INT(ndr_check_answer(m, &in, &again), 0);
	in.data_size = 9;
	CHECK_INT(ndr_check_answer(m, &in, &again), ERR_RPC_X_BAD_STUB_DATA);
	in.data_size = UINT32_MAX;
	ndr_begin_answer(m, &in, &out);
	CHECK_INT(ndr_push(m->out, 3, &out, &large), -EMSGSIZE);
}

TEST(a_control_cannot_return_more_than_was_asked_for)
{
	const struct ndr_method *m = ndr_method(&clusapi_interface, 3, CLUSAPI_GROUP_CONTROL);
	struct clusapi_GroupControl_in in = { .out_buffer_size = 4 };
	struct clusapi_GroupControl_out out;
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };

	ndr_begin_answer(m, &in, &out);
	out.out_buffer = (const uint8_t *)"12345678";
	out.bytes_returned = 8;
	CHECK_INT(ndr_push(m->out, 3, &out, &b), -EINVAL);
	out.bytes_returned = 4;
	CHECK_INT(ndr_push(m->out, 3, &out, &b), 0);
	put_le32(b.data, 3); /* Fewer in all than are sent. */
	CHECK_INT(ndr_pull(m->out, 3, b.data, b.len, &arena, &out), ERR_RPC_X_BAD_STUB_DATA);
	put_le32(b.data, 5);
	CHECK_INT(ndr_pull(m->out, 3, b.data, b.len, &arena, &out), 0);
	put_le32(b.data + 4, 1); /* Not from the first. */
	CHECK_INT(ndr_pull(m->out, 3, b.data, b.len, &arena, &out), ERR_RPC_X_BAD_STUB_DATA);
}

TEST(alignment_counts_from_where_the_stub_begins)
{
	struct clusapi_ChangeResourceGroupEx_in in = { .flags = 1 };
	_cleanup_(buf_done) struct buf plain = { 0 }, after = { 0 };

	CHECK_INT(ndr_push(IN(CHANGE_RESOURCE_GROUP_EX), 3, &in, &plain), 0);
	CHECK_INT(plain.len, 48);
	buf_append(&after, "123", 3);
	CHECK_INT(ndr_push(IN(CHANGE_RESOURCE_GROUP_EX), 3, &in, &after), 0);
	CHECK_INT(after.len, 3 + plain.len);
	CHECK_MEM(after.data + 3, plain.data, plain.len);
}

TEST(each_handle_says_what_it_must_be)
{
	CHECK_INT(IN(OPEN_KEY)->fields[0].kind, NDR_HANDLE);
	CHECK_INT(IN(OPEN_KEY)->fields[0].handle, CLUSAPI_HKEY);
	CHECK_INT(IN(ADD_NOTIFY_V2)->fields[1].handle, 0);
}

TEST(text_shows_every_parameter)
{
	struct clusapi_OpenKey_in in = { .key.uuid.bytes[3] = 0x12, .sub_key = u"Groups", .sam_desired = 0x20019 };
	struct clusapi_OpenKey_out out = { .status = 2 };
	_cleanup_(buf_done) struct buf b = { 0 };

	ndr_print(IN(OPEN_KEY), 3, &in, &b);
	buf_u8(&b, '\n');
	ndr_print(OUT(OPEN_KEY), 2, &out, &b);
	buf_u8(&b, 0);
	CHECK_STR((const char *)b.data,
	    "key=12000000-0000-0000-0000-000000000000 sub_key=\"Groups\" sam_desired=131097\n"
	    "status=2(ERROR_FILE_NOT_FOUND) handle=0");
}

static const struct command_RegBatch batch = {
	.key = u"Groups", .batch = (const uint8_t *)"\1\0\0", .batch_size = 4, .time = 0x0102030405060708, .flags = 1
};

static struct buf batch_bytes(void)
{
	struct command c = { .kind = COMMAND_REG_BATCH, .version = 1, .reg_batch = batch };
	struct buf b = { 0 };

	CHECK_INT(ndr_message_push(&command_messages, &c, &b), 0);
	return b;
}

TEST(a_command_comes_back_as_it_was)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = batch_bytes(), text = { 0 };
	struct command c;

	CHECK_INT(ndr_message_pull(&command_messages, b.data, b.len, &arena, &c), 0);
	CHECK_INT(c.kind, COMMAND_REG_BATCH);
	CHECK_INT(c.version, 1);
	CHECK_INT(c.reg_batch.batch_size, 4);
	CHECK_INT(c.reg_batch.time, 0x0102030405060708);
	ndr_message_print(&command_messages, &c, &text);
	buf_u8(&text, 0);
	CHECK_STR((const char *)text.data, "RegBatch key=\"Groups\" batch=01000000 flags=1 time=0x102030405060708");
}

TEST(a_command_ends_where_it_ends)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = batch_bytes();
	struct command c;

	buf_u8(&b, 0);
	CHECK_INT(ndr_message_pull(&command_messages, b.data, b.len, &arena, &c), ERR_RPC_X_BAD_STUB_DATA);
	for (size_t len = 0; len < b.len - 1; len++)
		CHECK_INT(ndr_message_pull(&command_messages, b.data, len, &arena, &c), ERR_RPC_X_BAD_STUB_DATA);
}

TEST(a_command_of_the_future_is_told_from_a_damaged_one)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = batch_bytes();
	struct command c = { .kind = 99, .version = 1 };

	put_le16(b.data + 2, COMMAND_VERSION + 1);
	CHECK_INT(ndr_message_pull(&command_messages, b.data, b.len, &arena, &c), -EPROTONOSUPPORT);
	put_le16(b.data + 2, 0);
	CHECK_INT(ndr_message_pull(&command_messages, b.data, b.len, &arena, &c), -EPROTONOSUPPORT);
	put_le16(b.data + 2, 1);
	put_le16(b.data, 99);
	CHECK_INT(ndr_message_pull(&command_messages, b.data, b.len, &arena, &c), -EPROTONOSUPPORT);
	CHECK_INT(ndr_message_push(&command_messages, &c, &b), -EPROTONOSUPPORT);
}

TEST(an_old_message_has_no_new_fields)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf v1 = { 0 }, v2 = { 0 };
	struct sample m = { .kind = SAMPLE_GROWN, .version = 1, .grown = { .old = 7, .newer = 8, .gone = 9 } };

	CHECK_INT(ndr_message_push(&sample_messages, &m, &v1), 0);
	CHECK_INT(v1.len, 12);
	m.version = 2;
	CHECK_INT(ndr_message_push(&sample_messages, &m, &v2), 0);
	CHECK_INT(v2.len, 12);
	CHECK_INT(ndr_message_pull(&sample_messages, v1.data, v1.len, &arena, &m), 0);
	CHECK_INT(m.grown.old, 7);
	CHECK_INT(m.grown.newer, 0);
	CHECK_INT(m.grown.gone, 9);
	CHECK_INT(ndr_message_pull(&sample_messages, v2.data, v2.len, &arena, &m), 0);
	CHECK_INT(m.grown.newer, 8);
	CHECK_INT(m.grown.gone, 0);
}

TEST(a_kind_is_not_in_versions_before_its_own)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	_cleanup_(buf_done) struct buf b = { 0 };
	struct sample m = { .kind = SAMPLE_NEW, .version = 1 };

	CHECK_INT(ndr_message_push(&sample_messages, &m, &b), -EPROTONOSUPPORT);
	m.version = 2;
	CHECK_INT(ndr_message_push(&sample_messages, &m, &b), 0);
	put_le16(b.data + 2, 1);
	CHECK_INT(ndr_message_pull(&sample_messages, b.data, b.len, &arena, &m), -EPROTONOSUPPORT);
}

/* The tables against the C structures that they describe. */
static unsigned check_type(const struct ndr_type *type)
{
	for (unsigned i = 0; i < type->field_count; i++) {
		const struct ndr_field *f = &type->fields[i];

		CHECK(f->offset + f->size <= type->size);
		if (f->flags & NDR_ARRAY) {
			CHECK_INT(f->size, sizeof(void *));
			CHECK(f->count + sizeof(uint32_t) <= type->size);
			CHECK(f->used + sizeof(uint32_t) <= type->size);
		} else if (!(f->flags & NDR_FIXED)) {
			CHECK_INT(f->size, ndr_element_size(f));
		}
		CHECK(ndr_element_wire_size(f) > 0);
		if (f->kind == NDR_STRUCT)
			(void)check_type(f->type);
	}
	return type->field_count;
}

TEST(the_tables_fit_the_structures)
{
	static const struct ndr_interface *const interfaces[] = { &clusapi_interface, &epm_interface,
		&rueda_interface };
	unsigned fields = 0;

	for (size_t i = 0; i < ARRAY_SIZE(interfaces); i++)
		for (unsigned n = 0; n < interfaces[i]->method_count; n++)
			if (interfaces[i]->methods[n].name != NULL)
				fields += check_type(interfaces[i]->methods[n].in) +
					  check_type(interfaces[i]->methods[n].out);
	for (unsigned k = 0; k < command_messages.kind_count; k++)
		if (command_messages.kinds[k].name != NULL)
			fields += check_type(command_messages.kinds[k].body);
	CHECK(fields > 800);
}
