// The comparison as one HTML page: verdict, what was found and what to do, the
// graph coloured by error, every tensor with its numbers, heat map and ULP
// histogram. Common parts: page.h.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "runtime/core/json_writer.h"
#include "runtime/explain/compare.h"
#include "runtime/explain/compare_page_assets.h"
#include "runtime/explain/compare_picture.h"
#include "runtime/explain/page.h"
#include "runtime/explain/page_graph.h"

namespace aneref {
namespace {

constexpr size_t kMostDetails = 40;  // tensors with pictures

std::string Number(double value) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "-∞";
  char text[32];
  const bool whole = value == std::floor(value) && std::abs(value) < 1e9;
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.4g", value);
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
  if (report.bisection && !report.bisection->follows.empty()) {
    html += "<p>The dump follows an engine's arithmetic (" +
            HtmlText(report.bisection->follows) +
            ") bit for bit; each op is held against that.</p>";
  }
  return html + "</div>\n";
}

// The other ops of a group.
std::string AlikeText(const FindingGroup& group) {
  if (group.alike.empty()) return "";
  constexpr size_t kMost = 12;
  std::string html =
      "<p>The same holds for " + std::to_string(group.alike.size()) + " more: ";
  for (size_t i = 0; i < std::min(group.alike.size(), kMost); ++i) {
    html += "<code>" + HtmlText(NodeOf(*group.alike[i])) + "</code> ";
  }
  return html + (group.alike.size() > kMost ? "…</p>" : "</p>");
}

std::string FindingCard(const FindingGroup& group) {
  const Finding& finding = *group.finding;
  std::string html = "<div class=\"card finding\"><h3>" + HtmlText(finding.op) +
                     " <code>" + HtmlText(NodeOf(finding)) + "</code> " +
                     Badge(ColourOf(finding), LabelName(finding.label)) +
                     "</h3><p>" + HtmlText(finding.why) + "</p>" +
                     AlikeText(group);
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
  constexpr size_t kMost = 12;
  const std::vector<FindingGroup> groups = GroupFindings(bisection);
  if (groups.empty()) return "";
  std::string html = "<h2>What was found</h2>\n";
  for (size_t i = 0; i < std::min(groups.size(), kMost); ++i) {
    html += FindingCard(groups[i]);
  }
  if (groups.size() > kMost) {
    html += "<p class=\"soft\">and " + std::to_string(groups.size() - kMost) +
            " more, see the table.</p>";
  }
  return html;
}

// The first finding at each step.
std::map<size_t, const Finding*> FindingsByStep(const CompareReport& report) {
  std::map<size_t, const Finding*> by_step;
  for (const Finding& finding : report.bisection->findings) {
    by_step.emplace(finding.step, &finding);
  }
  return by_step;
}

std::vector<std::pair<size_t, size_t>> EdgesOf(const CompareReport& report) {
  std::map<std::string, size_t> makers;
  std::vector<std::pair<size_t, size_t>> edges;
  for (size_t i = 0; i < report.graph.size(); ++i) {
    std::set<size_t> before;
    for (const std::string& value : report.graph[i].inputs) {
      const auto maker = makers.find(value);
      if (maker != makers.end()) before.insert(maker->second);
    }
    for (size_t from : before) edges.emplace_back(from, i);
    for (const std::string& value : report.graph[i].outputs) makers[value] = i;
  }
  return edges;
}

// What the script knows of one op: row of its tensor, colour, words.
void WriteOp(const CompareReport::Node& node, const Finding* finding, int row,
             JsonWriter* json) {
  json->BeginObject();
  json->Member("name", node.name);
  json->Member("op", node.op);
  json->Member("row", row);
  json->Member("kind", finding == nullptr ? "none" : ColourOf(*finding));
  json->Member("label", finding == nullptr ? "not in the dump"
                                           : LabelName(finding->label));
  if (finding != nullptr) {
    json->Member("ulp", finding->metrics.max_ulp);
    json->Member("outside", finding->outside);
    json->Member("tensor", finding->tensor);
    json->Member("why", finding->why);
    if (finding->quirk != nullptr) {
      json->Member("rule", finding->quirk->rule);
      json->Member("title", finding->quirk->title);
      json->Member("advice", finding->quirk->advice);
    }
  }
  json->EndObject();
}

std::string GraphJson(const CompareReport& report) {
  std::map<std::string, int> rows;
  for (size_t i = 0; i < report.tensors.size(); ++i) {
    rows[report.tensors[i].name] = static_cast<int>(i);
  }
  const auto by_step = FindingsByStep(report);
  const Bisection& bisection = *report.bisection;
  JsonWriter json(0);
  json.BeginObject();
  json.Key("first");
  bisection.first < 0
      ? json.Value(-1)
      : json.Value(
            bisection.findings[static_cast<size_t>(bisection.first)].step);
  json.Key("ops");
  json.BeginArray();
  for (size_t i = 0; i < report.graph.size(); ++i) {
    const auto found = by_step.find(i);
    const Finding* finding = found == by_step.end() ? nullptr : found->second;
    const auto row =
        finding == nullptr ? rows.end() : rows.find(finding->tensor);
    WriteOp(report.graph[i], finding, row == rows.end() ? -1 : row->second,
            &json);
  }
  json.EndArray();
  json.Key("graph");
  WriteGraph(report.graph.size(), EdgesOf(report), &json);
  json.EndObject();
  return json.Take();
}

std::string Graph(const CompareReport& report) {
  if (report.graph.empty() || !report.bisection) return "";
  return std::string(kCompareGraph) +
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
      "<figure class=\"wide\"><svg class=\"bars\" viewBox=\"0 0 480 156\" "
      "role=\"img\" "
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
  std::string html =
      PageHead("aneref compare: " + report.title,
               std::string(kGraphStyle) + std::string(kCompareStyle));
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
  return html +
         PageFoot(std::string(kGraphScript) + std::string(kCompareScript));
}

}  // namespace aneref
