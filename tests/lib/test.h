/* test: a test program is a list of TEST()s that register themselves; it prints TAP, one line a test.
 *
 *	TEST(a_torn_tail_is_cut)
 *	{
 *		CHECK(log_open(&log) == 0);
 *		CHECK_INT(log.records, 3);
 *	}
 *
 * A failed CHECK says where and what, fails the test and leaves it (tests own nothing worth freeing on failure).
 * Arguments choose tests by part of their names; --seed=N sets test_seed; --long asks for the soak forms.
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/macro.h"
#include <inttypes.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *t);
_Noreturn void test_fail(const char *file, int line, const char *format, ...) _printf_(3, 4);
_Noreturn void test_skip(const char *why); /* Ends the test; counted and printed as skipped. */

/* For tests with chance in them: the seed to start from (printed with every failure), how many seeds to run, and what
 * the failing test shall print as the seed. */
extern uint64_t test_seed;
extern bool test_long;
void test_note_seed(uint64_t seed);
/* n in check, many times n in soak, a part of n with RUEDA_TEST_SHORT (tests/sanitize/run). */
uint64_t test_rounds(uint64_t n);

/* A fresh empty directory, removed with everything in it when the program ends. */
const char *test_directory(void);

#define TEST(test_name)                                                                                                \
	static void test_run_##test_name(void);                                                                        \
	__attribute__((constructor)) static void test_register_##test_name(void)                                       \
	{                                                                                                              \
		static struct test t = { .name = #test_name, .run = test_run_##test_name };                            \
		test_register(&t);                                                                                     \
	}                                                                                                              \
	static void test_run_##test_name(void)

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			test_fail(__FILE__, __LINE__, "%s", #condition);                                               \
	} while (0)

#define CHECK_INT(a, b)                                                                                                \
	do {                                                                                                           \
		intmax_t check_a_ = (intmax_t)(a), check_b_ = (intmax_t)(b);                                           \
		if (check_a_ != check_b_)                                                                              \
			test_fail(__FILE__, __LINE__, "%s is %jd, not %jd (%s)", #a, check_a_, check_b_, #b);          \
	} while (0)

#define CHECK_STR(a, b)                                                                                                \
	do {                                                                                                           \
		const char *check_a_ = (a), *check_b_ = (b);                                                           \
		if (strcmp(check_a_, check_b_) != 0)                                                                   \
			test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, check_a_, check_b_);             \
	} while (0)

#define CHECK_MEM(a, b, len)                                                                                           \
	do {                                                                                                           \
		if (memcmp((a), (b), (len)) != 0)                                                                      \
			test_fail(__FILE__, __LINE__, "%s differs from %s", #a, #b);                                   \
	} while (0)
