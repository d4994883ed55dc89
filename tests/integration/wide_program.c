/* wide_program: a program as they come from Windows: wide literals, the C library's wide functions, FormatMessage().
 *
 * sample_page.sh builds it as C and as C++, with L"" and 16-bit wchar_t or with u"" and the usual one, and compares
 * what it prints.  It reads one line from standard input.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ClusDocEx.h>
#include <stdlib.h>
#ifdef __cplusplus
#include <map>
#include <vector>
#endif

/* Windows' sources call it by its own name. */
static void print_all(const TCHAR *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	_vtprintf(format, arguments);
	va_end(arguments);
}

int main(int argc, char *argv[])
{
	WCHAR line[ClusDocEx_DEFAULT_CCH], name[ClusDocEx_DEFAULT_CCH];
	DWORD code = 5087;
	LONG negative = -1;

	if (argc != 2 || ConvertArg(argv[1], name, ClusDocEx_DEFAULT_CCH) != ERROR_SUCCESS)
		return 2;
	if (fgetws(line, ClusDocEx_DEFAULT_CCH, stdin) == NULL)
		return 3;
	wprintf(TEXT("name %s of %d, line %s"), name, lstrlen(name), line);
	fwprintf(stdout, TEXT("narrow %S, code %lu, %ld\n"), "text", code, negative);
	if (FAILED(StringCchPrintf(line, ClusDocEx_DEFAULT_CCH, TEXT("%c-%04X"), towupper(name[0]), code)))
		return 4;
	print_all(TEXT("formatted %s, equal %d\n"), line, _wcsicmp(name, TEXT("ÉCOLE")) == 0);
	printf("narrow again, strcmpi %d\n", strcmpi("ABC", "abc"));
	wprintf(TEXT("%d %d %d\n"), wcscmp(name, name), (int)wcslen(TEXT("1234")), iswalpha(TEXT('z')) != 0);
	SetLastError(ERROR_DATABASE_BACKUP_CORRUPT);
	ClusDocEx_DebugPrint(TEXT("debug"), GetLastError());
	ClusDocEx_ShowBuffer(&code, sizeof(code));
#ifdef __cplusplus
	if (std::wcslen(name) != wcslen(name))
		return 5;
#endif
	return 0;
}
