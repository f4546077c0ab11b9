# SPDX-License-Identifier: MIT
"""The programs as built for the host by `make host-programs`, under the sanitizers."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = (ROOT / os.environ.get("BUILD", "build") / "host" / "bin").resolve()


def program(name):
    """The path of a program; the test fails with advice if it is not there."""
    path = BIN / name
    assert path.exists(), f"{path} is missing: run `make host-programs`"
    return str(path)


def environment(**variables):
    """A small environment that is the same everywhere."""
    return {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": "/", "TERM": "xterm", "LC_ALL": "C",
            "ASAN_OPTIONS": "detect_leaks=1", **variables}
