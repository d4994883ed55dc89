#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Networks and interfaces that the daemon makes of the links of its node, in a network of the test's own.  Prints TAP.

Usage: networks.py RUEDAD LIBCLUSAPI RUEDA [part of a test's name...]"""
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import realm  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, RUEDA = sys.argv[1:4]
LINGER = 2
LONG = 3600  # A linger that no test sees the end of.


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Net(Cluster):
    """A cluster whose node has only the links that a test makes."""

    def __init__(self, config="", linger=LINGER):
        for old in json.loads(subprocess.run(["ip", "-j", "link"], check=True, capture_output=True).stdout):
            if old["ifname"] != "lo":
                subprocess.run(["ip", "link", "del", old["ifname"]], check=False, stderr=subprocess.DEVNULL)
        super().__init__(RUEDAD, LIBRARY, f"[networks]\nlinger_seconds = {linger}\n{config}\n", create=False, start=False)

    def begin(self):
        self.start()
        self.create()

    def set_linger(self, seconds):
        """For its next start."""
        with open(self.path("rueda.conf"), encoding="utf-8") as f:
            text = f.read()
        with open(self.path("rueda.conf"), "w", encoding="utf-8") as f:
            f.write(re.sub(r"linger_seconds = \d+", f"linger_seconds = {seconds}", text))

    def rueda(self, *arguments):
        done = subprocess.run([RUEDA, *arguments], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, timeout=120)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.rueda(*arguments, "--json"))

    def networks(self):
        """{name: (state, {interface, ...})}"""
        found = {}
        for network in self.json("network", "ls")["networks"]:
            shown = self.json("network", "show", network["name"])
            found[network["name"]] = (network["state"], {i if isinstance(i, str) else i["name"] for i in shown["interfaces"]})
        return found

    def values(self, container):
        """{name: {value: text or number}} of the objects below a key, and their ids."""
        all_of_them = {}

        def read(api):
            root = api.root(api.OpenCluster(None))
            r, key = api.open_key(root, container)
            assert r == 0
            for identity in api.enum_keys(key):
                r, own = api.open_key(key, identity)
                values = {"id": identity}
                for name in ("Name", "Address", "AddressMask", "Node", "Network", "Adapter", "Role", "DhcpEnabled",
                             "IPv4Addresses", "IPv4PrefixLengths", "IPv6Addresses", "IPv6PrefixLengths"):
                    r, kind, data = api.get_value(own, name)
                    if r == 0 and kind == cluster.REG_DWORD:
                        values[name] = int.from_bytes(data, "little")
                    elif r == 0:
                        text = data.decode("utf-16-le").rstrip("\0")
                        values[name] = text if kind == cluster.REG_SZ else (text.split("\0") if text else [])
                all_of_them[values["Name"]] = values
            with open(self.path("values"), "w", encoding="utf-8") as f:
                json.dump(all_of_them, f)

        self.run(read)
        with open(self.path("values"), encoding="utf-8") as f:
            return json.load(f)

    def index(self):
        """Of the last event of the log."""
        return self.json("status")["applied_index"]

    def quiet_index(self):
        """The same, when nothing that was under way is logged any more."""
        deadline = time.monotonic() + 60
        while True:
            index = self.index()
            time.sleep(1)
            if self.index() == index:
                return index
            assert time.monotonic() < deadline, self.log_text()[-2000:]

    def until(self, wanted, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = self.networks()
            except AssertionError as gone:  # A network between the two looks at it.
                found = gone
            if found == wanted:
                return
            assert time.monotonic() < deadline, (found, wanted, self.log_text()[-2000:])
            time.sleep(0.1)


def link(name, *addresses):
    """A link whose other end is one that is passed over."""
    ip("link", "add", name, "type", "veth", "peer", "name", "veth-" + name)
    ip("link", "set", "veth-" + name, "up")
    for address in addresses:
        ip("address", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
    ip("link", "set", name, "up")


ONE = {"Cluster Network 1": ("up", {"node1 - eth0"})}


@test
def the_links_of_the_node_are_networks_and_interfaces():
    with Net() as c:
        link("eth0", "192.0.2.7/24", "192.0.2.9/24", "2001:db8::7/64")
        link("eth1", "2001:db8:1::7/56")
        link("eth2", "169.254.7.7/16", "203.0.113.7/32")  # Of a link only, and no subnet.
        link("docker0", "172.17.0.1/16")
        c.begin()
        c.until({"Cluster Network 1": ("up", {"node1 - eth0"}), "Cluster Network 2": ("up", {"node1 - eth1"})})
        networks, interfaces = c.values("Networks"), c.values("NetworkInterfaces")
        first, second, eth0 = networks["Cluster Network 1"], networks["Cluster Network 2"], interfaces["node1 - eth0"]
        assert (first["Address"], first["AddressMask"], first["Role"]) == ("192.0.2.0", "255.255.255.0", 3), first
        assert (first["IPv6Addresses"], first["IPv6PrefixLengths"]) == (["2001:db8::"], ["64"]), first
        assert (second["Address"], second["IPv6Addresses"], second["IPv6PrefixLengths"]) == ("", ["2001:db8:1::"], ["56"]), second
        assert (eth0["Node"], eth0["Network"], eth0["Adapter"], eth0["Address"]) == ("1", first["id"], "eth0", "192.0.2.7"), eth0
        assert (eth0["IPv4Addresses"], eth0["IPv6Addresses"]) == (["192.0.2.7", "192.0.2.9"], ["2001:db8::7"]), eth0
        assert eth0["DhcpEnabled"] == 0
        shown = c.json("network", "show", "Cluster Network 1")
        speeds = [p["number"] for p in shown["properties"] if p["name"] == "LinkSpeed"]
        assert speeds == [10 * 10**9], shown  # As veths say; in bits per second.


@test
def addresses_that_come_and_go_change_networks_and_the_log_is_quiet_otherwise():
    with Net() as c:
        c.begin()
        assert c.networks() == {}
        link("eth0", "192.0.2.7/24")
        c.until(ONE)
        before, index = c.values("Networks"), c.quiet_index()
        ip("link", "set", "eth0", "mtu", "1400")  # Word of a change, and nothing to tell.
        time.sleep(1)
        assert c.index() == index
        ip("address", "add", "10.1.2.3/8", "dev", "eth0")
        c.until({**ONE, "Cluster Network 2": ("up", {"node1 - eth0 (2)"})})
        ip("address", "del", "10.1.2.3/8", "dev", "eth0")
        c.until(ONE)
        assert c.values("Networks") == before
        began = time.monotonic()
        ip("link", "del", "eth0")
        c.until({})
        assert time.monotonic() - began >= LINGER


@test
def a_link_that_has_just_gone_is_down():
    with Net(linger=LONG) as c:
        link("eth0", "192.0.2.7/24")
        c.begin()
        c.until(ONE)
        ip("link", "del", "eth0")
        c.until({"Cluster Network 1": ("down", {"node1 - eth0"})})


@test
def a_link_that_is_down_has_failed_and_what_was_named_stays_named():
    with Net() as c:
        link("eth0", "192.0.2.7/24", "2001:db8::7/64")
        c.begin()
        c.until(ONE)
        c.rueda("network", "rename", "Cluster Network 1", "Front")
        c.rueda("network", "set", "Front", "Role=1")
        before = c.values("Networks")
        for end in ("veth-eth0", "eth0"):
            ip("link", "set", end, "down")
            c.until({"Front": ("down", {"node1 - eth0"})})
            time.sleep(LINGER + 1)  # Down is not gone, however long.
            assert c.networks() == {"Front": ("down", {"node1 - eth0"})}
            ip("link", "set", end, "up")
            if end == "eth0":  # IPv6 addresses go with the link, and come back with it.
                ip("address", "add", "2001:db8::7/64", "dev", "eth0", "nodad")
            c.until({"Front": ("up", {"node1 - eth0"})})
        assert before["Front"]["Role"] == 1
        c.stop()
        c.start()
        c.until({"Front": ("up", {"node1 - eth0"})})
        assert c.values("Networks") == before


@test
def what_changed_while_the_daemon_was_not_there_is_found_at_its_start():
    with Net(linger=LONG) as c:
        link("eth0", "192.0.2.7/24")
        link("eth1", "10.0.0.1/8")
        c.begin()
        c.until({**ONE, "Cluster Network 2": ("up", {"node1 - eth1"})})
        c.stop()
        ip("link", "del", "eth0")
        link("eth3", "198.51.100.1/24")
        c.start()
        c.until({"Cluster Network 1": ("down", {"node1 - eth0"}), "Cluster Network 2": ("up", {"node1 - eth1"}),
                 "Cluster Network 3": ("up", {"node1 - eth3"})})
        c.stop()
        c.set_linger(1)
        c.start()
        c.until({"Cluster Network 2": ("up", {"node1 - eth1"}), "Cluster Network 3": ("up", {"node1 - eth3"})})


@test
def an_address_that_a_resource_brings_is_no_network():
    with Net() as c:
        link("eth0", "192.0.2.7/24")
        c.begin()
        c.until(ONE)
        c.rueda("resource", "create", "vip", "Cluster Group", "IP Address")
        c.rueda("resource", "set", "--private", "vip", "Address=10.9.9.9", "SubnetMask=255.0.0.0", "Network=eth0")
        before = c.values("NetworkInterfaces")
        ip("address", "add", "10.9.9.9/8", "dev", "eth0")
        time.sleep(1)
        assert c.networks() == ONE and c.values("NetworkInterfaces") == before
        ip("address", "add", "10.9.9.10/8", "dev", "eth0")
        c.until({**ONE, "Cluster Network 2": ("up", {"node1 - eth0 (2)"})})


@test
def links_that_are_ignored_are_nothing():
    with Net("ignore = eth1, bond?, veth*") as c:
        link("eth1", "192.0.2.7/24")
        link("bond0", "10.0.0.1/8")
        link("docker0", "172.17.0.1/16")
        c.begin()
        c.until({"Cluster Network 1": ("up", {"node1 - docker0"})})


@test
def internal_networks_have_an_order():
    with Net() as c:
        for number in range(1, 4):
            link(f"eth{number}", f"10.{number}.0.1/16")
        c.begin()
        names = [f"Cluster Network {n}" for n in (1, 2, 3)]
        c.until({name: ("up", {f"node1 - eth{n}"}) for n, name in enumerate(names, 1)})
        def priority():
            return [network["name"] for network in c.json("network", "priority")["networks"]]

        assert sorted(priority()) == names
        c.rueda("network", "priority", names[2], names[0], names[1])
        assert priority() == [names[2], names[0], names[1]]
        c.rueda("network", "set", names[0], "Role=2")
        assert priority() == [names[2], names[1]]


class Events:
    """What `rueda events --follow` tells from here on."""

    def __init__(self, c):
        self.process = subprocess.Popen([RUEDA, "events", "--follow", "--json"], env=c.environment, stdout=subprocess.PIPE, text=True)
        self.lines, number = queue.Queue(), 0
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout], daemon=True).start()
        while self.lines.empty():  # It says nothing when it has begun.
            number += 1
            c.rueda("network", "set", "Cluster Network 1", f"Description={number}")
            time.sleep(0.2)

    def next(self):
        return json.loads(self.lines.get(timeout=60))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


@test
def states_are_told():
    with Net() as c:
        link("eth0", "192.0.2.7/24")
        c.begin()
        c.until(ONE)
        with Events(c) as events:
            ip("link", "set", "eth0", "down")
            seen = []
            while len(seen) < 2:
                event = events.next()
                if event.get("event") == "state" and event["object"] in ("network", "interface"):
                    seen.append((event["object"], event["name"], event.get("state")))
        assert sorted(seen) == [("interface", "node1 - eth0", "failed"), ("network", "Cluster Network 1", "down")], seen


if __name__ == "__main__":
    realm.enter("networks are found")
    tap.run(sys.argv[4:])
