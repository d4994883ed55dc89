#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""backup: 100,000 values of 200 bytes: BackupClusterDatabase() (writes, reads back, proves) into an empty directory and
over an older set, against etcdctl snapshot save, sqlite3 .backup, and cp + sync of the
set's own files.

Usage: bench/backup.py [VALUES, default 100000]"""
import os
import shutil
import sys

import common


def make_sqlite(path, values):
    common.run(["sqlite3", path, "PRAGMA journal_mode=WAL; CREATE TABLE kv(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;"
                f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i<{values - 1}) INSERT INTO kv "
                "SELECT printf('/bench/key%08d',i), randomblob(200) FROM n; PRAGMA wal_checkpoint(TRUNCATE);"])


def copy_and_sync(source, target):
    common.run(["sh", "-c", 'cp "$1"/* "$2" && sync "$2"/* "$2"', "sh", source, target])


def remove(path):
    if os.path.exists(path):
        os.unlink(path)


def measure(b, values=common.VALUES):
    original = common.fresh(b.path("original"))
    with b.cluster() as ours:
        etcd = b.etcd()
        ours.load("fill", values)
        ours.load("backup", original)
        if etcd:
            etcd.fill(values)
        make_sqlite(b.path("kv"), values)

        def save():
            remove(b.path("snapshot.db"))
            return common.timed(etcd.control, "snapshot", "save", b.path("snapshot.db"))

        def sqlite():
            remove(b.path("copy.sqlite"))
            return common.timed(common.run, ["sqlite3", b.path("kv"), f".backup {b.path('copy.sqlite')}"])

        r = b.rounds(7, first=lambda: ours.load("backup", common.fresh(b.path("new")))["seconds"], etcd=etcd and save,
                     again=lambda: ours.load("backup", original)["seconds"], sqlite=sqlite,
                     copy=lambda: common.timed(copy_and_sync, original, common.fresh(b.path("copy"))))
        if etcd:
            etcd.stop()
    shutil.rmtree(b.path("copy"))
    name = f"backup of {values:,} values"
    b.row(f"{name}, proven", r["first"], r["etcd"], "s", "etcdctl snapshot save", at_most=0.4)
    b.row(f"{name}, proven", r["first"], r["copy"], "s", "cp + sync", at_most=2)
    b.row(f"{name}, proven", r["first"], r["sqlite"], "s", "sqlite3 .backup")
    b.row(f"{name}, proven, over an older set", r["again"], r["copy"], "s", "cp + sync")


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(int, sys.argv[1:])))
