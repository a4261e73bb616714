// What the interpreter's two files share: interpreter.cc runs graphs and nodes,
// interpreter_control.cc loops, scans and branches.
#ifndef ANEREF_RUNTIME_EXEC_INTERPRETER_IMPL_H_
#define ANEREF_RUNTIME_EXEC_INTERPRETER_IMPL_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/exec/interpreter.h"

namespace aneref {

struct Interpreter::Impl {
  Impl(const Net& the_net, const InterpreterOptions& how, int num_threads)
      : net(the_net),
        options(how),
        threads(num_threads),
        memory(how.source, how.max_memory) {}

  // A run that executes more nodes than this does not end in a user's lifetime.
  static constexpr int64_t kMaxSteps = int64_t{1} << 24;

  // Operands where they live, so that a surface that one node makes of a
  // constant serves all. Null: absent.
  using Operands = std::vector<HostValue*>;

  // What stays the same in every run of a graph.
  struct GraphState {
    HostValues constants;     // per tensor; those that are none are undefined
    std::vector<bool> fixed;  // per tensor
    // Per node: tensors that nobody reads after it.
    std::vector<std::vector<size_t>> last_uses;
  };
  // One run of a graph.
  struct Frame {
    GraphState* state = nullptr;
    HostValues values;
    HostValue* At(int32_t index) {
      const auto i = static_cast<size_t>(index);
      return state->fixed[i] ? &state->constants[i] : &values[i];
    }
  };

  // An operand as lowering sees it that may not read values of a run.
  struct OperandKey {
    bool present = false;
    TensorType declared;
    DataType memory = DataType::kFloat16;
    const HostValue* constant = nullptr;
    bool operator==(const OperandKey&) const = default;
  };
  // A node's kernel calls for operands of certain types.
  struct LoweredNode {
    std::vector<OperandKey> key;
    std::vector<TensorType> declared, types;  // of the outputs
    std::vector<TaskSpec> tasks;
    std::vector<BoundTask> bound;
    std::vector<TensorType> temporaries;
    uint64_t packed_bytes = 0;
    bool usable = false;
    bool reads_values = false;  // it cannot be lowered without them
  };

  const Net& net;
  InterpreterOptions options;
  int threads;
  ValueMemory memory;
  std::unique_ptr<Executor> executor;
  size_t scratch_bytes = 0;
  int64_t steps = 0;
  ValueVisitor visit;
  RunHooks* hooks = nullptr;
  std::unordered_map<const fbs::Graph*, GraphState> graphs;
  // Of each node the last one: networks run again with the same shapes.
  std::unordered_map<const fbs::Node*, LoweredNode> lowered;
  bool profiling = false;
  std::vector<TaskProfile> profile;
  // Where a node's rows begin in it.
  std::unordered_map<const fbs::Node*, size_t> profiled;

  Expected<GraphState*> StateOf(const fbs::Graph& graph);
  Status LoadConstants(const fbs::Graph& graph, GraphState* state);
  Expected<HostValues> RunGraph(const fbs::Graph& graph,
                                const HostValues& inputs, bool main);
  Status RunNodes(const fbs::Graph& graph, bool main, Frame* frame);
  // Tells the hooks and the visitor of a node of the main graph.
  Status Report(const fbs::Graph& graph, unsigned index, double seconds,
                Frame* frame);
  Status RunNode(const fbs::Node& node, Frame* frame);
  // `keep`: what the node was lowered to serves later runs, too.
  Expected<HostValues> Evaluate(const fbs::Node& node, const Operands& in,
                                bool keep);
  // Null: the node reads values of the run.
  LoweredNode* FindLowered(const fbs::Node& node, const Operands& in);
  Status Lower(const fbs::Node& node,
               const std::vector<OpView::Input>& operands, const Operands& in,
               LoweredNode* out);
  Expected<HostValues> Compute(const fbs::Node& node, const Operands& in,
                               LoweredNode* how);
  Status RunTask(const TaskSpec& task, BoundTask* bound);
  // The node's first row of the profile.
  size_t ProfileOf(const fbs::Node& node, const LoweredNode& how);

  Expected<HostValues> RunControl(const fbs::Node& node, const Operands& in);
  Expected<HostValues> RunLoop(const fbs::Control& control,
                               const fbs::Graph& body, const HostValues& in,
                               size_t num_outputs);
  Expected<HostValues> RunScan(const fbs::Control& control,
                               const fbs::Graph& body, const HostValues& in,
                               size_t num_outputs);
  Expected<HostValue> Stack(const HostValues& parts, size_t axis, bool reverse,
                            const TensorType& empty) const;
  Expected<HostValue> Slice(const HostValue& value, size_t axis,
                            int64_t index) const;
  // Of a value that leaves its graph: a surface, and no constant of ours.
  Status Detach(HostValue* value) const;
  Expected<HostValue> MakeScalar(DataType type, int64_t number) const;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_INTERPRETER_IMPL_H_
