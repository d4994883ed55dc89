#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a resource keeps in files and in the node's registry follows it: put back before it starts, saved while it runs and
when it has stopped, whatever ends it.  Prints TAP.

Usage: checkpoint_life.py RUEDA RUEDAD LIBRARY [part of a test's name...]"""
import atexit
import contextlib
import ctypes
import glob
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from cluster import wide  # noqa: E402
from machine import Machine  # noqa: E402
from tap import test  # noqa: E402

TOOLS = [os.path.abspath(a) for a in sys.argv[1:4]]
ADD, DELETE = 0x014000A2, 0x014000A6
CLONE_NEWNS = 0x20000
MS_PRIVATE_ALL = 0x4000 | 1 << 18
MS_NOATIME, MS_RELATIME = 1 << 10, 1 << 21
MNT_DETACH = 2
KEY = "SOFTWARE\\App"
SECONDS = 90  # Within which a change is saved; an idle machine needs one.
# Tells what it found when it started; $2 is done before it ends.
PROGRAM = """#!/bin/sh
trap "$2" TERM
cat "$1/conf" >>"$1.seen"
echo $$ >"$1.pid"
while :; do sleep 1000 & wait $!; done
"""


def wait_until(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what() if callable(what) else what} did not happen within {seconds} s"
        time.sleep(0.05)


class Node(Machine):
    """A node with a program that has a file and a key."""
    count = 0

    def __init__(self, on_term="exit 0", base=None):
        Node.count += 1
        if base is None:
            base = os.path.join(tap.temporary(), f"root{Node.count}")
            os.mkdir(base)
            os.chmod(base, 0o777)
        self.place = os.path.join(base, "app")
        os.mkdir(self.place)
        os.chmod(self.place, 0o777)
        super().__init__(*TOOLS, config=f"[checkpoints]\nroots = {self.place}\n")
        with open(self.place + ".program", "w", encoding="ascii") as f:
            f.write(PROGRAM)
        os.chmod(self.place + ".program", 0o755)
        self.write("one")
        self.rueda("cluster", "create", "one")
        self.set_key("one")
        self.rueda("resource", "create", "app", "Cluster Group", "Generic Application")
        command = f"{self.place}.program {self.place} '{on_term.format(self.place + '/conf')}'"
        self.rueda("resource", "set", "app", "--private", f"CommandLine={command}")
        self.rueda("resource", "set", "app", "RestartDelay=100", "RestartThreshold=100", "PendingTimeout=20000")
        self.control(ADD, KEY)
        self.control(ADD, self.file)
        self.online()

    @property
    def file(self):
        return "File" + self.place.replace("/", "\\") + "\\conf"

    def control(self, code, name):
        def call(api):
            api.lib.ClusterResourceControl.restype = ctypes.c_uint32
            resource = api.lib.OpenClusterResource(ctypes.c_void_p(api.OpenCluster(None)), wide("app"))
            data = wide(name)
            r = api.lib.ClusterResourceControl(ctypes.c_void_p(resource), None, code, data, len(data), None, 0,
                                               ctypes.byref(ctypes.c_uint32()))
            assert r == 0, (hex(code), name, r)

        self.run(call)

    def online(self, runs=True):
        """And its program has done what it does at its start; online it is a moment after it was started."""
        if os.path.exists(self.place + ".pid"):
            os.unlink(self.place + ".pid")
        self.rueda("resource", "online", "app", "--wait")
        if runs:
            self.pid()

    def offline(self):
        self.rueda("resource", "offline", "app", "--wait")

    def write(self, text):
        with open(f"{self.place}/conf", "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.chmod(f"{self.place}/conf", 0o666)

    def read(self):
        with open(f"{self.place}/conf", encoding="ascii") as f:
            return f.read().strip()

    def seen(self):
        """What each of its starts found."""
        try:
            with open(self.place + ".seen", encoding="ascii") as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def pid(self):
        def read():
            with contextlib.suppress(FileNotFoundError), open(self.place + ".pid", encoding="ascii") as f:
                return f.read()

        wait_until(read, lambda: "the start of the program\n" + self.log_text()[-3000:])
        return int(read())

    def set_key(self, text):
        self.rueda("reg", "set", KEY, "v", text, "--local")

    def key(self):
        return self.rueda("reg", "get", KEY, "v", "--local").strip()

    def saved(self, text):
        """Whether both have been saved with that content, or had been before."""
        return self.are_with(text, glob.glob(self.path("state/*/blobs/[0-9a-f]*")))

    def named(self, text):
        """Whether it is that which the cluster names: what is on the disk is named a moment later."""
        digests = {c["sha256"] for c in self.json("checkpoint", "ls")["checkpoints"]}
        return self.are_with(text, [p for d in digests for p in glob.glob(self.path("state/*/blobs/" + d))])

    @staticmethod
    def are_with(text, paths):
        blobs = []
        for path in paths:
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as f:  # It may be swept just now.
                blobs.append(f.read())
        return any((text + "\n").encode() in b for b in blobs) and any(wide(text) in b for b in blobs)

    def wait_saved(self, text):
        wait_until(lambda: self.named(text), lambda: f"saving {text}\n" + self.log_text()[-3000:], SECONDS)

    def wait_saved_file(self, text):
        def is_there():
            return any((text + "\n").encode() in open(p, "rb").read() for p in glob.glob(self.path("state/*/blobs/[0-9a-f]*")))

        wait_until(is_there, lambda: f"saving {text}\n" + self.log_text()[-3000:], SECONDS)

    def wait_start(self, *found):
        wait_until(lambda: self.seen() == list(found), lambda: f"{found}, not {self.seen()}\n" + self.log_text()[-3000:])

    def check(self, text):
        assert (self.read(), self.key()) == (text, text), (self.read(), self.key(), text, self.log_text()[-3000:])


@test
def what_changes_while_it_is_online_is_saved_within_seconds_and_comes_back_after_a_kill():
    with Node() as c:
        assert c.seen() == ["one"]
        for i in range(3):
            c.write(f"two{i}")
            c.set_key(f"two{i}")
            c.wait_saved(f"two{i}")
        c.kill()
        c.start()
        c.wait_start("one", "two2")
        c.check("two2")


@test
def what_was_not_saved_yet_when_the_daemon_was_killed_is_not_overwritten():
    with Node() as c:
        c.write("two")
        c.set_key("two")
        c.wait_saved("two")
        c.kill()
        c.write("three")  # Its last, as far as anybody can tell.
        c.start()
        c.wait_start("one", "three")
        assert c.read() == "three" and c.key() == "two"
        c.wait_saved_file("three")
        c.offline()
        c.write("offline")
        c.online()
        assert c.read() == "three" and c.seen() == ["one", "three", "three"]


@test
def what_cannot_be_saved_as_it_stops_is_what_it_finds_again():
    with Node("echo last >{0}; ln {0} {0}2; exit 0") as c:
        c.offline()
        why = c.rueda("resource", "why", "app")
        assert "could not be saved" in why and "tried again when the resource starts on this node next" in why, why
        c.online()  # The link is there, so it still cannot be saved.
        assert c.seen() == ["one", "last"] and "goes on with it as it left it" in c.log_text()
        c.stop()
        os.remove(c.place + "/conf2")
        c.start()
        c.wait_start("one", "last", "last")
        c.wait_saved_file("last")
        assert c.key() == "one"


@test
def what_is_changed_while_it_is_offline_is_replaced():
    with Node() as c:
        c.offline()
        c.write("offline")
        c.set_key("offline")
        time.sleep(2)
        c.check("offline")
        assert not c.saved("offline")
        c.online()
        c.check("one")
        assert c.seen() == ["one", "one"]


@test
def what_it_writes_as_its_last_is_saved_before_it_is_offline():
    with Node("echo last >{}; exit 0") as c:
        c.set_key("last")
        c.offline()
        assert c.saved("last")
        c.write("offline")
        c.online()
        c.check("last")
        assert c.seen() == ["one", "last"]
        c.set_key("changed")
        c.stop()
        assert c.saved("last")
        c.write("while it was down")
        c.start()
        c.wait_start("one", "last", "last")
        assert c.key() == "changed"


@test
def what_a_killed_program_left_is_what_it_finds_again():
    with Node() as c:
        c.write("just now")
        c.set_key("just now")
        os.kill(c.pid(), signal.SIGKILL)
        c.wait_start("one", "just", "now")
        c.check("just now")


@test
def a_restore_brings_back_what_the_set_holds():
    with Node() as c:
        c.write("two")
        c.set_key("two")
        c.wait_saved("two")
        path = c.backup("set")
        c.write("three")
        c.set_key("three")
        c.wait_saved("three")
        c.rueda("restore", path, "--yes")
        c.wait_start("one", "two")
        c.check("two")


@test
def a_checkpoint_that_cannot_be_put_back_keeps_it_offline_and_its_source_untouched():
    with Node() as c:
        c.offline()
        c.write("offline")
        c.set_key("offline")
        damaged = [p for p in glob.glob(c.path("state/*/blobs/*")) if b"one\n" in open(p, "rb").read()]
        assert damaged
        for path in damaged:
            with open(path, "r+b") as f:
                f.seek(100)
                f.write(b"!")
        c.rueda("resource", "set", "app", "RestartAction=0")
        c.rueda("resource", "online", "app", "--wait", status=1)
        why = c.rueda("resource", "why", "app")
        assert f'the checkpoint "{c.file}" could not be put back'[:100] in why, why
        assert " event=1024 " in c.log_text()
        assert c.read() == "offline" and c.seen() == ["one"]
        c.control(DELETE, c.file)
        c.control(ADD, c.file)
        c.online()
        assert c.seen() == ["one", "offline"] and c.key() == "one"


@test
def a_source_that_is_gone_is_told_when_it_stops_and_comes_back():
    with Node("rm {}; exit 0") as c:
        c.offline()
        why = c.rueda("resource", "why", "app")
        assert "could not be saved" in why, why
        assert not os.path.exists(c.place + "/conf")
        c.online()
        c.check("one")


def mounted(options):
    """A fresh file system whose times of access are kept so, seen by this process and its children only; or None."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0 or libc.mount(None, b"/", None, MS_PRIVATE_ALL, None) != 0:
        return None
    path = os.path.join(tap.temporary(), "times-" + str(options))
    os.mkdir(path)
    if libc.mount(b"times", path.encode(), b"tmpfs", options, None) != 0:
        return None
    atexit.register(libc.umount2, path.encode(), MNT_DETACH)  # What is mounted cannot be removed.
    os.chmod(path, 0o777)
    return path


def read_of(options):
    """Whether reading a file that has a checkpoint is seen by the file system; what reading does to what is saved is checked
    here: nothing, and whatever else is changed brings the time along."""
    place = mounted(options)
    if place is None:
        return None  # Mounting takes root.
    with Node(base=place) as c:
        path = f"{c.place}/conf"
        c.offline()
        os.utime(path, (1000000000, 1000000000))
        c.control(DELETE, c.file)
        c.control(ADD, c.file)
        c.online()  # Its program reads the file.
        blobs = sorted(glob.glob(c.path("state/*/blobs/*")))
        listed = c.rueda("checkpoint", "ls", "app")
        accessed = os.stat(path).st_atime
        c.offline()
        assert sorted(glob.glob(c.path("state/*/blobs/*"))) == blobs, "it was saved because it was read"
        assert c.rueda("checkpoint", "ls", "app") == listed
        os.utime(path, (1, 1))
        c.online()
        c.offline()
        assert os.stat(path).st_mtime == 1000000000, "it was not put back"
        c.online()
        os.chmod(path, 0o600)
        os.utime(path, (1234567890, 1000000000))
        c.offline()
        os.utime(path, (1, 1))
        # Again what it was, with the time of access that went along; then its program reads it.
        c.rueda("resource", "set", "app", "--private", "CommandLine=/bin/sleep 1000")
        c.online(runs=False)
        assert os.stat(path).st_atime == 1234567890, os.stat(path)
        assert os.stat(path).st_mode & 0o777 == 0o600
    return accessed != 1000000000


@test
def what_is_merely_read_is_not_saved_anew_however_the_file_system_keeps_times():
    assert read_of(MS_RELATIME) in (True, None)
    assert read_of(MS_NOATIME) in (False, None)


tap.run(sys.argv[4:])
