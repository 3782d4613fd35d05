#!/usr/bin/env python3
"""What a person sees: `linnet` in a terminal of its own, with a keyboard.

usage: terminal_test.py PROGRAM [unittest arguments]
"""
import ctypes
import ctypes.util
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
import unittest

from harness import PATIENCE, PROGRAM, CliTest, run

COLUMNS = 80


class Screen:
    """What a terminal of 80 columns shows of the few things that the program says to one."""

    def __init__(self):
        self.lines, self.column, self.wraps = [""], 0, True

    def write(self, text):
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r\n|.", text, re.S):
            if part == "\r\n":
                self.lines.append("")
                self.column = 0
            elif part == "\r":
                self.column = 0
            elif part == "\x1b[K":
                self.lines[-1] = self.lines[-1][:self.column]
            elif part in ("\x1b[?7l", "\x1b[?7h"):
                self.wraps = part.endswith("h")
            elif part.startswith("\x1b"):
                assert re.fullmatch(r"\x1b\[[0-9;]*m", part), f"unknown sequence {part!r}"
            else:
                if self.column == COLUMNS and self.wraps:
                    self.lines.append("")
                    self.column = 0
                at = min(self.column, COLUMNS - 1)
                self.lines[-1] = self.lines[-1].ljust(at)[:at] + part + self.lines[-1][at + 1:]
                self.column = at + 1


class Terminal:
    """One program with a terminal as its standard input, output and error; Ctrl-C is a key."""

    def __init__(self, *arguments):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.text, self.changed = "", threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        while True:
            try:
                raw = os.read(self.master, 65536)
            except OSError:  # the program has ended
                raw = b""
            with self.changed:
                self.text += raw.decode("utf-8", "replace")
                self.changed.notify_all()
            if not raw:
                return

    def press(self, keys):
        os.write(self.master, keys.encode())

    def sees(self, pattern):
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while not (found := re.search(pattern, self.text)):
                if not self.changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise AssertionError(f"waited for {pattern} in {self.text[-2000:]!r}")
        return found

    def wait(self):
        code = self.process.wait(PATIENCE)
        self.thread.join(5)
        return code

    def screen(self):
        screen = Screen()
        screen.write(self.text)
        return screen.lines

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        os.close(self.master)


class TerminalTest(CliTest):
    def terminal(self, *arguments):
        terminal = Terminal(*arguments)
        self.addCleanup(terminal.close)
        return terminal


class QrCode(TerminalTest):
    def modules_of(self, text):
        """The code as libqrencode makes it: rows of dark (True) and light modules."""
        class Code(ctypes.Structure):
            _fields_ = [("version", ctypes.c_int), ("width", ctypes.c_int), ("data", ctypes.POINTER(ctypes.c_ubyte))]
        library = ctypes.CDLL(ctypes.util.find_library("qrencode"))
        library.QRcode_encodeString.restype = ctypes.POINTER(Code)
        low_correction, bytes_mode, case_sensitive = 0, 2, 1
        code = library.QRcode_encodeString(text.encode(), 0, low_correction, bytes_mode, case_sensitive).contents
        return [[bool(code.data[y * code.width + x] & 1) for x in range(code.width)] for y in range(code.width)]

    def modules_in(self, text):
        """The modules that are drawn: white on black, two a character, one above the other."""
        rows = []
        for line in re.findall(r"\x1b\[40;97m([ \u2580\u2584\u2588]+)\x1b\[0m\r\n", text):
            rows.append([character in " \u2584" for character in line])
            rows.append([character in " \u2580" for character in line])
        return rows

    def test_serve_prints_the_link_and_its_qr_code(self):
        server = self.terminal("serve", "--port", 0)
        server.sees("in a terminal: ")
        link = server.sees(r"linnet is at (http://localhost:[0-9]+)\r\n")[1]
        drawn, wanted = self.modules_in(server.text), self.modules_of(link)
        size = len(wanted)
        self.assertGreaterEqual(size, 21)
        for row in drawn:
            self.assertEqual(len(row), size + 4)
        self.assertEqual([row[2:-2] for row in drawn[2:2 + size]], wanted)
        quiet = drawn[:2] + drawn[2 + size:] + [row[:2] + row[-2:] for row in drawn]
        self.assertEqual((len(drawn), any(map(any, quiet))), (size + 5, False))
        server.press("\x03")
        self.assertEqual(server.wait(), 0)

    def test_the_server_prints_none_where_it_is_not_wanted(self):
        for arguments in (["--no-qr"], ["--json"]):
            server = self.terminal("serve", "--port", 0, *arguments)
            server.sees("in a terminal: |\"serving\"")
            self.assertFalse(self.modules_in(server.text), arguments)
            self.assertNotIn("\u2588", server.text)
            server.press("\x03")
            self.assertEqual(server.wait(), 0)
            self.assertNotIn("\u2588", server.text)

    def test_no_code_is_printed_into_a_pipe(self):
        server = self.start("serve", "--port", 0)
        server.line("in a terminal: ", server.err)
        self.assertEqual(server.stop(), 0)
        self.assertEqual([line for line in server.err + server.out if "\u2588" in line or "\x1b" in line], [])


class Progress(TerminalTest):
    NAME = "a file with a r\u00e4ther long name, longer than a line has room for.bin"
    BAR = r"(a file with a r\u00e4the\u2026) \[(#*)(\.*)\] [0-9.]+ [kM]?B / 30\.0 MB  [0-9.]+ [kMG]?B/s(  [0-9:]+ left)?"

    def setUp(self):
        super().setUp()
        self.server, self.url = self.serve()

    def transfer(self, start_send, start_recv, *options):
        path = self.file(self.NAME, 30_000_000)
        send = start_send("send", path, "--code", "bar", "--server", self.url, *options)
        recv = start_recv("recv", "bar", "--server", self.url, "--out", self.folder / "out", "--yes", *options)
        return send, recv

    def test_a_bar_is_drawn_in_a_terminal_and_ends_as_one_line(self):
        for end, word in zip(self.transfer(self.terminal, self.terminal), ("sent", "received")):
            self.assertEqual(end.wait(), 0, end.text)
            bars = list(re.finditer(self.BAR, end.text))
            self.assertTrue(bars, end.text)
            filled = [len(bar[2]) for bar in bars]
            self.assertEqual(filled, sorted(filled), "it never goes back")
            self.assertEqual({len(bar[2] + bar[3]) for bar in bars}, {16})
            self.assertTrue(any(bar[4] for bar in bars), "the time that is left")
            lines = end.screen()
            self.assertRegex("".join(lines), rf"{word} .*long name.*\.bin: 30\.0 MB in [0-9:]+, [0-9.]+ [kMG]?B/s$")
            self.assertEqual([line for line in lines if "[" in line], [], "nothing of the bar is left")
            self.assertEqual(lines[-1], "", "the prompt comes in a line of its own")

    def test_no_bar_is_drawn_into_a_pipe(self):
        for end in self.transfer(self.start, self.start):
            self.assertEqual(end.wait(), 0, end.err)
            said = "\n".join(end.err + end.out)
            self.assertRegex(said, r"(sent|received) .*: 30\.0 MB in ")
            for trace in ("\r", "\x1b", "#"):
                self.assertNotIn(trace, said)

    def test_with_json_progress_is_events_even_in_a_terminal(self):
        for end in self.transfer(self.terminal, self.terminal, "--json"):
            self.assertEqual(end.wait(), 0, end.text)
            events = [json.loads(line)["event"] for line in end.text.splitlines()]
            self.assertIn("progress", events)
            self.assertNotIn("\x1b", end.text)

    def test_quiet_shows_none(self):
        for end in self.transfer(self.terminal, self.terminal, "--quiet"):
            self.assertEqual((end.wait(), end.text), (0, ""))

    def test_ctrl_c_in_the_middle_leaves_no_bar_and_no_part(self):
        path = self.file("big.bin", 0)
        os.truncate(path, 1_000_000_000)  # no blocks on the disk
        send = self.terminal("send", path, "--code", "bar", "--server", self.url)
        recv = self.terminal("recv", "bar", "--server", self.url, "--out", self.folder / "out", "--yes")
        recv.sees(r"big\.bin \[##")
        recv.press("\x03")
        self.assertEqual((recv.wait(), send.wait()), (130, 3), send.text)
        for end in (send, recv):
            self.assertEqual([line for line in end.screen() if "[" in line], [])
            self.assertEqual(end.screen()[-1], "")
        self.assertEqual(list((self.folder / "out").iterdir()), [])


class Keyboard(TerminalTest):
    def test_recv_asks_and_does_what_it_is_told(self):
        _, url = self.serve()
        path = self.file("gift", 1_000)
        for answer, codes in (("y\n", (0, 0)), ("\n", (0, 0)), ("n\n", (2, 2)), ("\x04", (2, 2))):
            recv = self.terminal("recv", "--server", url, "--out", self.folder / "out", "--overwrite")
            code = recv.sees(r"linnet send FILE --code ([-0-9a-z]+) --server (\S+)")
            self.assertEqual(code[2], url)
            send = self.start("send", path, "--code", code[1], "--server", code[2])
            recv.sees(r"receive gift, 1\.0 kB\? \[Y/n\]")
            recv.press(answer)
            self.assertEqual((recv.wait(), send.wait()), codes, (answer, recv.text))

    def test_the_question_and_the_bar_show_the_name_that_is_saved(self):
        _, url = self.serve()
        path = self.file("pic\u202egpj.exe\u0085", 0)
        os.truncate(path, 30_000_000)  # long enough for a bar
        for folder, shown in ((False, "picgpj.exe"), (True, "_d/picgpj.exe")):
            if folder:
                path.parent.joinpath(".d").mkdir()
                path = path.rename(path.parent / ".d" / path.name)
            recv = self.terminal("recv", "--server", url, "--out", self.folder / "out")
            code = recv.sees(r"linnet send FILE --code ([-0-9a-z]+) --server")
            self.start("send", path.parent if folder else path, "--code", code[1], "--server", url)
            recv.sees(rf"\nreceive {shown}, 30\.0 MB\? \[Y/n\]")
            recv.press("y\n")
            self.assertEqual(recv.wait(), 0, recv.text)
            self.assertRegex(recv.text, rf"{shown} \[[#.]+\]")
            self.assertNotRegex(recv.text, "[\u202e\u0085]")
            self.assertTrue((self.folder / "out" / shown).exists())

    def test_ctrl_c_ends_every_command_at_once_and_without_a_complaint(self):
        _, url = self.serve()
        for arguments, shown in ((["chat", "keys"], "in room keys"), (["send", self.file("f", 1)], "on the other side"), (["recv"], "on the other side"),
                                 (["recv", "keys2"], "nobody is in room"), (["echo", "keys3"], "echoing in room keys3"), (["bench", "keys4"], "waiting for another")):
            program = self.terminal(*arguments, "--server", url)
            program.sees(shown)
            begun = time.monotonic()
            program.press("\x03")
            self.assertEqual(program.wait(), 130, arguments)
            self.assertLess(time.monotonic() - begun, 10, arguments)
            self.assertNotIn("linnet: ", program.text)

    def test_ctrl_c_ends_what_waits_for_a_server_that_says_nothing(self):
        silent, url = self.silent_server()
        program = self.terminal("chat", "room", "--server", url)
        connection, _ = silent.accept()
        program.press("\x03")
        self.assertEqual(program.wait(), 130)
        connection.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
