// Rules about inputs and the whole network: V02, V05, V08, V14, V92, V93, V95
// and V97. The depth of the graph (E5) is the plan's to judge.
#include <algorithm>
#include <map>
#include <set>

#include "runtime/plan/engine/surfaces.h"
#include "runtime/plan/placement/network.h"
#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

class NetworkCheck {
 public:
  NetworkCheck(const Net& net, const Program& program,
               const std::vector<OpFacts>& facts, const PlacementChip& chip,
               const PlacementOptions& options)
      : net_(net),
        program_(program),
        facts_(facts),
        chip_(chip),
        options_(options) {}

  std::vector<Reason> Run() {
    CheckInputs();
    CheckOpenShapes();
    CheckNames();
    CheckSize();
    CheckBranches();
    CheckSurfaces();
    CheckRows();
    return std::move(reasons_);
  }

 private:
  const ProgramValue& Value(int32_t index) const {
    return program_.values[static_cast<size_t>(index)];
  }

  void Warn(const char* rule, const char* measured, const char* label,
            Finding finding) {
    const PlacementRule row = {rule,     Severity::kWarn, Layer::kPlacement,
                               measured, label,           nullptr};
    reasons_.push_back({rule, Severity::kWarn, Layer::kPlacement,
                        std::move(finding.text), std::move(finding.actual),
                        std::move(finding.allowed), ProvenanceText(row, chip_),
                        std::move(finding.fix)});
  }

  // V02, V08: each input is an op "input" to the tensor rules.
  void CheckInputs() {
    const auto* ports = net_.main_graph().inputs();
    for (unsigned i = 0; i < program_.inputs.size(); ++i) {
      const ProgramValue& value = Value(program_.inputs[i]);
      OpFacts input;
      input.op = "input";
      OperandFacts operand;
      operand.typed = value.defined;
      operand.dtype = value.declared.dtype;
      operand.shape = value.declared.shape;
      input.outputs = {operand};
      input.image = ports != nullptr && i < ports->size() &&
                    ports->Get(i)->image() != fbs::ImageLayout::none;
      for (Reason& reason : PlaceOp(input, chip_, options_).reasons) {
        reason.text = "input '" + value.name + "': " + reason.text;
        reasons_.push_back(std::move(reason));
      }
    }
  }

  void CheckOpenShapes() {
    const auto open = std::count_if(
        facts_.begin(), facts_.end(),
        [](const OpFacts& facts) { return facts.has_dynamic_shape; });
    if (open == 0) return;
    Warn("V05", "H13", "measured",
         {"extents of " + Text(open) +
              " ops are not known before the run: the engine runs constant "
              "shapes only",
          Text(open) + " ops", "constant shapes",
          "fix the input shapes: --shape NAME=..."});
  }

  // V14: the lowering makes identifiers of names.
  void CheckNames() {
    std::map<std::string, int> seen;
    for (const ProgramNode& node : program_.nodes) {
      if (node.node->name() == nullptr || node.node->name()->size() == 0)
        continue;
      std::string name = node.node->name()->str();
      for (char& c : name) {
        const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z');
        if (!word) c = '_';
      }
      if (++seen[name] != 2) continue;
      Warn("V14", "", "decompiled",
           {"two ops become '" + name + "': unit name collision", name,
            "unique names", "rename one (converters number them)"});
    }
  }

  // V97: the largest value is tiny.
  void CheckSize() {
    int64_t largest = 0;
    for (const ProgramValue& value : program_.values) {
      if (value.defined && !value.is_known)
        largest = std::max(largest, value.declared.shape.NumElements());
    }
    if (largest >= kFewElements || program_.nodes.empty() || largest == 0)
      return;
    Warn("V97", "", "community",
         {"networks of fewer than " + Text(kFewElements) +
              " elements are given to the CPU",
          Text(largest) + " elements", Text(kFewElements) + " or more",
          "batch the work"});
  }

  // V92: independent branches that join in one op.
  void CheckBranches() {
    for (size_t i = 0; i < program_.nodes.size(); ++i) {
      std::set<int32_t> branches;
      for (const int32_t input : program_.nodes[i].inputs) {
        if (input >= 0 && !Value(input).is_known) branches.insert(input);
      }
      const auto count = static_cast<int64_t>(branches.size());
      if (count < kManyBranches) continue;
      Warn("V92", "H13", "measured",
           {Text(count) + " branches join in " + facts_[i].op +
                ": compilation takes seconds",
            Text(count) + " branches", "up to " + Text(kManyBranches - 1),
            "join in two stages"});
      return;
    }
  }

  // V93: the raw surface route.
  void CheckSurfaces() {
    if (options_.route != Route::kDirect) return;
    for (const auto* ports : {&program_.inputs, &program_.outputs}) {
      std::set<int64_t> sizes;
      for (const int32_t index : *ports) {
        if (Value(index).defined)
          sizes.insert(Value(index).declared.shape.NumElements() * 2);
      }
      if (!sizes.empty() && engine::WarnsOfSmallSurface(*sizes.begin())) {
        Warn("V93", "", "community",
             {"surfaces below " + Text(engine::kMinSurfaceBytes) +
                  " bytes fail at evaluation on the raw route",
              Text(*sizes.begin()) + " bytes",
              Text(engine::kMinSurfaceBytes) + " or more",
              "allocate larger buffers"});
      }
      if (sizes.size() > 1) {
        Warn("V93", "", "community",
             {"all inputs (and all outputs) want equal allocations",
              std::to_string(sizes.size()) + " sizes", "one size",
              "allocate the largest for all"});
      }
    }
  }

  // V95: rows of the last axis are padded to 64 bytes (L15).
  void CheckRows() {
    int64_t padded = 0, dense = 0, tensors = 0;
    for (const ProgramNode& node : program_.nodes) {
      for (const int32_t output : node.outputs) {
        if (output < 0 || !Value(output).defined) continue;
        const Shape& shape = Value(output).declared.shape;
        const int64_t row = shape.back() * 2;
        if (row == 0 || row % 64 == 0) continue;
        ++tensors;
        dense += row * shape.NumRows();
        padded += (row + 63) / 64 * 64 * shape.NumRows();
      }
    }
    if (tensors == 0 || padded < dense * 2) return;
    Warn(
        "V95", "", "community",
        {Text(tensors) +
             " tensors have rows that are no multiple of 64 bytes and take " +
             Text(padded / std::max<int64_t>(dense, 1)) + " times their memory",
         Text(padded) + " bytes for " + Text(dense),
         "a last axis of 32 fp16 values or a multiple",
         "put the long axis last: [B, C, 1, S]"});
  }

  const Net& net_;
  const Program& program_;
  const std::vector<OpFacts>& facts_;
  const PlacementChip& chip_;
  const PlacementOptions& options_;
  std::vector<Reason> reasons_;
};

}  // namespace

std::vector<Reason> NetworkReasons(const Net& net, const Program& program,
                                   const std::vector<OpFacts>& facts,
                                   const PlacementChip& chip,
                                   const PlacementOptions& options) {
  return NetworkCheck(net, program, facts, chip, options).Run();
}

}  // namespace aneref::placement
