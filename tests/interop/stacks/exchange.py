"""What the peers written in Python have in common: their options, and what goes to `linnet echo` and has to come back."""
import argparse
import os

_parser = argparse.ArgumentParser()
_parser.add_argument("--offer", action="store_true")
_parser.add_argument("--relay-only", action="store_true")
_parser.add_argument("--ice-server", nargs=3, metavar=("URL", "USERNAME", "CREDENTIAL"))
_parser.add_argument("--patience", type=float, default=60, help="seconds")
OPTIONS = _parser.parse_args()


def contents():
    """Messages of some sizes, in turn text and binary."""
    for size in (1, 1_000, 16_384, 60_000):
        yield "é" * (size // 2) + "x" * (size % 2)
        yield os.urandom(size)
