# SPDX-License-Identifier: MIT
"""The small programs, built for the host."""
import os
import re
import resource
import signal
import stat
import subprocess
import time

import pexpect
import pytest

from host_programs import ROOT, environment, program

TIMEOUT = 10
ALL = ["cat", "clear", "cp", "date", "echo", "env", "free", "head", "hexdump", "kill", "ln", "ls", "mkdir",
       "more", "mv", "ps", "pwd", "reset", "rm", "rmdir", "sleep", "tail", "touch", "uptime", "wc"]


def run(*command, cwd=None, stdin=b"", **variables):
    """Returns (status, output, errors), as text where it is text."""
    done = subprocess.run([program(command[0]), *command[1:]], cwd=cwd, input=stdin, check=False,
                          capture_output=True, timeout=TIMEOUT, env=environment(**variables))
    return (done.returncode, done.stdout.decode(errors="surrogateescape"),
            done.stderr.decode(errors="surrogateescape"))


def ok(*command, **options):
    """The output of a command that must succeed in silence."""
    status, output, errors = run(*command, **options)
    assert (status, errors) == (0, "")
    return output


@pytest.fixture(name="tmp")
def fixture_tmp(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_tree(root):
    (root / "d" / "sub").mkdir(parents=True)
    (root / "d" / "file").write_text("content\n")
    (root / "d" / "sub" / "tool").write_text("run\n")
    (root / "d" / "sub" / "tool").chmod(0o755)
    (root / "d" / "link").symlink_to("sub/tool")


# --- all of them ---------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ALL)
def test_help(name):
    output = ok(name, "--help")
    assert output.startswith(f"usage: {name}")
    assert max(map(len, output.splitlines())) < 80


@pytest.mark.parametrize("name", [n for n in ALL if n not in ("echo",)])
def test_unknown_option(name):
    status, output, errors = run(name, "--nonsense")
    assert status == 2 and output == "" and errors.startswith(f"{name}: ")


@pytest.mark.parametrize("name", [n for n in ALL if n not in ("echo", "env", "kill")])
def test_unknown_letter(name):
    status, output, errors = run(name, "-Z")
    assert (status, output) == (2, "")
    assert errors.startswith(f"{name}: unknown option -Z\nusage: {name}")


@pytest.mark.parametrize("command", [
    ["cat", "big"], ["echo", "x"], ["head", "big"], ["tail", "big"], ["wc", "big"], ["ls"], ["date"],
    ["uptime"], ["hexdump", "big"], ["pwd"], ["env"], ["kill", "-l"], ["clear"]])
def test_full_device(command, tmp):
    (tmp / "big").write_text("line\n" * 10000)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program(command[0]), *command[1:]], stdout=full, check=False,
                              stderr=subprocess.PIPE, env=environment(), timeout=TIMEOUT)
    assert done.returncode == 1
    assert done.stderr.decode() == f"{command[0]}: write error: No space left on device\n"


# --- text ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, expected", [
    ([], "\n"), (["a", "b  c"], "a b  c\n"), (["-n", "a"], "a"), (["-x", "a"], "-x a\n"),
    (["a", "-n"], "a -n\n"), (["-"], "-\n"), (["--", "a"], "-- a\n"), (["a\\nb"], "a\\nb\n"),
    (["-e", "a\\nb\\t\\\\"], "a\nb\t\\\n"), (["-ne", "\\x41\\0102\\e"], "AB\x1b"),
    (["-e", "a\\cb", "c"], "a"), (["-e", "\\q\\"], "\\q\\\n"), (["-e", "\\x"], "\\x\n"),
    (["-eE", "\\n"], "\\n\n"), (["-nn", "\xe4"], "\xe4"), (["--help", "me"], "--help me\n"),
])
def test_echo(words, expected):
    assert ok("echo", *words) == expected


def test_cat(tmp):
    (tmp / "a").write_bytes(bytes(range(256)) * 1000)
    (tmp / "b").write_text("b")
    out = subprocess.run([program("cat"), "a", "-", "b"], input=b"stdin", capture_output=True,
                         check=True, env=environment()).stdout
    assert out == bytes(range(256)) * 1000 + b"stdin" + b"b"
    assert ok("cat", stdin=b"x") == "x"
    assert run("cat", "nothere", "b", ".") == \
        (1, "b", "cat: nothere: No such file or directory\ncat: .: Is a directory\n")


def test_cat_onto_itself(tmp):
    (tmp / "f").write_text("text\n")
    with open("f", "ab") as output:
        done = subprocess.run([program("cat"), "f"], stdout=output, stderr=subprocess.PIPE,
                              check=False, env=environment(), timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (1, b"cat: f: input is output\n")
    assert (tmp / "f").read_text() == "text\n"


def test_broken_pipe_is_silent():
    with subprocess.Popen([program("cat"), "/dev/zero"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment()) as child:
        child.stdout.read(10)
        child.stdout.close()
        assert child.wait(TIMEOUT) in (-signal.SIGPIPE, 1)
        assert child.stderr.read() == b""


def test_head(tmp):
    (tmp / "f").write_text("".join(f"{i}\n" for i in range(1, 21)))
    (tmp / "g").write_text("no end")
    assert ok("head", "f") == "".join(f"{i}\n" for i in range(1, 11))
    assert ok("head", "-n", "2", "f") == ok("head", "-2", "f") == ok("head", "f", "-n2") == "1\n2\n"
    assert ok("head", "-c", "3", "f") == "1\n2"
    assert ok("head", "-n0", "f") == ok("head", "-n", "0", "f") == ""
    assert ok("head", "-15", "g") == "no end"
    assert ok("head", "-1", stdin=b"a\nb\n") == "a\n"
    assert ok("head", "-1", "f", "g") == "==> f <==\n1\n\n==> g <==\nno end"
    assert run("head", "nothere")[0] == 1
    assert run("head", "-n", "-1", "f")[0] == run("head", "-n", "x", "f")[0] == 2
    assert run("head", "-n")[2].startswith("head: option -n needs an argument\n")


def test_tail(tmp):
    lines = "".join(f"{i}\n" for i in range(1, 21))
    (tmp / "f").write_text(lines)
    (tmp / "g").write_text("a\nno end")
    assert ok("tail", "f") == "".join(f"{i}\n" for i in range(11, 21))
    assert ok("tail", "-n", "2", "f") == ok("tail", "-2", "f") == "19\n20\n"
    assert ok("tail", "-n", "99", "f") == lines
    assert ok("tail", "-1", "g") == "no end"
    assert ok("tail", "-n2", "g") == "a\nno end"
    assert ok("tail", "-c", "4", "f") == "\n20\n"
    assert ok("tail", "-n", "0", "f") == ok("tail", "-c", "0", "f") == ok("tail", stdin=b"") == ""
    assert ok("tail", "-n", "1", stdin=b"\n\n") == "\n"


def test_tail_forgets_what_is_too_old(tmp_path):
    """200 MiB go through with 64 MiB of memory."""
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (64 << 20, 64 << 20))

    command = "head -c 200000000 /dev/zero | tr '\\0' 'x' | fold -w 99 | exec"
    plain = tmp_path / "tail"        # the sanitizers need more memory than this
    subprocess.run(["gcc", "-std=gnu11", "-O1", "-iquote", ".", "-o", str(plain), "programs/tail/tail.c",
                    *(f"programs/common/{n}.c" for n in
                      ("number", "options", "report", "stream", "text", "allocate"))],
                   cwd=ROOT, check=True)
    done = subprocess.run(["sh", "-c", f"{command} {plain} -n 2"], capture_output=True,
                          preexec_fn=limit, check=True, timeout=60)
    assert done.stdout.endswith(b"\n" + b"x" * (200000000 % 99))


def test_wc(tmp):
    (tmp / "f").write_text("one two\n three\n")
    (tmp / "g").write_text("x")
    assert ok("wc", "f").split() == ["2", "3", "15", "f"]
    assert ok("wc", "-l", "f", "g").split() == ["2", "f", "0", "g", "2", "total"]
    assert ok("wc", "-cw", "f").split() == ["3", "15", "f"]
    assert ok("wc", stdin=b"a\tb\n").split() == ["1", "2", "4"]
    assert ok("wc", "-l", stdin=b"").split() == ["0"]
    assert run("wc", "nothere")[0] == 1


def test_hexdump(tmp):
    (tmp / "f").write_bytes(b"EuraliOS\0\xff" + b"\0" * 54 + b"end")
    assert ok("hexdump", "f") == (
        "00000000  45 75 72 61 6c 69 4f 53  00 ff 00 00 00 00 00 00  |EuraliOS........|\n"
        "00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n"
        "*\n"
        "00000040  65 6e 64                                          |end|\n"
        "00000043\n")
    assert ok("hexdump", "-v", "f").count("\n") == 6
    assert ok("hexdump", "-s", "4", "-n", "2", "f") == \
        "00000004  6c 69                                             |li|\n00000006\n"
    assert ok("hexdump", stdin=b"") == "00000000\n"
    assert ok("hexdump", "-s", "5", stdin=b"abc") == ""
    assert run("hexdump", ".")[::2] == (1, "hexdump: .: Is a directory\n")


# --- files ---------------------------------------------------------------------------------------

def test_cp_files(tmp):
    (tmp / "a").write_bytes(os.urandom(200000))
    (tmp / "a").chmod(0o750)
    (tmp / "d").mkdir()
    ok("cp", "a", "b")
    ok("cp", "a", "b", "d")
    ok("cp", "a", "d/c/".rstrip("/"))
    assert (tmp / "b").read_bytes() == (tmp / "d/a").read_bytes() == (tmp / "a").read_bytes()
    assert stat.S_IMODE((tmp / "b").stat().st_mode) == 0o750
    (tmp / "b").write_text("x")
    ok("cp", "b", "a")
    assert (tmp / "a").read_text() == "x"


def test_cp_refuses(tmp):
    (tmp / "a").write_text("keep")
    (tmp / "d").mkdir()
    os.link("a", "hard")
    os.symlink("a", "soft")
    for same in ("a", "./a", "hard", "soft"):
        assert run("cp", "a", same) == (1, "", f"cp: a and {same} are the same file\n")
    assert (tmp / "a").read_text() == "keep"
    assert run("cp", "d", "e")[::2] == (1, "cp: d: is a directory (cp -r copies it)\n")
    assert run("cp", "a", "hard", "soft")[::2] == (1, "cp: soft: not a directory\n")
    assert run("cp", "nothere", "b")[::2] == (1, "cp: nothere: No such file or directory\n")
    assert run("cp", "a", "no/b")[::2] == (1, "cp: no/b: No such file or directory\n")
    assert run("cp", "a")[0] == 2
    assert not (tmp / "b").exists()


def test_cp_recursive(tmp):
    make_tree(tmp)
    ok("cp", "-r", "d", "copy")
    ok("cp", "-r", "d", "copy")                      # now there is one: into it
    for root in ("copy", "copy/d"):
        assert (tmp / root / "file").read_text() == "content\n"
        assert os.readlink(tmp / root / "link") == "sub/tool"
        assert os.access(tmp / root / "sub" / "tool", os.X_OK)
    ok("cp", "-r", "d/", "copy")                     # over it
    assert run("cp", "-r", "d", "d/sub/inner")[::2] == \
        (1, "cp: d cannot be copied into itself, to d/sub/inner\n")
    assert run("cp", "-r", "d", "d")[::2] == (1, "cp: d cannot be copied into itself, to d/d\n")
    assert run("cp", "-r", "../" + tmp.name, "x")[0] == 1
    os.mkfifo("d/fifo")
    assert run("cp", "-r", "d", "other")[::2] == (1, "cp: d/fifo: neither a file nor a directory\n")
    assert (tmp / "other" / "file").exists()
    assert run("cp", "-r", "d", "copy/file")[::2] == (1, "cp: copy/file: File exists\n")


def test_mv(tmp):
    make_tree(tmp)
    (tmp / "a").write_text("a")
    (tmp / "b").write_text("b")
    ok("mv", "a", "b")
    assert (tmp / "b").read_text() == "a" and not (tmp / "a").exists()
    ok("mv", "b", "d")
    ok("mv", "d/b", "d/sub/tool", ".")
    ok("mv", "d", "e")
    assert (tmp / "e" / "file").exists() and (tmp / "tool").exists() and (tmp / "b").exists()
    assert run("mv", "b", "./b")[::2] == (1, "mv: b and ./b are the same file\n")
    assert run("mv", "nothere", "x")[::2] == (1, "mv: nothere: No such file or directory\n")
    assert run("mv", "e", "e/sub/x")[::2] == (1, "mv: e to e/sub/x: Invalid argument\n")
    assert run("mv", "e", "b")[::2] == (1, "mv: e to b: Not a directory\n")
    assert run("mv", "b", "tool", "nodir")[::2] == (1, "mv: nodir: not a directory\n")


@pytest.mark.skipif(not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat("/tmp").st_dev,
                    reason="needs a second file system")
def test_mv_across_file_systems(tmp):
    target = f"/dev/shm/euralios-mv-{os.getpid()}"
    os.mkdir(target)
    try:
        make_tree(tmp)
        (tmp / "f").write_text("f")
        ok("mv", "f", "d", target)
        assert os.listdir(tmp) == []
        assert os.readlink(f"{target}/d/link") == "sub/tool"
        assert os.access(f"{target}/d/sub/tool", os.X_OK)
        (tmp / "f").write_text("new")
        ok("mv", "f", target)                        # over a file
        assert open(f"{target}/f", encoding="utf-8").read() == "new"
        (tmp / "d").mkdir()
        (tmp / "d" / "x").touch()
        assert run("mv", "d", target)[::2] == (1, f"mv: {target}/d: Directory not empty\n")
        assert (tmp / "d" / "x").exists()
        (tmp / "g").write_text("g")
        assert run("mv", "g", f"{target}/d/sub/none/g")[0] == 1
        assert (tmp / "g").exists()
    finally:
        subprocess.run(["rm", "-r", target], check=True)


def test_rm(tmp):
    make_tree(tmp)
    (tmp / "a").touch()
    (tmp / "-f").touch()
    ok("rm", "a", "--", "-f")
    assert run("rm", "a")[::2] == (1, "rm: a: No such file or directory\n")
    assert ok("rm", "-f", "a", "d/file/x") == ok("rm", "-f") == ""
    assert run("rm", "d")[::2] == (1, "rm: d: is a directory (rm -r removes it)\n")
    for path in ("/", "//", ".", "..", "d/..", "d/.", "./"):
        assert run("rm", "-rf", path)[::2] == (1, f"rm: {path}: refused\n")
    assert run("rm", "")[0] == 1 and run("rm")[0] == 2
    os.symlink("d", "to-d")
    ok("rm", "to-d")
    ok("rm", "-rf", "d", "nothere")
    assert os.listdir(tmp) == []


def test_rm_deep_tree(tmp):
    path = tmp
    for _ in range(300):
        path = path / "d"
        path.mkdir()
    ok("rm", "-r", "d")
    assert not (tmp / "d").exists()


def test_mkdir_and_rmdir(tmp):
    ok("mkdir", "a", "b")
    assert run("mkdir", "a")[::2] == (1, "mkdir: a: File exists\n")
    assert run("mkdir", "x/y")[::2] == (1, "mkdir: x/y: No such file or directory\n")
    ok("mkdir", "-p", "x/y//z/", "x/y", str(tmp / "p/q"), "/")
    assert (tmp / "x/y/z").is_dir() and (tmp / "p/q").is_dir()
    (tmp / "file").touch()
    assert run("mkdir", "-p", "file/d")[::2] == (1, "mkdir: file: File exists\n")
    assert run("mkdir", "-p", "")[0] == 1
    ok("rmdir", "a", "b")
    assert run("rmdir", "x")[::2] == (1, "rmdir: x: Directory not empty\n")
    assert run("rmdir", "file")[::2] == (1, "rmdir: file: Not a directory\n")
    assert run("rmdir")[0] == run("mkdir")[0] == 2


def test_touch(tmp):
    ok("touch", "new")
    assert (tmp / "new").read_bytes() == b""
    os.utime("new", (0, 0))
    ok("touch", "new")
    assert abs((tmp / "new").stat().st_mtime - time.time()) < 5
    ok("touch", "-c", "none")
    assert not (tmp / "none").exists()
    assert run("touch", "no/file")[::2] == (1, "touch: no/file: No such file or directory\n")


def test_ln(tmp):
    (tmp / "a").write_text("a")
    (tmp / "d").mkdir()
    ok("ln", "a", "hard")
    assert os.path.samefile("a", "hard")
    ok("ln", "-s", "anywhere/at all", "soft")
    assert os.readlink("soft") == "anywhere/at all"
    ok("ln", "-s", "../a", "d")
    assert os.readlink("d/a") == "../a"
    assert run("ln", "-s", "x", "soft")[::2] == (1, "ln: soft: File exists\n")
    ok("ln", "-sf", "x", "soft")
    assert os.readlink("soft") == "x"
    assert run("ln", "nothere", "b")[::2] == (1, "ln: nothere: No such file or directory\n")
    assert run("ln", "-f", "a", "a")[0] == 1 and (tmp / "a").exists()


def test_pwd_and_env(tmp):
    assert ok("pwd") == f"{tmp}\n"
    assert "ONE=1\n" in ok("env", ONE="1")
    assert ok("env", "-i", "A=b=c", "D=") == "A=b=c\nD=\n"
    assert ok("env", "-i", "A=1", "/usr/bin/env") == "A=1\n"
    assert run("env", "nosuch")[::2] == (127, "env: nosuch: No such file or directory\n")
    assert run("env", "/etc/passwd")[0] == 126
    assert run("env", "=x")[0] == 1


# --- ls ------------------------------------------------------------------------------------------

def test_ls_plain(tmp):
    make_tree(tmp)
    for name in ("b", "a", "\xe4", ".hidden", "B"):
        (tmp / name).touch()
    assert ok("ls") == "B\na\nb\nd\n\xe4\n"
    assert ok("ls", "-r") == "\xe4\nd\nb\na\nB\n"
    assert ok("ls", "-a") == ".\n..\n.hidden\nB\na\nb\nd\n\xe4\n"
    assert ok("ls", "-A", ".").startswith(".hidden\nB\n")
    assert ok("ls", "b", "d", "a") == "a\nb\n\nd:\nfile\nlink\nsub\n"
    assert ok("ls", "d", "d/sub") == "d:\nfile\nlink\nsub\n\nd/sub:\ntool\n"
    assert ok("ls", "-d", "d") == "d\n"
    assert run("ls", "nothere", "b") == (1, "b\n", "ls: nothere: No such file or directory\n")
    assert run("ls", "nothere") == (1, "", "ls: nothere: No such file or directory\n")


def test_ls_long(tmp):
    make_tree(tmp)
    (tmp / "big").write_bytes(b"x" * 12345)
    os.utime("big", (1700000000, 1700000000))
    os.utime("d/file", (0, 0))
    assert "-rw-r--r--   1 12345 2023-11-14 22:13 big\n" in ok("ls", "-l")
    assert re.search(r"-rw-r--r--   1 +8 1970-01-01 00:00 file\n", ok("ls", "-l", "d"))
    assert re.search(r"lrwxrwxrwx   1 .* link -> sub/tool\n", ok("ls", "-l", "d"))
    assert re.search(r"-rwxr-xr-x .* tool\n", ok("ls", "-l", "d/sub"))
    assert " 13K " in ok("ls", "-lh", "big")
    assert ok("ls", "-ld", "d").startswith("drwx")
    assert ok("ls", "-l", "/dev/null").startswith("crw")
    assert ok("ls", "-lt").rstrip().endswith("big")


def on_terminal(*command, cwd=None, rows=24, columns=40, keys=None, **variables):
    """Runs a command on a pseudo-terminal; returns all that it writes."""
    child = pexpect.spawn(program(command[0]), list(command[1:]), cwd=cwd, timeout=TIMEOUT,
                          dimensions=(rows, columns), env=environment(**variables), encoding="utf-8")
    output = ""
    for wait, key in keys or []:
        child.expect_exact(wait)
        output += child.before + child.after
        child.send(key)
    child.expect(pexpect.EOF)
    output += child.before
    child.close()
    return output


def test_ls_on_a_terminal(tmp):
    make_tree(tmp)
    for i in range(12):
        (tmp / f"name-{i:02}").touch()
    (tmp / "\x1b[31mred").touch()
    output = on_terminal("ls", cwd=tmp, NO_COLOR="1")
    assert output == ("?[31mred  name-02  name-06  name-10\r\n"
                      "d         name-03  name-07  name-11\r\n"
                      "name-00   name-04  name-08\r\n"
                      "name-01   name-05  name-09\r\n")
    assert "\x1b[1;34md\x1b[m" in on_terminal("ls", cwd=tmp)
    assert "\x1b[36mlink\x1b[m" in on_terminal("ls", "d", cwd=tmp)
    assert on_terminal("ls", "-1", cwd=tmp / "d", NO_COLOR="1") == "file\r\nlink\r\nsub\r\n"


def test_ls_large_directory(tmp):
    for i in range(5000):
        (tmp / f"{i:04}-{'x' * (i % 30)}").touch()
    start = time.monotonic()
    assert len(ok("ls").splitlines()) == 5000
    output = on_terminal("ls", cwd=tmp, columns=100, NO_COLOR="1")
    assert max(map(len, output.splitlines())) <= 100
    assert time.monotonic() - start < TIMEOUT


# --- system --------------------------------------------------------------------------------------

def test_date():
    assert abs(int(ok("date", "+%s")) - time.time()) < 5
    assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\n", ok("date"))
    assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\n", ok("date", "-u"))
    assert ok("date", "+%Y-%m-%d") == time.strftime("%Y-%m-%d\n", time.gmtime())
    assert ok("date", "+") == "\n" and ok("date", "+" + "%%" * 3000) == "%" * 3000 + "\n"
    assert ok("date", "+%H %Z", TZ="America/New_York") == time.strftime("%H UTC\n", time.gmtime())
    assert run("date", "12:00")[0] == 2


def test_uptime():
    assert re.fullmatch(r"up (\d+ days?, )?\d\d:\d\d:\d\d\n", ok("uptime"))


def test_sleep():
    start = time.monotonic()
    ok("sleep", "0.25")
    assert 0.25 <= time.monotonic() - start < 1.5
    ok("sleep", "0"), ok("sleep", ".01"), ok("sleep", "0.")
    for wrong in ("", "x", "1x", "-1", ".", "1.2.3", "1e3"):
        assert run("sleep", wrong)[0] == 2
    assert run("sleep")[0] == run("sleep", "1", "2")[0] == 2


def test_kill():
    # A shell starts what runs in the background deaf to SIGINT.
    with subprocess.Popen(["sleep", "100"], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as child:
        ok("kill", "-0", str(child.pid))
        ok("kill", "-s", "INT", str(child.pid))
        assert child.wait(TIMEOUT) == -signal.SIGINT
    for option, number in (("-KILL", 9), ("-SIGUSR1", 10), ("-term", 15), ("-15", 15)):
        with subprocess.Popen(["sleep", "100"], start_new_session=True) as child:
            ok("kill", option, "--", f"-{child.pid}")
            assert child.wait(TIMEOUT) == -number
    assert ok("kill", "-l", "9", "139", "hup") == "KILL\nSEGV\n1\n"
    assert " 9 KILL" in ok("kill", "-l")
    assert run("kill", "-l", "99")[::2] == (1, "kill: 99: no such signal\n")
    assert run("kill", "99999999")[::2] == (1, "kill: 99999999: No such process\n")
    for wrong in ("", "x", "-1", "-0", "99999999999", "1x"):
        assert run("kill", "--", wrong)[::2] == (1, f"kill: {wrong}: not a process id\n")


def test_ps(tmp):
    (tmp / "list").write_text("1 0 1 1 ready 1500000000 300 2 init\n"
                              "12 1 12 1 blocked 61230000000 25 1 a name\x1b[31m\n")
    assert ok("ps", str(tmp)) == (
        "  PID  PPID STATE          TIME   MEMORY THR NAME\n"
        "    1     0 ready        0:01.50    1200K   2 init\n"
        "   12     1 blocked      1:01.23     100K   1 a name?[31m\n")
    assert ok("ps", "-l", str(tmp)).splitlines()[2].startswith("   12     1    12     1 blocked ")
    (tmp / "list").write_text("1 0 junk\n2 0 2 2 ready 0 0 1 x\n")
    status, output, errors = run("ps", str(tmp))
    assert (status, errors) == (1, f"ps: {tmp}/list: cannot make sense of this line: 1 0 junk\n")
    assert "    2     0 ready" in output
    assert run("ps", "/nowhere")[::2] == (1, "ps: /nowhere/list: No such file or directory\n")


def test_free(tmp):
    (tmp / "memory").write_text("total_bytes 134217728\nfree_bytes 100000000\nkernel_bytes 4096\n")
    assert ok("free", str(tmp)) == ("total          131072 KiB\n"
                                    "free            97656 KiB\n"
                                    "kernel              4 KiB\n"
                                    "used            33415 KiB\n")
    assert ok("free", "-h", str(tmp)).split()[:4] == ["total", "128M", "free", "96M"]
    (tmp / "memory").write_text("threads 3\ntotal_bytes 4096\nfree_bytes 1024\nused_bytes 2048\n")
    assert ok("free", str(tmp)).split() == ["total", "4", "KiB", "free", "1", "KiB", "used", "2", "KiB"]
    (tmp / "memory").write_text("nonsense\n")
    assert run("free", str(tmp))[::2] == \
        (1, f"free: {tmp}/memory: cannot make sense of this line: nonsense\n")
    assert run("free", "/nowhere")[0] == 1


def test_clear_and_true():
    assert ok("clear") == "\x1b[H\x1b[2J\x1b[3J"
    assert ok("reset") == "\x1bc"
    assert run("true")[0] == 0 and run("false") == (1, "", "")


def test_reset_of_a_terminal():
    """Whatever its modes were: they are what a new terminal has, and what was typed is dropped."""
    with pexpect.spawn("/bin/sh", ["-c", f"stty raw -echo intr x erase y min 5; sleep 0.3; {program('reset')}; stty -a"],
                       env=environment(), encoding="utf-8", timeout=TIMEOUT) as terminal:
        terminal.expect(pexpect.EOF)
        modes = terminal.before
    assert "\x1bc" in modes and "intr = ^C" in modes and "erase = ^?" in modes and "min = 1" in modes
    assert {"icrnl", "opost", "isig", "icanon", "echo", "iexten", "-inlcr", "-noflsh"} <= set(modes.split())


# --- more ----------------------------------------------------------------------------------------

MORE, END = "--More--\x1b[m", "--End--\x1b[m"


def test_more_without_terminal(tmp):
    (tmp / "f").write_text("a\n")
    assert ok("more", "f", "-", "f", stdin=b"b\x1b\n") == "a\nb\x1b\na\n"
    assert run("more", "nothere", "f") == (1, "a\n", "more: nothere: No such file or directory\n")


def test_more_short_text_asks_nothing(tmp):
    (tmp / "f").write_text("one\ntwo\n")
    assert on_terminal("more", "f", cwd=tmp, rows=5) == "one\r\ntwo\r\n"


def test_more_pages(tmp):
    (tmp / "f").write_text("".join(f"line {i}\n" for i in range(1, 11)))
    output = on_terminal("more", "f", cwd=tmp, rows=5,
                         keys=[(MORE, " "), (MORE, "\r"), (MORE, "b"), (MORE, " "), (MORE, " "), (END, " ")])
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|--More--|\r|--End--", "", output)
    assert plain.split("\n")[-2:] == ["line 10", ""]
    first = on_terminal("more", "f", cwd=tmp, rows=5, keys=[(MORE, "q")])
    assert "line 4" in first and "line 5" not in first


def test_more_wraps_and_disarms(tmp):
    (tmp / "f").write_text("x" * 25 + "\n" + "\ttab\x1b[31m\n" + "\xe4\xb8\xad" * 6 + "\n" + "end\n" * 5,
                           encoding="latin-1")
    output = on_terminal("more", "f", cwd=tmp, rows=10, columns=10, keys=[(MORE, "q")])
    lines = [line.rstrip() for line in output.replace("\x1b[7m", "").split("\r\n")]
    assert lines[:3] == ["x" * 10, "x" * 10, "x" * 5]
    assert lines[3:5] == ["        ta", "b?[31m"]
    assert lines[5:7] == ["\u4e2d" * 5, "\u4e2d"]


def test_more_endless_input():
    output = on_terminal("shell", "-c", "/usr/bin/yes 2>/dev/null | more", rows=5, keys=[(MORE, " "), (MORE, "\003")])
    assert output.count("y\r\n") == 8
