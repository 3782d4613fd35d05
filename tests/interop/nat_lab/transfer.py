"""One cell of the matrix: a file from one host to another with `linnet send` and `linnet recv`."""
import hashlib
import os
import pathlib
import pty
import re
import secrets
import subprocess
import time

from servers import stop

# Longer than ICE waits for a better path before it settles on a relayed one, and than anything direct takes to be found.
SETTLED = 3
TO_BECOME_DIRECT = 15


class Transfer:
    """Two running programs, and what came of them. The receiver has a terminal, so that it asks first; the answer waits until the
    path is what it should be, for the first one to answer need not be the one to stay."""

    def __init__(self, network, servers, linnet, folder, sender, receiver, *, expected, over_ipv6=(False, False), size=200_000, more=()):
        self._folder, self._expected = folder, expected
        (folder / "out").mkdir(parents=True)
        self._file = folder / "sent.bin"
        self._file.write_bytes(os.urandom(size))
        self.begun, self.ended, self._connected = time.monotonic(), None, None
        self._terminal, end = pty.openpty()
        os.set_blocking(self._terminal, False)
        self._heard = b""
        self._answered = False
        code = secrets.token_hex(6)

        def start(host, six, words, **streams):
            command = network.inside(host, linnet, *words, "--server", servers.url(six), "--connect-timeout", "60", *more)
            return subprocess.Popen(command, env=servers.environment, **streams)

        recv = start(receiver, over_ipv6[1], ("recv", code, "--out", str(folder / "out")), stdin=end, stdout=end, stderr=end)
        os.close(end)
        with (folder / "send.log").open("w") as log:
            send = start(sender, over_ipv6[0], ("send", str(self._file), "--code", code), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes = [send, recv]

    @property
    def received(self) -> pathlib.Path:
        return self._folder / "out" / self._file.name

    def poll(self, patience):
        """Whether it is over; ends it when it took longer than that."""
        if self.ended is not None:
            return True
        over = all(process.poll() is not None for process in self.processes)  # looked at first: what they said last is read below
        self._listen()
        if not self._answered and self._is_settled():
            self._answered = True
            os.write(self._terminal, b"y\n")
        if over or time.monotonic() - self.begun > patience:
            self.stop()
        return self.ended is not None

    def stop(self):
        stop(self.processes)
        self._listen()
        os.close(self._terminal)
        (self._folder / "recv.log").write_bytes(self._heard)
        self.ended = time.monotonic()

    def _listen(self):
        try:
            while more := os.read(self._terminal, 65536):
                self._heard += more
        except OSError:  # nothing more now, or the other end is closed
            pass

    def _is_settled(self):
        now = time.monotonic()
        if "? [Y/n]" not in self.said("recv"):
            return False
        self._connected = self._connected or now
        if self._expected == "direct" and self.path() == "direct":
            return True
        return now - self._connected > (SETTLED if self._expected == "relayed" else TO_BECOME_DIRECT)

    @property
    def seconds(self):
        """Until the connection was there, and until it was all over."""
        return (self._connected or self.ended) - self.begun, self.ended - self.begun

    def said(self, name):
        text = self._heard.decode(errors="replace") if name == "recv" else (self._folder / f"{name}.log").read_text(errors="replace")
        return text.replace("\r", "\n")

    def path(self):
        """The last words that both programs have for the path; they should agree."""
        words = [(re.findall(r"(?:, |is )(relayed|direct)", self.said(name)) or ["none"])[-1] for name in ("send", "recv")]
        return words[0] if words[0] == words[1] else "+".join(words)

    def problem(self):
        """What is wrong with it, or None."""
        codes = [process.returncode for process in self.processes]
        if codes != [0, 0]:
            return f"send and recv ended with {codes}"
        if hashlib.sha256(self.received.read_bytes()).digest() != hashlib.sha256(self._file.read_bytes()).digest():
            return "the files differ"
        return None if self.path() == self._expected else f"the path is {self.path()}, {self._expected} was expected"

    def report(self):
        return f"--- send\n{self.said('send')}--- recv\n{self.said('recv')}"
