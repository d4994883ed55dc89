/* windows/wide.h: the C library's wide functions, for 16-bit units.
 *
 * Why      the C library's own functions are built for a wchar_t of four bytes.  Called with 16-bit strings they would
 *          read beyond their ends.  So the names that cluster programs use are macros here for functions of ours, and
 *          those that are left over are poisoned where wchar_t has two bytes: using one is an error of the compiler.
 * printf   the formats mean what they mean on Windows: in a wide format %s is a wide string, %S (or %hs) a narrow one in
 *          UTF-8; l is 32 bits wide, as LONG and DWORD are; ll and I64 are 64, I32 is 32, I is a pointer wide.  Widths
 *          and precisions count units, but the precision of a narrow string counts its bytes.  %n is refused.  Output
 *          is written in UTF-8.
 * Input    is read as UTF-8; a character beyond U+FFFF comes as two units.  What is not UTF-8 gives WEOF and EILSEQ.
 * Case     follows the table that names in the cluster are compared with, not the locale.
 * Threads  as the C library's.
 * Not kept std::wstring and std::wcout of C++ stay those of a four-byte wchar_t: use std::u16string.  Two calls of
 *          putwc() for the halves of one character write each half on its own.
 * Switch   define RUEDA_NO_WIDE_MAP before the first #include to leave the C library's names alone.
 * Included by <windows.h>; see there.          Tests  tests/unit/compat_*.c, tests/integration/headers.py
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_WINDOWS_WIDE_H
#define RUEDA_WINDOWS_WIDE_H

#include "types.h"

/* Everything of the C library that declares these names comes first, so that the macros do not reach into it. */
#ifdef __cplusplus
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <cwctype>
#include <string>
#endif
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

RUEDA_BEGIN_DECLARATIONS

int rueda_wprintf(const WCHAR *format, ...);
int rueda_fwprintf(FILE *file, const WCHAR *format, ...);
int rueda_swprintf(WCHAR *buffer, size_t size, const WCHAR *format, ...); /* -1 if it does not fit; terminated. */
int rueda_vwprintf(const WCHAR *format, va_list arguments);
int rueda_vfwprintf(FILE *file, const WCHAR *format, va_list arguments);
int rueda_vswprintf(WCHAR *buffer, size_t size, const WCHAR *format, va_list arguments);

int rueda_fputws(const WCHAR *text, FILE *file);
wint_t rueda_fputwc(WCHAR unit, FILE *file);
wint_t rueda_putwchar(WCHAR unit);
WCHAR *rueda_fgetws(WCHAR *buffer, int size, FILE *file);
wint_t rueda_fgetwc(FILE *file);
wint_t rueda_getwchar(void);
wint_t rueda_ungetwc(wint_t unit, FILE *file);

WCHAR *rueda_wcscpy(WCHAR *to, const WCHAR *from);
WCHAR *rueda_wcsncpy(WCHAR *to, const WCHAR *from, size_t count);
WCHAR *rueda_wcscat(WCHAR *to, const WCHAR *from);
WCHAR *rueda_wcsncat(WCHAR *to, const WCHAR *from, size_t count);
int rueda_wcscmp(const WCHAR *a, const WCHAR *b);
int rueda_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count);
int rueda_wcsicmp(const WCHAR *a, const WCHAR *b);
int rueda_wcsnicmp(const WCHAR *a, const WCHAR *b, size_t count);
size_t rueda_wcslen(const WCHAR *text);
size_t rueda_wcsnlen(const WCHAR *text, size_t count);
WCHAR *rueda_wcschr(const WCHAR *text, WCHAR unit);
WCHAR *rueda_wcsrchr(const WCHAR *text, WCHAR unit);
WCHAR *rueda_wcsstr(const WCHAR *text, const WCHAR *part);
size_t rueda_wcsspn(const WCHAR *text, const WCHAR *accept);
size_t rueda_wcscspn(const WCHAR *text, const WCHAR *reject);
WCHAR *rueda_wcspbrk(const WCHAR *text, const WCHAR *accept);
WCHAR *rueda_wcstok(WCHAR *text, const WCHAR *delimiters, WCHAR **state);
WCHAR *rueda_wcsdup(const WCHAR *text); /* Freed with free(). */
WCHAR *rueda_wcsupr(WCHAR *text);
WCHAR *rueda_wcslwr(WCHAR *text);
long rueda_wcstol(const WCHAR *text, WCHAR **end, int base);
unsigned long rueda_wcstoul(const WCHAR *text, WCHAR **end, int base);
long long rueda_wcstoll(const WCHAR *text, WCHAR **end, int base);
unsigned long long rueda_wcstoull(const WCHAR *text, WCHAR **end, int base);
int rueda_wtoi(const WCHAR *text);

WCHAR *rueda_wmemcpy(WCHAR *to, const WCHAR *from, size_t count);
WCHAR *rueda_wmemmove(WCHAR *to, const WCHAR *from, size_t count);
WCHAR *rueda_wmemset(WCHAR *to, WCHAR unit, size_t count);
int rueda_wmemcmp(const WCHAR *a, const WCHAR *b, size_t count);
WCHAR *rueda_wmemchr(const WCHAR *text, WCHAR unit, size_t count);

wint_t rueda_towupper(wint_t unit);
wint_t rueda_towlower(wint_t unit);
int rueda_iswalpha(wint_t unit);
int rueda_iswdigit(wint_t unit);
int rueda_iswalnum(wint_t unit);
int rueda_iswspace(wint_t unit);
int rueda_iswupper(wint_t unit);
int rueda_iswlower(wint_t unit);
int rueda_iswxdigit(wint_t unit);
int rueda_iswpunct(wint_t unit);
int rueda_iswcntrl(wint_t unit);
int rueda_iswprint(wint_t unit);

RUEDA_END_DECLARATIONS

/* Names that only Microsoft's library has: they take nothing away from anybody. */
#define _wcsicmp rueda_wcsicmp
#define wcsicmp rueda_wcsicmp
#define _wcsnicmp rueda_wcsnicmp
#define _wcsdup rueda_wcsdup
#define _wcsupr rueda_wcsupr
#define _wcslwr rueda_wcslwr
#define _wtoi rueda_wtoi
#define _wtol rueda_wtoi

#ifndef RUEDA_NO_WIDE_MAP

#undef getwc
#undef putwc
#undef getwchar
#undef putwchar
#define wprintf rueda_wprintf
#define fwprintf rueda_fwprintf
#define swprintf rueda_swprintf
#define vwprintf rueda_vwprintf
#define vfwprintf rueda_vfwprintf
#define vswprintf rueda_vswprintf
#define fputws rueda_fputws
#define fputwc rueda_fputwc
#define putwc rueda_fputwc
#define putwchar rueda_putwchar
#define fgetws rueda_fgetws
#define fgetwc rueda_fgetwc
#define getwc rueda_fgetwc
#define getwchar rueda_getwchar
#define ungetwc rueda_ungetwc
#define wcscpy rueda_wcscpy
#define wcsncpy rueda_wcsncpy
#define wcscat rueda_wcscat
#define wcsncat rueda_wcsncat
#define wcscmp rueda_wcscmp
#define wcsncmp rueda_wcsncmp
#define wcscasecmp rueda_wcsicmp
#define wcsncasecmp rueda_wcsnicmp
#define wcslen rueda_wcslen
#define wcsnlen rueda_wcsnlen
#define wcschr rueda_wcschr
#define wcsrchr rueda_wcsrchr
#define wcsstr rueda_wcsstr
#define wcsspn rueda_wcsspn
#define wcscspn rueda_wcscspn
#define wcspbrk rueda_wcspbrk
#define wcstok rueda_wcstok
#define wcsdup rueda_wcsdup
#define wcstol rueda_wcstol
#define wcstoul rueda_wcstoul
#define wcstoll rueda_wcstoll
#define wcstoull rueda_wcstoull
#define wmemcpy rueda_wmemcpy
#define wmemmove rueda_wmemmove
#define wmemset rueda_wmemset
#define wmemcmp rueda_wmemcmp
#define wmemchr rueda_wmemchr
#define towupper rueda_towupper
#define towlower rueda_towlower
#define iswalpha rueda_iswalpha
#define iswdigit rueda_iswdigit
#define iswalnum rueda_iswalnum
#define iswspace rueda_iswspace
#define iswupper rueda_iswupper
#define iswlower rueda_iswlower
#define iswxdigit rueda_iswxdigit
#define iswpunct rueda_iswpunct
#define iswcntrl rueda_iswcntrl
#define iswprint rueda_iswprint

#ifdef __cplusplus
/* std::wcslen() is then std::rueda_wcslen(), and so on. */
namespace std
{
using ::rueda_fgetwc;
using ::rueda_fgetws;
using ::rueda_fputwc;
using ::rueda_fputws;
using ::rueda_fwprintf;
using ::rueda_getwchar;
using ::rueda_iswalnum;
using ::rueda_iswalpha;
using ::rueda_iswcntrl;
using ::rueda_iswdigit;
using ::rueda_iswlower;
using ::rueda_iswprint;
using ::rueda_iswpunct;
using ::rueda_iswspace;
using ::rueda_iswupper;
using ::rueda_iswxdigit;
using ::rueda_putwchar;
using ::rueda_swprintf;
using ::rueda_towlower;
using ::rueda_towupper;
using ::rueda_ungetwc;
using ::rueda_vfwprintf;
using ::rueda_vswprintf;
using ::rueda_vwprintf;
using ::rueda_wcscat;
using ::rueda_wcschr;
using ::rueda_wcscmp;
using ::rueda_wcscpy;
using ::rueda_wcscspn;
using ::rueda_wcslen;
using ::rueda_wcsncat;
using ::rueda_wcsncmp;
using ::rueda_wcsncpy;
using ::rueda_wcspbrk;
using ::rueda_wcsrchr;
using ::rueda_wcsspn;
using ::rueda_wcsstr;
using ::rueda_wcstok;
using ::rueda_wcstol;
using ::rueda_wcstoll;
using ::rueda_wcstoul;
using ::rueda_wcstoull;
using ::rueda_wmemchr;
using ::rueda_wmemcmp;
using ::rueda_wmemcpy;
using ::rueda_wmemmove;
using ::rueda_wmemset;
using ::rueda_wprintf;
} // namespace std
#endif

#if __SIZEOF_WCHAR_T__ == 2
/* Wrong with units of two bytes, and not offered. */
#pragma GCC poison wscanf fwscanf swscanf vwscanf vfwscanf vswscanf
#pragma GCC poison wcscoll wcsxfrm wcsftime wcstod wcstof wcstold wcwidth wcswidth
#pragma GCC poison mbtowc wctomb mbstowcs wcstombs mbrtowc wcrtomb mbsrtowcs wcsrtombs mbsnrtowcs wcsnrtombs
#pragma GCC poison wcpcpy wcpncpy wcschrnul wmempcpy open_wmemstream
#endif

#endif
#endif
