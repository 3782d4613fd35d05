"""Instructions that the packet path and setting up take, counted by valgrind: the same on a busy machine as on an idle one."""
import os
import re
import shutil
import subprocess

# The functions of bench/instructions/instructions.cpp that are counted, each in a run of its own.
WHAT = {
    "pack": "SCTP packs a 1,200-byte packet",
    "parse": "SCTP parses a 1,200-byte packet",
    "sack": "SCTP processes a SACK",
    "seal": "DTLS seals a 1,200-byte record",
    "open": "DTLS opens a 1,200-byte record",
    "sctp_megabyte": "1 MB through two SCTP associations",
    "session_megabyte": "1 MB through two sessions (DTLS, SCTP, data channel)",
    "session_setup": "Two sessions set up, to an open channel, and freed",
}
COLLECTED = re.compile(r"Collected : (\d+)")
TIMES = re.compile(r"^times (\d+)", re.MULTILINE)


def count(program):
    """{what: instructions each}; {} without valgrind or the program."""
    if not shutil.which("valgrind") or not os.access(program, os.X_OK):
        return {}
    found = {}
    for what in WHAT:
        ended = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--toggle-collect=measured_{what}", "--callgrind-out-file=/dev/null", str(program), what],
            capture_output=True, text=True, timeout=300, check=False,
        )
        collected, times = COLLECTED.search(ended.stderr), TIMES.search(ended.stdout)
        if ended.returncode == 0 and collected and times and int(times[1]):
            found[what] = round(int(collected[1]) / int(times[1]))
    return found


def as_text(counted):
    if not counted:
        return "instructions: not counted (valgrind or bench_instructions is not there)"
    return "\n".join(["instructions (callgrind)"] + [f"  {WHAT[what]:<56}{number:>14,}" for what, number in counted.items()])
