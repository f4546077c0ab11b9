# SPDX-License-Identifier: MIT
"""tools/test: what fails because of real time gets a second try, what fails always does not pass."""
import pytest

TESTS = """
import pathlib
import pytest

def test_good():
    pass

@pytest.mark.parametrize("name", ["one", "two"])
def test_flaky(name):
    mark = pathlib.Path(__file__).with_suffix("." + name)
    tried = mark.exists()
    mark.touch()
    assert tried
"""
BAD = TESTS + "\ndef test_bad():\n    assert False\n"


@pytest.fixture(name="runner")
def fixture_runner(load_tool, tmp_path):
    module = load_tool("test")
    module.LOGS = tmp_path
    return module


def run(runner, folder, suite, text):
    file = folder / "test_some.py"
    file.write_text(text)
    item = runner.Item(suite, "some", runner.pytest_command(suite, "some", str(file)), runner.count_junit)
    item.run()
    runner.run_again([item])
    return item.passed, item.failed


def test_second_try(runner, tmp_path, capsys):
    assert run(runner, tmp_path, "system", TESTS) == (3, 0)
    assert "flaky  system/some::test_flaky[one]\nflaky  system/some::test_flaky[two]\n" in capsys.readouterr().out


def test_what_fails_twice_has_failed(runner, tmp_path, capsys):
    assert run(runner, tmp_path, "system", BAD) == (1, 3)
    assert "flaky " not in capsys.readouterr().out


def test_no_second_try_without_real_time(runner, tmp_path):
    assert run(runner, tmp_path, "tools", TESTS) == (1, 2)


def test_no_second_try_for_many(runner, tmp_path):
    runner.FLAKY_MAX = 1
    assert run(runner, tmp_path, "system", TESTS) == (1, 2)


# As the kernel's tests print: the second of three fails while there is no file, or always.
KERNEL = """\
echo 'ok first (1 ms)'
if {test}; then echo 'ok ipc second (1 ms)'; n=0; else echo 'FAILED ipc second (2 ms)'; touch {mark}; n=1; fi
echo 'ok third (1 ms)'
echo "$((3 - n)) passed, $n failed"
"""


@pytest.mark.parametrize("name, test, counts", [
    ("smp4", "[ -e {mark} ]", (3, 0)), ("smp4", "false", (2, 1)), ("max", "[ -e {mark} ]", (2, 1))])
def test_kernel_second_try(runner, tmp_path, capsys, name, test, counts):
    mark = tmp_path / "mark"
    script = KERNEL.format(test=test.format(mark=mark), mark=mark)
    item = runner.Item("kernel", name, ["sh", "-c", script], runner.count_line)
    item.run()
    runner.run_again([item])
    assert (item.passed, item.failed) == counts
    assert ("flaky  kernel/smp4::ipc second\n" in capsys.readouterr().out) == (counts == (3, 0))


def test_no_second_try_after_a_crash(runner):
    item = runner.Item("kernel", "smp4", ["sh", "-c", "echo panic; exit 1"], runner.count_line)
    item.run()
    assert runner.again(item) is None
