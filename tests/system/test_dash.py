# SPDX-License-Identifier: MIT
"""A session with dash on the serial line, as a person would have it: jobs, pipelines, the editor."""
import re

import pytest

from machine import BUILD, Machine
from supervision import Guest, difference


@pytest.fixture(name="machine")
def fixture_machine():
    with Machine(archive=BUILD / "test.tar", memory="256M", time_limit=300) as machine:
        machine.expect_prompt(60)
        machine.command("cd /ramdisk")
        machine.line("exec dash")
        machine.expect_prompt()
        yield machine


def start(machine, command):
    """Starts a command that says when it runs: a key that comes before that is the shell's."""
    machine.line(f"sh -c 'echo run''ning; {command}'")
    machine.expect("running\r\n")


def test_session(machine):
    guest = Guest(machine)
    guest.check("echo warm | awk '{ print }' | cat")
    before = guest.settle()

    start(machine, "sleep 1000")
    machine.send("\x03")
    machine.expect_prompt()
    assert machine.command("echo $?") == "130\n"

    start(machine, "sleep 1000")
    machine.send("\x1a")
    machine.expect_prompt()
    assert re.match(r"\[1\] \+ Stopped +sh -c", guest.check("jobs"))
    guest.check("bg")
    assert re.match(r"\[1\] \+ Running +sh -c", guest.check("jobs"))
    machine.line("fg")
    machine.expect("sleep 1000")
    machine.send("\x1a")                           # again, by a key: it is in the foreground now
    machine.expect_prompt()
    machine.line("fg")
    machine.expect("sleep 1000")
    machine.send("\x03")
    machine.expect_prompt()
    assert guest.check("jobs") == ""

    guest.check("(sleep 0.1; echo from the background >late) & wait; cat late")
    guest.check("ls -l /bin | awk '{ n++; s += $3 } END { print (n > 0), (s > 100000); print \"two\" }' | cat >f")
    assert guest.check("cat f") == "1 1\ntwo\n"

    machine.line("nano f")
    machine.expect(r"Read 2 lines")
    machine.send("edited ")
    machine.expect("Modified")
    machine.send("\x0f")
    machine.expect("File Name to Write: f")
    machine.send("\r")
    machine.expect("Wrote 2 lines")
    machine.send("\x18")
    machine.expect_prompt()
    assert guest.check("cat f") == "edited 1 1\ntwo\n"

    guest.check("rm f late")
    left = difference(before, guest.settle())
    assert not left, f"the session leaves {left}"
