"""Opens a page of `aneref compare --html` in headless Chromium: a dump of the M1's arithmetic with one mirrored tensor.

    compare_page_test.py ANEREF [SCREENSHOT_FOLDER]
"""
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from browser import Browser, Checks, chromium_or_skip, each_look  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODEL = ROOT / "examples/digits/digits.onnx"
RUN = [MODEL, "--input", ROOT / "examples/digits/samples/digit_7.png"]


def write_page(aneref, folder):
    """As in docs/compare.md; exit status 1 says that something differs."""
    quiet = {"stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run([aneref, "run", *RUN, "--numerics", "device", "--target", "m1", "--dump", "m1.npz"], check=True, **quiet)
    subprocess.run([sys.executable, ROOT / "examples/compare/break_dump.py", "m1.npz", "broken.npz", "relu2", "mirror"], check=True, **quiet)
    done = subprocess.run([aneref, "compare", *RUN, "--device", "broken.npz", "--html", "compare.html"], **quiet)
    return done.returncode


def read(page, check, label, shots):
    shots("top")
    check("relu2_relu" in page.text(".verdict"), label + "the verdict names the op")
    check("h13" in page.text(".verdict"), label + "and whose arithmetic the dump follows")
    check("mirrored" in page.text(".finding"), label + "the first finding is the mistake")
    check("pool2_maxpool" in page.text(".finding"), label + "and says that the next op had the right value")
    check(page.count(".finding") == 2, label + "the engine's own roundings share one card")
    check(page.js("document.documentElement.scrollWidth <= innerWidth"), label + "no sideways scrolling")

    check(page.count("#graph .node.bad") == 1 and page.count("#graph .node.warn") == 4, label + "one op differs, four round as the engine does")
    check(page.text("#panel h3") == "relu2_relu", label + "the panel opens at the op that differs")
    check("What to do" in page.text("#panel"), label + "and says what to do")
    page.fill("#find", "n10")
    check(page.text("#found") == "4 found", label + "rule N10 is found at four ops")
    page.press("Enter", 13)
    check(page.text("#panel h3") == "conv1_conv" and "N10" in page.text("#panel"), label + "Enter goes to the first")
    check(page.count("#tensors tr.picked") == 1, label + "and marks its tensor")
    page.fill("#find", "")
    page.click("#first")
    check(page.text("#panel h3") == "relu2_relu", label + "back to the first that differs")
    shots("graph")

    canvas = "document.querySelector('details[open] canvas')"
    colours = page.js(f"new Set([...new Uint32Array({canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data.buffer)]).size")
    check(colours > 8, label + f"the heat map has {colours} colours")
    bars = page.js("[...document.querySelectorAll('details[open] .bars rect')].filter(r => r.height.baseVal.value > 0).length")
    check(bars >= 3, label + f"the histogram has {bars} bars")
    page.click("summary", 1)
    check(page.js("document.querySelectorAll('details')[1].open"), label + "another tensor opens")

    page.click("#tensors thead th:nth-child(5)")
    page.click("#tensors thead th:nth-child(5)")
    check(page.js("document.querySelector('#tensors tbody tr').textContent.includes('relu2')"), label + "sorted by ULPs the worst is first")
    page.fill("input[data-filter]", "pool")
    check(page.visible("#tensors tbody tr") == 3, label + "a filter leaves three pools")
    page.fill("input[data-filter]", "")
    page.js("document.querySelector('#tensors').scrollIntoView()")
    shots("table")
    check(not page.problems(), label + "no script errors, no requests " + " ".join(page.problems()))


def main():
    program = chromium_or_skip()
    check = Checks()
    with tempfile.TemporaryDirectory() as folder, Browser(program) as browser:
        check(write_page(pathlib.Path(sys.argv[1]).resolve(), folder) == 1, "the comparison fails")
        each_look(browser, pathlib.Path(folder) / "compare.html", sys.argv[2] if len(sys.argv) > 2 else None,
                  lambda page, label, shots: read(page, check, label, shots))
    return check.finish()


if __name__ == "__main__":
    sys.exit(main())
