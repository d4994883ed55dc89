#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clusters that one process opens share connections, and nothing else.  Prints TAP.

Usage: lines.py RUEDAD LIBCLUSAPI [part of a test's name...]"""
import ctypes
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from proplist import DWORD, number, plist  # noqa: E402
from tap import Skip, test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
GENERIC_READ, GENERIC_ALL = 0x80000000, 0x10000000
ACCESS_DENIED, CANCELLED, TIMEOUT = 5, 1223, 1460
SYS_SETRESUID, SYS_SETRESGID = 117, 119  # Of x86-64; of this thread alone, unlike what libc offers.
STRANGER, NOGROUP = 23456, 65534  # Nobody who may do anything; whose members may read.
SET_COMMON, KEY_READ = 0x740005E, 0x20019
void = ctypes.c_void_p


def sockets():
    """How many this process has open."""
    count = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def in_process(function, config=""):
    """A test whose body runs in a process of its own, with a service of its own: function(cluster, api)."""
    def run():
        with Cluster(RUEDAD, LIBRARY, config) as c:
            def child():
                os.environ.update(c.environment)
                function(c, cluster.Api(LIBRARY))

            tap.in_child(child)

    run.__name__ = function.__name__
    return test(run)


def opened(api, access=None):
    if access is None:
        h = api.OpenCluster(None)
    else:
        function = api.lib.OpenClusterEx
        function.restype = void
        h = function(None, ctypes.c_uint32(access), None)
    assert h, api.last_error()
    return h


def in_thread(function):
    """What it returns, or its exception."""
    result = []

    def work():
        try:
            result.append(function())
        except BaseException as e:
            result.append(e)

    t = threading.Thread(target=work)
    t.start()
    return t, result


def as_stranger(function, group=STRANGER):
    """In a thread that is somebody else, and ends as that."""
    def work():
        assert ctypes.CDLL(None, use_errno=True).syscall(SYS_SETRESGID, -1, group, -1) == 0
        assert ctypes.CDLL(None, use_errno=True).syscall(SYS_SETRESUID, -1, STRANGER, -1) == 0
        return function()

    t, result = in_thread(work)
    t.join()
    if isinstance(result[0], BaseException):
        raise result[0]
    return result[0]


def needs_root():
    if os.geteuid() != 0 or os.uname().machine != "x86_64":
        raise Skip("one user only")


@in_process
def a_process_may_open_the_cluster_more_often_than_it_may_connect(_c, api):
    handles = [opened(api) for _ in range(200)]  # 128 connections are allowed.
    roots = [api.root(h) for h in handles]
    keys = [api.create_key(root, f"K{i}")[1] for i, root in enumerate(roots)]
    for i, key in enumerate(keys):
        assert api.set_number(key, "n", i) == 0
    assert sockets() <= 20, sockets()
    for i, key in enumerate(keys):
        assert api.get_number(key, "n") == i
    for h in handles[1:]:
        assert api.CloseCluster(h)
        assert api.last_error() == 0
    assert api.get_number(keys[0], "n") == 0 and api.set_number(keys[0], "n", 9) == 0
    for key in keys + roots:
        assert api.close_key(key) == 0
    assert api.CloseCluster(handles[0])
    assert sockets() == 0, sockets()


@in_process
def each_handle_has_the_access_that_it_was_opened_with(_c, api):
    for first, second in ((GENERIC_READ, GENERIC_ALL), (GENERIC_ALL, GENERIC_READ)):
        handles = {first: opened(api, first), second: opened(api, second)}
        assert sockets() == 1, sockets()
        change = plist(("SameSubnetDelay", DWORD, number(2000)))
        for access, expected in ((GENERIC_READ, ACCESS_DENIED), (GENERIC_ALL, 0)):
            returned = ctypes.c_uint32()
            assert api.lib.ClusterControl(void(handles[access]), None, SET_COMMON, change, len(change), None, 0,
                                          ctypes.byref(returned)) == expected
        for h in handles.values():
            assert api.CloseCluster(h)


@in_process
def cancels_and_limits_of_time_are_a_handles_own(c, api):
    handles = [opened(api) for _ in range(3)]
    roots = [api.root(h) for h in handles]
    assert api.lib.RuedaSetCallTimeout(void(handles[2]), 300) == 0
    assert sockets() == 1
    service = c.service_pid()
    os.kill(service, signal.SIGSTOP)
    try:
        threads = [in_thread(lambda r=r: api.set_number(r, "n", 1)) for r in roots]
        threads[2][0].join(90)
        assert threads[2][1] == [TIMEOUT], threads[2][1]
        assert api.lib.RuedaCancelCalls(void(handles[0])) == 0
        threads[0][0].join(90)
        assert threads[0][1] == [CANCELLED], threads[0][1]
        time.sleep(0.1)
        assert threads[1][1] == []
    finally:
        os.kill(service, signal.SIGCONT)
    threads[1][0].join(90)
    assert threads[1][1] == [0], threads[1][1]
    assert [api.set_number(r, "n", 2) for r in roots] == [0, 0, 0]
    # What was given up may have left a handle there: who opens now begins with a connection of his own.
    assert api.root(opened(api)) and sockets() == 2, sockets()


@in_process
def who_is_somebody_else_shares_nothing(_c, api):
    needs_root()
    h = opened(api)
    assert api.root(h)
    assert as_stranger(lambda: (api.OpenCluster(None), api.last_error()), NOGROUP) == (None, ACCESS_DENIED)
    assert sockets() == 1 and api.root(opened(api)) and sockets() == 1, sockets()


@in_process
def a_thread_that_is_somebody_else_takes_along_none_but_the_handle_that_it_uses(c, api):
    needs_root()
    handles = [opened(api), opened(api)]
    roots = [api.root(h) for h in handles] + [api.root(handles[0], KEY_READ)]
    assert as_stranger(lambda: api.set_number(roots[0], "n", 1)) == 0  # The connection is there.
    os.kill(c.service_pid(), signal.SIGKILL)
    deadline = time.monotonic() + 90
    while True:
        try:
            os.kill(c.process.pid, 0)
            with open(f"/proc/{c.process.pid}/stat", encoding="ascii") as f:
                assert f.read().split()[2] != "Z"
        except (OSError, AssertionError):
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    c.start()
    assert as_stranger(lambda: api.get_number(roots[2], "n"), NOGROUP) == 1
    assert as_stranger(lambda: api.set_number(roots[0], "n", 2), NOGROUP) == ACCESS_DENIED
    assert api.get_number(roots[1], "n") == 1 and api.set_number(roots[1], "n", 3) == 0
    for root in roots:
        assert api.close_key(root) == 0
    for h in handles:
        assert api.CloseCluster(h)
    assert sockets() == 0, sockets()
    c.process.terminate()
    c.process.wait(60)


@in_process
def a_child_of_a_fork_connects_anew(_c, api):
    h = opened(api)
    root = api.root(h)
    pid = os.fork()
    if pid == 0:
        before = sockets()
        own = api.OpenCluster(None)
        good = own and sockets() == before + 1 and api.set_number(api.root(own), "n", 7) == 0
        os._exit(0 if good and api.CloseCluster(own) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert api.get_number(root, "n") == 7 and api.set_number(root, "n", 8) == 0


if __name__ == "__main__":
    tap.run(CHOSEN)
