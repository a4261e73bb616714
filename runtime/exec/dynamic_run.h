// A session whose shapes depend on data: the interpreter with its inputs and
// outputs (P21). static_run.h does networks with settled shapes.
#ifndef ANEREF_RUNTIME_EXEC_DYNAMIC_RUN_H_
#define ANEREF_RUNTIME_EXEC_DYNAMIC_RUN_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/exec/interpreter.h"
#include "runtime/exec/session.h"

namespace aneref {

class DynamicRun {
 public:
  // `resources.threads` is at least 1. Borrows the net.
  static Expected<std::unique_ptr<DynamicRun>> Create(
      const Net& net, const SessionOptions& options,
      const SessionResources& resources);

  // The graph's values as far as they are known before a run: names, types of
  // inputs, element types of all.
  const std::vector<ProgramValue>& values() const { return values_; }

  Status SetInput(size_t index, const TensorView& value);
  // kInvalidArgument names an input that was not set.
  Status Run(RunHooks* hooks);
  const TensorView& Output(size_t index) const { return outputs_[index].view; }
  const TensorView& Input(size_t index) const { return inputs_[index].view; }
  const Interpreter& interpreter() const { return *interpreter_; }
  void EnableProfile(bool on) { interpreter_->EnableProfile(on); }
  size_t num_outputs() const { return outputs_.size(); }
  // Named values of the last run; needs keep_intermediates.
  const std::vector<std::pair<std::string, HostValue>>& kept() const {
    return kept_;
  }

 private:
  explicit DynamicRun(const SessionOptions& options) : options_(options) {}
  Status Build(const Net& net, const SessionResources& resources);

  SessionOptions options_;
  std::unique_ptr<Interpreter> interpreter_;
  std::vector<ProgramValue> values_;
  std::vector<std::string> input_names_;
  std::vector<TensorType> declared_;  // of the inputs
  std::vector<HostValue> inputs_, outputs_;
  std::vector<std::pair<std::string, HostValue>> kept_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_DYNAMIC_RUN_H_
