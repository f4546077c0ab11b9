#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A machine made of raw Ethernet frames, in place of QEMU: tap_guest.py INTERFACE

Opens the tap as QEMU does, asks for a lease (DHCP discover, offer), for the host's MAC address (ARP)
and for a name (DNS), and prints one line for each answer. It tests the test network itself.
"""
import fcntl
import os
import select
import socket
import struct
import sys
import time

MAC = bytes.fromhex("525400123456")
BROADCAST = b"\xff" * 6


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    iff_tap, iff_no_pi, tunsetiff = 0x0002, 0x1000, 0x400454CA
    fcntl.ioctl(tap, tunsetiff, struct.pack("16sH22x", name.encode(), iff_tap | iff_no_pi))
    return tap


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_frame(target_mac, source, target, source_port, target_port, payload):
    udp = struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return target_mac + MAC + b"\x08\x00" + head + udp


def receive(tap, wanted):
    """The first frame within 5 s for which wanted(frame) is not None: that value."""
    deadline = time.monotonic() + 5
    while (left := deadline - time.monotonic()) > 0:
        if select.select([tap], [], [], left)[0]:
            found = wanted(os.read(tap, 2048))
            if found is not None:
                return found
    sys.exit("no answer")


def udp_payload(frame, source_port):
    if frame[12:14] == b"\x08\x00" and frame[23] == 17:
        if struct.unpack("!H", frame[34:36])[0] == source_port:
            return frame[42:]
    return None


def main(interface):
    tap = open_tap(interface)
    discover = struct.pack("!BBBBIHH4s4s4s4s16s192xI", 1, 1, 6, 0, 0x1234, 0, 0x8000, b"", b"", b"", b"",
                           MAC, 0x63825363) + b"\x35\x01\x01\xff"
    os.write(tap, udp_frame(BROADCAST, "0.0.0.0", "255.255.255.255", 68, 67, discover))
    offer = receive(tap, lambda frame: udp_payload(frame, 67))
    address = socket.inet_ntoa(offer[16:20])
    print("dhcp offer", address)

    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, MAC, socket.inet_aton(address), b"",
                      socket.inet_aton("10.9.0.1"))
    os.write(tap, BROADCAST + MAC + b"\x08\x06" + arp)
    host_mac = receive(tap, lambda frame: frame[22:28] if frame[12:14] == b"\x08\x06"
                       and frame[20:22] == b"\x00\x02" else None)
    print("arp reply", host_mac.hex(":"))

    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\x06gopher\x04test\x00\x00\x01\x00\x01"
    os.write(tap, udp_frame(host_mac, address, "10.9.0.1", 5353, 53, query))
    reply = receive(tap, lambda frame: answer_arp(tap, address, frame) or udp_payload(frame, 53))
    print("dns answer", socket.inet_ntoa(reply[-4:]))


def answer_arp(tap, address, frame):
    """The host asks back for our MAC address before it can answer."""
    if frame[12:14] == b"\x08\x06" and frame[38:42] == socket.inet_aton(address):
        arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 2, MAC, frame[38:42], frame[22:28],
                          frame[28:32])
        os.write(tap, frame[6:12] + MAC + b"\x08\x06" + arp)


if __name__ == "__main__":
    main(sys.argv[1])
