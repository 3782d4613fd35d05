#!/usr/bin/env python3
"""The NAT lab with a browser: Chromium with the web page in each kind of network, `linnet chat` in each, and a message both ways over the path that
theory has; with Firefox, some of these.

Needs what nat_lab.py needs, and the browser, Node.js and the built page; without them it says so and ends with 77.
"""
import contextlib
import functools
import json
import os
import pathlib
import subprocess
import threading
import time

import kinds
import lab
import sandbox
from forwarder import Forwarder
from lab import FOLDER
from network import TURN, TURN6, TURN_NAME
from servers import Servers, stop

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 90
STEPS = 200  # lines of a trace, in what is said of a problem
SETTLED = 3  # seconds: longer than ICE waits for a better path before it settles on a relayed one

# Chromium in these meets one of the same kind far away, behind a cable that is as this says, if there is a program for it.
FAR_KINDS = (kinds.OPEN, kinds.SYMMETRIC)
CABLE = {"delay": 50, "jitter": 5, "loss": 0.02, "duplicate": 0.01, "reorder": 0.02}

# For browsers in these, the other side's network, where its candidates come late: the checks from its relay are there long before.
LATE = {kinds.RESTRICTED: kinds.FULL, kinds.PORT_RESTRICTED: kinds.FULL, kinds.FULL: kinds.FULL}

BROWSERS = {"chromium": ("CHROMIUM", "chromium"), "firefox": ("FIREFOX", "firefox-esr")}

# For Firefox in each kind of network, that of the other side. Each row of the theory that has both paths is in it with both.
SOME = {
    kinds.OPEN: (kinds.SYMMETRIC, kinds.NO_UDP),
    kinds.FULL: (kinds.SYMMETRIC,),
    kinds.RESTRICTED: (kinds.DOUBLE,),
    kinds.PORT_RESTRICTED: (kinds.PORT_RESTRICTED, kinds.SYMMETRIC),
    kinds.SYMMETRIC: (kinds.RESTRICTED, kinds.SYMMETRIC),
    kinds.DOUBLE: (kinds.OPEN,),
    kinds.NO_UDP: (kinds.ONLY_443,),
    kinds.ONLY_443: (kinds.FULL,),
    kinds.ONLY_6: (kinds.OPEN, kinds.ONLY_6),
}


class Chat:
    """`linnet chat` in a host."""

    def __init__(self, network, servers, linnet, host, over_ipv6, room):
        self.trace = FOLDER / f"{room}.trace"
        command = network.inside(host, linnet, "chat", room, "--name", "Terry", "--json", "--server", servers.url(over_ipv6), "--connect-timeout", "60", "--trace", str(self.trace))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=servers.environment)
        self._changed = threading.Condition()
        self._events = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self._events.append(json.loads(line))
                self._changed.notify_all()

    def first(self, kind, patience):
        """The first event of that kind, or None when there is none in time."""
        return self._until(lambda: next((event for event in self._events if event.get("event") == kind), None), patience)

    def path(self):
        words = [event["path"] for event in self._events if event.get("event") in ("connected", "path")]
        return words[-1].split()[0] if words else "none"

    def settle(self, expected):
        """The path that answers first need not be the one to stay."""
        self._until(lambda: self.path() == expected, 15 if expected == "direct" else SETTLED)
        return self.path()

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def report(self):
        """What it told, and what its ICE agent did."""
        steps = [line for line in self.trace.read_text(encoding="utf-8").splitlines() if '"ice' in line] if self.trace.exists() else []
        return "\n".join([*map(str, self._events), *steps[:STEPS]])

    def _until(self, look, patience):
        with self._changed:
            self._changed.wait_for(look, patience)
            return look()


class Meeting:
    """What is to be tried: a browser and a terminal in a room."""

    def __init__(self, kind, other, expected, *, place="", late=False, browser_offers=True):
        self.other, self.host, self.expected = other, f"terminal-{other}{place}", expected
        self.name = f"{kind} and {other}{place}{'-late' if late else ''}"
        self.room = self.name.replace(" ", "-")
        self.path, self.seconds = "none", 0.0
        self._browser_offers = browser_offers
        self._problem, self._chat, self._paths = "not tried", None, []

    def hold(self, browser, start_chat):
        """`browser` takes a line and gives two: when it is in the room, and what it heard there. Ends with the chat still there."""
        began = time.monotonic()
        self._problem = "not ended"
        self._problem = self._hold(browser, start_chat)
        self.path, self.seconds = self._chat.path() if self._chat else "none", time.monotonic() - began

    def _hold(self, browser, start_chat):
        # Who comes to a room offers to those who are there.
        if self._browser_offers:
            self._chat = start_chat(self)
            if not self._chat.first("joined", 30):
                return "the terminal did not join"
        browser.stdin.write(self.room + "\n")
        browser.stdin.flush()
        there = json.loads(browser.stdout.readline())
        if "error" in there:
            return f"the browser did not join: {there}"
        chat = self._chat = self._chat or start_chat(self)
        heard = chat.first("message", PATIENCE)
        if not heard:
            return "the terminal heard nothing"
        path = chat.settle(self.expected)
        chat.say(f"hello to {self.room}")
        answer = json.loads(browser.stdout.readline())
        self._paths = answer.get("paths", [])
        if answer.get("heard") != f"hello to {self.room}" or heard["text"] != f"hello from {self.room}":
            return f"heard {heard['text']!r} and {answer}"
        return None if path == self.expected else f"the path is {path}, {self.expected} was expected"

    def leave(self):
        """Begins it; there is no need to wait."""
        if self._chat:
            self._chat.process.terminate()

    def problem(self):
        return self._problem

    def report(self):
        return "\n".join([*self._paths, self._chat.report() if self._chat else ""])

    def __str__(self):
        return f"{self.path} {self.seconds:.1f}{'!' if self._problem else ''}"


class Browser:
    """One browser in one host, and its meetings, one after the other."""

    def __init__(self, name, kind, meetings):
        self._name, self._kind, self._meetings = name, kind, meetings
        self._started = []

    def run(self, network, servers, linnet):
        host = f"browser-{self._kind}"
        home = FOLDER / f"home-{self._kind}"
        home.mkdir()
        words = ("node", str(HERE / "browser_peer.mjs"), self._name, servers.url(self._kind == kinds.ONLY_6), str(servers.authority))
        with (FOLDER / f"{host}.log").open("w") as log:
            process = subprocess.Popen(network.inside(host, *words), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                       env={**os.environ, "HOME": str(home)})
        self._started.append(process)
        try:
            process.stdout.readline()

            def start_chat(meeting):
                chat = Chat(network, servers, linnet, meeting.host, meeting.other == kinds.ONLY_6, meeting.room)
                self._started.append(chat.process)
                return chat

            for meeting in self._meetings:
                meeting.hold(process, start_chat)
                meeting.leave()
            process.stdin.close()
            process.wait(timeout=20)
        finally:
            self.stop()

    def stop(self):
        stop(self._started)


class BrowserLab(lab.Lab):
    """Browsers on one side, terminals on the other."""

    @staticmethod
    def add_arguments(parser):
        parser.add_argument("web", type=pathlib.Path, help="the built page")
        kinds.add_choice(parser, "kinds of networks for the browser")
        parser.add_argument("--browser", choices=BROWSERS, default="chromium")
        parser.add_argument("--impair", type=pathlib.Path, help="the program of impair.cpp, for some who are far away")
        parser.add_argument("--at-once", type=int, default=3, help="browsers side by side")

    def __init__(self, arguments):
        super().__init__(arguments)
        self._web = arguments.web.resolve()
        self._browsers = []
        self._cable = None

    def tools(self):
        if not (self._web / "index.html").exists():
            raise sandbox.Unavailable(f"{self._web} has no page")
        variable, usual = BROWSERS[self.arguments.browser]
        return (*lab.TOOLS, "node", os.environ.get(variable, usual), *(["certutil"] if self.arguments.browser == "firefox" else []))

    def describe(self, network):
        theory = kinds.theory()
        for kind in kinds.KINDS:
            network.add_host(f"terminal-{kind}", kind)
        for kind in kinds.chosen(self.arguments):
            network.add_host(f"browser-{kind}", kind)
            others = SOME[kind] if self.arguments.browser == "firefox" else kinds.KINDS
            # Firefox, when it offers, nominates the first path that answers and begins no other check then: a NAT between may stay closed.
            meetings = [Meeting(kind, other, theory[kind, other], browser_offers=self.arguments.browser != "firefox" or theory[kind, other] == "relayed")
                        for other in others]
            if self.arguments.impair and kind in FAR_KINDS and Forwarder.can_be():
                self._cable = self._cable or Forwarder(network, str(self.arguments.impair.resolve()), "far", **CABLE)
                meetings.append(Meeting(kind, kind, theory[kind, kind], place="-far"))
                network.add_host(meetings[-1].host, kind, at="far")
            if kind in LATE and self.arguments.browser == "chromium":  # the other one stays where it was first
                meetings.append(Meeting(kind, LATE[kind], theory[kind, LATE[kind]], late=True))
            self._browsers.append(Browser(self.arguments.browser, kind, meetings))
            self.cases += meetings

    def servers(self, network):
        if self.arguments.browser != "firefox":
            return Servers(network, self.linnet, FOLDER, self._web)
        # Firefox takes no TURN server over TLS by its address.
        sandbox.name_hosts({TURN_NAME: (TURN, TURN6)})
        return Servers(network, self.linnet, FOLDER, self._web, (TURN_NAME,))

    def run(self, network, servers):
        with self._cable or contextlib.nullcontext():
            lab.side_by_side([functools.partial(browser.run, network, servers, self.linnet) for browser in self._browsers], self.arguments.at_once)

    def table(self):
        by_name = {meeting.name: meeting for meeting in self.cases}
        lines = ["the path and the seconds; !: wrong; rows are browsers, columns terminals"]
        return "\n".join(lines + kinds.table(kinds.chosen(self.arguments), (*kinds.KINDS, "the same, far"), lambda kind, other: by_name.get(
            f"{kind} and {kind}-far" if other not in kinds.KINDS else f"{kind} and {other}", "")))


if __name__ == "__main__":
    lab.main(BrowserLab)
