# SPDX-License-Identifier: MIT
"""Every service dies, and the prompt and the network work again within three seconds. Each scenario is run
again and again in one machine, until all counts are the same after two deaths in a row: the first warms up,
and a client that has not called since may still hold a gate of the dead, and with it the dead one's budget.
What leaks at each death is never the same twice."""
import os
import signal
import time

import pytest

from machine import BUILD, Machine
from supervision import Guest, difference, note, service_names

SERVICES = service_names("boot", "session")
ROUNDS = 6


def balanced(guest, name, end):
    """Ends the service until it is balanced, three times at least; the longest recovery in seconds."""
    seconds, counts = [], []
    for round_number in range(1, ROUNDS + 1):
        restarts = guest.services()[name].restarts
        guest.machine.line(f"services {end} {name}")
        seconds.append(guest.works(network=True))
        guest.await_restart(name, restarts)     # on several processors all may work while it still spins
        counts.append(guest.settle())
        if round_number >= 3 and not difference(counts[-2], counts[-1]):
            return max(seconds)
    growth = [difference(before, after) for before, after in zip(counts, counts[1:])]
    raise AssertionError(f"after each death of {name}: {growth}")


@pytest.mark.parametrize("name", SERVICES)
def test_killed(name, full_network):
    with Machine(network=full_network) as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        guest.works(network=True, limit=10)
        seconds = balanced(guest, name, "kill")
    note(BUILD / "test", f"{name:<12} killed {seconds:6.2f} s")


def test_machine_stands_still():
    """The host of a virtual machine was asleep: nobody was silent, and nothing is started again."""
    with Machine(net="none") as machine:
        machine.expect_prompt()
        guest = Guest(machine)
        for _ in range(2):
            os.kill(machine.pid(), signal.SIGSTOP)
            time.sleep(4)
            os.kill(machine.pid(), signal.SIGCONT)
            time.sleep(1)
        assert not [service for service in guest.services().values() if service.restarts]
