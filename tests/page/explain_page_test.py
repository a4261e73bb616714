"""Opens a page of `aneref explain --html` in headless Chromium and goes through it as a reader would, light and dark, wide and narrow.

    explain_page_test.py ANEREF [SCREENSHOT_FOLDER]
"""
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from browser import Browser, Checks, chromium_or_skip, each_look  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "examples/digits/digits.onnx"  # 14 ops; on an A13 the softmax stays on the CPU


def read(page, check, label, shots):
    shots("top")
    check(page.count("#graph .node") == 16, label + "14 ops, an input and an output are drawn")
    check(page.count("#ops tbody tr") == 14, label + "14 ops in the table")
    check(page.js("document.documentElement.scrollWidth <= innerWidth"), label + "no sideways scrolling")
    check(page.visible("#chips tbody tr") == 2, label + "both chips in the matrix")

    page.click("#ops tbody tr")
    check(page.count("#ops tr.picked") == 1, label + "a click marks the row")
    check(page.text("#panel h3") == "darkness_sub", label + "and the panel tells about the op")
    check(page.count("#graph .node.picked") == 1, label + "and the graph marks it")
    shots("graph")

    page.click("#picker button", 1)
    check(page.attribute("#picker button:nth-child(2)", "aria-pressed") == "true", label + "another chip")
    check("V48" in page.text("#advice"), label + "whose worst problem is V48, no softmax")
    page.click("#advice button")
    check(page.text("#panel h3") == "probabilities_softmax", label + "whose button leads to the op")
    check("CPU" in page.text("#panel"), label + "which is on the CPU")
    check(page.count("#graph .edge.cross") == 1, label + "one edge crosses")

    page.choose("#where", "cpu")
    check(page.visible("#ops tbody tr") == 1 and page.text("#shown").startswith("1 of 14"), label + "the CPU's op alone")
    page.choose("#where", "")
    page.fill("#filter", "conv")
    check(page.visible("#ops tbody tr") == 3, label + "a word leaves three convolutions")
    page.fill("#filter", "")
    check(page.visible("#ops tbody tr") == 14, label + "and gives them back")

    head = "#ops thead th:nth-child(7)"
    page.click(head)
    page.click(head)
    check(page.attribute(head, "data-dir") == "-1", label + "the slowest first")
    times = page.js("[...document.querySelectorAll('#ops tbody tr')].map(r => +r.cells[6].dataset.v)")
    check(times == sorted(times, reverse=True), label + "in order")

    page.fill("#find", "pool")
    check(page.text("#found") == "3 found", label + "three pools found")
    check(page.count("#graph .node.dim") == 13, label + "the others are dim")
    page.press("Enter", 13)
    check("pool1" in page.text("#panel h3"), label + "Enter goes to the first")
    page.fill("#find", "")

    where = "document.querySelector('#scene').getAttribute('transform')"
    before = page.js(where)
    page.click("[aria-label='zoom in']")
    zoomed = page.js(where)
    check(zoomed != before, label + "zoom")
    page.drag("#graph svg", 60, 30)
    moved = page.js(where)
    check(moved != zoomed and re.search(r"scale\((.*)\)", moved)[1] == re.search(r"scale\((.*)\)", zoomed)[1], label + "pan")
    page.wheel("#graph svg", -240)
    check(page.js(where) != moved, label + "the wheel zooms")
    page.click("[aria-label='fit']")
    page.choose("#paint", "segmenter")
    check(page.count("#graph .node.cpu") == 14, label + "the segmenter leaves this small network to the CPU")
    page.js("document.querySelector('#ops').scrollIntoView()")
    shots("table")
    check(not page.problems(), label + "no script errors, no requests " + " ".join(page.problems()))


def main():
    program = chromium_or_skip()
    check = Checks()
    with tempfile.TemporaryDirectory() as folder, Browser(program) as browser:
        target = pathlib.Path(folder) / "explain.html"
        subprocess.run([sys.argv[1], "explain", MODEL, "--target", "m1", "--target", "a13", "--html", target], check=True,
                       stdout=subprocess.DEVNULL)
        each_look(browser, target, sys.argv[2] if len(sys.argv) > 2 else None,
                  lambda page, label, shots: read(page, check, label, shots))
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
