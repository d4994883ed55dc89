#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the test suite through meson and end with one line: N passed, N failed, N skipped.

Before that line stands what failed, with its diagnosis: whoever sees only the end of a long output sees why.

Usage: tests/report.py BUILD_DIR [arguments for meson test]
Every TAP line of every program counts as one test; a program without TAP output counts as one."""
import json
import os
import subprocess
import sys

COMMENTS = 12  # Lines of diagnosis shown before a test that failed.
MOST_LINES = 60  # Shown for each program.


def count(entry):
    passed = failed = skipped = 0
    lines = entry.get("stdout", "").splitlines()
    planned = 0
    for line in lines:
        if line.startswith("1.."):
            planned = int(line[3:].split()[0])
        elif line.startswith("not ok "):
            failed += 1
        elif line.startswith("ok "):
            skipped += "# SKIP" in line
            passed += "# SKIP" not in line
    if passed + failed + skipped == 0:
        skipped = entry["result"] == "SKIP"
        passed = entry["result"] == "OK"
        failed = not (skipped or passed)
    elif passed + failed + skipped < planned or (entry["result"] not in ("OK", "SKIP") and failed == 0):
        failed += 1  # It died on the way, or after its last test.
    return passed, failed, skipped


def failures(entry):
    """The lines of a program's output that say what went wrong: each test that failed, and the comments beside it."""
    lines = entry.get("stdout", "").splitlines()
    found = []
    comments = []
    failed = False  # The test that the last lines were about.
    for line in lines:
        if line.startswith("#"):
            if failed:
                found.append(line)
            else:
                comments.append(line)
        elif line.startswith(("ok ", "not ok ")):
            failed = line.startswith("not ok ")
            if failed:
                found += comments[-COMMENTS:] + [line]
            comments = []
    if not found and entry["result"] not in ("OK", "SKIP"):
        found = lines[-COMMENTS:] + entry.get("stderr", "").splitlines()[-COMMENTS:]
    return found[:MOST_LINES]


def main():
    build, arguments = sys.argv[1], sys.argv[2:]
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    status = subprocess.run(["meson", "test", "-C", build, "--print-errorlogs", "--timeout-multiplier", "4", *arguments]).returncode
    total = [0, 0, 0]
    skips = []
    failed = []
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            for i, n in enumerate(count(entry)):
                total[i] += n
            if count(entry)[1] > 0:
                failed += [f"{entry['name']} ({entry['result']}, {entry['duration']:.0f} s): {l}" for l in failures(entry) or [""]]
            skips += [f"{entry['name']}: {l}" for l in entry.get("stdout", "").splitlines() if "# SKIP" in l]
    for skip in skips:
        print("skipped", skip)
    for line in failed:
        print("failed", line)
    if status != 0 and total[1] == 0:
        total[1] = 1
    print(f"{total[0]} passed, {total[1]} failed" + (f", {total[2]} skipped" if total[2] else ""))
    return 1 if total[1] or status else 0


if __name__ == "__main__":
    sys.exit(main())
