#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Accounts made with `rueda user`, and Samba's rpcclient that logs in to the service with them.  Prints TAP.

Usage: logins.py RUEDAD RUEDA [PART OF A TEST'S NAME…]      in namespaces of its own, where port 135 is free; as root"""
import json
import os
import pwd
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from tap import Skip, need_root, run, temporary, test  # noqa: E402

RUEDAD, RUEDA = sys.argv[1:3]
service = None


def rueda(*arguments, password=None, expect=0):
    done = subprocess.run([RUEDA, *arguments], input=password, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == expect, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def users():
    return [(u["name"], u["access"]) for u in json.loads(rueda("user", "ls", "--json"))]


def accounts_path():
    return os.path.join(os.environ["RUEDA_DIR"], "state", "accounts")


def start():
    """A service with a cluster, which serves 127.0.0.1; a new one, which remembers no failed logins."""
    global service
    need_root()
    first = service is None
    if first:
        os.environ["RUEDA_DIR"] = temporary()
        with open(os.path.join(os.environ["RUEDA_DIR"], "rueda.conf"), "w", encoding="ascii") as f:
            f.write("[node]\nname = node1\n[service]\nuser = nobody\n[listen]\naddress = 127.0.0.1\n")
    else:
        service.terminate()
        service.wait()
    with open(os.path.join(os.environ["RUEDA_DIR"], "log"), "wb") as log:
        service = subprocess.Popen([RUEDAD], stderr=log)
    wanted = ["cluster", "create", "LOGINS"] if first else ["status", "--json"]
    for _ in range(900):
        done = subprocess.run([RUEDA, *wanted], capture_output=True, text=True, check=False)
        if done.returncode == 0 and (first or json.loads(done.stdout)["state"] == "up"):
            return
        time.sleep(0.1)
    raise AssertionError("the service does not answer")


def rpcclient(user, password, flags="seal", command="clusapi_get_cluster_name"):
    if shutil.which("rpcclient") is None:
        raise Skip("rpcclient is not installed")
    directory = os.environ["RUEDA_DIR"]
    conf = os.path.join(directory, "smb.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("[global]\ninterfaces = 127.0.0.1/8\n")
        for name in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
            f.write(f"{name} = {directory}\n")
    done = subprocess.run(["rpcclient", "-s", conf, f"ncacn_ip_tcp:127.0.0.1[{flags}]", "-U", f"{user}%{password}", "-c",
                           command], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@test
def accounts_are_added_changed_listed_and_removed():
    start()
    rueda("user", "add", "alice", "--access", "all", password="Secret.1\n")
    rueda("user", "add", "bob", password="Secret.2\n")
    assert users() == [("alice", "all"), ("bob", "read")]
    assert "already" in rueda("user", "add", "ALICE", password="x\n", expect=1)
    rueda("user", "del", "Bob")
    assert users() == [("alice", "all")]
    assert "no account" in rueda("user", "del", "bob", expect=1)
    assert "no account" in rueda("user", "passwd", "bob", password="x\n", expect=1)
    rueda("user", "add", "a:b", password="x\n", expect=2)
    rueda("user", "add", "carol", "--access", "some", password="x\n", expect=2)
    rueda("user", "add", "carol", password="\n", expect=1)
    assert users() == [("alice", "all")]


@test
def the_file_is_the_services_alone_and_holds_no_password():
    start()
    status = os.stat(accounts_path())
    assert status.st_mode & 0o7777 == 0o600, oct(status.st_mode)
    assert status.st_uid == pwd.getpwnam("nobody").pw_uid
    with open(accounts_path(), encoding="utf-8") as f:
        text = f.read()
    assert "Secret" not in text and text.startswith("rueda accounts 1\nalice:all:"), text


@test
def an_account_calls_and_nobody_else():
    for flags in ("seal", "seal,spnego"):
        start()
        assert "ClusterName: LOGINS" in rpcclient("alice", "Secret.1", flags), flags
        assert "ACCESS_DENIED" in rpcclient("alice", "Secret.2", flags), flags
        assert "ACCESS_DENIED" in rpcclient("mallory", "Secret.1", flags), flags
    assert "ACCESS_DENIED" in rpcclient("alice", "Secret.1", "sign")  # Packet privacy is demanded.


@test
def a_change_counts_at_the_next_login():
    start()
    path = os.path.join(os.environ["RUEDA_DIR"], "password")
    with open(path, "w", encoding="ascii") as f:
        f.write("Secret.3\n")
    rueda("user", "passwd", "alice", "--password-file", path)
    assert "ACCESS_DENIED" in rpcclient("alice", "Secret.1")
    assert "ClusterName: LOGINS" in rpcclient("alice", "Secret.3")
    rueda("user", "del", "alice")
    assert "ACCESS_DENIED" in rpcclient("alice", "Secret.3")


@test
def who_may_read_may_not_change():
    start()
    rueda("user", "add", "bob", password="Secret.2\n")
    assert "ClusterName: LOGINS" in rpcclient("bob", "Secret.2")
    rueda("user", "add", "carol", "--access", "all", password="Secret.4\n")
    for user, password, wanted in (("bob", "Secret.2", "ACCESS_DENIED"), ("carol", "Secret.4", "RESOURCE_NOT_FOUND")):
        said = rpcclient(user, password, command="clusapi_online_resource absent")
        assert wanted in said, (user, said)


@test
def who_fails_too_often_has_to_wait_and_is_logged_once():
    start()
    said = [rpcclient("bob", "wrong") for _ in range(20)]
    assert all("ACCESS_DENIED" in s for s in said[:3]), said[:3]
    assert any("ACCESS_DENIED" not in s for s in said), "nothing but answers"  # It was not even let in.
    with open(os.path.join(os.environ["RUEDA_DIR"], "log"), encoding="utf-8") as f:
        lines = [line for line in f if "a login over the network failed" in line]
    assert len(lines) == 1 and "address=::ffff:127.0.0.1" in lines[0], lines


if os.geteuid() == 0 and not os.environ.get("LOGINS_INSIDE"):
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        print("1..1\nok 1 - accounts log in # SKIP no right to make a namespace")
        sys.exit(0)
    os.environ["LOGINS_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
if os.geteuid() == 0:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
try:
    run(sys.argv[3:])
finally:
    if service is not None:
        service.terminate()
        service.wait()
