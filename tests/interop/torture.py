#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Samba's test suite for MS-CMRP (smbtorture rpc.clusapi) and its rpcclient, written for Windows, against clusters of ours,
in five modes: the unix socket; over TCP, sealed by NTLM or Kerberos, each raw and within SPNEGO.  Prints TAP.

Usage: torture.py RUEDAD LIBCLUSAPI [MODE…]       without Samba's programs all is skipped

Each cluster has the objects that a default cluster has, made through the API; nothing is answered from a table.  A test of
the suite that cannot hold here stands in EXPECTED, with the reason and with what it must say; if one of them passes, that
is a failure too.  All runs in a network of its own with a KDC of its own; without the right to make one, over the unix
socket only."""
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import realm  # noqa: E402
import tap  # noqa: E402
from cluster import REG_DWORD, REG_SZ, Cluster, wide  # noqa: E402
from wiretap import Wiretap  # noqa: E402

if os.access("/dev/shm", os.W_OK):
    os.environ.setdefault("TMPDIR", "/dev/shm")  # The suite wants answers at once: no need to wait for a disk.
RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
PORT = 49155
PENDING, PENDING_SECONDS = "WERR_IO_PENDING", 120  # The answer when something takes longer than a second, and goes on.
LOGIN = "alice%" + cluster.PASSWORD
NTLM, SPNEGO, KERBEROS, PRIVACY = 10, 9, 16, 6
# Name: what the wire must show, the options of smbtorture's binding and of rpcclient's, whether Kerberos does it.
MODES = {
    "unix": (None, None, None, False),
    "ntlm": (NTLM, "seal,ntlm", "seal", False),
    "spnego-ntlm": (SPNEGO, "seal,spnego", "seal,spnego,ntlm", False),
    "krb5": (KERBEROS, "seal,krb5", "seal", True),
    "spnego-krb5": (SPNEGO, "seal,spnego", "seal,spnego,krb5", True),
}
NETWORK, INTERFACE = "11111111-2222-3333-4444-555555555555", "21111111-2222-3333-4444-555555555555"
EXPECTED = {
    "node.ResumeNode": ("CLUSTER_NODE_NOT_PAUSED", "the test before it has paused the node, and here it is paused"),
    "node.EvictNode": ("CANT_EVICT_ACTIVE_NODE", "the only node of a cluster is not evicted"),
    "resource.all_resources": ("failed to test one resource", "the quorum resource has no network name among its providers"),
}
# What rpcclient is told, in that order; what it must print then; and whether that means success.  Debug level 10 shows all
# that came over the wire, not only what the command itself prints.
RESOURCES = r"(?=.*'Cluster Name')(?=.*'Network Name')(?=.*'Local Quorum').*EntryCount +: 0x00000003 "
COMMANDS = [
    ("clusapi_open_cluster", r"successfully opened cluster\n.*successfully closed cluster", True),
    ("clusapi_get_cluster_name", r"ClusterName: CLUSTER_NAME\nNodeName: node1\n", True),
    ("clusapi_get_cluster_version", r"WERR_CALL_NOT_IMPLEMENTED", False),  # As MS-CMRP demands of version 3.
    ("clusapi_get_cluster_version2", r"lpszVendorId +: 'Rueda'.*dwClusterHighestVersion +: 0x[0-9a-f]+ \([1-9]", True),
    ("clusapi_get_quorum_resource", r"lpszResourceName: Local Quorum\nlpszDeviceName: MSCS\\\npdwMaxQuorumLogSize: 4194304\n",
     True),
    ("clusapi_create_enum 4", RESOURCES, True),
    ("clusapi_create_enumex 4", RESOURCES, True),
    ("clusapi_create_enumex 2147483649", r"WERR_INVALID_PARAMETER", False),
    ("clusapi_open_resource 'Network Name'", r"Status +: \*\n +Status +: WERR_OK", True),
    ("clusapi_open_resource Nothing", r"Status: WERR_RESOURCE_NOT_FOUND", False),
    ("clusapi_online_resource 'Network Name'", r"rpc_status: WERR_OK", True),
    ("clusapi_get_resource_state 'Network Name'", r"State +: ClusterResourceOnline \(2\).*'node1'.*'Cluster Group'", True),
    ("clusapi_offline_resource 'Network Name'", r"rpc_status: WERR_OK", True),
    ("clusapi_get_resource_state 'Network Name'", r"State +: ClusterResourceOffline \(3\)", True),
    ("clusapi_pause_node node1", r"Cluster node node1 has been paused", True),
    ("clusapi_pause_node node2", r"Status: WERR_CLUSTER_NODE_NOT_FOUND", False),
    ("clusapi_resume_node node1", r"Cluster node node1 has been resumed", True),
    ("clusapi_resume_node node1", r"WERR_CLUSTER_NODE_NOT_PAUSED", False),
]


def put(api, root, path, values):
    r, key, _ = api.create_key(root, path)
    assert r == 0, (path, r)
    for name, value in values.items():
        kind, data = (REG_SZ, wide(value)) if isinstance(value, str) else (REG_DWORD, value.to_bytes(4, "little"))
        assert api.set_value(key, name, kind, data) == 0, (path, name)


def populate(api):
    void = cluster.ctypes.c_void_p
    h = api.OpenCluster(None)
    root = api.root(h)
    group = api.lib.OpenClusterGroup(void(h), wide("Cluster Group"))
    for name in ("Cluster Name", "Network Name"):
        resource = api.lib.CreateClusterResource(void(group), wide(name), wide("Network Name"), 0)
        assert resource, api.last_error()
        key = api.lib.GetClusterResourceKey(void(resource), cluster.KEY_ALL_ACCESS)
        put(api, key, "Parameters", {"Name": "CLUSTER_NAME", "DnsName": "cluster-name"})
        assert api.set_value(key, "PersistentState", REG_DWORD, b"\1\0\0\0") == 0  # It is to be online.
    for name in ("Storage Pool", "File Server"):
        assert api.lib.CreateClusterResourceType(void(h), wide(name), wide(name), wide("none"), 5000, 60000) == 0
    put(api, root, "Networks\\" + NETWORK, {"Name": "Cluster Network 1", "Address": "192.0.2.0", "Role": 3})
    put(api, root, "NetworkInterfaces\\" + INTERFACE,
        {"Name": "node1 - Ethernet", "Node": "1", "Network": NETWORK, "Address": "192.0.2.1"})


class Mode:
    """A cluster, and Samba's programs that come to it in one of the ways."""

    def __init__(self, name, kdc):
        self.kind, self.torture_options, self.rpcclient_options, self.kerberos = MODES[name]
        self.name, self.kdc, self.directory = name, kdc, tap.temporary()
        self.conf = realm.write_smb_conf(self.directory, f"ncalrpc dir = {self.directory}")
        # The KDC's other mechanism is off, so that it cannot have been that one.
        access = f"ntlm = off\nkeytab = {kdc.keytab}\nall = alice@{realm.REALM}" if self.kerberos else "ntlm = on"
        listen = f"[listen]\naddress = 127.0.0.1\nport = {PORT}\n[access]\n{access}\n" if self.kind else ""
        self.cluster = Cluster(RUEDAD, LIBRARY, listen)
        self.cluster.run(populate)
        if self.kind is None:
            for link in ("EPMAPPER", "cluster"):
                os.symlink(self.cluster.path("run/cluster"), os.path.join(self.directory, link))
        elif not self.kerberos:
            self.cluster.add_accounts(alice="all")
        self.wiretap = Wiretap(PORT) if self.kind else None

    def run(self, program, *arguments):
        login = [f"-U{LOGIN}"] if self.kind else ["-U%"]
        environment = dict(os.environ)
        if self.kerberos:
            login = ["--use-kerberos=required"]
            environment["KRB5CCNAME"] = "FILE:" + self.kdc.ticket_of("alice")
        elif self.kind:
            login.append("--use-kerberos=off")
        done = subprocess.run([program, "-s", self.conf, *login, *arguments], stdin=subprocess.DEVNULL, text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment)
        return done.returncode, done.stdout

    def host(self):
        return realm.HOST if self.kerberos else "127.0.0.1"

    def torture(self, suite="rpc.clusapi"):
        """Each test's name: its result and what it said."""
        binding = f"ncacn_ip_tcp:{self.host()}[{PORT},{self.torture_options}]" if self.kind else "ncalrpc:[cluster]"
        text = self.run("smbtorture", binding, "--option=torture:dangerous=yes", suite)[1]
        found = re.findall(r"^(success|failure|error|skip): (\S+)(?: \[\n(.*?)^\])?", text, re.M | re.S)
        return {name: (result, story.strip()) for result, name, story in found}, text

    def rpcclient(self, command):
        binding = f"ncacn_ip_tcp:{self.host()}[{self.rpcclient_options}]" if self.kind else "ncalrpc:"
        return self.run("rpcclient", "-d10", binding, "-c", command)

    def __enter__(self):
        if self.wiretap:
            self.wiretap.__enter__()
        return self

    def __exit__(self, *error):
        if self.wiretap:
            self.wiretap.__exit__(*error)
        self.cluster.__exit__(*error)


class Report:
    def __init__(self):
        self.lines, self.failed = [], 0

    def add(self, good, name, comment="", story=""):
        self.failed += not good
        self.lines.append(f"{'ok' if good else 'not ok'} {len(self.lines) + 1} - {name}{comment}")
        print(self.lines[-1], flush=True)
        if not good:
            print("# " + story.replace("\n", "\n# "), flush=True)


def check_suite(mode, report):
    results, text = mode.torture()
    report.add(len(results) > 60, f"{mode.name}: the suite ran to its end", story=text[-2000:])
    for name, (result, story) in sorted(results.items()):
        until = time.monotonic() + PENDING_SECONDS
        while result == "failure" and PENDING in story and time.monotonic() < until:  # The suite does not wait; we do.
            result, story = mode.torture("rpc.clusapi." + name)[0].get(name, (result, story))
        says, why = EXPECTED.get(name, (None, None))
        good = result == "failure" and says in story if says else result in ("success", "skip")
        comment = f" # SKIP {story.splitlines()[-1]}" if result == "skip" else f" ({why})" if says and good else ""
        report.add(good, f"{mode.name}: {name}", comment, f"{result}: {story}")


def check_rpcclient(mode, report):
    for command, wanted, succeeds in COMMANDS:
        until = time.monotonic() + PENDING_SECONDS
        code, said = mode.rpcclient(command)
        while PENDING in said and time.monotonic() < until:  # It goes on, and is over when we are told the same again.
            code, said = mode.rpcclient(command)
        report.add((code == 0) == succeeds and re.search(wanted, said, re.S) is not None, f"{mode.name}: rpcclient {command}",
                   story=said[-3000:])


def every_command_is_there(mode, report):
    """COMMANDS is complete: rpcclient has no other that begins so."""
    has = set(re.findall(r"^clusapi_\w+", mode.run("rpcclient", "ncalrpc:", "-c", "help")[1], re.M))
    told = {command.split()[0] for command, _, _ in COMMANDS}
    report.add(len(has) > 0 and has == told, "every clusapi command of rpcclient is told", story=f"{has ^ told}")


def check_mode(name, kdc, report):
    with Mode(name, kdc) as mode:
        if name == "unix":
            every_command_is_there(mode, report)
        check_rpcclient(mode, report)
        check_suite(mode, report)
        alive = mode.cluster.process.poll() is None
    report.add(alive, f"{name}: the service lives", story=mode.cluster.log_text()[-2000:])
    if mode.wiretap:
        seen = (mode.wiretap.binds, mode.wiretap.requests)
        report.add(seen == ({(mode.kind, PRIVACY)},) * 2, f"{name}: that is what the wire has shown", story=f"{seen}")


def main():
    for program in ("smbtorture", "rpcclient"):
        if shutil.which(program) is None:
            print(f"1..1\nok 1 - rpc.clusapi # SKIP {program} is not installed")
            return 0
    chosen, report = CHOSEN or list(MODES), Report()
    own_network = os.environ.get(realm.INSIDE) is not None
    directory = tap.temporary()
    if own_network:
        realm.name_the_host(directory)
    with realm.Kdc(directory) if own_network else realm.NoKdc() as kdc:
        if kdc.keytab is not None:
            shutil.chown(kdc.keytab, "nobody")
        for name in chosen:
            if name != "unix" and not own_network:
                report.add(True, name, " # SKIP only root can have a network of its own")
            elif MODES[name][3] and kdc.keytab is None:
                report.add(True, name, " # SKIP krb5-kdc is not installed")
            else:
                check_mode(name, kdc, report)
    print(f"1..{len(report.lines)}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    if os.geteuid() == 0:
        realm.enter("rpc.clusapi")
    sys.exit(main())
