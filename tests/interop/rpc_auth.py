#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients log in to our server over TCP: Samba's, impacket's and our own; Kerberos with a KDC of MIT's.  Prints TAP.

Usage: rpc_auth.py RPC_AUTH_SERVER RPC_AUTH_CLIENT [PART OF A TEST'S NAME…]

It runs in namespaces of its own, so that ports and names are free; without the right to make them, without a client's
modules or without a KDC, what needs them is skipped."""
import multiprocessing
import os
import select
import socket
import subprocess
import sys

PORT = 49155
LEVELS = {"connect": 2, "packet": 4, "sign": 5, "seal": 6}
SYSTEM_PYTHON = "/usr/bin/python3"  # The clients' modules are installed for the system's own.
ECHO = ("000140ec-0000-0000-0000-000000000000", 3)
ECHO_ECHO, ECHO_FAULT, ECHO_REPEAT, ECHO_ACCOUNT = 0, 2, 7, 9
NONE, READ, ALL = range(3)
BY_NTLM, BY_KERBEROS = 1, 2
REQUEST, FAULT, SECURITY_ERROR = 0, 3, 0x721
SIZES = (0, 1, 15, 16, 17, 4000, 5784, 5792, 5800, 20000, 200000)

if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.path.exists(SYSTEM_PYTHON):
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import realm  # noqa: E402
from realm import HOST, REALM  # noqa: E402
from tap import Skip, run, temporary, test  # noqa: E402


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

    def __init__(self, options, user="alice", password="Secret.1", domain="ELSEWHERE", cache=None, port=PORT):
        credentials, param, echo = samba_modules()
        lp = param.LoadParm(filename_for_non_global_lp=SMB_CONF)
        who = credentials.Credentials()
        who.guess(lp)
        who.set_username(user)
        who.set_password(password)
        who.set_domain(domain)
        who.set_kerberos_state(credentials.MUST_USE_KERBEROS if cache else credentials.DONT_USE_KERBEROS)
        if cache:
            who.set_named_ccache(cache, credentials.SPECIFIED, lp)
        self.connection = echo.rpcecho(f"ncacn_ip_tcp:{HOST if cache else '127.0.0.1'}[{port}{options}]", lp, who)

    def call(self, opnum, stub=b""):
        return self.connection.request(opnum, stub)


def check_calls(call):
    for size in SIZES:
        stub = pattern(size)
        assert call(ECHO_ECHO, stub) == stub, size  # Without the verification trailer of Samba's first.
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


class Meddler:
    """Between a client and the server; it can send the last request once more, with another body or as it was.  A process:
    Samba's client lets no other thread of its own run."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.control, inside = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=self.serve, args=(inside,), daemon=True)
        self.process.start()
        self.socket.close()

    def serve(self, control):
        client = self.socket.accept()[0]
        server, last = socket.create_connection(("127.0.0.1", PORT), timeout=60), None
        while True:
            ready = select.select([client, server, control], [], [])[0]
            if control in ready:
                again = bytearray(last)
                again[30] ^= control.recv()
                server.sendall(again)
                control.send(list(iter(lambda: self.take(server), None)))
                return
            if server in ready:
                client.sendall(self.take(server) or b"")
            if client in ready:
                message = self.take(client)
                if message is None:
                    return
                last = message if message[2] == REQUEST else last
                server.sendall(message)

    @staticmethod
    def take(stream):
        try:
            header = stream.recv(16, socket.MSG_WAITALL)
            return header + stream.recv(int.from_bytes(header[8:10], "little") - 16, socket.MSG_WAITALL) if header else None
        except OSError:  # It is not answered, and the connection goes on, until all patience is at an end.
            return None

    def repeat(self, change):
        """What the server says to it, up to the end of the connection."""
        self.control.send(change)
        answers = self.control.recv()
        self.process.join()
        return answers


def is_security_fault(answers):
    return [(a[2], int.from_bytes(a[24:28], "little")) for a in answers] == [(FAULT, SECURITY_ERROR)]


@test
def a_replayed_or_changed_request_is_refused():
    for mechanism in ("ntlm", "spnego,ntlm", "krb5", "spnego,krb5"):
        if "krb5" in mechanism:
            need_kdc()
        for level in ("packet", "sign", "seal"):
            for change in (False, True):
                meddler = Meddler()
                client = Samba(f",{level},{mechanism}", cache=KDC.ticket_of("alice") if "krb5" in mechanism else None,
                               port=meddler.port)
                for _ in range(3):
                    assert client.call(ECHO_ECHO, pattern(100)) == pattern(100)
                answers = meddler.repeat(change)
                assert is_security_fault(answers), (mechanism, level, change, answers)


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


def our_client(mechanism, level, cache="/nonexistent"):
    """The kind, the access and the name that the server saw; or None and what went wrong."""
    done = subprocess.run([sys.argv[2]], capture_output=True, text=True, check=False, timeout=120, env=dict(
        os.environ, KRB5CCNAME=f"FILE:{cache}", RPC_AUTH_CLIENT=f"{HOST} {PORT} {mechanism} {LEVELS[level]}"))
    lines = [line for line in done.stdout.splitlines() if line[:1].isdigit() and not line.startswith("1..")]
    return tuple(lines[0].split(" ", 2)) if done.returncode == 0 and lines else (None, done.stdout + done.stderr)


@test
def our_client_logs_in_by_ntlm():
    for mechanism in ("ntlm", "spnego"):  # Without a ticket, SPNEGO is NTLM.
        for level in LEVELS:
            got = our_client(mechanism, level)
            assert got == (str(BY_NTLM), str(ALL), "alice"), (mechanism, level, got)


def need_kdc():
    if KDC.keytab is None:
        raise Skip("krb5-kdc is not installed")


@test
def our_client_logs_in_by_kerberos():
    need_kdc()
    for mechanism in ("kerberos", "spnego"):
        for level in LEVELS:
            got = our_client(mechanism, level, KDC.ticket_of("bob"))
            assert got == (str(BY_KERBEROS), str(READ), f"bob@{REALM}"), (mechanism, level, got)


@test
def samba_calls_after_a_kerberos_login_at_every_level():
    need_kdc()
    for mechanism in ("krb5", "spnego,krb5"):
        for level in LEVELS:
            client = Samba(f",{level},{mechanism}", cache=KDC.ticket_of("alice"))
            check_calls(client.call)
            check_account(client.call, ALL, BY_KERBEROS, f"alice@{REALM}".encode())


@test
def a_principal_that_has_no_access_may_not_call():
    need_kdc()
    assert our_client("kerberos", "seal", KDC.ticket_of("mallory"))[0] is None
    assert our_client("spnego", "seal", KDC.ticket_of("mallory"))[0] is None


@test
def a_ticket_for_a_key_that_the_server_does_not_have_is_refused():
    need_kdc()
    KDC.admin(f"change_password -randkey MSServerClusterMgmtAPI/{HOST}")
    got = our_client("kerberos", "seal", KDC.ticket_of("alice", fresh=True))
    assert got[0] is None, got


def main():
    with subprocess.Popen([sys.argv[1]], env=SERVER_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        while server.stdout.readline() != b"ready\n":
            assert server.poll() is None
        try:
            run(sys.argv[3:])
        finally:
            server.stdin.close()


realm.enter("clients log in over TCP")
DIRECTORY = temporary()
SMB_CONF = realm.write_smb_conf(DIRECTORY)
realm.name_the_host(DIRECTORY)
KDC = realm.Kdc(DIRECTORY)
SERVER_ENVIRONMENT = dict(os.environ, RPC_AUTH_PORT=str(PORT))
if KDC.keytab is not None:
    SERVER_ENVIRONMENT["RPC_AUTH_KEYTAB"] = KDC.keytab
with KDC:
    main()
