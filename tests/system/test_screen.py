# SPDX-License-Identifier: MIT
"""The text screen and the keyboard, through QEMU's monitor."""
import re
import time

import pytest

GREY_ON_BLACK = 0x07


@pytest.fixture
def machine(boot):
    m = boot()
    m.expect_prompt()
    m.expect_screen(r"^/\$$")
    return m


def cells(machine):
    """The screen's attribute bytes, row by row."""
    path = machine.folder / "cells"
    machine.monitor(f'pmemsave 0xb8000 4000 "{path}"')
    content = path.read_bytes()[1::2]
    return [content[i:i + 80] for i in range(0, 2000, 80)]


def type_line(machine, text):
    machine.type_keys(text + "\n")


def show(machine, lua):
    """Writes to the screen from the serial line: what keys cannot type."""
    machine.command(f"lua -e '{lua}' > /dev/tty2")


def shells(machine):
    return len(re.findall(r"shell$", machine.command("ps"), re.M))


def test_a_shell_on_f2(machine):
    type_line(machine, 'echo "Hello, World!" | cat; pwd')
    machine.expect_screen(r"^Hello, World!\n/\n/\$$")
    assert "Hello" not in machine.transcript            # the serial line has a session of its own


def test_the_log_on_f1(machine):
    machine.keys("f1")
    machine.expect_screen(r"EuraliOS ready \([0-9.]+ ms since kernel entry\)$")
    machine.type_keys("x")                              # nobody reads there
    machine.keys("f2")
    machine.expect_screen(r"^/\$$")


def test_the_log_scrolls_back(machine):
    for _ in range(10):
        machine.command("services restart pipe; services restart ramfs; sleep 0.2")
    machine.keys("f1")
    time.sleep(0.5)
    bottom = machine.screen()
    if "Merriwig" in bottom[0]:
        pytest.skip("the log fits on the screen")
    for _ in range(20):
        machine.keys("pgup")
    machine.expect_screen(r"\AMerriwig")
    for _ in range(20):
        machine.keys("pgdn")
    machine.expect_screen(re.escape(bottom[0]))


def test_a_screen_scrolls_back(machine):
    type_line(machine, "lua -e 'for i = 1, 100 do print(i) end'")
    machine.expect_screen(r"^100\n/\$$")
    machine.keys("shift-pgup")
    machine.expect_screen(r"^60$")
    machine.type_keys("x")                              # who types wants to see it
    machine.expect_screen(r"^100\n/\$ x$")


def test_a_shell_on_f3_when_it_is_looked_at(machine):
    before = shells(machine)
    machine.keys("f3")
    machine.expect_screen(r"\A/\$$")
    assert shells(machine) == before + 1
    type_line(machine, "echo third")
    machine.expect_screen(r"^third$")
    machine.keys("f2")
    machine.expect_screen(r"\A/\$$")                    # each has a picture of its own
    machine.keys("f3")
    machine.expect_screen(r"^third$")


def test_ctrl_c_on_the_keyboard(machine):
    type_line(machine, "cat")
    machine.type_keys("abc\n")
    machine.expect_screen(r"^abc\nabc$")
    machine.keys("ctrl-c")
    machine.expect_screen(r"^\^C\n/\$$")
    type_line(machine, "lua -e 'while true do end'")
    time.sleep(0.5)
    machine.keys("ctrl-c")
    machine.expect_screen(r"interrupted!(.*\n)*/\$$")


def test_dash_and_its_jobs_on_the_keyboard(machine):
    type_line(machine, "dash")
    type_line(machine, "echo ready")
    machine.expect_screen(r"^ready$")
    type_line(machine, "cat")
    machine.keys("ctrl-z")
    machine.expect_screen(r"\[1\] \+ Stopped +cat$")
    type_line(machine, "sleep 100 &")
    type_line(machine, "jobs")
    machine.expect_screen(r"^\[2\] . Running +sleep 100$")
    type_line(machine, "fg %1")
    machine.expect_screen(r"^cat$")
    type_line(machine, "again")
    machine.expect_screen(r"^again\nagain$")
    machine.keys("ctrl-d")
    type_line(machine, "kill %2; wait; exit 3")
    type_line(machine, "ps | awk '/dash$/' | wc -l")
    machine.expect_screen(r"^ *0\n/\$$")                # it is gone, and so are its jobs


def test_an_editor_on_the_keyboard(machine):
    """Raw mode: keys one by one, the cursor's too, and Ctrl-C is one of them."""
    type_line(machine, "nano /tmp/note")
    machine.expect_screen(r"GNU nano.*/tmp/note")
    machine.type_keys("lst line")
    machine.keys("home", "right")
    machine.type_keys("a")
    machine.keys("ctrl-c")
    machine.expect_screen(r"line  1/2")
    machine.keys("ctrl-o", "ret")
    machine.expect_screen(r"Wrote 1 line")
    machine.keys("ctrl-x")
    machine.expect_screen(r"^/\$$")
    type_line(machine, "cat /tmp/note")
    machine.expect_screen(r"^last line$")


def test_colours_and_characters(machine):
    show(machine, r'io.write("\27[2J\27[H\27[31mred\27[0m \27[1;44mbold\27[0m \27[7mrev\27[0m \27[38;5;10mx")')
    show(machine, r'io.write("\27[0m\27[5;10H\u{e4}\u{df}\u{2502}\u{20ac}\u{4e2d}\u{301}\27[8;80Hab")')
    rows = machine.screen()
    attributes = cells(machine)
    assert rows[0].startswith("red bold rev x")
    assert list(attributes[0][:3]) == [4] * 3
    assert list(attributes[0][4:8]) == [0x1f] * 4       # white on blue
    assert list(attributes[0][9:12]) == [0x70] * 3
    assert attributes[0][13] == 0x0a                    # bright green
    assert rows[4][9:].startswith("äß│E")
    assert rows[7].endswith("a") and rows[8].startswith("b")
    assert attributes[20][40] == GREY_ON_BLACK


def test_full_screen_programs_leave_no_trace(machine):
    type_line(machine, "echo before")
    machine.expect_screen(r"^before$")
    show(machine, r'io.write("\27[?1049h\27[2J\27[Hfull screen")')
    machine.expect_screen(r"\Afull screen")
    show(machine, r'io.write("\27[?1049l")')
    machine.expect_screen(r"^before$")


def test_hostile_output(machine):
    """Random bytes and sequences: the console goes on."""
    machine.command("head -c 200000 /dev/random > /dev/tty2", timeout=60)
    show(machine, r'io.write("\27[999999999;999999999H\27[99999999L\27[1;999999999r\27[-1C", ("\27]0;x"):rep(9999))')
    show(machine, r'io.write("\24\27c")')
    machine.keys("ret")
    machine.expect_screen(r"^/\$$")
    assert re.search(r"console +up +3 +0 ", machine.command("services"))


def test_layouts(boot):
    machine = boot(append="keymap=de")
    machine.expect_prompt()
    machine.expect_screen(r"^/\$$")
    machine.type_keys("echo zy")                        # Z and Y change places
    machine.keys("alt_r-q", "semicolon", "shift-apostrophe")
    machine.expect_screen(r"^/\$ echo yz@öÄ$")
    machine.keys("ret")
    machine.command("echo us > /dev/keymap")
    assert machine.command("cat /dev/keymap") == "us\n"
    type_line(machine, "echo zy-us")
    machine.expect_screen(r"^zy-us$")
    machine.command("echo ../x > /dev/keymap")          # no name of a layout: the old one stays
    assert machine.command("cat /dev/keymap") == "us\n"


def test_locks(machine):
    machine.keys("caps_lock")
    machine.type_keys("echo abc")
    machine.keys("caps_lock")
    machine.type_keys("abc")
    machine.expect_screen(r"^/\$ ECHO ABCabc$")


@pytest.mark.parametrize("how", ["kill", "spin"])
@pytest.mark.parametrize("service", ["console", "ps2", "log"])
def test_services_are_restarted(machine, service, how):
    machine.command(f"services {how} {service}")
    begin = time.monotonic()
    machine.keys("f2")
    for _ in range(30):
        time.sleep(0.2)
        machine.type_keys("echo back-again\n")
        if "back-again" in machine.screen():
            break
    assert time.monotonic() - begin < 5
    assert re.search(service + r" +up +\d +1 ", machine.command("services"))
    machine.keys("f1")
    machine.expect_screen(r"EuraliOS ready")


@pytest.mark.parametrize("options", [{"machine": "pc,i8042=off"}, {"extra": ("-vga", "none")}])
def test_machines_without(boot, options):
    machine = boot(**options)
    machine.expect_prompt(10)
    absent = "ps2" if "machine" in options else "console"
    assert re.search(absent + " +ended ", machine.command("services"))
    if absent == "ps2":
        machine.expect_screen(r"^/\$$")                 # the screen shows a shell all the same
