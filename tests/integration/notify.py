#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notifications: ports of both versions and batch ports, over the wire and through the library.  Prints TAP.

Usage: notify.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import os
import struct
import sys
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
def version_2_tells_data_ids_and_parents():
    a = Raw(the_cluster())
    port, handle = a.port_v2(), a.open_cluster()
    assert a.add_v2(port, handle, 1, 0x4, 9, False) == 0
    assert a.add_v2(port, handle, 2, 0x1FF, 8, False) == 0
    group = a.create_group("V2 group")
    (event,) = a.get_v2(port)
    assert event[:3] == (9, 1, 0x4) and event[3] == struct.pack("<I", 9999), event
    assert len(event[4]) == 36 and event[6:] == ("V2 group", ""), event
    assert a.status(46, group + wstr("V2 renamed")) == 0
    events = a.get_v2(port)
    # The policy may have placed it meanwhile.
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


if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
