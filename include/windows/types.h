/* windows/types.h: scalar types of the Windows API with the widths that they have there, on every platform.
 *
 * LONG and DWORD have 32 bits although a long here may have 64; WCHAR has 16 although wchar_t may have 32.  Structures
 * built of these types are the same bytes here and on Windows, which is what files and the wire hold.
 * Included by <windows.h>; see there.          Tests  tests/integration/layouts.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_WINDOWS_TYPES_H
#define RUEDA_WINDOWS_TYPES_H

#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <uchar.h>
#endif

/* Around the declarations of a public header. */
#ifdef __cplusplus
#define RUEDA_BEGIN_DECLARATIONS                                                                                       \
	extern "C" {                                                                                                   \
	_Pragma("GCC visibility push(default)")
#define RUEDA_END_DECLARATIONS                                                                                         \
	_Pragma("GCC visibility pop")                                                                                  \
	}
#else
#define RUEDA_BEGIN_DECLARATIONS _Pragma("GCC visibility push(default)")
#define RUEDA_END_DECLARATIONS _Pragma("GCC visibility pop")
#endif

/* A literal of 16-bit units, whichever of L"" and u"" that is here. */
#if __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#define RUEDA_TEXT_(literal) L##literal
#else
typedef char16_t WCHAR;
#define RUEDA_TEXT_(literal) u##literal
#endif
#define RUEDA_TEXT(literal) RUEDA_TEXT_(literal)

/* Calling conventions and notes of direction, which mean nothing here. */
#define WINAPI
#define APIENTRY
#define CALLBACK
#ifndef CONST
#define CONST const
#endif
#ifndef VOID
#define VOID void
#endif
#ifndef IN
#define IN
#endif
#ifndef OUT
#define OUT
#endif
#ifndef OPTIONAL
#define OPTIONAL
#endif

typedef int32_t BOOL;
typedef uint8_t BYTE, UCHAR, BOOLEAN;
typedef char CHAR, CCHAR;
typedef int16_t SHORT;
typedef uint16_t WORD, USHORT;
typedef int32_t INT, LONG, HRESULT, NTSTATUS;
typedef uint32_t UINT, DWORD, ULONG, LCID;
typedef int64_t LONGLONG, INT64, LONG64;
typedef uint64_t ULONGLONG, UINT64, ULONG64, DWORD64, QWORD, DWORDLONG;
typedef float FLOAT;
typedef intptr_t INT_PTR, LONG_PTR, SSIZE_T;
typedef uintptr_t UINT_PTR, ULONG_PTR, DWORD_PTR, SIZE_T;

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

typedef BOOL *PBOOL, *LPBOOL;
typedef BYTE *PBYTE, *LPBYTE;
typedef BOOLEAN *PBOOLEAN;
typedef UCHAR *PUCHAR;
typedef WORD *PWORD, *LPWORD;
typedef USHORT *PUSHORT;
typedef INT *PINT, *LPINT;
typedef UINT *PUINT;
typedef LONG *PLONG, *LPLONG;
typedef ULONG *PULONG;
typedef DWORD *PDWORD, *LPDWORD;
typedef LONGLONG *PLONGLONG;
typedef ULONGLONG *PULONGLONG;
typedef DWORD_PTR *PDWORD_PTR;
typedef SIZE_T *PSIZE_T;
typedef void *PVOID, *LPVOID;
typedef const void *LPCVOID;
typedef CHAR *PCHAR, *PSTR, *LPSTR;
typedef const CHAR *PCSTR, *LPCSTR;
typedef WCHAR *PWCHAR, *PWSTR, *LPWSTR, *PZZWSTR;
typedef const WCHAR *PCWSTR, *LPCWSTR, *PCZZWSTR;

/* TCHAR is what UNICODE says.  The API itself has wide functions only. */
#ifdef UNICODE
typedef WCHAR TCHAR, *PTCHAR;
typedef LPWSTR LPTSTR, PTSTR;
typedef LPCWSTR LPCTSTR, PCTSTR;
#define TEXT(literal) RUEDA_TEXT(literal)
#else
typedef CHAR TCHAR, *PTCHAR;
typedef LPSTR LPTSTR, PTSTR;
typedef LPCSTR LPCTSTR, PCTSTR;
#define TEXT(literal) literal
#endif

/* Handles are opaque: they are no pointers to anything that a program could read. */
#define DECLARE_HANDLE(name) typedef struct name##__ *name
typedef void *HANDLE, **PHANDLE, **LPHANDLE;
typedef HANDLE HLOCAL;
DECLARE_HANDLE(HKEY);
typedef HKEY *PHKEY;
DECLARE_HANDLE(SC_HANDLE);
typedef SC_HANDLE *LPSC_HANDLE;
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

typedef struct _GUID {
	DWORD Data1;
	WORD Data2;
	WORD Data3;
	BYTE Data4[8];
} GUID, *LPGUID;

/* Units of 100 ns since 1601-01-01 UTC. */
typedef struct _FILETIME {
	DWORD dwLowDateTime;
	DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef union _LARGE_INTEGER {
	__extension__ struct {
		DWORD LowPart;
		LONG HighPart;
	};
	struct {
		DWORD LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
	__extension__ struct {
		DWORD LowPart;
		DWORD HighPart;
	};
	struct {
		DWORD LowPart;
		DWORD HighPart;
	} u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef DWORD ACCESS_MASK, REGSAM, SECURITY_INFORMATION, *PSECURITY_INFORMATION;
typedef PVOID PSECURITY_DESCRIPTOR; /* Self-relative form. */
typedef struct _SECURITY_ATTRIBUTES {
	DWORD nLength;
	LPVOID lpSecurityDescriptor;
	BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;

#define MAX_PATH 260 /* In characters, with the terminator. */
#define INFINITE 0xFFFFFFFFu
#define MAXDWORD 0xFFFFFFFFu

#define MAKEWORD(low, high) ((WORD)((BYTE)(low) | (WORD)(BYTE)(high) << 8))
#define MAKELONG(low, high) ((LONG)((WORD)(low) | (DWORD)(WORD)(high) << 16))
#define LOWORD(value) ((WORD)((DWORD_PTR)(value)&0xFFFF))
#define HIWORD(value) ((WORD)((DWORD_PTR)(value) >> 16 & 0xFFFF))
#define UNREFERENCED_PARAMETER(name) ((void)(name))
#ifndef _countof
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#endif
#ifndef ARRAYSIZE
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

#endif
