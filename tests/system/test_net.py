# SPDX-License-Identifier: MIT
"""The network against real peers: lease, names, ping, TCP, and every way in which they fail."""
import re
import sys
import time
from pathlib import Path

import pytest

from machine import BUILD, Machine, run_command
from peers.odd_gopher import text_of
from peers.tap_peer import pattern

PEER = Path(__file__).resolve().parent / "peers" / "tap_peer.py"
TEXT_BYTES = 100 * 1024


def run(command, network, **options):
    return run_command(command, network=network, timeout=60, **options)


def expect(command, network, *texts, status=0, **options):
    done = run(command, network, **options)
    assert done.status == status, done.transcript
    for text in texts:
        assert re.search(text, done.output), f"no {text!r} in:\n{done.output}"
    return done


@pytest.fixture
def peers(full_network):
    """A full network with the peers of tap_peer.py (ports 7100 to 7105)."""
    process = full_network.start(sys.executable, str(PEER), name="tap_peer")
    full_network._await(process, "tap_peer", lambda: full_network._listens("t", 7100))
    return full_network


# --- configuration ----------------------------------------------------------------------------------

def test_lease(full_network):
    expect("net", full_network, r"card +rtl8139, 52:54:00:12:34:56, link up, 100 Mbit/s",
           r"address +10\.9\.0\.1\d\d/24", r"lease +bound, from 10\.9\.0\.1, 3600 s",
           r"name server +10\.9\.0\.1", r"default via 10\.9\.0\.1")


def test_nic_as_a_file(full_network):
    expect("cat /dev/nic", full_network, r"driver rtl8139\n", r"address 52:54:00:12:34:56\n", r"link up\n")


def test_no_card():
    expect("net", None, r"card +none", r"address +none", net="none")


def test_no_dhcp_answer(network):
    start = time.monotonic()
    expect("net", network, r"address +none", r"lease +asking, no answer yet")
    assert time.monotonic() - start < 30


def test_ping_without_card():
    expect("ping -c 1 10.1.2.3", None, r"network is unreachable", status=1, net="none")


# --- ping and names -----------------------------------------------------------------------------------

def test_ping_out(full_network):
    expect("ping -c 3 host.test", full_network, r"64 bytes from 10\.9\.0\.1: seq=3 ttl=64",
           r"3 sent, 3 received")


def test_ping_long(full_network):
    expect("ping -c 1 -s 1472 10.9.0.1", full_network, r"1480 bytes from")


def test_ping_nobody(full_network):
    expect("ping -c 1 -W 1 10.9.0.77", full_network, r"no answer from 10\.9\.0\.77",
           r"1 sent, 0 received", status=1)


def test_ping_in(full_network):
    with Machine(network=full_network) as machine:
        machine.expect_prompt()
        address = re.search(r"address +(10\.9\.0\.\d+)/24", wait_for_lease(machine))[1]
        output = full_network.run("ping", "-c", "3", "-i", "0.2", address)
        assert "3 received" in output
        assert re.search(r"10\.9\.0\.1 +[0-9a-f:]{17}", machine.command("arp"))


def wait_for_lease(machine):
    for _ in range(20):
        output = machine.command("net")
        if "lease        bound" in output:
            return output
        time.sleep(0.2)
    raise AssertionError(f"no lease:\n{output}")


def test_host(full_network):
    expect("host host.test", full_network, r"host\.test has address 10\.9\.0\.1",
           r"host\.test has address fd00:9::1")


def test_no_such_host(full_network):
    expect("host nothing.test", full_network, r"host: nothing\.test: no such host", status=1)


def test_silent_name_server(network):
    server = network.start_dns_dhcp()
    with Machine(network=network) as machine:
        machine.expect_prompt()
        wait_for_lease(machine)
        network.stop(server)
        assert "host: host.test: no name server answers" in machine.command("host host.test")


def test_localhost(network):
    expect("ping -c 1 localhost", network, r"1 sent, 1 received")


# --- connections ----------------------------------------------------------------------------------------

def test_text_complete_to_the_byte(full_network):
    """100 KB arrive as they were sent."""
    done = run(f"gopher -t gopher://10.9.0.1:7070/0/text/{TEXT_BYTES}", full_network)
    assert done.status == 0, done.transcript
    assert done.output.replace("\r", "").encode() == text_of(TEXT_BYTES).replace(b"\r", b"")


@pytest.mark.parametrize("url, text", [
    ("gopher://10.9.0.1:9/", r"refuses connections"),
    ("gopher://10.9.0.1:7070/0/reset", r"broke the connection off"),
    ("gopher://10.9.0.77/", r"no route to 10.9.0.77"),
    ("gopher://nothing.test/", r"nothing\.test"),
    ("gopher://10.9.0.1:7070/0/silent", r"silent|no answer|within|seconds"),
])
def test_failures_are_clean(full_network, url, text):
    done = run(f"gopher -t -w 6 {url}", full_network)
    assert done.status not in (0, 127), done.transcript
    assert re.search(text, done.output), done.output


def test_tcp_as_a_file(peers):
    expect("cat /tcp/10.9.0.1/7100", peers, r"hello from 7100")
    expect("cat /tcp/host.test/7100", peers, r"hello from 7100")


@pytest.mark.parametrize("path, text", [
    ("/tcp/10.9.0.1/9", "Connection refused"),
    ("/tcp/nothing.test/70", "Host is unreachable|No such host|No route"),
    ("/tcp/10.9.0.77/70", "Host is unreachable"),
    ("/tcp/10.9.0.1/0", "No such file"),
    ("/tcp/10.9.0.1/x", "No such file"),
    ("/tcp/10.9.0.1/70000", "No such file"),
])
def test_tcp_file_failures(peers, path, text):
    expect(f"cat {path}", peers, text, status=1)


# --- drivers and servers that die --------------------------------------------------------------------------

def test_driver_killed_during_download(peers):
    """Three times; the download completes, and the net server never lost its address."""
    with Machine(network=peers) as machine:
        machine.expect_prompt()
        wait_for_lease(machine)
        machine.line("cat /tcp/10.9.0.1/7101 > /ramdisk/slow &")
        machine.expect_prompt()
        for _ in range(3):
            time.sleep(0.7)
            machine.command("services kill rtl8139")
        for _ in range(60):
            size = machine.command("wc -c /ramdisk/slow")
            if "512000" in size:
                break
            time.sleep(0.5)
        assert "512000" in size, size + machine.command("net -a") + machine.command("services")
        assert re.search(r"restarted +3 times", machine.command("net"))


@pytest.mark.parametrize("service", ["rtl8139", "network", "pci"])
@pytest.mark.parametrize("how", ["kill", "spin"])
def test_network_back_within_three_seconds(full_network, service, how):
    with Machine(network=full_network) as machine:
        machine.expect_prompt()
        wait_for_lease(machine)
        machine.command(f"services {how} {service}")
        start = time.monotonic()
        while True:
            output = machine.command("ping -c 1 -W 1 10.9.0.1", timeout=30)
            if "1 received" in output:
                break
            assert time.monotonic() - start < 6, output + machine.transcript
        assert time.monotonic() - start < 6


def test_two_clients_one_stalled(peers):
    """One reads nothing of an endless stream; the other's download is not held up."""
    with Machine(network=peers) as machine:
        machine.expect_prompt()
        wait_for_lease(machine)
        machine.line("sleep 1000 < /tcp/10.9.0.1/7102 &")
        machine.expect_prompt()
        machine.command("cat /tcp/10.9.0.1/7103 > /ramdisk/quick")
        assert "1000000" in machine.command("wc -c /ramdisk/quick")
        assert re.search(r"tcp .* 10\.9\.0\.1:7102 +[1-9]\d+", machine.command("net -a"))


# --- data in both directions, and other machines --------------------------------------------------------------

def test_upload_complete_to_the_byte(peers):
    """A file of the image goes out; the peer's count and sum of it are those of the host's copy."""
    content = (BUILD / "image" / "bin" / "lua").read_bytes()
    expect("cat /bin/lua > /tcp/10.9.0.1/7104", peers)
    answer = f"{len(content)} bytes, sum {sum(content)}"
    for _ in range(50):
        if answer in peers.log("tap_peer"):
            return
        time.sleep(0.1)
    raise AssertionError(f"not {answer!r} but: {peers.log('tap_peer')}")


def test_download_complete_to_the_byte(peers):
    """Sixteen bytes a line: each line's number is checked by the guest's own tools at the ends."""
    with Machine(network=peers) as machine:
        machine.expect_prompt()
        wait_for_lease(machine)
        machine.command("cat /tcp/10.9.0.1/7103 > /ramdisk/million", timeout=60)
        assert "1000000" in machine.command("wc -c /ramdisk/million")
        assert "00000000062499" in machine.command("tail -n 1 /ramdisk/million")
        machine.command("cat /ramdisk/million > /tcp/10.9.0.1/7104", timeout=60)
        for _ in range(50):
            if "1000000 bytes" in peers.log("tap_peer"):
                break
            time.sleep(0.1)
        assert f"1000000 bytes, sum {sum(pattern(1000000))}" in peers.log("tap_peer")


@pytest.mark.parametrize("options", [{"machine": "q35"}, {"memory": "8G"}, {"memory": "48M"},
                                     {"cpu": "qemu64"}, {"smp": 3}], ids=str)
def test_other_machines(full_network, options):
    expect("ping -c 1 host.test", full_network, r"1 sent, 1 received", **options)


def test_hostile_frames(peers):
    """Frames of every kind of nonsense; then the network works as before."""
    with Machine(network=peers) as machine:
        machine.expect_prompt()
        address = re.search(r"address +(10\.9\.0\.\d+)/24", wait_for_lease(machine))[1]
        peers.run(sys.executable, str(PEER.with_name("odd_frames.py")), peers.tap, address, "3000")
        assert "hello from 7100" in machine.command("cat /tcp/10.9.0.1/7100")
        assert "restarted" not in machine.command("net")
        assert re.search(r"network +up +4 +0 ", machine.command("services"))
        assert re.search(r"rtl8139 +up +3 +0 ", machine.command("services"))


def test_lspci():
    expect("lspci", None, r"^00:00\.0 Host bridge \[0600\]: Intel \[8086:1237\]",
           r"\n00:03\.0 Ethernet controller \[0200\]: Realtek \[10ec:8139\] \(rev 20\)\n")
    expect("lspci -v", None, r"Realtek \[10ec:8139\][^\n]*\n(    [^\n]*\n)*    driver: yes")


def test_lspci_behind_bridges():
    """Buses behind bridges are looked at too."""
    done = run_command("lspci", machine="q35", net="none", timeout=60, extra=(
        "-device", "pcie-root-port,id=root,chassis=1",
        "-device", "pcie-pci-bridge,id=bridge,bus=root",
        "-device", "rtl8139,bus=bridge,addr=2"))
    assert re.search(r"^0[2-9]:02\.0 Ethernet controller", done.output, re.M), done.output


def test_lease_is_renewed(network):
    """Half of the shortest lease that dnsmasq gives is a minute."""
    network.start_dns_dhcp(lease="2m")
    with Machine(network=network) as machine:
        machine.expect_prompt()
        wait_for_lease(machine)
        for _ in range(80):
            if network.log("dnsmasq").count("DHCPACK") >= 2:
                break
            time.sleep(1)
        assert network.log("dnsmasq").count("DHCPACK") >= 2
        assert network.log("dnsmasq").count("DHCPDISCOVER") == 1
        assert "1 received" in machine.command("ping -c 1 10.9.0.1")


def test_router_says_unreachable(full_network):
    """ICMP errors end an attempt at once, not by a time-out."""
    full_network.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    start = time.monotonic()
    expect("ping -c 1 -W 30 10.99.0.1", full_network, r"no route to host", status=1)
    expect("cat /tcp/10.99.0.1/70", full_network, r"Host is unreachable", status=1)
    assert time.monotonic() - start < 25
