# SPDX-License-Identifier: MIT
"""What the tests of supervision share: a guest whose services are killed, and the look at what is left.

    guest = Guest(machine)
    guest.run("echo x").output == "x\n"
    guest.services()["proc"].state == "up"
    with guest.balanced(): ...             all counts of the kernel are the same afterwards

A person's shell on the serial line is used for all of it, and is part of what is tested: commands are
typed with marks around them, so that what was on the line before does not matter.
"""
import re
import time
from pathlib import Path
from typing import NamedTuple

from machine import ROOT, TIME_SCALE, MachineError

# The figures of /proc/kernel and /proc/memory that must be the same when all is done.
COUNTS = ("processes", "threads", "endpoints", "gates", "memory_objects", "handles", "budgets", "irqs",
          "used_bytes", "quarantined_bytes")

BREATH = 16384                                     # bytes
LOOKS = 5

PAGE = "gopher://gopher.test/0/about.txt"          # of the site that full_network serves
PAGE_MARK = "About this site"


def service_names(*phases):
    """The services whose manifests have one of these phases, in the order of their names."""
    names = []
    for path in sorted([*ROOT.glob("servers/*/manifest"), *ROOT.glob("drivers/*/manifest")]):
        phase = re.search(r"^phase\s+(\w+)", path.read_text(encoding="utf-8"), re.M)
        if (phase[1] if phase else "boot") in phases:
            names.append(path.parent.name)
    return names


class Service(NamedTuple):
    """A line of `services`."""
    name: str
    state: str
    level: int
    restarts: int
    used: int                                      # KiB


class Output(NamedTuple):
    """What a command left."""
    status: int
    output: str


class Guest:
    """The shell on the serial line of a Machine."""

    def __init__(self, machine):
        self.machine = machine
        self._n = 0

    def run(self, command, timeout=20, patience=20):
        """Types a command; its exit status and output. `patience` is that for a shell that takes it."""
        self._n += 1
        # Quoted, so that the echo of what is typed is not taken for what is printed.
        self.machine.line(f"echo b'e'gin {self._n}; {command}; echo e'n'd {self._n} $?")
        self.machine.expect(rf"begin {self._n}\r\n", patience)
        self.machine.expect(rf"end {self._n} (\d+)\r\n", timeout)
        return Output(int(self.machine.console.match[1]),
                      self.machine.console.before.replace("\r\n", "\n"))

    def check(self, command, timeout=20):
        """Types a command that must not fail; its output."""
        done = self.run(command, timeout)
        assert done.status == 0, f"{command}: exit {done.status}: {done.output}"
        return done.output

    def until(self, command, is_good, limit, timeout=None):
        """Repeats a command until its Output is good; the seconds that it took. A prompt that does not
        answer is asked again: the shell that was asked may be gone, and another one there."""
        start = time.monotonic()
        last = None
        while time.monotonic() - start < limit * TIME_SCALE:
            try:
                last = self.run(command, timeout or 1, patience=1)
                if is_good(last):
                    return time.monotonic() - start
            except MachineError as error:
                last = error
            time.sleep(0.02)
        raise MachineError(f"{command}: not within {limit} s: {last}")

    # --- the services ---------------------------------------------------------------------------

    def services(self):
        """What `services` lists, by name."""
        found = re.findall(r"^(\S+) +(\S+) +(\d+) +(\d+) +\d+s +(\d+)K ", self.check("services"), re.M)
        return {name: Service(name, state, int(level), int(restarts), int(used))
                for name, state, level, restarts, used in found}

    def await_restart(self, name, restarts, limit=10):
        """Waits until the service was started again more than `restarts` times."""
        deadline = time.monotonic() + limit * TIME_SCALE
        while self.services()[name].restarts <= restarts:
            if time.monotonic() > deadline:
                raise MachineError(f"{name} did not die")
            time.sleep(0.1)

    def settle(self, limit=10):
        """Waits until every service that runs is up, and most of LOOKS looks at the counts show the same;
        these. Not two: one in ten finds the shell in the midst of starting the `cat` that looks."""
        deadline = time.monotonic() + limit * TIME_SCALE
        while True:
            services = self.services()
            is_up = {service.state for service in services.values()} <= {"up", "waits", "ended", "stopped"}
            looks = []
            for _ in range(LOOKS):
                looks.append(self.counts())
                time.sleep(0.1)
            usual = max(looks, key=looks.count)
            if is_up and looks.count(usual) > LOOKS // 2:
                # A heap of a service that lives may be a page larger; what nobody has is a leak.
                return usual | {"used_bytes": usual["used_bytes"] -
                                sum(service.used for service in services.values()) * 1024}
            if time.monotonic() > deadline:
                raise MachineError(f"it does not settle: {services} {looks}")

    def counts(self):
        """The kernel's counts of its objects, and the memory in use."""
        text = self.check("cat /proc/kernel /proc/memory")
        figures = dict(re.findall(r"^(\w+) (\d+)$", text, re.M))
        return {name: int(figures[name]) for name in COUNTS}

    def works(self, network=False, limit=3):
        """Waits until the prompt and, if there is one, the network work; the seconds that it took."""
        start = time.monotonic()
        self.until("echo alive", lambda done: done == (0, "alive\n"), limit)
        if network:
            left = limit - (time.monotonic() - start) / TIME_SCALE
            self.until(f"gopher -t {PAGE}", lambda done: done.status == 0 and PAGE_MARK in done.output,
                       left, timeout=limit)
        return time.monotonic() - start


def differs(name, before, after):
    """Counts must be equal. Of memory only growth counts, and of that not a few pages: heaps and slabs of
    what lives on breathe."""
    return after - before > BREATH if name == "used_bytes" else after != before


def difference(before, after):
    """How two counts differ, as text; empty if they do not."""
    return ", ".join(f"{name} {before[name]} -> {after[name]}" for name in before
                     if differs(name, before[name], after[name]))


def note(folder, text):
    """Adds a line to a table that a person may want to see after the tests."""
    path = Path(folder) / "supervision.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as table:
        table.write(text + "\n")
