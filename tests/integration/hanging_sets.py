#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups to and restores from a file system that stops to answer, at each kind of call, against the whole service: told clearly
and in time, no half a set, nobody else is delayed, and what cannot be killed does not pile up.  Prints TAP.

Usage: hanging_sets.py RUEDA RUEDAD LIBRARY [part of a test's name...]"""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hanging  # noqa: E402
import tap  # noqa: E402
from machine import Machine  # noqa: E402
from tap import test  # noqa: E402

TOOLS = [os.path.abspath(a) for a in sys.argv[1:4]]
LONG = 100  # Seconds: what is to be at once, or after a few, is over by then on any machine.


class Node(Machine):
    """With a file system at disk, which the caller makes hang."""

    def __init__(self, quiet_seconds=2, open_seconds=30):
        hanging.be_apart()
        self.disk = tap.temporary() + "/disk"
        self.fs = hanging.HangingFs(self.disk)
        super().__init__(*TOOLS, config=f"[limits]\nopen_seconds = {open_seconds}\n"
                                        f"[backup]\nquiet_seconds = {quiet_seconds}\n")
        self.rueda("cluster", "create", "one")
        self.rueda("reg", "set", "Mark", "", "before")

    def __exit__(self, *of):
        self.fs.end()  # Or the end of the daemon leaves what cannot be killed.
        return super().__exit__(*of)

    def wait(self, what, seconds=LONG):
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, self.log_text()[-3000:]
            time.sleep(0.05)

    def start_tool(self, *words):
        return subprocess.Popen([self.tool, *words], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def others_go_on(self):
        """Changes, and a backup to another directory."""
        begin = time.monotonic()
        self.rueda("reg", "set", "Mark", "", str(begin))
        self.rueda("backup", "verify", self.backup(f"other{begin}"))
        assert time.monotonic() - begin < LONG

    def gives_up(self, *words):
        """The error names the path and says what to do, and comes in time."""
        begin = time.monotonic()
        story = self.fails(1460, *words)
        assert self.disk in story and "quiet_seconds" in story and "look at the mount" in story, story
        assert self.fs.holding() > 0, "nothing hangs"
        assert time.monotonic() - begin < LONG
        return story

    def doors(self):
        """The processes of priv for directories: its others have been executed anew, as something."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return [pid for pid in f.read().split() if not self.is_something(pid)]

    @staticmethod
    def is_something(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                return b"--as-" in f.read()
        except OSError:
            return True  # It has just ended.

    def ends(self):
        """All that hung has gone."""
        self.fs.go_on()
        self.wait(lambda: self.fs.holding() == 0 and not self.doors())


def is_set(path):
    return os.path.exists(path + "/Clusbackup.dat")


def hang_in_a_first_backup(op):
    with Node() as c:
        path = c.disk + "/set"
        os.mkdir(path)
        c.fs.hang(op)
        c.gives_up("backup", path)
        c.others_go_on()
        c.rueda("backup", path, status=1)
        assert " failed: 1460 " in c.errors or " failed: 170 " in c.errors, c.errors  # What hangs has it locked.
        c.ends()
        assert not is_set(path)
        c.rueda("backup", path)
        c.rueda("backup", "verify", path)
        assert len(os.listdir(path)) == 3, os.listdir(path)


@test
def a_hang_when_a_file_is_made_is_given_up():
    hang_in_a_first_backup(hanging.CREATE)


@test
def a_hang_when_data_is_written_is_given_up():
    hang_in_a_first_backup(hanging.WRITE)


@test
def a_hang_in_fsync_is_given_up():
    hang_in_a_first_backup(hanging.FSYNC)


@test
def a_hang_in_the_sync_of_the_directory_is_given_up():
    hang_in_a_first_backup(hanging.FSYNCDIR)


@test
def a_hang_when_the_set_is_read_back_is_given_up():
    hang_in_a_first_backup(hanging.READ)


@test
def a_hang_in_the_rename_that_commits_is_given_up():
    with Node() as c:
        path = c.disk + "/set"
        os.mkdir(path)
        c.fs.hang(hanging.RENAME)
        c.gives_up("backup", path)
        c.others_go_on()
        c.ends()
        assert not is_set(path)
        c.rueda("backup", path)
        # Over an older set, the rename may be carried out later: then that set is whole, and the new one.
        c.fs.hang(hanging.RENAME)
        c.gives_up("backup", path)
        c.ends()
        c.rueda("backup", "verify", path)
        c.rueda("backup", path)
        c.rueda("backup", "verify", path)
        assert len(os.listdir(path)) == 3, os.listdir(path)


@test
def a_hang_when_old_files_are_removed_does_not_take_the_new_set_back():
    with Node() as c:
        path = c.disk + "/set"
        os.mkdir(path)
        c.rueda("backup", path)
        c.fs.hang(hanging.UNLINK)
        assert "older files could not all be removed" in c.rueda("backup", path)
        c.others_go_on()
        c.ends()
        c.rueda("backup", "verify", path)
        c.rueda("backup", path)
        assert len(os.listdir(path)) == 3, os.listdir(path)


@test
def a_hang_when_a_directory_is_opened_is_given_up():
    with Node(open_seconds=2) as c:
        path = c.disk + "/set"
        os.mkdir(path)
        for op in (hanging.LOOKUP, hanging.GETATTR):
            c.fs.hang(op)
            for words in (("backup", path), ("restore", "--yes", path)):
                assert path in c.fails(1460, *words)
            c.others_go_on()
            c.ends()
        c.rueda("backup", path)


@test
def a_hang_in_a_restore_changes_nothing():
    with Node() as c:
        path = c.disk + "/set"
        os.mkdir(path)
        c.rueda("backup", path)
        c.rueda("reg", "set", "Mark", "", "after")
        for op in (hanging.OPEN, hanging.READ):
            for words in (("--plan",), ()):
                c.fs.hang(op)
                c.gives_up("restore", "--yes", path, *words)
                assert "after" in c.rueda("reg", "get", "Mark", "")
                c.ends()
        c.rueda("restore", "--yes", path)
        assert "before" in c.rueda("reg", "get", "Mark", "")


@test
def a_disk_that_is_slow_may_take_any_time():
    with Node(quiet_seconds=5) as c:
        path = c.disk + "/set"
        os.mkdir(path)
        c.fs.slow(200)
        begin = time.monotonic()
        c.rueda("backup", path)
        assert time.monotonic() - begin > 5, "this was not slow"
        c.fs.slow(0)
        c.rueda("backup", "verify", path)


@test
def who_asked_may_go_and_leaves_no_half_a_set():
    with Node(quiet_seconds=86400) as c:
        path = c.disk + "/set"
        os.mkdir(path)
        for words, op in ((("backup", path), hanging.FSYNC), (("backup", path), hanging.LOOKUP),
                          (("restore", "--yes", path), hanging.OPEN)):
            c.fs.hang(op)
            tool = c.start_tool(*words)
            c.wait(lambda: c.fs.holding() > 0)
            tool.send_signal(signal.SIGINT)
            tool.communicate(timeout=LONG)
            c.wait(lambda: "1223" in c.log_text() or "cancelled" in c.log_text())
            # Backup and restore are free for others, at once.
            c.wait(lambda: subprocess.run([c.tool, "backup", c.path("free")], env=c.environment, check=False,
                                          capture_output=True).returncode == 0)
            c.others_go_on()
            c.ends()
            assert not is_set(path) or words[0] == "restore"
            c.rueda("backup", path)
            if op == hanging.FSYNC:
                for name in os.listdir(path):
                    os.unlink(f"{path}/{name}")


@test
def the_service_ends_in_time_while_a_backup_or_a_restore_hangs():
    with Node(quiet_seconds=86400) as c:
        path = c.disk + "/set"
        os.mkdir(path)
        c.rueda("backup", path)
        for words, op in ((("backup", path), hanging.WRITE), (("restore", "--yes", path), hanging.READ)):
            c.fs.hang(op)
            tool = c.start_tool(*words)
            c.wait(lambda: c.fs.holding() > 0)
            begin = time.monotonic()
            c.process.terminate()
            assert c.process.wait(LONG) == 0, c.log_text()[-3000:]
            assert time.monotonic() - begin < 60, c.log_text()[-3000:]
            tool.communicate(timeout=LONG)
            c.fs.go_on()
            c.wait(lambda: c.fs.holding() == 0)
            c.start()
            c.rueda("backup", "verify", path)
            c.others_go_on()


@test
def what_cannot_be_killed_does_not_pile_up():
    with Node(open_seconds=1) as c:
        c.fs.hang(hanging.LOOKUP)
        refused = 0
        for i in range(40):
            c.rueda("backup", f"{c.disk}/set{i}", status=1)
            refused += "too many processes" in c.errors
            if refused:
                break
        assert refused, "nothing was refused"
        assert len(c.doors()) <= 16, c.doors()
        c.rueda("reg", "set", "Mark", "", "again")
        c.ends()
        c.others_go_on()


tap.run(sys.argv[4:])
