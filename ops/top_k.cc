// The k largest or smallest elements along an axis with their positions; equal
// ones by the order of a third operand where there is one (P24), then by
// ascending position; NaN above everything. Values keep their bits (P15). Not
// arg_max, which is a reduction.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "ops/integers.h"
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

// x as [outer, extent, inner] around the axis.
struct Plan {
  size_t axis = 0;
  int64_t k = 0;
  int64_t outer = 1, extent = 1, inner = 1;
};

Expected<Plan> MakePlan(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 3));
  const auto& attributes = op.attributes<fbs::TopK>();
  const Shape& x = op.In(0).shape;
  Plan plan;
  ANEREF_ASSIGN(plan.axis, NormalizeAxis(attributes.axis(), x.rank()));
  plan.k = attributes.k();
  if (op.HasInput(1)) {
    if (!IsInteger(op.In(1).dtype) || op.In(1).shape.NumElements() != 1)
      return ShapeError("k is " + op.In(1).ToString() +
                        ", one integer is needed");
    ANEREF_ASSIGN(const std::vector<int64_t> known, op.KnownInts(1));
    plan.k = known[0];
  }
  if (op.HasInput(2) &&
      (op.In(2).shape != x || op.In(2).dtype == DataType::kBool))
    return ShapeError("the operand that orders equal elements is " +
                      op.In(2).ToString() + ", x is " + op.In(0).ToString());
  plan.extent = x[plan.axis];
  if (plan.k < 0 || plan.k > plan.extent)
    return ShapeError("k is " + std::to_string(plan.k) + ", the axis has " +
                      std::to_string(plan.extent) + " elements");
  plan.outer = x.NumElements(0, plan.axis);
  plan.inner = x.NumElements(plan.axis + 1, x.rank());
  return plan;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  if (op.In(0).dtype == DataType::kBool)
    return ShapeError("x is " + op.In(0).ToString() + ", numbers are needed");
  Shape shape = op.In(0).shape;
  shape[plan.axis] = plan.k;
  return std::vector<TensorType>{{op.In(0).dtype, shape},
                                 {DataType::kInt64, shape}};
}

// ---- reference ----

// Positions of the k first by `before`, a strict order of positions without
// ties left to chance.
template <class Before>
std::vector<int64_t> First(const Plan& plan, const Before& before) {
  std::vector<int64_t> order(static_cast<size_t>(plan.extent));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::partial_sort(order.begin(), order.begin() + plan.k, order.end(), before);
  order.resize(static_cast<size_t>(plan.k));
  return order;
}

// Positions along the axis, laid out as the outputs are. `ties` orders elements
// that are equal in x; without data: nothing does but their positions.
std::vector<int64_t> Positions(const OpView& op, const Plan& plan,
                               const TensorView& x, const TensorView& ties) {
  const bool largest = op.attributes<fbs::TopK>().largest();
  const std::vector<int64_t> keys = OrderKeys(x);
  const std::vector<int64_t> tie_keys =
      ties.data != nullptr ? OrderKeys(ties) : keys;
  std::vector<int64_t> positions(
      static_cast<size_t>(plan.outer * plan.k * plan.inner));
  for (int64_t o = 0; o < plan.outer; ++o) {
    for (int64_t i = 0; i < plan.inner; ++i) {
      const auto place = [&](int64_t p) {
        return static_cast<size_t>((o * plan.extent + p) * plan.inner + i);
      };
      const auto precedes = [&](int64_t p, int64_t q) {
        return largest ? p > q : p < q;
      };
      const std::vector<int64_t> first = First(plan, [&](int64_t a, int64_t b) {
        const size_t p = place(a), q = place(b);
        if (keys[p] != keys[q]) return precedes(keys[p], keys[q]);
        if (tie_keys[p] != tie_keys[q])
          return precedes(tie_keys[p], tie_keys[q]);
        return a < b;
      });
      for (int64_t p = 0; p < plan.k; ++p)
        positions[static_cast<size_t>((o * plan.k + p) * plan.inner + i)] =
            first[static_cast<size_t>(p)];
    }
  }
  return positions;
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  const TensorView& x = tensors.in[0];
  const std::vector<int64_t> positions =
      Positions(op, plan, x, op.HasInput(2) ? tensors.in[2] : TensorView());
  if (positions.empty()) return Status();
  if (tensors.out[0].data != nullptr) {
    const Elements from(x), to(tensors.out[0]);
    size_t place = 0;
    ForEachIndex(tensors.out[0].shape, [&](const Index& index) {
      Index source = index;
      source[plan.axis] = positions[place++];
      to.Copy(index, from, source);
    });
  }
  if (tensors.out.size() > 1 && tensors.out[1].data != nullptr)
    StoreIntegers(positions, tensors.out[1]);
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef top_k_op = {
    "top_k", "The k largest or smallest elements along an axis, and where.",
    Infer, Lower, Reference};

}  // namespace aneref
