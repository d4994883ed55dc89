#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rueda checkpoint: list, show, add, rm, rebuild; and backup sets that hold checkpoints.  Prints TAP.

Usage: checkpoint_cli.py RUEDA RUEDAD LIBRARY [part of a test's name...]"""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import machine  # noqa: E402
import tap  # noqa: E402
from tap import test  # noqa: E402

TOOLS = [os.path.abspath(a) for a in sys.argv[1:4]]
HOME = tap.temporary()
ROOT = os.path.join(HOME, "allowed")
os.mkdir(ROOT)
os.chmod(HOME, 0o777)
os.chmod(ROOT, 0o777)


class Machine(machine.Machine):
    """With a cluster and the resource Site, online or not."""

    def __init__(self, online=False):
        super().__init__(*TOOLS, config=f"[checkpoints]\nroots = {ROOT}\n")
        self.rueda("cluster", "create", "one")
        self.rueda("group", "create", "Web")
        self.rueda("resource", "create", "Site", "Web", "Network Name")
        if online:
            self.online()

    def online(self):
        self.rueda("resource", "online", "Site", "--wait=20")

    def offline(self):
        self.rueda("resource", "offline", "Site", "--wait=20")

    def checkpoints(self, *words):
        return self.json("checkpoint", "ls", *words)["checkpoints"]

    def blob(self, checkpoint):
        (path,) = glob.glob(self.path(f"state/0*/blobs/{checkpoint['sha256']}"))
        return path

    def is_whole(self, checkpoint):
        try:
            with open(self.blob(checkpoint), "rb") as f:
                return hashlib.sha256(f.read()).hexdigest() == checkpoint["sha256"]
        except (FileNotFoundError, ValueError):
            return False

    def damage(self, checkpoint):
        path = self.blob(checkpoint)
        with open(path, "r+b") as f:
            f.seek(-1, 2)
            last = f.read(1)
            f.seek(-1, 2)
            f.write(bytes([last[0] ^ 1]))

    def rebuild(self, *words, status=0):
        """{name: (outcome, story)}"""
        text = self.rueda("checkpoint", "rebuild", *words, "--json", status=status)
        return {c["name"]: (c["outcome"], c["story"]) for c in json.loads(text)["checkpoints"]}


def fill(name, content):
    path = os.path.join(ROOT, name)
    with open(path, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, 0o666)
    return path


def file_name(path):
    return "File" + path.replace("/", "\\")


@test
def checkpoints_are_added_listed_and_removed():
    path = fill("one.conf", "answer = 42\n")
    with Machine() as m:
        m.rueda("reg", "set", "SOFTWARE\\App", "v", "1", "--local")
        assert m.checkpoints() == [] and m.rueda("checkpoint", "ls").split() == [
            "RESOURCE", "KIND", "SAVED", "BYTES", "SHA-256", "NAME"]
        m.rueda("checkpoint", "add", "site", "HKLM\\SOFTWARE\\App")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        listed = m.checkpoints("Site")
        assert listed == m.checkpoints()
        assert [(c["resource"], c["kind"], c["name"], c["number"]) for c in listed] == [
            ("Site", "registry", "SOFTWARE\\App", 1), ("Site", "registry", file_name(path), 2)], listed
        for c in listed:
            data = open(m.blob(c), "rb").read()
            assert c["size"] == len(data) and c["sha256"] == hashlib.sha256(data).hexdigest()
            assert re.match(r"20\d\d-", c["saved"]), c
        line = m.rueda("checkpoint", "ls", "Site").splitlines()[2]
        assert listed[1]["sha256"][:12] in line and file_name(path) in line and "Site" in line
        # What a name may be said as, and what it may not.
        m.fails(183, "checkpoint", "add", "Site", "software\\app")
        m.fails(2, "checkpoint", "add", "Site", "SOFTWARE\\None")
        assert "rueda reg --local" in m.errors
        m.fails(2, "checkpoint", "add", "Site", "--file", path + ".none")
        m.fails(5, "checkpoint", "add", "Site", "--file", "/etc/hostname")
        assert "roots" in m.errors and "rueda.conf" in m.errors
        m.fails(6003, "checkpoint", "add", "Site", "--crypto", "1\\PEM\\/x")
        m.fails(5007, "checkpoint", "add", "None", "--file", path)
        for words in (["Site"], ["Site", "a", "--file", path], ["Site", path], ["Site", "--file", "relative"],
                      ["Site", "--file", "/a/../b"], ["Site", "--file", path, "--crypto", "x"]):
            m.rueda("checkpoint", "add", *words, status=2)
        m.rueda("checkpoint", "rm", "Site", "SOFTWARE\\App", status=4)
        m.rueda("checkpoint", "rm", "Site", "SOFTWARE\\App", "--yes")
        m.fails(2, "checkpoint", "rm", "Site", "SOFTWARE\\App", "--yes")
        m.rueda("checkpoint", "rm", "Site", "--file", path, "--yes")
        assert m.checkpoints() == []


@test
def what_is_saved_is_shown():
    directory = os.path.join(ROOT, "tree")
    os.makedirs(directory + "/sub", exist_ok=True)
    content = os.urandom(3 << 20)  # Several pieces.
    fill("tree/big", content)
    fill("tree/sub/small", "small\n")
    with open(fill("tree/hole", b"begin"), "r+b") as f:
        f.truncate(100000)
        f.seek(90000)
        f.write(b"end")
    os.symlink("sub/small", directory + "/link")
    fill("tree/odd\x1b\\name", "x")
    with Machine() as m:
        m.rueda("checkpoint", "add", "Site", "--file", directory)
        shown = m.json("checkpoint", "show", "Site", "--file", directory)
        files = {f["path"]: f for f in shown["files"]}
        assert set(files) == {"", "big", "hole", "link", "odd%1B%5Cname", "sub", "sub/small"}, files
        assert (files["link"]["type"], files["link"]["target"]) == ("link", "sub/small")
        assert files["big"]["size"] == 3 << 20 and files["sub"]["type"] == "directory" and files["big"]["mode"] == "0666"
        assert files["sub/small"]["modified"][:19] == subprocess.run(
            ["date", "-u", "+%Y-%m-%dT%H:%M:%S", "-r", directory + "/sub/small"], capture_output=True, text=True).stdout.strip()
        text = m.rueda("checkpoint", "show", "Site", file_name(directory))
        assert re.search(r"^lrwxrwxrwx .* link -> sub/small$", text, re.M) and re.search(r"^-rw-rw-rw- .* sub/small$", text, re.M)
        assert "\x1b" not in text
        # Whatever is there now: what is printed is what is saved.
        shutil.rmtree(directory + "/sub")
        for name, expected in (("big", content), ("sub/small", b"small\n"),
                               ("hole", b"begin" + bytes(89995) + b"end" + bytes(9997))):
            done = subprocess.run([TOOLS[0], "checkpoint", "show", "Site", "--file", directory, "--cat", name],
                                  env=m.environment, capture_output=True)
            assert done.returncode == 0 and done.stdout == expected, (name, done.stderr, len(done.stdout))
        m.fails(2, "checkpoint", "show", "Site", "--file", directory, "--cat", "none")
        m.fails(2, "checkpoint", "show", "Site", "--file", directory, "--cat", "sub")
        m.fails(2, "checkpoint", "show", "Site", "SOFTWARE\\App")
        m.rueda("reg", "set", "SOFTWARE\\App\\Deep", "text", "a value", "--local")
        m.rueda("checkpoint", "add", "Site", "SOFTWARE\\App")
        m.rueda("reg", "del", "SOFTWARE", "--local", "--yes")
        text = m.rueda("checkpoint", "show", "Site", "SOFTWARE\\App")
        assert '[HKEY_LOCAL_MACHINE\\SOFTWARE\\App\\Deep]\r\n"text"="a value"\r\n' in text, repr(text)
        assert m.json("checkpoint", "show", "Site", "SOFTWARE\\App")["text"].replace("\r\n", "\n") == text.replace("\r\n", "\n")
        # And so it can be put back by hand.
        m.rueda("reg", "import", "-", "--local", text=text.encode())
        assert m.rueda("reg", "get", "SOFTWARE\\App\\Deep", "text", "--local") == "a value\n"
        one = fill("single.conf", "one file\n")
        m.rueda("checkpoint", "add", "Site", "--file", one)
        assert m.rueda("checkpoint", "show", "Site", "--file", one, "--cat", ".") == "one file\n"
    shutil.rmtree(directory)


@test
def only_who_may_change_the_cluster_reads_what_is_saved():
    tap.need_root()
    path = fill("secret", "nobody else's\n")
    with Machine() as m:
        m.rueda("checkpoint", "add", "Site", "--file", path)
        for words in (["show", "Site", "--file", path], ["rebuild"]):
            reader = subprocess.run(["setpriv", "--reuid=2000", "--regid=2000", "--groups=65534", TOOLS[0], "checkpoint", *words],
                                    env=m.environment, capture_output=True, text=True)
            assert reader.returncode == 1 and " failed: 5 " in reader.stderr, reader
        assert subprocess.run(["setpriv", "--reuid=2000", "--regid=2000", "--groups=65534", TOOLS[0], "checkpoint", "ls"],
                              env=m.environment, capture_output=True).returncode == 0


@test
def a_damaged_or_missing_checkpoint_is_captured_again_where_its_resource_is_online():
    path = fill("rebuilt", "as it is\n")
    with Machine(online=True) as m:
        m.rueda("reg", "set", "App", "v", "1", "--local")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        m.rueda("checkpoint", "add", "Site", "App")
        by_name = {c["name"]: c for c in m.checkpoints()}
        file, key = by_name[file_name(path)], by_name["App"]
        assert {o for o, _ in m.rebuild().values()} == {"whole"}
        def story():
            if m.is_whole(file):
                m.damage(file)
            if m.is_whole(key):
                os.unlink(m.blob(key))
            m.fails(13, "checkpoint", "show", "Site", "--file", path)
            assert "rueda checkpoint rebuild" in m.errors
            m.fails(2, "checkpoint", "show", "Site", "App")
            m.rueda("backup", m.path("refused"), status=1)
            plan = m.rebuild("--plan")
            assert {n: o for n, (o, _) in plan.items()} == {"App": "planned", file_name(path): "planned"}, plan
            assert "damaged" in plan[file_name(path)][1] and "missing" in plan["App"][1]
            m.fails(13, "checkpoint", "show", "Site", "--file", path)
            assert m.rebuild("Site", "--file", path)[file_name(path)][0] == "captured"
            assert m.rueda("checkpoint", "show", "Site", "--file", path, "--cat", ".") == "as it is\n"
            m.fails(2, "checkpoint", "show", "Site", "App")
            text = m.rueda("checkpoint", "rebuild")
            assert "Site: App: captured again" in text and ": it is whole" in text, text

        # What was added is soon looked at by the service itself, and that heals it: then it is damaged once more.
        for last in [False] * 10 + [True]:
            try:
                story()
                break
            except AssertionError:
                if last or not (m.is_whole(file) or m.is_whole(key)):
                    raise
        assert {c["name"]: c["sha256"] for c in m.checkpoints()}[file_name(path)] == file["sha256"]
        m.backup("set")


@test
def without_its_resource_online_a_damaged_checkpoint_needs_a_set():
    path = fill("from-set", "as it was\n")
    with Machine() as m:
        m.rueda("checkpoint", "add", "Site", "--file", path)
        first = m.checkpoints()[0]
        target = m.backup("set")
        m.damage(first)
        fill("from-set", "somebody else's\n")
        m.fails(5004, "checkpoint", "rebuild", "Site", "--file", path)
        assert "--from SET" in m.errors and "damaged" in m.errors
        assert m.rebuild(status=1)[file_name(path)][0] == "failed"
        before = m.json("status")["applied_index"]
        plan = m.rebuild("Site", "--file", path, "--from", target, "--plan")
        assert plan[file_name(path)][0] == "planned" and "would be taken from the set" in plan[file_name(path)][1]
        assert m.rebuild("Site", "--file", path, "--from", target)[file_name(path)][0] == "taken"
        assert m.rueda("checkpoint", "show", "Site", "--file", path, "--cat", ".") == "as it was\n"
        # The same content has the same name: the log has nothing to hear of.
        assert m.json("status")["applied_index"] == before and m.checkpoints()[0] == first
        assert m.rebuild("Site", "--file", path, "--from", target)[file_name(path)][0] == "whole"
        os.unlink(m.blob(first))
        assert "taken from the set" in m.rueda("checkpoint", "rebuild", "Site", "--file", path, "--from", target)
        m.stop()
        m.start()
        assert m.rueda("checkpoint", "show", "Site", "--file", path, "--cat", ".") == "as it was\n"


@test
def an_older_state_of_a_checkpoint_is_taken_from_a_set_that_has_one():
    path = fill("older", "old\n")
    with Machine() as m:
        m.rueda("checkpoint", "add", "Site", "--file", path)
        target = m.backup("set")
        m.rueda("checkpoint", "rm", "Site", "--file", path, "--yes")
        fill("older", "new\n")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        assert m.rueda("checkpoint", "show", "Site", "--file", path, "--cat", ".") == "new\n"
        story = m.rebuild("Site", "--file", path, "--from", target)[file_name(path)]
        assert story[0] == "taken" and "captured on 20" in story[1], story
        assert m.rueda("checkpoint", "show", "Site", "--file", path, "--cat", ".") == "old\n"
        m.stop()
        m.start()
        assert m.rueda("checkpoint", "show", "Site", "--file", path, "--cat", ".") == "old\n"
        assert len(m.checkpoints()) == 1


@test
def another_state_is_not_put_under_a_resource_that_runs():
    path = fill("running", "old\n")
    words = ["checkpoint", "rebuild", "Site", "--file", path, "--from"]
    with Machine(online=True) as m:
        m.rueda("checkpoint", "add", "Site", "--file", path)
        old, target = m.checkpoints()[0], m.backup("set")
        # What is saved may be made whole.
        m.damage(old)
        assert m.rebuild(*words[2:], target)[file_name(path)][0] == "taken"
        m.rueda("resource", "offline", "Site", "--wait=60")
        m.rueda("checkpoint", "rm", "Site", "--file", path, "--yes")
        fill("running", "new\n")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        m.rueda("resource", "online", "Site", "--wait=60")
        saved = m.checkpoints()
        assert "once the resource is offline" in m.rebuild(*words[2:], target, "--plan")[file_name(path)][1]
        m.fails(5019, *words, target)
        assert "rueda resource offline" in m.errors and m.checkpoints() == saved
        m.rueda("resource", "offline", "Site", "--wait=60")
        assert m.rebuild(*words[2:], target)[file_name(path)][0] == "taken"
        m.rueda("resource", "online", "Site", "--wait=60")
        assert open(path, encoding="utf-8").read() == "old\n"


@test
def a_set_that_cannot_help_is_refused_and_changes_nothing():
    path = fill("refused", "x\n")
    with Machine() as m:
        before = m.backup("before")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        saved = m.checkpoints()
        m.damage(saved[0])
        words = ["checkpoint", "rebuild", "Site", "--file", path, "--from"]
        m.fails(1168, *words, before)
        with Machine() as other:
            other.rueda("checkpoint", "add", "Site", "--file", path)
            m.fails(5893, *words, other.backup("set"))
        m.fails(3, *words, m.path("none"))
        m.rueda("checkpoint", "rebuild", "--from", before, status=2)
        m.fails(2, "checkpoint", "rebuild", "Site", "NoSuch", "--from", before)
        assert m.checkpoints() == saved
        # A set whose own copy is damaged.
        # Neither does the resource start with it, nor a backup leave it out: only what is there now is left.
        m.fails(5038, "resource", "online", "Site", "--wait=20")
        m.rueda("checkpoint", "rm", "Site", "--file", path, "--yes")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        target = m.backup("set")
        (copy,) = glob.glob(f"{target}/*/*.CPT")
        os.chmod(copy, 0o600)
        with open(copy, "r+b") as f:
            f.write(b"XXXX")
        m.fails(5087, *words, target)
        assert m.rebuild("Site")[file_name(path)][0] == "whole"


# Sets.

@test
def the_verbs_of_sets_show_their_checkpoints():
    path = fill("in-set", "one\n")
    with Machine() as m:
        m.rueda("reg", "set", "App", "v", "1", "--local")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        old = m.backup("old")
        m.rueda("checkpoint", "add", "Site", "App")
        m.rueda("checkpoint", "rm", "Site", "--file", path, "--yes")
        fill("in-set", "two\n")
        m.rueda("checkpoint", "add", "Site", "--file", path)
        new = m.backup("new")
        m.stop()  # None of them needs a service.
        shown = m.json("backup", "show", new)
        files = [f for f in shown["files"] if f["kind"] == "registry checkpoint"]
        assert {(f["resource"], f["checkpoint"]) for f in files} == {("Site", "App"), ("Site", file_name(path))}, files
        assert all(re.fullmatch(r"[0-9a-f-]{36}[\\/]\d{8}\.CPT", f["name"], re.I) for f in files), files
        text = m.rueda("backup", "show", new)
        assert f"Site: {file_name(path)}" in text and "Site: App" in text, text
        assert m.json("backup", "verify", new)["files"] == 3
        (resource,) = {f["name"][:36] for f in files}
        listed = m.json("backup", "ls", new, f"Resources\\{resource}\\RegSync")
        assert {v["text"] for v in listed["values"]} == {"App", file_name(path)}, listed
        assert file_name(path).replace("\\", "\\\\") in m.rueda("backup", "cat", new, f"Resources\\{resource}\\RegSync")
        data = m.json("backup", "cat", new, f"Resources\\{resource}\\CheckpointData", "00000001.CPT")
        assert data["size"] == 72, data
        difference = m.json("backup", "diff", old, new)
        checkpoints = {(d["change"], d["resource"], d["name"]) for d in difference["checkpoints"]}
        assert checkpoints == {("added", "Site", "App"), ("changed", "Site", file_name(path))}, difference["checkpoints"]
        text = m.rueda("backup", "diff", old, new)
        assert f"! checkpoint of Site: {file_name(path)}" in text and "+ checkpoint of Site: App" in text, text
        back = m.json("backup", "diff", new, old)["checkpoints"]
        assert {(d["change"], d["name"]) for d in back} == {("removed", "App"), ("changed", file_name(path))}
        same = m.json("backup", "diff", new, new)
        assert same["equal"] and same["checkpoints"] == []
        # One byte of a checkpoint: the set is damaged, and says which file.
        name = files[0]["name"].replace("\\", "/")
        os.chmod(os.path.join(new, name), 0o600)
        with open(os.path.join(new, name), "r+b") as f:
            f.seek(5000)
            f.write(b"?")
        for words in (["verify", new], ["show", new], ["ls", new]):
            assert os.path.basename(name) in m.fails(5087, "backup", *words), m.errors
        os.unlink(os.path.join(new, name))
        assert os.path.basename(name) in m.fails(5087, "backup", "verify", new), m.errors


tap.run(sys.argv[4:])
