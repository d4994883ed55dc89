#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The registry of a node alone: rueda reg --local, and RuedaGetLocalKey().  Prints TAP.

Usage: local_registry.py RUEDA RUEDAD LIBRARY [part of a test's name...]"""
import ctypes
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from cluster import KEY_ALL_ACCESS, REG_DWORD, REG_SZ, wide  # noqa: E402
from machine import Machine  # noqa: E402
from tap import test  # noqa: E402

TOOLS = [os.path.abspath(a) for a in sys.argv[1:4]]
HOME = tap.temporary()


def reg(m, *words, **others):
    return m.rueda("reg", *words, "--local", **others)


def local_root(api, sam=KEY_ALL_ACCESS):
    api.lib.RuedaGetLocalKey.restype = ctypes.c_void_p
    return api.lib.RuedaGetLocalKey(sam)


@test
def a_node_without_a_cluster_has_a_registry():
    with Machine(*TOOLS) as m:
        assert m.json("status")["state"] == "no cluster"
        reg(m, "set", "SOFTWARE\\App", "Name", "a text")
        reg(m, "set", "HKLM\\software\\APP", "Count", "7", "--type", "dword")
        assert reg(m, "get", "HKEY_LOCAL_MACHINE\\Software\\App", "count") == "7\n"
        listed = json.loads(reg(m, "ls", "SOFTWARE\\App", "--json"))
        assert {v["name"] for v in listed["values"]} == {"Name", "Count"}, listed
        assert json.loads(reg(m, "ls", "--json"))["subkeys"] == ["SOFTWARE"]
        m.fails(5932, "reg", "ls")


@test
def it_is_another_one_than_the_cluster_database():
    with Machine(*TOOLS) as m:
        m.rueda("cluster", "create", "one")
        reg(m, "set", "Here", "v", "local")
        m.rueda("reg", "set", "There", "v", "cluster")
        m.fails(2, "reg", "get", "Here", "v")
        m.fails(2, "reg", "get", "There", "v", "--local")
        # The cluster's root has no name here: this is a key like any other.
        reg(m, "set", "HKEY_LOCAL_MACHINE\\Cluster\\There", "v", "local")
        assert m.rueda("reg", "get", "There", "v") == "cluster\n"
        before = m.json("status")
        reg(m, "del", "Cluster", "--yes")
        reg(m, "set", "Here", "v", "again")
        after = m.json("status")
        assert before["database_digest"] == after["database_digest"] and before["applied_index"] == after["applied_index"]


@test
def what_was_answered_is_there_after_a_restart_and_after_a_kill():
    with Machine(*TOOLS) as m:
        reg(m, "set", "A", "v", "1")
        m.stop()
        m.start()
        assert reg(m, "get", "A", "v") == "1\n"
        reg(m, "set", "A", "v", "2")
        m.kill()
        m.start()
        assert reg(m, "get", "A", "v") == "2\n"


@test
def its_text_goes_out_and_in_again():
    with Machine(*TOOLS) as m:
        for words in (["v", "a\tb"], ["", "default"], ["n", "--type", "binary", "00ff"], ["m", "a", "b", "--type", "multi_sz"]):
            reg(m, "set", "App\\Deep", *words)
        text = reg(m, "export", "-", "App", "--utf8")
        assert "[HKEY_LOCAL_MACHINE\\App\\Deep]" in text and "Cluster" not in text, text
        path = os.path.join(HOME, "app.reg")
        reg(m, "export", path, "App")
        with Machine(*TOOLS) as other:
            counts = json.loads(reg(other, "import", path, "--json"))
            assert (counts["keys"], counts["values"], counts["batches"]) == (2, 4, 1), counts
            assert reg(other, "export", "-", "App", "--utf8") == text
            undo = text.replace("[HKEY_LOCAL_MACHINE\\App]", "[-HKEY_LOCAL_MACHINE\\App]").split("[HKEY")[0]
            reg(other, "import", "-", text=undo.encode(), status=4)
            reg(other, "import", "-", "--yes", text=undo.encode())
            other.fails(2, "reg", "ls", "App", "--local")
            # Keys of other roots are refused before anything is done.
            other.fails(13, "reg", "import", "-", "--local", text=text.replace("LOCAL_MACHINE", "CURRENT_USER").encode())


@test
def a_batch_is_carried_out_whole_or_not_at_all():
    with Machine(*TOOLS) as m:
        def call(api):
            root = local_root(api)
            lib = api.lib
            assert root, api.last_error()
            for good in (True, False):
                batch = ctypes.c_void_p()
                assert lib.ClusterRegCreateBatch(ctypes.c_void_p(root), ctypes.byref(batch)) == 0
                add, create, set_value, exists = lib.ClusterRegBatchAddCommand, 2, 1, 11
                assert add(batch, create, wide("K" if good else "L"), 0, None, 0) == 0
                assert add(batch, set_value, wide("v"), REG_DWORD, b"\1\0\0\0", 4) == 0
                if not good:
                    assert add(batch, exists, wide("missing"), 0, None, 0) == 0
                failed = ctypes.c_int(-2)
                r = lib.ClusterRegCloseBatch(batch, 1, ctypes.byref(failed))
                assert (r, failed.value) == ((0, -1) if good else (r, 2)) and (r == 0) == good, (r, failed.value)
            assert api.open_key(root, "L")[0] == 2
            r, key = api.open_key(root, "K")
            assert r == 0 and api.get_number(key, "v") == 1
        m.run(call)


@test
def the_functions_for_keys_take_its_handles():
    with Machine(*TOOLS) as m:
        def call(api):
            root = local_root(api)
            assert api.create_key(root, "A\\B")[0::2] == (0, 1) and api.create_key(root, "A\\B")[0::2] == (0, 2)
            r, a = api.open_key(root, "A")
            assert r == 0 and api.enum_keys(a) == ["B"]
            assert api.set_value(a, "s", REG_SZ, wide("x")) == 0
            assert api.get_value(a, "s") == (0, REG_SZ, wide("x"))
            assert api.get_value(a, "none")[0] == 2
            assert api.delete_value(a, "s") == 0 and api.delete_value(a, "s") == 2
            assert api.delete_key(root, "A") == 5, "it has a subkey"
            assert api.delete_key(root, "A\\B") == 0
            assert api.delete_key(root, "A") == 0 and api.delete_key(root, "A") == 2
            assert api.set_value(a, "s", REG_SZ, wide("x")) == 1018, "the key is gone"
            assert api.set_value(root, "x" * 20000, REG_SZ, b"") != 0
            reader = local_root(api, 0x20019)
            assert api.set_value(reader, "s", REG_SZ, wide("x")) == 5
            assert api.close_key(a) == 0 and api.close_key(root) == 0 and api.close_key(root) == 6
        m.run(call)


@test
def handles_live_through_a_restart_of_the_service():
    with Machine(*TOOLS) as m:
        read, write = os.pipe()
        again, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            def call(api):
                root = local_root(api)
                assert api.set_value(root, "v", REG_SZ, wide("1")) == 0
                os.write(write, b"x")
                os.read(again, 1)
                assert api.get_value(root, "v") == (0, REG_SZ, wide("1"))
                assert api.set_value(root, "v", REG_SZ, wide("2")) == 0
            try:
                m.run(call)
                os._exit(0)
            except BaseException as why:
                print("#", why)
                os._exit(1)
        os.read(read, 1)
        m.stop()
        m.start()
        os.write(go, b"x")
        assert os.waitpid(pid, 0)[1] == 0
        assert reg(m, "get", "", "v") == "2\n"


@test
def neither_registry_is_reached_with_a_handle_of_the_other():
    with Machine(*TOOLS) as m:
        m.rueda("cluster", "create", "one")

        def call(api):
            lib = api.lib
            handle = api.OpenCluster(None)
            root = local_root(api)
            for name in ("CreateClusterNotifyPort",):
                getattr(lib, name).restype = ctypes.c_void_p
            port = lib.CreateClusterNotifyPort(ctypes.c_void_p(-1), ctypes.c_void_p(handle), 0x40000000, 1)
            assert port
            # Keys of this registry are not watched, and have no batch ports.
            assert lib.RegisterClusterNotify(ctypes.c_void_p(port), 0x10, ctypes.c_void_p(root), 2) != 0
            batch_port = ctypes.c_void_p()
            assert lib.ClusterRegCreateBatchNotifyPort(ctypes.c_void_p(root), ctypes.byref(batch_port)) != 0
            # And all of them go on.
            assert api.set_value(root, "v", REG_SZ, wide("1")) == 0
            assert api.set_value(api.root(handle), "v", REG_SZ, wide("2")) == 0
            assert api.get_value(root, "v")[2] == wide("1")
        m.run(call)


@test
def only_root_and_the_services_user_may_look():
    tap.need_root()
    with Machine(*TOOLS) as m:
        reg(m, "set", "Secret", "v", "x")

        def refused(api):
            assert local_root(api, 0x20019) is None and api.last_error() == 5, api.last_error()

        def allowed(api):
            assert local_root(api)
        m.run(refused, uid=2000)
        m.run(allowed, uid=65534)
        # A member of the group may read the cluster's database, but not this.
        reader = subprocess.run(
            ["setpriv", "--reuid=2000", "--regid=2000", "--groups=65534", TOOLS[0], "reg", "ls", "--local"],
            env=m.environment, capture_output=True, text=True)
        assert reader.returncode == 1 and " failed: 5 " in reader.stderr, reader


@test
def a_damaged_file_says_what_to_do_and_is_not_overwritten():
    with Machine(*TOOLS) as m:
        reg(m, "set", "A", "v", "1")
        m.stop()
        path = m.path("state/local.hive")
        good = open(path, "rb").read()
        with open(path, "r+b") as f:
            f.write(b"X" * 100)
        done = subprocess.run([TOOLS[1]], env=m.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and "local registry is damaged" in done.stderr and "local.hive" in done.stderr, done
        assert open(path, "rb").read()[:100] == b"X" * 100
        with open(path, "wb") as f:
            f.write(good)
        m.start()
        assert reg(m, "get", "A", "v") == "1\n"


@test
def a_disk_that_takes_no_more_undoes_the_change():
    with Machine(*TOOLS) as m:
        reg(m, "set", "A", "v", "1")
        # The next save begins with this file; a directory in its place makes it fail, for root too.
        os.mkdir(m.path("state/local.hive.new"))
        m.rueda("reg", "set", "A", "v", "2", "--local", status=1)
        assert reg(m, "get", "A", "v") == "1\n"
        os.rmdir(m.path("state/local.hive.new"))
        reg(m, "set", "A", "v", "3")
        assert reg(m, "get", "A", "v") == "3\n"


signal.signal(signal.SIGPIPE, signal.SIG_DFL)
tap.run(sys.argv[4:])
