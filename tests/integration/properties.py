#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Control codes as programs send them: general answers, properties common and private, sizes, access.  Prints TAP.

Usage: properties.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import ctypes
import datetime
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster, wide  # noqa: E402
from proplist import (BINARY, DWORD, EXPAND_SZ, EXPANDED_SZ, LONG, MULTI_SZ, SZ, ULARGE, WORD, number, parse, plist,  # noqa: E402
                      text, texts, value)
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
shared = None
void = ctypes.c_void_p
RESOURCE, TYPE, GROUP, NODE, NETWORK, INTERFACE, CLUSTER = (n << 24 for n in range(1, 8))
(UNKNOWN, GET_CHARACTERISTICS, GET_FLAGS, GET_CLASS_INFO, GET_REQUIRED_DEPENDENCIES, GET_NAME, GET_RESOURCE_TYPE, GET_ID,
 GET_FQDN) = 0, 0x05, 0x09, 0x0D, 0x11, 0x29, 0x2D, 0x39, 0x3D
ENUM_COMMON, GET_RO_COMMON, GET_COMMON, SET_COMMON, VALIDATE_COMMON, COMMON_FMTS, COMMON_RESOURCE_FMTS = (
    0x51, 0x55, 0x59, 0x40005E, 0x61, 0x65, 0x69)
ENUM_PRIVATE, GET_RO_PRIVATE, GET_PRIVATE, SET_PRIVATE, VALIDATE_PRIVATE, PRIVATE_FMTS, PRIVATE_RESOURCE_FMTS = (
    0x79, 0x7D, 0x81, 0x400086, 0x89, 0x8D, 0x91)
QUERY_DELETE, GET_FAILURE_INFO, GET_NETWORK_NAME, IS_QUORUM_BLOCKED, RW_MODIFY_NOOP, ENUM_AFFINITY_RULE_NAMES = (
    0x1B9, 0x19, 0x169, 0x2B1, 0x4002AE, 0x2DDD)


class Target:
    """One object that control codes are sent to."""

    def __init__(self, api, byte, function, *before):
        self.api, self.byte, self.function, self.before = api, byte, getattr(api.lib, function), before

    def raw(self, code, data=None, size=1 << 16, host=None):
        """(status, lpBytesReturned, output)"""
        out, returned = ctypes.create_string_buffer(size) if size else None, ctypes.c_uint32(4711)
        r = self.function(*self.before, void(host), code, data, len(data or b""), out, size, ctypes.byref(returned))
        return r, returned.value, out.raw[:returned.value] if size and r == 0 else b""

    def call(self, code, data=None, host=None):
        return self.raw(self.byte | code, data, host=host)[0]

    def get(self, code, data=None, host=None):
        r, _, out = self.raw(self.byte | code, data, host=host)
        assert r == 0, (hex(self.byte | code), r)
        return out

    def common(self):
        return parse(self.get(GET_COMMON))


def targets(api, h, root):
    """One of each kind, made if need be."""
    for container, name in (("Networks", "Net"), ("NetworkInterfaces", "Interface")):
        guid = "77777777-7777-7777-7777-777777777777"
        key = api.create_key(root, f"{container}\\{guid}")[1]
        assert api.set_value(key, "Name", 1, wide(name)) == 0
        assert api.set_value(key, "Node", 1, wide("node1")) == 0
        assert api.set_value(key, "Network", 1, wide("Net")) == 0
    for name in ("OpenClusterNode", "OpenClusterGroup", "OpenClusterResource", "OpenClusterNetwork", "OpenClusterNetInterface"):
        getattr(api.lib, name).restype = void
    group = api.lib.OpenClusterGroup(void(h), wide("Web")) or api.lib.CreateClusterGroup(void(h), wide("Web"))
    resource = (api.lib.OpenClusterResource(void(h), wide("Address"))
                or api.lib.CreateClusterResource(void(group), wide("Address"), wide("IP Address"), 0))
    return {
        "cluster": Target(api, CLUSTER, "ClusterControl", void(h)),
        "type": Target(api, TYPE, "ClusterResourceTypeControl", void(h), wide("IP Address")),
        "node": Target(api, NODE, "ClusterNodeControl", void(api.lib.OpenClusterNode(void(h), wide("node1")))),
        "group": Target(api, GROUP, "ClusterGroupControl", void(group)),
        "resource": Target(api, RESOURCE, "ClusterResourceControl", void(resource)),
        "network": Target(api, NETWORK, "ClusterNetworkControl", void(api.lib.OpenClusterNetwork(void(h), wide("Net")))),
        "interface": Target(api, INTERFACE, "ClusterNetInterfaceControl",
                            void(api.lib.OpenClusterNetInterface(void(h), wide("Interface")))),
    }


def in_cluster(function):
    """A test whose body runs as a client of the shared cluster: function(api, h, root, targets)."""
    def run():
        global shared
        if shared is None:
            shared = Cluster(RUEDAD, LIBRARY)

        def call(api):
            h = api.OpenCluster(None)
            root = api.root(h)
            function(api, h, root, targets(api, h, root))

        shared.run(call)

    run.__name__ = function.__name__
    return test(run)


@in_cluster
def every_kind_answers_the_general_codes(api, _h, _root, all_of):
    for name, t in all_of.items():
        assert t.get(UNKNOWN) == b"", name
        if name != "cluster":
            assert len(t.get(GET_CHARACTERISTICS)) == 4 and t.get(GET_FLAGS) == number(0), name
        if name not in ("cluster", "type"):
            assert text(t.get(GET_NAME)) == {"node": "node1", "group": "Web", "resource": "Address", "network": "Net",
                                             "interface": "Interface"}[name]
            assert len(text(t.get(GET_ID))) == (1 if name == "node" else 36)
    assert text(all_of["resource"].get(GET_RESOURCE_TYPE)) == "IP Address"
    assert text(all_of["cluster"].get(GET_FQDN)) == "CLUSTER_NAME"
    assert text(all_of["interface"].get(0x31)) == "node1" and text(all_of["interface"].get(0x35)) == "Net"
    for t in (all_of["resource"], all_of["type"]):
        assert t.get(GET_CLASS_INFO) == number(2) + number(0x80000000)
        assert t.get(GET_REQUIRED_DEPENDENCIES) == number(0)


@in_cluster
def what_the_cluster_cannot_be_without_is_told(api, h, _root, _all):
    group = Target(api, GROUP, "ClusterGroupControl", void(api.lib.OpenClusterGroup(void(h), wide("Cluster Group"))))
    quorum = Target(api, RESOURCE, "ClusterResourceControl",
                    void(api.lib.OpenClusterResource(void(h), wide("Local Quorum"))))
    assert group.get(GET_FLAGS) == quorum.get(GET_FLAGS) == number(1)
    assert quorum.get(GET_CHARACTERISTICS) == number(5)
    assert (group.call(QUERY_DELETE), quorum.call(QUERY_DELETE)) == (5026, 5020)


@in_cluster
def when_something_happened_last_is_told(api, h, _root, all_of):
    group = Target(api, GROUP, "ClusterGroupControl", void(api.lib.OpenClusterGroup(void(h), wide("Cluster Group"))))
    quorum = Target(api, RESOURCE, "ClusterResourceControl",
                    void(api.lib.OpenClusterResource(void(h), wide("Local Quorum"))))
    year, month, weekday, day, hour, *_ = struct.unpack("<8H", group.get(0x2D9))
    moved = datetime.datetime(year, month, day, hour, tzinfo=datetime.timezone.utc)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert now - moved < datetime.timedelta(hours=2) and (moved.weekday() + 1) % 7 == weekday, (moved, weekday)
    changed, = struct.unpack("<Q", quorum.get(0x2D5D))
    assert 0 <= now.timestamp() - (changed / 1e7 - 11644473600) < 7200, changed
    assert all_of["resource"].get(0x2D5D) == bytes(8)
    assert all_of["cluster"].call(0x402DE6) == 0  # FORCE_FLUSH_DB


@in_cluster
def a_deletion_is_judged_without_deleting(_api, _h, _root, all_of):
    assert all_of["group"].call(QUERY_DELETE) == 145 and all_of["type"].call(QUERY_DELETE) == 145
    assert all_of["resource"].call(QUERY_DELETE) == 0
    assert text(all_of["resource"].get(GET_NAME)) == "Address"


@in_cluster
def the_required_dependencies_are_a_value_list(api, h, _root, _all):
    t = Target(api, TYPE, "ClusterResourceTypeControl", void(h), wide("Network Name"))
    assert t.get(GET_REQUIRED_DEPENDENCIES) == value(0x10003, wide("IP Address")) + number(0)


@in_cluster
def codes_of_other_kinds_and_unknown_ones_are_no_function(_api, _h, _root, all_of):
    for name, t in all_of.items():
        for code in (0, GET_COMMON, RESOURCE | GET_COMMON, 0x80000000, t.byte | 0x100000 | GET_COMMON,
                     t.byte | 0x200000 | GET_COMMON, t.byte | 0x800000 | GET_COMMON, t.byte | 0x1FFFC, t.byte | 0x191):
            if code != t.byte | GET_COMMON:
                assert t.raw(code)[:2] == (1, 0), (name, hex(code))
    assert all_of["cluster"].call(GET_NAME) == all_of["node"].call(GET_FQDN) == all_of["group"].call(GET_CLASS_INFO) == 1


@in_cluster
def a_buffer_that_is_too_small_is_told_how_much_it_takes(_api, _h, _root, all_of):
    for t in all_of.values():
        size = len(t.get(GET_COMMON))
        assert t.raw(t.byte | GET_COMMON, size=0) == (234, size, b"")
        assert t.raw(t.byte | GET_COMMON, size=size - 1) == (234, size, b"")
        assert t.raw(t.byte | GET_COMMON, size=size)[:2] == (0, size)
        assert t.raw(t.byte | UNKNOWN, size=0) == (0, 0, b"")


@in_cluster
def the_returned_size_need_not_be_asked_for(_api, _h, _root, all_of):
    t = all_of["group"]
    out = ctypes.create_string_buffer(4096)
    assert t.function(*t.before, None, GROUP | GET_FLAGS, None, 0, out, 4096, None) == 0
    assert t.function(*t.before, None, GROUP | SET_COMMON, None, 8, None, 0, None) == 87


@in_cluster
def common_properties_are_listed_whole_and_once(_api, _h, _root, all_of):
    for name, t in all_of.items():
        names = texts(t.get(ENUM_COMMON))
        both = list(t.common()) + list(parse(t.get(GET_RO_COMMON)))
        assert sorted(names) == sorted(both) and len(set(names)) == len(names), name
        formats = parse(t.get(COMMON_FMTS))
        values = {**t.common(), **parse(t.get(GET_RO_COMMON))}
        for p, f in formats.items():
            assert f == [(WORD, struct.pack("<H", values[p][0][0]))], (name, p)
        assert t.call(VALIDATE_COMMON, t.get(GET_COMMON)) == 0, name
        assert t.call(SET_COMMON, t.get(GET_COMMON)) == 0, name
    assert list(parse(all_of["type"].get(COMMON_RESOURCE_FMTS))) == texts(all_of["resource"].get(ENUM_COMMON))


@in_cluster
def a_node_tells_its_version_and_a_resource_its_type(_api, _h, _root, all_of):
    node = parse(all_of["node"].get(GET_RO_COMMON))
    assert node["NodeName"] == [(SZ, wide("node1"))]
    assert node["NodeHighestVersion"] == node["NodeLowestVersion"] == [(DWORD, number(0x82580))]
    assert node["NodeDrainTarget"] == [(DWORD, number(0xFFFFFFFF))]
    assert parse(all_of["resource"].get(GET_RO_COMMON))["Type"] == [(SZ, wide("IP Address"))]
    assert parse(all_of["cluster"].get(GET_RO_COMMON))["FixQuorum"] == [(DWORD, number(0))]


@in_cluster
def what_is_set_is_seen_and_is_a_value_of_the_object_s_key(api, _h, root, all_of):
    for name, t in all_of.items():
        assert t.call(SET_COMMON, plist(("Description", SZ, wide("about " + name)))) == 0
        assert t.common()["Description"] == [(SZ, wide("about " + name))]
    assert api.get_value(root, "Description") == (0, 1, wide("about cluster"))
    key = api.lib.GetClusterGroupKey(all_of["group"].before[0], cluster.KEY_ALL_ACCESS)
    assert all_of["group"].call(SET_COMMON, plist(("FailbackWindowEnd", LONG, number(23)),
                                                  ("AntiAffinityClassNames", MULTI_SZ, wide("a\0b\0")))) == 0
    assert api.get_number(key, "FailbackWindowEnd") == 23
    assert api.get_value(key, "AntiAffinityClassNames") == (0, 7, wide("a\0b\0"))
    assert all_of["group"].call(SET_COMMON, plist(("FailbackWindowEnd", LONG, b""))) == 0
    assert all_of["group"].common()["FailbackWindowEnd"] == [(LONG, number(0xFFFFFFFF))]


@in_cluster
def what_may_not_be_set_is_refused_and_nothing_of_the_list_is_kept(_api, _h, _root, all_of):
    t = all_of["group"]
    before = t.get(GET_COMMON)
    good = ("Priority", DWORD, number(1000))
    for bad in (("GroupType", DWORD, number(1)), ("Unknown", DWORD, number(1)), ("AutoFailbackType", DWORD, number(2)),
                ("AutoFailbackType", LONG, number(1)), ("Name", SZ, b"")):
        for code in (SET_COMMON, VALIDATE_COMMON):
            assert t.call(code, plist(good, bad)) == 87, bad
    assert t.call(SET_COMMON, plist(good, ("Name", SZ, wide("Cluster Group")))) == 183
    assert t.call(SET_COMMON, plist(good, ("Name", SZ, wide("")))) == 123
    for data in (None, b"", b"\1\0\0\0", plist(good)[:-8], plist(("Priority", DWORD, b"123"))):
        assert t.call(SET_COMMON, data) == t.call(VALIDATE_PRIVATE, data) == 13, data
    assert t.get(GET_COMMON) == before
    assert t.call(VALIDATE_COMMON, plist(good)) == 0 and t.get(GET_COMMON) == before


@in_cluster
def the_name_is_a_property_that_renames(api, h, _root, all_of):
    t = all_of["resource"]
    assert t.call(SET_COMMON, plist(("Name", SZ, wide("Elsewhere")))) == 0
    assert text(t.get(GET_NAME)) == "Elsewhere"
    assert api.lib.OpenClusterResource(void(h), wide("elsewhere"))
    assert t.call(SET_COMMON, plist(("Name", SZ, wide("Address")))) == 0


@in_cluster
def private_properties_are_whatever_was_set_and_go_when_set_without_data(api, _h, _root, all_of):
    known = {"resource": ["Address", "SubnetMask", "Network", "EnableNetBIOS", "ProbeMilliseconds"]}  # By its type.
    for name, t in all_of.items():
        more = known.get(name, [])
        assert texts(t.get(ENUM_PRIVATE)) == more and parse(t.get(GET_PRIVATE)) == {}, name
        sent = plist(("a number", DWORD, number(7)), ("bytes", BINARY, b"\1\2\3"), ("Path", EXPAND_SZ, wide("%HOME%\\x")),
                     ("texts", MULTI_SZ, wide("a\0b\0")), ("wide", ULARGE, b"12345678"))
        assert t.call(VALIDATE_PRIVATE, sent) == 0 and parse(t.get(GET_PRIVATE)) == {}, name
        assert t.call(SET_PRIVATE, sent) == 0, name
        want = parse(sent)
        want["Path"].append((EXPANDED_SZ, wide("%HOME%\\x")))
        assert parse(t.get(GET_PRIVATE)) == want, name
        assert texts(t.get(ENUM_PRIVATE)) == list(want) + more, name
        assert parse(t.get(PRIVATE_FMTS))["texts"] == [(WORD, struct.pack("<H", MULTI_SZ))], name
        assert t.call(SET_PRIVATE, t.get(GET_PRIVATE)) == 0, name
        assert parse(t.get(GET_RO_PRIVATE)) == {}, name
        assert t.call(SET_PRIVATE, plist(("Description", SZ, wide("x")))) == 87, name
        assert t.call(SET_PRIVATE, plist(*((n, f[0][0], b"") for n, f in want.items()))) == 0, name
        assert parse(t.get(GET_PRIVATE)) == {}, name


@in_cluster
def how_often_something_may_still_fail_is_told(api, h, _root, all_of):
    t, group = all_of["resource"], all_of["group"]
    assert struct.unpack("<3I", group.get(GET_FAILURE_INFO)) == (1, 0, 0)  # There is no other node.
    assert group.call(SET_COMMON, plist(("FailoverThreshold", DWORD, number(5)))) == 0
    assert struct.unpack("<3I", group.get(GET_FAILURE_INFO)) == (1, 5, 0)
    assert struct.unpack("<3I", t.get(GET_FAILURE_INFO)) == (1, 1, 0)
    assert t.call(SET_COMMON, plist(("RestartThreshold", DWORD, number(7)))) == 0
    assert struct.unpack("<3I", t.get(GET_FAILURE_INFO)) == (1, 7, 0)
    assert t.call(SET_COMMON, plist(("RestartAction", DWORD, number(0)))) == 0
    assert struct.unpack("<3I", t.get(GET_FAILURE_INFO)) == (1, 0, 0)
    assert t.call(SET_COMMON, plist(("RestartAction", DWORD, number(2)))) == 0
    runs = Target(api, RESOURCE, "ClusterResourceControl", void(api.lib.CreateClusterResource(
        group.before[0], wide("Watched"), wide("Network Name"), 0)))
    assert runs.call(SET_PRIVATE, plist(("Name", SZ, wide("watched")))) == 0
    assert runs.call(SET_COMMON, plist(("RestartThreshold", DWORD, number(3)), ("RestartPeriod", DWORD, number(600000)))) == 0
    assert api.lib.OnlineClusterResource(runs.before[0]) in (0, 997)
    deadline = time.monotonic() + 90
    while struct.unpack("<3I", runs.get(GET_FAILURE_INFO))[1] == 3:
        assert api.lib.FailClusterResource(runs.before[0]) in (0, 5004, 5023, 997)
        assert time.monotonic() < deadline
        time.sleep(0.1)
    _, attempts, left = struct.unpack("<3I", runs.get(GET_FAILURE_INFO))
    assert attempts < 3 and 500000 < left <= 600000, (attempts, left)
    assert text(runs.get(GET_NETWORK_NAME)) == "watched"
    assert t.call(GET_NETWORK_NAME) == 5002
    assert api.lib.OfflineClusterResource(runs.before[0]) in (0, 997)
    while api.lib.DeleteClusterResource(runs.before[0]) != 0:
        assert time.monotonic() < deadline + 20
        time.sleep(0.1)


@in_cluster
def codes_about_what_cannot_be_otherwise_are_answered(_api, _h, _root, all_of):
    assert all_of["resource"].get(IS_QUORUM_BLOCKED) == number(0)
    assert all_of["resource"].get(RW_MODIFY_NOOP) == b""
    assert all_of["cluster"].get(ENUM_AFFINITY_RULE_NAMES) == b"\0\0"
    for code in (0x41, 0xC9, 0x2A9):  # The service's account, processes, when the database changed.
        assert all(t.call(code) == 1 for t in all_of.values())


@in_cluster
def a_locked_group_is_not_moved(api, h, _root, all_of):
    group, here = all_of["group"], void(api.lib.OpenClusterNode(void(h), wide("node1")))
    assert api.lib.MoveClusterGroup(group.before[0], here) == 0
    assert group.call(SET_COMMON, plist(("LockedFromMoving", DWORD, number(1)))) == 0
    assert api.lib.MoveClusterGroup(group.before[0], here) == api.lib.MoveClusterGroup(group.before[0], None) == 5960
    ignore_lock = 1
    assert api.lib.MoveClusterGroupEx(group.before[0], here, 0, None, 0) == 5960
    assert api.lib.MoveClusterGroupEx(group.before[0], here, ignore_lock, None, 0) == 0
    assert group.call(SET_COMMON, plist(("LockedFromMoving", DWORD, number(0)))) == 0
    assert api.lib.MoveClusterGroup(group.before[0], here) == 0


@in_cluster
def types_know_the_private_properties_of_their_resources(api, h, _root, all_of):
    t, mask = all_of["resource"], ("SubnetMask", SZ, wide("255.255.255.0"))
    formats = {n: struct.unpack("<H", v[0][1])[0] for n, v in parse(all_of["type"].get(PRIVATE_RESOURCE_FMTS)).items()}
    assert formats == {"Address": SZ & 0xffff, "SubnetMask": SZ & 0xffff, "Network": SZ & 0xffff,
                       "EnableNetBIOS": DWORD & 0xffff, "ProbeMilliseconds": DWORD & 0xffff}
    assert list(parse(t.get(PRIVATE_FMTS))) == list(formats)
    for bad, code in ((("Address", SZ, wide("192.0.2")), 87), (("Address", DWORD, number(1)), 13), (("address", BINARY, b"x"), 13),
                      (("SubnetMask", SZ, wide("255.0.255.0")), 87), (("EnableNetBIOS", SZ, wide("1")), 13)):
        for control in (VALIDATE_PRIVATE, SET_PRIVATE):
            assert t.call(control, plist(mask, bad)) == code, bad
    assert parse(t.get(GET_PRIVATE)) == {}  # All or nothing.
    assert t.call(SET_PRIVATE, plist(mask, ("Unheard of", BINARY, b"x"))) == 0
    assert list(parse(t.get(PRIVATE_FMTS))) == ["SubnetMask", "Unheard of", "Address", "Network", "EnableNetBIOS",
                                                "ProbeMilliseconds"]
    # What is there counts: a mask that was written past the type is in the way of whatever is set beside it.
    key = api.open_key(api.lib.GetClusterResourceKey(t.before[0], 0xf003f), "Parameters")[1]
    assert api.set_value(key, "SubnetMask", 1, wide("nonsense")) == 0
    assert t.call(SET_PRIVATE, plist(("Address", SZ, wide("192.0.2.1")))) == 87
    assert t.call(SET_PRIVATE, plist(("Address", SZ, wide("192.0.2.1")), mask)) == 0
    for name, form in (("Address", SZ), ("SubnetMask", SZ), ("Unheard of", BINARY)):
        assert t.call(SET_PRIVATE, plist((name, form, b""))) == 0
    other = Target(api, TYPE, "ClusterResourceTypeControl", void(h), wide("Network Name"))
    assert parse(other.get(PRIVATE_RESOURCE_FMTS)) == {}


@in_cluster
def what_runs_takes_on_its_private_properties_when_it_is_next_brought_online(api, h, _root, all_of):
    online, offline = 2, 3
    running = Target(api, RESOURCE, "ClusterResourceControl",
                     void(api.lib.OpenClusterResource(void(h), wide("Local Quorum"))))
    assert api.lib.GetClusterResourceState(running.before[0], None, None, None, None) == online
    assert api.lib.GetClusterResourceState(all_of["resource"].before[0], None, None, None, None) == offline
    change = plist(("x", DWORD, number(1)))
    assert running.call(SET_PRIVATE, change) == 5024
    assert parse(running.get(GET_PRIVATE)) == {"x": [(DWORD, number(1))]}
    assert running.call(SET_PRIVATE, change) == 0  # It is so already.
    assert running.call(SET_COMMON, plist(("RestartDelay", DWORD, number(1)))) == 0
    assert all_of["resource"].call(SET_PRIVATE, change) == 0
    for t in (running, all_of["resource"]):
        assert t.call(SET_PRIVATE, plist(("x", DWORD, b""))) in (0, 5024)


@in_cluster
def a_large_property_is_set_and_read(_api, _h, _root, all_of):
    t = all_of["resource"]
    data = bytes(range(256)) * 3000
    assert t.call(SET_PRIVATE, plist(("large", BINARY, data))) == 0
    r, size, out = t.raw(RESOURCE | GET_PRIVATE, size=1 << 20)
    assert r == 0 and parse(out) == {"large": [(BINARY, data)]}, (r, size)
    assert t.call(SET_PRIVATE, plist(("large", BINARY, b""))) == 0
    assert t.call(SET_PRIVATE, plist(("larger", BINARY, bytes(950000)))) == 87
    assert t.call(SET_PRIVATE, plist(("larger", BINARY, bytes(1100000)))) not in (0, 87)
    assert parse(t.get(GET_PRIVATE)) == {}


@in_cluster
def a_node_may_be_named_that_carries_it_out(api, h, root, all_of):
    here = api.lib.OpenClusterNode(void(h), wide("node1"))
    for name, t in all_of.items():
        assert t.get(ENUM_COMMON, host=here) == t.get(ENUM_COMMON), name
        assert t.call(SET_COMMON, plist(("Description", SZ, wide("by name"))), host=here) == 0, name
        assert t.common()["Description"] == [(SZ, wide("by name"))], name
        assert t.call(GET_NAME if name == "cluster" else GET_FQDN, host=here) == 1
    assert api.set_value(api.create_key(root, "Nodes\\9")[1], "NodeName", 1, wide("away")) == 0
    away = api.lib.OpenClusterNode(void(h), wide("away"))
    assert all_of["cluster"].call(UNKNOWN, host=away) == 5050
    assert all_of["cluster"].call(UNKNOWN, host=all_of["group"].before[0].value) == 6
    assert api.delete_key(root, "Nodes\\9") == 0


@in_cluster
def what_is_gone_has_no_properties(api, h, _root, _all):
    group = Target(api, GROUP, "ClusterGroupControl", void(api.lib.CreateClusterGroup(void(h), wide("Brief"))))
    assert api.lib.DeleteClusterGroup(group.before[0]) == 0
    assert group.call(GET_COMMON) == group.call(SET_COMMON, plist()) == 5012
    missing = Target(api, TYPE, "ClusterResourceTypeControl", void(h), wide("No such type"))
    assert missing.call(GET_COMMON) == 5078
    assert Target(api, GROUP, "ClusterGroupControl", void(3)).call(GET_COMMON) == 6
    assert Target(api, TYPE, "ClusterResourceTypeControl", void(h), None).call(GET_COMMON) == 87


@in_cluster
def a_handle_for_reading_reads_and_does_not_change(api, h, _root, all_of):
    api.lib.OpenClusterGroupEx.restype = api.lib.OpenClusterEx.restype = void
    read = 0x80000000
    group = Target(api, GROUP, "ClusterGroupControl", void(api.lib.OpenClusterGroupEx(void(h), wide("Web"), read, None)))
    whole = Target(api, CLUSTER, "ClusterControl", void(api.lib.OpenClusterEx(None, read, None)))
    kind = Target(api, TYPE, "ClusterResourceTypeControl", whole.before[0], wide("IP Address"))
    for t in (group, whole, kind):
        assert t.common() and t.call(VALIDATE_COMMON, plist(("Description", SZ, wide("x")))) == 0
        assert t.call(SET_COMMON, plist(("Description", SZ, wide("x")))) == 5
        assert t.call(SET_PRIVATE, plist(("x", SZ, wide("x")))) == 5
    assert all_of["group"].common()["Description"] != [(SZ, wide("x"))]


@test
def properties_outlive_a_service_that_is_killed():
    with Cluster(RUEDAD, LIBRARY) as c:
        def change(api):
            t = Target(api, CLUSTER, "ClusterControl", void(api.OpenCluster(None)))
            assert t.call(SET_COMMON, plist(("SameSubnetDelay", DWORD, number(2000)))) == 0

        def look(api):
            t = Target(api, CLUSTER, "ClusterControl", void(api.OpenCluster(None)))
            assert t.common()["SameSubnetDelay"] == [(DWORD, number(2000))]

        c.run(change)
        c.kill()
        c.start()
        c.run(look)


if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
