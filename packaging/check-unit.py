#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd units: systemd understands them, the service is shut in and what resources run is not, and the rights that are left
suffice.  Prints TAP.

Usage: check-unit.py RUEDAD UNIT..."""
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

HOME = tap.temporary()
RUEDAD = shutil.copy(sys.argv[1], os.path.join(HOME, "ruedad"))
UNITS = {}
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as f:
        UNITS[os.path.basename(path)] = f.read()
SERVICE, GUARD = UNITS["rueda.service"], UNITS["rueda-guard.service"]
# systemd-analyze's sum of what a unit may do: 10 is everything.
EXPOSURE_MAX = 4.5
# What the documentation says that the service itself needs: those that root keeps, those that the start uses, and those for
# files of checkpoints.
NEEDED = "SETUID SETGID KILL DAC_OVERRIDE FOWNER CHOWN SETPCAP NET_BIND_SERVICE".split()
FOR_FILES = "FSETID SETFCAP".split()


def values(unit, key):
    return " ".join(re.findall(rf"^{key}=(.*)$", unit, re.M)).split()


def written():
    """The units in a directory, with programs that are there."""
    if shutil.which("systemd-analyze") is None:
        raise tap.Skip("there is no systemd-analyze")
    directory = os.path.join(HOME, "units")
    os.makedirs(directory, exist_ok=True)
    for name, text in UNITS.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
            f.write(re.sub(r"^ExecStart=\S+", "ExecStart=" + RUEDAD, re.sub(r"^Documentation=.*\n", "", text, flags=re.M), flags=re.M))
    return [os.path.join(directory, name) for name in UNITS]


@test
def systemd_understands_the_units():
    done = subprocess.run(["systemd-analyze", "verify", *written()], capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "rueda" in line]
    assert not said and done.returncode == 0, done.stderr


@test
def the_guards_unit_leaves_resources_alone():
    assert values(GUARD, "Delegate") == ["yes"] and values(GUARD, "KillMode") == ["process"]
    for taken in ("CapabilityBoundingSet", "NoNewPrivileges", "Protect", "Private", "SystemCall", "Restrict(?!art)", "Lock", "Memory"):
        assert not re.search(rf"^{taken}\w*=", GUARD, re.M), taken


@test
def the_service_is_shut_in_but_backups_and_files_of_checkpoints_are_reached():
    path = [p for p in written() if p.endswith("rueda.service")][0]
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", path], capture_output=True, text=True)
    if "offline" in done.stderr:
        raise tap.Skip("systemd-analyze does not judge files")
    told = re.search(r"exposure level for rueda.service: ([0-9.]+)", done.stdout)
    assert told and float(told.group(1)) <= EXPOSURE_MAX, done.stdout[-300:] + done.stderr
    assert values(SERVICE, "ProtectSystem") == ["yes"]
    for taken in ("ProtectHome", "PrivateTmp", "RestrictSUIDSGID", "TemporaryFileSystem", "InaccessiblePaths", "PrivateUsers"):
        assert not values(SERVICE, taken), taken


@test
def the_socket_is_roots_alone():
    socket = UNITS["rueda-guard.socket"]
    assert values(socket, "SocketMode") == ["0600"] and not values(socket, "SocketUser") and not values(socket, "Accept")
    assert f"--guard={values(socket, 'ListenSequentialPacket')[0]}" in values(SERVICE, "ExecStart")


@test
def the_unit_leaves_the_capabilities_that_the_documentation_names():
    assert sorted(values(SERVICE, "CapabilityBoundingSet")) == sorted("CAP_" + c for c in NEEDED + FOR_FILES)


@test
def the_capabilities_that_the_documentation_names_suffice():
    tap.need_root()
    instance = os.path.join(HOME, "instance")
    os.mkdir(instance)
    os.chmod(instance, 0o755)
    with open(os.path.join(instance, "rueda.conf"), "w", encoding="utf-8") as f:
        f.write("[service]\nuser = nobody\n")
    wanted = ",".join(["-all"] + ["+" + c.lower() for c in NEEDED])
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


tap.run([])
