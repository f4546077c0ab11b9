# SPDX-License-Identifier: MIT
"""What the system costs when nothing happens."""
import os
import time

import pytest

from machine import Machine

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
