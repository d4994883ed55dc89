#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Groups of a domain decide who may do what: Samba's domain controller, its rpcclient, and tickets that were tampered with.
Prints TAP.

Usage: domain.py RUEDAD RUEDA [PART OF A TEST'S NAME…]      in namespaces of its own; as root"""
import json
import os
import pwd
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import domain  # noqa: E402
import realm  # noqa: E402
from tap import Skip, need_root, run, temporary, test  # noqa: E402

RUEDAD, RUEDA = sys.argv[1:3]
service = dc = None


def rueda(*arguments):
    done = subprocess.run([RUEDA, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def grant(name, access):
    rueda("access", "grant", name, access)


def start():
    """A cluster that nobody but root has access to, and a domain: alice and bob are cluster administrators."""
    global service, dc
    need_root()
    if isinstance(dc, Skip):
        raise dc
    if service is not None:
        rueda("access", "reset", "--yes")
        return
    if shutil.which("rpcclient") is None:
        raise Skip("rpcclient is not installed")
    try:
        dc = domain.Domain(temporary())
    except Skip as e:
        dc = e
        raise
    dc.group("Cluster Admins", ["alice", "bob"])
    dc.group("Suspended", ["bob"])
    dc.__enter__()
    os.environ["RUEDA_DIR"] = temporary()
    keytab = os.path.join(os.environ["RUEDA_DIR"], "keytab")
    shutil.copy(dc.keytab, keytab)
    os.chown(keytab, pwd.getpwnam("nobody").pw_uid, 0)
    with open(os.path.join(os.environ["RUEDA_DIR"], "rueda.conf"), "w", encoding="ascii") as f:
        f.write("[node]\nname = node1\n[service]\nuser = nobody\n[listen]\naddress = 127.0.0.1\n[access]\n"
                f"ntlm = off\nkeytab = {keytab}\nread = carol@{domain.REALM}\n")
    with open(os.path.join(os.environ["RUEDA_DIR"], "log"), "wb") as log:
        service = subprocess.Popen([RUEDAD], stderr=log)
    until = time.monotonic() + 120
    while time.monotonic() < until and service.poll() is None:
        if subprocess.run([RUEDA, "cluster", "create", "DOMAIN"], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError("the service does not answer")


def rpcclient(cache, command, flags="seal,krb5"):
    conf = realm.write_smb_conf(os.environ["RUEDA_DIR"])
    done = subprocess.run(["rpcclient", "-s", conf, "--use-kerberos=required", "--use-krb5-ccache=" + cache,
                           f"ncacn_ip_tcp:{domain.HOST}[{flags}]", "-c", command], capture_output=True, text=True,
                          check=False, timeout=120, env={**os.environ, "KRB5CCNAME": "FILE:" + cache})
    return done.stdout + done.stderr


def level(user, flags="seal,krb5"):
    said = rpcclient(dc.ticket_of(user), "clusapi_get_cluster_name", flags)
    if "ClusterName: DOMAIN" not in said:
        assert "ACCESS_DENIED" in said, said
        return "none"
    said = rpcclient(dc.ticket_of(user), "clusapi_online_resource absent", flags)
    return "all" if "RESOURCE_NOT_FOUND" in said else "read" if "ACCESS_DENIED" in said else said


@test
def who_is_in_no_list_and_no_entry_has_no_access():
    start()
    assert [level(user) for user in ("alice", "bob", "carol", "Administrator")] == ["none", "none", "read", "none"]


@test
def a_group_of_the_domain_is_granted():
    start()
    grant(dc.sid("Cluster Admins"), "all")
    for flags in ("seal,krb5", "seal,spnego"):
        assert [level("alice", flags), level("bob", flags), level("carol", flags)] == ["all", "all", "read"]
    rueda("access", "revoke", dc.sid("Cluster Admins"))
    assert level("alice") == "none"


@test
def everybody_is_in_the_primary_group():
    start()
    grant(dc.sid("Domain Users"), "read")
    assert [level(user) for user in ("alice", "bob", "carol")] == ["read", "read", "read"]


@test
def a_group_is_denied():
    start()
    shown = json.loads(rueda("access", "ls", "--json"))["entries"]
    assert len(shown) == 2
    admins, suspended = (sid_bytes(dc.sid(g)) for g in ("Cluster Admins", "Suspended"))
    aces = ace(1, 4, suspended) + ace(0, 3, admins)
    acl = b"\2\0" + (8 + len(aces)).to_bytes(2, "little") + b"\2\0\0\0" + aces
    descriptor = b"\1\0\4\x80" + bytes(12) + (20).to_bytes(4, "little") + acl
    rueda("reg", "set", "", "Security Descriptor", descriptor.hex(), "--type", "binary")
    assert [level("alice"), level("bob"), level("carol")] == ["all", "none", "none"]


def sid_bytes(text):
    parts = [int(p) for p in text.split("-")[2:]]
    return bytes([1, len(parts) - 1]) + parts[0].to_bytes(6, "big") + b"".join(p.to_bytes(4, "little") for p in parts[1:])


def ace(kind, mask, sid):
    return bytes([kind, 0]) + (8 + len(sid)).to_bytes(2, "little") + mask.to_bytes(4, "little") + sid


def tampered(user, old, new, sign):
    """A cache with the user's ticket for the service, the bytes old of its PAC replaced, and signed anew or not: what only
    who has the service's key can make."""
    cache = os.path.join(dc.directory, "tampered")
    shutil.copy(dc.ticket_of(user), cache)
    for name in ("host", "MSServerClusterMgmtAPI"):
        subprocess.run(["kvno", f"{name}/{domain.HOST}"], check=True, capture_output=True,
                       env={**os.environ, "KRB5CCNAME": "FILE:" + cache})
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "pac.py")
    done = subprocess.run([python_with_impacket(), tool, cache, dc.keytab, old.hex(), new.hex(), str(int(sign))],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return cache


def python_with_impacket():
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import impacket"], capture_output=True, check=False).returncode == 0:
            return python
    raise Skip("python3-impacket is not installed")


@test
def groups_that_the_domain_did_not_sign_do_not_count():
    start()
    grant(dc.sid("Cluster Admins"), "all")
    grant(f"carol@{domain.REALM}", "read")
    group, other = (int(dc.sid(g).split("-")[-1]).to_bytes(4, "little") + b"\7\0\0\0" for g in ("Cluster Admins", "Domain Users"))
    read, change = "clusapi_get_cluster_name", "clusapi_online_resource absent"
    cache = tampered("carol", other, group, False)
    assert "ClusterName: DOMAIN" in rpcclient(cache, read)
    assert "ACCESS_DENIED" in rpcclient(cache, change)
    # Signed it would do: so the one before fails for its signature, and the service's key is as secret as a password.
    assert "RESOURCE_NOT_FOUND" in rpcclient(tampered("carol", other, group, True), change)


@test
def groups_that_cannot_be_read_let_nobody_in():
    start()
    grant(f"carol@{domain.REALM}", "read")
    name = "carol".encode("utf-16-le")
    # The name's count of characters, in front of it, becomes another one than the fixed part says.
    old = (5).to_bytes(4, "little") + bytes(4) + (5).to_bytes(4, "little") + name
    new = (5).to_bytes(4, "little") + bytes(4) + (4).to_bytes(4, "little") + name
    assert "ACCESS_DENIED" in rpcclient(tampered("carol", old, new, True), "clusapi_get_cluster_name")


realm.enter("groups of a domain are asked")
try:
    run(sys.argv[3:])
finally:
    if service is not None:
        service.terminate()
        service.wait()
    if isinstance(dc, domain.Domain) and dc.process is not None:
        dc.__exit__()
