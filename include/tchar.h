/* tchar.h: the names with _t that mean a wide function under UNICODE and a narrow one otherwise.
 *
 * Not kept _tmain under UNICODE: wmain() is no entry point here.  Use main() and MultiByteToWideChar().
 * See <windows.h>.          Tests  tests/integration/headers.py
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_TCHAR_H
#define RUEDA_TCHAR_H

#include "windows.h"

typedef TCHAR _TCHAR;
#define _T(literal) TEXT(literal)
#define _TEXT(literal) TEXT(literal)
#define __T(literal) TEXT(literal)

#ifdef UNICODE
#define _TEOF WEOF
#define _TINT wint_t
#define _tprintf wprintf
#define _ftprintf fwprintf
#define _vtprintf vwprintf
#define _vftprintf vfwprintf
#define _fgetts fgetws
#define _fputts fputws
#define _gettc getwc
#define _puttc putwc
#define _gettchar getwchar
#define _puttchar putwchar
#define _tcslen wcslen
#define _tcscmp wcscmp
#define _tcsncmp wcsncmp
#define _tcsicmp _wcsicmp
#define _tcsnicmp _wcsnicmp
#define _tcschr wcschr
#define _tcsrchr wcsrchr
#define _tcsstr wcsstr
#define _tcsdup _wcsdup
#define _tcstol wcstol
#define _tcstoul wcstoul
#define _ttoi _wtoi
#define _totupper towupper
#define _totlower towlower
#define _istalpha iswalpha
#define _istdigit iswdigit
#define _istalnum iswalnum
#define _istspace iswspace
#else
#define _tmain main
#define _TEOF EOF
#define _TINT int
#define _tprintf printf
#define _ftprintf fprintf
#define _vtprintf vprintf
#define _vftprintf vfprintf
#define _fgetts fgets
#define _fputts fputs
#define _gettc getc
#define _puttc putc
#define _gettchar getchar
#define _puttchar putchar
#define _tcslen strlen
#define _tcscmp strcmp
#define _tcsncmp strncmp
#define _tcsicmp strcasecmp
#define _tcsnicmp strncasecmp
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr
#define _tcsdup strdup
#define _tcstol strtol
#define _tcstoul strtoul
#define _ttoi atoi
#define _totupper toupper
#define _totlower tolower
#define _istalpha isalpha
#define _istdigit isdigit
#define _istalnum isalnum
#define _istspace isspace
#endif

#endif
