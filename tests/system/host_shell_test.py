# SPDX-License-Identifier: MIT
"""The shell, built for the host: scripts, and a person at a pseudo-terminal."""
import fcntl
import os
import re
import signal
import struct
import subprocess
import tempfile
import termios
import time
from pathlib import Path

import pexpect
import pytest
from pexpect import fdpexpect

from host_programs import environment, program

TIMEOUT = 30  # of what takes well under a second on an idle machine


def run(command, *arguments, cwd=None, stdin="", **variables):
    """shell -c; returns (status, standard output, standard error)."""
    done = subprocess.run([program("shell"), "-c", command, *arguments], cwd=cwd, input=stdin,
                          capture_output=True, text=True, timeout=TIMEOUT, check=False,
                          env=environment(**variables))
    return done.returncode, done.stdout, done.stderr


def out(command, *arguments, **options):
    """The output of a command that must succeed in silence."""
    status, stdout, stderr = run(command, *arguments, **options)
    assert (status, stderr) == (0, "")
    return stdout


# --- commands ------------------------------------------------------------------------------------

@pytest.mark.parametrize("command, expected", [
    ("echo a 'b  c' \"d e\" f\\ g", "a b  c d e f g\n"),
    ("echo one; echo two", "one\ntwo\n"),
    ("true && echo yes || echo no", "yes\n"),
    ("false && echo yes || echo no", "no\n"),
    ("false || false || echo last", "last\n"),
    ("true || echo never; echo after", "after\n"),
    ("echo hello | tr a-z A-Z | rev", "OLLEH\n"),
    ("echo a | cat && echo b", "a\nb\n"),
    ("pwd | cat", None),
    ("false | true; echo $?; true | false; echo $?", "0\n1\n"),
    ("nosuch 2>/dev/null; echo $?", "127\n"),
    ("sh -c 'exit 7'; echo $? $?", "7 7\n"),
    ("A=1 B='x  y'; echo $A \"$B\" $B ${A}2", "1 x  y x y 12\n"),
    ("A=1; A=2 sh -c 'echo $A'; echo $A", "2\n1\n"),
    ("A=1; sh -c 'echo \"<$A>\"'", "<>\n"),
    ("A=1; export A B=2; sh -c 'echo $A$B'; unset A; sh -c 'echo \"<$A>\"'", "12\n<>\n"),
    ("A=1 >/dev/null; echo $A", "1\n"),
    ("(cd /; A=2; pwd; exit 3); echo $? \"<$A>\"", "/\n3 <>\n"),
    ("(echo a; echo b) | cat", "a\nb\n"),
    ("echo a # b; echo c", "a\n"),
    ("echo a; exit 0; echo never", "a\n"),
    ("cd /tmp; cd /; cd -; echo $PWD $OLDPWD", "/tmp\n/tmp /\n"),
    ("exec echo replaced; echo never", "replaced\n"),
    ("pwd >/dev/null; echo still", "still\n"),
    ("exec 3>&1; echo a >&3; exec >/dev/null; echo b; echo c >&3", "a\nc\n"),
    ("sleep 0.1 & wait $!; echo $?; sh -c 'exit 5' & wait $!; echo $?", "0\n5\n"),
    ("sleep 0.1 & sleep 0.2 & wait; jobs; echo done", "done\n"),
    ("false & wait %1; echo $?", "1\n"),
    ("true && sleep 0.05 && echo bg & wait; echo fg", "bg\nfg\n"),
    ("cat & wait; echo not stuck", "not stuck\n"),          # no terminal for it: /dev/null
    ("sleep 100 & kill $!; wait $! 2>/dev/null; echo $?", "143\n"),
    ("sleep 100 & kill -9 %1; wait %1; echo $?", "137\n"),
    ("kill -l 2; kill -l INT; kill -l 137", "INT\n2\nKILL\n"),
    ("history; jobs; :; true", ""),
    ("yes | head -1", "y\n"),                               # a broken pipe is not worth a word
    ("echo ~/x ~", "/home/me/x /home/me\n"),
    ("help exit", "exit [STATUS]: ends the shell\n"),
])
def test_commands(command, expected, tmp_path):
    if expected is None:
        expected = f"{tmp_path}\n"
    assert out(command, cwd=tmp_path, stdin="from outside", HOME="/home/me") == expected


def test_parameters():
    assert out('echo $0 $1 "$2" $# "$@"', "name", "a b", "") == "name a b  2 a b \n"
    assert out("echo $0 $#") == "shell 0\n"
    assert re.fullmatch(r"(\d+) \1\n", out("echo $$ $$"))


def test_redirections(tmp_path):
    assert out("echo a >f; echo b >>f; cat <f; ls nothere >e 2>&1; echo $?; cat e",
               cwd=tmp_path) == "a\nb\n1\nls: nothere: No such file or directory\n"
    assert out("sh -c 'echo o; echo e >&2' 2>e >o; cat o e", cwd=tmp_path) == "o\ne\n"
    assert out("sh -c 'echo o; echo e >&2' 2>&1 >o | cat; cat o", cwd=tmp_path) == "e\no\n"
    assert out(">new; cat new; echo x >'a b'; cat a\\ b; cat <a*b", cwd=tmp_path) == "x\nx\n"
    assert out("(echo 1; echo 2) >f; cat f", cwd=tmp_path) == "1\n2\n"
    assert out("F=f; echo $F >$F; cat \"$F\"", cwd=tmp_path) == "f\n"


def test_swapping_descriptors(tmp_path):
    status, stdout, stderr = run("sh -c 'echo o; echo e >&2' 3>&1 1>&2 2>&3 3>&-", cwd=tmp_path)
    assert (status, stdout, stderr) == (0, "e\n", "o\n")


def test_closed_descriptors():
    status, _, stderr = run("echo x >&-")
    assert status != 0 and "write error" in stderr
    assert run("pwd >&-")[::2] == (1, "shell: pwd: write error: Bad file descriptor\n")
    assert run("help >/dev/full")[::2] == (1, "shell: help: write error: No space left on device\n")


def test_children_have_no_descriptors_of_the_shell():
    assert out("ls /proc/self/fd | cat; (ls /proc/self/fd) | cat") == "0\n1\n2\n3\n" * 2


def test_globbing(tmp_path):
    for name in ("a.c", "b.c", ".h", "x y"):
        (tmp_path / name).touch()
    assert out("echo *.c *y '*' *.none", cwd=tmp_path) == "a.c b.c x y * *.none\n"
    assert out("A='*.c'; echo $A \"$A\"", cwd=tmp_path) == "a.c b.c *.c\n"


@pytest.mark.parametrize("command, status, message", [
    ("nosuch", 127, "nosuch: command not found"),
    ("/no/such", 127, "/no/such: No such file or directory"),
    ("''", 127, ": command not found"),
    ("for i in 1", 127, "for: command not found (dash has it)"),
    ("/etc/passwd", 126, "/etc/passwd: Permission denied"),
    ("/etc", 126, "/etc: Is a directory"),
    ("/etc/passwd/x", 127, "/etc/passwd/x: Not a directory"),
    ("cd /no/such", 1, "cd: /no/such: No such file or directory"),
    ("cd a b", 2, "cd: too many arguments (see: help)"),
    ("cat <nothere", 1, "nothere: No such file or directory"),
    ("pwd >/no/such", 1, "/no/such: No such file or directory"),
    ("pwd >&7", 1, "7: Bad file descriptor"),
    ("pwd >&x", 1, "x: not a descriptor from 0 to 9"),
    ("pwd >$NOTHING", 1, "$NOTHING: redirection to nothing"),
    ("echo ${A:-b}", 1, "bad substitution: ${A:-b}"),
    ("exit many", 2, "exit: the status must be a number from 0 to 255 (see: help)"),
    ("export 1a=b", 1, "export: 1a=b: not a variable's name"),
    ("unset a-b", 1, "unset: a-b: not a variable's name"),
    ("wait 99999", 127, "wait: 99999: no such job"),
    ("fg", 1, "fg: there is no job"),
    ("bg %3", 1, "bg: %3: no such job"),
    ("kill", 2, "no process given"),
    ("kill -NOPE 1", 2, "NOPE: no such signal"),
    ("kill x", 1, "x: not a process id"),
    ("kill -- -1", 1, "-1: not a process id"),
    ("kill %1", 1, "kill: %1: no such job"),
    ("exec nosuch; echo never", 127, "nosuch: command not found"),
    ("sh -c 'kill -SEGV $$'", 139, "sh: Segmentation fault"),
    ("sh -c 'kill -KILL $$'", 137, "sh: Killed"),
])
def test_errors(command, status, message):
    assert run(command) == (status, "", f"shell: {message}\n")


@pytest.mark.parametrize("command, message", [
    ("echo 'a", "unterminated single quote"),
    ('echo "a', "unterminated double quote"),
    ("echo a |", "unexpected end of input after '|'"),
    ("echo a && && b", "unexpected '&&' after '&&'"),
    ("echo a; ; b", "unexpected ';'"),
    ("echo $(ls)", "command substitution is not supported"),
    ("cat <<E", "here-documents (<<) are not supported"),
    ("(echo a", "'(' is not closed"),
    ("echo a)", "unexpected ')'"),
    ("echo >", "unexpected end of input after '>'"),
])
def test_syntax_errors_run_nothing(command, message, tmp_path):
    assert run("echo before >ran; " + command, cwd=tmp_path) == \
        (2, "", f"shell: syntax error: {message}\n")
    assert not (tmp_path / "ran").exists()


# --- scripts and standard input ------------------------------------------------------------------

def start(*arguments, stdin=b"", cwd=None):
    done = subprocess.run([program("shell"), *arguments], input=stdin, capture_output=True, cwd=cwd,
                          timeout=TIMEOUT, check=False, env=environment())
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_script(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/shell\necho $0 $# $2\n\necho 'two\nlines' | \\\n  cat\nexit 9\n")
    assert start(str(script), "a", "b c") == (9, f"{script} 2 b c\ntwo\nlines\n", "")


def test_script_with_syntax_error(tmp_path):
    script = tmp_path / "script"
    script.write_text("echo before\necho a | | b\n")
    assert start(str(script)) == \
        (2, "", f"shell: {script}: line 2: syntax error: unexpected '|' after '|'\n")


def test_not_scripts(tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"echo a\0b\n")
    assert start(str(binary)) == (126, "", f"shell: {binary}: not a script\n")
    assert start("nothere") == (127, "", "shell: nothere: No such file or directory\n")
    assert start("/")[0] == 126


def test_executable_text_without_interpreter(tmp_path):
    script = tmp_path / "tool"
    script.write_text("echo $1; exit 3\n")
    script.chmod(0o755)
    assert start("-c", "./tool x; echo $?; ./tool y | cat", cwd=tmp_path) == (0, "x\n3\ny\n", "")
    script.write_bytes(b"\x7fELF\0junk")
    assert start("-c", "./tool", cwd=tmp_path) == (126, "", "shell: ./tool: Exec format error\n")


def test_standard_input_is_shared():
    """The shell takes no more than its line, so that the rest is there for the program."""
    assert start(stdin=b"cat\nrest\n") == (0, "rest\n", "")
    assert start(stdin=b"echo 'a\nb'\nfalse") == (1, "a\nb\n", "")
    assert start(stdin=b"echo a\n| b\necho c\n") == \
        (2, "a\n", "shell: syntax error: unexpected '|'\n")
    assert start(stdin=b"echo 'a") == (2, "", "shell: syntax error: unterminated single quote\n")


def test_usage():
    assert start("--help")[1].startswith("usage: shell ")
    assert start("-x")[0] == 2
    assert start("-c")[0] == 2


def test_hostile_input():
    assert start(stdin=b"(" * 100000)[0] == 2
    assert start(stdin=b"|" * 100000)[0] == 2
    assert start(stdin=b"\0no\0such\1\n") == (127, "", "shell: nosuch?: command not found\n")
    assert start(stdin=b"true " + b"a" * 300000 + b"\n")[0] == 0
    assert start(stdin=b"/bin/true " + b"a" * 300000 + b"\n") == \
        (126, "", "shell: /bin/true: Argument list too long\n")
    assert start(stdin=b"true;" * 20000)[0] == 0


# --- a person at a terminal ----------------------------------------------------------------------

class Person:
    """A pseudo-terminal with the shell on it."""

    def __init__(self, cwd, size=(24, 80), command=None, **variables):
        self.child = pexpect.spawn(command or program("shell"), cwd=str(cwd), timeout=TIMEOUT,
                                   dimensions=size, echo=True, encoding="utf-8",
                                   env=environment(**variables))
        self.child.delaybeforesend = None
        self.prompt = f"{cwd}$ "
        self.expect(self.prompt)

    def expect(self, text):
        self.child.expect_exact(text)
        return self.child.before

    def send(self, keys):
        self.child.send(keys)

    def do(self, line):
        """Types a line and returns what comes before the next prompt, the echo left out."""
        self.send(line + "\r")
        self.expect("\r\n")
        return self.expect(self.prompt).replace("\r\n", "\n")

    def close(self):
        self.child.close(force=True)


@pytest.fixture(name="short")
def fixture_short():
    """A directory whose name leaves room for a command behind the prompt."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="t") as path:
        yield Path(path)


@pytest.fixture(name="person")
def fixture_person(short):
    person = Person(short)
    yield person
    person.close()


def test_prompt_and_commands(person):
    assert person.do("echo hello") == "hello\n"
    assert person.do("") == ""
    assert person.do("false") == ""
    assert person.do("echo $?") == "1\n"
    assert person.do("nosuch") == "shell: nosuch: command not found\n"
    assert person.do("echo a; ; b") == "shell: syntax error: unexpected ';'\n"


def test_editing(person):
    assert person.do("echo abd\033[Dc") == "abcd\n"
    assert person.do("cho x\001e\005y") == "xy\n"
    assert person.do("echo one two\027three") == "one three\n"
    assert person.do("junk\025echo z\x7fy") == "y\n"
    assert person.do("echo \xe4\xf6\x7f\033[D\xfc") == "\xfc\xe4\n"
    assert person.do("\033[A\x7f1") == "\xfc1\n"


def test_history(person):
    person.do("echo first")
    person.do("echo second")
    assert person.do("\033[A\033[A") == "first\n"
    assert person.do("\020\020\016x") == "firstx\n"
    assert "    1  echo first\n    2  echo second\n" in person.do("history")


def test_continuation_lines(person):
    person.send("echo 'a\r")
    person.expect("> ")
    assert person.do("b'") == "a\nb\n"
    person.send("true &&\r")
    person.expect("> ")
    assert person.do("echo c") == "c\n"
    person.send("echo 'open\r")
    person.expect("> ")
    person.send("\003")
    person.expect(person.prompt)
    assert person.do("echo $?") == "130\n"


def test_long_lines(short):
    """What the screen shows while a line longer than the screen is wide is edited."""
    person = Person(short, size=(24, 40))
    text = "".join(str(i % 10) for i in range(100))
    assert text in person.do(f"echo {text}").replace("\n", "")
    assert person.do(f"echo {text}\001\033[C\033[C\033[C\033[C x\005y").replace("\n", "") \
        .endswith(f"x {text}y")
    person.close()


def test_unknown_size(short):
    person = Person(short, size=(0, 0))
    text = "x" * 150
    assert person.do(f"echo {text}").replace("\n", "").endswith(text)
    person.close()


def test_window_change(person):
    person.send("echo abc")
    person.expect("abc")
    person.child.setwinsize(24, 30)
    person.expect("echo abc")                 # drawn again
    assert "abcd\n" in person.do("d")


def test_control_c_at_the_prompt(person):
    person.send("echo never")
    person.send("\003")
    person.expect("^C\r\n")
    person.expect(person.prompt)
    assert person.do("echo $?") == "130\n"


def test_control_c_ends_the_program(person):
    person.send("sleep 100; echo never\r")
    person.expect("never\r\n")
    time.sleep(0.3)
    start_time = time.monotonic()
    person.send("\003")
    assert "never" not in person.expect(person.prompt)
    assert time.monotonic() - start_time < 1
    assert person.do("echo $?") == "130\n"


def test_control_c_ends_a_pipeline(person):
    person.send("sleep 100 | cat | (cat; sleep 100)\r")
    person.expect("100)\r\n")
    time.sleep(0.3)
    person.send("\003")
    person.expect(person.prompt)
    assert person.do("jobs") == ""


def test_control_c_while_waiting(person):
    person.do("sleep 100 &")
    person.send("wait\r")
    person.expect("wait\r\n")
    time.sleep(0.3)
    person.send("\003")
    person.expect(person.prompt)
    assert person.do("echo $?") == "130\n"
    assert re.fullmatch(r"\[1\] \d+ Running +sleep 100\n", person.do("jobs"))
    person.do("kill %1")


def test_control_d(person):
    person.send("ab\004\033[D\004\025")       # deletes under the cursor, or rings the bell
    assert person.do("echo still") == "still\n"
    person.do("sh -c 'exit 6'")
    person.send("\004")
    person.child.expect(pexpect.EOF)
    person.child.wait()
    assert person.child.exitstatus == 6


def test_background_jobs(person):
    started = person.do("sleep 0.2 &")
    assert re.fullmatch(r"\[1\] \d+\n", started)
    pid = started.split()[1]
    time.sleep(0.4)
    assert re.fullmatch(rf"\[1\] {pid} Done +sleep 0.2\n", person.do(""))
    person.do("sh -c 'exit 3' &")
    time.sleep(0.2)
    assert re.fullmatch(r"\[1\] \d+ Exit 3 +sh -c 'exit 3'\n", person.do(""))
    person.do("sleep 100 &")
    told = person.do("kill %1")         # of the end, too, if it has come by then
    time.sleep(0.2)
    told += person.do("")
    assert re.fullmatch(r"\[1\] \d+ Terminated +sleep 100\n", told)
    assert person.do("jobs") == ""


def test_stop_and_continue(person):
    person.send("sleep 100\r")
    person.expect("100\r\n")
    time.sleep(0.3)
    person.send("\032")
    assert re.search(r"\[1\] \d+ Stopped +sleep 100", person.expect(person.prompt))
    assert person.do("echo $?") == "148\n"
    assert re.fullmatch(r"\[1\] \d+ Running +sleep 100\n", person.do("bg"))
    person.send("fg\r")
    person.expect("sleep 100\r\n")
    time.sleep(0.2)
    person.send("\003")
    person.expect(person.prompt)
    assert person.do("jobs") == ""


def test_exit_with_stopped_jobs(person):
    person.send("sleep 100\r")
    person.expect("100\r\n")
    time.sleep(0.3)
    person.send("\032")
    person.expect(person.prompt)
    assert "there are stopped jobs" in person.do("exit")
    person.do("kill -9 %1")
    # A stopped program dies a moment after the signal; until then it counts as stopped.
    for _ in range(100):
        if "sleep 100" not in person.do("jobs"):
            break
        time.sleep(0.05)
    person.send("exit 4\r")
    person.child.expect(pexpect.EOF)
    person.child.wait()
    assert person.child.exitstatus == 4


def test_programs_have_the_terminal(person):
    """A program in the foreground reads the terminal; one in the background is stopped."""
    person.send("cat\r")
    person.expect("cat\r\n")
    person.send("line\r")
    person.expect("line\r\nline\r\n")
    person.send("\004")
    person.expect(person.prompt)
    person.do("cat &")
    time.sleep(0.3)
    assert "Stopped" in person.do("jobs")
    person.do("kill %1")


def test_type_ahead(person):
    """What is typed while a program runs is for it, and what it leaves for the shell."""
    person.send("sleep 0.5; cat\r")
    time.sleep(0.2)
    person.send("for cat\r\004echo next\r")
    person.expect("for cat\r\n")
    person.expect("for cat\r\n")
    person.expect("next\r\n")
    person.expect("next\r\n")
    person.expect(person.prompt)
    person.send("head -1\rat once\r")
    person.expect("head -1\r\n")
    person.expect("at once\r\n")
    person.expect(person.prompt)


def test_terminal_modes_are_restored(person):
    person.do("stty -echo -icanon")
    modes = termios.tcgetattr(person.child.child_fd)[3]
    assert modes & termios.ISIG == 0          # the shell reads a line just now
    person.send("stty -a\r")
    output = person.expect(person.prompt)
    assert " icanon" in output and " echo " in output


def test_completion(short):
    (short / "directory").mkdir()
    (short / "directory" / "only file").write_text("found\n")
    (short / "name1").touch()
    (short / "name2").touch()
    person = Person(short)
    assert person.do("cat dir\ton\t") == "found\n"
    assert person.do("cat 'directory/on\t") == "found\n"
    person.send("echo na\t")
    person.expect("echo name")
    person.send("\t")
    person.expect("name1  name2\r\n")
    assert person.do("1").endswith("name1\n")
    assert "echo name1" in person.do("histor\t")
    person.send("nothing-like-this\t")
    person.expect("\a")
    person.close()


def test_hostile_directory_name(tmp_path):
    bad = tmp_path / "a\033[31mb"
    bad.mkdir()
    person = Person(tmp_path)
    person.send("cd a*\r")
    person.expect("/a?[31mb$ ")
    person.close()


@pytest.fixture(name="detached")
def fixture_detached(short):
    """An interactive shell whose terminal is not the controlling one: (reader, process)."""
    master, slave = os.openpty()
    with subprocess.Popen([program("shell"), "-i"], stdin=slave, stdout=slave, stderr=slave,
                          cwd=short, env=environment(), start_new_session=True) as child:
        os.close(slave)
        yield fdpexpect.fdspawn(master, timeout=TIMEOUT, encoding="utf-8"), child
        child.kill()
    os.close(master)


def test_no_job_control(detached):
    """Ctrl-C is then a SIGINT to all; the shell stays, and so does what is in the background."""
    reader, child = detached
    reader.expect_exact("$ ")
    reader.send("sleep 100\r")
    reader.expect_exact("sleep 100\r\n")
    time.sleep(0.3)
    os.killpg(child.pid, signal.SIGINT)
    reader.expect_exact("$ ")
    reader.send("sleep 100 &\r")
    reader.expect_exact("[1]")
    reader.expect_exact("$ ")
    os.killpg(child.pid, signal.SIGINT)       # cancels the line
    reader.expect_exact("$ ")
    reader.send("jobs\r")
    reader.expect_exact("Running")
    reader.expect_exact("$ ")
    reader.send("kill %1\r")
    reader.expect_exact("$ ")
    reader.send("exit 5\r")
    assert child.wait(TIMEOUT) == 5


def test_prompt_without_terminal(tmp_path):
    assert start("-i", stdin=b"echo a\n", cwd=tmp_path) == \
        (0, "a\n", f"{tmp_path}$ {tmp_path}$ ")


def test_resize_uses_the_new_width(person):
    fcntl.ioctl(person.child.child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 20, 0, 0))
    assert person.do("echo " + "x" * 50).endswith("x" * 50 + "\n")
