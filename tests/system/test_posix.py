# SPDX-License-Identifier: MIT
"""Some of the conformance tests of posixtestsuite inside EuraliOS (tests/posix/quick), in one machine; `make test-posix`
runs all of them. Each is a test here, so that what fails is named."""
import functools
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
suite = SourceFileLoader("test_posix_tool", str(ROOT / "tools" / "test-posix")).load_module()
QUICK = [line for line in (ROOT / "tests" / "posix" / "quick").read_text(encoding="utf-8").split("\n")
         if line and not line.startswith("#")]


@functools.cache
def results():
    # A machine that is busy with other tests: a minute for what takes a tenth of a second.
    return suite.run(QUICK, limit=60, jobs=1, size=len(QUICK))


@pytest.mark.parametrize("name", QUICK)
def test_posix(name):
    outcome = results()[name]
    assert outcome.verdict == "PASS", "\n".join([f"{name}: {outcome.verdict}", *outcome.output])
