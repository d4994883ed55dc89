#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""restore: 100,000 values of 200 bytes, from the call to the first value read through new handles, against etcdctl snapshot
restore and a start of etcd.  Ours replaces a running cluster of the same size, which it first backs up (the safety copy).

Usage: bench/restore.py [VALUES, default 100000]"""
import sys

import common


def measure(b, values=common.VALUES):
    backup = common.fresh(b.path("set"))
    with b.cluster() as ours:
        etcd = b.etcd()
        ours.load("fill", values)
        ours.load("backup", backup)
        if etcd:
            etcd.fill(values)
            etcd.control("snapshot", "save", b.path("snapshot.db"))
        r = b.rounds(7, ours=lambda: ours.load("restore", backup)["seconds"],
                     etcd=etcd and (lambda: etcd.restore_to_answer(b.path("snapshot.db"))))
        if etcd:
            etcd.stop()
    b.row(f"restore of {values:,} values to the first answer", r["ours"], r["etcd"], "s", "etcd restore", at_most=0.2)


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(int, sys.argv[1:])))
