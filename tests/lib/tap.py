# SPDX-License-Identifier: Apache-2.0
"""tap: what test.h is for C, for tests in Python.

    @test
    def a_torn_tail_is_cut():
        assert log.records == 3, log

    run()

A test is a function whose name is its rule; an exception fails it, Skip skips it.  Arguments choose tests by part of their
names.  temporary() is a fresh directory, removed at the end; others may enter it.  in_child() tries something in a process of
its own.  What is registered with atexit is done by the process that has registered it, also when that is told to end."""
import atexit
import contextlib
import os
import shutil
import signal
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


def _begin_child():
    """What was registered so far is its parent's to do."""
    atexit._clear()


def in_child(function):
    """function() in a process of its own, which ends what it has left; what it raises fails this one."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _begin_child()
        status = 1
        try:
            os.close(read)
            function()
            status = 0
        except BaseException:
            os.write(write, traceback.format_exc().encode()[-60000:])
        atexit._run_exitfuncs()
        os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        text = f.read().decode(errors="replace")
    assert os.waitpid(pid, 0)[1] == 0, text


def _try(number, function):
    """Whether it passed, and its lines."""
    try:
        function()
        return True, f"ok {number} - {function.__name__}\n"
    except Skip as why:
        return True, f"ok {number} - {function.__name__} # SKIP {why}\n"
    except Exception:
        story = "".join(f"# {line}\n" for line in traceback.format_exc().splitlines())
        return False, f"not ok {number} - {function.__name__}\n" + story


def _fork(number, function, out):
    """The pid of a process that tries it, and writes its lines into out."""
    pid = os.fork()
    if pid > 0:
        return pid
    _begin_child()
    good = False
    with contextlib.suppress(SystemExit):
        good, text = _try(number, function)
        out.write(text)
        out.flush()
    atexit._run_exitfuncs()
    os._exit(0 if good else 1)


def _run_at_once(chosen, jobs):
    """As many at a time, each in a process of its own; their lines in order."""
    running = {}
    try:
        return _run_beside(list(enumerate(chosen, 1)), running, jobs)
    finally:
        for pid in running:  # They are told to end, too.
            os.kill(pid, signal.SIGTERM)
        for pid in running:
            os.waitpid(pid, 0)


def _run_beside(todo, running, jobs):
    done, failed, printed = {}, 0, 0
    while todo or running:
        while todo and len(running) < jobs:
            (number, function), out = todo.pop(0), tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            running[_fork(number, function, out)] = number, function, out
        pid, status = os.wait()
        if pid not in running:
            continue
        number, function, out = running.pop(pid)
        out.seek(0)
        done[number] = out.read() or f"not ok {number} - {function.__name__}\n# its process ended early\n"
        failed += status != 0
        while printed + 1 in done:
            printed += 1
            print(done[printed], end="", flush=True)
    return failed


def run(arguments, jobs=1):
    """jobs: so many tests at a time, which share nothing then: what a test makes global is its own."""
    chosen = [t for t in _tests if not arguments or any(a in t.__name__ for a in arguments)]
    print(f"1..{len(chosen)}", flush=True)
    if jobs > 1:
        sys.exit(1 if _run_at_once(chosen, jobs) else 0)
    failed = 0
    for number, function in enumerate(chosen, 1):
        good, text = _try(number, function)
        print(text, end="", flush=True)
        failed += not good
    sys.exit(1 if failed else 0)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that whoever takes too long leaves nothing.
