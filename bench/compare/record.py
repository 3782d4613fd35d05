"""docs/performance.md from the results of one run."""
from instructions import WHAT
from rows import as_markdown, table, words

LIMITS = {
    "udp_mbps": ("UDP, 1,200 bytes a datagram, one sendto each, Mbit/s", 0),
    "udp_cpu_s_per_gb": ("the same, CPU s/GB, both sides", 2),
    "udp_datagrams_per_s": ("the same, datagrams/s", 0),
    "udp_sendmmsg_mbps": ("UDP with sendmmsg and recvmmsg, Mbit/s", 0),
    "udp_offload_mbps": ("UDP with segmentation offload both ways, Mbit/s", 0),
    "udp_offload_cpu_s_per_gb": ("the same, CPU s/GB, both sides", 2),
    "udp_rtt_us_p50": ("UDP round trip of 64 bytes, blocking, µs: p50", 0),
    "udp_rtt_us_p99": ("the same: p99", 0),
    "aes_gcm_mbps": ("AES-128-GCM, 1,200-byte records, one core, Mbit/s", 0),
}


def limits_text(limits):
    return "\n".join(["limits of this machine"] + [f"  {title:<56}{words(limits[key], decimals):>14}" for key, (title, decimals) in LIMITS.items() if key in limits])


def rounds(options):
    """Of how many rounds a figure is the median."""
    if options["runs"] == 1:
        return "from one round"
    once = " and ".join(workload.upper() for workload in options["workloads"] if workload in options["once"])
    return f"the median of {options['runs']} rounds" + (f", of {once} from the first" if once else "")


def markdown(results, plots):
    machine, options, titles = results["machine"], results["options"], results["titles"]
    out = [
        "# Performance of the data channels",
        "",
        "Written by `script/bench --record`; do not edit. linnet and the other stacks do the same work in one run, in turn; each figure is",
        f"{rounds(options)}. Figures of two runs, or of two machines, do not compare: the ratios do.",
        "",
        f"{results['date']}, {machine['processor']}, {machine['cores']} cores, {machine['system']}, OpenSSL {machine['openssl']}.",
        "Two processes over loopback unless said otherwise. `linnet is` says how many times better linnet is than the best other stack:",
        "more where more is better, less where less is.",
        "",
        as_markdown(table(results["figures"], results["limits"], titles)),
        "",
    ]
    for name in plots:
        out += [f"![{name}](performance-{name}.svg)", ""]
    out += ["## What was measured", ""]
    out += [f"- {titles.get(name, name)} {version}" for name, version in results["versions"].items()]
    out += [f"- {name} was not there: {why}" for name, why in results["skipped"].items()]
    channels = ", ".join(f"{count:,}" for count in options["channels"])
    measured = set().union(*(figures.keys() for figures in results["figures"].values()))
    did = [f"W1 and W2 ran {options['seconds']:g} s each"]
    if "setup_ms_p50" in measured:
        did.append(f"W3 made {options['setups']} connections one after the other")
    if "kb_per_connection" in measured:
        did.append(f"W4 held {options['connections']:,} connections at a time")
    if "channels_opened" in measured:
        did.append(f"W5 opened {channels} channels, one message on each")
    out += ["", f"{', '.join(did)}. What every workload does is in `bench/peers/README.md`.", ""]
    if results["errors"]:
        out += ["## What went wrong", ""] + [f"- {error}" for error in results["errors"]] + [""]
    if results["limits"]:
        out += ["## Limits of this machine", "", "| | |", "|---|---:|"]
        out += [f"| {title} | {words(results['limits'][key], decimals)} |" for key, (title, decimals) in LIMITS.items() if key in results["limits"]] + [""]
    if results["instructions"]:
        out += ["## Instructions", "", "Counted by valgrind's callgrind, therefore the same on a busy machine.", "", "| | instructions |", "|---|---:|"]
        out += [f"| {WHAT[what]} | {number:,} |" for what, number in results["instructions"].items()] + [""]
    out += [
        "## Again",
        "",
        "```sh",
        "script/bootstrap --bench    # the Debian packages; Go and Rust are used where they are",
        "script/bench                # everything: an hour. --quick: some minutes",
        "script/bench --peers linnet,libdatachannel,pion --only w1,w2 --runs 3",
        "script/bench --record       # and this page",
        "```",
    ]
    return "\n".join(out) + "\n"


def write(folder, results, plots):
    (folder / "performance.md").write_text(markdown(results, plots))
    for name, text in plots.items():
        (folder / f"performance-{name}.svg").write_text(text)
