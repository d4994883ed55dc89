#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reader of descriptions (gen/idl.py) refuses what it could not code.  Prints TAP.

Usage: idl.py SOURCE_ROOT"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(sys.argv[1], "gen"))
import idl  # noqa: E402

GOOD = """interface good f6a473af-6b69-469d-b840-64a47d212bcd 1.0 2.0
handle hkey
struct pair a:u32 b:wstr?
method 0 Do A   # all kinds
\tin key:hkey list:pair[count] count:u32 room:u32
\tout data:u8[room:used] used:u32 status:status@2
"""
BAD = (  # what is wrong, a statement that is added to the good description, a part of the message
    ("an unknown statement", "structure x a:u32", "unknown statement"),
    ("an unknown type", "struct x a:u33", "unknown type"),
    ("a structure within itself", "struct x a:x?", "unknown type"),
    ("a field without a type", "struct x a", "not a field"),
    ("two fields of one name", "struct x a:u32 a:u32", "two fields"),
    ("two methods of one number", "method 0 Again A out status:status", "defined twice"),
    ("a method without a status", "method 1 Mute A in a:u32", "no out parameter status"),
    ("a number that is no parameter", "method 1 Do1 A in a:u8[n] out status:status", "n is not a u32 here"),
    ("a number that is no u32", "method 1 Do1 A in a:u8[n] n:u16 out status:status", "n is not a u32 here"),
    ("a number for two arrays", "method 1 Do1 A in a:u8[n] b:u8[n] n:u32 out status:status", "belongs to another"),
    ("a number of other versions", "method 1 Do1 A in a:u8[n] n:u32@2 out status:status", "belongs to another"),
    ("a range of a u16", "struct x a:u16{1,2}", "only a u32 has a range"),
    ("an array of bare strings", "struct x n:u32 a:wstr[n]", "wstr?[n]"),
    ("a bare string in a structure", "struct x a:wstr", "is wstr?"),
    ("a version in a structure", "struct x a:u32@2", "versions and []"),
    ("an array in the middle of a structure", "struct x n:u32 a:u8[n] b:u32", "last field"),
    ("an array before its number in a structure", "struct x a:u8[n] n:u32", "last field"),
    ("a bare structure with an array at its end", "struct x n:u32 a:u8[n]\nstruct y x:x", "stands behind a pointer"),
    ("a fixed number of something else", "struct x a:u32[4]", "only u8"),
    ("a lax parameter", "method 1 Do1 A in a:u8[n]~ n:u32 out status:status", "~ is for structures"),
    ("a lax value", "struct x a:u32~", "~ is for arrays"),
)


def read(directory, text):
    """None, or the message."""
    path = os.path.join(directory, "good.idl")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    try:
        idl.read(path)
    except SystemExit as refused:
        return str(refused)
    return None


def main():
    results = []
    with tempfile.TemporaryDirectory() as directory:
        message = read(directory, GOOD)
        results.append(("a good description is accepted", message is None, message))
        for what, more, expected in BAD:
            message = read(directory, GOOD + more + "\n") or "it was accepted"
            line = GOOD.count("\n") + more.count("\n") + 1
            told = expected in message and f"good.idl:{line}:" in message
            results.append((f"{what} is refused, with the line", told, message))
    print(f"1..{len(results)}")
    for number, (name, good, message) in enumerate(results, 1):
        print("ok" if good else "not ok", number, "-", name)
        if not good:
            print("#", str(message).strip().replace("\n", "\n# "))
    return 0 if all(good for _, good, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
