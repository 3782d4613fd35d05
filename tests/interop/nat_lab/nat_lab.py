#!/usr/bin/env python3
"""The NAT lab: network namespaces with nftables NATs, a real coturn, `linnet serve` between them, and a file that goes from every
kind of network to every other one. Each transfer has to end with equal files, over a direct path where theory has one and
relayed where it has not.

Needs the right to make namespaces (root, or user namespaces), iproute2, nftables, openssl and coturn; without them it says so and
ends with 77, which ctest takes for a skipped test. Nothing that it makes outlives it or is seen by others (sandbox.py).
"""
import kinds
import lab
from cell import Cell, run_cells

# Two hosts behind one router, which may talk to each other or not, and whose router turns round what they send to its outside or not.
NEIGHBOURS = {
    "neighbours": ("direct", kinds.PORT_RESTRICTED, {"isolated": False, "hairpin": False}),
    "hairpin": ("direct", kinds.FULL, {"isolated": True, "hairpin": True}),
    "no-hairpin": ("relayed", kinds.PORT_RESTRICTED, {"isolated": True, "hairpin": False}),
}


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


class NatLab(lab.Lab):
    """All pairs of kinds, and what else matters."""

    @staticmethod
    def add_arguments(parser):
        kinds.add_choice(parser, "kinds of networks")
        parser.add_argument("--at-once", type=int, default=8, help="transfers side by side")

    def describe(self, network):
        chosen = kinds.chosen(self.arguments)
        self.cases = matrix(network, chosen) + neighbours(network) + streams(network)

    def run(self, network, servers):
        run_cells(self.cases, lambda cell: cell.start(network, servers, self.linnet), self.arguments.at_once)

    def table(self):
        chosen = kinds.chosen(self.arguments)
        by_name = {cell.name: cell for cell in self.cases}
        lines = ["the path in the end, and the seconds until the first one was there; !: wrong; rows send, columns receive"]
        lines += kinds.table(chosen, chosen, lambda a, b: by_name[f"{a} to {b}"])
        return "\n".join([*lines, "", "others:", *(f"{cell.name:>12} {cell}" for cell in self.cases[len(chosen) ** 2:])])


if __name__ == "__main__":
    lab.main(NatLab)
