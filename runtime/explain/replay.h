// Runs a network node by node so that every value can be looked at and replaced
// on the way: each op is evaluated on given operands, under any numerics. Same
// nodes, kernels and bits as a session.
#ifndef ANEREF_RUNTIME_EXPLAIN_REPLAY_H_
#define ANEREF_RUNTIME_EXPLAIN_REPLAY_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/device.h"
#include "runtime/exec/interpreter.h"
#include "runtime/graph/net.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// Whose arithmetic an evaluation follows.
struct Arithmetic {
  Numerics numerics = Numerics::kPortable;
  std::shared_ptr<const DeviceContext> device;  // for kDevice
};

// Evaluates single nodes. Borrows the net (bodies of loops are its graphs).
class NodeEvaluator {
 public:
  NodeEvaluator(const Net& net, int threads) : net_(net), threads_(threads) {}
  // Operands may come from an evaluation under other numerics: they are
  // converted (constants from what the file stores). Undefined ones are absent.
  Expected<HostValues> Evaluate(const fbs::Node& node, const HostValues& in,
                                const Arithmetic& arithmetic);

 private:
  const Net& net_;
  int threads_;
  std::map<std::pair<Numerics, const DeviceContext*>,
           std::unique_ptr<Interpreter>>
      interpreters_;
};

// The value in the type in memory that the numerics have for it.
Expected<HostValue> ConvertValue(const HostValue& value, Numerics numerics);

struct ReplayOptions {
  Arithmetic arithmetic;
  std::map<std::string, Shape> input_shapes;
  uint64_t max_memory = 0;  // of specialisation; 0: no limit
  int threads = 1;
};

class Replay {
 public:
  struct Step {
    const fbs::Node* node = nullptr;
    std::vector<int32_t> inputs;  // value indices, -1 absent
    std::vector<int32_t> outputs;
  };

  // Errors as Session::Create.
  static Expected<std::unique_ptr<Replay>> Create(
      std::shared_ptr<const Net> net, const ReplayOptions& options);

  const std::vector<Step>& steps() const { return steps_; }
  // Null where shapes depend on values; else its nodes are the steps.
  const Program* program() const {
    return program_.nodes.size() == steps_.size() ? &program_ : nullptr;
  }
  const std::string& ValueName(int32_t value) const {
    return names_[static_cast<size_t>(value)];
  }
  const std::vector<int32_t>& inputs() const { return inputs_; }
  const std::vector<int32_t>& outputs() const { return outputs_; }
  // Whether the value goes into or comes out of a state (F14).
  bool IsState(int32_t value) const;
  // Number of values of the graph.
  size_t num_values() const { return names_.size(); }
  // After Run, or of a constant; undefined before.
  const HostValue& value(int32_t index) const {
    return values_[static_cast<size_t>(index)];
  }
  NodeEvaluator& evaluator() { return evaluator_; }
  const Arithmetic& arithmetic() const { return options_.arithmetic; }

  // `dense` has the input's shape. Floats convert as a session's inputs do.
  Status SetInput(size_t index, const TensorView& dense);

  // Chooses a step's arithmetic; absent: the options' for all.
  std::function<const Arithmetic&(size_t step)> choose;
  // Called after each step; may replace results before others read them.
  using Visitor =
      std::function<Status(size_t step, const HostValues& in, HostValues* out)>;
  Status Run(const Visitor& visit);

 private:
  Replay(std::shared_ptr<const Net> net, const ReplayOptions& options)
      : net_(std::move(net)),
        options_(options),
        evaluator_(*net_, options.threads) {}
  Status UseProgram();
  Status UseGraph();

  std::shared_ptr<const Net> net_;
  ReplayOptions options_;
  NodeEvaluator evaluator_;
  Program program_;  // keeps folded values alive
  std::vector<Step> steps_;
  std::vector<std::string> names_;
  std::vector<int32_t> inputs_, outputs_;
  std::vector<TensorType> input_types_;
  HostValues values_;
};

// What a node is called: its name, else its first output's.
std::string StepName(const Replay& replay, size_t step);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_REPLAY_H_
