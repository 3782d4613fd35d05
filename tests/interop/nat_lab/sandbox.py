"""Namespaces of our own for the network, the mounts and the processes: whatever the lab makes, on the network and below /run, is
seen by nobody else and goes with the process, however that ends."""
import ctypes
import os
import shutil
import signal
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1


class Unavailable(Exception):
    """Why there can be no lab here."""


def enter(tools):
    """Returns in a child that is alone in new namespaces, with an empty /run and the rights of root; the parent only waits for
    it. When the parent ends, by whatever signal, the kernel ends the child and all that it started."""
    for tool in tools:
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed")
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | (0 if user == 0 else CLONE_NEWUSER)
    if libc.unshare(kinds) != 0:
        raise Unavailable(f"no namespaces can be made: {os.strerror(ctypes.get_errno())}")
    if user != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    sys.stdout.flush()
    parent, child = os.getpid(), os.fork()
    if child != 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the child, too, which says what it was at
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(code if code >= 0 else 128 - code)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() not in (0, parent):
        os._exit(1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for words in (("mount", "--make-rprivate", "/"), ("mount", "-t", "proc", "proc", "/proc"), ("mount", "-t", "tmpfs", "lab", "/run")):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable(f"{' '.join(words)}: {done.stderr.strip()}")


def name_hosts(names):
    """Names that all programs started after it know, with their addresses."""
    path = "/run/hosts"
    with open("/etc/hosts", encoding="ascii") as usual, open(path, "w", encoding="ascii") as file:
        file.write(usual.read() + "".join(f"{address} {name}\n" for name, addresses in names.items() for address in addresses))
    subprocess.run(["mount", "--bind", path, "/etc/hosts"], check=True)
