// The walks of the normalisation kernels over scalar or vector row primitives
// (`Rows`). Included by norm.cc alone.
#ifndef ANEREF_OPS_KERNELS_NORM_DRIVERS_H_
#define ANEREF_OPS_KERNELS_NORM_DRIVERS_H_

#include <algorithm>
#include <cmath>

#include "ops/kernels/norm.h"
#include "ops/kernels/reduce_lattice.h"

namespace aneref {
namespace norm_internal {

// Rows are worked on in pieces that stay in L1.
inline constexpr int64_t kPiece = 1024;

// What a step multiplies by or adds: one value, or one per element when
// `values` is set; nothing when not present.
struct Factor {
  bool present = false;
  const float* values = nullptr;
  float value = 0.0f;
  Factor At(int64_t offset) const {
    return {present, values == nullptr ? nullptr : values + offset, value};
  }
};

inline float ElementAt(const TensorView& view, int64_t i) {
  const int64_t width = view.width();
  const std::byte* row = view.Row<std::byte>(i / width);
  float value = 0.0f;
  ScalarRows::Widen(
      view.dtype,
      row + static_cast<size_t>(i % width) * ElementSize(view.dtype), 1,
      &value);
  return value;
}

inline void StoreAt(float value, const TensorView& view, int64_t i) {
  const int64_t width = view.width();
  std::byte* row = view.Row<std::byte>(i / width);
  ScalarRows::Narrow(
      &value, 1, view.dtype,
      row + static_cast<size_t>(i % width) * ElementSize(view.dtype));
}

// Calls `work(piece of x widened, count, first column)` and stores what it
// leaves in the piece.
template <class Rows, class Work>
void ForEachPiece(const TensorView& x, const TensorView& y, int64_t row,
                  const Work& work) {
  alignas(64) float piece[kPiece];
  const std::byte* src = x.Row<std::byte>(row);
  std::byte* dst = y.Row<std::byte>(row);
  for (int64_t column = 0; column < x.width(); column += kPiece) {
    const auto count =
        static_cast<size_t>(std::min(kPiece, x.width() - column));
    const auto offset = static_cast<size_t>(column);
    Rows::Widen(x.dtype, src + offset * ElementSize(x.dtype), count, piece);
    work(piece, count, column);
    Rows::Narrow(piece, count, y.dtype, dst + offset * ElementSize(y.dtype));
  }
}

struct Affine {
  float a;
  float b;
};

// P11: both once per channel, each step rounded.
inline Affine BatchAffine(const KernelCall& call, float epsilon,
                          int64_t channel) {
  const float scale = ElementAt(call.in[1], channel),
              bias = ElementAt(call.in[2], channel);
  const float mean = ElementAt(call.in[3], channel),
              variance = ElementAt(call.in[4], channel);
  const float a = scale / std::sqrt(variance + epsilon);
  const float shift = mean * a;
  return {a, bias - shift};
}

template <class Rows>
Status RunBatchNorm(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const BatchNormArgs*>(call.args);
  const TensorView& x = call.in[0];
  auto* vectors = reinterpret_cast<float*>(call.scratch);  // [2][channels]
  Factor a{true, nullptr, 0.0f}, b{true, nullptr, 0.0f};
  if (args.channels_are_columns) {
    for (int64_t c = 0; c < args.channels; ++c) {
      const Affine affine = BatchAffine(call, args.epsilon, c);
      vectors[c] = affine.a;
      vectors[args.channels + c] = affine.b;
    }
    a.values = vectors;
    b.values = vectors + args.channels;
  }
  int64_t current = -1;
  const int64_t end = std::min(x.num_rows(), (unit + 1) * args.rows_per_unit);
  for (int64_t row = unit * args.rows_per_unit; row < end; ++row) {
    const int64_t channel = row / args.rows_per_channel % args.channels;
    if (!args.channels_are_columns && channel != current) {
      const Affine affine = BatchAffine(call, args.epsilon, channel);
      a.value = affine.a;
      b.value = affine.b;
      current = channel;
    }
    ForEachPiece<Rows>(x, call.out[0], row,
                       [&](float* piece, size_t count, int64_t column) {
                         Rows::Apply(a.At(column), b.At(column), count, piece);
                       });
  }
  return Status();
}

// Widens all rows of a per-element operand; `values` is dense.
template <class Rows>
Factor WidenOperand(const TensorView& view, float* values) {
  if (view.data == nullptr) return {};
  const int64_t rows = view.num_rows(), width = view.width();
  for (int64_t row = 0; row < rows; ++row) {
    Rows::Widen(view.dtype, view.Row<std::byte>(row),
                static_cast<size_t>(width), values + row * width);
  }
  return {true, values, 0.0f};
}

struct Moments {
  float mean = 0.0f;
  float inverse_deviation = 0.0f;
};

// P11. With mean 0 (RMS) x - mean is x, bit for bit.
template <class Rows>
Moments MomentsOf(const GroupNormArgs& args, const TensorView& x,
                  int64_t first_row) {
  Moments moments;
  const auto count = static_cast<float>(args.rows_per_group * args.width);
  const auto width = static_cast<size_t>(args.width);
  const auto reduce = [&](LatticeReducer<Rows>&& reducer) {
    for (int64_t r = 0; r < args.rows_per_group; ++r)
      reducer.Add(x.dtype, x.Row<std::byte>(first_row + r), width);
    return reducer.Finish() / count;
  };
  if (args.subtract_mean)
    moments.mean = reduce(LatticeReducer<Rows>(LatticeOp::kSum));
  const float variance = reduce(
      LatticeReducer<Rows>(LatticeOp::kSumCenteredSquares, moments.mean));
  moments.inverse_deviation = 1.0f / std::sqrt(variance + args.epsilon);
  return moments;
}

// P5 of elements that are widened already: at most one block of the lattice,
// where totals are the partials. `kOp` adds up.
template <class Rows, LatticeOp kOp>
float SumPiece(float shift, const float* values, size_t count) {
  static_assert(kPiece <= static_cast<int64_t>(kLatticeBlock));
  alignas(64) float partials[kNumPartials] = {};
  const size_t whole = count / kNumPartials * kNumPartials;
  Rows::Accumulate(kOp, shift, values, whole, partials);
  for (size_t i = whole; i < count; ++i) {
    float& partial = partials[i - whole];
    partial = LatticeFold(kOp, partial, LatticeMap(kOp, values[i], shift));
  }
  return LatticeTree(kOp, partials);
}

// A group that is one row of at most kPiece elements, widened once.
template <class Rows>
Moments NormalizeRow(const GroupNormArgs& args, const TensorView& x,
                     const TensorView& y, int64_t row, const Factor& scale,
                     const Factor& bias) {
  alignas(64) float piece[kPiece];
  const auto count = static_cast<size_t>(args.width);
  const auto divisor = static_cast<float>(args.width);
  Rows::Widen(x.dtype, x.Row<std::byte>(row), count, piece);
  Moments moments;
  if (args.subtract_mean)
    moments.mean =
        SumPiece<Rows, LatticeOp::kSum>(0.0f, piece, count) / divisor;
  const float variance = SumPiece<Rows, LatticeOp::kSumCenteredSquares>(
                             moments.mean, piece, count) /
                         divisor;
  moments.inverse_deviation = 1.0f / std::sqrt(variance + args.epsilon);
  Rows::Center(moments.mean, moments.inverse_deviation, count, piece);
  Rows::Apply(scale, bias, count, piece);
  Rows::Narrow(piece, count, y.dtype, y.Row<std::byte>(row));
  return moments;
}

inline void StoreMoments(const KernelCall& call, const Moments& moments,
                         int64_t group) {
  for (size_t i = 1; i < call.out.size(); ++i) {
    if (call.out[i].data != nullptr)
      StoreAt(i == 1 ? moments.mean : moments.inverse_deviation, call.out[i],
              group);
  }
}

template <class Rows>
Status RunGroupNorm(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const GroupNormArgs*>(call.args);
  const TensorView& x = call.in[0];
  const TensorView scale_view = call.in.size() > 1 ? call.in[1] : TensorView();
  const TensorView bias_view = call.in.size() > 2 ? call.in[2] : TensorView();
  Factor scale{scale_view.data != nullptr, nullptr, 0.0f},
      bias{bias_view.data != nullptr, nullptr, 0.0f};
  if (args.per_element) {
    auto* values =
        reinterpret_cast<float*>(call.scratch);  // [2][elements of a group]
    scale = WidenOperand<Rows>(scale_view, values);
    bias = WidenOperand<Rows>(bias_view,
                              values + args.rows_per_group * args.width);
  }
  const int64_t end =
      std::min(args.num_groups, (unit + 1) * args.groups_per_unit);
  for (int64_t group = unit * args.groups_per_unit; group < end; ++group) {
    const int64_t first_row = group * args.rows_per_group;
    if (args.per_element && args.rows_per_group == 1 && args.width <= kPiece) {
      StoreMoments(
          call,
          NormalizeRow<Rows>(args, x, call.out[0], first_row, scale, bias),
          group);
      continue;
    }
    const Moments moments = MomentsOf<Rows>(args, x, first_row);
    StoreMoments(call, moments, group);
    for (int64_t r = 0; r < args.rows_per_group; ++r) {
      if (!args.per_element) {
        const int64_t index = group % args.group_period * args.group_step +
                              r / args.rows_per_step;
        if (scale.present) scale.value = ElementAt(scale_view, index);
        if (bias.present) bias.value = ElementAt(bias_view, index);
      }
      ForEachPiece<Rows>(
          x, call.out[0], first_row + r,
          [&](float* piece, size_t count, int64_t column) {
            Rows::Center(moments.mean, moments.inverse_deviation, count, piece);
            const int64_t offset = r * args.width + column;
            Rows::Apply(scale.At(offset), bias.At(offset), count, piece);
          });
    }
  }
  return Status();
}

// sums[c] = the squares of the channels around c, which ascend; all channels of
// one distance are one stretch of memory. [channels][width] each.
template <class Rows>
void SumWindows(const LrnArgs& args, const float* squares, float* sums) {
  std::fill_n(sums, args.channels * args.width, 0.0f);
  const int64_t furthest = args.channels - 1;
  const int64_t last = std::min(furthest, args.size / 2);
  for (int64_t distance = -std::min(furthest, (args.size - 1) / 2);
       distance <= last; ++distance) {
    const int64_t first = std::max<int64_t>(0, -distance) * args.width;
    const int64_t shift = distance * args.width;
    Rows::AccumulateColumns(
        LatticeOp::kSum, squares + first + shift,
        static_cast<size_t>(args.channels * args.width - std::abs(shift)),
        sums + first);
  }
}

template <class Rows>
Status RunLrn(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const LrnArgs*>(call.args);
  const TensorView& x = call.in[0];
  const TensorView& y = call.out[0];
  const auto width = static_cast<size_t>(args.width);
  const size_t elements = static_cast<size_t>(args.channels) * width;
  auto* values = reinterpret_cast<float*>(call.scratch);  // [channels][width]
  float* squares = values + elements;                     // [channels][width]
  float* sums = squares + elements;                       // [channels][width]
  const int64_t end =
      std::min(args.num_items, (unit + 1) * args.items_per_unit);
  for (int64_t item = unit * args.items_per_unit; item < end; ++item) {
    const int64_t batch = item / args.rows_per_channel,
                  row_in_plane = item % args.rows_per_channel;
    const auto row_of = [&](int64_t c) {
      return (batch * args.channels + c) * args.rows_per_channel + row_in_plane;
    };
    for (int64_t c = 0; c < args.channels; ++c) {
      Rows::Widen(x.dtype, x.Row<std::byte>(row_of(c)), width,
                  values + c * args.width);
    }
    Rows::Square(values, elements, squares);
    SumWindows<Rows>(args, squares, sums);
    Rows::DividePower(args, y.dtype, values, elements, sums);
    for (int64_t c = 0; c < args.channels; ++c) {
      Rows::Narrow(sums + c * args.width, width, y.dtype,
                   y.Row<std::byte>(row_of(c)));
    }
  }
  return Status();
}

// Scalar twins of the primitives.
struct ScalarNormRows : ScalarRows {
  // x = (x - mean) * r
  static void Center(float mean, float r, size_t count, float* x) {
    for (size_t i = 0; i < count; ++i) {
      const float d = x[i] - mean;
      x[i] = d * r;
    }
  }
  // x = x * scale + bias, two roundings; absent steps are left out.
  static void Apply(const Factor& scale, const Factor& bias, size_t count,
                    float* x) {
    for (size_t i = 0; i < count && scale.present; ++i)
      x[i] *= scale.values != nullptr ? scale.values[i] : scale.value;
    for (size_t i = 0; i < count && bias.present; ++i)
      x[i] += bias.values != nullptr ? bias.values[i] : bias.value;
  }
  // squares = values * values
  static void Square(const float* values, size_t count, float* squares) {
    for (size_t i = 0; i < count; ++i) squares[i] = values[i] * values[i];
  }
  // sum = value / (k + step * sum)^beta, or what rounds to the same half when
  // `type` is one.
  static void DividePower(const LrnArgs& args, DataType /*type*/,
                          const float* value, size_t count, float* sum) {
    for (size_t i = 0; i < count; ++i)
      sum[i] = value[i] / LrnPower(args.k + args.Step() * sum[i], args.beta);
  }
};

}  // namespace norm_internal
}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_NORM_DRIVERS_H_
