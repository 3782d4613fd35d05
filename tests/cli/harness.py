"""Starts `linnet` for the tests beside this file, each with the program as its first argument."""
import base64
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "build/dev/bin/linnet"
PATIENCE = 60


class Linnet:
    """One running program: its output as it comes, line by line."""

    def __init__(self, *arguments, **options):
        environment = {**os.environ, "LINNET_SERVER": "http://127.0.0.1:1"}
        self.process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment, **options)
        self.out: list[str] = []
        self.err: list[str] = []
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        self.on_line = None
        for thread in self.threads:
            thread.start()

    def _read(self, stream, lines):
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self.changed:
                lines.append(line)
                self.changed.notify_all()
            if lines is self.out and self.on_line:
                self.on_line(line)

    def write(self, text):
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def end_input(self):
        self.process.stdin.close()

    def until(self, look, what):
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                found = look()
                if found is not None:
                    return found
                if not self.changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise AssertionError(f"waited for {what}\nout: {self.out[-20:]}\nerr: {self.err[-20:]}")

    def line(self, pattern, lines=None):
        lines = self.out if lines is None else lines
        return self.until(lambda: next((m for l in list(lines) if (m := re.search(pattern, l))), None), pattern)

    def event(self, name):
        return self.until(lambda: next((e for l in list(self.out) if (e := json.loads(l)).get("event") == name), None), f"event {name}")

    def wait(self, timeout=PATIENCE):
        code = self.process.wait(timeout)
        for thread in self.threads:
            thread.join(5)
        return code

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.wait()


class SayingServer:
    """A WebSocket server that answers each message with the next of its lines, whatever was asked; or refuses with an HTTP status."""

    def __init__(self, *answers, status=None):
        self.answers, self.status = answers, status
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        peer, _ = self.socket.accept()
        with peer, peer.makefile("rwb") as stream:
            key = b""
            while (line := stream.readline().strip()):
                if line.lower().startswith(b"sec-websocket-key:"):
                    key = line.split(b":", 1)[1].strip()
            if self.status:
                stream.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n\r\n".encode())
                return
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
            stream.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: linnet.1\r\n\r\n").encode())
            for i, answer in enumerate(self.answers):
                if i > 0 and not self._skip_message(stream):
                    return
                text = json.dumps(answer).encode()
                stream.write(struct.pack("!BBH", 0x81, 126, len(text)) + text if len(text) > 125 else struct.pack("!BB", 0x81, len(text)) + text)
                stream.flush()
            self._skip_message(stream)

    @staticmethod
    def _skip_message(stream):
        head = stream.read(2)
        if len(head) < 2 or head[0] & 15 == 8:  # it has gone, or says goodbye
            return False
        size = head[1] & 127
        if size == 126:
            size = struct.unpack("!H", stream.read(2))[0]
        return len(stream.read(4 + size)) == 4 + size

    def close(self):
        self.socket.close()


def run(*arguments, stdin=b"", **options):
    return subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, timeout=PATIENCE, check=False, **options)


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


class CliTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="linnet-cli-"))
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", str(self.folder)], check=True))
        self.running = []
        self.addCleanup(self.stop_all)

    def start(self, *arguments, **options):
        program = Linnet(*arguments, **options)
        self.running.append(program)
        return program

    def stop_all(self):
        for program in self.running:
            if program.process.poll() is None:
                program.process.kill()
            program.wait()
            for stream in (program.process.stdin, program.process.stdout, program.process.stderr):
                try:
                    stream.close()
                except BrokenPipeError:
                    pass

    def serve(self):
        server = self.start("serve", "--port", 0, "--json", "--no-qr")
        return server, server.event("serving")["url"]

    def silent_server(self):
        """A server that takes connections and never says a word, and its address."""
        silent = socket.create_server(("127.0.0.1", 0))
        silent.settimeout(PATIENCE)
        self.addCleanup(silent.close)
        return silent, f"http://127.0.0.1:{silent.getsockname()[1]}"

    def file(self, name, size):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        return path

    def bridge(self, one, two, change=lambda line: line):
        """Carries the signaling of two programs between their standard inputs and outputs."""
        one.on_line = lambda line: two.write(change(line) + "\n")
        two.on_line = lambda line: one.write(change(line) + "\n")
        for program, other in ((one, two), (two, one)):
            for line in list(program.out):
                other.write(change(line) + "\n")
