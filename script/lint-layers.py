#!/usr/bin/env python3
"""House rules that no compiler checks; run by script/lint, tested by tests/lint.

usage: lint-layers.py [ROOT]

- Which folder under src/, signaling/ and apps/ may include which: the table in ARCHITECTURE.md between the lines
  `<!-- layers -->` and `<!-- /layers -->`. src/CMakeLists.txt and signaling/CMakeLists.txt must say the same.
- Nothing below io/, and neither signaling/protocol/ nor signaling/hub/, reads a clock, opens a socket, makes a thread or
  draws entropy.
- signaling/ does not need the API of linnet::linnet; only its tests and what joins the two know both.
- A program under apps/ includes public headers and its own files, and links libraries, not their modules.
- Public headers include only public headers, the standard library and Boost.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
if len(sys.argv) == 1:
    root = root.parent.parent
problems: list[str] = []


def read_table() -> dict[str, set[str]]:
    text = (root / "ARCHITECTURE.md").read_text()
    block = re.search(r"<!-- layers -->(.*?)<!-- /layers -->", text, re.S)
    if not block:
        sys.exit("ARCHITECTURE.md has no layer table between <!-- layers --> and <!-- /layers -->")
    table: dict[str, set[str]] = {}
    for row in re.findall(r"^\|\s*`([\w/]+)/`\s*\|([^|]*)\|", block.group(1), re.M):
        table[row[0]] = set(re.findall(r"`([\w/]+)/`", row[1]))
    return table


def closure(table: dict[str, set[str]], name: str) -> set[str]:
    seen: set[str] = set()
    todo = [name]
    while todo:
        for dep in table.get(todo.pop(), set()):
            if dep not in seen:
                seen.add(dep)
                todo.append(dep)
    return seen


def folder_of(name: str) -> str:
    """Where a row's files are: a plain name is a folder of src/."""
    return name if "/" in name else f"src/{name}"


def code_lines(path: pathlib.Path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield number, re.sub(r"//.*", "", line)


def sources(folder: str):
    return sorted((root / folder).rglob("*.[ch]pp"))


# --- The table against the folders and the build -----------------------------------------------------------------

table = read_table()
folders = {p.name for p in (root / "src").iterdir() if p.is_dir()}
folders |= {f"signaling/{p.name}" for p in (root / "signaling").iterdir() if p.name != "tests" and any(p.rglob("*.[ch]pp"))}
folders |= {f"apps/{p.name}" for p in (root / "apps").iterdir() if p.is_dir()}
for name in sorted(folders - table.keys()):
    problems.append(f"{folder_of(name)}/ is not in the layer table of ARCHITECTURE.md")
for name in sorted(table.keys() - folders):
    problems.append(f"ARCHITECTURE.md's layer table names {folder_of(name)}/, which does not exist")
for name in table:
    if name in closure(table, name):
        problems.append(f"the layer table lets {name}/ depend on itself")

# Modules are known to CMake and to #include by the last word of their row.
modules = {name.rsplit("/", 1)[-1]: name for name in folders if not name.startswith("apps/")}
for listing in ("src/CMakeLists.txt", "signaling/CMakeLists.txt"):
    for word, rest in re.findall(r"linnet_module\((\w+)([^)]*)\)", (root / listing).read_text()):
        deps = re.search(r"DEPS\s+([a-z0-9_ \n]+)", rest)
        built = {modules.get(dep, dep) for dep in deps.group(1).split()} if deps else set()
        said = table.get(modules.get(word, word), set())
        if built != said:
            problems.append(f"{listing} gives {word} DEPS {sorted(built)}, ARCHITECTURE.md {sorted(said)}")
for listing in sorted((root / "apps").rglob("CMakeLists.txt")):
    for target in re.findall(r"\blinnet_\w+_(?:a|headers)\b", listing.read_text()):
        problems.append(f"{listing.relative_to(root)}: {target} is a module; a program links the libraries")

# --- What each folder includes -----------------------------------------------------------------------------------

include = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
forbidden = [
    (re.compile(r"\b(steady_clock|system_clock|high_resolution_clock)::now\b|\bgettimeofday\b|\bclock_gettime\b|\btime\(nullptr\)"), "reads a clock"),
    (re.compile(r"#\s*include\s*<(sys/socket\.h|netinet/.*|arpa/inet\.h|sys/epoll\.h|netdb\.h|boost/(asio|beast)/.*)>"), "uses sockets"),
    (re.compile(r"#\s*include\s*<(thread|mutex|condition_variable|future|shared_mutex)>"), "uses threads or locks"),
    (re.compile(r"#\s*include\s*<random>|\brandom_device\b|[^_\w]s?rand\("), "draws entropy of its own"),
    # OpenSSL out of memory is reported as `new` reports it.
    (re.compile(r"\bthrow\b(?! std::bad_alloc)"), "throws"),
]
above = {"io", "runtime", "api", "signaling/server", "signaling/client"}


def public_closure(name: str, seen: set[str]) -> set[str]:
    path = root / "include" / name
    if name not in seen and path.is_file():
        seen.add(name)
        for _, line in code_lines(path):
            if found := include.match(line):
                public_closure(found.group(2), seen)
    return seen


api = {"linnet/peer_connection.hpp", "linnet/data_channel.hpp", "linnet/runtime.hpp"}


def check_module(folder: str, files, allowed: set[str], *, is_tests: bool = False) -> None:
    in_src = folder.startswith("src/")
    name = folder.removeprefix("src/")
    for path in files:
        where = path.relative_to(root)
        is_test = is_tests or path.name.endswith("_test.cpp") or "testing" in path.parts
        for number, line in code_lines(path):
            found = include.match(line)
            if found:
                what = found.group(2)
                top = what.split("/")[0]
                if top in modules and modules[top] not in allowed:
                    problems.append(f"{where}:{number}: {name}/ must not include {what}")
                if ".." in what.split("/"):
                    problems.append(f"{where}:{number}: {what} goes around the layers")
                if in_src and top == "boost" and name not in {"runtime", "api"}:
                    problems.append(f"{where}:{number}: Boost belongs in runtime/ and api/ only")
                if in_src and top == "openssl" and name not in {"crypto", "dtls"}:
                    problems.append(f"{where}:{number}: OpenSSL is wrapped by crypto/ and dtls/ only")
                if not in_src and not is_test and top == "linnet" and public_closure(what, set()) & api:
                    problems.append(f"{where}:{number}: signaling/ does not know the API; {what} does")
            if name not in above and not is_test:
                for pattern, what in forbidden:
                    if pattern.search(re.sub(r'"[^"]*"', '""', line) if "include" not in line else line):
                        problems.append(f"{where}:{number}: {what}; nothing below io/ may, nor signaling/protocol/ and hub/")


def check_program(folder: str) -> None:
    for path in sources(folder):
        for number, line in code_lines(path):
            found = include.match(line)
            if not found:
                continue
            kind, what = found.groups()
            public = what.startswith("linnet/") and (root / "include" / what).is_file()
            own = kind == '"' and ".." not in what.split("/") and (root / folder / what).is_file()
            if not (public or own) and (kind == '"' or what.split("/")[0] in modules):
                problems.append(f"{path.relative_to(root)}:{number}: {folder}/ must not include {what}; public headers and its own files only")


for name in sorted(folders):
    if name.startswith("apps/"):
        check_program(name)
    else:
        check_module(folder_of(name), sources(folder_of(name)), closure(table, name) | {name})
# The tests of signaling as a whole sit above all of it.
signaling = {name for name in folders if name.startswith("signaling/")}
check_module("signaling/tests", sources("signaling/tests"), signaling | {"base"}, is_tests=True)

core_allowed = re.compile(r"^(linnet/|[a-z_]+$|[a-z_]+\.h$)")
for path in sources("include"):
    where = path.relative_to(root)
    for number, line in code_lines(path):
        found = include.match(line)
        if not found:
            continue
        name = found.group(2)
        if "core/" in str(where) and name.startswith("boost/"):
            problems.append(f"{where}:{number}: linnet::core has no Boost")
        if not core_allowed.match(name) and not name.startswith("boost/"):
            problems.append(f"{where}:{number}: a public header includes {name}, which is not installed")

for path in [path for folder in ("src", "include", "signaling", "apps") for path in sources(folder)]:
    if path.suffix == ".hpp" and not path.read_text().startswith("#pragma once"):
        problems.append(f"{path.relative_to(root)}: a header starts with #pragma once")

for problem in problems:
    print(problem)
print(f"{len(folders)} folders, {len(problems)} problems")
sys.exit(1 if problems else 0)
