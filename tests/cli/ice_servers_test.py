#!/usr/bin/env python3
"""What `linnet serve` tells its peers of STUN and TURN, and the server that it can be itself. The protocols are written here once more, apart from ours."""
import base64
import hashlib
import hmac
import json
import os
import resource
import socket
import struct
import time
import unittest

from harness import PATIENCE, CliTest, digest, run

COOKIE = 0x2112A442
SECRET = "a secret of nobody's"


class Peer:
    """As little of linnet.1 over WebSocket as says hello and listens."""

    def __init__(self, url, name):
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(f"GET /v1/ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nSec-WebSocket-Protocol: linnet.1\r\n\r\n".encode())
        while self.stream.readline().strip():
            pass
        self.say({"type": "hello", "peer": name})

    def say(self, message):
        text = json.dumps(message).encode()
        assert len(text) < 126
        self.socket.sendall(struct.pack("!BBI", 0x81, 0x80 | len(text), 0) + text)

    def hear(self, kind):
        while True:
            head = self.stream.read(2)
            size = head[1] & 127
            if size == 126:
                size = struct.unpack("!H", self.stream.read(2))[0]
            message = json.loads(self.stream.read(size))
            if message["type"] == kind:
                return message

    def close(self):
        self.stream.close()
        self.socket.close()


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def request(method, attributes=b"", key=None):
    """RFC 8489 section 5; with `key` MESSAGE-INTEGRITY as section 14.5 has it."""
    identity = os.urandom(12)
    if key is not None:
        head = struct.pack("!HHI", method, len(attributes) + 24, COOKIE) + identity
        attributes += attribute(0x0008, hmac.new(key, head + attributes, hashlib.sha1).digest())
    return struct.pack("!HHI", method, len(attributes), COOKIE) + identity + attributes


def parse(message):
    """The type and the attributes."""
    kind, size = struct.unpack("!HH", message[:4])
    found, at = {}, 20
    while at < 20 + size:
        name, length = struct.unpack("!HH", message[at:at + 4])
        found[name] = message[at + 4:at + 4 + length]
        at += 4 + length + (-length % 4)
    return kind, found


def allocate(sock, address, username, password):
    """The error code of an Allocate request, 0 for a success; with the nonce asked for before."""
    transport = attribute(0x0019, struct.pack("!BBH", 17, 0, 0))
    sock.sendto(request(3, transport), address)
    _, challenge = parse(sock.recv(2048))
    realm, nonce = challenge[0x0014], challenge[0x0015]
    key = hashlib.md5(username.encode() + b":" + realm + b":" + password.encode()).digest()
    sock.sendto(request(3, transport + attribute(6, username.encode()) + attribute(0x14, realm) + attribute(0x15, nonce), key), address)
    kind, found = parse(sock.recv(2048))
    return 0 if kind == 0x103 else found[9][2] * 100 + found[9][3]


class IceServers(CliTest):
    def serve_with(self, *arguments, **options):
        server = self.start("serve", "--port", 0, "--json", "--no-qr", *arguments, **options)
        return server.event("serving")

    def meet(self, url, name="ann"):
        peer = Peer(url, name)
        self.addCleanup(peer.close)
        return peer

    def udp(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(PATIENCE)
        self.addCleanup(sock.close)
        return sock

    def secret_file(self, text=SECRET + "\n"):
        path = self.folder / "secret"
        path.write_text(text)
        return path

    def test_the_embedded_server_serves_the_users_that_peers_are_given(self):
        serving = self.serve_with("--stun-turn", "embedded", "--stun-turn-port", 0)
        address = ("127.0.0.1", serving["stunTurnPort"])
        sock = self.udp()
        sock.sendto(request(1), address)
        kind, found = parse(sock.recv(2048))
        self.assertEqual(kind, 0x101)
        self.assertEqual(struct.unpack("!H", found[0x0020][2:4])[0] ^ (COOKIE >> 16), sock.getsockname()[1])

        stun, turn = self.meet(serving["url"]).hear("ready")["iceServers"]
        host = f"127.0.0.1:{address[1]}"
        self.assertEqual(stun, {"urls": [f"stun:{host}"]})
        self.assertEqual(turn["urls"], [f"turn:{host}?transport=udp", f"turn:{host}?transport=tcp"])
        self.assertTrue(turn["username"].endswith(":ann"))
        self.assertEqual(allocate(self.udp(), address, turn["username"], turn["credential"]), 0)
        self.assertEqual(allocate(self.udp(), address, turn["username"], "guessed"), 401)
        self.assertEqual(allocate(self.udp(), address, "9" + turn["username"], turn["credential"]), 401)

    def test_a_user_has_only_so_many_relays(self):
        serving = self.serve_with("--stun-turn", "embedded", "--stun-turn-port", 0)
        _, turn = self.meet(serving["url"]).hear("ready")["iceServers"]
        address = ("127.0.0.1", serving["stunTurnPort"])
        codes = [allocate(self.udp(), address, turn["username"], turn["credential"]) for _ in range(21)]
        self.assertEqual(codes, 20 * [0] + [486])

    def test_an_address_has_only_so_many_relays_whatever_its_users(self):
        serving = self.serve_with("--stun-turn", "embedded", "--stun-turn-port", 0)
        address = ("127.0.0.1", serving["stunTurnPort"])
        codes = []
        for number in range(3):
            _, turn = self.meet(serving["url"], f"stranger{number}").hear("ready")["iceServers"]
            codes += [allocate(self.udp(), address, turn["username"], turn["credential"]) for _ in range(17)]
        self.assertEqual(codes, 50 * [0] + [486])

    def test_who_connects_and_says_nothing_leaves_room_for_the_others(self):
        # A process that may have few files, and more connections than that, from many addresses and from one.
        few = 160
        serving = self.serve_with("--stun-turn", "embedded", "--stun-turn-port", 0,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
        address = ("127.0.0.1", serving["stunTurnPort"])
        silent = []
        for number in range(2 * few):
            sock = socket.socket()
            self.addCleanup(sock.close)
            sock.settimeout(PATIENCE)
            sock.bind((f"127.0.0.{2 + number % 4}", 0))
            sock.connect(address)
            silent.append(sock)
        _, turn = self.meet(serving["url"]).hear("ready")["iceServers"]
        self.assertEqual(allocate(self.udp(), address, turn["username"], turn["credential"]), 0)
        # Those that there was no room for were told.
        self.assertEqual(silent[-1].recv(1), b"")

    def test_peers_get_users_of_a_configured_server_and_new_ones_in_time(self):
        urls = ["turn:turn.example.org:3478", "turns:turn.example.org:443?transport=tcp"]
        serving = self.serve_with("--turn-url", urls[0], "--turn-url", urls[1], "--turn-secret-file", self.secret_file(), "--turn-ttl", 4)
        self.assertNotIn("stunTurnPort", serving)
        peer = self.meet(serving["url"])
        seen = []
        for kind in ("ready", "ice-servers", "ice-servers"):
            (server,) = peer.hear(kind)["iceServers"]
            self.assertEqual(server["urls"], urls)
            expiry, name = server["username"].split(":")
            self.assertEqual(name, "ann")
            self.assertTrue(0 < int(expiry) - time.time() <= 5, expiry)
            expected = hmac.new(SECRET.encode(), server["username"].encode(), hashlib.sha1).digest()
            self.assertEqual(server["credential"], base64.b64encode(expected).decode())
            seen.append(int(expiry))
        self.assertEqual(seen, sorted(set(seen)))

    def test_the_secret_may_be_in_the_environment(self):
        missing = run("serve", "--port", 0, "--turn-url", "turn:turn.example.org")
        self.assertEqual(missing.returncode, 1)
        self.assertIn(b"--turn-secret-file", missing.stderr)
        self.assertEqual(len(missing.stderr.splitlines()), 1 + missing.stderr.count(b"the web page is not here"))
        os.environ["LINNET_TURN_SECRET"] = SECRET
        self.addCleanup(os.environ.pop, "LINNET_TURN_SECRET")
        serving = self.serve_with("--turn-url", "turn:turn.example.org")
        (server,) = self.meet(serving["url"]).hear("ready")["iceServers"]
        expected = hmac.new(SECRET.encode(), server["username"].encode(), hashlib.sha1).digest()
        self.assertEqual(server["credential"], base64.b64encode(expected).decode())

    def test_wrong_options_are_said_in_a_line(self):
        secret = self.secret_file()
        taken = self.udp().getsockname()[1]
        for words, arguments in ((b"no TURN server", ["--turn-url", "stun:a", "--turn-secret-file", secret]),
                                 (b"no TURN server", ["--turn-url", "turn:", "--turn-secret-file", secret]),
                                 (b"no TURN server", ["--turn-url", "turn://user@host", "--turn-secret-file", secret]),
                                 (b"--turn-secret-file", ["--turn-secret-file", secret]),
                                 (b"does not exist", ["--turn-url", "turn:a", "--turn-secret-file", self.folder / "none"]),
                                 (b"no range of ports", ["--turn-relay-ports", "5000"]),
                                 (b"no range of ports", ["--turn-relay-ports", "6000-5000"]),
                                 (b"no range of ports", ["--turn-relay-ports", "0-5"]),
                                 (b"--stun-turn", ["--stun-turn", "somewhere"]),
                                 (b"no address that peers", ["--stun-turn", "embedded", "--stun-turn-port", 0, "--turn-external-ip", "here"]),
                                 (b"taken by another program", ["--stun-turn", "embedded", "--stun-turn-port", taken])):
            result = run("serve", "--port", 0, *arguments)
            self.assertEqual(result.returncode, 1, (arguments, result.stderr))
            self.assertIn(words, result.stderr, arguments)
        empty = run("serve", "--port", 0, "--turn-url", "turn:a", "--turn-secret-file", self.secret_file("\n"))
        self.assertEqual(empty.returncode, 1)
        self.assertIn(b"is empty", empty.stderr)

    def test_peers_talk_with_the_embedded_server_named(self):
        url = self.serve_with("--stun-turn", "embedded", "--stun-turn-port", 0, "--turn-ttl", 2)["url"]
        ann, bob = (self.start("chat", "room", "--server", url, "--name", name) for name in ("Ann", "Bob"))
        ann.line("connected to Bob", ann.err)
        bob.line("connected to Ann", bob.err)
        time.sleep(3)  # New credentials come meanwhile, and the connection goes on.
        ann.write("still here?\n")
        bob.line("^Ann: still here\\?$")

    def test_two_peers_who_may_only_use_relays_meet_through_the_embedded_server(self):
        url = self.serve_with("--stun-turn", "embedded", "--stun-turn-port", 0)["url"]
        ann, bob = (self.start("chat", "room", "--server", url, "--name", name, "--relay-only") for name in ("Ann", "Bob"))
        ann.line("connected to Bob, relayed", ann.err)
        bob.line("connected to Ann, relayed", bob.err)
        ann.write("hello\n")
        bob.line("^Ann: hello$")
        bob.write("hi\n")
        ann.line("^Bob: hi$")

    def test_a_file_goes_through_a_relay_whole(self):
        url = self.serve_with("--stun-turn", "embedded", "--stun-turn-port", 0)["url"]
        original = self.file("original", 3_000_000)
        send = self.start("send", original, "--server", url, "--code", "relayed", "--relay-only")
        recv = self.start("recv", "relayed", "--server", url, "--out", self.folder / "in", "--yes", "--relay-only")
        self.assertEqual((recv.wait(), send.wait()), (0, 0), (recv.err, send.err))
        self.assertEqual(digest(self.folder / "in" / "original"), digest(original))

    def test_a_peer_without_relays_is_reached_directly_or_by_a_relay_that_may(self):
        self.assertEqual(run("chat", "room", "--relay-only", "--no-relay").returncode, 1)
        # From loopback alone a relay reaches nobody else.
        url = self.serve_with("--bind", "0.0.0.0", "--stun-turn", "embedded", "--stun-turn-port", 0, "--turn-allow-private")["url"]
        bob = self.start("chat", "room", "--server", url, "--name", "Bob", "--no-relay")
        bob.line("in room room", bob.err)
        ann = self.start("chat", "room", "--server", url, "--name", "Ann", "--relay-only")
        ann.line("connected to Bob, relayed", ann.err)
        bob.line("connected to Ann", bob.err)
        cid = self.start("chat", "room", "--server", url, "--name", "Cid", "--no-relay")
        cid.line("connected to Bob, direct", cid.err)


if __name__ == "__main__":
    unittest.main()
