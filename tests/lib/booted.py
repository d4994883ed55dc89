# SPDX-License-Identifier: Apache-2.0
"""booted: a machine of its own that a real systemd has booted, with what is built installed, for tests in Python.

    m = booted.Machine(build, prefix)          # or Skip, with the reason
    m.run("systemctl", "start", "rueda")
    open(m.path("/etc/x"))                     # its files, from outside

It has namespaces of all kinds and a control group, and a root in memory: see boot-systemd.  It ends with the test, and then there
is nothing of it left."""
import atexit
import os
import shutil
import signal
import subprocess
import sys
import time

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "rueda-machine-"  # Of control groups.
# Of systemd's own units; all others are missing.
UNITS = """basic.target sysinit.target sockets.target shutdown.target umount.target final.target multi-user.target local-fs.target
    local-fs-pre.target network.target remote-fs.target nss-user-lookup.target paths.target timers.target slices.target
    systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket""".split()
# The machine ends with us, however that happens: the first is killed, and kills the second, the init of all others.
NAMESPACES = """setpriv --pdeathsig KILL unshare --mount --propagation private --uts --ipc --net --cgroup --pid --fork
    --kill-child""".split()


def need(condition, why):
    if not condition:
        raise tap.Skip(why)


def find_cgroups():
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            if " - cgroup2 " in line:
                return line.split()[4]
    raise tap.Skip("there are no control groups of version 2")


def remove_group(group):
    """If nobody is in it any more; groups are left a moment after their last process."""
    for directory, _, _ in os.walk(group, topdown=False):
        os.rmdir(directory)


def remove_forgotten(groups):
    """Of tests that were killed."""
    for name in os.listdir(groups):
        if name.startswith(NAME) and not os.path.exists("/proc/" + name[len(NAME):]):
            try:
                remove_group(os.path.join(groups, name))
            except OSError:
                pass


class Machine:
    def __init__(self, build, prefix):
        tap.need_root()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        need(prefix == "/usr" or prefix.startswith("/usr/"), f"it would be installed in {prefix}, which is not below /usr")
        need(os.path.islink("/lib"), "/lib is not in /usr")
        for program in ("/usr/lib/systemd/systemd", "meson", "unshare", "nsenter", "setpriv", "pivot_root", "ip"):
            need(shutil.which(program), f"there is no {program}")
        self.directory, self.init, self.process, self.group = tap.temporary(), None, None, None
        installed = os.path.join(self.directory, "installed")
        subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", build, "--destdir", installed], check=True,
                       capture_output=True, timeout=300)
        os.mkdir(os.path.join(self.directory, "root"))
        groups = find_cgroups()
        group = os.path.join(groups, f"{NAME}{os.getpid()}")
        remove_forgotten(groups)
        try:
            os.mkdir(group)
        except OSError as e:
            raise tap.Skip(f"no control group can be made: {e}")
        self.group, owner = group, os.getpid()
        atexit.register(lambda: self.end() if os.getpid() == owner else None)
        self.boot(installed)

    def boot(self, installed):
        with open(os.path.join(self.directory, "console"), "wb") as console:
            self.process = subprocess.Popen(
                ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.group, *NAMESPACES, os.path.join(HERE, "boot-systemd"),
                 os.path.join(self.directory, "root"), installed, *UNITS], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        deadline, state = time.monotonic() + 120, ""
        while state != "running":
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.directory, "console"), encoding="utf-8", errors="replace") as f:
                    raise tap.Skip(f"no systemd boots here: {state} {' '.join(f.read()[-300:].split())}")
            time.sleep(0.05)
            self.init = self.init or self.find_init()
            if self.init:
                state = self.run("systemctl", "is-system-running", status=None).strip()

    def find_init(self):
        """Its number outside, once it is systemd."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
                for pid in f.read().split():
                    with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                        if comm.read() == "systemd\n":
                            return int(pid)
        except OSError:  # One of them has ended.
            pass
        return None

    def run(self, *words, status=0, text=None, user=None):
        """Standard output of a program in the machine; its status must be that, None: any.  Both outputs are in errors then."""
        who = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user else []
        done = subprocess.run(["nsenter", "--target", str(self.init), "--all", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:"
                               "/usr/sbin:/usr/bin", "LC_ALL=C.UTF-8", *who, *words], capture_output=True, timeout=300,
                              cwd="/", **({"stdin": subprocess.DEVNULL} if text is None else {"input": text.encode()}))
        self.errors = (done.stdout + done.stderr).decode(errors="replace")
        assert status is None or done.returncode == status, (words, done.returncode, self.errors[-2000:])
        return done.stdout.decode(errors="replace")

    def path(self, path):
        return f"/proc/{self.init}/root{path}"

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(path), mode)

    def read(self, path):
        with open(self.path(path), encoding="utf-8", errors="replace") as f:
            return f.read()

    def journal(self, *words):
        return self.run("journalctl", "--no-pager", "--output=short-monotonic", *words, status=None)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            os.kill(self.init or self.process.pid, signal.SIGKILL)
            self.process.wait(120)
        for _ in range(1200):
            try:
                remove_group(self.group)
                return
            except OSError:
                time.sleep(0.05)
