#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random work on a cluster, with backups, restores, and parts of the service that are killed or stand still at any moment,
against a model of what must be there.  Prints TAP.

The model is a few dictionaries: keys and values below one key, groups, resources and whether they are wanted online, and what
was so when each backup set was made.  A call that was answered has done what the model says, with the code that the model says;
one that was cut off has happened wholly or not at all.  A program runs if its resource is wanted, and never twice.

RUEDA_TEST_SEED=N repeats the work (the moments of the kills are the machine's own); RUEDA_TEST_LONG=1 works for five minutes.
Usage: model.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import concurrent.futures
import contextlib
import copy
import ctypes
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import REG_BINARY, REG_SZ, Api, Cluster, wide  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
SEED = int(os.environ.get("RUEDA_TEST_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
SECONDS = 300 if os.environ.get("RUEDA_TEST_LONG") else 12
ONLINE, OFFLINE, PENDING = 2, 3, 997
ENUM_RESOURCE, ENUM_GROUP = 4, 8
QUICK = {"RestartDelay": 100, "RestartThreshold": 1 << 20, "PendingTimeout": 20000}
PROGRAM = """#!/bin/sh
exec 9>"$1.lock"
flock -n 9 || { echo "$$" >>"$1.twice"; exit 9; }
exec sleep 10000
"""
void = ctypes.c_void_p


class Model:
    def __init__(self):
        self.keys = {(): {}}  # Path below the test's own key → {name: data}.
        self.groups = set()
        self.resources = {}  # Name → (group, is it wanted online).

    def like(self, change):
        other = copy.deepcopy(self)
        change(other)
        return other


def ask(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def is_locked(path):
    try:
        inode = os.stat(path).st_ino
    except FileNotFoundError:
        return False
    with open("/proc/locks", encoding="ascii") as f:
        return any(line.split()[-3].endswith(f":{inode}") for line in f if "->" not in line)


class World:
    """The cluster as it is."""

    def __init__(self, c):
        self.c, self.api, self.handle = c, Api(LIBRARY), None
        self.lib = self.api.lib
        for name in ("GetClusterResourceState", "OnlineClusterResource", "OfflineClusterResource", "SetClusterGroupName"):
            getattr(self.lib, name).restype = ctypes.c_uint32
        self.lib.ClusterOpenEnum.restype = void
        self.place = c.path("place")
        os.mkdir(self.place)
        os.chmod(self.place, 0o777)
        with open(c.path("program"), "w", encoding="ascii") as f:
            f.write(PROGRAM)
        os.chmod(c.path("program"), 0o755)
        self.connect()
        self.api.close_key(self.api.create_key(self.root, "Model")[1])

    def connect(self):
        if self.handle:
            self.api.close_key(self.root)
            self.api.CloseCluster(self.handle)

        def opens():
            self.handle = self.api.OpenCluster(None)
            self.root = self.handle and self.api.root(self.handle)
            return self.root

        ask(opens, lambda: f"the cluster does not open: {self.api.last_error()}\n{self.c.log_text()[-3000:]}")

    def key(self, path, function):
        """function(key) with a key of the test; the code."""
        r, key = self.api.open_key(self.root, "\\".join(("Model", *path)))
        if r == 0:
            r = function(key)
            self.api.close_key(key)
        return r

    def on(self, kind, name, function):
        """function(handle) with a group or resource; the code."""
        handle = getattr(self.lib, f"OpenCluster{kind}")(void(self.handle), wide(name))
        if not handle:
            return self.api.last_error()
        r = function(void(handle))
        getattr(self.lib, f"CloseCluster{kind}")(void(handle))
        return r

    def made(self, kind, handle):
        """The code of a function that returns a new handle."""
        if not handle:
            return self.api.last_error()
        getattr(self.lib, f"CloseCluster{kind}")(void(handle))
        return 0

    def listing(self, call):
        found = []
        while True:
            name, size = ctypes.create_string_buffer(1024), ctypes.c_uint32(512)
            r = call(len(found), name, ctypes.byref(size))
            if r != 0:
                assert r == 259, r
                return found
            found.append(name.raw[:2 * size.value].decode("utf-16-le"))

    def objects(self, kind):
        handle, found = self.lib.ClusterOpenEnum(void(self.handle), kind), ctypes.c_uint32()
        assert handle, self.api.last_error()
        names = self.listing(lambda i, name, size: self.lib.ClusterEnum(void(handle), i, ctypes.byref(found), name, size))
        self.lib.ClusterCloseEnum(void(handle))
        return {n for n in names if n[1:].isdigit()}

    def keys(self):
        found = {}

        def walk(path):
            def read(key):
                names = self.listing(lambda i, n, size: self.lib.ClusterRegEnumValue(void(key), i, n, size, None, None, None))
                found[path] = {name: self.api.get_value(key, name)[2] for name in names}
                for name in self.api.enum_keys(key):
                    walk((*path, name))
                return 0

            assert self.key(path, read) == 0, path

        walk(())
        return found

    def resource(self, name):
        """(group, is it wanted)"""
        def read(handle):
            nonlocal group, wanted
            buffer, size = ctypes.create_string_buffer(256), ctypes.c_uint32(128)
            self.lib.GetClusterResourceState(handle, None, None, buffer, ctypes.byref(size))
            group = buffer.raw[:2 * size.value].decode("utf-16-le")
            key = self.lib.GetClusterResourceKey(handle, cluster.KEY_ALL_ACCESS)
            r, _, data = self.api.get_value(key, "PersistentState")
            wanted = r == 0 and data[0] == 1
            return self.api.close_key(key)

        group, wanted = "", False
        assert self.on("Resource", name, read) == 0, name
        return group, wanted

    def read(self):
        m = Model()
        m.keys, m.groups = self.keys(), self.objects(ENUM_GROUP)
        m.resources = {name: self.resource(name) for name in self.objects(ENUM_RESOURCE)}
        return m

    def is_like(self, model):
        return vars(self.read()) == vars(model)

    def state(self, name):
        return self.on("Resource", name, lambda h: self.lib.GetClusterResourceState(h, None, None, None, None))

    def runs(self, name):
        return is_locked(f"{self.place}/{name}.lock")

    def wait(self, name, wanted):
        """Until it is online and its program runs, or offline and it does not."""
        ask(lambda: self.state(name) == (ONLINE if wanted else OFFLINE) and self.runs(name) == wanted,
            lambda: f"{name} is in state {self.state(name)}, runs: {self.runs(name)}, wanted: {wanted}")

    def check(self, model):
        assert self.is_like(model), f"there is {vars(self.read())}, to be {vars(model)}"
        for name, (_, wanted) in model.resources.items():
            self.wait(name, wanted)
        assert not [n for n in os.listdir(self.place) if n.endswith(".twice")], "a program was started while it ran"


class Work:
    """Each piece of work returns what the model says the code is, the code, and what changes if it is 0."""

    def __init__(self, world, rng):
        self.world, self.api, self.lib, self.rng, self.model = world, world.api, world.lib, rng, Model()
        self.sets = {}  # Directory → the models of which its set may be; None: perhaps there is none.
        self.is_disturbed = self.host_is_killed = False

    def some_path(self, least=0, most=9):
        return self.rng.choice([p for p in self.model.keys if least <= len(p) <= most] or [("none",)])

    def some_group(self):
        return f"g{self.rng.randrange(5)}"

    def some_resource(self):
        """A name, and whether it is wanted; None: there is none."""
        name = f"r{self.rng.randrange(6)}"
        self.let_come_to_rest(name)
        return name, self.model.resources.get(name, (None, None))[1]

    def let_come_to_rest(self, *names):
        """What is pending has answers of its own."""
        for name in names if not self.is_disturbed else ():
            if name in self.model.resources:
                self.world.wait(name, self.model.resources[name][1])

    def has_failed(self, code, otherwise):
        """What is wanted and does not run, because its host was killed just now: until it is started again it counts as failed."""
        return self.host_is_killed and code == otherwise

    def set_value(self):
        path, name = self.some_path(), self.rng.choice(("", "a", "b", "Ä"))
        data = self.rng.randbytes(self.rng.choice((0, 9, 5000)))
        r = self.world.key(path, lambda key: self.api.set_value(key, name, REG_BINARY, data))
        return 0, r, lambda m: m.keys[path].update({name: data})

    def delete_value(self):
        path = self.some_path()
        name = self.rng.choice([*self.model.keys[path], "none"])
        r = self.world.key(path, lambda key: self.api.delete_value(key, name))
        return 0 if name in self.model.keys[path] else 2, r, lambda m: m.keys[path].pop(name)

    def create_key(self):
        path = (*self.some_path(most=4), f"k{self.rng.randrange(4)}")

        def make(key):
            r, new, _ = self.api.create_key(key, path[-1])
            return self.api.close_key(new) if r == 0 else r

        return 0, self.world.key(path[:-1], make), lambda m: m.keys.setdefault(path, {})

    def delete_key(self):
        path = self.some_path(least=1)
        has_subkeys = any(p[:-1] == path for p in self.model.keys if p)
        r = self.world.key(path[:-1], lambda key: self.api.delete_key(key, path[-1]))
        return 5 if has_subkeys else 0 if path in self.model.keys else 2, r, lambda m: m.keys.pop(path)

    def create_group(self):
        name = self.some_group()
        r = self.world.made("Group", self.lib.CreateClusterGroup(void(self.world.handle), wide(name)))
        return 5010 if name in self.model.groups else 0, r, lambda m: m.groups.add(name)

    def delete_group(self):
        name = self.some_group()
        members = [r for r, (group, _) in self.model.resources.items() if group == name]
        self.let_come_to_rest(*members)
        r = self.world.on("Group", name, self.lib.DeleteClusterGroup)
        is_active = any(self.model.resources[m][1] for m in members) and not self.has_failed(r, 145)
        expected = 5013 if name not in self.model.groups else 5019 if is_active else 145 if members else 0
        return expected, r, lambda m: m.groups.remove(name)

    def rename_group(self):
        name, new = self.some_group(), self.some_group()
        expected = 5013 if name not in self.model.groups else 183 if new in self.model.groups - {name} else 0

        def rename(m):
            m.groups = m.groups - {name} | {new}
            m.resources = {r: (new if group == name else group, wanted) for r, (group, wanted) in m.resources.items()}

        return expected, self.world.on("Group", name, lambda h: self.lib.SetClusterGroupName(h, wide(new))), rename

    def create_resource(self):
        (name, wanted), group, kind = self.some_resource(), self.some_group(), wide("Generic Application")
        expected = 5013 if group not in self.model.groups else 0 if wanted is None else 5010
        r = self.world.on("Group", group, lambda h: self.world.made(
            "Resource", self.lib.CreateClusterResource(h, wide(name), kind, 0)))
        return expected, r, lambda m: m.resources.update({name: (group, False)})

    def delete_resource(self):
        name, wanted = self.some_resource()
        r = self.world.on("Resource", name, self.lib.DeleteClusterResource)
        is_active = wanted and not self.has_failed(r, 0)
        return 5007 if wanted is None else 5019 if is_active else 0, r, lambda m: m.resources.pop(name)

    def run_resource(self):
        name, wanted = self.some_resource()
        online = self.rng.random() < 0.7

        def configure(handle):
            key = self.lib.GetClusterResourceKey(handle, cluster.KEY_ALL_ACCESS)
            if not key:
                return self.api.last_error()
            r, parameters, _ = self.api.create_key(key, "Parameters")
            for n, v in QUICK.items():
                r = r or self.api.set_number(key, n, v)
            command = f"{self.world.c.path('program')} {self.world.place}/{name}"
            r = r or self.api.set_value(parameters, "CommandLine", REG_SZ, wide(command))
            self.api.close_key(parameters)
            self.api.close_key(key)
            return r

        def run(handle):
            r = configure(handle) if online else 0
            r = r or (self.lib.OnlineClusterResource if online else self.lib.OfflineClusterResource)(handle)
            return 0 if r == PENDING else r

        expected = 5007 if wanted is None else 0
        return expected, self.world.on("Resource", name, run), lambda m: m.resources.update({name: (m.resources[name][0], online)})

    def backup(self):
        path = f"{self.world.place}/set{self.rng.randrange(3)}"
        now = copy.deepcopy(self.model)
        r = self.api.BackupClusterDatabase(self.world.handle, path)
        self.sets[path] = [now] if r == 0 else [*self.sets.get(path, [None]), now]
        return 0, r, lambda m: None

    def restore(self):
        path = self.rng.choice([*self.sets] or [self.world.place])
        sets = self.sets.get(path, [None])
        r = self.api.RestoreClusterDatabase(path)
        if r == 0 and not self.is_disturbed:
            self.world.connect()
            sets = self.sets[path] = [m for m in sets if m is not None and self.world.is_like(m)][:1]
            assert sets, "what was restored was never backed up"
        return 5087 if r == 5087 and None in sets else 0, r, [m for m in sets if m is not None]

    KINDS = [set_value] * 6 + [delete_value] * 2 + [create_key] * 5 + [delete_key] * 3 + [create_group, rename_group] * 2 + [
        delete_group, delete_resource, restore] + [create_resource, run_resource] * 4 + [backup] * 3

    def do(self, is_disturbed):
        """One piece.  Returns its name, and if it may have been cut off by what disturbs it the models that may hold now."""
        self.is_disturbed = is_disturbed
        kind = self.rng.choice(self.KINDS)
        expected, code, change = kind(self)
        after = [self.model] if expected != 0 else change if isinstance(change, list) else [self.model.like(change)]
        if is_disturbed and (code != expected or kind is Work.restore):
            return kind.__name__, after if code == 0 else [self.model, *after]
        assert code == expected, f"{kind.__name__}: {code}, to be {expected}"
        self.model = copy.deepcopy(after[0])
        return kind.__name__, None

    def settle(self, after):
        """One of these it must be."""
        self.model = copy.deepcopy(next((m for m in after if self.world.is_like(m)), self.model))


class Trouble:
    """What happens to the service while it works, at a moment of chance."""

    def __init__(self, c, rng):
        self.c, self.rng = c, rng

    def parts(self):
        """Its processes by what they are."""
        with open(f"/proc/{self.c.process.pid}/task/{self.c.process.pid}/children", encoding="ascii") as f:
            children = [int(pid) for pid in f.read().split()]
        parts = {"priv": [self.c.process.pid]}
        for pid in children:
            try:
                with open(f"/proc/{pid}/cmdline", encoding="ascii", errors="replace") as f:
                    words = f.read().split("\0")
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                    below = [int(p) for p in f.read().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if "--as-daemon" in words:
                parts["daemon"] = [pid]
            elif "--as-guard" in words:
                parts["guard"] = [pid]
                parts["host"] = below
        return {name: pids for name, pids in parts.items() if pids}

    def make(self):
        """A function that does it; and whether the service ends by that."""
        parts = self.parts()
        name = self.rng.choice(sorted(parts))
        pid, delay = os.pidfd_open(self.rng.choice(sorted(parts[name]))), self.rng.random() ** 2 * 0.1
        stands_still = self.rng.random() < 0.3

        ends = not stands_still and name != "host"

        def do():
            time.sleep(delay)
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pid, signal.SIGSTOP if stands_still else signal.SIGKILL)
                if stands_still:
                    time.sleep(0.3)
                    signal.pidfd_send_signal(pid, signal.SIGCONT)
            os.close(pid)
            if ends:
                self.c.process.wait(60)
                self.c.start()

        return do, ends, f"{name} {'stands still' if stands_still else 'is killed'} after {delay:.3f} s"


def work_with_trouble(c, rng, seconds):
    world, until, pool = World(c), time.monotonic() + seconds, concurrent.futures.ThreadPoolExecutor(1)
    work, trouble, done = Work(world, rng), Trouble(c, rng), []
    try:
        while time.monotonic() < until:
            for _ in range(rng.randrange(30)):
                done.append(work.do(False)[0])
            happens, ends, what = trouble.make()
            done.append(what)
            work.host_is_killed = what.startswith("host is killed")
            trouble_ends, after = pool.submit(happens), None
            while not trouble_ends.done() and after is None:
                name, after = work.do(ends)
                done.append(name)
            trouble_ends.result()
            if ends:
                world.connect()
                if after is not None:
                    work.settle(after)
            work.host_is_killed = False
            world.check(work.model)
    except AssertionError as e:
        raise AssertionError(f"seed {SEED}, the last pieces: {', '.join(done[-20:])}: {e}\n{c.log_text()[-3000:]}") from e
    return done


@test
def whatever_is_killed_the_cluster_is_as_its_answers_said():
    print(f"# seed {SEED}")
    with Cluster(RUEDAD, LIBRARY) as c:
        os.environ.update(c.environment, RUEDA_RUEDAD="/bin/false")  # A restore without a service starts none.
        done = work_with_trouble(c, random.Random(SEED), SECONDS)
        assert len(done) > 30, done
        print(f"# {len(done)} pieces of work and trouble")


tap.run(CHOSEN)
