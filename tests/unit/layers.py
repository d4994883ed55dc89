#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The directories are the architecture: who may include whose headers, which files must open with a comment, and
which calls are banned where.  Prints TAP."""
import os
import re
import sys

ALLOWED = {
    "base": "",
    "io": "base",
    "wire": "base",
    "hive": "base io",
    "quolog": "base io",
    "seal": "base",
    "compat": "base include",
    "cluster": "base wire",
    "rpc": "base io wire",
    "engine": "base io wire quolog",
    "backup": "base io hive quolog cluster",
    "lib": "base io wire rpc compat include",
    "capture": "base io hive",
    "keys": "base capture seal",
    "priv": "base io wire capture keys seal",
    "guard": "base io wire priv host",
    "host": "base io wire priv",
    "ruedad": "base io wire hive quolog seal compat cluster rpc engine backup capture keys priv host guard",
    "cli": "base lib rpc wire include backup io hive quolog seal cluster capture keys host",
    "sim": "base io wire hive quolog cluster rpc engine backup ruedad",
}
# Calls that hide a bound, a locale or a clock.  io/linux is the real world and may use some of them.
BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|mktemp|tmpnam)\(": (),
    r"(?<![.>])\b(time|sleep|usleep|rand|random|srand|gettimeofday)\(": ("io/linux", "tests", "bench"),
    r"\b(setlocale|towupper|toupper|isalpha|wcs[a-z]+)\(": ("compat", "lib", "tests", "include"),
}
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def sources(root):
    for directory, subdirs, files in os.walk(root):
        subdirs[:] = sorted(d for d in subdirs if not d.startswith((".", "build")))
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(directory, name), root)


def main():
    root = sys.argv[1]
    layer, first, banned = [], [], []
    for path in sources(root):
        text = open(os.path.join(root, path), encoding="utf-8").read()
        top = path.split("/")[0]
        if top in ALLOWED:
            allowed = set(ALLOWED[top].split()) | {top}
            for include in re.findall(r'^#\s*include\s+"([^"]+)"', text, re.M):
                used = include.split("/")[0]
                if used == "tests" or used in ALLOWED and used not in allowed:
                    layer.append(f"{path} includes {include}; {top} may use: {ALLOWED[top] or 'nothing'}")
                if include.startswith("io/linux/") and top in ("cluster", "hive", "quolog", "backup", "engine", "sim"):
                    layer.append(f"{path} includes {include}: only programs choose the real world")
        if not re.match(r"/\*", text):
            first.append(f"{path} does not open with a comment")
        if "SPDX-License-Identifier: Apache-2.0" not in text[:6000]:
            first.append(f"{path} has no SPDX line in its first comment")
        code = STRING.sub('""', COMMENT.sub("", text))
        for pattern, places in BANNED.items():
            if not path.startswith(places or ("\0",)):
                banned += [f"{path}: {m.group(0)}" for m in re.finditer(pattern, code)]
    print("1..3")
    for number, (name, faults) in enumerate(
            (("each directory uses only what its layer allows", layer),
             ("each file opens with a comment and a licence line", first),
             ("no banned calls", banned)), 1):
        print("ok" if not faults else "not ok", number, "-", name)
        for fault in faults:
            print("#", fault)
    return 1 if layer or first or banned else 0


if __name__ == "__main__":
    sys.exit(main())
