// Maximum, average and Lp pooling over 1 to 6 spatial axes (P6), and the global
// pools, which are reductions (P5). Not the inverse of max pooling, not pooling
// over regions of interest.
#include "ops/kernels/pool.h"

#include <cmath>
#include <limits>
#include <optional>

#include "ops/kernels/reduce.h"
#include "ops/op.h"
#include "ops/spatial.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

using Kind = fbs::PoolKind;
using Window = std::vector<WindowAxis>;

bool IsGlobal(const fbs::Pool& attributes) {
  return attributes.kernel() == nullptr || attributes.kernel()->size() == 0;
}

// Nothing for a global pool.
Expected<std::optional<Window>> WindowOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Pool>();
  if (IsGlobal(attributes)) return std::optional<Window>();
  WindowSpec spec = WindowSpecOf(attributes);
  spec.kernel = ToInts(attributes.kernel());
  spec.ceil_mode = attributes.ceil_mode();
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(Window window,
                MakeWindow(std::span(x.begin() + 2, x.rank() - 2), spec));
  return std::optional<Window>(std::move(window));
}

Status CheckTypes(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Pool>();
  if (attributes.kind() > Kind::MAX)
    return Unsupported("an unknown kind of pool");
  const DataType type = op.In(0).dtype;
  if (!IsFloating(type) &&
      !(attributes.kind() == Kind::max && IsInteger(type))) {
    return Unsupported(std::string("this pool of ") + DataTypeName(type));
  }
  if (attributes.kind() == Kind::lp &&
      !(std::isfinite(attributes.p()) && attributes.p() > 0.0f)) {
    return ShapeError("p must be positive, not " +
                      std::to_string(attributes.p()));
  }
  return Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_TRY(CheckTypes(op));
  const TensorType& x = op.In(0);
  const size_t most_outputs =
      op.attributes<fbs::Pool>().kind() == Kind::max ? 2 : 1;
  if (op.num_outputs() < 1 || op.num_outputs() > most_outputs) {
    return ShapeError("has " + std::to_string(op.num_outputs()) +
                      " outputs, at most " + std::to_string(most_outputs));
  }
  if (x.shape.rank() < 3)
    return ShapeError("needs batch, channel and spatial axes, not " +
                      x.shape.ToString());
  ANEREF_ASSIGN(const std::optional<Window> window, WindowOf(op));
  std::vector<int64_t> dims = x.shape.ToVector();
  for (size_t i = 2; i < dims.size(); ++i)
    dims[i] = window ? (*window)[i - 2].out : 1;
  ANEREF_ASSIGN(const Shape shape, MakeShape(dims));
  std::vector<TensorType> types = {{x.dtype, shape}};
  if (op.num_outputs() > 1) types.push_back({DataType::kInt64, shape});
  return types;
}

// ---- reference ----

// Elements of axis i that an average at output o divides by: with padding,
// those of the padded extent, so that overhang that only ceil_mode creates is
// never counted.
int64_t CountOf(const WindowAxis& axis, bool include_pad, int64_t o) {
  const int64_t low = include_pad ? -axis.pad_begin : 0;
  const int64_t high = axis.in + (include_pad ? axis.pad_end : 0);
  const int64_t first = o * axis.stride - axis.pad_begin;
  const int64_t skipped =
      first >= low ? 0 : (low - first + axis.dilation - 1) / axis.dilation;
  const int64_t reached =
      first >= high ? 0 : (high - first + axis.dilation - 1) / axis.dilation;
  return std::max<int64_t>(0, std::min(reached, axis.kernel) - skipped);
}

// Positions of [0, extents) in row-major order.
struct Odometer {
  explicit Odometer(std::vector<int64_t> limits)
      : extents(std::move(limits)), at(extents.size(), 0) {
    for (int64_t extent : extents) done = done || extent == 0;
  }
  void Next() {
    size_t i = extents.size();
    while (i > 0 && ++at[i - 1] == extents[i - 1]) at[--i] = 0;
    done = i == 0;
  }
  std::vector<int64_t> extents;
  std::vector<int64_t> at;
  bool done = false;
};

// Calls `visit(offset in the plane)` for the taps of one window that exist,
// depth, rows, columns (P6).
template <class Visit>
void ForEachTap(const Window& window, const std::vector<int64_t>& output,
                const Visit& visit) {
  // Only taps inside are walked, however large the kernel.
  std::vector<int64_t> first(window.size()), count(window.size());
  for (size_t i = 0; i < window.size(); ++i) {
    const WindowAxis& axis = window[i];
    const int64_t start = output[i] * axis.stride - axis.pad_begin;
    const int64_t skipped =
        start >= 0 ? 0 : (-start + axis.dilation - 1) / axis.dilation;
    first[i] = start + skipped * axis.dilation;
    count[i] = CountOf(axis, false, output[i]);
  }
  for (Odometer tap(count); !tap.done; tap.Next()) {
    int64_t offset = 0;
    for (size_t i = 0; i < window.size(); ++i) {
      offset =
          offset * window[i].in + first[i] + tap.at[i] * window[i].dilation;
    }
    visit(offset);
  }
}

float PowerOf(float x, float p) {
  if (p == 1.0f) return std::fabs(x);
  if (p == 2.0f) return x * x;
  return static_cast<float>(elementary::Pow(static_cast<double>(std::fabs(x)),
                                            static_cast<double>(p)));
}
float RootOf(float sum, float p) {
  if (p == 1.0f) return sum;
  if (p == 2.0f) return std::sqrt(sum);
  return static_cast<float>(
      elementary::Pow(static_cast<double>(sum), 1.0 / static_cast<double>(p)));
}

struct Pooled {
  float value = 0.0f;
  int64_t position = 0;  // of a maximum, in the plane
};

Pooled PoolWindow(const fbs::Pool& attributes, const Window& window,
                  const std::vector<int64_t>& output, const float* plane) {
  const Kind kind = attributes.kind();
  Pooled result{
      kind == Kind::max ? -std::numeric_limits<float>::infinity() : 0.0f, -1};
  ForEachTap(window, output, [&](int64_t offset) {
    const float x = plane[offset];
    if (kind == Kind::average) result.value += x;
    if (kind == Kind::lp) result.value += PowerOf(x, attributes.p());
    if (kind != Kind::max) return;
    if (result.position < 0 || x > result.value || x != x)
      result.position = offset;
    result.value = MaxOf(result.value, x);
  });
  if (kind == Kind::lp) result.value = RootOf(result.value, attributes.p());
  if (kind == Kind::average) {
    int64_t count = 1;
    for (size_t i = 0; i < window.size(); ++i)
      count *= CountOf(window[i], attributes.count_include_pad(), output[i]);
    result.value /= static_cast<float>(count);
  }
  return result;
}

// P5 over a whole plane.
Pooled PoolPlane(const fbs::Pool& attributes, const float* plane,
                 int64_t count) {
  Pooled result;
  if (attributes.kind() == Kind::lp) {
    std::vector<float> powers;
    for (int64_t i = 0; i < count; ++i)
      powers.push_back(PowerOf(plane[i], attributes.p()));
    const float sum =
        ReduceInOrder(LatticeOp::kSum, 0.0f, powers.data(), powers.size());
    return {RootOf(sum, attributes.p()), 0};
  }
  const bool is_max = attributes.kind() == Kind::max;
  result.value = ReduceInOrder(is_max ? LatticeOp::kMax : LatticeOp::kSum, 0.0f,
                               plane, static_cast<size_t>(count));
  if (!is_max) result.value /= static_cast<float>(count);
  const auto is_extreme = [&](float x) {
    return x == result.value || (x != x && result.value != result.value);
  };
  while (result.position + 1 < count && !is_extreme(plane[result.position]))
    ++result.position;
  return result;
}

// Position in the whole tensor of element `offset` of a plane.
int64_t FlatIndex(const Shape& x, int64_t plane, int64_t offset,
                  bool column_major) {
  const int64_t plane_size = x.NumElements(2, x.rank());
  if (!column_major) return plane * plane_size + offset;
  int64_t swapped = 0, stride = plane_size;
  for (size_t i = x.rank(); i-- > 2;) {  // the first spatial axis runs fastest
    stride /= x[i];
    swapped += offset % x[i] * stride;
    offset /= x[i];
  }
  return plane * plane_size + swapped;
}

// Calls `pool(plane, output position, flat output index)`; the position is
// empty for a global pool.
template <class Visit>
void ForEachOutput(const Shape& x, const std::optional<Window>& window,
                   const Visit& pool) {
  const int64_t num_planes = x[0] * x[1];
  std::vector<int64_t> extents;
  if (window) {
    for (const WindowAxis& axis : *window) extents.push_back(axis.out);
  }
  size_t flat = 0;
  for (int64_t plane = 0; plane < num_planes; ++plane) {
    for (Odometer output(extents); !output.done; output.Next())
      pool(plane, output.at, flat++);
  }
}

void StorePositions(const std::vector<int64_t>& positions,
                    const TensorView& view) {
  const int64_t width = view.width();
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto flat = static_cast<int64_t>(i);
    view.Row<int64_t>(flat / width)[flat % width] = positions[i];
  }
}

// Integers: the maximum is exact. uint64 is compared with its top bit flipped.
Pooled PoolIntegers(const std::optional<Window>& window,
                    const std::vector<int64_t>& output, int64_t flip,
                    const int64_t* plane, int64_t count, int64_t* best) {
  Pooled result{0.0f, -1};
  const auto visit = [&](int64_t offset) {
    const int64_t x = plane[offset] ^ flip;
    if (result.position >= 0 && x <= *best) return;
    *best = x;
    result.position = offset;
  };
  if (window) ForEachTap(*window, output, visit);
  for (int64_t i = 0; !window && i < count; ++i) visit(i);
  *best ^= flip;
  return result;
}

int64_t LeastInteger(DataType type) {
  const bool is_signed = type == DataType::kInt8 || type == DataType::kInt16 ||
                         type == DataType::kInt32 || type == DataType::kInt64;
  return is_signed ? -static_cast<int64_t>(~uint64_t{0} >>
                                           (65 - 8 * ElementSize(type))) -
                         1
                   : 0;
}

void ReferenceIntegers(const OpView& op, const std::optional<Window>& window,
                       const RefTensors& tensors,
                       std::vector<int64_t>* positions) {
  const TensorView& x = tensors.in[0];
  const TensorView& y = tensors.out[0];
  const std::vector<int64_t> values = LoadInts(x);
  const int64_t plane_size = x.shape.NumElements(2, x.shape.rank());
  const int64_t flip =
      x.dtype == DataType::kUint64 ? std::numeric_limits<int64_t>::min() : 0;
  const bool column_major = op.attributes<fbs::Pool>().column_major_indices();
  ForEachOutput(
      x.shape, window,
      [&](int64_t plane, const std::vector<int64_t>& output, size_t flat) {
        int64_t best = LeastInteger(x.dtype) ^ flip;
        const Pooled pooled =
            PoolIntegers(window, output, flip,
                         values.data() + plane * plane_size, plane_size, &best);
        positions->push_back(FlatIndex(x.shape, plane,
                                       std::max<int64_t>(pooled.position, 0),
                                       column_major));
        std::byte* row =
            y.Row<std::byte>(static_cast<int64_t>(flat) / y.width());
        const size_t column = flat % static_cast<size_t>(y.width());
        ConvertElements(DataType::kInt64, &best, y.dtype,
                        row + column * ElementSize(y.dtype), 1);
      });
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const std::optional<Window> window, WindowOf(op));
  const auto& attributes = op.attributes<fbs::Pool>();
  const TensorView& x = tensors.in[0];
  std::vector<int64_t> positions;
  if (IsInteger(x.dtype)) {
    ReferenceIntegers(op, window, tensors, &positions);
  } else {
    const std::vector<float> values = LoadFloats(x);
    std::vector<float> results;
    const int64_t plane_size = x.shape.NumElements(2, x.shape.rank());
    ForEachOutput(
        x.shape, window,
        [&](int64_t plane, const std::vector<int64_t>& output, size_t) {
          const float* data = values.data() + plane * plane_size;
          const Pooled pooled =
              window ? PoolWindow(attributes, *window, output, data)
                     : PoolPlane(attributes, data, plane_size);
          results.push_back(CanonicalNan(pooled.value));
          const int64_t position = std::max<int64_t>(pooled.position, 0);
          positions.push_back(FlatIndex(x.shape, plane, position,
                                        attributes.column_major_indices()));
        });
    StoreFloats(results, tensors.out[0]);
  }
  if (tensors.out.size() > 1 && tensors.out[1].data != nullptr)
    StorePositions(positions, tensors.out[1]);
  return Status();
}

// ---- lowering ----

PoolAxis AxisOf(const WindowAxis& window) {
  return {window.in,
          window.out,
          window.kernel,
          window.stride,
          window.dilation,
          window.pad_begin,
          {}};
}

std::vector<int64_t> CountsOf(const WindowAxis& window, bool include_pad) {
  std::vector<int64_t> counts(static_cast<size_t>(window.out));
  for (int64_t o = 0; o < window.out; ++o)
    counts[static_cast<size_t>(o)] = CountOf(window, include_pad, o);
  return counts;
}

// P5: a global pool is a reduction of each plane.
void LowerGlobal(const OpView& op, TaskBuilder* builder) {
  constexpr int64_t kUnitElements = 32768;
  const auto& attributes = op.attributes<fbs::Pool>();
  const Shape& x = op.In(0).shape;
  auto args = std::make_shared<ReduceArgs>();
  if (attributes.kind() == Kind::max) args->op = LatticeOp::kMax;
  if (attributes.kind() == Kind::average)
    args->end.finish = ReduceFinish::kMean;
  if (attributes.kind() == Kind::lp) {
    args->op =
        attributes.p() == 1.0f ? LatticeOp::kSumAbs : LatticeOp::kSumSquares;
    if (attributes.p() == 2.0f) args->end.finish = ReduceFinish::kSqrt;
  }
  args->items = x[0] * x[1];
  args->end.count = x.NumElements(2, x.rank());
  const int64_t rows = x.NumElements(2, x.rank() - 1);
  args->kept = {1, {args->items}, {rows}};
  args->reduced = {1, {rows}, {1}};
  args->items_per_unit = std::max<int64_t>(1, kUnitElements / args->end.count);
  TaskSpec task;
  task.kernel = &kReduceRowsKernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units =
      (args->items + args->items_per_unit - 1) / args->items_per_unit;
  task.flops = static_cast<double>(x.NumElements());
  task.args = std::move(args);
  builder->Add(std::move(task));
}

// False when the kernel does not take this window.
bool LowerWindow(const OpView& op, const Window& window, TaskBuilder* builder) {
  constexpr int64_t kUnitTaps = 65536;
  const auto& attributes = op.attributes<fbs::Pool>();
  if (window.size() > 2 || attributes.kind() == Kind::lp) return false;
  auto args = std::make_shared<PoolArgs>();
  args->is_max = attributes.kind() == Kind::max;
  args->columns = AxisOf(window.back());
  if (window.size() == 2) args->rows = AxisOf(window[0]);
  const size_t scratch = PoolScratchBytes(*args);
  if (scratch == SIZE_MAX) return false;
  // Only now: axes that the kernel does not take may be of any length.
  if (!args->is_max) {
    const bool include_pad = attributes.count_include_pad();
    args->columns.counts = CountsOf(window.back(), include_pad);
    args->rows.counts = {1};
    if (window.size() == 2)
      args->rows.counts = CountsOf(window[0], include_pad);
  }
  const int64_t row_taps =
      args->columns.out * args->columns.kernel * args->rows.kernel;
  args->num_output_rows = op.Out(0).shape.NumRows();
  args->rows_per_unit = std::max<int64_t>(1, kUnitTaps / row_taps);
  // Whole planes where they fit: a unit widens its first rows anew.
  if (args->rows_per_unit > args->rows.out)
    args->rows_per_unit -= args->rows_per_unit % args->rows.out;
  TaskSpec task;
  task.kernel = &kPoolKernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units =
      (args->num_output_rows + args->rows_per_unit - 1) / args->rows_per_unit;
  task.scratch_bytes = scratch;
  task.flops = static_cast<double>(args->num_output_rows) *
               static_cast<double>(row_taps);
  task.args = std::move(args);
  builder->Add(std::move(task));
  return true;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const std::optional<Window> window, WindowOf(op));
  const auto& attributes = op.attributes<fbs::Pool>();
  const TensorType& x = op.In(0);
  if (op.Out(0).shape.NumElements() == 0) return Status();
  const bool has_kernel_type =
      x.dtype == DataType::kFloat16 || x.dtype == DataType::kFloat32;
  if (has_kernel_type && x.shape.NumElements() > 0 && !op.HasOutput(1)) {
    const bool is_plain = attributes.kind() != Kind::lp ||
                          attributes.p() == 1.0f || attributes.p() == 2.0f;
    if (!window && is_plain) {
      LowerGlobal(op, builder);
      return Status();
    }
    if (window && LowerWindow(op, *window, builder)) return Status();
  }
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef pool_op = {
    "pool", "Maximum, average or Lp norm of sliding windows, or of whole maps.",
    Infer, Lower, Reference};

}  // namespace aneref
