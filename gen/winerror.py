#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write <winerror.h> from base/error.def: each code with its meaning and what to do next.

Usage: winerror.py ERROR_DEF OUTPUT"""
import re
import sys
import textwrap

HEAD = """\
/* winerror.h: the error codes of the Windows and cluster APIs that can come out of this library, with what they mean and
 * what to do about them.  The same texts come out of FormatMessage(); `rueda explain CODE` prints them.
 * Generated from base/error.def; do not edit.  See <windows.h>.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RUEDA_WINERROR_H
#define RUEDA_WINERROR_H

#include "windows/types.h"

#define ERROR_SUCCESS 0
#define NO_ERROR 0

"""
TAIL = """
/* HRESULTs: negative is failure. */
#define S_OK ((HRESULT)0)
#define S_FALSE ((HRESULT)1)
#define E_NOTIMPL ((HRESULT)0x80004001)
#define E_POINTER ((HRESULT)0x80004003)
#define E_FAIL ((HRESULT)0x80004005)
#define E_UNEXPECTED ((HRESULT)0x8000FFFF)
#define E_ACCESSDENIED ((HRESULT)0x80070005)
#define E_HANDLE ((HRESULT)0x80070006)
#define E_OUTOFMEMORY ((HRESULT)0x8007000E)
#define E_INVALIDARG ((HRESULT)0x80070057)
#define FACILITY_WIN32 7
#define SUCCEEDED(hr) ((HRESULT)(hr) >= 0)
#define FAILED(hr) ((HRESULT)(hr) < 0)
#define HRESULT_CODE(hr) ((hr) & 0xFFFF)
#define HRESULT_FACILITY(hr) ((hr) >> 16 & 0x1FFF)
#define HRESULT_FROM_WIN32(code) \\
	((HRESULT)(code) <= 0 ? (HRESULT)(code) : (HRESULT)(((DWORD)(code) & 0xFFFFu) | FACILITY_WIN32 << 16 | 0x80000000u))

#endif
"""
ROW = re.compile(r'^X\((\w+), (\d+|0x[0-9a-f]{8}), (\w+), "([^"]*)", "([^"]*)"\)$')


def main():
    source, output = sys.argv[1:]
    lines = []
    with open(source, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    for line in filter(None, map(str.strip, text.splitlines())):
        match = ROW.match(line)
        if match is None:
            sys.exit(f"{source}: not a row: {line}")
        _, code, name, meaning, advice = match.groups()
        if code.startswith("0x"):
            code = f"((HRESULT){code})"
        comment = f"{meaning[0].upper()}{meaning[1:]}. {advice}"
        wrapped = textwrap.wrap(f"/* {comment}", 117, subsequent_indent=" * ", break_on_hyphens=False)
        lines += wrapped[:-1] + [wrapped[-1] + " */", f"#define {name} {code}"]
    with open(output, "w", encoding="utf-8") as f:
        f.write(HEAD + "\n".join(lines) + "\n" + TAIL)


if __name__ == "__main__":
    main()
