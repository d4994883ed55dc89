#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library logs in with tickets of a KDC that is thrown away, and says why when it cannot.  Prints TAP.

Usage: kerberos.py RUEDAD LIBCLUSAPI SHIFT_CLOCK [PART OF A TEST'S NAME…]      in namespaces of its own; as root"""
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import realm  # noqa: E402

realm.enter("the library logs in with tickets")

import cluster  # noqa: E402
import tap  # noqa: E402
from cluster import Cluster  # noqa: E402
from tap import Skip, test  # noqa: E402

RUEDAD, LIBRARY, SHIFT_CLOCK = sys.argv[1:4]
NO_LOGON_SERVERS, NO_SUCH_LOGON_SESSION, WRONG_TARGET_NAME, TIME_SKEW = 1311, 1312, 1396, 1398
OPEN = """import ctypes, sys
sys.path.insert(0, sys.argv[1])
import cluster
api = cluster.Api(sys.argv[2])
granted = ctypes.c_uint32()
api.lib.OpenClusterEx.restype = ctypes.c_void_p
h = api.lib.OpenClusterEx(cluster.wide(sys.argv[3]), 0x02000000, ctypes.byref(granted))
if not h:
    print(api.last_error())
    sys.exit()
if granted.value == 0x10000000:
    key = api.create_key(api.root(h), "Tickets")[1]
    assert api.set_number(key, "n", 7) == 0 and api.get_number(key, "n") == 7
else:
    assert not api.root(h) and api.enum_keys(api.root(h, 0x20019))
print({0x80000000: "read", 0x10000000: "all"}[granted.value])
"""
kdc = service = None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start():
    """A service that alice may do everything with, and bob may read; mallory is known to the KDC alone."""
    global kdc, service
    if service is not None:
        return
    if kdc is None:
        kdc = realm.Kdc(tap.temporary())
    if kdc.keytab is None:
        raise Skip("there is no krb5-kdc")
    keytab = os.path.join(tap.temporary(), "keytab")
    shutil.copy(kdc.keytab, keytab)
    shutil.chown(keytab, "nobody")
    service = Cluster(RUEDAD, LIBRARY, f"[listen]\naddress = 127.0.0.1\nport = {free_port()}\nepmap = {free_port()}\n[access]\n"
                      f"ntlm = off\nkeytab = {keytab}\nall = alice@{realm.REALM}\nread = bob@{realm.REALM}\n")
    service.keytab = keytab
    line = next(line for line in service.log_text().splitlines() if "over the network" in line)
    service.port = int(line.split("port=")[1].split()[0])
    if "WITHOUT ANY SECURITY" in line:
        raise Skip("this build serves without a login")


def open_with(cache, host=realm.HOST, **more):
    """What a program gets that opens the cluster with the tickets of that cache, on a machine without a service."""
    environment = {**os.environ, "RUEDA_DIR": tap.temporary(), "KRB5CCNAME": f"FILE:{cache}", **more}
    done = subprocess.run([sys.executable, "-c", OPEN, os.path.dirname(cluster.__file__), LIBRARY, f"{host}:{service.port}"],
                          env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fresh(user, *options):
    """A cache of its own with nothing but a new ticket for the KDC."""
    cache = os.path.join(tap.temporary(), f"cache{time.monotonic_ns()}")
    subprocess.run(["kinit", *options, "-c", cache, f"{user}@{realm.REALM}"], input=realm.PASSWORD + "\n", text=True, check=True,
                   capture_output=True)
    return cache


def expect(wanted, got):
    assert got == wanted, f"{got} instead of {wanted}"


@test
def a_ticket_opens_the_cluster_with_the_rights_of_its_principal():
    start()
    expect("all", open_with(fresh("alice")))
    expect("read", open_with(fresh("bob")))
    expect("5", open_with(fresh("mallory")))


@test
def without_a_ticket_there_is_a_code_for_it():
    start()
    expect(str(NO_SUCH_LOGON_SESSION), open_with("/nonexistent/cache"))


@test
def an_expired_ticket_is_as_good_as_none():
    start()
    cache = fresh("alice", "-l", "2s")
    expect(str(NO_SUCH_LOGON_SESSION), open_with(cache, LD_PRELOAD=SHIFT_CLOCK, SHIFT_CLOCK="1000"))


@test
def a_host_that_the_kdc_does_not_know_is_named_wrong():
    start()
    expect(str(WRONG_TARGET_NAME), open_with(fresh("alice"), host="localhost"))


@test
def clocks_that_differ_are_told():
    start()
    cache = fresh("alice")
    expect("all", open_with(cache, LD_PRELOAD=SHIFT_CLOCK, SHIFT_CLOCK="0"))  # The shift alone makes the difference.
    expect(str(TIME_SKEW), open_with(fresh("alice"), LD_PRELOAD=SHIFT_CLOCK, SHIFT_CLOCK="3600"))
    # The ticket for the service is there: only the server sees it, and it says nothing of its reasons.
    expect("5", open_with(cache, LD_PRELOAD=SHIFT_CLOCK, SHIFT_CLOCK="3600"))


@test
def a_ticket_for_a_key_that_the_service_does_not_have_is_refused():
    start()
    for host in (realm.HOST, realm.HOST.upper()):
        kdc.admin(f"cpw -randkey MSServerClusterMgmtAPI/{host}")
    expect("5", open_with(fresh("alice")))
    for host in (realm.HOST, realm.HOST.upper()):
        kdc.admin(f"ktadd -k {service.keytab}.new MSServerClusterMgmtAPI/{host}")
    shutil.chown(service.keytab + ".new", "nobody")
    os.rename(service.keytab + ".new", service.keytab)
    expect("all", open_with(fresh("alice")))  # A keytab that is replaced counts at once.


@test
def a_kdc_that_does_not_answer_is_told_and_a_ticket_that_is_there_needs_none():
    start()
    used, unused = fresh("alice"), fresh("alice")
    expect("all", open_with(used))
    kdc.stop()
    expect("all", open_with(used))
    expect(str(NO_LOGON_SERVERS), open_with(unused))


if __name__ == "__main__":
    realm.name_the_host(tap.temporary())
    try:
        tap.run(sys.argv[4:])
    finally:
        if service is not None:
            service.stop()
        if kdc is not None:
            kdc.stop()
