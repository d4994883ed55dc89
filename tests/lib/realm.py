# SPDX-License-Identifier: Apache-2.0
"""realm: a network of a test's own: a name for this host, Samba's configuration, and a KDC that is thrown away.

    realm.enter("clients log in")            # in namespaces of our own from here on, or all is skipped
    directory = tap.temporary()
    realm.name_the_host(directory)           # HOST is 127.0.0.1 for us alone
    kdc = realm.Kdc(directory)               # None as kdc.keytab: there is no krb5-kdc here
    with kdc:
        kdc.ticket_of("alice")               # the path of a credentials cache

The principals alice, bob and mallory have the password PASSWORD; the keytab has the services of HOST."""
import os
import shutil
import subprocess
import sys
import time

HOST = "node1.rueda.test"
REALM = "RUEDA.TEST"
PASSWORD = "Secret.9"
KDC_PORT = 18088
INSIDE = "RUEDA_TEST_REALM"


def enter(what, *more):
    """Start the program again in namespaces of its own for the network and for mounts; more: of unshare's options."""
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    # The tools of a KDC are where only root looks for them.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    wrapper = ["unshare", *as_root, "--net", "--mount", *more]
    if shutil.which("unshare") is None or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
        print(f"1..1\nok 1 - {what} # SKIP no right to make namespaces")
        sys.exit(0)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", [*wrapper, sys.executable, *sys.argv])


def name_the_host(directory):
    """HOST is 127.0.0.1, in our mount namespace only."""
    path = os.path.join(directory, "hosts")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"127.0.0.1 {HOST} localhost\n")
    subprocess.run(["mount", "--bind", path, "/etc/hosts"], check=True)


def write_smb_conf(directory, *more):
    """Samba's programs keep to that directory; more: further lines."""
    path = os.path.join(directory, "smb.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(["[global]", "interfaces = 127.0.0.1/8", f"realm = {REALM}", *more]) + "\n")
        for name in ("lock directory", "state directory", "cache directory", "private dir", "pid directory"):
            f.write(f"{name} = {directory}\n")
    return path


class Kdc:
    def __init__(self, directory):
        self.directory, self.process, self.keytab = directory, None, None
        os.environ["KRB5_CONFIG"] = os.path.join(directory, "krb5.conf")
        os.environ["KRB5_KDC_PROFILE"] = os.path.join(directory, "kdc.conf")
        self.write_configuration()
        if all(map(shutil.which, ("kdb5_util", "kadmin.local", "krb5kdc", "kinit"))):
            self.start()

    def write_configuration(self):
        with open(os.environ["KRB5_CONFIG"], "w", encoding="ascii") as f:
            f.write(f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 {REALM} = {{
  kdc = 127.0.0.1:{KDC_PORT}
 }}
[domain_realm]
 .rueda.test = {REALM}
""")
        with open(os.environ["KRB5_KDC_PROFILE"], "w", encoding="ascii") as f:
            f.write(f"""[kdcdefaults]
 kdc_listen = 127.0.0.1:{KDC_PORT}
 kdc_tcp_listen = 127.0.0.1:{KDC_PORT}
[realms]
 {REALM} = {{
  database_name = {self.directory}/principals
  key_stash_file = {self.directory}/stash
 }}
[logging]
 kdc = FILE:{self.directory}/kdc.log
 admin_server = FILE:{self.directory}/kadmin.log
""")

    def start(self):
        subprocess.run(["kdb5_util", "create", "-s", "-r", REALM, "-P", "of no worth"], check=True, capture_output=True)
        keytab = os.path.join(self.directory, "keytab")
        for user in ("alice", "bob", "mallory"):
            self.admin(f"addprinc -pw {PASSWORD} {user}")
        # Samba asks for some services in upper case, and a KDC of MIT's knows the difference.
        for service in ("host", "MSServerClusterMgmtAPI"):
            for host in (HOST, HOST.upper()):
                self.admin(f"addprinc -randkey {service}/{host}")
                self.admin(f"ktadd -k {keytab} {service}/{host}")
        self.process = subprocess.Popen(["krb5kdc", "-n", "-r", REALM], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.keytab = keytab
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.ticket_of("alice")
                return
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        self.stop()
        raise AssertionError("the KDC does not answer")

    @staticmethod
    def admin(command):
        subprocess.run(["kadmin.local", "-r", REALM, "-q", command], check=True, capture_output=True)

    def ticket_of(self, user, fresh=False):
        cache = os.path.join(self.directory, "cache-" + user)
        if fresh or not os.path.exists(cache):
            subprocess.run(["kinit", "-c", cache, f"{user}@{REALM}"], input=PASSWORD + "\n", text=True, check=True,
                           capture_output=True)
        return cache

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class NoKdc:
    """What is left of it where there is no network of our own."""
    keytab = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
