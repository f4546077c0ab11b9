# SPDX-License-Identifier: MIT
"""Outputs that the book shows and the tests compare: tests/expect/NAME.expect.

    # 120 seconds               how long it may take (default 60); not shown in the book
    $ tools/qemu --run 'free'   the command, run by sh in the root of the repository
    memory  <free> KiB free     <anything> stands for one run of characters that are not blank
    ...                         any lines, also none

Blanks at the ends of lines and escape sequences of the output do not count; everything else does.
"""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "expect"
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[()].|c)")


def line_pattern(line):
    return "".join(r"\S+" if part.startswith("<") else re.escape(part)
                   for part in re.split(r"(<[a-z0-9 -]+>)", line.rstrip()))


def find_difference(expected, actual):
    """None if `actual` is as `expected` says, else a sentence about the first line that differs."""
    lines = [ESCAPES.sub("", line).rstrip() for line in actual.replace("\r", "").strip("\n").split("\n")]
    at, may_skip = 0, False
    for wanted in expected.strip("\n").split("\n"):
        if wanted.strip() == "...":
            may_skip = True
            continue
        start = at
        while at < len(lines) and not re.fullmatch(line_pattern(wanted), lines[at]):
            if not may_skip:
                return f"expected {wanted!r}, got {lines[at]!r}"
            at += 1
        if at == len(lines):
            return f"expected {wanted!r}, not found from line {start + 1} on"
        at, may_skip = at + 1, False
    if at < len(lines) and not may_skip:
        return f"more than expected: {lines[at]!r}"
    return None


def read(name):
    """(seconds, command, expected output) of tests/expect/NAME.expect."""
    lines = (FOLDER / f"{name}.expect").read_text(encoding="utf-8").splitlines()
    limit = re.fullmatch(r"# (\d+) seconds", lines[0])
    seconds = int(limit[1]) if limit else 60
    if limit:
        lines.pop(0)
    assert lines[0].startswith("$ "), f"{name}.expect: the command comes first"
    return seconds, lines[0][2:], "\n".join(lines[1:])


def names():
    return sorted(path.stem for path in FOLDER.glob("*.expect"))


def run(name):
    """Runs the command of an expectation. Returns what find_difference says, and the output."""
    seconds, command, expected = read(name)
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds, check=False)
    output = done.stdout.decode(errors="replace")
    return find_difference(expected, output), output
