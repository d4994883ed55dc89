/* The last error, memory, texts of errors, and conversions of strings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "tests/lib/failalloc.h"
#include "tests/unit/widetest.h"
#include <pthread.h>
#include <time.h>

static void *other_thread(void *data)
{
	*(DWORD *)data = GetLastError();
	SetLastError(5);
	return NULL;
}

TEST(each_thread_has_its_own_last_error)
{
	pthread_t thread;
	DWORD seen = 4711;

	SetLastError(87);
	CHECK_INT(pthread_create(&thread, NULL, other_thread, &seen), 0);
	CHECK_INT(pthread_join(thread, NULL), 0);
	CHECK_INT(seen, 0);
	CHECK_INT(GetLastError(), 87);
}

TEST(memory_is_zeroed_on_demand_and_never_empty)
{
	static const char zeros[64];
	char *p = LocalAlloc(LPTR, sizeof(zeros));

	CHECK(p != NULL);
	CHECK_MEM(p, zeros, sizeof(zeros));
	CHECK(LocalFree(p) == NULL);
	p = LocalAlloc(LMEM_FIXED, 0);
	CHECK(p != NULL);
	CHECK(LocalFree(p) == NULL && LocalFree(NULL) == NULL);
	CHECK(LocalAlloc(LMEM_MOVEABLE, 1) == NULL);
	CHECK_INT(GetLastError(), ERROR_INVALID_PARAMETER);
	FAIL_EACH_ALLOCATION
	{
		p = LocalAlloc(LPTR, 8);
		CHECK(p != NULL || GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
		CHECK(p != NULL || failalloc_hit());
		(void)LocalFree(p);
	}
}

static DWORD message(DWORD flags, DWORD id, WCHAR *buffer, DWORD size)
{
	return FormatMessageW(flags | FORMAT_MESSAGE_FROM_SYSTEM, NULL, id, 0, buffer, size, NULL);
}

TEST(every_error_has_a_message)
{
	size_t count;
	const struct error_entry *list = error_list(&count);

	for (size_t i = 0; i < count; i++) {
		WCHAR text[512];
		DWORD len = message(0, list[i].code, text, ARRAY_SIZE(text));

		CHECK(len > 10 && text[len] == 0 && rueda_wcslen(text) == len);
		CHECK(text[len - 2] == '\r' && text[len - 1] == '\n' && !rueda_iswlower(text[0]));
	}
}

TEST(a_message_is_the_text_and_the_advice)
{
	static const char expected[] = "The path names something that is not a directory. "
				       "Give the directory only, without a file name.";
	WCHAR text[256], *allocated = NULL;

	CHECK_INT(message(FORMAT_MESSAGE_MAX_WIDTH_MASK, 267, text, ARRAY_SIZE(text)), sizeof(expected));
	text[sizeof(expected) - 1] = 0;
	CHECK_WIDE(text, expected);
	CHECK_INT(message(0, 267, text, sizeof(expected) + 1), 0); /* No room for the terminator. */
	CHECK_INT(message(0, 267, text, sizeof(expected) + 2), sizeof(expected) + 1);
	CHECK_INT(
	    message(FORMAT_MESSAGE_ALLOCATE_BUFFER, (DWORD)HRESULT_FROM_WIN32(267), (WCHAR *)(void *)&allocated, 0),
	    sizeof(expected) + 1);
	CHECK_INT(rueda_wcsncmp(allocated, text, sizeof(expected) - 1), 0);
	CHECK(LocalFree(allocated) == NULL);
	CHECK(message(0, ERROR_SUCCESS, text, ARRAY_SIZE(text)) > 0);
}

TEST(messages_that_cannot_be_given_say_why)
{
	WCHAR text[256];

	SetLastError(0);
	CHECK_INT(message(0, 4711, text, ARRAY_SIZE(text)), 0);
	CHECK_INT(GetLastError(), ERROR_MR_MID_NOT_FOUND);
	for (DWORD size = 0; size < 20; size++) {
		rueda_wmemset(text, 0x5a5a, ARRAY_SIZE(text));
		CHECK_INT(message(0, 267, text, size), 0);
		CHECK_INT(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
		CHECK_INT(text[size], 0x5a5a);
	}
	CHECK_INT(message(FORMAT_MESSAGE_FROM_STRING, 267, text, ARRAY_SIZE(text)), 0);
	CHECK_INT(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_INT(message(0, 267, NULL, 0), 0);
	CHECK_INT(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_INT(FormatMessageW(0, NULL, 267, 0, text, ARRAY_SIZE(text), NULL), 0);
	CHECK_INT(GetLastError(), ERROR_INVALID_PARAMETER);
}

TEST(a_message_without_memory_is_an_error)
{
	FAIL_EACH_ALLOCATION
	{
		WCHAR *allocated = NULL;
		DWORD len = message(FORMAT_MESSAGE_ALLOCATE_BUFFER, 267, (WCHAR *)(void *)&allocated, 0);

		CHECK(len > 0 ? !failalloc_hit() : GetLastError() == ERROR_NOT_ENOUGH_MEMORY);
		CHECK(len > 0 || allocated == NULL);
		(void)LocalFree(allocated);
	}
}

TEST(bytes_become_units_and_back)
{
	static const char text[] = "aé€😀";
	WCHAR wide[16];
	char back[16];
	BOOL used = TRUE;

	CHECK_INT(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0), 6);
	CHECK_INT(MultiByteToWideChar(CP_ACP, MB_PRECOMPOSED, text, -1, wide, 6), 6);
	CHECK_MEM(wide, u"aé€😀", 6 * sizeof(WCHAR));
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, text, 3, wide, 16), 2); /* Without a terminator. */
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, "x\0y", 3, wide, 16), 3);
	CHECK_MEM(wide, u"x\0y", 3 * sizeof(WCHAR));

	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, u"aé€😀", -1, NULL, 0, NULL, NULL), sizeof(text));
	CHECK_INT(WideCharToMultiByte(CP_ACP, 0, u"aé€😀", -1, back, sizeof(text), NULL, &used), sizeof(text));
	CHECK_STR(back, text);
	CHECK_INT(used, FALSE);
	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, u"x\0y", 3, back, 16, NULL, NULL), 3);
	CHECK_MEM(back, "x\0y", 3);
}

TEST(wrong_characters_are_told_or_replaced)
{
	static const char *const bad[] = { "\xff", "\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82" };
	static const WCHAR lone[] = { 'a', 0xd800, 'b', 0xdc00, 0 };
	BOOL used = FALSE;
	WCHAR wide[16];
	char narrow[16];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_INT(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, bad[i], -1, wide, 16), 0);
		CHECK_INT(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
		CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, bad[i], -1, wide, 16), strlen(bad[i]) + 1);
		for (size_t j = 0; j < strlen(bad[i]); j++)
			CHECK_INT(wide[j], 0xfffd);
	}
	CHECK_INT(WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, lone, -1, narrow, 16, NULL, NULL), 0);
	CHECK_INT(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, lone, -1, narrow, 16, NULL, &used), 9);
	CHECK_STR(narrow, "a\xef\xbf\xbd"
			  "b\xef\xbf\xbd");
	CHECK_INT(used, TRUE);
}

TEST(conversions_keep_to_the_size)
{
	WCHAR wide[8];
	char narrow[16];

	for (int size = 1; size < 6; size++) {
		rueda_wmemset(wide, 0x5a5a, ARRAY_SIZE(wide));
		CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, "aé€😀", -1, wide, size), 0);
		CHECK_INT(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
		CHECK_INT(wide[size], 0x5a5a);
	}
	for (int size = 1; size < 11; size++) {
		memset(narrow, 'Z', sizeof(narrow));
		CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, u"aé€😀", -1, narrow, size, NULL, NULL), 0);
		CHECK_INT(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
		CHECK_INT(narrow[size], 'Z');
	}
}

TEST(bad_parameters_of_conversions_are_refused)
{
	WCHAR wide[8];
	char narrow[8];

	SetLastError(0);
	CHECK_INT(MultiByteToWideChar(1252, 0, "a", -1, wide, 8), 0);
	CHECK_INT(GetLastError(), ERROR_INVALID_PARAMETER);
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0x100, "a", -1, wide, 8), 0);
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, NULL, -1, wide, 8), 0);
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, "a", 0, wide, 8), 0);
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, "a", -2, wide, 8), 0);
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, "a", -1, wide, -1), 0);
	CHECK_INT(MultiByteToWideChar(CP_UTF8, 0, "a", -1, NULL, 8), 0);
	CHECK_INT(WideCharToMultiByte(1252, 0, u"a", -1, narrow, 8, NULL, NULL), 0);
	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0x1, u"a", -1, narrow, 8, NULL, NULL), 0);
	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, NULL, -1, narrow, 8, NULL, NULL), 0);
	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, u"a", 0, narrow, 8, NULL, NULL), 0);
	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, u"a", -1, NULL, 8, NULL, NULL), 0);
	CHECK_INT(WideCharToMultiByte(CP_UTF8, 0, u"a", -1, narrow, 8, "?", NULL), 0);
}

TEST(sleep_rests_at_least_that_long)
{
	struct timespec before, after;

	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	Sleep(30);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec >= 30000000);
}
