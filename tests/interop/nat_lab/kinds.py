"""The kinds of networks, and what theory says of two of them."""
import pathlib

OPEN, FULL, RESTRICTED, PORT_RESTRICTED, SYMMETRIC, DOUBLE, NO_UDP, ONLY_443, ONLY_6 = KINDS = (
    "open", "full-cone", "restricted", "port-restricted", "symmetric", "double", "udp-blocked", "only-443", "ipv6-only")

THEORY = pathlib.Path(__file__).resolve().parents[2] / "nat_theory.txt"


def theory():
    """What `tests/nat_theory.txt` has for each two kinds: direct or relayed."""
    lines = [line.split() for line in THEORY.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    words = {"d": "direct", "r": "relayed"}
    return {(row[0], kind): words[letter] for row in lines for kind, letter in zip([line[0] for line in lines], row[1:], strict=True)}


def add_choice(parser, what):
    """The option for some of them alone."""
    parser.add_argument("--only", default=",".join(KINDS), help=f"{what}, of " + ",".join(KINDS))


def chosen(arguments):
    """Those of the option, in their order."""
    return [kind for kind in KINDS if kind in arguments.only.split(",")]


def table(rows, columns, text):
    """Lines: `text(row, column)` for all of them."""
    width = max(map(len, (*rows, *columns, "relayed 00.0!"))) + 1
    return [" " * width + "".join(column.rjust(width) for column in columns)] + \
        [row.ljust(width) + "".join(str(text(row, column)).rjust(width) for column in columns) for row in rows]
