# SPDX-License-Identifier: MIT
"""The shell and the small programs inside EuraliOS, over the serial line as a person would use them.

What they do in detail is tested on the host (host_shell_test.py, host_utilities_test.py); here it is
about what the system has to do for them.
"""
import re
import time

import pytest

from machine import Machine

PROMPT = "/ramdisk$ "
COLUMNS = 80


@pytest.fixture(name="machine", scope="module")
def fixture_machine():
    with Machine(time_limit=300) as machine:
        machine.expect_prompt()
        machine.command("cd /ramdisk")
        yield machine


@pytest.fixture(name="run")
def fixture_run(machine):
    """Types a command; the lines it prints."""
    def run(text):
        machine.line(text)
        lines = machine.expect_prompt().split("\n")
        echoed = (len(PROMPT) + len(text)) // COLUMNS + 1    # the shell wraps what is typed
        return lines[echoed:-1]

    yield run
    run("wait; cd /ramdisk; rm -rf *")


@pytest.mark.parametrize("command, expected", [
    ("echo a 'b  c'; pwd", ["a b  c", "/ramdisk"]),
    ("echo one >f; echo two >>f; cat <f | wc -l", ["      2"]),
    ("cat nothere 2>&1 | cat", ["cat: nothere: No such file or directory"]),
    ("ls nothere 2>e; cat e", ["ls: nothere: No such file or directory"]),
    ("nosuch; echo $?", ["shell: nosuch: command not found", "127"]),
    ("/etc; echo $?", ["shell: /etc: Is a directory", "126"]),
    ("false && echo no || echo yes", ["yes"]),
    ("(cd /bin; pwd; false); echo $? $PWD", ["/bin", "1 /ramdisk"]),
    ("A='x  y'; B=$A env | tail -1; echo \"$A\"", ["B=x  y", "x  y"]),
    ("echo a; ; echo b", ["shell: syntax error: unexpected ';'"]),
    ("mkdir -p d/e; echo x >d/e/f; cp -r d c; cat c/e/*; rm -r c; ls | cat", ["x", "d"]),
    ("echo x >a; mv a b; ln -s b c; cat c; rmdir b", ["x", "rmdir: b: Not a directory"]),
    ("echo x >/bin/x", ["shell: /bin/x: Read-only file system"]),
    ("(echo b; echo a) | cat | cat | tail -1", ["a"]),
    ("exec 3>f; echo x >&3; exec 3>&-; cat f", ["x"]),
    ("cat /bin/shell /bin/shell | cat | cat >f; cat /bin/shell | wc -c | cat >g; ls | wc -w", ["      2"]),
    ("kill -l 9; kill 9999", ["KILL", "shell: 9999: No such process"]),
    ("lua -e 'print(os.execute(\"exit 3\"))'; lua -e 'print(io.popen(\"echo hi\"):read())'",
     ["nil\texit\t3", "hi"]),
    ("head -1 /proc/list | wc -l; date +%Y | wc -c", ["      1", "      5"]),
])
def test_commands(run, command, expected):
    assert run(command) == expected


def test_large_copies_are_whole(run):
    assert run("cat /bin/lua | cat >copy; hexdump /bin/lua >1; hexdump copy >2; cp 1 3; rm copy") == []
    sizes = [line.split()[0] for line in run("wc -c 1 2 3")]
    assert sizes[0] == sizes[1] == sizes[2] != "0"


def test_crash_is_told(run):
    output = run("lua -e 'local function f() return f() + 1 end f()' 2>&1 | tail -1; echo $?")
    assert output[-1] == "0"
    lines = run("sleep 100 & kill -SEGV $!; wait $!; echo $?")
    assert lines[-1] == "139"


def test_editing(machine, run):
    assert run("echo abd\x1b[Dc\x01\x05x") == ["abcdx"]
    assert run("echo two words\x17gone") == ["two gone"]
    assert run("\x1b[A\x7f\x7f") == ["two go"]
    assert "".join(run("echo " + "0123456789" * 20)).endswith("0123456789" * 20)
    machine.send("cat /bi\tlu\t| wc -c\r")
    assert re.search(r"cat /bin/lua \| wc -c\s+\d{6}\n", machine.expect_prompt())
    machine.send("echo 'a\r")
    machine.expect("> ")
    machine.send("b'\r")
    assert machine.expect_prompt().splitlines()[-3:-1] == ["a", "b"]
    machine.send("never run\x03")
    machine.expect_prompt()
    assert run("echo $?") == ["130"]


@pytest.mark.parametrize("command", ["sleep 100", "cat", "cat | cat | cat", "lua -e 'while true do end'",
                                     "(sleep 100; echo never)", "sleep 100; echo never"])
def test_control_c(machine, run, command):
    machine.line(command)
    time.sleep(0.7)
    start = time.monotonic()
    machine.send("\x03")
    assert "never" not in machine.expect_prompt().split("^C")[-1]
    assert time.monotonic() - start < 1
    assert run("echo still; jobs") == ["still"]


def test_control_d_is_the_end_of_the_input(machine, run):
    machine.line("cat >f")
    time.sleep(0.5)
    machine.send("typed\r\x04")
    machine.expect_prompt()
    assert run("cat f") == ["typed"]


@pytest.mark.parametrize("attempt", range(5))
def test_typed_ahead(machine, run, attempt):
    """Pasted at once with the line that starts the program: all of it is the program's, editing and Ctrl-D too."""
    machine.send("cat >f\rfirst\rsecx\x7fond\r\x04")
    machine.expect_prompt()
    assert run("cat f; rm f") == ["first", "second"]


def test_background_jobs(run):
    assert re.fullmatch(r"\[1\] \d+", run("sleep 100 &")[0])
    assert re.fullmatch(r"\[1\] \d+ Running +sleep 100", run("jobs")[0])
    said = run("kill %1")                          # on several processors it may have ended by the next prompt
    time.sleep(0.3)
    said += run("")
    assert len(said) == 1 and re.fullmatch(r"\[1\] \d+ Terminated +sleep 100", said[0])
    assert run("sleep 0.1 & wait; echo done")[-1] == "done"


def test_stop_and_continue(machine, run):
    machine.line("sleep 100")
    time.sleep(0.7)
    machine.send("\x1a")
    machine.expect_prompt()
    assert re.fullmatch(r"\[1\] \d+ Stopped +sleep 100", run("jobs")[0])
    assert re.fullmatch(r"\[1\] \d+ Running +sleep 100", run("bg")[0])
    machine.line("fg")
    time.sleep(0.5)
    machine.send("\x03")
    machine.expect_prompt()
    assert run("jobs") == []


def test_pager(machine, run):
    run("hexdump /bin/true >f")
    machine.line("more f")
    machine.expect("--More--")
    machine.send(" ")
    machine.expect("--More--")
    machine.send("q")
    machine.expect_prompt()
    assert run("echo $?") == ["0"]


def test_exit_brings_a_new_shell(machine, run):
    machine.line("exit 3")
    machine.expect_prompt()
    assert run("cd /ramdisk; echo $?") == ["0"]
