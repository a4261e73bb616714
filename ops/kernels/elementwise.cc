// Scalar twin of the elementwise kernels, and the walk over the rows of a work
// unit that both twins share.
#include "ops/kernels/elementwise.h"

#include <array>
#include <limits>

#include "ops/kernels/elementwise_math.h"
#include "ops/kernels/elementwise_types.h"
#include "runtime/core/convert.h"
#include "runtime/core/elementary.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

template <class Function, class Element>
void ScalarBlock(const ElementwiseBlock& block) {
  using Result =
      std::conditional_t<Function::kClass == ElementwiseClass::kComparison,
                         BoolElement, Element>;
  using Stored = typename Element::Stored;
  const size_t x_step = block.x_repeats ? 0 : 1;
  const size_t y_step = block.y_repeats ? 0 : 1;
  for (size_t row = 0; row < block.rows; ++row) {
    const auto* x =
        reinterpret_cast<const Stored*>(block.x + row * block.x_pitch);
    const auto* y =
        reinterpret_cast<const Stored*>(block.y + row * block.y_pitch);
    auto* out = reinterpret_cast<typename Result::Stored*>(
        block.out + row * block.out_pitch);
    for (size_t i = 0; i < block.count; ++i) {
      out[i] = Result::Store(Function::Apply(Element::Load(x[i * x_step]),
                                             Element::Load(y[i * y_step])));
    }
  }
}

template <class Element>
constexpr DataType TypeClass() {
  if (std::is_same_v<Element, BoolElement>) return DataType::kBool;
  return std::is_floating_point_v<typename Element::Number> ? DataType::kFloat32
                                                            : DataType::kInt32;
}

ElementwiseBlock BlockOf(const BroadcastPlan& plan, const BroadcastSpan& span,
                         const KernelCall& call) {
  const TensorView& out = call.out[0];
  ElementwiseBlock block;
  block.x = OperandAt(plan, span, call.in[0], 0);
  block.y = OperandAt(plan, span, call.in[1], 1);
  block.out = out.Row<std::byte>(span.out_row) +
              static_cast<size_t>(span.column) * ElementSize(out.dtype);
  block.count = static_cast<size_t>(span.count);
  block.x_repeats = plan.repeats[0];
  block.y_repeats = plan.repeats[1];
  block.rows = static_cast<size_t>(span.num_rows);
  block.x_pitch = OperandPitch(span, call.in[0], 0);
  block.y_pitch = OperandPitch(span, call.in[1], 1);
  block.out_pitch = out.row_pitch;
  return block;
}

template <class Find>
void RunUnit(const KernelCall& call, int64_t unit, const Find& find) {
  const auto& args = *static_cast<const ElementwiseArgs*>(call.args);
  const ElementwiseFunction run = find(args.kind, call.in[0].dtype);
  ForEachBlock(args.plan, unit, [&](const BroadcastSpan& span) {
    run(BlockOf(args.plan, span, call));
  });
}

Status RunScalar(const KernelCall& call, int64_t unit) {
  RunUnit(call, unit, ScalarElementwise);
  return Status();
}

Status RunSimd(const KernelCall& call, int64_t unit) {
  RunUnit(call, unit, [](fbs::ElementwiseKind kind, DataType type) {
    const ElementwiseFunction simd = SimdElementwise(kind, type);
    return simd != nullptr ? simd : ScalarElementwise(kind, type);
  });
  return Status();
}

// ---- power ----

constexpr size_t kPowerBlock = 128;

// `is_unsigned`: the exponent's bits are those of a uint64.
int64_t IntegerPower(int64_t base, int64_t exponent, bool is_unsigned) {
  if (exponent < 0 && !is_unsigned) {
    if (base == 1) return 1;
    return base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  }
  uint64_t result = 1;
  auto square = static_cast<uint64_t>(base);
  for (auto bits = static_cast<uint64_t>(exponent); bits != 0; bits >>= 1) {
    if ((bits & 1) != 0) result *= square;
    square *= square;
  }
  return static_cast<int64_t>(result);
}

// `count` elements as T, a repeated one copied.
template <class T>
void LoadOperand(DataType from, const std::byte* data, bool repeats,
                 size_t count, std::array<T, kPowerBlock>* block) {
  constexpr DataType kTo =
      std::is_same_v<T, double> ? DataType::kFloat64 : DataType::kInt64;
  ConvertElements(from, data, kTo, block->data(), repeats ? 1 : count);
  if (repeats)
    std::fill(block->begin() + 1,
              block->begin() + static_cast<ptrdiff_t>(count), (*block)[0]);
}

void PowerPart(const PowerTypes& types, const ElementwiseBlock& row) {
  if (!IsFloating(types.base) && !IsFloating(types.exponent)) {
    std::array<int64_t, kPowerBlock> x{};
    std::array<int64_t, kPowerBlock> y{};
    LoadOperand(types.base, row.x, row.x_repeats, row.count, &x);
    LoadOperand(types.exponent, row.y, row.y_repeats, row.count, &y);
    const bool is_unsigned = types.exponent == DataType::kUint64;
    for (size_t i = 0; i < row.count; ++i)
      x[i] = IntegerPower(x[i], y[i], is_unsigned);
    ConvertElements(DataType::kInt64, x.data(), types.base, row.out,
                    row.count);  // wraps
    return;
  }
  std::array<double, kPowerBlock> x{};
  std::array<double, kPowerBlock> y{};
  LoadOperand(types.base, row.x, row.x_repeats, row.count, &x);
  LoadOperand(types.exponent, row.y, row.y_repeats, row.count, &y);
  for (size_t i = 0; i < row.count; ++i) {
    double power = elementary::Pow(x[i], y[i]);
    // P2: infinite only beyond double's range, not at a pole.
    if (std::isinf(power) && types.base == DataType::kFloat16 &&
        std::isfinite(x[i]) && std::isfinite(y[i]) && x[i] != 0.0)
      power = std::copysign(65504.0, power);
    x[i] = power != power ? std::numeric_limits<double>::quiet_NaN()
                          : power;  // P15
  }
  if (types.base == DataType::kFloat16) {
    auto* halves = reinterpret_cast<uint16_t*>(row.out);
    for (size_t i = 0; i < row.count; ++i)
      halves[i] = StoreHalfFromDouble(x[i]);
    return;
  }
  ConvertElements(DataType::kFloat64, x.data(), types.base, row.out, row.count);
}

// A square needs no Pow: the product of two fp16 or fp32 numbers, rounded once,
// is what Pow and a rounding give.
bool IsSquare(const PowerTypes& types, const ElementwiseBlock& row) {
  if (types.base > DataType::kFloat32 || !row.y_repeats || row.x_repeats)
    return false;
  double exponent = 0;
  ConvertElements(types.exponent, row.y, DataType::kFloat64, &exponent, 1);
  return exponent == 2.0;
}

template <bool kSimd>
Status RunPower(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ElementwiseArgs*>(call.args);
  const PowerTypes types = {call.in[0].dtype, call.in[1].dtype};
  ForEachSpan(args.plan, unit, [&](const BroadcastSpan& span) {
    ElementwiseBlock row = BlockOf(args.plan, span, call);
    if (kSimd && IsSquare(types, row)) {
      row.y = row.x;
      row.y_repeats = false;
      SimdElementwise(fbs::ElementwiseKind::mul, types.base)(row);
    } else {
      PowerElements(types, row);
    }
  });
  return Status();
}

}  // namespace

ElementwiseFunction ScalarElementwise(fbs::ElementwiseKind kind,
                                      DataType type) {
  return VisitElementwise(kind, [type](auto function) {
    using Function = decltype(function);
    return VisitElement(type, [](auto element) -> ElementwiseFunction {
      using Element = decltype(element);
      if constexpr (AcceptsType(Function::kClass, TypeClass<Element>()))
        return ScalarBlock<Function, Element>;
      return nullptr;
    });
  });
}

void PowerElements(const PowerTypes& types, const ElementwiseBlock& row) {
  ElementwiseBlock part = row;
  for (size_t i = 0; i < row.count; i += kPowerBlock) {
    part.count = std::min(kPowerBlock, row.count - i);
    if (!row.x_repeats) part.x = row.x + i * ElementSize(types.base);
    if (!row.y_repeats) part.y = row.y + i * ElementSize(types.exponent);
    part.out = row.out + i * ElementSize(types.base);
    PowerPart(types, part);
  }
}

const Kernel kElementwiseKernel = {"elementwise", RunScalar, RunSimd};
const Kernel kPowerKernel = {"power", RunPower<false>, RunPower<true>};

}  // namespace aneref
