# SPDX-License-Identifier: MIT
"""What tools/bench, tools/test-posix and tools/qemu make of what they are given."""
import pytest


@pytest.fixture(name="bench")
def fixture_bench(load_tool):
    module = load_tool("bench")
    module.GOALS = {"quick": 100}
    return module


def test_rows_are_compared(bench, capsys):
    baseline = {"quick": 100, "slow": 1000, "gone": 10, "good": 1000}
    assert bench.compare({"quick": 100, "slow": 1030, "gone": 10, "good": 1000}, baseline) == 0
    assert capsys.readouterr().out == ""
    assert bench.compare({"quick": 101, "slow": 1031, "good": 900}, baseline) == 3
    assert capsys.readouterr().out.splitlines() == [
        "WORSE   quick: 100 before, 101 now, goal 100", "WORSE   slow: 1,000 before, 1,031 now",
        "WORSE   gone: 10 before, not measured now", "better  good: 1,000 before, 900 now"]
    # A goal that was not reached before is no reason.
    assert bench.compare({"quick": 102}, {"quick": 101}) == 0


def test_costs_are_flat(bench):
    points = {"call": [(1, 100), (10, 114), (100, 101)], "make": [(1, 100), (10, 116)],
              "thread_wake": [(1, 100), (10, 125)]}
    assert list(bench.uneven(points)) == ["make: 100 to 116"]


def test_posix_differences_are_known(load_tool):
    suite = load_tool("test-posix")
    reference = {"a/1-1": "PASS", "b/1-1": "PASS", "c/1-1": "PASS", "d/1-1": "PASS", "e/1-1": "FAIL"}
    known = {"b/1-1": "fails", "c/1-1": "unsteady", "d/1-1": "fails"}
    verdicts = {"a/1-1": "SIGNAL-6", "b/1-1": "FAIL", "c/1-1": "FAIL", "d/1-1": "PASS", "e/1-1": "FAIL"}
    results = {name: suite.Outcome(verdict) for name, verdict in verdicts.items()}
    assert list(suite.unexpected(results, reference, known)) == [
        "a/1-1: SIGNAL-6, passes on Linux", "d/1-1: passes, though tests/posix/known says that it fails"]


def test_known_differences_are_tests(load_tool):
    suite = load_tool("test-posix")
    reference = suite.read_reference()
    known = suite.read_known()
    assert known and all(reference.get(name) == "PASS" for name in known)
    assert set(known.values()) == {"fails", "unsteady"}


def test_stretches_are_of_one_kernel(load_tool, monkeypatch, tmp_path, capsys):
    qemu = load_tool("qemu")
    monkeypatch.setenv("QEMU_PLUGIN", "some.so")
    monkeypatch.setenv("QEMU_PLUGIN_KERNEL", str(tmp_path / "euralios.elf"))
    for name, is_measured in (("euralios.elf", True), ("checked.elf", False)):
        monkeypatch.setattr(qemu.sys, "argv", ["qemu", "--print", "--kernel", str(tmp_path / name)])
        qemu.main()
        assert ("-plugin some.so" in capsys.readouterr().out) == is_measured
