#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rueda as a program, against a service of its own in a temporary directory.  Prints TAP.

Usage: cli.py RUEDA RUEDAD SOURCE_ROOT [part of a test's name...]
Run by root, the service runs as nobody; run by others, as they are.  What must hold on the way is set up by whichever test
comes first, so each can be run alone."""
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from cluster import end_processes_of  # noqa: E402
from tap import test  # noqa: E402

RUEDA, SOURCE = os.path.abspath(sys.argv[1]), sys.argv[3]
HOME = tap.temporary()
# A copy, since another user may not be able to enter the directory of the build.
RUEDAD = shutil.copy(sys.argv[2], os.path.join(HOME, "ruedad"))
ROOT = "HKEY_LOCAL_MACHINE\\Cluster"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{7} UTC"  # Of a change, as diff prints it.
FIRST = "Windows Registry Editor Version 5.00\r\n"
counter = 0


def fresh(name):
    """A directory in which anybody may write."""
    global counter
    counter += 1
    path = os.path.join(HOME, f"{name}{counter}")
    os.mkdir(path)
    os.chmod(path, 0o777)
    return path


class Instance:
    def __init__(self, node=None):
        self.directory = fresh("instance")
        os.chmod(self.directory, 0o755)
        with open(os.path.join(self.directory, "rueda.conf"), "w", encoding="utf-8") as f:
            f.write(f"[node]\nname = {node}\n" if node is not None else "")
            f.write("[service]\nuser = nobody\n" if os.geteuid() == 0 else "")
            f.write("[networks]\nignore = *\n")  # The links of the machine that runs the tests are no part of them.
        self.environment = {**os.environ, "RUEDA_DIR": self.directory, "RUEDA_RUEDAD": RUEDAD}

    def start(self):
        started.append(self)
        subprocess.run([RUEDAD, "--daemon"], env=self.environment, cwd=HOME, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=60)
        return self

    def run(self, *words, status=0, text=None, cwd=HOME):
        """Standard output; the exit status must be the given one, and then errors says what was on standard error."""
        done = subprocess.run([RUEDA, *words], env=self.environment, cwd=cwd, capture_output=True, timeout=60,
                              **({"stdin": subprocess.DEVNULL} if text is None else {"input": text}))
        self.errors = done.stderr.decode(errors="replace")
        assert done.returncode == status, (words, done.returncode, done.stdout[-500:], self.errors)
        return done.stdout.decode()

    def fails(self, code, *words, **others):
        self.run(*words, status=1, **others)
        assert f" failed: {code} " in self.errors, (words, self.errors)
        return self.errors

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def first_event(self, make, *words):
        """What `rueda events --follow` prints of the first thing that make() does."""
        p = subprocess.Popen([RUEDA, "events", "--follow", *words], env=self.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = []
        reader = threading.Thread(target=lambda: lines.append(p.stdout.readline().decode()))
        reader.start()
        for _ in range(20):  # It says nothing when it has begun.
            make()
            reader.join(0.5)
            if lines:
                break
        p.terminate()
        p.wait(20)
        assert lines and lines[0], p.stderr.read()
        return lines[0]

    def stop(self):
        self.run("shutdown", "--yes")
        deadline = time.monotonic() + 90
        while subprocess.run([RUEDA, "status"], env=self.environment, capture_output=True).returncode != 3:
            assert time.monotonic() < deadline, "the service does not stop"
            time.sleep(0.05)


instances, started = [], []


def cluster():
    """The instance that most tests share: a cluster with a few values of all kinds."""
    if not instances:
        i = Instance().start()
        instances.append(i)
        phrase = os.path.join(i.directory, "phrase")
        with open(phrase, "w", encoding="utf-8") as f:
            f.write("a long passphrase\n")
        i.run("cluster", "create", "one", "--recovery-passphrase-file", phrase)
        for words in (["n", "--type", "none", "0a0b"], ["s", "text"], ["e", "%x%", "--type", "expand_sz"],
                      ["b", "00,ff", "--type", "REG_BINARY"], ["d", "0x10", "--type", "dword"],
                      ["be", "1", "--type", "dword_big_endian"], ["m", "a", "b", "--type", "multi_sz"],
                      ["q", "18446744073709551615", "--type", "qword"], ["other", "0102", "--type", "77"], ["", "default"],
                      ["odd \"name\"\\\n", "é\U0001f600"], ["control", "a\tb"]):
            i.run("reg", "set", "Seed\\a b", *words)
    return instances[0]


def a_set():
    """A backup set of the shared cluster; its directory."""
    path = os.path.join(fresh("sets"), "set")
    cluster().run("backup", path)
    return path


def an_agent():
    path = os.path.join(fresh("agents"), "agent")
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\necho '<resource-agent name=\"x\" version=\"1\"><shortdesc>An x</shortdesc>"
                "<parameter name=\"p\" required=\"1\"><content type=\"string\" default=\"d\"/></parameter>"
                "<action name=\"start\" timeout=\"5s\"/></resource-agent>'\n")
    os.chmod(path, 0o755)
    return path


# The command line.

def verbs():
    """Verb → (usage line, options), of --help."""
    text = subprocess.run([RUEDA, "--help"], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in re.findall(r"^  rueda (.*)$", text, re.M):
        words = re.match(r"(?:[a-z]+(?: [a-z][a-z-]*)*)?", line).group(0)
        if words:
            found[words] = (line, set(re.findall(r"--[a-z0-9-]+", line)))
    return found


@test
def the_manual_has_the_verbs_and_options_of_help():
    with open(os.path.join(SOURCE, "docs/man/rueda.8"), encoding="utf-8") as f:
        items = re.findall(r"^\.It Ic ([a-z]+(?: [a-z][a-z-]*)*) ?(.*)$", f.read(), re.M)
    manual = {words: {"-" + o for o in re.findall(r"Fl (-[a-z0-9-]+)", rest)} for words, rest in items}
    table = {words: options for words, (_, options) in verbs().items()}
    assert len(table) > 15, table
    assert manual == table, {w: (manual.get(w), table.get(w)) for w in {*manual, *table} if manual.get(w) != table.get(w)}


@test
def each_verb_explains_each_of_its_options():
    for words, (line, options) in verbs().items():
        text = subprocess.run([RUEDA, *words.split(), "--help"], capture_output=True, text=True, check=True).stdout
        assert text.startswith(f"Usage: rueda {line}\n"), text
        assert set(re.findall(r"^  (--[a-z0-9-]+)", text, re.M)) == options, (words, text)


@test
def mistakes_on_the_command_line_are_status_2():
    for words in ([], ["nonsense"], ["reg"], ["reg", "nonsense"], ["status", "more"], ["status", "--nonsense"],
                  ["status", "--yes"], ["backup"], ["backup", "verify"], ["status", "--json=1"], ["backup", "x", "--copy-to"],
                  ["reg", "set", "k", "v"], ["reg", "set", "k", "v", "1", "--type", "word"],
                  ["reg", "set", "k", "v", "4294967296", "--type", "dword"], ["reg", "set", "k", "v", "0", "x"],
                  ["reg", "set", "k", "v", "0g", "--type", "binary"], ["reg", "set", "k", "--type", "dword"],
                  ["backup", "c:\\x", "--copy-to", "y"], ["restore", "x", "--as-node", ""], ["restore", "x", "--drive", "qq", "--yes"],
                  ["restore", "x", "--drive", "é:"], ["backup", ""], ["restore", "", "--yes"],
                  ["backup", "cat", "x", "y", "--json"], ["reg", "get", b"\xff"]):
        Instance().run(*words, status=2)


@test
def without_a_service_the_status_is_3():
    i = Instance()
    for words in (["status"], ["cluster", "create", "x"], ["backup", "/x"], ["reg", "ls"], ["trace"], ["shutdown", "--yes"]):
        i.run(*words, status=3)
        assert "1722 RPC_S_SERVER_UNAVAILABLE" in i.errors


@test
def an_option_like_argument_can_follow_two_dashes():
    i = cluster()
    i.run("reg", "set", "Dashes", "--", "--v", "--data")
    assert i.run("reg", "get", "Dashes", "--", "--v") == "--data\n"


@test
def explain_knows_all_forms_of_a_code():
    i = Instance()
    texts = {i.run("explain", w) for w in ("267", "0x10b", "0x8007010b", "ERROR_DIRECTORY", "error_directory", "directory")}
    assert len(texts) == 1 and texts.pop().startswith("267 ERROR_DIRECTORY: "), texts
    i.run("explain", "1722")
    i.run("explain", "ERROR_NONSENSE", status=1)
    i.run("explain", "99999", status=1)


# The cluster.

@test
def a_cluster_is_made_once_and_only_of_this_node():
    i = Instance().start()
    node = i.json("status")["node"]
    i.run("cluster", "create", "x", "--node", node + "x", status=1)
    assert f"is '{node}', not '{node}x'" in i.errors
    i.fails(87, "cluster", "create", "x", "--recovery-key", "/dev/null")
    assert i.json("status")["state"] == "no cluster"
    i.run("cluster", "create", "x", "--node", node.upper())
    assert i.json("status")["cluster"] == "x"
    assert "the reason: " in i.fails(183, "cluster", "create", "y")
    i.stop()


@test
def a_noun_without_its_verb_tells_the_verbs_that_there_are():
    i = Instance()
    for words in (["group"], ["group", "nonsense"]):
        assert i.run(*words, status=2) == ""
        assert f"there is no verb '{' '.join(words)}'" in i.errors and "\n  rueda group create NAME\n" in i.errors, i.errors
        assert "rueda resource" not in i.errors and "rueda grou " not in i.errors, i.errors
    out = i.run("group", "--help")
    assert "  rueda group create NAME\n" in out and i.errors == "", (out, i.errors)
    for words in (["nonsense"], ["nonsense", "--help"], ["grou"], [""]):
        assert i.run(*words, status=2) == "" and i.errors.count("\n") == 1, (words, i.errors)
    assert i.run("help") == i.run("--help")


@test
def a_name_of_any_length_is_refused_in_a_few_lines():
    i = cluster()
    for name, code in (("a" * 100000, 206), ("Ä" * 40000, 206), ("\x1b[2J", 123)):
        text = i.fails(code, "group", "create", name)
        assert len(text) < 900 and "group '" in text and "\ufffd" not in text, text


@test
def the_trace_tells_of_calls():
    i = cluster()
    assert "GetStatus" in i.run("trace")
    assert any("GetStatus" in line for line in i.json("trace")["lines"])


# The registry.

@test
def values_of_each_type_are_read_as_they_were_set():
    i = cluster()
    key = "Seed\\a b"
    for name, printed in (("n", "0a0b"), ("s", "text"), ("e", "%x%"), ("b", "00ff"), ("d", "16"), ("be", "1"),
                          ("m", "a\nb"), ("q", "18446744073709551615"), ("other", "0102"), ("", "default"),
                          ("odd \"name\"\\\n", "é\U0001f600")):
        assert i.run("reg", "get", key, name) == printed + "\n", name
    assert i.run("reg", "get", ROOT + "\\" + key) == "default\n"
    assert i.json("reg", "get", key, "be")["hex"] == "00000001"
    i.fails(2, "reg", "get", key, "missing")
    i.fails(2, "reg", "ls", "Missing")


@test
def an_export_imports_as_the_same_in_both_encodings():
    i = cluster()
    for options, mark in ([], b"\xff\xfeW\0"), (["--utf8"], b"Windows"):
        path = os.path.join(fresh("reg"), "x.reg")
        i.run("reg", "export", path, "Seed", *options)
        with open(path, "rb") as f:
            before = f.read()
        assert before.startswith(mark), before[:20]
        assert os.stat(path).st_mode & 0o777 == 0o600
        listed = i.json("reg", "ls", "Seed\\a b")
        i.run("reg", "del", "Seed", "--yes")
        i.fails(2, "reg", "ls", "Seed")
        i.run("reg", "import", path)
        again = i.json("reg", "ls", "Seed\\a b")
        assert again["values"] == listed["values"] and len(again["values"]) == 12
        i.run("reg", "export", path, "Seed", *options)
        with open(path, "rb") as f:
            assert f.read() == before
        assert os.listdir(os.path.dirname(path)) == ["x.reg"]


@test
def a_long_text_goes_in_several_batches():
    i = cluster()
    text = FIRST + f"[{ROOT}\\Long]\r\n"
    text += "".join(f'"v{n}"="{"x" * 9000}"\r\n' for n in range(100))
    text += '"big"=hex:' + ",".join(["5a"] * 800000) + "\r\n" + '"last"=dword:1\r\n'
    text += f'[{ROOT}\\Many]\r\n' + "".join(f'"v{n}"=dword:{n:x}\r\n' for n in range(5000))
    done = json.loads(i.run("reg", "import", "-", "--json", text=text.encode()))
    assert done["values"] == 5102 and done["batches"] > 8, done
    values = {v["name"]: v for v in i.json("reg", "ls", "Long")["values"]}
    assert len(values) == 102 and values["big"]["hex"] == "5a" * 800000 and values["v99"]["text"] == "x" * 9000
    assert {v["name"]: v["number"] for v in i.json("reg", "ls", "Many")["values"]} == {f"v{n}": n for n in range(5000)}
    i.run("reg", "del", "Long", "--yes")
    i.run("reg", "del", "Many", "--yes")


@test
def a_text_with_a_mistake_changes_nothing():
    i = cluster()
    text = FIRST + f'[{ROOT}\\Mistake]\r\n"a"="b"\r\n"c"=nonsense\r\n'
    assert "line 4" in i.fails(13, "reg", "import", "-", text=text.encode())
    i.fails(2, "reg", "ls", "Mistake")


@test
def a_refused_batch_tells_its_line_and_leaves_nothing_of_it():
    i = cluster()
    long_name = "n" * 300
    text = FIRST + f'[{ROOT}\\Refused]\r\n"a"="b"\r\n\r\n[{ROOT}\\Refused\\{long_name}]\r\n'
    errors = i.fails(206, "reg", "import", "-", text=text.encode())
    assert "line 5" in errors, errors
    i.fails(2, "reg", "ls", "Refused")


@test
def deletions_of_a_text_need_a_yes():
    i = cluster()
    i.run("reg", "set", "Gone\\below", "v", "1")
    text = (FIRST + f'[-{ROOT}\\Gone]\r\n[{ROOT}\\Stays]\r\n"none"=-\r\n').encode()
    i.run("reg", "import", "-", text=text, status=4)
    i.run("reg", "ls", "Gone")
    i.run("reg", "import", "-", "--yes", text=text)
    i.fails(2, "reg", "ls", "Gone")
    i.run("reg", "ls", "Stays")


@test
def deleting_a_key_needs_a_yes_and_takes_what_is_below():
    i = cluster()
    i.run("reg", "set", "Del\\below", "v", "1")
    i.run("reg", "del", "Del", status=4)
    assert i.run("reg", "get", "Del\\below", "v") == "1\n"
    i.run("reg", "del", "Del\\below", "v")
    i.fails(2, "reg", "get", "Del\\below", "v")
    i.run("reg", "del", "Del", "--yes")
    i.fails(2, "reg", "del", "Del", "--yes")
    i.run("reg", "del", "", "--yes", status=2)


@test
def on_a_terminal_it_asks():
    i = cluster()
    for answer, status in (b"n\n", 4), (b"\n", 4), (b"y\n", 0):
        i.run("reg", "set", "Asked", "v", "1")
        ours, theirs = pty.openpty()
        with subprocess.Popen([RUEDA, "reg", "del", "Asked"], env=i.environment, stdin=theirs, stderr=theirs,
                              stdout=subprocess.DEVNULL) as process:
            os.close(theirs)
            asked = b""
            while b"[y/N] " not in asked:
                asked += os.read(ours, 1000)
            os.write(ours, answer)
            assert process.wait(20) == status, (answer, process.returncode)
        os.close(ours)
        if status == 0:
            i.fails(2, "reg", "ls", "Asked")


def on_a_terminal(i, *words):
    """Everything that is printed."""
    ours, theirs = pty.openpty()
    text = b""
    with subprocess.Popen([RUEDA, *words], env=i.environment, cwd=HOME, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            while part := os.read(ours, 10000):
                text += part
        except OSError:  # The other end is closed.
            pass
        assert process.wait(20) == 0, (words, text)
    os.close(ours)
    return text.decode()


@test
def on_a_terminal_a_backup_and_a_restore_tell_how_far_they_are():
    i = Instance().start()
    i.run("cluster", "create", "large")
    lines = b"".join(b'"v%d"="%s"\r\n' % (v, bytes([97 + v % 26]) * 400000) for v in range(80))
    i.run("reg", "import", "-", text=FIRST.encode() + b"[%s\\Large]\r\n" % ROOT.encode() + lines)
    path = os.path.join(fresh("progress"), "set")
    text = on_a_terminal(i, "backup", path)
    writing = [tuple(map(float, m)) for m in re.findall(r"\r\x1b\[Kwriting the set, (\S+) MiB of at most (\S+) MiB \.\.\.", text)]
    proving = re.findall(r"\r\x1b\[Kreading the set back, (\S+) MiB \.\.\.", text)
    assert writing or proving, text
    assert all(0 < done <= most and 60 < most < 80 for done, most in writing) and writing == sorted(writing), writing
    assert all(60 < float(size) < 70 for size in proving), proving
    assert re.search(r"\r\x1b\[KThe cluster database is in ", text), text
    text = on_a_terminal(i, "restore", path, "--yes")
    assert re.search(r"\r\x1b\[K(reading and proving the set|writing the database|keeping what was)", text), text
    assert i.run("backup", path).startswith("The cluster database is in ") and i.errors == "", "no terminal, no progress"
    i.stop()


@test
def a_failure_says_what_is_probably_wrong_with_a_name():
    i = cluster()
    path = a_set()
    assert "backslashes separate" in i.fails(2, "reg", "get", "Seed/a b", "s")
    assert "backslashes separate" in i.fails(2, "backup", "ls", path, "Seed/a b")
    assert "neither begins nor ends" in i.fails(87, "reg", "set", "Seed\\\\a", "v", "1")
    assert "Create the parent directory" in i.fails(3, "backup", path, "--copy-to", os.path.join(HOME, "no", "such"))
    assert "Create the parent directory" in i.fails(3, "backup", "verify", os.path.join(HOME, "no"))


@test
def names_cannot_drive_the_terminal():
    i = cluster()
    i.run("reg", "set", "Escape\\\x1b[31m", "\x1b]0;x\x07\u009b", "v")
    text = i.run("reg", "ls", "Escape") + i.run("reg", "ls", "Escape\\\x1b[31m")
    assert "\\x1b[31m" in text and "\x1b" not in text and "\x07" not in text and "\u009b" not in text, ascii(text)


# Backup and restore.

@test
def a_failed_backup_tells_code_meaning_advice_and_reason():
    i = cluster()
    file = os.path.join(fresh("file"), "f")
    with open(file, "w", encoding="utf-8"):
        pass
    errors = i.fails(267, "backup", file)
    assert f"rueda: backup of the cluster database to {file} failed: 267 ERROR_DIRECTORY: the path names" in errors, errors
    assert "Give the directory only" in errors and "the reason: " in errors, errors


@test
def a_relative_path_is_taken_from_here():
    here = fresh("here")
    cluster().run("backup", "set", cwd=here)
    cluster().run("backup", "verify", "set", cwd=here)


def marker_of(directory):
    """What a marker is: size, mode, time, extended attributes as getfattr prints them."""
    path = os.path.join(directory, "Clusbackup.dat")
    found = os.stat(path)
    attributes = subprocess.run(["getfattr", "--absolute-names", "--dump", "--encoding=hex", path], capture_output=True,
                                text=True, check=False).stdout.splitlines()[1:]
    return found.st_size, oct(found.st_mode), found.st_mtime_ns, attributes


@test
def copies_are_proven_and_leave_what_is_there():
    i = cluster()
    where = fresh("copies")
    copies = [os.path.join(where, n) for n in "ab"]
    made = i.json("backup", os.path.join(where, "set"), "--copy-to", copies[0], "--copy-to=" + copies[1])
    assert made["copies"] == copies
    for copy in copies:
        assert i.json("backup", "verify", copy)["database_digest"] == made["database_digest"]
        assert i.json("backup", "diff", os.path.join(where, "set"), copy) == {"differences": [], "checkpoints": [], "equal": True}
        assert marker_of(copy) == marker_of(os.path.join(where, "set"))
    before = os.listdir(copies[0])
    errors = i.fails(145, "backup", os.path.join(where, "set"), "--copy-to", copies[0])
    assert "the backup is complete, but copying" in errors, errors
    assert os.listdir(copies[0]) == before


@test
def a_damaged_or_incomplete_set_is_5087():
    i = cluster()
    path = a_set()
    name = os.path.join(path, i.json("backup", "show", path)["files"][0]["name"])
    with open(name, "r+b") as f:
        f.seek(5000)
        byte = f.read(1)
        f.seek(5000)
        f.write(bytes([byte[0] ^ 1]))
    for words in (["backup", "verify", path], ["backup", "show", path], ["backup", "ls", path], ["restore", path, "--yes"]):
        assert "the reason: " in i.fails(5087, *words)
    path = a_set()
    os.remove(os.path.join(path, "Clusbackup.dat"))
    assert "not complete" in i.fails(5087, "backup", "verify", path)


@test
def a_set_is_read_without_a_service():
    i, path = cluster(), a_set()
    offline = Instance()
    key = "Seed\\a b"
    ours, theirs = offline.json("backup", "ls", path, key), i.json("reg", "ls", key)
    del ours["time"], theirs["time"]
    assert ours == theirs and len(ours["values"]) == 12
    assert offline.run("backup", "cat", path, key, "m") == "a\nb\n"
    assert offline.run("backup", "cat", path, "Seed") == i.run("reg", "export", "-", "Seed", "--utf8")
    offline.fails(2, "backup", "cat", path, key, "missing")
    offline.fails(2, "backup", "ls", path, "Missing")


@test
def diff_tells_what_was_added_changed_and_removed():
    i = cluster()
    i.run("reg", "set", "Diff", "changed", "1")
    i.run("reg", "set", "Diff", "removed", "1")
    i.run("reg", "set", "Diff\\old\\below", "v", "1")
    first = a_set()
    i.run("reg", "set", "Diff", "changed", "2")
    i.run("reg", "del", "Diff", "removed")
    i.run("reg", "del", "Diff\\old", "--yes")
    i.run("reg", "set", "Diff\\new")
    second = a_set()
    found = i.json("backup", "diff", first, second)
    assert not found["equal"]
    got = {(d["change"], d["key"], d.get("name")) for d in found["differences"]}
    assert got == {("changed", "Diff", "changed"), ("removed", "Diff", "removed"), ("removed", "Diff\\old", None),
                   ("added", "Diff\\new", None), ("time changed", "Diff", None)}, got
    lines = i.run("backup", "diff", first, second).splitlines()
    assert re.fullmatch(rf"! \[Diff\] time {TIME} -> {TIME}", lines.pop(0)), lines
    assert lines == [
        '- Diff\\changed  REG_SZ  "1"', '+ Diff\\changed  REG_SZ  "2"', '- Diff\\removed  REG_SZ  "1"', "+ [Diff\\new]",
        "- [Diff\\old]"]


@test
def diff_tells_of_times_and_of_the_case_of_names():
    i = cluster()
    i.run("reg", "set", "Case\\same", "v", "1")
    i.run("reg", "set", "Case\\name", "Value", "1")
    first = a_set()
    i.run("reg", "set", "Case\\same", "v", "1")
    second = a_set()
    found = i.json("backup", "diff", first, second)
    assert [(d["change"], d["key"]) for d in found["differences"]] == [("time changed", "Case\\same")], found
    assert found["differences"][0]["old_time"] <= found["differences"][0]["new_time"] and not found["equal"]
    assert re.fullmatch(rf"! \[Case\\same\] time {TIME} -> {TIME}\n", i.run("backup", "diff", first, second))
    i.run("reg", "del", "Case\\name", "--yes")
    i.run("reg", "set", "Case\\NAME", "VALUE", "1")
    third = a_set()
    by_key = {(d["change"], d["key"]): d for d in i.json("backup", "diff", second, third)["differences"]}
    assert by_key["name changed", "Case\\name"]["new_name"] == "NAME", by_key
    value = by_key["changed", "Case\\name"]
    assert (value["name"], value["new_name"], value["old"]) == ("Value", "VALUE", value["new"]), value
    assert re.search(r"^! \[Case\\name\] name name -> NAME, time ", i.run("backup", "diff", second, third), re.M)
    assert i.json("backup", "diff", third, third) == {"differences": [], "checkpoints": [], "equal": True}


@test
def a_restore_needs_a_yes_and_a_plan_changes_nothing():
    i = cluster()
    i.run("reg", "set", "Restore", "v", "before")
    path = a_set()
    i.run("reg", "set", "Restore", "v", "after")
    generation = i.json("status")["generation_id"]
    i.run("restore", path, status=4)
    assert i.json("restore", path, "--plan")["plan"] is True
    assert i.run("reg", "get", "Restore", "v") == "after\n" and i.json("status")["generation_id"] == generation
    i.run("restore", path, "--yes")
    assert i.run("reg", "get", "Restore", "v") == "before\n" and i.json("status")["generation_id"] != generation


@test
def a_restore_starts_a_service_that_is_stopped():
    i, path = Instance().start(), os.path.join(fresh("sets"), "set")
    i.run("cluster", "create", "stopped")
    i.run("backup", path)
    i.stop()
    i.run("restore", path, "--yes")
    assert i.json("status")["cluster"] == "stopped"
    i.stop()


# What is promised in writing.

def documented():
    """Heading → (members, those that need not be there), of docs/json.md."""
    with open(os.path.join(SOURCE, "docs/json.md"), encoding="utf-8") as f:
        parts = re.split(r"^## ", f.read(), flags=re.M)[1:]
    tables = {}
    for part in parts:
        rows = [[c.strip() for c in line.split("|")[1:-1]] for line in part.splitlines() if line.startswith("|")][2:]
        tables[part.splitlines()[0]] = [(row[0], row[1]) for row in rows]
    data = tables.pop("data")
    found = {}
    for heading, rows in tables.items():
        members, optional = set(), set()
        for name, kind in rows:
            prefix = name + "." if name else ""
            more = [(prefix + m, k) for m, k in data] if kind.startswith("data") else []
            if not (kind == "data" and (not name or name.endswith("[]"))):
                more.append((name, kind))
            for member, k in more:
                members.add(member)
                if "opt." in k or "opt." in kind or "null" in kind:
                    optional.add(member)
        found[heading] = (members, optional)
    return found


def members_of(value, prefix=""):
    if isinstance(value, dict):
        found = set()
        for name, below in value.items():
            found |= {prefix + name} | members_of(below, prefix + name + ".")
        return found
    if isinstance(value, list):
        return set().union(*(members_of(v, prefix[:-1] + "[].") for v in value)) if value else set()
    return set()


@test
def json_is_what_its_page_says():
    i = cluster()
    key, first = "Seed\\a b", a_set()
    i.run("reg", "set", key, "json", "1")
    i.run("reg", "set", "Json")
    node, net = i.json("status")["node"], "11111111-2222-3333-4444-555555555555"
    i.run("resource", "create", "Json name", "Cluster Group", "Network Name")
    i.run("resource", "online", "Json name", "--wait=20")
    i.run("reg", "set", "Networks\\" + net, "Name", "Json net")
    for name, text in (("Name", "Json interface"), ("Network", net), ("Node", "1")):
        i.run("reg", "set", "NetworkInterfaces\\" + net, name, text)
    i.run("reg", "set", "Json", "v", "1", "--local")
    i.run("checkpoint", "add", "Json name", "Json")
    second = a_set()
    calls = {
        "rueda status": ["status"], "rueda backup": ["backup", first], "rueda backup show": ["backup", "show", second],
        "rueda backup verify": ["backup", "verify", second], "rueda backup ls": ["backup", "ls", second, key],
        "rueda reg ls": ["reg", "ls", key], "rueda backup cat": ["backup", "cat", second, key, "s"],
        "rueda reg get": ["reg", "get", key, "s"], "rueda backup diff": ["backup", "diff", second, a_set()],
        "rueda restore": ["restore", second, "--plan"], "rueda explain": ["explain", "5"],
        "rueda node ls": ["node", "ls"], "rueda node show": ["node", "show", node],
        "rueda group ls": ["group", "ls"], "rueda group show": ["group", "show", "Cluster Group"],
        "rueda resource ls": ["resource", "ls"], "rueda resource show": ["resource", "show", "Local Quorum"],
        "rueda resource why": ["resource", "why", "Json name"], "rueda type ls": ["type", "ls"],
        "rueda type show": ["type", "show", "Network Name"], "rueda network ls": ["network", "ls"],
        "rueda network priority": ["network", "priority"],
        "rueda network show": ["network", "show", "Json net"], "rueda user ls": ["user", "ls"], "rueda type agent": ["type", "agent", an_agent()],
        "rueda cluster ls": ["cluster", "ls"], "rueda cluster show": ["cluster", "show"],
        "rueda cluster quorum": ["cluster", "quorum"], "rueda interface ls": ["interface", "ls"],
        "rueda interface show": ["interface", "show", "Json interface"],
        "rueda trace": ["trace"], "rueda access ls": ["access", "ls"],
        "rueda checkpoint ls": ["checkpoint", "ls"], "rueda checkpoint show": ["checkpoint", "show", "Json name", "Json"],
        "rueda checkpoint rebuild": ["checkpoint", "rebuild"],
        "rueda cluster create": None, "rueda reg import": None, "rueda events": None,
    }
    i.run("reg", "set", key, "json", "2")
    i.run("reg", "set", "Json2")
    calls["rueda backup diff"] = ["backup", "diff", second, a_set()]
    i.run("user", "add", "reader", text=b"a password\n")
    pages = documented()
    assert set(pages) == set(calls), set(pages) ^ set(calls)
    assert set(pages) == {f"rueda {w}" for w, (_, options) in verbs().items() if "--json" in options}
    other = Instance().start()
    for heading, words in calls.items():
        if heading == "rueda cluster create":
            value = other.json("cluster", "create", "json")
        elif heading == "rueda events":
            value = json.loads(i.first_event(lambda: i.run("reg", "set", "Groups\\" + net, "Name", f"Followed {time.monotonic_ns()}"),
                                             "--json"))
        elif heading == "rueda reg import":
            value = json.loads(i.run("reg", "import", "-", "--json", text=FIRST.encode()))
        else:
            value = i.json(*words)
        members, optional = pages[heading]
        got = members_of(value)
        missing = {m for m in members - optional if not any(m.startswith(o + ".") for o in optional)} - got
        assert got <= members and not missing, (heading, "not in the page:", got - members, "not printed:", missing)
    i.run("reg", "del", key, "json")
    other.stop()


@test
def events_are_followed_a_line_each():
    i = Instance("node1").start()
    i.run("cluster", "create", "events")
    i.run("group", "create", "Eventful")
    names = iter(f"Eventful {n}" for n in range(100))
    last = ["Eventful"]

    def rename():
        name = next(names)
        i.run("group", "rename", last[0], name)
        last[0] = name

    line = i.first_event(rename)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC group \w+( \w+)* '.*'( \w+)*\n", line), line
    i.run("events", status=2)
    i.stop()


@test
def the_examples_of_the_manual_work():
    i, spare, place = Instance("node1").start(), Instance("spare").start(), fresh("examples")
    with open(os.path.join(SOURCE, "docs/man/rueda.8"), encoding="utf-8") as f:
        lines = re.findall(r"^\.Dl rueda (.*)$", f.read(), re.M)
    assert len(lines) > 9
    for line in lines:
        line = line.replace("\\e", "\\").replace("/srv", place).replace("/mnt/safe", place)
        where = spare if "--as-node" in line else i
        assert where.run(*shlex.split(line), cwd=place) or line.startswith("reg"), line
    assert spare.json("status")["cluster"] == "lab"
    i.stop()
    spare.stop()


@test
def a_service_that_is_told_to_stop_stops():
    for i in instances:
        i.run("shutdown", status=4)
        i.stop()
    instances.clear()


try:
    tap.run(sys.argv[4:])
finally:
    for instance in started:
        end_processes_of(instance.directory)
