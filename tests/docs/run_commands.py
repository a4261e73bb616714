#!/usr/bin/env python3
"""Runs the commands of a page: every ```sh block, line by line, in an empty folder that holds a link to the checkout.

A line may end with "# exit N" (default 0). A block without a language that follows is what is printed: each of its lines must
appear in the output in this order; "..." stands for any number of lines, and inside a line for any text.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def blocks(text):
    """(language, lines, line number) of the fenced blocks."""
    language, lines, start = None, [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if language is None:
                language, lines, start = line[3:].strip(), [], number
            else:
                yield language, lines, start
                language = None
        elif language is not None:
            lines.append(line)


def commands(lines):
    """Commands with their expected exit status; a line that ends with a backslash continues."""
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    for line in joined.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = re.search(r"\s+# exit (\d+)\s*$", line)
        yield (line[:match.start()] if match else line), int(match.group(1)) if match else 0


def missing(expected, output):
    """The first expected line that the output lacks; None when all are there."""
    rest = output.splitlines()
    for line in expected:
        if line.strip() in ("", "..."):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in re.sub(r"\s+", " ", line.strip()).split("...")))
        for index, have in enumerate(rest):
            if pattern.search(re.sub(r"\s+", " ", have.strip())):
                rest = rest[index + 1:]
                break
        else:
            return line
    return None


def run(page, folder, environment):
    output, failures, count = "", [], 0
    for language, lines, number in blocks(page.read_text()):
        if language == "sh":
            output = ""
            for command, status in commands(lines):
                done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, text=True, capture_output=True)
                output += done.stdout + done.stderr
                count += 1
                if done.returncode != status:
                    failures.append(f"{page}:{number}: '{command}' gave exit {done.returncode}, not {status}\n{output}")
        elif language == "":
            lacking = missing(lines, output)
            if lacking is not None:
                failures.append(f"{page}:{number}: '{lacking}' is not what is printed:\n{output}")
    return count, failures


def main():
    page, tool = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for entry in ("examples", "docs", "schema"):
            (folder / entry).symlink_to(ROOT / entry)
        binaries = folder / "bin"
        binaries.mkdir()
        (binaries / "aneref").symlink_to(tool)
        environment["PATH"] = f"{binaries}:{environment['PATH']}"
        if shutil.which("python3", path=environment["PATH"]) is None:
            print("ALL CASES SKIPPED: no python3")
            return 0
        count, failures = run(page, folder, environment)
    print("\n".join(failures) or f"{count} commands as on the page")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
