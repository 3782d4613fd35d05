#!/usr/bin/env python3
"""The NAT lab with a browser: Chromium with the web page in each kind of network, `linnet chat` in each, and a message both ways over the path that
theory has.

Needs what nat_lab.py needs, and Chromium, Node.js and the built page; without them it says so and ends with 77.
"""
import argparse
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

import kinds
import sandbox
from network import Network
from servers import Servers, stop

SKIPPED = 77
FOLDER = pathlib.Path("/run/lab")
HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 90
SETTLED = 3  # seconds: longer than ICE waits for a better path before it settles on a relayed one


class Chat:
    """`linnet chat` in a host; it answers what it hears."""

    def __init__(self, network, servers, linnet, host, over_ipv6, room):
        command = network.inside(host, linnet, "chat", room, "--name", "Terry", "--json", "--server", servers.url(over_ipv6), "--connect-timeout", "60")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=servers.environment)
        self._changed = threading.Condition()
        self._lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(json.loads(line))
                self._changed.notify_all()

    def until(self, look, patience=PATIENCE):
        """What `look` finds in the events, or None when it found nothing in time."""
        with self._changed:
            self._changed.wait_for(lambda: look(self._lines) is not None, patience)
            return look(self._lines)

    def path(self):
        words = [event["path"] for event in self._lines if event.get("event") in ("connected", "path")]
        return words[-1].split()[0] if words else "none"

    def say(self, text):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def stop(self):
        stop([self._process])


def first(kind):
    return lambda events: next((event for event in events if event.get("event") == kind), None)


class Browser:
    """Chromium in one host, and the rooms that it is to join."""

    def __init__(self, network, servers, linnet, kind, others):
        self._network, self._servers, self._linnet, self._kind = network, servers, linnet, kind
        self._others, self._theory = others, kinds.theory()
        self.results = {}

    def run(self):
        home = FOLDER / f"home-{self._kind}"
        home.mkdir()
        url = self._servers.url(self._kind == kinds.ONLY_6)
        with (FOLDER / f"browser-{self._kind}.log").open("w") as log:
            process = subprocess.Popen(self._network.inside(f"browser-{self._kind}", "node", str(HERE / "browser_peer.mjs"), url), text=True, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=log, env={**os.environ, "HOME": str(home)})
        try:
            process.stdout.readline()
            for other in self._others:
                began = time.monotonic()
                try:
                    problem, path = self._cell(process, other)
                except Exception as error:  # pylint: disable=broad-exception-caught
                    problem, path = repr(error), "none"
                self.results[other] = (path, time.monotonic() - began, problem)
            process.stdin.close()
            process.wait(timeout=20)
        finally:
            stop([process])

    def _cell(self, process, other):
        room = f"{self._kind}-and-{other}"
        expected = self._theory[self._kind, other]
        chat = Chat(self._network, self._servers, self._linnet, f"terminal-{other}", other == kinds.ONLY_6, room)
        try:
            if not chat.until(first("joined"), 30):
                return "the terminal did not join", "none"
            process.stdin.write(room + "\n")
            process.stdin.flush()
            heard = chat.until(first("message"))
            if not heard:
                return "the terminal heard nothing", chat.path()
            # The path that answers first need not be the one to stay.
            if expected == "direct":
                chat.until(lambda _: True if chat.path() == "direct" else None, 15)
            elif chat.path() != "relayed":
                chat.until(lambda _: True if chat.path() == "relayed" else None, SETTLED)
            chat.say(f"hello to {room}")
            answer = json.loads(process.stdout.readline())
            if answer.get("heard") != f"hello to {room}" or heard["text"] != f"hello from {room}":
                return f"heard {heard['text']!r} and {answer}", chat.path()
            return None if chat.path() == expected else f"the path is {chat.path()}, {expected} was expected", chat.path()
        finally:
            chat.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("linnet", type=pathlib.Path, help="the program")
    parser.add_argument("web", type=pathlib.Path, help="the built page")
    parser.add_argument("--only", default=",".join(kinds.KINDS), help="kinds of networks for the browser, of " + ",".join(kinds.KINDS))
    parser.add_argument("--at-once", type=int, default=3, help="browsers side by side")
    arguments = parser.parse_args()
    chosen = [kind for kind in kinds.KINDS if kind in arguments.only.split(",")]
    linnet, web = str(arguments.linnet.resolve()), arguments.web.resolve()
    try:
        if not (web / "index.html").exists():
            raise sandbox.Unavailable(f"{web} has no page")
        sandbox.enter(("ip", "nft", "ss", "mount", "openssl", "turnserver", "node", os.environ.get("CHROMIUM", "chromium")))
    except sandbox.Unavailable as why:
        print(f"the NAT lab with a browser is skipped: {why}", file=sys.stderr)
        return SKIPPED

    FOLDER.mkdir()
    began = time.monotonic()
    network = Network()
    for kind in chosen:
        network.add_host(f"browser-{kind}", kind)
    for kind in kinds.KINDS:
        network.add_host(f"terminal-{kind}", kind)
    pathlib.Path("/run/netns").mkdir()
    network.make()
    with Servers(network, linnet, FOLDER, web) as servers:
        browsers = {kind: Browser(network, servers, linnet, kind, kinds.KINDS) for kind in chosen}
        waiting = queue.SimpleQueue()
        for browser in browsers.values():
            waiting.put(browser)

        def work():
            while True:
                try:
                    browser = waiting.get_nowait()
                except queue.Empty:
                    return
                browser.run()

        threads = [threading.Thread(target=work) for _ in range(arguments.at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        failed = 0
        width = max(map(len, kinds.KINDS)) + 2
        print("the path and the seconds; !: wrong; rows are browsers, columns terminals")
        print(" " * width + "".join(kind.rjust(width) for kind in kinds.KINDS))
        for kind, browser in browsers.items():
            cells = []
            for other in kinds.KINDS:
                path, seconds, problem = browser.results.get(other, ("none", 0.0, "not tried"))
                failed += problem is not None
                cells.append(f"{path} {seconds:.1f}{'!' if problem else ''}".rjust(width))
            print(kind.ljust(width) + "".join(cells))
        for kind, browser in browsers.items():
            for other in kinds.KINDS:
                if problem := browser.results.get(other, ("", 0, "not tried"))[2]:
                    print(f"{kind} and {other}: {problem}")
        if failed:
            print(servers.logs())
    print(f"\n{len(chosen) * len(kinds.KINDS) - failed} passed, {failed} failed in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
