# SPDX-License-Identifier: MIT
"""The Gopher program against a real server and one that misbehaves: documents, every failure, a session."""
import hashlib
import re

import pytest

from machine import PROMPT, Machine, run_command
from peers.odd_gopher import text_of


def on_network(command, network, **options):
    return run_command(command, network=network, time_limit=90, **options)


def test_user_network_has_a_lease():
    """What `make run` gives: QEMU's own network."""
    done = run_command("net", time_limit=60)
    assert done.status == 0 and "10.0.2.15" in done.output


def test_menu_and_text(full_network):
    done = on_network("gopher -t gopher://gopher.test/1/", full_network)
    assert done.status == 0 and "About this site" in done.output
    done = on_network("gopher -t gopher://gopher.test/0/about.txt", full_network)
    assert done.status == 0 and "served by a real Gopher server" in done.output


def test_search(full_network):
    done = on_network("gopher -t gopher.test/7/cgi-bin/search quick fox", full_network)
    assert done.status == 0 and re.search("You searched for: quick.fox", done.output)


def test_100_kb_arrive_complete(full_network):
    done = on_network("gopher -t gopher://gopher.test:7070/0/text/100000", full_network)
    assert done.status == 0
    assert done.output == text_of(100000).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("smp", [1, 2])
def test_a_megabyte_into_a_file(full_network, smp):
    """Saved to the RAM disk and read back: the end of it, and its length. On two processors the serial line never rests."""
    command = ("gopher -t gopher://gopher.test:7070/0/text/1000000 > /ramdisk/text; ls -l /ramdisk/text; "
               "cat /ramdisk/text")
    done = on_network(command, full_network, smp=smp)
    expected = text_of(1000000).replace(b"\r\n", b"\n")
    assert done.status == 0
    listing, _, content = done.output.partition("\n")
    assert str(len(expected)) in listing
    assert hashlib.sha256(content.encode()).digest() == hashlib.sha256(expected).digest()


@pytest.mark.parametrize("address, status", [
    ("gopher://gopher.test:99999/", 2),
    ("gopher://nothere.test/", 3),
    ("gopher://gopher.test:79/", 6),
    ("gopher://gopher.test:7070/0/reset", 7),
    ("-w 3 gopher://gopher.test:7070/0/silent", 8),
    ("-w 3 gopher://nobody.test/", None),
    ("gopher://gopher.test:7070/0/endless", 9),
    ("gopher://gopher.test:7070/0/binary", 11),
    ("gopher://gopher.test:7070/0/nothing", 15),
])
def test_failures_are_named(full_network, address, status):
    """nobody.test is an address that nobody answers for: no route or silence, as the stack sees it."""
    done = on_network(f"gopher -t {address}", full_network)
    assert done.status == status if status is not None else done.status in (5, 8)
    assert done.output.strip(), "a failure without a message"


def test_no_network_card_is_no_route():
    done = run_command("gopher -t gopher://10.9.0.1/", net="none", time_limit=60)
    assert done.status == 5, done.output


def test_browser_follows_goes_back_and_saves(full_network):
    with Machine(network=full_network) as machine:
        machine.expect(PROMPT, timeout=60)
        machine.line("gopher gopher.test")
        machine.expect("About this site", timeout=30)
        machine.expect("The library")
        machine.send("2\r")                     # the second link: the library
        machine.expect("The first book", timeout=30)
        machine.send("\x1b[D")                  # left: back
        machine.expect("About this site")
        machine.send("q")
        machine.expect(PROMPT)


def test_browser_saves_a_document(full_network):
    with Machine(network=full_network) as machine:
        machine.expect(PROMPT, timeout=60)
        machine.line("gopher gopher.test/0/about.txt")
        machine.expect("served by a real Gopher server", timeout=30)
        machine.send("s")
        machine.expect("about.txt")             # the proposed name
        machine.send("\x15/ramdisk/saved\r")
        machine.expect("(?i)saved")
        machine.send("q")
        machine.expect(PROMPT)
        assert "served by a real Gopher server" in machine.command("cat /ramdisk/saved")
