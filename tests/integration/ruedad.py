#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ruedad as a program: its options, its two processes, its directories, and how it starts and ends.  Prints TAP.

Usage: ruedad.py RUEDAD SOURCE_ROOT [part of a test's name...]
Run by root, the service runs as nobody; run by others, both processes are theirs."""
import atexit
import contextlib
import fcntl
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import test  # noqa: E402

SOURCE = sys.argv[2]
HOME = tap.temporary()
# A copy, since another user may not be able to enter the directory of the build.
RUEDAD = shutil.copy(sys.argv[1], os.path.join(HOME, "ruedad"))
NOBODY = pwd.getpwnam("nobody")
IS_ROOT = os.geteuid() == 0
SERVICE_UID = NOBODY.pw_uid if IS_ROOT else os.geteuid()
instances = 0
started = []


def processes():
    """The pids of those of our own copy of the program."""
    found = []
    for path in glob.glob("/proc/[0-9]*/exe"):
        with contextlib.suppress(OSError):
            if os.readlink(path) == RUEDAD:
                found.append(int(path.split("/")[2]))
    return found


@atexit.register
def kill_what_is_left():
    """A failed test leaves processes behind, and they could write into what is being removed."""
    deadline = time.monotonic() + 20
    while (left := processes()) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in started:
            process.poll()
        time.sleep(0.02)


def wait_until(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def is_alive(pid):
    try:
        return not status_of(pid)["State"].startswith(("Z", "X"))
    except (FileNotFoundError, ProcessLookupError):
        return False


class Instance:
    """A private instance; start() runs it."""

    def __init__(self, config="", user=None):
        global instances
        instances += 1
        self.directory = os.path.join(HOME, f"i{instances}")
        os.mkdir(self.directory, 0o755)
        self.user = user
        if user is not None:
            os.chown(self.directory, user, user)
        elif IS_ROOT:
            config = "[service]\nuser = nobody\n" + config
        self.write_config(config)
        self.log = ""
        self.process = None

    def write_config(self, text):
        with open(self.path("rueda.conf"), "w", encoding="utf-8") as f:
            f.write(text)

    def path(self, name):
        return os.path.join(self.directory, name)

    def popen(self, *arguments, **environment):
        def become():
            if self.user is not None:
                os.setgroups([])
                os.setgid(self.user)
                os.setuid(self.user)

        self.log_file = open(self.path("log"), "w+b")
        started.append(subprocess.Popen([RUEDAD, *arguments], env={"RUEDA_DIR": self.directory, **environment}, cwd=HOME,
                                        stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file,
                                        preexec_fn=become, start_new_session=True))
        return started[-1]

    def read_log(self):
        self.log_file.seek(0)
        return self.log_file.read().decode()

    def start(self, **environment):
        self.process = self.popen(**environment)
        wait_until(lambda: " ready " in self.read_log() or self.process.poll() is not None, "the start")
        assert self.process.poll() is None, self.read_log()
        self.service = self.child()
        return self

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return [int(pid) for pid in f.read().split()]

    def child(self):
        children = self.children()
        assert len(children) == 2, children  # The other one is the guard.
        return children[0]

    def waits_for(self, name):
        """Whether one of its processes has that file open."""
        links = [link for pid in self.children() for link in glob.glob(f"/proc/{pid}/fd/*")]
        with contextlib.suppress(OSError):  # A process that comes or goes.
            return self.path(name) in map(os.readlink, links)
        return False

    def run(self, *arguments, **environment):
        """To its end; returns its status and what it printed."""
        status = self.popen(*arguments, **environment).wait(timeout=90)
        return status, self.read_log()

    def wait(self):
        return self.process.wait(timeout=90)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()


def run(*arguments, **environment):
    done = subprocess.run([RUEDAD, *arguments], env=environment, cwd=HOME, capture_output=True, text=True, timeout=90)
    return done.returncode, done.stdout, done.stderr


@test
def version_and_help_are_printed_and_what_is_unknown_is_refused():
    status, out, _ = run("--version")
    assert status == 0 and re.fullmatch(r"ruedad \d+\.\d+\.\d+\n", out), out
    status, out, _ = run("--help")
    assert status == 0 and out.startswith("Usage: ruedad"), out
    for arguments in (["--nonsense"], ["argument"], ["--check", "more"]):
        status, out, err = run(*arguments)
        assert status == 2 and "--help" in err and out == "", (arguments, status, err)


@test
def each_option_in_help_is_in_the_manual_and_back():
    _, out, _ = run("--help")
    offered = set(re.findall(r"--([a-z-]+)", out))
    with open(os.path.join(SOURCE, "docs", "man", "ruedad.8"), encoding="utf-8") as f:
        described = set(re.findall(r"^\.It Fl .(?: Ar \w+)? , Fl -([a-z-]+)(?: Ns = Ns Ar \w+)?$", f.read(), re.M))
    assert offered and offered == described, (offered, described)


@test
def check_prints_what_is_in_force_and_can_be_read_back():
    i = Instance("[node]\nname = one\n[unc]\n//ClusBack/19991215 = /some/dir\n")
    status, out = i.run("--check")
    assert status == 0, out
    assert "name = one\n" in out and "//ClusBack/19991215 = /some/dir\n" in out and "handles = 65536\n" in out, out
    j = Instance()
    j.write_config(out)
    status, again = j.run("--check")
    strip = lambda text: [line for line in text.splitlines() if not line.startswith("#")]
    assert status == 0 and strip(again) == strip(out), again
    assert not os.path.exists(j.path("state")), "a check makes nothing"


@test
def a_configuration_with_mistakes_is_told_whole_and_not_used():
    i = Instance("[limits]\nhadles = 3\nconnections = 0\n")
    for arguments in (["--check"], []):
        status, out = i.run(*arguments)
        assert status == 1, out
        assert "unknown key 'hadles' in [limits]; did you mean 'handles'?" in out, out
        assert "connections must be a number from 1" in out, out
    assert not os.path.exists(i.path("state"))


@test
def it_starts_tells_that_it_is_ready_and_stops_cleanly():
    for name in (os.path.join(HOME, "notify.sock"), f"\0rueda-test-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name)
            os.path.exists(name) and os.chmod(name, 0o777)
            manager.settimeout(90)
            i = Instance("[node]\nname = one\n").start(NOTIFY_SOCKET=name.replace("\0", "@"))
            told = manager.recv(1000).decode()
            assert told == "READY=1\nSTATUS=node one is up", told
            assert i.stop() == 0, i.read_log()
            assert manager.recv(1000).decode().startswith("STOPPING=1"), "it stops and says so"
    log = i.read_log()
    assert re.search(r"^\d{4}-\d\d-\d\d [\d:.]+ ruedad: notice: ready node=one state=\S+ run=\S+ pid=\d+$", log, re.M), log
    assert "stopped status=0" in log and "error" not in log, log


@test
def the_directories_are_made_with_their_modes():
    i = Instance().start()
    for name, mode, uid in (("state", 0o700, SERVICE_UID), ("run", 0o755, SERVICE_UID), ("drives", 0o755, os.geteuid())):
        st = os.stat(i.path(name))
        assert stat.S_IMODE(st.st_mode) == mode and st.st_uid == uid, (name, oct(st.st_mode), st.st_uid)
    assert i.stop() == 0


@test
def a_state_directory_that_is_open_to_others_is_closed():
    i = Instance()
    os.mkdir(i.path("state"))
    os.chmod(i.path("state"), 0o755)
    os.chown(i.path("state"), SERVICE_UID, -1)
    i.start()
    assert stat.S_IMODE(os.stat(i.path("state")).st_mode) == 0o700
    assert "was open to other users" in i.read_log()
    assert i.stop() == 0


@test
def a_state_directory_of_somebody_else_is_refused():
    tap.need_root()
    i = Instance()
    os.mkdir(i.path("state"), 0o700)
    status, log = i.run()
    assert status == 1 and "belongs to uid 0, but ruedad runs as uid" in log and "chown -R" in log, log
    assert os.stat(i.path("state")).st_uid == 0


@test
def the_service_has_no_rights_and_priv_few():
    tap.need_root()
    i = Instance().start()
    s = status_of(i.service)
    assert s["Uid"].split() == [str(NOBODY.pw_uid)] * 4 and s["Gid"].split() == [str(NOBODY.pw_gid)] * 4, s
    assert s["Groups"].split() == [str(NOBODY.pw_gid)], s["Groups"]
    for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(s[caps], 16) == 0, (caps, s[caps])
    assert s["NoNewPrivs"] == "1" and s["Name"] == "ruedad"
    p = status_of(i.process.pid)
    kept = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7  # DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID
    for caps in ("CapPrm", "CapEff", "CapBnd"):
        assert int(p[caps], 16) & ~kept == 0, (caps, p[caps])
    assert p["NoNewPrivs"] == "1"
    assert i.stop() == 0


@test
def root_and_unknown_users_do_not_run_the_service():
    tap.need_root()
    for user, told in (("root", "is root"), ("no-such-user", "does not exist")):
        i = Instance()
        i.write_config(f"[service]\nuser = {user}\n")
        status, log = i.run()
        assert status == 1 and told in log and "[service]" in log, log


@test
def without_root_both_processes_are_the_users():
    tap.need_root()
    i = Instance(user=NOBODY.pw_uid).start()
    for pid in (i.process.pid, i.service):
        assert status_of(pid)["Uid"].split() == [str(NOBODY.pw_uid)] * 4
    assert i.stop() == 0


def tunables_of(pid):
    """One by one: glibc may have put zeros in place of the colons."""
    with open(f"/proc/{pid}/environ", "rb") as f:
        return re.findall(r"glibc\.[a-z._]+=\w+", f.read().decode())


@test
def the_service_asks_for_huge_pages_on_all_threads_unless_the_administrator_has_tuned():
    i = Instance().start()
    assert tunables_of(i.service) == ["glibc.malloc.hugetlb=1", "glibc.malloc.arena_max=1"]
    assert i.stop() == 0
    i.start(GLIBC_TUNABLES="glibc.malloc.check=0")
    assert tunables_of(i.service) == ["glibc.malloc.check=0"]
    assert i.stop() == 0


@test
def a_second_one_in_the_same_directory_is_told_who_is_there():
    i = Instance().start()
    j = Instance()
    j.directory = i.directory
    j.log_file = None
    status, log = Instance.run(j)
    assert status == 1 and f"another ruedad runs on {i.path('state')} pid={i.process.pid}" in log, log
    assert i.process.poll() is None
    assert i.stop() == 0
    status = i.start().stop()
    assert status == 0


@test
def who_starts_while_another_one_is_just_ending_waits_for_it():
    i = Instance().start()
    assert i.stop() == 0
    with open(i.path("state/ruedad.lock"), "r+", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # As one who has closed his socket already.
        i.process = i.popen()
        wait_until(lambda: i.process.poll() is not None or i.waits_for("state/ruedad.lock"), "the attempt")
        assert i.process.poll() is None, i.read_log()
    wait_until(lambda: " ready " in i.read_log() or i.process.poll() is not None, "the start")
    assert i.process.poll() is None, i.read_log()
    assert i.stop() == 0
    with open(i.path("state/ruedad.lock"), "r+", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert i.popen().wait(90) == 1 and "another ruedad runs" in i.read_log(), i.read_log()  # But not for ever.


@test
def instances_run_side_by_side():
    several = [Instance().start() for _ in range(3)]
    assert len({i.service for i in several}) == 3
    for i in several:
        assert i.stop() == 0


@test
def when_priv_is_killed_the_service_ends():
    i = Instance().start()
    os.kill(i.process.pid, signal.SIGKILL)
    assert i.wait() == -signal.SIGKILL
    wait_until(lambda: not is_alive(i.service), "the end of the service")
    assert i.start().stop() == 0  # And nothing is left locked.


@test
def when_the_service_is_killed_priv_ends_with_its_status():
    i = Instance().start()
    os.kill(i.service, signal.SIGKILL)
    assert i.wait() == 128 + signal.SIGKILL, i.read_log()
    i.start()
    os.kill(i.service, signal.SIGTERM)
    assert i.wait() == 0, i.read_log()


@test
def an_interrupt_from_the_terminal_stops_it_cleanly():
    i = Instance().start()
    assert os.getpgid(i.service) == i.service, "it would be interrupted twice"
    os.killpg(i.process.pid, signal.SIGINT)  # As ^C does: to the group in the foreground.
    assert i.wait() == 0, i.read_log()
    assert "at once" not in i.read_log()


@test
def a_hangup_reads_the_log_level_again():
    i = Instance().start()
    with open(i.path("rueda.conf"), encoding="utf-8") as f:
        config = f.read()
    i.write_config(config + "[node]\nnam = x\n")
    i.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "nothing is changed" in i.read_log(), "the complaint")
    i.write_config("[service]\nlog_level = error\n")
    i.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert i.stop() == 0
    assert " notice: stopped" not in i.read_log(), "the level is error now"


@test
def a_crash_leaves_the_trace_behind_and_old_ones_go():
    i = Instance().start()
    state = i.path("state")
    assert i.stop() == 0
    for n in range(20):
        open(os.path.join(state, f"crash-20000101T0000{n:02}Z-1.txt"), "w", encoding="ascii").close()
    i.start()
    os.kill(i.service, signal.SIGSEGV)
    assert i.wait() == 128 + signal.SIGSEGV
    files = sorted(glob.glob(os.path.join(state, "crash-*.txt")))
    assert len(files) == 10, files
    with open(files[-1], encoding="utf-8", errors="replace") as f:
        text = f.read()
    assert re.match(r"ruedad \S+, pid \d+, started \S+\nsignal 11\n", text), text
    assert re.search(r"^\d+\.\d{6} ready$", text, re.M), text
    assert stat.S_IMODE(os.stat(files[-1]).st_mode) == 0o600
    assert files[-1] in i.read_log()


@test
def in_the_background_it_returns_when_it_is_ready():
    i = Instance()
    status, out = i.run("--daemon")
    assert status == 0 and out == "", out
    with open(i.path("state/ruedad.lock"), encoding="ascii") as f:
        pid = int(f.read())
    try:
        assert is_alive(pid)
        with open(i.path("state/ruedad.log"), encoding="utf-8") as f:
            assert " ready " in f.read()
        st = os.stat(i.path("state/ruedad.log"))
        assert st.st_uid == SERVICE_UID and stat.S_IMODE(st.st_mode) == 0o600
        status, out = i.run("--daemon")  # A second one.
        assert status == 1 and "did not start" in out, out
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), "the end of the daemon")


@test
def rueda_dir_may_be_relative_but_not_empty():
    i = Instance()
    i.process = i.popen(RUEDA_DIR=os.path.relpath(i.directory, HOME))
    wait_until(lambda: " ready " in i.read_log(), "the start")
    assert f"state={i.directory}/state" in i.read_log(), i.read_log()
    assert i.stop() == 0
    status, _, err = run(RUEDA_DIR="")
    assert status == 1 and "RUEDA_DIR is set to nothing" in err, err


@test
def rueda_dir_is_made_if_only_its_last_component_is_missing():
    i = Instance(user=NOBODY.pw_uid if IS_ROOT else None)
    assert i.start(RUEDA_DIR=i.path("new")).stop() == 0
    assert os.path.isdir(i.path("new/state"))
    status, log = i.run(RUEDA_DIR=i.path("missing/new"))
    assert status == 1 and "cannot make the directory" in log, log


@test
def a_run_directory_that_is_too_long_for_a_socket_is_refused():
    i = Instance("[service]\nrun_directory = /" + "x" * 90 + "\n" if not IS_ROOT else "run_directory = /" + "x" * 90 + "\n")
    status, log = i.run()
    assert status == 1 and "the run directory is longer than 80 bytes" in log, log


tap.run(sys.argv[3:])
