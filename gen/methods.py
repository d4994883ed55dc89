#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which methods of MS-CMRP are served: docs/METHODS.md, from the interface's description and the handlers' tables.

Usage: gen/methods.py [--check] SOURCE_DIRECTORY     with --check, prints TAP and says whether the page is up to date"""
import glob
import os
import re
import sys

HEAD = """# Methods of MS-CMRP

Generated from `idl/clusapi.idl` and the handlers in `ruedad/serve/`; do not edit.  Refresh it with
`python3 gen/methods.py .`.

A method that is not served answers with `ERROR_CALL_NOT_IMPLEMENTED` (120) and changes nothing; a number that is no method
is a fault.  Version 3.0 has them all, version 2.0 those up to 108; `BackupClusterDatabase` works on version 2.0, and answers
120 on version 3.0, as specified.

"""


def constant(name):
    """SetKeySecurity -> SET_KEY_SECURITY, as ndrgen.py names it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).upper()


def page(source):
    with open(os.path.join(source, "idl/clusapi.idl"), encoding="utf-8") as f:
        methods = re.findall(r"^method (\d+) (\w+)", f.read(), re.M)
    served = set()
    for path in glob.glob(os.path.join(source, "ruedad/serve/*.c")):
        with open(path, encoding="utf-8") as f:
            served |= set(re.findall(r"\bcase CLUSAPI_(\w+):", f.read()))
    unknown = served - {constant(name) for _, name in methods}
    assert not unknown, f"handlers of no method: {unknown}"
    rows = "".join(f"| {number} | {name} | {'served' if constant(name) in served else 'not implemented'} |\n"
                   for number, name in methods)
    count = sum(constant(name) in served for _, name in methods)
    return f"{HEAD}{count} of {len(methods)} are served.\n\n| number | method | status |\n|---|---|---|\n{rows}"


def main(arguments):
    check = "--check" in arguments
    source = [a for a in arguments if a != "--check"][0]
    path = os.path.join(source, "docs/METHODS.md")
    text = page(source)
    if not check:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return 0
    with open(path, encoding="utf-8") as f:
        same = f.read() == text
    print(f"1..1\n{'ok' if same else 'not ok'} 1 - docs/METHODS.md is what the handlers are")
    if not same:
        print("# refresh it: python3 gen/methods.py .")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
