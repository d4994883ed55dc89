#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes, groups, resources, types, networks and interfaces through the library: states, requests, relations, lists, with
their sizes and errors.  Prints TAP.

Usage: objects.py RUEDAD LIBCLUSAPI LIBRESUTILS [part of a test's name...]
Resources of type "Network Name" come online without a process; an address in between makes trees of them."""
import ctypes
import os
import re
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster, wide  # noqa: E402
from proplist import number, parse  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, (RESUTILS, *CHOSEN) = cluster.main(sys.argv)
shared = None
void = ctypes.c_void_p
u32 = ctypes.c_uint32
READ, ALL = 0x80000000, 0x10000000
PENDING = 997
ONLINE, OFFLINE, FAILED = 2, 3, 4


def prototypes(lib, library):
    """Types of results and arguments of all functions, as the table has them."""
    table = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib/functions.tsv")
    with open(table, encoding="utf-8") as f:
        for line in f.read().splitlines()[1:]:
            cells = line.split("\t")
            if cells[0] != library or cells[4] == "W":
                continue
            function = getattr(lib, cells[1])
            returns = cells[2]
            function.restype = (ctypes.c_int32 if re.search("_STATE$|^BOOL$|^LONG$", returns) else None
                                if returns.lower() == "void" else u32 if returns == "DWORD" else void)
            kinds = []
            for argument in cells[3].split(", "):
                kind = argument.rsplit(" ", 1)[0]
                pointer = "*" in argument or "[" in argument or re.match("LP|P|H", kind)
                kinds.append(void if pointer else ctypes.c_uint64 if kind in ("ULONGLONG", "DWORD_PTR")
                             else u32)
            if "void" not in cells[3].split(" ")[:1] and "..." not in cells[3]:
                function.argtypes = kinds


class Objects:
    """What tests call: names are str, handles are ints."""

    def __init__(self, api):
        self.api, self.lib = api, api.lib
        prototypes(self.lib, "clusapi")
        self.h = api.OpenCluster(None)

    def error(self):
        return self.lib.GetLastError()

    def open(self, kind, name):
        handle = getattr(self.lib, "OpenCluster" + kind)(self.h, wide(name))
        assert handle, (kind, name, self.error())
        return handle

    def group(self, name):
        handle = self.lib.CreateClusterGroup(self.h, wide(name))
        assert handle, (name, self.error())
        return handle

    def resource(self, group, name, kind="Network Name"):
        handle = self.lib.CreateClusterResource(group, wide(name), wide(kind), 0)
        assert handle, (name, self.error())
        return handle

    def state(self, resource):
        return self.lib.GetClusterResourceState(resource, None, None, None, None)

    def group_state(self, group):
        return self.lib.GetClusterGroupState(group, None, None)

    def list(self, family, handle, *arguments):
        """[(type, name), …] of an enumeration."""
        e = getattr(self.lib, family + "OpenEnum")(handle, *arguments)
        assert e, (family, self.error())
        entries, index = [], 0
        while True:
            buffer, count, kind = ctypes.create_string_buffer(600), u32(300), u32()
            r = getattr(self.lib, family + "Enum")(e, index, ctypes.byref(kind), buffer, ctypes.byref(count))
            if r != 0:
                assert r == 259, r
                break
            entries.append((kind.value, text(buffer, count)))
            index += 1
        assert getattr(self.lib, family + "GetEnumCount")(e) == len(entries)
        assert getattr(self.lib, family + "CloseEnum")(e) == 0
        assert getattr(self.lib, family + "CloseEnum")(e) == 6
        assert getattr(self.lib, family + "GetEnumCount")(e) == 0 and self.error() == 6
        return entries

    def names(self, family, handle, *arguments):
        return [name for _, name in self.list(family, handle, *arguments)]


def text(buffer, count):
    """What a function has written: the count is the length without the terminator, which is there."""
    raw = buffer.raw[:2 * count.value + 2].decode("utf-16-le")
    assert raw[-1] == "\0" and "\0" not in raw[:-1], raw
    return raw[:-1]


def sizes(call, want, short=234):
    """The rule of all names: no buffer asks for the length; exactly room for it and its terminator is enough."""
    count = u32(0)
    assert call(None, ctypes.byref(count)) == 0 and count.value == len(want), count.value
    buffer, count = ctypes.create_string_buffer(600), u32(len(want))
    assert call(buffer, ctypes.byref(count)) == short and count.value == len(want) and buffer.raw[:2] == b"\0\0"
    count = u32(len(want) + 1)
    assert call(buffer, ctypes.byref(count)) == 0 and text(buffer, count) == want
    assert call(buffer, None) == 87


def in_cluster(function):
    """A test whose body runs as a client of the shared cluster: function(o)."""
    def run():
        global shared
        if shared is None:
            shared = Cluster(RUEDAD, LIBRARY)
        shared.run(lambda api: function(Objects(api)))

    run.__name__ = function.__name__
    return test(run)


def at_last(call, want, seconds=90):
    """What goes on in the background comes true."""
    end = time.monotonic() + seconds
    while call() != want:
        assert time.monotonic() < end, (call(), want)
        time.sleep(0.05)


# Handles and names.

@in_cluster
def objects_are_opened_by_name_in_any_case_and_have_ids(o):
    group = o.group("Opened")
    resource = o.resource(group, "Opened name")
    assert o.lib.CloseClusterGroup(o.open("Group", "oPENED")) and o.lib.CloseClusterResource(o.open("Resource", "opened NAME"))
    for kind, code in (("Node", 5042), ("Group", 5013), ("Resource", 5007), ("Network", 5045), ("NetInterface", 5047)):
        assert getattr(o.lib, "OpenCluster" + kind)(o.h, wide("none")) is None and o.error() == code, (kind, o.error())
        assert getattr(o.lib, "OpenCluster" + kind)(o.h, None) is None and o.error() == 87
        assert getattr(o.lib, "OpenCluster" + kind)(17, wide("x")) is None and o.error() == 6
        assert not getattr(o.lib, "CloseCluster" + kind)(None) and o.error() == 6
        assert getattr(o.lib, "GetClusterFrom" + kind)(None) is None and o.error() == 6
    again = o.lib.GetClusterFromResource(resource)
    assert o.lib.OpenClusterGroup(again, wide("Opened"))
    assert not o.lib.CloseClusterNode(group) and o.error() == 6  # Another kind.


@in_cluster
def a_node_is_known_by_its_number(o):
    node = o.lib.OpenClusterNodeById(o.h, 1)
    assert node and o.lib.GetClusterNodeState(node) == 0
    sizes(lambda *a: o.lib.GetClusterNodeId(node, *a), "1")
    sizes(lambda *a: o.lib.GetClusterNodeId(None, *a), "1")
    for bad in (0, 2, 0xffffffff):
        assert o.lib.OpenClusterNodeById(o.h, bad) is None and o.error() == 5042, bad
    assert o.lib.OpenClusterNodeById(None, 1) is None and o.error() == 6
    assert o.lib.GetClusterNodeState(17) == -1 and o.error() == 6


@in_cluster
def readers_read_and_change_nothing(o):
    group = o.group("Read")
    resource = o.resource(group, "Read name")
    granted = u32()
    reader = o.lib.OpenClusterGroupEx(o.h, wide("Read"), READ, ctypes.byref(granted))
    assert reader and granted.value == READ
    name = o.lib.OpenClusterResourceEx(o.h, wide("Read name"), READ, None)
    node = o.lib.OpenClusterNodeEx(o.h, wide("node1"), READ, None)
    assert o.group_state(reader) == 1 and o.state(name) == OFFLINE
    assert o.names("ClusterGroup", reader, 1) == ["Read name"]
    for code in (o.lib.OnlineClusterGroup(reader, None), o.lib.OfflineClusterGroup(reader), o.lib.MoveClusterGroup(reader, None),
                 o.lib.DeleteClusterGroup(reader), o.lib.DestroyClusterGroup(reader), o.lib.SetClusterGroupName(reader, wide("x")),
                 o.lib.OnlineClusterResource(name), o.lib.OfflineClusterResource(name), o.lib.FailClusterResource(name),
                 o.lib.RestartClusterResource(name, 0), o.lib.AddClusterResourceNode(name, node),
                 o.lib.PauseClusterNode(node), o.lib.ResumeClusterNode(node), o.lib.EvictClusterNode(node),
                 o.lib.SetClusterResourceDependencyExpression(name, wide(""))):
        assert code == 5, code
    assert o.lib.OpenClusterGroupEx(o.h, wide("Read"), 0, None) is None and o.error() == 87
    assert o.lib.DeleteClusterResource(resource) == 0


# What runs.

@in_cluster
def a_resource_goes_online_and_offline(o):
    group = o.group("Run")
    resource = o.resource(group, "Run name")
    assert o.lib.OnlineClusterResource(resource) == 0
    at_last(lambda: o.state(resource), ONLINE)

    def whole(node, node_count, group_name, group_count):
        return o.lib.GetClusterResourceState(resource, node, node_count, group_name, group_count)

    node, count, name, length = ctypes.create_string_buffer(100), u32(50), ctypes.create_string_buffer(100), u32(50)
    assert whole(node, ctypes.byref(count), name, ctypes.byref(length)) == ONLINE
    assert (text(node, count), text(name, length)) == ("node1", "Run")
    count, length = u32(2), u32(3)
    assert whole(node, ctypes.byref(count), name, ctypes.byref(length)) == -1 and o.error() == 234
    assert (count.value, length.value) == (5, 3)
    assert o.lib.GetClusterGroupState(group, node, ctypes.byref(u32(5))) == -1 and o.error() == 234
    assert o.lib.GetClusterGroupState(group, node, ctypes.byref(u32(6))) == 0 and node.raw[:12] == wide("node1")
    assert o.lib.DeleteClusterResource(resource) == 5019
    assert o.lib.OfflineClusterResource(resource) == 0 and o.state(resource) == OFFLINE
    assert o.group_state(group) == 1
    assert o.state(17) == -1 and o.error() == 6
    assert o.lib.DeleteClusterResource(resource) == 0
    assert o.state(resource) == -1 and o.error() == 5006
    assert o.lib.OnlineClusterResource(resource) == 5006
    assert o.lib.DeleteClusterGroup(group) == 0
    assert o.group_state(group) == -1 and o.error() == 5012


@in_cluster
def a_group_goes_online_offline_and_nowhere_else(o):
    group, node = o.group("Whole"), o.open("Node", "node1")
    for name in ("Whole a", "Whole b"):
        o.resource(group, name)
    assert o.lib.OnlineClusterGroup(group, None) == 0 and o.group_state(group) == 0
    assert o.lib.OfflineClusterGroup(group) == 0 and o.group_state(group) == 1
    assert o.lib.OnlineClusterGroup(group, node) == 0 and o.group_state(group) == 0
    assert o.lib.MoveClusterGroup(group, node) == 0  # It is there.
    assert o.lib.MoveClusterGroup(group, None) in (5005, 5016, 5023), "there is no other node"
    assert o.lib.CancelClusterGroupOperation(group, 0) == 5023
    assert o.lib.CancelClusterGroupOperation(group, 1) == 87
    for flags in (0, 1, 8):
        assert o.lib.OfflineClusterGroupEx(group, flags & 1, None, 0) == 0
        assert o.lib.OnlineClusterGroupEx(group, node, flags, None, 0) == 0 and o.group_state(group) == 0
        assert o.lib.MoveClusterGroupEx(group, node, flags, b"", 0) == 0
    assert o.lib.OnlineClusterGroupEx(group, None, 1 << 20, None, 0) == 87
    assert o.lib.OnlineClusterGroupEx(group, None, 0, None, 4) == 87
    assert o.lib.OfflineClusterGroupEx(group, 1 << 20, None, 0) == 87
    assert o.lib.MoveClusterGroupEx(group, node, 1 << 20, None, 0) == 87
    assert o.lib.MoveClusterGroupEx(group, node, 0, None, 4) == 87
    assert o.lib.OnlineClusterGroup(group, 17) == 6 and o.lib.MoveClusterGroup(17, node) == 6
    assert o.lib.MoveClusterGroup(group, group) == 6  # Another kind.


@in_cluster
def a_failed_resource_is_restarted_and_tells_so(o):
    group = o.group("Fail")
    resource = o.resource(group, "Fail name")
    assert o.lib.FailClusterResource(resource) == 5004
    assert o.lib.OnlineClusterResourceEx(resource, 1, None, 0) == 0
    assert o.lib.FailClusterResource(resource) == 0
    at_last(lambda: o.state(resource), ONLINE)
    assert o.lib.RestartClusterResource(resource, 0) == 0
    at_last(lambda: o.state(resource), ONLINE)
    assert o.lib.RestartClusterResource(resource, 1) == 87
    assert o.lib.OfflineClusterResourceEx(resource, 1, None, 0) == 0 and o.state(resource) == OFFLINE
    assert o.lib.OnlineClusterResourceEx(resource, 0x40000000, None, 0) == 87
    assert o.lib.OfflineClusterResourceEx(resource, 0x40000000, None, 0) == 87
    assert o.lib.OfflineClusterResourceEx(resource, 0, None, 1) == 87


@in_cluster
def a_group_is_destroyed_with_what_runs_in_it(o):
    group = o.group("Destroyed")
    resource = o.resource(group, "Destroyed name")
    assert o.lib.OnlineClusterGroup(group, None) == 0
    assert o.lib.DeleteClusterGroup(group) in (145, 5019)
    assert o.lib.DestroyClusterGroup(group) == 0
    assert o.lib.OpenClusterGroup(o.h, wide("Destroyed")) is None and o.error() == 5013
    assert o.lib.OpenClusterResource(o.h, wide("Destroyed name")) is None and o.error() == 5007
    assert o.lib.DestroyClusterGroup(group) == 5012 and o.state(resource) == -1
    assert o.lib.DestroyClusterGroup(17) == 6
    core = o.open("Group", "Cluster Group")
    name = o.resource(core, "Core name")
    assert o.lib.OnlineClusterResource(name) == 0
    assert o.lib.DestroyClusterGroup(core) == 5026 and o.state(name) == ONLINE  # Nothing was begun.
    assert o.lib.OfflineClusterResource(name) == 0 and o.lib.DeleteClusterResource(name) == 0


@in_cluster
def a_node_is_paused_and_resumed(o):
    node = o.open("Node", "node1")
    assert o.lib.PauseClusterNode(node) == 0 and o.lib.GetClusterNodeState(node) == 2
    assert o.lib.ResumeClusterNode(node) == 0 and o.lib.GetClusterNodeState(node) == 0
    assert o.lib.PauseClusterNodeEx(node, 0, 0, None) == 0 and o.lib.GetClusterNodeState(node) == 2
    assert o.lib.ResumeClusterNodeEx(node, 2, 0) == 0 and o.lib.GetClusterNodeState(node) == 0
    assert o.lib.ResumeClusterNodeEx(node, 3, 0) == 87 and o.lib.ResumeClusterNodeEx(node, 0, 1) == 87
    assert o.lib.PauseClusterNodeEx(node, 1, 0, node) == 5050  # There is no other; more in tests/sim/group.c.
    assert o.lib.PauseClusterNodeEx(node, 0, 8, None) == 87
    assert o.lib.PauseClusterNodeEx(node, 0, 0, node) == 87
    assert o.lib.PauseClusterNode(None) == 6 and o.lib.ResumeClusterNode(None) == 6
    assert o.lib.EvictClusterNode(node) == 5009
    status = ctypes.c_int32(77)
    assert o.lib.EvictClusterNodeEx(node, 1000, ctypes.byref(status)) == 5009 and status.value == 77


# How things hang together.

@in_cluster
def dependencies_are_added_shown_and_removed(o):
    group = o.group("Depend")
    a, b, c = (o.resource(group, "Depend " + n) for n in "abc")
    other = o.resource(o.group("Depend elsewhere"), "Depend far")
    assert o.lib.CanResourceBeDependent(a, b)
    assert o.lib.AddClusterResourceDependency(a, b) == 0
    assert o.lib.AddClusterResourceDependency(a, b) == 5003
    assert o.lib.AddClusterResourceDependency(b, a) == 1059
    assert o.lib.AddClusterResourceDependency(a, other) in (5069, 87)
    assert o.lib.AddClusterResourceDependency(a, 17) == 6 and o.lib.AddClusterResourceDependency(17, a) == 6
    assert not o.lib.CanResourceBeDependent(a, a) and o.error() != 0
    assert o.lib.AddClusterResourceDependency(b, c) == 0
    assert o.list("ClusterResource", b, 3) == [(1, "Depend c"), (2, "Depend a")]
    assert o.list("ClusterResource", b, 4) == [(4, "node1")]
    sizes(lambda *x: o.lib.GetClusterResourceDependencyExpression(b, *x), "[Depend c]")
    assert o.lib.RemoveClusterResourceDependency(b, c) == 0
    assert o.lib.RemoveClusterResourceDependency(b, c) == 5002
    assert o.lib.SetClusterResourceDependencyExpression(a, wide("[Depend b] or [depend C]")) == 0
    buffer, count = ctypes.create_string_buffer(200), u32(100)
    assert o.lib.GetClusterResourceDependencyExpression(a, buffer, ctypes.byref(count)) == 0
    assert text(buffer, count) == "[Depend b] or [Depend c]", text(buffer, count)
    for wrong in ("[Depend a]", "[none]", "[Depend b", "[Depend far]"):
        assert o.lib.SetClusterResourceDependencyExpression(a, wide(wrong)) != 0, wrong
    assert o.lib.SetClusterResourceDependencyExpression(a, None) == 0
    assert o.names("ClusterResource", a, 1) == []
    sizes(lambda *x: o.lib.GetClusterResourceDependencyExpression(a, *x), "")
    assert o.lib.ClusterResourceOpenEnum(a, 0) is None and o.error() == 87


@in_cluster
def possible_and_preferred_owners_are_set(o):
    group, node = o.group("Owners"), o.open("Node", "node1")
    resource = o.resource(group, "Owners name")
    assert o.names("ClusterResource", resource, 4) == ["node1"]
    assert o.lib.AddClusterResourceNode(resource, node) == 5010
    assert o.lib.RemoveClusterResourceNode(resource, node) == 0
    assert o.names("ClusterResource", resource, 4) == []
    assert o.lib.OnlineClusterResource(resource) in (5005, 5071)
    assert o.lib.AddClusterResourceNode(resource, node) == 0
    assert o.lib.AddClusterResourceNode(resource, group) == 6
    nodes = (void * 1)(node)
    assert o.names("ClusterGroup", group, 2) == []
    assert o.lib.SetClusterGroupNodeList(group, 1, nodes) == 0
    assert o.list("ClusterGroup", group, 3) == [(1, "Owners name"), (2, "node1")]
    assert o.names("ClusterNode", node, 4) == ["Owners"]
    assert o.lib.SetClusterGroupNodeList(group, 1, None) == 87 and o.lib.SetClusterGroupNodeList(group, 65, nodes) == 87
    assert o.lib.SetClusterGroupNodeList(group, 1, (void * 1)(group)) == 6
    assert o.lib.SetClusterGroupNodeList(group, 0, None) == 0 and o.names("ClusterGroup", group, 2) == []


@in_cluster
def a_resource_changes_its_group_with_its_kin(o):
    one, two = o.group("From"), o.group("To")
    a, b = o.resource(one, "From a"), o.resource(one, "From b")
    assert o.lib.AddClusterResourceDependency(a, b) == 0
    assert o.lib.ChangeClusterResourceGroup(b, two) == 0
    assert sorted(o.names("ClusterGroup", two, 1)) == ["From a", "From b"] and o.names("ClusterGroup", one, 1) == []
    assert o.lib.ChangeClusterResourceGroupEx(a, one, 0) == 0 and len(o.names("ClusterGroup", one, 1)) == 2
    assert o.lib.ChangeClusterResourceGroupEx(a, two, 2) == 87
    assert o.lib.ChangeClusterResourceGroupEx(a, two, 1 << 40) == 87
    assert o.lib.ChangeClusterResourceGroup(a, a) == 6


@in_cluster
def two_handles_of_one_call_may_come_from_two_openings(o):
    group = o.group("Two")
    a, b = o.resource(group, "Two a"), o.resource(group, "Two b")
    second = o.api.OpenCluster(None)
    other = o.lib.OpenClusterResource(second, wide("Two b"))
    node = o.lib.OpenClusterNode(second, wide("node1"))
    assert o.lib.AddClusterResourceDependency(a, other) == 0
    assert o.lib.RemoveClusterResourceDependency(a, b) == 0
    assert o.lib.RemoveClusterResourceNode(a, node) == 0 and o.lib.AddClusterResourceNode(a, node) == 0
    out, size = ctypes.create_string_buffer(100), u32()
    assert o.lib.ClusterResourceControl(a, node, 0x1000029, None, 0, out, 100, ctypes.byref(size)) == 0  # GET_NAME
    assert o.state(a) == OFFLINE  # Neither handle has suffered.


@in_cluster
def the_network_name_of_a_resource_is_that_of_its_provider(o):
    group = o.group("Named")
    name, service = o.resource(group, "Named name"), o.resource(group, "Named service", "Generic Service")
    assert not o.lib.GetClusterResourceNetworkName(service, None, ctypes.byref(u32())) and o.error() == 5002
    assert o.lib.AddClusterResourceDependency(service, name) == 0
    key = o.lib.GetClusterResourceKey(name, 0xf003f)
    r, parameters, _ = o.api.create_key(key, "Parameters")
    assert r == 0 and o.api.set_value(parameters, "Name", 1, wide("SERVER1")) == 0
    sizes(lambda *a: 0 if o.lib.GetClusterResourceNetworkName(service, *a) else o.error(), "SERVER1")


# Lists.

@in_cluster
def the_cluster_lists_its_objects(o):
    o.group("Listed")
    everything = o.list("Cluster", o.h, 0x3f)
    assert (1, "node1") in everything and (8, "Listed") in everything and (2, "Network Name") in everything
    assert o.list("Cluster", o.h, 1) == [(1, "node1")]
    assert {t for t, _ in everything} <= {1, 2, 4, 8, 0x10, 0x20}
    assert o.list("Cluster", o.h, 0x80000000) == []
    for bad in (0, 0x40, 0x80000001):
        assert o.lib.ClusterOpenEnum(o.h, bad) is None and o.error() == 87, hex(bad)
    assert o.lib.ClusterOpenEnum(17, 1) is None and o.error() == 6
    assert o.lib.ClusterOpenEnumEx(o.h, 1, 8) is None and o.error() == 87


@in_cluster
def an_entry_obeys_the_rules_of_sizes(o):
    e, kind = o.lib.ClusterOpenEnum(o.h, 1), u32(77)
    sizes(lambda *a: o.lib.ClusterEnum(e, 0, ctypes.byref(kind), *a), "node1")
    kind.value, buffer, count = 77, ctypes.create_string_buffer(40), u32(3)
    assert o.lib.ClusterEnum(e, 0, ctypes.byref(kind), buffer, ctypes.byref(count)) == 234 and kind.value == 77
    assert o.lib.ClusterEnum(e, 0, None, buffer, ctypes.byref(count)) == 87
    assert o.lib.ClusterEnum(e, 1, ctypes.byref(kind), buffer, ctypes.byref(count)) == 259
    assert o.lib.ClusterEnum(e, 0xffffffff, ctypes.byref(kind), buffer, ctypes.byref(count)) == 259
    assert o.lib.ClusterNodeEnum(e, 0, ctypes.byref(kind), buffer, ctypes.byref(count)) == 6  # Another kind.
    assert o.lib.ClusterCloseEnum(e) == 0


def items(o, family, e, layout):
    """Entries of an Ex list as tuples: after the version the members named in layout, u number, s text, b bytes."""
    found = []
    for index in range(getattr(o.lib, family + "GetEnumCountEx")(e)):
        function, size = getattr(o.lib, family + "EnumEx"), u32(0)
        assert function(e, index, None, ctypes.byref(size)) == 234
        need = size.value
        memory = (ctypes.c_uint64 * ((need + 7) // 8 + 1))()
        memory[len(memory) - 1] = 0x1122334455667788
        size.value = need - 1
        assert function(e, index, memory, ctypes.byref(size)) == 234 and size.value == need and memory[0] == 0
        assert function(e, index, memory, None) == 87
        assert function(e, index, memory, ctypes.byref(size)) == 0 and size.value == need
        assert memory[len(memory) - 1] == 0x1122334455667788
        raw, base, at, values = bytes(memory), ctypes.addressof(memory), 4, []
        assert struct.unpack_from("<I", raw)[0] == 1
        for member in layout:
            length = struct.unpack_from("<I", raw, at)[0]
            at += 4
            if member == "u":
                values.append(length)
                continue
            at += -at % 8
            pointer = struct.unpack_from("<Q", raw, at)[0]
            at += 8
            if pointer == 0:
                assert length == 0 and member == "b"
                values.append(b"")
                continue
            start = pointer - base
            assert at <= start and start + length <= need, "it points into the memory"
            data = raw[start:start + length]
            if member == "s":
                data = data.decode("utf-16-le")
                assert data[-1] == "\0"
                data = data[:-1]
            else:
                assert start % 4 == 0
            values.append(data)
        found.append(tuple(values))
    assert getattr(o.lib, family + "EnumEx")(e, len(found), None, ctypes.byref(u32())) == 259
    assert getattr(o.lib, family + "CloseEnumEx")(e) == 0 and getattr(o.lib, family + "CloseEnumEx")(e) == 6
    return found


@in_cluster
def ex_lists_have_ids_beside_the_names(o):
    group = o.group("Ids")
    assert items(o, "Cluster", o.lib.ClusterOpenEnumEx(o.h, 1, None), "uss") == [(1, "1", "node1")]
    types = items(o, "Cluster", o.lib.ClusterOpenEnumEx(o.h, 2, None), "uss")
    assert (2, "", "Network Name") in types
    groups = {name: guid for _, guid, name in items(o, "Cluster", o.lib.ClusterOpenEnumEx(o.h, 8, None), "uss")}
    assert len(groups["Ids"]) == 36 and o.lib.OpenClusterGroup(o.h, wide(groups["Ids"]))
    assert o.lib.OnlineClusterGroup(group, None) == 0
    node = o.open("Node", "node1")
    assert o.lib.ClusterNodeOpenEnumEx(node, 2, 8) is None and o.error() == 87
    of_node = items(o, "ClusterNode", o.lib.ClusterNodeOpenEnumEx(node, 2, None), "uss")
    assert {name for _, _, name in of_node} == set(o.names("ClusterNode", node, 2))
    assert all(guid == groups[name] for _, guid, name in of_node)


@in_cluster
def all_groups_come_with_chosen_properties(o):
    group = o.group("Chosen")
    o.resource(group, "Chosen name")
    assert o.lib.OnlineClusterGroup(group, None) == 0
    wanted, readonly = wide("Priority\0AntiAffinityClassNames\0"), wide("*\0")
    e = o.lib.ClusterGroupOpenEnumEx(o.h, wanted, len(wanted), readonly, len(readonly), 0)
    found = {i[1]: i for i in items(o, "ClusterGroup", e, "ssusubb")}
    guid, name, state, owner, _, properties, ro = found["Chosen"]
    assert (len(guid), name, state, owner) == (36, "Chosen", 0, "node1")
    assert set(parse(properties)) == {"Priority", "AntiAffinityClassNames"} and "GroupType" in parse(ro), parse(ro)
    e = o.lib.ClusterGroupOpenEnumEx(o.h, None, 0, None, 0, 0)
    assert all(i[5] == i[6] == b"" for i in items(o, "ClusterGroup", e, "ssusubb"))
    bad = wide("Nonsense\0")
    for arguments, code in (((bad, len(bad), None, 0, 0), 87), ((None, 4, None, 0, 0), 87), ((None, 0, None, 0, 1), 87)):
        assert o.lib.ClusterGroupOpenEnumEx(o.h, *arguments) is None and o.error() == code
    assert o.lib.ClusterGroupOpenEnumEx(17, None, 0, None, 0, 0) is None and o.error() == 6


@in_cluster
def all_resources_come_with_chosen_properties(o):
    group = o.group("Chosen resources")
    o.resource(group, "Chosen resource")
    every = wide("*\0")
    e = o.lib.ClusterResourceOpenEnumEx(o.h, every, len(every), every, len(every), 0)
    found = {i[1]: i for i in items(o, "ClusterResource", e, "ssssbb")}
    guid, _, owner, owner_id, properties, ro = found["Chosen resource"]
    assert len(guid) == len(owner_id) == 36 and owner == "Chosen resources"
    assert "PendingTimeout" in parse(properties) and "Type" in parse(ro)


@in_cluster
def types_list_their_nodes_and_resources(o):
    o.resource(o.group("Typed"), "Typed disk", "Physical Disk")
    got = o.list("ClusterResourceType", o.h, wide("physical disk"), 3)
    assert (1, "node1") in got and (2, "Typed disk") in got
    assert o.lib.ClusterResourceTypeOpenEnum(o.h, wide("none"), 3) is None and o.error() == 5078
    assert o.lib.ClusterResourceTypeOpenEnum(o.h, wide("Physical Disk"), 0) is None and o.error() == 87
    assert o.lib.ClusterResourceTypeOpenEnum(o.h, None, 3) is None and o.error() == 87


def quorum(o):
    """Name, path and largest log of the quorum resource."""
    name, device, size = ctypes.create_string_buffer(600), ctypes.create_string_buffer(600), u32()
    counts = u32(300), u32(300)
    assert o.lib.GetClusterQuorumResource(o.h, name, ctypes.byref(counts[0]), device, ctypes.byref(counts[1]),
                                          ctypes.byref(size)) == 0
    return text(name, counts[0]), text(device, counts[1]), size.value


@in_cluster
def the_quorum_resource_is_one_of_the_core_group_that_can_be(o):
    core, other = o.open("Group", "Cluster Group"), o.group("Not core")
    local = o.open("Resource", "Local Quorum")
    change = o.lib.SetClusterQuorumResource
    assert quorum(o) == ("Local Quorum", "MSCS\\", 4096 << 10)
    assert change(local, wide("Q:\\Quorum"), 1 << 20) == 0 and quorum(o) == ("Local Quorum", "Q:\\Quorum", 1 << 20)
    assert change(local, None, 0) == 0 and quorum(o) == ("Local Quorum", "Q:\\Quorum", 1 << 20)
    assert change(local, wide("a\nb"), 0) == 123 and change(local, wide("x" * 261), 0) == 206
    unable = o.resource(core, "Not able", "Generic Script")
    assert change(unable, None, 0) == 5021 and o.lib.DeleteClusterResource(unable) == 0
    elsewhere = o.resource(other, "Elsewhere", "Local Quorum")
    assert change(elsewhere, None, 0) == 87 and change(None, None, 0) == 6
    second = o.resource(core, "Second", "Local Quorum")
    assert change(second, wide("R:\\"), 65536) == 0 and quorum(o) == ("Second", "R:\\", 65536)
    assert o.lib.DeleteClusterResource(second) == 5020
    assert change(local, wide("MSCS\\"), 4096 << 10) == 0 and quorum(o) == ("Local Quorum", "MSCS\\", 4096 << 10)
    assert o.lib.OfflineClusterResource(second) in (0, 997)
    deadline = time.monotonic() + 90
    while o.lib.DeleteClusterResource(second) != 0:
        assert time.monotonic() < deadline, o.error()
        time.sleep(0.1)


@in_cluster
def networks_and_interfaces_are_found_from_each_end(o):
    root = o.api.root(o.h)
    ids = {"Networks": "11111111-1111-1111-1111-111111111111", "NetworkInterfaces": "22222222-2222-2222-2222-222222222222"}
    for container, name in (("Networks", "Net"), ("NetworkInterfaces", "node1 - Net")):
        r, key, _ = o.api.create_key(root, container + "\\" + ids[container])
        assert r == 0 and o.api.set_value(key, "Name", 1, wide(name)) == 0
        assert o.api.set_value(key, "Node", 1, wide("1")) == 0
        assert o.api.set_value(key, "Network", 1, wide(ids["Networks"])) == 0
    network, interface = o.open("Network", "net"), o.open("NetInterface", "node1 - net")
    sizes(lambda *a: o.lib.GetClusterNetworkId(network, *a), ids["Networks"])
    assert o.lib.GetClusterNetworkState(network) == 0 and o.lib.GetClusterNetInterfaceState(interface) == 0
    assert o.lib.GetClusterNetworkState(interface) == -1 and o.error() == 6
    assert o.list("ClusterNetwork", network, 1) == [(1, "node1 - Net")]
    assert o.list("ClusterNode", o.open("Node", "node1"), 1) == [(1, "node1 - Net")]
    sizes(lambda *a: o.lib.GetClusterNetInterface(o.h, wide("node1"), wide("Net"), *a), "node1 - Net")
    buffer, count = ctypes.create_string_buffer(100), u32(50)
    for node, net, code in (("none", "Net", 5042), ("node1", "none", 5045), (None, "Net", 87), ("node1", None, 87)):
        r = o.lib.GetClusterNetInterface(o.h, wide(node), wide(net), buffer, ctypes.byref(count))
        assert r == code, (node, net, r)
    for node, net, want in ((None, None, 1), ("node1", None, 1), (None, "Net", 1), ("node1", "Net", 1)):
        e = o.lib.ClusterNetInterfaceOpenEnum(o.h, wide(node), wide(net))
        sizes(lambda *a, e=e: o.lib.ClusterNetInterfaceEnum(e, 0, *a), "node1 - Net")
        assert o.lib.ClusterNetInterfaceEnum(e, want, buffer, ctypes.byref(count)) == 259
        assert o.lib.ClusterNetInterfaceCloseEnum(e) == 0 and o.lib.ClusterNetInterfaceCloseEnum(e) == 6
    assert o.lib.ClusterNetInterfaceOpenEnum(o.h, wide("none"), None) is None and o.error() == 5042
    assert o.lib.SetClusterNetworkName(network, wide("Net two")) == 0 and o.open("Network", "Net two")
    assert o.lib.SetClusterNetworkName(network, None) == 87 and o.lib.SetClusterNetworkName(network, wide("")) == 123


@in_cluster
def there_are_no_group_sets_to_list(o):
    e = o.lib.ClusterGroupSetOpenEnum(o.h)
    assert e and o.lib.ClusterGroupSetGetEnumCount(e) == 0
    assert o.lib.ClusterGroupSetEnum(e, 0, None, ctypes.byref(u32())) == 259
    assert o.lib.ClusterGroupSetCloseEnum(e) == 0 and o.lib.ClusterGroupSetCloseEnum(e) == 6
    assert o.lib.ClusterGroupSetOpenEnum(17) is None and o.error() == 6


# Walks of libresutils.

def resutils():
    lib = ctypes.CDLL(RESUTILS)
    prototypes(lib, "resutils")
    return lib


def name_of(o, kind, handle):
    out, size = ctypes.create_string_buffer(600), u32()
    control = getattr(o.lib, "Cluster" + kind + "Control")
    code = {"Resource": 0x1000029, "Group": 0x3000029, "Node": 0x4000029}[kind]
    assert control(handle, None, code, None, 0, out, 600, ctypes.byref(size)) == 0
    return out.raw[:size.value].decode("utf-16-le").rstrip("\0")


@in_cluster
def walks_call_back_for_each_object_but_oneself(o):
    lib, seen = resutils(), []
    group = o.group("Walk")
    a, _b = o.resource(group, "Walk a"), o.resource(group, "Walk b")
    ex = ctypes.CFUNCTYPE(u32, void, void, void, void)
    plain = ctypes.CFUNCTYPE(u32, void, void, void)
    node = ctypes.CFUNCTYPE(u32, void, void, ctypes.c_int32, void)
    each = ex(lambda _c, _s, r, _p: seen.append(name_of(o, "Resource", r)) or 0)
    assert lib.ResUtilEnumResourcesEx(o.h, a, None, each, None) == 0
    assert "Walk b" in seen and "Walk a" not in seen and "Local Quorum" in seen
    seen.clear()
    assert lib.ResUtilEnumResourcesEx2(o.h, None, wide("network NAME"), each, None, READ) == 0
    assert {"Walk a", "Walk b"} <= set(seen) and "Local Quorum" not in seen
    seen.clear()
    assert lib.ResUtilEnumResources(None, None, plain(lambda _s, r, _p: seen.append(r) or 4711), None) == 4711
    assert len(seen) == 1 and o.state(seen[0]) == -1 and o.error() == 6  # Its handle is closed.
    seen.clear()
    assert lib.ResUtilEnumGroups(o.h, group, ex(lambda _c, _s, g, _p: seen.append(name_of(o, "Group", g)) or 0), None) == 0
    assert "Cluster Group" in seen and "Walk" not in seen
    seen.clear()
    assert lib.ResUtilEnumGroupsEx(o.h, None, 1, ex(lambda _c, _s, g, _p: seen.append(name_of(o, "Group", g)) or 0), None) == 0
    assert seen == ["Cluster Group"]
    seen.clear()
    assert lib.ResUtilNodeEnum(o.h, node(lambda _c, n, s, _p: seen.append((name_of(o, "Node", n), s)) or 0), None) == 0
    assert seen == [("node1", 0)]
    for call in (lib.ResUtilEnumResourcesEx(o.h, None, None, None, None), lib.ResUtilEnumGroups(o.h, None, None, None),
                 lib.ResUtilNodeEnum(o.h, None, None), lib.ResUtilResourceDepEnum(a, 4, each, None)):
        assert call == 87
    assert lib.ResUtilEnumResourcesEx(17, None, None, each, None) == 6


@in_cluster
def providers_are_found_by_type_and_class(o):
    lib, seen = resutils(), []
    group = o.group("Find")
    service, name, address = (o.resource(group, "Find " + k, k) for k in ("Generic Service", "Network Name", "IP Address"))
    assert o.lib.AddClusterResourceDependency(service, name) == 0
    assert o.lib.AddClusterResourceDependency(name, address) == 0
    each = ctypes.CFUNCTYPE(u32, void, void, void, void)(lambda _c, _s, r, _p: seen.append(name_of(o, "Resource", r)) or 0)
    assert lib.ResUtilResourceDepEnum(name, 3, each, None) == 0
    assert seen == ["Find IP Address", "Find Generic Service"]

    def found(handle):
        return name_of(o, "Resource", handle) if handle else o.error()

    assert found(lib.ResUtilGetResourceDependency(service, wide("Network Name"))) == "Find Network Name"
    assert found(lib.ResUtilGetResourceDependency(service, wide("IP Address"))) == 5002
    assert found(lib.ResUtilGetResourceDependency(service, None)) == 87
    assert found(lib.ResUtilGetResourceDependency(17, wide("IP Address"))) == 6
    assert found(lib.ResUtilGetResourceDependencyByName(o.h, service, wide("IP Address"), 1)) == "Find IP Address"
    assert found(lib.ResUtilGetResourceDependencyByName(o.h, service, wide("IP Address"), 0)) == 5002
    network = struct.pack("<II", 2, 0)
    assert found(lib.ResUtilGetResourceDependencyByClass(o.h, service, network, 1)) in ("Find Network Name", "Find IP Address")
    assert found(lib.ResUtilGetResourceNameDependency(wide("Find Network Name"), wide("IP Address"))) == "Find IP Address"
    assert found(lib.ResUtilGetResourceNameDependency(wide("none"), wide("IP Address"))) == 5007


@in_cluster
def the_addresses_and_disks_of_providers_are_told(o):
    lib = resutils()
    group = o.group("Props")
    kinds = ("Generic Service", "Network Name", "IP Address", "Physical Disk")
    service, name, address, disk = (o.resource(group, "Props " + k, k) for k in kinds)

    def props(capacity=50, resource=service):
        buffers, counts = [ctypes.create_string_buffer(100) for _ in range(3)], [u32(50), u32(capacity), u32(50)]
        code = lib.ResUtilGetResourceDependentIPAddressProps(
            resource, *(a for b, c in zip(buffers, counts) for a in (b, ctypes.byref(c))))
        return code, [text(b, c) for b, c in zip(buffers, counts)] if code == 0 else [c.value for c in counts]

    def letter(capacity=3):
        buffer, count = ctypes.create_string_buffer(8), u32(capacity)
        code = lib.ResUtilFindDependentDiskResourceDriveLetter(o.h, service, buffer, ctypes.byref(count))
        return code, text(buffer, count) if code == 0 else count.value

    assert props()[0] == 5002 and letter() == (5002, 3) and props(resource=17)[0] == 6
    assert o.lib.AddClusterResourceDependency(service, name) == 0
    assert o.lib.AddClusterResourceDependency(name, address) == 0
    assert o.lib.AddClusterResourceDependency(service, disk) == 0
    assert props() == (0, ["", "", ""])
    def set_text(resource, key, value):
        parameters = o.api.create_key(o.lib.GetClusterResourceKey(resource, 0xf003f), "Parameters")[1]
        assert o.api.set_value(parameters, key, 1, wide(value)) == 0

    for key, value in (("Address", "192.0.2.7"), ("SubnetMask", "255.255.255.0"), ("Network", "eth0")):
        set_text(address, key, value)
    assert props() == (0, ["192.0.2.7", "255.255.255.0", "eth0"]) and props(14)[0] == 0
    assert props(13) == (234, [9, 13, 4])
    assert lib.ResUtilGetResourceDependentIPAddressProps(service, None, None, None, None, None, None) == 87
    drives = os.path.join(os.environ["RUEDA_DIR"], "drives")
    os.makedirs(drives, exist_ok=True)
    place = os.path.join(os.environ["RUEDA_DIR"], "mounted")
    os.mkdir(place)
    assert letter()[0] == 1168  # The disk says nothing of where it is mounted.
    set_text(disk, "MountPoint", place + "/")
    assert letter()[0] == 1168
    os.symlink(place, os.path.join(drives, "q:"))
    assert letter() == (0, "Q:") and letter(2) == (234, 2)


@in_cluster
def the_core_resources_are_found(o):
    lib = resutils()
    found = [void(1), void(1), void(1)]
    assert lib.ResUtilGetCoreClusterResources(o.h, *map(ctypes.byref, found)) == 0
    assert [h.value for h in found[:2]] == [None, None] and name_of(o, "Resource", found[2]) == "Local Quorum"
    group = o.lib.OpenClusterGroup(o.h, wide("Cluster Group"))
    o.resource(group, "Core IPv6", "IPv6 Address")
    o.resource(group, "Core name", "Network Name")
    assert lib.ResUtilGetCoreClusterResources(o.h, *map(ctypes.byref, found)) == 0
    assert [name_of(o, "Resource", h) for h in found] == ["Core name", "Core IPv6", "Local Quorum"]
    o.resource(group, "Core address", "IP Address")
    assert lib.ResUtilGetCoreClusterResources(o.h, None, ctypes.byref(found[1]), None) == 0
    assert name_of(o, "Resource", found[1]) == "Core address"
    assert lib.ResUtilGetCoreClusterResourcesEx(o.h, ctypes.byref(found[0]), ctypes.byref(found[2]), READ) == 0
    assert o.lib.DeleteClusterResource(found[0]) == 5  # Only to be looked at.
    assert lib.ResUtilGetCoreClusterResourcesEx(17, ctypes.byref(found[0]), None, READ) == 6
    for name in ("Core IPv6", "Core name", "Core address"):
        assert o.lib.DeleteClusterResource(o.lib.OpenClusterResource(o.h, wide(name))) == 0


@in_cluster
def a_role_is_clustered_if_it_has_a_resource(o):
    lib = resutils()
    script, service, dhcp = 4, 5, 0
    assert lib.ResUtilGetClusterRoleState(o.h, dhcp) == 1  # There is no such type.
    assert lib.ResUtilGetClusterRoleState(o.h, script) == 1
    o.resource(o.group("Role"), "Role script", "Generic Script")
    assert lib.ResUtilGetClusterRoleState(o.h, script) == 0
    assert lib.ResUtilGetClusterRoleState(o.h, 13) == -1 and o.error() == 87
    assert lib.ResUtilGetClusterRoleState(17, service) == -1 and o.error() == 6


# Making.

@in_cluster
def groups_and_resources_are_made_with_their_kinds(o):
    info = struct.pack("<II", 1, 100)
    group = o.lib.CreateClusterGroupEx(o.h, wide("Made"), info)
    assert group
    resutils = ctypes.CDLL(RESUTILS)
    prototypes(resutils, "resutils")
    kind = u32()
    assert resutils.ResUtilGetClusterGroupType(group, ctypes.byref(kind)) == 0 and kind.value == 100
    for name, block, code in (("Made", info, (183, 5010)), ("", info, (123,)), ("x", struct.pack("<II", 2, 100), (87,)),
                              (None, info, (87,))):
        assert o.lib.CreateClusterGroupEx(o.h, wide(name), block) is None and o.error() in code, (name, o.error())
    for name, kind, flags, code in (("a", "none", 0, (5078,)), (None, "Network Name", 0, (87,)), ("a", None, 0, (87,)),
                                    ("a", "Network Name", 2, (87,)), ("", "Network Name", 0, (123,))):
        r = o.lib.CreateClusterResource(group, wide(name), wide(kind), flags)
        assert r is None and o.error() in code, (name, kind, o.error())
    resource = o.resource(group, "Made resource")
    assert o.lib.CreateClusterResource(group, wide("made RESOURCE"), wide("Network Name"), 0) is None
    assert o.error() in (183, 5010)
    assert o.lib.SetClusterResourceName(resource, wide("Made again")) == 0 and o.open("Resource", "Made again")
    assert o.lib.SetClusterResourceName(resource, wide("")) == 123
    assert o.lib.SetClusterGroupName(group, wide("Cluster Group")) in (183, 5010)


@in_cluster
def types_are_made_and_deleted(o):
    make = o.lib.CreateClusterResourceType
    assert make(o.h, wide("Mine"), wide("Mine"), wide("mine.so"), 1000, 2000) == 0
    assert make(o.h, wide("mine"), wide("Mine"), wide("mine.so"), 1000, 2000) in (183, 5010)
    assert make(o.h, None, wide("Mine"), wide("mine.so"), 1000, 2000) == 87
    assert o.lib.GetClusterResourceTypeKey(o.h, wide("Mine"), 0x20019)
    assert o.lib.DeleteClusterResourceType(o.h, wide("Mine")) == 0
    assert o.lib.DeleteClusterResourceType(o.h, wide("Mine")) == 5078
    assert o.lib.DeleteClusterResourceType(o.h, None) == 87


@test
def handles_and_lists_outlive_a_restart_of_the_service():
    with Cluster(RUEDAD, LIBRARY) as c:
        asked, answered = os.pipe(), os.pipe()

        def restart():
            os.write(asked[1], b"r")
            assert os.read(answered[0], 1) == b"d"

        def client(api):
            o = Objects(api)
            group = o.group("Lasting")
            resource = o.resource(group, "Lasting name")
            e = o.lib.ClusterGroupOpenEnum(group, 1)
            assert o.lib.OnlineClusterResource(resource) == 0
            restart()
            at_last(lambda: o.state(resource), ONLINE)
            assert o.lib.ClusterGroupGetEnumCount(e) == 1 and o.lib.ClusterGroupCloseEnum(e) == 0
            assert o.lib.SetClusterResourceName(resource, wide("Renamed")) == 0
            assert o.names("ClusterGroup", group, 1) == ["Renamed"]

        # The service is a child of this process, which alone can wait for its end.
        thread = threading.Thread(target=lambda: os.read(asked[0], 1) and (c.stop(), c.start(), os.write(answered[1], b"d")))
        thread.daemon = True
        thread.start()
        c.run(client)


sys.exit(tap.run(CHOSEN))
