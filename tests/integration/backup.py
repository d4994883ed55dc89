#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""BackupClusterDatabase as programs meet it: every rule of its documentation, one test each.  Prints TAP.

Usage: backup.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
HOME = tap.temporary()
os.chmod(HOME, 0o777)
shared = None
numbers = iter(range(1, 1000))


def the_cluster():
    """One for the tests that leave it as it was."""
    global shared
    if shared is None:
        shared = Cluster(RUEDAD, LIBRARY, config=f"[unc]\n//ClusBack/19991215 = {HOME}/unc\n")
        os.symlink(HOME, shared.path("drives/c:"))
        os.mkdir(HOME + "/unc")
        os.chmod(HOME + "/unc", 0o777)
    return shared


def fresh(name="set"):
    return f"{HOME}/{name}{os.getpid()}-{next(numbers)}"


def back_up(path, expected=0, c=None):
    def call(api):
        h = api.OpenCluster(None)
        assert h, api.last_error()
        r = api.BackupClusterDatabase(h, path)
        assert r == expected, f"{path!r}: {r}, not {expected}"
        assert api.last_error() == r, "the last error is the code that is returned"

    (c or the_cluster()).run(call)


def names(directory):
    return sorted(os.listdir(directory))


def is_set(directory):
    found = names(directory)
    assert found[0] == "Clusbackup.dat" and found[2] == "quolog.log" and len(found) == 3, found
    assert found[1].startswith("chk") and found[1].endswith(".tmp") and len(found[1]) == 11, found


@test
def a_null_or_empty_path_is_87():
    back_up(None, 87)
    back_up("", 87)


@test
def a_bad_handle_is_6():
    def call(api):
        for handle in (None, 1, 0xDEADBEEF, 2**47):
            assert api.BackupClusterDatabase(handle, fresh()) == 6
        h = api.OpenCluster(None)
        assert api.CloseCluster(h)
        assert api.BackupClusterDatabase(h, fresh()) == 6

    the_cluster().run(call)


@test
def a_path_that_names_a_file_is_267():
    path = fresh()
    open(path, "w").close()
    back_up(path, 267)
    assert os.path.getsize(path) == 0


@test
def a_path_through_a_file_a_fifo_or_a_device_is_267():
    path = fresh()
    open(path, "w").close()
    back_up(path + "/below", 267)
    os.unlink(path)
    os.mkfifo(path)
    back_up(path, 267)
    back_up(path + "/below", 267)
    back_up("/dev/null", 267)
    back_up("/dev/null/below", 267)


@test
def a_missing_parent_is_3():
    back_up(fresh() + "/a/b", 3)


@test
def a_missing_last_component_is_the_directory_to_make_for_its_owner_only():
    path = fresh()
    back_up(path)
    is_set(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    for name in names(path):
        if name != "Clusbackup.dat":
            assert stat.S_IMODE(os.stat(f"{path}/{name}").st_mode) == 0o600, name


@test
def slashes_and_backslashes_trail_and_double():
    for ending in ("/", "\\", "//", "\\\\"):
        path = fresh()
        back_up(path + ending)
        is_set(path)
    path = fresh()
    back_up(path.replace("/", "\\"))
    is_set(path)
    back_up("/" + path[1:].replace("/", "//"))  # Two slashes at the beginning would be a share.
    is_set(path)


@test
def a_drive_letter_goes_through_the_drives_links():
    back_up("C:\\on-c")
    is_set(HOME + "/on-c")
    back_up("c:/on-c")
    is_set(HOME + "/on-c")
    back_up("q:\\nothing", 3)


@test
def a_share_goes_through_the_unc_section():
    back_up("\\\\ClusBack\\19991215")
    is_set(HOME + "/unc")
    back_up("//clusback/19991215/")
    is_set(HOME + "/unc")
    back_up("\\\\ClusBack\\other", 3)


@test
def a_path_may_have_32767_units_and_no_more():
    back_up("/" + "a/" * 16383, 3)
    back_up("/" + "a" * 32767, 206)


@test
def an_unpaired_surrogate_is_refused():
    back_up(fresh() + "\ud800", 1113)


@test
def the_documented_files_and_no_others():
    path = fresh()
    back_up(path)
    is_set(path)


@test
def the_marker_is_empty_read_only_and_hidden():
    path = fresh()
    back_up(path)
    marker = path + "/Clusbackup.dat"
    assert os.path.getsize(marker) == 0
    assert stat.S_IMODE(os.stat(marker).st_mode) == 0o444
    try:
        attributes = os.getxattr(marker, "user.DOSATTRIB")
    except OSError as e:
        raise tap.Skip(f"no user attributes on this file system: {e}") from None
    assert attributes[4] == 5 and attributes[12] == 3, attributes.hex()


@test
def an_older_set_is_overwritten_and_foreign_files_stay():
    path = fresh()
    back_up(path)
    old = names(path)
    for name in ("notes.txt", "chkdsk.tmp", "quolog.old"):
        with open(f"{path}/{name}", "w", encoding="ascii") as f:
            f.write("mine")
    back_up(path)
    new = [n for n in names(path) if n not in ("notes.txt", "chkdsk.tmp", "quolog.old")]
    assert len(new) == 3 and new != old, (old, new)
    for name in ("notes.txt", "chkdsk.tmp", "quolog.old"):
        with open(f"{path}/{name}", encoding="ascii") as f:
            assert f.read() == "mine"


@test
def a_directory_keeps_its_mode():
    path = fresh()
    os.mkdir(path, 0o750)
    os.chmod(path, 0o750)
    back_up(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o750


@test
def no_link_is_followed_below_the_directory():
    path, elsewhere = fresh(), fresh()
    os.mkdir(path)
    with open(elsewhere, "w", encoding="ascii") as f:
        f.write("mine")
    os.symlink(elsewhere, path + "/quolog.new")
    os.symlink(elsewhere, path + "/chk0001.tmp")

    def call(api):
        r = api.BackupClusterDatabase(api.OpenCluster(None), path)
        assert r != 0

    the_cluster().run(call)
    with open(elsewhere, encoding="ascii") as f:
        assert f.read() == "mine"


@test
def everything_acknowledged_before_the_call_is_in():
    path = fresh()

    def call(api):
        h = api.OpenCluster(None)
        root = api.root(h)
        r, key, _ = api.create_key(root, "Acknowledged")
        assert r == 0
        for i in range(300):
            assert api.set_number(key, f"v{i}", i) == 0
        assert api.BackupClusterDatabase(h, path) == 0
        for i in range(300):
            assert api.set_number(key, f"v{i}", 7777) == 0
        assert api.RestoreClusterDatabase(path) == 0, api.last_error()
        root = api.root(api.OpenCluster(None))
        key = api.open_key(root, "Acknowledged")[1]
        for i in range(300):
            assert api.get_number(key, f"v{i}") == i

    the_cluster().run(call)


@test
def writers_are_not_blocked_and_what_they_were_told_is_kept():
    """Writers run beside backups; each backup holds at least what was acknowledged before it began."""
    path = fresh()

    def call(api):
        h = api.OpenCluster(None)
        key = api.create_key(api.root(h), "Beside")[1]
        stop, done = threading.Event(), [0]

        def write():
            while not stop.is_set():
                assert api.set_number(key, "n", done[0] + 1) == 0
                done[0] += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            went_through = 0
            for _ in range(5):
                before = done[0]
                assert api.BackupClusterDatabase(h, path) == 0
                went_through += done[0] - before
            assert went_through > 0, "no write went through while the backups ran"
        finally:
            stop.set()
            writer.join()
        assert api.RestoreClusterDatabase(path) == 0
        key = api.open_key(api.root(api.OpenCluster(None)), "Beside")[1]
        assert api.get_number(key, "n") >= before

    the_cluster().run(call)


@test
def the_rights_are_those_of_the_caller():
    tap.need_root()
    c = the_cluster()
    path = fresh()
    os.mkdir(path, 0o700)  # root's

    def by_nobody(api):
        h = api.OpenCluster(None)
        assert h, api.last_error()
        assert api.BackupClusterDatabase(h, path) == 5
        own = fresh("own")
        assert api.BackupClusterDatabase(h, own) == 0
        assert os.stat(own).st_uid == os.getuid()

    c.run(by_nobody, uid=65534)  # The service's own user: access to the cluster is not the question.


@test
def others_may_not_open_the_cluster():
    tap.need_root()

    def by_a_stranger(api):
        assert not api.OpenCluster(None)
        assert api.last_error() == 5, api.last_error()

    the_cluster().run(by_a_stranger, uid=12345)


@test
def a_read_only_file_system_is_19_and_nothing_is_touched():
    tap.need_root()
    path = fresh()
    os.mkdir(path)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", path], check=False).returncode != 0:
        raise tap.Skip("no mounts here")
    try:
        back_up(path, 19)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)  # What was opened there may be closed a moment later.


@test
def a_full_disk_is_112_and_the_log_says_how_much_is_missing():
    tap.need_root()
    path = fresh()
    os.mkdir(path)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", path], check=False).returncode != 0:
        raise tap.Skip("no mounts here")
    try:
        back_up(path, 112)
        assert names(path) == [], names(path)
        assert "are missing" in the_cluster().log_text()
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)  # What was opened there may be closed a moment later.


@test
def a_second_backup_at_the_same_time_is_5949():
    def call(api):
        h = api.OpenCluster(None)
        results = []
        threads = [threading.Thread(target=lambda: results.append(api.BackupClusterDatabase(h, fresh())))
                   for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert 0 in results and set(results) <= {0, 5949}, results

    the_cluster().run(call)


@test
def a_killed_service_leaves_the_old_set_and_backs_up_again():
    c = Cluster(RUEDAD, LIBRARY)
    path = fresh()
    back_up(path, c=c)

    def call(api):
        h = api.OpenCluster(None)
        key = api.create_key(api.root(h), "Big")[1]
        for i in range(200):
            assert api.set_value(key, f"v{i}", cluster.REG_BINARY, bytes(100000)) == 0

    c.run(call)
    for delay in (0.01, 0.05, 0.1, 0.2):
        def interrupted(api, delay=delay):
            h = api.OpenCluster(None)
            killer = threading.Timer(delay, lambda: os.kill(c.service_pid(), signal.SIGKILL))
            killer.start()
            api.BackupClusterDatabase(h, path)
            killer.join()

        killer = threading.Thread(target=lambda: c.process.wait(60))
        killer.start()
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                c.run(interrupted)
            finally:
                os._exit(0)
        killer.join()
        os.killpg(pid, signal.SIGKILL)  # Its caller, too: a call that was not sent yet would be made again.
        os.waitpid(pid, 0)
        c.process = None
        c.start()

        def restore(api):
            assert api.RestoreClusterDatabase(path) == 0, api.last_error()

        c.run(restore)  # Old or new: a whole set.
    back_up(path, c=c)
    c.stop()


@test
def api_level_2008_answers_120_and_touches_nothing():
    c = Cluster(RUEDAD, LIBRARY, config="api_level = 2008\n")
    path = fresh()
    back_up(path, 120, c=c)
    assert not os.path.exists(path)

    def call(api):
        assert api.RestoreClusterDatabase(path) == 120
        assert api.last_error() == 120

    c.run(call)
    c.stop()


@test
def samba_reads_the_attributes_of_the_marker():
    path = fresh()
    back_up(path)
    try:
        value = os.getxattr(path + "/Clusbackup.dat", "user.DOSATTRIB")
    except OSError as e:
        raise tap.Skip(f"no user attributes on this file system: {e}") from None
    # An empty string, version 5 twice, which fields are valid, read-only and hidden, the time of creation.
    assert value[:16].hex() == "00000500050000001100000003000000" and len(value) == 24, value.hex()
    if shutil.which("ndrdump") is None:
        raise tap.Skip("there is no ndrdump to ask")
    with open(path + ".xattr", "wb") as f:
        f.write(value)
    text = subprocess.run(["ndrdump", "-d0", "xattr", "xattr_DOSATTRIB", "struct", path + ".xattr"], capture_output=True,
                          text=True, check=True).stdout
    assert re.search(r"\battrib +: 0x00000003", text) and "dump OK" in text, text


if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
