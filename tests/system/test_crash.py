# SPDX-License-Identifier: MIT
"""Reports of crashes: a program's and a service's name cause, address, registers, and the functions."""
import re

from machine import BUILD, Machine, run_command
from supervision import Guest

IMAGE = BUILD / "test.tar"
REGISTERS = r"rax [0-9a-f]{16} +rbx [0-9a-f]{16}"


def test_program():
    done = run_command("/tests/posix_crash null", archive=IMAGE)
    report = done.output
    assert done.status == 128 + 11, report
    assert re.search(r"posix_crash \(pid \d+\) ended: page fault at \S+, address 0+, error 6", report), report
    assert re.search(REGISTERS, report), report
    assert re.search(r"at +0x[0-9a-f]+ crash_inner \+ 0x[0-9a-f]+", report), report
    assert re.search(r"from +0x[0-9a-f]+ crash_outer \+ 0x[0-9a-f]+", report), report
    assert re.search(r"from +0x[0-9a-f]+ main \+ 0x[0-9a-f]+", report), report


def test_service():
    """`services crash` makes it write through a null pointer in its loop."""
    with Machine() as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        guest.check("services crash ramfs")
        guest.works()
        log = guest.check("cat /log")
        assert re.search(r"init: ramfs ended: page fault at 0(x0)? \(writing, error 0x6\)", log), log
        assert re.search(REGISTERS, log), log
        assert re.search(r"at +0x[0-9a-f]+ (on_control|server_loop) \+ 0x[0-9a-f]+", log), log
        assert re.search(r"from +0x[0-9a-f]+ main \+ 0x[0-9a-f]+", log), log
        assert guest.services()["ramfs"].restarts == 1
