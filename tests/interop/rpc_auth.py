#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that are not ours log in to our server over TCP: Samba's and impacket's.  Prints TAP.

Usage: rpc_auth.py RPC_AUTH_SERVER [PART OF A TEST'S NAME…]

It runs in namespaces of its own, so that ports and names are free; without the right to make them, or without a client's
modules, what needs them is skipped."""
import os
import shutil
import subprocess
import sys

PORT = 49155
HOST = "node1.rueda.test"
SYSTEM_PYTHON = "/usr/bin/python3"  # The clients' modules are installed for the system's own.
ECHO = ("000140ec-0000-0000-0000-000000000000", 3)
ECHO_ECHO, ECHO_FAULT, ECHO_REPEAT, ECHO_ACCOUNT = 0, 2, 7, 9
NONE, READ, ALL = range(3)
BY_NTLM, BY_KERBEROS = 1, 2
SIZES = (0, 1, 15, 16, 17, 4000, 5784, 5792, 5800, 20000, 200000)

if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.path.exists(SYSTEM_PYTHON):
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from tap import Skip, run, temporary, test  # noqa: E402


def enter_namespaces():
    if os.environ.get("RPC_AUTH_INSIDE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    wrapper = ["unshare", *as_root, "--net", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        print("1..1\nok 1 - clients log in over TCP # SKIP no right to make namespaces")
        sys.exit(0)
    os.environ["RPC_AUTH_INSIDE"] = "1"
    os.execvp("unshare", [*wrapper, sys.executable, *sys.argv])


def number(n):
    return n.to_bytes(4, "little")


def pattern(size):
    return bytes(i * 7 % 251 for i in range(size))


def samba_modules():
    try:
        from samba import credentials, param
        from samba.dcerpc import echo
    except ImportError as e:
        raise Skip("python3-samba is not installed") from e
    return credentials, param, echo


class Samba:
    """One login of Samba's client."""

    def __init__(self, options, user="alice", password="Secret.1", domain="ELSEWHERE"):
        credentials, param, echo = samba_modules()
        lp = param.LoadParm(filename_for_non_global_lp=SMB_CONF)
        who = credentials.Credentials()
        who.guess(lp)
        who.set_username(user)
        who.set_password(password)
        who.set_domain(domain)
        who.set_kerberos_state(credentials.DONT_USE_KERBEROS)
        self.connection = echo.rpcecho(f"ncacn_ip_tcp:127.0.0.1[{PORT}{options}]", lp, who)

    def call(self, opnum, stub=b""):
        return self.connection.request(opnum, stub)


def check_calls(call):
    for size in SIZES:
        stub = pattern(size)
        assert call(ECHO_ECHO, stub)[:size] == stub, size  # Samba appends a verification trailer to the first.
    assert call(ECHO_REPEAT, number(100000)) == bytes(i % 256 for i in range(100000))


def check_account(call, access, kind, account):
    reply = call(ECHO_ACCOUNT, b"")
    assert reply == number(access) + number(kind) + account, reply


def samba_is_refused(**login):
    samba_modules()
    from samba import NTSTATUSError
    for options in (",seal,ntlm", ",connect,ntlm", ",seal,spnego", ",connect,spnego"):
        try:
            Samba(options, **login).call(ECHO_ECHO, b"x")
        except NTSTATUSError as e:
            assert e.args[0] in (0xC0000022, 0xC000006D), hex(e.args[0])  # Access denied, logon failure.
        else:
            raise AssertionError(f"{options}: a call went through")


@test
def samba_calls_after_an_ntlm_login_at_every_level():
    for mechanism in ("ntlm", "spnego"):
        for level in ("connect", "packet", "sign", "seal"):
            client = Samba(f",{level},{mechanism}")
            check_calls(client.call)
            check_account(client.call, ALL, BY_NTLM, b"alice")


@test
def the_account_says_the_access_and_its_name_has_any_case():
    check_account(Samba(",seal,ntlm", "BOB", "Secret.2", "").call, READ, BY_NTLM, b"bob")


@test
def a_wrong_password_or_name_is_refused():
    samba_is_refused(password="secret.1")
    samba_is_refused(user="mallory")
    samba_is_refused(user="bob")


def impacket_connection(mechanism, level, user="alice", password="Secret.1"):
    try:
        from impacket import uuid
        from impacket.dcerpc.v5 import rpcrt, transport
    except ImportError as e:
        raise Skip("python3-impacket is not installed") from e
    rpc = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:127.0.0.1[{PORT}]")
    rpc.set_credentials(user, password, "ELSEWHERE")
    dce = rpc.get_dce_rpc()
    dce.set_auth_type(getattr(rpcrt, "RPC_C_AUTHN_" + mechanism))
    dce.set_auth_level(getattr(rpcrt, "RPC_C_AUTHN_LEVEL_" + level))
    dce.connect()
    dce.bind(uuid.uuidtup_to_bin((ECHO[0], "3.0")))

    def call(opnum, stub=b""):
        dce.call(opnum, stub)
        return dce.recv()
    return dce, call


@test
def impacket_calls_after_an_ntlm_login():
    for level in ("CONNECT", "PKT_INTEGRITY", "PKT_PRIVACY"):
        dce, call = impacket_connection("WINNT", level)
        check_calls(call)
        check_account(call, ALL, BY_NTLM, b"alice")
        dce.set_max_fragment_size(48)  # Requests in hundreds of fragments.
        assert call(ECHO_ECHO, pattern(9000)) == pattern(9000)
        dce.disconnect()


@test
def impacket_with_a_wrong_password_is_refused():
    for level in ("CONNECT", "PKT_INTEGRITY", "PKT_PRIVACY"):
        try:
            dce, call = impacket_connection("WINNT", level, password="Secret.2")
            call(ECHO_ECHO, b"x")
        except Skip:
            raise
        except Exception as e:
            assert "denied" in str(e) or "rpc_x" in str(e) or "0x5" in str(e), str(e)
        else:
            raise AssertionError(f"{level}: a call went through")


def write_smb_conf(directory):
    path = os.path.join(directory, "smb.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("[global]\ninterfaces = 127.0.0.1/8\n")
        for name in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
            f.write(f"{name} = {directory}\n")
    return path


enter_namespaces()
DIRECTORY = temporary()
SMB_CONF = write_smb_conf(DIRECTORY)
with subprocess.Popen([sys.argv[1]], env=dict(os.environ, RPC_AUTH_PORT=str(PORT)), stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE) as server:
    while server.stdout.readline() != b"ready\n":
        assert server.poll() is None
    try:
        run(sys.argv[2:])
    finally:
        server.stdin.close()
