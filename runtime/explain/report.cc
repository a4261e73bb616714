// Joins placement and plan into one report, and ranks what to change.
#include "runtime/explain/report.h"

#include <algorithm>
#include <set>

#include "ops/registry.h"
#include "runtime/plan/host_nodes.h"

namespace aneref::explain {
namespace {

using placement::OpPlacement;
using placement::Reason;
using placement::Severity;

class Reporter {
 public:
  Reporter(const Net& net, const Program& program, const Chip& chip,
           const ReportOptions& options)
      : net_(net), program_(program), chip_(chip), options_(options) {}

  Expected<Report> Run() {
    ANEREF_ASSIGN(placement::PlacementChip chip,
                  placement::ReadPlacementChip(chip_));
    report_.target = chip_.name;
    report_.label = chip_.label;
    report_.arch = chip.arch;
    report_.route = options_.rules.route;
    report_.segmenter_kind = options_.segmenter;
    report_.placement = placement::PlaceNetwork(
        net_, program_, chip, {options_.rules, options_.segmenter});
    ANEREF_TRY(MakePlan());
    ListOps();
    JoinPlan();
    Count();
    Advise();
    return std::move(report_);
  }

 private:
  Status MakePlan() {
    const bool open = std::any_of(report_.placement.facts.begin(),
                                  report_.placement.facts.end(),
                                  [](const placement::OpFacts& facts) {
                                    return facts.has_dynamic_shape;
                                  });
    if (open) {
      report_.plan_problem = "shapes that are not known before the run";
      return Status();
    }
    PlanOptions request;
    request.chip = &chip_;
    request.engine_options = options_.engine_options;
    request.on_host = HostNodesOf(report_.placement);
    Expected<Plan> plan = BuildPlan(net_, program_, request);
    if (plan.ok()) {
      report_.plan = std::move(plan).value();
      return Status();
    }
    if (plan.status().code() == StatusCode::kInvalidArgument)
      return plan.status();
    report_.plan_problem = plan.status().message();
    return Status();
  }

  // The program's nodes, and between them those that were known before.
  void ListOps() {
    std::map<const fbs::Node*, int32_t> index;
    for (size_t i = 0; i < program_.nodes.size(); ++i)
      index[program_.nodes[i].node] = static_cast<int32_t>(i);
    of_node_.assign(program_.nodes.size(), 0);
    if (net_.main_graph().nodes() == nullptr) return;
    for (const fbs::Node* node : *net_.main_graph().nodes()) {
      ReportOp op;
      op.name = node->name() == nullptr ? "" : node->name()->str();
      op.op = OpName(*node);
      const auto found = index.find(node);
      if (found == index.end()) {
        op.where = Where::kFolded;
        op.folded_into = "constant";
      } else {
        op.node = found->second;
        Describe(static_cast<size_t>(op.node), &op);
        of_node_[static_cast<size_t>(op.node)] = report_.ops.size();
      }
      report_.ops.push_back(std::move(op));
    }
  }

  void Describe(size_t node, ReportOp* op) {
    const OpPlacement& placed = report_.placement.ops[node];
    op->row = report_.placement.facts[node].op;
    op->reasons = placed.reasons;
    op->where = placed.accepted ? Where::kEngine : Where::kCpu;
    if (node < report_.placement.backends.size())
      op->backend = report_.placement.backends[node];
    for (const int32_t output : program_.nodes[node].outputs) {
      if (output < 0) continue;
      const ProgramValue& value = program_.values[static_cast<size_t>(output)];
      if (op->name.empty()) op->name = value.name;
      op->shape = value.defined ? value.declared.ToString() : "unknown";
      break;
    }
  }

  void JoinPlan() {
    if (!report_.plan.has_value()) return;
    for (size_t t = 0; t < report_.plan->tasks.size(); ++t) {
      const PlanTask& task = report_.plan->tasks[t];
      for (const LayerNode& part : task.nodes) {
        ReportOp& op = report_.ops[of_node_[static_cast<size_t>(part.node)]];
        op.task = static_cast<int32_t>(t);
        if (part.node == task.main) {
          Cost(task, &op);
        } else if (op.where == Where::kEngine) {
          op.where = Where::kFolded;
          op.folded_into =
              report_.ops[of_node_[static_cast<size_t>(task.main)]].name;
        }
      }
    }
  }

  static void Cost(const PlanTask& task, ReportOp* op) {
    op->working_set_bytes = task.working_set_bytes;
    if (!task.on_engine) return;
    op->predicted_us = task.predicted_us;
    op->bound = engine::BoundName(task.bound);
    op->tiles = task.grid.Tiles();
    if (!task.mac.has_value()) return;
    op->passes = task.mac->passes;
    op->cores = task.mac->cores;
  }

  void Count() {
    for (const ReportOp& op : report_.ops) {
      report_.num_engine += op.where == Where::kEngine ? 1 : 0;
      report_.num_folded += op.where == Where::kFolded ? 1 : 0;
      report_.num_cpu += op.where == Where::kCpu ? 1 : 0;
    }
    for (const uint8_t on_engine : report_.placement.segmenter.on_engine)
      report_.segmenter_ops += on_engine;
  }

  // One advice per rule, kind of op and fix; worst first: refusals by the
  // crossings they cost, then by ops, then the rest.
  void Advise() {
    std::map<std::string, size_t> seen;
    for (size_t i = 0; i < report_.ops.size(); ++i) {
      for (const Reason& reason : report_.ops[i].reasons) {
        const std::string key =
            std::string(SeverityName(reason.severity)) + "|" + reason.rule +
            "|" + report_.ops[i].row + "|" +
            (reason.severity == Severity::kReject ? reason.fix : "");
        const auto [entry, inserted] = seen.emplace(key, report_.advice.size());
        if (inserted) {
          report_.advice.push_back({reason.rule,
                                    reason.severity,
                                    reason.text,
                                    reason.actual,
                                    reason.allowed,
                                    reason.fix,
                                    reason.provenance,
                                    {},
                                    0});
        }
        std::vector<size_t>& ops = report_.advice[entry->second].ops;
        if (ops.empty() || ops.back() != i) ops.push_back(i);
      }
    }
    for (Advice& advice : report_.advice) {
      if (advice.severity == Severity::kReject)
        advice.crossings_saved = CrossingsSaved(advice);
    }
    std::stable_sort(report_.advice.begin(), report_.advice.end(),
                     [](const Advice& a, const Advice& b) {
                       if (a.severity != b.severity)
                         return a.severity < b.severity;
                       if (a.crossings_saved != b.crossings_saved)
                         return a.crossings_saved > b.crossings_saved;
                       return a.ops.size() > b.ops.size();
                     });
  }

  // Crossings that vanish when these ops are accepted, other reasons aside.
  int64_t CrossingsSaved(const Advice& advice) const {
    std::vector<uint8_t> on_engine = report_.placement.compiler.on_engine;
    for (const size_t i : advice.ops) {
      const ReportOp& op = report_.ops[i];
      const auto others = std::count_if(
          op.reasons.begin(), op.reasons.end(), [&](const Reason& reason) {
            return reason.severity == Severity::kReject &&
                   reason.rule != advice.rule;
          });
      if (op.node >= 0 && others == 0)
        on_engine[static_cast<size_t>(op.node)] = 1;
    }
    int64_t crossings = 0;
    for (size_t i = 1; i < on_engine.size(); ++i)
      crossings += on_engine[i] != on_engine[i - 1] ? 1 : 0;
    return report_.placement.compiler.crossings - crossings;
  }

  const Net& net_;
  const Program& program_;
  const Chip& chip_;
  const ReportOptions& options_;
  std::vector<size_t> of_node_;  // op of each program node
  Report report_;
};

}  // namespace

const char* WhereName(Where where) {
  constexpr const char* kNames[] = {"ane", "folded", "cpu"};
  return kNames[static_cast<int>(where)];
}

Expected<Report> MakeReport(const Net& net, const Program& program,
                            const Chip& chip, const ReportOptions& options) {
  return Reporter(net, program, chip, options).Run();
}

}  // namespace aneref::explain
