#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a test program in C as a client of a throw-away cluster; its TAP is this one's.

Usage: library_c.py RUEDAD LIBCLUSAPI PROGRAM [arguments of the program]"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402

if os.access("/dev/shm", os.W_OK):
    os.environ.setdefault("TMPDIR", "/dev/shm")  # Nothing here loses power: no need to wait for a disk.
RUEDAD, LIBRARY, (PROGRAM, *ARGUMENTS) = cluster.main(sys.argv)

with cluster.Cluster(RUEDAD, LIBRARY) as c:
    backups = c.path("backups")
    os.mkdir(backups)
    os.chmod(backups, 0o1777)
    status = subprocess.run([PROGRAM, *ARGUMENTS], env={**c.environment, "TEST_BACKUPS": backups}, check=False).returncode
    if status != 0:
        for line in c.log_text().splitlines()[-20:]:
            print("#", line)
sys.exit(status)
