// See spatial.h. All arithmetic is int64; the bounds on attributes
// (kMaxWindowValue) and on extents (kMaxElements) keep it far from overflow.
#include "ops/spatial.h"

#include <algorithm>
#include <string>

#include "runtime/core/tensor.h"

namespace aneref {
namespace {

// Largest q with q * b <= a, for b > 0.
int64_t FloorDiv(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}
int64_t CeilDiv(int64_t a, int64_t b) { return -FloorDiv(-a, b); }

// `values` has `length` elements in [low, kMaxWindowValue), or is empty and
// becomes `length` times `absent`.
Status CheckList(const char* what, std::vector<int64_t>* values, size_t length,
                 int64_t absent, int64_t low) {
  if (values->empty()) values->assign(length, absent);
  if (values->size() != length) {
    return ShapeError(std::string(what) + " has " +
                      std::to_string(values->size()) + " values, " +
                      std::to_string(length) + " are needed");
  }
  for (const int64_t value : *values) {
    if (value < low) {
      return ShapeError(std::string(what) + " of " + std::to_string(value) +
                        "; the least is " + std::to_string(low));
    }
    if (value >= kMaxWindowValue) {
      return LimitError(std::string(what) + " of " + std::to_string(value) +
                        " is over " + std::to_string(kMaxWindowValue - 1));
    }
  }
  return Status();
}

Status CheckSpec(std::span<const int64_t> input, int64_t least_pad,
                 WindowSpec* spec) {
  const size_t rank = input.size();
  for (const int64_t extent : input) {
    if (extent < 0 || extent > kMaxElements)
      return LimitError("extent of " + std::to_string(extent));
  }
  if (spec->kernel.size() != rank) {
    return ShapeError("kernel has " + std::to_string(spec->kernel.size()) +
                      " extents for " + std::to_string(rank) + " spatial axes");
  }
  if (spec->pad_mode > fbs::PadMode::MAX) return ShapeError("unknown pad mode");
  if (spec->pad_mode != fbs::PadMode::explicit_) spec->pads.clear();
  ANEREF_TRY(CheckList("kernel", &spec->kernel, rank, 1, 1));
  ANEREF_TRY(CheckList("stride", &spec->strides, rank, 1, 1));
  ANEREF_TRY(CheckList("dilation", &spec->dilations, rank, 1, 1));
  return CheckList("pad", &spec->pads, 2 * rank, 0, least_pad);
}

WindowAxis AxisOf(std::span<const int64_t> input, const WindowSpec& spec,
                  size_t i) {
  WindowAxis axis;
  axis.in = input[i];
  axis.kernel = spec.kernel[i];
  axis.stride = spec.strides[i];
  axis.dilation = spec.dilations[i];
  axis.pad_begin = spec.pads[i];
  axis.pad_end = spec.pads[i + input.size()];
  return axis;
}

bool IsSame(fbs::PadMode mode) {
  return mode == fbs::PadMode::same_upper || mode == fbs::PadMode::same_lower;
}

void SetSameSize(const WindowSpec& spec, WindowAxis* axis) {
  axis->out = CeilDiv(axis->in, axis->stride);
  const int64_t total = std::max<int64_t>(
      0, (axis->out - 1) * axis->stride + axis->Extent() - axis->in);
  const int64_t half = total / 2;
  const bool upper = spec.pad_mode == fbs::PadMode::same_upper;
  axis->pad_begin = upper ? half : total - half;
  axis->pad_end = total - axis->pad_begin;
}

// The stated pads; ceil_mode rounds up, but drops a window that would start
// entirely in the trailing padding.
void SetSize(const WindowSpec& spec, WindowAxis* axis) {
  const int64_t room =
      axis->in + axis->pad_begin + axis->pad_end - axis->Extent();
  axis->out = 1 + (spec.ceil_mode ? CeilDiv(room, axis->stride)
                                  : FloorDiv(room, axis->stride));
  if (spec.ceil_mode &&
      (axis->out - 1) * axis->stride >= axis->in + axis->pad_begin) {
    --axis->out;
  }
  axis->out = std::max<int64_t>(axis->out, 0);
}

// Pads that give `out`; the flag says which half of an odd total is smaller.
Status SetTransposedSize(int64_t out, int64_t full, bool smaller_half_first,
                         WindowAxis* axis) {
  if (out < 0 || out > kMaxElements)
    return ShapeError("output extent of " + std::to_string(out));
  const int64_t total = full - out;
  const int64_t half = FloorDiv(total, 2);
  axis->pad_begin = smaller_half_first ? half : total - half;
  axis->pad_end = total - axis->pad_begin;
  axis->out = out;
  return Status();
}

}  // namespace

Expected<std::vector<WindowAxis>> MakeWindow(std::span<const int64_t> input,
                                             const WindowSpec& stated) {
  WindowSpec spec = stated;
  ANEREF_TRY(CheckSpec(input, 0, &spec));
  std::vector<WindowAxis> window;
  for (size_t i = 0; i < input.size(); ++i) {
    WindowAxis axis = AxisOf(input, spec, i);
    if (IsSame(spec.pad_mode)) {
      SetSameSize(spec, &axis);
    } else {
      SetSize(spec, &axis);
    }
    if (axis.out == 0 && axis.in > 0) {
      return ShapeError("a window of " + std::to_string(axis.Extent()) +
                        " does not fit into an extent of " +
                        std::to_string(axis.in) + " padded by " +
                        std::to_string(axis.pad_begin + axis.pad_end));
    }
    window.push_back(axis);
  }
  return window;
}

Expected<std::vector<WindowAxis>> MakeTransposedWindow(
    std::span<const int64_t> input, const TransposedSpec& stated) {
  TransposedSpec spec = stated;
  const size_t rank = input.size();
  ANEREF_TRY(CheckSpec(input, 1 - kMaxWindowValue, &spec.window));
  ANEREF_TRY(CheckList("output padding", &spec.output_padding, rank, 0, 0));
  if (!spec.output_shape.empty())
    ANEREF_TRY(CheckList("output shape", &spec.output_shape, rank, 0, 0));
  std::vector<WindowAxis> window;
  for (size_t i = 0; i < rank; ++i) {
    WindowAxis axis = AxisOf(input, spec.window, i);
    if (axis.in > kMaxElements / axis.stride)
      return LimitError("output extent is over the limit");
    // The extent without any pads.
    const int64_t full =
        axis.stride * (axis.in - 1) + spec.output_padding[i] + axis.Extent();
    if (!spec.output_shape.empty()) {
      ANEREF_TRY(SetTransposedSize(spec.output_shape[i], full,
                                   spec.smaller_half_first, &axis));
    } else if (IsSame(spec.window.pad_mode)) {
      ANEREF_TRY(SetTransposedSize(axis.in * axis.stride, full,
                                   spec.smaller_half_first, &axis));
    } else {
      axis.out = full - axis.pad_begin - axis.pad_end;
      if (axis.in == 0) axis.out = std::max<int64_t>(axis.out, 0);
    }
    if (axis.out < 0 ||
        (axis.out == 0 && axis.in > 0 && spec.output_shape.empty())) {
      return ShapeError(
          "pads of " + std::to_string(axis.pad_begin + axis.pad_end) +
          " leave nothing of an extent of " + std::to_string(full));
    }
    window.push_back(axis);
  }
  return window;
}

}  // namespace aneref
