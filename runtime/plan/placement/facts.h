// What the placement rules look at: one op of a network in the engine's words,
// independent of file format and importer. Made from a node (FactsOfNode), or
// by hand in tests and probe replays. Plain data, no rule is applied here.
#ifndef ANEREF_RUNTIME_PLAN_PLACEMENT_FACTS_H_
#define ANEREF_RUNTIME_PLAN_PLACEMENT_FACTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/tensor.h"
#include "runtime/plan/engine/geometry.h"
#include "runtime/plan/engine/segmenter.h"
#include "runtime/plan/specialize.h"

namespace aneref::placement {

using engine::Axes3;

// L1: the five axes of an engine tensor.
struct Extents {
  int64_t n = 1;
  int64_t d = 1;
  int64_t c = 1;
  int64_t h = 1;
  int64_t w = 1;
};
// Leading axes of extent 1 fill up the rank; `channels_second`: a rank-5 tensor
// is N, C, D, H, W, as convolutions and pools have it. Ranks above 5 put the
// product of the surplus axes into N.
Extents ExtentsOf(const Shape& shape, bool channels_second = false);

struct OperandFacts {
  bool present = true;
  bool typed = true;  // false: its extents are not known before the run (V05)
  bool constant = false;
  bool bfloat16 = false;     // an element type the runtime itself lacks
  std::string compression;   // of a constant: "palette", "affine", ...
  int64_t palette_bits = 0;  // of a palette, else 0
  int64_t palette_vector = 1;
  bool nonzero_zero_point = false;
  DataType dtype = DataType::kFloat16;
  Shape shape;
};

enum class PadMode : uint8_t { kConstant, kReflect, kReplicate, kWrap };

struct OpFacts {
  std::string op;  // row of the op table, or a name that has none: "bitwise_or"
  std::vector<std::string> parts;  // rows it is composed of; empty: `op` alone
  std::vector<OperandFacts> inputs;
  std::vector<OperandFacts> outputs;
  bool channels_second = false;  // see ExtentsOf

  // Convolutions, pools (window) and matrix products.
  Axes3 kernel, stride, dilation;
  Axes3 pad_begin{0, 0, 0}, pad_end{0, 0, 0};
  int64_t groups = 1;
  int64_t cin = 1, cout = 1;
  int64_t spatial_rank = 2;
  bool runtime_weights = false;
  bool narrow_weights = false;  // 8 bits or less: the wider kernel limits hold
  int64_t inner = 0;            // matmul: K
  double flops = 0;             // C1

  // Axes as numbers of Extents: 0 N, 1 D, 2 C, 3 H, 4 W.
  std::vector<int> axes;
  PadMode pad_mode = PadMode::kConstant;
  std::vector<int64_t> pads;     // per axis of `axes`: the larger side
  std::vector<int64_t> factors;  // tile, resize, shuffle
  bool fractional_factor = false;
  int64_t count = 0;          // topk: k; sdpa: inputs
  bool width_offset = false;  // slice: begin of W is not 0
  bool dynamic_begin = false;
  bool spatial_only = true;  // norms and resizes: no other axis
  bool index_is_runtime = false;
  bool has_dynamic_shape = false;
  bool image = false;  // op "input": a four-character-code image (V08)

  engine::EstimateKind estimate = engine::EstimateKind::kMemoryBound;  // C34

  // Legacy NeuralNetwork files: the layer as the file names it, else empty.
  std::string legacy_layer;
};

// The facts of one node. Values of the program may be untyped (networks whose
// shapes depend on data); the op then has only its name.
OpFacts FactsOfNode(const Program& program, const ProgramNode& node);

// The row (or rows) of the op table for a node, from its attributes and the
// types at hand. Split from FactsOfNode for its length.
void NameOp(const Program& program, const ProgramNode& node, OpFacts* facts);

// Elements of all present, typed, live (not constant) operands, times 2 bytes.
struct OperandSizes {
  double input_bytes = 0;
  double output_bytes = 0;
  double weight_bytes = 0;
  double largest_bytes = 0;
};
OperandSizes SizesOf(const OpFacts& facts);
// C34's view of the op.
engine::EstimateInput EstimateInputOf(const OpFacts& facts);

}  // namespace aneref::placement

#endif  // ANEREF_RUNTIME_PLAN_PLACEMENT_FACTS_H_
