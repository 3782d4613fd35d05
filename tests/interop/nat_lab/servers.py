"""coturn and `linnet serve`, each in the foreground in a namespace of its own."""
import os
import secrets
import signal
import subprocess
import time

from network import SERVER, SERVER6, TURN, TURN6, TURN_NAME

PATIENCE = 30


def stop(processes):
    """Ends those that still run."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Servers:
    """What both sides need to meet. `environment` lets programs trust coturn's certificate. With `turn_names` it is known by a name."""

    # Where they listen, as `ss` with these letters has it.
    letters = "-Htln"
    ends = {"turn": (f"{TURN}:3478", f"{TURN}:443", f"[{TURN6}]:443"), "serve": (":443",)}

    def __init__(self, network, linnet, folder, web=None, turn_names=()):
        self._network, self._linnet, self._folder = network, linnet, folder
        self._web = ["--web", str(web)] if web else []
        self._turn_names = turn_names or (TURN, f"[{TURN6}]")
        self._started = []
        self.authority, self._certificate, self._key = folder / "authority.pem", folder / "cert.pem", folder / "key.pem"
        self.environment = {**os.environ, "SSL_CERT_FILE": str(self.authority)}

    @staticmethod
    def url(over_ipv6=False):
        return f"http://[{SERVER6}]:443" if over_ipv6 else f"http://{SERVER}:443"

    def __enter__(self):
        try:
            self._make_certificate()
            secret = secrets.token_hex(16)
            self._start_coturn(secret)
            self._start_linnet(secret)
            for name, ends in self.ends.items():
                self._await(name, *ends)
        except BaseException:
            stop(self._started)
            raise
        return self

    def __exit__(self, *_):
        stop(self._started)

    def logs(self):
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in sorted(self._folder.glob("*.log")))

    def _make_certificate(self):
        """By an authority, for Firefox takes none that is one itself."""
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        key = str(self._folder / "authority-key.pem")
        subprocess.run([*new, "-subj", "/CN=authority.lab", "-keyout", key, "-out", str(self.authority)], check=True, capture_output=True)
        subprocess.run([*new, "-subj", "/CN=turn.lab", "-CA", str(self.authority), "-CAkey", key, "-addext", "basicConstraints=critical,CA:FALSE",
                        "-addext", f"subjectAltName=IP:{TURN},IP:{TURN6},DNS:{TURN_NAME}", "-keyout", str(self._key), "-out", str(self._certificate)],
                       check=True, capture_output=True)

    def _start_coturn(self, secret):
        folder = self._folder
        configuration = folder / "turnserver.conf"
        configuration.write_text("\n".join([
            f"listening-ip={TURN}", f"listening-ip={TURN6}", f"relay-ip={TURN}", f"relay-ip={TURN6}", "listening-port=3478", "tls-listening-port=443",
            "realm=lab", "use-auth-secret", f"static-auth-secret={secret}", f"cert={self._certificate}", f"pkey={self._key}", "no-cli",
            "no-software-attribute", "no-multicast-peers", "log-file=stdout", f"userdb={folder / 'turndb'}", f"pidfile={folder / 'turn.pid'}",
            "relay-threads=2", ""]))
        self._start("turn", "turnserver", "-c", str(configuration))

    def _start_linnet(self, secret):
        file = self._folder / "secret"
        file.write_text(secret + "\n")
        words = ["--turn-secret-file", str(file)]
        for address in self._turn_names:
            for url in (f"turn:{address}:3478", f"turn:{address}:3478?transport=tcp", f"turns:{address}:443?transport=tcp"):
                words += ["--turn-url", url]
            words += ["--stun", f"stun:{address}:3478"]
        self._start("serve", self._linnet, "serve", "--no-qr", "--bind", "::", "--port", "443", *words, *self._web)

    def _start(self, name, *words):
        with (self._folder / f"{name}.log").open("w") as log:
            self._started.append(subprocess.Popen(self._network.inside(name, *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _await(self, name, *listening):
        """Until it listens on all of these."""
        deadline = time.monotonic() + PATIENCE
        while True:
            sockets = subprocess.run(self._network.inside(name, "ss", self.letters), capture_output=True, text=True, check=True).stdout
            missing = [end for end in listening if f"{end} " not in sockets]
            if not missing:
                return
            if time.monotonic() > deadline or any(process.poll() is not None for process in self._started):
                raise RuntimeError(f"{name} does not listen on {missing}\n{self.logs()}")
            time.sleep(0.05)
