#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Accounts of a domain log in by NTLM: Samba's domain controller, winbindd on a machine that has joined, rpcclient.
Prints TAP.

Usage: winbind.py RUEDAD RUEDA [PART OF A TEST'S NAME…]      in namespaces of its own; as root"""
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import domain  # noqa: E402
import realm  # noqa: E402
from tap import Skip, need_root, run, temporary, test  # noqa: E402

RUEDAD, RUEDA = sys.argv[1:3]
ADDRESS = "127.0.0.2"  # The controller has port 135 of 127.0.0.1.
LOCAL = "Secret.1"
CHECK_SECONDS = 8  # What a helper may take: WINBIND_CHECK_S.
service = dc = member = skip = None


def rueda(*arguments, given=None):
    done = subprocess.run([RUEDA, *arguments], input=given, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def let_in(group):
    """Who may have winbindd check logins besides root: the service's group, or nobody."""
    os.chown(member.privileged, 0, group)


def start_service(first=None):
    """Until it is up; first: what makes it so."""
    global service
    stop_service()
    with open(os.path.join(os.environ["RUEDA_DIR"], "log"), "wb") as log:
        service = subprocess.Popen([RUEDAD], stderr=log)
    until = time.monotonic() + 120
    while time.monotonic() < until and service.poll() is None:
        done = subprocess.run([RUEDA, *(first or ["status", "--json"])], capture_output=True, text=True, check=False)
        if done.returncode == 0 and (first or json.loads(done.stdout)["state"] == "up"):
            return
        time.sleep(0.1)
    raise AssertionError("the service does not answer")


def stop_service():
    global service
    if service is not None:
        service.terminate()
        service.wait()
        service = None


def start():
    """A service that has seen no login yet, in a domain where alice and bob are cluster administrators; nobody but root has
    access; and accounts alice and dora of its own."""
    global dc, member, skip
    need_root()
    if skip is not None:
        raise skip
    if member is None:
        if shutil.which("rpcclient") is None:
            raise Skip("rpcclient is not installed")
        try:
            dc = domain.Domain(temporary(), members=True)
            dc.group("Cluster Admins", ["alice", "bob"])
            dc.__enter__()
            member = domain.Member(dc)
        except Skip as e:
            skip = e
            raise
        member.__enter__()
        os.environ["RUEDA_DIR"] = temporary()
        with open(os.path.join(os.environ["RUEDA_DIR"], "rueda.conf"), "w", encoding="ascii") as f:
            f.write(f"[node]\nname = node1\n[service]\nuser = nobody\n[listen]\naddress = {ADDRESS}\n")
        start_service(["cluster", "create", "DOMAIN"])
        for name in ("alice", "dora"):
            rueda("user", "add", name, "--access", "read", given=LOCAL + "\n")
    else:
        start_service()
    let_in(pwd.getpwnam("nobody").pw_gid)
    rueda("access", "reset", "--yes")


def command_line(user, command, flags="seal", *more):
    conf = realm.write_smb_conf(os.environ["RUEDA_DIR"])
    return ["rpcclient", "-s", conf, f"ncacn_ip_tcp:{ADDRESS}[{flags}]", "-U", user, "-c", command, *more]


def rpcclient(user, command="clusapi_get_cluster_name", flags="seal", *more):
    done = subprocess.run(command_line(user, command, flags, *more), capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def level(user, flags="seal"):
    said = rpcclient(user, flags=flags)
    if "ClusterName: DOMAIN" not in said:
        assert "ACCESS_DENIED" in said, said
        return "none"
    said = rpcclient(user, "clusapi_online_resource absent", flags)
    return "all" if "RESOURCE_NOT_FOUND" in said else "read" if "ACCESS_DENIED" in said else said


def of_domain(user, password=domain.PASSWORD):
    return f"AD\\{user}%{password}"


def log():
    with open(os.path.join(os.environ["RUEDA_DIR"], "log"), encoding="utf-8") as f:
        return f.read()


def helpers():
    """Processes that ask winbindd for our service."""
    found, parents = [], {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                parents[int(name)] = int(f.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{name}/cmdline", "rb") as f:
                if b"--as-winbind" in f.read():
                    found.append(int(name))
        except OSError:
            pass
    return [p for p in found if parents.get(parents[p]) == service.pid]


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it does not come to that"
        time.sleep(0.05)


@test
def groups_of_the_domain_decide():
    start()
    assert [level(of_domain(user)) for user in ("alice", "carol")] == ["none", "none"]
    rueda("access", "grant", dc.sid("Cluster Admins"), "all")
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    for flags in ("seal", "seal,spnego"):
        assert [level(of_domain(user), flags) for user in ("alice", "bob", "carol")] == ["all", "all", "read"]
    rueda("access", "revoke", dc.sid("Cluster Admins"))
    assert level(of_domain("alice")) == "read"
    assert f"accounts of a domain can log in by NTLM, through winbind domain=AD computer={domain.MEMBER}" in log()


@test
def the_domain_can_be_named_in_other_ways():
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    for user in ("ad.test\\carol", "ad\\CAROL", "carol@ad.test"):
        assert level(f"{user}%{domain.PASSWORD}") == "read", user


@test
def a_wrong_password_is_a_failed_login():
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    assert level(of_domain("alice", "Secret.8")) == "none"
    assert level(of_domain("nobody-there")) == "none"
    assert log().count("a login over the network failed") == 1
    assert level(of_domain("alice")) == "read"


@test
def accounts_of_our_own_need_no_domain():
    start()
    for user in ("dora", "NODE1\\dora", f"{domain.MEMBER}\\dora", "WORKGROUP\\dora"):
        assert level(f"{user}%{LOCAL}") == "read", user
    assert level(of_domain("dora", LOCAL)) == "none"
    # There are two of that name, with two passwords.
    rueda("access", "grant", dc.sid("Cluster Admins"), "all")
    assert level(f"NODE1\\alice%{LOCAL}") == "read"
    assert level(of_domain("alice")) == "all"
    assert level(of_domain("alice", LOCAL)) == "none"


@test
def weak_and_anonymous_logins_are_refused():
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    version_1 = ["--option=client ntlmv2 auth = no", "--option=client lanman auth = yes", "--option=client min protocol = NT1"]
    assert "ClusterName" not in rpcclient(of_domain("alice"), "clusapi_get_cluster_name", "seal", *version_1)
    assert "ClusterName" not in rpcclient("%")
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    assert level(of_domain("alice"), "sign") == "none"
    assert level(of_domain("alice"), "seal") == "read"


@test
def without_the_right_to_ask_the_log_says_what_to_do():
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    let_in(0)
    began = time.monotonic()
    for _ in range(5):
        assert level(of_domain("alice")) == "none"
    minutes = (time.monotonic() - began) // 60
    lines = [line for line in log().splitlines() if "group (winbindd_priv" in line]
    assert 1 <= len(lines) <= 1 + minutes and f"uid={pwd.getpwnam('nobody').pw_uid}" in lines[0], log()
    assert "a login over the network failed" not in log()
    assert level(f"NODE1\\dora%{LOCAL}") == "read"
    let_in(pwd.getpwnam("nobody").pw_gid)
    assert level(of_domain("alice")) == "read"


def while_it_hangs(see):
    """Have winbindd asked, and see(client, asking, is_in_time) what comes of it: true, or false if the helper's own limit may
    have been at work, since all of this machine is slow.  Then once more."""
    for _ in range(6):
        with subprocess.Popen(command_line(of_domain("alice"), "clusapi_get_cluster_name"), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as client:
            began = time.monotonic()  # The helper begins later.
            try:
                wait_for(helpers)
                if see(client, helpers(), lambda: time.monotonic() - began < CHECK_SECONDS):
                    return
            finally:
                client.kill()
        wait_for(lambda: service is None or not helpers())
    raise AssertionError("it always takes as long as a helper may")


def others_are_served(client, asking, is_in_time):
    assert level(f"NODE1\\dora%{LOCAL}") == "read"
    rueda("status")
    return is_in_time() and asking and client.poll() is None and helpers() == asking


def with_the_client_goes_who_asked_for_it(client, asking, is_in_time):
    client.kill()
    wait_for(lambda: not helpers())
    return is_in_time() and asking


def an_end_ends_who_asks(client, asking, is_in_time):
    stop_service()
    assert not any(os.path.exists(f"/proc/{p}") for p in asking)
    if is_in_time() and asking:
        return True
    start_service()
    return False


@test
def a_winbindd_that_hangs_holds_nobody_else_up():
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    assert level(of_domain("alice")) == "read"
    member.process.send_signal(signal.SIGSTOP)
    try:
        while_it_hangs(others_are_served)
        while_it_hangs(with_the_client_goes_who_asked_for_it)
        with subprocess.Popen(command_line(of_domain("alice"), "clusapi_get_cluster_name"), stdout=subprocess.PIPE,
                              text=True) as waits:
            said = waits.communicate(timeout=120)[0]
            assert "ClusterName" not in said, said
            assert "it does not answer" in log()
            assert "a login over the network failed" not in log()
        while_it_hangs(an_end_ends_who_asks)
    finally:
        member.process.send_signal(signal.SIGCONT)
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    assert level(of_domain("alice")) == "read"


@test
def without_winbindd_there_are_our_own_accounts():
    start()
    member.stop()
    try:
        start_service()
        assert level(f"dora%{LOCAL}") == "read"
        assert level(f"AD\\dora%{LOCAL}") == "read"  # That name means nothing now.
        assert level(of_domain("alice")) == "none"
    finally:
        member.start()


@test
def winbind_can_be_left_out():
    start()
    rueda("access", "grant", dc.sid("Domain Users"), "read")
    path = os.path.join(os.environ["RUEDA_DIR"], "rueda.conf")
    with open(path, encoding="ascii") as f:
        before = f.read()
    with open(path, "a", encoding="ascii") as f:
        f.write("[access]\nwinbind = off\n")
    try:
        start_service()
        assert level(of_domain("alice")) == "none"
        assert level(of_domain("dora", LOCAL)) == "read"
    finally:
        with open(path, "w", encoding="ascii") as f:
            f.write(before)


# What the controller and winbindd start goes with us.
realm.enter("accounts of a domain log in by NTLM", "--pid", "--fork", "--kill-child", "--mount-proc")
try:
    run(sys.argv[3:])
finally:
    stop_service()
    if member is not None:
        member.__exit__()
    if isinstance(dc, domain.Domain) and dc.process is not None:
        dc.__exit__()
