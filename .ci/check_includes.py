#!/usr/bin/env python3
"""Holds the layers of docs/architecture.md: who may include whom, and where third-party headers may appear."""
import pathlib
import re
import subprocess
import sys

# Layer of a path (longest prefix wins) -> rank; a file may include its own layer and lower ranks.
RANKS = {
    "schema": 0, "runtime/core": 1, "ops/kernels": 2, "ops": 3, "runtime/graph": 4,
    "runtime/import": 5, "runtime/plan": 5, "runtime/exec": 6, "runtime/explain": 7, "runtime/capi": 8, "tools": 9,
    "tests": 10, "bench": 10, "examples": 10,
}
# The importers sit beside plan and exec: they use the graph, and only api and tools use them.
FORBIDDEN = {("runtime/import", "runtime/plan"), ("runtime/import", "runtime/exec"), ("runtime/plan", "runtime/import"),
             ("runtime/exec", "runtime/import"), ("runtime/explain", "runtime/import")}
# Third-party header prefix -> where it may appear.
CONFINED = {
    "hwy/": ("ops/kernels/", "tests/", "bench/", "tools/cmd_run.cc", "tools/"),
    "tbb/": ("runtime/exec/threads_tbb.cc",),
    "google/protobuf": ("runtime/import/",),
    "CLI/": ("tools/",), "nlohmann/": ("tools/", "tests/"), "zip.h": ("tools/", "runtime/import/coreml/"), "stb": ("tools/",),
    "doctest/": ("tests/",), "benchmark/": ("bench/",),
    "schema/net_generated.h": ("ops/", "runtime/graph/", "runtime/plan/", "runtime/exec/", "runtime/import/",
                               "runtime/explain/", "tools/", "tests/", "bench/"),
}


def layer(path):
    fitting = [prefix for prefix in RANKS if path.startswith(prefix + "/")]
    return max(fitting, key=len) if fitting else None


def check(path, include):
    for prefix, allowed in CONFINED.items():
        if include.startswith(prefix) and not path.startswith(allowed):
            return f"{include} is confined to {', '.join(allowed)}"
    mine, theirs = layer(path), layer(include)
    if mine is None or theirs is None:
        return None
    if RANKS[theirs] > RANKS[mine] or (mine, theirs) in FORBIDDEN:
        return f"{mine} must not include {theirs}"
    return None


def main():
    problems = []
    files = subprocess.run(["git", "ls-files", "*.cc", "*.h"], capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        for number, line in enumerate(pathlib.Path(name).read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
            if match and (why := check(name, match.group(1))):
                problems.append(f"{name}:{number}: {why}")
    print("\n".join(problems) or f"{len(files)} files keep the layers")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
