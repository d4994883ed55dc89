#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Key material of applications follows its resource, encrypted: in files, and in a token (SoftHSM).  Prints TAP.

Usage: crypto_checkpoints.py RUEDA RUEDAD LIBRARY TOKEN_TOOL HANGING_TOKEN FAILING_TOKEN [part of a test's name...]"""
import base64
import contextlib
import ctypes
import glob
import hashlib
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from cluster import wide  # noqa: E402
from machine import Machine  # noqa: E402
from tap import test  # noqa: E402

TOOLS = [os.path.abspath(a) for a in sys.argv[1:4]]
TOKEN_TOOL, HANGING, FAILING = (os.path.abspath(a) for a in sys.argv[4:7])
HOME = tap.temporary()
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
ADD, DELETE, GET, ADD_FILE = 0x014000AE, 0x014000B2, 0x010000B5, 0x014000A2
NTE_BAD_KEY, NTE_BAD_KEYSET = 0x80090003, 0x80090016
URI = "1\\PKCS11\\pkcs11:token=app;object=signing"


def secret_file(name, content):
    path = os.path.join(HOME, name)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, 0o600)
    return path


RIGHT, OTHER = secret_file("right", b"wholly secret words 17\n"), secret_file("other", b"other secret words 18\n")


def wait_until(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what() if callable(what) else what} within {seconds} s"
        time.sleep(0.05)


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, input=data).stdout


def make_pem():
    return openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")


def make_p12():
    key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    return openssl("pkcs12", "-export", "-nocerts", "-inkey", "/dev/stdin", "-passout", "pass:x", data=key)


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Token:
    """A directory of software tokens, with one named app."""

    FAILS, KILLS = 1, 4  # tests/lib/failing_token.h

    def __init__(self):
        self.directory = tap.temporary()
        self.environment = {**os.environ, "SOFTHSM2_CONF": os.path.join(self.directory, "conf")}
        with open(self.environment["SOFTHSM2_CONF"], "w", encoding="ascii") as f:
            f.write(f"directories.tokendir = {self.directory}\nlog.level = ERROR\n")
        self("make", "app")
        self.plan()

    def plan(self, mode=0, result=0, left=0, only_changes=0, slow=0):
        """What the failing library does from now on."""
        path = os.path.join(self.directory, "plan")
        with open(path, "r+b" if os.path.exists(path) else "wb") as f:
            f.write(struct.pack("<8Q", mode, result, left, only_changes, 0, 0, slow, 0))
        os.environ["FAILING_TOKEN"] = path

    def calls_left(self):
        return struct.unpack("<8Q", read(os.path.join(self.directory, "plan")))[2]

    def __call__(self, verb, *words):
        return subprocess.run([TOKEN_TOOL, verb, *words], env=self.environment, check=True, capture_output=True,
                              timeout=60).stdout.decode().strip()

    def sign(self):
        return self("sign", "app", "signing")


class Node(Machine):
    count = 0

    def __init__(self, more="", token=None, passphrase=RIGHT, module=SOFTHSM):
        Node.count += 1
        self.place = os.path.join(HOME, f"root{Node.count}")
        os.mkdir(self.place)
        if token is not None:
            os.environ["SOFTHSM2_CONF"] = token.environment["SOFTHSM2_CONF"]
            pin = secret_file(f"pin{Node.count}", b"7352\n")
            more += f"pkcs11_module = {module}\npkcs11_pin_file = {pin}\n"
        super().__init__(*TOOLS, config=f"[checkpoints]\nroots = {self.place}\n" + more)
        if passphrase is not None:
            self.rueda("cluster", "create", "one", *(["--recovery-passphrase-file", passphrase] if passphrase else []))
            self.make_resource("app")

    def make_resource(self, name):
        self.rueda("resource", "create", name, "Cluster Group", "Generic Application")
        self.rueda("resource", "set", name, "--private", "CommandLine=sleep 1000")

    def control(self, code, name, resource="app"):
        result = os.path.join(HOME, "result")

        def call(api):
            handle = ctypes.c_void_p(api.lib.OpenClusterResource(ctypes.c_void_p(api.OpenCluster(None)), wide(resource)))
            api.lib.ClusterResourceControl.restype = ctypes.c_uint32
            out, returned = ctypes.create_string_buffer(65536), ctypes.c_uint32()
            data = wide(name) if name is not None else b""
            r = api.lib.ClusterResourceControl(handle, None, code, data, len(data), out, len(out), ctypes.byref(returned))
            with open(result, "wb") as f:
                f.write(struct.pack("<I", r) + out.raw[:returned.value])

        self.run(call)
        self.output = read(result)[4:].decode("utf-16-le")
        return struct.unpack("<I", read(result)[:4])[0]

    def add(self, name, **more):
        r = self.control(ADD, name, **more)
        assert r == 0, (name, hex(r), self.log_text()[-2000:])

    def store(self, name, content, mode=0o640, owner=(12, 34)):
        path = os.path.join(self.place, name)
        with open(path, "wb") as f:
            f.write(content)
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, *owner)
        return path

    def use_place(self, place):
        """That of another machine, as it were."""
        self.stop()
        conf = read(self.path("rueda.conf")).decode().replace(self.place, place)
        with open(self.path("rueda.conf"), "w", encoding="utf-8") as f:
            f.write(conf)
        self.place = place
        self.start()

    def online(self, **more):
        return self.rueda("resource", "online", "app", "--wait", **more)

    def offline(self):
        self.rueda("resource", "offline", "app", "--wait")

    def blobs(self):
        return {p: read(p) for p in glob.glob(self.path("state/*/blobs/*"))}

    def has(self, secrets):
        """Where one of them can be found: the files of the instance, and the memory of its processes."""
        found = set()
        for parent, _, names in os.walk(self.directory):
            for path in (os.path.join(parent, n) for n in names):
                if os.path.isfile(path) and not os.path.islink(path) and any(s in read(path) for s in secrets):
                    found.add(path)
        for pid in self.processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if any(memory_has(pid, s) for s in secrets):
                    found.add(f"memory of {pid}")
        return found

    def children(self, pid=None):
        with open(f"/proc/{pid or self.process.pid}/task/{pid or self.process.pid}/children", encoding="ascii") as f:
            return [int(n) for n in f.read().split()]

    def working(self):
        """The children that have not ended.  One that has closes its files before it can be waited for; who has heard of that may
        have begun another."""
        def has_files(pid):
            try:
                return bool(os.listdir(f"/proc/{pid}/fd"))
            except FileNotFoundError:
                return False
        return [pid for pid in self.children() if has_files(pid)]

    def processes(self):
        """priv, ruedad, the guard, and whatever works for them at the moment."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # What works for them comes and goes.
                found += self.children(pid)
        return found

    def meanwhile(self, code, name, expected):
        """The pid of a process that asks for this, and expects that."""
        pid = os.fork()
        if pid == 0:
            os._exit(0 if self.control(code, name) == expected else 1)
        return pid


def memory_has(pid, secret):
    """More than a core dump would hold: also what is to be left out of it."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not m:
                continue
            start, end = (int(x, 16) for x in m.groups())
            for at in range(start, end, 1 << 24):
                try:
                    memory.seek(at)
                    if secret in memory.read(min(end - at, (1 << 24) + len(secret))):
                        return True
                except OSError:
                    break
    return False


def spellings(*secrets):
    return {s for b in secrets for s in (b, b.hex().encode(), b.decode("latin-1").encode("utf-16-le"), base64.b64encode(b))}


def secrets_of_pem(pem):
    """A line of it, and the middle of the key."""
    lines = pem.split(b"\n")
    return spellings(lines[8], base64.b64decode(b"".join(lines[1:-2]))[400:430])


def need_token():
    if not os.path.exists(SOFTHSM):
        raise tap.Skip("SoftHSM is not installed")


@test
def keys_in_files_are_saved_encrypted_and_come_back_with_owner_and_mode():
    for provider, make in (("PEM", make_pem), ("PKCS12", make_p12)):
        with Node() as c:
            first, second = make(), make()
            path = c.store("key", first)
            name = f"1\\{provider}\\{path}"
            c.add(name)
            assert c.control(ADD, name) == 183
            assert c.control(GET, None) == 0 and c.output == name + "\0\0", c.output
            (blob,) = c.blobs().values()
            assert blob.startswith(b"RdCC") and first[100:130] not in blob
            c.online()
            (still,) = c.blobs().values()
            assert still == blob  # Online alone is no change.
            c.store("key", second)  # While it is online: seen, and saved.
            wait_until(lambda: len(c.blobs()) > 1, lambda: "saving the changed key\n" + c.log_text()[-2000:])
            time.sleep(1)
            c.offline()
            backup = c.backup("set")
            (saved,) = glob.glob(backup + "/*/*.CPR")
            assert read(saved).startswith(b"RdCC") and second[100:130] not in read(saved)
            os.unlink(path)
            c.online()
            assert read(path) == second
            if os.geteuid() == 0:
                st = os.stat(path)
                assert (st.st_uid, st.st_gid, st.st_mode & 0o7777) == (12, 34, 0o640), st
            c.offline()
            c.store("key", first)
            c.rueda("restore", backup, "--yes")
            c.online()
            assert read(path) == second
            assert c.control(DELETE, name) == 0 and c.control(DELETE, name) == 2


@test
def what_has_not_changed_is_not_saved_again():
    with Node() as c:
        c.add("1\\PEM\\" + c.store("key", make_pem()))
        before = c.blobs()
        for _ in range(3):
            c.online()
            c.offline()
        assert c.blobs() == before
        # What has rotted is saved anew.
        (path,) = before
        c.online()
        with open(path, "r+b") as f:
            f.seek(200)
            f.write(b"!!")
        c.offline()
        assert len(c.blobs()) == 2
        c.online()


@test
def what_is_no_key_or_not_allowed_is_refused():
    with Node() as c:
        public = openssl("pkey", "-pubout", data=make_pem())
        assert c.control(ADD, "1\\PEM\\" + c.store("text", b"not a key\n")) == 13
        assert c.control(ADD, "1\\PEM\\" + c.store("public", public)) == 13
        assert c.control(ADD, "1\\PKCS12\\" + c.store("pem", make_pem())) == 13
        assert c.control(ADD, "1\\PEM\\" + c.store("large", make_pem() + b"\n" * (1 << 20))) in (13, 112)
        assert c.control(ADD, "1\\PEM\\" + c.place) == 13, "a directory"
        assert c.control(ADD, f"1\\PEM\\{c.place}/missing") == 2
        assert c.control(ADD, f"1\\PEM\\{RIGHT}") == 5, "not below a root"
        os.symlink(f"{c.place}/pem", f"{c.place}/link")
        assert c.control(ADD, f"1\\PEM\\{c.place}/link") == 13
        os.mkfifo(f"{c.place}/fifo")
        assert c.control(ADD, f"1\\PEM\\{c.place}/fifo") == 50
        os.link(f"{c.place}/pem", f"{c.place}/second")
        assert c.control(ADD, f"1\\PEM\\{c.place}/pem") == 50, "a hard link"
        for name in ("1\\pem\\/x", "2\\PEM\\/x", "1\\PEM\\x", "1\\PEM\\/x/../y", "1\\PKCS11\\pkcs11:token=x",
                     "1\\PKCS11\\pkcs11:object=x?pin-value=1", "1\\Microsoft Base Provider\\x"):
            assert c.control(ADD, name) == 87, name
        assert c.control(ADD, "x\\PEM\\/x") == 161
        assert c.control(ADD, URI) == 5, "no library is configured"
        assert c.blobs() == {}
    with Node(passphrase="") as c:
        assert c.control(ADD, "1\\PEM\\" + c.store("key", make_pem())) == 6003
        assert "no key to encrypt it with" in c.log_text()


@test
def nothing_of_a_key_is_in_the_set_the_state_the_log_or_memory():
    tap.need_root()
    need_token()
    token = Token()
    clear = os.urandom(32)
    token("import", "app", "signing", "1", clear.hex())
    with Node(token=token) as c:
        pem, p12 = make_pem(), make_p12()
        c.add("1\\PEM\\" + c.store("key", pem))
        c.add("1\\PKCS12\\" + c.store("p12", p12))
        c.add(URI)
        assert c.control(ADD_FILE, "File" + c.store("plain", b"what is no secret").replace("/", "\\")) == 0
        c.online()
        pem2 = make_pem()
        c.store("key", pem2)
        c.offline()
        c.online()
        backup = c.backup("set")
        c.rueda("restore", backup, "--yes")
        c.online()
        c.rueda("trace")
        secrets = secrets_of_pem(pem) | secrets_of_pem(pem2) | spellings(p12[60:90], clear, b"7352\n")
        assert c.has({b"what is no secret"}), "the search does find"
        assert not c.has(secrets), c.has(secrets)
        pid = c.service_pid()
        if shutil.which("gcore"):
            core = os.path.join(HOME, "core")
            subprocess.run(["gcore", "-o", core, str(pid)], check=True, capture_output=True, timeout=120)
            dump = read(f"{core}.{pid}")
            assert "one".encode("utf-16-le") in dump and not any(s in dump for s in secrets)
            os.unlink(f"{core}.{pid}")


@test
def a_key_in_a_token_comes_back_and_one_that_may_not_leave_is_refused():
    need_token()
    token = Token()
    token("generate", "app", "signing", "1")
    token("fixed", "app", "fixed", "2")
    first = token.sign()
    with Node(token=token) as c:
        assert c.control(ADD, URI.replace("signing", "fixed")) == NTE_BAD_KEY, c.log_text()[-2000:]
        assert c.control(ADD, URI.replace("signing", "none")) == NTE_BAD_KEYSET
        assert c.control(ADD, URI.replace("app", "none")) == 2
        c.add(URI)
        before = c.blobs()
        c.online()
        c.offline()
        assert c.blobs() == before
        backup = c.backup("set")
        # Another key is saved when the resource goes offline, and is what comes back.
        c.online()
        token("remove", "app", "signing")
        token("generate", "app", "signing", "1")
        second = token.sign()
        assert second != first
        c.offline()
        assert len(c.blobs()) == 2
        assert token("remove", "app", "signing") == "2"
        c.online()
        assert token.sign() == second and token("count", "app", "signing") == "2"
        c.rueda("restore", backup, "--yes")
        c.online()
        assert token.sign() == first and token("count", "app", "signing") == "2" and token("count", "app", "fixed") == "2"
    if os.geteuid() == 0:  # As somebody who may not use the token.
        with Node("pkcs11_user = nobody\n", token=token) as c:
            os.chmod(token.directory, 0o700)
            assert c.control(ADD, URI) != 0
    with Node(token=token) as c:
        secret_file(f"pin{Node.count}", b"1111\n")
        assert c.control(ADD, URI) == 86
        assert c.control(ADD, URI) == 5, "it is not tried again"
        assert token.sign() == first


@test
def a_token_that_hangs_is_given_up_and_delays_nothing_else():
    with Node(f"file_seconds = 8\npkcs11_module = {HANGING}\n") as c:
        before = c.children()
        pid = c.meanwhile(ADD, URI, 1460)
        path = c.store("key", make_pem())
        time.sleep(0.5)
        assert c.control(ADD, "1\\PEM\\" + path) == 0
        c.rueda("reg", "set", "Some", "value", "x")
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the others waited"
        assert os.waitpid(pid, 0)[1] == 0

        wait_until(lambda: c.children() == before, "the end of the process that hangs")


@test
def a_token_that_hangs_holds_up_no_other_token():
    need_token()
    token = Token()
    token("make", "slow")
    token("generate", "app", "signing", "1")
    with Node("file_seconds = 10\n", token=token, module=FAILING) as c:
        token.plan(slow=1)
        before = len(c.children())
        pid = c.meanwhile(ADD, URI.replace("token=app", "token=slow"), 1460)
        wait_until(lambda: len(c.children()) > before, "the process that hangs")
        c.add(URI)
        c.online()
        c.offline()
        # One more at the same token waits for it: never are there two.
        other = c.meanwhile(ADD, "1\\PKCS11\\pkcs11:token=slow;id=%02", 1460)
        done = os.waitpid(pid, os.WNOHANG)
        assert done == (0, 0), "the other token waited"
        while done == (0, 0):
            assert len(c.working()) <= before + 1, "two work on one token"
            time.sleep(0.02)
            done = os.waitpid(pid, os.WNOHANG)
        assert done[1] == 0
        os.kill(other, 9)
        os.waitpid(other, 0)


@test
def a_process_that_works_on_keys_leaves_no_core_and_cannot_be_looked_into():
    tap.need_root()
    need_token()
    token = Token()
    token("make", "slow")
    os.chmod(token.directory, 0o777)
    for parent, directories, files in os.walk(token.directory):
        for name in directories + files:
            os.chown(os.path.join(parent, name), 65534, 65534)
    with Node("file_seconds = 8\npkcs11_user = nobody\n", token=token, module=FAILING) as c:
        token.plan(slow=1)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(c.process.pid, resource.RLIMIT_CORE, unlimited)
        before = set(c.children())
        asker = c.meanwhile(ADD, URI.replace("token=app", "token=slow"), 1460)
        wait_until(lambda: any(memory_has(p, b"7352") and "\nUid:\t65534\t" in read(f"/proc/{p}/status").decode()
                               for p in set(c.children()) - before), "the PIN in the child", 6)
        (pid,) = set(c.children()) - before
        wait_until(lambda: os.stat(f"/proc/{pid}/environ").st_uid == 0, "the process to hide", 1)
        assert re.search(r"Max core file size +0 +0 ", read(f"/proc/{pid}/limits").decode()), read(f"/proc/{pid}/limits")
        done = subprocess.run(["head", "-c1", f"/proc/{pid}/maps"], user=65534, group=65534, extra_groups=[], check=False,
                              capture_output=True, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
        assert done.stdout == b"" and b"Permission denied" in done.stderr, done
        assert os.waitpid(asker, 0)[1] == 0


@test
def a_process_killed_at_any_change_of_a_token_leaves_it_to_the_next_putting_back():
    need_token()
    token = Token()
    token("generate", "app", "signing", "1")
    first = token.sign()
    with Node(token=token, module=FAILING) as c:
        c.add(URI)
        c.rueda("resource", "set", "app", "RestartAction=0")
        before = c.blobs()
        for n in range(1, 20):
            token.plan()
            token("remove", "app", "signing")
            token("generate", "app", "signing", "1")
            token.plan(mode=Token.KILLS, left=n, only_changes=1)
            c.rueda("resource", "online", "app", "--wait", status=1 if n < 6 else 0)
            assert c.blobs() == before
            if token.calls_left() > 0:
                break
            assert "has ended" in c.rueda("resource", "why", "app"), c.rueda("resource", "why", "app")
        # The wrapping key, two objects made, two removed.
        assert n == 6 and token.sign() == first and token("count", "app", "signing") == "2"
        # A key that cannot be taken at the end leaves what was saved, and is saved before the next start, not replaced.
        for plan in ({"mode": Token.KILLS, "left": 40}, {"mode": Token.FAILS, "left": 60, "result": 0x30}):
            token("remove", "app", "signing")
            token("generate", "app", "signing", "1")
            left = token.sign()
            token.plan(**plan)
            c.offline()
            assert token.calls_left() == 0 and c.blobs() == before and left != first
            c.online()
            assert token.sign() == left and c.blobs() != before
            before = c.blobs()
        c.offline()


@test
def what_is_damaged_is_rebuilt_from_the_source_or_from_a_set():
    token = Token() if os.path.exists(SOFTHSM) else None
    if token is not None:
        token("generate", "app", "signing", "1")
    with Node(token=token) as c:
        names = [f"1\\PEM\\{c.store('pem', make_pem())}", f"1\\PKCS12\\{c.store('p12', make_p12())}"]
        names += [URI] if token is not None else []
        contents = {n: read(os.path.join(c.place, n)) for n in ("pem", "p12")}
        signature = token.sign() if token is not None else None
        for name in names:
            c.add(name)
        backup = c.backup("set")

        def rebuild(*words, status=0):
            text = c.rueda("checkpoint", "rebuild", *words, "--json", status=status)
            return {x["name"]: (x["outcome"], x["story"]) for x in json.loads(text)["checkpoints"]}

        def damage(how):
            for name in names:
                saved = {x["name"]: x for x in c.json("checkpoint", "ls")["checkpoints"]}[name]
                (path,) = glob.glob(c.path("state/*/blobs/" + saved["sha256"]))
                if how == "missing":
                    os.unlink(path)
                else:
                    with open(path, "r+b") as f:
                        f.seek(-1, 2)
                        f.write(bytes([read(path)[-1] ^ 1]))

        def check_whole():
            """That what is saved is what comes back."""
            c.offline()
            for n in contents:
                os.unlink(os.path.join(c.place, n))
            if token is not None:
                token("remove", "app", "signing")
            c.online()
            assert {n: read(os.path.join(c.place, n)) for n in contents} == contents
            assert token is None or token.sign() == signature

        c.online()
        for how in ("missing", "damaged"):
            time.sleep(2)  # Soon after the start each file is looked at, which heals it, too.
            damage(how)
            done = rebuild("--plan")
            assert set(done) == set(names) and {o for o, _ in done.values()} <= {"planned", "whole"}, done
            done = rebuild()
            assert set(done) == set(names) and {o for o, _ in done.values()} <= {"captured", "whole"}, done
            assert token is None or done[URI][0] == "captured", done
            assert {o for o, _ in rebuild().values()} == {"whole"}
            check_whole()
        # Not from what is there while nobody says that it is right, but from a set.
        c.offline()
        for how in ("missing", "damaged"):
            damage(how)
            for name in names:
                c.fails(5004, "checkpoint", "rebuild", "app", "--crypto", name)
                assert how in c.errors and "--from SET" in c.errors, c.errors
                story = rebuild("app", "--crypto", name, "--from", backup)
                assert story[name][0] == "taken", story
                assert rebuild("app", "--crypto", name)[name][0] == "whole"
            c.online()
            check_whole()
            c.offline()
        # A source that is no key any more is not taken for one.
        c.online()
        c.store("pem", b"not a key\n")
        damage("missing")
        done = rebuild(status=1)
        assert done.pop(names[0])[0] == "failed" and {o for o, _ in done.values()} <= {"captured", "whole"}, done
        assert token is None or done[URI][0] == "captured", done
        assert "private key in PEM form" in c.errors, c.errors


@test
def a_bad_name_is_told_what_a_good_one_is():
    with Node() as c:
        for name in ("1\\pem\\/x", "2\\PEM\\/x", "1\\PEM\\x", "1\\PKCS11\\pkcs11:token=x", "1\\PKCS11\\pkcs11:object=x?pin-value=1"):
            for words in (["add"], ["rm", "--yes"], ["show"], ["rebuild"]):
                c.rueda("checkpoint", *words, "app", "--crypto", name, status=1)
                code = 87 if words == ["add"] else 2
                assert f" failed: {code} " in c.errors, (words, c.errors)
            c.fails(87, "checkpoint", "add", "app", "--crypto", name)
            assert "the name of a key is 1\\PEM\\/PATH, 1\\PKCS12\\/PATH or 1\\PKCS11\\pkcs11:URI" in c.errors, c.errors
        c.fails(5, "checkpoint", "add", "app", "--crypto", URI)
        assert "pkcs11_module" in c.errors, c.errors
        c.fails(161, "checkpoint", "add", "app", "--crypto", "x\\PEM\\/x")
        assert c.blobs() == {}


def name_blob(c, resource, blob):
    """Whoever may write the cluster's keys can have a checkpoint name any blob; here it lies in the state directory."""
    (directory,) = glob.glob(c.path("state/*/blobs"))
    path = os.path.join(directory, hashlib.sha256(blob).hexdigest())
    with open(path, "wb") as f:
        f.write(blob)
    os.chown(path, os.stat(directory).st_uid, os.stat(directory).st_gid)

    def call(api):
        root = api.root(api.OpenCluster(None))
        for name in api.enum_keys(api.open_key(root, "Resources")[1]):
            key = api.open_key(root, "Resources\\" + name)[1]
            if api.get_value(key, "Name")[2] == wide(resource):
                data = api.open_key(key, "CheckpointData")[1]
                old = api.get_value(data, "00000001.CPR")[2]
                new = old[:24] + struct.pack("<Q", len(blob)) + old[32:40] + hashlib.sha256(blob).digest()
                assert api.set_value(data, "00000001.CPR", 3, new) == 0
                return
        raise AssertionError(resource)

    c.run(call)


@test
def a_blob_that_was_moved_is_refused_by_its_authentication():
    with Node() as c:
        first, second = make_pem(), make_pem()
        one, two = c.store("one", first), c.store("two", second)
        c.add("1\\PEM\\" + one)
        (from_one,) = c.blobs().values()
        c.make_resource("other")
        c.add("1\\PEM\\" + two, resource="other")
        (to_two,) = (b for b in c.blobs().values() if b != from_one)
        c.add("1\\PEM\\" + c.store("three", make_pem()), resource="other")
        (from_three,) = (b for b in c.blobs().values() if b not in (from_one, to_two))
        c.rueda("resource", "set", "other", "RestartAction=0")
        # Blob for blob, with the label of the other, and with all of its head.
        for n, (forged, why) in enumerate(((from_one, "of another resource"), (to_two[:88] + from_one[88:], "damaged, or"),
                                           (to_two[:104] + from_one[104:], "damaged, or"),
                                           (from_three, "of another crypto checkpoint"),
                                           (to_two[:88] + from_three[88:], "damaged, or"))):
            name_blob(c, "other", forged)
            c.rueda("resource", "online", "other", "--wait", status=1)
            assert why in c.rueda("resource", "why", "other"), c.rueda("resource", "why", "other")
            assert read(two) == second
            backup = c.backup(f"set{n}")
            c.rueda("backup", "verify", backup)
            assert why in c.fails(13, "backup", "verify", backup, "--recovery-passphrase-file", RIGHT)
        name_blob(c, "other", to_two)
        c.rueda("resource", "online", "other", "--wait")
        backup, place = c.backup("last"), c.place
    with Node(passphrase=None) as copy:  # Another cluster, with the same key, resources and names.
        copy.use_place(place)
        copy.rueda("restore", backup, "--as-new", "copy", "--yes", "--recovery-passphrase-file", RIGHT)
        copy.rueda("resource", "set", "other", "RestartAction=0")
        copy.rueda("resource", "online", "other", "--wait", status=1)
        assert "of another cluster" in copy.rueda("resource", "why", "other"), copy.rueda("resource", "why", "other")


@test
def a_node_without_the_key_says_what_to_do_and_goes_on_once_it_has_it():
    with Node() as c:
        content = make_pem()
        path = c.store("key", content)
        c.add("1\\PEM\\" + path)
        backup = c.backup("set")
        place = c.place
    with Node(passphrase=None) as other:
        other.use_place(place)
        os.unlink(path)
        other.rueda("restore", backup, "--yes")
        other.rueda("resource", "set", "app", "RestartAction=0")
        other.rueda("resource", "online", "app", "--wait", status=1)
        why = other.rueda("resource", "why", "app") + other.log_text()
        assert "this node does not have the cluster key" in why and "rueda cluster unseal'" in why, why
        assert not os.path.exists(path)
        assert other.control(ADD, "1\\PEM\\" + other.store("x", content)) == 6003
        other.rueda("cluster", "unseal", "--recovery-passphrase-file", RIGHT)
        other.rueda("resource", "online", "app", "--wait")
        assert read(path) == content


@test
def verify_tells_who_can_restore_and_opens_each_with_the_passphrase():
    with Node() as c:
        c.add("1\\PEM\\" + c.store("one", make_pem()))
        c.add("1\\PKCS12\\" + c.store("two", make_p12()))
        backup = c.backup("set")
        text = c.rueda("backup", "verify", backup)
        assert "It holds 2 crypto checkpoints.\n" in text and "This node has the set's own key" in text, text
        told = c.json("backup", "verify", backup)
        assert told["crypto_checkpoints"] == 2 and told["this_node_has_the_key"] is True, told
        assert told["crypto_checkpoints_opened"] is None and told["crypto_checkpoints_of_another_key"] == 0, told
        told = c.json("backup", "verify", backup, "--recovery-passphrase-file", RIGHT)
        assert told["crypto_checkpoints_opened"] == 2 and told["cluster_key_opened"], told
        assert "2 of them, under the set's own key, open" in c.rueda(
            "backup", "verify", backup, "--recovery-passphrase-file", RIGHT)
        c.fails(86, "backup", "verify", backup, "--recovery-passphrase-file", OTHER)
    with Node() as other:
        assert other.json("backup", "verify", backup)["this_node_has_the_key"] is False
        assert "does not have the set's own key" in other.rueda("backup", "verify", backup)
        other.stop()
        assert other.json("backup", "verify", backup)["this_node_has_the_key"] is None


tap.run(sys.argv[7:])
