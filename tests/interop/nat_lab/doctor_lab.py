#!/usr/bin/env python3
"""`linnet doctor` behind every kind of NAT of the lab (nat_lab.py), asking coturn and the server inside of `linnet serve`, each with
two addresses: what it says of the NAT has to be what the NAT was made to be.

Needs what the lab needs; without it says so and ends with 77.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

import kinds
import sandbox
from network import SERVER, TURN, Network
from servers import PATIENCE, stop

SKIPPED = 77
FOLDER = pathlib.Path("/run/doctor")  # in memory, and gone with us
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


def start_servers(network, linnet):
    certificate, key = FOLDER / "cert.pem", FOLDER / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=turn.lab",
                    "-addext", f"subjectAltName=IP:{TURN}", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    coturn = ["turnserver", "-n", f"--listening-ip={TURN}", f"--listening-ip={TURN_2}", f"--relay-ip={TURN}", "--listening-port=3478", "--tls-listening-port=443",
              "--alt-listening-port=3479", "--lt-cred-mech", "--user=ann:apple", "--realm=lab", f"--cert={certificate}", f"--pkey={key}", "--no-cli",
              f"--userdb={FOLDER / 'turndb'}", f"--pidfile={FOLDER / 'turn.pid'}", "--log-file=stdout", "--simple-log"]
    serve = [linnet, "serve", "--no-qr", "--bind", SERVER, "--port", "443", "--stun-turn", "embedded", "--stun-turn-port", "3478",
             "--stun-turn-alternate-ip", SERVER_2, "--stun-turn-alternate-port", "3479"]
    started = []
    for name, words in (("turn", coturn), ("serve", serve)):
        with (FOLDER / f"{name}.log").open("w") as log:
            started.append(subprocess.Popen(network.inside(name, *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    return started


def await_servers(network):
    deadline = time.monotonic() + PATIENCE
    for name, ends in (("turn", (f"{TURN}:3478", f"{TURN_2}:3479", f"{TURN}:443")), ("serve", (f"{SERVER}:443", f"{SERVER_2}:3479"))):
        while any(f"{end} " not in subprocess.run(network.inside(name, "ss", "-Htuln"), capture_output=True, text=True, check=True).stdout for end in ends):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not listen\n" + (FOLDER / f"{name}.log").read_text())
            time.sleep(0.05)


def start_doctor(network, linnet, host):
    (FOLDER / "password").write_text("apple\n")
    words = [linnet, "doctor", "--json", "--timeout", "60", "--server", f"http://{SERVER}:443", "--stun", f"stun:{TURN}", "--turn", f"turn:{TURN}",
             "--turn", f"turn:{TURN}?transport=tcp", "--turn", f"turns:{TURN}:443", "--turn-user", "ann", "--turn-password-file", str(FOLDER / "password"),
             "--tls-ca-file", str(FOLDER / "cert.pem")]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("linnet")
    linnet = str(pathlib.Path(parser.parse_args().linnet).resolve())
    try:
        sandbox.enter(["ip", "nft", "openssl", "turnserver", "ss"])
    except sandbox.Unavailable as why:
        print(f"skipped: {why}")
        return SKIPPED
    FOLDER.mkdir()
    network = Network()
    hosts = [*NATS, *BLOCKED, HAIRPIN]
    for kind in hosts[:-1]:
        network.add_host(kind, kind)
    network.add_nat("hairpin-nat", kinds.FULL, hairpin=True)
    network.add(HAIRPIN)
    network.attach(HAIRPIN, "eth0", "hairpin-nat", 2)
    network.make()
    network.change("turn", f"addr add {TURN_2}/24 dev eth0")
    network.change("serve", f"addr add {SERVER_2}/24 dev eth0")
    running = start_servers(network, linnet)
    failed = False
    try:
        await_servers(network)
        doctors = {host: start_doctor(network, linnet, host) for host in hosts}
        running += doctors.values()
        for host, process in doctors.items():
            out, err = process.communicate(timeout=120)
            problems = problems_of(host, process.returncode, json.loads(out)) if out else [f"it says nothing\n{err}"]
            print(f"{host:16}", "ok" if not problems else "\n  ".join(["", *problems]), flush=True)
            if problems:
                print(out)
            failed = failed or bool(problems)
    finally:
        stop(running)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
