/* hive_damage: a good hive with one thing wrong.  Each is refused with a story that says what; a hive with any one byte
 * changed is refused or still a tree; no part of a hive is a hive.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/hivetest.h"

static uint8_t *hive_root(uint8_t *hive)
{
	return hive_pointed(hive, hive + BASE_ROOT);
}

/* The nth subkey or value of a key whose subkeys are in one leaf. */
static uint8_t *subkey_item(uint8_t *hive, const uint8_t *nk, unsigned n)
{
	return hive_pointed(hive, nk + NK_SUBKEY_LIST) + LIST_ITEMS + 8 * n;
}

static uint8_t *subkey(uint8_t *hive, const uint8_t *nk, unsigned n)
{
	return hive_pointed(hive, subkey_item(hive, nk, n));
}

static uint8_t *value_item(uint8_t *hive, const uint8_t *nk, unsigned n)
{
	return hive_pointed(hive, nk + NK_VALUE_LIST) + 4 * n;
}

static uint8_t *value(uint8_t *hive, const uint8_t *nk, unsigned n)
{
	return hive_pointed(hive, value_item(hive, nk, n));
}

/* The golden hive: root with the values "", Big, ClusterName, Empty, αβ and the subkeys Groups, Nodes, Open; below
 * Groups: café and αβγ with the value Name.  The samples: see tests/lib/hives.c. */
enum { GROUPS, NODES, OPEN };
enum { DEFAULT, BIG, CLUSTER_NAME, EMPTY, GREEK };

struct damage {
	const char *name;
	void (*make)(uint8_t *hive);
	const char *story; /* A part of the error's text. */
};

#define DAMAGE(damage_name, ...)                                                                                       \
	static void damage_name(uint8_t *h)                                                                            \
	{                                                                                                              \
		__VA_ARGS__;                                                                                           \
	}

/* The base block. */
DAMAGE(other_file, h[0] = 'x')
DAMAGE(wrong_checksum, h[BASE_TIME] ^= 1)
DAMAGE(dirty, put_le32(h + BASE_SEQUENCE_2, 2); hive_seal(h))
DAMAGE(major_2, put_le32(h + BASE_MAJOR, 2); hive_seal(h))
DAMAGE(minor_2, put_le32(h + BASE_MINOR, 2); hive_seal(h))
DAMAGE(minor_7, put_le32(h + BASE_MINOR, 7); hive_seal(h))
DAMAGE(log_file, put_le32(h + BASE_TYPE, 1); hive_seal(h))
DAMAGE(memory_image, put_le32(h + BASE_FORMAT, 0); hive_seal(h))
DAMAGE(no_bins, put_le32(h + BASE_BINS_LEN, 0); hive_seal(h))
DAMAGE(uneven_bins, put_le32(h + BASE_BINS_LEN, get_le32(h + BASE_BINS_LEN) - 8); hive_seal(h))
DAMAGE(too_many_bins, put_le32(h + BASE_BINS_LEN, 0x7ffff000); hive_seal(h))
DAMAGE(more_bins, put_le32(h + BASE_BINS_LEN, get_le32(h + BASE_BINS_LEN) + REGF_PAGE); hive_seal(h))
DAMAGE(no_root, put_le32(h + BASE_ROOT, REGF_NONE); hive_seal(h))
DAMAGE(root_beyond, put_le32(h + BASE_ROOT, get_le32(h + BASE_BINS_LEN)); hive_seal(h))
DAMAGE(root_in_header, put_le32(h + BASE_ROOT, 0); hive_seal(h))
DAMAGE(root_between, put_le32(h + BASE_ROOT, get_le32(h + BASE_ROOT) + 8); hive_seal(h))
DAMAGE(root_uneven, put_le32(h + BASE_ROOT, get_le32(h + BASE_ROOT) + 4); hive_seal(h))
/* Bins and cells. */
DAMAGE(bin_signature, h[REGF_PAGE] = 'x')
DAMAGE(bin_offset, put_le32(h + REGF_PAGE + BIN_OFFSET, 4096))
DAMAGE(bin_of_nothing, put_le32(h + REGF_PAGE + BIN_LEN, 0))
DAMAGE(bin_uneven, put_le32(h + REGF_PAGE + BIN_LEN, 4104))
DAMAGE(bin_beyond, put_le32(h + REGF_PAGE + BIN_LEN, 0x10000000))
DAMAGE(bin_swallows_next, put_le32(h + REGF_PAGE + BIN_LEN, get_le32(h + REGF_PAGE + BIN_LEN) + REGF_PAGE))
DAMAGE(cell_of_nothing, put_le32(hive_root(h) - 4, 0))
DAMAGE(cell_of_4, put_le32(hive_root(h) - 4, (uint32_t)-4))
DAMAGE(cell_uneven, put_le32(hive_root(h) - 4, get_le32(hive_root(h) - 4) - 4))
/* The next cell begins in the middle of 8 bytes and ends where it did. */
DAMAGE(cells_uneven, put_le32(hive_root(h) - 4 + 92, get_le32(hive_root(h) - 4 + 88) + 4);
       put_le32(hive_root(h) - 4, (uint32_t)-92))
DAMAGE(cell_beyond_bin, put_le32(hive_root(h) - 4, (uint32_t)-8192))
DAMAGE(cell_of_2_gib, put_le32(hive_root(h) - 4, 0x80000000))
DAMAGE(cell_is_free, put_le32(hive_root(h) - 4, 0 - get_le32(hive_root(h) - 4)))
/* Keys. */
DAMAGE(key_signature, hive_root(h)[0] = 'x')
DAMAGE(key_volatile, hive_root(h)[NK_FLAGS] |= 0x01)
DAMAGE(key_exit, hive_root(h)[NK_FLAGS] |= 0x02)
DAMAGE(key_link, hive_root(h)[NK_FLAGS] |= 0x10)
DAMAGE(key_predefined, hive_root(h)[NK_FLAGS] |= 0x40)
DAMAGE(key_nameless, put_le16(hive_root(h) + NK_NAME_LEN, 0))
DAMAGE(key_name_beyond, put_le16(hive_root(h) + NK_NAME_LEN, 9))
DAMAGE(key_name_odd, put_le16(subkey(h, subkey(h, hive_root(h), GROUPS), 1) + NK_NAME_LEN, 5))
DAMAGE(key_name_backslash, hive_root(h)[NK_NAME + 3] = '\\')
DAMAGE(key_name_zero, hive_root(h)[NK_NAME + 3] = 0)
DAMAGE(key_name_wide_zero, put_le16(subkey(h, subkey(h, hive_root(h), GROUPS), 1) + NK_NAME + 2, 0))
DAMAGE(key_of_other_parent, put_le32(subkey(h, hive_root(h), NODES) + NK_PARENT, 0x28))
DAMAGE(key_short, put_le32(h + BASE_ROOT, get_le32(hive_root(h) + NK_VALUE_LIST)); hive_seal(h))
DAMAGE(key_has_more_subkeys, put_le32(hive_root(h) + NK_SUBKEY_COUNT, 2))
DAMAGE(key_has_fewer_subkeys, put_le32(hive_root(h) + NK_SUBKEY_COUNT, 4))
DAMAGE(key_has_4g_subkeys, put_le32(hive_root(h) + NK_SUBKEY_COUNT, 0xffffffff))
DAMAGE(key_has_no_list, put_le32(hive_root(h) + NK_SUBKEY_LIST, REGF_NONE))
DAMAGE(key_has_4g_values, put_le32(hive_root(h) + NK_VALUE_COUNT, 0xffffffff))
DAMAGE(key_has_1g_values, put_le32(hive_root(h) + NK_VALUE_COUNT, 0x40000001))
DAMAGE(key_has_more_values, put_le32(hive_root(h) + NK_VALUE_COUNT, 40))
DAMAGE(class_odd, put_le16(subkey(h, hive_root(h), NODES) + NK_CLASS_LEN, 9))
DAMAGE(class_beyond, put_le16(subkey(h, hive_root(h), NODES) + NK_CLASS_LEN, 200))
DAMAGE(class_missing, put_le32(subkey(h, hive_root(h), NODES) + NK_CLASS, REGF_NONE))
/* Values. */
DAMAGE(value_signature, value(h, hive_root(h), BIG)[0] = 'x')
DAMAGE(value_name_beyond, put_le16(value(h, hive_root(h), BIG) + VK_NAME_LEN, 9))
DAMAGE(value_name_odd, put_le16(value(h, hive_root(h), GREEK) + VK_NAME_LEN, 3))
DAMAGE(value_inline_5, put_le32(value(h, hive_root(h), GREEK) + VK_DATA_LEN, REGF_INLINE | 5))
DAMAGE(value_data_missing, put_le32(value(h, hive_root(h), CLUSTER_NAME) + VK_DATA, REGF_NONE))
DAMAGE(value_data_longer, put_le32(value(h, hive_root(h), CLUSTER_NAME) + VK_DATA_LEN, 21))
DAMAGE(value_data_2g, put_le32(value(h, hive_root(h), CLUSTER_NAME) + VK_DATA_LEN, 0x7fffffff))
DAMAGE(value_missing, put_le32(value_item(h, hive_root(h), BIG), REGF_NONE))
DAMAGE(big_signature, hive_pointed(h, value(h, hive_root(h), BIG) + VK_DATA)[0] = 'x')
DAMAGE(big_one_segment, put_le16(hive_pointed(h, value(h, hive_root(h), BIG) + VK_DATA) + DB_COUNT, 1))
DAMAGE(big_three_segments, put_le16(hive_pointed(h, value(h, hive_root(h), BIG) + VK_DATA) + DB_COUNT, 3))
DAMAGE(big_no_list, put_le32(hive_pointed(h, value(h, hive_root(h), BIG) + VK_DATA) + DB_LIST, REGF_NONE))
DAMAGE(big_in_minor_3, put_le32(h + BASE_MINOR, 3); hive_seal(h))
DAMAGE(big_last_longer, put_le32(value(h, hive_root(h), BIG) + VK_DATA_LEN, 16344 + 13))
DAMAGE(big_list_short, put_le32(value(h, hive_root(h), BIG) + VK_DATA_LEN, 65535 * 16344);
       put_le16(hive_pointed(h, value(h, hive_root(h), BIG) + VK_DATA) + DB_COUNT, 65535))
/* Descriptors. */
DAMAGE(descriptor_signature, hive_pointed(h, hive_root(h) + NK_SECURITY)[0] = 'x')
DAMAGE(descriptor_beyond, put_le32(hive_pointed(h, hive_root(h) + NK_SECURITY) + SK_LEN, 150))
DAMAGE(descriptor_64k, put_le32(hive_pointed(h, hive_root(h) + NK_SECURITY) + SK_LEN, 0x10000))
DAMAGE(descriptor_4g, put_le32(hive_pointed(h, hive_root(h) + NK_SECURITY) + SK_LEN, 0xffffffff))
DAMAGE(descriptor_beyond_bins, put_le32(hive_root(h) + NK_SECURITY, 0x7ffffff8))
DAMAGE(descriptor_uneven, put_le32(hive_root(h) + NK_SECURITY, get_le32(hive_root(h) + NK_SECURITY) + 1))
/* Lists. */
DAMAGE(list_signature, hive_pointed(h, hive_root(h) + NK_SUBKEY_LIST)[0] = 'x')
DAMAGE(list_empty, put_le16(hive_pointed(h, hive_root(h) + NK_SUBKEY_LIST) + LIST_COUNT, 0))
DAMAGE(list_beyond, put_le16(hive_pointed(h, hive_root(h) + NK_SUBKEY_LIST) + LIST_COUNT, 4))
DAMAGE(list_64k, put_le16(hive_pointed(h, hive_root(h) + NK_SUBKEY_LIST) + LIST_COUNT, 0xffff))
DAMAGE(list_is_its_key, put_le32(hive_root(h) + NK_SUBKEY_LIST, hive_offset_of(h, hive_root(h))))
/* Cells that are used twice. */
DAMAGE(child_is_parent, put_le32(subkey_item(h, hive_root(h), GROUPS), hive_offset_of(h, hive_root(h))))
DAMAGE(child_twice, put_le32(subkey_item(h, hive_root(h), NODES), get_le32(subkey_item(h, hive_root(h), GROUPS))))
DAMAGE(subkeys_shared,
       memcpy(subkey(h, hive_root(h), NODES) + NK_SUBKEY_LIST, subkey(h, hive_root(h), GROUPS) + NK_SUBKEY_LIST, 4);
       put_le32(subkey(h, hive_root(h), NODES) + NK_SUBKEY_COUNT, 2))
DAMAGE(values_shared, memcpy(subkey(h, hive_root(h), NODES) + NK_VALUE_LIST, hive_root(h) + NK_VALUE_LIST, 4);
       put_le32(subkey(h, hive_root(h), NODES) + NK_VALUE_COUNT, 5))
DAMAGE(value_twice, put_le32(value_item(h, hive_root(h), BIG), get_le32(value_item(h, hive_root(h), EMPTY))))
DAMAGE(data_shared, memcpy(value(h, hive_root(h), CLUSTER_NAME) + VK_DATA,
			value(h, subkey(h, subkey(h, hive_root(h), GROUPS), 1), 0) + VK_DATA, 4))
DAMAGE(data_is_value,
    put_le32(value(h, hive_root(h), CLUSTER_NAME) + VK_DATA, get_le32(value_item(h, hive_root(h), EMPTY))))
DAMAGE(segment_twice, memcpy(hive_pointed(h, hive_pointed(h, value(h, hive_root(h), BIG) + VK_DATA) + DB_LIST) + 4,
			  hive_pointed(h, hive_pointed(h, value(h, hive_root(h), BIG) + VK_DATA) + DB_LIST), 4))
DAMAGE(data_is_descriptor, memcpy(value(h, hive_root(h), CLUSTER_NAME) + VK_DATA, hive_root(h) + NK_SECURITY, 4))
DAMAGE(descriptor_is_data,
    memcpy(value(h, hive_root(h), CLUSTER_NAME) + VK_DATA, subkey(h, hive_root(h), GROUPS) + NK_SECURITY, 4))
DAMAGE(descriptor_is_key, put_le32(hive_root(h) + NK_SECURITY, get_le32(h + BASE_ROOT)))
DAMAGE(
    class_is_data, memcpy(subkey(h, hive_root(h), NODES) + NK_CLASS, value(h, hive_root(h), CLUSTER_NAME) + VK_DATA, 4))

// clang-format off
#define D(name, story) { #name, name, story }
static const struct damage damages[] = {
	D(other_file, "does not begin with"), D(wrong_checksum, "checksum"), D(dirty, "Let that system load and unload it"),
	D(major_2, "version"), D(minor_2, "version"), D(minor_7, "version"), D(log_file, "it is a log"),
	D(memory_image, "memory image"), D(no_bins, "impossible"), D(uneven_bins, "impossible"),
	D(too_many_bins, "impossible"), D(more_bins, "the end is missing"), D(no_root, "a key should be at offset"),
	D(root_beyond, "a key should be at offset"), D(root_in_header, "a key should be at offset"), D(root_between, "a key should be at offset"),
	D(root_uneven, "a key should be at offset"),
	D(bin_signature, "a bin should begin"), D(bin_offset, "a bin should begin"),
	D(bin_of_nothing, "length of a bin"), D(bin_uneven, "length of a bin"), D(bin_beyond, "length of a bin"),
	D(bin_swallows_next, "length of a cell"), D(cell_of_nothing, "length of a cell"), D(cell_of_4, "length of a cell"),
	D(cell_uneven, "length of a cell"), D(cells_uneven, "length of a cell"), D(cell_beyond_bin, "length of a cell"), D(cell_of_2_gib, "length of a cell"),
	D(cell_is_free, "a key should be at offset"),
	D(key_signature, "a key should begin"), D(key_volatile, "volatile"), D(key_exit, "volatile"),
	D(key_link, "volatile"), D(key_predefined, "volatile"), D(key_nameless, "length of a key's name"),
	D(key_name_beyond, "length of a key's name"), D(key_name_odd, "length of a key's name"),
	D(key_name_backslash, "contains"), D(key_name_zero, "contains"), D(key_name_wide_zero, "contains"),
	D(key_of_other_parent, "another parent"), D(key_short, "too short"), D(key_has_more_subkeys, "another number"),
	D(key_has_fewer_subkeys, "another number"), D(key_has_4g_subkeys, "another number"),
	D(key_has_no_list, "a list of subkeys should be at offset"), D(key_has_4g_values, "a list of values"),
	D(key_has_1g_values, "a list of values"), D(key_has_more_values, "a list of values"),
	D(class_odd, "length of a class"), D(class_beyond, "the class of a key"), D(class_missing, "the class of a key"),
	D(value_signature, "a value should begin"), D(value_name_beyond, "length of a value's name"),
	D(value_name_odd, "length of a value's name"), D(value_inline_5, "length of a value's data"),
	D(value_data_missing, "the data of a value"), D(value_data_longer, "length that the value says"),
	D(value_data_2g, "length that the value says"), D(value_missing, "a value should be at offset"),
	D(big_signature, "length that the value says"), D(big_one_segment, "length that the value says"),
	D(big_three_segments, "length that the value says"), D(big_no_list, "a list of segments"),
	D(big_in_minor_3, "length that the value says"), D(big_last_longer, "a segment of a value"),
	D(big_list_short, "a list of segments"),
	D(descriptor_signature, "descriptor should begin"), D(descriptor_beyond, "length of a security descriptor"),
	D(descriptor_64k, "length of a security descriptor"), D(descriptor_4g, "length of a security descriptor"),
	D(descriptor_beyond_bins, "a security descriptor should be at offset"), D(descriptor_uneven, "a security descriptor should be at offset"),
	D(list_signature, "a list of subkeys should begin"), D(list_empty, "length of a list"),
	D(list_beyond, "length of a list"), D(list_64k, "length of a list"),
	D(list_is_its_key, "a list of subkeys should be at offset"),
	D(child_is_parent, "a key should be at offset"), D(child_twice, "a key should be at offset"),
	D(subkeys_shared, "a list of subkeys should be at offset"), D(values_shared, "a list of values should be at offset"),
	D(value_twice, "a value should be at offset"), D(data_shared, "the data of a value should be at offset"),
	D(data_is_value, "the data of a value should be at offset"), D(segment_twice, "a segment of a value should be at offset"),
	D(data_is_descriptor, "the data of a value should be at offset"), D(descriptor_is_data, "a security descriptor should be at offset"),
	D(descriptor_is_key, "a security descriptor should be at offset"),
	D(class_is_data, "the class of a key should be at offset"),
};
// clang-format on

TEST(each_kind_of_damage_is_refused_with_its_story)
{
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct hive_author a = hive_golden();

		damages[i].make(a.file.bytes.data);
		check_refused(damages[i].name, a.file.bytes.data, a.file.bytes.len, damages[i].story);
		author_done(&a);
	}
}

/* The same for an index of leaves: the root's third subkey in the sample "leaves" has 1,500 subkeys in three. */
DAMAGE(index_empty, put_le16(hive_pointed(h, subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST) + LIST_COUNT, 0))
DAMAGE(index_beyond, put_le16(hive_pointed(h, subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST) + LIST_COUNT, 9))
DAMAGE(index_shorter, put_le16(hive_pointed(h, subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST) + LIST_COUNT, 2))
DAMAGE(index_of_itself, memcpy(hive_pointed(h, subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST) + LIST_ITEMS,
			    subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST, 4))
DAMAGE(index_of_index, memcpy(hive_pointed(h, subkey(h, hive_root(h), 1) + NK_SUBKEY_LIST) + LIST_ITEMS,
			   subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST, 4))
DAMAGE(leaf_twice, memcpy(hive_pointed(h, subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST) + LIST_ITEMS + 4,
		       hive_pointed(h, subkey(h, hive_root(h), 2) + NK_SUBKEY_LIST) + LIST_ITEMS, 4))

TEST(each_kind_of_damage_to_an_index_is_refused_with_its_story)
{
	static const struct damage index_damages[] = {
		D(index_empty, "another number"),
		D(index_beyond, "length of an index"),
		D(index_shorter, "another number"),
		D(index_of_itself, "a list of subkeys should be at offset"),
		D(index_of_index, "a list of subkeys should begin"),
		D(leaf_twice, "a list of subkeys should be at offset"),
	};
	struct hive_author a = hive_sample_named("leaves");

	for (size_t i = 0; i < ARRAY_SIZE(index_damages); i++) {
		struct buf copy = { 0 };

		buf_append(&copy, a.file.bytes.data, a.file.bytes.len);
		index_damages[i].make(copy.data);
		check_refused(index_damages[i].name, copy.data, copy.len, index_damages[i].story);
		buf_done(&copy);
	}
	author_done(&a);
}

/* AddressSanitizer makes the memory of each run dear, so it gets to see a part. */
#if defined(__SANITIZE_ADDRESS__)
enum { BYTE_STEP = 29 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { BYTE_STEP = 29 };
#else
enum { BYTE_STEP = 1 };
#endif
#else
enum { BYTE_STEP = 1 };
#endif

static void change_each_byte(struct hive_author *a, unsigned mask_count)
{
	uint8_t *bytes = a->file.bytes.data;
	size_t refused = 0;
	struct error error;

	for (size_t i = 0; i < a->file.bytes.len; i += BYTE_STEP) {
		const uint8_t masks[] = { (uint8_t)(1u << (i * 7 % 8)), 0xff };

		/* The golden hive's long segment: each byte of its data is like the next. */
		if (i > 2 * REGF_PAGE + 64 && i < 6 * REGF_PAGE - 64 && i % 64 >= BYTE_STEP)
			continue;
		for (unsigned j = 0; j < mask_count; j++) {
			bytes[i] ^= masks[j];
			refused += hive_check(bytes, a->file.bytes.len, &error) < 0;
			bytes[i] ^= masks[j];
		}
		if (i < BASE_CHECKSUM + 4)
			CHECK_INT(refused, mask_count * (i / BYTE_STEP + 1)); /* The checksum covers all of these. */
	}
	CHECK(refused > 600 / BYTE_STEP * mask_count); /* More than these 512 matter. */
	CHECK_INT(hive_check(bytes, a->file.bytes.len, &error), 0);
	author_done(a);
}

TEST(a_hive_with_any_byte_changed_is_refused_or_still_a_tree)
{
	struct hive_author with_segments = hive_golden(), basic = hive_sample_named("basic");

	change_each_byte(&with_segments, test_long ? 2 : 1);
	change_each_byte(&basic, 2);
}

TEST(a_hive_cut_off_anywhere_is_refused)
{
	struct hive_author a = hive_golden();
	struct error error;

	for (size_t len = 0; len < a.file.bytes.len; len++) {
		_cleanup_free_ uint8_t *cut = malloc(len);

		CHECK(cut != NULL || len == 0);
		if (len > 0)
			memcpy(cut, a.file.bytes.data, len);
		CHECK_INT(hive_check(cut, len, &error), ERR_INVALID_DATA);
		CHECK_INT(hive_to_text(cut, len, HIVE_FOREIGN, &a.text, &error), ERR_INVALID_DATA);
	}
	author_done(&a);
}

TEST(bytes_behind_the_last_bin_are_foreign)
{
	struct hive_author a = hive_golden();
	struct buf text = { 0 };
	struct error error;

	buf_u8(&a.file.bytes, 0);
	check_refused("one byte more", a.file.bytes.data, a.file.bytes.len, "something behind its end");
	CHECK_INT(hive_to_text(a.file.bytes.data, a.file.bytes.len, HIVE_FOREIGN, &text, &error), 0);
	CHECK_INT(text.len, a.text.len);
	CHECK_MEM(text.data, a.text.data, text.len);
	buf_done(&text);
	author_done(&a);
}

TEST(versions_1_3_to_1_6_are_read)
{
	for (unsigned minor = 3; minor <= 6; minor++) {
		struct hive_author a = hive_sample_named("names");
		struct error error;

		put_le32(a.file.bytes.data + BASE_MINOR, minor);
		hive_seal(a.file.bytes.data);
		CHECK_INT(hive_check(a.file.bytes.data, a.file.bytes.len, &error), 0);
		author_done(&a);
	}
}
