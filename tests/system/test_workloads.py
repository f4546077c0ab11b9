# SPDX-License-Identifier: MIT
"""Runs each workload (tests/workloads) on the host and in a guest, and compares what they print."""
import difflib
import os
import pty
import re
import select
import shutil
import signal
import time

import pytest

from machine import BUILD, ROOT, TIME_SCALE, Machine
from supervision import Guest, difference

WORKLOADS = ROOT / "tests" / "workloads"
REFERENCE = BUILD / "reference"
LIMIT = 120                                        # seconds
SHORT = 5                                          # what takes longer does not run twice


def workloads():
    return sorted(path.parent.name for path in WORKLOADS.glob("*/run"))


@pytest.fixture(name="guest")
def fixture_guest():
    with Machine(archive=BUILD / "test.tar", memory="256M", time_limit=5 * LIMIT) as machine:
        machine.expect_prompt()
        yield Guest(machine)


def show(content):
    """What tests/workloads/show.lua prints."""
    return re.sub(rb"[^\n -\x5b\x5d-~]", lambda c: b"\\%02x" % c[0][0], content).decode() + "\n"


def wait_for(pid, terminal):
    """Reads away what comes on the terminal until the child ends; its status, None after LIMIT."""
    deadline = time.monotonic() + LIMIT * TIME_SCALE
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:                        # the last that had it open has gone
                time.sleep(0.02)
    return None


def run_on_host(name, folder):
    """Runs a workload on the host; its status and its output."""
    work = folder / "work"
    work.mkdir()
    shutil.copy(WORKLOADS / name / "run", work / ".run")
    environment = {"PATH": str(REFERENCE / "bin"), "HOME": str(work), "W": str(WORKLOADS / name),
                   "P": str(REFERENCE / "tests" / "ports"), "S": str(REFERENCE / "share"), "TERM": "xterm"}
    out = os.open(folder / "out", os.O_CREAT | os.O_RDWR)
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.chdir(work)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(out, 2)
            # A shell cannot trap what it finds ignored: by Python, by nohup, by a shell's `&`.
            for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            # A parent that waits, as in the guest: the script leads no session.
            dash = str(REFERENCE / "bin" / "dash")
            os.execve(dash, [dash, "-c", 'dash .run; exit $?'], environment)
        finally:
            os._exit(127)
    try:
        status = wait_for(pid, terminal)
        assert status is not None, f"{name} does not end on the host"
    finally:
        os.close(terminal)
        if status is None:
            os.killpg(pid, 9)
            os.waitpid(pid, 0)
        os.close(out)
    return status, show((folder / "out").read_bytes())


def run_in_guest(name, guest):
    guest.check(f"cd /tmp; rm -rf work; mkdir work; cd work; cp /tests/workloads/{name}/run .run")
    done = guest.run(f"env -i PATH=/bin HOME=/tmp/work TERM=xterm W=/tests/workloads/{name} P=/tests/ports S=/share "
                     f"dash .run </dev/null >/tmp/out 2>&1", LIMIT)
    output = guest.check("lua /tests/workloads/show.lua /tmp/out", LIMIT)
    guest.check("cd /; rm -rf /tmp/work /tmp/out")
    return done.status, output


def compare(expected, found):
    lines = difflib.unified_diff(expected[1].splitlines(), found[1].splitlines(), "on Linux", "here", lineterm="")
    assert found == expected, "\n".join(["the same text" if found[1] == expected[1] else "", *lines])


@pytest.mark.parametrize("name", workloads())
def test_workload(name, guest, tmp_path):
    expected = run_on_host(name, tmp_path)
    start = time.monotonic()
    compare(expected, run_in_guest(name, guest))
    if time.monotonic() - start > SHORT * TIME_SCALE:
        return
    before = guest.settle()
    compare(expected, run_in_guest(name, guest))
    left = difference(before, guest.settle())
    assert not left, f"{name} leaves {left}"
