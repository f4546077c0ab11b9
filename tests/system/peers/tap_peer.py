#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""TCP peers of the network tests, one per port:

    7100   sends a line and closes
    7101   sends 512,000 bytes over four seconds and closes
    7102   sends without end, as fast as it is taken
    7103   sends 1,000,000 bytes and closes
    7104   takes everything, and then prints the number of bytes and their sum
"""
import socketserver
import threading
import time


def pattern(n):
    """n bytes whose order can be checked: numbered lines of 16 bytes."""
    return b"".join(b"%014d\r\n" % i for i in range(n // 16 + 1))[:n]


def hello(send, _receive):
    send(b"hello from 7100\n")


def slow(send, _receive):
    data = pattern(512000)
    for i in range(0, len(data), 12800):
        send(data[i:i + 12800])
        time.sleep(0.1)


def endless(send, _receive):
    while True:
        send(bytes(65536))


def million(send, _receive):
    send(pattern(1000000))


def count(_send, receive):
    n = total = 0
    while data := receive(65536):
        n += len(data)
        total += sum(data)
    print(f"{n} bytes, sum {total}", flush=True)


def serve(port, peer):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                peer(self.request.sendall, self.request.recv)
            except OSError:
                pass                                   # the guest is free to go

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    server = Server(("10.9.0.1", port), Handler)
    threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    for number, function in ((7101, slow), (7102, endless), (7103, million), (7104, count), (7100, hello)):
        serve(number, function)
