# SPDX-License-Identifier: Apache-2.0
"""domain: an Active Directory of a test's own: Samba's domain controller, as far as its KDC, on 127.0.0.1.

    d = domain.Domain(directory)             # in namespaces of our own; Skip without the packages
    d.group("Cluster Admins", ["alice"])     # before start()
    with d:
        d.ticket_of("alice")                 # the path of a credentials cache
    d.sid("Cluster Admins"), d.keytab        # the services of HOST

The users alice, bob and carol have the password PASSWORD."""
import os
import re
import shutil
import subprocess
import time

from tap import Skip

HOST = "node1.ad.test"
REALM = "AD.TEST"
PASSWORD = "Secret.9"
USERS = ("alice", "bob", "carol")


class Domain:
    def __init__(self, directory):
        if shutil.which("samba-tool") is None or shutil.which("samba") is None or \
                not os.path.isdir("/usr/share/samba/setup/ad-schema"):
            raise Skip("there is no domain controller here (samba, samba-ad-provision, samba-dsdb-modules)")
        self.directory, self.process = directory, None
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
        text = re.sub(r"server services = .*", "server services = kdc\n\tinterfaces = lo\n\tbind interfaces only = yes", text)
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
        self.process = subprocess.Popen(["samba", "-F", "--no-process-group", "-M", "single", "-s", self.conf],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(150):
            try:
                self.ticket_of("alice")
                return self
            except subprocess.CalledProcessError:
                time.sleep(0.2)
        self.__exit__()
        raise AssertionError("the domain controller does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
