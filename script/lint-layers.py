#!/usr/bin/env python3
"""House rules that no compiler checks; run by script/lint.

- Which folder under src/ may include which: the table in ARCHITECTURE.md between the lines
  `<!-- layers -->` and `<!-- /layers -->`. src/CMakeLists.txt must say the same.
- Nothing below io/ reads a clock, opens a socket, makes a thread or draws entropy.
- Public headers include only public headers, the standard library and Boost.Asio.
"""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
problems: list[str] = []


def read_table() -> dict[str, set[str]]:
    text = (root / "ARCHITECTURE.md").read_text()
    block = re.search(r"<!-- layers -->(.*?)<!-- /layers -->", text, re.S)
    if not block:
        sys.exit("ARCHITECTURE.md has no layer table between <!-- layers --> and <!-- /layers -->")
    table: dict[str, set[str]] = {}
    for row in re.findall(r"^\|\s*`(\w+)/`\s*\|([^|]*)\|", block.group(1), re.M):
        table[row[0]] = set(re.findall(r"`(\w+)/`", row[1]))
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


table = read_table()
folders = {p.name for p in (root / "src").iterdir() if p.is_dir()}
for name in sorted(folders - table.keys()):
    problems.append(f"src/{name}/ is not in the layer table of ARCHITECTURE.md")
for name in sorted(table.keys() - folders):
    problems.append(f"ARCHITECTURE.md's layer table names src/{name}/, which does not exist")
for name in table:
    if name in closure(table, name):
        problems.append(f"the layer table lets {name}/ depend on itself")

# The build must say the same as the table.
cmake = (root / "src/CMakeLists.txt").read_text()
for name, rest in re.findall(r"linnet_module\((\w+)([^)]*)\)", cmake):
    deps = re.search(r"DEPS\s+([a-z0-9_ \n]+)", rest)
    built = set(deps.group(1).split()) if deps else set()
    if built != table.get(name, set()):
        problems.append(f"src/CMakeLists.txt gives {name} DEPS {sorted(built)}, ARCHITECTURE.md {sorted(table.get(name, set()))}")

include = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')
forbidden = [
    (re.compile(r"\b(steady_clock|system_clock|high_resolution_clock)::now\b|\bgettimeofday\b|\bclock_gettime\b|\btime\(nullptr\)"), "reads a clock"),
    (re.compile(r"#\s*include\s*<(sys/socket\.h|netinet/.*|arpa/inet\.h|sys/epoll\.h|netdb\.h)>"), "uses sockets"),
    (re.compile(r"#\s*include\s*<(thread|mutex|condition_variable|future|shared_mutex)>"), "uses threads or locks"),
    (re.compile(r"#\s*include\s*<random>|\brandom_device\b|[^_\w]s?rand\("), "draws entropy of its own"),
    # OpenSSL out of memory is reported as `new` reports it.
    (re.compile(r"\bthrow\b(?! std::bad_alloc)"), "throws"),
]
above = {"io", "runtime", "api"}


def code_lines(path: pathlib.Path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield number, re.sub(r"//.*", "", line)


for folder in sorted(folders):
    allowed = closure(table, folder) | {folder}
    for path in sorted((root / "src" / folder).rglob("*.[ch]pp")):
        where = path.relative_to(root)
        is_test = path.name.endswith("_test.cpp") or "testing" in path.parts
        for number, line in code_lines(path):
            found = include.match(line)
            if found:
                top = found.group(1).split("/")[0]
                if top in folders and top not in allowed:
                    problems.append(f"{where}:{number}: {folder}/ must not include {found.group(1)}")
                if top == "boost" and folder not in {"runtime", "api"}:
                    problems.append(f"{where}:{number}: Boost belongs in runtime/ and api/ only")
                if top == "openssl" and folder not in {"crypto", "dtls"}:
                    problems.append(f"{where}:{number}: OpenSSL is wrapped by crypto/ and dtls/ only")
            if folder not in above and not is_test:
                for pattern, what in forbidden:
                    if pattern.search(re.sub(r'"[^"]*"', '""', line) if "include" not in line else line):
                        problems.append(f"{where}:{number}: {what}; nothing below io/ may")

core_allowed = re.compile(r"^(linnet/|[a-z_]+$|[a-z_]+\.h$)")
for path in sorted((root / "include").rglob("*.hpp")):
    where = path.relative_to(root)
    for number, line in code_lines(path):
        found = include.match(line)
        if not found:
            continue
        name = found.group(1)
        if "core/" in str(where) and name.startswith("boost/"):
            problems.append(f"{where}:{number}: linnet::core has no Boost")
        if not core_allowed.match(name) and not name.startswith("boost/"):
            problems.append(f"{where}:{number}: a public header includes {name}, which is not installed")

for path in [*sorted((root / "src").rglob("*.[ch]pp")), *sorted((root / "include").rglob("*.hpp"))]:
    if path.suffix == ".hpp" and not path.read_text().startswith("#pragma once"):
        problems.append(f"{path.relative_to(root)}: a header starts with #pragma once")

for problem in problems:
    print(problem)
print(f"{len(folders)} folders, {len(problems)} problems")
sys.exit(1 if problems else 0)
