# SPDX-License-Identifier: MIT
"""Two logins: whatever a bomb does in the one on a screen, the one on the serial line goes on as a person
expects. The bombs are those of tests/guest/posix/posix_bombs.c, and one in the language of the shell."""
import re

import pytest

from machine import BUILD, Machine
from supervision import Guest, difference

BOMBS = ["fork", "threads", "lists", "queue", "pipes", "files", "memory"]
KEPT = 32 * 4096                                   # bytes: first pages of rings that the pipe server may keep

# What a person does, by what makes it: programs of /bin, processes that fork, pipes, files, memory.
WORK = [
    ("ls / /bin /dev /etc >/dev/null; echo $?", "0\n"),
    ("echo one | cat | cat", "one\n"),
    ("dash -c 'echo $(echo sub) & wait'", "sub\n"),
    ("echo text >/tmp/login; cat /tmp/login; rm /tmp/login", "text\n"),
    ("lua -e 'local t = {}; for i = 1, 20000 do t[i] = {i} end; print(#t)'", "20000\n"),
]


@pytest.fixture(name="machine", scope="module")
def fixture_machine():
    with Machine(archive=BUILD / "test.tar", time_limit=400) as machine:
        machine.expect_prompt()
        machine.expect_screen(r"^/\$$")
        # The first ones: what servers and the shells keep of them.
        for key, bomb in (("f2", "fork"), ("f2", "lists"), ("f2", "pipes"), ("f3", "files")):
            set_off(machine, bomb, key)
            end(machine, key)
        yield machine


def set_off(machine, bomb, key="f2"):
    """A bomb on one of the screens, until it gets no further."""
    machine.keys(key)
    machine.expect_screen(r"/\$\s*\Z")
    machine.type_keys(f"clear; /tests/posix_bombs {bomb} 0\n")
    machine.expect_screen(r"^bomb: as far as it can ", 60)


def end(machine, key="f2"):
    """Ctrl-C ends it, and the shell there takes commands."""
    machine.keys(key)
    machine.keys("ctrl-c")
    machine.type_keys("clear\n")
    machine.expect_screen(r"\A/\$\s*\Z", 30)


def work(guest):
    """A person's work; each command is done within 20 s. Reports of the log come between, but few."""
    n_reports = 0
    for command, output in WORK:
        printed = guest.check(command)
        n_reports += len(re.findall(r"^ +\d+\.\d+ proc: .* ended: ", printed, re.M))
        assert re.sub(r"^ +\d+\.\d+ .*\n", "", printed, flags=re.M) == output, command
    assert n_reports < 10


@pytest.fixture(name="guest", autouse=True)
def fixture_guest(machine):
    """The shell on the serial line. After the test all services are the same, and so are the counts."""
    guest = Guest(machine)
    work(guest)
    before, restarts = guest.settle(), [service.restarts for service in guest.services().values()]
    yield guest
    assert [service.restarts for service in guest.services().values()] == restarts
    before["used_bytes"] += KEPT
    after = guest.settle()
    # One handle less is no leak: on several processors a server may not have come to closing it when that began.
    left = difference({name: min(before[name], after[name]) for name in before}, after)
    assert not left, f"the bomb leaves {left}"


@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_in_another_login(machine, guest, bomb):
    set_off(machine, bomb)
    work(guest)
    end(machine)
    machine.type_keys("lua -e 'print(6 * 7)'\n")
    machine.expect_screen(r"^42$")


def test_bombs_in_two_other_logins(machine, guest):
    """What two take of the files that can be open leaves a third login enough."""
    for key in ("f2", "f3"):
        set_off(machine, "files", key)
    work(guest)
    for key in ("f2", "f3"):
        end(machine, key)


def test_bomb_of_the_shell(machine, guest):
    """The classic, whose processes all want the processor. A shell that is gone with them comes again."""
    machine.keys("f2")
    machine.type_keys("clear; dash\n")
    machine.type_keys("b() { b | b & }; b\n")
    machine.expect_screen(r"Cannot fork", 60)
    work(guest)
    machine.type_keys("kill -9 -1\n")
    machine.expect_screen(r"/\$\s*\Z", 30)          # behind dash's own, if that came to print it before it is hung up
    machine.type_keys("lua -e 'print(6 * 7)'\n")
    machine.expect_screen(r"^42$")
