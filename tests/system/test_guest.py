# SPDX-License-Identifier: MIT
"""Runs each program of the test image (tests/guest) in a machine of its own. The program's exit
status is the verdict; its lines `not ok NAME: why` say what went wrong."""
import re
import tarfile

import pytest

from machine import BUILD, run_command

IMAGE = BUILD / "test.tar"


def guest_tests():
    if not IMAGE.exists() or not (BUILD / "euralios.elf").exists():
        return []
    with tarfile.open(IMAGE) as archive:
            names = [entry.name for entry in archive if entry.isfile() and re.match(r"tests/[^/]+$", entry.name)]
    # tests/edu is a service: test_interrupts.py
    return [name for name in names if name not in ("tests/bench", "tests/bench-size", "tests/edu")]


MEMORY = {"tests/posix_limits": "512M"}            # its ten thousand open files


def run_guest(command, memory="256M", **options):
    done = run_command(command, archive=IMAGE, memory=memory, time_limit=180, **options)
    bad = [line for line in done.output.splitlines() if line.startswith("not ok")]
    assert done.status == 0 and not bad, "\n".join(bad) or done.output[-2000:]


@pytest.mark.parametrize("path", guest_tests())
def test_guest(path):
    run_guest(f"/{path}", memory=MEMORY.get(path, "256M"))


@pytest.mark.parametrize("command", ["posix_hammer", "posix_storm", "posix_sync", "native_library", "posix_bombs fork", "posix_bombs waits",
                                     "posix_bombs queue"])
def test_on_several_processors(command):
    """Those to which it makes a difference that a program runs beside the servers that it asks, and beside who signals it."""
    run_guest(f"/tests/{command}", smp=4)
