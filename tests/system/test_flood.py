# SPDX-License-Identifier: MIT
"""Terminals under floods: of output, which Ctrl-C must end; of input that nobody reads; of random bytes.
Whatever comes, the prompt is back, the other terminals are not kept waiting, and nothing is left."""
import os
import re
import threading
import time

import pytest
from pexpect import TIMEOUT

from machine import Machine, TIME_SCALE
from supervision import Guest, difference

SECONDS = 2                                        # in which Ctrl-C ends a flood
GREY_ON_BLACK = 0x07                               # what the screen's cells have after a reset
WRITER = "lua -e 'while true do print(\"flood {0} {0} {0} {0} {0}\") end'"


@pytest.fixture(name="machine", scope="module")
def fixture_machine():
    with Machine(time_limit=300) as machine:
        machine.expect_prompt()
        for key in ("f2", "f3"):
            machine.keys(key)
            machine.expect_screen(r"^/\$$")
            machine.type_keys("sleep 1000 &\ncat\n")   # the first job: what a shell keeps of it
            time.sleep(1)
            machine.keys("ctrl-c")
            machine.type_keys("kill %1\nclear\n")
        yield machine


@pytest.fixture(name="guest", autouse=True)
def fixture_guest(machine):
    """The shell on the serial line. After the test all services are the same, and so are the counts."""
    guest = Guest(machine)
    guest.check("lua -e 'print(1)' & lua -e 'print(2)' & echo warm | cat; wait; ps >/ramdisk/warm; rm /ramdisk/warm")
    before, restarts = guest.settle(), [service.restarts for service in guest.services().values()]
    yield guest
    assert [service.restarts for service in guest.services().values()] == restarts
    left = difference(before, guest.settle())
    assert not left, f"the flood leaves {left}"


def read_for(machine, seconds):
    """Reads what comes on the serial line for so long; the number of characters."""
    begin, n = time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        n += len(machine.console.read_nonblocking(65536, timeout=20 * TIME_SCALE))
    return n


def interrupt(machine):
    """Ctrl-C on the serial line: the prompt is back in time."""
    begin = time.monotonic()
    machine.send("\x03")
    machine.expect(r"\^C")
    machine.expect_prompt(SECONDS)
    assert time.monotonic() - begin < SECONDS * TIME_SCALE


def timed(work):
    """The seconds that it takes."""
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def writers(guest):
    """The processes that flood."""
    return re.findall(r"^ *(\d+) .* lua$", guest.check("ps"), re.M)


class Paste(threading.Thread):
    """Types a text on the serial line, however long the line is held up, while the test reads the echo."""

    def __init__(self, machine, text):
        super().__init__(daemon=True)
        self._fd = machine.console.child_fd
        self._left = text.encode()
        self.start()

    def run(self):
        while self._left:
            self._left = self._left[os.write(self._fd, self._left[:1024]):]

    def end(self):
        """Waits until all of it is typed."""
        self.join(30 * TIME_SCALE)
        assert not self.is_alive(), f"{len(self._left)} bytes are held up"


def read_while(machine, paste):
    """Takes the echo until all is typed, and a moment longer."""
    while paste.is_alive() or machine.console.expect([r".+", TIMEOUT], timeout=0.3 * TIME_SCALE) == 0:
        machine.console.expect([r".+", TIMEOUT], timeout=0.1)
    paste.end()


# --- output ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "held-up"])
def test_output_on_the_serial_line(machine, guest, is_read):
    """Ctrl-C ends it, also when nobody takes the output."""
    machine.line(WRITER.format(1))
    machine.expect(r"\nflood 1 .*\n")
    if is_read:
        assert read_for(machine, 2 * TIME_SCALE) > 10000
    else:
        time.sleep(2 * TIME_SCALE)
    interrupt(machine)
    assert guest.check("echo alive") == "alive\n"


def test_output_of_the_background(machine, guest):
    """A job that floods does not keep the shell from hearing what is typed."""
    machine.line(WRITER.format(1) + " &")
    machine.expect(r"\nflood 1 .*\n")
    machine.line(WRITER.format(2))
    machine.expect(r"\nflood 2 .*\n")
    machine.send("\x03")
    machine.line("kill %1")
    machine.expect(r"\$ $", SECONDS + 5)
    assert guest.check("echo alive") == "alive\n"
    assert not writers(guest)


def test_output_on_the_screen(machine, guest):
    """Two writers on F2; the serial line is prompt meanwhile. Ctrl-C ends the one in front."""
    machine.keys("f2")
    machine.type_keys(WRITER.format(1) + " &\n")
    machine.expect_screen(r"^flood 1 ")
    machine.type_keys(WRITER.format(2) + "\n")
    machine.expect_screen(r"^flood 2 ")
    assert guest.works() < SECONDS * TIME_SCALE
    assert len(writers(guest)) == 2

    machine.keys("ctrl-c")
    guest.until("ps", lambda done: done.output.count(" lua\n") == 1, SECONDS)
    machine.type_keys("echo still-heard >/ramdisk/flood\n")
    guest.until("cat /ramdisk/flood", lambda done: done.output == "still-heard\n", 5)
    guest.check("rm /ramdisk/flood")
    machine.type_keys("kill %1\n")
    guest.until("ps", lambda done: " lua\n" not in done.output, 5)
    machine.keys("ret")                            # the shell says that the job has ended
    machine.type_keys("clear\n")
    machine.expect_screen(r"\A/\$\s*\Z", 5)
    machine.type_keys("echo alive\n")
    machine.expect_screen(r"^alive\n/\$$")


def test_output_on_two_screens(machine, guest):
    """Floods on F2 and F3 together leave the others their part of the processor."""
    count = "lua -e 'local t = os.clock(); for i = 1, 3000000 do end; print(os.clock() - t)'"
    alone = timed(lambda: guest.check(count))
    for key in ("f2", "f3"):
        machine.keys(key)
        machine.type_keys(f"clear\n{WRITER.format(1)}\n")
        machine.expect_screen(r"^flood 1 ")
    assert guest.works() < SECONDS * TIME_SCALE
    # Half of the processor is the consoles', and three programs share the rest.
    flooded = timed(lambda: guest.check(count, 60))
    assert flooded < 12 * alone, f"{flooded:.2f} s instead of {alone:.2f} s"
    for key in ("f3", "f2"):
        machine.keys(key)
        machine.keys("ctrl-c")
        machine.type_keys("clear\n")
        machine.expect_screen(r"\A/\$\s*\Z", 5)
    guest.until("ps", lambda done: " lua\n" not in done.output, 5)


# --- input -------------------------------------------------------------------------------------


def test_lines_that_nobody_reads(machine, guest):
    """96 KiB of lines during a sleep: what the queue has no room for is held up. A program then gets all."""
    machine.line("sleep 2; wc -l")
    machine.expect("wc -l\r\n")
    paste = Paste(machine, ("#" * 63 + "\r") * 1536 + "\x04")
    machine.expect(r" 1536\r\n", 60)
    paste.end()
    machine.expect_prompt()
    assert guest.check("echo alive") == "alive\n"


@pytest.mark.parametrize("text", ["x" * 65536, "echo not''run\r" * 4000], ids=["a-line-that-does-not-end", "lines"])
def test_ctrl_c_behind_what_nobody_reads(machine, guest, text):
    """Lines wait in the queue, of a line the rest is dropped with a bell: Ctrl-C gets through at once, and
    no command of them runs."""
    machine.line("sleep 1000")
    machine.expect("sleep 1000\r\n")
    begin = len(machine.transcript)
    read_while(machine, Paste(machine, text))
    interrupt(machine)
    assert ("\x07" in machine.transcript[begin:]) == ("\r" not in text)
    assert "notrun" not in guest.check("echo alive")


# --- random bytes ------------------------------------------------------------------------------

# Writes 100 KiB: bytes of all kinds, and control sequences that a terminal may know.
NOISE = r"""
math.randomseed(__SEED__)
local random, parts, n = math.random, {}, 0
local finals = "@ABCDEFGHIJKLMPSTXZ`abcdefghilmnpqrstu"
while n < 102400 do
  local s
  local kind = random(4)
  if kind == 1 then
    s = string.char(random(0, 255), random(0, 255), random(0, 255))
  elseif kind == 2 then
    local at = random(#finals)
    s = "\27[" .. ("?>!"):sub(random(3), random(3)) .. random(0, 120) .. ";" .. random(0, 99999) .. finals:sub(at, at)
  elseif kind == 3 then
    s = "\27" .. string.char(random(32, 126)) .. string.char(random(32, 126))
  else
    s = utf8.char(random(32, 0x2fff)):rep(random(20))
  end
  parts[#parts + 1] = s
  n = n + #s
end
io.write(table.concat(parts):sub(1, 102400))
"""


def attributes(machine):
    """The screen's attribute bytes."""
    path = machine.folder / "cells"
    machine.monitor(f'pmemsave 0xb8000 4000 "{path}"')
    return path.read_bytes()[1::2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_bytes_on_the_screen(machine, guest, seed):
    """A megabyte of them; then `reset` is enough for a screen that shows what it should."""
    machine.line("cat >/ramdisk/noise.lua")
    for line in NOISE.replace("__SEED__", str(seed)).strip().splitlines():
        machine.line(line)
    machine.send("\x04")
    machine.expect_prompt()
    guest.check("lua /ramdisk/noise.lua >/ramdisk/noise")
    assert guest.check("wc -c </ramdisk/noise").strip() == "102400"

    machine.keys("f2")
    machine.type_keys("cat" + " /ramdisk/noise" * 10 + "; echo done >/ramdisk/done\n")
    assert guest.works() < SECONDS * TIME_SCALE
    guest.until("cat /ramdisk/done", lambda done: done.output == "done\n", 60)
    machine.keys("ctrl-c")                         # the terminal's answers to the noise are on the line
    machine.type_keys("reset\n")
    machine.expect_screen(r"\A/\$\s*\Z", 5)
    machine.type_keys("echo alive\n")
    machine.expect_screen(r"\A/\$ echo alive\nalive\n/\$\s*\Z", 5)
    assert set(attributes(machine)) == {GREY_ON_BLACK}
    guest.check("rm /ramdisk/noise.lua /ramdisk/noise /ramdisk/done")
