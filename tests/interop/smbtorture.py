#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Samba's own tests of a cluster's RPC service, written against Windows, run against ours over its unix socket.  Prints TAP.

Usage: smbtorture.py RUEDAD LIBCLUSAPI [part of a test's name...]       without smbtorture all is skipped"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
# Those that pass: control codes with their sizes, formats and codes that are none; every object of a kind, one by one.
TESTS = [
    "rpc.clusapi.group.GroupControl",
    "rpc.clusapi.node.NodeControl",
    "rpc.clusapi.node.all_nodes",
    "rpc.clusapi.resourcetype.all_resourcetypes",
]
shared = None


def smbtorture(name):
    global shared
    if shutil.which("smbtorture") is None:
        raise tap.Skip("smbtorture is not installed")
    if shared is None:
        shared = cluster.Cluster(RUEDAD, LIBRARY)
    conf, own = shared.path("smb.conf"), tap.temporary()
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"[global]\nncalrpc dir = {shared.path('run')}\n")
        for what in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
            f.write(f"{what} = {own}\n")
    run = subprocess.run(["smbtorture", "-s", conf, "-U%", "ncalrpc:[cluster]", name], capture_output=True, text=True,
                         timeout=60, check=False)
    lines = run.stdout.splitlines()
    assert "success: " + name.split(".", 2)[2] in lines, run.stdout + run.stderr
    assert not any(line.startswith(("failure:", "error:")) for line in lines), run.stdout


def define(name):
    def run():
        smbtorture(name)

    run.__name__ = name.replace(".", "_").lower()
    tap.test(run)


if __name__ == "__main__":
    for each in TESTS:
        define(each)
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
