#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Samba's ndrdump reads a request and an answer of every method as we write them, and what it writes after reading is
byte for byte the same.  Prints TAP, one line for each method and direction.

Usage: ndrdump.py NDRBLOBS          RUEDA_TEST_LONG=1: many random values, also with NULL pointers"""
import multiprocessing.pool
import os
import re
import shutil
import subprocess
import sys
import tempfile

SAMBA_LAST = 183  # The last number that Samba describes.
UNREADABLE = {("SetNetworkPriorityOrder", "in"): "Samba describes the list of strings as a single string"}
# Where a request ends with a BOOL, Samba gives it one byte instead of four: it reads three bytes too few.
SHORT_BOOL = ("DeleteGroup", "AddNotifyKey", "AddNotifyV2")


def check(directory, name, way):
    """None, or what is wrong."""
    path = os.path.join(directory, name)
    size = os.path.getsize(f"{path}.{way}")
    context = ["-c", path + ".in"] if way == "out" and (name, "in") not in UNREADABLE else []
    command = ["ndrdump", "--validate", "-d0", *context, "clusapi", "clusapi_" + name, way, f"{path}.{way}"]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    lines = (run.stdout + run.stderr).splitlines()
    faults = [l for l in lines if "WARNING" in l and "context file" not in l]
    if way == "in" and name in SHORT_BOOL:
        expected = (f"orig bytes:{size} validated pushed bytes:{size - 3}", "3 unread bytes", f"differ at byte 0x{size - 3:02X}",
                    rf"orig byte\[0x{size - 3:02X}\] = 0x00")
        if not all(any(re.search(e, f) for f in faults) for e in expected):
            return "\n".join(lines)
        faults = []
    read = sum("pull returned Success" in l for l in lines)
    if run.returncode != 0 or faults or read != 2 or "dump OK" not in lines:
        return "\n".join([" ".join(command), *lines])
    return None


def main():
    ndrblobs = sys.argv[1]
    if shutil.which("ndrdump") is None:
        print("1..0 # SKIP no ndrdump (package samba-testsuite)")
        return 0
    rounds = [["1", "full"]] + ([[str(seed)] for seed in range(2, 22)] if os.environ.get("RUEDA_TEST_LONG") else [])
    failures = {}
    for arguments in rounds:
        with tempfile.TemporaryDirectory() as directory, multiprocessing.pool.ThreadPool(2) as pool:
            listing = subprocess.run([ndrblobs, directory, *arguments], check=True, capture_output=True, text=True).stdout
            names = [name for number, name in map(str.split, listing.splitlines()) if int(number) <= SAMBA_LAST]
            cases = [(name, way) for name in names for way in ("in", "out")]
            readable = [c for c in cases if c not in UNREADABLE]
            for case, failure in zip(readable, pool.starmap(check, [(directory, *c) for c in readable])):
                if failure:
                    failures.setdefault(case, f"seed {arguments[0]}\n{failure}")
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        skip = f" # SKIP {UNREADABLE[case]}" if case in UNREADABLE else ""
        print("not ok" if case in failures else "ok", number, "-", *case, "is read and written by Samba as by us" + skip)
        for line in failures.get(case, "").splitlines():
            print("#", line)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
