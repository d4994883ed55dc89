#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program cluster, with the words of cluster.exe, against a service of its own.  Prints TAP.

Usage: alias.py RUEDAD LIBCLUSAPI CLUSTER RUEDA [part of a test's name...]"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, (PROGRAM, RUEDA, *CHOSEN) = cluster.main(sys.argv)
MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/man/cluster.1")
shared = []


def run(*words, status=0, environment=None):
    """What it prints, errors too."""
    done = subprocess.run([PROGRAM, *words], env=environment or instance().environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, stdin=subprocess.DEVNULL)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == status, (words, done.returncode, text)
    return text


def instance():
    if not shared:
        shared.append(Cluster(RUEDAD, LIBRARY))
    return shared[0]


def state(*words):
    return re.search(r"^state +(.*)$", run(*words), re.M).group(1)


@test
def a_group_and_its_resources_live_and_die():
    run("group", "Web", "/create")
    run("res", "Web name", "/CREATE", "/Group:Web", "/Type:Network Name")
    run("res", "Web address", "/create", "/group:Web", "/type:IP Address", "/separate")
    assert "SeparateMonitor=1" in run("res", "Web address", "/prop")
    run("res", "Web name", "/adddep:Web address")
    assert run("res", "Web name", "/listdep") == "[Web address]\n"
    run("res", "Web name", "/removedep:Web address")
    assert run("res", "Web name", "/listdependencies") == ""
    run("res", "Web name", "/on")
    assert state("res", "Web name", "/status") == "online"
    assert state("group", "web") == "partly online"
    run("resource", "Web name", "/offline", "/wait")
    assert state("res", "Web name") == "offline"
    run("group", "Other", "/create")
    run("res", "Web address", "/moveto:Other")
    run("res", "Web address", "/ren:Other address")
    assert re.search(r"^Other address +offline +Other ", run("res"), re.M)
    text = run("group", "Other", "/delete", status=1)
    assert " failed: 145 " in text, text  # As there: it must be empty.
    run("res", "Other address", "/delete")
    run("group", "Other", "/delete")
    assert "Other" not in run("group", "/status")
    run("group", "Web", "/online:node1", "/wait:20")
    run("group", "Web", "/move:node1")
    run("group", "Web", "/off")


@test
def owners_change():
    run("group", "Owned", "/create")
    run("res", "Owned name", "/create", "/group:Owned", "/type:Network Name")
    assert run("group", "Owned", "/listowners") == ""
    run("group", "Owned", "/setowners:node1")
    assert run("group", "Owned", "/listowners") == "node1\n"
    run("res", "Owned name", "/removeowner:node1")
    assert run("res", "Owned name", "/listowners") == ""
    run("res", "Owned name", "/addowner:NODE1")
    assert run("res", "Owned name", "/listowners") == "node1\n"


@test
def checkpoints_are_added_listed_and_removed():
    run("group", "Kept", "/create")
    run("res", "Kept name", "/create", "/group:Kept", "/type:Network Name")
    run("res", "Kept name", "/addcheck:Software\\Kept", status=1)  # There is no such key.
    subprocess.run([RUEDA, "reg", "set", "--local", "Software\\Kept", "a", "b"],
                   env=instance().environment, check=True, timeout=60)
    run("res", "Kept name", "/addcheckpoints:Software\\Kept")
    assert "Software\\Kept" in run("res", "Kept name", "/check")
    run("res", "Kept name", "/removecheck:Software\\Kept")
    assert "Software\\Kept" not in run("res", "Kept name", "/checkpoints")


@test
def properties_have_types():
    run("group", "Types", "/create")
    run("res", "T", "/create", "/group:Types", "/type:Generic Application")
    run("res", "T", "/priv", "CommandLine=/bin/sleep 9:string", "Number=7:DWORD", "List=a,b:multistr", "Odd=x:y")
    text = run("res", "T", "/priv")
    for line in ("  CommandLine=/bin/sleep 9", "  Number=7", "  List=a", "  List=b", "  Odd=x:y"):
        assert line in text.splitlines(), (line, text)
    assert "RestartAction" not in text and "RestartAction" in run("res", "T", "/prop")
    run("res", "T", "/priv", "Odd", "/usedefault")
    assert "Odd" not in run("res", "T", "/priv")
    run("res", "T", "/prop:RestartThreshold=5")
    assert "  RestartThreshold=5" in run("res", "T", "/properties").splitlines()
    assert " failed: 87 " in run("res", "T", "/prop", "Unknown=5", status=1)  # And does not become a private one.
    run("/prop", "Description=first")
    assert "  Description=first" in run("CLUSTER_NAME", "/prop").splitlines()
    run("/priv", "Mine=1:dword")
    assert "  Mine=1" in run("/cluster:cluster_name", "/priv").splitlines()


@test
def the_cluster_its_nodes_and_types_are_told():
    assert "CLUSTER_NAME  this machine" in run("/list")
    assert re.search(r"^name +CLUSTER_NAME$", run("/ver"), re.M) and re.search(r"^version +\d+\.\d+\.\d+$", run("/ver"), re.M)
    assert re.search(r"^resource +\S", run("/quorum"), re.M)
    run("node", "node1", "/pause")
    assert state("node", "node1", "/status") == "paused"
    run("node", "node1", "/resume")
    assert "Generic Application" in run("restype")
    run("restype", "Mine", "/create", "/dll:mine.so")
    run("restype", "Mine", "/delete")
    assert run("net").startswith("NETWORK") and run("netint").startswith("INTERFACE")
    run("one", "/ren:two", status=3, environment={**os.environ, "RUEDA_DIR": "/nonexistent"})
    run("/ren:NEW_NAME")
    assert re.search(r"^name +NEW_NAME$", run("NEW_NAME", "/ver"), re.M)


@test
def mistakes_name_the_command_that_does_it():
    for words, said in ((["node", "node1", "/stop"], "rueda shutdown"), (["/nonsense"], "rueda --help"), ([], "cluster /?")):
        assert said in run(*words, status=2), words
    assert "rueda resource online: 'x'" in run("res", "T", "/online", "/wait:x", status=2)


@test
def without_a_service_the_status_is_3():
    run("res", status=3, environment={**os.environ, "RUEDA_DIR": "/nonexistent"})


@test
def the_manual_has_the_lines_of_help():
    heads = re.findall(r"^  (cluster .*)\n      rueda", run("/?", environment=dict(os.environ)), re.M)
    with open(MANUAL, encoding="utf-8") as f:
        assert re.findall(r"^\.It Li (.*)$", f.read(), re.M) == heads and len(heads) > 40


sys.exit(tap.run(CHOSEN))
