#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A Gopher server that misbehaves, one way per selector: odd_gopher.py PORT

    /silent     accepts the request, never answers
    /reset      resets the connection in the middle of a document
    /cut        closes in the middle of a menu line, without the final dot
    /slow       a correct text, one line each half second
    /endless    text that never ends
    /binary     256 different bytes, again and again, 64 KiB
    /long       a menu with one line of 1 MiB
    /junk       a menu of lines with missing fields, tabs, controls and bad UTF-8
    /text/N     N bytes of the text of text_of(), then the final dot
Everything else is an error menu.
"""
import socket
import struct
import sys
import threading
import time


def text_of(size):
    """`size` bytes of numbered lines, the last one cut as needed but ended."""
    lines = b"".join(b"%07d the quick brown fox jumps over the lazy dog\r\n" % i
                     for i in range(size // 53 + 1))
    return lines[:size - 2] + b"\r\n" if size >= 2 else lines[:size]


def answer(selector, connection):
    send = connection.sendall
    if selector == "/silent":
        connection.recv(1)
    elif selector == "/reset":
        send(b"half a doc")
        time.sleep(0.2)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif selector == "/cut":
        send(b"0A whole line\t/whole\thost.test\t70\r\n0Half a li")
    elif selector == "/slow":
        for i in range(10):
            send(b"line %d\r\n" % i)
            time.sleep(0.5)
        send(b".\r\n")
    elif selector == "/endless":
        while True:
            send(b"and so on, " * 100 + b"\r\n")
    elif selector == "/binary":
        send(bytes(range(256)) * 256)
    elif selector == "/long":
        send(b"0" + b"x" * (1 << 20) + b"\t/x\thost.test\t70\r\n.\r\n")
    elif selector == "/junk":
        send(b"\r\n\t\t\t\r\n0\r\n0no selector\r\nZ\t\t\t\t\t\r\n1port\t/\thost.test\t99999999\r\n"
             b"0bad\xff\xfe utf\t/\thost.test\t70\r\n0\x1b[2Jescape\t/\thost.test\t70\r\n"
             b"ino end of line")
    elif selector.startswith("/text/") and selector[6:].isdigit():
        send(text_of(int(selector[6:])) + b".\r\n")
    else:
        send(b"3No such document\t\terror.host\t1\r\n.\r\n")


def serve(connection):
    with connection:
        connection.settimeout(60)
        try:
            request = b""
            while not request.endswith(b"\n") and len(request) < 4096:
                part = connection.recv(1024)
                if not part:
                    return
                request += part
            answer(request.decode(errors="replace").rstrip("\r\n").partition("\t")[0], connection)
        except OSError:
            pass                                       # the client had enough


def main(port):
    with socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        while True:
            connection, _peer = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
