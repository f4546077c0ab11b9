# SPDX-License-Identifier: MIT
"""Every service hangs and takes the processor with it: init, which is above all, finds it silent and ends
it, and the prompt and the network work again."""
import pytest

from machine import BUILD, Machine
from supervision import Guest, note
from test_supervision import SERVICES, balanced


@pytest.mark.parametrize("name", SERVICES)
def test_spins(name, full_network):
    with Machine(network=full_network) as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        guest.works(network=True, limit=10)
        seconds = balanced(guest, name, "spin")
        assert f"init: {name} is silent" in guest.check("cat /log")
    note(BUILD / "test", f"{name:<12} spun   {seconds:6.2f} s")
