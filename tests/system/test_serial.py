# SPDX-License-Identifier: MIT
"""The serial line: driver, line discipline, signals, and what happens when the driver dies."""
import re
import time

import pexpect
import pytest

from machine import PROMPT, run_command


@pytest.fixture
def machine(boot):
    m = boot()
    m.expect_prompt()
    return m


def test_boot_ends_at_a_prompt(boot):
    m = boot()
    text = m.expect_prompt()
    lines = [line for line in text.splitlines() if line]
    assert re.search(r"EuraliOS ready \([0-9.]+ ms since kernel entry\)$", lines[-2])
    assert lines[-1].startswith("/")                   # the prompt's beginning: the folder


def test_run_shows_only_the_command(boot):
    done = run_command("echo one; lua -e 'print(6*7)'; cat /nothing; exit 5")
    assert done.status == 5
    assert done.output.startswith("one\n42\n") and done.output.count("\n") == 3
    assert done.transcript.endswith("run: exit 5\n")


def test_canonical_editing(machine):
    machine.line("cat")
    machine.expect("cat\r\n")
    machine.line("abx\x7fc \xe4\x7fone two\x17three")
    machine.expect("\r\nabc one three\r\n")
    machine.line("gone\x15kept")
    machine.expect("\r\nkept\r\n")
    machine.line("a\x16\x03b")                         # Ctrl-V: the next one is taken as it is
    machine.expect("\r\na\x03b\r\n")
    machine.send("end\x04")
    machine.expect("endend")
    machine.send("\x04")
    machine.expect(PROMPT)


def test_ctrl_c_ends_a_program(machine):
    for program in ("lua -e 'while true do end'", "cat", "sleep 1000"):
        machine.line(program)
        time.sleep(0.7)
        begin = time.monotonic()
        machine.send("\x03")
        machine.expect(r"\^C")
        machine.expect_prompt(5)
        assert time.monotonic() - begin < 2
    assert "alive" in machine.command("echo alive")


def test_ctrl_backslash_and_stopping(machine):
    machine.line("sleep 1000")
    time.sleep(0.5)
    machine.send("\x1c")
    machine.expect("Quit")
    machine.expect_prompt()
    machine.line("sleep 1000")
    time.sleep(0.5)
    machine.send("\x1a")
    machine.expect("Stopped")
    machine.expect_prompt()
    assert "sleep 1000" in machine.command("jobs")
    machine.line("fg")
    time.sleep(0.5)
    machine.send("\x03")
    machine.expect_prompt()
    assert machine.command("jobs").strip() == ""


def test_resize_asks_the_terminal(machine):
    machine.line("resize")
    machine.expect(r"\x1b\[6n")
    machine.send("\x1b[40;100R")
    machine.expect("40 rows, 100 columns\r\n")
    machine.expect_prompt()
    machine.line("resize </dev/null; echo status $?")
    machine.expect(r"resize: standard input: .*\r\nstatus 1\r\n")


def test_long_output_is_complete(machine):
    output = machine.command("lua -e 'for i = 1, 20000 do print(i) end'", timeout=60)
    assert output == "".join(f"{i}\n" for i in range(1, 20001))


def test_long_input_is_complete(machine):
    """A paste of 64 KiB, faster than the program reads: the line is held up, nothing is lost."""
    machine.line("wc -lc; echo done")
    machine.expect("done\r\n")
    line = "x" * 63
    for _ in range(64):
        machine.send((line + "\r") * 16)
        machine.expect(f"({line}\r\n){{16}}")           # who does not take the echo holds up the line
    machine.send("\x04")
    machine.expect(r" +1024 +65536\r\n", timeout=30)
    machine.expect_prompt()


def is_quiet(machine, seconds):
    """Does nothing come for so long?"""
    return machine.console.expect([".", pexpect.TIMEOUT], timeout=seconds) == 1


def test_output_stops_and_goes_on(machine):
    machine.line("lua -e 'for i = 1, 3000000 do print(i) end'")
    machine.expect("1000\r\n")
    machine.send("\x13")
    for _ in range(100000):                            # what was under way
        if is_quiet(machine, 0.5):
            break
    assert is_quiet(machine, 1)
    machine.send("\x11")
    machine.expect(r"\d\r\n", timeout=5)
    machine.send("\x03")
    machine.expect_prompt()


@pytest.mark.parametrize("how", ["kill", "spin"])
def test_driver_is_restarted(machine, how):
    machine.line(f"services {how} serial")
    begin = time.monotonic()
    for _ in range(30):                                # until the new shell is there
        time.sleep(0.2)
        machine.line("echo ag''ain")
        if machine.console.expect(["again", pexpect.TIMEOUT], timeout=0.2) == 0:
            break
    assert time.monotonic() - begin < 5                # a spinning one is noticed after a second
    machine.expect_prompt()
    # The answers to earlier lines may still be on their way.
    assert any(re.search(r"serial +up +1 +1 ", machine.command("services")) for _ in range(40))
