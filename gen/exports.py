#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that follows from lib/functions.tsv, the table of all exported functions.

Usage: exports.py map|stubs|check|support TABLE OUTPUT [LIBRARY]

  map      the linker's version script of LIBRARY: its functions are exported, and nothing else
  stubs    the functions of LIBRARY whose status is "not implemented": each fails with 120 in its own way of failing
  check    a test program that calls each of those with zeros and looks at how it fails
  support  docs/SUPPORT.md

The columns of the table: library, name, return type, arguments as in C, mark, status, since, note.
Marks: A database, backup, registry, shared volumes; B objects and events; C rare or new; R beyond Windows; W the windows.h subset.
Status: "working" or "not implemented".  Since: the first Windows Server that documents the function."""
import re
import sys
from collections import namedtuple

Function = namedtuple("Function", "library name returns arguments mark status since note")
COLUMNS = "library name returns arguments mark status since note".split()
MARKS = {
    "A": "The database, backup and restore, checkpoints, shared volumes",
    "B": "Objects, events, properties",
    "C": "Rare or new",
    "R": "Beyond Windows",
    "W": "The subset of windows.h and of the C library's wide functions",
}
HEADERS = {"clusapi": ["clusapi.h", "rueda.h", "strsafe.h"], "resutils": ["resapi.h"]}
LICENCE = " * SPDX-License-Identifier: Apache-2.0 */\n"


def read(path):
    """The table, checked; errors name the line."""
    functions, seen = [], set()
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    if lines[0].split("\t") != COLUMNS:
        sys.exit(f"{path}: the first line must name the columns {COLUMNS}")
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS):
            sys.exit(f"{path}:{number}: {len(cells)} columns, not {len(COLUMNS)}")
        function = Function(*cells)
        if function.library not in HEADERS or function.mark not in MARKS:
            sys.exit(f"{path}:{number}: unknown library or mark")
        if function.status not in ("working", "not implemented"):
            sys.exit(f"{path}:{number}: unknown status '{function.status}'")
        if function.name in seen:
            sys.exit(f"{path}:{number}: {function.name} is there twice")
        seen.add(function.name)
        functions.append(function)
    return functions


def failure(function):
    """What a function that fails returns; None if it returns nothing."""
    if function.returns in ("void", "VOID"):
        return None
    if re.search(r"GetEnumCount(Ex)?$", function.name):
        return "0"  # The DWORD is a count, not a code.
    if function.returns in ("DWORD", "LONG"):
        return "ERROR_CALL_NOT_IMPLEMENTED"
    if function.returns == "BOOL":
        return "FALSE"
    if re.fullmatch(r"CLUSTER_\w+_STATE", function.returns):
        return f"({function.returns})-1"
    if re.fullmatch(r"H(?!RESULT)\w+|LP\w+|P\w+", function.returns):
        return "NULL"
    sys.exit(f"{function.name}: no rule says how a {function.returns} fails")


def missing(functions, library=None):
    return [f for f in functions if f.status != "working" and library in (None, f.library)]


def write_map(functions, out, library):
    out.write("RUEDA_0 {\nglobal:\n")
    out.writelines(f"\t{f.name};\n" for f in functions if f.library == library)
    out.write("local:\n\t*;\n};\n")


def write_stubs(functions, out, library):
    out.write("/* Functions that are not implemented yet.  Generated from lib/functions.tsv; do not edit.\n" + LICENCE)
    out.writelines(f'#include "include/{header}"\n' for header in HEADERS[library])
    for f in missing(functions, library):
        value = failure(f)
        out.write(f"\n{f.returns} {f.name}({f.arguments})\n{{\n\tSetLastError(ERROR_CALL_NOT_IMPLEMENTED);\n")
        out.write(f"\treturn {value};\n}}\n" if value else "}\n")


def zeros(function):
    """Arguments for a call: a zero of each type, structures included."""
    values = []
    for argument in function.arguments.split(", "):
        if argument != "void":
            kind = re.sub(r"(.*)\[\]$", r"\1", argument)
            kind = re.match(r"(.*?)\w+$", kind).group(1).strip() + (" *" if argument.endswith("[]") else "")
            values.append(f"({kind}){{ 0 }}")
    return ", ".join(values)


def write_check(functions, out, _library):
    out.write("/* Every function that is not implemented fails with 120 in its own way.\n"
              " * Generated from lib/functions.tsv; do not edit.\n" + LICENCE)
    out.write('#include "include/clusapi.h"\n#include "include/resapi.h"\n#include "tests/lib/test.h"\n\n'
              "static void check_last_error(const char *name)\n{\n\tif (GetLastError() != ERROR_CALL_NOT_IMPLEMENTED)\n"
              '\t\ttest_fail(__FILE__, __LINE__, "%s left the last error %u", name, GetLastError());\n}\n')
    kinds = {}
    for f in missing(functions):
        kinds.setdefault(failure(f), []).append(f)
    for value, group in sorted(kinds.items(), key=lambda item: item[0] or ""):
        what = re.sub(r"\W+", "_", (value or "nothing").lower()).strip("_")
        out.write(f"\nTEST(not_implemented_gives_{what})\n{{\n")
        for f in group:
            call = f"{f.name}({zeros(f)})"
            out.write("\tSetLastError(4711);\n")
            out.write(f"\tCHECK({call} == {value});\n" if value else f"\t{call};\n")
            out.write(f'\tcheck_last_error("{f.name}");\n')
        out.write("}\n")
    if not kinds:
        out.write("\nTEST(everything_is_implemented)\n{\n}\n")


def write_support(functions, out, _library):
    out.write("# What works\n\n"
              "Generated from `lib/functions.tsv`; do not edit.  Refresh it with\n"
              "`python3 gen/exports.py support lib/functions.tsv docs/SUPPORT.md`.\n\n"
              "A function that is not implemented fails with `ERROR_CALL_NOT_IMPLEMENTED` (120) in its own way of failing\n"
              "and changes nothing.  *Since* is the first Windows Server that documents the function.\n")
    for library in HEADERS:
        for mark, title in MARKS.items():
            group = [f for f in functions if f.library == library and f.mark == mark]
            if group:
                out.write(f"\n## lib{library}: {title[0].lower()}{title[1:]}\n\n"
                          "| function | status | since | note |\n|---|---|---|---|\n")
                out.writelines(f"| {f.name} | {f.status} | {f.since} | {f.note} |\n" for f in group)


WRITERS = {"map": write_map, "stubs": write_stubs, "check": write_check, "support": write_support}


def main():
    if len(sys.argv) not in (4, 5) or sys.argv[1] not in WRITERS:
        sys.exit(__doc__)
    what, table, output = sys.argv[1:4]
    functions = read(table)
    with open(output, "w", encoding="utf-8") as out:
        WRITERS[what](functions, out, sys.argv[4] if len(sys.argv) == 5 else None)


if __name__ == "__main__":
    main()
