# SPDX-License-Identifier: Apache-2.0
"""domain: an Active Directory of a test's own: Samba's domain controller, as far as its KDC, on 127.0.0.1.

    d = domain.Domain(directory)             # in namespaces of our own; Skip without the packages
    d.group("Cluster Admins", ["alice"])     # before start()
    with d:
        d.ticket_of("alice")                 # the path of a credentials cache
    d.sid("Cluster Admins"), d.keytab        # the services of HOST

The users alice, bob and carol have the password PASSWORD.

    d = domain.Domain(directory, members=True)     # others can join it
    with d, domain.Member(d) as m:                 # and this machine has, as MEMBER: winbindd runs where all look for it
        m.process, m.privileged                    # the directory that only root and its group may enter"""
import os
import re
import shutil
import signal
import subprocess
import time

from tap import Skip

HOST = "node1.ad.test"
REALM = "AD.TEST"
PASSWORD = "Secret.9"
USERS = ("alice", "bob", "carol")
MEMBER = "MEMBER1"
RUN = "/run/samba"  # Samba's libraries look for winbindd there and nowhere else.


class Domain:
    def __init__(self, directory, members=False):
        if shutil.which("samba-tool") is None or shutil.which("samba") is None or \
                not os.path.isdir("/usr/share/samba/setup/ad-schema"):
            raise Skip("there is no domain controller here (samba, samba-ad-provision, samba-dsdb-modules)")
        self.directory, self.process = directory, None
        self.services = "s3fs, rpc, ldap, cldap, kdc, winbindd" if members else "kdc"
        self.conf = os.path.join(directory, "dc", "etc", "smb.conf")
        self.keytab = os.path.join(directory, "keytab")
        with open(os.path.join(directory, "hosts"), "w", encoding="ascii") as f:
            f.write(f"127.0.0.1 dc.ad.test {HOST} localhost\n")
        subprocess.run(["mount", "--bind", os.path.join(directory, "hosts"), "/etc/hosts"], check=True)
        os.environ["KRB5_CONFIG"] = os.path.join(directory, "krb5.conf")
        with open(os.environ["KRB5_CONFIG"], "w", encoding="ascii") as f:
            f.write(f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 {REALM} = {{
  kdc = 127.0.0.1
 }}
[domain_realm]
 .ad.test = {REALM}
""")
        self.provision()

    def tool(self, *words):
        done = subprocess.run(["samba-tool", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def provision(self):
        self.tool("domain", "provision", "--targetdir=" + os.path.join(self.directory, "dc"), "--realm=" + REALM,
                  "--domain=AD", "--adminpass=" + PASSWORD, "--server-role=dc", "--dns-backend=NONE", "--host-name=dc",
                  "--host-ip=127.0.0.1")
        with open(self.conf, encoding="utf-8") as f:
            text = f.read()
        text = re.sub(r"server services = .*", f"server services = {self.services}\n\tinterfaces = lo\n\tbind interfaces only = yes", text)
        text = re.sub(r"log file = .*", "log file = " + os.path.join(self.directory, "dc.log"), text)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(text)
        for user in (*USERS, "service"):
            self.tool("user", "create", user, PASSWORD, "-s", self.conf)
        for service in ("host", "MSServerClusterMgmtAPI"):
            self.tool("spn", "add", f"{service}/{HOST}", "service", "-s", self.conf)
            self.tool("domain", "exportkeytab", self.keytab, f"--principal={service}/{HOST}", "-s", self.conf)

    def group(self, name, users):
        self.tool("group", "add", name, "-s", self.conf)
        self.tool("group", "addmembers", name, ",".join(users), "-s", self.conf)

    def sid(self, group):
        shown = self.tool("group", "show", group, "--attributes=objectSid", "-s", self.conf)
        return re.search(r"^objectSid: (\S+)$", shown, re.M).group(1)

    def ticket_of(self, user):
        cache = os.path.join(self.directory, "cache-" + user)
        if not os.path.exists(cache):
            subprocess.run(["kinit", "-c", cache, f"{user}@{REALM}"], input=PASSWORD + "\n", text=True, check=True,
                           capture_output=True)
        return cache

    def __enter__(self):
        # Its own RUN: a member has another winbindd there.
        os.makedirs(RUN, exist_ok=True)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs tmpfs {RUN} && exec "$@"', "sh", "samba", "-F",
             "--no-process-group", "-M", "single", "-s", self.conf],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + 180
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.ticket_of("alice")
                return self
            except subprocess.CalledProcessError:
                time.sleep(0.2)
        self.__exit__()
        raise AssertionError("the domain controller does not answer")

    def __exit__(self, *_):
        end_session(self.process)
        self.process = None


def end_session(process):
    """A process that was started in a session of its own, and what it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(30)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


class Member:
    """This machine, in a domain that is running."""

    def __init__(self, domain):
        if shutil.which("winbindd") is None or shutil.which("net") is None or shutil.which("wbinfo") is None:
            raise Skip("winbindd is not installed (winbind, samba-common-bin)")
        self.directory, self.process = os.path.join(domain.directory, "member"), None
        self.conf = os.path.join(self.directory, "smb.conf")
        self.privileged = os.path.join(self.directory, "winbindd_privileged")
        os.makedirs(self.directory)
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f"""[global]
 workgroup = AD
 realm = {REALM}
 security = ads
 netbios name = {MEMBER}
 password server = dc.ad.test
 name resolve order = host
 interfaces = lo
 bind interfaces only = yes
 log file = {self.directory}/log
 idmap config * : range = 100000-200000
""")
            for name in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
                f.write(f" {name} = {self.directory}\n")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", RUN], check=True)

    def join(self):
        until = time.monotonic() + 180  # The controller may have just started.
        while time.monotonic() < until:
            done = subprocess.run(["timeout", "60", "net", "-s", self.conf, "ads", "join", "-S", "dc.ad.test", "--no-dns-updates",
                                   "-U", "Administrator%" + PASSWORD], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            time.sleep(0.3)
        raise AssertionError("cannot join: " + done.stdout + done.stderr)

    def start(self):
        self.process = subprocess.Popen(["winbindd", "-s", self.conf, "-F", "--no-process-group"], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + 180
        while time.monotonic() < until and self.process.poll() is None:
            if subprocess.run(["wbinfo", "-t"], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.2)
        raise AssertionError("winbindd does not reach its domain")

    def stop(self):
        if self.process is not None:
            end_session(self.process)
            self.process = None

    def __enter__(self):
        try:
            self.join()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
