// From a net with perhaps dynamic extents to a program with static types:
// shapes are inferred node by node, values that depend only on constants and
// shapes are folded, nodes that no output needs are dropped. Pure: same net,
// same request, same program.
#ifndef ANEREF_RUNTIME_PLAN_SPECIALIZE_H_
#define ANEREF_RUNTIME_PLAN_SPECIALIZE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/op.h"
#include "runtime/graph/net.h"

namespace aneref {

// P1. kDevice: memory as in kPortable, arithmetic by the N rules. kFast: as
// kPortable, but kernels may round differently (P22).
enum class Numerics : uint8_t { kPortable, kFp32, kDevice, kFast };

// The type a tensor has in memory under the given numerics (P1).
DataType MemoryType(DataType declared, Numerics numerics);

struct ProgramValue {
  std::string name;
  TensorType declared;
  TensorType memory;
  bool defined = false;  // its type is known
  TensorView known;      // the value, dense, as stored; null data when it is
                         // computed in the run
  bool is_known = false;
  std::shared_ptr<void> owner;  // keeps a folded or decoded value alive
};

struct ProgramNode {
  const fbs::Node* node = nullptr;
  std::vector<int32_t> inputs;  // value indices, -1 absent
  std::vector<int32_t> outputs;
};

struct Program {
  std::vector<ProgramValue> values;  // one per tensor of the graph
  std::vector<ProgramNode> nodes;    // those that remain to be run, in order
  std::vector<int32_t> inputs;       // value indices
  std::vector<int32_t> outputs;
};

struct SpecializeOptions {
  Numerics numerics = Numerics::kPortable;
  std::map<std::string, Shape> input_shapes;
  uint64_t max_memory = 0;  // 0: no limit
  // Extents that nobody gave, and types that depend on data, stay open: the
  // values are not `defined`, and nodes that need them are kept as they are.
  // For reports; such a program cannot be run.
  bool keep_open = false;
};

// Errors: kInvalidArgument (a shape that contradicts the net, an extent that
// nobody gave), kShape, kUnsupported, kLimit.
Expected<Program> Specialize(const Net& net, const SpecializeOptions& options);

// The types of the graph's inputs under the request, in the order of its ports:
// what Specialize settles first. Same errors.
Expected<std::vector<TensorType>> BindInputTypes(
    const Net& net, const SpecializeOptions& options);

// The node's operands as its slice sees them while lowering (types in memory).
std::vector<OpView::Input> OperandsOf(const Program& program,
                                      const ProgramNode& node, bool in_memory);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_SPECIALIZE_H_
