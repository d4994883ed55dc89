#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The verbs of rueda about nodes, groups, resources, types and networks, against a service of its own.  Prints TAP.

Usage: objects_cli.py RUEDAD LIBCLUSAPI RUEDA [part of a test's name...]"""
import json
import os
import pty
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, (RUEDA, *CHOSEN) = cluster.main(sys.argv)
shared = None


class Tool:
    def __init__(self, environment):
        self.environment, self.errors = environment, ""

    def run(self, *words, status=0):
        """Standard output; the exit status must be that, and then errors is what was on standard error."""
        done = subprocess.run([RUEDA, *words], env=self.environment, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        self.errors = done.stderr.decode(errors="replace")
        assert done.returncode == status, (words, done.returncode, done.stdout[-500:], self.errors)
        return done.stdout.decode()

    def fails(self, code, *words):
        self.run(*words, status=1)
        assert f" failed: {code} " in self.errors, (words, self.errors)

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def group(self, name, *resources):
        self.run("group", "create", name)
        for r in resources:
            self.run("resource", "create", r, name, "Network Name")

    def properties(self, noun, name):
        return {(p["kind"], p["name"]): p for p in self.json(noun, "show", name)["properties"]}


def with_tool(function):
    def run():
        global shared
        if shared is None:
            shared = Cluster(RUEDAD, LIBRARY)
        function(Tool(shared.environment))

    run.__name__ = function.__name__
    return test(run)


@with_tool
def groups_are_made_shown_run_and_deleted(t):
    t.group("Web", "Address")
    assert {g["name"]: g["state"] for g in t.json("group", "ls")["groups"]}["Web"] == "offline"
    lines = t.run("group", "ls").splitlines()
    assert lines[0].split() == ["GROUP", "STATE", "OWNER"] and any(l.split() == ["Web", "offline", "node1"] for l in lines)
    t.run("group", "online", "Web", "--wait=20")
    assert t.json("group", "show", "Web")["state"] == "online"
    assert "state            online\n" in t.run("group", "show", "web")
    t.run("group", "online", "Web", "node1", "--wait")
    t.run("group", "offline", "Web", "--wait")
    assert t.json("group", "show", "Web")["state"] == "offline"
    t.fails(5005, "group", "move", "Web")
    t.run("group", "move", "Web", "node1", "--wait=5")
    t.fails(5023, "group", "cancel", "Web")
    t.run("group", "rename", "Web", "Site")
    t.fails(5013, "group", "show", "Web")
    t.run("group", "create", "Site", status=1)
    t.run("group", "rm", "Site", status=4)
    assert "its 1 resources" in t.errors and "--yes is needed" in t.errors
    t.run("group", "rm", "Site", "--yes")
    t.fails(5007, "resource", "show", "Address")
    t.fails(5026, "group", "rm", "Cluster Group", "--yes")


@with_tool
def resources_are_made_run_related_and_deleted(t):
    t.group("Run", "Name a", "Name b")
    t.run("resource", "depend", "Name a", "[name B]")
    assert t.run("resource", "depend", "Name a") == "[Name b]\n"
    shown = t.json("resource", "show", "Name a")
    assert (shown["depends_on"], shown["providers"], shown["possible_owners"]) == ("[Name b]", ["Name b"], ["node1"])
    t.run("resource", "online", "Name a", "--wait=20")
    states = {r["name"]: r["state"] for r in t.json("resource", "ls", "Run")["resources"]}
    assert states == {"Name a": "online", "Name b": "online"}
    t.fails(5019, "resource", "rm", "Name a", "--yes")
    t.run("resource", "restart", "Name a", "--wait=20")
    t.run("resource", "offline", "Name b", "--wait=20")
    assert t.json("resource", "show", "Name a")["state"] == "offline"  # It goes with its provider.
    t.fails(5004, "resource", "fail", "Name a")
    t.run("resource", "rm", "Name a", status=4)
    t.fails(5001, "resource", "rm", "Name b", "--yes")
    t.run("resource", "depend", "Name a", "")
    assert t.run("resource", "depend", "Name a") == ""
    t.run("group", "create", "Other")
    t.run("resource", "move", "Name b", "Other")
    assert t.json("resource", "show", "Name b")["group"] == "Other"
    t.run("resource", "rename", "Name b", "Name c")
    t.run("resource", "rm", "Name c", "--yes")
    t.fails(5078, "resource", "create", "x", "Run", "no such type")


@with_tool
def why_tells_what_a_resource_has_been_through(t):
    t.group("Why", "Why name")
    assert t.run("resource", "why", "Why name") == "It has never run.\n"
    t.run("resource", "online", "Why name", "--wait=20")
    t.run("resource", "offline", "Why name", "--wait=20")
    states = [(c["state"], c["node"]) for c in t.json("resource", "why", "Why name")["changes"]]
    assert [s for s, _ in states][-1] == "coming online" and ("online", "node1") in states and states[0][0] == "offline"
    assert "asked for" in t.run("resource", "why", "Why name")


@with_tool
def a_wait_that_is_over_is_a_failure(t):
    t.group("Late", "Late a")
    for words in (["--wait=x"], ["--wait=-1"], ["--wait=99999999999"]):
        t.run("group", "online", "Late", *words, status=2)
    t.run("resource", "owners", "Late a")
    t.fails(5038, "resource", "online", failing(t), "--wait=20")


@with_tool
def a_wait_ends_after_its_time_and_the_request_goes_on(t):
    t.run("group", "create", "Slow")
    t.run("resource", "create", "Deaf", "Slow", "Generic Application")
    t.run("resource", "set", "Deaf", "CommandLine=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'", "PendingTimeout=20000")
    t.run("resource", "online", "Deaf", "--wait=20")
    begin = time.monotonic()
    t.fails(258, "resource", "offline", "Deaf", "--wait=2")
    assert 2 <= time.monotonic() - begin, "it waited for another time"
    t.run("resource", "offline", "Deaf", "--wait=120")


def failing(t):
    """A resource whose type nobody can run."""
    t.run("type", "create", "Nobody's", "none.so")
    t.run("resource", "create", "Failing", "Late", "Nobody's")
    t.run("resource", "set", "Failing", "RestartAction=0")
    return "Failing"


@with_tool
def properties_are_set_in_their_formats(t):
    t.group("Set", "Set name")
    t.run("group", "set", "Set", "Priority=0x3e8", "AntiAffinityClassNames=a b", "AntiAffinityClassNames=c", "Mine=text")
    found = t.properties("group", "Set")
    assert found["common", "Priority"]["number"] == 1000
    assert found["common", "AntiAffinityClassNames"]["texts"] == ["a b", "c"]
    assert found["private", "Mine"]["text"] == "text" and found["private", "Mine"]["format"] == "SZ"
    lines = t.run("group", "show", "Set").splitlines()
    for line in ("  Priority=1000", "  AntiAffinityClassNames=a b", "  AntiAffinityClassNames=c", "  Mine=text"):
        assert line in lines, (line, lines)
    t.run("group", "set", "Set", "AntiAffinityClassNames=", "Mine", "Priority=2000")
    found = t.properties("group", "Set")
    assert found["common", "AntiAffinityClassNames"]["texts"] == [] and ("private", "Mine") not in found
    t.run("group", "set", "Set", "Count=7", "--type", "dword")
    assert t.properties("group", "Set")["private", "Count"]["format"] == "DWORD"
    t.run("group", "set", "Set", "Count=8")  # It keeps its format.
    assert t.properties("group", "Set")["private", "Count"]["number"] == 8
    t.run("group", "set", "Set", "Priority=x", status=2)
    t.run("group", "set", "Set", "=x", status=2)
    t.fails(5089, "group", "set", "Set", "GroupType=1")
    t.fails(87, "group", "set", "Set", "FailbackWindowEnd=99", "Priority=3000")
    assert t.properties("group", "Set")["common", "Priority"]["number"] == 2000  # All or nothing.
    t.run("resource", "set", "Set name", "--private", "Name=SERVER1")
    assert t.properties("resource", "Set name")["private", "Name"]["text"] == "SERVER1"


@with_tool
def a_private_property_that_cannot_be_is_refused_with_its_name(t):
    t.group("Refuse")
    t.run("resource", "create", "Refused", "Refuse", "IPv6 Address")
    t.run("resource", "set", "Refused", "Address=2001:db8::1", "PrefixLength=64")  # The type knows its formats.
    assert t.properties("resource", "Refused")["private", "PrefixLength"]["format"] == "DWORD"
    t.fails(87, "resource", "set", "Refused", "PrefixLength=129")
    assert "the reason: PrefixLength: a subnet cannot have 129 bits" in t.errors, t.errors
    t.fails(87, "resource", "set", "Refused", "Address=192.0.2.1")
    assert "the reason: Address: '192.0.2.1' is no IPv6 address" in t.errors, t.errors
    t.run("resource", "set", "Refused", "adress=2001:db8::2", status=2)
    assert "IPv6 Address does not know 'adress', but 'Address'; it knows Address, PrefixLength" in t.errors, t.errors
    t.run("resource", "set", "Refused", "Mine=x", "--type", "SZ")
    assert t.properties("resource", "Refused")["private", "PrefixLength"]["number"] == 64


@with_tool
def an_agent_says_which_parameters_there_are(t):
    path = os.path.join(shared.directory, "agent")
    with open(path, "w", encoding="ascii") as f:
        f.write("""#!/bin/sh
cat <<END
<resource-agent name="mine" version="2"><shortdesc>My own</shortdesc><parameters>
<parameter name="config" required="1"><shortdesc>Where</shortdesc><content type="string"/></parameter>
<parameter name="port"><content type="integer" default="80"/></parameter></parameters>
<actions><action name="start" timeout="90s"/><action name="stop" timeout="2min"/>
<action name="monitor" depth="0" interval="7s"/></actions></resource-agent>
END
""")
    os.chmod(path, 0o755)
    told = t.json("type", "agent", path)
    assert [(p["name"], p["required"], p["default"]) for p in told["parameters"]] == [("config", True, ""), ("port", False, "80")]
    assert re.search(r"^config +string +yes +Where *$", t.run("type", "agent", path), re.M), t.run("type", "agent", path)
    t.group("Agents")
    create = ("resource", "create", "Agent", "Agents", "--agent", path)
    for more, said in (([], "needs the parameter 'config'"), (["config=a", "prot=1"], "has no parameter 'prot'"),
                       (["config"], "no NAME=VALUE"), (["=x"], "no NAME=VALUE")):
        t.run(*create, *more, status=2)
        assert said in t.errors, t.errors
    assert t.json("resource", "ls", "Agents")["resources"] == []
    t.run(*create, "config=/etc/a b", "port=8080")
    found = {n: p for (_, n), p in t.properties("resource", "Agent").items()}
    assert (found["ScriptFilepath"]["text"], found["config"]["text"], found["port"]["text"]) == (path, "/etc/a b", "8080")
    assert (found["PendingTimeout"]["number"], found["LooksAlivePollInterval"]["number"]) == (120000, 7000)
    for name, said in (("prot", "does not know 'prot', but 'port'"), ("unheard-of", "does not know 'unheard-of';")):
        t.run("resource", "set", "Agent", f"{name}=1", status=2)
        assert said in t.errors, t.errors
    t.run("resource", "set", "Agent", "port=81", "config=/x")
    t.run("resource", "set", "Agent", "unheard-of=1", "--type", "SZ")
    t.run("resource", "set", "Agent", "unheard-of=2")  # Now it is there.
    t.run("resource", "set", "Agent", "unheard-of")
    os.unlink(path)  # Without the agent nobody can tell.
    t.run("resource", "set", "Agent", "prot=1")
    t.fails(2, "type", "agent", "ocf:none:none")
    t.run("type", "agent", "ocf:../x", status=2)
    t.run("resource", "create", "x", "Agents", status=2)
    t.run("resource", "create", "x", "Agents", "Network Name", "a=b", status=2)


@with_tool
def owners_are_listed_and_set(t):
    t.group("Own", "Own name")
    assert t.run("group", "owners", "Own") == "" and t.run("resource", "owners", "Own name") == "node1\n"
    t.run("group", "owners", "Own", "NODE1")
    assert t.run("group", "owners", "Own") == "node1\n"
    t.run("group", "owners", "Own", "-")
    assert t.run("group", "owners", "Own") == ""
    t.run("resource", "owners", "Own name", "node1")
    assert t.run("resource", "owners", "Own name") == "node1\n"
    t.fails(5042, "group", "owners", "Own", "none")
    t.fails(5042, "resource", "owners", "Own name", "none")


@with_tool
def one_relation_is_changed_at_a_time(t):
    t.group("One", "One a", "One b", "One c")
    t.run("resource", "depend", "One a", "[One b]")
    t.run("resource", "depend", "One a", "--add", "One c")
    assert t.run("resource", "depend", "One a") == "[One b] and [One c]\n"
    t.run("resource", "depend", "One a", "--remove", "One b")
    assert t.run("resource", "depend", "One a") == "[One c]\n"
    t.run("resource", "depend", "One a", "[One b]", "--add", "One c", status=2)
    t.fails(5007, "resource", "depend", "One a", "--add", "none")
    t.run("resource", "owners", "One a", "--remove", "node1")
    assert t.run("resource", "owners", "One a") == ""
    t.run("resource", "owners", "One a", "--add", "node1")
    assert t.run("resource", "owners", "One a") == "node1\n"
    t.fails(145, "group", "rm", "One", "--if-empty", "--yes")
    assert t.json("group", "show", "One")["resources"] == ["One a", "One b", "One c"]


@with_tool
def the_cluster_is_shown_and_changed(t):
    t.run("cluster", "set", "Description=text", "Mine=1", "Other=2", "--type", "Mine=dword")
    shown = t.json("cluster", "show")
    assert shown["name"] == "CLUSTER_NAME" and {p["kind"] for p in shown["properties"]} >= {"common", "private"}
    found = {p["name"]: p["format"] for p in t.json("cluster", "show", "--private")["properties"]}
    assert (found["Mine"], found["Other"]) == ("DWORD", "SZ") and "Description" not in found
    assert {p["kind"] for p in t.json("cluster", "show", "--common")["properties"]} == {"common", "read-only"}
    t.run("cluster", "set", "Mine=1", "--type", "Nine=dword", status=2)
    t.run("cluster", "set", "Mine=1", "--type", "Mine=word", status=2)
    t.fails(87, "cluster", "set", "--common", "Unheard=1")
    assert t.json("cluster", "quorum")["resource"] != ""
    for size in ("x", "K", "1KK", "5G", "4096M"):
        t.run("cluster", "quorum", "x", "--max-log-size", size, status=2)
    with open(os.path.join(shared.directory, "client.conf"), "w", encoding="utf-8") as f:
        f.write("[clusters]\nfar = a.example, b.example\n")
    clusters = {c["name"]: c["hosts"] for c in t.json("cluster", "ls")["clusters"]}
    assert clusters == {"CLUSTER_NAME": "this machine", "far": "a.example, b.example"}, clusters
    t.run("--cluster", "cluster_name", "node", "ls")
    t.run("--cluster=node1", "cluster", "rename", "RENAMED")
    assert t.json("cluster", "show")["name"] == "RENAMED"
    t.run("backup", os.path.join(shared.directory, "renamed"))
    assert t.json("backup", "show", os.path.join(shared.directory, "renamed"))["cluster"] == "RENAMED"
    t.run("--cluster", "x", "status", status=2)
    t.run("--cluster", status=2)
    t.run("--cluster", "x", "reg", "ls", "--local", status=2)


@with_tool
def nodes_are_paused_and_resumed(t):
    assert t.run("node", "ls").splitlines()[1].split() == ["node1", "1", "up"]
    t.run("node", "pause", "node1")
    assert t.json("node", "show", "node1")["state"] == "paused"
    t.run("node", "resume", "node1")
    t.fails(5058, "node", "resume", "node1")
    t.fails(5050, "node", "drain", "node1")  # There is no other one.
    t.fails(5050, "node", "drain", "node1", "node1")
    t.fails(5042, "node", "drain", "node1", "node2")
    for when in ("now", "policy"):
        t.run("node", "pause", "node1")
        t.run("node", "resume", "node1", "--failback", when)
    t.run("node", "resume", "node1", "--failback", "later", status=2)
    t.fails(5058, "node", "resume", "node1", "--failback", "now")
    t.run("node", "rm", "node1", status=4)
    t.fails(5009, "node", "rm", "node1", "--yes")
    t.run("node", "set", "node1", "Description=first")
    assert t.properties("node", "node1")["common", "Description"]["text"] == "first"


@with_tool
def types_and_networks_have_verbs(t):
    t.run("type", "create", "Mine", "mine.so")
    assert "Mine" in t.json("type", "ls")["types"] and "Mine\n" in t.run("type", "ls")
    t.run("type", "set", "Mine", "IsAlivePollInterval=1234")
    assert t.properties("type", "Mine")["common", "IsAlivePollInterval"]["number"] == 1234
    t.run("type", "rm", "Mine", status=4)
    t.run("type", "rm", "Mine", "--yes")
    t.fails(5078, "type", "show", "Mine")
    net = "33333333-3333-3333-3333-333333333333"
    t.run("reg", "set", "Networks\\" + net, "Name", "Net")
    assert t.json("network", "ls")["networks"] == [{"name": "Net", "state": "unavailable"}]
    t.run("network", "rename", "Net", "Front")
    t.run("network", "set", "Front", "Description=clients")
    assert t.properties("network", "Front")["common", "Description"]["text"] == "clients"
    t.fails(5045, "network", "show", "Net")
    assert t.json("interface", "ls") == {"interfaces": []}
    t.fails(5047, "interface", "show", "none")


@with_tool
def a_terminal_is_asked_before_something_is_deleted(t):
    t.group("Asked")
    for answer, status in (("n\n", 4), ("y\n", 0)):
        master, slave = pty.openpty()
        process = subprocess.Popen([RUEDA, "group", "rm", "Asked"], env=t.environment, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        os.write(master, answer.encode())
        assert process.wait(30) == status, answer
        os.close(master)
    t.fails(5013, "group", "show", "Asked")


@with_tool
def names_cannot_drive_the_terminal(t):
    t.fails(123, "group", "create", "evil\x1b[2J")
    t.run("reg", "set", "Groups\\55555555-5555-5555-5555-555555555555", "Name", "evil\x1b[2J")
    assert "\x1b" not in t.run("group", "ls") and "evil\\x1b[2J" in t.run("group", "ls")
    assert any(g["name"] == "evil\x1b[2J" for g in t.json("group", "ls")["groups"])


@with_tool
def why_a_resource_failed_is_told_to_the_end_of_a_long_path_and_of_what_it_printed(t):
    t.run("group", "create", "Told")
    path = "/nonexistent/" + "/".join("directory-%02d" % i for i in range(15)) + "/program"
    printed = "no licence " + "é" * 60 + " here"
    stories = {"Long path": (path, path + ": cannot run it"),
               "Loud": (f"/bin/sh -c 'echo {printed}; exit 3'", "it printed: " + printed),
               "Other letters": ("/bin/sh -c 'printf \"caf\\351 is shut\"; exit 3'", "it printed: caf? is shut")}
    for name, (command, told) in stories.items():
        t.run("resource", "create", name, "Told", "Generic Application")
        t.run("resource", "set", name, "CommandLine=" + command, "RestartAction=0")
        t.run("resource", "online", name, "--wait=60", status=1)
        said = t.json("resource", "why", name)["host_text"]
        assert told in said, (told, said)


def calls_of(t, *words):
    """How many calls the verb makes, and a few for looking, and which: from the flight recorder."""
    def calls():
        return [line for line in t.json("trace")["lines"] if "call " in line]

    before = calls()
    t.run(*words)
    after = calls()
    new = after[after.index(before[-1]) + 1:]
    return len(new), [line.split("call ", 1)[1] for line in new]


@with_tool
def a_list_of_many_resources_takes_few_calls(t):
    t.group("Many", *[f"Many {i}" for i in range(50)])
    many = t.json("resource", "ls", "Many")["resources"]
    assert many == [{"name": f"Many {i}", "state": "offline", "group": "Many", "owner": "node1", "type": "Network Name"}
                    for i in range(50)], many
    whole = [r for r in t.json("resource", "ls")["resources"] if r["group"] == "Many"]
    assert sorted(whole, key=lambda r: int(r["name"].split()[1])) == many, whole
    for verb in (["resource", "ls", "Many"], ["group", "ls"]):
        count, names = calls_of(t, *verb)
        assert count <= 25, (verb, count, names)
    # Not all are in one state: then each is asked.
    t.run("resource", "online", "Many 7", "--wait=20")
    states = {r["name"]: r["state"] for r in t.json("resource", "ls", "Many")["resources"]}
    assert states == {f"Many {i}": "online" if i == 7 else "offline" for i in range(50)}, states


@test
def without_a_service_the_status_is_3():
    t = Tool({**os.environ, "RUEDA_DIR": "/nonexistent"})
    for words in (["node", "ls"], ["group", "show", "x"], ["resource", "online", "x"], ["type", "ls"], ["network", "ls"]):
        t.run(*words, status=3)


sys.exit(tap.run(CHOSEN))
