#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library as programs meet it: names of clusters, the registry, objects, restarts of the service.  Prints TAP.

Usage: library.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import ctypes
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster, wide  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
shared = None
SET_VALUE, CREATE_KEY, DELETE_KEY = 1, 2, 3
CONDITION_EXISTS, CONDITION_KEY_NOT_EXISTS = 11, 18
void = ctypes.c_void_p


def the_cluster():
    global shared
    if shared is None:
        shared = Cluster(RUEDAD, LIBRARY)
    return shared


def in_cluster(function):
    """A test whose body runs as a client of the shared cluster: function(api, handle, root)."""
    def run():
        def call(api):
            h = api.OpenCluster(None)
            assert h, api.last_error()
            function(api, h, api.root(h))

        the_cluster().run(call)

    run.__name__ = function.__name__
    return test(run)


@in_cluster
def a_cluster_opens_by_its_own_names_in_any_case_and_by_no_other(api, _h, _root):
    for name in (None, "", ".", "CLUSTER_NAME", "cluster_name", "node1", "NODE1", socket.gethostname().upper()):
        assert api.OpenCluster(name), name
    for name in ("other", "CLUSTER_NAME2", "..", "cluster_name."):
        assert not api.OpenCluster(name) and api.last_error() == 1722, name


@in_cluster
def keys_are_made_opened_listed_and_deleted(api, _h, root):
    assert api.create_key(root, "Keys\\b\\deep")[::2] == (0, 1)
    assert api.create_key(root, "Keys\\B")[::2] == (0, 2)
    for name in ("c", "a", "Ä", "ä2", "😀"):
        assert api.create_key(root, "Keys\\" + name)[0] == 0
    r, key = api.open_key(root, "keys")
    assert r == 0 and api.enum_keys(key) == ["a", "b", "c", "Ä", "ä2", "😀"], api.enum_keys(key)
    assert api.open_key(root, "Keys\\missing")[0] == 2
    assert api.open_key(root, "\\Keys")[0] == 87
    assert api.open_key(root, None)[0] == 87
    assert api.delete_key(root, "Keys") == 5  # It has subkeys.
    assert api.delete_key(root, "Keys\\missing") == 2
    assert api.delete_key(root, "") == 87
    assert api.delete_key(root, "Keys\\b\\deep") == 0
    assert api.delete_key(root, "Keys\\b") == 0
    assert api.create_key(root, "Keys\\" + "x" * 255)[0] == 0
    assert api.create_key(root, "Keys\\" + "x" * 256)[0] == 206


@in_cluster
def values_are_what_was_set(api, _h, root):
    key = api.create_key(root, "Values")[1]
    for name, kind, data in (("", 1, wide("default")), (None, 1, wide("default again")), ("empty", 3, b""),
                             ("large", 3, bytes(range(256)) * 3000), ("none", 0, b"x"), ("odd type", 0xABCD, b"y"),
                             ("Ünï 😀", 4, b"\1\2\3\4")):
        assert api.set_value(key, name, kind, data) == 0, name
        assert api.get_value(key, name) == (0, kind, data), name
    assert api.get_value(key, "missing")[0] == 2
    assert api.delete_value(key, "empty") == 0
    assert api.delete_value(key, "empty") == 2
    assert api.set_value(key, "v" * 16383, 3, b"z") == 0
    assert api.set_value(key, "v" * 16384, 3, b"z") != 0
    assert api.set_value(key, "too large", 3, bytes(2 << 20)) != 0
    small, size, kind = ctypes.create_string_buffer(2), ctypes.c_uint32(2), ctypes.c_uint32()
    assert api.lib.ClusterRegQueryValue(void(key), wide("Ünï 😀"), ctypes.byref(kind), small, ctypes.byref(size)) == 234
    assert size.value == 4
    assert api.lib.ClusterRegQueryValue(void(key), wide("Ünï 😀"), None, None, ctypes.byref(size)) == 0


def batch(api, key, commands):
    handle, failed = void(), ctypes.c_int32(99)
    assert api.lib.ClusterRegCreateBatch(void(key), ctypes.byref(handle)) == 0
    for command, name, kind, data in commands:
        r = api.lib.ClusterRegBatchAddCommand(handle, command, wide(name), kind, data, len(data or b""))
        assert r == 0, r
    return api.lib.ClusterRegCloseBatch(handle, 1, ctypes.byref(failed)), failed.value


@in_cluster
def a_batch_is_carried_out_whole_or_not_at_all(api, _h, root):
    key = api.create_key(root, "Batches")[1]
    assert batch(api, key, [(SET_VALUE, "a", 4, b"\1\0\0\0"), (CREATE_KEY, "sub", 0, None),
                            (SET_VALUE, "b", 4, b"\2\0\0\0")]) == (0, -1)
    assert api.get_number(key, "a") == 1
    assert api.get_number(api.open_key(key, "sub")[1], "b") == 2
    r, failed = batch(api, key, [(SET_VALUE, "a", 4, b"\7\0\0\0"), (CONDITION_EXISTS, "missing", 0, None)])
    assert (r, failed) == (5986, 1), (r, failed)
    assert api.get_number(key, "a") == 1
    assert batch(api, key, [(DELETE_KEY, "sub", 0, None), (DELETE_KEY, "missing", 0, None)]) == (0, -1)
    assert api.open_key(key, "sub")[0] == 2
    assert batch(api, key, [(CONDITION_KEY_NOT_EXISTS, "sub", 0, None), (CREATE_KEY, "sub", 0, None)]) == (0, -1)


@in_cluster
def a_value_command_needs_a_current_key(api, _h, root):
    handle = void()
    assert api.lib.ClusterRegCreateBatch(void(root), ctypes.byref(handle)) == 0
    assert api.lib.ClusterRegBatchAddCommand(handle, DELETE_KEY, wide("x"), 0, None, 0) == 0
    assert api.lib.ClusterRegBatchAddCommand(handle, SET_VALUE, wide("x"), 4, b"\0\0\0\0", 4) == 87
    assert api.lib.ClusterRegBatchAddCommand(handle, 99, wide("x"), 0, None, 0) == 1
    assert api.lib.ClusterRegBatchAddCommand(void(3), SET_VALUE, wide("x"), 4, b"\0\0\0\0", 4) == 6
    assert api.lib.ClusterRegCloseBatch(handle, 0, None) == 0
    assert api.lib.ClusterRegCloseBatch(handle, 0, None) == 6


@in_cluster
def a_read_batch_answers_each_read_in_order(api, _h, root):
    class Command(ctypes.Structure):
        _fields_ = [("command", ctypes.c_uint32), ("options", ctypes.c_uint32), ("subkey", void), ("name", void),
                    ("data", void), ("size", ctypes.c_uint32)]

    key = api.create_key(root, "Reads\\sub")[1]
    assert api.set_number(key, "n", 5) == 0
    handle, reply, command = void(), void(), Command()
    key = api.open_key(root, "Reads")[1]
    assert api.lib.ClusterRegCreateReadBatch(void(key), ctypes.byref(handle)) == 0
    assert api.lib.ClusterRegReadBatchAddCommand(handle, wide("sub"), wide("n")) == 0
    assert api.lib.ClusterRegReadBatchAddCommand(handle, None, wide("missing")) == 0
    assert api.lib.ClusterRegCloseReadBatch(handle, ctypes.byref(reply)) == 0
    assert api.lib.ClusterRegReadBatchReplyNextCommand(reply, ctypes.byref(command)) == 0
    assert (command.command, command.options, command.size) == (8, 4, 4), (command.command, command.options)
    assert struct.unpack("<I", ctypes.string_at(command.data, 4))[0] == 5
    assert api.lib.ClusterRegReadBatchReplyNextCommand(reply, ctypes.byref(command)) == 0
    assert (command.command, command.options) == (9, 2), (command.command, command.options)
    assert api.lib.ClusterRegReadBatchReplyNextCommand(reply, ctypes.byref(command)) == 259
    assert api.lib.ClusterRegCloseReadBatchReply(reply) == 0


@in_cluster
def groups_and_resources_follow_their_rules(api, h, _root):
    group = api.lib.CreateClusterGroup(void(h), wide("Web"))
    assert group
    assert not api.lib.CreateClusterGroup(void(h), wide("WEB")) and api.last_error() == 5010
    assert not api.lib.OpenClusterGroup(void(h), wide("Nothing")) and api.last_error() == 5013
    resource = api.lib.CreateClusterResource(void(group), wide("Address"), wide("IP Address"), 0)
    assert resource
    assert not api.lib.CreateClusterResource(void(group), wide("Other"), wide("No such type"), 0)
    assert api.last_error() == 5078
    key = api.lib.GetClusterResourceKey(void(resource), cluster.KEY_ALL_ACCESS)
    assert api.get_value(key, "Name") == (0, 1, wide("Address"))
    assert api.lib.DeleteClusterGroup(void(group)) == 145
    assert api.lib.DeleteClusterResource(void(resource)) == 0
    assert api.lib.DeleteClusterResource(void(resource)) == 5006
    assert api.get_value(key, "Name")[0] == 1018
    assert api.lib.DeleteClusterGroup(void(group)) == 0
    assert api.lib.DeleteClusterGroup(void(group)) == 5012


@in_cluster
def many_threads_share_one_handle(api, _h, root):
    key = api.create_key(root, "Threads")[1]
    failures = []

    def work(number):
        for i in range(20):
            if api.set_number(key, f"t{number}", i) != 0 or api.get_number(key, f"t{number}") != i:
                failures.append((number, i))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(32)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:5]


@test
def more_processes_open_the_cluster_at_once_than_there_may_be_connections():
    def open_and_close(api):
        failures = 0
        for _ in range(3):
            h = api.OpenCluster(None)
            root = api.root(h) if h else None
            time.sleep(0.02)
            failures += not root or api.close_key(root) != 0 or not api.CloseCluster(h)
        os._exit(failures)

    def all_at_once(api):
        wait, go = os.pipe()
        children = []
        for _ in range(40):
            children.append(os.fork())
            if children[-1] == 0:
                os.close(go)
                os.read(wait, 1)
                open_and_close(api)
        os.close(go)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * len(children)

    with Cluster(RUEDAD, LIBRARY, "[limits]\nconnections = 16\n") as c:
        c.run(all_at_once)
        deadline = time.monotonic() + 90
        while "connections were refused" not in c.log_text():
            assert time.monotonic() < deadline, "there was room for all"
            time.sleep(0.1)


@test
def handles_go_on_after_a_restart_and_say_what_was_deleted():
    def client_of_its_own_service():
        c = Cluster(RUEDAD, LIBRARY)
        os.environ.update(c.environment)
        api = cluster.Api(LIBRARY)
        h = api.OpenCluster(None)
        root = api.root(h)
        kept, gone = api.create_key(root, "Kept")[1], api.create_key(root, "Gone")[1]
        group = api.lib.CreateClusterGroup(void(h), wide("Web"))
        assert api.set_number(kept, "n", 1) == 0
        assert api.delete_key(root, "Gone") == 0
        assert api.get_value(gone, "n")[0] == 1018
        for stop in (c.stop, c.kill):
            stop()
            c.start()
            assert api.get_number(kept, "n") == 1
            assert api.set_number(kept, "n", 1) == 0
            assert api.get_value(gone, "n")[0] == 1018
            assert api.lib.GetClusterGroupState(void(group), None, None) == 1
            assert api.BackupClusterDatabase(h, None) == 87
        c.stop()

    # The library reads RUEDA_DIR once, and who starts the service must be able to wait for it.
    tap.in_child(client_of_its_own_service)


if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
