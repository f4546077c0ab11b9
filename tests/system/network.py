# SPDX-License-Identifier: MIT
"""A network of its own for a virtual machine: a namespace with a tap device and real peers.

    with Network() as network:
        network.start_dns_dhcp()
        network.start_gopher(site)
        machine = Machine(network=network)

The namespace has no name: it lives as long as its first process, and the tap with it, so nothing is
left behind even if the tests are killed. Root is not needed where users may make user namespaces.

The host side of the tap is 10.9.0.1 and fd00:9::1, called host.test and gopher.test. DHCP hands out
10.9.0.100 to 10.9.0.199. Nothing of it reaches any other network.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Network:
    """The namespace and its peers. Use as a context manager, or call close()."""

    address = "10.9.0.1"
    tap = "tap0"

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="euralios-network."))
        self.folder.chmod(0o755)                  # servers show world-readable files only
        self._processes = []
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        # The kernel ends each process of ours when the one that started it is gone.
        self._guard = ["setpriv", "--pdeathsig", "KILL", "--"]
        self._holder = subprocess.Popen(
            [*self._guard, "unshare", *user, "--net", "sh", "-c", "echo; exec sleep infinity"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self._holder.stdout.readline() != b"\n":
            message = self._holder.stderr.read().decode()
            self.close()
            raise RuntimeError(f"cannot make a network namespace: {message}")
        self._enter = ["nsenter", "--target", str(self._holder.pid), "--net"]
        self._enter += ["--user", "--preserve-credentials"] if user else []
        for command in (f"tuntap add dev {self.tap} mode tap",
                        f"addr add {self.address}/24 dev {self.tap}",
                        f"addr add fd00:9::1/64 dev {self.tap} nodad",
                        f"link set {self.tap} up",
                        "link set lo up"):
            self.run("ip", *command.split())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    # --- processes in the namespace ----------------------------------------------------------

    def inside(self, command):
        """The command line that runs a command line in the namespace."""
        return [*self._enter, "--", *command]

    def run(self, *command, **options):
        """Runs a program in the namespace, waits for it; its standard output."""
        done = subprocess.run(self.inside(command), capture_output=True, text=True, check=False, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def start(self, *command, name):
        """Starts a server in the namespace, its output in `name`.log; its Popen."""
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen([*self._guard, *self.inside(command)], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)
        return process

    def log(self, name):
        """What a server has printed so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _await(self, process, name, ready, timeout=10):
        """Waits until `ready()`; fails with the server's log if it ends or takes too long."""
        deadline = time.monotonic() + timeout
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start: {self.log(name)}")
            time.sleep(0.05)

    def _listens(self, protocol, port):
        return f":{port} " in self.run("ss", f"-ln{protocol}")

    def stop(self, process):
        """Ends a process that start() returned."""
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._processes.remove(process)

    # --- peers ---------------------------------------------------------------------------------

    def start_dns_dhcp(self, *, lease="1h", dhcp=True, options=()):
        """dnsmasq: names under .test, and leases. host.test and gopher.test are this side, nobody.test
        is an address that nobody has, all others do not exist. Returns the Popen, for stop()."""
        command = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                   "--no-hosts", "--user=root", "--group=root", f"--pid-file={self.folder}/dnsmasq.pid",
                   f"--interface={self.tap}", "--bind-interfaces", "--local=/test/", "--log-queries",
                   "--log-facility=-", f"--host-record=host.test,gopher.test,{self.address},fd00:9::1",
                   "--host-record=nobody.test,10.9.0.77", *options]
        if dhcp:
            command += [f"--dhcp-range=10.9.0.100,10.9.0.199,255.255.255.0,{lease}", "--log-dhcp",
                        f"--dhcp-option=option:router,{self.address}",
                        f"--dhcp-option=option:dns-server,{self.address}",
                        "--dhcp-option=option:domain-name,test", "--no-ping", "--dhcp-authoritative",
                        f"--dhcp-leasefile={self.folder}/leases"]
        process = self.start(*command, name="dnsmasq")
        self._await(process, "dnsmasq", lambda: self._listens("u", 53))
        return process

    def start_gopher(self, site, *, port=70, name="gopher"):
        """gophernicus, serving the folder `site` (copied: it has to be world-readable)."""
        root = self.folder / f"{name}.site"
        shutil.copytree(site, root)
        for path in [root, *root.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        process = self.start(sys.executable, str(HERE / "peers" / "inetd.py"), str(port), "gophernicus",
                             "-r", str(root), "-h", "gopher.test", "-p", str(port), "-nr", "-ns", "-nm",
                             "-nv", "-nu", "-nf", "-nd", name=name)
        self._await(process, name, lambda: self._listens("t", port))
        return process

    def start_odd_gopher(self, port=7070):
        """The server of peers/odd_gopher.py, whose selectors each misbehave in a way of their own."""
        process = self.start(sys.executable, str(HERE / "peers" / "odd_gopher.py"), str(port),
                             name="odd_gopher")
        self._await(process, "odd_gopher", lambda: self._listens("t", port))
        return process

    def close(self):
        """Ends all peers and the namespace."""
        for process in list(self._processes):
            self.stop(process)
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()
        self._holder.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)
