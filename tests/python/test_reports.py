"""Reports as objects: parsed, printed, saved, shown in notebooks; comparisons with hand-made differences."""
import html.parser
import json

import nets
import numpy as np
import pytest

import aneref

A = np.array([[1, 2, 3], [4, 5, 6]], np.float16)


class Tags(html.parser.HTMLParser):
    """The tags that are open at the end, which a well-formed snippet has none of."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_explain_places_the_op():
    report = aneref.load(nets.addition()).explain()
    assert report.json["target"] == "m1"
    assert [(op["name"], op["op"]) for op in report.json["ops"]] == [("sum", "add")]
    assert "sum" in report.text or "ops" in report.text
    assert report.html.lstrip().startswith("<!doctype html") or report.html.lstrip().startswith("<!DOCTYPE html")


def test_explain_of_another_chip_and_of_all():
    model = aneref.load(nets.addition(), target="a14")
    assert model.explain().json["target"] == "a14"
    assert model.explain("m4").json["target"] == "m4"
    reachable = [chip["name"] for chip in aneref.targets() if chip["coreml"]]
    assert [row["target"] for row in model.explain("all").json["matrix"]] == reachable


def test_reports_show_in_notebooks():
    model = aneref.load(nets.addition())
    frame = Tags(model.explain()._repr_html_())
    assert frame.open == [] and frame.seen == {"iframe"}
    assert Tags(model._repr_html_()).seen >= {"table", "td"}


def test_reports_are_saved_by_ending(tmp_path):
    report = aneref.load(nets.addition()).explain()
    for name, format in (("r.html", "html"), ("r.json", "json"), ("r.sarif", "sarif"), ("r.txt", "text")):
        report.save(tmp_path / name)
        assert (tmp_path / name).read_text() == report.format(format)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.json", "r.sarif", "r.txt"]


def test_unknown_formats_are_refused():
    with pytest.raises(ValueError, match="pdf"):
        aneref.load(nets.addition()).explain().format("pdf")


def test_lint_lists_findings():
    tensors = [nets.tensor("x", [1, 4, 4, 4]), nets.tensor("y", [1, 4, 4, 4])]
    model = aneref.load(nets.net(tensors, [nets.node("inverse", "Activation", [0], [1], kind="acosh")], [0], [1]))
    lint = model.lint()
    assert len(lint) == len(lint.findings) == len(lint.json["findings"])
    assert bool(lint) is (len(lint.findings) == 0)
    for finding in lint.findings:
        assert finding["rule"] and finding["text"]
    assert Tags(lint._repr_html_()).open == []


def test_plan_and_description_are_documents():
    model = aneref.load(nets.addition())
    assert model.plan()["target"] == "m1"
    assert model.description["ops"] == {"add": 1}
    assert model.plan_info["num_ops"] == 1
    assert model.plan_info["is_static"] == 1


def test_targets_have_names():
    names = [chip["name"] for chip in aneref.targets()]
    assert "m1" in names and len(names) == len(set(names))


def test_trace_has_spans(tmp_path):
    trace = aneref.load(nets.chain(3, 64)).trace()
    assert any(event.get("ph") == "X" for event in trace.events)
    trace.save(tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text()) == trace.json
    assert Tags(trace._repr_html_()).open == []


# ---- comparisons ----

def test_equal_sets_pass():
    comparison = aneref.compare({"x": A}, {"x": A})
    assert comparison and comparison.passed and comparison.first_divergent is None
    assert comparison.text.startswith("pass")


def test_one_ulp_differs_unless_it_is_allowed():
    other = A.copy()
    other[1, 2] = np.nextafter(np.float16(6), np.float16(7))
    assert not aneref.compare({"x": A}, {"x": other})
    assert aneref.compare({"x": A}, {"x": other}, max_ulp=1)
    assert aneref.compare({"x": A}, {"x": other}, rtol=0.001)
    tensor = aneref.compare({"x": A}, {"x": other}).json["tensors"][0]
    assert (tensor["name"], tensor["max_ulp"]) == ("x", 1)


def test_model_agrees_with_its_own_dump_and_finds_a_planted_fault():
    model = aneref.load(nets.chain(4, 3))
    data = {"t0": np.array([1, 2, 3], np.float16)}
    dump = model.intermediates(data)
    assert model.compare(data, dump)
    dump["t3"] = dump["t3"] * np.float16(2)
    comparison = model.compare(data, dump, bisect=True)
    assert not comparison
    assert comparison.first_divergent == "t3"
    assert "differs" in comparison.text
    assert Tags(comparison._repr_html_()).seen == {"iframe"}
