# SPDX-License-Identifier: MIT
"""Interrupts by message and by line, with QEMU's teaching device and a driver made for it
(tests/guest/native/edu, which checks most by itself); and a driver that is killed in the midst of them."""
import re
import time

import pytest

from machine import BUILD, TIME_SCALE, Machine
from supervision import Guest, difference

GOOD = "all as it should be"
LOOP = "100 messages in the loop"


def until(guest, text, n, limit=20):
    """Waits for so many lines of the driver's, which `cat /dev/log &` shows; it must not have found anything
    wrong."""
    deadline = time.monotonic() + limit * TIME_SCALE
    while len(re.findall(rf"edu: {text}", guest.machine.transcript)) < n:
        guest.check("sleep 0.1")                   # what comes meanwhile is read, too
        assert "edu: not ok" not in guest.machine.transcript, guest.machine.transcript
        assert time.monotonic() < deadline, guest.machine.transcript


@pytest.mark.parametrize("options", [{"machine": "pc"}, {"machine": "q35"}, {"machine": "pc,acpi=off", "smp": 1},
                                     {"machine": "pc", "smp": 4}], ids=str)
def test_message_and_line(options):
    """The driver's own checks; killed with messages on their way, three times; all counts are as before.
    There is no network card, which would have the same line: lines are not shared."""
    with Machine(archive=BUILD / "test.tar", memory="256M", net="none", extra=("-device", "edu"),
                 **options) as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        machine.line("cat /dev/log &")
        guest.check("services start edu")
        until(guest, GOOD, 1)
        until(guest, LOOP, 1)
        for n in (2, 3, 4):
            if n == 3:
                before = guest.settle()                # the first time was to warm up
            guest.check("services kill edu")
            until(guest, GOOD, n)
            until(guest, LOOP, n)
        assert not difference(before, guest.settle())
        guest.check("services stop edu")
        stopped = guest.settle()
        assert stopped["irqs"] == before["irqs"] - 1           # which the driver had, and pci a copy of
