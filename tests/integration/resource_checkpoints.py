#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of resources as programs meet them: the control codes, the blobs, the backups that hold them.  Prints TAP.

Usage: resource_checkpoints.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import ctypes
import glob
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster, wide  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
HOME = tap.temporary()
os.chmod(HOME, 0o777)
ROOT = f"{HOME}/allowed"
os.mkdir(ROOT)
os.chmod(ROOT, 0o777)
CONFIG = f"[checkpoints]\nroots = {ROOT}\n"

ADD, ADD_64, ADD_32, DELETE, GET = 0x014000A2, 0x014000BE, 0x014000C2, 0x014000A6, 0x010000A9
ADD_CRYPTO, ADD_CRYPTO_EX, DELETE_CRYPTO, GET_CRYPTO = 0x014000AE, 0x014002D6, 0x014000B2, 0x010000B5


def name_of(path):
    return "File" + path.replace("/", "\\")


class Resource:
    """The quorum resource, which each cluster has."""

    def __init__(self, api):
        lib = api.lib
        lib.OpenClusterResource.restype = ctypes.c_void_p
        lib.OpenClusterResource.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        lib.ClusterResourceControl.restype = ctypes.c_uint32
        lib.ClusterResourceControl.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p,
                                               ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32,
                                               ctypes.POINTER(ctypes.c_uint32)]
        self.lib = lib
        self.cluster = api.OpenCluster(None)
        root = api.root(self.cluster)
        r, key = api.open_key(root, "Resources")
        assert r == 0, r
        self.id = api.enum_keys(key)[0]
        self.handle = lib.OpenClusterResource(self.cluster, wide(self.id))
        assert self.handle, api.last_error()

    def control(self, code, data=b"", size=65536):
        """(status, bytes returned)"""
        out = ctypes.create_string_buffer(max(size, 1))
        returned = ctypes.c_uint32(0)
        r = self.lib.ClusterResourceControl(self.handle, None, code, data, len(data), out, size, ctypes.byref(returned))
        return r, (out.raw[:returned.value] if r == 0 else returned.value)

    def name(self, code, text):
        return self.control(code, (text + "\0").encode("utf-16-le"))[0]

    def names(self, code=GET):
        r, data = self.control(code)
        assert r == 0, r
        text = data.decode("utf-16-le")
        assert text.endswith("\0")
        return text[:-1].split("\0")[:-1]


def blobs(c):
    return {os.path.basename(p): open(p, "rb").read() for p in glob.glob(c.path("state/*/blobs/*"))}


def in_set(path):
    return {os.path.basename(p)[4:]: open(p, "rb").read() for p in glob.glob(f"{path}/*/*.CP[TR]")}


def fill(name, text):
    path = f"{ROOT}/{name}"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o666)
    return path


@test
def a_checkpoint_is_captured_when_it_is_added_and_is_in_the_next_backup():
    source = fill("one.conf", "answer = 42\n")
    with Cluster(RUEDAD, LIBRARY, config=CONFIG) as c:
        target = f"{HOME}/set1"

        def call(api):
            r = Resource(api)
            assert r.names() == []
            assert r.name(ADD, name_of(source)) == 0
            assert r.names() == [name_of(source)]
            assert r.name(ADD, name_of(source)) == 183
            assert r.name(ADD_32, name_of(source)) == 183, "views share the names"
            assert api.BackupClusterDatabase(r.cluster, target) == 0

        c.run(call)
        (digest, content), = blobs(c).items()
        assert hashlib.sha256(content).hexdigest() == digest
        assert content.startswith(b"regf") and "answer".encode() in content
        assert in_set(target) == {"0001.CPT": content}
        c.kill()
        c.start()
        assert blobs(c) == {digest: content}

        def delete(api):
            r = Resource(api)
            assert r.names() == [name_of(source)]
            assert r.name(DELETE, name_of(source)) == 0
            assert r.name(DELETE, name_of(source)) == 2
            assert r.names() == []
            assert api.BackupClusterDatabase(r.cluster, f"{HOME}/set2") == 0
            assert api.RestoreClusterDatabase(target) == 0
            assert Resource(api).names() == [name_of(source)]

        c.run(delete)
        assert in_set(f"{HOME}/set2") == {}
        assert digest in blobs(c)


@test
def what_cannot_be_captured_is_refused_with_its_code():
    source = fill("two.conf", "x")
    with Cluster(RUEDAD, LIBRARY, config=CONFIG) as c:
        def call(api):
            r = Resource(api)
            assert r.name(ADD, "\\Software\\App") == 161
            assert r.name(ADD, "") == 87
            assert r.control(ADD, b"a\0b\0")[0] == 87, "it has no end"
            assert r.name(ADD, name_of(f"{ROOT}/missing")) == 2
            assert r.name(ADD, name_of("/etc/passwd")) == 5, "not below an allowed root"
            assert r.name(ADD_CRYPTO, f"1\\PEM\\{source}") == 6003
            assert r.name(ADD_CRYPTO_EX, f"1\\PEM\\{source}") == 50
            assert r.name(DELETE_CRYPTO, f"1\\PEM\\{source}") == 2
            assert r.names(GET_CRYPTO) == [] and r.names() == []
            assert r.name(ADD_64, name_of(source)) == 0
            assert r.control(GET, size=4) == (234, 2 * (len(name_of(source)) + 2))

        c.run(call)
        assert "no key to encrypt it with" in c.log_text()


tap.run(CHOSEN)
