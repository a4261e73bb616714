// Scalar twin of the softmax kernels: gathers a group into fp32, normalises it,
// stores it with one rounding.
#include "ops/kernels/softmax.h"

#include <algorithm>

#include "ops/kernels/elementwise_types.h"
#include "ops/kernels/reduce_lattice.h"
#include "runtime/core/elementary.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

// Index of the first maximum; a NaN is larger than everything (P8). count > 0.
size_t FirstMaximum(const float* values, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count && values[best] == values[best]; ++i) {
    if (values[i] > values[best] || values[i] != values[i]) best = i;
  }
  return best;
}

float LoadElement(const TensorView& view, int64_t row, int64_t column) {
  if (view.dtype == DataType::kFloat16)
    return HalfToFloat(view.Row<uint16_t>(row)[column]);
  return view.Row<float>(row)[column];
}

void StoreElement(const TensorView& view, int64_t row, int64_t column,
                  float value) {
  if (view.dtype == DataType::kFloat16) {
    view.Row<uint16_t>(row)[column] = StoreHalf(value);
  } else {
    view.Row<float>(row)[column] = PlainElement<float>::Store(value);
  }
}

Status RunRowsScalar(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const SoftmaxArgs*>(call.args);
  auto* values = reinterpret_cast<float*>(call.scratch);
  const int64_t width = call.in[0].width();
  const int64_t first = unit * args.groups_per_unit;
  const int64_t last = std::min(first + args.groups_per_unit, args.num_groups);
  for (int64_t group = first; group < last; ++group) {
    const int64_t row = group * args.extent;
    const int64_t count = args.extent * width;
    for (int64_t i = 0; i < count; ++i)
      values[i] = LoadElement(call.in[0], row + i / width, i % width);
    SoftmaxGroup(args.mode, values, static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
      StoreElement(call.out[0], row + i / width, i % width, values[i]);
  }
  return Status();
}

Status RunColumnsScalar(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const SoftmaxArgs*>(call.args);
  auto* values = reinterpret_cast<float*>(call.scratch);
  const int64_t width = call.in[0].width();
  const auto block = static_cast<int64_t>(kSoftmaxColumns);
  const int64_t blocks = (width + block - 1) / block;
  if (call.in[0].shape.NumElements() == 0) return Status();
  const int64_t group = unit / blocks;
  const int64_t row =
      group / args.inner * args.extent * args.inner + group % args.inner;
  const int64_t first = unit % blocks * block;
  for (int64_t column = first; column < std::min(first + block, width);
       ++column) {
    for (int64_t k = 0; k < args.extent; ++k)
      values[k] = LoadElement(call.in[0], row + k * args.inner, column);
    SoftmaxGroup(args.mode, values, static_cast<size_t>(args.extent));
    for (int64_t k = 0; k < args.extent; ++k)
      StoreElement(call.out[0], row + k * args.inner, column, values[k]);
  }
  return Status();
}

bool IsHard(const KernelCall& call) {
  return static_cast<const SoftmaxArgs*>(call.args)->mode == SoftmaxMode::kHard;
}

Status RunRowsSimd(const KernelCall& call, int64_t unit) {
  return IsHard(call) ? RunRowsScalar(call, unit) : SoftmaxRowsSimd(call, unit);
}

Status RunColumnsSimd(const KernelCall& call, int64_t unit) {
  return IsHard(call) ? RunColumnsScalar(call, unit)
                      : SoftmaxColumnsSimd(call, unit);
}

}  // namespace

void SoftmaxGroup(SoftmaxMode mode, float* values, size_t count) {
  if (count == 0) return;
  const size_t first_maximum = FirstMaximum(values, count);
  if (mode == SoftmaxMode::kHard) {
    std::fill_n(values, count, 0.0f);
    values[first_maximum] = 1.0f;
    return;
  }
  const float maximum = values[first_maximum];
  for (size_t i = 0; i < count; ++i) values[i] -= maximum;
  if (mode == SoftmaxMode::kLog) {
    // The exponentials are needed for their sum alone.
    const float log_sum =
        SoftmaxLog(ReduceInOrder(LatticeOp::kSumExp, 0.0f, values, count));
    for (size_t i = 0; i < count; ++i) values[i] -= log_sum;
    return;
  }
  for (size_t i = 0; i < count; ++i) values[i] = ExpFloat(values[i]);
  const float sum = ReduceInOrder(LatticeOp::kSum, 0.0f, values, count);
  for (size_t i = 0; i < count; ++i) values[i] /= sum;
}

float SoftmaxLog(float sum) {
  return static_cast<float>(elementary::Log(static_cast<double>(sum)));
}

size_t SoftmaxRowsScratch(int64_t elements) {
  return (static_cast<size_t>(elements) + 2 * kSoftmaxColumns) * sizeof(float);
}

// The maxima, the 16 partial sums, their totals, the rows of a block, and room
// for a last vector.
size_t SoftmaxColumnsScratch(int64_t extent) {
  return (static_cast<size_t>(extent) + 2 * kNumPartials + 2) *
         kSoftmaxColumns * sizeof(float);
}

const Kernel kSoftmaxRowsKernel = {"softmax_rows", RunRowsScalar, RunRowsSimd};
const Kernel kSoftmaxColumnsKernel = {"softmax_columns", RunColumnsScalar,
                                      RunColumnsSimd};

}  // namespace aneref
