#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notifications: ports of both versions and batch ports, over the wire and through the library.  Prints TAP.

Usage: notify.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import ctypes
import os
import select
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import rawrpc  # noqa: E402
import tap  # noqa: E402
from cluster import REG_SZ, Cluster, wide  # noqa: E402
from rawrpc import Reader, wstr  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
shared = None
ALL, NODE_STATE = 0xFFFFFFFF, 0x1
GROUP_STATE, GROUP_DELETED, GROUP_ADDED, GROUP_PROPERTY = 0x1000, 0x2000, 0x4000, 0x8000
RESOURCE_STATE, RESOURCE_DELETED, RESOURCE_ADDED, RESOURCE_PROPERTY = 0x100, 0x200, 0x400, 0x800
REGISTRY_NAME, REGISTRY_ATTRIBUTES, REGISTRY_VALUE = 0x10, 0x20, 0x40
RECONNECT = 0x80000


def the_cluster():
    global shared
    if shared is None:
        shared = Cluster(RUEDAD, LIBRARY, "[limits]\nevents = 16\n")
    return shared


# ---- Over the wire


class Raw(rawrpc.Client):
    """The calls of notification ports; each gives its status first."""

    def status(self, opnum, stub, tail=4):
        return struct.unpack("<I", self.call(opnum, stub)[-tail:][:4])[0]

    def opened(self, opnum, stub=b"", handle_last=True):
        answer = self.call(opnum, stub)
        handle = answer[-20:] if handle_last else answer[:20]
        assert handle != bytes(20), (opnum, answer.hex())
        return handle

    def open_cluster(self):
        return self.opened(0)

    def open_group(self, name):
        return self.opened(41, wstr(name))

    def create_group(self, name):
        return self.opened(42, wstr(name))

    def root_key(self):
        return self.opened(28, struct.pack("<I", 0xF003F))

    def create_key(self, key, name):
        answer = self.call(29, key + wstr(name) + struct.pack("<II", 0, 0xF003F) + struct.pack("<I", 0))
        return answer[-20:]

    def port(self):
        return self.opened(55)

    def port_v2(self):
        return self.opened(137)

    def add_cluster(self, port, handle, flags, key):
        return self.status(57, port + handle + struct.pack("<II", flags, key))

    def add_object(self, opnum, port, handle, flags, key, seen=None):
        answer = self.call(opnum, port + handle + struct.pack("<II", flags, key) +
                           (b"" if seen is None else struct.pack("<I", seen)))
        return struct.unpack("<I", answer[-4:])[0], struct.unpack("<I", answer[:4])[0]

    def add_key(self, port, handle, key, flags, subtree):
        return self.status(61, port + handle + struct.pack("<III", key, flags, int(subtree)))

    def add_v2(self, port, handle, kind, flags, key, targeted, version=2):
        stub = port + handle
        stub += struct.pack("<IIQ", kind, 0, flags) if len(stub) % 8 == 0 else None
        return self.status(138, stub + struct.pack("<III", key, version, int(targeted)))

    @staticmethod
    def event(answer):
        r = Reader(answer)
        key, flags, sequence, pointer = r.u32(), r.u32(), r.u32(), r.u32()
        name = r.string() if pointer else None
        _rpc, status = r.u32(), r.u32()
        return (key, flags, name, sequence) if status == 0 else status

    def get(self, port):
        """GetNotify: (key, flags, name, sequence), or an error."""
        return self.event(self.call(65, port))

    @staticmethod
    def events_v2(answer):
        r = Reader(answer)
        pointer, events = r.u32(), []
        for _ in range(r.u32() if pointer else 0):
            r.at += -r.at % 8
            key, kind, flags = r.u32(), (r.u32(), r.u32())[1], r.u64()
            events.append([key, kind, flags, r.u32(), r.u32(), r.u32(), r.u32(), r.u32(), r.u32()])
        out = []
        for key, kind, flags, buffer, size, object_id, parent, name, type_name in events:
            data = r.bytes() if buffer else b""
            assert len(data) == size
            out.append((key, kind, flags, data) + tuple(r.string() if p else None
                                                        for p in (object_id, parent, name, type_name)))
        r.u32()
        status = r.u32()
        return out if status == 0 else status

    def get_v2(self, port):
        return self.events_v2(self.call(139, port))

    def unblock(self, port):
        return self.status(107, port)

    def close_port(self, port):
        return self.status(56, port)


@test
def version_1_tells_each_change_once_with_its_key_and_name():
    a = Raw(the_cluster())
    port, handle = a.port(), a.open_cluster()
    assert a.add_cluster(port, handle, ALL & ~(NODE_STATE | GROUP_STATE | RESOURCE_STATE), 77) == 0
    group = a.create_group("Raw group")
    assert a.get(port)[:3] == (77, GROUP_ADDED, "Raw group")
    answer = a.call(9, group + wstr("Raw resource") + wstr("Generic Script") + struct.pack("<I", 0))
    resource = answer[-20:]
    got = {a.get(port)[1:3], a.get(port)[1:3]}
    assert got == {(RESOURCE_ADDED, "Raw resource"), (GROUP_PROPERTY, "Raw group")}, got
    assert a.status(10, resource) == 0
    got = {a.get(port)[1:3], a.get(port)[1:3]}
    assert got == {(RESOURCE_DELETED, "Raw resource"), (GROUP_PROPERTY, "Raw group")}, got
    assert a.status(43, group + bytes(4)) == 0
    assert a.get(port)[:3] == (77, GROUP_DELETED, "Raw group")
    assert a.close_port(port) == 0


@test
def calls_that_wait_are_ended_by_an_event_an_unblock_and_a_close_from_another_connection():
    a = Raw(the_cluster())
    b = Raw(the_cluster(), a.group)
    port, handle = a.port(), a.open_cluster()
    assert b.add_cluster(port, handle, GROUP_ADDED, 5) == 0
    a.begin(65, port)
    b.create_group("Waited for")
    assert a.event(a.end())[:3] == (5, GROUP_ADDED, "Waited for")
    for opnum, code in ((65, 259), (147, 1)):
        a.begin(opnum, port)
        time.sleep(0.1)
        assert b.unblock(port) == 0
        assert struct.unpack("<I", a.end()[-4:])[0] == code, opnum
    a.begin(65, port)
    time.sleep(0.1)
    assert b.close_port(port) == 0
    assert struct.unpack("<I", a.end()[-4:])[0] == 259
    v2 = a.port_v2()
    assert b.add_v2(v2, handle, 1, 0x4, 6, False) == 0
    a.begin(139, v2)
    time.sleep(0.1)
    assert b.close_port(v2) == 0
    assert struct.unpack("<I", a.end()[-4:])[0] == 1
    assert a.get(port) == 6


@test
def an_event_is_not_lost_with_the_connection_that_waited_for_it():
    a = Raw(the_cluster())
    b = Raw(the_cluster(), a.group)
    port, handle = a.port(), a.open_cluster()
    assert a.add_cluster(port, handle, GROUP_ADDED, 5) == 0
    b.begin(65, port)
    time.sleep(0.1)
    b.close()
    time.sleep(0.3)
    a.create_group("Not lost")
    assert a.get(port)[:3] == (5, GROUP_ADDED, "Not lost")


@test
def a_client_that_goes_before_it_is_answered_does_not_end_the_service():
    for _ in range(30):
        a = Raw(the_cluster())
        a.begin(3)
        a.close()
    assert Raw(the_cluster()).port()


@test
def version_2_tells_data_ids_and_parents():
    a = Raw(the_cluster())
    port, handle = a.port_v2(), a.open_cluster()
    assert a.add_v2(port, handle, 1, 0x4, 9, False) == 0
    assert a.add_v2(port, handle, 2, 0x1E7, 8, False) == 0
    group = a.create_group("V2 group")
    (event,) = a.get_v2(port)
    assert event[:3] == (9, 1, 0x4) and event[3] == struct.pack("<I", 9999), event
    assert len(event[4]) == 36 and event[6:] == ("V2 group", ""), event
    assert a.status(46, group + wstr("V2 renamed")) == 0
    events = a.get_v2(port)
    assert (8, 2, 0x2) in [e[:3] for e in events], events
    assert [e[6] for e in events if e[2] == 0x2] == ["V2 renamed"], events
    assert wide("Name")[:-2] in [e[3] for e in events if e[2] == 0x2][0], events


@test
def bad_filters_of_version_2_and_ports_of_the_other_version_are_refused():
    a = Raw(the_cluster())
    one, two, handle, group = a.port(), a.port_v2(), a.open_cluster(), a.open_group("Cluster Group")
    for kind, flags, version in ((1, 4, 1), (0, 1, 2), (99, 1, 2), (1, 0, 2), (1, 1, 2), (1, 8, 2), (2, 0x200, 2),
                                 (7, 0x80, 2), (2, 1 << 40, 2)):
        assert a.add_v2(two, handle, kind, flags, 1, False, version) == 87, (kind, flags, version)
    assert a.add_v2(one, handle, 1, 4, 1, False) == 87
    assert a.add_cluster(two, handle, ALL, 1) == 87
    assert a.get(two) == 87 and a.get_v2(one) == 87
    assert a.add_v2(two, group, 2, 0x1FF, 1, True) == 0
    assert a.add_v2(two, handle, 2, 8, 1, True) == 6  # That is no group.


@test
def a_state_that_changed_meanwhile_is_told_when_a_filter_is_added_again():
    a = Raw(the_cluster())
    port, group = a.port(), a.open_group("Cluster Group")
    r, sequence = a.add_object(59, port, group, GROUP_STATE, 3)
    assert r == 0 and sequence > 0  # It has been placed, and its quorum resource brought online.
    assert a.add_object(63, port, group, GROUP_STATE, 4, sequence)[0] == 0
    assert a.add_object(63, port, group, GROUP_PROPERTY, 5, sequence - 1)[0] == 0
    assert a.add_object(63, port, group, GROUP_STATE, 6, sequence - 1)[0] == 0
    assert a.get(port) == (6, GROUP_STATE, "Cluster Group", sequence)


@test
def what_does_not_fit_the_queue_is_told_to_be_lost():
    a = Raw(the_cluster())
    port, two, handle = a.port(), a.port_v2(), a.open_cluster()
    assert a.add_cluster(port, handle, GROUP_ADDED | RECONNECT, 5) == 0
    assert a.add_v2(two, handle, 1, 0x204, 6, False) == 0
    for i in range(20):
        a.create_group(f"Many {i}")
    got = [a.get(port)[:3] for _ in range(16)]
    assert got == [(5, GROUP_ADDED, f"Many {i}") for i in range(15)] + [(5, RECONNECT, "")], got
    got = [e[:3] for e in a.get_v2(two)]
    assert got == [(6, 1, 4)] * 15 + [(6, 1, 0x200)], got
    a.create_group("After")
    assert a.get(port)[:3] == (5, GROUP_ADDED, "After")


@test
def keys_tell_names_and_values_below_them():
    a = Raw(the_cluster())
    port, root = a.port(), a.root_key()
    key = a.create_key(root, "Watched")
    assert a.add_key(port, key, 1, REGISTRY_NAME | REGISTRY_VALUE, True) == 0
    assert a.add_key(port, root, 2, REGISTRY_NAME, False) == 0
    deep = a.create_key(key, "a\\b")
    assert [a.get(port)[:3] for _ in range(2)] == [(1, REGISTRY_NAME, "a"), (1, REGISTRY_NAME, "a\\b")]
    value = struct.pack("<I", 4) + b"\1\2\3\4" + struct.pack("<I", 4)
    assert a.status(32, deep + wstr("v") + struct.pack("<I", 4) + value) == 0
    assert a.get(port)[:3] == (1, REGISTRY_VALUE, "a\\b")
    a.create_key(root, "Unwatched")
    assert a.get(port)[:3] == (2, REGISTRY_NAME, "Unwatched")


# ---- Through the library

INVALID, void = (1 << 64) - 1, ctypes.c_void_p
HANDLE_CLOSE, CLUSTER_STATE, GROUP_ALL = 0x80000000, 0x20000000, 0xF000


class Filter(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint32), ("flags", ctypes.c_int64)]


class BatchCommand(ctypes.Structure):
    _fields_ = [("command", ctypes.c_uint32), ("options", ctypes.c_uint32), ("name", void), ("data", void),
                ("size", ctypes.c_uint32)]


def at(address):
    """The string there."""
    units = b""
    while ctypes.string_at(address + len(units), 2) != b"\0\0":
        units += ctypes.string_at(address + len(units), 2)
    return units.decode("utf-16-le")


class Port:
    def __init__(self, api, handle, flags, key=7):
        self.lib = api.lib
        for name in ("CreateClusterNotifyPort", "CreateClusterNotifyPortV2", "OpenClusterGroup"):
            getattr(self.lib, name).restype = void
        for name in ("GetClusterNotify", "GetClusterNotifyV2", "RegisterClusterNotify", "RegisterClusterNotifyV2"):
            getattr(self.lib, name).restype = ctypes.c_uint32
        self.port = self.lib.CreateClusterNotifyPort(void(INVALID), void(handle), ctypes.c_uint32(flags),
                                                     ctypes.c_size_t(key))
        assert self.port, api.last_error()

    def register(self, flags, handle, key):
        return self.lib.RegisterClusterNotify(void(self.port), ctypes.c_uint32(flags), void(handle), ctypes.c_size_t(key))

    def get(self, ms=90000, room=100):
        key, flags, count = ctypes.c_size_t(), ctypes.c_uint32(), ctypes.c_uint32(room)
        name = ctypes.create_string_buffer(2 * room)
        r = self.lib.GetClusterNotify(void(self.port), ctypes.byref(key), ctypes.byref(flags), name, ctypes.byref(count),
                                      ctypes.c_uint32(ms))
        if r != 0:
            return (r, count.value) if r == 234 else r
        return key.value, flags.value, name.raw[:2 * count.value].decode("utf-16-le")

    def until(self, flags, name=None):
        while True:
            event = self.get()
            assert isinstance(event, tuple), (event, flags)
            if event[1] == flags and name in (None, event[2]):
                return event

    def close(self):
        return self.lib.CloseClusterNotifyPort(void(self.port))


def in_cluster(function):
    def run():
        def call(api):
            h = api.OpenCluster(None)
            assert h, api.last_error()
            function(api, h)

        the_cluster().run(call)

    run.__name__ = function.__name__
    return test(run)


def make_group(api, h, name):
    group = api.lib.CreateClusterGroup(void(h), wide(name))
    assert group, api.last_error()
    return group


@in_cluster
def a_port_tells_its_events_in_order_or_that_there_are_none(api, h):
    port = Port(api, h, GROUP_ADDED | GROUP_DELETED, 1 << 40)
    assert port.get(0) == 258 and port.get(50) == 258
    group = make_group(api, h, "From the library")
    assert port.get(90000, 5) == (234, 16)
    assert port.get() == (1 << 40, GROUP_ADDED, "From the library")  # It was kept.
    assert api.lib.DeleteClusterGroup(void(group)) == 0
    assert port.get() == (1 << 40, GROUP_DELETED, "From the library")
    assert port.get(0) == 258
    assert port.close() == 1 and port.get(0) == 6 and port.close() == 0 and api.last_error() == 6


@in_cluster
def two_ports_and_filters_for_single_objects_tell_apart(api, h):
    one, two = make_group(api, h, "One"), make_group(api, h, "Two")
    first, second = Port(api, INVALID, 0), Port(api, h, GROUP_PROPERTY, 3)
    assert first.register(GROUP_PROPERTY, one, 1) == 0
    assert first.register(GROUP_PROPERTY | HANDLE_CLOSE, two, 2) == 0
    assert first.register(RESOURCE_STATE, one, 9) == 87
    assert first.register(GROUP_STATE, 12345, 9) == 6
    assert first.register(0, one, 9) == 87
    for group, name in ((one, "One B"), (two, "Two B")):
        assert api.lib.SetClusterGroupName(void(group), wide(name)) == 0
    assert [first.get(), first.get()] == [(1, GROUP_PROPERTY, "One B"), (2, GROUP_PROPERTY, "Two B")]
    assert [second.get(), second.get()] == [(3, GROUP_PROPERTY, "One B"), (3, GROUP_PROPERTY, "Two B")]
    assert api.lib.CloseClusterGroup(void(one)) == 1
    assert first.get(0) == 258
    assert api.lib.CloseClusterGroup(void(two)) == 1
    assert first.get()[:2] == (2, HANDLE_CLOSE)


@in_cluster
def keys_are_watched_through_their_handles(api, h):
    root = api.root(h)
    key = api.create_key(root, "Lib watched\\sub")[1]
    parent = api.open_key(root, "Lib watched")[1]
    port = Port(api, INVALID, 0)
    assert port.register(REGISTRY_VALUE | REGISTRY_NAME | 0x80, parent, 4) == 0
    assert api.set_number(key, "n", 1) == 0
    assert port.get() == (4, REGISTRY_VALUE, "sub")
    assert api.delete_key(parent, "sub") == 0
    assert port.get() == (4, REGISTRY_NAME, "sub")
    assert port.get(0) == 258


@in_cluster
def threads_that_wait_are_ended_when_the_port_is_closed(api, h):
    port, begun, results = Port(api, h, GROUP_ADDED), threading.Barrier(5), []
    threads = [threading.Thread(target=lambda: (begun.wait(), results.append(port.get(0xFFFFFFFF)))) for _ in range(4)]
    for t in threads:
        t.start()
    begun.wait()
    time.sleep(1)  # Nothing tells that they wait.
    assert port.close() == 1
    for t in threads:
        t.join(90)
    assert results == [259] * 4, results


@in_cluster
def many_threads_share_one_port_and_each_event_is_taken_once(api, h):
    port, taken, lock, end = Port(api, h, GROUP_ADDED), [], threading.Lock(), []

    def take():
        while not end:
            event = port.get(20)
            if event != 258:
                with lock:
                    taken.append(event[2])

    threads = [threading.Thread(target=take) for _ in range(64)]
    for t in threads:
        t.start()
    wanted = [f"Shared {i}" for i in range(40)]
    for name in wanted:
        make_group(api, h, name)
    deadline = time.monotonic() + 90
    while len(taken) < 40 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    end.append(True)
    for t in threads:
        t.join()
    assert sorted(taken) == sorted(wanted), taken


@in_cluster
def version_2_has_data_and_an_event_handle(api, h):
    port, filters = Port(api, INVALID, 0), (Filter * 2)(Filter(1, 0x4), Filter(2, 0x2))
    port.close()
    port.port = port.lib.CreateClusterNotifyPortV2(void(INVALID), void(h), filters, 2, ctypes.c_size_t(5))
    assert port.port, api.last_error()
    fd = void()
    assert port.lib.GetNotifyEventHandle(void(port.port), ctypes.byref(fd)) == 0
    assert select.select([fd.value], [], [], 0)[0] == []
    group = make_group(api, h, "V2")
    assert select.select([fd.value], [], [], 90)[0] == [fd.value]

    def get(room):
        kind, key, size = Filter(), ctypes.c_size_t(), ctypes.c_uint32(4096)
        data, texts = ctypes.create_string_buffer(4096), [ctypes.create_string_buffer(2 * room) for _ in range(4)]
        counts = [ctypes.c_uint32(room) for _ in range(4)]
        pairs = [x for text, count in zip(texts, counts) for x in (text, ctypes.byref(count))]
        r = port.lib.GetClusterNotifyV2(void(port.port), ctypes.byref(key), ctypes.byref(kind), data, ctypes.byref(size),
                                        *pairs, ctypes.c_uint32(90000))
        return (r, key.value, kind.type, kind.flags, data.raw[:size.value],
                [t.raw[:2 * c.value].decode("utf-16-le") for t, c in zip(texts, counts)] if r == 0 else None)

    assert get(10)[0] == 234
    r, key, kind, flags, data, texts = get(100)
    assert (r, key, kind, flags, data) == (0, 5, 1, 4, struct.pack("<I", 9999)), (r, key, kind, flags, data)
    assert len(texts[0]) == 36 and texts[2:] == ["V2", ""], texts
    assert select.select([fd.value], [], [], 0)[0] == []
    assert api.lib.SetClusterGroupName(void(group), wide("V2 by library")) == 0
    assert get(100)[1:4] == (5, 2, 2)
    bad = (Filter * 1)(Filter(2, 0x400))
    assert not port.lib.CreateClusterNotifyPortV2(void(INVALID), void(h), bad, 1, ctypes.c_size_t(5))
    assert port.lib.GetClusterNotify(void(port.port), None, None, None, None, 0) == 87
    assert port.close() == 1


@in_cluster
def a_batch_port_tells_batches_of_its_key_and_below(api, h):
    root, lib = api.root(h), api.lib
    key = api.create_key(root, "Batch port\\below")[1]
    above = api.open_key(root, "Batch port")[1]
    assert api.set_number(key, "v", 1) == 0
    port, batch, note = void(), void(), void()
    assert lib.ClusterRegCreateBatchNotifyPort(void(above), ctypes.byref(port)) == 0
    assert api.set_number(key, "v", 2) == 0  # No batch.
    assert lib.ClusterRegCreateBatch(void(key), ctypes.byref(batch)) == 0
    assert lib.ClusterRegBatchAddCommand(batch, 1, wide("v"), 4, b"\3\0\0\0", 4) == 0
    assert lib.ClusterRegBatchAddCommand(batch, 2, wide("new"), 0, None, 0) == 0
    assert lib.ClusterRegCloseBatch(batch, 1, None) == 0
    assert lib.ClusterRegGetBatchNotification(port, ctypes.byref(note)) == 0
    got, command = [], BatchCommand()
    while lib.ClusterRegBatchReadCommand(note, ctypes.byref(command)) == 0:
        got.append((command.command, at(command.name), ctypes.string_at(command.data, command.size)))
    assert got == [(2, "below", b""), (6, "v", b"\2\0\0\0"), (1, "v", b"\3\0\0\0"), (2, "below\\new", b"")], got
    assert lib.ClusterRegBatchCloseNotification(note) == 0
    waiter, result = void(), []
    begun = threading.Barrier(2)
    thread = threading.Thread(
        target=lambda: (begun.wait(), result.append(lib.ClusterRegGetBatchNotification(port, ctypes.byref(waiter)))))
    thread.start()
    begun.wait()
    time.sleep(1)  # Nothing tells that it waits.
    assert lib.ClusterRegCloseBatchNotifyPort(port) == 0
    thread.join(90)
    assert result == [259], result


@test
def a_port_survives_a_restart_of_the_service_and_says_so():
    with Cluster(RUEDAD, LIBRARY) as c:
        ready, go = os.pipe(), os.pipe()

        def call(api):
            h = api.OpenCluster(None)
            port = Port(api, h, GROUP_ADDED | RECONNECT | CLUSTER_STATE, 11)
            group = api.lib.OpenClusterGroup(void(h), wide("Cluster Group"))
            assert port.register(GROUP_PROPERTY, group, 12) == 0
            os.write(ready[1], b"x")
            os.read(go[0], 1)
            assert port.get(90000)[:2] == (11, CLUSTER_STATE)
            assert port.get(90000)[:2] == (11, RECONNECT)
            make_group(api, h, "After the restart")
            assert port.get() == (11, GROUP_ADDED, "After the restart")
            assert api.lib.SetClusterGroupName(void(group), wide("Renamed")) == 0
            assert port.get() == (12, GROUP_PROPERTY, "Renamed")

        error = []

        def client():
            try:
                c.run(call)
            except AssertionError as e:
                error.append(e)

        thread = threading.Thread(target=client)
        thread.start()
        os.read(ready[0], 1)
        c.stop()
        os.write(go[1], b"x")
        time.sleep(0.5)
        c.start()
        thread.join(120)
        if error:
            raise error[0]


if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
