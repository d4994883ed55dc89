#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sources of checkpoints that change for ever, turn into something else, or hang, against the whole service: told clearly,
nothing is lost, and nobody else is delayed.  What they do to one capture is in tests/unit/tree_hostile.c.  Prints TAP.

Usage: hostile_sources.py RUEDA RUEDAD LIBRARY [part of a test's name...]"""
import ctypes
import glob
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from machine import Machine  # noqa: E402
from tap import test  # noqa: E402

TOOLS = [os.path.abspath(a) for a in sys.argv[1:4]]
SECONDS = 90  # Within which a change of another resource is saved; an idle machine needs one.
CLONE_NEWNS, MS_PRIVATE_ALL = 0x20000, 0x44000


class Node(Machine):
    """The resources wild and calm, which do nothing, and a directory for the files of both."""
    count = 0

    def __init__(self, more="", open_seconds=2, file_seconds=60):
        Node.count += 1
        self.place = os.path.join(tap.temporary(), f"root{Node.count}")
        os.makedirs(self.place + "/wild")
        for path in (self.place, self.place + "/wild"):
            os.chmod(path, 0o777)
        super().__init__(*TOOLS, config=f"[checkpoints]\nroots = {self.place}{more}\nfile_seconds = {file_seconds}\n"
                                        f"[limits]\nopen_seconds = {open_seconds}\n")
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


def be_apart():
    """From now on only this process and its children see what is mounted.  False: it may not mount."""
    libc = ctypes.CDLL(None)
    return (os.geteuid() == 0 and libc.unshare(CLONE_NEWNS) == 0 and
            libc.mount(None, b"/", None, MS_PRIVATE_ALL, None) == 0 and os.path.exists("/dev/fuse"))


def mount_hanging(path):
    """A file system that never answers; what keeps it so, or None."""
    libc = ctypes.CDLL(None, use_errno=True)
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
    if not be_apart() or mount_hanging(hanging) is None:
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


def has_ended(pid):
    """Although its parent has not noticed."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0] in "ZX"


def why(c, name):
    return c.rueda("resource", "why", name)


@test
def a_priv_that_stands_still_fails_what_needs_it_and_nothing_else():
    with Node(open_seconds=1) as c:
        for name in ("wild", "calm"):
            c.add(name, f"{name}.conf")
        c.rueda("resource", "online", "calm", "--wait")
        c.rueda("resource", "set", "wild", "RestartAction=0")
        priv, daemon = c.process.pid, c.service_pid()
        os.kill(priv, signal.SIGSTOP)
        try:
            c.write("calm.conf", "<calm two>")
            begin = time.monotonic()
            c.rueda("resource", "online", "wild", "--wait", status=1)
            assert time.monotonic() - begin < 30
            assert "could not be put back: priv has not answered for 6 s" in why(c, "wild"), why(c, "wild")
            c.fails(1460, "checkpoint", "add", "wild", "--file", f"{c.place}/calm.conf")
            c.rueda("reg", "set", "Mark", "", "1")
            c.rueda("resource", "offline", "calm", "--wait=60")
            assert time.monotonic() - begin < 90
            assert "could not be saved: " in why(c, "calm") and "priv ha" in why(c, "calm"), why(c, "calm")
        finally:
            os.kill(priv, signal.SIGCONT)
        # And all goes on, with what was saved last.
        c.rueda("resource", "online", "calm", "--wait")
        c.write("calm.conf", "<calm three>")
        c.wait_saved("<calm three>")
        c.rueda("resource", "online", "wild", "--wait")
        # The service ends in time although it still stands still, and what has to be saved cannot be.
        os.kill(priv, signal.SIGSTOP)
        try:
            c.write("calm.conf", "<calm four>")
            os.kill(daemon, signal.SIGTERM)
            deadline = time.monotonic() + 90
            while not has_ended(daemon):
                assert time.monotonic() < deadline, c.log_text()[-3000:]
                time.sleep(0.2)
        finally:
            os.kill(priv, signal.SIGCONT)
        assert c.process.wait(20) == 0
        # What was left unsaved is saved now, and not replaced by what was saved before.
        c.start()
        c.rueda("resource", "online", "calm", "--wait")
        with open(f"{c.place}/calm.conf", encoding="ascii") as f:
            assert f.read() == "<calm four>"
        c.wait_saved("<calm four>")


@test
def a_source_whose_mount_begins_to_hang_ends_with_its_resource_in_time():
    path = os.path.join(tap.temporary(), "later")
    os.makedirs(path + "/app")
    with open(path + "/app/file", "w", encoding="ascii") as f:
        f.write("<app one>")
    if not be_apart():
        return  # Mounting takes root.
    with Node(more=f", {path}/app", file_seconds=5) as c:
        c.rueda("checkpoint", "add", "wild", "--file", f"{path}/app/file")
        c.add("calm", "calm.conf")
        for name in ("wild", "calm"):
            c.rueda("resource", "online", name, "--wait")
        fuse = mount_hanging(path)
        if fuse is None:
            return
        try:
            begin = time.monotonic()
            c.rueda("resource", "offline", "wild", "--wait=60")
            assert "could not be saved: " in why(c, "wild"), why(c, "wild")
            assert time.monotonic() - begin < 60
            c.write("calm.conf", "<calm two>")
            c.wait_saved("<calm two>")
            # It was left unsaved, so nothing older would be put over it: it starts as it is.
            begin = time.monotonic()
            c.rueda("resource", "online", "wild", "--wait=60")
            assert "goes on with it as it left it" in c.log_text(), c.log_text()[-3000:]
            c.stop()
            assert time.monotonic() - begin < 90
        finally:
            ctypes.CDLL(None).umount2(path.encode(), 3)
            os.close(fuse)


tap.run(sys.argv[4:])
