// Elements placed or moved whole: the inverses of pooling and of im2col, crops
// and pads around the middle, reversed sequences, and determinants. Follows
// P17; what only moves keeps its bits (P15).
#include <cmath>

#include "ops/doubles.h"
#include "ops/movement.h"
#include "ops/sampling.h"
#include "ops/spatial.h"

namespace aneref {
namespace {

// ---- max_unpool: inputs x, flat indices, output shape (optional) ----

// The shape that the indices count in.
Expected<Shape> UnpooledShape(const OpView& op, const Shape& x) {
  const auto& attributes = op.attributes<fbs::Sampling>();
  if (x.rank() < 3)
    return ShapeError("max_unpool needs spatial axes, not " + x.ToString());
  TransposedSpec spec;
  spec.window.kernel = ToInts(attributes.output_size());
  spec.window.strides = ToInts(attributes.strides());
  spec.window.pads = ToInts(attributes.pads());
  const std::vector<int64_t> input(x.begin() + 2, x.end());
  ANEREF_ASSIGN(const std::vector<WindowAxis> window,
                MakeTransposedWindow(input, spec));
  std::vector<int64_t> dims = {x[0], x[1]};
  for (const WindowAxis& axis : window) dims.push_back(axis.out);
  return MakeShape(dims);
}

Expected<std::vector<TensorType>> InferMaxUnpool(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 3));
  ANEREF_TRY(RequireFloating(op, 0));
  if (!IsInteger(op.In(1).dtype) || op.In(1).shape != op.In(0).shape) {
    return ShapeError("indices " + op.In(1).ToString() + " do not fit " +
                      op.In(0).ToString());
  }
  ANEREF_ASSIGN(const Shape unpooled, UnpooledShape(op, op.In(0).shape));
  if (!op.HasInput(2)) return OneOutput(op.In(0).dtype, unpooled.ToVector());
  ANEREF_ASSIGN(std::vector<int64_t> dims, ListOf<int32_t>(op, 2, nullptr));
  // Spatial extents alone, or all of them.
  if (dims.size() + 2 == unpooled.rank())
    dims.insert(dims.begin(), {unpooled[0], unpooled[1]});
  if (dims.size() != unpooled.rank() || dims[0] != unpooled[0] ||
      dims[1] != unpooled[1]) {
    return ShapeError("the output shape does not fit " + unpooled.ToString());
  }
  return OneOutput(op.In(0).dtype, dims);
}

// A larger output shape leaves zeros behind, a smaller one crops.
Status ReferenceMaxUnpool(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Shape unpooled, UnpooledShape(op, tensors.in[0].shape));
  const Shape& out = tensors.out[0].shape;
  const std::vector<double> values = LoadDoubles(tensors.in[0]);
  const std::vector<int64_t> indices = LoadInts(tensors.in[1]);
  std::vector<double> result(static_cast<size_t>(out.NumElements()));
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t rest = indices[i];
    if (rest < 0 || rest >= unpooled.NumElements()) {
      return InvalidArgument("index " + std::to_string(rest) +
                             " is outside of the unpooled " +
                             unpooled.ToString());
    }
    bool inside = true;
    int64_t position = 0, stride = 1;
    for (size_t axis = out.rank(); axis-- > 0; rest /= unpooled[axis]) {
      const int64_t at = rest % unpooled[axis];
      inside = inside && at < out[axis];
      position += at * stride;
      stride *= out[axis];
    }
    if (inside) result[static_cast<size_t>(position)] = values[i];
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- col2im: inputs x [N, C * taps, windows], image shape, block shape ----

struct Columns {
  std::vector<WindowAxis> window;
  int64_t taps = 1;
  int64_t windows = 1;
};

Expected<Columns> ColumnsOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Sampling>();
  ANEREF_ASSIGN(const std::vector<int64_t> image,
                ListOf<int32_t>(op, 1, nullptr));
  WindowSpec spec;
  ANEREF_ASSIGN(spec.kernel, ListOf<int32_t>(op, 2, nullptr));
  ANEREF_TRY(MakeShape(image).status());
  if (image.empty() || image.size() != spec.kernel.size())
    return ShapeError("image and block shapes have different ranks, or none");
  spec.strides = ToInts(attributes.strides());
  spec.dilations = ToInts(attributes.dilations());
  spec.pads = ToInts(attributes.pads());
  Columns columns;
  ANEREF_ASSIGN(columns.window, MakeWindow(image, spec));
  std::vector<int64_t> counts;
  for (const WindowAxis& axis : columns.window) counts.push_back(axis.out);
  ANEREF_ASSIGN(const Shape windows, MakeShape(counts));
  ANEREF_ASSIGN(const Shape taps, MakeShape(spec.kernel));
  columns.windows = windows.NumElements();
  columns.taps = taps.NumElements();
  return columns;
}

Expected<std::vector<TensorType>> InferColToImage(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 3));
  ANEREF_TRY(RequireFloating(op, 0, 3));
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const Columns columns, ColumnsOf(op));
  if (x[1] % columns.taps != 0 || x[2] != columns.windows) {
    return ShapeError("columns " + x.ToString() + " do not fit " +
                      std::to_string(columns.windows) + " windows of " +
                      std::to_string(columns.taps) + " elements");
  }
  std::vector<int64_t> dims = {x[0], x[1] / columns.taps};
  for (const WindowAxis& axis : columns.window) dims.push_back(axis.in);
  return OneOutput(op.In(0).dtype, dims);
}

// Position in the image of tap `tap` of window `window`, -1 in the padding.
int64_t ImagePosition(const Columns& columns, int64_t tap, int64_t window) {
  int64_t position = 0, stride = 1;
  for (size_t axis = columns.window.size(); axis-- > 0;) {
    const WindowAxis& a = columns.window[axis];
    const int64_t at =
        window % a.out * a.stride - a.pad_begin + tap % a.kernel * a.dilation;
    if (at < 0 || at >= a.in) return -1;
    position += at * stride;
    stride *= a.in;
    window /= a.out;
    tap /= a.kernel;
  }
  return position;
}

// Overlapping contributions add in the order of the columns.
Status ReferenceColToImage(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Columns columns, ColumnsOf(op));
  const Shape& out = tensors.out[0].shape;
  const std::vector<double> values = LoadDoubles(tensors.in[0]);
  std::vector<double> result(static_cast<size_t>(out.NumElements()));
  if (result.empty()) return Status();
  const int64_t image = out.NumElements(2, out.rank());
  for (int64_t tap = 0; tap < columns.taps; ++tap) {
    for (int64_t window = 0; window < columns.windows; ++window) {
      const int64_t position = ImagePosition(columns, tap, window);
      if (position < 0) continue;
      for (int64_t map = 0; map < out[0] * out[1]; ++map) {
        result[static_cast<size_t>(map * image + position)] +=
            values[static_cast<size_t>(
                (map * columns.taps + tap) * columns.windows + window)];
      }
    }
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- center_crop_pad: inputs x, extents of `axes` ----

Expected<std::vector<TensorType>> InferCenterCropPad(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 2));
  ANEREF_ASSIGN(const std::vector<int64_t> extents,
                ListOf<int32_t>(op, 1, nullptr));
  std::vector<int64_t> dims = op.In(0).shape.ToVector();
  std::vector<int64_t> listed = ToInts(op.attributes<fbs::Sampling>().axes());
  if (listed.empty()) {
    for (size_t i = 0; i < dims.size(); ++i)
      listed.push_back(static_cast<int64_t>(i));
  }
  ANEREF_ASSIGN(const std::vector<size_t> axes,
                NormalizeAxes(listed, dims.size()));
  if (axes.size() != extents.size()) {
    return ShapeError("there are " + std::to_string(extents.size()) +
                      " extents for " + std::to_string(axes.size()) + " axes");
  }
  for (size_t i = 0; i < axes.size(); ++i) dims[axes[i]] = extents[i];
  return OneOutput(op.In(0).dtype, dims);
}

// An odd difference leaves the larger half behind.
Status ReferenceCenterCropPad(const OpView& /*op*/, const RefTensors& tensors) {
  const Elements x(tensors.in[0]), out(tensors.out[0]);
  const Shape& from_shape = tensors.in[0].shape;
  const Shape& to_shape = tensors.out[0].shape;
  constexpr std::array<std::byte, sizeof(double)> kZero{};
  ForEachIndex(to_shape, [&](const Index& to) {
    Index from{};
    bool inside = true;
    for (size_t axis = 0; axis < to_shape.rank(); ++axis) {
      const int64_t more = to_shape[axis] - from_shape[axis];
      from[axis] = to[axis] - (more > 0 ? more / 2 : -(-more / 2));
      inside = inside && from[axis] >= 0 && from[axis] < from_shape[axis];
    }
    if (inside) {
      out.Copy(to, x, from);
    } else {
      out.Set(to, kZero.data());
    }
  });
  return Status();
}

// ---- reverse_sequence: inputs x, lengths [batch] ----

struct SequenceAxes {
  size_t time = 0;
  size_t batch = 0;
};

Expected<SequenceAxes> SequenceAxesOf(const OpView& op, const Shape& x) {
  const auto& attributes = op.attributes<fbs::Sampling>();
  SequenceAxes axes;
  ANEREF_ASSIGN(axes.time, NormalizeAxis(attributes.time_axis(), x.rank()));
  ANEREF_ASSIGN(axes.batch, NormalizeAxis(attributes.batch_axis(), x.rank()));
  if (axes.time == axes.batch)
    return ShapeError("time and batch axis are both " +
                      std::to_string(axes.time));
  return axes;
}

Expected<std::vector<TensorType>> InferReverseSequence(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 2));
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const SequenceAxes axes, SequenceAxesOf(op, x));
  if (!IsInteger(op.In(1).dtype) || op.In(1).shape != Shape{x[axes.batch]}) {
    return ShapeError("lengths " + op.In(1).ToString() + " do not fit axis " +
                      std::to_string(axes.batch) + " of " + x.ToString());
  }
  return OneOutput(op.In(0).dtype, x.ToVector());
}

Status ReferenceReverseSequence(const OpView& op, const RefTensors& tensors) {
  const Shape& x = tensors.in[0].shape;
  ANEREF_ASSIGN(const SequenceAxes axes, SequenceAxesOf(op, x));
  const std::vector<int64_t> lengths = LoadInts(tensors.in[1]);
  for (int64_t length : lengths) {
    if (length < 0 || length > x[axes.time]) {
      return InvalidArgument("a sequence of length " + std::to_string(length) +
                             " does not fit " + std::to_string(x[axes.time]) +
                             " steps");
    }
  }
  const Elements in(tensors.in[0]), out(tensors.out[0]);
  ForEachIndex(x, [&](const Index& to) {
    const int64_t length = lengths[static_cast<size_t>(to[axes.batch])];
    Index from = to;
    if (to[axes.time] < length) from[axes.time] = length - 1 - to[axes.time];
    out.Copy(to, in, from);
  });
  return Status();
}

// ---- det: of the last two axes ----

Expected<std::vector<TensorType>> InferDeterminant(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_TRY(RequireFloating(op, 0));
  std::vector<int64_t> dims = op.In(0).shape.ToVector();
  if (dims.size() < 2 || dims.back() != dims[dims.size() - 2])
    return ShapeError("det needs square matrices, not " +
                      op.In(0).shape.ToString());
  dims.resize(dims.size() - 2);
  return OneOutput(op.In(0).dtype, dims);
}

// Elimination with the largest remaining element of a column as pivot (the
// first of equal ones).
double Determinant(std::vector<double> m, size_t n) {
  double product = 1;
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t row = k + 1; row < n; ++row) {
      if (std::fabs(m[row * n + k]) > std::fabs(m[pivot * n + k])) pivot = row;
    }
    if (pivot != k) {
      product = -product;
      for (size_t j = 0; j < n; ++j) std::swap(m[k * n + j], m[pivot * n + j]);
    }
    product *= m[k * n + k];
    if (m[k * n + k] == 0) return product;  // a zero with a sign, or NaN
    for (size_t row = k + 1; row < n; ++row) {
      const double factor = m[row * n + k] / m[k * n + k];
      for (size_t j = k; j < n; ++j) m[row * n + j] -= factor * m[k * n + j];
    }
  }
  return product;
}

Status ReferenceDeterminant(const OpView& /*op*/, const RefTensors& tensors) {
  const std::vector<double> values = LoadDoubles(tensors.in[0]);
  const auto n = static_cast<size_t>(tensors.in[0].shape.back());
  const auto count = static_cast<size_t>(tensors.out[0].shape.NumElements());
  std::vector<double> result;
  for (size_t i = 0; i < count; ++i) {
    const double* first = values.data() + i * n * n;
    result.push_back(Determinant(std::vector<double>(first, first + n * n), n));
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

}  // namespace

const SamplingKindDef kMaxUnpool = {InferMaxUnpool, ReferenceMaxUnpool};
const SamplingKindDef kColToImage = {InferColToImage, ReferenceColToImage};
const SamplingKindDef kCenterCropPad = {InferCenterCropPad,
                                        ReferenceCenterCropPad};
const SamplingKindDef kReverseSequence = {InferReverseSequence,
                                          ReferenceReverseSequence};
const SamplingKindDef kDeterminant = {InferDeterminant, ReferenceDeterminant};

}  // namespace aneref
