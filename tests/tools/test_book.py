# SPDX-License-Identifier: MIT
"""The book's machinery: listings by anchor, expected outputs, the reading order."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import expect           # noqa: E402  (the path has to be set first)
import listing          # noqa: E402


SOURCE = """int a;
/* [book:outer] */
int b;
    // [book:inner]
    int c;
    // [/book]
int d;
/* [/book] */
# [book:script]
echo
# [/book]
"""


def test_anchors():
    found = listing.anchors(SOURCE, "x.c")
    assert found["outer"] == (3, ["int b;", "    int c;", "int d;"])
    assert found["inner"] == (5, ["    int c;"])
    assert found["script"] == (10, ["echo"])


@pytest.mark.parametrize("source, message", [
    ("/* [book:a] */\nx\n", "not closed"),
    ("x\n/* [/book] */\n", "without an anchor"),
    ("/* [book:a] */\n/* [/book] */\n/* [book:a] */\n/* [/book] */\n", "twice"),
])
def test_bad_anchors(source, message):
    with pytest.raises(listing.ExtensionError, match=message):
        listing.anchors(source, "x.c")


@pytest.mark.parametrize("page, message", [
    ("```{listing} book/_ext/listing.py no-such-anchor\n```", "has no anchor no-such-anchor"),
    ("```{listing} no/such/file.c x\n```", "there is no file no/such/file.c"),
    ("```{output} no-such-output\n```", "there is no file tests/expect/no-such-output.expect"),
    ("```{definitions} abi/errors.def\n```", None),
    ("```{reading-order}\n```", None),
    ("{doc}`nowhere`", "unknown document"),
])
def test_build_fails_on_what_is_missing(tmp_path, page, message):
    (tmp_path / "index.md").write_text(f"# Title\n\n{page}\n", encoding="utf-8")
    done = subprocess.run(["/usr/bin/python3", "-m", "sphinx", "-q", "-W", "-b", "html", "-c", str(ROOT / "book"),
                           str(tmp_path), str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == (message is not None), done.stderr
    assert message is None or message in done.stderr


@pytest.mark.parametrize("expected, actual, is_same", [
    ("a\nb", "a\nb\n", True),
    ("a\nb", "a\r\n\x1b[1mb\x1b[m  \r\n", True),
    ("a\nb", "a\n", False),
    ("a", "a\nb\n", False),
    ("a\n...", "a\nb\n", True),
    ("a\n...\nb", "a\nb", True),
    ("a\n...\nb", "a\nx\ny\nb", True),
    ("a\n...\nb", "a\nx\n", False),
    ("took <time> ms.", "took 12.5 ms.", True),
    ("took <time> ms.", "took a while ms.", False),
    ("x (y) [z]*", "x (y) [z]*", True),
    ("a.c", "abc", False),
])
def test_find_difference(expected, actual, is_same):
    assert (expect.find_difference(expected, actual) is None) == is_same


def test_reading_order_is_checked(tmp_path):
    for name in ("kernel/a.c", "kernel/a.h", "kernel/arch/b.S"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "book").mkdir()
    order = tmp_path / "book" / "reading-order.txt"

    def check(text):
        order.write_text(text, encoding="utf-8")
        done = subprocess.run([str(ROOT / "tools/reading-order"), str(tmp_path)], capture_output=True, text=True,
                              check=False)
        assert (done.returncode == 0) == (done.stdout == "")
        return done.stdout

    good = "# comment\nPart\n    kernel/arch/b.S\n    kernel/a.h\n    kernel/a.c\n"
    assert check(good) == ""
    assert "kernel/a.c is not listed" in check("Part\n    kernel/a.h\n    kernel/arch/b.S\n")
    assert "kernel/x.c does not exist" in check(good + "    kernel/x.c\n")
    assert "kernel/a.h is listed twice" in check(good + "    kernel/a.h\n")
    assert "kernel/a.c comes before kernel/a.h" in check("P\n    kernel/a.c\n    kernel/a.h\n    kernel/arch/b.S\n")
