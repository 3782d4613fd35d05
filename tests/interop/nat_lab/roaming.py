#!/usr/bin/env python3
"""Roaming in the NAT lab: in the middle of a transfer one side loses its interface, and with it its address and its way to the
signaling server, and gets another one, in another network. The transfer has to end with equal files all the same; the longest
time in which nothing arrived is printed.
"""
import argparse
import hashlib
import os
import pathlib
import secrets
import subprocess
import sys
import time

import kinds
import sandbox
from network import Network
from servers import Servers, stop

SKIPPED = 77
FOLDER = pathlib.Path("/run/lab")
PATIENCE = 150
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

    def __init__(self, network, servers, linnet, roamer, size):
        self._network, self._roamer, self._size = network, roamer, size
        self.folder = FOLDER / roamer.name.replace(" ", "-")
        (self.folder / "out").mkdir(parents=True)
        self._file = self.folder / "sent.bin"
        self._digest = hashlib.sha256()
        with self._file.open("wb") as file:
            for _ in range(size // 1_000_000):
                block = os.urandom(1_000_000)
                self._digest.update(block)
                file.write(block)
        code = secrets.token_hex(6)
        self.processes = {}
        sender, receiver = roamer.hosts()
        for name, host, words in (("recv", receiver, ("recv", code, "--yes", "--out", str(self.folder / "out"))),
                                  ("send", sender, ("send", str(self._file), "--code", code))):
            command = network.inside(host, linnet, *words, "--server", servers.url(), "--connect-timeout", "60", *roamer.words)
            with (self.folder / f"{name}.log").open("w") as log:
                self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=servers.environment)
        self.pause = 0.0
        self.roamed = False

    def received(self):
        """Bytes that have arrived, or that the finished file has."""
        sizes = []
        for path in (self.folder / "out").iterdir():
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:  # it gets its name just now
                pass
        return max(sizes, default=0)

    def run(self):
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
                    self._roamer.roam(self._network)
                time.sleep(0.02)
        finally:
            stop(self.processes.values())
        self.seconds = time.monotonic() - begun

    def problem(self):
        codes = {name: process.returncode for name, process in self.processes.items()}
        if set(codes.values()) != {0}:
            return f"ended with {codes}"
        if not self.roamed:
            return "the transfer was over before the interface went"
        if hashlib.sha256((self.folder / "out" / self._file.name).read_bytes()).digest() != self._digest.digest():
            return "the files differ"
        return None

    def said(self):
        return "".join(f"--- {name}\n{(self.folder / f'{name}.log').read_text(errors='replace')}" for name in self.processes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("linnet", type=pathlib.Path, help="the program")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the file")
    parser.add_argument("--show", action="store_true", help="what the programs said")
    arguments = parser.parse_args()
    linnet = str(arguments.linnet.resolve())
    try:
        sandbox.enter(("ip", "nft", "ss", "mount", "openssl", "turnserver"))
    except sandbox.Unavailable as why:
        print(f"roaming in the NAT lab is skipped: {why}", file=sys.stderr)
        return SKIPPED

    FOLDER.mkdir()
    pathlib.Path("/run/netns").mkdir()
    network = Network()
    roamers = [Roamer(network, who, to) for who in ("sender", "receiver") for to in ("other-address", "behind-nat")]
    roamers += [Roamer(network, who, "behind-nat", ("--no-relay",)) for who in ("sender", "receiver")]
    network.make()
    failed = 0
    with Servers(network, linnet, FOLDER) as servers:
        for roamer in roamers:
            transfer = Transfer(network, servers, linnet, roamer, arguments.megabytes * 1_000_000)
            transfer.run()
            problem = transfer.problem()
            print(f"{roamer.name:>28}: {arguments.megabytes} MB in {transfer.seconds:.1f} s, the longest pause {transfer.pause:.1f} s"
                  f" ({WITHOUT:.0f} s of it without an interface){'; ' + problem if problem else ''}", flush=True)
            if problem or arguments.show:
                print(transfer.said())
            if problem:
                failed += 1
                print(servers.logs())
            for path in transfer.folder.glob("**/*.bin"):
                path.unlink()
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
