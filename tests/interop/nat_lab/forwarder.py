"""A long and lossy cable: impair.cpp between two switches, and what it does to datagrams, measured."""
import os
import select
import socket
import struct
import subprocess
import time

from lab import FOLDER
from servers import stop


class Forwarder:
    """The program that is the cable to a far switch; it may run before anybody is there."""

    def __init__(self, network, program, name, **options):
        self.name, self.options = name, options
        self._command = [program, *network.add_far(name), *(word for key, value in options.items() for word in (f"--{key}", str(value)))]
        self._network = network
        self._process = None

    @staticmethod
    def can_be():
        """Whether there are TUN devices here."""
        return os.access("/dev/net/tun", os.R_OK | os.W_OK)

    def __enter__(self):
        with (FOLDER / f"{self.name}.log").open("w") as log:
            self._process = subprocess.Popen(self._network.inside("inet", *self._command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError((FOLDER / f"{self.name}.log").read_text())
        return self

    def __exit__(self, *_):
        stop([self._process])
        (FOLDER / f"{self.name}.log").write_text(self._process.stdout.read())


class Measurement:
    """What becomes of many datagrams on the way from a host to another one, both of which are on public addresses. What of the luck there
    may be is as wide as one run in a million is."""

    COUNT = 1000
    SIGMAS = 5

    def __init__(self, name, options, sender, receiver):
        self.name, self._options, self._sender, self._receiver = name, options, sender, receiver
        self._arrived = None  # the number of each datagram, and how long it took

    def run(self, network):
        with network.socket(self._sender, socket.AF_INET, socket.SOCK_DGRAM) as out, network.socket(self._receiver, socket.AF_INET, socket.SOCK_DGRAM) as into:
            into.bind((network.address(self._receiver), 0))
            into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            arrived = []
            for number in range(self.COUNT):
                out.sendto(struct.pack("!Id", number, time.monotonic()), into.getsockname())
                self._receive(into, arrived, 0.001)
            last = time.monotonic()
            while time.monotonic() - last < 1:
                if self._receive(into, arrived, 0.1):
                    last = time.monotonic()
            self._arrived = arrived

    @staticmethod
    def _receive(into, arrived, patience):
        found = False
        while select.select([into], [], [], 0 if found else patience)[0]:
            number, sent = struct.unpack("!Id", into.recv(100))
            arrived.append((number, time.monotonic() - sent))
            found = True
        return found

    def figures(self):
        """The part that was lost, the part that came twice, the part that another one overtook, and the shortest time in ms."""
        numbers = [number for number, _ in self._arrived]
        different = set(numbers)
        newest, overtaken = -1, 0
        for number in dict.fromkeys(numbers):
            overtaken += number < newest
            newest = max(newest, number)
        return (1 - len(different) / self.COUNT, (len(numbers) - len(different)) / self.COUNT, overtaken / self.COUNT,
                1000 * min((took for _, took in self._arrived), default=0))

    def problem(self):
        if self._arrived is None:
            return "not tried"
        lost, twice, overtaken, shortest = self.figures()
        for what, part, wanted in (("lost", lost, self._options.get("loss", 0)), ("twice", twice, self._options.get("duplicate", 0))):
            if abs(part - wanted) > self.SIGMAS * (wanted * (1 - wanted) / self.COUNT) ** 0.5:
                return f"{part:.3f} were {what}, {wanted} were to be"
        if (overtaken > 0) != (self._options.get("reorder", 0) > 0):
            return f"{overtaken:.3f} were overtaken"
        # Not longer than this, of a thousand the fastest, however busy the machine is.
        if not self._options["delay"] <= shortest < self._options["delay"] + 50:
            return f"it took {shortest:.1f} ms, {self._options['delay']} were to be"
        return None

    def report(self):
        return ""

    def __str__(self):
        if self._arrived is None:
            return "none !"
        lost, twice, overtaken, shortest = self.figures()
        return f"{shortest:.1f} ms or more, lost {lost:.1%}, twice {twice:.1%}, overtaken {overtaken:.1%}{'!' if self.problem() else ''}"
