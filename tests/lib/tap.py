# SPDX-License-Identifier: Apache-2.0
"""tap: what test.h is for C, for tests in Python.

    @test
    def a_torn_tail_is_cut():
        assert log.records == 3, log

    run()

A test is a function whose name is its rule; an exception fails it, Skip skips it.  Arguments choose tests by part of their
names.  temporary() is a fresh directory, removed at the end; others may enter it."""
import atexit
import os
import shutil
import sys
import tempfile
import traceback

_tests = []


class Skip(Exception):
    pass


def test(function):
    _tests.append(function)
    return function


def need_root():
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")


def temporary():
    path = tempfile.mkdtemp(prefix="rueda-test-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    os.chmod(path, 0o755)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def run(arguments):
    chosen = [t for t in _tests if not arguments or any(a in t.__name__ for a in arguments)]
    failed = 0
    print(f"1..{len(chosen)}", flush=True)
    for number, function in enumerate(chosen, 1):
        try:
            function()
            print(f"ok {number} - {function.__name__}", flush=True)
        except Skip as why:
            print(f"ok {number} - {function.__name__} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {function.__name__}")
            for line in traceback.format_exc().splitlines():
                print("#", line)
            sys.stdout.flush()
    sys.exit(1 if failed else 0)
