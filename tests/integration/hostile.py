#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that break the protocol, or take what they can get, against the service over TCP: it stays up, its memory is
bounded, others are served meanwhile.  And impacket as a client that behaves: sealed calls in many fragments.  Prints TAP.

Usage: hostile.py RUEDAD LIBCLUSAPI [part of a test's name...]      as root, in a network of its own, with impacket"""
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import time

SYSTEM_PYTHON = "/usr/bin/python3"  # Impacket is installed for the system's own.
if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and os.path.exists(SYSTEM_PYTHON):
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
if os.geteuid() == 0 and "RUEDA_TEST_NETWORK" not in os.environ and shutil.which("unshare"):
    os.environ["RUEDA_TEST_NETWORK"] = "own"
    os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import test  # noqa: E402

try:
    from impacket import uuid
    from impacket.dcerpc.v5 import rpcrt, transport
except ImportError:
    print("1..1\nok 1 - hostile clients # SKIP python3-impacket is not installed")
    sys.exit(0)

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
PORT, HANDLES, NOBODY = 49155, 300, 65533
CLUSAPI = "b97db8b2-4c63-11cf-bff6-08002be23f2f"
REQUEST, FAULT, BIND, WHOLE = 0, 3, 11, 3
GET_CLUSTER_NAME, GET_ROOT_KEY, CREATE_KEY, SET_VALUE, QUERY_VALUE, CLOSE_KEY = 3, 28, 29, 32, 34, 37
OPEN_KEY, CREATE_NOTIFY, ADD_NOTIFY_KEY, GET_NOTIFY, EXECUTE_BATCH, CREATE_BATCH_PORT, GET_BATCH = 30, 55, 61, 65, 113, 114, 115
SET, CREATE, DELETE, DELETE_VALUE, SET_SECURITY = 1, 2, 3, 4, 5  # Commands of a batch.
ACCESS_DENIED, SECURITY_ERROR, TOO_MANY_OPEN_FILES = 5, 0x721, 4
PATIENCE_S, MEMORY_MB = 5, 64  # How long others may wait; how much more memory a flood may cost.
READ, ALL_ACCESS = 0x20019, 0xF003F
shared = None


def u16(value):
    return value.to_bytes(2, "little")


def u32(value):
    return value.to_bytes(4, "little")


def wstr(text):
    units = (text + "\0").encode("utf-16-le")
    return u32(len(units) // 2) + u32(0) + u32(len(units) // 2) + units + bytes(-len(units) % 4)


def service():
    global shared
    if os.environ.get("RUEDA_TEST_NETWORK") != "own" or os.geteuid() != 0:
        raise tap.Skip("only root can have a network of its own")
    if shared is None:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        shared = Cluster(RUEDAD, LIBRARY, f"[listen]\naddress = 127.0.0.1\nport = {PORT}\n[limits]\nhandles = {HANDLES}\n")
        shared.add_accounts(alice="all", watcher="read")
        if "WITHOUT ANY SECURITY" in shared.log_text():
            raise tap.Skip("this build serves without a login")
    assert shared.process.poll() is None, shared.log_text()
    return shared


def memory_mb():
    with open(f"/proc/{service().service_pid()}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS:"))


class Client:
    """Impacket's, which has logged in."""

    def __init__(self, user="alice", password=cluster.PASSWORD, level=rpcrt.RPC_C_AUTHN_LEVEL_PKT_PRIVACY):
        self.make_transport(user, password, level)
        self.dce.connect()
        self.bind()

    def make_transport(self, user="alice", password=cluster.PASSWORD, level=rpcrt.RPC_C_AUTHN_LEVEL_PKT_PRIVACY):
        self.transport = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:127.0.0.1[{PORT}]")
        self.transport.set_credentials(user, password)
        self.transport.set_connect_timeout(PATIENCE_S)
        self.dce = self.transport.get_dce_rpc()
        self.dce.set_auth_type(rpcrt.RPC_C_AUTHN_WINNT)
        self.dce.set_auth_level(level)

    def bind(self):
        self.dce.bind(uuid.uuidtup_to_bin((CLUSAPI, "3.0")))

    def call(self, opnum, stub=b""):
        self.dce.call(opnum, stub)
        return self.dce.recv()

    def caught(self, opnum, stub=b""):
        """The bytes of a call that is not sent."""
        sent, real = [], self.transport.send
        self.transport.send = lambda data, **_: sent.append(data)
        try:
            self.dce.call(opnum, stub)
        finally:
            self.transport.send = real
        return b"".join(sent)

    def raw(self, data):
        """The type and the status of the one answer to raw bytes, which must end the connection."""
        stream = self.transport.get_socket()
        stream.sendall(data)
        answer = b""
        while len(part := stream.recv(65536)) > 0:
            answer += part
        return (answer[2], int.from_bytes(answer[24:28], "little")) if answer else None

    def root_key(self, access=ALL_ACCESS):
        answer = self.call(GET_ROOT_KEY, u32(access))
        return int.from_bytes(answer[:4], "little"), answer[8:28]

    def close(self):
        self.dce.disconnect()


def others_are_served():
    begin = time.monotonic()
    client = Client()
    assert "CLUSTER_NAME".encode("utf-16-le") in client.call(GET_CLUSTER_NAME)
    client.close()
    took = time.monotonic() - begin
    assert took < PATIENCE_S, took
    return took


def dial(source):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
    s.bind((source, 0))
    s.settimeout(PATIENCE_S)
    s.connect(("127.0.0.1", PORT))
    return s


def pdu(kind, body, auth=b"", auth_length=None, length=None, flags=WHOLE):
    total = 16 + len(body) + len(auth) if length is None else length
    auth_length = max(len(auth) - 8, 0) if auth_length is None else auth_length
    return b"\5\0" + bytes([kind, flags]) + b"\x10\0\0\0" + u16(total) + u16(auth_length) + u32(1) + body + auth


def bind_body(interface=CLUSAPI, group=0):
    ndr = bytes.fromhex("045d888aeb1cc9119fe808002b10486002000000")
    return u16(4280) * 2 + u32(group) + b"\1\0\0\0" + b"\0\0\1\0" + uuid.uuidtup_to_bin((interface, "3.0")) + ndr


def negotiate():
    return bytes([10, 6, 0, 0]) + u32(1) + b"NTLMSSP\0" + u32(1) + u32(0xE2088297) + bytes(24)


@test
def impacket_sets_and_reads_a_value_of_200_kb_in_fragments_of_any_size():
    service()
    data = random.Random(1).randbytes(200_000)
    for fragment in (None, 5000, 1000, 200):
        client = Client()
        if fragment is not None:
            client.dce.set_max_fragment_size(fragment)
        status, root = client.root_key()
        assert status == 0
        answer = client.call(CREATE_KEY, root + wstr("Large") + u32(0) + u32(ALL_ACCESS) + u32(0))
        assert answer[4:8] == u32(0), answer
        key = answer[12:32]
        data = data[1:] + data[:1]  # Another one each time.
        answer = client.call(SET_VALUE, key + wstr("v") + u32(3) + u32(len(data)) + data + u32(len(data)))
        assert answer == u32(0) + u32(0), answer
        answer = client.call(QUERY_VALUE, key + wstr("v") + u32(len(data)))
        assert answer[:8] == u32(3) + u32(len(data)) and answer[8:-12] == data, len(answer)
        assert answer[-12:] == u32(len(data)) + u32(0) + u32(0), answer[-12:]
        client.close()


@test
def a_lower_level_is_refused():
    service()
    for level in (rpcrt.RPC_C_AUTHN_LEVEL_CONNECT, rpcrt.RPC_C_AUTHN_LEVEL_PKT_INTEGRITY):
        client = Client(level=level)
        assert client.raw(client.caught(GET_CLUSTER_NAME)) == (FAULT, ACCESS_DENIED), level
    others_are_served()


@test
def nobody_logs_in_on_the_unix_socket():
    """There the kernel says who it is: an account would give a stranger the rights of the node's owner, and nothing
    would slow down who guesses passwords."""
    service()
    client = Client.__new__(Client)
    client.make_transport()
    unix = socket.socket(socket.AF_UNIX)
    unix.settimeout(PATIENCE_S)
    os.seteuid(NOBODY)
    try:
        unix.connect(os.path.join(shared.directory, "run", "cluster"))
    finally:
        os.seteuid(0)
    client.transport._TCPTransport__socket = unix  # pylint: disable=protected-access
    try:
        client.bind()
        raise AssertionError("an account has logged in on the unix socket")
    except rpcrt.DCERPCException as e:
        assert "Authentication type not recognized" in str(e), e
    unix.close()


@test
def a_replayed_request_is_refused():
    service()
    client = Client()
    request = client.caught(GET_CLUSTER_NAME)
    client.transport.get_socket().sendall(request)
    assert "CLUSTER_NAME".encode("utf-16-le") in client.dce.recv()
    assert client.raw(request) == (FAULT, SECURITY_ERROR)
    others_are_served()


@test
def requests_in_another_order_are_refused():
    service()
    client = Client()
    client.caught(GET_CLUSTER_NAME)  # The first is lost.
    assert client.raw(client.caught(GET_CLUSTER_NAME)) == (FAULT, SECURITY_ERROR)
    others_are_served()


@test
def a_request_of_another_connection_is_refused():
    service()
    first, second = Client(), Client()
    assert second.raw(first.caught(GET_CLUSTER_NAME)) == (FAULT, SECURITY_ERROR)
    others_are_served()


@test
def a_verification_trailer_must_be_true():
    service()
    magic = bytes.fromhex("8ae3137102f43671")

    def header(opnum, call_id):
        return u16(0x4003) + u16(16) + bytes(4) + b"\x10\0\0\0" + u32(call_id) + u16(0) + u16(opnum)

    client = Client()
    call_id = int.from_bytes(client.caught(GET_CLUSTER_NAME)[12:16], "little")
    client = Client()
    assert "CLUSTER_NAME".encode("utf-16-le") in client.call(GET_CLUSTER_NAME, magic + header(GET_CLUSTER_NAME, call_id))
    for wrong in (header(GET_ROOT_KEY, call_id), header(GET_CLUSTER_NAME, call_id + 1),
                  u16(0xC0FF) + u16(0), u16(0x4002) + u16(40) + bytes(40)):
        client = Client()
        assert client.raw(client.caught(GET_CLUSTER_NAME, magic + wrong)) == (FAULT, ACCESS_DENIED), wrong
    others_are_served()


def malformed(rng):
    """Bytes that are a message in part only."""
    good = pdu(BIND, bind_body(), negotiate())
    kind = rng.randrange(6)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 3000))
    if kind == 1:
        return pdu(BIND, bind_body(), negotiate(), length=rng.choice((0, 15, 16, 17, 30, 65535)))
    if kind == 2:
        return pdu(BIND, bind_body(), negotiate(), auth_length=rng.choice((1, 41, 60, 100, 4000, 65535)))
    if kind == 3:
        return pdu(rng.randrange(256), rng.randbytes(rng.randrange(100)), flags=rng.randrange(256))
    if kind == 4:
        return good + pdu(REQUEST, u32(0) + u16(0) + u16(rng.randrange(200)) + rng.randbytes(rng.randrange(64)))
    changed = bytearray(good)
    for _ in range(rng.randrange(1, 6)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


@test
def malformed_messages_end_their_connections_and_nothing_else():
    service()
    seed = int(os.environ.get("RUEDA_TEST_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    print(f"# seed {seed}")
    rng, slowest = random.Random(seed), 0
    others_are_served()
    before = memory_mb()
    for i in range(1500):
        try:
            with dial(f"127.0.{1 + i // 250}.{1 + i % 250}") as s:
                s.sendall(malformed(rng))
                if i % 3 == 0:
                    s.settimeout(0.02)
                    s.recv(65536)
        except OSError:
            pass  # He hung up on us.
        if i % 300 == 299:
            slowest = max(slowest, others_are_served())
    print(f"# others waited {slowest:.2f} s at most; memory {before:.0f} MB, then {memory_mb():.0f} MB")
    assert memory_mb() < before + MEMORY_MB, (before, memory_mb())
    service()


@test
def ten_thousand_half_open_connections_cost_little_and_keep_nobody_out():
    service()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, hard - 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 100), hard))
    whole = pdu(BIND, bind_body(), negotiate())
    parts = [b"", whole[:10], whole[:-1], whole]  # The last waits for his third leg for ever.
    others_are_served()
    before, slowest, streams = memory_mb(), 0, []
    try:
        for i in range(count):
            stream = dial(f"127.{1 + i % 7}.0.1")
            streams.append(stream)
            try:
                stream.sendall(parts[i % len(parts)])
            except OSError:
                pass
            if i % 2000 == 1999:
                slowest = max(slowest, others_are_served())
        slowest = max(slowest, others_are_served())
        print(f"# {count} connections; others waited {slowest:.2f} s at most; memory {before:.0f} MB, then {memory_mb():.0f} MB")
        assert memory_mb() < before + MEMORY_MB, (before, memory_mb())
    finally:
        for stream in streams:
            stream.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    others_are_served()


@test
def leaked_handles_end_at_the_limit_with_a_clear_error_and_only_for_who_leaks():
    service()
    before = memory_mb()
    for _ in range(5):
        client = Client()
        keys = []
        for _ in range(HANDLES):
            status, key = client.root_key()
            assert status == 0, (status, len(keys))
            keys.append(key)
        assert len(set(keys)) == HANDLES
        assert client.root_key() == (TOO_MANY_OPEN_FILES, bytes(20))
        again, other = Client(), Client("watcher")
        assert again.root_key() == (TOO_MANY_OPEN_FILES, bytes(20))  # He is the same one.
        assert other.root_key(READ)[0] == 0
        again.close()
        other.close()
        assert client.call(CLOSE_KEY, keys[0])[20:] == u32(0)
        assert client.root_key()[0] == 0  # There is room for one again.
        client.close()  # The rest goes with the connection.
    assert memory_mb() < before + MEMORY_MB


def command(kind, name="", data=b"", type_=0):
    units = (name + "\0").encode("utf-16-le")
    return u32(kind) + u32(type_) + u32(len(units)) + units + u32(len(data)) + data + bytes(len(data) % 2)


def execute(client, key, *commands):
    batch = u32(1) + b"".join(commands)
    answer = client.call(EXECUTE_BATCH, key + u32(len(batch)) + u32(len(batch)) + batch)
    assert answer[-4:] == u32(0), answer.hex()


def administrators_only():
    """A descriptor whose list has one entry."""
    sid = b"\1\2" + bytes(5) + b"\5" + u32(32) + u32(544)
    ace = b"\0\0" + u16(8 + len(sid)) + u32(ALL_ACCESS) + sid
    return b"\1\0" + u16(0x8004) + bytes(12) + u32(20) + b"\2\0" + u16(8 + len(ace)) + u32(1) + ace


@test
def who_may_not_read_a_key_is_told_nothing_of_it():
    """Neither by a batch port, which tells values as they are set and as they were, nor by a port for single events."""
    service()
    alice, watcher = Client(), Client("watcher")
    root, seen = alice.root_key()[1], watcher.root_key(READ)[1]
    execute(alice, root, command(CREATE, "Guarded"), command(SET, "v", b"first secret", 3),
            command(SET_SECURITY, data=administrators_only(), type_=4), command(CREATE, "Open"))
    answer = watcher.call(OPEN_KEY, seen + wstr("Guarded") + u32(READ))
    assert answer[:4] == u32(5), answer.hex()
    batches, events = watcher.call(CREATE_BATCH_PORT, seen)[:20], watcher.call(CREATE_NOTIFY)[8:28]
    assert watcher.call(ADD_NOTIFY_KEY, events + seen + u32(1) + u32(0x70) + u32(1))[-4:] == u32(0)
    execute(alice, root, command(CREATE, "Guarded"), command(SET, "v", b"second secret", 3), command(SET, "hidden", b"x", 3),
            command(CREATE, "Open"), command(SET, "shown", b"second", 3))
    execute(alice, root, command(CREATE, "Guarded"), command(DELETE_VALUE, "v"), command(CREATE, "Guarded\\below"),
            command(DELETE, "Guarded\\below"))
    execute(alice, root, command(DELETE, "Guarded"), command(CREATE, "Guarded"), command(SET, "v", b"no secret", 3))
    execute(alice, root, command(CREATE, "Open"), command(SET, "shown", b"last", 3))
    told = [watcher.call(GET_BATCH, batches) for _ in range(2)]
    assert all(w.encode("utf-16-le") in told[0] for w in ("Open", "shown")) and b"second" in told[0] and b"last" in told[1], told
    for secret in (b"secret", "Guarded".encode("utf-16-le"), "hidden".encode("utf-16-le"), "below".encode("utf-16-le")):
        assert secret not in b"".join(told), (secret, told)
    names = [watcher.call(GET_NOTIFY, events) for _ in range(2)]
    assert all("Open".encode("utf-16-le") in n for n in names), names  # Two values of it were set, and nothing else.
    watcher.close()
    alice.close()


@test
def a_reader_can_take_neither_all_ports_nor_all_time():
    """A port costs memory, and each filter costs time whenever anybody changes anything."""
    service()
    alice, watcher, second = Client(), Client("watcher"), Client("watcher")
    ports, root = [], watcher.root_key(READ)[1]
    for _ in range(32):
        ports.append(watcher.call(CREATE_NOTIFY)[8:28])
        assert watcher.call(CREATE_BATCH_PORT, root)[-4:] == u32(0)
    assert bytes(20) not in ports
    assert watcher.call(CREATE_NOTIFY)[:4] == u32(TOO_MANY_OPEN_FILES)
    assert second.call(CREATE_NOTIFY)[:4] == u32(TOO_MANY_OPEN_FILES)  # He is the same one.
    assert watcher.call(CREATE_BATCH_PORT, root)[-4:] == u32(TOO_MANY_OPEN_FILES)
    for i in range(4096):
        assert watcher.call(ADD_NOTIFY_KEY, ports[i % 32] + root + u32(1) + u32(0x40) + u32(1))[-4:] == u32(0), i
    assert watcher.call(ADD_NOTIFY_KEY, ports[0] + root + u32(1) + u32(0x40) + u32(1))[-4:] == u32(TOO_MANY_OPEN_FILES)
    port, key = alice.call(CREATE_NOTIFY)[8:28], alice.root_key()[1]
    assert alice.call(ADD_NOTIFY_KEY, port + key + u32(1) + u32(0x40) + u32(1))[-4:] == u32(0)
    assert alice.call(CREATE_BATCH_PORT, key)[-4:] == u32(0)
    for client in (alice, watcher, second):
        client.close()
    others_are_served()


@test
def batches_that_nobody_fetches_cost_a_reader_no_more_than_one_port_would():
    service()
    alice, watcher = Client(), Client("watcher")
    key, root = alice.root_key()[1], watcher.root_key(READ)[1]
    ports = [watcher.call(CREATE_BATCH_PORT, root)[:20] for _ in range(60)]
    before = memory_mb()
    for i in range(12):
        execute(alice, key, command(CREATE, "Large"), command(SET, "v", bytes([i]) * 500_000, 3))
    assert memory_mb() < before + MEMORY_MB, (before, memory_mb())
    ends = [watcher.call(GET_BATCH, ports[-1])[-4:] for _ in range(2)]
    assert u32(31) in ends, ends  # Told to be lost.
    watcher.close()
    alice.close()


if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
