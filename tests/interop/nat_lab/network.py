"""The lab's network: `inet`, a switch where everybody's cables meet, two servers, and hosts behind NATs, each in a namespace of its own."""
import collections
import ctypes
import socket
import subprocess

import kinds
import nat_rules

TURN, SERVER = "203.0.113.10", "203.0.113.20"
TURN6, SERVER6 = "2001:db8::10", "2001:db8::20"
TURN_NAME = "turn.lab.test"
ROUTER, ROUTER6 = "203.0.113.1", "2001:db8::1"


class Network:
    """Describes it first, then makes all of it at once: a process for each link and rule would take longer than the tests."""

    def __init__(self):
        self._names = []
        self._links = 0
        self._first_address = 100
        self._root = []  # for `ip -batch`
        self._ip = collections.defaultdict(list)  # for `ip -batch` in each namespace
        self._rules = {}  # for `nft -f` in each router
        self._public = {}  # the first address of who is on the internet
        self._add("inet")
        # What is for a private address of elsewhere vanishes, as it does on the internet; "unreachable" would tell of it.
        self._ip["inet"] += ["link add br0 type bridge mcast_snooping 0", f"addr add {ROUTER}/24 dev br0", f"addr add {ROUTER6}/64 dev br0 nodad",
                             "link set br0 up", "route add blackhole default", "route add blackhole ::/0"]
        self._rules["inet"] = ""
        for name, addresses in (("turn", (TURN, TURN6)), ("serve", (SERVER, SERVER6))):
            self._add(name)
            self.plug(name, "eth0", *addresses)

    # --- What there is --------------------------------------------------------------------------------------------

    def add_far(self, name):
        """A switch at the other end of a cable that a program has to be (impair.cpp); returns the ends of this cable, TAP devices in `inet`."""
        ends = f"{name}-near", f"{name}-far"
        self._ip["inet"] += [f"link add {name} type bridge mcast_snooping 0", f"link set {name} up"]
        for end, switch in zip(ends, ("br0", name), strict=True):
            self._ip["inet"] += [f"tuntap add dev {end} mode tap", f"link set {end} addrgenmode none", f"link set {end} master {switch} up"]
        return ends

    def add_host(self, host, kind, at="br0"):
        """A host in a network of that kind, with an address of its own, at a switch of the internet."""
        self._add(host)
        number = self._next_number()
        if kind == kinds.ONLY_6:
            self.plug(host, "eth0", f"2001:db8::{number:x}", at=at)
        elif kind == kinds.OPEN:
            self.plug(host, "eth0", f"203.0.113.{number}", at=at)
        else:
            router = self.add_nat(f"{host}-nat", kind if kind != kinds.DOUBLE else kinds.PORT_RESTRICTED, f"203.0.113.{number}", at=at)
            if kind == kinds.DOUBLE:
                router = self._add_inner_nat(f"{host}-inner", router)
            self.attach(host, "eth0", router, 2)

    def add_nat(self, name, kind, outside=None, hairpin=False, at="br0"):
        """A router on the internet with a switch inside. Hosts are attached to it."""
        outside = outside or self.free_address()
        self._add(name)
        self.plug(name, "out0", outside, at=at)
        self._inside(name, "10.0.0.1")
        self._rules[name] = nat_rules.rules(kind, outside, hairpin)
        return name

    def attach(self, host, end, router, number, isolated=False):
        """A cable into the switch of a router. Hosts at isolated ports reach the router and not each other."""
        port = self._cable(host, end, router)
        self._ip[router].append(f"link set {port} master in0")
        if isolated:
            self._ip[router].append(f"link set {port} type bridge_slave isolated on")
        subnet = "10.1.0" if router.endswith("-inner") else "10.0.0"
        self._ip[host] += [f"addr add {subnet}.{number}/24 dev {end}", f"route add default via {subnet}.1"]

    def free_address(self):
        """A public IPv4 address that nobody has."""
        return f"203.0.113.{self._next_number()}"

    def add(self, host):
        """A host without a cable."""
        self._add(host)

    def plug(self, host, end, *addresses, at="br0"):
        """A cable into the internet."""
        port = self._cable(host, end, "inet")
        self._ip["inet"].append(f"link set {port} master {at}")
        self._public.setdefault(host, addresses[0])
        for address in addresses:
            six = ":" in address
            self._ip[host] += [f"addr add {address}/{'64 nodad' if six else '24'} dev {end}",
                               f"route add {'::/0' if six else 'default'} via {ROUTER6 if six else ROUTER}"]

    def address(self, host):
        """Its first one on the internet."""
        return self._public[host]

    def give(self, host, address):
        """One more address on its cable into the internet."""
        self._ip[host].append(f"addr add {address}/24 dev eth0")

    def _add_inner_nat(self, name, behind):
        self._add(name)
        self.attach(name, "out0", behind, 2)
        self._inside(name, "10.1.0.1")
        self._rules[name] = nat_rules.rules(kinds.PORT_RESTRICTED, "10.0.0.2")
        return name

    def _inside(self, router, address):
        self._ip[router] += ["link add in0 type bridge mcast_snooping 0", f"addr add {address}/24 dev in0", "link set in0 up"]

    def _next_number(self):
        self._first_address += 1
        return self._first_address

    def _add(self, name):
        self._names.append(name)
        self._root.append(f"netns add {name}")
        self._ip[name].append("link set lo up")

    def _cable(self, host, end, other):
        """A pair of interfaces, both up and without addresses that nobody gave them; returns the other one's name."""
        self._links += 1
        port = f"p{self._links}"
        self._root.append(f"link add name {end} netns {host} type veth peer name {port} netns {other}")
        for name, new in ((host, end), (other, port)):
            self._ip[name].append(f"link set {new} addrgenmode none up")
        return port

    # --- Making it ------------------------------------------------------------------------------------------------

    def make(self):
        """All that was described since the last time."""
        _feed([(["ip", "-batch", "-"], "\n".join(self._root))])
        _feed([(["ip", "-n", name, "-batch", "-"], "\n".join(lines)) for name, lines in self._ip.items()])
        # A redirect, or a switch that looks into IP, would send to a neighbour directly what the router has to turn round.
        router = ("cd /proc/sys/net && echo 1 >ipv4/ip_forward && echo 1 >ipv6/conf/all/forwarding && "
                  "for each in ipv4/conf/*/send_redirects bridge/bridge-nf-call-iptables; do [ ! -e $each ] || echo 0 >$each; done && exec nft -f -")
        _feed([(self.inside(name, "sh", "-c", router), rules) for name, rules in self._rules.items()])
        self._root.clear()
        self._ip.clear()
        self._rules.clear()

    @staticmethod
    def inside(name, *words):
        """The command that runs a program in a namespace."""
        return ["ip", "netns", "exec", name, *words]

    @staticmethod
    def socket(name, *arguments):
        """`socket.socket(*arguments)` of a namespace, for us who are in another one."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net", "rb") as ours, open(f"/run/netns/{name}", "rb") as theirs:
            if libc.setns(theirs.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), f"setns to {name}")
            try:
                return socket.socket(*arguments)
            finally:
                libc.setns(ours.fileno(), 0)

    @staticmethod
    def change(name, *lines):
        """Lines for `ip`, in a namespace that is there."""
        _feed([(["ip", "-n", name, "-batch", "-"], "\n".join(lines))])


def _feed(commands):
    """Runs them side by side, each with its standard input."""
    running = []
    for words, text in commands:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process.stdin.write(text + "\n")
        process.stdin.close()
        process.stdin = None
        running.append((words, text, process))
    for words, text, process in running:
        _, error = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {error.strip()}\n{text}")
