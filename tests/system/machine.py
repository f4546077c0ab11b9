# SPDX-License-Identifier: MIT
"""A virtual machine that runs EuraliOS, as the system tests see it.

    with Machine(memory="64M") as m:
        m.expect_prompt()
        assert "lua" in m.command("ls /bin")

    done = run_command("gopher -t gopher://10.9.0.1/0/about.txt", network=network)
    assert done.status == 0 and "About" in done.output

Every wait has a limit and fails with what the machine printed last. Nothing is left running: QEMU
is ended by its process id, and by tools/qemu's time limit should pytest itself be killed.
"""
import os
import re
import shutil
import socket
import tempfile
import termios
import time
from pathlib import Path
from typing import NamedTuple

import pexpect

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
PROMPT = r"\$ $"
READY = r"EuraliOS ready"

# A slow or busy machine sets this: all limits are multiplied by it.
TIME_SCALE = float(os.environ.get("TIME_SCALE", "1"))


# How many processors a machine has unless a test says otherwise.
SMP = int(os.environ.get("SMP", "1"))


class MachineError(AssertionError):
    """What was expected did not come; the text has the end of the serial output."""


class Result(NamedTuple):
    """What a run= command left: its exit status, its output, and the whole serial output."""
    status: int
    output: str
    transcript: str


# QEMU's names of the keys of a US keyboard.
KEY_NAMES = {" ": "spc", "\n": "ret", "\t": "tab", "\x1b": "esc", "\b": "backspace", "-": "minus",
             "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon",
             "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot",
             "/": "slash"}
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))


def key_name(character):
    """The sendkey name of a character as typed on a US keyboard."""
    if character in SHIFTED:
        return "shift-" + key_name(SHIFTED[character])
    if character in KEY_NAMES:
        return KEY_NAMES[character]
    if character.isupper():
        return "shift-" + character.lower()
    return character


def keep_line_ends():
    """The pseudo-terminal must not add a CR to each LF of the guest; QEMU leaves this flag alone."""
    mode = termios.tcgetattr(1)
    mode[1] &= ~termios.ONLCR
    termios.tcsetattr(1, termios.TCSANOW, mode)


class Machine:
    """One QEMU. Options as tools/qemu has them; `network` is a Network to be plugged into."""

    def __init__(self, *, run=None, append="", memory="128M", cpu="max", machine="pc", smp=SMP,
                 net="user", nic="rtl8139", network=None, iso=None, uefi=False, icount=False,
                 kernel=None, archive=None, reboot=False, time_limit=120, extra=()):
        self.folder = Path(tempfile.mkdtemp(prefix="euralios-machine."))
        self.time_limit = time_limit * TIME_SCALE
        command = [str(ROOT / "tools" / "qemu"), "--memory", str(memory), "--cpu", cpu, "--machine",
                   machine, "--smp", str(smp), "--nic", nic, "--serial", "stdio",
                   "--monitor", str(self.folder / "monitor"), "--pid-file", str(self.folder / "pid"),
                   "--time-limit", str(self.time_limit)]
        command += ["--net", f"tap:{network.tap}" if network else net]
        if iso:
            command += ["--iso", str(iso)]
        else:
            command += ["--kernel", str(kernel or BUILD / "euralios.elf"),
                        "--archive", str(archive or BUILD / "boot.tar"), "--append", append]
            command += ["--run", run] if run is not None else []
        command += ["--uefi"] if uefi else []
        command += ["--icount"] if icount else []
        command += [] if reboot else ["--no-reboot"]
        command += ["--", *extra] if extra else []
        if network:
            command = network.inside(command)
        self.transcript = ""
        self._monitor = None
        self.started = time.monotonic()
        self.console = pexpect.spawn(command[0], command[1:], cwd=str(ROOT), encoding="utf-8",
                                     codec_errors="replace", echo=False, dimensions=(25, 80),
                                     preexec_fn=keep_line_ends)
        self.console.logfile_read = self
        self.console.delaybeforesend = None

    # pexpect writes what it reads here
    def write(self, text):
        self.transcript += text

    def flush(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    # --- the serial line ---------------------------------------------------------------------

    def _fail(self, what):
        tail = "\n".join(self.transcript.replace("\r", "").splitlines()[-40:])
        raise MachineError(f"{what}; the serial line's end:\n{tail}") from None

    def expect(self, pattern, timeout=20):
        """Waits for a regular expression on the serial line; the match. Fails on QEMU's end."""
        try:
            self.console.expect(pattern, timeout=timeout * TIME_SCALE)
        except pexpect.TIMEOUT:
            self._fail(f"no {pattern!r} within {timeout} s")
        except pexpect.EOF:
            self._fail(f"the machine ended before {pattern!r}")
        return self.console.match

    def expect_prompt(self, timeout=30):
        """Waits for the shell's prompt; what came before it."""
        self.expect(PROMPT, timeout)
        return self.console.before.replace("\r\n", "\n")

    def send(self, text):
        """Types on the serial line."""
        self.console.send(text)

    def line(self, text):
        """Types a line and the Enter key."""
        self.console.send(text + "\r")

    def command(self, text, timeout=20):
        """Types a command at the prompt; its output, without the echo and the next prompt."""
        self.line(text)
        output = self.expect_prompt(timeout)
        _echo, _, rest = output.partition("\n")
        return rest.rpartition("\n")[0] + "\n" if "\n" in rest else ""

    def wait(self, timeout=None):
        """Waits for QEMU to end; its exit status (124: the time limit)."""
        try:
            self.console.expect(pexpect.EOF, timeout=(timeout or self.time_limit) * TIME_SCALE)
        except pexpect.TIMEOUT:
            self._fail(f"the machine did not end within {timeout or self.time_limit} s")
        self.console.close()
        status = self.console.exitstatus
        return status if status is not None else 128 + self.console.signalstatus

    def result(self, timeout=None):
        """Waits for the end of a run= command and takes the protocol of run= apart."""
        status = self.wait(timeout)
        text = self.transcript.replace("\r\n", "\n")
        found = re.search(r"^run: (?P<command>.*)\n(?P<output>(?:.*\n)*?)run: exit (?P<n>\d+)$", text, re.M)
        if not found:
            self._fail(f"no `run: exit N` (QEMU's exit status {status})")
        number = int(found["n"])
        if status != 2 * min(number, 127) + 1:
            self._fail(f"`run: exit {number}`, but QEMU's exit status is {status}")
        # On several processors init's line may come when the command already runs.
        return Result(number, re.sub(r"^init: EuraliOS ready .*\n", "", found["output"], flags=re.M), text)

    # --- the monitor: keys and screen --------------------------------------------------------

    def monitor(self, command, timeout=10):
        """Runs a monitor command; its output."""
        if self._monitor is None:
            self._connect_monitor(timeout)
        self._monitor.sendall(command.encode() + b"\n")
        answer = self._monitor_read(timeout)
        return answer.partition("\n")[2].strip()       # without the echo

    def _connect_monitor(self, timeout):
        deadline = time.monotonic() + timeout * TIME_SCALE
        while True:
            self._monitor = socket.socket(socket.AF_UNIX)
            try:
                self._monitor.connect(str(self.folder / "monitor"))
                break
            except OSError:
                self._monitor.close()
                self._monitor = None
                if time.monotonic() > deadline or not self.console.isalive():
                    self._fail("no QEMU monitor")
                time.sleep(0.05)
        self._monitor_read(timeout)

    def _monitor_read(self, timeout):
        self._monitor.settimeout(timeout * TIME_SCALE)
        answer = b""
        while not answer.endswith(b"(qemu) "):
            try:
                part = self._monitor.recv(65536)
            except socket.timeout:
                self._fail("QEMU's monitor does not answer")
            if not part:
                break                                  # quit: there is no next prompt
            answer += part
        text = answer.removesuffix(b"(qemu) ").decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\r", "", text)

    def keys(self, *names):
        """Presses keys by QEMU's names: keys("ctrl-c", "f2")."""
        for name in names:
            self.monitor(f"sendkey {name} 20")
            time.sleep(0.03)                           # key up, before the next key down

    def type_keys(self, text):
        """Types text on the keyboard, as on a US layout."""
        self.keys(*(key_name(c) for c in text))

    def screenshot(self, path):
        """Saves the screen as a PNG file."""
        answer = self.monitor(f"screendump {path} -f png")
        if answer or not Path(path).exists():
            self._fail(f"screendump: {answer}")

    def screen(self):
        """The 25 lines of the VGA text screen, read from its memory."""
        path = self.folder / "screen"
        self.monitor(f'pmemsave 0xb8000 4000 "{path}"')
        content = path.read_bytes()[::2].decode("cp437").replace("\0", " ")
        return [content[i:i + 80].rstrip() for i in range(0, 2000, 80)]

    def expect_screen(self, pattern, timeout=20):
        """Waits until a regular expression matches the text screen; the match."""
        deadline = time.monotonic() + timeout * TIME_SCALE
        while True:
            lines = "\n".join(self.screen())
            found = re.search(pattern, lines, re.M)
            if found:
                return found
            if time.monotonic() > deadline:
                raise MachineError(f"no {pattern!r} on the screen within {timeout} s:\n{lines}")
            time.sleep(0.1)

    # --- the host's view -----------------------------------------------------------------------

    def pid(self):
        """QEMU's process id."""
        return int((self.folder / "pid").read_text())

    def cpu_seconds(self):
        """Processor time that QEMU has used on the host."""
        fields = Path(f"/proc/{self.pid()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        """Ends QEMU if it still runs and removes its files."""
        if self._monitor:
            self._monitor.close()
        try:
            if os.environ.get("COVERAGE"):             # its plugin has something to write
                os.kill(self.pid(), 15)
                self.console.expect(pexpect.EOF, timeout=10)
            os.kill(self.pid(), 9)
        except (OSError, ValueError, pexpect.TIMEOUT):
            pass                                       # it has ended, or never began
        self.console.close(force=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def run_command(command, *, timeout=None, time_limit=60, **options):
    """Boots, runs one command through run=, powers off; the Result."""
    with Machine(run=command, time_limit=time_limit, **options) as machine:
        return machine.result(timeout)
