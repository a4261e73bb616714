// Runs a graph node by node, each with the shapes of the values at hand: for
// networks whose shapes depend on data (non-zero, loops, branches), which have
// no static plan. Same kernels and the same bits as a planned run of the same
// nodes.
#ifndef ANEREF_RUNTIME_EXEC_INTERPRETER_H_
#define ANEREF_RUNTIME_EXEC_INTERPRETER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/device.h"
#include "runtime/exec/executor.h"
#include "runtime/exec/run_hooks.h"
#include "runtime/graph/net.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// A value of the run. Immutable once made; copies share the memory.
struct HostValue {
  TensorType declared;
  TensorView view;   // a surface of the type in memory
  TensorView known;  // the same elements, dense (constants: as stored)
  std::shared_ptr<void> owner;  // of the surface
  std::shared_ptr<void> known_owner;
  bool defined = false;
};

struct InterpreterOptions {
  Numerics numerics = Numerics::kPortable;
  bool scalar = false;      // the scalar kernels
  bool reference = false;   // the ops' references
  uint64_t max_memory = 0;  // bytes of values alive at once; 0: no limit
  std::shared_ptr<const DeviceContext> device;  // kDevice: whose arithmetic
  ParallelFor parallel;                         // whose threads
  BlockSource source;                           // of scratch
};

// Called after each node of the main graph for each named value.
using ValueVisitor =
    std::function<Status(const std::string& name, const HostValue& value)>;

// A surface holding `dense`, converted to the type in memory.
Expected<HostValue> MakeHostValue(const TensorType& declared,
                                  const TensorView& dense, Numerics numerics);

// A surface holding a constant as it is stored, which lowerings read, too.
Expected<HostValue> MakeConstantValue(const TensorType& declared,
                                      const TensorView& known,
                                      std::shared_ptr<void> owner,
                                      Numerics numerics);

// Borrows the net.
class Interpreter {
 public:
  Interpreter(const Net& net, const InterpreterOptions& options, int threads);
  ~Interpreter();

  // `inputs` in the order of the main graph's ports. Gives its outputs.
  // `hooks` may be null; ops are those of the main graph.
  Expected<std::vector<HostValue>> Run(const std::vector<HostValue>& inputs,
                                       const ValueVisitor& visit,
                                       RunHooks* hooks = nullptr);

  // One node on given operands; undefined ones are absent.
  Expected<std::vector<HostValue>> RunNode(const fbs::Node& node,
                                           std::vector<HostValue> inputs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_INTERPRETER_H_
