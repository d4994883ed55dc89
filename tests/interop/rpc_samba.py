#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Samba's RPC client, an implementation that is not ours, talks to our server over a unix socket.  Prints TAP.

Usage: rpc_samba.py RPC_ECHO_SERVER       without Samba's Python modules all is skipped"""
import os
import shutil
import subprocess
import sys
import tempfile

SOCKET = "EPMAPPER"  # All interfaces are on one, which has the name that rpcclient asks for.
SYSTEM_PYTHON = "/usr/bin/python3"  # Samba's modules are installed for the system's own.
ECHO = ("000140ec-0000-0000-0000-000000000000", 3)  # Major version 3, minor 0.
OTHER = ("000240ec-0000-0000-0000-000000000000", 1)
UNKNOWN = ("000340ec-0000-0000-0000-000000000000", 1)
ECHO_ECHO, ECHO_FAULT, ECHO_OPEN, ECHO_USE, ECHO_CLOSE, ECHO_REPEAT, ECHO_WHO = 0, 2, 3, 4, 6, 7, 8

try:
    from samba import NTSTATUSError, credentials, param
    from samba.dcerpc import base
except ImportError:
    if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.path.exists(SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
    print("1..1\nok 1 - Samba's client calls us # SKIP python3-samba is not installed")
    sys.exit(0)


class Client:
    def __init__(self, directory):
        self.conf = os.path.join(directory, "smb.conf")
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f"[global]\nncalrpc dir = {directory}\n")
            for name in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
                f.write(f"{name} = {directory}\n")
        self.lp = param.LoadParm(filename_for_non_global_lp=self.conf)

    def bind(self, syntax, options="", basis=None):
        anonymous = credentials.Credentials()
        anonymous.guess(self.lp)
        anonymous.set_anonymous()
        return base.ClientConnection(f"ncalrpc:[{SOCKET}{options}]", syntax, lp_ctx=self.lp, credentials=anonymous,
                                     basis_connection=basis)


def number(n):
    return n.to_bytes(4, "little")


def status_of(call):
    try:
        call()
    except NTSTATUSError as e:
        return e.args[0]
    return None


def a_call(client):
    assert client.bind(ECHO).request(ECHO_ECHO, b"hello") == b"hello"


def who(client):
    assert client.bind(ECHO).request(ECHO_WHO, b"") == number(1000)


def every_option(client):
    for options in (",connect", ",print", ",padcheck"):
        assert client.bind(ECHO, options).request(ECHO_ECHO, b"hello") == b"hello"


def long_requests(client):
    connection = client.bind(ECHO)
    for size in (0, 1, 4000, 5815, 5816, 5817, 20000, 1000000):
        stub = bytes(i * 7 % 256 for i in range(size))
        assert connection.request(ECHO_ECHO, stub) == stub, size


def long_answers(client):
    assert client.bind(ECHO).request(ECHO_REPEAT, number(300000)) == bytes(i % 256 for i in range(300000))


def faults(client):
    connection = client.bind(ECHO)
    # NT_STATUS_RPC_PROCNUM_OUT_OF_RANGE, _ACCESS_DENIED, _RPC_BAD_STUB_DATA, RPC_SS_CONTEXT_MISMATCH
    for wanted, opnum, stub in ((0xC002002E, 99, b""), (0xC0000022, ECHO_FAULT, number(5)),
                                (0xC003000C, ECHO_FAULT, number(0x6F7)), (0xC0030005, ECHO_USE, bytes(20))):
        got = status_of(lambda o=opnum, s=stub: connection.request(o, s))
        assert got == wanted, f"{opnum}: {got}"
    assert connection.request(ECHO_ECHO, b"after") == b"after"


def handles(client):
    connection = client.bind(ECHO)
    handle = connection.request(ECHO_OPEN, number(0) + number(77))
    assert len(handle) == 20
    assert connection.request(ECHO_USE, handle) == number(77)
    assert connection.request(ECHO_CLOSE, handle) == bytes(20)
    assert status_of(lambda: connection.request(ECHO_USE, handle)) is not None


def an_alter(client):
    first = client.bind(ECHO)
    second = client.bind(OTHER, basis=first)
    assert second.request(ECHO_ECHO, b"second") == b"second"
    assert first.request(ECHO_ECHO, b"first") == b"first"


def unknown(client):
    assert status_of(lambda: client.bind(UNKNOWN)) is not None
    assert status_of(lambda: client.bind((ECHO[0], 4))) is not None


def rpcclient(client):
    """It asks the mapper first, and binds with Samba's private mechanism."""
    if shutil.which("rpcclient") is None:
        return "rpcclient is not installed"
    out = subprocess.run(["rpcclient", "-s", client.conf, "ncalrpc:", "-U%", "-c", "clusapi_get_cluster_name"],
                         capture_output=True, text=True, timeout=60, check=False)
    assert "ClusterName: INTEROP" in out.stdout, out.stdout + out.stderr
    assert "NodeName: node1" in out.stdout, out.stdout
    return None


TESTS = [
    ("a call goes through", a_call),
    ("the server knows who calls", who),
    ("binding options are accepted", every_option),
    ("requests in many fragments are put together", long_requests),
    ("answers in many fragments are put together", long_answers),
    ("faults mean to Samba what they should", faults),
    ("context handles are passed on as they are", handles),
    ("one connection carries two interfaces", an_alter),
    ("an interface or version that is not there is refused", unknown),
    ("rpcclient finds us through the endpoint mapper and calls", rpcclient),
]


def main():
    failed = False
    print(f"1..{len(TESTS)}")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as directory:
        path = os.path.join(directory, SOCKET)
        with subprocess.Popen([sys.argv[1]], env=dict(os.environ, RPC_ECHO_SOCKET=path), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as server:
            while server.stdout.readline() != b"ready\n":
                assert server.poll() is None
            client = Client(directory)
            for i, (name, run) in enumerate(TESTS, 1):
                try:
                    skip = run(client)
                    print(f"ok {i} - {name}" + (f" # SKIP {skip}" if skip else ""))
                except Exception as e:  # Whatever it is, the other tests go on.
                    failed = True
                    print(f"not ok {i} - {name}\n# {type(e).__name__}: {e}")
            server.stdin.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
