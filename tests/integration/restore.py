#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""RestoreClusterDatabase as programs meet it: every rule of its documentation, one test each.  Prints TAP.

Usage: restore.py RUEDAD LIBCLUSAPI CHECKPOINT_SET [part of a test's name...]"""
import contextlib
import ctypes
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from loopdisk import LoopDisk, Tmpfs  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
CHECKPOINT_SET = CHOSEN.pop(0)
HOME = tap.temporary()
os.chmod(HOME, 0o777)
numbers = iter(range(1, 1000))


def fresh():
    return f"{HOME}/set{os.getpid()}-{next(numbers)}"


def make_set(c, number=1):
    """A set that holds Mark = number."""
    path = fresh()

    def call(api):
        h = api.OpenCluster(None)
        root = api.root(h)
        assert api.set_number(root, "Mark", number) == 0
        assert api.BackupClusterDatabase(h, path) == 0

    c.run(call)
    return path


def backup_fails(c):
    """What the log says of a backup that fails."""
    def call(api):
        assert api.BackupClusterDatabase(api.OpenCluster(None), fresh()) != 0

    c.run(call)
    return c.log_text()


def mark(c):
    found = []
    read, write = os.pipe()

    def call(api):
        h = api.OpenCluster(None)
        assert h, api.last_error()
        os.write(write, str(api.get_number(api.root(h), "Mark")).encode())

    c.run(call)
    os.close(write)
    with os.fdopen(read) as f:
        found = f.read()
    return int(found)


def set_mark(c, number):
    def call(api):
        assert api.set_number(api.root(api.OpenCluster(None)), "Mark", number) == 0

    c.run(call)


def restore(c, path, expected=0, **arguments):
    def call(api):
        r = api.RestoreClusterDatabase(path, **arguments)
        assert r == expected, f"{r}, not {expected}"
        assert api.last_error() == r, "the last error is the code that is returned"

    c.run(call)


def restore_rueda(c, path, expected=0, flags=0, as_node=None, as_new=None):
    """RuedaRestore(); its story."""
    read, write = os.pipe()

    def call(api):
        story = ctypes.create_string_buffer(2048)
        api.lib.RuedaRestore.restype = ctypes.c_uint32
        r = api.lib.RuedaRestore(cluster.wide(path), flags, None, cluster.wide(as_node), cluster.wide(as_new), None, story,
                                  1024)
        text = story.raw.decode("utf-16-le").split("\0")[0]
        os.write(write, text.encode())
        assert r == expected, f"{r}, not {expected}: {text}"

    c.run(call)
    os.close(write)
    with os.fdopen(read) as f:
        return f.read()


@test
def the_state_of_the_set_is_back_and_the_cluster_serves():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c, 1)
        set_mark(c, 2)
        restore(c, path)
        assert mark(c) == 1
        set_mark(c, 3)
        assert mark(c) == 3


@test
def a_null_or_empty_path_is_87():
    with Cluster(RUEDAD, LIBRARY) as c:
        restore(c, None, 87)
        restore(c, "", 87)


@test
def a_drive_is_exactly_a_letter_and_a_colon():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c)
        for drive in ("", "q", "q:\\", ":", "1:", "qq:", "é:"):
            restore(c, path, 87, drive=drive)
        restore(c, path, drive="Q:")


@test
def a_directory_without_a_set_is_5087():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = fresh()
        os.mkdir(path)
        restore(c, path, 5087)
        assert "no backup set" in c.log_text()
        restore(c, fresh(), 3)


@test
def a_set_without_its_marker_is_5087():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c)
        os.unlink(path + "/Clusbackup.dat")
        restore(c, path, 5087)
        assert "not complete" in c.log_text()


@test
def a_damaged_set_is_5087_with_the_reason_and_changes_nothing():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c, 1)
        set_mark(c, 2)
        snapshot = [n for n in os.listdir(path) if n.startswith("chk")][0]
        for name, at in ((snapshot, 5000), ("quolog.log", 100)):
            copy = fresh()
            shutil.copytree(path, copy)
            with open(f"{copy}/{name}", "r+b") as f:
                f.seek(at)
                byte = f.read(1)
                f.seek(at)
                f.write(bytes([byte[0] ^ 0x40]))
            restore(c, copy, 5087)
            assert name in c.log_text()
        os.truncate(f"{path}/{snapshot}", 4096)
        restore(c, path, 5087)
        assert mark(c) == 2


@test
def names_are_found_in_any_case():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c, 1)
        set_mark(c, 2)
        for name in os.listdir(path):
            os.rename(f"{path}/{name}", f"{path}/{name.upper()}")
        restore(c, path)
        assert mark(c) == 1


@test
def every_old_handle_is_6():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c)

        def call(api):
            h = api.OpenCluster(None)
            root = api.root(h)
            assert api.RestoreClusterDatabase(path) == 0
            assert api.get_value(root, "Mark")[0] == 6
            assert api.set_number(root, "Mark", 9) == 6
            assert api.BackupClusterDatabase(h, fresh()) == 6
            assert api.SetClusterName(h, "OTHER") == 6
            assert api.close_key(root) == 0
            assert api.CloseCluster(h)

        c.run(call)


def is_running(pid):
    """Not so if only its parent has not noticed its end."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@test
def old_handles_stay_6_after_a_restart_too():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c)

        def call(api):
            h = api.OpenCluster(None)
            root = api.root(h)
            assert api.RestoreClusterDatabase(path) == 0
            os.kill(c.service_pid(), signal.SIGTERM)
            while is_running(c.process.pid):
                time.sleep(0.02)
            starter = subprocess.Popen([RUEDAD], env=c.environment, stderr=subprocess.DEVNULL)
            try:
                assert api.get_value(root, "Mark")[0] == 6
            finally:
                starter.terminate()
                starter.wait(30)

        c.run(call)


@test
def a_stopped_service_is_started():
    c = Cluster(RUEDAD, LIBRARY)
    path = make_set(c, 1)
    set_mark(c, 2)
    c.stop()

    def call(api):
        assert api.GetNodeClusterState() == 3
        assert api.RestoreClusterDatabase(path) == 0, api.last_error()
        assert api.GetNodeClusterState() == 0x13

    c.run(call)
    assert mark(c) == 1
    c.end()


@test
def a_machine_with_an_empty_disk_gets_its_cluster_back():
    source = Cluster(RUEDAD, LIBRARY)
    path = make_set(source, 7)
    source.stop()
    with Cluster(RUEDAD, LIBRARY, create=False) as c:
        restore(c, path)
        assert mark(c) == 7


@test
def a_state_that_cannot_be_used_is_no_obstacle():
    c = Cluster(RUEDAD, LIBRARY)
    path = make_set(c, 5)
    c.stop()
    for directory, _, files in os.walk(c.path("state")):
        for name in files:
            if name.endswith((".hive", ".run", ".log")):
                with open(f"{directory}/{name}", "r+b") as f:
                    f.write(b"\xff" * 64)
    restore(c, path)
    assert mark(c) == 5
    c.end()


def generations(c):
    return sorted(n for n in os.listdir(c.path("state")) if n[:8].isdigit())


@test
def a_state_that_could_not_be_copied_is_not_removed():
    """With `current` damaged there is no safety copy: then what the old generations hold is all there is of them."""
    c = Cluster(RUEDAD, LIBRARY)
    path = make_set(c, 5)
    old = generations(c)
    c.stop()
    with open(c.path("state/current"), "w", encoding="ascii") as f:
        f.write("rubbish\n")
    restore(c, path)
    assert mark(c) == 5
    assert set(old) < set(generations(c)), (old, generations(c))
    c.end()


@test
def no_cluster_is_created_over_a_state_that_cannot_be_used():
    c = Cluster(RUEDAD, LIBRARY)
    c.stop()
    current = open(c.path("state/current"), encoding="ascii").read()
    for name in os.listdir(c.path("state/" + current.strip())):
        if name.endswith(".run"):
            os.truncate(c.path(f"state/{current.strip()}/{name}"), 10)
    c.start("--recover")

    def call(api):
        assert api.lib.RuedaCreateCluster(cluster.wide("OTHER"), 0, None, None, 0) == 183

    c.run(call)
    assert open(c.path("state/current"), encoding="ascii").read() == current
    c.stop()


@test
def a_state_that_is_not_all_there_is_not_taken_for_a_node_without_a_cluster():
    with Cluster(RUEDAD, LIBRARY) as c:
        make_set(c, 5)
        (generation,) = generations(c)
        c.stop()
        os.rename(c.path("state/" + generation), c.path("elsewhere"))
        with contextlib.suppress(AssertionError):
            c.start()
        assert c.process.poll() == 1 and f"'current' names {generation}" in c.log_text(), c.log_text()
        os.rename(c.path("elsewhere"), c.path("state/" + generation))

        os.unlink(c.path("state/current"))
        c.start()
        assert "no file 'current' that puts it in force" in c.log_text() and f"generation={generation}" in c.log_text()
        c.stop()
        with open(c.path("state/current"), "w", encoding="ascii") as f:  # As the log says.
            f.write(generation + "\n")
        os.chown(c.path("state/current"), *os.stat(c.path("state"))[4:6])
        c.start()
        assert mark(c) == 5


def checkpoints_in(path):
    """The checkpoints of resources that lie in a set: {(resource, number and kind): content}."""
    return {(os.path.basename(os.path.dirname(p)), os.path.basename(p)[4:]): open(p, "rb").read()
            for p in glob.glob(f"{path}/*/*.CP[TR]")}


@test
def checkpoints_of_resources_come_back_and_are_in_the_next_backup_and_in_the_safety_copy():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = fresh()
        os.mkdir(path)
        subprocess.run([CHECKPOINT_SET], env={**os.environ, "CHECKPOINT_SET": path}, check=True, stdout=subprocess.DEVNULL)
        saved = checkpoints_in(path)
        assert sorted(saved.values()) == [b"saved files", b"saved key", b"saved keys"]
        restore(c, path)
        assert checkpoints_in(make_set(c)) == saved
        c.kill()
        c.start()
        assert checkpoints_in(make_set(c)) == saved
        time.sleep(1.1)  # Safety copies are named by the second.
        restore(c, path)
        copies = sorted(glob.glob(c.path("state/safety/*")))
        assert [checkpoints_in(p) for p in copies] == [{}, saved]

        # One that is lost is told, and does not keep anybody from restoring.
        os.remove(glob.glob(c.path("state/00000003-*/blobs/*"))[0])
        assert "cannot read the saved state" in backup_fails(c)
        time.sleep(1.1)
        restore(c, path)
        assert len(checkpoints_in(sorted(glob.glob(c.path("state/safety/*")))[-1])) == 2
        assert checkpoints_in(make_set(c)) == saved


def cluster_on(disk):
    """A cluster whose state lies on that disk."""
    c = Cluster(RUEDAD, LIBRARY, create=False, start=False)
    state = c.path("state")
    os.mkdir(state)
    disk.mount(state)
    shutil.chown(state, "nobody", "nogroup")
    os.chmod(state, 0o700)
    try:
        c.start()
        c.create()
    except BaseException:
        c.stop()
        raise
    return c


@test
def another_partition_table_is_5086_unless_forced():
    with LoopDisk([1, 300], "dos") as disk, cluster_on(disk) as c:
        path = make_set(c, 1)
    others = (([2, 300], "dos", "partition 1 begins at byte 2097152, in the set at 1048576"),
              ([1, 301], "gpt", "partition 2 begins at byte 315621376, in the set at 314572800"),
              ([1], "dos", "it has 1 partition, in the set it has 2"),
              ([1, 300, 600], "gpt", "it has 3 partitions, in the set it has 2"))
    for starts, label, reason in others:
        with LoopDisk(starts, label) as disk, cluster_on(disk) as c:
            set_mark(c, 2)
            restore(c, path, 5086)
            assert reason in c.log_text(), c.log_text()
            assert reason in restore_rueda(c, path, 5086, flags=2), "a plan says so too"
            assert mark(c) == 2
            restore(c, path, force=True)
            assert mark(c) == 1
            restore(c, path, 5086)  # Force has not made the set's layout that of this disk.
            if starts == [1]:
                restore(c, make_set(c, 3))  # But what is backed up now is of this one.


@test
def the_same_partitions_on_another_disk_are_the_same_layout():
    with LoopDisk([1, 300], "dos") as disk, cluster_on(disk) as c:
        path = make_set(c, 1)
    with LoopDisk([1, 300], "gpt") as disk, cluster_on(disk) as c:
        set_mark(c, 2)
        assert "layout" not in restore_rueda(c, path)
        assert mark(c) == 1


@test
def without_a_block_device_no_layout_is_checked_and_this_is_said():
    with LoopDisk([1], "dos") as disk, cluster_on(disk) as c:
        path = make_set(c, 1)
    with Tmpfs() as disk, cluster_on(disk) as c:
        story = restore_rueda(c, path)
        assert "the layout of the quorum disk was not compared: " in story and "on no block device" in story, story
        assert "layout of the quorum disk not compared" in c.log_text()
        without = make_set(c, 3)
    with LoopDisk([1], "dos") as disk, cluster_on(disk) as c:
        story = restore_rueda(c, without, flags=2)
        assert "the layout of the quorum disk would not be compared: " in story and "the set has none" in story, story
        restore(c, without)
        assert mark(c) == 3


def identity(c):
    """(cluster name, instance id, names of nodes by id), as the database says."""
    read, write = os.pipe()

    def call(api):
        root = api.root(api.OpenCluster(None))
        texts = [api.get_value(root, name)[2].decode("utf-16-le").rstrip("\0") for name in ("ClusterName", "ClusterInstanceID")]
        nodes = api.open_key(root, "Nodes")[1]
        names = {i: api.get_value(api.open_key(nodes, i)[1], "NodeName")[2].decode("utf-16-le").rstrip("\0")
                 for i in api.enum_keys(nodes)}
        os.write(write, json.dumps([*texts, names]).encode())

    c.run(call)
    os.close(write)
    with os.fdopen(read) as f:
        return json.loads(f.read())


@test
def a_host_that_is_no_node_of_the_set_is_5043_unless_it_stands_in_for_one():
    with Cluster(RUEDAD, LIBRARY) as source:
        path = make_set(source, 7)
        before = identity(source)
    for create in (False, True):
        with Cluster(RUEDAD, LIBRARY, create=create, node="spare") as c:
            restore(c, path, 5043)
            restore(c, path, 5043, force=True)
            assert "no node named 'spare'; --as-node" in c.log_text()
            assert "no node named 'node2'" in restore_rueda(c, path, 5043, as_node="node2")
            assert "'spare', which stands in for 'NODE1'" in restore_rueda(c, path, flags=2, as_node="NODE1")
            restore_rueda(c, path, as_node="NODE1")
            assert mark(c) == 7
            name, instance, nodes = identity(c)
            assert (name, instance) == tuple(before[:2]), "the same cluster"
            assert nodes == {"1": "spare"}, nodes
            c.stop()
            c.start()
            assert mark(c) == 7
            restore(c, make_set(c, 8))  # Its own sets are those of spare.


@test
def a_host_does_not_stand_in_for_another_node_beside_itself():
    with Cluster(RUEDAD, LIBRARY) as c:
        def second_node(api):
            root = api.root(api.OpenCluster(None))
            key = api.create_key(root, "Nodes\\2")[1]
            assert api.set_value(key, "NodeName", cluster.REG_SZ, cluster.wide("node2")) == 0

        c.run(second_node)
        path = make_set(c, 1)
        restore(c, path, 5056)
        set_mark(c, 2)
        assert "as well" in restore_rueda(c, path, 183, flags=1, as_node="node2")
        assert mark(c) == 2
        restore_rueda(c, path, flags=1, as_node="node1")
        assert mark(c) == 1
        assert identity(c)[2] == {"1": "node1", "2": "node2"}


@test
def as_new_makes_another_cluster_of_the_set():
    with Cluster(RUEDAD, LIBRARY) as source:
        path = make_set(source, 7)
        name, instance, nodes = identity(source)
    with Cluster(RUEDAD, LIBRARY, create=False) as c:
        for bad, code in (("two words", 123), ("a\\b", 123), ("x" * 64, 206), ("x" * 300, 206)):
            for flags in (0, 2):
                assert "new cluster" in restore_rueda(c, path, code, flags=flags, as_new=bad)
        assert "the new cluster 'LAB'" in restore_rueda(c, path, flags=2, as_new="LAB")
        restore_rueda(c, path, as_new="LAB")
        assert mark(c) == 7
        new = identity(c)
        assert new[0] == "LAB" and new[1] != instance and new[2] == nodes, new
        c.stop()
        c.start()
        assert identity(c) == new, "it is durable"
        restore_rueda(c, path, as_new="LAB2")
        assert identity(c)[1] not in (instance, new[1]), "each is another"
    with Cluster(RUEDAD, LIBRARY, create=False, node="spare") as c:
        restore_rueda(c, path, 5043, as_new="LAB")
        restore_rueda(c, path, as_new="LAB", as_node="node1")
        assert identity(c)[0] == "LAB" and identity(c)[2] == {"1": "spare"}, identity(c)


@test
def what_was_replaced_is_kept_as_a_set():
    with Cluster(RUEDAD, LIBRARY) as c:
        path = make_set(c, 1)
        set_mark(c, 2)
        restore(c, path)
        copies = os.listdir(c.path("state/safety"))
        assert len(copies) == 1, copies
        restore(c, c.path("state/safety/" + copies[0]))
        assert mark(c) == 2


@test
def a_killed_service_comes_up_with_the_old_state_or_the_new():
    c = Cluster(RUEDAD, LIBRARY)
    path = make_set(c, 1)
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4):
        set_mark(c, 2)

        def interrupted(api, delay=delay):
            os.environ["RUEDA_RUEDAD"] = "/bin/false"  # If there is no service any more, it starts none.
            killer = threading.Timer(delay, lambda: os.kill(c.service_pid(), signal.SIGKILL))
            killer.start()
            api.lib.RestoreClusterDatabase(cluster.wide(path), 0, None)
            killer.join()

        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                c.run(interrupted)
            finally:
                os._exit(0)
        c.process.wait(120)
        os.killpg(pid, signal.SIGKILL)  # And who has called: the call would be made again by him.
        os.waitpid(pid, 0)
        c.process = None
        c.start()
        assert mark(c) in (1, 2)
    c.stop()


@test
def the_log_and_checkpoints_of_a_restored_cluster_survive_a_kill():
    c = Cluster(RUEDAD, LIBRARY)
    path = make_set(c, 1)
    restore(c, path)
    set_mark(c, 44)
    c.kill()
    c.start()
    assert mark(c) == 44
    c.stop()
    c.start()
    assert mark(c) == 44
    c.stop()


if __name__ == "__main__":
    tap.run(CHOSEN)
