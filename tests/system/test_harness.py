# SPDX-License-Identifier: MIT
"""The test network tested by itself, without EuraliOS: a failure here is no failure of the system."""
import os
import sys
import time
from pathlib import Path

from network import Network
from peers.odd_gopher import text_of

HERE = Path(__file__).resolve().parent
CLIENT = """
import socket, sys
with socket.create_connection(("10.9.0.1", int(sys.argv[1])), 5) as s:
    s.sendall(sys.argv[2].encode() + b"\\r\\n")
    sys.stdout.buffer.write(b"".join(iter(lambda: s.recv(4096), b"")))
"""


def ask(network, port, selector):
    return network.run(sys.executable, "-c", CLIENT, str(port), selector)


def test_tap_reaches_dhcp_arp_and_dns(full_network):
    guest = full_network.run(sys.executable, str(HERE / "peers" / "tap_guest.py"), full_network.tap)
    lines = guest.splitlines()
    assert lines[0].startswith("dhcp offer 10.9.0.1")
    assert lines[1].startswith("arp reply ")
    assert lines[2] == "dns answer 10.9.0.1"


def test_gopher_serves_the_site(full_network):
    menu = ask(full_network, 70, "")
    assert "0About this site\t/about.txt\tgopher.test\t70" in menu
    assert "served by a real Gopher server" in ask(full_network, 70, "/about.txt")
    assert "You searched for: fox" in ask(full_network, 70, "/cgi-bin/search\tfox")


def test_odd_gopher_serves_a_text_of_given_size(full_network):
    assert len(text_of(100000)) == 100000
    sent = (text_of(100000) + b".\r\n").decode().replace("\r\n", "\n")    # as ask() reads it
    assert ask(full_network, 7070, "/text/100000") == sent


def test_network_leaves_nothing():
    network = Network()
    network.start_dns_dhcp()
    pids = [network._holder.pid, *(p.pid for p in network._processes)]
    network.close()
    time.sleep(0.1)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert not network.folder.exists()
