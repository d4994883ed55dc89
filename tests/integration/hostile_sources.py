#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sources of checkpoints that change for ever, turn into something else, or hang, against the whole service: told clearly,
nothing is lost, and nobody else is delayed.  What they do to one capture is in tests/unit/tree_hostile.c.  Prints TAP.

Usage: hostile_sources.py RUEDA RUEDAD LIBRARY [part of a test's name...]"""
import ctypes
import glob
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from machine import Machine  # noqa: E402
from tap import test  # noqa: E402

TOOLS = [os.path.abspath(a) for a in sys.argv[1:4]]
SECONDS = 30  # Within which a change of another resource is saved; an idle machine needs one.
CLONE_NEWNS, MS_PRIVATE_ALL = 0x20000, 0x44000


class Node(Machine):
    """The resources wild and calm, which do nothing, and a directory for the files of both."""
    count = 0

    def __init__(self, more="", open_seconds=2):
        Node.count += 1
        self.place = os.path.join(tap.temporary(), f"root{Node.count}")
        os.makedirs(self.place + "/wild")
        for path in (self.place, self.place + "/wild"):
            os.chmod(path, 0o777)
        super().__init__(*TOOLS, config=f"[checkpoints]\nroots = {self.place}{more}\n[limits]\nopen_seconds = {open_seconds}\n")
        self.rueda("cluster", "create", "one")
        for name in ("wild", "calm"):
            self.rueda("resource", "create", name, "Cluster Group", "Generic Application")
            self.rueda("resource", "set", name, "--private", "CommandLine=/bin/sleep 100000")
            self.write(f"{name}.conf", f"<{name} one>")

    def write(self, name, text):
        """Replaced by a rename, as editors do it."""
        path = f"{self.place}/{name}"
        with open(path + "~", "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(path + "~", 0o666)
        os.rename(path + "~", path)

    def add(self, resource, name):
        self.rueda("checkpoint", "add", resource, "--file", f"{self.place}/{name}")

    def saved(self, text):
        for path in glob.glob(self.path("state/*/blobs/[0-9a-f]*")):
            try:
                with open(path, "rb") as f:
                    if text.encode() in f.read():
                        return True
            except FileNotFoundError:
                pass  # Swept just now.
        return False

    def wait_saved(self, text):
        deadline = time.monotonic() + SECONDS
        while not self.saved(text):
            assert time.monotonic() < deadline, f"{text} was not saved\n" + self.log_text()[-3000:]
            time.sleep(0.1)


@test
def what_changes_for_ever_delays_no_other_resource_and_does_not_fill_the_log():
    with Node() as c:
        c.add("wild", "wild")
        c.add("calm", "calm.conf")
        for name in ("wild", "calm"):
            c.rueda("resource", "online", name, "--wait")
        script = 'i=0; while :; do echo x >>"$1/grows"; mkdir "$1/d$i" "$1/e$i"; rmdir "$1/d$i" "$1/e$i"; i=$((i+1)); done'
        wild = subprocess.Popen(["sh", "-c", script, "sh", c.place + "/wild"])
        try:
            time.sleep(1)
            lines = len(c.log_text().splitlines())
            for i in range(3):
                c.write("calm.conf", f"<calm {i}>")
                c.wait_saved(f"<calm {i}>")
                begin = time.monotonic()
                c.rueda("reg", "set", "Mark", "", str(i))
                assert time.monotonic() - begin < 10
            assert len(c.log_text().splitlines()) - lines < 40, c.log_text()[-3000:]
        finally:
            wild.kill()
            wild.wait()
        # Now that it is quiet, it is saved as well.
        c.write("wild/last", "<the last of wild>")
        c.wait_saved("<the last of wild>")


@test
def what_turns_into_something_else_keeps_its_saved_state():
    with Node() as c:
        c.add("calm", "calm.conf")
        c.rueda("resource", "online", "calm", "--wait")
        path = f"{c.place}/calm.conf"
        secret = os.path.join(tap.temporary(), "secret")
        with open(secret, "w", encoding="ascii") as f:
            f.write("<not for checkpoints>")
        os.unlink(path)
        os.mkfifo(path)
        deadline = time.monotonic() + SECONDS
        while "is a FIFO" not in c.log_text():
            assert time.monotonic() < deadline, c.log_text()[-3000:]
            time.sleep(0.1)
        os.unlink(path)
        os.symlink(secret, path)
        time.sleep(2)
        assert not c.saved("<not for checkpoints>"), "a link was followed"
        os.unlink(path)
        c.write("calm.conf", "<calm two>")
        c.wait_saved("<calm two>")
        c.rueda("backup", "verify", c.backup("set"))


def mount_hanging(path):
    """A file system that never answers, seen by this process and its children only; what keeps it so, or None."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0 or libc.mount(None, b"/", None, MS_PRIVATE_ALL, None) != 0:
        return None
    try:
        fuse = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        return None
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    return fuse if libc.mount(b"hang", path.encode(), b"fuse", 0, options) == 0 else None


@test
def a_root_on_a_mount_that_hangs_is_given_up_and_delays_nobody():
    hanging = os.path.join(tap.temporary(), "hanging")
    os.mkdir(hanging)
    if mount_hanging(hanging) is None:
        return  # Mounting takes root and FUSE.
    with Node(more=f", {hanging}/app", open_seconds=20) as c:
        c.add("calm", "calm.conf")
        c.rueda("resource", "online", "calm", "--wait")
        errors = []

        def add():
            done = subprocess.run([c.tool, "checkpoint", "add", "wild", "--file", f"{hanging}/app/file"], check=False,
                                  env=c.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            errors.append(done.stderr)

        adding = [threading.Thread(target=add) for _ in range(8)]
        for t in adding:
            t.start()
        time.sleep(1)
        c.rueda("reg", "set", "Mark", "", "1")
        c.write("calm.conf", "<calm two>")
        c.wait_saved("<calm two>")
        assert not errors, "all waited for the mount: " + str(errors)
        for t in adding:
            t.join()
        assert len(errors) == 8 and all(" 1460 " in e for e in errors), errors
    ctypes.CDLL(None).umount2(hanging.encode(), 3)  # By force, and at once.


tap.run(sys.argv[4:])
