#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Foreign readers of registry hives open file checkpoints and find names, modes and data in them.  Prints TAP.

Usage: file_checkpoints.py TREE_SAMPLE HIVE_DUMP HIVELINT"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import test  # noqa: E402

SAMPLE, DUMP, LINT = sys.argv[1:4]
HOME = tap.temporary()
HIVE = os.path.join(HOME, "app.CPT")


def hexadecimal(text):
    return "".join(f"{ord(c):04x}" for c in text)


def make():
    app = os.path.join(HOME, "app")
    os.mkdir(app)
    os.mkdir(os.path.join(app, "conf.d"))
    for name, text in ("README", "upper\n"), ("readme", "lower\n"), ("conf.d/50 %.conf", "x" * 40000):
        with open(os.path.join(app, name), "w", encoding="ascii") as f:
            f.write(text)
    os.chmod(os.path.join(app, "readme"), 0o640)
    os.symlink("/etc/hosts", os.path.join(app, "link"))
    subprocess.run([SAMPLE, HOME, "app", HIVE], check=True)


def values(lines, name):
    return [line for line in lines if line[0] == "V" and line[2] == hexadecimal(name)]


def check(lines):
    """Lines as tests/lib/hives.h describes them, of whichever reader."""
    names = sorted(bytes.fromhex(line[4]).decode("utf-16le").rstrip("\0") for line in values(lines, "Name"))
    assert names == ["50 %25.conf", "README", "conf.d", "link", "readme"], names
    assert [bytes.fromhex(line[4]).decode("utf-16le") for line in values(lines, "Link")] == ["/etc/hosts\0"]
    modes = [int.from_bytes(bytes.fromhex(line[4]), "little") for line in values(lines, "Mode")]
    assert 0o640 in modes, modes
    data = [bytes.fromhex(line[4]) for line in values(lines, "Part0000000000000000") if line[4] != "?"]
    assert b"upper\n" in data and b"lower\n" in data
    return data


def dump(library):
    result = subprocess.run(["perl", DUMP, library, HIVE], capture_output=True, text=True, timeout=100, errors="replace")
    assert result.returncode == 0, result.stderr
    return check([line.split() for line in result.stdout.splitlines()])


@test
def hivex_reads_a_file_checkpoint():
    assert b"x" * 40000 in dump("hivex") # The other one shows no such data: see hives.py.


@test
def parse_win32registry_reads_a_file_checkpoint():
    dump("win32registry")


@test
def hivexsh_walks_through_a_file_checkpoint():
    if shutil.which("hivexsh") is None:
        raise tap.Skip("there is no hivexsh")
    said = subprocess.run(["hivexsh", HIVE], input="ls\ncd 00000003\nlsval Mode\n", capture_output=True, text=True, timeout=60)
    assert said.returncode == 0 and "00000004" in said.stdout, said


@test
def our_own_lint_finds_nothing_wrong():
    result = subprocess.run([sys.executable, LINT, HIVE], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


make()
tap.run(sys.argv[4:])
