#!/usr/bin/env python3
"""Roaming in the NAT lab: in the middle of a transfer one side loses its interface, and with it its address and its way to the
signaling server, and gets another one, in another network. The transfer has to end with equal files all the same; the longest
time in which nothing arrived is printed.
"""
import functools
import hashlib
import os
import secrets
import subprocess
import threading
import time

import kinds
import lab
from lab import FOLDER
from servers import stop

PATIENCE = 150
WORK_ON_NETWORK = threading.Lock()
WITHOUT = 1.0  # seconds without any interface


class Roamer:
    """A host on a cable in the open, which gets another one there, or goes behind a NAT. The other side is behind one in any case.
    Without a relay nothing but signaling tells it of the new address."""

    def __init__(self, network, who, to, words=()):
        self.name = " ".join((who, to, *(word.strip("-") for word in words)))
        self.who, self.to, self.words = who, to, words
        self.host = self.name.replace(" ", "-")
        self.other = f"{self.host}-peer"
        network.add(self.host)
        network.plug(self.host, "eth0", network.free_address())
        network.add_host(self.other, kinds.PORT_RESTRICTED)
        if to == "behind-nat":
            network.add_nat(f"{self.host}-nat", kinds.PORT_RESTRICTED)

    def roam(self, network):
        network.change(self.host, "link del eth0")
        time.sleep(WITHOUT)
        with WORK_ON_NETWORK:
            if self.to == "behind-nat":
                network.attach(self.host, "wlan0", f"{self.host}-nat", 2)
            else:
                network.plug(self.host, "eth1", network.free_address())
            network.make()

    def hosts(self):
        """Of the sender, of the receiver."""
        return (self.host, self.other) if self.who == "sender" else (self.other, self.host)


class Transfer:
    """A file on its way, watched."""

    def __init__(self, roamer, size):
        self._roamer, self._size = roamer, size
        self.name = roamer.name
        self.folder = FOLDER / roamer.host
        self._file = self.folder / "sent.bin"
        self._digest = hashlib.sha256()
        self.processes = {}
        self.seconds = self.pause = 0.0
        self.roamed = False
        self._same = False

    def run(self, network, servers, linnet):
        """Moves the file, and looks whether it is the same; nothing of it stays in memory."""
        try:
            self._make_file()
            self._start(network, servers, linnet)
            self._watch(network)
            if not self._ended_badly():
                self._same = hashlib.sha256((self.folder / "out" / self._file.name).read_bytes()).digest() == self._digest.digest()
        finally:
            stop(self.processes.values())
            for path in self.folder.glob("**/*.bin"):
                path.unlink()

    def _make_file(self):
        (self.folder / "out").mkdir(parents=True)
        with self._file.open("wb") as file:
            for _ in range(self._size // 1_000_000):
                block = os.urandom(1_000_000)
                self._digest.update(block)
                file.write(block)

    def _start(self, network, servers, linnet):
        code = secrets.token_hex(6)
        sender, receiver = self._roamer.hosts()
        for name, host, words in (("recv", receiver, ("recv", code, "--yes", "--out", str(self.folder / "out"))),
                                  ("send", sender, ("send", str(self._file), "--code", code))):
            command = network.inside(host, linnet, *words, "--server", servers.url(), "--connect-timeout", "60", *self._roamer.words)
            with (self.folder / f"{name}.log").open("w") as log:
                self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=servers.environment)

    def received(self):
        """Bytes that have arrived, or that the finished file has."""
        sizes = []
        for path in (self.folder / "out").iterdir():
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:  # it gets its name just now
                pass
        return max(sizes, default=0)

    def _watch(self, network):
        begun = last = time.monotonic()
        size = 0
        try:
            while any(process.poll() is None for process in self.processes.values()) and time.monotonic() - begun < PATIENCE:
                now, arrived = time.monotonic(), self.received()
                if 0 < size < self._size and arrived > 0:
                    self.pause = max(self.pause, now - last)
                if arrived != size:
                    size, last = arrived, now
                if not self.roamed and arrived > self._size // 4:
                    self.roamed = arrived < self._size
                    self._roamer.roam(network)
                time.sleep(0.02)
        finally:
            stop(self.processes.values())
            self.seconds = time.monotonic() - begun

    def _ended_badly(self):
        codes = {name: process.returncode for name, process in self.processes.items()}
        return f"ended with {codes}" if set(codes.values()) != {0} else None

    def problem(self):
        if not self.processes:
            return "not tried"
        if bad := self._ended_badly():
            return bad
        if not self.roamed:
            return "the transfer was over before the interface went"
        return None if self._same else "the files differ"

    def report(self):
        return "".join(f"--- {name}\n{(self.folder / f'{name}.log').read_text(errors='replace')}" for name in self.processes)

    def __str__(self):
        problem = self.problem()
        return f"{self._size // 1_000_000} MB in {self.seconds:.1f} s, the longest pause {self.pause:.1f} s" + (f"; {problem}" if problem else "")


class RoamingLab(lab.Lab):
    """Both sides roam, to two kinds of places, and with nobody but signaling to tell of it."""

    @staticmethod
    def add_arguments(parser):
        parser.add_argument("--megabytes", type=int, default=200, help="size of the file")
        parser.add_argument("--at-once", type=int, default=2, help="transfers side by side: they wait more than they compute, and each takes twice its file of memory")

    def describe(self, network):
        roamers = [Roamer(network, who, to) for who in ("sender", "receiver") for to in ("other-address", "behind-nat")]
        roamers += [Roamer(network, who, "behind-nat", ("--no-relay",)) for who in ("sender", "receiver")]
        self.cases = [Transfer(roamer, self.arguments.megabytes * 1_000_000) for roamer in roamers]

    def run(self, network, servers):
        lab.side_by_side([functools.partial(self._try, transfer, network, servers) for transfer in self.cases], self.arguments.at_once)

    def _try(self, transfer, network, servers):
        try:
            transfer.run(network, servers, self.linnet)
        finally:
            print(f"{transfer.name:>28}: {transfer}", flush=True)

    def table(self):
        return f"{WITHOUT:.0f} s of each pause was without an interface"


if __name__ == "__main__":
    lab.main(RoamingLab)
