// Reports as JSON: the keys that docs/cli.md promises, and some more.
#include "runtime/explain/report.h"
#include "runtime/plan/plan_json.h"

namespace aneref::explain {
namespace {

using placement::Division;
using placement::Reason;

void Write(const Reason& reason, JsonWriter* json) {
  json->BeginObject();
  json->Member("rule", reason.rule);
  json->Member("text", reason.text);
  json->Member("provenance", reason.provenance);
  json->Member("severity", SeverityName(reason.severity));
  json->Member("layer", LayerName(reason.layer));
  json->Member("actual", reason.actual);
  json->Member("allowed", reason.allowed);
  json->Member("fix", reason.fix);
  json->EndObject();
}

void WriteReasons(const std::vector<Reason>& reasons, JsonWriter* json) {
  json->BeginArray();
  for (const Reason& reason : reasons) Write(reason, json);
  json->EndArray();
}

// A count that only tasks on the engine have.
void Optional(const char* key, int64_t value, JsonWriter* json) {
  json->Key(key);
  value > 0 ? json->Value(value) : json->Null();
}

void Write(const ReportOp& op, JsonWriter* json) {
  json->BeginObject();
  json->Member("name", op.name);
  json->Member("op", op.op);
  json->Member("placement", WhereName(op.where));
  json->Key("reasons");
  WriteReasons(op.reasons, json);
  json->Key("task");
  op.task >= 0 ? json->Value(op.task) : json->Null();
  Optional("passes", op.passes, json);
  Optional("cores", op.cores, json);
  Optional("tiles", op.tiles, json);
  Optional("working_set_bytes", op.working_set_bytes, json);
  json->Key("predicted_us");
  op.task >= 0 && op.where == Where::kEngine ? json->Value(op.predicted_us)
                                             : json->Null();
  json->Member("mil_op", op.row);
  json->Member("output", op.shape);
  json->Key("segmenter");
  op.backend.empty() ? json->Null() : json->Value(op.backend);
  json->Key("folded_into");
  op.folded_into.empty() ? json->Null() : json->Value(op.folded_into);
  json->EndObject();
}

// Segments name ops by their index in "ops".
void Write(const Division& division, const std::vector<size_t>& of_node,
           JsonWriter* json) {
  json->BeginArray();
  for (const placement::Segment& segment : division.segments) {
    json->BeginObject();
    json->Member("placement", segment.on_engine ? "ane" : "cpu");
    json->Member("first", of_node[segment.first]);
    json->Member("last", of_node[segment.last]);
    json->Member("bytes_in", segment.bytes_in);
    json->Member("bytes_out", segment.bytes_out);
    json->EndObject();
  }
  json->EndArray();
}

std::vector<size_t> OpOfNode(const Report& report) {
  std::vector<size_t> of_node(report.placement.ops.size(), 0);
  for (size_t i = 0; i < report.ops.size(); ++i) {
    if (report.ops[i].node >= 0)
      of_node[static_cast<size_t>(report.ops[i].node)] = i;
  }
  return of_node;
}

void WriteSummary(const Report& report, JsonWriter* json) {
  json->BeginObject();
  json->Member("ops", report.ops.size());
  json->Member("ane", report.num_engine);
  json->Member("folded", report.num_folded);
  json->Member("cpu", report.num_cpu);
  json->Member("segments", report.placement.compiler.segments.size());
  json->Member("crossings", report.placement.compiler.crossings);
  json->Member("bytes_moved", report.placement.compiler.bytes_moved);
  json->Member("segmenter_ane", report.segmenter_ops);
  json->Member("segmenter_segments",
               report.placement.segmenter.segments.size());
  json->Member("segmenter_crossings", report.placement.segmenter.crossings);
  json->Member("segmenter_ms", report.placement.segmenter_ms);
  json->Member("host_ms", report.placement.host_ms);
  json->EndObject();
}

void WriteAdvice(const Report& report, JsonWriter* json) {
  json->BeginArray();
  for (const Advice& advice : report.advice) {
    json->BeginObject();
    json->Member("rule", advice.rule);
    json->Member("severity", SeverityName(advice.severity));
    json->Member("text", advice.text);
    json->Member("fix", advice.fix);
    json->Member("provenance", advice.provenance);
    json->Member("ops", advice.ops);
    json->Member("crossings_saved", advice.crossings_saved);
    json->EndObject();
  }
  json->EndArray();
}

void WriteTime(const Report& report, JsonWriter* json) {
  json->Key("predicted_us");
  report.plan ? json->Value(report.plan->totals.predicted_us) : json->Null();
  json->Key("bound");
  report.plan ? json->Value(engine::BoundName(report.plan->totals.bound))
              : json->Null();
}

}  // namespace

void WriteReport(const Report& report, const Program& program,
                 JsonWriter* json) {
  const std::vector<size_t> of_node = OpOfNode(report);
  json->BeginObject();
  json->Member("target", report.target);
  json->Member("route",
               report.route == placement::Route::kCoreMl ? "coreml" : "direct");
  json->Key("summary");
  WriteSummary(report, json);
  json->Key("ops");
  json->BeginArray();
  for (const ReportOp& op : report.ops) Write(op, json);
  json->EndArray();
  json->Key("tasks");
  json->BeginArray();
  if (report.plan.has_value()) {
    for (size_t t = 0; t < report.plan->tasks.size(); ++t)
      WriteTask(*report.plan, program, static_cast<int32_t>(t), json);
  }
  json->EndArray();
  json->Key("segments");
  Write(report.placement.compiler, of_node, json);
  json->Key("segmenter_segments");
  Write(report.placement.segmenter, of_node, json);
  json->Key("network");
  WriteReasons(report.placement.network, json);
  json->Key("advice");
  WriteAdvice(report, json);
  WriteTime(report, json);
  json->EndObject();
}

void WriteMatrix(const Titles& titles, const std::vector<Report>& reports,
                 JsonWriter* json) {
  json->BeginObject();
  json->Member("model", titles.model);
  json->Key("matrix");
  json->BeginArray();
  for (const Report& report : reports) {
    json->BeginObject();
    json->Member("target", report.target);
    json->Key("summary");
    WriteSummary(report, json);
    WriteTime(report, json);
    json->Key("blocking");
    json->BeginArray();
    for (const ReportOp& op : report.ops) {
      if (op.where != Where::kCpu) continue;
      json->BeginObject();
      json->Member("name", op.name);
      json->Member("op", op.op);
      json->Member("rule", op.reasons.empty() ? "" : op.reasons[0].rule);
      json->EndObject();
    }
    json->EndArray();
    json->EndObject();
  }
  json->EndArray();
  json->EndObject();
}

}  // namespace aneref::explain
