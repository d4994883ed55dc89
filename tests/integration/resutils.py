#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The helpers of libresutils that look at a cluster: keys as lists of properties, single values, objects.  Prints TAP.

Usage: resutils.py RUEDAD LIBCLUSAPI LIBRESUTILS [part of a test's name...]"""
import ctypes
import os
import struct
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster, wide  # noqa: E402
from proplist import BINARY, DWORD, EXPAND_SZ, EXPANDED_SZ, SZ, number, parse, plist, texts  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, (RESUTILS, *CHOSEN) = cluster.main(sys.argv)
shared = None
void = ctypes.c_void_p


def in_cluster(function):
    """A test whose body runs as a client of the shared cluster: function(api, resutils, handle, key), the key an empty one."""
    def run():
        global shared
        if shared is None:
            shared = Cluster(RUEDAD, LIBRARY)

        def call(api):
            lib = ctypes.CDLL(RESUTILS)
            for name in ("ResUtilGetSzValue", "ResUtilGetExpandSzValue", "ResUtilGetCoreGroup"):
                getattr(lib, name).restype = void
            h = api.OpenCluster(None)
            function(api, lib, h, void(api.create_key(api.root(h), "ResUtils\\" + function.__name__)[1]))

        shared.run(call)

    run.__name__ = function.__name__
    return test(run)


def get(function, *arguments):
    """The output of a function with the usual four last parameters, which must first say how much it takes."""
    returned, required = ctypes.c_uint32(), ctypes.c_uint32()
    r = function(*arguments, None, 0, ctypes.byref(returned), ctypes.byref(required))
    assert r == 234, r
    out = ctypes.create_string_buffer(required.value)
    r = function(*arguments, out, required.value, ctypes.byref(returned), ctypes.byref(required))
    assert r == 0 and returned.value == len(out), (r, returned.value, len(out))
    return out.raw


@in_cluster
def a_key_is_written_and_read_as_a_list(api, lib, _h, key):
    sent = plist(("n", DWORD, number(7)), ("text", SZ, wide("x")), ("path", EXPAND_SZ, wide("/%RUEDA_TEST%")),
                 ("bytes", BINARY, bytes(5000)))
    os.environ["RUEDA_TEST"] = "there"
    assert lib.ResUtilSetPrivatePropertyList(key, sent, len(sent)) == 0
    want = parse(sent)
    want["path"].append((EXPANDED_SZ, wide("/there")))
    assert parse(get(lib.ResUtilGetPrivateProperties, key)) == want
    assert texts(get(lib.ResUtilEnumPrivateProperties, key)) == ["bytes", "n", "path", "text"]
    assert api.get_value(key.value, "path") == (0, 2, wide("/%RUEDA_TEST%"))
    gone = plist(("n", DWORD, b""), ("none", SZ, b""))
    assert lib.ResUtilSetPrivatePropertyList(key, gone, len(gone)) == 0
    assert api.get_value(key.value, "n")[0] == 2
    assert lib.ResUtilSetPrivatePropertyList(key, sent, 20) == 13
    assert lib.ResUtilSetPrivatePropertyList(void(77), sent, len(sent)) == 6


@in_cluster
def an_empty_key_is_an_empty_list(_api, lib, _h, key):
    assert get(lib.ResUtilGetPrivateProperties, key) == bytes(8)
    assert get(lib.ResUtilEnumPrivateProperties, key) == bytes(2)


@in_cluster
def single_values_are_set_and_read(api, lib, _h, key):
    out = ctypes.c_uint32()
    assert lib.ResUtilSetDwordValue(key, wide("n"), 9, ctypes.byref(out)) == 0 and out.value == 9
    assert api.get_number(key.value, "n") == 9
    assert lib.ResUtilGetDwordValue(key, wide("n"), ctypes.byref(out), 5) == 0 and out.value == 9
    assert lib.ResUtilGetDwordValue(key, wide("none"), ctypes.byref(out), 5) == 0 and out.value == 5
    assert lib.ResUtilSetSzValue(key, wide("s"), wide("text"), None) == 0
    assert ctypes.string_at(lib.ResUtilGetSzValue(key, wide("s")), 10) == wide("text")
    assert not lib.ResUtilGetSzValue(key, wide("n")) and api.last_error() == 13


@in_cluster
def a_table_carries_values_between_list_key_and_block(api, lib, _h, key):
    class Item(ctypes.Structure):
        _fields_ = [("name", void), ("key", void), ("format", ctypes.c_uint32), ("default", void),
                    ("least", ctypes.c_uint32), ("most", ctypes.c_uint32), ("flags", ctypes.c_uint32),
                    ("offset", ctypes.c_uint32)]

    class Params(ctypes.Structure):
        _fields_ = [("number", ctypes.c_uint32), ("text", void)]

    names = [ctypes.create_string_buffer(wide(n)) for n in ("Number", "Text", "Below")]
    addresses = [ctypes.addressof(n) for n in names]
    table = (Item * 3)(Item(addresses[0], None, DWORD, 5, 1, 9, 0, 0),
                       Item(addresses[1], addresses[2], SZ, None, 0, 0, 0, Params.text.offset), Item())
    sent = plist(("number", DWORD, number(3)), ("Text", SZ, wide("below")))
    params, wrong = Params(), void()
    assert lib.ResUtilSetPropertyTable(key, table, None, 0, sent, len(sent), ctypes.byref(params)) == 0
    assert params.number == 3 and ctypes.string_at(params.text, 12) == wide("below")
    assert api.get_number(key.value, "Number") == 3
    below = api.open_key(key.value, "Below")[1]
    assert api.get_value(below, "text") == (0, 1, wide("below"))
    again = Params()
    assert lib.ResUtilGetPropertiesToParameterBlock(key, table, ctypes.byref(again), 1, ctypes.byref(wrong)) == 0
    assert again.number == 3 and ctypes.string_at(again.text, 12) == wide("below")
    assert parse(get(lib.ResUtilGetProperties, key, table)) == {"Number": [(DWORD, number(3))], "Text": [(SZ, wide("below"))]}
    bad = plist(("Number", DWORD, number(10)))
    assert lib.ResUtilSetPropertyTable(key, table, None, 0, bad, len(bad), None) == 87
    assert api.get_number(key.value, "Number") == 3


@in_cluster
def handles_are_compared_and_doubled_and_told_apart(api, lib, h, _key):
    for name in ("OpenClusterGroup", "CreateClusterGroup", "CreateClusterResource", "OpenClusterResource"):
        getattr(api.lib, name).restype = void
    group = void(api.lib.CreateClusterGroup(void(h), wide("Twins")))
    a = void(api.lib.CreateClusterResource(group, wide("a"), wide("IP Address"), 0))
    b = void(api.lib.CreateClusterResource(group, wide("b"), wide("Generic Script"), 0))
    a2, group2 = void(), void()
    assert lib.ResUtilDupResource(a, ctypes.byref(a2)) == 0 and a2.value != a.value
    assert lib.ResUtilResourcesEqual(a, a2) == 1 and lib.ResUtilResourcesEqual(a, b) == 0
    assert lib.ResUtilResourcesEqual(a, void(3)) == 0 and api.last_error() == 6
    assert lib.ResUtilResourceTypesEqual(wide("ip address"), a) == 1 and lib.ResUtilResourceTypesEqual(wide("x"), a) == 0
    for info, want in (((2, 0x80000000), (1, 0)), ((2, 0), (1, 0)), ((1, 0), (0, 0)), ((0, 0), (0, 1))):
        got = tuple(lib.ResUtilIsResourceClassEqual(struct.pack("<II", *info), r) for r in (a, b))
        assert got == want, (info, got)
    assert lib.ResUtilDupGroup(group, ctypes.byref(group2)) == 0
    equal, core = ctypes.c_int32(7), void(lib.ResUtilGetCoreGroup(void(h)))
    assert lib.ResUtilGroupsEqual(group, group2, ctypes.byref(equal)) == 0 and equal.value == 1
    assert lib.ResUtilGroupsEqual(group, core, ctypes.byref(equal)) == 0 and equal.value == 0
    kind = ctypes.c_uint32()
    assert lib.ResUtilGetClusterGroupType(core, ctypes.byref(kind)) == 0 and kind.value == 1
    assert lib.ResUtilGetClusterGroupType(group, ctypes.byref(kind)) == 0 and kind.value == 9999
    buffer, count = ctypes.create_string_buffer(4), ctypes.c_uint32(2)
    assert lib.ResUtilGetResourceName(b, buffer, ctypes.byref(count)) == 0 and buffer.raw == wide("b") and count.value == 1
    count.value = 1
    assert lib.ResUtilGetResourceName(b, buffer, ctypes.byref(count)) == 234 and count.value == 1


@in_cluster
def the_cluster_has_an_id(api, lib, h, _key):
    guid = ctypes.create_string_buffer(16)
    assert lib.ResUtilGetClusterId(void(h), guid) == 0
    stored = api.get_value(api.root(h), "ClusterInstanceID")[2].decode("utf-16-le").rstrip("\0")
    assert uuid.UUID(bytes_le=guid.raw) == uuid.UUID(stored)


if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
