/* message: FormatMessage() from the list of errors.
 *
 * The texts are those of base/error.def as a sentence, and what to do next as another; the line ends as it does on
 * Windows, with carriage return and newline.
 * Not kept  other sources of texts, inserts, other languages.
 * Threads   all functions.          Tests  tests/unit/compat_system.c
 * SPDX-License-Identifier: Apache-2.0 */
#define RUEDA_NO_WIDE_MAP
#include "base/error.h"
#include "base/utf16.h"
#include "include/windows.h"
#include <stdio.h>

/* The texts have no more characters than this; a longer one is cut. */
enum { MESSAGE_SIZE = 1024 };

/* 0, or the code for the last error. */
static DWORD message_text(DWORD id, bool with_line_end, char16_t **ret, size_t *ret_len)
{
	DWORD code = (id & 0xFFFF0000u) == 0x80070000u ? id & 0xFFFF : id; /* An HRESULT made of a code. */
	const char *text = code == 0 ? "the operation was successful" : error_win32_text(code);
	const char *advice = code == 0 ? "" : error_win32_advice(code);
	const char *gap = advice == NULL || *advice == 0 ? "" : " ", *end = with_line_end ? "\r\n" : " ";
	char line[MESSAGE_SIZE];
	int r;

	if (text == NULL)
		return ERROR_MR_MID_NOT_FOUND;
	(void)snprintf(line, sizeof(line), "%s.%s%s%s", text, gap, advice, end);
	if (line[0] >= 'a' && line[0] <= 'z')
		line[0] = (char)(line[0] - 'a' + 'A');
	r = utf8_to_u16(line, strlen(line), ret, ret_len);
	return r < 0 ? error_to_win32(r) : 0;
}

/* Give the text to the caller; 0, or the code for the last error. */
static DWORD message_put(const char16_t *text, size_t len, bool allocate, LPWSTR buffer, DWORD size)
{
	LPWSTR to = buffer;

	if (allocate) {
		to = rueda_LocalAlloc(LMEM_FIXED, MAX(len + 1, size) * sizeof(WCHAR));
		if (to == NULL)
			return ERROR_NOT_ENOUGH_MEMORY;
		memcpy(buffer, &to, sizeof(to)); /* The parameter is the address of a pointer, under another type. */
	} else if (len >= size) {
		return ERROR_INSUFFICIENT_BUFFER;
	}
	memcpy(to, text, (len + 1) * sizeof(WCHAR));
	return 0;
}

DWORD rueda_FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId, LPWSTR lpBuffer,
    DWORD nSize, va_list *Arguments)
{
	static const DWORD known = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER |
				   FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_ARGUMENT_ARRAY |
				   FORMAT_MESSAGE_MAX_WIDTH_MASK;
	bool one_line = (dwFlags & FORMAT_MESSAGE_MAX_WIDTH_MASK) == FORMAT_MESSAGE_MAX_WIDTH_MASK;
	_cleanup_free_ char16_t *text = NULL;
	size_t len = 0;
	DWORD code = 0;

	if ((dwFlags & FORMAT_MESSAGE_FROM_SYSTEM) == 0 || (dwFlags & ~known) != 0 || lpBuffer == NULL)
		code = ERROR_INVALID_PARAMETER;
	if (code == 0)
		code = message_text(dwMessageId, !one_line, &text, &len);
	if (code == 0)
		code = message_put(text, len, (dwFlags & FORMAT_MESSAGE_ALLOCATE_BUFFER) != 0, lpBuffer, nSize);
	if (code != 0) {
		SetLastError(code);
		return 0;
	}
	return (DWORD)len;
}
