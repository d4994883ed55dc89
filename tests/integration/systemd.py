#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The service under a real systemd: its units, the resource type Generic Service, and what becomes of everything when something is
killed, stopped and started again.  Prints TAP.

Usage: systemd.py BUILD PREFIX TOKEN_TOOL [part of a test's name...]"""
import contextlib
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import booted  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

BUILD, PREFIX, TOKEN_TOOL, *CHOSEN = sys.argv[1:]
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
shared = None
# Holds a lock for as long as it lives; tells when it cannot have it: then another one runs.
PROGRAM = """#!/bin/sh
exec 9>"$0.lock"
flock -n 9 || { echo "$$" >>"$0.twice"; exit 9; }
echo "$$" >>"$0.runs"
trap 'echo >>"$0.terms"; exit 0' TERM
while :; do sleep 1000 & wait $!; done
"""
SERVICE = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart={}\nExecStopPost=/bin/sh -c 'echo >>{}.stops'\n"
CONNECT = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(100)
s.connect("/run/rueda-guard.socket")
try:
    s.send(b"x" * 100)
    print("answer", s.recv(10))
except (BrokenPipeError, ConnectionResetError):  # It may hang up before it has heard anything.
    print("answer", b"")
"""


def wait_until(condition, what, seconds=120):
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{shared.journal()[-6000:]}"
        time.sleep(0.1)


class Node(booted.Machine):
    def __init__(self):
        super().__init__(BUILD, PREFIX)
        self.pair = None
        self.run("systemd-sysusers")
        self.run("systemd-tmpfiles", "--create", "rueda.conf")
        self.write("/etc/rueda/rueda.conf", f"""[checkpoints]
roots = /etc/application
pkcs11_module = {SOFTHSM if os.path.exists(SOFTHSM) else "none"}
pkcs11_pin_file = /root/pin
[listen]
address = 127.0.0.1
epmap = 135
""")
        # A system call that the unit should allow is not to be passed over.
        # Nobody but a test starts it so often.
        self.write("/etc/systemd/system/rueda.service.d/test.conf",
                   "[Unit]\nStartLimitIntervalSec=0\n[Service]\nSystemCallErrorNumber=kill\n")
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "enable", "--now", "rueda")
        self.run("rueda", "cluster", "create", "one")

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    def active(self, unit):
        return self.show(unit, "ActiveState")

    def processes(self, unit):
        """All below the unit's control group, by their numbers outside."""
        pids = []
        for directory, _, _ in os.walk(f"{self.group}/system.slice/{unit}"):
            with contextlib.suppress(OSError):  # A group goes with its last process.
                with open(os.path.join(directory, "cgroup.procs"), encoding="ascii") as f:
                    pids += [int(line) for line in f]
        return pids

    def one(self, unit, words):
        """The process of the unit with these words in its command line.  For a moment there may be none, or two: one that is
        forked is of the same program until it executes another."""
        def found():
            return [p for p in self.processes(unit) if words in self.command(p)]

        return wait_until(lambda: pids if len(pids := found()) == 1 else None, f"one process '{words}' of {unit}")[0]

    @staticmethod
    def command(pid):
        """Nothing if it has ended: resources are looked at by processes that come and go."""
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
                return f.read().replace("\0", " ")
        except OSError:
            return ""

    def wait_journal(self, words, *unit):
        """The journal has a line with these words, which it may get a moment later."""
        wait_until(lambda: words in self.journal(*unit), f"'{words}' in the journal")

    def ready(self):
        wait_until(lambda: self.active("rueda") == "active", "the service is up again")

    def state(self, resource):
        shown = self.run("rueda", "resource", "ls", status=None)  # Without one if the service is just starting.
        lines = [line for line in shown.splitlines() if line.startswith(resource + " ")]
        return lines[0] if lines else shown

    def wait_state(self, resource, state):
        def is_there():
            words = self.state(resource).split()
            return state in words and "coming" not in words and "going" not in words  # "coming online" is not there yet.

        wait_until(is_there, f"{resource} is {state}, but {self.state(resource)}")


class Resource:
    """One that notes its starts in a group of its own."""

    def __init__(self, node, name, kind):
        self.node, self.name, self.program = node, name, f"/srv/{name}"
        node.write(self.program, PROGRAM, 0o755)
        node.run("rueda", "group", "create", name + "s")
        node.run("rueda", "resource", "create", name, name + "s", kind)
        self.set("--common", "LooksAlivePollInterval=500", "RestartThreshold=20")

    def set(self, *words):
        self.node.run("rueda", "resource", "set", self.name, *words)

    def online(self):
        before = self.runs()
        self.node.run("rueda", "resource", "online", self.name, "--wait=120")
        wait_until(lambda: self.runs() > before, f"the program of {self.name} runs")  # systemd does not wait for that.
        return self

    def count(self, kind):
        path = self.node.path(f"{self.program}.{kind}")
        return self.node.read(f"{self.program}.{kind}").count("\n") if os.path.exists(path) else 0

    def runs(self):
        return self.count("runs")

    def wait_again(self, before):
        """It has been started once more, and never while another one ran."""
        wait_until(lambda: self.runs() > before, f"{self.name} is started again")
        self.node.wait_state(self.name, "online")
        assert self.runs() == before + 1 and self.count("twice") == 0, (self.runs(), before, self.count("twice"))

    def is_free(self):
        return self.node.run("flock", "-n", self.program + ".lock", "echo", "free", status=None) == "free\n"

    def remove(self):
        self.node.run("rueda", "resource", "offline", self.name, "--wait=120")
        self.node.run("rueda", "group", "rm", self.name + "s", "--yes")


def service(node, name):
    r = Resource(node, name, "Generic Service")
    node.write(f"/etc/systemd/system/{name}.service", SERVICE.format(r.program, r.program))
    node.run("systemctl", "daemon-reload")
    r.set(f"ServiceName={name}")
    return r


def application(node, name):
    r = Resource(node, name, "Generic Application")
    r.set(f"CommandLine={r.program}")
    return r


def on_node(function):
    def run():
        global shared
        if shared is None:
            try:
                shared = Node()
            except Exception as problem:
                shared = problem
        if isinstance(shared, Exception):
            raise shared
        function(shared)

    run.__name__ = function.__name__
    return test(run)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@on_node
def the_service_is_shut_in_and_what_resources_run_is_not(node):
    assert node.show("rueda", "StatusText") == "node machine is up" and node.active("rueda-guard") == "active"
    shut_in = {"NoNewPrivs": "1", "Seccomp": "2"}
    priv, daemon = node.one("rueda.service", "--guard="), node.one("rueda.service", "--as-daemon")
    for pid in (priv, daemon):
        status = status_of(pid)
        assert {k: status[k] for k in shut_in} == shut_in, status
        assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink(f"/proc/{node.init}/ns/mnt")
    assert int(status_of(daemon)["CapPrm"], 16) == 0 and status_of(daemon)["Uid"].split()[0] != "0"
    app = application(node, "free").online()
    for pid in (node.one("rueda-guard.service", "--as-guard"), node.one("rueda-guard.service", app.program)):
        status, init = status_of(pid), status_of(node.init)
        for name in ("NoNewPrivs", "Seccomp", "CapBnd", "CapEff", "Uid"):
            assert status[name] == init[name], (name, status[name], init[name])
        assert os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink(f"/proc/{node.init}/ns/mnt")
    app.remove()


@on_node
def a_unit_comes_online_and_goes_offline(node):
    s = service(node, "simple")
    assert node.active("simple") == "inactive"
    s.online()
    assert node.active("simple") == "active" and s.runs() == 1
    node.run("rueda", "resource", "offline", "simple", "--wait=120")
    assert node.active("simple") == "inactive" and s.count("stops") == 1 and s.is_free()
    s.remove()


@on_node
def a_unit_whose_process_is_killed_is_started_again(node):
    s = service(node, "killed").online()
    node.run("systemctl", "kill", "--signal=KILL", "killed")
    s.wait_again(1)
    s.remove()


@on_node
def a_unit_that_somebody_stops_is_started_again(node):
    s = service(node, "stopped").online()
    node.run("systemctl", "stop", "stopped")
    s.wait_again(1)
    node.wait_journal("the unit is not active", "-u", "rueda-guard")
    s.remove()
    assert node.active("stopped") == "inactive"


@on_node
def a_unit_that_does_not_start_fails_and_says_why(node):
    s = service(node, "missing")
    s.set("ServiceName=no-such-unit")
    s.set("--common", "RestartAction=0")
    node.run("rueda", "resource", "online", "missing", "--wait=120", status=None)
    assert "failed" in node.state("missing").split(), node.state("missing")
    assert "no-such-unit.service not found" in node.run("rueda", "resource", "why", "missing").lower().replace("unit ", "", 1), \
        node.errors
    s.set("ServiceName=missing")
    node.run("rueda", "resource", "online", "missing", "--wait=120")
    s.remove()


@on_node
def an_instance_of_a_template_is_the_one_that_runs(node):
    s = service(node, "many")
    node.write("/etc/systemd/system/many@.service", SERVICE.format(s.program + " %i", s.program))
    node.run("systemctl", "daemon-reload")
    s.set("ServiceName=many@", "StartupParameters=one")
    s.online()
    assert node.active("many@one") == "active" and node.active("many") == "inactive"
    s.remove()
    assert node.active("many@one") == "inactive"


def pair(node):
    """A service and an application that are online, the same ones for all tests that end everything."""
    if not node.pair:
        node.pair = service(node, "unit").online(), application(node, "app").online()
    for r in node.pair:
        node.wait_state(r.name, "online")
    return node.pair


def see_all_started_once_again(node, end, cleanly=True):
    s, a = pair(node)
    runs, stops, terms = [r.runs() for r in (s, a)], s.count("stops"), a.count("terms")
    end()
    node.ready()
    s.wait_again(runs[0])
    a.wait_again(runs[1])
    now = s.count("stops"), a.count("terms")
    assert now == (stops + 1, terms + cleanly), (now, stops, terms, node.journal("-n", "60", "-u", "rueda*"))


@on_node
def after_ruedad_was_killed_all_is_started_once_again(node):
    see_all_started_once_again(node, lambda: os.kill(node.one("rueda.service", "--as-daemon"), 9))


@on_node
def after_priv_was_killed_all_is_started_once_again(node):
    see_all_started_once_again(node, lambda: os.kill(node.one("rueda.service", "--guard="), 9))


@on_node
def after_the_guard_was_killed_all_is_started_once_again(node):
    see_all_started_once_again(node, lambda: os.kill(node.one("rueda-guard.service", "--as-guard"), 9))


@on_node
def after_the_guard_alone_was_told_to_end_all_is_started_once_again(node):
    see_all_started_once_again(node, lambda: node.run("systemctl", "kill", "--kill-whom=main", "--signal=TERM", "rueda-guard"))
    node.wait_journal("told to stop; ending all resources", "-u", "rueda-guard")


@on_node
def after_all_were_killed_at_once_all_is_started_once_again(node):
    def end():
        """All but the programs, which nobody watches then."""
        pids = node.processes("rueda.service") + [
            p for p in node.processes("rueda-guard.service") if node.command(p).startswith("ruedad")]
        for signal in 19, 9:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):  # A look at the resource may have ended.
                    os.kill(pid, signal)

    see_all_started_once_again(node, end, cleanly=False)


@on_node
def a_restart_of_either_unit_stops_and_starts_all(node):
    for unit in ("rueda", "rueda-guard"):
        def restart():
            node.run("systemctl", "restart", unit)

        see_all_started_once_again(node, restart)


@on_node
def a_stop_of_the_unit_ends_all_and_a_start_brings_it_back(node):
    def stop_and_start():
        node.run("systemctl", "stop", "rueda")
        assert node.active("rueda") == "inactive" and node.active("unit") == "inactive" and all(r.is_free() for r in node.pair)
        wait_until(lambda: node.active("rueda-guard") == "inactive", "the guard ends")
        assert node.show("rueda-guard", "Result") == node.show("rueda", "Result") == "success"
        wait_until(lambda: not os.path.exists(f"{node.group}/system.slice/rueda-guard.service"), "its control group goes")
        node.run("systemctl", "start", "rueda")

    see_all_started_once_again(node, stop_and_start)


@on_node
def a_stop_of_the_guard_ends_the_service_first(node):
    def stop_and_start():
        node.run("systemctl", "stop", "rueda-guard")
        assert [node.active(u) for u in ("rueda", "rueda-guard", "unit")] == ["inactive"] * 3
        assert node.show("rueda", "Result") == "success" and all(r.is_free() for r in node.pair)
        node.run("systemctl", "start", "rueda")

    see_all_started_once_again(node, stop_and_start)


@on_node
def nobody_but_the_service_is_served_by_the_guard(node):
    node.run("systemctl", "stop", "rueda", "rueda-guard")
    node.run("python3", "-c", CONNECT, user="65534", status=1)
    assert "PermissionError" in node.errors, node.errors
    os.chmod(node.path("/run/rueda-guard.socket"), 0o666)
    for user, why in (("65534", "uid 65534 has no business here"), (None, "runs another program")):
        assert node.run("python3", "-c", CONNECT, user=user) == "answer b''\n"
        node.wait_journal(why, "-u", "rueda-guard")
    node.run("systemctl", "start", "rueda")
    application(node, "after").online().remove()


@on_node
def backups_go_where_their_callers_may_write(node):
    node.run("mkdir", "/mnt/late")
    for path in ("/tmp/set", "/root/set", "/var/tmp/set", "/etc/set"):
        node.run("rueda", "backup", path)
        assert os.path.exists(node.path(path + "/Clusbackup.dat")), os.listdir(node.path(path))
    node.run("mount", "-t", "tmpfs", "later", "/mnt/late")  # After the service's own view of the mounts was made.
    node.run("rueda", "backup", "/mnt/late/set")
    assert os.path.exists(node.path("/mnt/late/set/Clusbackup.dat"))
    node.run("umount", "/mnt/late")
    assert os.listdir(node.path("/mnt/late")) == []
    node.run("rueda", "restore", "/tmp/set", "--yes")


@on_node
def below_usr_nothing_is_written_unless_a_drop_in_allows_it(node):
    node.run("mount", "-t", "tmpfs", "writable", "/usr/src")
    node.run("systemctl", "restart", "rueda")
    node.run("rueda", "backup", "/usr/src/set", status=1)
    assert "ERROR_WRITE_PROTECT" in node.errors and os.listdir(node.path("/usr/src")) == [], node.errors
    node.write("/etc/systemd/system/rueda.service.d/usr.conf", "[Service]\nProtectSystem=no\n")
    node.run("systemctl", "daemon-reload")
    node.run("systemctl", "restart", "rueda")
    node.run("rueda", "backup", "/usr/src/set")


@on_node
def after_an_upgrade_all_processes_are_of_the_new_program(node):
    node.run("cp", PREFIX + "/sbin/ruedad", "/srv/ruedad")
    node.run("mount", "--bind", "/srv/ruedad", PREFIX + "/sbin/ruedad")
    see_all_started_once_again(node, lambda: node.run("systemctl", "restart", "rueda"))
    new = os.stat(node.path("/srv/ruedad"))

    def all_are_new():
        pids = [p for unit in ("rueda.service", "rueda-guard.service") for p in node.processes(unit) if "ruedad" in node.command(p)]
        try:
            return len(pids) >= 4 and all(os.path.samestat(os.stat(f"/proc/{p}/exe"), new) for p in pids)
        except OSError:  # One that looked at a resource has ended.
            return False

    wait_until(all_are_new, "all processes are of the new program")


@on_node
def ports_below_1024_are_listened_at(node):
    node.run("python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 135)).close()")


@on_node
def files_of_checkpoints_are_taken_and_put_back_as_root(node):
    a = application(node, "kept")
    node.write("/etc/application/settings", "one\n", 0o4750)
    node.run("rueda", "checkpoint", "add", "kept", "--file", "/etc/application/settings")
    a.online()
    node.run("rueda", "resource", "offline", "kept", "--wait=120")
    node.write("/etc/application/settings", "two\n", 0o600)
    a.online()
    assert node.read("/etc/application/settings") == "one\n"
    assert os.stat(node.path("/etc/application/settings")).st_mode & 0o7777 == 0o4750
    saved = node.run("rueda", "checkpoint", "show", "kept", "--file", "/etc/application/settings")
    node.write("/etc/application/settings", "three, and longer\n")  # It is watched, too.
    wait_until(lambda: node.run("rueda", "checkpoint", "show", "kept", "--file", "/etc/application/settings") != saved, "a save")
    a.remove()


@on_node
def keys_of_a_token_are_taken_and_put_back(node):
    def token(*words):
        return node.run("/srv/token-tool", *words).strip()

    booted.need(os.path.exists(SOFTHSM), "there is no SoftHSM")
    node.write("/etc/softhsm/softhsm2.conf", "directories.tokendir = /srv/token\nlog.level = ERROR\n")
    node.write("/root/pin", "7352\n", 0o600)
    node.write("/root/words", "wholly secret words 17\n", 0o600)
    node.run("mkdir", "/srv/token")
    shutil.copy(TOKEN_TOOL, node.path("/srv/token-tool"))
    token("make", "app")
    token("generate", "app", "signing", "1")
    signed = token("sign", "app", "signing")
    node.run("rueda", "cluster", "recovery-key", "set", "--recovery-passphrase-file", "/root/words")
    a = application(node, "signer")
    node.run("rueda", "checkpoint", "add", "signer", "--crypto", "1\\PKCS11\\pkcs11:token=app;object=signing")
    token("remove", "app", "signing")
    a.online()
    assert token("sign", "app", "signing") == signed
    a.remove()


@on_node
def a_reload_reads_the_log_level(node):
    node.run("systemctl", "reload", "rueda")
    node.wait_journal("read the log level again", "-u", "rueda")


@on_node
def a_shutdown_stops_all_and_waits_for_nothing(node):
    def stop_and_start():
        began = time.monotonic()
        node.run("systemctl", "start", "--job-mode=replace-irreversibly", "end.target")
        for unit in ("rueda", "rueda-guard", "unit"):
            assert (node.active(unit), node.show(unit, "Result")) == ("inactive", "success"), unit
        assert all(r.is_free() for r in node.pair) and time.monotonic() - began < 80  # Systemd would wait for 90 and more.
        node.run("systemctl", "start", "rueda")

    node.write("/etc/systemd/system/end.target",
               "[Unit]\nDefaultDependencies=no\nRequires=shutdown.target\nAfter=shutdown.target\n")
    node.run("systemctl", "daemon-reload")
    see_all_started_once_again(node, stop_and_start)


@on_node
def nothing_was_refused_by_the_sandbox(node):
    assert node.active("rueda") == "active"
    for word in ("status=31/SYS", "signal=31", "Operation not permitted", "Address family not supported"):
        assert word not in node.journal(), node.journal()


tap.run(CHOSEN)
