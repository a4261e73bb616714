"""Headless Chromium through its devtools pipe, with nothing but the standard library: a window with a size and a theme, what a
reader does in it (clicks, keys, choices), what the page shows, and what went wrong (script errors, requests, console errors).

    with Browser("/usr/bin/chromium") as browser:
        page = browser.open("report.html", width=1440, theme="dark")
"""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"]
TIMEOUT = 60.0  # seconds for one answer: a loaded build machine is slow


def find_chromium():
    """The browser's path, or None: $CHROMIUM, then Debian's names."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next(filter(None, map(shutil.which, ("chromium", "chromium-headless-shell", "chromium-browser"))), None)


class Browser:
    """One browser process with an empty profile."""

    def __init__(self, program):
        self._profile = tempfile.mkdtemp(prefix="aneref-page-")
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()

        def place_pipes():  # the browser reads from 3 and writes to 4
            read, write = os.dup(to_read), os.dup(to_write)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self._process = subprocess.Popen([program, *FLAGS, f"--user-data-dir={self._profile}"], preexec_fn=place_pipes, close_fds=False,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number, self._events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            self._process.kill()
        self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _message(self):
        end = time.monotonic() + TIMEOUT
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, end - time.monotonic()))[0]:
                raise RuntimeError(f"the browser gave no answer within {TIMEOUT:.0f} s")
            data = os.read(self._in, 1 << 16)
            if not data:
                raise RuntimeError("the browser ended")
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data):]
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self._events.append(answer)

    def wait_for(self, method, session):
        while True:
            for event in self._events:
                if event["method"] == method and event.get("sessionId") == session:
                    return event["params"]
            self._events.append(self._message())

    def events(self, session):
        return [event for event in self._events if event.get("sessionId") == session]

    def open(self, path, width, height=900, theme="light"):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, target, session, pathlib.Path(path).resolve(), (width, height), theme)


class Page:
    """One page; all positions are the window's."""

    def __init__(self, browser, target, session, path, size, theme):
        self._browser, self._target, self._session = browser, target, session
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme},
                                                          {"name": "prefers-reduced-motion", "value": "reduce"}])
        start = time.monotonic()
        self.call("Page.navigate", url=path.as_uri())
        browser.wait_for("Page.loadEventFired", session)
        self.seconds = time.monotonic() - start

    def call(self, method, **params):
        return self._browser.call(method, self._session, **params)

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)

    def js(self, expression):
        """The value of a JavaScript expression; a script error is ours."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description', 'error')}")
        return answer["result"].get("value")

    def count(self, selector):
        return self.js(f"document.querySelectorAll({json.dumps(selector)}).length")

    def visible(self, selector):
        """How many of them take up room."""
        return self.js(f"[...document.querySelectorAll({json.dumps(selector)})].filter(e => e.getClientRects().length).length")

    def text(self, selector):
        return self.js(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def attribute(self, selector, name):
        return self.js(f"document.querySelector({json.dumps(selector)})?.getAttribute({json.dumps(name)})")

    def click(self, selector, index=0):
        """A real click in the middle of the element, scrolled into view first."""
        where = self.js(f"(() => {{ const e = document.querySelectorAll({json.dumps(selector)})[{index}];"
                        "e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});"
                        "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    def drag(self, selector, dx, dy):
        x, y = self.js(f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                       "return [r.x + 12, r.y + r.height / 2]; })()")
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        for share in (0.5, 1.0):
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + dx * share, y=y + dy * share, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + dx, y=y + dy, button="left", clickCount=1)

    def wheel(self, selector, delta):
        x, y = self.js(f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                       "return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        self.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=delta)

    def fill(self, selector, text):
        self.js(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.select?.(); }})()")
        if text:
            self.call("Input.insertText", text=text)
        else:
            self.press("Delete", 46)

    def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}))

    def choose(self, selector, value):
        self.js(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.value = {json.dumps(value)};"
                "e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); })()")

    def problems(self):
        """Script errors, console errors and requests for anything but the file itself."""
        found = []
        for event in self._browser.events(self._session):
            method, params = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", {}).get("description", "script error"))
            elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(params["entry"]["text"])
            elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "data:")):
                found.append("requests " + params["request"]["url"])
        return found

    def screenshot(self, path):
        picture = self.call("Page.captureScreenshot", format="png")
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))


class Checks:
    """Counts and prints what holds and what does not."""

    def __init__(self):
        self.failed = 0

    def __call__(self, condition, what):
        self.failed += not condition
        print(("ok      " if condition else "FAILED  ") + what)

    def finish(self):
        print("all passed" if self.failed == 0 else f"{self.failed} failed")
        return 1 if self.failed else 0


def chromium_or_skip():
    program = find_chromium()
    if program is None:
        print("ALL CASES SKIPPED: no chromium (Debian: apt-get install chromium)")
        sys.exit(0)
    return program


def each_look(browser, page_file, pictures, visit):
    """Opens a page light and dark, wide and narrow: visit(page, label, shots), where shots(what) writes a picture into the folder
    `pictures`, unless that is None."""
    for theme in ("light", "dark"):
        for name, width in (("wide", 1440), ("narrow", 420)):
            page = browser.open(page_file, width, theme=theme)

            def shots(what):
                if pictures is not None:
                    page.screenshot(pathlib.Path(pictures) / f"{page_file.stem}_{theme}_{name}_{what}.png")

            visit(page, f"{theme}, {name}: ", shots)
            page.close()
