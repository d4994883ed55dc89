#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Resources that do something: their hosts, and what becomes of them when programs, hosts, the guard and ruedad are killed,
stopped and started again.  Prints TAP.

Usage: resources.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import atexit
import ctypes
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import REG_SZ, Cluster, wide  # noqa: E402
from proplist import parse  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
ONLINE, OFFLINE, FAILED, ONLINE_PENDING, OFFLINE_PENDING = 2, 3, 4, 0x81, 0x82
OCF = "/usr/lib/ocf/resource.d/heartbeat"
void = ctypes.c_void_p
# Holds a lock for as long as it lives, with all its processes; tells when it cannot have it: then another one runs.
PROGRAM = """#!/bin/sh
exec 9>"$1/lock"
flock -n 9 || { echo "$$" >>"$1/twice"; exit 9; }
trap "$2" TERM
echo "$$" >>"$1/runs"
while :; do sleep 1000 & wait $!; done
"""


def wait_until(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what() if callable(what) else what} did not happen within {seconds} s"
        time.sleep(0.05)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Place:
    """A directory for a program that can run once only."""
    count = 0

    def __init__(self, on_term="exit 0"):
        Place.count += 1
        self.directory = os.path.join(tap.temporary(), f"p{Place.count}")
        os.mkdir(self.directory)
        os.chmod(self.directory, 0o777)
        program = self.path("program")
        with open(program, "w", encoding="ascii") as f:
            f.write(PROGRAM)
        os.chmod(program, 0o755)
        self.command = f"{program} {self.directory} '{on_term}'"

    def path(self, name):
        return os.path.join(self.directory, name)

    def runs(self):
        """The pids of all that ever ran."""
        try:
            with open(self.path("runs"), encoding="ascii") as f:
                return [int(line) for line in f]
        except FileNotFoundError:
            return []

    def is_free(self):
        return subprocess.run(["flock", "-n", self.path("lock"), "true"], check=False).returncode == 0

    def check_single(self):
        assert not os.path.exists(self.path("twice")), "it was started while it ran"

    def wait_runs(self, count, c):
        wait_until(lambda: len(self.runs()) >= count, lambda: f"run {count} of {self.runs()}\n" + c.log_text()[-3000:])
        self.check_single()
        return self.runs()[-1]


class Node(Cluster):
    """A cluster of one node, with resources."""

    def add(self, name, kind, private, common=None, wanted=True, depends=None, group="Cluster Group"):
        """Write the resource as the API does, and want it online."""
        in_group = group

        def make(api):
            h = api.OpenCluster(None)
            group = api.lib.OpenClusterGroup(void(h), wide(in_group))
            resource = api.lib.CreateClusterResource(void(group), wide(name), wide(kind), 0)
            assert resource, api.last_error()
            key = api.lib.GetClusterResourceKey(void(resource), cluster.KEY_ALL_ACCESS)
            for n, v in (common or {}).items():
                assert api.set_number(key, n, v) == 0
            r, parameters, _ = api.create_key(key, "Parameters")
            assert r == 0, r
            for n, v in private.items():
                r = api.set_number(parameters, n, v) if isinstance(v, int) else api.set_value(parameters, n, REG_SZ, wide(v))
                assert r == 0, (n, r)
            if depends:
                other = api.lib.OpenClusterResource(void(h), wide(depends))
                r, _, data = api.get_value(api.lib.GetClusterResourceKey(void(other), cluster.KEY_ALL_ACCESS), "Name")
                assert r == 0
                for guid in api.enum_keys(api.open_key(api.root(h), "Resources")[1]):
                    one = api.open_key(api.root(h), "Resources\\" + guid)[1]
                    if api.get_value(one, "Name")[2] == data:
                        assert api.set_value(key, "Dependencies", REG_SZ, wide(f"[{guid}]")) == 0
            if wanted:
                assert api.set_number(key, "PersistentState", 1) == 0

        self.run(make)

    def want(self, name, online):
        def write(api):
            resource = api.lib.OpenClusterResource(void(api.OpenCluster(None)), wide(name))
            key = api.lib.GetClusterResourceKey(void(resource), cluster.KEY_ALL_ACCESS)
            assert api.set_number(key, "PersistentState", online) == 0

        self.run(write)

    def wait(self, name, *states, seconds=90):
        """Until the resource is in one of the states."""
        def look(api):
            resource = api.lib.OpenClusterResource(void(api.OpenCluster(None)), wide(name))
            assert resource, api.last_error()
            deadline = time.monotonic() + seconds
            while True:
                state = api.lib.GetClusterResourceState(void(resource), None, None, None, None)
                if state in states:
                    return
                assert time.monotonic() < deadline, f"{name} is in state {state}, and was to be in {states}"
                time.sleep(0.05)

        self.run(look)

    def monitor(self, name):
        """The property MonitorProcessId."""
        read_only, path = 0x1000055, self.path("monitor")

        def ask(api):
            resource = api.lib.OpenClusterResource(void(api.OpenCluster(None)), wide(name))
            out, size = ctypes.create_string_buffer(65536), ctypes.c_uint32()
            r = api.lib.ClusterResourceControl(void(resource), None, read_only, None, 0, out, len(out), ctypes.byref(size))
            assert r == 0, r
            with open(path, "wb") as f:
                f.write(parse(out.raw[:size.value])["MonitorProcessId"][0][1])

        self.run(ask)
        with open(path, "rb") as f:
            return int.from_bytes(f.read(), "little")

    def processes(self, option):
        """The pids of this instance's guard or hosts."""
        found = []
        for path in glob.glob("/proc/[0-9]*/environ"):
            pid = path.split("/")[2]
            try:
                with open(path, "rb") as f, open(f"/proc/{pid}/cmdline", "rb") as g:
                    if f"RUEDA_GUARD={self.path('run')}\0".encode() in f.read() and option.encode() in g.read().split(b"\0"):
                        found.append(int(pid))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                pass
        return found

    def hosts(self):
        return self.processes("--as-host")

    def check_nothing_left(self):
        wait_until(lambda: not self.hosts() and not self.processes("--as-guard"), "the end of hosts and guard")
        assert not [n for n in os.listdir(self.path("run/guard")) if len(n) == 36], "a journal is left"


def node(config=""):
    return Node(RUEDAD, LIBRARY, config)


QUICK = {"RestartDelay": 100, "RestartThreshold": 100, "PendingTimeout": 4000}


@test
def an_application_comes_online_is_started_again_when_it_is_killed_and_stops_when_asked():
    place = Place()
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, QUICK)
        c.wait("app", ONLINE)
        first = place.wait_runs(1, c)
        assert not place.is_free() and c.monitor("app") in c.hosts()
        os.kill(first, signal.SIGKILL)
        second = place.wait_runs(2, c)
        c.wait("app", ONLINE)
        assert "it was ended by signal 9" in c.log_text(), c.log_text()
        c.want("app", 0)
        c.wait("app", OFFLINE)
        assert not is_alive(second) and place.is_free(), "it still runs"
        assert not c.hosts() and c.monitor("app") == 0, c.hosts()
        c.stop()
        c.check_nothing_left()


@test
def what_it_started_in_other_sessions_ends_with_it():
    place = Place()
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": f"/bin/sh -c 'setsid setsid -f {place.path('program')} "
                                             f"{place.directory} : & exec sleep 1000'"}, QUICK)
        c.wait("app", ONLINE)
        pid = place.wait_runs(1, c)
        c.want("app", 0)
        c.wait("app", OFFLINE)
        assert not is_alive(pid) and place.is_free()


@test
def one_that_ignores_the_end_is_killed():
    place = Place(on_term=":")
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, {**QUICK, "PendingTimeout": 1000})
        c.wait("app", ONLINE)
        pid = place.wait_runs(1, c)
        c.want("app", 0)
        c.wait("app", OFFLINE)
        assert not is_alive(pid)


@test
def what_cannot_be_started_fails_and_says_why():
    with node() as c:
        common = {"RestartAction": 0}
        c.add("missing", "Generic Application", {"CommandLine": "/nonexistent/program"}, common)
        c.add("early", "Generic Application", {"CommandLine": "/bin/sh -c 'echo no licence found >&2; exit 3'"}, common)
        c.add("nothing", "Generic Application", {}, common)
        c.add("number", "Generic Application", {"CommandLine": 7}, common)
        c.add("unit", "Generic Service", {"ServiceName": "no such unit"}, common)
        for name in ("missing", "early", "nothing", "number", "unit"):
            c.wait(name, FAILED)
        log = c.log_text()
        for said in ("/nonexistent/program: cannot run it", " with status 3; it printed: no licence found",
                     "CommandLine is not set", "CommandLine is to be a text", "not the name of a unit"):
            assert said in log, (said, log)
        assert not c.hosts()


@test
def a_host_that_is_killed_is_a_failure_and_nothing_is_started_twice():
    place = Place()
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, QUICK)
        c.wait("app", ONLINE)
        for run in range(2, 4):
            place.wait_runs(run - 1, c)
            for pid in c.hosts():
                os.kill(pid, signal.SIGKILL)
            place.wait_runs(run, c)
            c.wait("app", ONLINE)
        place.check_single()


@test
def a_host_that_stands_still_is_killed_after_its_deadlock_time_out():
    place = Place()
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, {**QUICK, "DeadlockTimeout": 1000})
        c.wait("app", ONLINE)
        place.wait_runs(1, c)
        for pid in c.hosts():
            os.kill(pid, signal.SIGSTOP)
        place.wait_runs(2, c)
        c.wait("app", ONLINE)
        assert "has not answered for DeadlockTimeout, killing it" in c.log_text()


@test
def a_host_that_stands_still_is_waited_for_if_it_is_embedded_failure_action_1():
    place = Place()
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command},
              {**QUICK, "DeadlockTimeout": 1000, "EmbeddedFailureAction": 1})
        c.wait("app", ONLINE)
        run, hosts = place.wait_runs(1, c), c.hosts()
        for pid in hosts:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: "EmbeddedFailureAction says to wait" in c.log_text(), "the warning")
        for pid in hosts:
            os.kill(pid, signal.SIGCONT)
        c.want("app", 0)
        c.wait("app", OFFLINE)
        assert place.runs() == [run] and not is_alive(run)
        assert "killing it" not in c.log_text()


@test
def an_application_runs_as_its_user_and_knows_its_network_name():
    tap.need_root()
    said = os.path.join(tap.temporary(), "said")
    os.mkdir(said)
    os.chmod(said, 0o777)
    tell = f"/bin/sh -c '(id -un; id -Gn; echo $_CLUSTER_NETWORK_NAME_; echo $HOME) >{said}/$RUEDA_RESOURCE.new; " \
           f"mv {said}/$RUEDA_RESOURCE.new {said}/$RUEDA_RESOURCE; exec sleep 1000'"

    def lines(name):
        path = os.path.join(said, name)
        wait_until(lambda: os.path.exists(path), path)
        with open(path, encoding="ascii") as f:
            return f.read().splitlines()[:3]

    with node() as c:
        c.add("name", "Network Name", {"Name": "WEB"}, QUICK)
        c.add("user", "Generic Application", {"CommandLine": tell, "RunAs": "daemon"}, QUICK)
        c.add("named", "Generic Application", {"CommandLine": tell, "UseNetworkName": 1}, QUICK, depends="name")
        c.add("unnamed", "Generic Application", {"CommandLine": tell}, QUICK, depends="name")
        c.add("nobody", "Generic Application", {"CommandLine": tell, "RunAs": "no such user"}, {"RestartAction": 0})
        for name in ("user", "named", "unnamed"):
            c.wait(name, ONLINE)
        assert lines("user") == ["daemon", "daemon", ""], lines("user")
        assert lines("named") == ["root", "root", "WEB"], lines("named")
        assert lines("unnamed")[2] == ""
        c.wait("nobody", FAILED)
        assert "no such user" in c.log_text()
        c.want("user", 0)  # What another user runs is ended as well.
        c.wait("user", OFFLINE)


@test
def a_stop_of_the_service_stops_all_and_the_next_start_starts_it_again():
    place, other = Place(), Place()
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, QUICK)
        c.add("other", "Generic Application", {"CommandLine": other.command}, QUICK)
        for run in (1, 2):
            c.wait("app", ONLINE)
            c.wait("other", ONLINE)
            pids = [place.wait_runs(run, c), other.wait_runs(run, c)]
            c.stop()
            assert not any(is_alive(pid) for pid in pids) and place.is_free() and other.is_free()
            c.check_nothing_left()
            c.start()
        c.wait("app", ONLINE)


@test
def after_a_restart_groups_start_by_priority_and_those_without_when_asked():
    place = tap.temporary()
    script = os.path.join(place, "script")
    with open(script, "w", encoding="ascii") as f:
        f.write(f"""#!/bin/sh
[ "$1" = start ] || exit 0
echo "begin $RUEDA_RESOURCE" >>{place}/order
[ "$RUEDA_RESOURCE" != high ] || sleep 1
echo "end $RUEDA_RESOURCE" >>{place}/order
""")
    os.chmod(script, 0o755)
    os.chmod(place, 0o777)

    def make_groups(api):
        h = api.OpenCluster(None)
        for name, priority in (("Never", 0), ("Low", 1000), ("High", 3000)):
            group = api.lib.CreateClusterGroup(void(h), wide(name))
            assert group, api.last_error()
            assert api.set_number(api.lib.GetClusterGroupKey(void(group), cluster.KEY_ALL_ACCESS), "Priority", priority) == 0

    def ask(api):
        group = api.lib.OpenClusterGroup(void(api.OpenCluster(None)), wide("Never"))
        assert api.lib.OnlineClusterGroup(void(group), None) in (0, 997)

    def order():
        with open(place + "/order", encoding="ascii") as f:
            return f.read().splitlines()

    with node() as c:
        c.run(make_groups)
        for name in ("never", "low", "high"):
            c.add(name, "Generic Script", {"ScriptFilepath": script}, {"LooksAlivePollInterval": 0, "IsAlivePollInterval": 0},
                  group=name.capitalize())
        c.run(ask)
        for name in ("high", "low", "never"):
            c.wait(name, ONLINE)
        for stop in (c.stop, c.kill):
            stop()
            os.unlink(place + "/order")
            c.start()
            c.wait("low", ONLINE)
            c.wait("never", OFFLINE)
            assert order() == ["begin high", "end high", "begin low", "end low"], order()
            c.run(ask)
            c.wait("never", ONLINE)
        c.stop()


@test
def dependents_are_stopped_before_what_they_need():
    first = tap.temporary()
    script = os.path.join(first, "script")
    with open(script, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\necho \"$1 $RUEDA_RESOURCE\" >>{first}/order\n")
    os.chmod(script, 0o755)
    with node() as c:
        c.add("below", "Generic Script", {"ScriptFilepath": script}, {"LooksAlivePollInterval": 0, "IsAlivePollInterval": 0})
        c.wait("below", ONLINE)
        c.add("above", "Generic Script", {"ScriptFilepath": script}, {"LooksAlivePollInterval": 0, "IsAlivePollInterval": 0},
              depends="below")
        c.wait("above", ONLINE)
        c.stop()
        with open(first + "/order", encoding="ascii") as f:
            order = f.read().splitlines()
        assert order[-2:] == ["stop above", "stop below"], order


@test
def after_ruedad_was_killed_exactly_one_instance_runs():
    place = Place()
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, QUICK)
        for run in (1, 2, 3):
            c.wait("app", ONLINE)
            pid = place.wait_runs(run, c)
            os.kill(c.service_pid(), signal.SIGKILL)
            if run == 1:
                c.process.wait(60)  # The first process waits for the guard.
                assert not is_alive(pid)
            c.start()  # At once: the guard of the killed one may still be at work.
        c.wait("app", ONLINE)
        place.wait_runs(4, c)


@test
def a_program_that_ignores_its_end_is_gone_before_it_is_started_again():
    place = Place(on_term=":")
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, QUICK)
        c.wait("app", ONLINE)
        first = place.wait_runs(1, c)
        os.kill(c.service_pid(), signal.SIGKILL)
        c.start()
        place.wait_runs(2, c)
        c.wait("app", ONLINE)
        assert not is_alive(first)


@test
def after_all_processes_were_killed_at_once_what_they_left_is_ended_first():
    place = Place(on_term=":")
    with node() as c:
        c.add("app", "Generic Application", {"CommandLine": place.command}, QUICK)
        c.wait("app", ONLINE)
        place.wait_runs(1, c)
        ours = [c.process.pid, c.service_pid()] + c.processes("--as-guard") + c.hosts()
        for pid in ours:
            os.kill(pid, signal.SIGSTOP)  # None of them sees another one die.
        for pid in ours:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in ours if pid != c.process.pid), "their death")
        c.process.wait(60)
        assert not place.is_free(), "the program has died with them: this proves nothing"
        c.start()
        place.wait_runs(2, c)
        c.wait("app", ONLINE)


@test
def twenty_applications_at_once():
    places = [Place() for _ in range(20)]
    with node() as c:
        for i, place in enumerate(places):
            c.add(f"app{i}", "Generic Application", {"CommandLine": place.command}, QUICK)
        for i, place in enumerate(places):
            c.wait(f"app{i}", ONLINE)
            os.kill(place.wait_runs(1, c), signal.SIGKILL)
        for i, place in enumerate(places):
            place.wait_runs(2, c)
            c.wait(f"app{i}", ONLINE)
        c.stop()
        assert all(place.is_free() for place in places)
        c.check_nothing_left()


def need_ocf():
    if not os.path.exists(OCF + "/Dummy"):
        raise tap.Skip("the package resource-agents is not installed")
    tap.need_root()


@test
def an_ocf_agent_runs_unchanged_and_its_failures_are_told():
    need_ocf()
    state = os.path.join(tap.temporary(), "dummy")
    with node() as c:
        c.add("dummy", "Generic Script", {"ScriptFilepath": OCF + "/Dummy", "state": state},
              {**QUICK, "PendingTimeout": 20000, "LooksAlivePollInterval": 300})
        c.wait("dummy", ONLINE)
        assert os.path.exists(state)
        os.unlink(state)  # The monitor sees that it does not run, and it is started again.
        wait_until(lambda: os.path.exists(state), "the restart")
        c.wait("dummy", ONLINE)
        assert "monitor: it is not running (status 7)" in c.log_text(), c.log_text()
        c.want("dummy", 0)
        c.wait("dummy", OFFLINE)
        assert not os.path.exists(state)
        c.add("bad", "Generic Script", {"ScriptFilepath": OCF + "/Filesystem"}, {"RestartAction": 0, "PendingTimeout": 20000})
        c.wait("bad", FAILED)
        assert "validate-all: " in c.log_text(), c.log_text()


@test
def intervals_and_time_outs_that_change_reach_what_runs():
    script = os.path.join(tap.temporary(), "counting")
    with open(script, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\n[ $1 = status ] && echo look >>{script}.looks\n[ $1 = stop ] || [ ! -e {script}.hang ] || sleep 1000\nexit 0\n")
    os.chmod(script, 0o755)

    def looks():
        return len(open(script + ".looks", encoding="ascii").readlines()) if os.path.exists(script + ".looks") else 0

    def set_numbers(**numbers):
        def write(api):
            resource = api.lib.OpenClusterResource(void(api.OpenCluster(None)), wide("counting"))
            key = api.lib.GetClusterResourceKey(void(resource), cluster.KEY_ALL_ACCESS)
            for name, value in numbers.items():
                assert api.set_number(key, name, value) == 0

        c.run(write)

    with node() as c:
        c.add("counting", "Generic Script", {"ScriptFilepath": script},
              {"LooksAlivePollInterval": 0, "IsAlivePollInterval": 0, "RestartAction": 0})
        c.wait("counting", ONLINE)
        hosts = c.hosts()
        time.sleep(0.5)
        assert looks() == 0
        set_numbers(LooksAlivePollInterval=100)
        wait_until(lambda: looks() >= 5, "looks after the interval was set")
        set_numbers(LooksAlivePollInterval=0)
        time.sleep(0.5)
        before = looks()
        time.sleep(0.5)
        assert looks() == before and c.hosts() == hosts  # Nothing was started again for it.
        open(script + ".hang", "w", encoding="ascii").close()
        set_numbers(IsAlivePollInterval=100, DeadlockTimeout=500, PendingTimeout=1000)
        c.wait("counting", FAILED, seconds=90)
        os.unlink(script + ".hang")


@test
def one_that_does_not_come_online_in_time_fails_and_says_so():
    script = os.path.join(tap.temporary(), "script")
    with open(script, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n[ $1 != start ] || sleep 1000\n")
    os.chmod(script, 0o755)
    with node() as c:
        c.add("slow", "Generic Script", {"ScriptFilepath": script}, {"RestartAction": 0, "PendingTimeout": 500})
        c.wait("slow", FAILED)
        assert "it did not come online within its PendingTimeout" in c.log_text(), c.log_text()


@test
def a_script_whose_stop_hangs_is_killed_and_asked_whether_it_runs():
    directory = tap.temporary()
    script = os.path.join(directory, "script")
    with open(script, "w", encoding="ascii") as f:
        f.write(f"""#!/bin/sh
case $1 in
start) touch {directory}/up ;;
stop) rm -f {directory}/up; [ -e {directory}/stuck ] && touch {directory}/up; sleep 1000 ;;
status) [ -e {directory}/up ] || exit 3 ;;
esac
""")
    os.chmod(script, 0o755)
    with node() as c:
        c.add("script", "Generic Script", {"ScriptFilepath": script}, {**QUICK, "PendingTimeout": 1000, "RestartAction": 0})
        c.wait("script", ONLINE)
        c.want("script", 0)
        c.wait("script", OFFLINE)
        with open(directory + "/stuck", "w", encoding="ascii"):
            pass
        c.want("script", 1)
        c.wait("script", ONLINE)
        c.want("script", 0)
        c.wait("script", FAILED, seconds=90)
        assert "could not be stopped" in c.log_text()
        os.unlink(directory + "/stuck")


class Link:
    """Two network namespaces with a link between them: ours, and that of another machine."""

    def __init__(self):
        tap.need_root()
        self.name = f"rueda-{os.getpid()}"
        for name in (self.name, self.name + "-other"):
            done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise tap.Skip("no network namespaces here: " + done.stderr.strip())
            atexit.register(subprocess.run, ["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "add", "one", "type", "veth", "peer", "name", "two", "netns", self.name + "-other")
        self.ip("link", "set", "one", "up")
        self.ip("addr", "add", "192.0.2.1/24", "dev", "one")
        self.ip("link", "set", "two", "up", namespace=self.name + "-other")
        self.ip("addr", "add", "192.0.2.77/24", "dev", "two", namespace=self.name + "-other")

    def ip(self, *words, namespace=None):
        return subprocess.run(["ip", "-n", namespace or self.name, *words], capture_output=True, text=True, check=True).stdout

    def has(self, address):
        return f" {address}/" in self.ip("addr", "show", "dev", "one")

    def program(self):
        """ruedad within the namespace."""
        path = os.path.join(tap.temporary(), "ruedad")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\nexec nsenter --net=/run/netns/{self.name} {RUEDAD} \"$@\"\n")
        os.chmod(path, 0o755)
        return path


@test
def addresses_come_and_go_and_do_not_outlive_killed_processes():
    link = Link()
    with Node(link.program(), LIBRARY) as c:
        c.add("v4", "IP Address", {"Address": "192.0.2.9", "SubnetMask": "255.255.255.0", "ProbeMilliseconds": 100}, QUICK)
        c.add("v6", "IPv6 Address", {"Address": "2001:db8::9", "PrefixLength": 64, "Network": "one"},
              {**QUICK, "PendingTimeout": 10000})
        c.add("none", "IP Address", {"Address": "198.51.100.9", "SubnetMask": "255.255.255.0"}, {"RestartAction": 0})
        c.add("own", "IP Address", {"Address": "192.0.2.1", "SubnetMask": "255.255.255.0"}, {"RestartAction": 0})
        c.add("taken", "IP Address", {"Address": "192.0.2.77", "SubnetMask": "255.255.255.0"}, {"RestartAction": 0})
        for name, state in (("v4", ONLINE), ("v6", ONLINE), ("none", FAILED), ("own", FAILED), ("taken", FAILED)):
            c.wait(name, state)
        assert link.has("192.0.2.9") and link.has("2001:db8::9") and link.has("192.0.2.1"), link.ip("addr")
        assert "no interface has an address in the same subnet" in c.log_text()
        assert "this node has the address already, on one" in c.log_text()
        assert "another machine on one has the address" in c.log_text() and not link.has("192.0.2.77")
        for pid in c.hosts():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: c.log_text().count("online resource=\"v4\"") == 2, "the restart")
        c.wait("v4", ONLINE)
        c.wait("v6", ONLINE)
        c.stop()
        assert not link.has("192.0.2.9") and not link.has("2001:db8::9") and link.has("192.0.2.1"), link.ip("addr")


@test
def a_file_system_is_mounted_and_one_in_use_is_not_said_to_be_stopped():
    tap.need_root()
    directory = tap.temporary()
    image, point = directory + "/image", directory + "/a point"
    os.mkdir(point)
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    if shutil.which("mkfs.ext4", path=os.environ["PATH"] + ":/sbin:/usr/sbin") is None:
        raise tap.Skip("there is no mkfs.ext4")
    subprocess.run(["mkfs.ext4", "-q", image], check=True, env={"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"})
    if subprocess.run(["mount", "-o", "loop", image, point], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        raise tap.Skip("no mounts here")
    subprocess.run(["umount", point], check=True)
    atexit.register(subprocess.run, ["umount", "-q", point], check=False)
    with node() as c:
        c.add("disk", "Physical Disk", {"Device": image, "MountPoint": point, "FileSystem": "ext4", "Options": "loop"},
              {**QUICK, "PendingTimeout": 2000, "LooksAlivePollInterval": 300})
        c.wait("disk", ONLINE)
        assert os.path.ismount(point)
        subprocess.run(["umount", point], check=True)  # A poll sees it.
        wait_until(lambda: c.log_text().count('online resource="disk"') == 2, "the restart")
        for pid in c.hosts():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: c.log_text().count('online resource="disk"') == 3, "the restart")
        c.wait("disk", ONLINE)
        assert os.path.ismount(point)
        user = subprocess.Popen(["sleep", "1000"], cwd=point)
        try:
            c.want("disk", 0)
            c.wait("disk", FAILED, seconds=90)
            assert os.path.ismount(point)
            assert f"cannot be unmounted: process {user.pid} uses it" in c.log_text(), c.log_text()
        finally:
            user.kill()
            user.wait()
        c.stop()  # It is tried once more.
        c.check_nothing_left()
        assert not os.path.ismount(point)


tap.run(CHOSEN, jobs=6)  # They wait more than they work.
