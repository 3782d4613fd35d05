#!/usr/bin/env python3
"""`linnet doctor` behind every kind of NAT of the lab (nat_lab.py), asking coturn and the server inside of `linnet serve`, each with
two addresses: what it says of the NAT has to be what the NAT was made to be.

Needs what the lab needs; without it says so and ends with 77.
"""
import json
import subprocess

import kinds
import lab
from lab import FOLDER
from network import SERVER, TURN
from servers import Servers, stop

TURN_2, SERVER_2 = "203.0.113.11", "203.0.113.21"
INDEPENDENT, BY_ADDRESS, BY_PORT = "endpoint-independent", "address-dependent", "address-and-port-dependent"

# Whether there is a NAT, its mapping, its filtering, and whether two peers there connect directly.
NATS = {
    kinds.OPEN: (False, INDEPENDENT, INDEPENDENT, "yes"),
    kinds.FULL: (True, INDEPENDENT, INDEPENDENT, "yes"),
    kinds.RESTRICTED: (True, INDEPENDENT, BY_ADDRESS, "yes"),
    kinds.PORT_RESTRICTED: (True, INDEPENDENT, BY_PORT, "yes"),
    kinds.SYMMETRIC: (True, BY_PORT, BY_PORT, "no"),
    kinds.DOUBLE: (True, INDEPENDENT, BY_PORT, "yes"),
}
# Where UDP does not get through: which of the TURN servers do.
BLOCKED = {kinds.NO_UDP: ["tcp", "tls"], kinds.ONLY_443: ["tls"]}
HAIRPIN = "hairpin"


class TwoAddresses(Servers):
    """coturn and `linnet serve` as RFC 5780 wants them, with credentials that do not change."""

    letters = "-Htuln"
    ends = {"turn": (f"{TURN}:3478", f"{TURN_2}:3479", f"{TURN}:443"), "serve": (f"{SERVER}:443", f"{SERVER_2}:3479")}

    def _start_coturn(self, _):
        self._start("turn", "turnserver", "-n", f"--listening-ip={TURN}", f"--listening-ip={TURN_2}", f"--relay-ip={TURN}", "--listening-port=3478",
                    "--tls-listening-port=443", "--alt-listening-port=3479", "--lt-cred-mech", "--user=ann:apple", "--realm=lab", f"--cert={self._certificate}",
                    f"--pkey={self._key}", "--no-cli", f"--userdb={FOLDER / 'turndb'}", f"--pidfile={FOLDER / 'turn.pid'}", "--log-file=stdout", "--simple-log")

    def _start_linnet(self, _):
        self._start("serve", self._linnet, "serve", "--no-qr", "--bind", SERVER, "--port", "443", "--stun-turn", "embedded", "--stun-turn-port", "3478",
                    "--stun-turn-alternate-ip", SERVER_2, "--stun-turn-alternate-port", "3479")


def start_doctor(network, servers, linnet, host):
    words = [linnet, "doctor", "--json", "--timeout", "60", "--server", f"http://{SERVER}:443", "--stun", f"stun:{TURN}", "--turn", f"turn:{TURN}",
             "--turn", f"turn:{TURN}?transport=tcp", "--turn", f"turns:{TURN}:443", "--turn-user", "ann", "--turn-password-file", str(FOLDER / "password"),
             "--tls-ca-file", str(servers.authority)]
    return subprocess.Popen(network.inside(host, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def expect(problems, what, found, wanted):
    if found != wanted:
        problems.append(f"{what}: {found}, not {wanted}")


def problems_of(kind, code, report):
    """What is not as it should be."""
    problems = []
    attempts = {server["url"]: server["attempts"][0] for server in report["servers"]}
    over_udp = [attempt for attempt in attempts.values() if attempt["protocol"] == "udp"]
    expect(problems, "UDP servers", len(over_udp), 4)
    if kind in BLOCKED:
        expect(problems, "code", code, 3)
        expect(problems, "UDP", {attempt["state"] for attempt in over_udp}, {"no-answer"})
        expect(problems, "relays", report["candidates"]["relay"], BLOCKED[kind])
        expect(problems, "direct", report["direct"], "no")
        return problems
    translated, mapping, filtering, direct = NATS[kinds.FULL if kind == HAIRPIN else kind]
    expect(problems, "code", code, 0)
    for url, attempt in attempts.items():
        expect(problems, url, attempt["state"], "works")
    for attempt in over_udp:
        nat, at = attempt["nat"], attempt["address"]
        expect(problems, f"discovery at {at}", nat["discovery"], True)
        expect(problems, f"NAT at {at}", nat["translated"], translated)
        expect(problems, f"mapping at {at}", nat["mapping"], mapping)
        expect(problems, f"filtering at {at}", nat["filtering"], filtering)
        if kind == HAIRPIN:
            expect(problems, f"hairpinning at {at}", nat["hairpinning"], True)
    expect(problems, "relays", report["candidates"]["relay"], ["udp", "tcp", "tls"])
    expect(problems, "srflx", report["candidates"]["srflx"], translated)
    expect(problems, "direct", report["direct"], direct)
    return problems


class Doctor:
    """One of them, and what it says."""

    def __init__(self, host):
        self.name = host
        self.process, self._out, self._err = None, "", ""

    def wait(self):
        self._out, self._err = self.process.communicate()

    def problem(self):
        if not self._out:
            return f"it says nothing\n{self._err}"
        return "\n  ".join(problems_of(self.name, self.process.returncode, json.loads(self._out))) or None

    def report(self):
        return self._out

    def __str__(self):
        return "wrong" if self.problem() else "ok"


class DoctorLab(lab.Lab):
    """A doctor behind each NAT, all at once."""
    limit = 150

    def describe(self, network):
        hosts = [*NATS, *BLOCKED]
        for kind in hosts:
            network.add_host(kind, kind)
        network.add_nat("hairpin-nat", kinds.FULL, hairpin=True)
        network.add(HAIRPIN)
        network.attach(HAIRPIN, "eth0", "hairpin-nat", 2)
        network.give("turn", TURN_2)
        network.give("serve", SERVER_2)
        self.cases = [Doctor(host) for host in (*hosts, HAIRPIN)]

    def servers(self, network):
        return TwoAddresses(network, self.linnet, FOLDER)

    def run(self, network, servers):
        (FOLDER / "password").write_text("apple\n")
        try:
            for doctor in self.cases:
                doctor.process = start_doctor(network, servers, self.linnet, doctor.name)
            for doctor in self.cases:
                doctor.wait()
        finally:
            stop([doctor.process for doctor in self.cases if doctor.process])


if __name__ == "__main__":
    lab.main(DoctorLab)
