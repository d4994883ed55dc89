#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The recipes of rueda-recovery(7), each run as it is printed, in the world that it speaks of.  Prints TAP.

Usage: recovery_page.py RUEDA RUEDAD LIBRARY PAGE [part of a test's name...]"""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import machine  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

*TOOLS, PAGE = (os.path.abspath(a) for a in sys.argv[1:5])
TOOLS[1] = shutil.copy(TOOLS[1], os.path.join(tap.temporary(), "ruedad"))  # Where another user can start it.


def recipes():
    """Heading → its blocks of commands."""
    found, heading, block = {}, None, None
    with open(PAGE, encoding="utf-8") as f:
        for line in f:
            if line.startswith(".Ss "):
                heading = line[4:].strip()
                found[heading] = []
            elif line.startswith(".Bd -literal"):
                block = []
            elif line.startswith(".Ed"):
                found[heading].append("".join(block))
                block = None
            elif block is not None:
                block.append(line.replace("\\e", "\\").replace("\\&", ""))
    return found


RECIPES = recipes()
used = set()


class World:
    """The places of the page, in a directory of its own; and machines, one at a time."""

    def __init__(self):
        self.home = tap.temporary()
        for name in ("stick", "etc", "root"):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), 0o777)
        self.write("root/passphrase", "correct horse battery\n", 0o600)
        self.write("root/new-passphrase", "quite another horse\n", 0o644)
        self.write("etc/site.conf", "answer = 42\n", 0o666)

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text, mode):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def read(self):
        with open(self.path("etc/site.conf"), encoding="utf-8") as f:
            return f.read()

    def machine(self, node="node1", start=True):
        return machine.Machine(*TOOLS, node=node, start=start, config=f"[checkpoints]\nroots = {self.path('etc')}\n")

    def cluster(self):
        """A machine with a cluster, whose resource Site has a file and runs."""
        m = self.machine()
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", self.path("root/passphrase"))
        m.rueda("group", "create", "Web")
        m.rueda("resource", "create", "Site", "Web", "Network Name")
        m.rueda("checkpoint", "add", "Site", "--file", self.path("etc/site.conf"))
        m.rueda("resource", "online", "Site", "--wait=60")
        return m

    def type(self, m, heading, number):
        """A block of the page as somebody types it; what it printed."""
        text = RECIPES[heading][number]
        used.add((heading, number))
        for place in ("media/stick", "root", "etc"):
            text = re.sub(rf"(?<![\w/])/{place}/", self.path(place.split("/")[-1]) + "/", text)
        where = ":".join(os.path.dirname(tool) for tool in TOOLS[:2])
        done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", text], capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, cwd=self.home,
                              env={**m.environment, "PATH": where + ":" + os.environ["PATH"]})
        assert done.returncode == 0, (text, done.stdout[-2000:], done.stderr, m.log_text()[-2000:])
        return done.stdout + done.stderr

    def all(self, m, heading):
        return [self.type(m, heading, i) for i in range(len(RECIPES[heading]))]


def saved_set(world, m, name="set"):
    m.rueda("backup", os.path.join(world.path("stick"), name))


def spoil(path):
    os.chmod(path, 0o600)
    with open(path, "r+b") as f:
        f.seek(-1, 2)
        last = f.read(1)[0]
        f.seek(-1, 2)
        f.write(bytes([last ^ 1]))


@test
def a_new_machine_an_empty_disk_and_a_set_on_a_stick():
    world = World()
    with world.cluster() as old:
        key = old.json("status")["cluster_key"]
        saved_set(world, old)
    os.unlink(world.path("etc/site.conf"))
    with world.machine() as m:
        out = world.all(m, "A new machine, an empty disk, and a set on a stick")
        assert "opens with what was given" in out[0] and "would put" in out[1], out
        assert world.read() == "answer = 42\n"
        assert m.json("status")["cluster_key"] == key
        m.rueda("backup", "verify", world.path("stick/after-recovery"))


@test
def the_machine_has_another_name():
    world = World()
    with world.cluster() as old:
        saved_set(world, old)
    os.unlink(world.path("etc/site.conf"))
    with world.machine(node="spare") as m:
        m.fails(5043, "restore", world.path("stick/set"), "--yes")
        out = world.all(m, "The machine has another name")
        assert '"NodeName"="node1"' in out[0], out[0]
        assert m.json("status")["node"] == "spare" and m.json("resource", "show", "Site")["state"] == "online"
        assert world.read() == "answer = 42\n"


@test
def the_passphrase_is_lost():
    world = World()
    with world.cluster() as m:
        saved_set(world, m)
        os.unlink(world.path("root/passphrase"))
        out = world.all(m, "The passphrase is lost")
        assert "open on this node" in out[0] and "opens with what was given" in out[1], out
    with world.machine() as other:
        other.rueda("restore", world.path("stick/new-set"), "--yes", "--recovery-passphrase-file",
                    world.path("root/new-passphrase"))
        assert other.json("status")["cluster_key"]["open"]


@test
def the_set_is_damaged():
    world = World()
    with world.cluster() as old:
        saved_set(world, old, "older-set")
        saved_set(world, old)
    spoil(glob.glob(world.path("stick/set/*/*.CPT"))[0])
    with world.machine() as m:
        m.fails(5087, "restore", world.path("stick/set"), "--yes")
        assert m.json("status")["state"] == "no cluster"
        out = world.all(m, "The set is damaged")
        assert re.findall("NOT USABLE: (.*)", out[0]) == [world.path("stick/set")], out[0]
        assert m.json("resource", "ls")["resources"]


def with_damage(world, m):
    """The resource is off, and does not come back."""
    m.rueda("resource", "offline", "Site", "--wait=60")
    (saved,) = m.json("checkpoint", "ls")["checkpoints"]
    spoil(glob.glob(m.path(f"state/0*/blobs/{saved['sha256']}"))[0])
    m.rueda("resource", "online", "Site", "--wait=60", status=1)
    assert "damaged" in m.rueda("resource", "why", "Site") + m.log_text()


@test
def the_service_does_not_start():
    world = World()
    with world.cluster() as m:
        saved_set(world, m)
        m.stop()
        (log,) = glob.glob(m.path("state/0*/0000000000000001.log"))
        with open(log, "r+b") as f:
            f.write(bytes(4096))
        with contextlib.suppress(AssertionError):
            m.start()
        assert m.process.poll() == 1 and "the log file 0000000000000001.log is damaged" in m.log_text(), m.log_text()
        assert "'rueda restore PATH' puts a backup set in its place" in m.log_text(), m.log_text()
        world.all(m, "The service does not start")
        assert m.json("status")["state"] == "up" and m.json("resource", "show", "Site")["state"] == "online"
        assert os.path.exists(log), "what was damaged has been removed"
        m.rueda("shutdown", "--yes")


@test
def a_resource_does_not_start_because_a_checkpoint_is_damaged():
    world = World()
    with world.cluster() as m:
        saved_set(world, m)
        with_damage(world, m)
        world.write("etc/site.conf", "something else\n", 0o666)
        world.all(m, "A resource does not start because a checkpoint is damaged")
        assert world.read() == "answer = 42\n" and m.json("resource", "show", "Site")["state"] == "online"


@test
def a_checkpoint_is_damaged_and_no_set_has_it():
    world = World()
    with world.cluster() as m:
        with_damage(world, m)
        world.write("etc/site.conf", "the best that is left\n", 0o666)
        out = world.all(m, "A checkpoint is damaged and no set has it")
        assert "the best that is left" in out[0]
        assert world.read() == "the best that is left\n" and m.json("resource", "show", "Site")["state"] == "online"
        m.rueda("backup", "verify", world.path("stick/after-repair"))


@test
def each_recipe_has_been_run():
    assert len(RECIPES) >= 7 and all(RECIPES.values()), RECIPES
    if len(sys.argv) <= 5:
        assert used == {(h, i) for h, blocks in RECIPES.items() for i in range(len(blocks))}, RECIPES


tap.run(sys.argv[5:])
