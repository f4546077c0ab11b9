# SPDX-License-Identifier: MIT
"""Fixtures of the system tests. See machine.py and network.py."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine import Machine          # noqa: E402  (the path has to be set first)
from network import Network          # noqa: E402

SITE = Path(__file__).resolve().parent / "site"


@pytest.fixture
def boot():
    """boot(**options): a Machine, ended after the test."""
    machines = []

    def start(**options):
        machines.append(Machine(**options))
        return machines[-1]

    yield start
    for machine in machines:
        machine.close()


@pytest.fixture
def network():
    """A bare network: no DHCP, no DNS, no servers yet."""
    with Network() as net:
        yield net


@pytest.fixture
def full_network(network):
    """A network with DHCP, DNS, a Gopher server (port 70) and the misbehaving one (port 7070)."""
    network.start_dns_dhcp()
    network.start_gopher(SITE)
    network.start_odd_gopher()
    return network
