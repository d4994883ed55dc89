/* SPDX-License-Identifier: Apache-2.0 */
#include "base/filetime.h"
#include "tests/lib/test.h"

TEST(the_epochs)
{
	char text[32];

	CHECK(filetime_from_timespec((struct timespec){ 0 }) == 116444736000000000);
	CHECK_INT(filetime_to_timespec(0).tv_sec, -11644473600);
	filetime_format(116444736000000000, text);
	CHECK_STR(text, "1970-01-01 00:00:00 UTC");
}

TEST(there_and_back)
{
	struct timespec t = filetime_to_timespec(filetime_from_timespec((struct timespec){ 1795344531, 123456700 }));

	CHECK_INT(t.tv_sec, 1795344531);
	CHECK_INT(t.tv_nsec, 123456700);
}

TEST(the_fields_of_a_moment)
{
	uint16_t fields[8], wanted[] = { 2026, 11, 0, 22, 10, 48, 51, 123 };

	filetime_to_fields(filetime_from_timespec((struct timespec){ 1795344531, 123456700 }), fields);
	CHECK_MEM(fields, wanted, sizeof(wanted));
	filetime_to_fields(UINT64_MAX, fields);
	CHECK_INT(fields[0], 60056);
}
