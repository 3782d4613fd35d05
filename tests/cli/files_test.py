#!/usr/bin/env python3
"""Files between `linnet` processes on this machine: what is sent, kept, resumed, refused.

usage: files_test.py PROGRAM [unittest arguments]
"""
import hashlib
import os
import signal
import subprocess
import unittest

from harness import CliTest, digest, run


class Files(CliTest):
    def send_and_receive(self, paths, *receive_options):
        _, url = self.serve()
        self.url = url
        send = self.start("send", *paths, "--server", url, "--json")
        code = send.event("waiting")["code"]
        out = self.folder / "out"
        recv = self.start("recv", code, "--server", url, "--out", out, *receive_options)
        return send, recv, out

    def part_of(self, path, out):
        """Where --resume keeps the part of a file: the name tells the size and the time of the whole."""
        status = path.stat()
        tag = hashlib.sha256(f"{path.name}\n{status.st_size}\n{status.st_mtime_ns // 1_000_000}".encode()).hexdigest()[:16]
        return out / f".{path.name}.{tag}.part"

    def test_a_100_mb_file_arrives_with_an_equal_hash(self):
        path = self.file("big.bin", 100_000_000)
        send, recv, out = self.send_and_receive([path])
        self.assertEqual((send.wait(), recv.wait()), (0, 0), recv.err)
        self.assertEqual(digest(out / "big.bin"), digest(path))

    def test_files_and_folders_of_many_sizes_arrive(self):
        sizes = {"d/empty": 0, "d/one": 1, "d/e/chunk": 65_536, "d/e/more \u00e9": 65_537, "single": 300_000}
        for name, size in sizes.items():
            self.file(name, size)
        send, recv, out = self.send_and_receive([self.folder / "d", self.folder / "single"])
        self.assertEqual((send.wait(), recv.wait()), (0, 0), recv.err)
        for name in sizes:
            self.assertEqual(digest(out / name), digest(self.folder / name), name)
        self.assertEqual([p for p in out.rglob("*.part")], [])

    def test_an_existing_file_is_kept_unless_told_otherwise(self):
        path = self.file("x.txt", 10)
        (self.folder / "out").mkdir()
        (self.folder / "out/x.txt").write_text("old")
        send, recv, out = self.send_and_receive([path])
        self.assertEqual((send.wait(), recv.wait()), (2, 5))
        self.assertEqual((out / "x.txt").read_text(), "old")
        send, recv, out = self.send_and_receive([path], "--rename")
        self.assertEqual((send.wait(), recv.wait()), (0, 0))
        self.assertEqual(digest(out / "x (2).txt"), digest(path))
        send, recv, out = self.send_and_receive([path], "--overwrite")
        self.assertEqual((send.wait(), recv.wait()), (0, 0))
        self.assertEqual(digest(out / "x.txt"), digest(path))

    def test_a_sender_that_is_killed_ends_the_receiver_and_leaves_no_part(self):
        path = self.file("big.bin", 400_000_000)
        send, recv, out = self.send_and_receive([path], "--json")
        recv.event("progress")
        send.stop(signal.SIGTERM)
        self.assertEqual(recv.wait(), 3, recv.err)
        self.assertEqual(list(out.iterdir()), [])

    def test_an_interrupted_transfer_is_resumed(self):
        path = self.file("big.bin", 200_000_000)
        send, recv, out = self.send_and_receive([path], "--resume", "--json")
        recv.event("progress")
        send.stop(signal.SIGTERM)
        recv.wait()
        had = self.part_of(path, out).stat().st_size
        self.assertGreater(had, 0)
        send, recv, out = self.send_and_receive([path], "--resume", "--json")
        self.assertEqual(recv.event("resuming")["offset"], had)
        self.assertEqual((send.wait(), recv.wait()), (0, 0))
        self.assertEqual(digest(out / "big.bin"), digest(path))
        self.assertEqual([p.name for p in out.iterdir()], ["big.bin"])

    def test_a_huge_part_is_read_while_everything_else_goes_on(self):
        huge, out = self.folder / "huge.bin", self.folder / "out"
        out.mkdir()
        huge.touch()
        os.truncate(huge, 200_000_000_000)  # no blocks on the disk, but minutes of reading
        part = self.part_of(huge, out)
        part.touch()
        os.truncate(part, 200_000_000_000)
        send, recv, out = self.send_and_receive([huge], "--resume", "--json")
        recv.event("resuming")
        chat = self.start("chat", send.event("waiting")["code"], "--server", self.url)
        chat.until(lambda: True if sum("connected to" in l for l in chat.err) == 2 else None, "a connection to both")
        self.assertIsNone(send.process.poll())
        self.assertEqual(recv.stop(signal.SIGINT), 130)
        self.assertEqual(part.stat().st_size, 200_000_000_000)

    def test_what_arrives_wrong_is_exit_6_and_an_earlier_part_is_left_as_it_was(self):
        path, out = self.file("x.bin", 300_000), self.folder / "out"
        out.mkdir()
        # The part of an earlier version of the file, of the same size and time: only the hash of the whole tells.
        part, content = self.part_of(path, out), os.urandom(100_000)
        part.write_bytes(content)
        send, recv, out = self.send_and_receive([path], "--resume")
        self.assertEqual((send.wait(), recv.wait()), (2, 6), send.err + recv.err)
        self.assertIn(f"linnet: the hash of x.bin is wrong; {part} is left as it was, and without --resume the transfer begins anew", recv.err)
        self.assertEqual(list(out.iterdir()), [part])
        self.assertEqual(part.read_bytes(), content)

    def test_a_part_that_was_sent_is_not_taken_for_the_part_of_another(self):
        names = ("a.part", "a")
        paths = [self.file(name, size) for name, size in zip(names, (1_000, 300_000))]
        for options in ([], ["--rename"], ["--overwrite"], ["--resume"]):
            subprocess.run(["rm", "-rf", self.folder / "out"], check=True)
            send, recv, out = self.send_and_receive(paths, *options)
            self.assertEqual((send.wait(), recv.wait()), (0, 0), recv.err)
            self.assertEqual(sorted(p.name for p in out.iterdir()), sorted(names), options)
            for path in paths:
                self.assertEqual(digest(out / path.name), digest(path), options)

    def test_what_was_there_under_the_name_of_a_part_stays(self):
        path, out = self.file("thesis", 300_000), self.folder / "out"
        out.mkdir()
        mine = {"thesis.part": b"years of work", ".thesis.part": b"more of it"}
        for name, content in mine.items():
            (out / name).write_bytes(content)
        for options in ([], ["--rename"], ["--overwrite"], ["--resume"]):
            (out / "thesis").unlink(missing_ok=True)
            send, recv, out = self.send_and_receive([path], *options)
            self.assertEqual((send.wait(), recv.wait()), (0, 0), recv.err)
            self.assertEqual(digest(out / "thesis"), digest(path))
            self.assertEqual({p.name: p.read_bytes() for p in out.iterdir() if p.name != "thesis"}, mine, options)

    def test_what_was_there_stays_when_the_sender_is_killed(self):
        path, out = self.file("big", 0), self.folder / "out"
        os.truncate(path, 2_000_000_000)  # no blocks on the disk
        out.mkdir()
        mine = {"big.part": b"mine", ".big.part": b"mine, too"}
        for name, content in mine.items():
            (out / name).write_bytes(content)
        send, recv, out = self.send_and_receive([path], "--json")
        recv.event("progress")
        send.stop(signal.SIGTERM)
        self.assertEqual(recv.wait(), 3, recv.err)
        self.assertEqual({p.name: p.read_bytes() for p in out.iterdir()}, mine)

    def test_nothing_hidden_and_no_name_of_a_device_is_written(self):
        self.file("home/.ssh/authorized_keys", 100)
        self.file("home/d/NUL", 100)
        self.file("home/d/a:b ", 100)
        send, recv, out = self.send_and_receive([self.folder / "home/.ssh", self.folder / "home/d"])
        self.assertEqual((send.wait(), recv.wait()), (0, 0), recv.err)
        names = sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())
        self.assertEqual(names, ["_ssh/authorized_keys", "d/_NUL", "d/a_b_"])

    def test_a_receiver_without_a_code_makes_one_and_the_sender_uses_it(self):
        _, url = self.serve()
        path, out = self.file("f.bin", 200_000), self.folder / "out"
        recv = self.start("recv", "--server", url, "--out", out)
        # What it prints for the other side is a command as it is.
        words = recv.line(r"linnet (send) FILE --code ([2-9a-z]{5}-[2-9a-z]{5}) --server (\S+)$", recv.err)
        recv.line(rf"or in a browser: +{url}/r/{words[2]}$", recv.err)
        send = self.start(words[1], path, "--code", words[2], "--server", words[3])
        self.assertEqual((send.wait(), recv.wait()), (0, 0), send.err + recv.err)
        self.assertEqual(digest(out / "f.bin"), digest(path))
        codes = set()
        for _ in range(3):
            recv = self.start("recv", "--server", url, "--json")
            event = recv.event("waiting")
            self.assertEqual(event["link"], f"{url}/r/{event['code']}")
            codes.add(event["code"])
            self.assertEqual(recv.stop(signal.SIGINT), 130)
        self.assertEqual(len(codes), 3)

    def test_a_code_with_a_space_is_printed_as_a_shell_takes_it(self):
        _, url = self.serve()
        send = self.start("send", self.file("f.bin", 10), "--code", "our room", "--server", url)
        send.line("linnet recv 'our room' --server", send.err)

    def test_a_full_disk_is_one_line_and_exit_5(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for a small file system")
        small = self.folder / "out"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=False, capture_output=True).returncode != 0:
            self.skipTest("no file system can be mounted here")
        self.addCleanup(lambda: subprocess.run(["umount", small], check=True))
        send, recv, _ = self.send_and_receive([self.file("big.bin", 5_000_000)])
        self.assertEqual((send.wait(), recv.wait()), (2, 5))
        self.assertEqual(sum(l.startswith("linnet: cannot write") for l in recv.err), 1, recv.err)
        self.assertEqual(list(small.iterdir()), [])

    def test_without_a_server_over_stdio_either_side_may_offer(self):
        path = self.file("f.bin", 1_000_000)
        for offers in (["--offer"], []):
            out = self.folder / f"out{len(offers)}"
            send = self.start("send", path, "--signal", "stdio", *offers)
            recv = self.start("recv", "--signal", "stdio", "--out", out, *([] if offers else ["--offer"]))
            self.bridge(send, recv)
            self.assertEqual((send.wait(), recv.wait()), (0, 0), send.err + recv.err)
            self.assertEqual(digest(out / "f.bin"), digest(path))


if __name__ == "__main__":
    unittest.main(verbosity=2)
