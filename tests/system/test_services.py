# SPDX-License-Identifier: MIT
"""The program `services`: what it lists, starts and stops, and what the log says then. What happens when services end or
hang is in test_supervision.py."""
import re
import time

import pytest

from machine import Machine


@pytest.fixture(name="machine", scope="module")
def fixture_machine():
    with Machine(time_limit=300) as machine:
        machine.expect_prompt()
        yield machine


def states(machine):
    """Name -> (state, restarts) of every service."""
    found = re.findall(r"^(\S+) +(\S+) +\d+ +(\d+) +\d+s", machine.command("services"), re.M)
    return {name: (state, int(restarts)) for name, state, restarts in found}


def test_all_services_of_the_boot_are_up(machine):
    found = states(machine)
    assert {"archive", "log", "names", "pipe", "proc", "ramfs", "serial"} <= found.keys()
    assert {state for name, (state, _) in found.items() if name not in ("run", "rtl8139")} <= {"up", "ended"}
    assert found["run"][0] == "waits"


def test_stopped_services_are_started_by_hand_only(machine):
    machine.command("services stop rtl8139")
    time.sleep(1)
    assert states(machine)["rtl8139"][0] == "stopped"
    machine.command("services start rtl8139")
    time.sleep(1)
    assert states(machine)["rtl8139"][0] == "up"
    assert "no such service" in machine.command("services stop nobody")


def test_the_log_tells_what_happened(machine):
    log = machine.command("cat /log")
    assert "init: rtl8139 was ended" in log
    assert "EuraliOS ready" in log
