#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the cluster's security descriptor asked for local users, accounts and principals; the descriptors of keys.
Prints TAP.

Usage: access.py RUEDAD RUEDA LIBRARY [PART OF A TEST'S NAME…]      in namespaces of its own; as root"""
import ctypes
import json
import os
import pwd
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import realm  # noqa: E402
from tap import Skip, need_root, run, temporary, test  # noqa: E402

RUEDAD, RUEDA, LIBRARY = sys.argv[1:4]
USER, GROUP = 4101, 4102  # Nobody's.
service = kdc = None


def rueda(*arguments, user=None, groups=(), text=None, expect=0):
    """As root, or as a local user with these groups."""
    who = {} if user is None else {"user": user, "group": 4100, "extra_groups": list(groups)}
    done = subprocess.run([RUEDA, *arguments], input=text, capture_output=True, text=True, check=False, timeout=60, **who)
    assert done.returncode == expect, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def directory():
    return os.environ["RUEDA_DIR"]


def wait_until_up(create):
    wanted = ["cluster", "create", "ACCESS"] if create else ["status", "--json"]
    for _ in range(900):
        done = subprocess.run([RUEDA, *wanted], capture_output=True, text=True, check=False)
        if done.returncode == 0 and (create or json.loads(done.stdout)["state"] == "up"):
            return
        time.sleep(0.1)
    raise AssertionError("the service does not answer")


def restart():
    global service
    if service is not None:
        service.terminate()
        service.wait()
    with open(os.path.join(directory(), "log"), "ab") as log:
        service = subprocess.Popen([RUEDAD], stderr=log)


def start():
    """A cluster with the accounts alice (all) and bob (read), as it is when it is new."""
    global kdc
    need_root()
    if service is not None:
        rueda("access", "reset", "--yes")
        return
    os.environ["RUEDA_DIR"] = temporary()
    os.chmod(directory(), 0o755)
    realm.name_the_host(directory())
    kdc = realm.Kdc(temporary())
    keytab = "none"
    if kdc.keytab is not None:
        keytab = os.path.join(directory(), "keytab")
        shutil.copy(kdc.keytab, keytab)
        os.chown(keytab, pwd.getpwnam("nobody").pw_uid, 0)
    with open(os.path.join(directory(), "rueda.conf"), "w", encoding="ascii") as f:
        f.write("[node]\nname = node1\n[service]\nuser = nobody\n[listen]\naddress = 127.0.0.1\n[access]\n"
                f"keytab = {keytab}\nall = alice@{realm.REALM}\n")
    restart()
    wait_until_up(True)
    rueda("user", "add", "alice", "--access", "all", text="Secret.1\n")
    rueda("user", "add", "bob", text="Secret.2\n")


def rpcclient(who, command):
    """What it says: who is an account with its password, or a principal."""
    if shutil.which("rpcclient") is None:
        raise Skip("rpcclient is not installed")
    conf = realm.write_smb_conf(directory())
    login = ["-U", who, f"ncacn_ip_tcp:{realm.HOST}[seal]"]
    environment = dict(os.environ)
    if "%" not in who:
        if kdc.keytab is None:
            raise Skip("there is no krb5-kdc")
        environment["KRB5CCNAME"] = "FILE:" + kdc.ticket_of(who)
        login = ["-U", f"{who}@{realm.REALM}", "--use-kerberos=required", "--use-krb5-ccache=" + kdc.ticket_of(who),
                 f"ncacn_ip_tcp:{realm.HOST}[seal,krb5]"]
    done = subprocess.run(["rpcclient", "-s", conf, *login, "-c", command], capture_output=True, text=True, check=False,
                          timeout=60, env=environment)
    return done.stdout + done.stderr


def level(who):
    """What somebody may do over the network: "none", "read" or "all"."""
    said = rpcclient(who, "clusapi_get_cluster_name")
    if "ClusterName: ACCESS" not in said:
        assert "ACCESS_DENIED" in said, said
        return "none"
    said = rpcclient(who, "clusapi_online_resource absent")
    if "RESOURCE_NOT_FOUND" in said:
        return "all"
    assert "ACCESS_DENIED" in said, said
    return "read"


def local_level(user=USER, groups=()):
    try:
        rueda("reg", "ls", user=user, groups=groups)
    except AssertionError as e:
        assert "ERROR_ACCESS_DENIED" in str(e), e
        return "none"
    try:
        rueda("reg", "set", "Tried", user=user, groups=groups)
    except AssertionError as e:
        assert "ERROR_ACCESS_DENIED" in str(e), e
        return "read"
    return "all"


def grant(name, access):
    rueda("access", "grant", name, access)


def entries():
    shown = json.loads(rueda("access", "ls", "--json"))
    return [(e["type"], e["access"], e["name"] or e["sid"]) for e in shown["entries"]]


BOTH = [("allow", "all", "Administrators"), ("allow", "read", "Users")]


@test
def a_new_cluster_goes_by_the_rules_of_the_node():
    start()
    assert entries() == BOTH
    assert "valid" in rueda("access", "ls", "--json")
    assert [level("alice%Secret.1"), level("bob%Secret.2")] == ["all", "read"]
    assert local_level() == "none"


@test
def a_principal_goes_by_the_lists():
    start()
    assert [level("alice"), level("bob")] == ["all", "none"]


@test
def what_is_granted_counts_from_the_next_call():
    start()
    grant("bob", "all")
    assert entries() == BOTH + [("allow", "all", "bob")]
    assert level("bob%Secret.2") == "all"
    grant("BOB", "read")
    assert level("bob%Secret.2") == "read"
    rueda("access", "revoke", "Users")
    assert level("bob%Secret.2") == "read"  # By his own name.
    rueda("access", "revoke", "bob")
    assert level("bob%Secret.2") == "none"
    assert level("alice%Secret.1") == "all"


@test
def local_users_and_groups_are_granted():
    start()
    grant(f"unix:{USER}", "read")
    grant(f"group:{GROUP}", "all")
    assert entries()[2:] == [("allow", "read", f"S-1-22-1-{USER}"), ("allow", "all", f"S-1-22-2-{GROUP}")]
    assert local_level() == "read"
    assert local_level(USER + 1) == "none"
    assert local_level(USER + 1, [GROUP]) == "all"
    rueda("access", "revoke", f"group:{GROUP}")
    assert local_level(USER, [GROUP]) == "read"


@test
def who_may_change_the_cluster_may_not_stop_or_restore_the_node():
    start()
    grant(f"unix:{USER}", "all")
    assert local_level() == "all"
    assert "ERROR_ACCESS_DENIED" in rueda("shutdown", "--yes", user=USER, expect=1)
    assert "ERROR_ACCESS_DENIED" in rueda("restore", "/nowhere", "--yes", user=USER, expect=1)
    target = temporary()
    os.chown(target, USER, 4100)
    rueda("backup", target, user=USER)
    assert os.stat(os.path.join(target, "quolog.log")).st_uid == USER


@test
def a_principal_in_no_list_is_granted():
    start()
    grant(f"bob@{realm.REALM}", "read")
    assert level("bob") == "read"
    grant(f"bob@{realm.REALM}", "all")
    assert level("bob") == "all"
    assert level("mallory") == "none"
    grant("Authenticated Users", "read")
    assert level("mallory") == "read"


@test
def root_is_never_locked_out():
    start()
    grant("S-1-5-21-1-2-3-4", "read")
    for name in ("Administrators", "Users"):
        rueda("access", "revoke", name)
    assert [level("alice%Secret.1"), level("bob%Secret.2"), local_level()] == ["none", "none", "none"]
    rueda("access", "revoke", "S-1-5-21-1-2-3-4")
    assert entries() == []
    rueda("status")
    # The daemon's own user, too.
    assert local_level(pwd.getpwnam("nobody").pw_uid) == "all"
    rueda("access", "reset", "--yes")
    assert level("alice%Secret.1") == "all"


@test
def the_descriptor_is_the_clusters_and_outlives_the_service():
    start()
    grant(f"unix:{USER}", "read")
    restart()
    wait_until_up(False)
    assert local_level() == "read"


@test
def what_is_no_descriptor_is_refused_and_one_in_the_database_lets_nobody_in():
    start()
    for bad in ("0100", "01000480" + 24 * "0" + "14000000" + "0200080001000000"):
        assert "87" in rueda("cluster", "set", "Security Descriptor=" + bad, expect=1)
    assert not json.loads(rueda("access", "ls", "--json"))["set"]
    with_value = rueda("reg", "set", "", "Security Descriptor", "0100", "--type", "binary")
    assert with_value == ""
    shown = json.loads(rueda("access", "ls", "--json"))
    assert (shown["set"], shown["valid"], shown["entries"]) == (True, False, [])
    assert level("alice%Secret.1") == "none"
    assert "reset" in rueda("access", "grant", "bob", "read", expect=1)
    with open(os.path.join(directory(), "log"), encoding="utf-8") as f:
        assert "the cluster's security descriptor cannot be enforced" in f.read()
    rueda("access", "reset", "--yes")
    assert level("alice%Secret.1") == "all"


@test
def a_descriptor_without_a_list_restricts_nobody_who_has_logged_in():
    start()
    rueda("reg", "set", "", "Security Descriptor", "01000080" + 32 * "0", "--type", "binary")
    assert json.loads(rueda("access", "ls", "--json"))["everybody"]
    assert level("bob%Secret.2") == "all"
    assert level("mallory%Secret.2") == "none"
    assert "reset" in rueda("access", "revoke", "bob", expect=1)


@test
def the_names_of_the_command_line_are_checked():
    start()
    for words in (("grant", "bob", "write"), ("grant", "unix:no such user", "read"), ("grant", "AD\\bob", "read"),
                  ("grant", "group:no such group", "read"), ("grant", "a:b", "read")):
        rueda("access", *words, expect=2)
    assert "no account" in rueda("access", "grant", "nobody at all", "read")
    assert "no such entry" in rueda("access", "revoke", "unix:root", expect=1)


# Descriptors of keys.

ALL, READ, READ_CONTROL, SET_VALUE, QUERY, DELETE = 0xF003F, 0x20019, 0x20000, 0x2, 0x1, 0x10000


def descriptor(*entries_):
    """(type, mask, SID as bytes)…"""
    aces = b"".join(struct.pack("<BBHI", kind, 0, 8 + len(sid), mask) + sid for kind, mask, sid in entries_)
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(aces), len(entries_), 0) + aces
    return struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl


def unix_sid(uid):
    return bytes([1, 2, 0, 0, 0, 0, 0, 22]) + struct.pack("<II", 1, uid)


EVERYONE = bytes([1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])


class Keys:
    """The library, in this process: as whoever it is now."""

    def __init__(self):
        self.lib = ctypes.CDLL(LIBRARY)
        self.lib.OpenClusterEx.restype = ctypes.c_void_p
        self.lib.GetClusterKey.restype = ctypes.c_void_p
        cluster = self.lib.OpenClusterEx(None, 0x02000000, None)
        assert cluster, self.lib.GetLastError()
        self.root = self.lib.GetClusterKey(ctypes.c_void_p(cluster), 0x02000000)
        assert self.root, self.lib.GetLastError()

    def open(self, path, sam):
        key = ctypes.c_void_p()
        code = self.lib.ClusterRegOpenKey(ctypes.c_void_p(self.root), (path + "\0").encode("utf-16-le"), sam, ctypes.byref(key))
        return code, key

    def query(self, key):
        size = ctypes.c_uint32(0)
        return self.lib.ClusterRegQueryValue(key, "v\0".encode("utf-16-le"), None, None, ctypes.byref(size))


def in_child(user, function):
    """What function() gives, as that user."""
    ours, theirs = os.pipe()
    ctypes.CDLL(LIBRARY)  # This and the codec may be out of his reach.
    "".encode("utf-16-le")
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(4100)
            os.setuid(user)
            result = function()
        except BaseException as e:  # pylint: disable=broad-except
            result = repr(e)
        os.write(theirs, json.dumps(result).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as f:
        result = json.loads(f.read())
    os.waitpid(pid, 0)
    return result


def set_security(path, bytes_, information=4):
    def child():
        keys = Keys()
        code, key = keys.open(path, ALL)
        assert code == 0, code
        return keys.lib.ClusterRegSetKeySecurity(key, information, bytes_)
    return in_child(0, child)


@test
def a_key_is_opened_with_what_its_descriptor_gives():
    start()
    grant(f"unix:{USER}", "read")
    grant(f"unix:{USER + 1}", "read")
    rueda("reg", "set", "Guarded", "v", "secret")
    rueda("reg", "set", "Guarded\\below", "v", "1")
    assert set_security("Guarded", descriptor((0, ALL, unix_sid(0)), (0, READ, unix_sid(USER)))) == 0

    def opens():
        keys = Keys()
        code, key = keys.open("Guarded", READ)
        return [code, keys.query(key) if code == 0 else None, keys.open("Guarded", SET_VALUE)[0],
                keys.open("Guarded\\below", READ)[0]]
    assert in_child(USER, opens) == [0, 0, 5, 0], in_child(USER, opens)
    # A key that was there keeps its own descriptor.
    assert in_child(USER + 1, opens) == [5, None, 5, 0]


@test
def a_handle_does_what_it_was_opened_for():
    start()
    grant(f"unix:{USER}", "read")
    rueda("reg", "set", "Half", "v", "secret")
    assert set_security("Half", descriptor((0, READ_CONTROL, EVERYONE))) == 0

    def half():
        keys = Keys()
        code, key = keys.open("Half", READ_CONTROL)
        size = ctypes.c_uint32(0)
        return [code, keys.query(key), keys.lib.ClusterRegGetKeySecurity(key, 4, None, ctypes.byref(size)) in (0, 122)]
    assert in_child(USER, half) == [0, 5, True], in_child(USER, half)


@test
def an_administrator_repairs_but_does_not_pass_over_a_descriptor():
    start()
    rueda("reg", "set", "Closed", "v", "1")
    assert set_security("Closed", descriptor((1, ALL, EVERYONE))) == 0

    def as_root():
        keys = Keys()
        refused = [keys.open("Closed", sam)[0] for sam in (READ, SET_VALUE, ALL)]
        code, key = keys.open("Closed", 0x60000)
        assert code == 0, code
        deleted = keys.lib.ClusterRegDeleteKey(ctypes.c_void_p(keys.root), "Closed\0".encode("utf-16-le"))
        repaired = keys.lib.ClusterRegSetKeySecurity(key, 4, descriptor((0, ALL, EVERYONE)))
        return refused + [deleted, repaired, keys.open("Closed", ALL)[0],
                          keys.lib.ClusterRegDeleteKey(ctypes.c_void_p(keys.root), "Closed\0".encode("utf-16-le"))]
    assert in_child(0, as_root) == [5, 5, 5, 5, 0, 0, 0]


realm.enter("access is decided")
try:
    run(sys.argv[4:])
finally:
    if service is not None:
        service.terminate()
        service.wait()
    if kdc is not None:
        kdc.stop()
