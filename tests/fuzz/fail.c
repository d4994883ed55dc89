/* fail: how a check of tests/lib fails in a libFuzzer program, which has a main() of its own: it dies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include <stdarg.h>
#include <stdio.h>

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fprintf(stderr, "%s:%d: ", file, line);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	abort();
}
