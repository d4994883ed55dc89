#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rueda restore --only resource=NAME --checkpoints: what a set has for one resource is saved again, and nothing else changes.
Prints TAP.

Usage: restore_only.py RUEDAD LIBCLUSAPI RUEDA [part of a test's name...]"""
import ctypes
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster, wide  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
RUEDA = os.path.abspath(CHOSEN.pop(0))
HOME = tap.temporary()
os.chmod(HOME, 0o777)
ROOT = f"{HOME}/allowed"
os.mkdir(ROOT)
os.chmod(ROOT, 0o777)
CONFIG = f"[checkpoints]\nroots = {ROOT}\n"
ADD, DELETE, GET = 0x014000A2, 0x014000A6, 0x010000A9
counter = iter(range(1, 1000))


def name_of(path):
    return "File" + path.replace("/", "\\")


class Node:
    """A cluster with the group G, and rueda to work with it."""

    def __init__(self, config=CONFIG):
        self.cluster = Cluster(RUEDAD, LIBRARY, config=config)
        self.rueda("group", "create", "G")

    def __enter__(self):
        self.cluster.__enter__()
        return self

    def __exit__(self, *arguments):
        self.cluster.__exit__(*arguments)

    def rueda(self, *words, status=0):
        p = subprocess.run([RUEDA, *words], env=self.cluster.environment, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=120, check=False)
        assert p.returncode == status, (words, p.returncode, p.stdout, p.stderr)
        return p.stdout + p.stderr

    def restore(self, resource, path, *options, code=None):
        words = ["restore", path, "--only", f"resource={resource}", "--checkpoints", "--yes", *options]
        text = self.rueda(*words, status=0 if code is None else 1)
        if code is not None:
            assert re.search(rf"\b{code}\b", text), (code, text)
        return text

    def create(self, name):
        self.rueda("resource", "create", name, "G", "Generic Application")

    def control(self, resource, code, text):
        """Of the library: rueda's own verbs are tested elsewhere."""
        def call(api):
            lib = api.lib
            lib.ClusterResourceControl.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p,
                                                   ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32,
                                                   ctypes.POINTER(ctypes.c_uint32)]
            handle = lib.OpenClusterResource(ctypes.c_void_p(api.OpenCluster(None)), wide(resource))
            assert handle, api.last_error()
            data = wide(text)
            r = lib.ClusterResourceControl(handle, None, code, data, len(data), None, 0, ctypes.byref(ctypes.c_uint32()))
            assert r == 0, r

        self.cluster.run(call)

    def save(self, resource, name, text, again=False):
        """A checkpoint of a file with that text."""
        path = f"{ROOT}/{name}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o666)
        if again:
            self.control(resource, DELETE, name_of(path))
        self.control(resource, ADD, name_of(path))

    def drop(self, resource, name):
        self.control(resource, DELETE, name_of(f"{ROOT}/{name}"))

    def backup(self):
        path = f"{HOME}/set{next(counter)}"
        self.rueda("backup", path)
        return path

    def export(self, resource_id):
        """The database as text, without the keys of that resource's checkpoints."""
        path = f"{HOME}/export{next(counter)}"
        self.rueda("reg", "export", "--utf8", path)
        keys = open(path, encoding="utf-8").read().replace("\r\n", "\n").split("\n[")
        own = tuple(f"\\Resources\\{resource_id}\\{key}]".lower() for key in ("RegSync", "CryptoSync", "CheckpointData"))
        return [k for k in keys if not k.split("\n")[0].lower().endswith(own)]

    def id_of(self, resource):
        for one in json.loads(self.rueda("reg", "ls", "Resources", "--json"))["subkeys"]:
            if self.rueda("reg", "get", f"Resources\\{one}", "Name").strip().endswith(resource):
                return one
        raise AssertionError(f"no resource {resource}")


def texts(path, resource_id):
    """What a set has for a resource: the checkpoints' contents, as far as a test writes them."""
    found = []
    for name in sorted(glob.glob(f"{path}/{resource_id}/*.CP[TR]")):
        with open(name, "rb") as f:
            found += re.findall(rb"<[a-z ]+>", f.read())
    return sorted(found)


@test
def what_the_set_has_is_saved_again_and_nothing_else_changes():
    with Node() as n:
        for name in ("app", "other"):
            n.create(name)
        n.save("app", "a", "<old a>")
        n.save("app", "b", "<old b>")
        n.save("other", "c", "<old c>")
        path, app, other = n.backup(), n.id_of("app"), n.id_of("other")
        assert texts(path, app) == [b"<old a>", b"<old b>"]
        n.save("app", "a", "<new a>", again=True)
        n.save("other", "c", "<new c>", again=True)
        n.drop("app", "b")
        n.save("app", "d", "<new d>")
        n.rueda("reg", "set", "Mark", "", "after")
        before = n.export(app)
        plan = n.restore("app", path, "--plan")
        assert "would restore" in plan and "safety" not in plan, plan
        assert texts(n.backup(), app) == [b"<new a>", b"<new d>"], "a plan changes nothing"
        before = n.export(app)
        story = n.restore("app", path)
        assert n.export(app) == before
        assert re.search(r"got anew: '[^']*\\b'", story), story
        assert re.search(r"not in the set, left as they are: '[^']*\\d'", story), story
        after = n.backup()
        assert texts(after, app) == [b"<new d>", b"<old a>", b"<old b>"]
        assert texts(after, other) == [b"<new c>"]
        # What was saved before is in a set of its own.
        safety = re.search(r"kept as a backup set in (\S+/safety/\w+)", story)[1].rstrip(";")
        n.rueda("backup", "verify", safety)
        assert texts(safety, app) == [b"<new a>", b"<new d>"]
        # Durable, and not twice.
        n.cluster.kill()
        n.cluster.start()
        assert texts(n.backup(), app) == [b"<new d>", b"<old a>", b"<old b>"]
        assert "saved already" in n.restore(app, path, "--json")
        # And back again, from the safety copy.
        n.restore(app.upper(), safety)
        assert texts(n.backup(), app) == [b"<new a>", b"<new d>", b"<old b>"]


@test
def an_online_resource_is_refused_with_advice():
    with Node() as n:
        n.create("app")
        n.rueda("resource", "set", "app", "CommandLine=/bin/sleep 1000")
        n.save("app", "e", "<old e>")
        path, app = n.backup(), n.id_of("app")
        n.save("app", "e", "<new e>", again=True)
        n.rueda("resource", "online", "app", "--wait=60")
        text = n.restore("app", path, code=5019)
        assert "resource offline" in text, text
        assert "would restore" in n.restore("app", path, "--plan")
        n.rueda("resource", "offline", "app", "--wait=60")
        n.restore("app", path)
        assert texts(n.backup(), app) == [b"<old e>"]


@test
def it_is_put_back_when_the_resource_is_brought_online_next():
    with Node() as n:
        n.create("app")
        n.rueda("resource", "set", "app", "CommandLine=/bin/sleep 1000")
        n.save("app", "z", "<old z>")
        path = n.backup()
        n.save("app", "z", "<new z>", again=True)
        n.restore("app", path)
        with open(f"{ROOT}/z", encoding="utf-8") as f:
            assert f.read() == "<new z>", "not before"
        n.rueda("resource", "online", "app", "--wait=60")
        with open(f"{ROOT}/z", encoding="utf-8") as f:
            assert f.read() == "<old z>"


@test
def the_resource_of_the_set_is_that_of_the_same_id_else_of_the_same_name():
    with Node() as n:
        n.create("app")
        n.save("app", "f", "<old f>")
        path = n.backup()
        n.save("app", "f", "<new f>", again=True)
        n.rueda("resource", "rename", "app", "renamed")
        n.create("app")
        n.save("app", "g", "<new g>")
        n.restore("renamed", path)
        assert texts(n.backup(), n.id_of("renamed")) == [b"<old f>"]
        # By its name, as the set has no other of this id.
        n.restore("app", path)
        assert texts(n.backup(), n.id_of("app")) == [b"<new g>", b"<old f>"]
        n.create("late")
        text = n.restore("late", path, code=5007)
        assert n.id_of("late") in text and "'late'" in text, text
        assert "'none'" in n.restore("none", path, code=5007)
        n.rueda("resource", "create", "bare", "G", "Generic Application")
        assert "no saved checkpoint" in n.restore("bare", n.backup(), code=2)


@test
def a_set_that_is_damaged_or_of_another_cluster_is_refused():
    with Node() as n:
        n.create("app")
        n.save("app", "h", "<old h>")
        path, app = n.backup(), n.id_of("app")
        n.save("app", "h", "<new h>", again=True)
        before = n.export("")
        n.restore("app", f"{HOME}/nowhere", code=3)
        with open(glob.glob(f"{path}/*/*.CPT")[0], "r+b") as f:
            f.seek(5000)
            byte = f.read(1)
            f.seek(5000)
            f.write(bytes([byte[0] ^ 1]))
        assert "5087" in n.restore("app", path, code=5087)
        assert n.export("") == before and texts(n.backup(), app) == [b"<new h>"]
        with Node() as m:
            m.create("app")
            m.save("app", "i", "<other i>")
            foreign = m.backup()
        assert "another cluster" in n.restore("app", foreign, code=87)
        n.restore("app", foreign, "--force")
        assert texts(n.backup(), app) == [b"<new h>", b"<other i>"]


@test
def crypto_checkpoints_that_could_not_be_opened_are_refused():
    with Node() as n:
        n.create("app")
        n.save("app", "k", "<old k>")
        app = n.id_of("app")
        # One that somebody made: the same content under the name of a crypto checkpoint.
        key = f"Resources\\{app}"
        data = json.loads(n.rueda("reg", "get", f"{key}\\CheckpointData", "00000001.CPT", "--json"))["hex"]
        n.rueda("reg", "set", f"{key}\\CryptoSync", "00000001", "1\\PEM\\/k")
        n.rueda("reg", "set", f"{key}\\CheckpointData", "00000001.CPR", data, "--type", "binary")
        path = n.backup()
        n.save("app", "k", "<new k>", again=True)
        before = n.export("")
        assert "another cluster key" in n.restore("app", path, code=6003)
        assert n.export("") == before
        with Node() as m:
            m.create("app")
            assert "for another cluster or resource" in m.restore("app", path, "--force", code=13)


@test
def options_that_do_not_go_together_are_refused():
    with Node() as n:
        path = n.backup()
        for words in (["--only", "resource=app"], ["--checkpoints"], ["--only", "app", "--checkpoints"],
                      ["--only", "resource=", "--checkpoints"], ["--only", "group=G", "--checkpoints"],
                      ["--only", "resource=app", "--checkpoints", "--as-new", "X"],
                      ["--only", "resource=app", "--checkpoints", "--drive", "q:"]):
            n.rueda("restore", path, "--yes", *words, status=2)


tap.run(CHOSEN)
