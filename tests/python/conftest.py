"""The package under test is the one of this tree, unless an installed one is asked for (ANEREF_TEST_INSTALLED)."""
import os
import pathlib
import sys

if not os.environ.get("ANEREF_TEST_INSTALLED"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
