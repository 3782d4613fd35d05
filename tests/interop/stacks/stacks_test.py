#!/usr/bin/env python3
"""`linnet echo --signal stdio` beside another WebRTC stack, each side offering: directly, by a relay of a real coturn, and over TCP. All in a network
of its own.

usage: stacks_test.py LINNET STACK [unittest arguments]      STACK: aiortc, gstreamer or libwebrtc
Ends with 77, which ctest takes for a skipped test, where the stack is not installed or no namespaces can be made.
"""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "nat_lab"))
import sandbox  # noqa: E402

SKIPPED = 77
PATIENCE = 60
LIMIT = 270  # seconds for all of it, after which it ends with what it knows
ADDRESS = "10.97.0.1"
# What is asked of each stack: the transports to a TURN server, whether it has ICE-TCP, and whether a peer that ends tells the other.
STACKS = {
    "aiortc": {"command": ["/usr/bin/python3", "aiortc_peer.py"], "needs": ["/usr/bin/python3", "-c", "import aiortc"], "relay": ("udp", "tcp", "tls"), "ice_tcp": False, "says_goodbye": True},
    "gstreamer": {"command": ["/usr/bin/python3", "gstreamer_peer.py"],
                  "needs": ["/usr/bin/python3", "-c", "import gi; gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; "
                            "Gst.init(None); assert Gst.ElementFactory.find('webrtcbin') and Gst.ElementFactory.find('nicesrc')"],
                  "relay": ("udp", "tcp"), "ice_tcp": True, "says_goodbye": False},
    "libwebrtc": {"command": ["node", "libwebrtc_peer.mjs"],
                  "needs": ["node", "--input-type=module", "-e", "import '@roamhq/wrtc'"],
                  "relay": ("udp", "tcp"), "ice_tcp": True, "says_goodbye": True},
}


class Coturn:
    """In the foreground, with a certificate of its own."""

    def __init__(self, folder):
        self.authority = folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=turn.test",
                        "-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", str(folder / "key.pem"), "-out", str(self.authority)], check=True, capture_output=True)
        (folder / "turnserver.conf").write_text("\n".join([
            f"listening-ip={ADDRESS}", f"relay-ip={ADDRESS}", "listening-port=3478", "tls-listening-port=5349", "realm=linnet.test", "lt-cred-mech", "user=alice:secret",
            f"cert={self.authority}", f"pkey={folder / 'key.pem'}", "no-cli", "no-dtls", "log-file=stdout", f"userdb={folder / 'turndb'}",
            f"pidfile={folder / 'turn.pid'}", ""]))
        self._log = (folder / "turnserver.log").open("w+")
        self._process = subprocess.Popen(["turnserver", "-c", str(folder / "turnserver.conf")], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + PATIENCE
        while not all(self._answers(port) for port in (3478, 5349)):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"coturn does not answer: {self.log()}")
            time.sleep(0.05)

    @staticmethod
    def _answers(port):
        try:
            socket.create_connection((ADDRESS, port), timeout=1).close()
            return True
        except OSError:
            return False

    @staticmethod
    def server(transport):
        url = f"turns:{ADDRESS}:5349?transport=tcp" if transport == "tls" else f"turn:{ADDRESS}:3478?transport={transport}"
        return ["--ice-server", url, "alice", "secret"]

    def log(self):
        self._log.seek(0)
        return self._log.read()[-3000:]

    def stop(self):
        self._process.kill()
        self._process.wait()


def session(stack, offerer, peer_options=(), linnet_options=()):
    """Both programs, each one's output the other's input, until both have ended; what linnet said of the path."""
    to_linnet, from_peer = os.pipe()
    to_peer, from_linnet = os.pipe()
    environment = {**os.environ, "SSL_CERT_FILE": str(coturn.authority)}
    linnet = subprocess.Popen([program, "echo", "--signal", "stdio", *linnet_options, *(["--offer"] if offerer == "linnet" else [])],
                              stdin=to_linnet, stdout=from_linnet, stderr=subprocess.PIPE)
    peer = subprocess.Popen([*STACKS[stack]["command"], *peer_options, *(["--offer"] if offerer == "peer" else [])],
                            stdin=to_peer, stdout=from_peer, stderr=subprocess.PIPE, cwd=HERE, env=environment)
    for end in (to_linnet, from_peer, to_peer, from_linnet):
        os.close(end)
    try:
        saw = peer.communicate(timeout=2 * PATIENCE)[1].decode()
        if not STACKS[stack]["says_goodbye"]:
            linnet.terminate()
        said = linnet.communicate(timeout=PATIENCE)[1].decode()
    except subprocess.TimeoutExpired:
        peer.kill()
        linnet.kill()
        raise AssertionError(f"no end; {stack}: {peer.communicate()[1].decode()}\nlinnet: {linnet.communicate()[1].decode()}") from None
    finally:
        for process in (peer, linnet):
            process.kill()
    if peer.returncode != 0 or linnet.returncode != (0 if STACKS[stack]["says_goodbye"] else 130):
        raise AssertionError(f"{stack} ended with {peer.returncode}: {saw}\nlinnet with {linnet.returncode}: {said}")
    return said.splitlines()[0]


class Stack(unittest.TestCase):
    """Each peer sends messages of many sizes on channels of every kind, and ends well only when all came back."""

    def each(self, path, peer_options=(), linnet_options=()):
        for offerer in ("peer", "linnet"):
            with self.subTest(offerer=offerer, peer_options=peer_options):
                self.assertRegex(session(chosen, offerer, peer_options, linnet_options), f"^connected, {path}")

    def test_messages_echo_directly(self):
        self.each("direct")

    def test_messages_echo_by_a_relay_of_the_peer(self):
        for transport in STACKS[chosen]["relay"]:
            self.each("relayed", ["--relay-only", *coturn.server(transport)])

    def test_messages_echo_over_tcp_where_the_peer_has_it(self):
        if STACKS[chosen]["ice_tcp"]:
            self.each("direct", linnet_options=["--tune", "ice_udp=off", "--tune", "ice_tcp=active-passive"])


def main():
    global chosen, program, coturn  # pylint: disable=global-statement
    program, chosen = str(pathlib.Path(sys.argv.pop(1)).resolve()), sys.argv.pop(1)
    there = subprocess.run(STACKS[chosen]["needs"], cwd=HERE, capture_output=True, text=True, check=False)
    if there.returncode != 0:
        print(f"skipped, for {chosen} is not there: {(there.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)
        return SKIPPED
    try:
        sandbox.enter(("ip", "mount", "openssl", "turnserver"))
    except sandbox.Unavailable as why:
        print(f"skipped: {why}", file=sys.stderr)
        return SKIPPED
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(LIMIT)
    # A network with an address that is not loopback, which the stacks leave out; both ends of the cable are in here.
    for words in ("link set lo up", "link add left type veth peer name right", f"addr add {ADDRESS}/24 dev left", "link set left up", "link set right up"):
        subprocess.run(["ip", *words.split()], check=True)
    with tempfile.TemporaryDirectory(dir="/run") as folder:  # which goes with us, however we end
        coturn = Coturn(pathlib.Path(folder))
        try:
            return 0 if unittest.main(exit=False, verbosity=2).result.wasSuccessful() else 1
        finally:
            coturn.stop()


if __name__ == "__main__":
    sys.exit(main())
