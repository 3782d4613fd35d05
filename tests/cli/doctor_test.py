#!/usr/bin/env python3
"""What `linnet doctor` says: of servers that work (coturn, and our own), and of those that do not in every way that there is."""
import json
import os
import re
import shutil
import socket
import subprocess
import time
import unittest

from harness import PATIENCE, CliTest, SayingServer, run

CLEAN = {key: value for key, value in os.environ.items() if key not in ("LINNET_SERVER", "LINNET_TURN_PASSWORD")}


def doctor(*arguments, password=None, **environment):
    """The exit code, standard output and standard error."""
    if password is not None:
        environment["LINNET_TURN_PASSWORD"] = password
    done = run("doctor", *arguments, env={**CLEAN, **environment})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def report(*arguments, **options):
    """The exit code and the one object that --json prints."""
    code, out, err = doctor("--json", *arguments, **options)
    (line,) = out.splitlines()
    assert err == "", err
    found = json.loads(line)
    assert found["event"] == "report", found
    return code, found


def free_port():
    """One that neither TCP nor UDP uses at this moment, on any address."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("", 0))
            try:
                udp.bind(("", tcp.getsockname()[1]))
            except OSError:
                continue
            return tcp.getsockname()[1]


class Doctor(CliTest):
    def attempt(self, *arguments, **options):
        """The exit code and the one attempt at the one server."""
        code, found = report(*arguments, **options)
        (server,) = found["servers"]
        (attempt,) = server["attempts"]
        self.assertEqual(server["works"], attempt["state"] == "works")
        return code, attempt

    def udp(self):
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        return silent.getsockname()[1]

    def test_without_servers_it_says_what_there_is(self):
        code, found = report()
        self.assertEqual(code, 0)
        self.assertEqual((found["servers"], found["signaling"], found["direct"]), ([], None, "unknown"))
        loopback = next(each for each in found["addresses"] if each["address"] == "127.0.0.1")
        self.assertEqual({**loopback, "gathered": None, "interface": None},
                         {"interface": None, "address": "127.0.0.1", "family": "IPv4", "scope": "loopback", "wireless": False, "pointToPoint": False, "gathered": None})
        self.assertEqual(found["candidates"], {"host": True, "srflx": False, "relay": []})
        code, out, err = doctor()
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([line for line in out.splitlines() if not line.startswith(" ")], ["Addresses", "Candidates", "So"])
        self.assertIn("no server on the internet was asked (--stun URL)", out)

    def test_a_server_with_two_addresses_tells_everything(self):
        server = self.start("serve", "--port", 0, "--json", "--no-qr", "--stun-turn", "embedded", "--stun-turn-port", 0,
                            "--stun-turn-alternate-ip", "127.0.0.2", "--stun-turn-alternate-port", 0)
        serving = server.event("serving")
        code, found = report("--server", serving["url"])
        self.assertEqual(code, 0, found)
        self.assertTrue(found["signaling"]["works"])
        self.assertGreater(found["signaling"]["connectedMs"], 0)
        self.assertEqual([(each["kind"], each["works"]) for each in found["servers"]], [("stun", True), ("turn", True), ("turn", True)])
        (stun,), (udp,), (tcp,) = (each["attempts"] for each in found["servers"])
        self.assertEqual(stun["nat"], {"translated": False, "discovery": True, "mapping": "endpoint-independent", "compared": 0,
                                       "filtering": "endpoint-independent", "hairpinning": None})
        self.assertEqual([each["protocol"] for each in (stun, udp, tcp)], ["udp", "udp", "tcp"])
        self.assertTrue(all(each["roundTripMs"] > 0 and each["mapped"].startswith("127.0.0.1:") for each in (stun, udp, tcp)))
        self.assertTrue(all(each["relayed"][0].startswith("127.0.0.1:") for each in (udp, tcp)))
        self.assertEqual(found["candidates"]["relay"], ["udp", "tcp"])

    def test_its_words_are_these(self):
        port = free_port()
        server = self.start("serve", "--port", 0, "--json", "--no-qr", "--stun-turn", "embedded", "--stun-turn-port", port)
        url = server.event("serving")["url"]
        code, out, err = doctor("--server", url, "--turn", f"turn:127.0.0.1:{port}", "--turn-user", "nobody")
        self.assertEqual(code, 4)
        self.assertEqual(err.splitlines(), [f"asking {url}", "asking 4 servers; this takes up to 15 s"])
        words = re.sub(r"\d+ ms|under 1 ms", "N ms", out.replace(f":{port}", ":PORT").replace(url, "URL"))
        words = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:N", words)
        words = words[words.index("Signaling"):].splitlines()
        nat = ["    no NAT", "    filter: not known, as the server has no second address to ask from (RFC 5780)"]
        self.assertEqual(words, ["Signaling", "  URL", "    works over WebSocket, connected in N ms",
                                 "Servers",
                                 "  turn:127.0.0.1:PORT", "    no: the server does not accept this user name and password", *nat,
                                 "  stun:127.0.0.1:PORT", "    works over UDP, N ms, sees us as 127.0.0.1:N", *nat,
                                 "  turn:127.0.0.1:PORT?transport=udp", "    works over UDP, N ms, sees us as 127.0.0.1:N, relays at 127.0.0.1", *nat,
                                 "  turn:127.0.0.1:PORT?transport=tcp", "    works over TCP, N ms, sees us as 127.0.0.1:N, relays at 127.0.0.1",
                                 "Candidates",
                                 "  of this machine (host)    yes", "  behind a NAT (srflx)      no", "  relayed, over UDP (relay) yes",
                                 "  relayed, over TCP (relay) yes", "  relayed, over TLS (relay) no",
                                 "So",
                                 "  Peers in the same network connect directly. Of others nothing is known: no server on the internet was asked (--stun URL).",
                                 "  Where a direct way is missing, connections are relayed (TURN over UDP, TCP)."])

    def test_servers_that_do_not_answer(self):
        port = self.udp()
        start = time.monotonic()
        code, attempt = self.attempt("--stun", f"stun:127.0.0.1:{port}")
        self.assertEqual((code, attempt["state"], attempt["text"]), (3, "no-answer", "no answer"))
        silent, url = self.silent_server()
        tcp = url.removeprefix("http://")
        code, found = report("--timeout", 2, "--turn", f"turn:127.0.0.1:{port}", "--turn", f"turn:{tcp}?transport=tcp", "--turn", f"turns:{tcp}", "--turn-user", "ann", password="x")
        self.assertEqual(code, 3)
        self.assertEqual([each["attempts"][0]["state"] for each in found["servers"]], 3 * ["no-answer"])
        self.assertTrue(all(each["attempts"][0]["text"] == "no answer" for each in found["servers"]))
        self.assertIn("No TURN server works: where a direct way is missing there is no connection.", found["summary"])
        self.assertLess(time.monotonic() - start, PATIENCE)
        silent.close()

    def test_servers_that_are_not_there(self):
        port = free_port()
        code, attempt = self.attempt("--turn", f"turn:127.0.0.1:{port}?transport=tcp", "--turn-user", "ann", password="x")
        self.assertEqual((code, attempt["state"], attempt["text"]), (3, "connection-refused", "nobody listens there (connection refused)"))
        code, attempt = self.attempt("--timeout", 8, "--stun", "stun:no-such-host.invalid")
        self.assertEqual((code, attempt["state"]), (3, "name-not-found"))
        self.assertNotIn("address", attempt)
        code, attempt = self.attempt("--stun", "stun:255.255.255.255")
        self.assertEqual((code, attempt["state"]), (3, "unreachable"))
        code, attempt = self.attempt("--stun", "stun:host:port")
        self.assertEqual((code, attempt["state"]), (3, "bad-url"))

    def test_signaling_servers_that_are_none(self):
        code, found = report("--server", f"http://127.0.0.1:{free_port()}")
        self.assertEqual((code, found["signaling"]["works"]), (3, False))
        self.assertTrue(found["signaling"]["text"])
        self.assertIn("addresses", found, "the rest is there")
        refusing = SayingServer(status="403 Forbidden")
        self.addCleanup(refusing.close)
        code, found = report("--server", refusing.url)
        self.assertEqual((code, found["signaling"]["works"]), (4, False))
        code, found = report(LINNET_SERVER=f"http://127.0.0.1:{free_port()}")
        self.assertEqual(code, 3, "the environment counts")
        self.assertEqual(doctor("--server", "gopher://x")[0], 1)

    def test_a_signaling_server_may_name_nonsense(self):
        server = SayingServer({"type": "ready", "v": 1, "peer": "p", "session": "s", "heartbeat": 20, "resumed": False,
                               "iceServers": [{"urls": ["turn:\x1b[31m"]}, {"urls": ["stun:127.0.0.1:0"]}]})
        self.addCleanup(server.close)
        code, out, _ = doctor("--server", server.url)
        self.assertEqual(code, 3)
        self.assertNotIn("\x1b", out)

    def test_wrong_arguments_are_said_in_a_line(self):
        for words, arguments in (("no STUN server", ["--stun", "turn:a"]), ("no STUN server", ["--stun", "stun:"]), ("no TURN server", ["--turn", "stun:a"]),
                                 ("--turn-user", ["--turn-user", "a"]), ("does not exist", ["--turn", "turn:a", "--turn-password-file", self.folder / "none"]),
                                 ("--timeout", ["--timeout", "0"]), ("does not exist", ["--tls-ca-file", self.folder / "none"])):
            code, out, err = doctor(*arguments)
            self.assertEqual((code, out), (1, ""), arguments)
            self.assertIn(words, err)

    def test_ctrl_c_ends_it(self):
        program = self.start("doctor", "--server", self.silent_server()[1])
        program.line("asking", program.err)
        self.assertEqual(program.stop(), 130)


@unittest.skipUnless(shutil.which("turnserver"), "there is no coturn")
class DoctorCoturn(CliTest):
    def setUp(self):
        super().setUp()
        self.port, self.tls_port = free_port(), free_port()
        alternate, alternate_tls = free_port(), free_port()
        self.certificate = self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=turn",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "key.pem", "-out", self.certificate], check=True, capture_output=True)
        log = (self.folder / "log").open("w")
        self.addCleanup(log.close)
        coturn = subprocess.Popen(
            ["turnserver", "-n", "--listening-ip=127.0.0.1", "--listening-ip=127.0.0.2", "--relay-ip=127.0.0.1", f"--listening-port={self.port}",
             f"--tls-listening-port={self.tls_port}", f"--alt-listening-port={alternate}", f"--alt-tls-listening-port={alternate_tls}",
             f"--cert={self.certificate}", f"--pkey={self.folder / 'key.pem'}", "--lt-cred-mech", "--user=ann:apple", "--realm=example.org", "--no-cli",
             "--allow-loopback-peers", f"--userdb={self.folder / 'turndb'}", f"--pidfile={self.folder / 'pid'}", "--log-file=stdout", "--simple-log"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(coturn.wait)
        self.addCleanup(coturn.kill)
        for port in (self.port, self.tls_port):
            self.await_listener(port)

    def await_listener(self, port):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def urls(self):
        at = f"127.0.0.1:{self.port}"
        return ["--stun", f"stun:{at}", "--turn", f"turn:{at}", "--turn", f"turn:{at}?transport=tcp", "--turn", f"turns:127.0.0.1:{self.tls_port}",
                "--stun", f"stuns:127.0.0.1:{self.tls_port}", "--turn-user", "ann"]

    def test_it_works_over_udp_tcp_and_tls(self):
        secret = self.folder / "password"
        secret.write_text("apple\n")
        code, found = report(*self.urls(), "--turn-password-file", secret, "--tls-ca-file", self.certificate)
        self.assertEqual(code, 0, found)
        attempts = {server["url"].split(":")[0] + " " + server["attempts"][0]["protocol"]: server["attempts"][0] for server in found["servers"]}
        self.assertEqual(sorted(attempts), ["stun udp", "stuns tls", "turn tcp", "turn udp", "turns tls"])
        for name, attempt in attempts.items():
            self.assertEqual((attempt["state"], attempt["mapped"].split(":")[0]), ("works", "127.0.0.1"), name)
            self.assertGreater(attempt["roundTripMs"], 0, name)
            self.assertEqual("relayed" in attempt, name.startswith("turn"), name)
        self.assertEqual(found["candidates"]["relay"], ["udp", "tcp", "tls"])
        for name in ("stun udp", "turn udp"):
            self.assertEqual(attempts[name]["nat"], {"translated": False, "discovery": True, "mapping": "endpoint-independent", "compared": 0,
                                                     "filtering": "endpoint-independent", "hairpinning": None})

    def test_a_wrong_password_is_told_from_a_dead_server(self):
        code, found = report(*self.urls(), "--tls-ca-file", self.certificate, password="pear")
        self.assertEqual(code, 4)
        states = {server["url"].split(":")[0]: server["attempts"][0]["state"] for server in found["servers"]}
        self.assertEqual(states, {"stun": "works", "turn": "unauthorized", "turns": "unauthorized", "stuns": "works"})
        self.assertEqual(found["candidates"]["relay"], [])

    def test_a_certificate_is_for_its_name_and_of_somebody_known(self):
        code, found = report("--turn", f"turns:127.0.0.1:{self.tls_port}", "--turn-user", "ann", password="apple")
        (attempt,) = found["servers"][0]["attempts"]
        self.assertEqual((code, attempt["state"]), (3, "tls-failed"))
        self.assertIn("the certificate of 127.0.0.1 is refused: self", attempt["text"])
        code, found = report("--turn", f"turns:localhost:{self.tls_port}", "--turn-user", "ann", "--tls-ca-file", self.certificate, password="apple")
        attempt = next(each for each in found["servers"][0]["attempts"] if each["address"].startswith("127."))
        self.assertEqual((code, attempt["state"]), (3, "tls-failed"))
        self.assertIn("the certificate of localhost is refused: ", attempt["text"])
        code, found = report("--timeout", 4, "--turn", f"turns:127.0.0.1:{self.port}", "--turn-user", "ann", password="apple")
        self.assertEqual((code, found["servers"][0]["works"]), (3, False))


if __name__ == "__main__":
    unittest.main()
