# SPDX-License-Identifier: Apache-2.0
"""common: what the comparisons share: rounds, medians, the table, and the two servers that are compared.

    def measure(b):
        with b.cluster() as ours:
            etcd = b.etcd()  # None: there is none.
            r = b.rounds(9, ours=lambda: ours.load("set", 1, 1)["rate"], etcd=etcd and (lambda: etcd.load()["rate"]))
            b.row("durable sets, 1 caller", r["ours"], r["etcd"], "/s", "etcd put", at_least=1.5)

    if __name__ == "__main__":
        common.main(measure)

Rounds are interleaved (ours, peer, ours, peer …), so that what else the machine does hits all alike; the table has
medians, and of the ratios the one of the medians.  Environment: BUILD (default build), RUEDA_BENCH_DIR (default
/var/tmp: where all state lies; a real disk, as tmpfs makes every sync free), RUEDA_BENCH_ROUNDS (a factor, default 1)."""
import atexit
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import cluster  # noqa: E402  (tests/lib/cluster.py)

VALUES = 100_000


def program(*parts):
    return os.path.join(BUILD, *parts)


def run(command, **options):
    """A command's standard output; its standard error goes to ours if it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def timed(function, *arguments):
    begin = time.monotonic()
    function(*arguments)
    return time.monotonic() - begin


def each(results, field):
    """One field of what each round gave."""
    return [r[field] for r in results]


def fresh(path):
    """An empty directory."""
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)
    return path


def memory_mb(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1000 for line in f if line.startswith(field + ":"))


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Ours:
    """A private instance with a cluster, and bench-load on it."""

    def __init__(self, config=""):
        self.cluster = cluster.Cluster(program("ruedad", "ruedad"), program("lib", "libclusapi.so.0"), config=config)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.cluster.stop()

    def load(self, *arguments):
        try:
            return json.loads(run([program("bench", "bench-load"), *arguments], env=self.cluster.environment))
        except RuntimeError:
            print("the service's log:\n" + self.cluster.log_text()[-3000:], file=sys.stderr)
            raise

    def begin(self, *arguments):
        """The same beside other things; ends with finish()."""
        return subprocess.Popen([program("bench", "bench-load"), *arguments], env=self.cluster.environment, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @staticmethod
    def finish(process):
        output = process.communicate()[0]
        assert process.returncode == 0, "bench-load failed"
        return json.loads(output)

    def start_to_answer(self):
        """From the start of the daemon to the first value read."""
        waiter = self.begin("answer")
        time.sleep(0.2)  # It is up and waiting when the clock starts.
        begin = time.monotonic()
        self.cluster.start()
        self.finish(waiter)
        return time.monotonic() - begin


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Etcd:
    """A single etcd, as Debian has it, on ports of its own."""

    def __init__(self, directory):
        self.directory = directory
        self.data = os.path.join(directory, "etcd")
        self.client, self.peer = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self.process = None
        self.start()

    def start(self):
        with open(os.path.join(self.directory, "etcd.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["etcd", "--name", "n1", "--data-dir", self.data, "--listen-client-urls", "http://" + self.client,
                 "--advertise-client-urls", "http://" + self.client, "--listen-peer-urls", "http://" + self.peer,
                 "--initial-advertise-peer-urls", "http://" + self.peer, "--initial-cluster", "n1=http://" + self.peer,
                 "--quota-backend-bytes", "8589934592", "--logger", "zap", "--log-level", "error"],
                stdout=log, stderr=log)
        atexit.register(end, self.process)
        self.await_answer()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def control(self, *arguments):
        return run(["etcdctl", "--endpoints", self.client, *arguments], env={**os.environ, "ETCDCTL_API": "3"})

    def await_answer(self):
        """Until a read is answered; a fresh store has nothing to read."""
        for _ in range(3000):
            try:
                self.control("--command-timeout=1s", "get", "/bench/key00000000")
                return
            except RuntimeError:
                assert self.process.poll() is None, "etcd does not start"
                time.sleep(0.01)
        raise RuntimeError("etcd does not answer")

    def load(self, **options):
        return json.loads(self.run_load(**options))

    def fill(self, count):
        self.run_load(fill=count)

    def run_load(self, **options):
        flags = [f"-{name}={value}" for name, value in options.items()]
        return run([program("bench", "etcdload"), "-endpoint", self.client, *flags])

    def restore_to_answer(self, snapshot):
        """A new store made of a snapshot, in place of the running one, to the first answer."""
        self.stop()
        shutil.rmtree(self.data)
        begin = time.monotonic()
        self.control("snapshot", "restore", snapshot, "--name", "n1", "--initial-cluster", "n1=http://" + self.peer,
                     "--initial-advertise-peer-urls", "http://" + self.peer, "--data-dir", self.data)
        self.start()
        return time.monotonic() - begin


def end(process):
    if process.poll() is None:
        process.kill()
        process.wait()


def build_etcdload():
    """etcd's own client library in Go; None if it can be had, else why not."""
    for needed in ("etcd", "etcdctl", "go"):
        if shutil.which(needed) is None:
            return f"there is no {needed} (packaging/install-deps bench)"
    target, source = program("bench", "etcdload"), os.path.join(ROOT, "bench", "etcdload.go")
    if os.path.exists(target) and os.path.getmtime(target) >= os.path.getmtime(source):
        return None
    environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOPATH": "/usr/share/gocode",
                   "GOCACHE": program("bench", "gocache")}
    try:
        run(["go", "build", "-o", target, source], env=environment)
    except RuntimeError as why:
        return f"bench/etcdload.go cannot be built: {why}"
    return None


class Bench:
    """What a measurement gets: a directory, the servers, rounds, and rows of the table."""

    def __init__(self):
        base = os.environ.get("RUEDA_BENCH_DIR", "/var/tmp")
        os.environ["TMPDIR"] = base  # For the directories of tests/lib/cluster.py.
        self.directory = tempfile.mkdtemp(prefix="rueda-bench-", dir=base)
        os.chmod(self.directory, 0o755)
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        self.factor = float(os.environ.get("RUEDA_BENCH_ROUNDS", "1"))
        self.rows, self.notes = [], []
        why = build_etcdload()
        self.has_etcd = why is None
        if why:
            self.note(f"**SKIPPED: every comparison with etcd**: {why}")
        if self.file_system().startswith("tmpfs"):
            self.note("**The state lies on a tmpfs: every sync is free, the figures of durable writes mean nothing.**")

    def path(self, name):
        return os.path.join(self.directory, name)

    def file_system(self):
        return run(["df", "--output=fstype,source", self.directory]).splitlines()[1].strip()

    def note(self, text):
        print("note:", text, flush=True)
        self.notes.append(text)

    def cluster(self, config=""):
        return Ours(config)

    def etcd(self):
        """None if there is none; the rows against it then say so."""
        return Etcd(fresh(self.path("peer"))) if self.has_etcd else None

    def rounds(self, count, **functions):
        """Each function once in every round; lists of what they returned.  None as a function: skipped."""
        results = {name: [] for name in functions}
        order = [name for name, function in functions.items() if function is not None]
        for _ in range(max(3, round(count * self.factor))):
            for name in order:
                results[name].append(functions[name]())
            order.reverse()  # Who comes after a greedy one pays for it: now the other one.
        return results

    def row(self, what, ours, peer=None, unit="", peer_name="", at_least=None, at_most=None):
        """ours and peer: lists of one figure a round.  The aim is one of the ratio, or of ours if there is no peer."""
        median = statistics.median(ours)
        row = {"what": what, "ours": f"{number(median)} {unit} ({number(min(ours))}–{number(max(ours))})", "peer": "",
               "ratio": "", "aim": "", "verdict": ""}
        value = median
        if peer_name and not peer:
            row["peer"] = f"{peer_name}: SKIPPED"
            value = None
        elif peer:
            value = median / statistics.median(peer)
            row["ratio"] = f"{value:.2f}"
            row["peer"] = f"{peer_name}: {number(statistics.median(peer))} {unit} ({number(min(peer))}–{number(max(peer))})"
        aim = at_least if at_least is not None else at_most
        if aim is not None:
            good = value is not None and (value >= aim if at_least is not None else value <= aim)
            row["aim"] = ("≥ " if at_least is not None else "≤ ") + f"{aim:g}" + ("" if peer_name else f" {unit}")
            row["verdict"] = "–" if value is None else "met" if good else "missed"
        self.rows.append(row)
        print("  " + " | ".join(v for v in row.values() if v), flush=True)

    def table(self):
        """A block for docs/BENCH.md."""
        cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo", encoding="utf-8") if l.startswith("model name")),
                   "unknown processor")
        lines = [f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} × {cpu}, Linux {os.uname().release}, "
                 f"state on {self.file_system()}, load average {os.getloadavg()[1]:.1f} (5 min).",
                 "Medians of interleaved rounds (least–greatest); ratio = Rueda / peer.", "",
                 "| what | Rueda | peer | ratio | aim | |", "|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(row.values()) + " |" for row in self.rows]
        lines += [""] + [f"- {note}" for note in self.notes] if self.notes else []
        return "\n".join(lines)


def main(*measures):
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    b = Bench()
    for measure in measures:
        print(f"{measure.__module__ if measure.__module__ != '__main__' else os.path.basename(sys.argv[0])}:", flush=True)
        measure(b)
    print("\n" + b.table())
