#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The public headers: they compile everywhere, say what the table says, and every function is documented.

Usage: headers.py SOURCE_ROOT BUILD_ROOT LIBCLUSAPI LIBRESUTILS

Compilers: gcc, g++, clang, clang++ (those that are missing are skipped, and counted), each with wchar_t of 16 and of 32
bits, with -Wall -Wextra -Werror.  Prints TAP."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD, LIBRARIES = sys.argv[1], sys.argv[2], {"clusapi": sys.argv[3], "resutils": sys.argv[4]}
sys.path.insert(0, os.path.join(SOURCE, "gen"))
sys.dont_write_bytecode = True
import exports  # noqa: E402

INCLUDE = os.path.join(SOURCE, "include")
FLAGS = [f"-I{INCLUDE}", f"-I{os.path.join(BUILD, 'include')}"]
STRICT = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
COMPILERS = ["gcc", "g++", "clang", "clang++"]
WIDTHS = [[], ["-fshort-wchar"]]
TOGETHER = ["ClusDocEx.h", "rueda.h", "winerror.h"]
PUBLIC = ["windows.h", "winerror.h", "tchar.h", "strsafe.h", "clusapi.h", "resapi.h", "ClusDocEx.h", "rueda.h"]
tests = []


def is_cxx(compiler):
    return compiler.endswith("++")


def compile_text(compiler, flags, text):
    """The complaints of a compiler; empty if it is content."""
    language = "c++" if is_cxx(compiler) else "c"
    result = subprocess.run([compiler, "-x", language, *FLAGS, *STRICT, *flags, "-"], input=text, text=True,
                            capture_output=True)
    return "" if result.returncode == 0 else result.stderr or "failed"


def test(name, faults):
    tests.append((name, None, faults))


def skip(name, why):
    tests.append((name, why, []))


def headers():
    for directory, _, names in os.walk(INCLUDE):
        yield from (os.path.relpath(os.path.join(directory, n), INCLUDE) for n in names if n.endswith(".h"))


def check_compilers():
    with open(os.path.join(SOURCE, "tests/integration/layouts.c"), encoding="utf-8") as f:
        layouts = f.read()
    together = "".join(f"#include <{name}>\n" for name in TOGETHER)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for compiler in COMPILERS:
            for width in WIDTHS:
                what = f"{compiler} with wchar_t of {16 if width else 32} bits"
                if shutil.which(compiler) is None:
                    skip(what, f"{compiler} is not there")
                    continue
                jobs = {name: f"#include <{name}>\n" for name in PUBLIC}
                jobs["all of them"] = together
                jobs["layouts.c"] = layouts
                jobs["UNICODE"] = "#define UNICODE\n" + together
                if is_cxx(compiler) and width:
                    jobs["the C++ library after them"] = together + "#include <bits/stdc++.h>\n"
                if compiler == "gcc" and width:  # In parts and spellings is nothing that compilers see differently.
                    jobs.update({name: f"#include <{name}>\n" for name in sorted(headers()) if name not in PUBLIC})
                done = pool.map(lambda job: (job[0], compile_text(compiler, width, job[1])), jobs.items())
                test(f"each header alone, and all of them: {what}", [f"{n}: {e}" for n, e in done if e])


def check_wide_functions():
    """What would be wrong with 16-bit units does not compile."""
    faults = []
    calls = ["swscanf(a, a)", "mbstowcs(a, 0, 1)", "wcstod(a, 0)", "wcscoll(a, a)"]
    for compiler in filter(shutil.which, COMPILERS):
        lines = "\n".join(f"(void){call};" for call in calls)
        text = f"#include <windows.h>\nint main(void) {{ WCHAR a[4] = {{ 0 }};\n{lines}\nreturn 0; }}\n"
        errors = compile_text(compiler, ["-fshort-wchar"], text)
        faults += [f"{compiler} takes {call}" for line, call in enumerate(calls, 3)
                   if not re.search(rf"<stdin>:{line}:.*poison", errors)]
        text = "#define RUEDA_NO_WIDE_MAP\n#include <windows.h>\n#ifdef wcslen\n#error mapped\n#endif\n"
        faults += filter(None, [compile_text(compiler, [], text)])
    test("what is wrong with 16-bit wchar_t is poisoned", faults)


def declarations(text):
    """Name → (file, declaration) of all functions in preprocessed text."""
    found, where, code = {}, "", []
    for line in text.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            where = marker.group(1)
        elif not line.startswith("#"):
            code.append((where, line))
    statement, inside = "", 0
    for where, line in code:
        if not where.startswith((INCLUDE, "<stdin>")):
            continue
        for part in re.split(r"([;{}])", line):
            inside += (part == "{") - (part == "}")
            if part in ";{}":
                match = re.fullmatch(r"\s*([\w\s*]+?)\b(\w+)\s*\((.*)\)\s*", statement, re.S)
                if part == ";" and inside == 0 and match and "typedef" not in statement:
                    found[match.group(2)] = (where, "".join(re.sub(r"\s+", " ", statement).split(" ")))
                statement = ""
            else:
                statement += " " + part.strip()
    return found


def preprocess(text):
    return subprocess.run(["gcc", "-E", "-x", "c", *FLAGS, "-"], input=text, text=True, capture_output=True,
                          check=True).stdout


def check_table(table):
    """Headers, table and libraries name the same functions, with the same types."""
    lines = "#include <resapi.h>\n#include <rueda.h>\n#include <strsafe.h>\n"
    declared = declarations(preprocess(lines))
    declared = {n: d for n, d in declared.items() if d[0] != "<stdin>"}
    rows = "".join(f"{f.returns} {f.name}({f.arguments});\n" for f in table)
    listed = {n: d for n, d in declarations(preprocess(lines + rows)).items() if d[0] == "<stdin>"}
    faults = [f"{n} is declared, but not in the table" for n in sorted(set(declared) - set(listed))]
    faults += [f"{n} is in the table, but not declared" for n in sorted({f.name for f in table} - set(declared))]
    for f in table:
        if f.name in declared and f.name in listed and declared[f.name][1] != listed[f.name][1]:
            faults.append(f"{f.name}: header {declared[f.name][1]}, table {listed[f.name][1]}")
        if f.name in declared and (f"{INCLUDE}/resapi" in declared[f.name][0]) != (f.library == "resutils"):
            faults.append(f"{f.name} of {f.library} is declared in {declared[f.name][0]}")
    test("the headers declare what the table lists", faults)

    for library, path in LIBRARIES.items():
        symbols = subprocess.run(["nm", "-D", "--defined-only", path], text=True, capture_output=True, check=True).stdout
        exported = {m for m in re.findall(r" [A-Zi] (\w+)", symbols) if m != "RUEDA_0"}
        names = {f.name for f in table if f.library == library}
        test(f"lib{library} exports what the table lists",
             [f"{n} is exported, but not in the table" for n in sorted(exported - names)]
             + [f"{n} is in the table, but not exported" for n in sorted(names - exported)])


def check_failures():
    """The rule by which functions fail that are not implemented (the test not-implemented calls them)."""
    rules = {("DWORD", "BackupClusterDatabase"): "ERROR_CALL_NOT_IMPLEMENTED", ("BOOL", "CloseCluster"): "FALSE",
             ("LONG", "ClusterRegOpenKey"): "ERROR_CALL_NOT_IMPLEMENTED", ("HCLUSTER", "OpenCluster"): "NULL",
             ("LPWSTR", "ResUtilGetSzValue"): "NULL", ("PWSTR", "ResUtilDupString"): "NULL",
             ("CLUSTER_GROUP_STATE", "GetClusterGroupState"): "(CLUSTER_GROUP_STATE)-1",
             ("DWORD", "ClusterGetEnumCount"): "0", ("DWORD", "ClusterGetEnumCountEx"): "0",
             ("void", "ResUtilFreeParameterBlock"): None}
    faults = []
    for (returns, name), wanted in rules.items():
        found = exports.failure(exports.Function("clusapi", name, returns, "void", "A", "not implemented", "", ""))
        if found != wanted:
            faults.append(f"{returns} {name}() fails with {found}, not with {wanted}")
    test("what is not implemented fails in the way of its kind", faults)


def check_comments(table):
    """A comment stands above each function; that of a function of mark A or R says what it returns."""
    text = ""
    for name in sorted(headers()):
        with open(os.path.join(INCLUDE, name), encoding="utf-8") as f:
            text += f.read()
    faults = []
    for f in table:
        if f.mark == "W":
            continue
        above = re.search(r"/\*((?:[^*]|\*(?!/))*)\*/\n[^\n;]*\b" + f.name + r"\(", text)
        if above is None:
            faults.append(f"{f.name} has no comment")
        elif f.mark in "AR" and not re.search(r"Returns|[Rr]esult as for|On failure 0", above.group(1)):
            faults.append(f"the comment of {f.name} does not say what it returns")
    test("every function is documented where it is declared", faults)


def check_support(table):
    with tempfile.TemporaryFile("w+", encoding="utf-8") as wanted:
        exports.write_support(table, wanted, None)
        wanted.seek(0)
        with open(os.path.join(SOURCE, "docs/SUPPORT.md"), encoding="utf-8") as f:
            same = f.read() == wanted.read()
    test("docs/SUPPORT.md is what the table gives",
         [] if same else ["refresh it: python3 gen/exports.py support lib/functions.tsv docs/SUPPORT.md"])


def main():
    table = exports.read(os.path.join(SOURCE, "lib/functions.tsv"))
    check_compilers()
    check_wide_functions()
    check_table(table)
    check_failures()
    check_comments(table)
    check_support(table)
    print(f"1..{len(tests)}")
    for number, (name, why, faults) in enumerate(tests, 1):
        print("not ok" if faults else "ok", number, "-", name, f"# SKIP {why}" if why else "")
        for fault in faults:
            print("#", fault.replace("\n", "\n# "))
    return 1 if any(faults for _, _, faults in tests) else 0


if __name__ == "__main__":
    sys.exit(main())
