# SPDX-License-Identifier: MIT
"""Calls to services that do not run: those that ended for good, are stopped or were never started end at once with an
error; those that are about to come wait; and who has an old way to a service uses it again when that is started."""
import re
import subprocess

import pytest

from machine import BUILD, ROOT, Machine, run_command
from supervision import Guest

ABSENT = "No such device or address"


@pytest.fixture(name="guest", scope="module", params=[1, 4])
def fixture_guest(request):
    """On four processors a client may be there before a service that was started."""
    with Machine(net="none", smp=request.param, time_limit=400) as machine:
        machine.expect_prompt()
        yield Guest(machine)


def quick(guest, command):
    """Runs a command that must not wait for anything."""
    return guest.run(command, timeout=5)


# --- no network card ---------------------------------------------------------------------------------

@pytest.mark.parametrize("smp", [1, 4])
def test_without_a_card_a_command_of_run_sees_what_is_there(smp):
    done = run_command("ls /dev > /ramdisk/list; echo status $?; cat /ramdisk/list", net="none", smp=smp, time_limit=60)
    assert f"ls: /dev/nic: {ABSENT}\n" in done.output
    assert {"nic", "null", "random", "serial", "tty2"} <= set(done.output.split())
    assert "status 1\n" in done.output


def test_without_a_card_all_of_dev_is_listed(guest):
    assert guest.services()["rtl8139"].state == "ended"
    done = quick(guest, "ls -l /dev | cat")
    assert done.output.count(ABSENT) == 1
    assert re.search(r"^\?{10} +\? +\? +\? nic$", done.output, re.M)
    assert re.search(r"^crw-rw-rw- .* null$", done.output, re.M)


def test_without_a_card_programs_say_so(guest):
    assert quick(guest, "cat /dev/nic") == (1, f"cat: /dev/nic: {ABSENT}\n")
    assert "none" in quick(guest, "net").output
    done = quick(guest, "gopher -t gopher://10.0.2.2/")
    assert done.status != 0 and "no route" in done.output
    done = quick(guest, "services crash rtl8139")
    assert (done.status, done.output) == (1, "services: rtl8139: the service is not running\n")


# --- stopped and started -----------------------------------------------------------------------------

def test_a_stopped_service_is_an_error_and_a_started_one_works(guest):
    guest.check("echo kept > /ramdisk/old")
    for _ in range(3):
        guest.check("services stop pipe")
        assert quick(guest, "cat /dev/zero") == (1, f"cat: /dev/zero: {ABSENT}\n")
        assert ABSENT in quick(guest, "echo x | cat").output
        assert guest.services()["pipe"].state == "stopped"
        # At once: its clients wait for it while it starts.
        assert quick(guest, "services start pipe; head -c 2 /dev/zero | wc -c").output.split() == ["2"]
    assert guest.check("cat /ramdisk/old") == "kept\n"


def test_clients_of_one_that_restarts_wait(guest):
    """With back-off in between: each call is answered by the next run."""
    for _ in range(4):
        guest.check("services kill clock")
        done = quick(guest, "ls -l /dev/clock")
        assert done.status == 0, done.output
    assert guest.services()["clock"].restarts >= 4


def test_one_that_waits_for_what_ended_is_absent_too(guest):
    """network needs pci: while that is stopped, network cannot come."""
    guest.check("services stop network pci")
    assert quick(guest, "cat /dev/net") == (1, f"cat: /dev/net: {ABSENT}\n")
    guest.check("services start pci network")
    assert "none" in quick(guest, "net").output


# --- never started -----------------------------------------------------------------------------------

MANIFEST = "program {}\nphase {}\nlevel 1\npriority 44\nbudget 512 KiB\nhandles system-clock\nserves /dev/{}:0\n"


@pytest.fixture(name="archive", scope="module")
def fixture_archive(tmp_path_factory):
    """The boot archive with two services more: one to be started by hand, and one that init refuses; and two whose
    names are longer than one may be, and than init looks at."""
    folder = tmp_path_factory.mktemp("archive")
    lines = [(BUILD / "boot.list").read_text(encoding="utf-8")]
    for name, program, phase in (("byhand", "/bin/clock", "manual"), ("broken", "/bin/nosuch", "boot"),
                                 ("n" * 24, "/bin/clock", "manual"), ("n" * 60, "/bin/clock", "manual")):
        (folder / name).write_text(MANIFEST.format(program, phase, name), encoding="ascii")
        lines.append(f"etc/services/{name}.manifest={folder / name}\n")
    (folder / "list").write_text("".join(lines), encoding="utf-8")
    subprocess.run([str(ROOT / "tools" / "mkboot"), str(folder / "boot.tar"), str(folder / "list")], check=True, cwd=ROOT)
    return folder / "boot.tar"


def test_services_that_were_never_started(archive):
    done = run_command("services; cat /dev/byhand; cat /dev/broken; services start byhand; ls -l /dev/byhand;"
                       " services start broken", archive=archive, net="none", time_limit=60)
    assert re.search(r"^byhand +waits", done.output, re.M)
    assert re.search(r"^broken +refused", done.output, re.M)
    assert f"cat: /dev/byhand: {ABSENT}\ncat: /dev/broken: {ABSENT}\ncrw" in done.output
    assert "services: broken: " in done.output
    for n in (24, 60):
        assert f"/{'n' * n}.manifest:0: the service's name is too long; not started" in done.transcript
        assert not re.search(rf"^{'n' * 20}", done.output, re.M)
