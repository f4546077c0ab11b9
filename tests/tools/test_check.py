# SPDX-License-Identifier: MIT
"""tools/check: that its checks find what they are for."""
import subprocess

import pytest


@pytest.fixture
def check(load_tool, tmp_path, monkeypatch):
    """The tool, in an empty repository."""
    module = load_tool("check")
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "size-exceptions").write_text("")
    (tmp_path / "kernel").mkdir()
    return module


def test_finds_include_cycles(check, tmp_path):
    assert check.find_cycle({"a": ["b"], "b": ["c", "d"], "c": [], "d": ["c"]}) is None
    (tmp_path / "a.h").write_text('#include "b.h"\n')
    (tmp_path / "b.h").write_text('  #  include "a.h"\n')
    assert "a.h -> b.h -> a.h" in check.check_includes(None)[0]


def test_wants_the_own_header_first(check, tmp_path):
    (tmp_path / "a.h").write_text("")
    (tmp_path / "b.h").write_text("")
    (tmp_path / "a.c").write_text('#include "b.h"\n#include "a.h"\n')
    assert "its own header a.h" in check.check_includes(None)[0]


def test_wants_spdx_lines_and_named_caveats(check, tmp_path):
    (tmp_path / "a.c").write_text("int a; \n// TO" "DO: b\n")
    findings = check.check_text(None)
    assert len(findings) == 3
    (tmp_path / "a.c").write_text("/* SPDX-License-Identifier: MIT */\n// TO" "DO: b\n")
    (tmp_path / "CAVEATS.md").write_text("`a.c`: b is not done\n")
    assert check.check_text(None) == []


def test_counts_lines_of_files_and_functions(check, tmp_path):
    long_function = "int f(void) {\n" + "    ;\n" * 59 + "    return 0;\n}\n"
    (tmp_path / "f.c").write_text(long_function)
    (tmp_path / "long.h").write_text("\n" * 601)
    findings = check.check_sizes(None)
    assert ["f has 62 lines" in findings[1], "601 lines" in findings[0]] == [True, True]
    (tmp_path / "tools" / "size-exceptions").write_text("f.c:f 62 a table\nlong.h 601 a table\ngone.c 1 why\n")
    assert check.check_sizes(None) == ["tools/size-exceptions: gone.c: there is no such thing"]


def test_kernel_has_a_budget(check, tmp_path, monkeypatch):
    """Of lines that are neither blank nor comment."""
    monkeypatch.setattr(check, "KERNEL_C_LINES", 600)
    (tmp_path / "kernel" / "a.c").write_text("int a; /* why */\n" * 600)
    (tmp_path / "kernel" / "a.h").write_text("\n/* a\n * comment */\n")
    assert check.check_sizes(None) == []
    (tmp_path / "kernel" / "a.h").write_text("int b; // one too many\n")
    assert check.check_sizes(None) == ["kernel/: over budget"]
