/* widetest: comparing wide strings in tests.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define RUEDA_NO_WIDE_MAP
#include "base/utf16.h"
#include "include/windows.h"
#include "tests/lib/test.h"

/* expected is a narrow literal in UTF-8; lone surrogates are compared in their three-byte form. */
#define CHECK_WIDE(wide, expected)                                                                                     \
	do {                                                                                                           \
		char check_wide_[1024];                                                                                \
		CHECK_STR(u16_to_utf8_buffer(u16_from_z(wide), check_wide_, sizeof(check_wide_)), (expected));         \
	} while (0)
