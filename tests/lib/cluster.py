# SPDX-License-Identifier: Apache-2.0
"""cluster: a throw-away service of one node, and the cluster API through ctypes, for tests in Python.

    c = cluster.Cluster(ruedad, library)     # running, with a cluster CLUSTER_NAME of the node node1
    h = c.api.OpenCluster("CLUSTER_NAME")
    assert c.api.BackupClusterDatabase(h, "/some/dir") == 0

Run by root, the service runs as nobody.  A library reads RUEDA_DIR once, so a process uses one instance at a time:
Cluster.run() runs a function in a process of its own, with the environment of that instance."""
import atexit
import contextlib
import ctypes
import glob
import os
import re
import signal
import struct
import subprocess
import sys
import time
import traceback

import tap

"".encode("utf-16-le")  # Loads the codec now: as another user it may be out of reach.
KEY_ALL_ACCESS = 0xF003F
PASSWORD, NT_HASH = "Password", "a4f49c406510bdcab6824ee7c30fd852"  # Of all accounts.
REG_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ = 1, 3, 4, 7


def wide(text):
    """A terminated UTF-16 string, or None; lone surrogates are allowed."""
    if text is None:
        return None
    return (text + "\0").encode("utf-16-le", "surrogatepass")


class Api:
    """The functions that tests use; handles are ints, names are str, results are as in C."""

    def __init__(self, library):
        self.lib = ctypes.CDLL(library)
        for name in ("OpenCluster", "GetClusterKey", "OpenClusterGroup", "CreateClusterGroup", "CreateClusterResource",
                     "OpenClusterResource", "GetClusterGroupKey", "GetClusterResourceKey", "OpenClusterNode"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        for name in ("GetLastError", "BackupClusterDatabase", "RestoreClusterDatabase", "ClusterRegSetValue",
                     "ClusterRegDeleteValue", "DeleteClusterGroup", "DeleteClusterResource", "GetNodeClusterState",
                     "SetClusterName"):
            getattr(self.lib, name).restype = ctypes.c_uint32

    def last_error(self):
        return self.lib.GetLastError()

    def OpenCluster(self, name):
        return self.lib.OpenCluster(wide(name))

    def CloseCluster(self, handle):
        return self.lib.CloseCluster(ctypes.c_void_p(handle))

    def BackupClusterDatabase(self, handle, path):
        return self.lib.BackupClusterDatabase(ctypes.c_void_p(handle), wide(path))

    def RestoreClusterDatabase(self, path, force=False, drive=None):
        return self.lib.RestoreClusterDatabase(wide(path), int(force), wide(drive))

    def SetClusterName(self, handle, name):
        return self.lib.SetClusterName(ctypes.c_void_p(handle), wide(name))

    def GetNodeClusterState(self):
        state = ctypes.c_uint32()
        assert self.lib.GetNodeClusterState(None, ctypes.byref(state)) == 0
        return state.value

    def root(self, handle, sam=KEY_ALL_ACCESS):
        return self.lib.GetClusterKey(ctypes.c_void_p(handle), sam)

    def create_key(self, key, path):
        new, disposition = ctypes.c_void_p(), ctypes.c_uint32()
        r = self.lib.ClusterRegCreateKey(ctypes.c_void_p(key), wide(path), 0, KEY_ALL_ACCESS, None, ctypes.byref(new),
                                         ctypes.byref(disposition))
        return r, new.value, disposition.value

    def open_key(self, key, path, sam=KEY_ALL_ACCESS):
        new = ctypes.c_void_p()
        return self.lib.ClusterRegOpenKey(ctypes.c_void_p(key), wide(path), sam, ctypes.byref(new)), new.value

    def delete_key(self, key, path):
        return self.lib.ClusterRegDeleteKey(ctypes.c_void_p(key), wide(path))

    def close_key(self, key):
        return self.lib.ClusterRegCloseKey(ctypes.c_void_p(key))

    def set_value(self, key, name, kind, data):
        return self.lib.ClusterRegSetValue(ctypes.c_void_p(key), wide(name), kind, data, len(data))

    def set_number(self, key, name, number):
        return self.set_value(key, name, REG_DWORD, struct.pack("<I", number))

    def delete_value(self, key, name):
        return self.lib.ClusterRegDeleteValue(ctypes.c_void_p(key), wide(name))

    def get_value(self, key, name):
        """(code, type, data)"""
        kind, size = ctypes.c_uint32(), ctypes.c_uint32(1 << 20)
        data = ctypes.create_string_buffer(size.value)
        r = self.lib.ClusterRegQueryValue(ctypes.c_void_p(key), wide(name), ctypes.byref(kind), data, ctypes.byref(size))
        return r, kind.value, data.raw[:size.value] if r == 0 else b""

    def get_number(self, key, name):
        r, kind, data = self.get_value(key, name)
        assert (r, kind) == (0, REG_DWORD), (name, r, kind)
        return struct.unpack("<I", data)[0]

    def enum_keys(self, key):
        names, index = [], 0
        while True:
            buffer, count = ctypes.create_string_buffer(1024), ctypes.c_uint32(512)
            r = self.lib.ClusterRegEnumKey(ctypes.c_void_p(key), index, buffer, ctypes.byref(count), None)
            if r != 0:
                assert r == 259, r
                return names
            names.append(buffer.raw[:2 * count.value].decode("utf-16-le"))
            index += 1


def processes_of(directory):
    """The pids of all that was started for an instance: its directory is in their environment."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if re.search(re.escape(directory.encode()) + b"[/\0]", f.read()):
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass  # It has ended, or is somebody else's.
    return found


def end_processes_of(directory, seconds=20):
    """Kill what there still is, and wait until it is gone: it could write into a directory that is being removed."""
    deadline = time.monotonic() + seconds
    while (left := set(processes_of(directory)) - {os.getpid()}) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


class Cluster:
    """A private instance.  create=False: without a cluster."""
    count = 0

    def __init__(self, ruedad, library, config="", create=True, start=True, node="node1", user="nobody"):
        Cluster.count += 1
        self.ruedad, self.library = ruedad, library
        self.directory = os.path.join(tap.temporary(), f"c{Cluster.count}")
        os.mkdir(self.directory, 0o755)
        self.process = None
        atexit.register(self.end)
        service = "[service]\n" + (f"user = {user}\ngroup = nogroup\n" if os.geteuid() == 0 else "")
        with open(self.path("rueda.conf"), "w", encoding="utf-8") as f:
            # The links of the machine that runs the tests are no part of them.
            networks = "" if "[networks]" in config else "[networks]\nignore = *\n"
            f.write(f"[node]\nname = {node}\n" + service + config + ("" if config.endswith("\n") else "\n") + networks)
        self.environment = {**os.environ, "RUEDA_DIR": self.directory, "RUEDA_RUEDAD": ruedad}
        if start:
            self.start()
        if create:
            self.create()

    def add_accounts(self, **accounts):
        """Names for NTLM, and what they may do: alice="all"."""
        path, owner = self.path("state/accounts"), os.stat(self.path("state"))
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("rueda accounts 1\n" + "".join(f"{name}:{may}:{NT_HASH}\n" for name, may in accounts.items()))
        os.chown(path, owner.st_uid, owner.st_gid)

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, *options):
        if os.path.exists(self.path("run/cluster")):
            os.unlink(self.path("run/cluster"))  # Of a service that was killed: it must not count as ours.
        self.log = open(self.path("log"), "ab")
        self.process = subprocess.Popen([self.ruedad, *options], env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True)
        deadline = time.monotonic() + 90
        while not os.path.exists(self.path("run/cluster")):
            assert self.process.poll() is None, self.log_text()
            assert time.monotonic() < deadline, "the service does not come up\n" + self.log_text()
            time.sleep(0.02)

    def log_text(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def service_pid(self):
        """The second of the two processes, the one that does the work."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return int(f.read().split()[0])

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(120)
            self.process = None

    def kill(self):
        """As a power cut would, for the processes."""
        os.kill(self.service_pid(), signal.SIGKILL)
        self.process.wait(120)
        self.process = None

    def create(self):
        def make(api):
            story = ctypes.create_string_buffer(2048)
            function = api.lib.RuedaCreateCluster
            function.restype = ctypes.c_uint32
            r = function(wide("CLUSTER_NAME"), 0, None, story, 1024)
            assert r == 0, (r, story.raw.decode("utf-16-le").split("\0")[0])

        self.run(make)

    def run(self, function, uid=None):
        """function(api) in a process of its own, perhaps as somebody else; its exceptions are this one's."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(read)
                os.environ.update(self.environment)
                if uid is not None:
                    os.setgroups([])
                    os.setgid(uid)
                    os.setuid(uid)
                function(Api(self.library))
                status = 0
            except BaseException:
                os.write(write, traceback.format_exc().encode()[-60000:])
            os._exit(status)
        os.close(write)
        with os.fdopen(read, "rb") as f:
            text = f.read().decode(errors="replace")
        if os.waitpid(pid, 0)[1] != 0:
            raise AssertionError(text + "\n" + self.log_text()[-3000:])

    def __enter__(self):
        return self

    def end(self):
        """Whatever is left running, by whomever it was started."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
        end_processes_of(self.directory)

    def __exit__(self, *_):
        self.end()


def main(arguments):
    """RUEDAD LIBRARY [part of a test's name...]: the two programs, the rest for tap.run()."""
    return arguments[1], arguments[2], arguments[3:]


sys.dont_write_bytecode = True
