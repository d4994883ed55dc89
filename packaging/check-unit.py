#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: systemd understands it, it suits the processes, and few rights suffice without resources.  Prints TAP.

Usage: check-unit.py UNIT RUEDAD"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "lib"))
import tap  # noqa: E402
from tap import test  # noqa: E402

UNIT = open(sys.argv[1], encoding="utf-8").read()
HOME = tap.temporary()
RUEDAD = shutil.copy(sys.argv[2], os.path.join(HOME, "ruedad"))


@test
def systemd_understands_the_unit():
    if shutil.which("systemd-analyze") is None:
        raise tap.Skip("there is no systemd-analyze")
    path = os.path.join(HOME, "rueda.service")
    with open(path, "w", encoding="utf-8") as f:
        f.write(re.sub(r"^ExecStart=\S+", "ExecStart=" + RUEDAD, re.sub(r"^Documentation=.*\n", "", UNIT, flags=re.M), flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "rueda" in line]
    assert not said and done.returncode == 0, done.stderr


# What the documentation says that the service itself needs: those that root keeps, and those that the start uses.
NEEDED = "SETUID SETGID KILL DAC_OVERRIDE FOWNER CHOWN SETPCAP NET_BIND_SERVICE"


@test
def the_unit_leaves_resources_alone():
    assert re.search(r"^Delegate=yes$", UNIT, re.M) and re.search(r"^KillMode=mixed$", UNIT, re.M)
    for taken in ("CapabilityBoundingSet", "NoNewPrivileges", "Protect", "Private", "SystemCallFilter", "Restrict[A-Z]"):
        assert not re.search(rf"^{taken}\w*=", UNIT, re.M), taken


@test
def the_capabilities_that_the_documentation_names_suffice():
    tap.need_root()
    capabilities = NEEDED.split()
    instance = os.path.join(HOME, "instance")
    os.mkdir(instance)
    os.chmod(instance, 0o755)
    with open(os.path.join(instance, "rueda.conf"), "w", encoding="utf-8") as f:
        f.write("[service]\nuser = nobody\n")
    wanted = ",".join(["-all"] + ["+" + c.lower() for c in capabilities])
    with open(os.path.join(instance, "log"), "w+", encoding="utf-8") as log:
        p = subprocess.Popen(["setpriv", "--bounding-set", wanted, "--no-new-privs", RUEDAD], stdin=subprocess.DEVNULL,
                             env={"RUEDA_DIR": instance, "PATH": os.environ["PATH"]}, stdout=log, stderr=log)
        text = ""
        for _ in range(500):
            time.sleep(0.02)
            log.seek(0)
            text = log.read()
            if " ready " in text or p.poll() is not None:
                break
        p.send_signal(signal.SIGTERM)
        assert p.wait(timeout=10) == 0 and " ready " in text, text


tap.run(sys.argv[3:])
