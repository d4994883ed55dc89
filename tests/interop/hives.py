#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Foreign readers of registry hives find in ours what we wrote: names, types, data, times, classes, descriptors.
hivexml and hivexsh (libhivex-bin), Win::Hivex (libwin-hivex-perl) and Parse::Win32Registry (libparse-win32registry-perl)
each read the collection of tests/lib/hives.c.  Where a reader is known to be wrong or limited, the text below says so and
that part, no more, is not compared.  Prints TAP.

Usage: hives.py HIVE_SAMPLES HIVE_DUMP"""
import base64
import datetime
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

EPOCH = 11644473600
SAMPLES = ["golden", "basic", "names", "control", "lone-surrogates", "long-names", "big", "huge", "leaves", "wide",
           "many-values", "deep", "descriptors"]
# hivex refuses these; the reasons are its limits, not our bytes.
HIVEX_REFUSES = {
    "lone-surrogates": "hivex refuses names with lone surrogates",
    "huge": "hivex refuses values of more than 8,000,000 bytes",
}


def read_text(path):
    """The lines of NAME.txt as lists of fields."""
    with open(path, encoding="ascii") as lines:
        return [line.split() for line in lines]


def unix_time(filetime):
    return int(filetime) // 10000000 - EPOCH


def as_hivex(line):
    """What Win::Hivex can show of a line: no classes and descriptors."""
    return [*line[:3], str(unix_time(line[3])), "?", "?"] if line[0] == "K" else line


# Parse::Win32Registry shows no data if what follows its record in the file is shorter than the data.
WIN32REGISTRY_EMPTY = {("golden", 16345), ("big", 1100000), ("huge", 9000000)}


def as_win32registry(sample, line):
    """Surrogates become U+FFFD, times before 1970 or after 2038 nothing."""
    def shown(name):
        units = [name[i:i + 4] for i in range(0, len(name), 4)]
        return "".join("fffd" if "d800" <= u <= "dfff" else u for u in units) if name != "-" else name

    line = [*line[:2], shown(line[2]), *line[3:]]
    if line[0] == "K":
        time = unix_time(line[3])
        line[3:5] = str(time) if 0 <= time <= 0x7FFFFFFF else "?", shown(line[4])
    elif (sample, len(line[4]) // 2) in WIN32REGISTRY_EMPTY:
        line[4] = "?"
    return line


def differences(found, expected):
    for number, (one, other) in enumerate(zip(found, expected), 1):
        if one != other:
            return f"line {number} is {' '.join(one)[:200]}, not {' '.join(other)[:200]}"
    return None if len(found) == len(expected) else f"{len(found)} lines, not {len(expected)}"


def run(command, text=None):
    """What it prints, or an exception with what it complained about."""
    result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=100, errors="replace")
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed with {result.returncode}: {result.stderr.strip()[:300]}")
    return result.stdout


def check_dump(library, dump, sample, hive, expected):
    found = [line.split() for line in run(["perl", dump, library, hive]).splitlines()]
    expected = [as_hivex(line) if library == "hivex" else as_win32registry(sample, line) for line in expected]
    if sample == "descriptors":  # Most of them are not well-formed, and then they are not shown.
        for line in found + expected:
            line[5:] = "?"
    return differences(found, expected)


def text_of(name):
    return bytes.fromhex(name).decode("utf-16-be") if name != "-" else ""


XML_TYPES = ["none", "string", "expand", "binary", "int32", "int32", "link", "string-list", "resource-list",
             "resource-description", "resource-requirements", "int64"]


def xml_value(kind, data):
    """The type and the text that hivexml shows for data."""
    name = XML_TYPES[kind] if kind < len(XML_TYPES) else "unknown"
    if name in ("string", "expand", "link"):
        units = data[:len(data) // 2 * 2].decode("utf-16-le")
        return name, units.split("\0")[0]
    if name == "int32":
        return name, str(struct.unpack("<i" if kind == 4 else ">i", data)[0])
    if name == "int64":
        return name, str(struct.unpack("<q", data)[0])
    if name == "string-list":
        return name, data.decode("utf-16-le").split("\0")[:-1]
    return name, data


def xml_lines(node, depth):
    """(depth, name, time) for each key, (depth, name, type, data) for each value, in the order of the file."""
    stack = [(node, depth)]
    while stack:
        node, depth = stack.pop()
        yield depth, node.get("name"), node.findtext("mtime")
        for value in node.findall("value"):
            shown = value.get("value")
            if value.get("encoding") == "base64":
                shown = base64.b64decode(shown)
            elif value.get("type") == "string-list":
                shown = [s.text or "" for s in value.findall("string")]
            yield depth + 1, value.get("key", ""), value.get("type"), shown
        stack += [(child, depth + 1) for child in reversed(node.findall("node"))]


def check_hivexml(_, hive, expected):
    root = xml.etree.ElementTree.fromstring(run(["hivexml", hive]))
    wanted = []
    for line in expected:
        if line[0] == "K":
            time = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=unix_time(line[3]))
            wanted.append((int(line[1]), text_of(line[2]), f"{time:%Y-%m-%dT%H:%M:%SZ}" if line[3] != "0" else None))
        else:
            data = bytes.fromhex(line[4]) if line[4] != "-" else b""
            wanted.append((int(line[1]), text_of(line[2]), *xml_value(int(line[3]), data)))
    found = list(xml_lines(root.find("node"), 0))
    return differences([[repr(f)] for f in found], [[repr(w)] for w in wanted])


def check_hivexsh(_, hive, expected):
    """It finds each key by walking to it, as a user would, and lists its subkeys."""
    path, commands, subkeys = [], [], {}
    for line in (l for l in expected if l[0] == "K"):
        path = path[:int(line[1])] + [text_of(line[2])]
        if len(path) > 1:
            subkeys.setdefault(tuple(path[1:-1]), []).append(path[-1])
    wanted = []
    for parent, names in subkeys.items():
        commands += ["cd \\" + "\\".join(parent), "ls"]
        wanted += names
    found = run(["hivexsh", hive], "\n".join(commands) + "\n").splitlines()
    return differences([[f] for f in found], [[w] for w in wanted])


def tools(dump):
    """(name, why it cannot run or None, samples, check, what it refuses) of each."""
    def perl(module, package):
        if shutil.which("perl") is None:
            return "no perl"
        loaded = subprocess.run(["perl", "-M" + module, "-e", "1"], capture_output=True).returncode == 0
        return None if loaded else f"no {module} (package {package})"

    def program(name):
        return None if shutil.which(name) else f"no {name} (package libhivex-bin)"

    yield ("Win::Hivex", perl("Win::Hivex", "libwin-hivex-perl"), SAMPLES,
           lambda *arguments: check_dump("hivex", dump, *arguments), HIVEX_REFUSES)
    yield ("Parse::Win32Registry", perl("Parse::Win32Registry", "libparse-win32registry-perl"), SAMPLES,
           lambda *arguments: check_dump("win32registry", dump, *arguments), {})
    yield ("hivexml", program("hivexml"), ["golden", "basic", "names", "leaves", "deep"], check_hivexml, {})
    yield ("hivexsh", program("hivexsh"), ["golden", "basic", "leaves"], check_hivexsh, {})


def main():
    samples, dump = sys.argv[1:]
    cases = [(tool, s) for tool in tools(dump) for s in tool[2]]
    failed = 0
    print(f"1..{len(cases)}")
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([samples, directory], check=True)
        for number, ((name, missing, _, check, refuses), sample) in enumerate(cases, 1):
            hive = os.path.join(directory, sample + ".hive")
            text = f"{number} - {name} finds in {sample} what we wrote"
            if missing or sample in refuses:
                print("ok", text, "# SKIP", missing or refuses[sample], flush=True)
                continue
            try:
                wrong = check(sample, hive, read_text(os.path.join(directory, sample + ".txt")))
            except (RuntimeError, ValueError, subprocess.TimeoutExpired) as e:
                wrong = str(e)
            failed += wrong is not None
            print("ok" if wrong is None else "not ok", text, flush=True)
            if wrong is not None:
                print("#", wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
