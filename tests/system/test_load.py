# SPDX-License-Identifier: MIT
"""What the system costs when nothing happens, and what a thousand programs leave: nothing."""
import os
import time

import pytest

from machine import Machine
from supervision import Guest, difference


@pytest.fixture(name="machine", scope="module")
def fixture_machine():
    with Machine(time_limit=300) as machine:
        machine.expect_prompt()
        yield machine


def test_idle_system_uses_little_of_the_host(machine):
    pid = int((machine.folder / "pid").read_text())

    def cpu_seconds():
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    time.sleep(3)                   # boot's last work
    before = cpu_seconds()
    time.sleep(10)
    assert cpu_seconds() - before < 1.0


def test_a_thousand_programs_leave_nothing(machine):
    """Two programs for each round, the shell of os.execute and what it becomes; started, ended, waited for."""
    guest = Guest(machine)

    def start(number):
        guest.check(f"lua -e 'for i = 1, {number} do assert(os.execute(\"exec true\")) end'", timeout=120)

    start(20)                       # heaps and slabs find their size
    before, services = guest.settle(), guest.services()
    start(1000)
    after = guest.settle()
    restarted = [name for name, service in guest.services().items() if service.restarts != services[name].restarts]
    assert not difference(before, after), f"restarted meanwhile: {restarted}"
