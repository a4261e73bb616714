// Rotary position embedding: pairs of features turn by the angle of their
// position. Each result is two fp32 products and one sum, then one rounding
// (P2). Features behind the rotated ones pass.
#include <cmath>
#include <string>

#include "ops/op.h"

namespace aneref {
namespace {

constexpr size_t kCos = 1, kSin = 2, kPositions = 3;

// x as [batch, heads, steps, depth], whatever its rank.
struct Plan {
  int64_t batch = 0, heads = 1, steps = 0, depth = 0;
  int64_t half = 0;  // rotated pairs
  bool heads_last = false;
};

Status SetExtents(const OpView& op, Plan* plan) {
  const auto& table = op.attributes<fbs::RotaryEmbedding>();
  const Shape& x = op.In(0).shape;
  if (x.rank() == 4) {
    *plan = {x[0], x[1], x[2], x[3], 0, false};
    return Status();
  }
  if (x.rank() != 3 || table.heads() < 1 || x[2] % table.heads() != 0) {
    return ShapeError("x is " + op.In(0).ToString() + ", which does not hold " +
                      std::to_string(table.heads()) + " heads");
  }
  *plan = {x[0], table.heads(), x[1], x[2] / table.heads(), 0, true};
  return Status();
}

// With positions the caches are tables [positions, half], else they hold one
// row per item and step: [batch, steps, half].
Status CheckCaches(const OpView& op, const Plan& plan) {
  const Shape& cache = op.In(kCos).shape;
  bool fits = cache == op.In(kSin).shape;
  if (op.HasInput(kPositions)) {
    fits = fits && cache.rank() == 2 && cache[1] == plan.half &&
           IsInteger(op.In(kPositions).dtype) &&
           op.In(kPositions).shape == Shape({plan.batch, plan.steps});
  } else {
    fits = fits && cache == Shape({plan.batch, plan.steps, plan.half});
  }
  if (fits) return Status();
  return ShapeError("caches " + op.In(kCos).ToString() + " and " +
                    op.In(kSin).ToString() + " do not fit " +
                    op.In(0).ToString() + " with " + std::to_string(plan.half) +
                    " pairs");
}

Expected<Plan> MakePlan(const OpView& op) {
  Plan plan;
  ANEREF_TRY(SetExtents(op, &plan));
  const int64_t dim = op.attributes<fbs::RotaryEmbedding>().rotary_dim();
  const int64_t rotated = dim == 0 ? plan.depth : dim;
  if (rotated < 0 || rotated > plan.depth || rotated % 2 != 0) {
    return ShapeError("cannot rotate " + std::to_string(rotated) + " of " +
                      std::to_string(plan.depth) + " features");
  }
  plan.half = rotated / 2;
  ANEREF_TRY(CheckCaches(op, plan));
  return plan;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 4));
  for (size_t i = 0; i < kPositions; ++i) {
    if (!IsFloating(op.In(i).dtype))
      return Unsupported(std::string("rotation of ") +
                         DataTypeName(op.In(i).dtype));
  }
  ANEREF_TRY(MakePlan(op).status());
  return std::vector<TensorType>{op.In(0)};
}

// The row of the caches for every item and step.
Expected<std::vector<int64_t>> CacheRows(const OpView& op, const Plan& plan,
                                         const RefTensors& tensors) {
  std::vector<int64_t> rows(static_cast<size_t>(plan.batch * plan.steps));
  if (!op.HasInput(kPositions)) {
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
    return rows;
  }
  rows = LoadInts(tensors.in[kPositions]);
  const int64_t count = op.In(kCos).shape[0];
  for (int64_t row : rows) {
    if (row < 0 || row >= count) {
      return InvalidArgument("position " + std::to_string(row) +
                             " is outside [0, " + std::to_string(count) + ")");
    }
  }
  return rows;
}

// One head of one step, in place.
void Rotate(const Plan& plan, bool interleaved, const float* cosine,
            const float* sine, float* x) {
  const int64_t step = interleaved ? 2 : 1;
  const int64_t other = interleaved ? 1 : plan.half;
  for (int64_t i = 0; i < plan.half; ++i) {
    const float a = x[i * step], b = x[i * step + other];
    x[i * step] = cosine[i] * a - sine[i] * b;
    x[i * step + other] = sine[i] * a + cosine[i] * b;
  }
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  ANEREF_ASSIGN(const std::vector<int64_t> rows, CacheRows(op, plan, tensors));
  const bool interleaved = op.attributes<fbs::RotaryEmbedding>().interleaved();
  const std::vector<float> cosine = LoadFloats(tensors.in[kCos]);
  const std::vector<float> sine = LoadFloats(tensors.in[kSin]);
  std::vector<float> x = LoadFloats(tensors.in[0]);
  for (int64_t i = 0; i < plan.batch * plan.heads * plan.steps; ++i) {
    // Rows of x run over batch, heads, steps, or batch, steps, heads.
    const int64_t item = i / (plan.heads * plan.steps);
    const int64_t step =
        plan.heads_last ? i / plan.heads % plan.steps : i % plan.steps;
    const int64_t row =
        rows[static_cast<size_t>(item * plan.steps + step)] * plan.half;
    Rotate(plan, interleaved, cosine.data() + row, sine.data() + row,
           x.data() + i * plan.depth);
  }
  StoreFloats(x, tensors.out[0]);
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  if (op.Out(0).shape.NumElements() == 0) return Status();
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef rotary_embedding_op = {
    "rotary_embedding", "Rotary position embedding of query or key heads.",
    Infer, Lower, Reference};

}  // namespace aneref
