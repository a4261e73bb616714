// A network made ready to run with fixed shapes: specialise, lower, plan
// memory, prepack weights; then run.
#ifndef ANEREF_RUNTIME_EXEC_SESSION_H_
#define ANEREF_RUNTIME_EXEC_SESSION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/device.h"
#include "runtime/core/chip.h"
#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "runtime/exec/executor.h"
#include "runtime/graph/net.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// What computes: the ops' references, the plan with scalar kernels, the plan
// with Highway kernels. Same bits.
enum class Rung : uint8_t { kReference, kScalar, kSimd };

struct SessionOptions {
  Numerics numerics = Numerics::kPortable;
  std::shared_ptr<const DeviceContext> device;  // kDevice: whose arithmetic
  Rung rung = Rung::kSimd;
  int threads = 0;  // 0: all cores
  uint64_t max_memory =
      0;  // bytes for weights, arena and scratch together; 0: no limit
  bool keep_intermediates = false;  // no memory is reused, so that every tensor
                                    // can be read after a run
  // Extents for graph inputs by name; needed where the net leaves them dynamic.
  std::map<std::string, Shape> input_shapes;
  // Whose plan is run; null: the M1's. Another chip's tiles change no bit.
  const Chip* chip = nullptr;
  std::vector<std::string> engine_options;  // PlanOptions::engine_options
  // PlanOptions::on_host; of no effect on results.
  std::vector<uint8_t> on_host;
};

// What one kernel call of the last run did.
struct TaskProfile {
  std::string name;  // the node's source name
  std::string op;    // OpName of the node
  std::string kernel;
  TensorType output;  // of the node
  double flops = 0;
  double seconds = 0;
  int32_t node = -1;       // of the program; -1: no plan
  int32_t task = -1;       // of the plan
  bool on_engine = false;  // where the plan puts it
};

// One thread's share of one kernel call.
struct TraceEvent {
  int32_t call = 0;  // index into profile()
  PartTiming part;
};

struct PortInfo {
  std::string name;
  TensorType type;    // in memory
  DataType declared;  // as the source declares it
  fbs::ImageLayout image = fbs::ImageLayout::none;
  std::vector<std::string> labels;
};

// Serves one caller at a time. Borrows nothing: it shares ownership of the net.
class Session {
 public:
  static Expected<std::unique_ptr<Session>> Create(
      std::shared_ptr<const Net> net, const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::vector<PortInfo>& inputs() const;
  const std::vector<PortInfo>& outputs() const;

  // Writes input `index` from a dense or pitched view of the input's shape. Any
  // numeric type converts: floats round once to the tensor's type (N1),
  // integers must fit. kInvalidArgument: another shape, a value that does not
  // fit.
  Status SetInput(size_t index, const TensorView& value);
  Status Run();

  // Values that outlive a run (F14): zero at first, replaced by each Run. They
  // are neither inputs nor outputs.
  const std::vector<PortInfo>& states() const;
  TensorView State(size_t index) const;
  // As SetInput.
  Status SetState(size_t index, const TensorView& value);
  Status ResetStates();

  // Valid until the next Run; the view's dtype is the type in memory.
  TensorView Output(size_t index) const;

  // Every named value of the last run in execution order (outputs and
  // intermediates; constants are left out); needs keep_intermediates.
  Status ForEachValue(
      const std::function<Status(const std::string& name,
                                 const TensorView& value)>& visit) const;

  void EnableProfile(bool on);
  const std::vector<TaskProfile>& profile() const;
  // Records when each thread ran what; only with a plan.
  void EnableTrace(bool on);
  const std::vector<TraceEvent>& trace() const;  // of the last run

  // What is run; null for networks whose shapes depend on data (P21).
  const Plan* plan() const;
  const Program* program() const;
  uint64_t arena_bytes() const;
  uint64_t weight_bytes() const;  // prepacked and converted constants
  int threads() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_SESSION_H_
