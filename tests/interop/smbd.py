#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A backup set on a share: Samba's server shows the marker hidden and read-only, and the other files as they are.
Prints TAP.

Usage: smbd.py RUEDAD LIBCLUSAPI       needs root, smbd and smbclient; in a network of its own"""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import realm  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
PORT = 4450
CONF = """[global]
interfaces = lo
bind interfaces only = yes
smb ports = {port}
server role = standalone server
map to guest = bad user
guest account = root
disable spoolss = yes
load printers = no
log file = {directory}/log
lock directory = {directory}
state directory = {directory}
cache directory = {directory}
private dir = {directory}
pid directory = {directory}
ncalrpc dir = {directory}/ncalrpc
[sets]
path = {share}
guest ok = yes
read only = yes
store dos attributes = yes
"""


class Share:
    """smbd in the foreground, with everything of its own."""

    def __init__(self, path):
        directory = tap.temporary()
        os.mkdir(os.path.join(directory, "ncalrpc"), 0o755)
        self.conf = os.path.join(directory, "smb.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(CONF.format(port=PORT, directory=directory, share=path))
        # It ends by killing its whole process group: that must not be ours.
        self.process = subprocess.Popen(["smbd", "--foreground", "--no-process-group", "-s", self.conf],
                                        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def client(self, command):
        return subprocess.run(["smbclient", "-s", self.conf, "-p", str(PORT), "-N", "//127.0.0.1/sets", "-c", command],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)

    def attributes(self):
        """Name → letters, of all files."""
        deadline = time.monotonic() + 120
        while (r := self.client("ls")).returncode != 0:
            assert self.process.poll() is None and time.monotonic() < deadline, r.stdout
            time.sleep(0.1)
        found = {}
        for line in r.stdout.splitlines():
            words = line.split()
            if len(words) >= 8 and words[0] not in (".", "..") and "blocks" not in words:
                found[words[0]] = words[1] if not words[1].isdigit() else ""
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(120)


@test
def smbd_shows_the_marker_hidden_and_read_only():
    tap.need_root()
    if shutil.which("smbd") is None or shutil.which("smbclient") is None:
        raise tap.Skip("smbd or smbclient is not installed")
    directory = tap.temporary()
    path = os.path.join(directory, "set")
    with Cluster(RUEDAD, LIBRARY) as c:
        def backup(api):
            h = api.OpenCluster(None)
            assert api.BackupClusterDatabase(h, path) == 0, api.last_error()

        c.run(backup)
    if b"DOSATTRIB" not in b"".join(os.fsencode(n) for n in os.listxattr(os.path.join(path, "Clusbackup.dat"))):
        raise tap.Skip("the file system has no user attributes")
    with Share(path) as share:
        attributes = share.attributes()
    assert set(attributes["Clusbackup.dat"]) >= set("HR"), attributes
    others = {n: a for n, a in attributes.items() if n != "Clusbackup.dat"}
    assert len(others) == 2 and not any("H" in a for a in others.values()), attributes


if os.geteuid() == 0:
    realm.enter("a set on a share")
tap.run(CHOSEN)
