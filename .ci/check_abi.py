#!/usr/bin/env python3
"""The C interface, as compiled callers rely on it: .ci/abi.txt lists every function with its types, every struct with its size and the
place of each field, every enumerator with its value. Fails when the headers say anything else. Functions, fields at the end of
a struct and enumerators may be added (--write); a change of what stands needs a new ANEREF_ABI_VERSION. Needs a C compiler."""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "runtime/capi/include"
LIST = ROOT / ".ci/abi.txt"


def headers():
    names = ("types.h", "model.h", "session.h", "report.h", "import.h")
    return "\n".join(re.sub(r"/\*.*?\*/", "", (INCLUDE / "aneref" / name).read_text(), flags=re.S) for name in names)


def structs(text):
    for name, body in re.findall(r"typedef struct (aneref_\w+) \{(.*?)\} \1;", text, re.S):
        fields = []
        for part in body.split(";"):
            part = " ".join(part.split())
            found = re.search(r"\(\*(\w+)\)\(", part) or re.search(r"(\w+)(?:\[[^\]]*\])?$", part)
            if found:
                fields.append(found.group(1))
        yield name, fields


def interface():
    text = headers()
    lines = ["function " + " ".join(found.split()).replace("( ", "(")
             for found in re.findall(r"ANEREF_API\s+([^;{]*?\));", text, re.S)]
    prints = []
    for name, fields in structs(text):
        prints.append(f'printf("struct {name}: %zu bytes\\n", sizeof({name}));')
        prints += [f'printf("struct {name}.{field}: at %zu, %zu bytes\\n", offsetof({name}, {field}), '
                   f"sizeof((({name}*)0)->{field}));" for field in fields]
    for body in re.findall(r"enum \{(.*?)\}", text, re.S):
        prints += [f'printf("enum {name} = %d\\n", (int){name});' for name in re.findall(r"(ANEREF_\w+) =", body)]
    prints.append('printf("abi version %d\\n", ANEREF_ABI_VERSION);')
    source = ('#include "aneref/aneref.h"\n#include "aneref/import.h"\n#include <stdio.h>\nint main(void) {\n' + "\n".join(prints)
              + "\nreturn 0;\n}\n")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "abi.c"
        path.write_text(source)
        subprocess.run(["cc", "-std=c99", f"-I{INCLUDE}", str(path), "-o", f"{folder}/abi"], check=True)
        lines += subprocess.run([f"{folder}/abi"], capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(lines)


def main():
    now = interface()
    then = LIST.read_text().splitlines() if LIST.exists() else []
    # A struct may grow: its size is no promise, the places of its fields are.
    lost = [line for line in then if line not in now and not re.match(r"struct \w+: ", line)]
    version = next(line for line in now if line.startswith("abi version"))
    if lost and version in then:
        print("gone or changed, which needs a new ANEREF_ABI_VERSION:\n" + "\n".join(lost))
        return 1
    if "--write" in sys.argv:
        LIST.write_text("\n".join(now) + "\n")
        return 0
    if now != then:
        print("additions; run .ci/check_abi.py --write:\n" + "\n".join(line for line in now if line not in then))
        return 1
    print(f"{len(now)} facts of the interface hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())
