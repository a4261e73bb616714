#!/usr/bin/env python3
"""Shows plain C comments of a header to Doxygen: block comments as documentation of what follows, those behind a member as its
own, the first one as the file's. Reads a file and prints it changed."""
import os
import re
import sys


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    # Section marks and the ends of guards are for readers of the source.
    text = re.sub(r"/\* (----.*----|extern \"C\"|ANEREF_\w+_H_\w*) \*/", "", text)
    first = re.match(r"\s*/\*", text)
    # A comment behind code on its line belongs to that code, also when it goes on below.
    text = re.sub(r"(?m)^(?=.*\S.*/\*)([^/\n]*[;,{}\w)][ \t]+)/\*(?!\*)", r"\1/**< ", text)
    text = re.sub(r"/\*(?!\*)", "/**", text)
    if first:
        text = text.replace("/**", f"/** @file {os.path.basename(sys.argv[1])}\n", 1)
    # The C++ header's comments likewise.
    text = re.sub(r"(?m)^(\s*)//(?!/)", r"\1///", text)
    text = re.sub(r"(?m)(\S[ \t]+)//(?!/) ", r"\1///< ", text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
