"""What the library tells about networks, as objects that print well and show well in notebooks."""
from __future__ import annotations

import html
import json
import os
from typing import Any, Callable, Dict, Optional

_FORMATS = {"json": 0, "text": 1, "html": 2, "sarif": 3, "junit": 4}


def _atomic_write(path: "str | os.PathLike[str]", text: str) -> None:
    temporary = f"{os.fspath(path)}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


class Report:
    """One report in several formats, each made when it is first asked for.

    `json` is the parsed document (the keys are those of docs/cli.md), `text` is for people, `html` a page of its own.
    Formats that a report does not have raise AnerefError.
    """

    def __init__(self, make: Callable[[int], str]):
        self._make = make
        self._made: Dict[str, str] = {}

    def format(self, name: str) -> str:
        """The report as "json", "text", "html", "sarif" or "junit"."""
        if name not in _FORMATS:
            raise ValueError(f"no format is called '{name}'; there are: {', '.join(_FORMATS)}")
        if name not in self._made:
            self._made[name] = self._make(_FORMATS[name])
        return self._made[name]

    @property
    def json(self) -> Any:
        return json.loads(self.format("json"))

    @property
    def text(self) -> str:
        return self.format("text")

    @property
    def html(self) -> str:
        return self.format("html")

    def save(self, path: "str | os.PathLike[str]", format: Optional[str] = None) -> None:  # noqa: A002
        """Writes the report; without a format the name's ending tells it (.html, .json, .sarif, .xml, else text)."""
        endings = {".html": "html", ".json": "json", ".sarif": "sarif", ".xml": "junit"}
        ending = os.path.splitext(os.fspath(path))[1]
        _atomic_write(path, self.format(format or endings.get(ending, "json" if isinstance(self, Trace) else "text")))

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return frame(self.html)


class Lint(Report):
    """Findings, worst first. True when there is none."""

    @property
    def findings(self) -> list:
        return self.json["findings"]

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        return len(self) == 0

    def _repr_html_(self) -> str:
        rows = [(f["severity"], f["rule"], f["text"], f.get("fix") or "") for f in self.findings]
        return table(("severity", "rule", "finding", "what to do"), rows) if rows else "<p>no findings</p>"


class Comparison(Report):
    """The outcome of a comparison. True when everything is within its tolerance."""

    def __init__(self, make: Callable[[int], str], passed: bool):
        super().__init__(make)
        self.passed = passed

    def __bool__(self) -> bool:
        return self.passed

    @property
    def first_divergent(self) -> Optional[str]:
        return self.json.get("first_divergent")

    @property
    def text(self) -> str:
        document = self.json
        lines = ["pass" if self.passed else "differs: first in " + str(document.get("first_divergent"))]
        for tensor in document["tensors"]:
            mark = "ok     " if tensor["pass"] else "differs"
            lines.append(f"{mark} {tensor['name']}  max_abs {tensor.get('max_abs')}  max_ulp {tensor.get('max_ulp')}")
        lines += [f"suspect {s.get('op')}: {s.get('why')}" for s in document.get("suspects") or ()]
        return "\n".join(lines)


class Trace(Report):
    """A run beside the predicted timeline, for Perfetto or chrome://tracing: `save("trace.json")`."""

    def __init__(self, document: str):
        super().__init__(lambda unused: document)

    def format(self, name: str) -> str:
        if name != "json":
            raise ValueError("a trace is JSON; open it in Perfetto or chrome://tracing")
        return super().format(name)

    @property
    def events(self) -> list:
        document = self.json
        return document["traceEvents"] if isinstance(document, dict) else document

    @property
    def text(self) -> str:
        return f"trace of {len(self.events)} events"

    def _repr_html_(self) -> str:
        spans = [event for event in self.events if event.get("ph") == "X"]
        longest = sorted(spans, key=lambda event: -event.get("dur", 0))[:20]
        rows = [(event.get("name", ""), event.get("pid", ""), event.get("tid", ""), f"{event['dur']:.1f}")
                for event in longest]
        return f"<p>{html.escape(self.text)}; the longest spans:</p>" + table(("name", "process", "lane", "us"), rows)


def table(head, rows) -> str:
    """An HTML table of plain texts."""
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def frame(page: str) -> str:
    """A whole page inside a notebook: framed, so that its styles and scripts stay its own."""
    return (f'<iframe srcdoc="{html.escape(page)}" width="100%" height="640" style="border:0" '
            'sandbox="allow-scripts"></iframe>')
