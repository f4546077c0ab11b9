# SPDX-License-Identifier: MIT
"""The kernel's checks notice each invariant that is broken on purpose, and a panic says what, where and how it
came there, on the serial line and on the screen; then it ends as the command line says."""
import re
import subprocess

import pytest
from machine import BUILD, Machine

CHECKED = BUILD / "checked" / "euralios.elf"
ARCHIVE = BUILD / "kernel-test.tar"

BROKEN = {                                         # kernel/debug/check.c, debug_break
    1: "deadline", 2: "scheduler_ready_mask", 3: "n_free == table->n_free", 4: "budget->used <= budget->limit",
    5: "replier", 6: "n_reserved <= process->handles.n_free", 7: "n_accept", 8: "bytes\\[i\\] == fill",
}


def function_at(address):
    """The function of the kernel that an address lies in."""
    done = subprocess.run(["addr2line", "-f", "-e", str(CHECKED), address], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


@pytest.mark.parametrize("which", BROKEN)
def test_broken_invariant(which):
    with Machine(kernel=CHECKED, archive=ARCHIVE, append=f"break={which} panic=halt", net="none", smp=1) as machine:
        machine.expect(r"\*\*\* EuraliOS kernel panic: kernel/debug/check\.c:\d+: .*" + BROKEN[which], 60)
        machine.expect(r"backtrace:((?: 0x[0-9a-f]{16})+)\r?\n", 20)
        names = [function_at(address) for address in machine.console.match.group(1).split()]
        assert "syscall_enter" in names, names
        machine.expect_screen(r"EuraliOS kernel panic: kernel/debug/check\.c")
        machine.expect_screen(r"backtrace: 0xf")


def test_reboot():
    """Without panic=halt the machine starts again: QEMU, told not to, ends."""
    with Machine(kernel=CHECKED, archive=ARCHIVE, append="break=4", net="none", smp=1) as machine:
        machine.expect(r"kernel panic", 60)
        assert machine.wait(60) == 0


def test_several_processors():
    """The others stop: one report, and nothing after it."""
    with Machine(kernel=CHECKED, archive=ARCHIVE, append="break=2 panic=halt", net="none", smp=4) as machine:
        machine.expect(r"kernel panic", 60)
        machine.expect(r"backtrace:[^\n]*\n", 20)
        machine.expect_screen(r"backtrace: 0xf")
        assert len(re.findall("kernel panic", machine.transcript)) == 1


def test_init_ends():
    """The death record of the first program, here one that ends at once, and a halt."""
    archive = BUILD / "test" / "init-ends.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    entries = archive.with_suffix(".list")
    entries.write_text(f"bin/init={BUILD}/image/bin/ls\n", encoding="utf-8")
    subprocess.run(["tools/mkboot", str(archive), str(entries)], check=True)
    with Machine(archive=archive, append="panic=halt", net="none", smp=1) as machine:
        machine.expect(r"init died: cause \d+, status -?\d+, exception \d+", 60)
        machine.expect(r"kernel panic: init died", 20)
