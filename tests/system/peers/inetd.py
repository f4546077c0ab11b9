#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs a program for each TCP connection, with the connection as its standard input and output:
inetd.py PORT PROGRAM ARGUMENT ..."""
import socket
import subprocess
import sys
import threading


def serve(connection, command):
    with connection:
        subprocess.run(command, stdin=connection, stdout=connection, check=False)


def main(port, *command):
    with socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        while True:
            connection, _peer = server.accept()
            threading.Thread(target=serve, args=(connection, command), daemon=True).start()


main(*sys.argv[1:])
