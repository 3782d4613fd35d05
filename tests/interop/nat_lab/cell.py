"""A transfer that is to be tried, and many of them side by side."""
import time

from lab import FOLDER
from transfer import Transfer

PATIENCE = 90


class Cell:
    """What is to be tried, and what should come of it."""

    def __init__(self, name, sender, receiver, expected, **options):
        self.name, self.sender, self.receiver, self.options = name, sender, receiver, {"expected": expected, **options}
        self.transfer = None

    def start(self, network, servers, linnet):
        self.transfer = Transfer(network, servers, linnet, FOLDER / self.name.replace(",", "").replace(" ", "-"), self.sender, self.receiver, **self.options)

    def problem(self):
        return self.transfer.problem() if self.transfer else "not tried"

    def report(self):
        return self.transfer.report() if self.transfer else ""

    def __str__(self):
        return f"{self.transfer.path()} {self.transfer.seconds[0]:.1f}{'!' if self.problem() else ''}" if self.transfer else "none !"


def run_cells(cells, start, at_once):
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
            if cell.transfer:
                cell.transfer.stop()
