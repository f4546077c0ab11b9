# SPDX-License-Identifier: MIT
"""tools/idl/generate.py: mistakes are told with file, line and a hint; layouts are what the text says."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "idl" / "generate.py"


def generate(tmp_path, text, *options):
    """Runs the generator on one protocol; returns (status, what it said, the header or None)."""
    (tmp_path / "protocols").mkdir(exist_ok=True)
    (tmp_path / "generated").mkdir(exist_ok=True)
    source = tmp_path / "protocols" / "test.idl"
    source.write_text(text)
    done = subprocess.run([sys.executable, TOOL, *options, source], capture_output=True, text=True, check=False)
    target = tmp_path / "generated" / "test.h"
    return done.returncode, done.stderr, target.read_text() if target.exists() else None


MISTAKES = [
    ("read () -> ()", 1, "before the protocol line"),
    ("protocol other 1", 1, "bad protocol line"),
    ("protocol test 1\n\nread (u64 a, u64 b, u64 c, u64 d, u64 e) -> ()", 3, "5 words"),
    ("protocol test 1\nread (u16 a) -> ()", 2, "unknown type `u16`"),
    ("protocol test 1\nread (u64 a) -> (u64 a)", 2, "stands twice"),
    ("protocol test 1\nread () -> ()\nread () -> ()", 3, "defined twice"),
    ("protocol test 1\nread () -> () = 4\nwrite () -> () = 4", 3, "label number 4"),
    ("protocol test 1\nread (lend_write a, lend_write b) -> ()", 2, "two lend_write"),
    ("protocol test 1\nread () -> (lend_read a)", 2, "answer lends"),
    ("protocol test 1\nsend poke (lend_read a)", 2, "sent message lends"),
    ("protocol test 1\nsend poke (u64 a) -> (u64 b)", 2, "sent message has no answer"),
    ("protocol test 1\nread (optional gate a, gate b) -> ()", 2, "follows an optional handle"),
    ("protocol test 1\nread (u64 deadline) -> ()", 2, "name of the generated code"),
    ("protocol test 1\nnotify late 63", 2, "no such notification bit"),
    ("protocol test 1\nstruct s {\n    u24 a;\n}", 2, "bad member"),
    ("protocol test 1\nsomething else", 2, "not a statement"),
    ("protocol test 1\nread (u64 a, u64 b, brief lend_read c) -> ()", 2, "`c` cannot be brief"),
    ("protocol test 1\nread (brief lend_read a, lend_read b) -> ()", 2, "`a` cannot be brief"),
    ("protocol test 1\nread (brief lend_write a) -> ()", 2, "`a` cannot be brief"),
    ("protocol test 1\nread (lend_read a, late lend_write b) -> (gate c)", 2, "`b` cannot be late"),
    ("protocol test 1\nread (brief lend_read a, late lend_write b) -> ()", 2, "`b` cannot be late"),
    ("protocol test 1\nread () -> () = 1024", 2, "label number 1024"),
]


@pytest.mark.parametrize("text, line, what", MISTAKES)
def test_mistakes_are_told_with_place_and_hint(tmp_path, text, line, what):
    status, said, header = generate(tmp_path, text)
    assert status == 1 and header is None
    assert f"test.idl:{line}: " in said and what in said and "hint: " in said


def test_small_numbers_share_a_word(tmp_path):
    text = "protocol test 9\nread (u32 a, u32 b, u64 c, u32 d, i64 e) -> (u64 f, u32 g)\n"
    status, said, header = generate(tmp_path, text)
    assert status == 0, said
    assert "request: w0.low a, w0.high b, w1 c, w2.low d, w3 e" in header
    assert "answer: w0 f, w1.low g" in header
    assert "TEST_READ = TEST_PROTOCOL << 16 | 1," in header


def test_numbers_go_on_from_an_explicit_one(tmp_path):
    _, _, header = generate(tmp_path, "protocol test 9\na () -> () = 5\nb () -> ()\nsend c (u64 x)\n")
    assert "TEST_B = TEST_PROTOCOL << 16 | 6," in header
    assert "TEST_C = TEST_PROTOCOL << 16 | 7," in header


def test_check_tells_what_is_out_of_date(tmp_path):
    text = "protocol test 9\na () -> ()\n"
    assert generate(tmp_path, text, "--check")[0] == 1
    assert generate(tmp_path, text)[0] == 0
    assert generate(tmp_path, text, "--check")[0] == 0
    status, said, _ = generate(tmp_path, text + "b () -> ()\n", "--check")
    assert status == 1 and "test.h" in said


def test_one_number_for_one_protocol(tmp_path):
    generate(tmp_path, "protocol test 9\na () -> ()\n")
    other = tmp_path / "protocols" / "zother.idl"
    other.write_text("protocol zother 9\n")
    done = subprocess.run([sys.executable, TOOL, tmp_path / "protocols" / "test.idl", other], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "protocol number 9 is" in done.stderr


def test_committed_headers_are_up_to_date():
    sources = sorted((ROOT / "abi" / "protocols").glob("*.idl"))
    done = subprocess.run([sys.executable, TOOL, "--check", *sources], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
