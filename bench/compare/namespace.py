"""A network of its own for the measurements: nothing leaves the machine, and nothing else is on its loopback."""
import os
import shutil
import subprocess


class Namespace:
    """`prefix` runs a command inside. Where none can be made (not root, no iproute2) it is empty: this machine's network."""

    def __init__(self):
        self.prefix = []
        self.name = f"linnet-bench-{os.getpid()}"

    def __enter__(self):
        if os.geteuid() == 0 and shutil.which("ip") and self._ip("netns", "add", self.name):
            self.prefix = ["ip", "netns", "exec", self.name]
            inside = ("-n", self.name)
            self._ip(*inside, "link", "set", "lo", "up")
            # Browsers gather addresses of interfaces that are up and lead somewhere; both ends of this pair stay in here.
            self._ip(*inside, "link", "add", "left", "type", "veth", "peer", "name", "right")
            # No link-local addresses: some stacks gather them, fail to use them and wait.
            for device in ("left", "right"):
                self._ip(*inside, "link", "set", device, "addrgenmode", "none")
            self._ip(*inside, "addr", "add", "10.97.0.1/24", "dev", "left")
            self._ip(*inside, "-6", "addr", "add", "fd97::1/64", "dev", "left", "nodad")
            self._ip(*inside, "link", "set", "left", "up")
            self._ip(*inside, "link", "set", "right", "up")
            self._ip(*inside, "route", "add", "default", "dev", "left")
        return self

    def __exit__(self, *_):
        if self.prefix:
            self._ip("netns", "del", self.name)

    @staticmethod
    def _ip(*words):
        return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0
