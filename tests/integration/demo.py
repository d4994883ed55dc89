#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make demo tells the truth: what its story says is lost is lost and comes back, as root and as an ordinary user, and
nothing stays behind.  Prints TAP.

Usage: demo.py DEMO BUILD_DIRECTORY [part of a test's name...]"""
import os
import pwd
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from tap import test  # noqa: E402

DEMO, BUILD = (os.path.abspath(a) for a in sys.argv[1:3])
LINES = 75
DIGEST = re.compile(r"^    ([0-9a-f]{64})  (conf|key\.pem)$", re.MULTILINE)


def processes_below(place):
    """Those that name it in their words or their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    if place.encode() in f.read():
                        found.append(pid)
        except OSError:
            pass
    return found


def tell(**more):
    """What the demo prints."""
    place = tap.temporary()
    if "user" in more:
        os.chown(place, more["user"], -1)
    done = subprocess.run(["sh", DEMO, BUILD, place], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100, text=True, check=False, **more)
    assert done.returncode == 0, done.stdout
    assert not os.listdir(place), os.listdir(place)
    deadline = time.monotonic() + 10
    while processes_below(place):
        assert time.monotonic() < deadline, processes_below(place)
        time.sleep(0.1)
    return done.stdout


def check(story):
    parts = re.split(r"^\033\[1m(\d)\. .*$", story, flags=re.MULTILINE)
    step = dict(zip(parts[1::2], parts[2::2]))
    made, lost, back = (dict((name, digest) for digest, name in DIGEST.findall(step[n])) for n in "356")
    assert set(made) == {"conf", "key.pem"}, story
    assert set(lost) == {"conf"} and lost["conf"] != made["conf"], story
    assert "key.pem: No such file" in step["5"], story
    assert back == made, story
    for loss in (r"- \[Groups\\", r"- \[Resources\\", r"- \\SameSubnetDelay ", r"- checkpoint of Shop: File\\",
                 r"- checkpoint of Shop: 1\\PEM\\"):
        assert re.search("^    " + loss, step["5"], re.MULTILINE), (loss, story)
    assert "1 of them, under the set's own key, opens" in step["4"], story
    assert "(nothing differs" in step["6"], story
    assert story.count("\n") <= LINES, (story.count("\n"), story)


@test
def what_is_lost_comes_back_and_nothing_stays_behind():
    check(tell())


@test
def an_ordinary_user_can_do_all_of_it():
    tap.need_root()
    user = pwd.getpwnam("nobody")
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    for path in (DEMO, os.path.join(BUILD, "ruedad", "ruedad")):
        if subprocess.run(["test", "-r", path], check=False, **as_user).returncode != 0:
            raise tap.Skip(f"{user.pw_name} may not read {path}")
    check(tell(**as_user))


tap.run(sys.argv[3:])
