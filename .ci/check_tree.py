#!/usr/bin/env python3
"""The tree: known top-level names only, no file over 1 MiB, no generated code, no path of a machine."""
import os
import pathlib
import re
import subprocess
import sys

TOP = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "NOTICE", ".clang-format", ".clang-tidy", ".gitignore",
       ".ci", "cmake", "docs", "runtime", "ops", "schema", "tools", "tests", "bench", "python", "examples"}
GENERATED = re.compile(r"(_generated\.h|\.pb\.(h|cc)|_pb2\.py)$")
MACHINE = re.compile(r"(?<![\w.])/(?:work|home/\w+|root|farm)/")


def main():
    problems = []
    files = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, files):
        if name.split("/")[0] not in TOP:
            problems.append(f"{name}: nothing of that name belongs at the top level")
        if os.path.getsize(name) > 1 << 20:
            problems.append(f"{name}: over 1 MiB")
        if GENERATED.search(name):
            problems.append(f"{name}: generated code is not committed")
        if pathlib.Path(name).suffix in {".png", ".onnx", ".anem", ".npy", ".npz"} or name == ".ci/check_tree.py":
            continue
        for number, line in enumerate(pathlib.Path(name).read_text(errors="replace").splitlines(), 1):
            if MACHINE.search(line):
                problems.append(f"{name}:{number}: a machine's path")
    print("\n".join(problems) or f"{len(files)} files in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
