// Everything the house knows about an op family: OpDef, one per file
// ops/<family>.cc, listed in ops.def. Plain data and pure functions; no
// inheritance. A family keeps together what must agree: shapes, meaning,
// lowering.
#ifndef ANEREF_OPS_OP_H_
#define ANEREF_OPS_OP_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/kernels/kernel.h"
#include "runtime/core/status.h"
#include "runtime/core/tensor.h"
#include "schema/net_generated.h"

namespace aneref {

class DeviceContext;  // ops/device.h

// One node as a slice sees it.
// While inferring, input types are the declared ones and there are no output
// types. While lowering and evaluating, types are those in memory (P1: in fp32
// numerics a float16 tensor is stored as float32).
class OpView {
 public:
  struct Input {
    bool present = false;
    TensorType type;
    // The value, when it is known before the run (a constant, or folded from
    // shapes): dense, in the type it is stored in, which for floating types may
    // be wider than `type`. Null data otherwise.
    TensorView known;
  };

  OpView(const fbs::Node& node, std::span<const Input> inputs,
         std::span<const TensorType> outputs = {},
         const DeviceContext* device = nullptr)
      : node_(node), inputs_(inputs), outputs_(outputs), device_(device) {}

  const fbs::Node& node() const { return node_; }
  // Null unless the session computes in the engine's arithmetic (N rules).
  const DeviceContext* device() const { return device_; }
  template <class Table>  // e.g. op.attributes<fbs::Conv>()
  const Table& attributes() const {
    return *static_cast<const Table*>(node_.op());
  }

  std::span<const Input> inputs() const { return inputs_; }
  size_t num_inputs() const { return inputs_.size(); }
  bool HasInput(size_t i) const {
    return i < inputs_.size() && inputs_[i].present;
  }
  const TensorType& In(size_t i) const { return inputs_[i].type; }
  size_t num_outputs() const {
    return node_.outputs() ? node_.outputs()->size() : 0;
  }
  bool HasOutput(size_t i) const {
    return i < num_outputs() &&
           node_.outputs()->Get(static_cast<unsigned>(i)) >= 0;
  }
  const TensorType& Out(size_t i) const { return outputs_[i]; }

  bool IsKnown(size_t i) const {
    return HasInput(i) && (inputs_[i].known.data != nullptr ||
                           inputs_[i].type.shape.NumElements() == 0);
  }
  const TensorView& Known(size_t i) const { return inputs_[i].known; }
  // The known value of input i as int64 (integers, bool; floating values
  // truncate). kUnsupported when it is not known, kLimit over `max_elements`.
  Expected<std::vector<int64_t>> KnownInts(size_t i,
                                           size_t max_elements = 1 << 20) const;
  // The known value of input i as float; float16 stored values widen. Same
  // errors.
  Expected<std::vector<float>> KnownFloats(
      size_t i, size_t max_elements = SIZE_MAX) const;

 private:
  const fbs::Node& node_;
  std::span<const Input> inputs_;
  std::span<const TensorType> outputs_;
  const DeviceContext* device_;
};

// Operands of a reference evaluation: any row pitch; absent optional ones have
// null data.
struct RefTensors {
  std::span<const TensorView> in;
  std::span<const TensorView> out;
};

// Where a task's operand lives: the node's input or output by position, or a
// temporary of this lowering.
struct Operand {
  enum class Kind : uint8_t { kInput, kOutput, kTemporary, kAbsent };
  Kind kind = Kind::kAbsent;
  size_t index = 0;
};
inline Operand InputOperand(size_t i) { return {Operand::Kind::kInput, i}; }
inline Operand OutputOperand(size_t i) { return {Operand::Kind::kOutput, i}; }

// One pass of a kernel over whole operands. Tasks of a node run in order; the
// work units of one task run in parallel.
struct TaskSpec {
  const Kernel* kernel = nullptr;
  std::vector<Operand> in;
  std::vector<Operand> out;
  std::shared_ptr<const void>
      args;  // the kernel's struct, with prepacked weights where it has some
  int64_t num_units =
      1;  // from shapes and processor, never from the thread count
  size_t scratch_bytes = 0;  // per thread
  double flops =
      0;  // multiply-adds count twice; 0 for pure movement. Printed by bench
  // Output operand 0 may share its memory with input operand 0 (same type,
  // element by element).
  bool in_place = false;
};

// Where the plan of a chip cuts the output (E12, E24): rows of a tile, output
// channels of a pass. Kernels that can cut their work units at the same
// borders; no cut changes a bit. 0: anywhere.
struct CutHint {
  int64_t rows = 0;
  int64_t channels = 0;
};

// Collects the tasks of one node.
class TaskBuilder {
 public:
  explicit TaskBuilder(const CutHint& cut = {}, bool fast = false)
      : cut_(cut), fast_(fast) {}
  const CutHint& cut() const { return cut_; }
  // Kernels that round differently from the references may be chosen (P22).
  bool fast() const { return fast_; }

  void Add(TaskSpec task) { tasks_.push_back(std::move(task)); }
  Operand AddTemporary(const TensorType& type) {
    temporaries_.push_back(type);
    return {Operand::Kind::kTemporary, temporaries_.size() - 1};
  }
  std::vector<TaskSpec>& tasks() { return tasks_; }
  const std::vector<TensorType>& temporaries() const { return temporaries_; }

 private:
  CutHint cut_;
  bool fast_;
  std::vector<TaskSpec> tasks_;
  std::vector<TensorType> temporaries_;
};

struct OpDef {
  const char* name;     // equals the file name
  const char* summary;  // one sentence, printed into docs/ops.md
  // Types of all outputs. Pure; sees types, attributes and known values of
  // shape-like inputs only. Must check everything about a hostile node: the
  // number of inputs, ranks, extents, every attribute (F rules end at indices
  // and sizes). Result sizes must be bounded with MakeShape before they are
  // returned.
  Expected<std::vector<TensorType>> (*infer)(const OpView& op);
  // Emits kernel calls; LowerToReference where no kernel exists. Known inputs
  // that the args need (weights) are repacked here, from `stored` to the type
  // in memory (ConvertConstantToHalf, P12).
  Status (*lower)(const OpView& op, TaskBuilder* builder);
  // The meaning: scalar, in the written order of the P rules, one rounding at
  // the end. Rung 1, and the constant folder.
  Status (*reference)(const OpView& op, const RefTensors& tensors);
};

// One task that calls the family's reference: for ops without a kernel of their
// own. The node and the known values of `op` must outlive the task.
Status LowerToReference(const OpView& op,
                        Status (*reference)(const OpView&, const RefTensors&),
                        TaskBuilder* builder);

#define ANEREF_OP(table, family) extern const OpDef family##_op;
#include "ops/ops.def"
#undef ANEREF_OP

// ---- helpers for slices ----

// A FlatBuffers int vector as std::vector<int64_t>; empty when absent.
template <class T>
std::vector<int64_t> ToInts(const flatbuffers::Vector<T>* values) {
  std::vector<int64_t> result;
  if (values != nullptr) result.assign(values->begin(), values->end());
  return result;
}

// Checks the number of inputs (absent optional ones in between count) and that
// the first `required` are present.
Status CheckInputs(const OpView& op, size_t required, size_t most);

// All elements, row major, widened to float (fp16, fp32; float64 and integers
// convert).
std::vector<float> LoadFloats(const TensorView& view);
std::vector<int64_t> LoadInts(const TensorView& view);  // integers and bool
// Rounds once to the view's type (P2: RNE, finite values saturate in fp16; NaN
// canonical, P15).
void StoreFloats(const std::vector<float>& values, const TensorView& view);

// Broadcasts two shapes by numpy's rules. kShape when they don't fit.
Expected<Shape> BroadcastShapes(const Shape& a, const Shape& b);

}  // namespace aneref

#endif  // ANEREF_OPS_OP_H_
