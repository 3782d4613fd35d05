#!/usr/bin/env python3
"""Measures linnet's data channels beside other stacks', in one run: the workloads of bench/peers/README.md, interleaved,
medians, our ratio to the best of them. Started by script/bench, which builds what it needs.

Writes results.json and plots into --out; with --record docs/performance.md and its plots, too.
"""
import argparse
import datetime
import json
import pathlib
import platform
import subprocess
import sys

from limits import limits_of
from namespace import Namespace
from peers import ROOT, Unavailable, find, names
from plot import svg
from rows import ROWS, as_text, flat, medians, table, words
import instructions
import record

WORKLOADS = ("w1", "w2", "w3", "w4", "w5")
ONCE = ("w4", "w5")  # Memory and channels hardly vary, and take as long as all the rest: the first round measures them.
PLOTS = {
    "throughput": ("Throughput of a data channel over loopback", ("W1",)),
    "latency": ("Round trip and set-up over loopback", ("W2", "W3")),
    "scale": ("Memory and channels", ("W4", "W5")),
}


def listed(choices):
    def parse(text):
        values = text.split(",")
        for value in values:
            if choices and value not in choices:
                raise argparse.ArgumentTypeError(f"'{value}' is none of {', '.join(choices)}")
        return values

    return parse


def arguments(words_given):
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=listed(names()), default=names(), metavar="NAME,...", help=f"some of {', '.join(names())}")
    parser.add_argument("--only", type=listed(WORKLOADS), default=list(WORKLOADS), metavar="W,...", help="some of w1 throughput, w2 round trip, w3 set-up, w4 memory, w5 channels")
    parser.add_argument("--runs", type=int, help="rounds, of which the medians are shown (3; with --quick 1); the first one alone measures w4 and w5")
    parser.add_argument("--quick", action="store_true", help="short runs, few connections and channels: to see that it works")
    parser.add_argument("--seconds", type=float, help="of each throughput and round-trip run (4; with --quick 1)")
    parser.add_argument("--timeout", type=float, help="seconds after which a peer's workload is given up (120; with --quick 60)")
    parser.add_argument("--record", action="store_true", help="write docs/performance.md and its plots")
    parser.add_argument("--instructions", action="store_true", help="only count instructions (valgrind)")
    parser.add_argument("--no-instructions", action="store_true", help="measure without counting instructions")
    parser.add_argument("--no-limits", action="store_true", help="measure without this machine's limits")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/bench", help=argparse.SUPPRESS)
    chosen = parser.parse_args(words_given)
    quick = chosen.quick
    chosen.runs = chosen.runs or (1 if quick else 3)
    chosen.options = {
        "seconds": chosen.seconds or (1 if quick else 4),
        "warm": 0.3 if quick else 0.5,
        "setups": 20 if quick else 200,
        "connections": 50 if quick else 1000,
        "channels": [100, 1000] if quick else [100, 1000, 16384, 65534],
        "timeout": chosen.timeout or (60 if quick else 120),
    }
    return chosen


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine():
    """What the figures were taken on."""
    text = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=False).stdout.split()
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": len(models),
        "system": f"{platform.system()} {platform.release()}",
        "openssl": openssl[1] if len(openssl) > 1 else "unknown",
    }


def linnet_version(program):
    found = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return " ".join([found[-1] if found else "unknown", f"({commit})" if commit else ""]).strip()


def prepared(chosen):
    """The stacks that are there; one line about each that is not."""
    found, skipped = {}, {}
    for name in chosen.peers:
        try:
            peer = find(name, chosen.bin / "linnet")
            say(f"bench: preparing {name}")
            peer.prepare(chosen.out / "peers")
            found[name] = peer
        except Unavailable as why:
            skipped[name] = str(why)
            say(f"bench: {name} is skipped: {why}")
    return found, skipped


def measure(peers, chosen, prefix):
    """[{peer, workload, round, result}]: in each round every stack in turn for each workload, so that all share its weather."""
    runs = []
    for number in range(chosen.runs):
        order = list(peers)
        order = order[number % len(order) :] + order[: number % len(order)]
        for workload in chosen.only:
            if number > 0 and workload in ONCE:
                continue
            for name in order:
                say(f"bench: round {number + 1} of {chosen.runs}, {workload}, {name}")
                try:
                    result = peers[name].run(workload, chosen.options, prefix)
                except (subprocess.TimeoutExpired, ValueError) as error:
                    result = {"errors": {workload: str(error).splitlines()[0][:200]}}
                for what, why in result.get("errors", {}).items():
                    say(f"bench:   {name} {what}: {why}")
                runs.append({"peer": name, "workload": workload, "round": number, "result": result})
    return runs


def summary(runs, most_channels):
    """The figures of each stack: medians over the rounds, all workloads together."""
    figures = {}
    for name in dict.fromkeys(run["peer"] for run in runs):
        own = figures.setdefault(name, {})
        for workload in dict.fromkeys(run["workload"] for run in runs):
            own.update(medians([flat(run["result"], most_channels) for run in runs if run["peer"] == name and run["workload"] == workload]))
    return figures


def plots(figures, titles):
    """{name: SVG}"""
    drawn = {name: svg([row for row in ROWS if row.title.startswith(which)], figures, titles, words, heading) for name, (heading, which) in PLOTS.items()}
    return {name: text for name, text in drawn.items() if text}


def main(words_given=None):
    chosen = arguments(words_given)
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.instructions:
        print(instructions.as_text(instructions.count(chosen.bin / "bench_instructions")))
        return 0
    peers, skipped = prepared(chosen)
    if not peers:
        say("bench: nothing to measure")
        return 1
    with Namespace() as network:
        runs = measure(peers, chosen, network.prefix)
        limits = {} if chosen.no_limits else limits_of(chosen.bin / "bench_limits", chosen.options["seconds"], network.prefix)
    titles = {name: peer.title for name, peer in peers.items()}
    versions = {run["peer"]: run["result"]["version"] for run in runs if "version" in run["result"]}
    if "linnet" in peers:
        versions["linnet"] = linnet_version(chosen.bin / "linnet")
    results = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "options": {**chosen.options, "runs": chosen.runs, "workloads": chosen.only, "once": ONCE},
        "titles": titles,
        "versions": versions,
        "skipped": skipped,
        "figures": summary(runs, max(chosen.options["channels"])),
        "errors": [f"{run['peer']}, round {run['round'] + 1}: {what}: {why}" for run in runs for what, why in run["result"].get("errors", {}).items()],
        "limits": limits,
        "instructions": {} if chosen.no_instructions else instructions.count(chosen.bin / "bench_instructions"),
        "runs": runs,
    }
    (chosen.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    drawn = plots(results["figures"], titles)
    for name, text in drawn.items():
        (chosen.out / f"performance-{name}.svg").write_text(text)
    print(as_text(table(results["figures"], results["limits"], titles)))
    if results["limits"]:
        print("\n" + record.limits_text(results["limits"]))
    if results["instructions"]:
        print("\n" + instructions.as_text(results["instructions"]))
    for error in results["errors"]:
        print(f"error: {error}")
    say(f"bench: results.json and {len(drawn)} plots are in {chosen.out}")
    if chosen.record:
        record.write(ROOT / "docs", results, drawn)
        say("bench: docs/performance.md is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
