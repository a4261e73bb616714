// Evaluators of mistakes on the way to the device that show in how an op uses
// its operands: weights, padding, axes, order. Mistakes that show in the result
// alone: quirk_pattern.cc.
#include <numeric>

#include "runtime/explain/quirk_pattern.h"
#include "runtime/explain/quirk_sums.h"
#include "runtime/explain/quirk_tools.h"

namespace aneref {
namespace {

// The node on other operands; an operand list that the op refuses gives none.
void AddEvaluated(const QuirkContext& context, const HostValues& in,
                  Candidates* candidates) {
  Expected<std::vector<double>> result =
      Evaluated(context, *context.node, in, context.arithmetic);
  if (result.ok() && result->size() == context.ours.size()) {
    candidates->push_back(std::move(*result));
  }
}

template <class Change>
void AddVariant(const QuirkContext& context, const Change& change,
                Candidates* candidates) {
  Expected<std::vector<double>> result =
      WithAttributes(context, change, context.in, context.arithmetic);
  if (result.ok() && result->size() == context.ours.size()) {
    candidates->push_back(std::move(*result));
  }
}

// Operand `index` with its elements in another order: order[i] is where element
// i comes from.
Expected<HostValues> Reordered(const QuirkContext& context, size_t index,
                               const std::vector<size_t>& order) {
  HostValues in = context.in;
  ANEREF_ASSIGN(const std::vector<double> old, ElementsOfValue(in[index]));
  std::vector<double> elements(old.size());
  for (size_t i = 0; i < old.size(); ++i) elements[i] = old[order[i]];
  ANEREF_ASSIGN(in[index], WithElements(in[index], elements));
  return in;
}

bool HasOperand(const QuirkContext& context, size_t index) {
  return index < context.in.size() && context.in[index].defined;
}

Expected<Candidates> DroppedBias(const QuirkContext& context) {
  if (!HasOperand(context, 2)) return Candidates{};
  HostValues in = context.in;
  in[2] = HostValue{};
  Candidates candidates;
  AddEvaluated(context, in, &candidates);
  return candidates;
}

Expected<Candidates> DroppedOp(const QuirkContext& context) {
  Candidates candidates;
  for (size_t k = 0; k < context.in.size() && k < 2; ++k) {
    if (!HasOperand(context, k) ||
        context.in[k].view.shape.NumElements() !=
            static_cast<int64_t>(context.ours.size()) ||
        context.in[k].known.data != nullptr) {
      // Whatever is known before the run is no activation.
      if (!HasOperand(context, k) || k > 0) continue;
    }
    ANEREF_ASSIGN(std::vector<double> elements, ElementsOfValue(context.in[k]));
    if (elements.size() == context.ours.size()) {
      candidates.push_back(std::move(elements));
    }
  }
  return candidates;
}

// Exchanges axes `a` and `b` of equal extent.
std::vector<size_t> ExchangedAxes(const Shape& shape, size_t a, size_t b) {
  std::vector<size_t> order(static_cast<size_t>(shape.NumElements()));
  for (size_t i = 0; i < order.size(); ++i) {
    std::vector<int64_t> at(shape.rank());
    auto rest = static_cast<int64_t>(i);
    for (size_t axis = shape.rank(); axis-- > 0;) {
      at[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    std::swap(at[a], at[b]);
    int64_t from = 0;
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      from = from * shape[axis] + at[axis];
    }
    order[i] = static_cast<size_t>(from);
  }
  return order;
}

Expected<Candidates> TransposedWeight(const QuirkContext& context) {
  Candidates candidates;
  if (!HasOperand(context, 1)) return candidates;
  const Shape& shape = context.in[1].view.shape;
  for (size_t a = 0; a < shape.rank(); ++a) {
    for (size_t b = a + 1; b < shape.rank(); ++b) {
      if (shape[a] != shape[b] || shape[a] < 2) continue;
      ANEREF_ASSIGN(const HostValues in,
                    Reordered(context, 1, ExchangedAxes(shape, a, b)));
      AddEvaluated(context, in, &candidates);
    }
  }
  return candidates;
}

Expected<Candidates> FlippedKernel(const QuirkContext& context) {
  Candidates candidates;
  if (!HasOperand(context, 1)) return candidates;
  const Shape& shape = context.in[1].view.shape;
  if (shape.rank() < 3) return candidates;
  const auto taps = static_cast<size_t>(shape.NumElements(2, shape.rank()));
  std::vector<size_t> order(static_cast<size_t>(shape.NumElements()));
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = i / taps * taps + (taps - 1 - i % taps);
  }
  ANEREF_ASSIGN(const HostValues in, Reordered(context, 1, order));
  AddEvaluated(context, in, &candidates);
  return candidates;
}

Expected<Candidates> SwappedPairs(const QuirkContext& context) {
  Candidates candidates;
  if (!HasOperand(context, 1)) return candidates;
  const auto count =
      static_cast<size_t>(context.in[1].view.shape.NumElements());
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) {
    order[i] = (i ^ 1) < count ? i ^ 1 : i;
  }
  ANEREF_ASSIGN(const HostValues in, Reordered(context, 1, order));
  AddEvaluated(context, in, &candidates);
  return candidates;
}

Expected<Candidates> ReversedChannels(const QuirkContext& context) {
  Candidates candidates;
  if (!HasOperand(context, 0)) return candidates;
  const Shape& shape = context.in[0].view.shape;
  for (size_t axis : {size_t{1}, shape.rank() - 1}) {
    if (shape.rank() < 3 || shape[axis] < 2 || shape[axis] > 4) continue;
    const auto inner =
        static_cast<size_t>(shape.NumElements(axis + 1, shape.rank()));
    const auto extent = static_cast<size_t>(shape[axis]);
    std::vector<size_t> order(static_cast<size_t>(shape.NumElements()));
    for (size_t i = 0; i < order.size(); ++i) {
      const size_t c = i / inner % extent;
      order[i] = i - c * inner + (extent - 1 - c) * inner;
    }
    ANEREF_ASSIGN(const HostValues in, Reordered(context, 0, order));
    AddEvaluated(context, in, &candidates);
  }
  return candidates;
}

// Moves one element of padding of each axis in `axes` between its ends.
template <class Int>
void MovePadding(std::vector<Int>* pads, size_t axes, Int step) {
  const size_t half = pads->size() / 2;
  for (size_t axis = 0; axis < half; ++axis) {
    if (((axes >> axis) & 1) == 0) continue;
    (*pads)[axis] += step;
    (*pads)[half + axis] -= step;
  }
}

template <class Table>
void ShiftPads(Table* table, size_t rank, size_t axes, int32_t step) {
  if (table->pads.empty()) table->pads.assign(2 * rank, 0);
  if (table->pad_mode == fbs::PadMode::same_upper && step > 0) {
    table->pad_mode = fbs::PadMode::same_lower;
  } else if (table->pad_mode == fbs::PadMode::same_lower && step < 0) {
    table->pad_mode = fbs::PadMode::same_upper;
  } else {
    MovePadding(&table->pads, axes, step);
  }
}

Expected<Candidates> ShiftedPadding(const QuirkContext& context) {
  Candidates candidates;
  const size_t rank = context.shape.rank() > 2 ? context.shape.rank() - 2 : 0;
  for (const int32_t step : {1, -1}) {
    for (size_t axes = 1; axes < (size_t{1} << std::min<size_t>(rank, 3));
         ++axes) {
      AddVariant(
          context,
          [&](fbs::NodeT* node) {
            if (auto* conv = node->op.AsConv()) {
              ShiftPads(conv, rank, axes, step);
            } else if (auto* transposed = node->op.AsConvTranspose()) {
              ShiftPads(transposed, rank, axes, step);
            } else if (auto* pool = node->op.AsPool()) {
              ShiftPads(pool, rank, axes, step);
            }
          },
          &candidates);
    }
  }
  return candidates;
}

Expected<Candidates> PaddingCounted(const QuirkContext& context) {
  Candidates candidates;
  AddVariant(
      context,
      [](fbs::NodeT* node) {
        bool& counted = node->op.AsPool()->count_include_pad;
        counted = !counted;
      },
      &candidates);
  return candidates;
}

Expected<Candidates> ResizeMode(const QuirkContext& context) {
  Candidates candidates;
  for (int mode = 0; mode <= 2; ++mode) {
    for (int coordinates = 0; coordinates <= 5; ++coordinates) {
      for (int nearest = 0; nearest <= (mode == 0 ? 3 : 0); ++nearest) {
        AddVariant(
            context,
            [&](fbs::NodeT* node) {
              fbs::ResampleT* table = node->op.AsResample();
              table->mode = static_cast<fbs::ResampleMode>(mode);
              table->coordinate_mode =
                  static_cast<fbs::CoordinateMode>(coordinates);
              table->nearest_mode = static_cast<fbs::NearestMode>(nearest);
            },
            &candidates);
      }
    }
  }
  return candidates;
}

Expected<Candidates> SwappedOperands(const QuirkContext& context) {
  Candidates candidates;
  if (!HasOperand(context, 0) || !HasOperand(context, 1)) return candidates;
  HostValues in = context.in;
  if (context.node->op_type() == fbs::Op::Concat) {
    std::reverse(in.begin(), in.end());
  } else {
    std::swap(in[0], in[1]);
  }
  AddEvaluated(context, in, &candidates);
  return candidates;
}

Expected<Candidates> WrongAxis(const QuirkContext& context) {
  Candidates candidates;
  const auto rank = static_cast<int32_t>(context.shape.rank());
  for (int32_t axis = 0; axis < rank; ++axis) {
    AddVariant(
        context,
        [&](fbs::NodeT* node) {
          if (auto* softmax = node->op.AsSoftmax()) softmax->axis = axis;
          if (auto* concat = node->op.AsConcat()) concat->axis = axis;
          if (auto* norm = node->op.AsNorm()) norm->axis = axis;
          if (auto* running = node->op.AsCumulative()) running->axis = axis;
        },
        &candidates);
  }
  return candidates;
}

Expected<Candidates> DepthOrder(const QuirkContext& context) {
  Candidates candidates;
  AddVariant(
      context,
      [](fbs::NodeT* node) {
        bool& order = node->op.AsDepthSpace()->column_row_depth;
        order = !order;
      },
      &candidates);
  return candidates;
}

// Blocks of `gates` along axis 1 of w, r and (twice) the bias, permuted.
Expected<HostValues> PermutedGates(const QuirkContext& context,
                                   const std::vector<size_t>& gates) {
  HostValues in = context.in;
  for (size_t k = 1; k <= 3 && k < in.size(); ++k) {
    if (!in[k].defined) continue;
    const Shape& shape = in[k].view.shape;
    if (shape.rank() < 2) return ShapeError("no gates");
    const size_t parts = gates.size() * (k == 3 ? 2 : 1);
    const auto rows = static_cast<size_t>(shape[1]);
    if (rows % parts != 0) return ShapeError("no gates");
    const size_t block =
        rows / parts * static_cast<size_t>(shape.NumElements(2, shape.rank()));
    ANEREF_ASSIGN(const std::vector<double> old, ElementsOfValue(in[k]));
    std::vector<double> elements(old.size());
    for (size_t i = 0; i < old.size(); ++i) {
      const size_t part = i / block % gates.size();
      elements[i] = old[i + block * gates[part] - block * part];
    }
    ANEREF_ASSIGN(in[k], WithElements(in[k], elements));
  }
  return in;
}

Expected<Candidates> ReversedGates(const QuirkContext& context) {
  Candidates candidates;
  for (const size_t count : {size_t{4}, size_t{3}}) {
    std::vector<size_t> gates(count);
    std::iota(gates.begin(), gates.end(), size_t{0});
    while (std::next_permutation(gates.begin(), gates.end())) {
      const Expected<HostValues> in = PermutedGates(context, gates);
      if (in.ok()) AddEvaluated(context, *in, &candidates);
    }
  }
  return candidates;
}

constexpr EvaluatorRow kRows[] = {
    {"rms_norm_scaled_epsilon", &EvaluateRmsScaledEpsilon},
    {"dropped_bias", &DroppedBias},
    {"dropped_op", &DroppedOp},
    {"transposed_weight", &TransposedWeight},
    {"flipped_kernel", &FlippedKernel},
    {"swapped_channels", &ReversedChannels},
    {"shifted_padding", &ShiftedPadding},
    {"padding_counted", &PaddingCounted},
    {"resize_mode", &ResizeMode},
    {"channels_last_flatten", &ChannelsLastFlatten},
    {"swapped_operands", &SwappedOperands},
    {"wrong_axis", &WrongAxis},
    {"depth_order", &DepthOrder},
    {"pairs_of_weights_swapped", &SwappedPairs},
    {"reversed_gates", &ReversedGates},
    {"spatial_shift", &SpatialShift},
    {"mirrored", &Mirrored},
    {"constant_factor", &ConstantFactor},
    {"constant_offset", &ConstantOffset},
    {"permuted_channels", &PermutedChannels},
};

}  // namespace

QuirkEvaluator FindConversionEvaluator(std::string_view name) {
  for (const EvaluatorRow& row : kRows) {
    if (row.name == name) return row.evaluate;
  }
  return nullptr;
}

}  // namespace aneref
