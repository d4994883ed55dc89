/* test: the main() of every test program; see test.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t test_seed = 1;
bool test_long;
static bool test_short; /* Under a sanitizer. */

static struct test *tests, **tests_end = &tests;
static jmp_buf leave;
static char message[2048];
static uint64_t noted_seed;
static bool noted;
static char directory[64];

void test_register(struct test *t)
{
	*tests_end = t;
	tests_end = &t->next;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list ap;
	int used = snprintf(message, sizeof(message), "%s:%d: ", file, line);

	va_start(ap, format);
	(void)vsnprintf(message + used, sizeof(message) - (size_t)used, format, ap);
	va_end(ap);
	longjmp(leave, 1);
}

void test_skip(const char *why)
{
	(void)snprintf(message, sizeof(message), "%s", why);
	longjmp(leave, 2);
}

void test_note_seed(uint64_t seed)
{
	noted_seed = seed;
	noted = true;
}

uint64_t test_rounds(uint64_t n)
{
	return test_long ? n * 50 : test_short ? MAX(n / 8, (uint64_t)1) : n;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return (type == FTW_DP ? rmdir : unlink)(path);
}

static void remove_directory(void)
{
	if (directory[0] != 0)
		(void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_directory(void)
{
	if (directory[0] == 0) {
		const char *tmp = getenv("TMPDIR");

		(void)snprintf(directory, sizeof(directory), "%s/rueda-test-XXXXXX", tmp != NULL ? tmp : "/var/tmp");
		if (mkdtemp(directory) == NULL)
			test_fail(__FILE__, __LINE__, "cannot make %s: %m", directory);
		(void)atexit(remove_directory);
	}
	return directory;
}

static bool is_chosen(const struct test *t, int argc, char **argv)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		any = true;
		if (strstr(t->name, argv[i]) != NULL)
			return true;
	}
	return !any;
}

/* Run one test and report it; false if it failed. */
static bool run_one(const struct test *t, int number, const char *program)
{
	noted = false;
	switch (setjmp(leave)) {
	case 0:
		t->run();
		printf("ok %d - %s\n", number, t->name);
		return true;
	case 1:
		printf("not ok %d - %s\n# %s\n", number, t->name, message);
		if (noted)
			printf("# replay with: %s %s --seed=%" PRIu64 "\n", program, t->name, noted_seed);
		return false;
	default:
		printf("ok %d - %s # SKIP %s\n", number, t->name, message);
		return true;
	}
}

int main(int argc, char **argv)
{
	int number = 0, failed = 0;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	test_long = getenv("RUEDA_TEST_LONG") != NULL;
	test_short = getenv("RUEDA_TEST_SHORT") != NULL;
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--seed=", 7) == 0)
			test_seed = strtoull(argv[i] + 7, NULL, 0);
		else if (strcmp(argv[i], "--long") == 0)
			test_long = true;
	}
	for (struct test *t = tests; t != NULL; t = t->next)
		number += is_chosen(t, argc, argv);
	printf("1..%d\n", number);
	number = 0;
	for (struct test *t = tests; t != NULL; t = t->next)
		if (is_chosen(t, argc, argv))
			failed += !run_one(t, ++number, argv[0]);
	return failed == 0 ? 0 : 1;
}
