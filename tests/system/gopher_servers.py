# SPDX-License-Identifier: MIT
"""Gopher servers for tests: a real one (gophernicus) and one that misbehaves in every known way.

Both listen on loopback, or where they are told, on a port that the system chooses. Standard library only.
"""

import os
import pathlib
import socket
import socketserver
import struct
import subprocess
import threading
import time

GOPHERNICUS = "/usr/sbin/gophernicus"


def text_of(n_bytes):
    """A text file of exactly this many bytes, with lines that tempt a client: dots, blanks, accents."""
    odd = ["", ".", "..", ".profile", "\tTAB", "  two blanks", "Grüße", "x" * 200, "end. "]
    lines = []
    size = 0
    while size < n_bytes:
        line = f"{len(lines):6d} the quick brown fox" if len(lines) % 10 else odd[len(lines) // 10 % len(odd)]
        lines.append(line)
        size += len(line.encode()) + 1
    return "\n".join(lines).encode()[: n_bytes - 1] + b"\n"


def fill_root(root):
    """What gophernicus serves."""
    root = pathlib.Path(root)
    (root / "files").mkdir(parents=True)
    (root / "gophermap").write_text(
        "Welcome to the burrow\n"
        "\n"
        "0About this server\tabout.txt\n"
        "1Files\tfiles\n"
        "0A long text\tbig.txt\n"
        "9A picture\tfiles/picture.bin\n"
        "hThe web\tURL:http://example.org/\n"
        "8A library\tbooks\tlibrary.example\t23\n"
    )
    (root / "about.txt").write_text("".join(f"about line {i}\n" for i in range(1, 61)))
    (root / "big.txt").write_bytes(text_of(100 * 1024))
    (root / "files" / "one.txt").write_text("one\n")
    (root / "files" / "latin1.txt").write_bytes("Gr\xfc\xdfe aus K\xf6ln\n".encode("latin-1"))
    (root / "files" / "picture.bin").write_bytes(bytes(range(256)) * 800)


class Server:
    """Answers each connection in a thread with self.answer(request line, socket)."""

    def __init__(self, address=("127.0.0.1", 0), family=socket.AF_INET):
        outer = self
        self.requests = []

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.settimeout(30)
                try:
                    outer.serve(self.request)
                except OSError:
                    pass  # the client went away, which is its right

        class Threads(socketserver.ThreadingMixIn, socketserver.TCPServer):
            allow_reuse_address = True
            daemon_threads = True
            address_family = family
            request_queue_size = 20

        self.server = Threads(address, Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, connection):
        line = b""
        while not line.endswith(b"\n"):
            piece = connection.recv(4096)
            if not piece:
                break
            line += piece
        self.requests.append(line)
        self.answer(line.rstrip(b"\r\n"), connection)

    def answer(self, request, connection):
        raise NotImplementedError

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Gophernicus(Server):
    """Starts the real server for each connection, as inetd would."""

    def __init__(self, root, address=("127.0.0.1", 0), host="localhost"):
        self.root, self.host = str(root), host
        super().__init__(address)

    def serve(self, connection):
        command = [GOPHERNICUS, "-h", self.host, "-p", str(self.port), "-r", self.root]
        command += ["-nr", "-nm", "-nf", "-nd", "-nu", "-ns", "-nt", "-nx"]
        subprocess.run(command, stdin=connection.fileno(), stdout=connection.fileno(),
                       stderr=subprocess.DEVNULL, timeout=60, check=False)


def reset(connection):
    """Closes with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Nasty(Server):
    """Each selector is a way to misbehave."""

    def menu_line(self, kind, text, selector):
        return f"{kind}{text}\t{selector}\tlocalhost\t{self.port}\r\n".encode()

    def answer(self, request, connection):
        name, _, words = request.decode("latin-1").partition("\t")
        method = getattr(self, "on_" + (name.strip("/") or "root").replace("-", "_"), None)
        if method is None:
            connection.sendall(b"3Not found: " + request[:40] + b"\tx\terror.host\t1\r\n.\r\n")
        else:
            method(connection, words)

    def on_root(self, connection, _):
        out = b"iNasty menu\t\terror.host\t1\r\n"
        for kind, name in [("0", "reset"), ("0", "silent"), ("1", "empty"), ("0", "oversized"),
                           ("0", "escapes"), ("1", "malformed"), ("7", "search"), ("0", "nodot"),
                           ("0", "binary"), ("9", "file"), ("9", "missing"), ("1", "page"),
                           ("0", "utf8"), ("0", "slow"), ("9", "endless"), ("0", "stuffed")]:
            out += self.menu_line(kind, "Item " + name, "/" + name)
        connection.sendall(out + b".\r\n")

    def on_reset(self, connection, _):
        connection.sendall(b"part of a ")
        time.sleep(0.2)
        reset(connection)

    def on_silent(self, connection, _):
        time.sleep(25)

    def on_stalls(self, connection, _):
        connection.sendall(b"some bytes\r\n")
        time.sleep(25)

    def on_empty(self, connection, _):
        pass

    def on_oversized(self, connection, _):
        line = b"x" * 1022 + b"\r\n"
        for _i in range(9 * 1024 // 8):
            connection.sendall(line * 8)

    def on_endless(self, connection, _):
        for _i in range(3000):
            connection.sendall(b"\0" * 4096)
            time.sleep(0.01)

    def on_escapes(self, connection, _):
        connection.sendall(b"before \x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b31m \xc2\x9b31m \x08\x08\x7f"
                           b" \xe2\x80\xaereversed after\r\n.\r\n")

    def on_malformed(self, connection, _):
        connection.sendall(
            self.menu_line("0", "Good one", "/utf8") + b"no tabs at all\r\n" b"0Only name\r\n"
            b"1No port\t/x\tlocalhost\t\r\n" b"1Bad port\t/x\tlocalhost\t99999\r\n"
            b"1Bad host\t/x\t-rf;\t70\r\n" b"0Name \x1b[31m with colour\t/x\tlocalhost\t70\r\n"
            b"\r\n" b"\x00\x01\x02\t\t\t\r\n" + self.menu_line("+", "Mirror of nothing", "/y")
            + b"1" + b"L" * 500 + b"\t" + b"s" * 3000 + b"\tlocalhost\t70\r\n" + b"0cut\t/cu")

    def on_page(self, connection, _):
        connection.sendall(b"<html><body>This is no menu\r\nat all</body></html>\r\n")

    def on_search(self, connection, words):
        connection.sendall(f"iYou asked for [{words}]\t\terror.host\t1\r\n".encode("latin-1")
                           + self.menu_line("0", "A result", "/utf8") + b".\r\n")

    def on_nodot(self, connection, _):
        connection.sendall(b"first\r\n.hidden\r\n..two dots\r\nlast, without an end")

    def on_stuffed(self, connection, _):
        connection.sendall(b"first\r\n...and so on\r\n..\r\nlast\r\n.\r\n")

    def on_binary(self, connection, _):
        connection.sendall(bytes(range(256)) * 4)

    def on_file(self, connection, _):
        connection.sendall(bytes(range(256)) * 40 + b"\r\n.\r\n")

    def on_utf8(self, connection, _):
        connection.sendall("Grüße, 世界\r\n".encode() + "K\xf6ln\r\n.\r\n".encode("latin-1"))

    def on_slow(self, connection, _):
        for i in range(5):
            connection.sendall(f"line {i}\r\n".encode()[:4])
            time.sleep(0.15)
            connection.sendall(f"line {i}\r\n".encode()[4:])
        connection.sendall(b".\r\n")

    def on_held(self, connection, _):
        connection.sendall(b"complete\r\n.\r\n")
        time.sleep(25)  # never closes

    def on_long(self, connection, _):
        connection.sendall(b"".join(f"line {i}\r\n".encode() for i in range(1, 1001)) + b".\r\n")
