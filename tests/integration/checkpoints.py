#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""When a running service writes a checkpoint.  Prints TAP.

Usage: checkpoints.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
KB = 1 << 10


def newest(c):
    """The index of the newest checkpoint."""
    return max(int(os.path.basename(p)[11:27]) for p in glob.glob(c.path("state/*/checkpoint-*.run")))


def write(c, size, prefix):
    """Values of size bytes together, 16 KiB each."""
    def call(api):
        root = api.root(api.OpenCluster(None))
        for i in range(size // (16 * KB)):
            assert api.set_value(root, f"{prefix}{i}", cluster.REG_BINARY, bytes(16 * KB)) == 0

    c.run(call)


def set_log_size(c, size):
    def call(api):
        r, quorum = api.open_key(api.root(api.OpenCluster(None)), "Quorum")
        assert r == 0
        assert api.set_number(quorum, "MaxQuorumLogSize", size) == 0

    c.run(call)


def wait_for_checkpoint(c, after):
    deadline = time.monotonic() + 90
    while newest(c) <= after:
        assert time.monotonic() < deadline, "there is no new checkpoint"
        time.sleep(0.02)


def settle(c):
    """A stop writes what is not in a checkpoint; the next start counts from there."""
    c.stop()
    c.start()
    return newest(c)


@test
def one_is_due_when_the_log_exceeds_the_size_that_the_administrator_has_set():
    with Cluster(RUEDAD, LIBRARY) as c:
        set_log_size(c, 64 * KB)
        before = settle(c)
        write(c, 32 * KB, "a")
        time.sleep(0.3)
        assert newest(c) == before
        write(c, 96 * KB, "b")
        wait_for_checkpoint(c, before)


@test
def one_of_a_large_database_waits_for_changes_of_a_quarter_of_its_size():
    with Cluster(RUEDAD, LIBRARY) as c:
        set_log_size(c, 64 * KB)
        write(c, 1024 * KB, "a")
        before = settle(c)
        write(c, 192 * KB, "a")  # The same values again: the database does not grow.
        time.sleep(0.3)
        assert newest(c) == before, "a checkpoint of a megabyte was written for 192 KiB of changes"
        write(c, 512 * KB, "a")
        wait_for_checkpoint(c, before)


if __name__ == "__main__":
    tap.run(CHOSEN)
