/* string: copies of texts that the caller frees with LocalFree(), as they are and with variables replaced.
 *
 * Threads  all functions.          Tests  tests/unit/resutils.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/utf16.h"
#include "include/resapi.h"

PWSTR ResUtilDupString(LPCWSTR pszInString)
{
	size_t size = (u16_from_z(pszInString).len + 1) * sizeof(WCHAR);
	PWSTR copy;

	if (pszInString == NULL) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	copy = LocalAlloc(LMEM_FIXED, size);
	if (copy != NULL)
		memcpy(copy, pszInString, size);
	return copy;
}

/* Append the variable of that name.  1; 0: there is none of it. */
static int add_variable(struct buf *out, struct u16 name)
{
	char *narrow = u16_to_utf8(name);
	const char *value = narrow != NULL && name.len > 0 ? getenv(narrow) : NULL;
	char16_t *wide = NULL;
	size_t len;
	int r = narrow == NULL ? -ENOMEM : 0;

	if (value != NULL)
		r = utf8_to_u16(value, strlen(value), &wide, &len);
	if (r == 0 && value != NULL) {
		buf_append(out, wide, len * sizeof(char16_t));
		r = 1;
	}
	free(wide);
	free(narrow);
	return r == -EILSEQ ? 0 : r;
}

/* %NAME% is replaced if there is such a variable, and stays as it is if there is none. */
LPWSTR ResUtilExpandEnvironmentStrings(LPCWSTR pszSrc)
{
	struct u16 s = u16_from_z((const char16_t *)pszSrc), name;
	struct buf out = { 0 };
	LPWSTR copy = NULL;
	int r;

	if (pszSrc == NULL) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	for (size_t i = 0; i < s.len && out.error == 0; i++) {
		name = (struct u16){ s.units + i + 1, 0 };
		while (s.units[i] == '%' && i + 1 + name.len < s.len && name.units[name.len] != '%')
			name.len++;
		r = s.units[i] == '%' && i + 1 + name.len < s.len ? add_variable(&out, name) : 0;
		if (r < 0)
			out.error = r;
		else if (r > 0)
			i += name.len + 1;
		else
			buf_u16(&out, s.units[i]);
	}
	buf_u16(&out, 0);
	if (out.error == 0)
		copy = LocalAlloc(LMEM_FIXED, out.len);
	else
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	if (copy != NULL)
		memcpy(copy, out.data, out.len);
	buf_done(&out);
	return copy;
}
