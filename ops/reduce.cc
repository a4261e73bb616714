// Reductions: sum, mean, max, min, prod, norms, log-sum-exp, arg-max and
// arg-min over any axes (P5; integers P13). Not the cumulative sums, not the
// normalisations.
#include "ops/kernels/reduce.h"

#include <cmath>
#include <limits>

#include "ops/device_ops.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

using Kind = fbs::ReduceKind;

bool IsArg(Kind kind) { return kind == Kind::arg_max || kind == Kind::arg_min; }

// One reduction as planned: which axes of x go.
struct Plan {
  std::array<bool, kMaxRank> reduced{};
  int64_t count = 1;  // elements per output
  Shape output;
};

Expected<std::vector<int64_t>> AxesOf(const OpView& op) {
  if (!op.HasInput(1)) return ToInts(op.attributes<fbs::Reduce>().axes());
  if (IsFloating(op.In(1).dtype) || op.In(1).shape.rank() > 1) {
    return ShapeError("axes must be an integer vector, not " +
                      op.In(1).ToString());
  }
  return op.KnownInts(1, kMaxRank);
}

Expected<Plan> MakePlan(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Reduce>();
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const std::vector<int64_t> axes, AxesOf(op));
  if (IsArg(attributes.kind()) && axes.size() != 1) {
    return ShapeError("arg_max and arg_min take one axis, not " +
                      std::to_string(axes.size()));
  }
  Plan plan;
  if (axes.empty() && !attributes.noop_with_empty_axes())
    plan.reduced.fill(true);
  for (int64_t axis : axes) {
    // A scalar counts as a vector of one element.
    ANEREF_ASSIGN(const size_t normal,
                  NormalizeAxis(axis, std::max<size_t>(x.rank(), 1)));
    if (plan.reduced[normal])
      return ShapeError("axis " + std::to_string(axis) + " is named twice");
    plan.reduced[normal] = true;
  }
  for (size_t i = 0; i < x.rank(); ++i) {
    if (plan.reduced[i]) plan.count *= x[i];
    if (!plan.reduced[i]) plan.output.Append(x[i]);
    if (plan.reduced[i] && attributes.keep_dims()) plan.output.Append(1);
  }
  return plan;
}

Status CheckType(Kind kind, DataType type) {
  if (type != DataType::kBool || kind == Kind::max || kind == Kind::min)
    return Status();
  return Unsupported(std::string("reduction ") + fbs::EnumNameReduceKind(kind) +
                     " of bool");
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 2));
  if (op.num_outputs() != 1)
    return ShapeError("has " + std::to_string(op.num_outputs()) +
                      " outputs, not 1");
  const Kind kind = op.attributes<fbs::Reduce>().kind();
  if (kind > Kind::MAX)
    return Unsupported("reduction " + std::to_string(static_cast<int>(kind)) +
                       " is unknown");
  ANEREF_TRY(CheckType(kind, op.In(0).dtype));
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  ANEREF_ASSIGN(const Shape shape, MakeShape(plan.output.ToVector()));
  if (IsArg(kind) && plan.count == 0 && shape.NumElements() > 0) {
    return ShapeError("an empty axis has no extreme element: " +
                      op.In(0).shape.ToString());
  }
  return std::vector<TensorType>{
      {IsArg(kind) ? DataType::kInt64 : op.In(0).dtype, shape}};
}

struct Meaning {
  LatticeOp op;
  ReduceFinish finish;
  float scale = 1.0f;
};

Meaning MeaningOf(const fbs::Reduce& table) {
  const Kind kind = table.kind();
  if (kind == Kind::sum && table.scale() != 1.0f)
    return {LatticeOp::kSum, ReduceFinish::kScale, table.scale()};
  switch (kind) {
    case Kind::mean:
      return {LatticeOp::kSum, ReduceFinish::kMean};
    case Kind::max:
    case Kind::arg_max:
      return {LatticeOp::kMax, ReduceFinish::kNone};
    case Kind::min:
    case Kind::arg_min:
      return {LatticeOp::kMin, ReduceFinish::kNone};
    case Kind::prod:
      return {LatticeOp::kProduct, ReduceFinish::kNone};
    case Kind::l1:
      return {LatticeOp::kSumAbs, ReduceFinish::kNone};
    case Kind::l2:
      return {LatticeOp::kSumSquares, ReduceFinish::kSqrt};
    case Kind::sum_square:
      return {LatticeOp::kSumSquares, ReduceFinish::kNone};
    case Kind::log_sum:
      return {LatticeOp::kSum, ReduceFinish::kLog};
    case Kind::log_sum_exp:
      return {LatticeOp::kSumExp, ReduceFinish::kLogAddShift};
    default:
      return {LatticeOp::kSum, ReduceFinish::kNone};
  }
}

// ---- reference ----

// Calls `visit(output, index)` with the flat index of every element of x in
// row-major order and the flat index of the output it belongs to.
template <class Visit>
void ForEachElement(const Shape& x, const std::array<bool, kMaxRank>& reduced,
                    const Visit& visit) {
  std::array<int64_t, kMaxRank>
      strides{};  // of the output, 0 for a reduced axis
  int64_t stride = 1;
  for (size_t i = x.rank(); i-- > 0;) {
    if (reduced[i]) continue;
    strides[i] = stride;
    stride *= x[i];
  }
  const int64_t count = x.NumElements();
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t rest = flat, output = 0;
    for (size_t i = x.rank(); i-- > 0; rest /= x[i])
      output += rest % x[i] * strides[i];
    visit(static_cast<size_t>(output), static_cast<size_t>(flat));
  }
}

// The elements of each output, in row-major order.
template <class T>
std::vector<std::vector<T>> Gather(const std::vector<T>& x, const Shape& shape,
                                   const Plan& plan) {
  std::vector<std::vector<T>> groups(
      static_cast<size_t>(plan.output.NumElements()));
  for (auto& group : groups) group.reserve(static_cast<size_t>(plan.count));
  ForEachElement(shape, plan.reduced, [&](size_t output, size_t i) {
    groups[output].push_back(x[i]);
  });
  return groups;
}

float ReduceFloats(const Meaning& meaning, const std::vector<float>& elements) {
  float shift = 0.0f;
  if (meaning.op == LatticeOp::kSumExp)
    shift = ExpShift(
        ReduceInOrder(LatticeOp::kMax, 0.0f, elements.data(), elements.size()));
  const float value =
      ReduceInOrder(meaning.op, shift, elements.data(), elements.size());
  const ReduceEnd end = {meaning.finish, static_cast<int64_t>(elements.size()),
                         meaning.scale};
  return FinishReduction(end, value, shift);
}

bool IsUnsigned(DataType type) {
  return type == DataType::kUint8 || type == DataType::kUint16 ||
         type == DataType::kUint32 || type == DataType::kUint64 ||
         type == DataType::kBool;
}

// The value an empty maximum (or minimum) of integers has: the least (or
// greatest) of the type, as int64 bits.
int64_t IntegerIdentity(DataType type, bool maximum) {
  if (type == DataType::kBool) return maximum ? 0 : 1;
  const auto bits = static_cast<int>(ElementSize(type)) * 8;
  const uint64_t all = ~uint64_t{0} >> (64 - bits);
  if (IsUnsigned(type)) return static_cast<int64_t>(maximum ? 0 : all);
  const auto greatest = static_cast<int64_t>(all >> 1);
  return maximum ? -greatest - 1 : greatest;
}

bool LessInteger(int64_t a, int64_t b, bool is_unsigned) {
  return is_unsigned ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b)
                     : a < b;
}

int64_t ExtremeInteger(DataType type, bool maximum,
                       const std::vector<int64_t>& elements) {
  int64_t best = IntegerIdentity(type, maximum);
  for (int64_t x : elements) {
    if (maximum ? LessInteger(best, x, IsUnsigned(type))
                : LessInteger(x, best, IsUnsigned(type)))
      best = x;
  }
  return best;
}

// P13: exact modulo 2^64; narrowing to the type wraps.
uint64_t SumIntegers(Kind kind, DataType type,
                     const std::vector<int64_t>& elements) {
  uint64_t sum = kind == Kind::prod ? 1 : 0;
  for (int64_t element : elements) {
    const auto x = static_cast<uint64_t>(element);
    if (kind == Kind::prod)
      sum *= x;
    else if (kind == Kind::l1)
      sum += element < 0 && !IsUnsigned(type) ? 0 - x : x;
    else if (kind == Kind::l2 || kind == Kind::sum_square)
      sum += x * x;
    else
      sum += x;
  }
  return sum;
}

// A double result truncates and saturates, as a cast does (P14).
int64_t TruncateTo(DataType type, double value) {
  int64_t narrowed = 0;
  std::byte bytes[8] = {};
  ConvertElements(DataType::kFloat64, &value, type, bytes, 1);
  ConvertElements(type, bytes, DataType::kInt64, &narrowed, 1);
  return narrowed;
}

int64_t ReduceIntegers(Kind kind, DataType type,
                       const std::vector<int64_t>& elements) {
  if (kind == Kind::max || kind == Kind::min)
    return ExtremeInteger(type, kind == Kind::max, elements);
  const auto as_double = [&](uint64_t x) {
    return IsUnsigned(type) ? static_cast<double>(x)
                            : static_cast<double>(static_cast<int64_t>(x));
  };
  if (kind == Kind::log_sum_exp) {
    if (elements.empty())
      return TruncateTo(type, -std::numeric_limits<double>::infinity());
    const double maximum =
        as_double(static_cast<uint64_t>(ExtremeInteger(type, true, elements)));
    double sum = 0.0;
    for (int64_t x : elements)
      sum += elementary::Exp(as_double(static_cast<uint64_t>(x)) - maximum);
    return TruncateTo(type, elementary::Log(sum) + maximum);
  }
  const uint64_t sum = SumIntegers(kind, type, elements);
  if (kind == Kind::l2) return TruncateTo(type, std::sqrt(as_double(sum)));
  if (kind == Kind::log_sum)
    return TruncateTo(type, elementary::Log(as_double(sum)));
  if (kind != Kind::mean) return static_cast<int64_t>(sum);
  if (elements.empty()) return 0;
  if (IsUnsigned(type)) return static_cast<int64_t>(sum / elements.size());
  return static_cast<int64_t>(sum) / static_cast<int64_t>(elements.size());
}

// `less(a, b)` is a < b; NaN is handled by `is_nan`.
template <class T, class Less, class IsNan>
int64_t ArgExtreme(const std::vector<T>& elements, bool maximum,
                   bool select_last, const Less& less, const IsNan& is_nan) {
  size_t best = 0;
  for (size_t i = 1; i < elements.size(); ++i) {
    const T a = elements[best], b = elements[i];
    const bool nan_a = is_nan(a), nan_b = is_nan(b);
    const bool tie = nan_a || nan_b ? nan_a && nan_b : a == b;
    const bool better =
        nan_a || nan_b ? nan_b && !nan_a : (maximum ? less(a, b) : less(b, a));
    if (better || (tie && select_last)) best = i;
  }
  return static_cast<int64_t>(best);
}

void StoreInts(const std::vector<int64_t>& values, const TensorView& view) {
  const auto width = static_cast<size_t>(view.width());
  for (size_t i = 0; i < values.size(); ++i) {
    std::byte* row = view.Row<std::byte>(static_cast<int64_t>(i / width));
    ConvertElements(DataType::kInt64, &values[i], view.dtype,
                    row + i % width * ElementSize(view.dtype), 1);
  }
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  const auto& attributes = op.attributes<fbs::Reduce>();
  const Kind kind = attributes.kind();
  const TensorView& x = tensors.in[0];
  const bool is_max = kind == Kind::arg_max,
             last = attributes.select_last_index();
  if (IsFloating(x.dtype)) {
    const auto groups = Gather(LoadFloats(x), x.shape, plan);
    std::vector<float> values;
    std::vector<int64_t> positions;
    for (const auto& group : groups) {
      if (IsArg(kind)) {
        positions.push_back(ArgExtreme(
            group, is_max, last, [](float a, float b) { return a < b; },
            [](float a) { return a != a; }));
      } else {
        values.push_back(
            CanonicalNan(ReduceFloats(MeaningOf(attributes), group)));
      }
    }
    if (IsArg(kind))
      StoreInts(positions, tensors.out[0]);
    else
      StoreFloats(values, tensors.out[0]);
    return Status();
  }
  const auto groups = Gather(LoadInts(x), x.shape, plan);
  const bool is_unsigned = IsUnsigned(x.dtype);
  std::vector<int64_t> values;
  for (const auto& group : groups) {
    values.push_back(IsArg(kind) ? ArgExtreme(
                                       group, is_max, last,
                                       [&](int64_t a, int64_t b) {
                                         return LessInteger(a, b, is_unsigned);
                                       },
                                       [](int64_t) { return false; })
                                 : ReduceIntegers(kind, x.dtype, group));
  }
  StoreInts(values, tensors.out[0]);
  return Status();
}

// ---- lowering ----

// A unit reads about this many elements.
constexpr int64_t kUnitElements = 32768;

// Appends an axis, merged with its predecessor where the two run on in one
// stride.
void AppendAxis(int64_t dim, int64_t stride, RowAxes* axes) {
  if (dim == 1) return;
  if (axes->rank > 0 && axes->strides[axes->rank - 1] == dim * stride) {
    axes->dims[axes->rank - 1] *= dim;
    axes->strides[axes->rank - 1] = stride;
    return;
  }
  axes->dims[axes->rank] = dim;
  axes->strides[axes->rank++] = stride;
}

ReduceArgs MakeArgs(const OpView& op, const Plan& plan) {
  const Shape& x = op.In(0).shape;
  const auto& attributes = op.attributes<fbs::Reduce>();
  const Meaning meaning = MeaningOf(attributes);
  ReduceArgs args;
  args.op = meaning.op;
  args.end.finish = meaning.finish;
  args.end.scale = meaning.scale;
  args.select_last = attributes.select_last_index();
  args.end.count = plan.count;
  for (size_t i = 0; i + 1 < x.rank(); ++i) {
    AppendAxis(x[i], x.NumElements(i + 1, x.rank() - 1),
               plan.reduced[i] ? &args.reduced : &args.kept);
  }
  return args;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  const TensorType& x = op.In(0);
  const int64_t num_outputs = plan.output.NumElements();
  if (num_outputs == 0) return Status();
  const bool is_arg = IsArg(op.attributes<fbs::Reduce>().kind());
  if ((x.dtype != DataType::kFloat16 && x.dtype != DataType::kFloat32) ||
      plan.count == 0) {
    return LowerToReference(op, Reference, builder);
  }
  const bool reduces_last =
      x.shape.rank() == 0 || plan.reduced[x.shape.rank() - 1];
  auto args = std::make_shared<ReduceArgs>(MakeArgs(op, plan));
  const int64_t strips = (x.shape.back() + kReduceStrip - 1) / kReduceStrip;
  args->items =
      reduces_last ? num_outputs : num_outputs / x.shape.back() * strips;
  const int64_t item_elements =
      reduces_last ? plan.count
                   : plan.count * std::min(kReduceStrip, x.shape.back());
  args->items_per_unit = std::max<int64_t>(1, kUnitElements / item_elements);
  TaskSpec task;
  task.num_units =
      (args->items + args->items_per_unit - 1) / args->items_per_unit;
  if (reduces_last) {
    task.kernel = is_arg ? &kArgRowsKernel : &kReduceRowsKernel;
  } else {
    task.kernel = is_arg ? &kArgColumnsKernel : &kReduceColumnsKernel;
    task.scratch_bytes = is_arg ? kArgColumnsScratch : kReduceColumnsScratch;
  }
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.args = std::move(args);
  task.flops = is_arg ? 0.0 : static_cast<double>(x.shape.NumElements());
  builder->Add(std::move(task));
  return Status();
}

}  // namespace

Expected<std::array<bool, kMaxRank>> ReducedAxes(const OpView& op) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  return plan.reduced;
}

const OpDef reduce_op = {
    "reduce",
    "Folds elements over axes: sum, mean, extremes, norms and their positions.",
    Infer, Lower, Reference};

}  // namespace aneref
