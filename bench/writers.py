#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""writers: what backups cost those who write meanwhile: the 99th percentile of one caller's durable sets, alone and with
backups of 100,000 values back to back; etcd with snapshots back to back for comparison.

Usage: bench/writers.py [SECONDS of each round, default 3]"""
import os
import statistics
import subprocess
import sys

import common

SNAPSHOTS = 'while :; do etcdctl --endpoints "$1" snapshot save "$2" || exit; rm -f "$2"; done'


def measure(b, seconds=3):
    target = common.fresh(b.path("set"))
    with b.cluster() as ours:
        etcd = b.etcd()
        ours.load("fill", common.VALUES)
        if etcd:
            etcd.fill(common.VALUES)
        backups = []

        def alone():
            return ours.load("set", 1, seconds)["p99_us"]

        def beside_backups():
            others = ours.begin("backups", target)
            p99 = alone()
            backups.append(ours.finish(others)["count"])
            return p99

        def etcd_alone():
            return etcd.load(callers=1, seconds=seconds)["p99_us"]

        def etcd_beside_snapshots():
            others = subprocess.Popen(["sh", "-c", SNAPSHOTS, "sh", etcd.client, b.path("s.db")], start_new_session=True,
                                      env={**os.environ, "ETCDCTL_API": "3"}, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            try:
                return etcd_alone()
            finally:
                os.killpg(others.pid, 15)
                others.wait()

        r = b.rounds(7, alone=alone, beside=beside_backups, etcd_alone=etcd and etcd_alone,
                     etcd_beside=etcd and etcd_beside_snapshots)
        if etcd:
            etcd.stop()
    b.row("p99 of sets, backups back to back", r["beside"], r["alone"], "µs", "no backups", at_most=1.25)
    if etcd:
        b.note(f"etcd's p99 of puts: {common.number(statistics.median(r['etcd_alone']))} µs alone, "
               f"{common.number(statistics.median(r['etcd_beside']))} µs with snapshots back to back.")
    b.note(f"Backups in each round of {seconds:g} s: {min(backups)}–{max(backups)}.")


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(float, sys.argv[1:])))
