# SPDX-License-Identifier: MIT
"""Every server is used by two clients at once, one of which stalls: it is stopped, or does not take what it
asked for, or nobody takes what it gives. The other goes on as fast as alone, and when the first is killed
nothing of it is left."""
import re
import sys
import time

import pytest

from machine import TIME_SCALE, Machine
from supervision import Guest, difference

SLOWER = 3                                         # times, at most: the machine that tests is busy
GRACE = 0.3                                        # s

# What stalls; what others do meanwhile, and what that prints.
STALLS = {
    "pipe, never read": ("cat /dev/zero | sleep 1000", "head -c 2000000 /dev/zero | wc -c", r" *2000000\n"),
    "pipe, never written": ("sleep 1000 | cat", "echo through | cat | cat", r"through\n"),
    "archive": ("cat /bin/lua | sleep 1000", "cat /bin/lua > /dev/null; echo $?", r"0\n"),
    "ramfs": ("cat /tmp/large | sleep 1000", "cat /tmp/large | wc -c", r" *1000000\n"),
    "ramfs, while written": ("cat /dev/zero | sleep 1000 > /tmp/held",
                             "cp /tmp/large /tmp/copy; wc -c /tmp/copy; rm /tmp/copy", r" *1000000 /tmp/copy\n"),
    "log": ("cat /dev/log | sleep 1000", "cat /log > /dev/null; echo $?", r"0\n"),
    "random": ("cat /dev/urandom | sleep 1000", "head -c 100000 /dev/random | wc -c", r" *100000\n"),
    "proc": ("sleep 1000", "ps > /dev/null; echo $?", r"0\n"),
    "names": ("ls -l / /dev | sleep 1000", "ls /dev > /dev/null; echo $?", r"0\n"),
}


def timed(guest, command, pattern):
    start = time.monotonic()
    output = guest.check(command)
    assert re.fullmatch(pattern, output), output
    return time.monotonic() - start


def pids(guest, *names):
    """Processes with these names, from the list that proc makes."""
    return re.findall(rf"^(\d+) .* (?:{'|'.join(names)})$", guest.check("cat /proc/list"), re.M)


def stall_and_work(guest, stall, work, pattern):
    """How long the work takes beside what stalls, and what is left when that has been killed."""
    own = set(pids(guest, "cat"))
    guest.machine.line(f"{stall} &")
    time.sleep(0.3)
    found = [pid for pid in pids(guest, "cat", "sleep", "ls") if pid not in own]
    for pid in found:
        guest.run(f"kill -STOP {pid}")
    seconds = min(timed(guest, work, pattern) for _ in range(2))
    for pid in found:
        guest.run(f"kill -KILL {pid}")
    guest.until("cat /proc/list", lambda done: " sleep\n" not in done.output, 5)
    guest.run("rm /tmp/held")
    return seconds, guest.settle()


@pytest.fixture(name="guest", scope="module")
def fixture_guest():
    with Machine(time_limit=300) as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        guest.check("head -c 1000000 /dev/zero > /tmp/large")
        yield guest


@pytest.mark.parametrize("name", STALLS)
def test_other_client_goes_on(guest, name):
    stall, work, pattern = STALLS[name]
    alone = max(timed(guest, work, pattern) for _ in range(2))
    counts = []
    for _ in range(3):
        seconds, count = stall_and_work(guest, stall, work, pattern)
        counts.append(count)
        assert seconds < (SLOWER * alone + GRACE) * TIME_SCALE, f"{seconds:.2f} s, alone {alone:.2f} s"
    assert not difference(counts[1], counts[2])


def test_terminal_whose_output_nobody_takes():
    """The host reads nothing of an endless output on the serial line; the shell on the screen goes on."""
    with Machine() as machine:
        machine.expect_prompt(60)
        machine.line("cat /dev/urandom | hexdump")
        time.sleep(1)                              # the line between QEMU and us is full
        machine.keys("f2")
        machine.expect_screen(r"\$ *$", timeout=5)
        machine.type_keys("echo on the screen\n")
        machine.expect_screen(r"^on the screen$", timeout=5)
        machine.send("\x03")                       # and a person can end it
        machine.line("echo on the line")
        machine.expect(r"\non the line\r\n", timeout=20)


def start_deaf_peer(network):
    """Accepts connections on port 7200 and reads nothing."""
    network.start(sys.executable, "-c", "import socket, time\nserver = socket.create_server(('', 7200))\n"
                  "held = [server.accept() for _ in range(9)]\ntime.sleep(999)", name="deaf")
    time.sleep(0.5)


def test_tcp_peer_that_never_reads(full_network):
    with Machine(network=full_network) as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        guest.works(network=True, limit=10)
        start_deaf_peer(full_network)
        alone = max(timed(guest, "gopher -t gopher://10.9.0.1:7070/0/text/100000 | wc -c", r" *\d+\n")
                    for _ in range(2))
        guest.machine.line("cat /dev/zero > /tcp/10.9.0.1/7200 &")
        time.sleep(1)
        seconds = min(timed(guest, "gopher -t gopher://10.9.0.1:7070/0/text/100000 | wc -c", r" *\d+\n")
                      for _ in range(2))
        assert seconds < (SLOWER * alone + GRACE) * TIME_SCALE, f"{seconds:.2f} s, alone {alone:.2f} s"
