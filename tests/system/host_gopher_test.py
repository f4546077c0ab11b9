# SPDX-License-Identifier: MIT
"""programs/gopher on the host: against gophernicus and a server that misbehaves, on a pseudo-terminal.

The program is build/host/bin/gopher, which `make` builds with ASan and UBSan.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import termios
import time

import pexpect
import pytest

from gopher_servers import Gophernicus, Nasty, fill_root, text_of
from terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS, COLUMNS = 24, 80


@pytest.fixture(scope="session")
def gopher():
    """The path of the program."""
    path = ROOT / os.environ.get("BUILD", "build") / "host" / "bin" / "gopher"
    subprocess.run(["make", "-s", str(path.relative_to(ROOT))], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return str(path)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("site") / "root"
    fill_root(root)
    server = Gophernicus(root)
    yield server
    server.close()


@pytest.fixture(scope="session")
def nasty():
    server = Nasty()
    yield server
    server.close()


@pytest.fixture
def run(gopher):
    """Runs gopher without a terminal."""

    def run(*arguments, timeout=30):
        return subprocess.run([gopher, *arguments], capture_output=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)

    return run


class Browser:
    """gopher on a pseudo-terminal, and what it shows."""

    def __init__(self, gopher, arguments, cwd, rows=ROWS, columns=COLUMNS):
        self.terminal = Terminal(rows, columns)
        self.child = pexpect.spawn(gopher, arguments, dimensions=(rows, columns), cwd=str(cwd),
                                   encoding="utf-8", timeout=30)
        self.child.delaybeforesend = None

    def take(self, seconds):
        try:
            self.terminal.feed(self.child.read_nonblocking(65536, seconds))
            return True
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            return None

    def settle(self):
        """Until nothing came for a moment."""
        while self.take(0.15):
            pass

    def wait(self, text, seconds=15):
        """Until the screen shows the text (a regular expression over its lines)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            alive = self.take(0.05)
            if not alive and re.search(text, self.show(), re.MULTILINE):
                self.settle()
                return self
            assert alive is not None, f"it ended; screen:\n{self.show()}"
        raise AssertionError(f"no {text!r} on the screen:\n{self.show()}")

    def show(self):
        return "\n".join(self.terminal.lines())

    def keys(self, keys):
        self.child.send(keys)
        return self

    def status(self):
        return self.terminal.lines()[-2]

    def bottom(self):
        return self.terminal.lines()[-1]

    def quit(self):
        self.keys("q")
        return self.end()

    def end(self):
        end = time.monotonic() + 10
        while self.take(0.2) is not None and time.monotonic() < end:
            pass
        self.child.close()
        return self.child.exitstatus, self.child.signalstatus


UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, PAGE_UP, PAGE_DOWN = "\x1b[H", "\x1b[4~", "\x1b[5~", "\x1b[6~"


@pytest.fixture
def browse(gopher, tmp_path):
    browsers = []

    def browse(*arguments, rows=ROWS, columns=COLUMNS):
        browser = Browser(gopher, list(arguments), tmp_path, rows, columns)
        browsers.append(browser)
        return browser

    yield browse
    for browser in browsers:
        browser.child.close(force=True)


# --- gopher -t -----------------------------------------------------------------------------------


def test_prints_a_menu(run, site):
    done = run("-t", f"localhost:{site.port}")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and done.stderr == b""
    assert "    1 TXT About this server" in lines
    assert "    2 DIR Files" in lines
    assert f"    1 gopher://localhost:{site.port}/0/about.txt" in lines
    assert "    5 http://example.org/" in lines


@pytest.mark.parametrize("form", ["localhost:{}/0/about.txt", "gopher://localhost:{}/0/about.txt",
                                  "GOPHER://127.0.0.1:{}/0%2Fabout.txt"])
def test_prints_a_text(run, site, form):
    done = run("-t", form.format(site.port))
    assert done.returncode == 0
    assert done.stdout.decode() == "".join(f"about line {i}\n" for i in range(1, 61))


def test_text_of_100_kib_is_complete_to_the_byte(run, site):
    done = run("-t", f"gopher://localhost:{site.port}/0/big.txt")
    assert done.stdout == text_of(100 * 1024)


def test_file_is_complete_to_the_byte(run, site):
    done = run("-t", f"gopher://localhost:{site.port}/9/files/picture.bin")
    assert done.stdout == bytes(range(256)) * 800


@pytest.mark.parametrize("item, status, message", [
    ("0/reset", 7, "localhost broke the connection off after 10 bytes"),
    ("1/empty", 10, "localhost closed the connection without an answer"),
    ("0/oversized", 9, "too big to show, over 8192 KiB; it can be saved"),
    ("1/missing", 15, "localhost says that it cannot serve this"),
    ("0/missing", 15, "localhost says that it cannot serve this"),
])
def test_failures_have_a_message_and_a_status(run, nasty, item, status, message):
    done = run("-t", f"localhost:{nasty.port}/{item}")
    assert (done.returncode, done.stderr.decode()) == (status, f"gopher: {message}\n")


@pytest.mark.parametrize("item, so_far", [("0/silent", "before it answered"), ("0/stalls", "after 12 bytes")])
def test_silence_ends(run, nasty, item, so_far):
    start = time.monotonic()
    done = run("-t", "-w", "2", f"localhost:{nasty.port}/{item}")
    assert 1.9 < time.monotonic() - start < 5
    assert done.returncode == 8
    assert done.stderr.decode() == f"gopher: localhost is silent: nothing for 2 seconds, {so_far}\n"


def test_silence_ends_after_ten_seconds(run, nasty):
    start = time.monotonic()
    done = run("-t", f"localhost:{nasty.port}/0/silent")
    assert done.returncode == 8 and 9.9 < time.monotonic() - start < 14


@pytest.mark.parametrize("address, status, message", [
    ("localhost:1", 6, "localhost refuses connections on port 1"),
    ("255.255.255.255", 5, "there is no route to 255.255.255.255"),
    ("http://example.org/", 2, "not a gopher address"),
    ("localhost:99999", 2, "the port is not a number from 1 to 65535"),
    ("gopher://localhost/0%zz", 2, "two hexadecimal digits"),
    ("gopher://localhost/0a%0d%0ab", 2, "a control character that cannot be sent"),
    ("-t", 1, "usage:"),
])
def test_no_connection_has_a_message_and_a_status(run, address, status, message):
    done = run("-t", address) if address != "-t" else run("-t")
    assert done.returncode == status and message in done.stderr.decode()
    assert done.stdout == b""


def test_no_such_host(run):
    done = run("-t", "no.such.host.invalid", timeout=60)
    assert done.returncode in (3, 4)  # 4 where the test machine has no name server
    assert b"no.such.host.invalid" in done.stderr


def test_dead_first_address_does_not_starve_the_second(run, nasty):
    """localhost is ::1 first on many machines, where nobody listens; it must cost nothing."""
    start = time.monotonic()
    assert run("-t", f"localhost:{nasty.port}/0/utf8").returncode == 0
    assert time.monotonic() - start < 3


def test_ipv6(run):
    try:
        server = Nasty(("::1", 0), socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    done = run("-t", f"gopher://[::1]:{server.port}/0/stuffed")
    server.close()
    assert done.stdout == b"first\n..and so on\n.\nlast\n"


def test_dots(run, nasty):
    assert run("-t", f"localhost:{nasty.port}/0/stuffed").stdout == b"first\n..and so on\n.\nlast\n"
    assert run("-t", f"localhost:{nasty.port}/0/nodot").stdout == b"first\n.hidden\n..two dots\nlast, without an end"
    assert run("-t", f"localhost:{nasty.port}/9/file").stdout == bytes(range(256)) * 40 + b"\r\n.\r\n"


def test_server_that_does_not_close_after_the_dot(run, nasty):
    start = time.monotonic()
    done = run("-t", f"localhost:{nasty.port}/0/held")
    assert done.stdout == b"complete\n" and time.monotonic() - start < 4


def test_search(run, nasty):
    done = run("-t", f"localhost:{nasty.port}/7/search", "two", "words")
    assert b"You asked for [two words]" in done.stdout
    assert nasty.requests[-1] == b"/search\ttwo words\r\n"
    assert run("-t", f"gopher://localhost:{nasty.port}/7/search%09more").stdout.startswith(
        b"          You asked for [more]")
    assert run("-t", f"localhost:{nasty.port}/7/search").returncode == 2


def test_output_that_cannot_be_written(gopher, site):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([gopher, "-t", f"localhost:{site.port}/0/big.txt"], stdout=full,
                              stderr=subprocess.PIPE, check=False)
    assert done.returncode == 12 and b"cannot keep the answer" in done.stderr


def test_printing_on_a_terminal_is_safe(gopher, nasty):
    for item, status in (("0/escapes", 0), ("1/malformed", 0), ("9/file", 11), ("0/binary", 11)):
        child = pexpect.spawn(gopher, ["-t", f"localhost:{nasty.port}/{item}"], encoding="utf-8", timeout=30)
        output = child.read()
        child.close()
        assert child.exitstatus == status
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", output), item


# --- the browser ---------------------------------------------------------------------------------


def test_follow_back_and_forward(browse, site):
    browser = browse(f"localhost:{site.port}").wait("Welcome to the burrow")
    assert browser.terminal.selected() == "1 TXT About this server"
    assert browser.status().startswith(f"gopher://localhost:{site.port}/ ")
    browser.keys(DOWN).wait("Files")
    assert browser.terminal.selected() == "2 DIR Files"
    browser.keys(RIGHT).wait("latin1.txt")
    browser.keys("3\r").wait("^one$")
    assert f"gopher://localhost:{site.port}/0/files/one.txt" in browser.status()
    browser.keys(LEFT).wait("latin1.txt")
    browser.keys("b").wait("Welcome")
    assert browser.terminal.selected() == "2 DIR Files"
    browser.keys("b").wait("this is where it began")
    browser.keys("f").wait("latin1.txt")
    browser.keys("f").wait("^one$")
    browser.keys("f").wait("nothing ahead")
    assert browser.quit() == (0, None)


def test_history_keeps_the_place_in_a_page(browse, site):
    browser = browse(f"localhost:{site.port}").wait("Welcome")
    browser.keys("1\r").wait("about line 22")
    browser.keys(PAGE_DOWN).wait("about line 44")
    browser.keys(DOWN).wait("about line 45")
    assert "24-45/60" in browser.status()
    browser.keys(LEFT).wait("Welcome")
    browser.keys("f").wait("about line 45")
    assert browser.terminal.lines()[0] == "about line 24"
    browser.keys(END).wait("about line 60")
    assert browser.terminal.lines()[0] == "about line 39"
    browser.keys(PAGE_UP).wait("about line 17")
    browser.keys(HOME).wait("about line 1\n")
    assert "1-22/60 36%" in browser.status()
    browser.quit()


def test_a_new_page_cuts_off_what_lay_ahead(browse, nasty):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys("13\r").wait("世界")
    browser.keys("b").wait("Nasty")
    browser.keys("16\r").wait("and so on")
    browser.keys("b").wait("Nasty")
    browser.keys("f").wait("and so on")
    browser.keys("f").wait("nothing ahead")


def test_link_numbers(browse, nasty):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys("1").wait("link number 1_")
    browser.keys("3").wait("link number 13_")
    browser.keys("\x7f").wait("link number 1_")
    browser.keys("\x1b").wait("arrows, number")
    browser.keys("99\r").wait("there is no such link here")
    browser.keys("13\r").wait("Grüße, 世界\nKöln")


def test_search_asks_for_words(browse, nasty):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys("7\r").wait("Search for:")
    browser.keys("Grüße x\x7f\x7f!\r").wait(r"You asked for \[GrÃ¼Ã\x9fe!\]|You asked for \[Grüße!\]")
    assert nasty.requests[-1] == "/search\tGrüße!\r\n".encode()
    browser.keys("b").wait("Nasty")
    browser.keys("7\r").wait("Search for:").keys("\x1b").wait("arrows, number")


def test_going_to_an_address_and_reload(browse, site, nasty):
    browser = browse(f"localhost:{site.port}").wait("Welcome")
    browser.keys("g").wait("Go to:").keys(f"localhost:{nasty.port}/0/utf8\r").wait("世界")
    n_requests = len(nasty.requests)
    browser.keys("r").wait("loaded again")
    assert len(nasty.requests) == n_requests + 1
    browser.keys("g").wait("Go to:").keys("http://example.org/\r").wait("not a gopher address")
    browser.keys("g").wait("Go to:").keys("localhost:1/\r").wait("localhost refuses connections on port 1")
    assert "世界" in browser.show()
    browser.keys("H").wait("Welcome")


def test_saving(browse, site, tmp_path):
    browser = browse(f"localhost:{site.port}").wait("Welcome")
    browser.keys("3\r").wait("quick brown")
    browser.keys("s").wait("Save this page as: big.txt")
    browser.keys("\r").wait("saved 102400 bytes as big.txt")
    assert (tmp_path / "big.txt").read_bytes() == text_of(100 * 1024)
    browser.keys("s").wait("big.txt").keys("\r").wait("big.txt exists. Replace it")
    browser.keys("n").wait("not saved")
    browser.keys("b").wait("Welcome")
    browser.keys("4\r").wait("Save as: picture.bin")
    browser.keys("\x15p.bin\r").wait("saved 204800 bytes as p.bin")
    assert (tmp_path / "p.bin").read_bytes() == bytes(range(256)) * 800
    # s in a menu fetches what is selected, a text without its journey's marks.
    browser.keys(HOME + DOWN + DOWN).wait("Welcome")
    assert browser.terminal.selected() == "3 TXT A long text"
    browser.keys("s").wait("Save as: big.txt").keys("\x15sub/no\r").wait("cannot create sub/no: No such file")
    browser.keys("s").wait("Save as: big.txt").keys("\x15b2\r").wait("saved 102400 bytes as b2")
    assert (tmp_path / "b2").read_bytes() == text_of(100 * 1024)
    assert sorted(os.listdir(tmp_path)) == ["b2", "big.txt", "p.bin"]


def test_a_failed_save_leaves_nothing(browse, nasty, tmp_path):
    (tmp_path / "old").write_text("precious")
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys("11\r").wait("Save as: missing").keys("\r").wait("the server says: Not found: /missing")
    browser.keys("15\r").wait("Save as: endless").keys("\x15old\r").wait("Replace it").keys("y")
    browser.wait("bytes received").keys("\x1b").wait("stopped")
    assert os.listdir(tmp_path) == ["old"] and (tmp_path / "old").read_text() == "precious"


def test_too_big_to_show_can_be_saved(browse, nasty, tmp_path):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys("4\r").wait("too big to show, over 8192 KiB.*Save as: oversized")
    browser.keys("\r").wait("saved 9427968 bytes as oversized", 30)
    assert (tmp_path / "oversized").read_bytes() == (b"x" * 1022 + b"\n") * (9 * 1024)


@pytest.mark.parametrize("number, message", [
    (1, "localhost broke the connection off after 10 bytes"),
    (3, "localhost closed the connection without an answer"),
])
def test_failure_leaves_the_page(browse, nasty, number, message):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys(f"{number}\r").wait(re.escape(message))
    assert "Nasty menu" in browser.show()
    assert browser.quit() == (0, None)


def test_failure_at_the_start_is_a_page(browse):
    browser = browse("localhost:1").wait("localhost refuses connections on port 1")
    assert "r tries again" in browser.show()
    assert browser.quit() == (0, None)


def test_escape_stops_a_silent_server(browse, nasty):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys("2\r").wait("Esc stops").keys("\x1b").wait("stopped", 3)


def test_hostile_pages_reach_no_control_sequence(browse, nasty):
    """The strict Terminal raises on anything but our own sequences."""
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    browser.keys("5\r").wait(r"before \^\[\]0;owned\^G\^\[\[2J")
    browser.keys("b").wait("Nasty").keys("6\r").wait("no tabs at all")
    assert "[8 malformed]" in browser.status()
    browser.keys("=").wait(f"gopher://localhost:{nasty.port}/0/utf8")
    browser.keys("b").wait("Nasty").keys("9\r").wait(r"\[not a text\]")
    browser.keys("b").wait("Nasty").keys("12\r").wait(r"\[not a menu\]")
    assert "<html><body>This is no menu" in browser.show()


def test_window_size_changes(browse, nasty):
    browser = browse(f"localhost:{nasty.port}/0/long").wait("line 22\n")
    browser.keys(PAGE_DOWN).wait("line 44\n")
    browser.terminal.resize(10, 40)
    browser.child.setwinsize(10, 40)
    browser.wait("line 30\n")
    assert browser.terminal.lines()[0] == "line 23" and "line 31" not in browser.show()
    browser.terminal.resize(3, 20)
    browser.child.setwinsize(3, 20)
    browser.wait("^line 23\n")
    browser.terminal.resize(1, 2)
    browser.child.setwinsize(1, 2)
    browser.settle()
    browser.terminal.resize(40, 200)
    browser.child.setwinsize(40, 200)
    browser.wait("line 60\n")
    assert browser.quit() == (0, None)


def test_unknown_window_size_is_80_by_25(browse, nasty):
    browser = browse(f"localhost:{nasty.port}/0/long", rows=0, columns=0)
    browser.terminal.resize(25, 80)
    browser.wait("line 23\n")
    assert "1-23/1000" in browser.status()


def test_help(browse, site):
    browser = browse(f"localhost:{site.port}").wait("Welcome")
    browser.keys("?").wait("Esc               stop a transfer").keys(" ").wait("Welcome")


def test_items_that_are_no_documents(browse, site):
    browser = browse(f"localhost:{site.port}").wait("Welcome")
    browser.keys("5\r").wait("outside Gopher: http://example.org/")
    browser.keys("6\r").wait("a telnet session: library.example port 23")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("busy", [False, True])
def test_signals_give_the_terminal_back(browse, nasty, number, busy):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    during = termios.tcgetattr(browser.child.child_fd)
    assert not during[3] & (termios.ICANON | termios.ECHO)
    assert "1049" in browser.terminal.modes
    if busy:
        browser.keys("2\r").wait("Esc stops")
    if number == signal.SIGINT:
        browser.keys("\x03")
    else:
        os.kill(browser.child.pid, number)
    assert browser.end() == (None, number)
    assert "1049" not in browser.terminal.modes and browser.terminal.pending == ""


def test_terminal_modes_come_back(gopher, nasty, tmp_path):
    """Seen from a shell that outlives the browser."""
    for keys in ("q", "\x03"):
        child = pexpect.spawn("/bin/sh", encoding="utf-8", timeout=30, cwd=str(tmp_path))
        child.sendline("PS1=; stty -a > before")
        child.sendline(f"{gopher} localhost:{nasty.port}")
        child.expect("Nasty menu")
        child.expect("arrows, number")
        child.send(keys)
        child.expect("1049l")
        child.sendline("stty -a > after; echo do''ne")
        child.expect("done\r\n")
        child.close()
        assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


def test_stop_and_continue(browse, nasty):
    browser = browse(f"localhost:{nasty.port}").wait("Nasty menu")
    os.kill(browser.child.pid, signal.SIGTSTP)
    time.sleep(0.5)
    browser.settle()
    assert "1049" not in browser.terminal.modes
    os.kill(browser.child.pid, signal.SIGCONT)
    browser.wait("Nasty menu")
    assert "1049" in browser.terminal.modes
    assert browser.quit() == (0, None)


def test_no_terminal(run):
    done = run("localhost:1")
    assert done.returncode == 1 and b"no terminal" in done.stderr
