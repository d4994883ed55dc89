/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guid.h"
#include "tests/lib/test.h"

TEST(text_and_wire_order)
{
	struct guid g;
	char text[GUID_TEXT_LEN + 1];

	CHECK(guid_parse(U16("b97db8b2-4c63-11cf-bff6-08002be23f2f"), &g));
	CHECK_MEM(g.bytes, "\xb2\xb8\x7d\xb9\x63\x4c\xcf\x11\xbf\xf6\x08\x00\x2b\xe2\x3f\x2f", 16);
	guid_format(&g, text);
	CHECK_STR(text, "b97db8b2-4c63-11cf-bff6-08002be23f2f");
	CHECK(guid_parse(U16("{B97DB8B2-4C63-11CF-BFF6-08002BE23F2F}"), &g));
}

TEST(bad_text_is_refused)
{
	struct guid g;

	CHECK(!guid_parse(U16(""), &g));
	CHECK(!guid_parse(U16("b97db8b2-4c63-11cf-bff6-08002be23f2"), &g));
	CHECK(!guid_parse(U16("b97db8b2-4c63-11cf-bff6-08002be23f2g"), &g));
	CHECK(!guid_parse(U16("b97db8b2+4c63-11cf-bff6-08002be23f2f"), &g));
	CHECK(!guid_parse(U16("{b97db8b2-4c63-11cf-bff6-08002be23f2f"), &g));
}

TEST(random_ones_are_version_4)
{
	static const uint8_t ones[16] = { [0 ... 15] = 0xff };
	struct guid g = guid_from_random(ones);
	char text[GUID_TEXT_LEN + 1];

	guid_format(&g, text);
	CHECK_STR(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}
