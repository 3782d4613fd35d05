"""The rows of the table: which keys of a result they show, what is better, medians, and our ratio to the best peer."""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Row:
    title: str
    key: str
    higher: bool  # a higher figure is better
    decimals: int = 0
    limit: str = ""  # the key of the limit of this machine


ROWS = (
    Row("W1 64 KiB messages, Mbit/s", "throughput_mbps_64k", True, limit="udp_offload_mbps"),
    Row("W1 CPU s/GB, both sides", "cpu_s_per_gb", False, 1, limit="udp_offload_cpu_s_per_gb"),
    Row("W1 16 KiB messages, Mbit/s", "throughput_mbps_16k", True),
    Row("W1 1 KiB messages, messages/s", "messages_per_s_1k", True, limit="udp_datagrams_per_s"),
    Row("W1 1 KiB CPU s/GB, both sides", "cpu_s_per_gb_1k", False, 1),
    Row("W1 64 KiB both directions, Mbit/s", "throughput_mbps_64k_both_directions", True),
    Row("W1 16 KiB over 100 channels, Mbit/s", "throughput_mbps_16k_100_channels", True),
    Row("W2 64 B round trip, µs: p50", "rtt_us_p50", False, limit="udp_rtt_us_p50"),
    Row("W2 64 B round trip, µs: p99", "rtt_us_p99", False, limit="udp_rtt_us_p99"),
    Row("W3 set-up to open, ms: p50", "setup_ms_p50", False, 1),
    Row("W3 set-up to open, ms: p90", "setup_ms_p90", False, 1),
    Row("W3 set-up to open, ms: p99", "setup_ms_p99", False, 1),
    Row("W3 set-up to open, ms: longest", "setup_ms_max", False, 1),
    Row("W3 CPU ms each, both sides", "setup_cpu_ms", False, 1),
    Row("W4 KB an idle connection, one end", "kb_per_connection", False),
    Row("W5 channels that open and deliver", "channels_delivered", True),
    Row("W5 ms to 100 channels", "channels_ms_of_100", False),
    Row("W5 ms to 1,000 channels", "channels_ms_of_1000", False),
    Row("W5 ms to 16,384 channels", "channels_ms_of_16384", False),
    Row("W5 ms to 65,534 channels", "channels_ms_of_65534", False),
    Row("W5 KB a channel, one end", "kb_per_channel", False, 1),
)


def flat(result, most_channels):
    """The numbers of one result. A time to N channels counts only when all of them delivered."""
    numbers = {key: value for key, value in result.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
    for count, outcome in result.get("channels", {}).items():
        if outcome["delivered"] == int(count):
            numbers[f"channels_ms_of_{count}"] = outcome["ms"]
    if numbers.get("channels_delivered") == most_channels:
        numbers.setdefault(f"channels_ms_of_{most_channels}", numbers.get("channels_ms"))
    return {key: value for key, value in numbers.items() if value is not None}


def medians(results):
    """The median of each number over the rounds that have it."""
    keys = {key for result in results for key in result}
    return {key: statistics.median(result[key] for result in results if key in result) for key in sorted(keys)}


def ratio(row, figures):
    """(how many times better linnet is than the best peer, that peer's name), or None without both."""
    own = figures.get("linnet", {}).get(row.key)
    others = {name: each[row.key] for name, each in figures.items() if name != "linnet" and each.get(row.key)}
    if not own or not others:
        return None
    best = (max if row.higher else min)(others, key=others.get)
    return (own / others[best] if row.higher else others[best] / own), best


def words(number, decimals):
    """A figure as a person reads it; small ones with one more decimal."""
    if number is None:
        return "–"
    if decimals == 0 and 0 < abs(number) < 10:
        decimals = 1
    if decimals == 1 and 0 < abs(number) < 1:
        decimals = 2
    return f"{number:,.{decimals}f}"


def table(figures, limits, titles):
    """Lines of cells: a heading, then every row that somebody has a figure for."""
    names = list(figures)
    lines = [["workload"] + [titles.get(name, name) for name in names] + ["linnet is", "limit here"]]
    for row in ROWS:
        own = {name: figures[name].get(row.key) for name in names}
        if all(value is None for value in own.values()):
            continue
        found = ratio(row, figures)
        better = f"{found[0]:.2f} x as good as {titles.get(found[1], found[1])}" if found else "–"
        limit = words(limits.get(row.limit), row.decimals) if row.limit else ""
        lines.append([row.title] + [words(own[name], row.decimals) for name in names] + [better, limit])
    return lines


def as_text(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))) for line in lines)


def as_markdown(lines):
    out = ["| " + " | ".join(line) + " |" for line in lines]
    out.insert(1, "|" + "|".join(["---"] + ["---:"] * (len(lines[0]) - 1)) + "|")
    return "\n".join(out)
