// The comparison as JSON, SARIF and JUnit: for scripts and for the systems that
// show test results.
#include "runtime/core/json_writer.h"
#include "runtime/explain/compare.h"
#include "runtime/explain/page.h"
#include "runtime/explain/sarif.h"

namespace aneref {
namespace {

void WriteElement(const ComparedTensor& tensor, JsonWriter* json) {
  const ElementPair& worst = tensor.metrics.worst;
  json->Key("worst");
  if (worst.index < 0) {
    json->Null();
    return;
  }
  json->BeginObject();
  json->Member("index", IndexText(tensor.type.shape, worst.index));
  json->Member("a", worst.a);
  json->Member("b", worst.b);
  json->Member("bits_a", BitsText(tensor.type.dtype, worst.bits_a));
  json->Member("bits_b", BitsText(tensor.other_type, worst.bits_b));
  json->EndObject();
}

void WriteHistogram(const TensorMetrics& metrics, JsonWriter* json) {
  json->Key("ulp_histogram");
  json->BeginObject();
  for (size_t bin = 0; bin < kNumUlpBins; ++bin) {
    json->Member(UlpBinName(bin), metrics.ulp_histogram[bin]);
  }
  json->EndObject();
}

void WriteTensor(const ComparedTensor& tensor, JsonWriter* json) {
  const TensorMetrics& metrics = tensor.metrics;
  json->BeginObject();
  json->Member("name", tensor.name);
  json->Member("pass", tensor.pass);
  json->Member("max_abs", metrics.max_abs);
  json->Member("max_rel", metrics.max_rel);
  json->Member("max_ulp", metrics.max_ulp);
  json->Member("ulp_of", DataTypeName(metrics.ulp_type));
  json->Member("psnr_db", metrics.psnr_db);
  json->Member("cosine", metrics.cosine);
  json->Member("mean_abs", metrics.mean_abs);
  json->Member("elements", metrics.elements);
  json->Member("equal", metrics.equal);
  json->Member("nonfinite_a", metrics.nonfinite_a);
  json->Member("nonfinite_b", metrics.nonfinite_b);
  json->Member("nonfinite_differs", metrics.class_differs);
  json->Member("decisions", metrics.decisions);
  json->Member("decisions_differ", metrics.decisions_differ);
  WriteHistogram(metrics, json);
  WriteElement(tensor, json);
  json->Member("shape", tensor.type.shape.ToVector());
  json->Member("dtype_a", DataTypeName(tensor.type.dtype));
  json->Member("dtype_b", DataTypeName(tensor.other_type));
  json->Member("matched_with", tensor.partner);
  json->Member("matched_by", tensor.how);
  json->Member("mode", tensor.modes);
  if (!tensor.reason.empty()) json->Member("reason", tensor.reason);
  if (!tensor.note.empty()) json->Member("note", tensor.note);
  if (!tensor.hint.empty()) json->Member("hint", tensor.hint);
  json->EndObject();
}

std::string RuleOf(const Finding& finding) {
  if (finding.quirk == nullptr) return "";
  return finding.quirk->rule.empty() ? finding.quirk->id : finding.quirk->rule;
}

void WriteFinding(const Finding& finding, JsonWriter* json) {
  json->BeginObject();
  json->Member("op", NodeOf(finding));
  json->Member("kind", finding.op);
  json->Member("tensor", finding.tensor);
  json->Member("label", LabelName(finding.label));
  json->Member("why", finding.why);
  json->Key("rule");
  finding.quirk == nullptr ? json->Null() : json->Value(RuleOf(finding));
  json->Key("quirk");
  finding.quirk == nullptr ? json->Null() : json->Value(finding.quirk->id);
  if (finding.quirk != nullptr) {
    json->Member("chips", finding.quirk->chips);
    json->Member("confidence", finding.quirk->confidence);
    json->Member("reference", finding.quirk->reference);
    json->Member("what_to_do", finding.quirk->advice);
  }
  json->Member("outside", finding.outside);
  json->Member("only_dumped", finding.only_dumped);
  json->Member("max_ulp", finding.metrics.max_ulp);
  json->Member("max_abs", finding.metrics.max_abs);
  json->Member("region", finding.region);
  json->EndObject();
}

bool IsSuspect(const Finding& finding) {
  return finding.outside > 0 || finding.quirk != nullptr;
}

void WriteBisection(const CompareReport& report, JsonWriter* json) {
  json->Key("suspects");
  json->BeginArray();
  if (report.bisection) {
    for (const Finding& finding : report.bisection->findings) {
      if (IsSuspect(finding)) WriteFinding(finding, json);
    }
  }
  json->EndArray();
  if (!report.bisection) return;
  const Bisection& bisection = *report.bisection;
  json->Key("bisection");
  json->BeginObject();
  json->Key("first_op");
  bisection.first < 0
      ? json->Null()
      : json->Value(
            NodeOf(bisection.findings[static_cast<size_t>(bisection.first)]));
  json->Member("compared", bisection.findings.size());
  json->Member("exact", bisection.exact);
  json->Member("same_arithmetic", bisection.same_arithmetic);
  json->Member("follows", bisection.follows);
  json->Member("not_given", bisection.not_given);
  json->EndObject();
}

void WriteRanking(const std::vector<Ranked>& ranking, JsonWriter* json) {
  json->Key("ranking");
  json->BeginArray();
  for (const Ranked& ranked : ranking) {
    json->BeginObject();
    json->Member("arithmetic", ranked.name);
    json->Member("equal", ranked.equal);
    json->Member("distance", ranked.distance);
    json->EndObject();
  }
  json->EndArray();
}

std::vector<SarifResult> ResultsOf(const CompareReport& report,
                                   const std::string& uri) {
  std::vector<SarifResult> results;
  if (report.bisection) {
    for (const Finding& finding : report.bisection->findings) {
      if (!IsSuspect(finding)) continue;
      results.push_back(
          {finding.quirk == nullptr ? "unexplained-difference"
                                    : finding.quirk->id,
           IsHarmless(finding) ? "note" : "error",
           finding.op + " '" + NodeOf(finding) + "': " + finding.why, uri,
           NodeOf(finding), ""});
    }
  }
  for (const ComparedTensor& tensor : report.tensors) {
    if (tensor.pass) continue;
    results.push_back({"outside-tolerance", "error",
                       "'" + tensor.name + "': " + tensor.reason, uri,
                       tensor.name, ""});
  }
  for (const auto& [name, why] : report.misfits) {
    results.push_back(
        {"shape-differs", "error", "'" + name + "': " + why, uri, name, ""});
  }
  return results;
}

}  // namespace

std::string CompareJson(const CompareReport& report) {
  JsonWriter json;
  json.BeginObject();
  json.Member("pass", report.pass);
  json.Member("verdict", VerdictText(report));
  if (!report.target.empty()) json.Member("target", report.target);
  if (!report.numerics.empty()) json.Member("numerics", report.numerics);
  json.Key("tensors");
  json.BeginArray();
  for (const ComparedTensor& tensor : report.tensors) {
    WriteTensor(tensor, &json);
  }
  json.EndArray();
  json.Key("first_divergent");
  report.first_divergent.empty() ? json.Null()
                                 : json.Value(report.first_divergent);
  WriteBisection(report, &json);
  WriteRanking(report.ranking, &json);
  json.Member("only_a", report.only_a);
  json.Member("only_b", report.only_b);
  json.Key("misfits");
  json.BeginArray();
  for (const auto& [name, why] : report.misfits) {
    json.BeginObject();
    json.Member("name", name);
    json.Member("why", why);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return json.Take() + "\n";
}

std::string CompareSarif(const CompareReport& report, const std::string& uri) {
  SarifRun run;
  run.tool = "aneref compare";
  run.results = ResultsOf(report, uri);
  return SarifText(run);
}

std::string CompareJunit(const CompareReport& report) {
  size_t failures = report.misfits.size();
  for (const ComparedTensor& tensor : report.tensors) failures += !tensor.pass;
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  xml += "<testsuite name=\"aneref compare\" tests=\"" +
         std::to_string(report.tensors.size() + report.misfits.size()) +
         "\" failures=\"" + std::to_string(failures) + "\">\n";
  const auto add = [&](const std::string& name, const std::string& failure) {
    xml += "  <testcase classname=\"tensors\" name=\"" + XmlText(name) + "\"";
    xml += failure.empty() ? "/>\n"
                           : ">\n    <failure message=\"" + XmlText(failure) +
                                 "\"/>\n  </testcase>\n";
  };
  for (const ComparedTensor& tensor : report.tensors) {
    add(tensor.name, tensor.pass ? "" : tensor.reason);
  }
  for (const auto& [name, why] : report.misfits) add(name, why);
  return xml + "</testsuite>\n";
}

}  // namespace aneref
