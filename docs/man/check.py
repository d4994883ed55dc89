#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each manual page is formatted without a warning, and has what a page must have.  Prints TAP.  Usage: check.py PAGE..."""
import os
import re
import shutil
import subprocess
import sys

SECTIONS = ("NAME", "DESCRIPTION", "SEE ALSO")


def faults(page):
    if shutil.which("man") is None:
        return None
    done = subprocess.run(["man", "--warnings", "--local-file", page], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env={**os.environ, "MANWIDTH": "100", "MANROFFOPT": "-ww", "LC_ALL": "C.UTF-8"})
    found = [line for line in done.stderr.splitlines() if line]
    text = re.sub(r".\x08", "", done.stdout)
    found += [f"there is no section {name}" for name in SECTIONS if not re.search(rf"^{name}$", text, re.M)]
    if len(text.splitlines()) < 20:
        found.append("there is hardly any text")
    return found


def main():
    failed = 0
    print(f"1..{len(sys.argv) - 1}")
    for number, page in enumerate(sys.argv[1:], 1):
        found = faults(page)
        name = os.path.basename(page)
        failed += bool(found)
        print("not ok" if found else "ok", number, "-", name, "# SKIP there is no man(1)" if found is None else "")
        for fault in found or []:
            print("#", fault)
    return 1 if failed else 0


sys.exit(main())
