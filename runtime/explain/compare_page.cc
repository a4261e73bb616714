// The comparison as one HTML page: verdict, what was found and what to do, the
// graph coloured by error, every tensor with its numbers, heat map and ULP
// histogram. Common parts: page.h.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "runtime/core/json_writer.h"
#include "runtime/explain/compare.h"
#include "runtime/explain/compare_picture.h"
#include "runtime/explain/page.h"

namespace aneref {
namespace {

constexpr size_t kMostDetails = 40;  // tensors with pictures

constexpr std::string_view kStyle = R"css(
.verdict{border-left:6px solid var(--bad)}.verdict.pass{border-left-color:var(--good)}
.verdict strong{font-size:17px}.finding h3{font-size:15px;margin:0 0 6px}.finding p:last-child{margin-bottom:0}
.todo{border-left:3px solid var(--accent);padding-left:12px}
#graph{height:min(70vh,640px);overflow:hidden;border:1px solid var(--line);border-radius:10px;background:var(--card);
cursor:grab;touch-action:none;position:relative}#graph svg{display:block;width:100%;height:100%}
#graph text{font:12px system-ui,sans-serif;fill:var(--ink);pointer-events:none}#graph text.sub{fill:var(--soft);font-size:11px}
#graph rect{stroke:var(--line);fill:var(--notebg);rx:6}#graph .good rect{fill:var(--goodbg);stroke:var(--good)}
#graph .warn rect{fill:var(--warnbg);stroke:var(--warn)}#graph .bad rect{fill:var(--badbg);stroke:var(--bad);stroke-width:2}
#graph g.node{cursor:pointer}#graph path{fill:none;stroke:var(--soft);opacity:.45}
.legend{display:flex;gap:8px;flex-wrap:wrap;margin:8px 0}
.pictures{display:flex;gap:18px;flex-wrap:wrap;align-items:flex-start}figure{margin:0}
figcaption{font-size:12.5px;color:var(--soft);margin-top:4px}
canvas{image-rendering:pixelated;border:1px solid var(--line);border-radius:6px;background:var(--bg);display:block}
details{border-bottom:1px solid var(--line);padding:8px 0}summary{cursor:pointer;overflow-wrap:anywhere}
.bars rect{fill:var(--accent)}.bars text{font:10.5px system-ui,sans-serif;fill:var(--soft)}
)css";

constexpr std::string_view kScript = R"js(
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
for (const canvas of document.querySelectorAll('canvas[data-p]')) {
  const bytes = Uint8Array.from(atob(canvas.dataset.p), c => c.charCodeAt(0));
  const context = canvas.getContext('2d');
  const image = context.createImageData(canvas.width, canvas.height);
  const rgb = canvas.dataset.c === '3';
  for (let i = 0; i < canvas.width * canvas.height; ++i) {
    let color = [bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]];
    if (!rgb) {
      const v = bytes[i] / 255;
      const base = dark ? [28, 31, 37] : [255, 255, 255];
      const stops = [base, [255, 214, 92], [230, 92, 40], [130, 10, 60]];
      const at = Math.min(v * 3, 2.999), k = Math.floor(at), f = at - k;
      color = stops[k].map((x, j) => x + (stops[k + 1][j] - x) * f);
    }
    image.data.set([...color, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  const scale = Math.max(1, Math.floor(224 / Math.max(canvas.width, canvas.height)));
  canvas.style.width = canvas.width * scale + 'px';
}
const box = document.getElementById('graph');
if (box) {
  const data = JSON.parse(document.getElementById('graph-data').textContent);
  const NS = 'http://www.w3.org/2000/svg', W = 190, H = 42, GX = 26, GY = 30;
  const svg = document.createElementNS(NS, 'svg'), all = document.createElementNS(NS, 'g');
  svg.append(all);
  box.append(svg);
  const make = (name, attributes, parent) => {
    const element = document.createElementNS(NS, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    parent.append(element);
    return element;
  };
  const from = {}, layers = [];
  for (const node of data) for (const out of node.o) from[out] = node;
  for (const node of data) {
    const before = node.i.map(value => from[value]).filter(Boolean);
    node.before = before;
    node.layer = Math.max(0, ...before.map(other => other.layer + 1));
    (layers[node.layer] ??= []).push(node);
  }
  let first = null;
  layers.forEach((layer, y) => {
    layer.sort((a, b) => Math.min(...a.before.map(n => n.x ?? 0), 1e9) - Math.min(...b.before.map(n => n.x ?? 0), 1e9));
    layer.forEach((node, k) => {
      node.x = (k - (layer.length - 1) / 2) * (W + GX);
      node.y = y * (H + GY);
    });
  });
  for (const node of data) for (const other of node.before) {
    const x1 = other.x, y1 = other.y + H, x2 = node.x, y2 = node.y, m = (y1 + y2) / 2;
    make('path', {d: `M${x1} ${y1}C${x1} ${m} ${x2} ${m} ${x2} ${y2}`}, all);
  }
  const cut = (text, n) => text.length > n ? '…' + text.slice(text.length - n + 1) : text;
  for (const node of data) {
    const group = make('g', {class: 'node ' + node.c, transform: `translate(${node.x - W / 2},${node.y})`}, all);
    make('rect', {width: W, height: H}, group);
    make('text', {x: 10, y: 18}, group).textContent = node.k + (node.u ? '  · ' + node.u : '');
    make('text', {x: 10, y: 33, class: 'sub'}, group).textContent = cut(node.n, 28);
    make('title', {}, group).textContent = node.n + '\n' + node.w;
    group.onclick = () => {
      const row = document.getElementById('t' + node.t);
      if (row) { row.scrollIntoView({block: 'center', behavior: 'smooth'}); row.style.outline = '2px solid var(--accent)'; }
    };
    if (!first || (node.f && !first.f)) first = node;
  }
  let scale = 1, ox = 0, oy = 0;
  const place = () => all.setAttribute('transform', `translate(${ox},${oy}) scale(${scale})`);
  const home = () => { ox = box.clientWidth / 2 - first.x * scale; oy = Math.min(24, box.clientHeight / 3 - first.y * scale); place(); };
  if (first) home();
  box.onwheel = event => {
    event.preventDefault();
    const rect = box.getBoundingClientRect(), px = event.clientX - rect.left, py = event.clientY - rect.top;
    const next = Math.min(3, Math.max(0.05, scale * Math.exp(-event.deltaY * 0.0015)));
    ox = px - (px - ox) * next / scale;
    oy = py - (py - oy) * next / scale;
    scale = next;
    place();
  };
  box.onpointerdown = event => {
    let moved = false;
    const start = [event.clientX - ox, event.clientY - oy];
    const move = e => { moved = true; ox = e.clientX - start[0]; oy = e.clientY - start[1]; place(); };
    const up = () => { removeEventListener('pointermove', move); removeEventListener('pointerup', up); };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
  };
}
)js";

std::string Number(double value) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "-∞";
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string Cell(double value) {
  const double key = std::isfinite(value) ? value : 1e308;
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", key);
  return "<td class=\"num\" data-v=\"" + std::string(text) + "\">" +
         Number(value) + "</td>";
}

const char* ColourOf(const Finding& finding) {
  switch (finding.label) {
    case Label::kEqual:
    case Label::kRounding:
    case Label::kEcho:
      return "good";
    case Label::kRule:
      return IsHarmless(finding) ? "warn" : "bad";
    default:
      return "bad";
  }
}

const std::string& NodeOf(const Finding& finding) {
  return finding.culprit.empty() ? finding.node : finding.culprit;
}

std::string VerdictCard(const CompareReport& report) {
  std::string html = "<div class=\"card verdict";
  html += report.pass ? " pass" : "";
  html += "\"><strong>" + HtmlText(VerdictText(report)) + "</strong>";
  html += "<p class=\"soft\">" + std::to_string(report.tensors.size()) +
          " tensors compared";
  if (!report.numerics.empty()) {
    html += ", numerics " + HtmlText(report.numerics) + ", target " +
            HtmlText(report.target);
  }
  html += ".</p>";
  if (report.bisection && report.bisection->same_arithmetic) {
    html +=
        "<p>Most ops agree bit for bit: the dump follows this arithmetic, so "
        "what differs is no rounding.</p>";
  }
  return html + "</div>\n";
}

std::string FindingCard(const Finding& finding) {
  std::string html = "<div class=\"card finding\"><h3>" + HtmlText(finding.op) +
                     " <code>" + HtmlText(NodeOf(finding)) + "</code> " +
                     Badge(ColourOf(finding), LabelName(finding.label)) +
                     "</h3><p>" + HtmlText(finding.why) + "</p>";
  if (finding.quirk != nullptr) {
    const Quirk& quirk = *finding.quirk;
    html += "<p class=\"todo\"><b>What to do.</b> " + HtmlText(quirk.advice) +
            "</p><p class=\"soft\">" + HtmlText(quirk.title);
    if (!quirk.rule.empty()) html += ", rule " + HtmlText(quirk.rule);
    if (!quirk.chips.empty()) html += ", " + HtmlText(ChipsText(quirk));
    if (quirk.reference.starts_with("https://")) {
      html += ", <a href=\"" + HtmlText(quirk.reference) + "\">reference</a>";
    } else if (!quirk.reference.empty()) {
      html += ", " + HtmlText(quirk.reference);
    }
    html += ".</p>";
  } else if (finding.label == Label::kUnexplained) {
    html +=
        "<p class=\"todo\"><b>What to do.</b> Check this op's attributes and "
        "weights in the converted model against the source; the heat map below "
        "shows where in the tensor the error lies.</p>";
  }
  if (!finding.region.empty() && finding.culprit.empty()) {
    html += "<p class=\"soft\">The dump lacks the results of " +
            std::to_string(finding.region.size()) +
            " ops before it; the cause may be there, from <code>" +
            HtmlText(finding.region.front()) + "</code> on.</p>";
  }
  return html + "</div>\n";
}

std::string Findings(const Bisection& bisection) {
  std::string html;
  constexpr int kMost = 12;
  int shown = 0;
  for (const Finding& finding : bisection.findings) {
    if (finding.outside == 0 && finding.quirk == nullptr) continue;
    if (++shown <= kMost) html += FindingCard(finding);
  }
  if (shown == 0) return "";
  std::string more;
  if (shown > kMost) {
    more = "<p class=\"soft\">and " + std::to_string(shown - kMost) +
           " more, see the table.</p>";
  }
  return "<h2>What was found, in execution order</h2>\n" + html + more;
}

std::string GraphJson(const CompareReport& report) {
  std::map<std::string, size_t> row;
  for (size_t i = 0; i < report.tensors.size(); ++i) {
    row[report.tensors[i].name] = i;
  }
  std::map<size_t, const Finding*> by_step;
  int first_step = -1;
  if (report.bisection) {
    for (const Finding& finding : report.bisection->findings) {
      by_step.emplace(finding.step, &finding);
    }
    if (report.bisection->first >= 0) {
      first_step = static_cast<int>(
          report.bisection
              ->findings[static_cast<size_t>(report.bisection->first)]
              .step);
    }
  }
  JsonWriter json(0);
  json.BeginArray();
  for (size_t i = 0; i < report.graph.size(); ++i) {
    const CompareReport::Node& node = report.graph[i];
    const auto found = by_step.find(i);
    const Finding* finding = found == by_step.end() ? nullptr : found->second;
    json.BeginObject();
    json.Member("n", node.name);
    json.Member("k", node.op);
    json.Member("i", node.inputs);
    json.Member("o", node.outputs);
    json.Member("c", finding == nullptr ? "" : ColourOf(*finding));
    json.Member("w", finding == nullptr ? "not in the dump"
                                        : LabelName(finding->label));
    json.Member("u", finding == nullptr || finding->metrics.max_ulp == 0
                         ? std::string()
                         : std::to_string(finding->metrics.max_ulp) + " ulp");
    json.Member("f", static_cast<int>(i) == first_step);
    const auto tensor =
        finding == nullptr ? row.end() : row.find(finding->tensor);
    json.Member("t",
                tensor == row.end() ? -1 : static_cast<int>(tensor->second));
    json.EndObject();
  }
  json.EndArray();
  return json.Take();
}

std::string Graph(const CompareReport& report) {
  if (report.graph.empty() || !report.bisection) return "";
  return "<h2>The network</h2><div class=\"legend\">" +
         Badge("good", "equal or rounding") +
         Badge("warn", "the engine's arithmetic") + Badge("bad", "differs") +
         Badge("note", "not in the dump") +
         "</div><div id=\"graph\" role=\"img\" aria-label=\"The network, "
         "coloured by error; the table below lists the same\"></div>"
         "<script type=\"application/json\" id=\"graph-data\">" +
         ScriptJson(GraphJson(report)) + "</script>\n";
}

std::string TensorTable(const CompareReport& report) {
  std::string html =
      "<h2>All tensors</h2><input type=\"search\" data-filter=\"tensors\" "
      "placeholder=\"filter by name\" aria-label=\"filter by name\">"
      "<div class=\"scroll\"><table id=\"tensors\" class=\"sortable\"><thead>"
      "<tr><th>verdict</th><th>tensor</th><th class=\"num\">max abs</th>"
      "<th class=\"num\">max rel</th><th class=\"num\">max ulp</th>"
      "<th class=\"num\">PSNR dB</th><th class=\"num\">cosine</th>"
      "<th class=\"num\">non-finite</th><th class=\"num\">decisions</th>"
      "<th>worst element</th></tr></thead><tbody>\n";
  for (size_t i = 0; i < report.tensors.size(); ++i) {
    const ComparedTensor& tensor = report.tensors[i];
    const TensorMetrics& metrics = tensor.metrics;
    html +=
        "<tr id=\"t" + std::to_string(i) + "\"><td>" +
        Badge(tensor.pass ? "good" : "bad", tensor.pass ? "ok" : "differs") +
        "</td><td><code>" + HtmlText(tensor.name) + "</code><br>" +
        "<span class=\"soft\">" + HtmlText(tensor.type.ToString()) +
        "</span></td>" + Cell(metrics.max_abs) + Cell(metrics.max_rel) +
        Cell(static_cast<double>(metrics.max_ulp)) + Cell(metrics.psnr_db) +
        Cell(metrics.cosine) +
        Cell(static_cast<double>(metrics.nonfinite_a + metrics.nonfinite_b)) +
        "<td class=\"num\">" + std::to_string(metrics.decisions_differ) +
        " / " + std::to_string(metrics.decisions) + "</td><td>";
    if (metrics.worst.index >= 0) {
      html += HtmlText(IndexText(tensor.type.shape, metrics.worst.index)) +
              "<br><code>" + Number(metrics.worst.a) + " " +
              BitsText(tensor.type.dtype, metrics.worst.bits_a) +
              "</code><br><code>" + Number(metrics.worst.b) + " " +
              BitsText(tensor.other_type, metrics.worst.bits_b) + "</code>";
    }
    html += "</td></tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string Figure(const Picture& picture, const std::string& caption) {
  if (picture.empty()) return "";
  return "<figure><canvas width=\"" + std::to_string(picture.width) +
         "\" height=\"" + std::to_string(picture.height) + "\" data-c=\"" +
         std::to_string(picture.channels) + "\" data-p=\"" + picture.base64 +
         "\"></canvas><figcaption>" + HtmlText(caption) +
         "</figcaption></figure>\n";
}

std::string Histogram(const TensorMetrics& metrics) {
  int64_t most = 1;
  for (int64_t count : metrics.ulp_histogram) most = std::max(most, count);
  std::string svg =
      "<figure><svg class=\"bars\" width=\"480\" height=\"156\" role=\"img\" "
      "aria-label=\"histogram of ULP distances\">";
  for (size_t bin = 0; bin < kNumUlpBins; ++bin) {
    const int64_t count = metrics.ulp_histogram[bin];
    // Logarithmic: one bad element among a million must show.
    const double share = count == 0
                             ? 0
                             : (1 + std::log2(static_cast<double>(count))) /
                                   (1 + std::log2(static_cast<double>(most)));
    const int height = static_cast<int>(share * 96);
    const std::string x = std::to_string(bin * 30 + 3);
    svg += "<rect x=\"" + x + "\" width=\"24\" y=\"" +
           std::to_string(108 - height) + "\" height=\"" +
           std::to_string(height) + "\"><title>" + UlpBinName(bin) + ": " +
           std::to_string(count) +
           "</title></rect><text transform=\"translate(" +
           std::to_string(bin * 30 + 12) + ",118) rotate(40)\">" +
           HtmlText(UlpBinName(bin)) + "</text>";
  }
  return svg +
         "</svg><figcaption>elements by distance in units in the last "
         "place of " +
         DataTypeName(metrics.ulp_type) +
         ", logarithmic</figcaption></figure>\n";
}

std::string Detail(const ComparedTensor& tensor, bool open) {
  std::string html =
      "<details" + std::string(open ? " open" : "") + "><summary>" +
      Badge(tensor.pass ? "good" : "bad", tensor.pass ? "ok" : "differs") +
      " <code>" + HtmlText(tensor.name) + "</code> " + HtmlText(tensor.reason) +
      "</summary>";
  if (!tensor.hint.empty()) html += "<p>" + HtmlText(tensor.hint) + "</p>";
  if (!tensor.note.empty()) {
    html += "<p class=\"soft\">" + HtmlText(tensor.note) + "</p>";
  }
  html += "<div class=\"pictures\">";
  html +=
      Figure(ErrorPicture(tensor.a, tensor.b),
             "|a - b|, six decades up to " + Number(tensor.metrics.max_abs));
  html += Figure(ImagePicture(tensor.a, tensor.b), "ours");
  html += Figure(ImagePicture(tensor.b, tensor.b), "theirs");
  html += Histogram(tensor.metrics);
  return html + "</div></details>\n";
}

std::string Details(const CompareReport& report) {
  std::string html;
  size_t shown = 0;
  for (const bool failing : {true, false}) {
    for (const ComparedTensor& tensor : report.tensors) {
      const bool differs = tensor.metrics.equal != tensor.metrics.elements;
      if (tensor.pass == failing || !differs || shown >= kMostDetails) continue;
      html += Detail(tensor, failing && shown < 3);
      ++shown;
    }
  }
  return html.empty() ? ""
                      : "<h2>Where the errors are</h2><div class=\"card\">" +
                            html + "</div>\n";
}

std::string NameList(const char* title, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string html = "<details><summary>" + HtmlText(title) + " (" +
                     std::to_string(names.size()) + ")</summary><p>";
  for (const std::string& name : names) {
    html += "<code>" + HtmlText(name) + "</code> ";
  }
  return html + "</p></details>\n";
}

std::string Ranking(const std::vector<Ranked>& ranking) {
  if (ranking.empty()) return "";
  std::string html =
      "<h2>Which arithmetic gives these outputs</h2><div class=\"scroll\">"
      "<table><thead><tr><th>arithmetic</th><th class=\"num\">equal</th>"
      "<th class=\"num\">distance</th></tr></thead><tbody>";
  for (const Ranked& ranked : ranking) {
    html += "<tr><td>" + HtmlText(ranked.name) + "</td><td class=\"num\">" +
            Number(ranked.equal * 100) + " %</td>" + Cell(ranked.distance) +
            "</tr>";
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string ComparePage(const CompareReport& report) {
  std::string html = PageHead("aneref compare: " + report.title, kStyle);
  html += VerdictCard(report);
  if (report.bisection) html += Findings(*report.bisection);
  html += Graph(report);
  html += Details(report);
  html += TensorTable(report);
  html += Ranking(report.ranking);
  std::vector<std::string> misfits;
  for (const auto& [name, why] : report.misfits) {
    misfits.push_back(name + ": " + why);
  }
  const std::string lists = NameList("Shapes that do not fit", misfits) +
                            NameList("Only in the first", report.only_a) +
                            NameList("Only in the second", report.only_b);
  if (!lists.empty()) {
    html += "<h2>Without a partner</h2><div class=\"card\">" + lists + "</div>";
  }
  return html + PageFoot(kScript);
}

}  // namespace aneref
