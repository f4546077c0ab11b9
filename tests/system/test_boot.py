# SPDX-License-Identifier: MIT
"""Starting: the run= protocol, and the machines, processors, memory sizes and boot ways that must work."""
import re
import subprocess
import time

import pytest

from machine import BUILD, PROMPT, READY, ROOT, Machine, run_command

MACHINES = ["pc", "q35", "pc,i8042=off", "pc,hpet=off", "q35,i8042=off", "q35,hpet=off"]
CPUS = ["max", "qemu64", "Opteron_G1"]
MEMORIES = ["48M", "64M", "3584M", "8G"]


def boots(**options):
    done = run_command("echo alive", **options)
    assert (done.status, done.output) == (0, "alive\n")
    return done


# --- the run= protocol -----------------------------------------------------------------------------

@pytest.mark.parametrize("command, status, output", [
    ("echo one; echo two", 0, "one\ntwo\n"),
    ("exit 3", 3, ""),
    ("exit 200", 200, ""),
    ("echo a | cat", 0, "a\n"),
    ("nosuchprogram", 127, None),
])
def test_run(command, status, output):
    done = run_command(command)
    assert done.status == status
    assert output is None or done.output == output
    assert f"run: {command}\n" in done.transcript


def test_run_line_may_hold_options_of_the_kernel():
    """run= takes the rest of the line, whatever it looks like."""
    assert run_command("echo panic=halt run=x").output == "panic=halt run=x\n"


def test_boot_log_ends_with_ready_and_prompt():
    with Machine() as machine:
        machine.expect(PROMPT, timeout=60)
        log = machine.transcript.replace("\r", "").splitlines()
        ready = [line for line in log if re.search(READY, line)]
        assert len(ready) == 1 and re.search(r"\d", ready[0])


# --- hardware --------------------------------------------------------------------------------------

@pytest.mark.parametrize("machine", MACHINES)
def test_machine(machine):
    boots(machine=machine)


@pytest.mark.parametrize("cpu", CPUS)
def test_cpu(cpu):
    boots(cpu=cpu)


@pytest.mark.parametrize("memory", MEMORIES)
def test_memory(memory):
    boots(memory=memory)


@pytest.mark.parametrize("smp", [2, 3, 4, 8])
def test_several_processors(smp):
    assert f"{smp} processors\n" in boots(smp=smp).transcript


def test_fewer_processors_if_wanted():
    assert "2 processors\n" in boots(smp=4, append="cpus=2").transcript


def test_more_processors_than_it_can_use():
    assert "8 processors\n" in boots(smp=10).transcript


# A pin of QEMU's I/O APIC that is in use: number, vector, trigger.
UNMASKED = r"pin (\d+) +0x\w+ dest=0 vec=(\d+) +active-hi +(edge|level) +fixed +physical$"


def interrupt_controllers(machine):
    """QEMU's view of them, once serial line, keyboard and network card have their interrupts."""
    machine.expect_prompt()
    for _ in range(20):
        if "1 received" in machine.command("ping -c 1 -W 1 10.0.2.2"):
            return machine.monitor("info pic").replace("\r", "")
        time.sleep(0.2)
    raise AssertionError("no answer: " + machine.transcript)


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_lines_come_to_the_io_apic(machine):
    """Levels, where the MADT says so of the line. The 8259 keeps the edges of the ISA bus, and its cascade."""
    with Machine(machine=machine) as m:
        state = interrupt_controllers(m)
    assert re.findall(UNMASKED, state, re.M) == [("11", "59", "level")], state
    assert "imr=e9" in state and "imr=ff" in state, state


def test_lines_come_to_the_8259():
    """Where nothing says how they come to an I/O APIC."""
    with Machine(machine="pc,acpi=off", smp=1) as m:
        state = interrupt_controllers(m)
    assert not re.search(UNMASKED, state, re.M), state
    assert "imr=e9" in state and "imr=f7" in state, state


def test_no_network_card():
    start = time.monotonic()
    boots(net="none")
    assert time.monotonic() - start < 30


def test_dhcp_server_never_answers(network):
    """Nothing waits for the lease but run=, and that for three seconds."""
    start = time.monotonic()
    boots(network=network)
    assert time.monotonic() - start < 30


# --- boot ways -------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("iso") / "test.iso"
    subprocess.run([str(ROOT / "tools" / "mkiso"), str(path), "--kernel", str(BUILD / "euralios.elf"),
                    "--archive", str(BUILD / "boot.tar"), "--arguments", "run=echo alive"], check=True)
    return path


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_iso_on_bios(image, machine):
    boots(iso=image, machine=machine)


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_iso_on_uefi(image, machine):
    boots(iso=image, uefi=True, machine=machine, memory="256M", time_limit=240)


def test_the_iso_of_make_iso_reaches_the_prompt():
    with Machine(iso=BUILD / "euralios.iso") as machine:
        machine.expect(READY, timeout=60)
        machine.expect_prompt()
