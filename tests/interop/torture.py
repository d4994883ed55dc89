#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Samba's test suite for MS-CMRP (smbtorture rpc.clusapi), written for Windows, against a cluster of ours.  Prints TAP.

Usage: torture.py RUEDAD LIBCLUSAPI       without smbtorture all is skipped

The cluster has the objects that a default cluster has, made through the API; nothing is answered from a table.  A test of
the suite that cannot hold here stands in EXPECTED, with the reason and with what it must say; if one of them passes, that
is a failure too."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import REG_DWORD, REG_SZ, Cluster, wide  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
NETWORK, INTERFACE = "11111111-2222-3333-4444-555555555555", "21111111-2222-3333-4444-555555555555"
EXPECTED = {
    "node.ResumeNode": ("CLUSTER_NODE_NOT_PAUSED", "the test before it has paused the node, and here it is paused"),
    "node.EvictNode": ("CANT_EVICT_ACTIVE_NODE", "the only node of a cluster is not evicted"),
    "resource.all_resources": ("failed to test one resource", "the quorum resource has no network name among its providers"),
}


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


def torture(c):
    """Each test's name: its result and what it said."""
    directory = tap.temporary()
    os.symlink(c.path("run/cluster"), os.path.join(directory, "CLUSTER"))
    conf = os.path.join(directory, "smb.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"[global]\nncalrpc dir = {directory}\n")
        for name in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
            f.write(f"{name} = {directory}\n")
    text = subprocess.run(["smbtorture", "-s", conf, "ncalrpc:[CLUSTER]", "-U%", "--option=torture:dangerous=yes",
                           "rpc.clusapi"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                          check=False).stdout
    found = re.findall(r"^(success|failure|error|skip): (\S+)(?: \[\n(.*?)^\])?", text, re.M | re.S)
    return {name: (result, story.strip()) for result, name, story in found}, text


def main():
    if shutil.which("smbtorture") is None:
        print("1..1\nok 1 - smbtorture rpc.clusapi # SKIP smbtorture is not installed")
        return 0
    failed = 0
    with Cluster(RUEDAD, LIBRARY) as c:
        c.run(populate)
        results, text = torture(c)
        alive = c.process.poll() is None
    print(f"1..{len(results) + 1}")
    print(f"{'ok' if alive and len(results) > 60 else 'not ok'} 1 - the suite ran to its end and the service lives")
    failed += not alive or len(results) <= 60
    if len(results) <= 60:
        print("# " + text[-2000:].replace("\n", "\n# "))
    for i, (name, (result, story)) in enumerate(sorted(results.items()), 2):
        says, why = EXPECTED.get(name, (None, None))
        good = result == "failure" and says in story if says else result in ("success", "skip")
        failed += not good
        comment = f" # SKIP {story.splitlines()[-1]}" if result == "skip" else f" ({why})" if says and good else ""
        print(f"{'ok' if good else 'not ok'} {i} - {name}{comment}")
        if not good:
            print(f"# {result}: " + story.replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
