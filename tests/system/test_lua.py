# SPDX-License-Identifier: MIT
"""Runs the Lua scripts of the test image (tests/guest/lua): what the module "euralios" gives, and that
no handle is lost by it."""
import pytest

from machine import BUILD, ROOT, Machine
from supervision import Guest, difference

SCRIPTS = sorted(path.name for path in (ROOT / "tests" / "guest" / "lua").glob("*.lua"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_script(script):
    with Machine(archive=BUILD / "test.tar", memory="256M", time_limit=300) as machine:
        machine.expect_prompt()
        guest = Guest(machine)
        left = before = None
        for _ in range(4):                         # what lives on is warm after two; a leak shows each time
            done = guest.run(f"cd /tmp; lua /tests/lua/{script}", 120)
            assert done.status == 0 and "not ok" not in done.output, done.output
            now = guest.settle()
            left = before is None or difference(before, now)
            before = now
            if not left:
                break
        assert not left, f"{script} leaves {left}"
