# SPDX-License-Identifier: MIT
"""Every service dies, and the prompt and the network work again within three seconds. Each scenario is run
three times in one machine: the first warms up, after the second and the third all counts are equal."""
import pytest

from machine import BUILD, Machine
from supervision import Guest, difference, note, service_names

SERVICES = service_names("boot", "session")
ROUNDS = 3


def balanced(guest, name, end):
    """Ends the service three times; the longest recovery in seconds."""
    seconds, counts = [], []
    for _ in range(ROUNDS):
        restarts = guest.services()[name].restarts
        guest.machine.line(f"services {end} {name}")
        seconds.append(guest.works(network=True))
        counts.append(guest.settle())
        assert guest.services()[name].restarts > restarts, f"{name} did not die"
    assert not difference(counts[1], counts[2])
    return max(seconds)


@pytest.mark.parametrize("name", SERVICES)
def test_killed(name, full_network):
    with Machine(network=full_network) as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        guest.works(network=True, limit=10)
        seconds = balanced(guest, name, "kill")
    note(BUILD / "test", f"{name:<12} killed {seconds:6.2f} s")
