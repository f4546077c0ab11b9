# SPDX-License-Identifier: MIT
"""Programs of the test image leave nothing: each is run twice in the same machine, and after the second time the
kernel has as many objects, and as little memory in use that no service has, as after the first."""
import pytest

from machine import BUILD, Machine
from supervision import Guest, difference
from test_guest import guest_tests

# Those that count for themselves what is left, in harder ways; and posix_limits, after whose ten thousand open files
# the tables of the servers are not of their last size before the fifth time.
OTHERS = ("posix_bombs", "posix_hoard", "posix_kills", "posix_limits", "posix_storm", "posix_sync")


@pytest.fixture(scope="module", name="guest")
def machine_for_all():
    with Machine(archive=BUILD / "test.tar", memory="512M", net="none", time_limit=300) as machine:
        machine.expect_prompt(60)
        yield Guest(machine)


@pytest.mark.parametrize("name", [name for path in guest_tests() if (name := path.removeprefix("tests/")).startswith("posix_")
                                  and name not in OTHERS])
def test_nothing_is_left(guest, name):
    guest.check(f"/tests/{name} >/tmp/output", timeout=100)
    before = guest.settle()
    guest.check(f"/tests/{name} >/tmp/output", timeout=100)
    after = guest.settle()
    # Less is what the first time had left for a while: a connection's last state, say.
    assert not difference(before, {count: max(before[count], after[count]) for count in before})
