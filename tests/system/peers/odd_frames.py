#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sends nonsense to a machine on the link: odd_frames.py INTERFACE ADDRESS COUNT

Random frames; and frames that begin as ARP, IPv4 (ICMP, UDP, TCP, fragments) or IPv6 ones and then
have bytes changed, lengths that lie, or an end too soon. The same ones every time.
"""
import random
import socket
import struct
import sys

MAC = bytes.fromhex("525400123456")
OWN = bytes.fromhex("020000000001")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(rng, address, protocol, payload):
    """A header whose sum is right, so that what it says is believed."""
    length = rng.choice([20 + len(payload)] * 3 + [rng.randrange(0x10000)])
    fragment = rng.choice([0, 0, 0, rng.randrange(0x10000)])
    words = rng.choice([5, 5, 5, rng.randrange(16)])
    header = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, length, rng.randrange(0x10000), fragment,
                         64, protocol, 0, socket.inet_aton("10.9.0.1"), socket.inet_aton(address))
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return b"\x08\x00" + header + payload


def icmp(rng):
    body = bytes([rng.choice([0, 3, 3, 3, 5, 8, 11, 13]), rng.randrange(16), 0, 0]) + rng.randbytes(
        rng.choice([4, 8, 24, 28, 32, 60]))
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def content(rng, address):
    kind = rng.randrange(7)
    if kind == 0:
        return rng.randbytes(rng.randrange(2, 1502))
    if kind == 1:
        return b"\x08\x06" + bytes.fromhex("0001080006040001") + rng.randbytes(rng.randrange(40))
    if kind == 2:
        return ipv4(rng, address, 1, icmp(rng))
    if kind == 3:
        port = rng.choice([53, 67, 68, rng.randrange(0x10000)])
        return ipv4(rng, address, 17, struct.pack("!HHHH", port, 68, rng.randrange(400), 0)
                    + rng.randbytes(rng.randrange(400)))
    if kind == 4:
        return ipv4(rng, address, 6, rng.randbytes(12) + bytes([rng.randrange(256), rng.randrange(256)])
                    + rng.randbytes(rng.randrange(6, 60)))
    if kind == 5:
        return b"\x86\xdd\x60" + rng.randbytes(3) + struct.pack("!HBB", rng.randrange(100), rng.choice(
            [0, 6, 17, 43, 44, 58, 58, 60]), 255) + rng.randbytes(rng.randrange(100))
    return ipv4(rng, address, rng.randrange(256), rng.randbytes(rng.randrange(1400)))


def main():
    interface, address, count = sys.argv[1:]
    rng = random.Random(8139)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((interface, 0))
        for _ in range(int(count)):
            to = rng.choice([MAC, MAC, b"\xff" * 6, b"\x33\x33\0\0\0\1"])
            link.send((to + OWN + content(rng, address))[:1514])


if __name__ == "__main__":
    main()
