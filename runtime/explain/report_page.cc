// The explain page: one JSON object for the script, and the layout of the
// graph. Reasons stand once; ops name them by number.
#include <algorithm>
#include <cmath>

#include "runtime/explain/page.h"
#include "runtime/explain/page_graph.h"
#include "runtime/explain/plan_pictures.h"
#include "runtime/explain/report.h"
#include "runtime/explain/report_page_assets.h"

namespace aneref::explain {
namespace {

using placement::Reason;

class PageData {
 public:
  PageData(const Titles& titles, const Program& program,
           const std::vector<Report>& reports)
      : titles_(titles), program_(program), reports_(reports) {}

  std::string Run() {
    json_.BeginObject();
    json_.Member("about", About());
    WriteOps();
    WriteGraph();
    WriteChips();
    WriteReasons();
    json_.EndObject();
    return json_.Take();
  }

 private:
  std::string About() const {
    const Report& first = reports_.front();
    return "Where each op of " + titles_.model + " runs, and why. " +
           (first.route == placement::Route::kCoreMl
                ? "Judged as Core ML compiles it. "
                : "Judged on the direct route. ") +
           "Times are predictions; every reason names its evidence.";
  }

  void WriteOps() {
    json_.Key("ops");
    json_.BeginArray();
    for (const ReportOp& op : reports_.front().ops) {
      json_.Value(std::vector<std::string>{op.name, op.op, op.row, op.shape});
    }
    json_.EndArray();
  }

  // Nodes: the graph's inputs, the ops that run, the outputs.
  void WriteGraph() {
    const auto& ops = reports_.front().ops;
    std::vector<int64_t> node_op;
    std::vector<std::vector<std::string>> ports;
    std::vector<int64_t> maker(program_.values.size(), -1);
    const auto add_port = [&](int32_t value) {
      const ProgramValue& v = program_.values[static_cast<size_t>(value)];
      ports.push_back({v.name, v.defined ? v.declared.ToString() : "unknown"});
      node_op.push_back(-static_cast<int64_t>(ports.size()));
    };
    for (const int32_t value : program_.inputs) {
      maker[static_cast<size_t>(value)] = static_cast<int64_t>(node_op.size());
      add_port(value);
    }
    std::vector<std::pair<size_t, size_t>> edges;
    const auto read = [&](int32_t value, size_t by) {
      const int64_t from = value < 0 ? -1 : maker[static_cast<size_t>(value)];
      if (from < 0) return;
      const std::pair<size_t, size_t> edge(static_cast<size_t>(from), by);
      if (std::find(edges.end() - static_cast<std::ptrdiff_t>(
                                      std::min<size_t>(edges.size(), 16)),
                    edges.end(), edge) == edges.end())
        edges.push_back(edge);
    };
    for (size_t i = 0; i < ops.size(); ++i) {
      if (ops[i].node < 0) continue;
      const ProgramNode& node =
          program_.nodes[static_cast<size_t>(ops[i].node)];
      for (const int32_t value : node.inputs) read(value, node_op.size());
      for (const int32_t value : node.outputs) {
        if (value >= 0)
          maker[static_cast<size_t>(value)] =
              static_cast<int64_t>(node_op.size());
      }
      node_op.push_back(static_cast<int64_t>(i));
    }
    for (const int32_t value : program_.outputs) {
      read(value, node_op.size());
      add_port(value);
    }
    json_.Member("node_op", node_op);
    json_.Member("ports", ports);
    json_.Key("graph");
    aneref::WriteGraph(node_op.size(), edges, &json_);
  }

  size_t Number(const Reason& reason) {
    const std::string key = reason.rule + "|" + reason.text + "|" +
                            reason.actual + "|" + reason.fix + "|" +
                            reason.provenance;
    const auto [entry, inserted] = numbers_.emplace(key, reasons_.size());
    if (inserted) reasons_.push_back(reason);
    return entry->second;
  }

  void WriteOp(const Report& report, const ReportOp& op) {
    json_.BeginArray();
    json_.Value(static_cast<int>(op.where));
    json_.Value(op.task);
    json_.Value(std::round(op.predicted_us * 100) / 100);
    json_.Value(op.passes);
    json_.Value(op.cores);
    json_.Value(op.tiles);
    json_.Value(op.working_set_bytes);
    json_.Value(op.backend);
    json_.Value(op.folded_into);
    json_.BeginArray();
    for (const Reason& reason : op.reasons) json_.Value(Number(reason));
    json_.EndArray();
    json_.Value(op.bound);
    WriteGrid(report, op);
    json_.EndArray();
  }

  // How the op's task is cut; empty: not on the engine, or no plan.
  void WriteGrid(const Report& report, const ReportOp& op) {
    json_.BeginArray();
    if (report.plan && op.task >= 0 && op.where == Where::kEngine) {
      const WorkGrid& grid =
          report.plan->tasks[static_cast<size_t>(op.task)].grid;
      for (const int64_t value :
           {grid.rows, grid.columns, grid.tile_rows, grid.patch_columns,
            grid.channels, grid.channels_per_core, grid.cores})
        json_.Value(value);
    }
    json_.EndArray();
  }

  // Pictures of the plan; left out for large matrices of chips, where nobody
  // looks at them and they would make the page heavy.
  void WritePictures(const Report& report) {
    json_.Key("pics");
    json_.BeginArray();
    const auto chip = ChipTable::Embedded().Find(report.target);
    if (report.plan && with_pictures_) {
      if (chip.ok()) json_.Value(RooflinePicture(*report.plan, **chip));
      json_.Value(ChipMemoryPicture(*report.plan));
      json_.Value(ArenaPicture(*report.plan));
    }
    json_.EndArray();
  }

  void WriteSummary(const Report& report) {
    const auto& compiler = report.placement.compiler;
    json_.Key("sum");
    json_.BeginObject();
    json_.Member("ane", report.num_engine);
    json_.Member("folded", report.num_folded);
    json_.Member("cpu", report.num_cpu);
    json_.Member("segments", compiler.segments.size());
    json_.Member("crossings", compiler.crossings);
    json_.Member("moved", compiler.bytes_moved);
    json_.Member("placed", report.segmenter_ops);
    json_.Member("live", report.placement.ops.size());
    json_.Member("segms", report.placement.segmenter_ms);
    json_.Member("hostms", report.placement.host_ms);
    json_.EndObject();
  }

  void WriteChip(const Report& report) {
    json_.BeginObject();
    json_.Member("target", report.target);
    json_.Member("label", report.label);
    json_.Member("arch", report.arch);
    json_.Key("us");
    report.plan ? json_.Value(report.plan->totals.predicted_us) : json_.Null();
    json_.Member("bound", report.plan
                              ? engine::BoundName(report.plan->totals.bound)
                              : "");
    json_.Member("problem", report.plan_problem);
    WriteSummary(report);
    json_.Key("ops");
    json_.BeginArray();
    for (const ReportOp& op : report.ops) WriteOp(report, op);
    json_.EndArray();
    WritePictures(report);
    json_.Key("net");
    json_.BeginArray();
    for (const Reason& reason : report.placement.network)
      json_.Value(Number(reason));
    json_.EndArray();
    json_.Key("advice");
    json_.BeginArray();
    for (const Advice& advice : report.advice) WriteAdvice(report, advice);
    json_.EndArray();
    json_.EndObject();
  }

  // The card shows the reason of the first op.
  void WriteAdvice(const Report& report, const Advice& advice) {
    for (const Reason& reason : report.ops[advice.ops[0]].reasons) {
      if (reason.rule != advice.rule || reason.text != advice.text) continue;
      json_.BeginObject();
      json_.Member("r", Number(reason));
      json_.Member("ops", advice.ops);
      json_.Member("saved", advice.crossings_saved);
      json_.EndObject();
      return;
    }
  }

  void WriteChips() {
    json_.Key("chips");
    json_.BeginArray();
    for (const Report& report : reports_) WriteChip(report);
    json_.EndArray();
  }

  void WriteReasons() {
    json_.Key("reasons");
    json_.BeginArray();
    for (const Reason& reason : reasons_) {
      json_.BeginObject();
      json_.Member("rule", reason.rule);
      json_.Member("sev", SeverityName(reason.severity));
      json_.Member("layer", LayerName(reason.layer));
      json_.Member("text", reason.text);
      json_.Member("actual", reason.actual);
      json_.Member("allowed", reason.allowed);
      json_.Member("prov", reason.provenance);
      json_.Member("fix", reason.fix);
      json_.EndObject();
    }
    json_.EndArray();
  }

  const Titles& titles_;
  const Program& program_;
  const std::vector<Report>& reports_;
  JsonWriter json_{0};
  std::map<std::string, size_t> numbers_;
  std::vector<Reason> reasons_;
  const bool with_pictures_ = reports_.size() <= 4;
};

}  // namespace

std::string ReportPage(const Titles& titles, const Program& program,
                       const std::vector<Report>& reports) {
  if (reports.empty()) return "";
  std::string script = "const DATA = ";
  script += ScriptJson(PageData(titles, program, reports).Run());
  script += ";\n";
  script += kGraphScript;
  script += kPageScript;
  return PageHead(titles.model,
                  std::string(kGraphStyle) + std::string(kPageStyle)) +
         std::string(kPageBody) + PageFoot(script);
}

}  // namespace aneref::explain
