"""What the scripts of the lab have in common: their arguments, the namespaces in which they run, how long, and how they end."""
import argparse
import os
import pathlib
import queue
import shutil
import signal
import sys
import threading
import time
import traceback

import sandbox
from network import Network
from servers import Servers

SKIPPED = 77  # ctest's word for it
FOLDER = pathlib.Path("/run/lab")  # in memory, and gone with us
TOOLS = ("ip", "nft", "ss", "mount", "openssl", "turnserver")


class OutOfTime(Exception):
    """All of it together took too long."""


class Lab:
    """One script: what it makes, and what it tries there. `main` calls the parts in the order in which they stand here."""
    limit = 300  # seconds for all of it

    @staticmethod
    def add_arguments(parser):
        """Of its own."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.linnet = str(arguments.linnet.resolve())
        # What is tried: each has a `name`, a `problem()`, which is None when all is as it should be, and a `report()` of what was said.
        self.cases = []

    def tools(self):
        """The programs that it needs; raises `sandbox.Unavailable` where there is anything else that it cannot do without."""
        return TOOLS

    def describe(self, network):
        """The hosts, before there are any."""
        raise NotImplementedError

    def servers(self, network):
        """A context manager, with `logs()`."""
        return Servers(network, self.linnet, FOLDER)

    def run(self, network, servers):
        """Tries all cases. May end with `OutOfTime` anywhere, and has to stop then what it started."""
        raise NotImplementedError

    def table(self):
        """What came of it, for people."""
        return "\n".join(f"{case.name:>28} {case}" for case in self.cases)


def main(kind):
    """Runs a `Lab` of that kind for the arguments of the command line, and ends the process."""
    description = sys.modules["__main__"].__doc__
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("linnet", type=pathlib.Path, help="the program")
    parser.add_argument("--limit", type=int, default=kind.limit, help="seconds, after which it ends with what it knows")
    parser.add_argument("--keep", type=pathlib.Path, help="a new folder for what the programs said")
    kind.add_arguments(parser)
    lab = kind(parser.parse_args())
    try:
        sandbox.enter(lab.tools())
    except sandbox.Unavailable as why:
        print(f"the NAT lab is skipped: {why}", file=sys.stderr)
        sys.exit(SKIPPED)
    try:
        code = _run(lab)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except BaseException:  # pylint: disable=broad-exception-caught
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that wait for what comes no more end here, and with the first process in it the whole namespace


def side_by_side(jobs, at_once):
    """Calls all of these, so many at a time, and returns when the last has ended."""
    waiting = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def work():
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                job()
            except Exception:  # pylint: disable=broad-exception-caught
                traceback.print_exc()  # the case knows that it did not come to its end

    threads = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _run(lab):
    began = time.monotonic()
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(lab.arguments.limit)
    FOLDER.mkdir()
    pathlib.Path("/run/netns").mkdir()
    network = Network()
    lab.describe(network)
    network.make()
    out_of_time = False
    with lab.servers(network) as servers:
        print(f"set up in {time.monotonic() - began:.1f} s", flush=True)
        try:
            lab.run(network, servers)
        except OutOfTime:
            out_of_time = True
        signal.alarm(0)
        problems = {case: problem for case in lab.cases if (problem := case.problem())}
        print(lab.table())
        for case, problem in problems.items():
            print(f"\n{case.name}: {problem}\n{case.report()}".rstrip())
        if problems:
            print(servers.logs())
    if lab.arguments.keep:
        shutil.copytree(FOLDER, lab.arguments.keep)
    print(f"\n{len(lab.cases) - len(problems)} passed, {len(problems)} failed in {time.monotonic() - began:.0f} s" + (", which was all the time that it had" if out_of_time else ""))
    for case, problem in problems.items():  # again, where a reader looks first
        print(f"{case.name}: {problem}")
    return 1 if problems or out_of_time else 0


def _out_of_time(*_):
    raise OutOfTime
