"""The stacks that can be compared here, and one run of one of them.

A stack is a folder of bench/peers with a peer.json: what it needs on the PATH, the commands that prepare it, the
command that runs it; `check` commands are run every time; the folders beside it that it `shares` count as its sources.
`{build}` stands for a folder to build into. See bench/peers/README.md for what a program does.
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "bench" / "peers"
SOURCES = (".json", ".mjs", ".py", ".txt", ".go", ".mod", ".sum", ".toml", ".rs")


class Unavailable(Exception):
    """Why a stack cannot be measured here, in one line."""


def names():
    """linnet, and every stack that has a folder, the fastest of the last table first."""
    order = ["libdatachannel", "libdatachannel-native", "libwebrtc", "pion", "webrtc-rs", "str0m", "chromium", "firefox"]
    found = sorted(path.parent.name for path in FOLDER.glob("*/peer.json"))
    return ["linnet"] + sorted(found, key=lambda name: order.index(name) if name in order else len(order))


class Linnet:
    """`linnet bench --local`, which starts both of its processes itself."""

    name = title = "linnet"

    def __init__(self, program):
        self.program = program
        if not os.access(program, os.X_OK):
            raise Unavailable(f"{program} is not there")

    def prepare(self, _build):
        """Nothing: script/bench has built it."""

    def run(self, workload, options, prefix):
        command = [*prefix, self.program, "bench", "--local", "--json", "--only", workload]
        for name in ("seconds", "setups", "connections"):
            command += [f"--{name}", str(options[name])]
        command += ["--channels", str(max(options["channels"]))]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit(workload, options), check=False)
        lines = ended.stdout.strip().splitlines()
        if ended.returncode != 0 or not lines:
            words = (ended.stderr.strip().splitlines() or ["no result"])[-1]
            return {"errors": {workload: f"exit {ended.returncode}: {words}"}}
        return json.loads(lines[-1])


def limit(workload, options):
    """After this many seconds a run that never ends is ended."""
    steps = len(options["channels"]) if workload == "w5" else 1
    return (options["timeout"] + 10) * steps + 30


class Peer:
    """A folder of bench/peers."""

    def __init__(self, name):
        self.name = name
        self.folder = FOLDER / name
        if not (self.folder / "peer.json").exists():
            raise Unavailable(f"bench/peers/{name} is not there")
        about = json.loads((self.folder / "peer.json").read_text())
        self.title = about["title"]
        self.alone = about.get("alone", False)
        self.about = about
        self.build = None
        for need in about["needs"]:
            if not shutil.which(need):
                raise Unavailable(f"{need} is not installed")

    def _command(self, words):
        return [word.replace("{build}", str(self.build)) for word in words]

    def _sources(self):
        digest = hashlib.sha256()
        for folder in [self.folder] + [FOLDER / name for name in self.about.get("shares", [])]:
            for path in sorted(folder.rglob("*")):
                inside = path.relative_to(folder).parts
                if path.suffix in SOURCES and "node_modules" not in inside and "target" not in inside:
                    digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()

    def prepare(self, build):
        """Installs and builds it, unless that was done for the same sources."""
        self.build = build / self.name
        self.build.mkdir(parents=True, exist_ok=True)
        self._do(self.about.get("check", []), "check.log")
        stamp, sources = self.build / "prepared", self._sources()
        modules = self.folder / "node_modules"
        if stamp.exists() and stamp.read_text() == sources and (modules.exists() or not (self.folder / "package.json").exists()):
            return
        self._do(self.about["prepare"], "prepare.log")
        stamp.write_text(sources)

    def _do(self, commands, log_name):
        log = self.build / log_name
        with log.open("w") as out:
            for command in map(self._command, commands):
                if subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode:
                    raise Unavailable(f"'{' '.join(command[:2])}' failed, see {os.path.relpath(log, ROOT)}")

    def run(self, workload, options, prefix):
        """One fresh pair of processes for one workload; both are gone afterwards. `prefix` goes before each command."""
        with tempfile.TemporaryDirectory(prefix="linnet-bench-") as folder:
            result = pathlib.Path(folder) / "result.json"
            common = prefix + self._command(self.about["run"]) + ["--only", workload]
            for name in ("seconds", "warm", "setups", "connections", "timeout"):
                common += [f"--{name}", str(options[name])]
            common += ["--channels", ",".join(map(str, options["channels"]))]
            log = self.build / f"{workload}.log"
            with log.open("w") as errors:
                started = self._start(common, result, errors)
                ended = time.monotonic() + limit(workload, options)
                try:
                    started[0].wait(timeout=ended - time.monotonic())
                except subprocess.TimeoutExpired:
                    pass
                stop(started)
            if not result.exists() or not result.read_text().strip():
                return {"errors": {workload: f"no result, see {os.path.relpath(log, ROOT)}"}}
            return json.loads(result.read_text())

    def _start(self, common, result, errors):
        """The process that writes the result, first, and the other one."""
        own = {"cwd": self.folder, "stderr": errors, "start_new_session": True}
        last = ["--result", str(result)]
        if self.alone:
            return [subprocess.Popen(common + last, stdin=subprocess.DEVNULL, stdout=errors, **own)]
        # Each one's standard output is the other's standard input: no process between them costs time.
        to_offer, to_answer = os.pipe(), os.pipe()
        try:
            answer = subprocess.Popen(common + ["--role", "answer"], stdin=to_answer[0], stdout=to_offer[1], **own)
            offer = subprocess.Popen(common + ["--role", "offer"] + last, stdin=to_offer[0], stdout=to_answer[1], **own)
        finally:
            for end in to_offer + to_answer:
                os.close(end)
        return [offer, answer]


def stop(processes):
    """Ends what was started here, with its children; each has a session of its own."""
    for process in processes:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
    for process in processes:
        process.wait()


def find(name, program):
    return Linnet(program) if name == "linnet" else Peer(name)
