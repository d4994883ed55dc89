/* The names of crypto checkpoints: what is a file or a key in a token, and that nothing else is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "keys/name.h"
#include "tests/lib/failalloc.h"
#include <stdio.h>

static void check_place(struct u16 name, enum box_kind kind, const char *place)
{
	struct key_name n = { 0 };
	struct error error = { 0 };
	int r = key_name_parse(name, &n, &error);

	if (r < 0)
		test_fail(__FILE__, __LINE__, "refused: %s (%s)", place, error.text);
	CHECK_INT(n.kind, kind);
	CHECK_STR(n.place, place);
	key_name_done(&n);
}

static void check_refused(struct u16 name, int code)
{
	struct key_name n = { 0 };
	struct error error = { 0 };
	int r = key_name_parse(name, &n, &error);

	CHECK_INT(r, code);
	CHECK(error.code == code && error.text[0] != 0 && n.place == NULL);
}

TEST(each_kind_of_name_has_its_place)
{
	check_place(U16("1\\PEM\\/etc/app/tls.key"), BOX_PEM, "/etc/app/tls.key");
	check_place(U16("1\\PKCS12\\/a"), BOX_PKCS12, "/a");
	check_place(U16("1\\PEM\\/etc/%41 %25\u00e9"), BOX_PEM, "/etc/A %\xc3\xa9");
	check_place(U16("1\\PEM\\/etc/%ff"), BOX_PEM, "/etc/\xff");
	check_place(U16("1\\PKCS11\\pkcs11:token=app;object=signing"), BOX_TOKEN, "pkcs11:token=app;object=signing");
	check_place(U16("1\\PKCS11\\pkcs11:id=%01%02;type=private"), BOX_TOKEN, "pkcs11:id=%01%02;type=private");
	check_place(U16("1\\PKCS11\\pkcs11:object=x;type=secret-key"), BOX_TOKEN, "pkcs11:object=x;type=secret-key");
}

TEST(other_types_and_providers_are_refused)
{
	check_refused(U16("2\\PEM\\/etc/key"), ERR_INVALID_PARAMETER);
	check_refused(U16("1\\pem\\/etc/key"), ERR_INVALID_PARAMETER);
	check_refused(U16("1\\Microsoft Strong Cryptographic Provider\\key"), ERR_INVALID_PARAMETER);
	check_refused(U16("1\\\\/etc/key"), ERR_INVALID_PARAMETER);
	check_refused(U16(""), ERR_INVALID_PARAMETER);
}

TEST(a_path_is_absolute_and_leads_nowhere_else)
{
	static const struct u16 bad[] = { U16("1\\PEM\\etc/key"), U16("1\\PEM\\/"), U16("1\\PEM\\//etc"),
		U16("1\\PEM\\/etc/"), U16("1\\PEM\\/etc/../key"), U16("1\\PEM\\/./key"), U16("1\\PEM\\/etc/%2e%2e/x"),
		U16("1\\PEM\\/etc/%"), U16("1\\PEM\\/etc/%00"), U16("1\\PEM\\/etc/%g0"), U16("1\\PEM\\") };
	char16_t units[5000];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_refused(bad[i], ERR_INVALID_PARAMETER);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		units[i] = i % 100 == 0 ? '/' : 'a';
	memcpy(units, u"1\\PEM\\", 12);
	units[6] = '/';
	check_refused((struct u16){ units, ARRAY_SIZE(units) }, ERR_FILENAME_EXCED_RANGE);
	units[7] = 0xd800; /* Half of a pair. */
	check_refused((struct u16){ units, 8 }, ERR_INVALID_PARAMETER);
}

TEST(a_uri_says_which_key_and_nothing_that_is_the_machines)
{
	static const struct u16 bad[] = {
		U16("1\\PKCS11\\pkcs11:"),
		U16("1\\PKCS11\\pkcs11:token=app"),
		U16("1\\PKCS11\\http://host/"),
		U16("1\\PKCS11\\pkcs11:object=x;type=cert"),
		U16("1\\PKCS11\\pkcs11:object=x;type=public"),
		U16("1\\PKCS11\\pkcs11:object=x?pin-value=1234"),
		U16("1\\PKCS11\\pkcs11:object=x?pin-source=file:/etc/shadow"),
		U16("1\\PKCS11\\pkcs11:object=x?module-path=/tmp/evil.so"),
		U16("1\\PKCS11\\pkcs11:object=x?module-name=evil"),
		U16("1\\PKCS11\\pkcs11:object=x;slot-id=1"),
		U16("1\\PKCS11\\pkcs11:object=x;x-unknown=1"),
		U16("1\\PKCS11\\pkcs11:object=x?x-unknown=1"),
		U16("1\\PKCS11\\PKCS11:object=x"),
		U16("1\\PKCS11\\pkcs11:object=%"),
		U16("1\\PKCS11\\pkcs11:object=a b"),
		U16("1\\PKCS11\\pkcs11:object=\u00e9"),
		{ u"1\\PKCS11\\pkcs11:object=x\0y", 26 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_refused(bad[i], ERR_INVALID_PARAMETER);
}

static bool meet(struct u16 a, struct u16 b)
{
	struct key_name x, y;
	bool both;

	CHECK_INT(key_name_parse(a, &x, NULL), 0);
	CHECK_INT(key_name_parse(b, &y, NULL), 0);
	both = key_tokens_meet(&x.token, &y.token);
	CHECK(both == key_tokens_meet(&y.token, &x.token));
	key_name_done(&x);
	key_name_done(&y);
	return both;
}

#define KEY(more) U16("1\\PKCS11\\pkcs11:object=x" more)

TEST(tokens_are_told_apart_only_by_what_is_said_of_both)
{
	CHECK(meet(KEY(";token=app"), KEY(";token=app;id=%01")));
	CHECK(!meet(KEY(";token=app"), KEY(";token=ap")));
	CHECK(meet(KEY(";token=app"), KEY("")));
	CHECK(meet(KEY(";token=app"), KEY(";serial=17")));
	CHECK(!meet(KEY(";token=app;serial=1"), KEY(";token=app;serial=17")));
	CHECK(!meet(KEY(";manufacturer=one"), KEY(";manufacturer=two")));
	CHECK(!meet(KEY(";model=v1"), KEY(";model=v2")));
}

TEST(a_failed_allocation_is_an_error_and_leaves_nothing)
{
	FAIL_EACH_ALLOCATION
	{
		struct key_name n = { 0 };
		int r = key_name_parse(U16("1\\PEM\\/etc/app/tls.key"), &n, NULL);

		CHECK_INT(r, failalloc_hit() ? -ENOMEM : 0);
		key_name_done(&n);
	}
}
