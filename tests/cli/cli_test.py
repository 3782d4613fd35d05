#!/usr/bin/env python3
"""The program as a person uses it: several `linnet` processes on this machine, with a server and without.

usage: cli_test.py PROGRAM [unittest arguments]
"""
import json
import os
import pathlib
import re
import signal
import socket
import time
import unittest

from harness import PATIENCE, CliTest, SayingServer, run

COMMANDS = ("serve", "chat", "send", "recv", "echo", "bench", "doctor")


class Usage(CliTest):
    def test_help_and_version_succeed(self):
        for arguments in (["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)):
            result = run(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, b""), arguments)
            self.assertTrue(result.stdout)

    def test_the_help_names_every_command_and_every_exit_code(self):
        text = run("--help").stdout.decode()
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} +\w")
            self.assertIn(f"Usage: linnet {command} ", run(command, "--help").stdout.decode())
        self.assertEqual(re.findall(r"(\d+) \w", text.split("Exit codes:")[1]), ["0", "1", "2", "3", "4", "5", "6", "130"])

    def test_a_command_that_is_none_is_named(self):
        for word in ("bogus", "--bogus", "\x1b[31m"):
            result = run(word)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr.decode().splitlines()[0], f"'{word.replace(chr(27), '?')}' is no command of linnet")

    def test_an_address_that_is_none_is_one_clear_line(self):
        for address in ("300.1.1.1", "ab:cd:zz", "localhost", ""):
            result = run("serve", "--port", "0", "--bind", address)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr.decode().splitlines()[0], f"--bind: '{address}' is no IP address")

    def test_wrong_arguments_are_usage_errors_of_one_or_two_lines(self):
        for arguments in ([], ["bogus"], ["chat"], ["chat", "../x"], ["send"], ["recv", "--overwrite", "--rename"], ["echo", "--signal", "carrier-pigeon"],
                          ["echo", "--offer"], ["serve", "--port", "70000"], ["chat", "x", "--log", "loud"]):
            result = run(*arguments)
            self.assertEqual(result.returncode, 1, arguments)
            self.assertLessEqual(len(result.stderr.splitlines()), 4, result.stderr)

    def test_a_server_that_is_not_there_is_one_line_that_says_what_to_do(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for arguments in (["chat", "room"], ["send", self.file("f", 1)], ["recv"], ["recv", "code"], ["echo"], ["bench", "room"]):
            result = run(*arguments, "--server", f"http://127.0.0.1:{port}")
            self.assertEqual(result.returncode, 3, arguments)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
            self.assertIn(b"linnet serve", result.stderr)

    def test_a_server_that_does_not_let_us_in_is_4_and_one_line(self):
        welcome = {"type": "welcome", "protocols": ["linnet.1"]}
        ready = {"type": "ready", "peer": "me", "session": "s", "resume": "r", "heartbeat": 20000, "iceServers": []}

        def error(code, number):
            return {"type": "error", "id": number, "code": code, "message": "only for members", "fatal": False}
        for server in (SayingServer(welcome, error("unauthorized", 0)), SayingServer(welcome, error("token_expired", 0)),
                       SayingServer(welcome, ready, error("forbidden", 1)), SayingServer(welcome, ready, error("room_locked", 1)),
                       SayingServer(welcome, ready, error("bad_password", 1)), SayingServer(status="403 Forbidden"), SayingServer(status="401 Unauthorized")):
            self.addCleanup(server.close)
            result = run("chat", "room", "--server", server.url)
            self.assertEqual(result.returncode, 4, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
            self.assertRegex(result.stderr, rb"^linnet: .*(only for members|HTTP 40[13])")

    def test_another_kind_of_server_is_named_as_such(self):
        server = SayingServer(status="404 Not Found")
        self.addCleanup(server.close)
        result = run("chat", "room", "--server", server.url)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, rb"^linnet: .*HTTP 404 Not Found; is `linnet serve` running\?")

    def test_a_file_that_is_not_there_is_one_line(self):
        result = run("send", self.folder / "nothing")
        self.assertEqual(result.returncode, 5)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)


class Serve(CliTest):
    def test_a_port_that_is_taken_is_one_line(self):
        server, url = self.serve()
        result = run("serve", "--port", url.rsplit(":", 1)[1])
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_it_stops_cleanly_on_both_signals_with_peers_connected(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            server, url = self.serve()
            chat = self.start("chat", "room", "--server", url, "--json")
            chat.event("joined")
            self.assertEqual(server.stop(how), 0)
            self.assertEqual(chat.stop(signal.SIGINT), 130)


class Chat(CliTest):
    def test_three_terminals_talk(self):
        _, url = self.serve()
        people = [self.start("chat", "room", "--server", url, "--name", name) for name in ("Ann", "Bob", "Cid")]
        for program in people:
            program.line(r"connected to", program.err)
            program.until(lambda p=program: True if sum("connected to" in l for l in p.err) == 2 else None, "two connections")
        people[0].write("hello all\n")
        for program in people[1:]:
            program.line(r"^Ann: hello all$")
        people[2].write("\u00e4\u00f6 \x1b[31m\n")
        people[0].line("^Cid: \u00e4\u00f6 \\?\\[31m$")
        for program in people:
            program.end_input()
        for program in people:
            self.assertEqual(program.wait(), 0)

    def test_what_is_said_before_leaving_arrives(self):
        _, url = self.serve()
        ann = self.start("chat", "room", "--server", url, "--name", "Ann")
        bob = self.start("chat", "room", "--server", url, "--name", "Bob")
        ann.line("connected to Bob", ann.err)
        bob.line("connected to Ann", bob.err)
        ann.write("".join(f"line {i}\n" for i in range(500)))
        ann.end_input()
        self.assertEqual(ann.wait(), 0)
        bob.line("^Ann: line 499$")
        self.assertEqual([l for l in bob.out if l.startswith("Ann: ")], [f"Ann: line {i}" for i in range(500)])

    def test_who_is_connected_talks_on_without_the_server(self):
        server, url = self.serve()
        ann, bob = (self.start("chat", "room", "--server", url, "--name", name) for name in ("Ann", "Bob"))
        ann.line("connected to Bob", ann.err)
        bob.line("connected to Ann", bob.err)
        server.stop()
        for program in (ann, bob):
            program.line("the server is away; who is connected stays connected", program.err)
        ann.write("still here?\n")
        bob.line("^Ann: still here\\?$")

    def test_over_stdio_lines_of_text_are_data(self):
        ann, bob = self.start("chat", "--signal", "stdio", "--offer"), self.start("chat", "--signal", "stdio")
        self.bridge(ann, bob, lambda line: line if re.match(r'\{"(description|candidate|close)"', line) else "")
        ann.line("^connected", ann.err)
        bob.line("^connected", bob.err)
        ann.write('{"text":"hi \\"Bob\\""}\nplain\n{"bogus":1}\n')
        bob.line(r'^\{"text":"hi \\"Bob\\""\}$')
        bob.line(r'^\{"text":"plain"\}$')
        ann.line("neither signaling nor", ann.err)
        for line in ann.out + bob.out:
            self.assertRegex(line, r'^\{"(description|candidate|text|close)":')


class Ends(CliTest):
    def test_input_that_ends_before_the_other_side_spoke_is_no_path(self):
        for arguments in (["echo"], ["echo", "--offer"], ["chat", "--offer"], ["recv"]):
            result = run(*arguments, "--signal", "stdio")
            self.assertEqual(result.returncode, 3, arguments)
            self.assertEqual(sum(l.startswith(b"linnet: ") for l in result.stderr.splitlines()), 1, result.stderr)

    def test_json_over_stdio_leaves_standard_output_to_signaling_and_data(self):
        echo, chat = self.start("echo", "--signal", "stdio", "--json"), self.start("chat", "--signal", "stdio", "--offer", "--json")
        self.bridge(chat, echo, lambda line: line if re.match(r'\{"(description|candidate|close)"', line) else "")
        chat.line('"event":"connected"', chat.err)
        chat.write('{"text":"x"}\n')
        chat.line(r'^\{"text":"x"\}$')
        for line in chat.out + echo.out:
            self.assertRegex(line, r'^\{"(description|candidate|text|close)":')

    def test_a_bad_stun_server_is_a_usage_error_wherever_it_is_said(self):
        for arguments in (["chat", "x"], ["serve"]):
            self.assertEqual(run(*arguments, "--stun", "bogus:x").returncode, 1, arguments)

    def test_what_nobody_heard_is_said_to_be_lost(self):
        _, url = self.serve()
        result = run("chat", "empty", "--server", url, stdin=b"hello?\n")
        self.assertEqual(result.returncode, 3)
        self.assertIn(b"nobody", result.stderr)

    def test_a_chat_refuses_files_in_words(self):
        _, url = self.serve()
        chat = self.start("chat", "room", "--server", url, "--json")
        chat.event("joined")
        send = self.start("send", self.file("f", 10), "--code", "room", "--server", url)
        self.assertEqual(send.wait(), 2)
        self.assertIn("takes no files", "\n".join(send.err))


class Echo(CliTest):
    def test_two_programs_over_stdio_and_the_end_is_0(self):
        echo = self.start("echo", "--signal", "stdio")
        chat = self.start("chat", "--signal", "stdio", "--offer")
        self.bridge(chat, echo, lambda line: line if re.match(r'\{"(description|candidate|close)"', line) else "")
        chat.line("^connected", chat.err)
        chat.write('{"text":"there and back"}\n')
        chat.line(r'^\{"text":"there and back"\}$')
        chat.stop(signal.SIGINT)
        self.assertEqual(echo.wait(), 0, echo.err)

    def test_everybody_in_a_room_of_the_server_hears_themselves(self):
        _, url = self.serve()
        echo = self.start("echo", "canyon", "--server", url, "--name", "Echo")
        echo.line(f"echoing in room canyon; browsers join at {url}/r/canyon$", echo.err)
        default = self.start("echo", "--server", url, "--json")
        self.assertEqual(default.event("joined")["room"], "echo")
        for room, name in (("canyon", "Echo"), ("canyon", "Echo"), ("echo", ".*")):  # it stays for the next one
            chat = self.start("chat", room, "--server", url)
            chat.write("hello\n\u00e4\n")
            chat.line(f"^{name}: hello$")
            chat.line(f"^{name}: \u00e4$")
            chat.end_input()
            self.assertEqual(chat.wait(), 0)
        for program in (echo, default):
            self.assertEqual(program.stop(signal.SIGINT), 130)

    def test_the_trace_is_json_and_the_key_logs_of_both_sides_agree(self):
        trace, keys = self.folder / "trace.qlog", [self.folder / "a.keys", self.folder / "b.keys"]
        echo = self.start("echo", "--signal", "stdio", "--key-log", keys[1])
        chat = self.start("chat", "--signal", "stdio", "--offer", "--trace", trace, "--key-log", keys[0])
        self.bridge(chat, echo, lambda line: line if re.match(r'\{"(description|candidate|close)"', line) else "")
        chat.line("^connected", chat.err)
        chat.write('{"text":"there and back"}\n')
        chat.line(r'^\{"text":"there and back"\}$')
        chat.stop(signal.SIGINT)
        self.assertEqual(echo.wait(), 0, echo.err)
        self.assertNotIn("there and back", trace.read_text())
        header, *lines = [json.loads(line) for line in trace.read_text().splitlines()]
        self.assertEqual(header["qlog_version"], "0.3")
        names = [line["name"] for line in lines]
        for name in ("ice:candidate_gathered", "ice:selected_pair_updated", "dtls:keys_installed", "sctp:packet_sent", "datachannel:open"):
            self.assertIn(name, names)
        self.assertLess(names.index("ice:selected_pair_updated"), names.index("dtls:keys_installed"))
        self.assertLess(names.index("dtls:keys_installed"), names.index("sctp:packet_sent"))
        self.assertEqual(len({line["group_id"] for line in lines}), 1)
        times = [line["time"] for line in lines]
        self.assertEqual(times, sorted(times))
        self.assertAlmostEqual(times[-1] / 1000, time.time(), delta=2 * PATIENCE)
        logs = [path.read_text() for path in keys]
        self.assertRegex(logs[0], r"\ACLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n\Z")
        self.assertEqual(logs[0], logs[1])
        self.assertEqual(keys[0].stat().st_mode & 0o777, 0o600)

    def test_a_trace_that_cannot_be_written_is_a_usage_error(self):
        for option in ("--trace", "--key-log"):
            result = run("echo", "--signal", "stdio", option, self.folder / "missing" / "file")
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"cannot be written: No such file or directory", result.stderr)

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_a_full_disk_is_told_in_one_line(self):
        told = [line for line in run("echo", "--signal", "stdio", "--trace", "/dev/full").stderr.decode().splitlines() if "/dev/full" in line]
        self.assertEqual(told, ["linnet: /dev/full: No space left on device"])
        # The keys come later, and the connection does not need them.
        echo = self.start("echo", "--signal", "stdio")
        chat = self.start("chat", "--signal", "stdio", "--offer", "--key-log", "/dev/full")
        self.bridge(chat, echo, lambda line: line if re.match(r'\{"(description|candidate|close)"', line) else "")
        chat.line("^connected", chat.err)
        chat.write('{"text":"there and back"}\n')
        chat.line(r'^\{"text":"there and back"\}$')
        chat.stop(signal.SIGINT)
        chat.wait()
        self.assertEqual([line for line in chat.err if "/dev/full" in line], ["linnet: the trace is not complete: /dev/full: No space left on device"])

    def test_a_wrong_fingerprint_fails_and_delivers_nothing(self):
        def forge(line):
            return re.sub(r"(sha-256 )(..)", lambda m: m[1] + ("00" if m[2] != "00" else "11"), line)
        echo, chat = self.start("echo", "--signal", "stdio"), self.start("chat", "--signal", "stdio", "--offer")
        self.bridge(chat, echo, lambda line: forge(line) if re.match(r'\{"(description|candidate|close)"', line) else "")
        chat.write('{"text":"secret"}\n')
        # The first to end says why; the other would else wait half a minute for a handshake that is over.
        self.assertEqual(echo.wait(20), 3, echo.err)
        self.assertEqual(chat.wait(20), 3, chat.err)
        self.assertNotIn('{"text":"secret"}', chat.out)

    def test_garbage_on_standard_input_is_survived(self):
        echo = self.start("echo", "--signal", "stdio")
        echo.write('garbage\n{"description":{"type":"offer","sdp":"v=0"}}\n{"candidate":{"candidate":"x"}}\n{"candidate":7}\n[]\n\n')
        echo.line("ignored", echo.err)
        chat = self.start("chat", "--signal", "stdio", "--offer")
        self.bridge(chat, echo, lambda line: line if re.match(r'\{"(description|candidate|close)"', line) else "")
        chat.line("^connected", chat.err)


class Bench(CliTest):
    SHORT = ("--seconds", 0.2, "--setups", 3, "--connections", 5, "--channels", 200)
    KEYS = {"w1": {"throughput_mbps_64k", "throughput_mbps_16k", "messages_per_s_1k", "cpu_s_per_gb"},
            "w2": {"rtt_us_p50", "rtt_us_p99"},
            "w3": {"setup_ms_p50", "setup_ms_p90", "setup_ms_p99", "setup_cpu_ms"},
            "w4": {"kb_per_connection"},
            "w5": {"channels_opened", "channels_delivered", "channels_ms", "kb_per_channel"}}

    def local(self, *arguments):
        result = run("bench", "--local", "--json", *self.SHORT, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(result.stdout.splitlines()), 1, result.stdout)
        return json.loads(result.stdout)

    def test_two_processes_measure_everything_as_one_json_object(self):
        found = self.local()
        for names in self.KEYS.values():
            self.assertLessEqual(names, found.keys())
        for name in self.KEYS["w1"] | self.KEYS["w2"] | self.KEYS["w3"]:
            self.assertGreater(found[name], 0, name)
        self.assertLessEqual(found["rtt_us_p50"], found["rtt_us_p99"])
        self.assertLessEqual(found["setup_ms_p50"], found["setup_ms_p90"])
        self.assertEqual((found["channels_opened"], found["channels_delivered"]), (200, 200))

    def traced(self, *arguments):
        """The SCTP packets of a short local bench, as its first process saw them: (sent or received, size, types of chunks)."""
        trace = self.folder / f"{len(list(self.folder.iterdir()))}.qlog"
        self.local("--only", "w1", "--trace", trace, *arguments)
        lines = [json.loads(line) for line in trace.read_text().splitlines()]
        return [(line["name"], line["data"]["size"], [chunk["type"] for chunk in line["data"].get("chunks", [])])
                for line in lines if line.get("name") in ("sctp:packet_sent", "sctp:packet_received")]

    def test_what_is_tuned_is_tuned_at_both_ends_of_a_local_bench(self):
        packets = self.traced("--tune", "mtu=700", "--tune", "max_mtu=0")
        for name in ("sctp:packet_sent", "sctp:packet_received"):
            largest = max(size for of, size, _ in packets if of == name)
            self.assertGreater(largest, 500, name)
            self.assertLess(largest, 700, name)

    def test_an_experiment_is_made_at_both_ends_of_a_local_bench(self):
        def handshakes(packets):
            return sum("init" in chunks or "init_ack" in chunks for _, _, chunks in packets)
        self.assertGreater(handshakes(self.traced()), 0)
        self.assertEqual(handshakes(self.traced("--experimental", "snap")), 0)

    def test_only_picks(self):
        found = self.local("--only", "w2,W3")
        self.assertLessEqual(self.KEYS["w2"] | self.KEYS["w3"], found.keys())
        for name in ("w1", "w4", "w5"):
            self.assertFalse(self.KEYS[name] & found.keys())

    def test_a_person_sees_a_table(self):
        result = run("bench", "--local", *self.SHORT, "--only", "w1,w5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout.decode(), r"W1 .*\n.*64 KiB messages .* Mbit/s(.*\n)+W5 .*\n.*100 channels .*100 delivered")

    def test_a_wrong_choice_is_one_clear_line(self):
        for arguments, said in ((["--local", "--only", "w9"], b"'w9' is no list"), (["--local", "--only", ""], b"no list"),
                                (["room", "--only", "w5"], b"need --local"), ([], b"needs one of"), (["room", "--local"], b"needs one of"),
                                (["--local", "--seconds", 0], b"--seconds"), (["--local", "--channels", 65535], b"--channels")):
            result = run("bench", *arguments)
            self.assertEqual(result.returncode, 1, arguments)
            first, *rest = result.stderr.splitlines()
            self.assertIn(said, first)
            self.assertEqual(rest, [b"Run with --help for more information."])

    def test_a_killed_other_end_is_an_error_and_none_stays_behind(self):
        bench = self.start("bench", "--local", "--only", "w1", "--seconds", 30)
        children = pathlib.Path(f"/proc/{bench.process.pid}/task/{bench.process.pid}/children")
        bench.line("^W1")
        child = int(children.read_text())
        os.kill(child, signal.SIGKILL)
        self.assertEqual(bench.wait(), 3)
        self.assertIn("linnet: the other end went away", bench.err)
        bench = self.start("bench", "--local", "--only", "w1", "--seconds", 30)
        bench.line("^W1")
        bench.stop(signal.SIGINT)
        self.assertEqual(bench.process.returncode, 130)

    def test_two_terminals_measure_in_a_room(self):
        _, url = self.serve()
        first = self.start("bench", "room", "--server", url, *self.SHORT)
        first.line("waiting", first.err)
        second = self.start("bench", "room", "--server", url, *self.SHORT)
        self.assertEqual((first.wait(), second.wait()), (0, 0), first.err + second.err)
        for heading in ("^W1", "^W2", "^W3"):
            first.line(heading)
        self.assertEqual(second.out, [])

    def test_who_is_no_bench_is_not_measured(self):
        _, url = self.serve()
        first = self.start("bench", "room", "--server", url, *self.SHORT, "--json")
        chat = self.start("chat", "room", "--server", url)
        chat.line("left|closed", chat.err)
        self.assertIsNone(first.process.poll())

    def test_an_echo_is_measured_over_stdio(self):
        for offers in (True, False):
            echo = self.start("echo", "--signal", "stdio", *([] if offers else ["--offer"]))
            bench = self.start("bench", "--signal", "stdio", *(["--offer"] if offers else []), "--json", *self.SHORT)
            self.bridge(bench, echo)
            self.assertEqual((bench.wait(), echo.wait()), (0, 0), bench.err + echo.err)
            events = {e["event"]: e for e in map(json.loads, bench.err)}
            for name in ("echoed_throughput_mbps_64k", "echoed_messages_per_s_1k", "rtt_us_p50", "setup_ms"):
                self.assertGreater(events["bench"][name], 0, name)
            for line in bench.out:
                self.assertRegex(line, r'^\{"(description|candidate|close)":')


if __name__ == "__main__":
    unittest.main(verbosity=2)
