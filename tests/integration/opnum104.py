#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ApiBackupClusterDatabase (opnum 104) on both versions of MS-CMRP, in raw bytes.  Prints TAP.

Usage: opnum104.py RUEDAD LIBCLUSAPI OPNUM104 [part of a test's name...]"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
PROGRAM = CHOSEN.pop(0)
NOT_IMPLEMENTED = f"{120:08x}"


def call(c, version, name):
    """The words of the answer and what is in the directory of that name now."""
    parent = c.path("backups")
    if not os.path.exists(parent):
        os.mkdir(parent)
        os.chmod(parent, 0o1777)
    path = os.path.join(parent, name)
    answer = subprocess.run([PROGRAM, c.path("run/cluster"), str(version), path], capture_output=True, text=True,
                            check=True).stdout.split()
    return answer, sorted(os.listdir(path)) if os.path.exists(path) else None


@test
def version_3_answers_120_and_makes_nothing():
    with Cluster(RUEDAD, LIBRARY) as c:
        answer, files = call(c, 3, "three")
        # rpc_status, then the status that the call returns.
        assert answer == [f"{0:08x}", NOT_IMPLEMENTED, "8"], answer
        assert files is None, files


@test
def version_2_backs_up():
    with Cluster(RUEDAD, LIBRARY) as c:
        answer, files = call(c, 2, "two")
        assert answer == [f"{0:08x}", "4"], answer
        assert files == ["Clusbackup.dat", "chk0001.tmp", "quolog.log"], files


@test
def api_level_2008_answers_120_on_both_and_makes_nothing():
    with Cluster(RUEDAD, LIBRARY, config="api_level = 2008\n") as c:
        for version, words in ((2, [NOT_IMPLEMENTED, "4"]), (3, [f"{0:08x}", NOT_IMPLEMENTED, "8"])):
            answer, files = call(c, version, "old")
            assert answer == words, (version, answer)
            assert files is None, files


tap.run(CHOSEN)
