#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the documentation's own backup sample against a cluster: its words, its exit code, and the files.

Usage: sample_run.py RUEDAD LIBCLUSAPI PROGRAM...     (exit status 0: all as documented)"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402


def main():
    ruedad, library, programs = sys.argv[1], sys.argv[2], sys.argv[3:]
    home = tap.temporary()
    share = home + "/share"
    os.mkdir(share, 0o700)
    # A copy, since the service's user may not be able to enter the directory of the build.
    with Cluster(ruedad, library, config=f"[unc]\n//ClusBack/19991215 = {share}\n") as c:
        for program in programs:
            done = subprocess.run([program], env=c.environment, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, (program, done.returncode, done.stdout, done.stderr, c.log_text())
            assert "Done" in done.stdout and "\\\\ClusBack\\19991215" in done.stdout, done.stdout
            for word in ("chk????.tmp", "quolog.log", "*.cpt", "*.cpr"):
                assert word in done.stdout, (word, done.stdout)
            names = sorted(os.listdir(share))
            assert len(names) == 3 and names[0] == "Clusbackup.dat" and names[2] == "quolog.log", names
            assert names[1].startswith("chk") and names[1].endswith(".tmp"), names
            assert os.path.getsize(share + "/Clusbackup.dat") == 0
    with Cluster(ruedad, library) as c:  # Where there is no such share.
        for program in programs:
            done = subprocess.run([program], env=c.environment, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 1 and "(3)" in done.stdout, (done.returncode, done.stdout)
    with Cluster(ruedad, library) as c:  # And where there is no such cluster.
        def rename(api):
            assert api.SetClusterName(api.OpenCluster(None), "ANOTHER") == 0

        c.run(rename)
        for program in programs:
            done = subprocess.run([program], env=c.environment, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 1 and "(1722)" in done.stdout, (done.returncode, done.stdout)


if __name__ == "__main__":
    main()
