#!/usr/bin/env python3
"""The runner of script/bench on fixed figures and with a stack that only pretends.

usage: compare_test.py [unittest arguments]
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "bench" / "compare"))

import compare
import instructions
import peers
import record
import rows
from plot import svg

FIGURES = {
    "linnet": {"throughput_mbps_64k": 4000.0, "rtt_us_p50": 20.0, "channels_delivered": 65534, "channels_ms_of_65534": 900.0},
    "libdatachannel": {"throughput_mbps_64k": 800.0, "rtt_us_p50": 50.0, "channels_delivered": 511},
    "pion": {"throughput_mbps_64k": 200.0, "rtt_us_p50": 80.0},
}
TITLES = {"linnet": "linnet", "libdatachannel": "libdatachannel", "pion": "Pion"}
BY_KEY = {row.key: row for row in rows.ROWS}

PRETENDER = """
import argparse, json, sys
parser = argparse.ArgumentParser()
for name in ("role", "only", "seconds", "warm", "setups", "connections", "channels", "timeout", "result"):
    parser.add_argument("--" + name)
options = parser.parse_args()
if options.role == "answer":
    for line in sys.stdin:
        print(json.dumps({"answer": json.loads(line)["n"]}), flush=True)
else:
    print(json.dumps({"ask": "cpu", "n": 7}), flush=True)
    back = json.loads(sys.stdin.readline())
    FINISH
"""
TELLS = 'json.dump({"name": "pretender", "echo": back["answer"], "only": options.only, "errors": {}}, open(options.result, "w"))'


class RowsTest(unittest.TestCase):
    def test_a_median_is_taken_over_the_rounds_that_have_the_figure(self):
        self.assertEqual(rows.medians([{"a": 1, "b": 5}, {"a": 9}, {"a": 2}]), {"a": 2, "b": 5})

    def test_more_is_better_where_more_is_better(self):
        times, best = rows.ratio(BY_KEY["throughput_mbps_64k"], FIGURES)
        self.assertEqual((times, best), (5.0, "libdatachannel"))

    def test_less_is_better_where_less_is_better(self):
        times, best = rows.ratio(BY_KEY["rtt_us_p50"], FIGURES)
        self.assertEqual((times, best), (2.5, "libdatachannel"))

    def test_there_is_no_ratio_without_ours_or_without_theirs(self):
        row = BY_KEY["throughput_mbps_64k"]
        self.assertIsNone(rows.ratio(row, {"linnet": FIGURES["linnet"]}))
        self.assertIsNone(rows.ratio(row, {"pion": FIGURES["pion"]}))

    def test_a_time_to_channels_counts_only_if_all_delivered(self):
        result = {"channels": {"100": {"delivered": 100, "ms": 5.0}, "1000": {"delivered": 512, "ms": 9.0}}, "channels_delivered": 512, "channels_ms": 9.0}
        numbers = rows.flat(result, 1000)
        self.assertEqual(numbers["channels_ms_of_100"], 5.0)
        self.assertNotIn("channels_ms_of_1000", numbers)

    def test_the_last_step_of_linnet_is_named_like_the_others(self):
        self.assertEqual(rows.flat({"channels_delivered": 1000, "channels_ms": 3.5}, 1000)["channels_ms_of_1000"], 3.5)

    def test_figures_are_written_for_people(self):
        self.assertEqual([rows.words(n, d) for n, d in ((1234567.8, 0), (4.26, 0), (0.214, 1), (12.34, 1), (None, 0))], ["1,234,568", "4.3", "0.21", "12.3", "–"])

    def test_the_table_has_a_column_for_each_and_leaves_out_what_nobody_measured(self):
        lines = rows.table(FIGURES, {"udp_offload_mbps": 69000}, TITLES)
        self.assertEqual(lines[0], ["workload", "linnet", "libdatachannel", "Pion", "linnet is", "limit here"])
        self.assertEqual(lines[1], ["W1 64 KiB messages, Mbit/s", "4,000", "800", "200", "5.00 x as good as libdatachannel", "69,000"])
        self.assertEqual([line[0] for line in lines[2:]], ["W2 64 B round trip, µs: p50", "W5 channels that open and deliver", "W5 ms to 65,534 channels"])
        self.assertEqual(lines[4][1:5], ["900", "–", "–", "–"])
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertIn("|---|---:|", rows.as_markdown(lines))
        self.assertEqual(len({len(line) for line in rows.as_text(lines).splitlines()}), 1)


class PlotTest(unittest.TestCase):
    def test_a_plot_is_well_formed_and_has_a_bar_for_each_figure(self):
        text = svg([BY_KEY["throughput_mbps_64k"], BY_KEY["rtt_us_p50"]], FIGURES, {**TITLES, "pion": "<Pion> & co"}, rows.words, "Heading")
        root = xml.etree.ElementTree.fromstring(text)
        bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("rx")]
        self.assertEqual(len(bars), 6)
        widths = [float(each.get("width")) for each in bars[:3]]
        self.assertEqual(widths, sorted(widths, reverse=True))
        self.assertAlmostEqual(widths[0] / widths[1], 5, delta=0.01)
        self.assertEqual(float(bars[3].get("width")) < float(bars[4].get("width")), True)

    def test_there_is_no_plot_of_nothing(self):
        self.assertIsNone(svg([BY_KEY["setup_ms_p50"]], FIGURES, TITLES, rows.words, "Heading"))


class SummaryTest(unittest.TestCase):
    def test_rounds_become_medians_and_workloads_come_together(self):
        runs = [{"peer": "pion", "workload": "w2", "round": i, "result": {"rtt_us_p50": value}} for i, value in enumerate((50, 90, 60))]
        runs.append({"peer": "pion", "workload": "w3", "round": 0, "result": {"setup_ms_p50": 4, "errors": {}}})
        self.assertEqual(compare.summary(runs, 1000), {"pion": {"rtt_us_p50": 60, "setup_ms_p50": 4}})

    def test_every_stack_has_its_turn_in_every_round_for_each_workload(self):
        class Stack:
            def __init__(self, name):
                self.name = name

            def run(self, workload, _options, _prefix):
                return {"name": self.name, "errors": {workload: "none"}}

        chosen = compare.arguments(["--peers", "linnet", "--only", "w1,w2", "--runs", "2"])
        runs = compare.measure({"a": Stack("a"), "b": Stack("b")}, chosen, [])
        self.assertEqual([(run["round"], run["workload"], run["peer"]) for run in runs], [(0, "w1", "a"), (0, "w1", "b"), (0, "w2", "a"), (0, "w2", "b"), (1, "w1", "b"), (1, "w1", "a"), (1, "w2", "b"), (1, "w2", "a")])

    def test_memory_and_channels_are_measured_in_the_first_round_only_and_the_page_says_so(self):
        class Stack:
            def run(self, _workload, _options, _prefix):
                return {}

        chosen = compare.arguments(["--peers", "linnet", "--only", "w3,w4,w5", "--runs", "2"])
        runs = compare.measure({"a": Stack()}, chosen, [])
        self.assertEqual([(run["round"], run["workload"]) for run in runs], [(0, "w3"), (0, "w4"), (0, "w5"), (1, "w3")])
        options = {"runs": 2, "workloads": chosen.only, "once": compare.ONCE}
        self.assertEqual(record.rounds(options), "the median of 2 rounds, of W4 and W5 from the first")
        self.assertEqual(record.rounds({**options, "workloads": ["w1"]}), "the median of 2 rounds")
        self.assertEqual(record.rounds({**options, "runs": 1}), "from one round")

    def test_the_page_has_the_table_the_versions_and_what_went_wrong(self):
        results = {
            "date": "2026-01-02 03:04 UTC",
            "machine": {"processor": "P", "cores": 2, "system": "Linux 6", "openssl": "3.0"},
            "options": {"runs": 3, "workloads": ["w1"], "once": ["w4"], "seconds": 4, "setups": 200, "connections": 1000, "channels": [100, 65534]},
            "titles": TITLES, "versions": {"linnet": "0.1"}, "skipped": {"str0m": "cargo is not installed"}, "errors": ["pion: late"],
            "figures": FIGURES, "limits": {"udp_mbps": 5300.0}, "instructions": {"sack": 1234},
        }
        page = record.markdown(results, {"latency": "<svg/>"})
        for part in ("5.00 x as good as libdatachannel", "- linnet 0.1", "cargo is not installed", "- pion: late", "5,300", "1,234", "performance-latency.svg"):
            self.assertIn(part, page)


class PeersTest(unittest.TestCase):
    def pretender(self, finish):
        folder = tempfile.TemporaryDirectory(prefix="linnet-bench-test-")
        self.addCleanup(folder.cleanup)
        before = peers.FOLDER
        peers.FOLDER = pathlib.Path(folder.name)
        self.addCleanup(setattr, peers, "FOLDER", before)
        own = peers.FOLDER / "pretender"
        own.mkdir()
        (own / "peer.py").write_text(PRETENDER.replace("FINISH", finish))
        (own / "peer.json").write_text(json.dumps({"title": "Pretender", "needs": [sys.executable], "prepare": [["{build}/../make"]], "run": [sys.executable, "peer.py"]}))
        build = peers.FOLDER / "build"
        build.mkdir()
        (build / "make").write_text("#!/bin/sh\necho made >> made\n")
        (build / "make").chmod(0o755)
        return peers.Peer("pretender"), build

    def run_one(self, peer, timeout=20):
        return peer.run("w2", {"seconds": 1, "warm": 0, "setups": 1, "connections": 1, "timeout": timeout, "channels": [10]}, [])

    def test_the_two_processes_talk_and_the_result_comes_back(self):
        peer, build = self.pretender(TELLS)
        peer.prepare(build)
        self.assertEqual(self.run_one(peer), {"name": "pretender", "echo": 7, "only": "w2", "errors": {}})

    def test_a_peer_without_a_result_is_an_error_of_the_run_not_of_the_bench(self):
        peer, build = self.pretender("sys.exit(3)")
        peer.about["prepare"] = []
        peer.prepare(build)
        self.assertIn("no result", self.run_one(peer)["errors"]["w2"])

    def test_a_peer_is_prepared_once_until_its_sources_change(self):
        peer, build = self.pretender(TELLS)
        made = peer.folder / "made"
        for times in (1, 1):
            peer.prepare(build)
            self.assertEqual(made.read_text().count("made"), times)
        (peer.folder / "peer.py").write_text("changed")
        peer.prepare(build)
        self.assertEqual(made.read_text().count("made"), 2)

    def test_a_peer_is_prepared_again_when_what_it_shares_changes(self):
        peer, build = self.pretender(TELLS)
        peer.about["shares"] = ["common"]
        shared = peers.FOLDER / "common"
        shared.mkdir()
        for times, text in ((1, "first"), (1, "first"), (2, "changed")):
            (shared / "lib.rs").write_text(text)
            peer.prepare(build)
            self.assertEqual((peer.folder / "made").read_text().count("made"), times)

    def test_a_check_that_fails_leaves_the_peer_out(self):
        peer, build = self.pretender(TELLS)
        peer.about["check"] = [[sys.executable, "-c", "raise SystemExit(1)"]]
        with self.assertRaisesRegex(peers.Unavailable, "failed, see"):
            peer.prepare(build)
        self.assertFalse((peer.folder / "made").exists())

    def test_what_is_not_there_is_told_in_one_line(self):
        peer, _ = self.pretender(TELLS)
        about = json.loads((peer.folder / "peer.json").read_text())
        (peer.folder / "peer.json").write_text(json.dumps({**about, "needs": ["no-such-compiler"]}))
        with self.assertRaisesRegex(peers.Unavailable, "no-such-compiler is not installed"):
            peers.Peer("pretender")
        with self.assertRaises(peers.Unavailable):
            peers.Linnet(peer.folder / "linnet")

    def test_every_peer_here_says_what_it_needs_and_names_no_registry(self):
        for name in peers.names()[1:]:
            about = json.loads((PROJECT / "bench" / "peers" / name / "peer.json").read_text())
            self.assertTrue({"title", "needs", "prepare", "run"} <= set(about), name)
        tracked = subprocess.run(["git", "ls-files", "bench/peers"], cwd=PROJECT, capture_output=True, text=True, check=False).stdout.split()
        self.assertEqual([path for path in tracked if path.endswith(("package-lock.json", "Cargo.lock"))], [])


class InstructionsTest(unittest.TestCase):
    def test_what_is_counted_is_what_the_program_has(self):
        source = (PROJECT / "bench/instructions/instructions.cpp").read_text()
        for what in instructions.WHAT:
            self.assertIn(f"measured_{what}(", source)

    def test_without_valgrind_or_the_program_nothing_is_counted(self):
        self.assertEqual(instructions.count(pathlib.Path("/no/such/program")), {})
        self.assertIn("not counted", instructions.as_text({}))


if __name__ == "__main__":
    unittest.main()
