#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cluster over TCP: names, the endpoint mapper, IPv4 and IPv6, restarts, calls that hang.  Prints TAP.

Usage: network.py RUEDAD LIBCLUSAPI [part of a test's name...]
Run by root, all of it is in a network of its own, where port 135 is free.  A build with -Dplain_tcp=true needs no login."""
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

if os.geteuid() == 0 and "RUEDA_TEST_NETWORK" not in os.environ and shutil.which("unshare"):
    os.environ["RUEDA_TEST_NETWORK"] = "own"
    os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster, wide  # noqa: E402
from tap import test  # noqa: E402

RUEDAD, LIBRARY, CHOSEN = cluster.main(sys.argv)
OWN_NETWORK = os.environ.get("RUEDA_TEST_NETWORK") == "own"
if OWN_NETWORK:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
GENERIC_READ, GENERIC_ALL = 0x80000000, 0x10000000
shared = None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


USERS = {"alice": "backup", "bob": "games", "plain": "backup"}  # Who they are here; plain: of a build without logins.


def serve(listen, user="daemon", users=None):
    """A service with alice, bob and carol, who may do all, and watcher, who may read; all have the password "Password"."""
    users = ", ".join(f"{name}:{who}" for name, who in (users or USERS).items())
    service = Cluster(RUEDAD, LIBRARY, f"[listen]\n{listen}\n[access]\nmap = {users}\n", user=user)
    service.add_accounts(alice="all", bob="all", carol="all", watcher="read")
    return service


def the_service():
    global shared
    if shared is None:
        mapper = 135 if OWN_NETWORK else free_port()
        shared = serve(f"address = 127.0.0.1, ::1\nport = {free_port()}\nepmap = {mapper}")
        shared.mapper = mapper
        line = next(line for line in shared.log_text().splitlines() if "over the network" in line)
        shared.port = int(line.split("port=")[1].split()[0])
        shared.plain = "WITHOUT ANY SECURITY" in line
    return shared


class Client(Cluster):
    """A machine without a service: a directory with a client.conf and credentials.  run() runs a function there."""

    def __init__(self, clusters="", mapper=None, user="alice", password="Password", mode=0o600):
        super().__init__(RUEDAD, LIBRARY, create=False, start=False)
        self.log = open(self.path("log"), "ab")
        with open(self.path("client.conf"), "w", encoding="utf-8") as f:
            f.write(f"[clusters]\n{clusters}\n[client]\nepmap = {mapper or the_service().mapper}\n")
            if user is not None and not the_service().plain:
                f.write(f"credentials = {self.path('login')}\n")
        with open(os.open(self.path("login"), os.O_WRONLY | os.O_CREAT, mode), "w", encoding="utf-8") as f:
            f.write(f"[login]\nuser = {user}\npassword = {password}\n")


def need_logins():
    if the_service().plain:
        raise tap.Skip("this build serves without a login")


def open_ex(api, name, access):
    granted = ctypes.c_uint32()
    api.lib.OpenClusterEx.restype = ctypes.c_void_p
    return api.lib.OpenClusterEx(wide(name), access, ctypes.byref(granted)), granted.value


def use(api, name, key):
    """Open, write, read, close."""
    handle = api.OpenCluster(name)
    assert handle, (name, api.last_error())
    root = api.root(handle)
    assert root, api.last_error()
    r, new, _ = api.create_key(root, key)
    assert r == 0, r
    assert api.set_number(new, "n", 7) == 0 and api.get_number(new, "n") == 7
    assert api.close_key(new) == 0 and api.delete_key(root, key) == 0
    assert api.CloseCluster(handle)


@test
def tcp_is_off_until_it_is_asked_for():
    with Cluster(RUEDAD, LIBRARY, create=False) as c:
        assert "over the network" not in c.log_text()
        sockets = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False).stdout
        assert f"pid={c.service_pid()}," not in sockets, sockets


@test
def a_login_is_demanded():
    need_logins()
    name = f"127.0.0.1:{the_service().port}"

    def refused(api, code=5):
        assert not api.OpenCluster(name)
        assert api.last_error() == code, api.last_error()

    def accepted(api):
        assert api.OpenCluster(name), api.last_error()

    Client(user=None).run(lambda api: refused(api, 1312))  # Neither an account nor a ticket.
    Client(password="password").run(refused)
    Client(user="mallory").run(refused)
    Client(user="ALICE").run(accepted)
    # Others could read that password: it is not used.
    Client(mode=0o640).run(refused)


@test
def who_may_read_reads():
    need_logins()
    name = f"127.0.0.1:{the_service().port}"

    def body(api):
        assert not api.OpenCluster(name) and api.last_error() == 5  # It asks for everything.
        handle, granted = open_ex(api, name, GENERIC_READ)
        assert handle and granted == GENERIC_READ, (granted, api.last_error())
        root = api.root(handle, 0x20019)
        assert root and "Resources" in api.enum_keys(root), api.last_error()
        assert api.create_key(root, "Forbidden")[0] == 5
        assert api.SetClusterName(handle, "forbidden") == 5
        handle, granted = open_ex(api, name, 0x02000000)
        assert handle and granted == GENERIC_READ, (granted, api.last_error())
        assert not open_ex(api, name, GENERIC_ALL)[0] and api.last_error() == 5

    Client(user="watcher").run(body)


@test
def a_cluster_opens_by_host_and_port_by_mapper_and_by_configuration():
    port = the_service().port

    def body(api):
        for number, name in enumerate((f"127.0.0.1:{port}", f"[::1]:{port}", f"localhost:{port}", "127.0.0.1", "::1",
                                       "alpha", "ALPHA", "beta")):
            use(api, name, f"Opens{number}")

    Client(f"alpha = 127.0.0.1:{port}\nbeta = 127.0.0.1:1 127.0.0.9 [::1]:{port}").run(body)


@test
def what_is_not_there_is_not_available():
    def body(api):
        for name, code in (("no-such-host.invalid", 1722), ("127.0.0.1:1", 1722), ("127.0.0.9", 1722), ("a b", 87),
                           ("127.0.0.1:0", 87), ("127.0.0.1:99999", 87), ("[::1", 87), ("bad", 87)):
            started = time.monotonic()
            assert not api.OpenCluster(name)
            assert api.last_error() == code, (name, api.last_error())
            assert time.monotonic() - started < 25, name  # And not all the time that connecting may take.

    Client("bad = host:port").run(body)


@test
def access_is_as_asked_for_and_no_more():
    name = f"127.0.0.1:{the_service().port}"

    def body(api):
        handle, granted = open_ex(api, name, GENERIC_READ)
        assert handle and granted == GENERIC_READ, (handle, granted, api.last_error())
        handle, granted = open_ex(api, name, 0x02000000)
        assert handle and granted == GENERIC_ALL, (granted, api.last_error())
        handle, granted = open_ex(api, name, 0)
        assert not handle and api.last_error() == 87

    Client().run(body)


def back_up(user, target, name=None):
    """The code of a backup over the network."""
    name = name or f"127.0.0.1:{the_service().port}"
    if os.geteuid() != 0:
        raise tap.Skip("who comes over the network is somebody else, and only root can become that")

    def body(api):
        handle = api.OpenCluster(name)
        assert handle, api.last_error()
        with open(os.path.join(client.directory, "code"), "w", encoding="ascii") as f:
            f.write(str(api.BackupClusterDatabase(handle, target)))

    client = Client(user=user)
    client.run(body)
    with open(os.path.join(client.directory, "code"), encoding="ascii") as f:
        return int(f.read())


def directory_of(user):
    path = os.path.join(tap.temporary(), "sets")
    os.mkdir(path, 0o700)
    os.chown(path, pwd.getpwnam(user).pw_uid, -1)
    return path


@test
def a_backup_over_the_network_is_written_as_the_user_of_the_map():
    sets = directory_of("backup")
    assert back_up("alice", os.path.join(sets, "set")) == 0
    for name in ("set", "set/Clusbackup.dat", "set/quolog.log"):
        assert os.stat(os.path.join(sets, name)).st_uid == pwd.getpwnam("backup").pw_uid, name


@test
def each_account_writes_where_its_own_user_may():
    need_logins()
    of_alice, of_bob = directory_of("backup"), directory_of("games")
    assert back_up("bob", os.path.join(of_bob, "set")) == 0
    assert os.stat(os.path.join(of_bob, "set")).st_uid == pwd.getpwnam("games").pw_uid
    assert back_up("bob", os.path.join(of_alice, "set")) == 5
    assert back_up("alice", os.path.join(of_bob, "set")) == 5
    assert os.listdir(of_alice) == []


@test
def who_is_no_user_here_writes_no_backup():
    need_logins()
    target = os.path.join(tap.temporary(), "set")
    os.mkdir(target, 0o777)
    os.chmod(target, 0o777)
    assert back_up("carol", target) == 5
    assert os.listdir(target) == []
    assert "map in [access] of rueda.conf" in the_service().log_text()


@test
def nobody_is_root_or_the_daemon_over_the_network():
    need_logins()
    if os.geteuid() != 0:
        raise tap.Skip("only root can become somebody else")
    the_service()
    service = serve(f"address = 127.0.0.1\nepmap = {free_port()}", user="nobody",
                    users={"alice": "nobody", "bob": "root", "carol": "no-such-user"})
    port = service.log_text().split("port=")[1].split()[0]
    for user, why in (("alice", "the service itself"), ("bob", "who is root"), ("carol", "which does not exist")):
        target = os.path.join(tap.temporary(), "set")
        os.mkdir(target, 0o777)
        os.chmod(target, 0o777)
        assert back_up(user, target, f"127.0.0.1:{port}") == 5, user
        assert back_up(user, service.path("state/set"), f"127.0.0.1:{port}") == 5, user
        assert os.listdir(target) == [] and not os.path.exists(service.path("state/set"))
        assert why in service.log_text(), service.log_text()
    service.stop()


@test
def handles_survive_a_restart_at_another_port():
    mapper = free_port()
    service = serve(f"address = 127.0.0.1\nepmap = {mapper}")
    client = Client(mapper=mapper)

    def body(api):
        handle = api.OpenCluster("127.0.0.1")
        assert handle, api.last_error()
        root = api.root(handle)
        r, key, _ = api.create_key(root, "Stays")
        assert r == 0 and api.set_number(key, "n", 1) == 0
        service.kill()
        service.start()
        assert api.get_number(key, "n") == 1
        assert api.set_number(key, "n", 2) == 0
        assert api.get_number(key, "n") == 2
        service.stop()

    client.run(body)


def hang(api, service, end):
    """A call that the stopped service does not answer; end(handle) is to make it return.  (its code, seconds)"""
    handle = api.OpenCluster(f"127.0.0.1:{service.port}")
    root = api.root(handle)
    assert root, api.last_error()
    result = []

    def call():
        started = time.monotonic()
        r = api.lib.ClusterRegDeleteValue(ctypes.c_void_p(root), wide("nothing"))
        result.append((r, time.monotonic() - started))

    pid = service.service_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        thread = threading.Thread(target=call)
        thread.start()
        for _ in range(200):  # It may not have begun when it is ended for the first time.
            thread.join(0.3)
            if not thread.is_alive():
                break
            end(handle)
        assert not thread.is_alive(), "the call still hangs"
    finally:
        os.kill(pid, signal.SIGCONT)
    # The handle goes on.
    assert api.lib.ClusterRegDeleteValue(ctypes.c_void_p(root), wide("nothing")) == 2
    return result[0]


@test
def a_call_that_hangs_can_be_cancelled():
    service = the_service()

    def body(api):
        def cancel(handle):
            assert api.lib.RuedaCancelCalls(ctypes.c_void_p(handle)) == 0

        r, _ = hang(api, service, cancel)
        assert r == 1223, r
        assert api.lib.RuedaCancelCalls(None) == 6

    Client().run(body)


@test
def a_call_ends_at_its_time_limit():
    service = the_service()

    def body(api):
        real = api.OpenCluster

        def limited(name):
            handle = real(name)
            assert api.lib.RuedaSetCallTimeout(ctypes.c_void_p(handle), 500) == 0
            assert api.lib.RuedaSetCallTimeout(ctypes.c_void_p(handle), 1 << 31) == 87
            return handle

        api.OpenCluster = limited
        r, seconds = hang(api, service, lambda handle: None)
        assert r == 1460, r
        assert seconds > 0.4, seconds

    Client().run(body)


@test
def the_mapper_lists_and_finds_for_impackets_client():
    service = the_service()
    if not OWN_NETWORK or shutil.which("impacket-rpcdump") is None:
        raise tap.Skip("needs port 135 and impacket-rpcdump")
    done = subprocess.run(["impacket-rpcdump", "-port", "135", "127.0.0.1"], capture_output=True, text=True, timeout=120,
                          check=False, env={**os.environ, "PATH": "/usr/bin:/bin"})  # It is for the system's Python.
    assert "B97DB8B2-4C63-11CF-BFF6-08002BE23F2F v3.0" in done.stdout, done.stdout + done.stderr
    assert "B97DB8B2-4C63-11CF-BFF6-08002BE23F2F v2.0" in done.stdout, done.stdout
    assert f"ncacn_ip_tcp:127.0.0.1[{service.port}]" in done.stdout, done.stdout
    assert "Microsoft Cluster Server API" in done.stdout, done.stdout


def rpcclient(binding, *options):
    directory = tap.temporary()
    conf = os.path.join(directory, "smb.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("[global]\n")
        for name in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
            f.write(f"{name} = {directory}\n")
    done = subprocess.run(["rpcclient", "-s", conf, binding, *options], capture_output=True, text=True, timeout=120,
                          check=False)
    return done.stdout + done.stderr


@test
def sambas_client_finds_the_port_through_the_mapper():
    if not OWN_NETWORK or shutil.which("rpcclient") is None:
        raise tap.Skip("needs port 135 and rpcclient")
    service = the_service()
    for host in ("127.0.0.1", "localhost"):
        said = rpcclient(f"ncacn_ip_tcp:{host}", "-U%", "-c", "clusapi_get_cluster_name")
        # It is anonymous: a secure build tells it so, which it cannot but for having found the port.
        wanted = "ClusterName: CLUSTER_NAME" if service.plain else "ACCESS_DENIED"
        assert wanted in said, said
    listed = rpcclient("ncacn_ip_tcp:127.0.0.1", "-U%", "-c", "epmlookup").splitlines()
    assert len([line for line in listed if f"[{service.port}," in line]) == 2, listed


@test
def sambas_client_is_served_encrypted_and_at_no_lower_level():
    need_logins()
    if not OWN_NETWORK or shutil.which("rpcclient") is None:
        raise tap.Skip("needs port 135 and rpcclient")
    for options, wanted in (("seal", "ClusterName: CLUSTER_NAME"), ("seal,spnego,ntlm", "ClusterName: CLUSTER_NAME"),
                            ("sign", "ACCESS_DENIED"), ("packet", "ACCESS_DENIED"), ("connect", "ACCESS_DENIED")):
        said = rpcclient(f"ncacn_ip_tcp:127.0.0.1[{options}]", "-U", "alice%Password", "-c", "clusapi_get_cluster_name")
        assert wanted in said, (options, said)


@test
def our_own_interface_is_not_offered_over_the_network():
    service = the_service()
    rueda = bytes.fromhex(RUEDA_UUID)
    ndr = bytes.fromhex("045d888aeb1cc9119fe808002b10486002000000")
    context = b"\0\0\1\0" + rueda + b"\1\0\0\0" + ndr
    body = (4280).to_bytes(2, "little") * 2 + bytes(4) + b"\1\0\0\0" + context
    bind = b"\5\0\x0b\3\x10\0\0\0" + (16 + len(body)).to_bytes(2, "little") + bytes(2) + b"\1\0\0\0" + body
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as s:
        s.sendall(bind)
        answer = s.recv(4096)
    assert answer[2] == 12, answer  # bind_ack, whose one result is at the end: 2, 1 = abstract syntax not supported
    assert answer[-24:-20] == b"\2\0\1\0", answer


def rueda_uuid():
    """As it stands in the description, in the order of the wire."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "idl", "rueda.idl")
    with open(source, encoding="utf-8") as f:
        text = next(line for line in f if line.startswith("interface ")).split()[2]
    parts = text.split("-")
    return "".join(bytes.fromhex(p)[::-1].hex() for p in parts[:3]) + "".join(parts[3:])


RUEDA_UUID = rueda_uuid()

if __name__ == "__main__":
    try:
        tap.run(CHOSEN)
    finally:
        if shared is not None:
            shared.stop()
