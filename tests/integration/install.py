#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `make install` puts where it was told runs from there, without a word about where its library is.  Prints TAP.

Usage: install.py BUILD_DIRECTORY PREFIX [part of a test's name...]"""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import test  # noqa: E402

BUILD, PREFIX = sys.argv[1:3]


def documents_that_are_named():
    """By a manual page or by --help: they say "share/doc/rueda/NAME.md", or, from a checkout, "docs/NAME.md"."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    named = set()
    for source in glob.glob(os.path.join(root, "docs", "man", "*.[0-9]*")) + [os.path.join(root, "cli", "main.c")]:
        with open(source, encoding="utf-8") as f:
            named |= set(re.findall(r"(?:docs|doc/rueda)/([\w-]+\.md)", f.read()))
    assert "json.md" in named, named
    return named


@test
def what_is_installed_runs_and_its_manuals_are_there():
    place = tap.temporary()
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", place], check=True, timeout=100,
                   stdout=subprocess.DEVNULL)
    here = place + PREFIX
    for program in ("rueda", "ruedad"):
        done = subprocess.run([f"{here}/sbin/{program}", "--version"], env={}, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and done.stdout.startswith(program + " "), (program, done)
    for page in ("man8/rueda.8", "man8/ruedad.8", "man5/rueda.conf.5", "man5/rueda-client.conf.5", "man7/rueda-recovery.7"):
        assert os.path.getsize(f"{here}/share/man/{page}") > 1000, page
    for document in documents_that_are_named():
        assert os.path.getsize(f"{here}/share/doc/rueda/{document}") > 1000, document


tap.run(sys.argv[3:])
