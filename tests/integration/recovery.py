#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cluster key as a whole: made, sealed, carried by backup sets, tested, opened again.  Prints TAP.

Usage: recovery.py RUEDA RUEDAD LIBRARY SOURCE_ROOT [part of a test's name...]"""
import os
import re
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import machine  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

os.environ.pop("MALLOC_PERTURB_", None)  # It would wipe what the service has to wipe itself.
RUEDA, RUEDAD, LIBRARY, SOURCE = (os.path.abspath(a) for a in sys.argv[1:5])
HOME = tap.temporary()
PASSPHRASE = b"wholly secret words 17"


def file(name, content, mode=0o600):
    path = os.path.join(HOME, name)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, mode)
    return path


RIGHT = file("right", PASSPHRASE + b"\nsecond line\n")
WRONG = file("wrong", b"wholly secret words 18\n")


def golden(name):
    """A key of tests/golden: (public, private), the private one for its owner only."""
    directory = os.path.join(SOURCE, "tests/golden")
    private = file(name + "-private", open(os.path.join(directory, f"sealed-key-{name}-private.pem"), "rb").read())
    return os.path.join(directory, f"sealed-key-{name}-public.pem"), private


class Machine(machine.Machine):
    def __init__(self):
        super().__init__(RUEDA, RUEDAD, LIBRARY)

    def key(self):
        return self.json("status")["cluster_key"]

    def key_file(self):
        (name,) = os.listdir(self.path("state/keys"))
        return self.path("state/keys/" + name)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def spellings(secret):
    return {secret, secret.decode("latin-1").encode("utf-16-le"), secret.hex().encode(), secret.hex().upper().encode()}


def files_with(secret, *directories):
    """Files in which the secret can be read."""
    found = set()
    for directory in directories:
        for parent, _, names in os.walk(directory):
            for path in (os.path.join(parent, n) for n in names):
                if stat.S_ISREG(os.lstat(path).st_mode) and any(s in read(path) for s in spellings(secret)):
                    found.add(path)
    return found


def memory_has(pid, secret):
    """In the heap and wherever else memory is kept.  Not on the main stack: what registers held is saved there when a signal
    comes or a function is bound, for nobody to wipe."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not m or "[stack]" in line:
                continue
            start, end = (int(x, 16) for x in m.groups())
            for at in range(start, end, 1 << 24):
                try:
                    memory.seek(at)
                    if secret in memory.read(min(end - at, (1 << 24) + len(secret))):
                        return line
                except OSError:
                    break
    return None


@test
def a_passphrase_makes_a_key_that_sets_carry_sealed():
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        key = m.key()
        assert key["sealed_under"] == "passphrase" and key["open"] and len(key["id"]) == 32, key
        assert key["id"] in m.rueda("status")
        path = m.backup("set")
        shown = m.json("backup", "show", path)
        assert shown["has_sealed_key"] and shown["cluster_key"] == {"id": key["id"], "sealed_under": "passphrase"}, shown
        assert f"{key['id']}, sealed under a passphrase" in m.rueda("backup", "show", path)
        assert not m.json("backup", "verify", path)["cluster_key_opened"]
        assert m.json("backup", "verify", path, "--recovery-passphrase-file", RIGHT)["cluster_key_opened"]
        assert f"{key['id']} opens with what was given" in m.rueda(
            "backup", "verify", path, "--recovery-passphrase-file", RIGHT)
        assert "not the passphrase" in m.fails(86, "backup", "verify", path, "--recovery-passphrase-file", WRONG)
        assert "sealed under a passphrase" in m.fails(
            87, "backup", "verify", path, "--recovery-private-key", golden("x25519")[1])


@test
def nothing_but_the_key_file_has_the_key_and_nothing_the_passphrase():
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        path = m.backup("set")
        m.rueda("reg", "set", "Some", "value", "x")
        m.rueda("backup", path)
        m.rueda("restore", path, "--yes", "--recovery-passphrase-file", RIGHT)
        m.fails(86, "restore", path, "--yes", "--recovery-passphrase-file", WRONG)
        trace = m.rueda("trace").encode()
        clear = read(m.key_file())
        assert len(clear) == 32 and m.key()["id"] == os.path.basename(m.key_file())
        assert files_with(clear, m.directory) == {m.key_file()}  # And so the search does find it.
        assert not files_with(PASSPHRASE, m.directory) and PASSPHRASE not in trace
        assert os.stat(m.key_file()).st_mode & 0o777 == 0o600
        assert os.stat(os.path.dirname(m.key_file())).st_mode & 0o777 == 0o700
        m.stop()
        assert files_with(clear, m.directory) == {m.key_file()}
        assert not files_with(PASSPHRASE, m.directory)


@test
def the_service_forgets_the_passphrase_and_the_key():
    tap.need_root()
    for phrase in (RIGHT, file("long", PASSPHRASE * 40)):  # Of different sizes: they are freed into different places.
        with Machine() as m:
            m.rueda("cluster", "create", "one_remembered_name", "--recovery-passphrase-file", phrase)
            path = m.backup("set")
            m.rueda("restore", path, "--yes", "--recovery-passphrase-file", phrase)
            m.rueda("cluster", "unseal", "--recovery-passphrase-file", phrase)
            m.rueda("cluster", "recovery-key", "set", "--recovery-passphrase-file", phrase)
            m.rueda("status")
            assert memory_has(m.service_pid(), "one_remembered_name".encode("utf-16-le"))  # The search does find.
            for secret in (PASSPHRASE, read(m.key_file())):
                assert not memory_has(m.service_pid(), secret), memory_has(m.service_pid(), secret)
                assert not memory_has(m.process.pid, secret)


@test
def a_restore_on_the_same_node_keeps_the_key():
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        key, path = m.key(), m.backup("set")
        assert f"its cluster key {key['id']} is open on this node" in m.rueda("restore", path, "--yes")
        assert m.key() == key
        m.stop()
        m.start()
        assert m.key() == key
        # Also after another cluster was in force in between.
        with Machine() as other:
            other.rueda("cluster", "create", "two")
            plain = other.backup("set")
            assert other.key() is None
            assert "no cluster key" in other.rueda("backup", "verify", plain)
            other.fails(1168, "backup", "verify", plain, "--recovery-passphrase-file", RIGHT)
            other.fails(1168, "restore", plain, "--yes", "--recovery-passphrase-file", RIGHT)
            other.fails(1168, "cluster", "unseal", "--recovery-passphrase-file", RIGHT)
            m.rueda("restore", plain, "--yes")
            assert m.key() is None
        m.rueda("restore", path, "--yes")
        assert m.key() == key


@test
def another_machine_opens_the_key_with_the_passphrase():
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        key, clear, path = m.key(), read(m.key_file()), m.backup("set")
    with Machine() as other:
        assert "can be opened with what was given" in other.rueda(
            "restore", path, "--plan", "--recovery-passphrase-file", RIGHT)
        assert not os.path.exists(other.path("state/keys"))
        assert "stays sealed" in other.rueda("restore", path, "--plan")
        assert "nothing was restored" in other.fails(86, "restore", path, "--yes", "--recovery-passphrase-file", WRONG)
        assert other.json("status")["state"] == "no cluster"
        other.rueda("restore", path, "--yes", "--recovery-passphrase-file", RIGHT)
        assert other.key() == key and read(other.key_file()) == clear


@test
def a_key_that_stayed_sealed_is_opened_later():
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        key, clear, path = m.key(), read(m.key_file()), m.backup("set")
    with Machine() as other:
        assert "stays sealed on this node" in other.rueda("restore", path, "--yes")
        assert other.key() == {**key, "open": False} and "not open on this node" in other.rueda("status")
        # Its sets carry the sealed key on.
        assert other.json("backup", "show", other.backup("again"))["cluster_key"]["id"] == key["id"]
        assert "not the passphrase" in other.fails(86, "cluster", "unseal", "--recovery-passphrase-file", WRONG)
        assert not other.key()["open"]
        other.rueda("cluster", "unseal", "--recovery-passphrase-file", RIGHT)
        assert other.key() == key and read(other.key_file()) == clear
        other.stop()
        # A key file that rots is not taken for the key.
        with open(other.key_file(), "r+b") as f:
            f.write(bytes([clear[0] ^ 1]))
        other.start()
        assert not other.key()["open"] and "unseal the key again" in other.log_text()
        other.rueda("cluster", "unseal", "--recovery-passphrase-file", RIGHT)
        assert other.key() == key and read(other.key_file()) == clear


@test
def a_key_pair_of_each_kind_works_and_its_public_half_opens_nothing():
    for name, kind in (("rsa", "rsa"), ("x25519", "ecdh"), ("p256", "ecdh")):
        public, private = golden(name)
        with Machine() as m:
            m.fails(87, "cluster", "create", "one", "--recovery-key", private)
            assert m.json("status")["state"] == "no cluster" and not os.path.exists(m.path("state/keys"))
            m.rueda("cluster", "create", "one", "--recovery-key", public)
            key, clear, path = m.key(), read(m.key_file()), m.backup("set")
            assert key["sealed_under"] == kind, key
            assert m.json("backup", "verify", path, "--recovery-private-key", private)["cluster_key_opened"]
            m.fails(87, "backup", "verify", path, "--recovery-private-key", public)
            m.fails(86, "backup", "verify", path, "--recovery-private-key", golden("rsa" if name != "rsa" else "p256")[1])
            m.fails(87, "backup", "verify", path, "--recovery-passphrase-file", RIGHT)
        with Machine() as other:
            other.rueda("restore", path, "--yes", "--recovery-private-key", private)
            assert other.key() == key and read(other.key_file()) == clear


@test
def a_cluster_made_without_a_key_gets_one():
    with Machine() as m:
        m.fails(5932, "cluster", "recovery-key", "set", "--recovery-passphrase-file", RIGHT)
        m.rueda("cluster", "create", "one")
        plain = m.backup("plain")
        assert m.key() is None
        m.rueda("cluster", "recovery-key", "set", status=2)
        m.fails(1325, "cluster", "recovery-key", "set", "--recovery-passphrase-file", file("short", b"eleven long\n"))
        m.fails(87, "cluster", "recovery-key", "set", "--recovery-key", golden("x25519")[1])
        assert m.key() is None and not os.path.exists(m.path("state/keys"))
        story = m.rueda("cluster", "recovery-key", "set", "--recovery-passphrase-file", RIGHT)
        key = m.key()
        assert key["open"] and key["sealed_under"] == "passphrase" and f"{key['id']}, which is new," in story, (key, story)
        m.kill()  # What was answered is in the log, if nowhere else yet.
        m.start()
        assert m.key() == key
        path = m.backup("set")
        m.stop()  # And now in a checkpoint.
        m.start()
        assert m.key() == key
        assert m.json("backup", "verify", path, "--recovery-passphrase-file", RIGHT)["cluster_key_opened"]
        assert not m.json("backup", "show", plain)["has_sealed_key"]
        clear = read(m.key_file())
    with Machine() as other:
        other.rueda("restore", path, "--yes", "--recovery-passphrase-file", RIGHT)
        assert other.key() == key and read(other.key_file()) == clear


@test
def a_lost_passphrase_is_replaced_while_a_node_has_the_key():
    new = file("new", b"quite another passphrase\n")
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        key, clear, old_set = m.key(), read(m.key_file()), m.backup("old")
        assert "which is new" not in m.rueda("cluster", "recovery-key", "set", "--recovery-passphrase-file", new)
        assert m.key() == key and read(m.key_file()) == clear, "it is the same key"
        new_set = m.backup("new-set")
        verify = ["backup", "verify"]
        assert m.json(*verify, new_set, "--recovery-passphrase-file", new)["cluster_key_opened"]
        m.fails(86, *verify, new_set, "--recovery-passphrase-file", RIGHT)
        # Older sets stay as they were sealed.
        assert m.json(*verify, old_set, "--recovery-passphrase-file", RIGHT)["cluster_key_opened"]
        m.fails(86, *verify, old_set, "--recovery-passphrase-file", new)
        # To a key pair, and what is made then.
        m.rueda("cluster", "recovery-key", "set", "--recovery-key", golden("x25519")[0])
        pair_set = m.backup("pair")
        assert m.key() == {**key, "sealed_under": "ecdh"}
        m.stop()
        m.start()
        assert m.key() == {**key, "sealed_under": "ecdh"}
        # A restore of an older set brings its sealing back, and nothing has to be opened for that.
        m.rueda("restore", old_set, "--yes")
        assert m.key() == key and read(m.key_file()) == clear
        m.rueda("cluster", "recovery-key", "set", "--recovery-passphrase-file", new)
        m.rueda("restore", new_set, "--yes", "--recovery-passphrase-file", new)
    for path, option, secret in ((old_set, "--recovery-passphrase-file", RIGHT),
                                 (new_set, "--recovery-passphrase-file", new),
                                 (pair_set, "--recovery-private-key", golden("x25519")[1])):
        with Machine() as other:
            other.rueda("restore", path, "--yes", option, secret)
            assert other.key()["id"] == key["id"] and read(other.key_file()) == clear


@test
def a_node_that_does_not_have_the_key_seals_nothing():
    new = file("new", b"quite another passphrase\n")
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        key, path = m.key(), m.backup("set")
    with Machine() as other:
        other.rueda("restore", path, "--yes")
        assert "cluster unseal" in other.fails(6003, "cluster", "recovery-key", "set", "--recovery-passphrase-file", new)
        assert other.key() == {**key, "open": False}
        again = other.backup("again")
        assert other.json("backup", "verify", again, "--recovery-passphrase-file", RIGHT)["cluster_key_opened"]
        other.rueda("cluster", "unseal", "--recovery-passphrase-file", RIGHT)
        other.rueda("cluster", "recovery-key", "set", "--recovery-passphrase-file", new)
        assert other.json("backup", "verify", other.backup("third"), "--recovery-passphrase-file", new)["cluster_key_opened"]


@test
def a_passphrase_file_is_read_with_care():
    with Machine() as m:
        create = ["cluster", "create", "one"]
        for content in (b"", b"\n", b"\nsecond line is long enough\n", b"\r\n"):
            m.rueda(*create, "--recovery-passphrase-file", file("bad", content), status=1)
            assert "is empty" in m.errors, m.errors
        for content in (b"x" * 1025, b"with a \0 inside of it\n", b"x" * 5000):
            m.rueda(*create, "--recovery-passphrase-file", file("bad", content), status=1)
            assert "no passphrase" in m.errors, m.errors
        assert "at least 12" in m.fails(1325, *create, "--recovery-passphrase-file", file("bad", b"eleven long\n"))
        m.fails(2, *create, "--recovery-passphrase-file", os.path.join(HOME, "missing"))
        m.rueda(*create, "--recovery-passphrase-file", RIGHT, "--recovery-key", RIGHT, status=2)
        m.fails(50, *create, "--recovery-key", file("bad", subprocess.run(
            ["openssl", "pkey", "-pubout"], check=True, capture_output=True, input=subprocess.run(
                ["openssl", "genpkey", "-algorithm", "ED25519"], check=True, capture_output=True).stdout).stdout))
        m.fails(87, *create, "--recovery-key", "/dev/null")
        assert m.json("status")["state"] == "no cluster"
        m.rueda(*create, "--recovery-passphrase-file", file("open", PASSPHRASE, 0o644))
        assert "warning" in m.errors and "0644" in m.errors
        path = m.backup("set")
        # Line ends are not part of it, and a pipe is as good as a file.
        for content in (PASSPHRASE, PASSPHRASE + b"\n", PASSPHRASE + b"\r\n"):
            m.rueda("backup", "verify", path, "--recovery-passphrase-file", file("same", content))
            assert "warning" not in m.errors
        subprocess.run(["bash", "-c", f'exec "$0" backup verify "$1" --recovery-passphrase-file <(cat "$2")', RUEDA, path,
                        RIGHT], env=m.environment, check=True, capture_output=True)


@test
def a_crash_of_the_service_leaves_no_passphrase_in_its_report():
    with Machine() as m:
        m.rueda("cluster", "create", "one", "--recovery-passphrase-file", RIGHT)
        clear = read(m.key_file())
        os.kill(m.service_pid(), 6)
        m.process.wait(60)
        reports = [n for n in os.listdir(m.path("state")) if n.startswith("crash-")]
        assert reports, os.listdir(m.path("state"))
        assert files_with(clear, m.directory) == {m.key_file()} and not files_with(PASSPHRASE, m.directory)
        shutil.rmtree(m.path("run"), ignore_errors=True)


tap.run(sys.argv[5:])
