// See specialize.h.
#include "runtime/plan/specialize.h"

#include <algorithm>

#include "runtime/graph/engine_constants.h"
#include "runtime/graph/evaluate.h"
#include "runtime/graph/evaluation_work.h"
#include "runtime/graph/limits.h"
#include "runtime/graph/text.h"

namespace aneref {
namespace {

// The largest value that folding keeps when no limit is asked for: far above
// any weight, far below exhaustion.
constexpr uint64_t kDefaultFoldLimit = uint64_t{8} << 30;
// The work of all folding together (EvaluationWork), a second or two. What is
// beyond it runs with the network. A count, not a clock: the same net folds the
// same nodes everywhere.
constexpr double kFoldWork = 0x1p28;

class Specializer {
 public:
  Specializer(const Net& net, const SpecializeOptions& options)
      : net_(net), graph_(net.main_graph()), options_(options) {
    fold_budget_ =
        options.max_memory == 0 ? kDefaultFoldLimit : options.max_memory;
  }

  Expected<std::vector<TensorType>> InputTypes() {
    program_.values.resize(graph_.tensors() ? graph_.tensors()->size() : 0);
    ANEREF_TRY(BindInputs());
    std::vector<TensorType> types;
    for (int32_t index : program_.inputs) {
      types.push_back(program_.values[static_cast<size_t>(index)].declared);
    }
    return types;
  }

  Expected<Program> Run() {
    ANEREF_TRY(MakeValues());
    ANEREF_TRY(BindInputs());
    if (graph_.nodes() != nullptr) {
      for (const fbs::Node* node : *graph_.nodes()) ANEREF_TRY(Visit(*node));
    }
    if (graph_.outputs() != nullptr) {
      for (const fbs::Port* port : *graph_.outputs())
        program_.outputs.push_back(port->tensor());
    }
    DropUnneeded();
    return std::move(program_);
  }

 private:
  Status MakeValues() {
    const unsigned count = graph_.tensors() ? graph_.tensors()->size() : 0;
    program_.values.resize(count);
    for (unsigned i = 0; i < count; ++i) {
      const fbs::Tensor& tensor = *graph_.tensors()->Get(i);
      ProgramValue& value = program_.values[i];
      value.name = Text(tensor.name());
      if (tensor.constant() < 0) continue;
      std::shared_ptr<void> owner;
      const bool may_round = options_.numerics != Numerics::kFp32;
      ANEREF_ASSIGN(const TensorView view,
                    options_.numerics == Numerics::kDevice
                        ? EngineConstantValue(net_, tensor, &owner, may_round)
                        : net_.ConstantValue(tensor, &owner, may_round));
      ANEREF_TRY(
          Define(i, {static_cast<DataType>(tensor.dtype()), view.shape}));
      value.known = view;
      value.is_known = true;
      value.owner = std::move(owner);
    }
    return Status();
  }

  Status Define(size_t index, const TensorType& declared) {
    ProgramValue& value = program_.values[index];
    value.declared = declared;
    value.memory = {MemoryType(declared.dtype, options_.numerics),
                    declared.shape};
    value.defined = true;
    return Status();
  }

  // Settles one extent of an input; named extents must agree between inputs.
  Status BindExtent(const std::string& input, const std::string& symbol,
                    int64_t declared, int64_t given, size_t axis) {
    if (declared >= 0 && declared != given) {
      return InvalidArgument("input '" + input + "': extent " +
                             std::to_string(axis) + " must be " +
                             std::to_string(declared) + ", not " +
                             std::to_string(given));
    }
    if (symbol.empty() || declared >= 0) return Status();
    const auto [known, inserted] = symbols_.emplace(symbol, given);
    if (!inserted && known->second != given) {
      return InvalidArgument("input '" + input + "': extent " +
                             std::to_string(axis) + " ('" + symbol + "') is " +
                             std::to_string(given) + " but " +
                             std::to_string(known->second) + " elsewhere");
    }
    return Status();
  }

  Status BindInput(const fbs::Port& port) {
    const int32_t index = port.tensor();
    const fbs::Tensor& tensor =
        *graph_.tensors()->Get(static_cast<unsigned>(index));
    const std::string name = Text(tensor.name());
    const size_t rank = tensor.shape() ? tensor.shape()->size() : 0;
    const auto given = options_.input_shapes.find(name);
    if (given != options_.input_shapes.end() && given->second.rank() != rank) {
      return InvalidArgument("input '" + name + "': rank must be " +
                             std::to_string(rank) + ", not " +
                             std::to_string(given->second.rank()) + " (" +
                             given->second.ToString() + ")");
    }
    std::vector<int64_t> dims;
    for (unsigned axis = 0; axis < rank; ++axis) {
      const int64_t declared = tensor.shape()->Get(axis);
      const std::string symbol = tensor.shape_names()
                                     ? Text(tensor.shape_names()->Get(axis))
                                     : std::string();
      int64_t extent = declared;
      if (given != options_.input_shapes.end()) extent = given->second[axis];
      if (extent < 0 && symbols_.count(symbol) != 0)
        extent = symbols_.at(symbol);
      if (extent < 0 && options_.keep_open) {
        program_.inputs.push_back(index);
        return Status();
      }
      if (extent < 0) {
        return InvalidArgument(
            "input '" + name + "': extent " + std::to_string(axis) +
            (symbol.empty() ? "" : " ('" + symbol + "')") +
            " is dynamic; give the input or --shape " + name + "=...");
      }
      ANEREF_TRY(BindExtent(name, symbol, declared, extent, axis));
      dims.push_back(extent);
    }
    ANEREF_ASSIGN(const Shape shape, MakeShape(dims));
    ANEREF_TRY(CheckLimits(port, shape).WithContext("input '" + name + "'"));
    program_.inputs.push_back(index);
    return Define(static_cast<size_t>(index),
                  {static_cast<DataType>(tensor.dtype()), shape});
  }

  Status BindInputs() {
    for (const auto& [name, shape] : options_.input_shapes) {
      if (!IsInput(name))
        return InvalidArgument("there is no input '" + name + "'");
    }
    if (graph_.inputs() == nullptr) return Status();
    // Given shapes first, so that their named extents can settle the inputs
    // without one.
    std::vector<const fbs::Port*> order(graph_.inputs()->begin(),
                                        graph_.inputs()->end());
    std::stable_partition(order.begin(), order.end(), [&](const auto* port) {
      const fbs::Tensor& tensor =
          *graph_.tensors()->Get(static_cast<unsigned>(port->tensor()));
      return options_.input_shapes.count(Text(tensor.name())) != 0;
    });
    for (const fbs::Port* port : order) ANEREF_TRY(BindInput(*port));
    program_.inputs.clear();
    for (const fbs::Port* port : *graph_.inputs())
      program_.inputs.push_back(port->tensor());
    return Status();
  }

  bool IsInput(const std::string& name) const {
    if (graph_.inputs() == nullptr) return false;
    return std::any_of(
        graph_.inputs()->begin(), graph_.inputs()->end(),
        [&](const fbs::Port* port) {
          return Text(graph_.tensors()
                          ->Get(static_cast<unsigned>(port->tensor()))
                          ->name()) == name;
        });
  }

  // A node whose value is settled before the run: all inputs are known and the
  // work is bounded, or it only asks for a shape.
  bool CanFold(const fbs::Node& node, const std::vector<OpView::Input>& inputs,
               const std::vector<TensorType>& outputs) {
    if (node.op_type() == fbs::Op::Generate) {
      const auto kind = static_cast<const fbs::Generate*>(node.op())->kind();
      if (kind == fbs::GenerateKind::shape || kind == fbs::GenerateKind::size)
        return true;
    }
    for (const OpView::Input& input : inputs) {
      if (input.present && input.known.data == nullptr &&
          input.type.shape.NumElements() != 0)
        return false;
    }
    const double work = EvaluationWork(node, inputs, outputs);
    if (work > fold_work_) return false;
    fold_work_ -= work;
    return true;
  }

  // keep_open: an operand has no type, or the types need data.
  bool StaysOpen(const ProgramNode& step,
                 const std::vector<OpView::Input>& inputs) const {
    for (const int32_t input : step.inputs) {
      if (input >= 0 && !program_.values[static_cast<size_t>(input)].defined)
        return true;
    }
    return !InferNode(*step.node, inputs).ok();
  }

  Status Visit(const fbs::Node& node) {
    ProgramNode step{&node, {}, {}};
    if (node.inputs() != nullptr)
      step.inputs.assign(node.inputs()->begin(), node.inputs()->end());
    step.outputs.assign(node.outputs()->begin(), node.outputs()->end());
    const std::vector<OpView::Input> inputs =
        OperandsOf(program_, step, /*in_memory=*/false);
    if (options_.keep_open && StaysOpen(step, inputs)) {
      program_.nodes.push_back(std::move(step));
      return Status();
    }
    ANEREF_ASSIGN(const std::vector<TensorType> types, InferNode(node, inputs));
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      if (step.outputs[i] >= 0)
        ANEREF_TRY(Define(static_cast<size_t>(step.outputs[i]), types[i]));
    }
    if (!CanFold(node, inputs, types)) {
      program_.nodes.push_back(std::move(step));
      return Status();
    }
    ANEREF_ASSIGN(std::vector<OwnedTensor> results,
                  EvaluateNode(node, inputs, fold_budget_));
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      if (step.outputs[i] < 0) continue;
      ProgramValue& value =
          program_.values[static_cast<size_t>(step.outputs[i])];
      fold_budget_ -=
          std::min<uint64_t>(fold_budget_, DenseBytes(results[i].type));
      value.known = results[i].View();
      value.is_known = true;
      value.owner = results[i].bytes;
    }
    return Status();
  }

  void DropUnneeded() {
    std::vector<bool> needed(program_.values.size(), false);
    for (int32_t output : program_.outputs)
      needed[static_cast<size_t>(output)] = true;
    std::vector<ProgramNode> kept;
    for (auto node = program_.nodes.rbegin(); node != program_.nodes.rend();
         ++node) {
      const bool used = std::any_of(
          node->outputs.begin(), node->outputs.end(), [&](int32_t value) {
            return value >= 0 && needed[static_cast<size_t>(value)];
          });
      if (!used) continue;
      for (int32_t value : node->inputs) {
        if (value >= 0) needed[static_cast<size_t>(value)] = true;
      }
      kept.push_back(std::move(*node));
    }
    std::reverse(kept.begin(), kept.end());
    program_.nodes = std::move(kept);
  }

  const Net& net_;
  const fbs::Graph& graph_;
  const SpecializeOptions& options_;
  uint64_t fold_budget_;
  double fold_work_ = kFoldWork;
  std::map<std::string, int64_t> symbols_;
  Program program_;
};

}  // namespace

DataType MemoryType(DataType declared, Numerics numerics) {
  return declared == DataType::kFloat16 && numerics == Numerics::kFp32
             ? DataType::kFloat32
             : declared;
}

std::vector<OpView::Input> OperandsOf(const Program& program,
                                      const ProgramNode& node, bool in_memory) {
  std::vector<OpView::Input> inputs(node.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (node.inputs[i] < 0) continue;
    const ProgramValue& value =
        program.values[static_cast<size_t>(node.inputs[i])];
    inputs[i].present = true;
    inputs[i].type = in_memory ? value.memory : value.declared;
    if (value.is_known) inputs[i].known = value.known;
  }
  return inputs;
}

Expected<Program> Specialize(const Net& net, const SpecializeOptions& options) {
  Expected<Program> program = Specializer(net, options).Run();
  if (!program.ok()) return program.status().WithContext(net.name());
  return program;
}

Expected<std::vector<TensorType>> BindInputTypes(
    const Net& net, const SpecializeOptions& options) {
  return Specializer(net, options).InputTypes();
}

}  // namespace aneref
