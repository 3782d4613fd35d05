#!/usr/bin/env python3
"""The NAT lab with delay and loss: files between a host that is near to all servers and one that is far away, behind a cable that loses, repeats and
reorders. Each transfer has to end with equal files over the path that theory has, as in nat_lab.py.

Needs what nat_lab.py needs, and TUN devices; without them it says so and ends with 77. The kernel need not have netem: a program is the cable (impair.cpp).
"""
import contextlib
import pathlib

import kinds
import lab
import sandbox
from cell import Cell, run_cells
from forwarder import Forwarder, Measurement

# What each way does, and between which kinds of networks files go how: the first is the near one, which sends.
FAR = {
    "far": ({"delay": 50, "jitter": 5, "loss": 0.02, "duplicate": 0.01, "reorder": 0.02}, 500_000, (
        (kinds.OPEN, kinds.OPEN), (kinds.PORT_RESTRICTED, kinds.FULL), (kinds.RESTRICTED, kinds.SYMMETRIC), (kinds.SYMMETRIC, kinds.SYMMETRIC),
        (kinds.NO_UDP, kinds.NO_UDP), (kinds.ONLY_443, kinds.DOUBLE), (kinds.ONLY_6, kinds.OPEN), (kinds.OPEN, kinds.ONLY_6))),
    "very-far": ({"delay": 150, "jitter": 20, "loss": 0.1, "duplicate": 0.02, "reorder": 0.05}, 20_000, (
        (kinds.OPEN, kinds.OPEN), (kinds.DOUBLE, kinds.PORT_RESTRICTED), (kinds.SYMMETRIC, kinds.SYMMETRIC), (kinds.OPEN, kinds.NO_UDP))),
}


class FarCell(Cell):
    """Tells how long it took, too."""

    def __str__(self):
        return super().__str__() + (f", {self.transfer.seconds[1]:.1f}" if self.transfer else "")


class FarLab(lab.Lab):
    """Two cables, what they do, and what files make of it."""

    @staticmethod
    def add_arguments(parser):
        parser.add_argument("--impair", type=pathlib.Path, required=True, help="the program of impair.cpp, from where linnet was built")
        parser.add_argument("--at-once", type=int, default=12, help="transfers side by side: they wait more than they compute")

    def __init__(self, arguments):
        super().__init__(arguments)
        self._impair = str(arguments.impair.resolve())
        self._cables, self._measurements, self._cells = [], [], []

    def tools(self):
        if not Forwarder.can_be():
            raise sandbox.Unavailable("no TUN devices can be made")
        return lab.TOOLS

    def describe(self, network):
        theory = kinds.theory()
        network.add_host("near", kinds.OPEN)
        for place, (options, size, pairs) in FAR.items():
            self._cables.append(Forwarder(network, self._impair, place, **options))
            network.add_host(place, kinds.OPEN, at=place)
            self._measurements += [Measurement(f"to {place}", options, "near", place), Measurement(f"from {place}", options, place, "near")]
            for a, b in pairs:
                name = f"{a} to {b}, {place}"
                left, right = f"{place}-{a}-{b}-l", f"{place}-{a}-{b}-r"
                network.add_host(left, a)
                network.add_host(right, b, at=place)
                self._cells.append(FarCell(name, left, right, theory[a, b], over_ipv6=(a == kinds.ONLY_6, b == kinds.ONLY_6), size=size))
        self.cases = self._measurements + self._cells

    def run(self, network, servers):
        with contextlib.ExitStack() as stack:
            for cable in self._cables:
                stack.enter_context(cable)
            for measurement in self._measurements:
                measurement.run(network)
            run_cells(self._cells, lambda cell: cell.start(network, servers, self.linnet), self.arguments.at_once)

    def table(self):
        return f"{super().table()}\nthe path in the end, and the seconds until the first one was there and until all was over; !: wrong"


if __name__ == "__main__":
    lab.main(FarLab)
