#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rpc: calls over TCP on the loopback, plain, signed and sealed (NTLM), 1 and 8 callers: the least that a server can do, and
the opening, reading and closing of a key (three calls), against Samba's samba-dcerpcd (winreg) with the same client, and a
bare echo.

Usage: bench/rpc.py [SECONDS of each round, default 1]        Samba needs root

Ours is a build of its own with -Dplain_tcp=true (build-plain, made here), since the real one serves sealed calls only."""
import atexit
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import common

PLAIN = os.path.join(common.ROOT, "build-plain")
DCERPCD = "/usr/libexec/samba/samba-dcerpcd"
LEVELS = {"none": "plain", "sign": "signed", "seal": "sealed"}
ASK, ANSWER = 24, 32  # Bytes of the two messages of a plain null call.
VALUE = "x" * 99  # With its end, 200 bytes.


def build_plain():
    if not os.path.exists(os.path.join(PLAIN, "build.ninja")):
        common.run(["meson", "setup", "-Dplain_tcp=true", PLAIN, common.ROOT])
    common.run(["ninja", "-C", PLAIN, "ruedad/ruedad"])
    return os.path.join(PLAIN, "ruedad", "ruedad")


def start_ours():
    """The instance, and its port."""
    port = common.free_port()
    ours = common.cluster.Cluster(build_plain(), common.program("lib", "libclusapi.so.0"),
                                  f"[listen]\naddress = 127.0.0.1\nport = {port}\nepmap = {common.free_port()}\n")
    ours.add_accounts(alice="all")

    def fill(api):
        r, key, _ = api.create_key(api.root(api.OpenCluster(None)), "Bench")
        assert r == 0 and api.set_value(key, "v", common.cluster.REG_SZ, common.cluster.wide(VALUE)) == 0

    ours.run(fill)
    return ours, port


class Samba:
    """samba-dcerpcd with a registry of its own."""

    def __init__(self, directory):
        self.directory, self.first = directory, common.free_port()
        self.conf = os.path.join(directory, "smb.conf")
        for name in ("ncalrpc", "private"):
            os.mkdir(os.path.join(directory, name))
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f"""[global]
server role = standalone server
interfaces = 127.0.0.1/8
bind interfaces only = yes
rpc start on demand helpers = no
rpc server dynamic port range = {self.first}-{self.first + 20}
passdb backend = tdbsam
private dir = {directory}/private
ncalrpc dir = {directory}/ncalrpc
""")
            for name in ("lock directory", "state directory", "cache directory", "pid directory"):
                f.write(f"{name} = {directory}\n")
        common.run(["smbpasswd", "-c", self.conf, "-a", "-s", "root"], input="Password\nPassword\n")
        for command in (["createkey", r"HKLM\SOFTWARE\Bench"], ["setvalue", r"HKLM\SOFTWARE\Bench", "v", "sz", VALUE]):
            common.run(["net", "-s", self.conf, "registry", *command])
        with open(os.path.join(directory, "samba.log"), "wb") as log:
            self.process = subprocess.Popen([DCERPCD, "-s", self.conf, "-F", "--no-process-group", "--libexec-rpcds",
                                             "--debug-stdout"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        atexit.register(common.end, self.process)
        self.port = self.find_port()

    def find_port(self):
        for _ in range(100):
            for port in range(self.first, self.first + 21):
                try:
                    load("samba", port, "seal", "null", 1, 0.01)
                    return port
                except RuntimeError:
                    continue
            time.sleep(0.1)
        raise RuntimeError("samba-dcerpcd does not serve winreg")


def load(server, port, level, what, callers, seconds):
    done = subprocess.run([common.program("bench", "bench-rpc"), server, str(port), level, what, str(callers), str(seconds)],
                          capture_output=True, text=True, check=False, timeout=seconds + 30)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def start_samba(b):
    if os.geteuid() != 0 or not os.path.exists(DCERPCD) or shutil.which("net") is None:
        b.note("**SKIPPED: every comparison with samba-dcerpcd**: it needs root and the package samba")
        return None
    return Samba(common.fresh(b.path("samba")))


def samba_serves(b, samba, level):
    try:
        load("samba", samba.port, level, "null", 1, 0.01)
        return True
    except RuntimeError as why:
        b.note(f"samba-dcerpcd serves no {LEVELS[level]} calls of this kind ({why})")
        return False


def measure(b, seconds=1):
    ours, port = start_ours()
    samba = start_samba(b)
    served = {level for level in LEVELS if samba and samba_serves(b, samba, level)}
    for callers in (1, 8):
        def echo(n=callers):
            return json.loads(common.run([common.program("bench", "bench-floor"), "echo", "tcp", n, seconds, ASK, ANSWER]))

        runs = {"echo": echo}
        for level in LEVELS:
            for what in ("null", "registry"):
                runs[f"ours_{level}_{what}"] = lambda l=level, w=what, n=callers: load("rueda", port, l, w, n, seconds)
                if level in served:
                    runs[f"samba_{level}_{what}"] = lambda l=level, w=what, n=callers: load("samba", samba.port, l, w, n, seconds)
        show(b, callers, b.rounds(7, **runs))
    ours.stop()


def show(b, callers, r):
    end = f", {callers} caller{'s' if callers > 1 else ''}"
    for level, name in LEVELS.items():
        peer = r.get(f"samba_{level}_null")
        b.row(f"null call, {name}{end}: p50", common.each(r[f"ours_{level}_null"], "p50_us"),
              peer and common.each(peer, "p50_us"), "µs", "samba-dcerpcd", at_most=1.05)
        peer = r.get(f"samba_{level}_registry")
        b.row(f"open, query, close, {name}{end}", common.each(r[f"ours_{level}_registry"], "rate"),
              peer and common.each(peer, "rate"), "/s", "samba-dcerpcd", at_least=4)
    for what, name in (("null", "null calls"), ("registry", "open, query, close")):
        b.row(f"{name}, sealed{end}", common.each(r[f"ours_seal_{what}"], "rate"), common.each(r[f"ours_none_{what}"], "rate"),
              "/s", "plain", at_least=0.7)
    b.row(f"null calls, plain{end}", common.each(r["ours_none_null"], "rate"), common.each(r["echo"], "rate"), "/s", "TCP echo")
    b.note(f"p99 of sealed null calls{end}: {common.number(statistics.median(common.each(r['ours_seal_null'], 'p99_us')))} µs.")


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(float, sys.argv[1:])))
