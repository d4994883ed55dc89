#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""checkpoints: 1,000 checkpoints of files of 4 KiB and one of 64 MiB: captured (each answer means that it is durable), put
back before their resource is online, in a backup, which pins them as long as it runs; and what capturing costs those who write
meanwhile.  Against cp -a and tar with one sync of the file system, and against one file after the other copied, synced and renamed.

Usage: bench/checkpoints.py [COUNT, default 1000]"""
import json
import os
import shutil
import subprocess
import sys

import common

LARGE = 64 << 20
RESOURCE = "Bench"


def make_files(directory, count, size):
    os.mkdir(directory)
    for i in range(count):
        with open(os.path.join(directory, str(i)), "wb") as f:
            f.write(os.urandom(size))
    os.sync()


def copy_tree(source, target):
    common.run(["sh", "-c", 'cp -a "$1" "$2" && sync -f "$2"', "sh", source, target])


def unpack(archive, target):
    common.run(["sh", "-c", 'tar -xf "$1" -C "$2" && sync -f "$2"', "sh", archive, target])


def copy_each(source, target):
    """As whoever wants each of them durable before the next would do it."""
    directory = os.open(target, os.O_RDONLY)
    for name in os.listdir(source):
        with open(os.path.join(source, name), "rb") as f, open(os.path.join(target, "new"), "wb") as g:
            g.write(f.read())
            g.flush()
            os.fsync(g.fileno())
        os.rename(os.path.join(target, "new"), os.path.join(target, name))
        os.fsync(directory)
    os.close(directory)


class Sources:
    """Files below an allowed root, and a resource that has them."""

    def __init__(self, b, ours, name, count, size):
        self.b, self.ours, self.count = b, ours, count
        self.resource = f"{RESOURCE} {name}"
        self.directory = b.path(f"sources/{name}")
        self.archive = b.path(f"{name}.tar")
        make_files(self.directory, count, size)
        common.run(["tar", "-cf", self.archive, "-C", self.directory, "."])
        self.rueda("resource", "create", self.resource, "Cluster Group", "Generic Application")
        self.rueda("resource", "set", self.resource, "--private", "CommandLine=/bin/sleep 1000000")
        self.rueda("resource", "set", self.resource, "PendingTimeout=600000")

    def rueda(self, *words):
        return common.run([common.program("cli", "rueda"), *words], env=self.ours.cluster.environment)

    def do(self, what):
        return json.loads(common.run([common.program("bench", "bench-checkpoints"), what, self.resource, self.directory,
                                      self.count], env=self.ours.cluster.environment))["seconds"]

    def capture(self):
        seconds = self.do("add")
        self.do("remove")
        return seconds

    def again(self):
        return subprocess.Popen([common.program("bench", "bench-checkpoints"), "again", self.resource, self.directory,
                                 str(self.count)], env=self.ours.cluster.environment, text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)

    def online(self):
        """Until it is online, which begins with putting back; and offline again, which ends with saving."""
        seconds = common.timed(self.rueda, "resource", "online", self.resource, "--wait=600")
        self.rueda("resource", "offline", self.resource, "--wait=600")
        return seconds

    def copy(self):
        target = common.fresh(self.b.path("copy"))
        return common.timed(copy_tree, self.directory, target)

    def each(self):
        target = common.fresh(self.b.path("each"))
        return common.timed(copy_each, self.directory, target)

    def untar(self):
        target = common.fresh(self.b.path("untar"))
        return common.timed(unpack, self.archive, target)


def measure_one(b, s, name):
    """Capture, put back, back up."""
    original = common.fresh(b.path("original"))
    r = b.rounds(3, capture=s.capture, copy=s.copy, each=s.each)
    b.row(f"capture of {name}", r["capture"], r["copy"], "s", "cp -a + sync")
    b.row(f"capture of {name}", r["capture"], r["each"], "s", "each copied, synced, renamed")
    none = s.online()
    s.do("add")
    r = b.rounds(3, online=s.online, untar=s.untar)
    b.row(f"{name} put back, to online", r["online"], r["untar"], "s", "tar -x + sync")
    b.note(f"To online without {name}: {common.number(none)} s.")
    s.ours.load("backup", original)
    r = b.rounds(3, backup=lambda: s.ours.load("backup", common.fresh(b.path("set")))["seconds"],
                 copy=lambda: common.timed(copy_tree, original, common.fresh(b.path("copy"))))
    b.row(f"backup with {name}, which are pinned so long", r["backup"], r["copy"], "s", "cp -a + sync of the set")
    s.do("remove")


def measure_writers(b, ours, small, large, seconds=3):
    counts = {}

    def alone():
        return ours.load("set", 1, seconds)["p99_us"]

    def beside(s):
        others = s.again()
        p99 = alone()
        counts.setdefault(s.resource, []).append(ours.finish(others)["count"])
        return p99

    for s in (small, large):
        s.do("add")
    r = b.rounds(3, alone=alone, small=lambda: beside(small), large=lambda: beside(large))
    b.row("p99 of sets, files of 4 KiB captured back to back", r["small"], r["alone"], "µs", "no captures")
    b.row("p99 of sets, 64 MiB captured back to back", r["large"], r["alone"], "µs", "no captures")
    b.note(f"Captures in each round of {seconds:g} s: " +
           ", ".join(f"{min(c)}–{max(c)}" for c in counts.values()) + ".")


def measure(b, count=1000):
    os.mkdir(b.path("sources"))
    config = f"[checkpoints]\nroots = {b.path('sources')}\nsize = {2 * LARGE}\n"
    with b.cluster(config) as ours:
        small = Sources(b, ours, "small", count, 4096)
        large = Sources(b, ours, "large", 1, LARGE)
        measure_one(b, small, f"{count:,} checkpoints of 4 KiB")
        measure_one(b, large, "one checkpoint of 64 MiB")
        measure_writers(b, ours, small, large)
    for name in ("copy", "each", "untar", "set", "original", "sources"):
        shutil.rmtree(b.path(name), ignore_errors=True)


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(int, sys.argv[1:])))
