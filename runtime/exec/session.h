// A network made ready to run: PreparedNet is all that never changes (shapes,
// plan, packed weights), Session the memory and state of one run at a time.
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
#include "runtime/exec/run_hooks.h"
#include "runtime/exec/rung.h"
#include "runtime/exec/strided.h"
#include "runtime/exec/task_profile.h"
#include "runtime/graph/net.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/specialize.h"

namespace aneref {

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
  BlockSource source;  // of constants
};

// What one session of a prepared net may use.
struct SessionResources {
  int threads = 0;          // 0: all cores
  uint64_t max_memory = 0;  // bytes, shared constants included; 0: no limit
  BlockSource source;       // of tensors and scratch
  ParallelFor parallel;     // whose threads
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

// Immutable; may be shared between threads and by any number of sessions.
class PreparedNet {
 public:
  // Of the options, `threads` does not matter here.
  static Expected<std::shared_ptr<const PreparedNet>> Create(
      std::shared_ptr<const Net> net, const SessionOptions& options);
  ~PreparedNet();
  PreparedNet(const PreparedNet&) = delete;
  PreparedNet& operator=(const PreparedNet&) = delete;

  const Net& net() const;
  // As Session's; outputs whose shapes depend on data have none yet.
  const std::vector<PortInfo>& inputs() const;
  const std::vector<PortInfo>& outputs() const;
  const std::vector<PortInfo>& states() const;
  // Null for networks whose shapes depend on data (P21).
  const Plan* plan() const;
  const Program* program() const;
  uint64_t arena_bytes() const;  // of each session
  uint64_t constant_bytes() const;
  size_t scratch_bytes() const;  // of each thread of a session
  size_t num_ops() const;        // of one run

 private:
  friend class Session;
  struct Impl;
  explicit PreparedNet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Serves one caller at a time. Borrows nothing: it shares ownership of the net.
class Session {
 public:
  static Expected<std::unique_ptr<Session>> Create(
      std::shared_ptr<const Net> net, const SessionOptions& options);
  static Expected<std::unique_ptr<Session>> Create(
      std::shared_ptr<const PreparedNet> prepared,
      const SessionResources& resources);
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
  Status SetInput(size_t index, const StridedView& value);
  // `hooks` may be null. A run that fails leaves states as they were, and the
  // session may run again. Without data-dependent shapes it touches no heap.
  Status Run(RunHooks* hooks = nullptr);

  // From now on the port lies at `data`, a surface of its type (L10), 64-byte
  // aligned; null: back in the session's memory. False, and nothing has
  // changed: it cannot lie elsewhere.
  bool PlaceInput(size_t index, std::byte* data);
  bool PlaceOutput(size_t index, std::byte* data);
  // Where an input lies; null data: no output depends on it, or shapes depend
  // on data.
  TensorView InputSurface(size_t index) const;

  // Values that outlive a run (F14): zero at first, replaced by each Run. They
  // are neither inputs nor outputs.
  const std::vector<PortInfo>& states() const;
  TensorView State(size_t index) const;
  // As SetInput.
  Status SetState(size_t index, const TensorView& value);
  Status SetState(size_t index, const StridedView& value);
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
  uint64_t weight_bytes() const;  // prepacked and converted constants; those
                                  // whose shapes depend on data: so far
  int threads() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_SESSION_H_
