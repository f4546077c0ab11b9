# SPDX-License-Identifier: MIT
"""Pages, files and pipes, again and again, while every five seconds a service that a die chose is killed in
the middle of a download. After each death all works again within three seconds; at the end nothing is left.

`make test` does it for a minute, `make soak` for ten. SOAK_SECONDS and SOAK_SEED say otherwise."""
import os
import random
import time

from machine import BUILD, TIME_SCALE, Machine
from supervision import PAGE, PAGE_MARK, Guest, difference, note, service_names

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
SEED = int(os.environ.get("SOAK_SEED", random.randrange(1 << 32)))
PERIOD = 5                                         # s between deaths
LIMIT = 3                                          # s until all works again
TRIES = 3                                          # heaps breathe by a page; a leak never comes back
SERVICES = service_names("boot", "session")
DOWNLOAD = "gopher -t gopher://10.9.0.1:7070/0/text/100000 > /tmp/page"


def kill(guest, name):
    """Kills a service while a download runs; the seconds until all works."""
    guest.machine.line(f"{DOWNLOAD} & services kill {name}")
    return guest.works(network=True, limit=LIMIT)


def work(guest):
    """A page, a file, a pipe; all of it is right, within the limit."""
    guest.until(f"gopher -t {PAGE}", lambda done: done.status == 0 and PAGE_MARK in done.output, LIMIT,
                timeout=LIMIT)
    guest.until("echo soaked > /tmp/file; cat /tmp/file | cat", lambda done: done == (0, "soaked\n"), LIMIT)


def begin_anew(guest):
    """Gives the person a new shell, and every service a new process, in the same order each time; the counts.
    So nothing is left but what leaks: a shell's history, and old gates that one service holds of another,
    are gone with their holders."""
    guest.until("rm /tmp/file /tmp/page; cat /proc/list", lambda done: " gopher\n" not in done.output, 30)
    guest.machine.line("exit")
    for name in SERVICES:
        guest.works(network=True, limit=LIMIT)
        guest.machine.line(f"services kill {name}")
    guest.works(network=True, limit=LIMIT)
    return guest.settle()


def test_soak(full_network):
    note(BUILD / "test", f"soak: seed {SEED}")
    print(f"seed {SEED}")
    die = random.Random(SEED)
    deaths, longest = [], 0.0
    with Machine(network=full_network, time_limit=SECONDS + 120) as machine:
        machine.expect_prompt(60)
        guest = Guest(machine)
        guest.works(network=True, limit=10)
        begin_anew(guest)                          # what the first death of each leaves is no leak
        before = begin_anew(guest)
        end = time.monotonic() + SECONDS * TIME_SCALE
        n_rounds = 0
        while time.monotonic() < end:
            deadline = time.monotonic() + PERIOD * TIME_SCALE
            deaths.append(die.choice(SERVICES))
            longest = max(longest, kill(guest, deaths[-1]))
            while time.monotonic() < deadline:
                work(guest)
                n_rounds += 1
        for _ in range(TRIES):
            after = begin_anew(guest)
            if not difference(before, after):
                break
    note(BUILD / "test", f"soak: {len(deaths)} deaths, {n_rounds} rounds of work, all worked again after "
         f"{longest:.2f} s at most; {difference(before, after) or 'all counts equal'}")
    assert not difference(before, after), f"seed {SEED}: {deaths}"
