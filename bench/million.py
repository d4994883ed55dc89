#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""million: 1,000,000 values of 200 bytes in 10,000 keys: memory, a backup, and the start to the first value read.

Usage: bench/million.py [VALUES, default 1000000]"""
import sys

import common


def measure(b, values=1_000_000):
    starts, killed, memory = [], [], []
    with b.cluster() as ours:
        print(f"  filled in {ours.load('fill', values)['seconds']:.1f} s", flush=True)
        memory.append(common.memory_mb(ours.cluster.service_pid()))
        target = common.fresh(b.path("set"))
        backups = [ours.load("backup", target)["seconds"] for _ in range(3)]
        peak = common.memory_mb(ours.cluster.service_pid(), "VmHWM")
        for _ in range(3):
            ours.cluster.stop()
            starts.append(ours.start_to_answer())
            memory.append(common.memory_mb(ours.cluster.service_pid()))
            ours.load("set", 1, 0.2)
            ours.cluster.kill()
            killed.append(ours.start_to_answer())
    name = f"{values:,} values"
    b.row(f"{name}: start to the first answer", starts, None, "s", at_most=2)
    b.row(f"{name}: the same after kill -9", killed, None, "s", at_most=2)
    b.row(f"{name}: backup, proven", backups, None, "s")
    b.row(f"{name}: memory", memory, None, "MB")
    b.row(f"{name}: greatest memory, with backups", [peak], None, "MB")


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(int, sys.argv[1:])))
