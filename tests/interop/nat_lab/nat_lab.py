#!/usr/bin/env python3
"""The NAT lab: network namespaces with nftables NATs, a real coturn, `linnet serve` between them, and a file that goes from every
kind of network to every other one. Each transfer has to end with equal files, over a direct path where theory has one and
relayed where it has not.

Needs the right to make namespaces (root, or user namespaces), iproute2, nftables, openssl and coturn; without them it says so and
ends with 77, which ctest takes for a skipped test. Nothing that it makes outlives it or is seen by others (sandbox.py).
"""
import argparse
import pathlib
import shutil
import sys
import time

import kinds
import sandbox
from network import Network
from servers import Servers
from transfer import Transfer

SKIPPED = 77
FOLDER = pathlib.Path("/run/lab")  # in memory, and gone with us
PATIENCE = 90

# Two hosts behind one router, which may talk to each other or not, and whose router turns round what they send to its outside or not.
NEIGHBOURS = {
    "neighbours": ("direct", kinds.PORT_RESTRICTED, {"isolated": False, "hairpin": False}),
    "hairpin": ("direct", kinds.FULL, {"isolated": True, "hairpin": True}),
    "no-hairpin": ("relayed", kinds.PORT_RESTRICTED, {"isolated": True, "hairpin": False}),
}


class Cell:
    """What is to be tried, and what should come of it."""

    def __init__(self, name, sender, receiver, expected, **options):
        self.name, self.sender, self.receiver, self.options = name, sender, receiver, {"expected": expected, **options}
        self.transfer = None

    def start(self, network, servers, linnet):
        self.transfer = Transfer(network, servers, linnet, FOLDER / self.name.replace(" ", "-"), self.sender, self.receiver, **self.options)

    def problem(self):
        return self.transfer.problem()

    def __str__(self):
        return f"{self.transfer.path()} {self.transfer.seconds[0]:.1f}{'!' if self.problem() else ''}"


def matrix(network, chosen):
    """A host of each kind on the left, which sends, and one on the right."""
    theory = kinds.theory()
    for side in ("left", "right"):
        for kind in chosen:
            network.add_host(f"{side}-{kind}", kind)
    return [Cell(f"{a} to {b}", f"left-{a}", f"right-{b}", theory[a, b], over_ipv6=(a == kinds.ONLY_6, b == kinds.ONLY_6))
            for a in chosen for b in chosen]


def neighbours(network):
    cells = []
    for name, (expected, kind, options) in NEIGHBOURS.items():
        router = network.add_nat(f"{name}-nat", kind, hairpin=options["hairpin"])
        for number, side in ((2, "left"), (3, "right")):
            network.add(f"{side}-{name}")
            network.attach(f"{side}-{name}", "eth0", router, number, options["isolated"])
        cells.append(Cell(name, f"left-{name}", f"right-{name}", expected))
    return cells


def streams(network):
    """Without UDP, to a host on a public address that waits for TCP connections as well (RFC 6544): no relay is needed then."""
    network.add_host("left-tcp", kinds.NO_UDP)
    network.add_host("right-tcp", kinds.OPEN)
    return [Cell("tcp", "left-tcp", "right-tcp", "direct", more=("--tune", "ice_tcp=active-passive"))]


def run(cells, start, at_once):
    """Runs them, some at a time."""
    waiting, running = list(cells), []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(waiting.pop(0))
                start(running[-1])
            time.sleep(0.05)
            running = [cell for cell in running if not cell.transfer.poll(PATIENCE)]
    finally:
        for cell in running:
            cell.transfer.stop()


def table(cells, chosen):
    by_name = {cell.name: cell for cell in cells}
    width = max(map(len, (*chosen, "relayed 0.0!"))) + 1
    lines = ["the path in the end, and the seconds until the first one was there; !: wrong; rows send, columns receive"]
    lines.append(" " * width + "".join(kind.rjust(width) for kind in chosen))
    lines += [a.ljust(width) + "".join(str(by_name[f"{a} to {b}"]).rjust(width) for b in chosen) for a in chosen]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("linnet", type=pathlib.Path, help="the program")
    parser.add_argument("--only", default=",".join(kinds.KINDS), help="kinds of networks, of " + ",".join(kinds.KINDS))
    parser.add_argument("--at-once", type=int, default=8, help="transfers side by side")
    parser.add_argument("--keep", type=pathlib.Path, help="a new folder for what the programs said")
    arguments = parser.parse_args()
    chosen = [kind for kind in kinds.KINDS if kind in arguments.only.split(",")]
    linnet = str(arguments.linnet.resolve())
    try:
        sandbox.enter(("ip", "nft", "ss", "mount", "openssl", "turnserver"))
    except sandbox.Unavailable as why:
        print(f"the NAT lab is skipped: {why}", file=sys.stderr)
        return SKIPPED

    FOLDER.mkdir()
    began = time.monotonic()
    network = Network()
    cells = matrix(network, chosen)
    more = neighbours(network) + streams(network)
    pathlib.Path("/run/netns").mkdir()
    network.make()
    with Servers(network, linnet, FOLDER) as servers:
        print(f"set up in {time.monotonic() - began:.1f} s", flush=True)
        run(cells + more, lambda cell: cell.start(network, servers, linnet), arguments.at_once)
        failed = [cell for cell in cells + more if cell.problem()]
        for cell in failed:
            print(f"\n{cell.name}: {cell.problem()}\n{cell.transfer.report()}")
        if failed:
            print(servers.logs())
    if arguments.keep:
        shutil.copytree(FOLDER, arguments.keep)
    print(table(cells, chosen) + "\n\nothers:")
    for cell in more:
        print(f"{cell.name:>12} {cell}")
    print(f"\n{len(cells + more) - len(failed)} passed, {len(failed)} failed in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
